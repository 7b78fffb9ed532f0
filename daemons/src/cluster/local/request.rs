//! From a request's path and query to what it is about; anything unknown is refused here.

use std::{str::FromStr, sync::Arc};

use http::{HeaderMap, header};

use super::{
    kinds::{Kind, Kinds},
    refusal::{Cause, Refusal},
    selector::Selection,
};

/// What a path names.
#[derive(Debug)]
pub(super) enum Target {
    Version,
    CoreVersions,
    Groups,
    Group(String),
    Resources { group: String, version: String },
    Collection { kind: Arc<Kind>, namespace: Option<String> },
    Object { kind: Arc<Kind>, namespace: Option<String>, name: String, part: Part },
}

/// Which part of an object a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All but the status, where that is a subresource.
    Main,
    Status,
}

impl Target {
    pub(super) fn parse(path: &str, kinds: &Kinds) -> Result<Self, Refusal> {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["version"] => Ok(Self::Version),
            ["api"] => Ok(Self::CoreVersions),
            ["apis"] => Ok(Self::Groups),
            ["apis", group] => Ok(Self::Group((*group).to_owned())),
            ["api", version] => Ok(Self::Resources { group: String::new(), version: (*version).to_owned() }),
            ["apis", group, version] => {
                Ok(Self::Resources { group: (*group).to_owned(), version: (*version).to_owned() })
            }
            ["api", version, rest @ ..] => Self::resource(kinds, "", version, rest),
            ["apis", group, version, rest @ ..] => Self::resource(kinds, group, version, rest),
            _ => Err(Refusal::page_not_found()),
        }
    }

    fn resource(kinds: &Kinds, group: &str, version: &str, rest: &[&str]) -> Result<Self, Refusal> {
        let (namespace, plural, name, subresource) = match rest {
            // The status of a namespace, not a resource called "status" in it.
            ["namespaces", name, subresource @ "status"] => {
                (None, "namespaces", Some(name), Some(*subresource))
            }
            ["namespaces", namespace, plural] => (Some(*namespace), *plural, None, None),
            ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(name), None),
            ["namespaces", namespace, plural, name, subresource] => {
                (Some(*namespace), *plural, Some(name), Some(*subresource))
            }
            [plural] => (None, *plural, None, None),
            [plural, name] => (None, *plural, Some(name), None),
            [plural, name, subresource] => (None, *plural, Some(name), Some(*subresource)),
            _ => return Err(kinds.unserved(group)),
        };
        let kind = kinds.served(group, version, plural).ok_or_else(|| kinds.unserved(group))?;
        let part = match subresource {
            None => Part::Main,
            Some("status") if kind.has_status() => Part::Status,
            // A cluster's server of custom resources takes the object for missing, not its subresource.
            Some(_) if kind.is_custom() => {
                return Err(Refusal::not_found(kind, name.copied().unwrap_or_default()));
            }
            Some(_) => return Err(Refusal::unknown_path()),
        };
        let in_namespace = namespace.is_some();
        let (kind, namespace) = (Arc::clone(kind), namespace.map(str::to_owned));
        match name {
            // A list may go over all namespaces; a single object is in one.
            None if in_namespace && !kind.is_namespaced() => Err(kinds.unserved(group)),
            None => Ok(Self::Collection { kind, namespace }),
            Some(_) if in_namespace != kind.is_namespaced() => Err(kinds.unserved(group)),
            Some(name) => Ok(Self::Object { kind, namespace, name: (*name).to_owned(), part }),
        }
    }
}

/// A request's query.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Refusal::bad_request(format!("{name}: {other:?} is neither true nor false"))),
        }
    }

    pub(super) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let number = |text: &str| {
            text.parse().map_err(|_| Refusal::bad_request(format!("{name}: {text:?} is not a valid number")))
        };
        self.get(name).map(number).transpose()
    }

    /// `dryRun=All`, the only stage there is. The options are those that a refusal names, as in `CreateOptions`.
    pub(super) fn dry_run(&self, options: &str) -> Result<bool, Refusal> {
        match self.get("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(unknown_stage(options, other)),
        }
    }

    pub(super) fn selection(&self) -> Result<Selection, Refusal> {
        Selection::parse(self.get("labelSelector"), self.get("fieldSelector"))
    }

    /// The version asked for; "0", which means any, is none.
    pub(super) fn version(&self) -> Result<Option<i64>, Refusal> {
        let version = self.number::<u64>("resourceVersion")?.unwrap_or_default();
        Ok(Some(i64::try_from(version).unwrap_or(i64::MAX)).filter(|version| *version > 0))
    }
}

