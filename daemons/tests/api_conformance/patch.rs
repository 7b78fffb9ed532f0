//! PATCH.

use http::Method;
use kube::{
    Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::fixtures::{
    CLAIMS, Claim, claim, claims, create, is_gone, labelled, merge, name, raw, refusal, stored, unique,
    version,
};

async fn json_patch(client: &Client, name: &str, operations: Value) -> kube::Result<Claim> {
    let patch = Patch::Json::<()>(serde_json::from_value(operations).unwrap());
    claims(client).patch(name, &PatchParams::default(), &patch).await
}

pub(crate) async fn a_merge_sets_and_null_removes(client: &Client) {
    let old = create(client, &labelled(claim(&unique("merge")), &[("gone", "x"), ("kept", "y")])).await;
    let patch = json!({ "metadata": { "labels": { "gone": null, "new": "z" } }, "spec": { "paused": true } });
    let new = merge(client, name(&old), &patch).await.unwrap();
    let labels = new.metadata.labels.unwrap();
    assert_eq!(labels.keys().collect::<Vec<_>>(), ["kept", "new"]);
    assert_eq!(new.spec.paused, Some(true));
    assert_eq!(new.spec.network_configs, old.spec.network_configs);
    assert_eq!(new.metadata.generation, Some(2));
}

pub(crate) async fn a_merge_replaces_lists(client: &Client) {
    let old = stored(client, "list").await;
    let card = json!({ "networkName": "conformance/other", "macAddress": "52:54:00:00:00:02" });
    let new = merge(client, name(&old), &json!({ "spec": { "networkConfigs": [card] } })).await.unwrap();
    assert_eq!(new.spec.network_configs.len(), 1);
    assert_eq!(new.spec.network_configs[0].mac_address, "52:54:00:00:00:02");
}

pub(crate) async fn a_merge_on_a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale").await;
    let patch = |paused: bool| json!({ "metadata": { "resourceVersion": version(&old) }, "spec": { "paused": paused } });
    merge(client, name(&old), &patch(true)).await.unwrap();
    let status = refusal(merge(client, name(&old), &patch(false)).await);
    assert!(status.is_conflict(), "{status}");
    assert_eq!(claims(client).get(name(&old)).await.unwrap().spec.paused, Some(true));
}

pub(crate) async fn a_json_patch_on_a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale").await;
    let operations = |paused: bool| {
        json!([
            { "op": "replace", "path": "/metadata/resourceVersion", "value": version(&old) },
            { "op": "add", "path": "/spec/paused", "value": paused },
        ])
    };
    json_patch(client, name(&old), operations(true)).await.unwrap();
    let status = refusal(json_patch(client, name(&old), operations(false)).await);
    assert!(status.is_conflict(), "{status}");
    assert_eq!(claims(client).get(name(&old)).await.unwrap().spec.paused, Some(true));
}

pub(crate) async fn a_merge_that_changes_nothing_is_not_written(client: &Client) {
    let old = stored(client, "equal").await;
    let new = merge(client, name(&old), &json!({ "spec": { "vmName": "vm" } })).await.unwrap();
    assert_eq!(version(&new), version(&old));
}

pub(crate) async fn an_object_that_is_not_there_is_not_found(client: &Client) {
    let absent = unique("absent");
    let status = refusal(merge(client, &absent, &json!({ "spec": { "paused": true } })).await);
    assert!(status.is_not_found(), "{status}");
    let operations = json!([{ "op": "add", "path": "/spec/paused", "value": true }]);
    assert!(refusal(json_patch(client, &absent, operations).await).is_not_found());
}

