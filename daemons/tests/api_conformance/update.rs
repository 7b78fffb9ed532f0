//! PUT.

use http::Method;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{
    Api, Client,
    api::{DeleteParams, PostParams},
};
use serde_json::json;
use vmdhcp_core::api::VirtualMachineNetworkConfigStatus;

use crate::fixtures::{
    CLAIMS, NAMESPACE, claim, claims, create, fields, finalized, is_gone, labelled, name, raw, refusal,
    stored, unique, version,
};

pub(crate) async fn a_new_spec_bumps_generation_and_version(client: &Client) {
    let old = stored(client, "spec").await;
    let mut new = old.clone();
    new.spec.paused = Some(true);
    let new = claims(client).replace(name(&old), &PostParams::default(), &new).await.unwrap();
    assert_eq!(new.metadata.generation, Some(2));
    assert_ne!(version(&new), version(&old));
    assert_eq!(new.metadata.uid, old.metadata.uid);
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), new);
}

pub(crate) async fn labels_bump_the_version_alone(client: &Client) {
    let old = stored(client, "labels").await;
    let new = labelled(old.clone(), &[("a", "b")]);
    let new = claims(client).replace(name(&old), &PostParams::default(), &new).await.unwrap();
    assert_eq!(new.metadata.generation, Some(1));
    assert_ne!(version(&new), version(&old));
}

pub(crate) async fn a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale").await;
    let mut first = old.clone();
    first.spec.paused = Some(true);
    claims(client).replace(name(&old), &PostParams::default(), &first).await.unwrap();
    let mut second = old.clone();
    "other".clone_into(&mut second.spec.vm_name);
    let status = refusal(claims(client).replace(name(&old), &PostParams::default(), &second).await);
    assert!(status.is_conflict());
    assert_eq!(status.code, 409);
    assert!(status.message.contains("please apply your changes to the latest version"), "{status}");
    assert_eq!(claims(client).get(name(&old)).await.unwrap().spec, first.spec);
}

pub(crate) async fn a_version_is_required(client: &Client) {
    let old = stored(client, "unconditional").await;
    let mut new = old.clone();
    new.metadata.resource_version = None;
    new.spec.paused = Some(true);
    let status = refusal(claims(client).replace(name(&old), &PostParams::default(), &new).await);
    assert!(status.is_invalid());
    assert!(fields(&status).contains(&"metadata.resourceVersion"), "{status:?}");
}

pub(crate) async fn another_uid_conflicts(client: &Client) {
    let old = stored(client, "uid").await;
    let mut new = old.clone();
    new.metadata.uid = Some("11111111-1111-4111-8111-111111111111".to_owned());
    let status = refusal(claims(client).replace(name(&old), &PostParams::default(), &new).await);
    assert!(status.is_conflict(), "{status}");
}

pub(crate) async fn another_name_than_the_paths_is_refused(client: &Client) {
    let old = stored(client, "renamed").await;
    let mut new = old.clone();
    new.metadata.name = Some(unique("other"));
    let path = format!("{CLAIMS}/{}", name(&old));
    let body = serde_json::to_vec(&new).unwrap();
    let (code, status) = raw(client, Method::PUT, &path, "application/json", body).await;
    assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")));
}

pub(crate) async fn an_object_that_is_not_there_is_not_found(client: &Client) {
    let mut absent = claim(&unique("absent"));
    absent.metadata.resource_version = Some("1".to_owned());
    let status = refusal(claims(client).replace(name(&absent), &PostParams::default(), &absent).await);
    assert!(status.is_not_found(), "{status}");
}

pub(crate) async fn an_equal_object_is_not_written(client: &Client) {
    let old = stored(client, "equal").await;
    let new = claims(client).replace(name(&old), &PostParams::default(), &old).await.unwrap();
    assert_eq!(version(&new), version(&old));
}

pub(crate) async fn what_only_the_server_sets_is_kept(client: &Client) {
    let old = stored(client, "kept").await;
    let mut new = old.clone();
    new.metadata.creation_timestamp = None;
    new.metadata.uid = None;
    new.metadata.generation = Some(77);
    new.spec.paused = Some(true);
    let new = claims(client).replace(name(&old), &PostParams::default(), &new).await.unwrap();
    assert_eq!(new.metadata.creation_timestamp, old.metadata.creation_timestamp);
    assert_eq!(new.metadata.uid, old.metadata.uid);
    assert_eq!(new.metadata.generation, Some(2));
}

pub(crate) async fn status_is_kept(client: &Client) {
    let old = stored(client, "with-status").await;
    let mut new = old.clone();
    new.status = Some(VirtualMachineNetworkConfigStatus::default());
    let new = claims(client).replace(name(&old), &PostParams::default(), &new).await.unwrap();
    assert_eq!(new.status, None);
    assert_eq!(version(&new), version(&old), "a status alone changes nothing");
}

pub(crate) async fn a_terminating_object_goes_with_its_last_finalizer(client: &Client) {
    let old = create(client, &finalized(claim(&unique("last")))).await;
    claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let mut free = claims(client).get(name(&old)).await.unwrap();
    free.metadata.finalizers = None;
    claims(client).replace(name(&old), &PostParams::default(), &free).await.unwrap();
    assert!(is_gone(client, name(&old)).await);
}

pub(crate) async fn a_dry_run_stores_nothing(client: &Client) {
    let old = stored(client, "dry").await;
    let mut new = old.clone();
    new.spec.paused = Some(true);
    let dry_run = PostParams { dry_run: true, field_manager: None };
    let answer = claims(client).replace(name(&old), &dry_run, &new).await.unwrap();
    assert_eq!(answer.spec, new.spec);
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn a_lease_is_taken_by_one_of_two(client: &Client) {
    let leases: Api<Lease> = Api::namespaced(client.clone(), NAMESPACE);
    let mut lease = Lease::default();
    let lease_name = unique("lease");
    lease.metadata.name = Some(lease_name.clone());
    let seen = leases.create(&PostParams::default(), &lease).await.unwrap();
    let candidate = |identity: &str| {
        let mut lease = seen.clone();
        lease.spec = Some(LeaseSpec { holder_identity: Some(identity.to_owned()), ..LeaseSpec::default() });
        lease
    };
    leases.replace(&lease_name, &PostParams::default(), &candidate("one")).await.unwrap();
    let status = refusal(leases.replace(&lease_name, &PostParams::default(), &candidate("two")).await);
    assert!(status.is_conflict(), "{status}");
    let held = leases.get(&lease_name).await.unwrap();
    assert_eq!(held.spec.unwrap().holder_identity.as_deref(), Some("one"));
    assert_eq!(held.metadata.generation, None, "a lease has no generation");
}
