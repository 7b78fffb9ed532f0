//! Good objects of both kinds, and ways to change them.

use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

/// The namespace of new objects.
pub(crate) const NAMESPACE: &str = "tenant";
/// That of the objects that were stored before there were rules.
pub(crate) const OLD_NAMESPACE: &str = "old-tenant";

/// A good pool whose spec has this merged into it.
pub(crate) fn pool(spec: Value) -> Value {
    let good = json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "name": "pool", "namespace": NAMESPACE },
        "spec": {
            "networkName": "net-48",
            "ipv4Config": {
                "cidr": "192.168.48.0/24",
                "serverIP": "192.168.48.77",
                "pool": { "start": "192.168.48.81", "end": "192.168.48.90" },
            },
        },
    });
    with_spec(good, spec)
}

/// A good claim whose spec has this merged into it.
pub(crate) fn claim(spec: Value) -> Value {
    let good = json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "metadata": { "name": "claim", "namespace": NAMESPACE },
        "spec": {
            "vmName": "vm",
            "networkConfigs": [{ "networkName": "lab", "macAddress": "52:54:00:00:00:01" }],
        },
    });
    with_spec(good, spec)
}

/// The object with `patch` merged into its spec (RFC 7386).
pub(crate) fn with_spec(object: Value, patch: Value) -> Value {
    merged(object, &json!({ "spec": patch }))
}

/// The object with `patch` merged into it (RFC 7386).
pub(crate) fn merged(mut object: Value, patch: &Value) -> Value {
    json_patch::merge(&mut object, patch);
    object
}

/// The object under another name.
pub(crate) fn named(object: &Value, namespace: &str, name: &str) -> Value {
    merged(object.clone(), &json!({ "metadata": { "namespace": namespace, "name": name } }))
}

/// As a client sends it.
pub(crate) fn dynamic(object: &Value) -> DynamicObject {
    serde_json::from_value(object.clone()).unwrap()
}

/// The kind of an object.
pub(crate) fn resource(object: &Value) -> ApiResource {
    match object["kind"].as_str() {
        Some("IPPool") => ApiResource::erase::<IPPool>(&()),
        _ => ApiResource::erase::<VirtualMachineNetworkConfig>(&()),
    }
}
