//! The status subresource.

use http::Method;
use kube::{
    Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use vmdhcp_core::api::{
    Condition, NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfigStatus,
};

use crate::fixtures::{
    Claim, NAMESPACE, claim, claims, labelled, merge, name, raw, refusal, stored, unique, version,
};

/// The same claim with an address in its status.
fn allocated(mut claim: Claim, address: &str) -> Claim {
    let card = NetworkConfigStatus {
        allocated_ip_address: address.to_owned(),
        state: NetworkConfigState::Allocated,
        ..NetworkConfigStatus::default()
    };
    claim.status = Some(VirtualMachineNetworkConfigStatus {
        network_configs: vec![card],
        ..VirtualMachineNetworkConfigStatus::default()
    });
    claim
}

async fn replace_status(client: &Client, claim: &Claim) -> kube::Result<Claim> {
    claims(client).replace_status(name(claim), &PostParams::default(), claim).await
}

pub(crate) async fn a_status_write_changes_nothing_else(client: &Client) {
    let old = stored(client, "status").await;
    let mut new = labelled(allocated(old.clone(), "10.0.0.1"), &[("a", "b")]);
    new.spec.paused = Some(true);
    let new = replace_status(client, &new).await.unwrap();
    assert_eq!(new.status, allocated(old.clone(), "10.0.0.1").status);
    assert_eq!(new.spec, old.spec);
    assert_eq!(new.metadata.labels, None);
    assert_eq!(new.metadata.generation, Some(1));
    assert_ne!(version(&new), version(&old));
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), new);
}

pub(crate) async fn a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale").await;
    replace_status(client, &allocated(old.clone(), "10.0.0.1")).await.unwrap();
    let status = refusal(replace_status(client, &allocated(old.clone(), "10.0.0.2")).await);
    assert!(status.is_conflict(), "{status}");
}

pub(crate) async fn a_status_of_an_object_that_is_not_there_is_not_found(client: &Client) {
    let mut absent = allocated(claim(&unique("absent")), "10.0.0.1");
    absent.metadata.resource_version = Some("1".to_owned());
    let status = refusal(replace_status(client, &absent).await);
    assert!(status.is_not_found(), "{status}");
}

pub(crate) async fn a_status_of_the_wrong_type_is_invalid(client: &Client) {
    let old = stored(client, "wrong").await;
    let patch = Patch::Merge(json!({ "status": { "networkConfigs": [{ "state": 7 }] } }));
    let status = refusal(claims(client).patch_status(name(&old), &PatchParams::default(), &patch).await);
    assert!(status.is_invalid(), "{status}");
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn a_merge_patch_of_the_status_on_a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale-merge").await;
    replace_status(client, &allocated(old.clone(), "10.0.0.1")).await.unwrap();
    let patch = Patch::Merge(json!({
        "metadata": { "resourceVersion": version(&old) },
        "status": { "networkConfigs": [] },
    }));
    let status = refusal(claims(client).patch_status(name(&old), &PatchParams::default(), &patch).await);
    assert!(status.is_conflict(), "{status}");
}

pub(crate) async fn apply_of_the_status_keeps_the_spec(client: &Client) {
    let old = stored(client, "apply").await;
    let patch = json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "status": { "networkConfigs": [{ "allocatedIPAddress": "10.0.0.3", "state": "Allocated" }] },
    });
    let manager = PatchParams::apply("conformance");
    let new = claims(client).patch_status(name(&old), &manager, &Patch::Apply(&patch)).await.unwrap();
    assert_eq!(new.spec, old.spec);
    assert_eq!(new.metadata.generation, Some(1));
    assert_eq!(new.status.unwrap().network_configs[0].allocated_ip_address, "10.0.0.3");
}

pub(crate) async fn a_dry_run_stores_nothing(client: &Client) {
    let old = stored(client, "dry").await;
    let dry_run = PostParams { dry_run: true, field_manager: None };
    let new = allocated(old.clone(), "10.0.0.1");
    let answer = claims(client).replace_status(name(&old), &dry_run, &new).await.unwrap();
    assert_eq!(answer.status, new.status);
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn a_merge_patch_of_the_status_keeps_the_spec(client: &Client) {
    let old = stored(client, "merge").await;
    let patch = json!({
        "metadata": { "labels": { "a": "b" } },
        "spec": { "paused": true },
        "status": { "networkConfigs": [{ "allocatedIPAddress": "10.0.0.3", "state": "Allocated" }] },
    });
    let new = claims(client)
        .patch_status(name(&old), &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(new.spec, old.spec);
    assert_eq!(new.metadata.labels, None);
    assert_eq!(new.status.unwrap().network_configs[0].allocated_ip_address, "10.0.0.3");
}

pub(crate) async fn a_merge_patch_of_the_object_keeps_the_status(client: &Client) {
    let old = replace_status(client, &allocated(stored(client, "kept").await, "10.0.0.1")).await.unwrap();
    let patch = json!({ "spec": { "paused": true }, "status": null });
    let new = merge(client, name(&old), &patch).await.unwrap();
    assert_eq!(new.status, old.status);
    assert_eq!(new.spec.paused, Some(true));
}

pub(crate) async fn a_json_patch_of_the_status_can_test_the_spec(client: &Client) {
    let old = stored(client, "test").await;
    let patch = |vm: &str| {
        let operations = json!([
            { "op": "test", "path": "/spec/vmName", "value": vm },
            { "op": "add", "path": "/status", "value": { "networkConfigs": [] } },
        ]);
        Patch::Json::<()>(serde_json::from_value(operations).unwrap())
    };
    let api = claims(client);
    let status = refusal(api.patch_status(name(&old), &PatchParams::default(), &patch("other")).await);
    assert!(status.is_invalid(), "{status}");
    let new = api.patch_status(name(&old), &PatchParams::default(), &patch("vm")).await.unwrap();
    assert!(new.status.is_some());
}

pub(crate) async fn an_equal_status_is_not_written(client: &Client) {
    let old = replace_status(client, &allocated(stored(client, "equal").await, "10.0.0.1")).await.unwrap();
    let new = replace_status(client, &old).await.unwrap();
    assert_eq!(version(&new), version(&old));
}

pub(crate) async fn an_object_has_at_most_one_and_a_half_mebibytes(client: &Client) {
    let mut claim = stored(client, "large").await;
    let padded = |claim: &Claim, bytes: usize| {
        let message = Condition { message: "x".repeat(bytes), ..Condition::default() };
        let status = VirtualMachineNetworkConfigStatus { conditions: vec![message], ..Default::default() };
        Claim { status: Some(status), ..claim.clone() }
    };
    let most = 3 * 512 * 1024;
    claim = replace_status(client, &padded(&claim, most - 4096)).await.unwrap();
    let status = refusal(replace_status(client, &padded(&claim, most)).await);
    // In etcd's words: whoever writes large objects has to know them.
    assert_eq!((status.code, status.message.as_str()), (500, "etcdserver: request is too large"));
    assert_eq!(claims(client).get(name(&claim)).await.unwrap(), claim);
}

pub(crate) async fn a_kind_without_it_has_no_such_path(client: &Client) {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/any/status");
    let (code, _) = raw(client, Method::GET, &path, "application/json", "").await;
    assert_eq!(code, 404);
}

pub(crate) async fn it_can_be_read_by_its_path(client: &Client) {
    let claim = stored(client, "read").await;
    assert_eq!(claims(client).get_status(name(&claim)).await.unwrap(), claim);
}
