//! Manifests: text in, objects of our two kinds out, each checked as far as its own content goes.
//!
//! A field that the kind does not have is refused with its path: a misspelt one would otherwise be lost without a word.
//! What needs other objects is not here ([`vmdhcp_core::admission`]).

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use kube::ResourceExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vmdhcp_core::api::{GROUP, IPPool, VERSION, VirtualMachineNetworkConfig, read_strictly};
use vmdhcp_core::network::is_dns_subdomain;

use crate::failure::Failure;

/// Where an object was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// File, or `standard input`.
    file: String,
    /// Which document of the file, from 1.
    document: usize,
    /// Which item of a List, from 0.
    item: Option<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, document, item } = self;
        write!(f, "{file}, document {document}")?;
        item.map_or(Ok(()), |item| write!(f, ", items[{item}]"))
    }
}

/// An object of one of the kinds.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    /// A pool.
    Pool(Box<IPPool>),
    /// A claim.
    Claim(Box<VirtualMachineNetworkConfig>),
}

impl Object {
    fn identity(&self) -> (&'static str, String, String) {
        match self {
            Self::Pool(pool) => ("IPPool", pool.namespace().unwrap_or_default(), pool.name_any()),
            Self::Claim(claim) => {
                ("VirtualMachineNetworkConfig", claim.namespace().unwrap_or_default(), claim.name_any())
            }
        }
    }
}

/// An object, and where it was declared.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Where.
    pub origin: Origin,
    /// What.
    pub object: Object,
}

/// The namespace for objects that name none, and whether they may name another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Namespace<'a> {
    /// Its name.
    pub name: &'a str,
    /// It was asked for: an object in another one is refused.
    pub required: bool,
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_file(path: &Path) -> Result<(String, String), Failure> {
    let failed = |source| Failure::File { doing: "read", path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        return Ok(("standard input".into(), text));
    }
    Ok((path.display().to_string(), fs::read_to_string(path).map_err(failed)?))
}

/// All objects that the texts (name and content each) declare, or everything that is wrong with them.
pub(crate) fn parse(texts: &[(String, String)], namespace: Namespace<'_>) -> Result<Vec<Declared>, Failure> {
    let mut declared: Vec<Declared> = Vec::new();
    let mut causes = Vec::new();
    for (file, text) in texts {
        let before = (declared.len(), causes.len());
        for (number, document) in documents(text).into_iter().enumerate() {
            let origin = Origin { file: file.clone(), document: number + 1, item: None };
            match document {
                Ok(Value::Null) => {}
                Ok(document) => read_document(&origin, document, namespace, &mut declared, &mut causes),
                Err(why) => causes.push(format!("{origin}: {why}")),
            }
        }
        if before == (declared.len(), causes.len()) {
            causes.push(format!("{file}: declares no object"));
        }
    }
    causes.extend(declared_twice(&declared));
    if causes.is_empty() {
        Ok(declared)
    } else {
        Err(Failure::Refused { subject: "the input".into(), causes })
    }
}

/// The documents of a text: a stream of JSON objects if it begins like one, else YAML.
///
/// Both are read into YAML's values, because those refuse a key that is there twice.
fn documents(text: &str) -> Vec<Result<Value, String>> {
    let mut documents = Vec::new();
    if text.trim_start().starts_with('{') {
        let stream = serde_json::Deserializer::from_str(text).into_iter::<serde_yaml::Value>();
        documents
            .extend(stream.map(|document| document.map_err(|e| format!("is not JSON: {e}")).and_then(plain)));
        return documents;
    }
    for document in serde_yaml::Deserializer::from_str(text) {
        let document = serde_yaml::Value::deserialize(document).map_err(|e| format!("is not YAML: {e}"));
        let broken = document.is_err();
        documents.push(document.and_then(plain));
        // Behind an error the reader has no place to go on from.
        if broken {
            break;
        }
    }
    documents
}

/// The document without what only YAML has: merge keys, tags, keys that are no texts.
fn plain(mut document: serde_yaml::Value) -> Result<Value, String> {
    let wrong = |e: &dyn fmt::Display| format!("is not YAML that an object can be made of: {e}");
    document.apply_merge().map_err(|e| wrong(&e))?;
    serde_json::to_value(document).map_err(|e| wrong(&e))
}

fn read_document(
    origin: &Origin,
    document: Value,
    namespace: Namespace<'_>,
    declared: &mut Vec<Declared>,
    causes: &mut Vec<String>,
) {
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
    if kind == "List" || kind == "IPPoolList" || kind == "VirtualMachineNetworkConfigList" {
        match document {
            Value::Object(mut list) => match list.remove("items") {
                Some(Value::Array(items)) => {
                    for (number, item) in items.into_iter().enumerate() {
                        let origin = Origin { item: Some(number), ..origin.clone() };
                        read_document(&origin, item, namespace, declared, causes);
                    }
                }
                _ => causes.push(format!("{origin}: items: is missing, or is not a list")),
            },
            _ => causes.push(format!("{origin}: is not an object")),
        }
        return;
    }
    match read_object(document, namespace) {
        Ok(object) => declared.push(Declared { origin: origin.clone(), object }),
        Err(wrong) => causes.extend(wrong.into_iter().map(|why| format!("{origin}: {why}"))),
    }
}