/// The refusal of a `dryRun` that is not `All`.
pub(super) fn unknown_stage(options: &str, stage: &str) -> Refusal {
    Refusal::invalid_options(options, Cause::not_supported("dryRun", stage, &["All"]))
}

/// How fresh a list has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// As it is now, which is never older than anything seen before.
    Latest,
    /// At that version or a later one.
    NotOlderThan(i64),
    /// At that version.
    Exact(i64),
}

impl Freshness {
    pub(super) fn parse(query: &Query) -> Result<Self, Refusal> {
        let forbidden = |message| {
            Refusal::invalid_options("ListOptions", Cause::forbidden("resourceVersionMatch", message))
        };
        let asked = query.get("resourceVersion").is_some();
        match (query.get("resourceVersionMatch"), query.version()?) {
            (Some(_), _) if !asked => {
                Err(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"))
            }
            (Some(_), _) if query.get("continue").is_some() => {
                Err(forbidden("resourceVersionMatch is forbidden when continue is provided"))
            }
            (Some("Exact"), None) => {
                Err(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""))
            }
            (Some("Exact"), Some(version)) => Ok(Self::Exact(version)),
            (None | Some("NotOlderThan"), Some(version)) => Ok(Self::NotOlderThan(version)),
            (None | Some("NotOlderThan"), None) => Ok(Self::Latest),
            (Some(_), _) => Err(forbidden("supported values: \"Exact\", \"NotOlderThan\"")),
        }
    }
}

/// Whether the client wants metadata alone (`as=PartialObjectMetadata`, or its list).
pub(super) fn wants_metadata_only(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').next().unwrap_or_default().split(';').any(|parameter| {
        matches!(parameter.trim(), "as=PartialObjectMetadata" | "as=PartialObjectMetadataList")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Result<Target, Refusal> {
        let kinds = Kinds::standard().with(Kind::new("", "v1", "Namespace", "namespaces").cluster_scoped());
        Target::parse(path, &kinds)
    }

    #[test]
    fn a_path_names_a_collection_an_object_or_its_status() {
        let group = "/apis/network.harvesterhci.io/v1alpha1";
        assert!(matches!(
            target(&format!("{group}/ippools")),
            Ok(Target::Collection { namespace: None, .. })
        ));
        assert!(matches!(
            target(&format!("{group}/namespaces/lab/ippools/a")),
            Ok(Target::Object { namespace: Some(ns), name, part: Part::Main, .. }) if ns == "lab" && name == "a"
        ));
        assert!(matches!(
            target(&format!("{group}/namespaces/lab/ippools/a/status")),
            Ok(Target::Object { part: Part::Status, .. })
        ));
        assert!(matches!(
            target("/api/v1/namespaces/lab"),
            Ok(Target::Object { namespace: None, name, .. }) if name == "lab"
        ));
        assert!(matches!(
            target("/api/v1/namespaces/lab/status"),
            Ok(Target::Object { namespace: None, part: Part::Status, .. })
        ));
        assert!(matches!(
            target("/api/v1/namespaces/lab/events"),
            Ok(Target::Collection { namespace: Some(_), .. })
        ));
    }

    #[test]
    fn a_path_that_names_nothing_is_not_found() {
        let group = "/apis/network.harvesterhci.io";
        for path in [
            "/".to_owned(),
            format!("{group}/v1/ippools"),
            format!("{group}/v1alpha1/pools"),
            format!("{group}/v1alpha1/ippools/a"),
            format!("{group}/v1alpha1/namespaces/lab/ippools/a/scale"),
            "/apis/coordination.k8s.io/v1/namespaces/lab/leases/a/status".to_owned(),
            "/api/v1/namespaces/lab/namespaces/a".to_owned(),
            "/healthz".to_owned(),
        ] {
            assert!(target(&path).is_err(), "{path}");
        }
    }
}
