//! Which groups, versions and resources there are, for clients that ask before they use a kind.
//!
//! The aggregated form (`as=APIGroupDiscoveryList`) is left out; clients fall back to this one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    kinds::{Kind, Kinds},
    refusal::Refusal,
};

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// `/version`: the Kubernetes release whose API this follows.
pub(super) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": format!("v1.36.0+vmdhcp-{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// `/api`.
pub(super) fn core_versions() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
}

/// `/apis`.
pub(super) fn groups(kinds: &Kinds) -> Value {
    let names: BTreeSet<_> =
        kinds.all().iter().map(|k| k.group()).filter(|group| !group.is_empty()).collect();
    let groups: Vec<_> = names.into_iter().filter_map(|name| describe_group(kinds, name)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/GROUP`.
pub(super) fn group(kinds: &Kinds, name: &str) -> Result<Value, Refusal> {
    let mut group = describe_group(kinds, name).ok_or_else(|| kinds.unserved(name))?;
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Ok(group)
}

fn describe_group(kinds: &Kinds, name: &str) -> Option<Value> {
    let of_group = kinds.all().iter().filter(|k| k.group() == name);
    let versions: BTreeSet<_> = of_group.map(|k| (k.api_version(), k.version())).collect();
    let versions: Vec<_> = versions
        .into_iter()
        .map(|(group_version, version)| json!({ "groupVersion": group_version, "version": version }))
        .collect();
    let preferred = versions.first()?.clone();
    Some(json!({ "name": name, "versions": versions, "preferredVersion": preferred }))
}

/// `/apis/GROUP/VERSION` and `/api/v1`.
pub(super) fn resources(kinds: &Kinds, group: &str, version: &str) -> Result<Value, Refusal> {
    let served: Vec<_> =
        kinds.all().iter().filter(|k| k.group() == group && k.version() == version).collect();
    let Some(first) = served.first() else { return Err(kinds.unserved(group)) };
    let group_version = first.api_version();
    let resources: Vec<_> = served.into_iter().flat_map(|kind| describe(kind)).collect();
    Ok(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }))
}

fn describe(kind: &Kind) -> Vec<Value> {
    let resource = |name: String, verbs: &[&str]| {
        json!({
            "name": name,
            "singularName": kind.kind().to_lowercase(),
            "namespaced": kind.is_namespaced(),
            "kind": kind.kind(),
            "verbs": verbs,
        })
    };
    let mut resources = vec![resource(kind.plural().to_owned(), &VERBS)];
    if kind.has_status() {
        resources.push(resource(format!("{}/status", kind.plural()), &["get", "patch", "update"]));
    }
    resources
}
