//! The two kinds as the API has them: read with everything they hold, changed by merge patches under their version.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions, TypeMeta,
};
use kube::core::ApiResource;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, IPPoolSpec, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigSpec};

use crate::context::{FIELD_MANAGER, Scope, Session};
use crate::failure::Failure;
use crate::merge::merge_patch;
use crate::output::{Format, Output};

/// How often a change is tried again on top of somebody else's.
const ATTEMPTS: usize = 10;

/// A kind of ours.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + Clone + DeserializeOwned + 'static
{
    /// What is declared of it.
    type Spec: Serialize + Clone;

    /// What is declared of this one.
    fn spec(&self) -> &Self::Spec;

    /// Declares something else of it.
    fn declare(&mut self, spec: Self::Spec);
}

impl Kind for IPPool {
    type Spec = IPPoolSpec;

    fn spec(&self) -> &Self::Spec {
        &self.spec
    }

    fn declare(&mut self, spec: Self::Spec) {
        self.spec = spec;
    }
}

impl Kind for VirtualMachineNetworkConfig {
    type Spec = VirtualMachineNetworkConfigSpec;

    fn spec(&self) -> &Self::Spec {
        &self.spec
    }

    fn declare(&mut self, spec: Self::Spec) {
        self.spec = spec;
    }
}

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The object is new.
    Created,
    /// It is another one than before.
    Configured,
    /// It was so already.
    Unchanged,
}

