//! Objects as they are kept: of thousands only a few are being looked at. As text an object takes half the room that its
//! fields, maps and lists do, and compressed against another of its kind, whose fields have the same names, a fifth of that.

use std::borrow::Cow;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DeserializeGuard;
use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// An object that can be kept packed.
pub(super) trait Kept: Resource<DynamicType = ()> + Serialize + DeserializeOwned {
    /// What most objects of the kind look like, as JSON. What an object has in common with it takes no room.
    const TYPICAL: &str;

    /// Drops what is not read of it.
    fn trim(&mut self);
}

/// An object of a watch, packed. One that cannot be read is one object that cannot be read.
pub(super) struct Packed<K> {
    /// Which object it is, and nothing else: name, namespace, UID and version.
    identity: ObjectMeta,
    /// As JSON, compressed; or why it cannot be read.
    object: Result<Box<[u8]>, Box<str>>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kept> Packed<K> {
    fn new(guarded: DeserializeGuard<K>) -> Self {
        let ObjectMeta { name, namespace, uid, resource_version, .. } = guarded.meta().clone();
        let identity = ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() };
        let packed = |mut object: K| {
            object.trim();
            let json = serde_json::to_vec(&object).map_err(|error| error.to_string())?;
            let packed = compress_prepend_size_with_dict(&json, K::TYPICAL.as_bytes());
            Ok(packed.into_boxed_slice())
        };
        let object =
            guarded.0.map_err(|invalid| invalid.error).and_then(packed).map_err(String::into_boxed_str);
        Self { identity, object, kind: PhantomData }
    }

    /// The object, without what is not read of it. The error says what is wrong with the stored one.
    pub(super) fn open(&self) -> Result<K, String> {
        let packed = self.object.as_ref().map_err(ToString::to_string)?;
        let json = decompress_size_prepended_with_dict(packed, K::TYPICAL.as_bytes());
        let json = json.map_err(|error| error.to_string())?;
        serde_json::from_slice(&json).map_err(|error| error.to_string())
    }
}

impl<K> Clone for Packed<K> {
    fn clone(&self) -> Self {
        Self { identity: self.identity.clone(), object: self.object.clone(), kind: PhantomData }
    }
}

impl<K> std::fmt::Debug for Packed<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ObjectMeta { name, namespace, resource_version, .. } = &self.identity;
        let readable = self.object.is_ok();
        f.debug_struct("Packed")
            .field("namespace", namespace)
            .field("name", name)
            .field("version", resource_version)
            .field("readable", &readable)
            .finish_non_exhaustive()
    }
}

impl<'de, K: Kept> Deserialize<'de> for Packed<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(Self::new)
    }
}

impl<K: Kept> Resource for Packed<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.identity
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.identity
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;
    use vmdhcp_core::api::{VirtualMachine, VirtualMachineInstance, VirtualMachineNetworkConfig};

    use super::*;

    #[test]
    fn what_is_opened_is_what_was_stored_without_what_is_not_read() {
        let stored = json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "VirtualMachineNetworkConfig",
            "metadata": {
                "name": "vm-1", "namespace": "default", "uid": "u", "resourceVersion": "7",
                "annotations": {"a": "b"}, "finalizers": ["f"], "deletionTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": {"vmName": "vm-1", "networkConfigs": [
                {"networkName": "default/net-48", "macAddress": "02:00:00:00:00:0a"}
            ]},
            "status": {"networkConfigs": [{"allocatedIPAddress": "10.0.0.1", "state": "Allocated"}]},
        });
        let packed: Packed<VirtualMachineNetworkConfig> = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!((packed.name_any().as_str(), packed.namespace().as_deref()), ("vm-1", Some("default")));
        assert_eq!((packed.uid().as_deref(), packed.resource_version().as_deref()), (Some("u"), Some("7")));
        let mut expected = stored;
        expected["metadata"].as_object_mut().unwrap().remove("managedFields");
        assert_eq!(serde_json::to_value(packed.open().unwrap()).unwrap(), expected);
    }

    #[test]
    fn objects_take_little_room_since_their_kinds_look_alike() {
        fn packed<K: Kept>(json: &str) -> usize {
            serde_json::from_str::<Packed<K>>(json).unwrap().object.unwrap().len()
        }
        let other = |json: &str| json.replace("00000000", "5c6b8bae").replace("\"vm\"", "\"web-27\"");
        let claim = other(VirtualMachineNetworkConfig::TYPICAL);
        assert!(packed::<VirtualMachineNetworkConfig>(&claim) < claim.len() / 10);
        let vm = other(VirtualMachine::TYPICAL);
        assert!(packed::<VirtualMachine>(&vm) < vm.len() / 5);
        let instance = other(VirtualMachineInstance::TYPICAL);
        assert!(packed::<VirtualMachineInstance>(&instance) < instance.len() / 5);
    }

    #[test]
    fn an_object_that_cannot_be_read_is_known_by_its_name_and_says_why() {
        let stored = json!({"metadata": {"name": "vm-1"}, "spec": {"vmName": 7}});
        let packed: Packed<VirtualMachineNetworkConfig> = serde_json::from_value(stored).unwrap();
        assert_eq!(packed.name_any(), "vm-1");
        assert_eq!(packed.open().unwrap_err(), "Invalid type integer `7`. Expected a string");
    }
}