fn read_object(document: Value, namespace: Namespace<'_>) -> Result<Object, Vec<String>> {
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    if !document.is_object() {
        return Err(vec!["is not an object: apiVersion, kind, metadata and spec are expected".into()]);
    }
    let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return Err(vec!["apiVersion and kind are both needed, and both are texts".into()]);
    };
    let group_of = |version: &str| version.split_once('/').map(|(group, _)| group.to_owned());
    match (kind.as_str(), version == format!("{GROUP}/{VERSION}")) {
        ("IPPool", true) => read_as(document, namespace).map(|pool| Object::Pool(Box::new(pool))),
        ("VirtualMachineNetworkConfig", true) => {
            read_as(document, namespace).map(|claim| Object::Claim(Box::new(claim)))
        }
        ("IPPool" | "VirtualMachineNetworkConfig", false) if group_of(&version).as_deref() == Some(GROUP) => {
            Err(vec![format!("apiVersion: {version} is not served; write {GROUP}/{VERSION}")])
        }
        _ => Err(vec![format!(
            "{version} {kind} is none of the kinds that vmdhcp applies (IPPool and VirtualMachineNetworkConfig of {GROUP}/{VERSION}); use kubectl for it"
        )]),
    }
}

/// Reads an object of a kind: every field known, its name good, its namespace filled in.
fn read_as<K: DeserializeOwned + ResourceExt>(
    mut document: Value,
    namespace: Namespace<'_>,
) -> Result<K, Vec<String>> {
    // Kind and version have been looked at. The status is the manager's, and here only because the output of
    // `-o yaml` shall apply as it is.
    if let Some(document) = document.as_object_mut() {
        for seen in ["apiVersion", "kind", "status"] {
            document.remove(seen);
        }
    }
    let mut object: K = read_strictly(document)?;
    let mut wrong = Vec::new();
    match object.meta().name.as_deref() {
        None | Some("") => wrong.push("metadata.name: is missing".into()),
        Some(name) if !is_dns_subdomain(name, 253) => wrong.push(format!(
            "metadata.name: {name:?} is not the name of an object; use lower-case letters, digits, '-' and '.'"
        )),
        Some(_) => {}
    }
    let Namespace { name, required } = namespace;
    match object.meta().namespace.as_deref().filter(|named| !named.is_empty()) {
        None => object.meta_mut().namespace = Some(name.to_owned()),
        Some(named) if required && named != name => wrong
            .push(format!("metadata.namespace: is {named}, and -n says {name}; leave one of the two out")),
        Some(named) if !is_dns_subdomain(named, 63) => {
            wrong.push(format!("metadata.namespace: {named:?} is not the name of a namespace"));
        }
        Some(_) => {}
    }
    if wrong.is_empty() { Ok(object) } else { Err(wrong) }
}

/// One object declared in two places: which of the two is meant, nobody can say.
fn declared_twice(declared: &[Declared]) -> Vec<String> {
    let mut first: BTreeMap<_, &Origin> = BTreeMap::new();
    let mut causes = Vec::new();
    for Declared { origin, object } in declared {
        let (kind, namespace, name) = object.identity();
        if let Some(before) = first.insert((kind, namespace.clone(), name.clone()), origin) {
            causes.push(format!("{origin}: {kind} {namespace}/{name} is declared in {before} already"));
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata: {name: a}
spec: {networkName: net, ipv4Config: {cidr: 10.0.0.0/24}}
";

    fn parse_text(text: &str) -> Result<Vec<Declared>, String> {
        let namespace = Namespace { name: "lab", required: false };
        parse(&[("f".into(), text.into())], namespace).map_err(|e| e.to_string())
    }

    #[test]
    fn documents_lists_and_json_streams_all_declare_objects_in_order() {
        let item = serde_json::to_string(&serde_yaml::from_str::<Value>(POOL).unwrap()).unwrap();
        let other = item.replace(r#""a""#, r#""b""#);
        for text in [
            format!("---\n# nothing but a comment\n---\n{POOL}---\n{}", POOL.replace("name: a", "name: b")),
            format!(r#"{{"apiVersion":"v1","kind":"List","items":[{item},{other}]}}"#),
            format!("{item}\n{other}\n"),
        ] {
            let names: Vec<_> =
                parse_text(&text).unwrap().iter().map(|declared| declared.object.identity().2).collect();
            assert_eq!(names, ["a", "b"], "{text}");
        }
    }

    #[test]
    fn an_object_without_a_namespace_is_in_the_one_in_use() {
        assert_eq!(parse_text(POOL).unwrap()[0].object.identity().1, "lab");
        let there = POOL.replace("{name: a}", "{name: a, namespace: there}");
        assert_eq!(parse_text(&there).unwrap()[0].object.identity().1, "there");
        let error = parse(&[("f".into(), there)], Namespace { name: "lab", required: true }).unwrap_err();
        assert!(error.to_string().contains("-n says lab"), "{error}");
    }

    #[test]
    fn unknown_fields_are_named_by_their_whole_path_all_at_once() {
        let text = POOL
            .replace("{name: a}", "{name: a, lables: {x: y}}")
            .replace("cidr: 10.0.0.0/24", "cidr: 10.0.0.0/24, reservations: [{macAddress: m, mac: n}]");
        let error = parse_text(&text).unwrap_err();
        assert!(error.contains("metadata.lables: there is no such field"), "{error}");
        assert!(error.contains("spec.ipv4Config.reservations[0].mac: there is no such field"), "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_by_its_path() {
        let error =
            parse_text(&POOL.replace("cidr: 10.0.0.0/24", "cidr: 10.0.0.0/24, leaseTime: long")).unwrap_err();
        assert!(error.contains("spec.ipv4Config.leaseTime: invalid type: string \"long\""), "{error}");
    }

    #[test]
    fn what_a_get_printed_applies_as_it_is() {
        let text = format!("{POOL}status: {{ipv4: {{used: 0, available: 3, fromTheFuture: 1}}}}\n");
        assert!(parse_text(&text).is_ok());
    }
}