impl Outcome {
    /// The word that kubectl uses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The objects of a kind in one namespace.
pub(crate) fn api_in<K: Kind>(session: &Session, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(session.client.clone(), namespace, &ApiResource::erase::<K>(&()))
}

/// The objects of a kind in a scope.
pub(crate) fn api<K: Kind>(session: &Session, scope: Scope<'_>) -> Api<DynamicObject> {
    match scope {
        Scope::Namespace(namespace) => api_in::<K>(session, namespace),
        Scope::All => Api::all_with(session.client.clone(), &ApiResource::erase::<K>(&())),
    }
}

/// `KIND NAMESPACE/NAME`, as messages name an object.
pub(crate) fn title<K: Kind>(namespace: &str, name: &str) -> String {
    format!("{} {namespace}/{name}", K::kind(&()))
}

/// `ippool.network.harvesterhci.io/NAME`, as kubectl names an object.
pub(crate) fn kubectl_name<K: Kind>(name: &str) -> String {
    format!("{}.{}/{name}", K::kind(&()).to_lowercase(), K::group(&()))
}

/// One object, or the sentence that it does not exist.
pub(crate) async fn get<K: Kind>(
    session: &Session,
    namespace: &str,
    name: &str,
) -> Result<DynamicObject, Failure> {
    find::<K>(session, namespace, name).await?.ok_or_else(|| absent::<K>(namespace, name))
}

/// One object, if it exists.
pub(crate) async fn find<K: Kind>(
    session: &Session,
    namespace: &str,
    name: &str,
) -> Result<Option<DynamicObject>, Failure> {
    let doing = format!("read {}", title::<K>(namespace, name));
    let found = api_in::<K>(session, namespace).get(name).await;
    match found.map_err(Failure::asking(doing)) {
        Ok(object) => Ok(Some(with_type::<K>(object))),
        Err(Failure::Api { status, .. }) if status.is_not_found() && names_an_object(&status) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A kind that is not installed is 404 as well, without the name of an object.
fn names_an_object(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty()) || status.message.contains('"')
}

/// The failure for an object that does not exist.
pub(crate) fn absent<K: Kind>(namespace: &str, name: &str) -> Failure {
    let hint = if K::kind(&()) == "IPPool" {
        "see `vmdhcp pool list -A`, or name another namespace with -n"
    } else {
        "name another namespace with -n"
    };
    Failure::NotFound {
        what: format!("there is no {} {name:?} in namespace {namespace}", K::kind(&())),
        hint: hint.into(),
    }
}

/// All objects of a scope with these labels, in the order of namespace and name.
pub(crate) async fn list<K: Kind>(
    session: &Session,
    scope: Scope<'_>,
    selector: Option<&str>,
) -> Result<Vec<DynamicObject>, Failure> {
    let parameters = ListParams { label_selector: selector.map(Into::into), ..ListParams::default() };
    let found = api::<K>(session, scope).list(&parameters).await;
    let mut items = found.map_err(Failure::asking(format!("list {}s", K::kind(&()))))?.items;
    items.sort_by_key(|item| (item.namespace(), item.name_any()));
    Ok(items.into_iter().map(with_type::<K>).collect())
}

/// All objects that this user may see: those of every namespace, or where that is forbidden those of the one in use.
pub(crate) async fn list_visible<K: Kind>(session: &Session) -> Result<Vec<DynamicObject>, Failure> {
    match list::<K>(session, Scope::All, None).await {
        Err(Failure::Api { status, .. }) if status.is_forbidden() => {
            list::<K>(session, session.scope(false), None).await
        }
        result => result,
    }
}

/// The object as its kind.
pub(crate) fn read<K: Kind>(object: &DynamicObject) -> Result<K, Failure> {
    let doing =
        || format!("read {}", title::<K>(&object.namespace().unwrap_or_default(), &object.name_any()));
    serde_json::to_value(object)
        .and_then(serde_json::from_value)
        .map_err(|e| Failure::Unreadable { doing: doing(), reason: e.to_string() })
}

/// Those of the objects that can be understood.
pub(crate) fn read_all<K: Kind>(objects: &[DynamicObject]) -> Vec<K> {
    objects.iter().filter_map(|object| read(object).ok()).collect()
}

/// Items of a list say neither kind nor version.
fn with_type<K: Kind>(mut object: DynamicObject) -> DynamicObject {
    let types =
        || TypeMeta { api_version: K::api_version(&()).into_owned(), kind: K::kind(&()).into_owned() };
    object.types.get_or_insert_with(types);
    object
}

/// Creates an object of this spec.
pub(crate) async fn create<K: Kind>(
    session: &Session,
    wanted: &K,
    dry_run: bool,
) -> Result<DynamicObject, Failure> {
    let (namespace, name) = (wanted.namespace().unwrap_or_default(), wanted.name_any());
    let doing = format!("create {}", title::<K>(&namespace, &name));
    let unreadable =
        |e: serde_json::Error| Failure::Unreadable { doing: doing.clone(), reason: e.to_string() };
    let spec = serde_json::to_value(wanted.spec()).map_err(unreadable)?;
    let ObjectMeta { labels, annotations, finalizers, owner_references, .. } = wanted.meta().clone();
    let metadata = ObjectMeta {
        name: Some(name),
        namespace: Some(namespace.clone()),
        labels,
        annotations,
        finalizers,
        owner_references,
        ..ObjectMeta::default()
    };
    let object = DynamicObject { types: None, metadata, data: json!({ "spec": spec }) };
    let parameters = PostParams { dry_run, field_manager: Some(FIELD_MANAGER.into()) };
    let created = api_in::<K>(session, &namespace).create(&parameters, &with_type::<K>(object)).await;
    created.map(with_type::<K>).map_err(Failure::asking(doing))
}

/// The patch that brings a stored object to the spec, and adds the labels and annotations, of `wanted`.
pub(crate) fn patch_to<K: Kind>(stored: &DynamicObject, wanted: &K) -> Result<Option<Value>, Failure> {
    let unreadable = |e: serde_json::Error| {
        let name = title::<K>(&stored.namespace().unwrap_or_default(), &stored.name_any());
        Failure::Unreadable { doing: format!("change {name}"), reason: e.to_string() }
    };
    let old: K = read(stored)?;
    let known = serde_json::to_value(old.spec()).map_err(unreadable)?;
    let spec = serde_json::to_value(wanted.spec()).map_err(unreadable)?;
    let mut patch = serde_json::Map::new();
    if let Some(change) = merge_patch(stored.data.get("spec").unwrap_or(&Value::Null), &known, &spec) {
        patch.insert("spec".into(), change);
    }
    let mut metadata = serde_json::Map::new();
    for (field, old, new) in [
        ("labels", &old.meta().labels, &wanted.meta().labels),
        ("annotations", &old.meta().annotations, &wanted.meta().annotations),
    ] {
        let changed = new
            .iter()
            .flatten()
            .filter(|(key, value)| old.as_ref().and_then(|old| old.get(*key)) != Some(*value));
        let changed: serde_json::Map<String, Value> =
            changed.map(|(key, value)| (key.clone(), value.clone().into())).collect();
        if !changed.is_empty() {
            metadata.insert(field.into(), changed.into());
        }
    }
    if !metadata.is_empty() {
        patch.insert("metadata".into(), metadata.into());
    }
    Ok((!patch.is_empty()).then_some(Value::Object(patch)))
}

/// Applies a patch, if the object is still the version that it was made for.
pub(crate) async fn patch<K: Kind>(
    session: &Session,
    stored: &DynamicObject,
    mut patch: Value,
    dry_run: bool,
) -> Result<DynamicObject, Failure> {
    let (namespace, name) = (stored.namespace().unwrap_or_default(), stored.name_any());
    patch["metadata"]["resourceVersion"] = json!(stored.metadata.resource_version);
    let parameters =
        PatchParams { dry_run, field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let doing = format!("change {}", title::<K>(&namespace, &name));
    let patched = api_in::<K>(session, &namespace).patch(&name, &parameters, &Patch::Merge(&patch)).await;
    patched.map(with_type::<K>).map_err(Failure::asking(doing))
}

/// Reads an object, lets `edit` change it, and stores what has changed; from the start again where somebody else was
/// faster.
pub(crate) async fn edit<K: Kind>(
    session: &Session,
    namespace: &str,
    name: &str,
    dry_run: bool,
    edit: impl Fn(&mut K) -> Result<(), Failure>,
) -> Result<(DynamicObject, Outcome), Failure> {
    let mut attempt = 1;
    loop {
        let stored = get::<K>(session, namespace, name).await?;
        let mut wanted: K = read(&stored)?;
        edit(&mut wanted)?;
        let Some(change) = patch_to(&stored, &wanted)? else { return Ok((stored, Outcome::Unchanged)) };
        match patch::<K>(session, &stored, change, dry_run).await {
            Err(failure) if failure.is_stale() && attempt < ATTEMPTS => attempt += 1,
            result => return result.map(|object| (object, Outcome::Configured)),
        }
    }
}

/// Deletes this object, and never another one that has taken its name.
pub(crate) async fn delete<K: Kind>(
    session: &Session,
    stored: &DynamicObject,
    dry_run: bool,
) -> Result<(), Failure> {
    let (namespace, name) = (stored.namespace().unwrap_or_default(), stored.name_any());
    let preconditions = Some(Preconditions { uid: stored.uid(), resource_version: None });
    let parameters = DeleteParams { dry_run, preconditions, ..DeleteParams::default() };
    let doing = format!("delete {}", title::<K>(&namespace, &name));
    api_in::<K>(session, &namespace).delete(&name, &parameters).await.map_err(Failure::asking(doing))?;
    Ok(())
}

/// Says what was done to an object, in kubectl's words or as the object itself.
pub(crate) fn report<K: Kind>(
    output: &mut Output,
    format: Option<Format>,
    object: &DynamicObject,
    done: &str,
    dry_run: bool,
) -> Result<(), Failure> {
    let name = kubectl_name::<K>(&object.name_any());
    match format {
        Some(Format::Name) => output.line(name),
        Some(format) if format.structured().is_some() => print(output, format, std::slice::from_ref(object)),
        _ => output.line(format_args!("{name} {done}{}", if dry_run { " (server dry run)" } else { "" })),
    }
}

/// Prints one object as itself, and several as a List; without the bookkeeping of who set which field.
pub(crate) fn print(output: &mut Output, format: Format, objects: &[DynamicObject]) -> Result<(), Failure> {
    let Some(structured) = format.structured() else { return Ok(()) };
    let mut items = objects.to_vec();
    for item in &mut items {
        item.metadata.managed_fields = None;
    }
    match items.as_slice() {
        [] => Ok(()),
        [one] => output.object(structured, one),
        several => output.object(structured, &list_of(several)),
    }
}

/// A `v1` List, as kubectl prints several objects.
pub(crate) fn list_of(items: &[DynamicObject]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items, "metadata": { "resourceVersion": "" } })
}