pub(crate) async fn a_json_patch_whose_test_holds_is_applied(client: &Client) {
    let old = stored(client, "holds").await;
    let operations = json!([
        { "op": "test", "path": "/metadata/resourceVersion", "value": version(&old) },
        { "op": "add", "path": "/metadata/labels", "value": { "a.io/b": "c" } },
        { "op": "replace", "path": "/metadata/labels/a.io~1b", "value": "d" },
        { "op": "add", "path": "/spec/paused", "value": true },
    ]);
    let new = json_patch(client, name(&old), operations).await.unwrap();
    assert_eq!(new.metadata.labels.unwrap()["a.io/b"], "d");
    assert_eq!(new.spec.paused, Some(true));
}

pub(crate) async fn a_json_patch_whose_test_fails_changes_nothing(client: &Client) {
    let old = stored(client, "fails").await;
    let operations = json!([
        { "op": "add", "path": "/spec/paused", "value": true },
        { "op": "test", "path": "/spec/vmName", "value": "other" },
    ]);
    let status = refusal(json_patch(client, name(&old), operations).await);
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn a_json_patch_of_a_path_that_is_not_there_is_invalid(client: &Client) {
    let old = stored(client, "path").await;
    for operation in [
        json!({ "op": "remove", "path": "/spec/nothing" }),
        json!({ "op": "replace", "path": "/metadata/labels/a", "value": "b" }),
        json!({ "op": "add", "path": "/spec/networkConfigs/7", "value": {} }),
    ] {
        let status = refusal(json_patch(client, name(&old), json!([operation])).await);
        assert!(status.is_invalid(), "{operation}: {status}");
    }
}

pub(crate) async fn a_json_patch_that_is_none_is_refused(client: &Client) {
    let old = stored(client, "nonsense").await;
    let path = format!("{CLAIMS}/{}", name(&old));
    for (content_type, body) in
        [("application/json-patch+json", "{}"), ("application/merge-patch+json", "not json")]
    {
        let (code, status) = raw(client, Method::PATCH, &path, content_type, body).await;
        assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")), "{content_type}: {status}");
    }
}

pub(crate) async fn a_strategic_merge_of_a_custom_resource_is_not_supported(client: &Client) {
    let old = stored(client, "strategic").await;
    let patch = Patch::Strategic(json!({ "spec": { "paused": true } }));
    let status = refusal(claims(client).patch(name(&old), &PatchParams::default(), &patch).await);
    assert_eq!((status.code, status.reason.as_str()), (415, "UnsupportedMediaType"));
}

pub(crate) async fn a_patch_cannot_rename(client: &Client) {
    let old = stored(client, "rename").await;
    let other = unique("renamed");
    let status = refusal(merge(client, name(&old), &json!({ "metadata": { "name": other } })).await);
    assert!((400..500).contains(&status.code), "{status}");
    assert!(is_gone(client, &other).await);
    assert!(!is_gone(client, name(&old)).await);
}

pub(crate) async fn a_patch_cannot_break_the_types(client: &Client) {
    let old = stored(client, "types").await;
    let status = refusal(merge(client, name(&old), &json!({ "spec": { "vmName": null } })).await);
    assert!(status.is_invalid(), "{status}");
    let status = refusal(merge(client, name(&old), &json!({ "spec": { "paused": "yes" } })).await);
    assert!(status.is_invalid(), "{status}");
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn apply_creates_and_then_updates(client: &Client) {
    let name = unique("apply");
    let manager = PatchParams::apply("conformance");
    let created = claims(client).patch(&name, &manager, &Patch::Apply(claim(&name))).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    let mut changed = claim(&name);
    changed.spec.paused = Some(true);
    let updated = claims(client).patch(&name, &manager, &Patch::Apply(changed)).await.unwrap();
    assert_eq!(updated.metadata.uid, created.metadata.uid);
    assert_eq!(updated.spec.paused, Some(true));
    assert_eq!(updated.metadata.generation, Some(2));
}

pub(crate) async fn apply_needs_a_manager(client: &Client) {
    let name = unique("unmanaged");
    let patch = Patch::Apply(claim(&name));
    let status = refusal(claims(client).patch(&name, &PatchParams::default(), &patch).await);
    assert!((400..500).contains(&status.code), "{status}");
    assert!(status.message.contains("fieldManager"), "{status}");
    assert!(is_gone(client, &name).await);
}

pub(crate) async fn apply_of_another_uid_creates_nothing(client: &Client) {
    let name = unique("gone");
    let mut gone = claim(&name);
    gone.metadata.uid = Some("11111111-1111-4111-8111-111111111111".to_owned());
    let manager = PatchParams::apply("conformance");
    let status = refusal(claims(client).patch(&name, &manager, &Patch::Apply(gone)).await);
    assert!(status.is_conflict(), "{status}");
    assert!(is_gone(client, &name).await);
}

pub(crate) async fn apply_on_a_stale_version_conflicts(client: &Client) {
    let old = stored(client, "stale-apply").await;
    merge(client, name(&old), &json!({ "metadata": { "labels": { "a": "b" } } })).await.unwrap();
    let mut stale = claim(name(&old));
    stale.metadata.resource_version = old.metadata.resource_version.clone();
    stale.spec.paused = Some(true);
    let manager = PatchParams::apply("conformance").force();
    let status = refusal(claims(client).patch(name(&old), &manager, &Patch::Apply(stale)).await);
    assert!(status.is_conflict(), "{status}");
}

pub(crate) async fn apply_of_another_name_is_refused(client: &Client) {
    let (one, other) = (unique("one"), unique("other"));
    let patch = Patch::Apply(claim(&other));
    let status = refusal(claims(client).patch(&one, &PatchParams::apply("conformance"), &patch).await);
    assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"), "{status}");
    assert!(is_gone(client, &one).await && is_gone(client, &other).await);
}

pub(crate) async fn a_json_patch_adds_moves_copies_and_removes(client: &Client) {
    let old = create(client, &labelled(claim(&unique("operations")), &[("one", "1"), ("two", "2")])).await;
    let operations = json!([
        { "op": "copy", "from": "/metadata/labels/one", "path": "/metadata/labels/three" },
        { "op": "move", "from": "/metadata/labels/two", "path": "/metadata/labels/four" },
        { "op": "remove", "path": "/metadata/labels/one" },
        { "op": "add", "path": "/spec/networkConfigs/-", "value": { "networkName": "a/b", "macAddress": "52:54:00:00:00:09" } },
        { "op": "add", "path": "/spec/networkConfigs/0", "value": { "networkName": "a/b", "macAddress": "52:54:00:00:00:08" } },
    ]);
    let new = json_patch(client, name(&old), operations).await.unwrap();
    let labels = new.metadata.labels.unwrap();
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        [("four".into(), "2".into()), ("three".into(), "1".into())]
    );
    let macs: Vec<_> = new.spec.network_configs.iter().map(|card| &card.mac_address[15..]).collect();
    assert_eq!(macs, ["08", "01", "09"]);
}

pub(crate) async fn a_dry_run_stores_nothing(client: &Client) {
    let old = stored(client, "dry").await;
    let patch = Patch::Merge(json!({ "spec": { "paused": true } }));
    let dry_run = PatchParams::default().dry_run();
    let answer = claims(client).patch(name(&old), &dry_run, &patch).await.unwrap();
    assert_eq!(answer.spec.paused, Some(true));
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
    let absent = unique("dry-apply");
    let apply = Patch::Apply(claim(&absent));
    claims(client).patch(&absent, &PatchParams::apply("conformance").dry_run(), &apply).await.unwrap();
    assert!(is_gone(client, &absent).await);
}

pub(crate) async fn a_patch_can_ask_for_metadata_alone(client: &Client) {
    let old = stored(client, "metadata").await;
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    let answer = claims(client).patch_metadata(name(&old), &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(answer.types.unwrap().kind, "PartialObjectMetadata");
    assert_eq!(answer.metadata.labels.unwrap()["a"], "b");
}
