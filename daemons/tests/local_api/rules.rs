//! Kinds, their structure, and the rules on their objects.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use vmdhcp_core::{
    admission::{Cause, Refusal, RefusalKind},
    api::GROUP,
};
use vmdhcp_daemons::cluster::local::{Kind, Kinds, LocalApi, Operation, Options, Review};

use crate::{claims, create, pool, pools, refusal};

/// Objects of `example.org/v1`, kind `Thing`.
fn things(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("example.org", "v1", "Thing");
    Api::default_namespaced_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, "things"))
}

fn thing(name: &str, spec: &Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "example.org/v1", "kind": "Thing", "metadata": { "name": name }, "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

/// Sizes are 1 unless said otherwise, are told apart, and never negative; a thing of size 9 is not deleted.
fn size_rules(review: Review<'_>) -> Result<(), Refusal> {
    let deny = |kind, message: &str| {
        let cause = Cause { field: "spec.size".to_owned(), message: message.to_owned() };
        Err(Refusal { kind, object: "Thing".to_owned(), causes: vec![cause] })
    };
    match (review.operation, review.old, review.new) {
        (Operation::Delete, Some(old), _) if old["spec"]["size"] == 9 => {
            deny(RefusalKind::Forbidden, "is too large to go")
        }
        (Operation::Create | Operation::Update, _, Some(new)) => {
            if new["spec"]["size"].is_null() {
                new["spec"]["size"] = json!(1);
            }
            let size = &new["spec"]["size"];
            let taken = |other: &Value| {
                other["spec"]["size"] == *size && other["metadata"]["name"] != new["metadata"]["name"]
            };
            match size.as_i64() {
                None | Some(..0) => deny(RefusalKind::Invalid, "is not a size"),
                Some(_) if review.stored.list("things").iter().any(taken) => {
                    deny(RefusalKind::Conflict, "is taken")
                }
                Some(_) => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[tokio::test]
async fn rules_default_refuse_and_see_what_else_is_stored() {
    let kind = Kind::new("example.org", "v1", "Thing", "things").admitted_by(Arc::new(size_rules));
    let client = LocalApi::in_memory(Kinds::none().with(kind)).unwrap().client("default");
    let api = things(&client);
    let options = PostParams::default();
    let defaulted = api.create(&options, &thing("one", &json!({}))).await.unwrap();
    assert_eq!(defaulted.data["spec"]["size"], 1);

    let status = refusal(api.create(&options, &thing("two", &json!({ "size": -1 }))).await);
    assert!(status.is_invalid(), "{status}");
    let cause = &status.details.as_ref().unwrap().causes[0];
    assert_eq!((cause.field.as_str(), cause.message.as_str()), ("spec.size", "is not a size"));

    let status = refusal(api.create(&options, &thing("two", &json!({ "size": 1 }))).await);
    assert!(status.is_conflict(), "{status}");

    api.create(&options, &thing("nine", &json!({ "size": 9 }))).await.unwrap();
    let status = refusal(api.delete("nine", &DeleteParams::default()).await);
    assert!(status.is_forbidden(), "{status}");
    api.get("nine").await.unwrap();

    let patch = Patch::Merge(json!({ "spec": { "size": 9 } }));
    let status = refusal(api.patch("one", &PatchParams::default(), &patch).await);
    assert!(status.is_conflict(), "{status}");
    // The status is not put before them.
    let patch = Patch::Merge(json!({ "status": { "size": 9 } }));
    api.patch_status("one", &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn a_pool_gets_its_defaults_and_keeps_its_network_to_itself() {
    let client = LocalApi::in_memory(Kinds::standard()).unwrap().client("default");
    let options = PostParams::default();
    let stored = pools(&client).create(&options, &pool("pool", "lab")).await.unwrap();
    let config = stored.spec.ipv4_config.unwrap();
    assert_eq!(config.server_ip.as_deref(), Some("10.0.0.1"));
    assert_eq!(config.pool.start.as_deref(), Some("10.0.0.1"));

    let status = refusal(pools(&client).create(&options, &pool("rival", "default/lab")).await);
    assert!(status.is_conflict(), "{status}");
    let mut bad = pool("bad", "other");
    "10.0.0.0/99".clone_into(&mut bad.spec.ipv4_config.as_mut().unwrap().cidr);
    let status = refusal(pools(&client).create(&options, &bad).await);
    assert!(status.is_invalid(), "{status}");
    assert!(status.details.unwrap().causes.iter().any(|cause| cause.field == "spec.ipv4Config.cidr"));

    create(&client, "user").await;
    let status = refusal(pools(&client).delete("pool", &DeleteParams::default()).await);
    assert!(status.is_forbidden(), "{status}");
    claims(&client).delete("user", &DeleteParams::default()).await.unwrap();
    pools(&client).delete("pool", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn fields_of_a_newer_version_are_kept() {
    let client = LocalApi::in_memory(Kinds::standard()).unwrap().client("default");
    let resource = ApiResource::erase::<vmdhcp_core::api::IPPool>(&());
    let untyped: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &resource);
    let mut newer = serde_json::to_value(pool("pool", "lab")).unwrap();
    newer["spec"]["fromTheFuture"] = json!({ "deep": true });
    let newer = serde_json::from_value(newer).unwrap();
    untyped.create(&PostParams::default(), &newer).await.unwrap();
    let patch = Patch::Merge(json!({ "spec": { "paused": true } }));
    let patched = untyped.patch("pool", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data["spec"]["fromTheFuture"], json!({ "deep": true }));
}

#[tokio::test]
async fn an_old_object_of_the_wrong_type_can_still_be_labelled_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let untyped = Kind::new(GROUP, "v1alpha1", "IPPool", "ippools");
    let lax = LocalApi::open(&path, Kinds::none().with(untyped)).unwrap().client("default");
    let resource = ApiResource::erase::<vmdhcp_core::api::IPPool>(&());
    let objects =
        |client: &Client| -> Api<DynamicObject> { Api::default_namespaced_with(client.clone(), &resource) };
    let mut broken = serde_json::to_value(pool("broken", "lab")).unwrap();
    broken["spec"]["networkName"] = json!(7);
    let broken = serde_json::from_value(broken).unwrap();
    objects(&lax).create(&PostParams::default(), &broken).await.unwrap();

    let strict = LocalApi::open(&path, Kinds::standard()).unwrap().client("default");
    let strict = objects(&strict);
    let options = PatchParams::default();
    let labels = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    strict.patch("broken", &options, &labels).await.unwrap();
    let worse = Patch::Merge(json!({ "spec": { "networkName": "lab", "paused": "yes" } }));
    let status = refusal(strict.patch("broken", &options, &worse).await);
    assert!(status.is_invalid(), "{status}");
    strict.delete("broken", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn kinds_may_have_no_namespace_or_no_status() {
    let kinds = Kinds::none()
        .with(Kind::new("example.org", "v1", "Thing", "things").cluster_scoped().without_status())
        .with(Kind::typed::<Deployment>().built_in());
    let client = LocalApi::in_memory(kinds).unwrap().client("default");
    let kind = GroupVersionKind::gvk("example.org", "v1", "Thing");
    let api: Api<DynamicObject> =
        Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, "things"));
    api.create(&PostParams::default(), &thing("global", &json!({}))).await.unwrap();
    let patch = Patch::Merge(json!({ "status": { "phase": "Ready" } }));
    let patched = api.patch("global", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.metadata.generation, Some(2), "a status that is no subresource is part of the object");
    assert_eq!(patched.metadata.namespace, None);
    let status = refusal(things(&client).create(&PostParams::default(), &thing("a", &json!({}))).await);
    assert_eq!(status.code, 404, "{status}");

    let deployments: Api<Deployment> = Api::default_namespaced(client);
    let mut deployment = Deployment::default();
    deployment.metadata.name = Some("agent".to_owned());
    let created = deployments.create(&PostParams::default(), &deployment).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
}

#[tokio::test]
async fn times_are_those_of_the_clock() {
    let options =
        Options { clock: Arc::new(|| Timestamp::from_second(1_000_000_000).unwrap()), ..Options::default() };
    let client = LocalApi::in_memory_with(Kinds::standard(), options).unwrap().client("default");
    let created = create(&client, "claim").await.metadata.creation_timestamp.unwrap();
    assert_eq!(created.0.to_string(), "2001-09-09T01:46:40Z");
}
