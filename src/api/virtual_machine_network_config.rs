//! VirtualMachineNetworkConfig: the network cards of one VM that want a managed address.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::{MOST_CARDS, MOST_RESERVED_OPTIONS};
use super::{Condition, OptionValue, schema};
use crate::admission::cel;

/// What a VM's cards ask for (COMPAT 1.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "network.harvesterhci.io",
    version = "v1alpha1",
    kind = "VirtualMachineNetworkConfig",
    plural = "virtualmachinenetworkconfigs",
    singular = "virtualmachinenetworkconfig",
    shortname = "vmnetcfg",
    shortname = "vmnetcfgs",
    namespaced,
    status = "VirtualMachineNetworkConfigStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "The network cards of one VM that want a managed address.",
    printcolumn = r#"{"name":"VMNAME","type":"string","jsonPath":".spec.vmName"}"#,
    printcolumn = r#"{"name":"ALLOCATED","type":"string","jsonPath":".status.conditions[?(@.type=='Allocated')].status"}"#,
    printcolumn = r#"{"name":"DISABLED","type":"string","jsonPath":".status.conditions[?(@.type=='Disabled')].status"}"#,
    printcolumn = r#"{"name":"INSYNCED","type":"string","jsonPath":".status.conditions[?(@.type=='InSynced')].status"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_nulls, extend("x-kubernetes-validations" = cel::claim()))]
pub struct VirtualMachineNetworkConfigSpec {
    /// Name of the VM; none of that name needs to exist. Cannot change.
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = cel::vm_name()))]
    pub vm_name: String,
    /// The cards, in the VM's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_CARDS))]
    pub network_configs: Vec<NetworkConfig>,
    /// The same, as upstream v0.1.0 spelled it. Both set and different is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_CARDS))]
    pub network_config: Vec<NetworkConfig>,
    /// Give the addresses up, and ask for the same ones when resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

impl VirtualMachineNetworkConfigSpec {
    /// The cards, under whichever of the two spellings they were written.
    pub fn cards(&self) -> &[NetworkConfig] {
        if self.network_configs.is_empty() { &self.network_config } else { &self.network_configs }
    }

    /// Whether the claim is paused.
    pub fn is_paused(&self) -> bool {
        self.paused == Some(true)
    }
}

impl VirtualMachineNetworkConfig {
    /// The VM that it follows, if it was made for one or adopted by one.
    pub fn owner_vm(&self) -> Option<&OwnerReference> {
        let mut owners = self.metadata.owner_references.iter().flatten();
        owners.find(|owner| owner.kind == "VirtualMachine" && owner.api_version.starts_with("kubevirt.io/"))
    }
}

/// One card of a VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkConfig {
    /// VM network, as NAME (in this object's namespace) or NAMESPACE/NAME.
    #[schemars(length(max = 317))]
    pub network_name: String,
    /// MAC of the card.
    #[schemars(length(max = 17))]
    pub mac_address: String,
    /// Address that the card must have. Absent: any, and then always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15))]
    pub ip_address: Option<String>,
    /// Options of this card, merged by code over those of its pool. For a VM's claim they come from its annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RESERVED_OPTIONS))]
    pub options: Vec<OptionValue>,
}

/// What the cards have. Written by the manager alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_nulls)]
pub struct VirtualMachineNetworkConfigStatus {
    /// One entry a card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_configs: Vec<NetworkConfigStatus>,
    /// The same, as upstream v0.1.0 spelled it: read, never written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_config: Vec<NetworkConfigStatus>,
    /// `Allocated`, `Disabled`, `InSynced`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

impl VirtualMachineNetworkConfigStatus {
    /// The cards, under whichever of the two spellings they were stored.
    pub fn cards(&self) -> &[NetworkConfigStatus] {
        if self.network_configs.is_empty() { &self.network_config } else { &self.network_configs }
    }
}

/// What one card has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkConfigStatus {
    /// Its address; kept while `Pending` as the one to ask for again.
    #[serde(rename = "allocatedIPAddress", default, skip_serializing_if = "String::is_empty")]
    pub allocated_ip_address: String,
    /// Its MAC, in canonical form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// Its network, in canonical form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_name: String,
    /// `Allocated`, `Pending` or `Stale`.
    #[serde(default)]
    pub state: NetworkConfigState,
    /// Why it has no address, as one CamelCase word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why it has no address, as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// State of one card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NetworkConfigState {
    /// It has its address, and the pool says so.
    Allocated,
    /// It is no longer asked for, and is being released.
    Stale,
    /// It waits for one. Any word that we do not know reads as this.
    #[default]
    #[serde(other)]
    Pending,
}
