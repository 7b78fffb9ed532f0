//! POST.

use http::Method;
use kube::{Api, Client, api::PostParams};
use serde_json::json;
use vmdhcp_core::api::VirtualMachineNetworkConfigStatus;

use crate::fixtures::{
    CLAIMS, Claim, OTHER_NAMESPACE, claim, claims, create, details, fields, is_gone, labelled, post, raw,
    refusal, stored, unique,
};

pub(crate) async fn a_new_object_gets_uid_time_version_and_generation(client: &Client) {
    let metadata = stored(client, "new").await.metadata;
    assert!(!metadata.uid.unwrap().is_empty());
    assert!(metadata.creation_timestamp.is_some());
    assert!(metadata.resource_version.unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(metadata.generation, Some(1));
    assert_eq!(metadata.deletion_timestamp, None);
}

pub(crate) async fn what_only_the_server_sets_is_ignored(client: &Client) {
    let name = unique("server-set");
    let mut body = serde_json::to_value(claim(&name)).unwrap();
    body["metadata"]["uid"] = json!("11111111-1111-4111-8111-111111111111");
    body["metadata"]["creationTimestamp"] = json!("2001-01-01T00:00:00Z");
    body["metadata"]["deletionTimestamp"] = json!("2001-01-01T00:00:00Z");
    body["metadata"]["generation"] = json!(7);
    let (code, created) = post(client, CLAIMS, &body).await;
    assert_eq!(code, 201);
    let metadata = &created["metadata"];
    assert_ne!(metadata["uid"], body["metadata"]["uid"]);
    assert_ne!(metadata["creationTimestamp"], body["metadata"]["creationTimestamp"]);
    assert_eq!(metadata["generation"], 1);
    assert!(metadata.get("deletionTimestamp").is_none());
}

pub(crate) async fn a_second_object_of_the_name_already_exists(client: &Client) {
    let first = stored(client, "twice").await;
    let name = first.metadata.name.as_deref().unwrap();
    let status = refusal(claims(client).create(&PostParams::default(), &claim(name)).await);
    assert!(status.is_already_exists());
    assert_eq!(status.code, 409);
    assert_eq!(details(&status).name, name);
    assert_eq!(details(&status).group, "network.harvesterhci.io");
    assert_eq!(details(&status).kind, "virtualmachinenetworkconfigs");
    assert_eq!(claims(client).get(name).await.unwrap().metadata.uid, first.metadata.uid);
}

pub(crate) async fn a_generated_name_is_the_prefix_and_five_characters(client: &Client) {
    let mut nameless = claim("");
    nameless.metadata.name = None;
    nameless.metadata.generate_name = Some("generated-".to_owned());
    let (one, two) = (create(client, &nameless).await, create(client, &nameless).await);
    let name = one.metadata.name.unwrap();
    assert_eq!(name.strip_prefix("generated-").unwrap().len(), 5, "{name}");
    assert_ne!(Some(name), two.metadata.name);
}

pub(crate) async fn status_is_dropped(client: &Client) {
    let mut with_status = claim(&unique("status"));
    with_status.status = Some(VirtualMachineNetworkConfigStatus::default());
    assert_eq!(create(client, &with_status).await.status, None);
}

pub(crate) async fn a_version_is_refused(client: &Client) {
    let name = unique("versioned");
    let mut versioned = claim(&name);
    versioned.metadata.resource_version = Some("5".to_owned());
    let status = refusal(claims(client).create(&PostParams::default(), &versioned).await);
    assert!(status.message.contains("resourceVersion should not be set"), "{status}");
    assert!(is_gone(client, &name).await);
}

pub(crate) async fn a_name_is_required(client: &Client) {
    let mut nameless = claim("");
    nameless.metadata.name = None;
    let status = refusal(claims(client).create(&PostParams::default(), &nameless).await);
    assert!(status.is_invalid());
    assert!(status.message.contains("name or generateName is required"), "{status}");
}

pub(crate) async fn a_bad_name_is_invalid(client: &Client) {
    for bad in ["Upper", "under_score", "-dash", "dot.", "a b"] {
        let status = refusal(claims(client).create(&PostParams::default(), &claim(bad)).await);
        assert!(status.is_invalid(), "{bad}: {status}");
        assert_eq!(status.code, 422);
        assert!(fields(&status).contains(&"metadata.name"), "{bad}: {status:?}");
        assert_eq!(details(&status).kind, "VirtualMachineNetworkConfig");
    }
}

pub(crate) async fn a_bad_label_is_invalid(client: &Client) {
    for (key, value) in [("key", "a b"), ("bad key", "value"), ("a/b/c", "value")] {
        let labelled = labelled(claim(&unique("label")), &[(key, value)]);
        let status = refusal(claims(client).create(&PostParams::default(), &labelled).await);
        assert!(status.is_invalid(), "{key}={value}: {status}");
        assert!(fields(&status).contains(&"metadata.labels"), "{status:?}");
    }
}

pub(crate) async fn another_namespace_than_the_paths_is_refused(client: &Client) {
    let mut elsewhere = claim(&unique("elsewhere"));
    elsewhere.metadata.namespace = Some(OTHER_NAMESPACE.to_owned());
    let status = refusal(claims(client).create(&PostParams::default(), &elsewhere).await);
    assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"));
}

pub(crate) async fn a_body_of_another_kind_is_refused(client: &Client) {
    let mut body = serde_json::to_value(claim(&unique("kind"))).unwrap();
    body["kind"] = json!("IPPool");
    let (code, status) = post(client, CLAIMS, &body).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert_eq!(status["details"]["causes"][0]["field"], "kind", "{status}");
    let mut body = serde_json::to_value(claim(&unique("version"))).unwrap();
    body["apiVersion"] = json!("network.harvesterhci.io/v1");
    assert_eq!(post(client, CLAIMS, &body).await.0, 400);
}

pub(crate) async fn a_body_without_kind_is_refused(client: &Client) {
    let mut body = serde_json::to_value(claim(&unique("kindless"))).unwrap();
    body.as_object_mut().unwrap().remove("kind");
    let (code, status) = post(client, CLAIMS, &body).await;
    assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")));
}

pub(crate) async fn a_body_that_is_no_json_is_refused(client: &Client) {
    for body in ["", "{", "not json", "[]", "\"text\""] {
        let (code, status) = raw(client, Method::POST, CLAIMS, "application/json", body).await;
        assert_eq!(code, 400, "{body}: {status}");
        assert_eq!(status["kind"], "Status");
        assert_eq!(status["status"], "Failure");
    }
}

pub(crate) async fn a_huge_body_is_refused(client: &Client) {
    let body = json!({ "padding": "x".repeat(4 * 1024 * 1024) });
    let (code, status) = post(client, CLAIMS, &body).await;
    assert_eq!((code, &status["reason"]), (413, &json!("RequestEntityTooLarge")));
}

pub(crate) async fn a_missing_field_is_invalid(client: &Client) {
    let name = unique("missing");
    let mut body = serde_json::to_value(claim(&name)).unwrap();
    body["spec"].as_object_mut().unwrap().remove("vmName");
    let (code, status) = post(client, CLAIMS, &body).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert!(status["message"].as_str().unwrap().contains("vmName"), "{status}");
    assert!(is_gone(client, &name).await);
}

pub(crate) async fn a_field_of_the_wrong_type_is_invalid(client: &Client) {
    let mut body = serde_json::to_value(claim(&unique("type"))).unwrap();
    body["spec"]["networkConfigs"][0]["macAddress"] = json!(17);
    let (code, status) = post(client, CLAIMS, &body).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert_eq!(status["details"]["causes"][0]["field"], "spec.networkConfigs[0].macAddress", "{status}");
}

pub(crate) async fn a_dry_run_stores_nothing(client: &Client) {
    let name = unique("dry");
    let dry_run = PostParams { dry_run: true, field_manager: None };
    let answer: Claim = claims(client).create(&dry_run, &claim(&name)).await.unwrap();
    assert!(answer.metadata.uid.is_some());
    assert!(is_gone(client, &name).await);
    let existing = stored(client, "dry-exists").await;
    let status =
        refusal(claims(client).create(&dry_run, &claim(existing.metadata.name.as_deref().unwrap())).await);
    assert!(status.is_already_exists());
}

pub(crate) async fn another_dry_run_than_all_is_refused(client: &Client) {
    let name = unique("dry-half");
    let body = serde_json::to_value(claim(&name)).unwrap();
    let (code, status) = post(client, &format!("{CLAIMS}?dryRun=Half"), &body).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert_eq!(status["details"]["causes"][0]["field"], "dryRun", "{status}");
    assert!(is_gone(client, &name).await);
}

pub(crate) async fn a_name_goes_before_a_generated_one(client: &Client) {
    let name = unique("both");
    let mut both = claim(&name);
    both.metadata.generate_name = Some("generated-".to_owned());
    assert_eq!(create(client, &both).await.metadata.name, Some(name));
}

pub(crate) async fn a_collection_of_all_namespaces_takes_no_objects(client: &Client) {
    let everywhere: Api<Claim> = Api::all(client.clone());
    let status = refusal(everywhere.create(&PostParams::default(), &claim(&unique("nowhere"))).await);
    assert!((400..500).contains(&status.code), "{status}");
}
