//! Writes what a VM's plan says: a claim, or a JSON patch of what changes in it, under the version that was planned on.
//! What a newer version of this program has put beside it stays.

use std::collections::BTreeMap;

use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{VM_NAME_LABEL, VMNETCFG_FINALIZER, VirtualMachineNetworkConfig};

use super::plan::Change;

pub(super) async fn create(
    api: &Api<VirtualMachineNetworkConfig>,
    claim: &VirtualMachineNetworkConfig,
) -> kube::Result<()> {
    api.create(&PostParams::default(), claim).await.map(drop)
}

pub(super) async fn change(
    api: &Api<VirtualMachineNetworkConfig>,
    stored: &VirtualMachineNetworkConfig,
    change: &Change,
) -> kube::Result<()> {
    let patch: Patch<()> = Patch::Json(json_patch::Patch(operations(stored, change)));
    match api.patch(&stored.name_any(), &PatchParams::default(), &patch).await {
        // It comes back as a deletion.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        result => result.map(drop),
    }
}

fn path<'t, T: Into<Token<'t>>>(tokens: impl IntoIterator<Item = T>) -> PointerBuf {
    PointerBuf::from_tokens(tokens)
}

fn add<const N: usize>(tokens: [&str; N], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: path(tokens), value })
}

fn remove<const N: usize>(tokens: [&str; N]) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: path(tokens) })
}

/// The change as operations on the stored object.
pub(super) fn operations(stored: &VirtualMachineNetworkConfig, change: &Change) -> Vec<PatchOperation> {
    let Change { addresses, options, removed, added, owner, label, annotations, finalizer } = change;
    // An API server compares it with the stored one, and answers 409 where they differ.
    let version = ReplaceOperation {
        path: path(["metadata", "resourceVersion"]),
        value: json!(stored.resource_version()),
    };
    let mut operations = vec![PatchOperation::Replace(version)];
    if let Some(owner) = owner {
        let is_first = stored.owner_references().is_empty();
        operations.push(append(["metadata", "ownerReferences"], is_first, json!(owner)));
    }
    if *finalizer {
        let is_first = stored.finalizers().is_empty();
        operations.push(append(["metadata", "finalizers"], is_first, json!(VMNETCFG_FINALIZER)));
    }
    let labels: BTreeMap<_, _> = label.iter().map(|name| (VM_NAME_LABEL, Some(name.clone()))).collect();
    operations.extend(map("labels", stored.metadata.labels.as_ref(), &labels));
    operations.extend(map("annotations", stored.metadata.annotations.as_ref(), annotations));

    let (plural, singular) = (&stored.spec.network_configs, &stored.spec.network_config);
    let list = if plural.is_empty() && !singular.is_empty() { "networkConfig" } else { "networkConfigs" };
    let cards_change =
        !addresses.is_empty() || !options.is_empty() || !removed.is_empty() || !added.is_empty();
    if cards_change && !plural.is_empty() && !singular.is_empty() {
        // Both spellings say the same, and must not come to differ.
        operations.push(remove(["spec", "networkConfig"]));
    }
    let stored_addresses = stored.spec.cards().iter().map(|card| card.ip_address.is_some());
    let has_address: Vec<bool> = stored_addresses.collect();
    for (at, address) in addresses {
        let at_text = at.to_string();
        let tokens = ["spec", list, at_text.as_str(), "ipAddress"];
        match address {
            Some(address) => operations.push(add(tokens, json!(address))),
            None if has_address.get(*at) == Some(&true) => operations.push(remove(tokens)),
            None => {}
        }
    }
    let has_options: Vec<bool> = stored.spec.cards().iter().map(|card| !card.options.is_empty()).collect();
    for (at, options) in options {
        let at_text = at.to_string();
        let tokens = ["spec", list, at_text.as_str(), "options"];
        if !options.is_empty() {
            operations.push(add(tokens, json!(options)));
        } else if has_options.get(*at) == Some(&true) {
            operations.push(remove(tokens));
        }
    }
    // From the back, so that positions stay what they are.
    operations.extend(removed.iter().rev().map(|at| remove(["spec", list, at.to_string().as_str()])));
    if stored.spec.cards().is_empty() && !added.is_empty() {
        operations.push(add(["spec", list], json!(added)));
    } else {
        operations.extend(added.iter().map(|card| add(["spec", list, "-"], json!(card))));
    }
    operations
}

/// One more item of a list of the metadata, which is not there as long as it would be empty.
fn append([metadata, list]: [&str; 2], is_first: bool, item: Value) -> PatchOperation {
    if is_first { add([metadata, list], json!([item])) } else { add([metadata, list, "-"], item) }
}

/// Changes of a map of the metadata, which is not there as long as it would be empty.
fn map(
    name: &str,
    stored: Option<&BTreeMap<String, String>>,
    changes: &BTreeMap<&'static str, Option<String>>,
) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    if stored.is_none_or(BTreeMap::is_empty) && changes.values().any(Option::is_some) {
        operations.push(add(["metadata", name], json!({})));
    }
    for (key, value) in changes {
        match value {
            Some(value) => operations.push(add(["metadata", name, key], json!(value))),
            None if stored.is_some_and(|stored| stored.contains_key(*key)) => {
                operations.push(remove(["metadata", name, key]));
            }
            None => {}
        }
    }
    operations
}
