//! Multus's NetworkAttachmentDefinition: a VM network. It belongs to others, so it is only ever patched, never sent
//! whole.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// What a NetworkAttachmentDefinition declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize)]
#[kube(
    group = "k8s.cni.cncf.io",
    version = "v1",
    kind = "NetworkAttachmentDefinition",
    plural = "network-attachment-definitions",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    derive = "Default"
)]
#[serde(default)]
pub struct NetworkAttachmentDefinitionSpec {
    /// CNI configuration as JSON.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config: String,
}
