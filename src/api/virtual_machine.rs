//! KubeVirt's VirtualMachine and VirtualMachineInstance, as far as their network cards go. They are only read: fields
//! that are not here are not lost by anybody.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// What a VirtualMachine declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize)]
#[kube(
    group = "kubevirt.io",
    version = "v1",
    kind = "VirtualMachine",
    plural = "virtualmachines",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    derive = "Default"
)]
#[serde(default)]
pub struct VirtualMachineSpec {
    /// Of its instances.
    pub template: VirtualMachineInstanceTemplate,
}

/// What the instances of a VirtualMachine are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VirtualMachineInstanceTemplate {
    /// Spec of an instance.
    pub spec: VirtualMachineInstanceSpec,
}

/// What a VirtualMachineInstance declares: a VM that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize)]
#[kube(
    group = "kubevirt.io",
    version = "v1",
    kind = "VirtualMachineInstance",
    plural = "virtualmachineinstances",
    namespaced,
    status = "VirtualMachineInstanceStatus",
    schema = "disabled",
    derive = "PartialEq",
    derive = "Default"
)]
#[serde(default)]
pub struct VirtualMachineInstanceSpec {
    /// Its hardware.
    pub domain: Domain,
    /// What its cards are connected to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
}

/// A VM's hardware.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Domain {
    /// Its devices.
    pub devices: Devices,
}

/// A VM's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// Network cards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
}

/// A network card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Interface {
    /// The name that it shares with its network.
    pub name: String,
    /// Its MAC, in any spelling; absent where KubeVirt chooses one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// `absent` where the card is to be unplugged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
}

/// What a card is connected to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// The name that it shares with its card.
    pub name: String,
    /// A NetworkAttachmentDefinition; absent for the pods' own network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multus: Option<MultusNetwork>,
}

/// A network by Multus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MultusNetwork {
    /// Its NetworkAttachmentDefinition, as NAME (in the VM's namespace) or NAMESPACE/NAME.
    pub network_name: String,
}

/// What a VirtualMachineInstance has become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VirtualMachineInstanceStatus {
    /// Its cards, as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceStatus>,
}

/// A card of a running VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InterfaceStatus {
    /// Its name in the spec; empty for one that only the guest knows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its MAC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
}
