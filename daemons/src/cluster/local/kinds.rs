//! Which kinds the API serves.
//!
//! A kind that is not here is answered as a cluster without its CRD would answer: 404.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use k8s_openapi::{
    api::{coordination::v1::Lease, core::v1 as core, events::v1 as events},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{CustomResourceExt, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use super::{
    admission::AdmissionFn,
    refusal::{Cause, Refusal},
    rules,
};

/// Whether an object's fields have the types of its kind.
type StructureFn = fn(&Value) -> Result<(), Cause>;

/// One kind, and how its objects are treated.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "a kind's `kind` is what Kubernetes calls it")]
pub struct Kind {
    group: String,
    version: String,
    kind: String,
    plural: String,
    namespaced: bool,
    has_status: bool,
    custom: bool,
    structure: Option<StructureFn>,
    schema: Option<Arc<Value>>,
    admission: Option<AdmissionFn>,
}

impl Kind {
    /// A namespaced custom resource with a status subresource, of which nothing more is known.
    ///
    /// `group` is empty for the core group.
    pub fn new(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
            has_status: true,
            custom: true,
            structure: None,
            schema: None,
            admission: None,
        }
    }

    /// The same of a Rust type: an object that does not read as a `K` is refused with 422, naming the field.
    ///
    /// Fields that `K` does not know are kept, where a real server would prune them: an older binary must not lose
    /// what a newer one wrote.
    pub fn typed<K: Resource<DynamicType = ()> + DeserializeOwned>() -> Self {
        let kind = Self::new(&K::group(&()), &K::version(&()), &K::kind(&()), &K::plural(&()));
        Self { structure: Some(reads_as::<K>), ..kind }
    }

    /// Its lists and texts have the bounds that stand in the schema of this CRD.
    #[must_use]
    pub fn bounded_by(self, definition: &CustomResourceDefinition) -> Self {
        let version = definition.spec.versions.iter().find(|version| version.name == self.version);
        let schema = version.and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
        Self { schema: schema.and_then(|schema| serde_json::to_value(schema).ok()).map(Arc::new), ..self }
    }

    /// Its objects are in no namespace.
    #[must_use]
    pub fn cluster_scoped(self) -> Self {
        Self { namespaced: false, ..self }
    }

    /// It has no status subresource: `status` is a field like any other.
    #[must_use]
    pub fn without_status(self) -> Self {
        Self { has_status: false, ..self }
    }

    /// It is one of Kubernetes' own: `kind` and `apiVersion` may be missing in a body, and `metadata.generation` is
    /// kept only if there is a status subresource.
    #[must_use]
    pub fn built_in(self) -> Self {
        Self { custom: false, ..self }
    }

    /// Every create, update and delete of an object (not of its status) is put before `admission`.
    #[must_use]
    pub fn admitted_by(self, admission: AdmissionFn) -> Self {
        Self { admission: Some(admission), ..self }
    }

    pub(super) fn group(&self) -> &str {
        &self.group
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn plural(&self) -> &str {
        &self.plural
    }

    pub(super) fn is_namespaced(&self) -> bool {
        self.namespaced
    }

    pub(super) fn has_status(&self) -> bool {
        self.has_status
    }

    pub(super) fn is_custom(&self) -> bool {
        self.custom
    }

    pub(super) fn has_generation(&self) -> bool {
        self.custom || self.has_status
    }

    pub(super) fn admission(&self) -> Option<&AdmissionFn> {
        self.admission.as_ref()
    }

    pub(super) fn schema(&self) -> Option<&Value> {
        self.schema.as_deref()
    }

    pub(super) fn check_structure(&self, object: &Value) -> Result<(), Cause> {
        self.structure.map_or(Ok(()), |check| check(object))
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `ippools.network.harvesterhci.io`, as messages name it.
    pub(super) fn qualified_resource(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// `IPPool.network.harvesterhci.io`, as messages name it.
    pub(super) fn qualified_kind(&self) -> String {
        qualified(&self.kind, &self.group)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qualified_kind())
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

fn reads_as<K: DeserializeOwned>(object: &Value) -> Result<(), Cause> {
    serde_path_to_error::deserialize::<_, K>(object).map(|_| ()).map_err(|error| {
        let field = error.path().to_string();
        let message = format!("Invalid value: {}", error.inner());
        Cause { reason: "FieldValueInvalid", field, message }
    })
}

/// Our own kinds; made once, as their definitions take a while.
static POOLS: LazyLock<Kind> = LazyLock::new(|| Kind::typed::<IPPool>().bounded_by(&IPPool::crd()));
static CLAIMS: LazyLock<Kind> = LazyLock::new(|| {
    Kind::typed::<VirtualMachineNetworkConfig>().bounded_by(&VirtualMachineNetworkConfig::crd())
});

/// The kinds that an API serves.
#[derive(Clone, Default)]
pub struct Kinds(Vec<Arc<Kind>>);

impl Kinds {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// What the system itself stores: `IPPool`, `VirtualMachineNetworkConfig`, `Lease`, and `Event` of both groups.
    ///
    /// Namespaces are not among them: an object's namespace need not exist. The rules of our two kinds are those of a
    /// cluster's webhook.
    pub fn standard() -> Self {
        Self::none()
            .with(POOLS.clone().admitted_by(rules::of_pools()))
            .with(CLAIMS.clone().admitted_by(rules::of_claims()))
            .with(Kind::typed::<Lease>().built_in().without_status())
            .with(Kind::typed::<core::Event>().built_in().without_status())
            .with(Kind::typed::<events::Event>().built_in().without_status())
    }

    /// These and `kind`, which replaces one of the same group and plural.
    #[must_use]
    pub fn with(mut self, kind: Kind) -> Self {
        self.0.retain(|k| (k.group(), k.plural()) != (kind.group(), kind.plural()));
        self.0.push(Arc::new(kind));
        self
    }

    pub(super) fn all(&self) -> &[Arc<Kind>] {
        &self.0
    }

    pub(super) fn served(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.resource(group, plural).filter(|k| k.version == version)
    }

    pub(super) fn resource(&self, group: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|k| k.group == group && k.plural == plural)
    }

    /// The refusal of a path in that group that names nothing served. A cluster's own groups and those of custom resources
    /// have servers of their own, which say it differently.
    pub(super) fn unserved(&self, group: &str) -> Refusal {
        let is_built_in = group.is_empty() || self.0.iter().any(|k| k.group == group && !k.custom);
        if is_built_in { Refusal::unknown_path() } else { Refusal::page_not_found() }
    }

    pub(super) fn by_kind(&self, group: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|k| k.group == group && k.kind == kind)
    }
}
