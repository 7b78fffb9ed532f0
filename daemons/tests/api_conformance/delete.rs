//! DELETE, and what finalizers make of it.

use http::Method;
use kube::{
    Client,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
};
use serde_json::json;

use crate::fixtures::{
    CLAIMS, FINALIZER, claim, claims, create, details, fields, finalized, is_gone, labelled, merge, name,
    raw, refusal, release, stored, unique, version,
};

pub(crate) async fn an_object_is_gone_and_its_uid_told(client: &Client) {
    let old = stored(client, "gone").await;
    let answer = claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let status = answer.right().expect("nothing is left to be answered");
    assert!(status.is_success());
    assert_eq!(Some(&details(&status).uid), old.metadata.uid.as_ref());
    assert_eq!(details(&status).kind, "virtualmachinenetworkconfigs");
    assert!(is_gone(client, name(&old)).await);
}

pub(crate) async fn an_object_that_is_not_there_is_not_found(client: &Client) {
    let absent = unique("absent");
    let status = refusal(claims(client).delete(&absent, &DeleteParams::default()).await);
    assert!(status.is_not_found());
    assert_eq!(details(&status).name, absent);
}

pub(crate) async fn finalizers_keep_it_until_the_last_is_removed(client: &Client) {
    let mut two = finalized(claim(&unique("finalized")));
    two.metadata.finalizers.as_mut().unwrap().push("vmdhcp.test/other".to_owned());
    let old = create(client, &two).await;
    let answer = claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let waiting = answer.left().expect("the object is still there");
    assert!(waiting.metadata.deletion_timestamp.is_some());
    assert_eq!(waiting.metadata.deletion_grace_period_seconds, Some(0));
    assert_eq!(waiting.metadata.generation, Some(2));
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), waiting);

    let one = json!({ "metadata": { "finalizers": [FINALIZER] } });
    merge(client, name(&old), &one).await.unwrap();
    assert!(!is_gone(client, name(&old)).await);
    release(client, name(&old)).await;
    assert!(is_gone(client, name(&old)).await);
}

pub(crate) async fn a_terminating_object_takes_no_new_finalizer(client: &Client) {
    let old = create(client, &finalized(claim(&unique("terminating")))).await;
    claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let more = json!({ "metadata": { "finalizers": [FINALIZER, "vmdhcp.test/late"] } });
    let status = refusal(merge(client, name(&old), &more).await);
    assert!(status.is_invalid(), "{status}");
    // A cluster says it twice.
    assert!(fields(&status).iter().all(|field| *field == "metadata.finalizers"), "{status:?}");
    assert!(status.message.contains("no new finalizers can be added"), "{status}");
    merge(client, name(&old), &json!({ "spec": { "paused": true } })).await.unwrap();
    release(client, name(&old)).await;
}

pub(crate) async fn a_second_deletion_changes_nothing(client: &Client) {
    let old = create(client, &finalized(claim(&unique("again")))).await;
    let first = claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap().left().unwrap();
    let second = claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(first, second);
    release(client, name(&old)).await;
}

pub(crate) async fn a_terminating_object_cannot_be_revived(client: &Client) {
    let old = create(client, &finalized(claim(&unique("revived")))).await;
    claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let mut revived = claims(client).get(name(&old)).await.unwrap();
    revived.metadata.deletion_timestamp = None;
    let answer = claims(client).replace(name(&old), &PostParams::default(), &revived).await.unwrap();
    assert!(answer.metadata.deletion_timestamp.is_some());
    release(client, name(&old)).await;
    assert!(is_gone(client, name(&old)).await);
}

pub(crate) async fn preconditions_are_checked(client: &Client) {
    let old = stored(client, "preconditions").await;
    let on = |uid: Option<&str>, version: Option<&str>| {
        DeleteParams::default().preconditions(Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: version.map(str::to_owned),
        })
    };
    let other = "11111111-1111-4111-8111-111111111111";
    let status = refusal(claims(client).delete(name(&old), &on(Some(other), None)).await);
    assert!(status.is_conflict(), "{status}");

    let new = merge(client, name(&old), &json!({ "spec": { "paused": true } })).await.unwrap();
    let status = refusal(claims(client).delete(name(&old), &on(None, Some(version(&old)))).await);
    assert!(status.is_conflict(), "{status}");

    let both = on(new.metadata.uid.as_deref(), Some(version(&new)));
    claims(client).delete(name(&old), &both).await.unwrap();
    assert!(is_gone(client, name(&old)).await);
}

pub(crate) async fn a_dry_run_deletes_nothing(client: &Client) {
    let old = stored(client, "dry").await;
    claims(client).delete(name(&old), &DeleteParams::default().dry_run()).await.unwrap();
    assert_eq!(claims(client).get(name(&old)).await.unwrap(), old);
}

pub(crate) async fn another_propagation_is_refused(client: &Client) {
    let old = stored(client, "propagation").await;
    let path = format!("{CLAIMS}/{}", name(&old));
    for (query, body) in [("?propagationPolicy=Sideways", ""), ("", r#"{"propagationPolicy":"Sideways"}"#)] {
        let (code, status) =
            raw(client, Method::DELETE, &format!("{path}{query}"), "application/json", body).await;
        assert_eq!((code, &status["reason"]), (422, &json!("Invalid")), "{status}");
        assert_eq!(status["details"]["causes"][0]["field"], "propagationPolicy", "{status}");
    }
    let (code, _) = raw(client, Method::DELETE, &path, "application/json", "{").await;
    assert_eq!(code, 400);
    assert!(!is_gone(client, name(&old)).await);
}

pub(crate) async fn a_dry_run_of_a_collection_deletes_nothing(client: &Client) {
    let run = unique("run");
    let one = create(client, &labelled(claim(&unique("dry")), &[("run", &run)])).await;
    let mine = ListParams::default().labels(&format!("run={run}"));
    claims(client).delete_collection(&DeleteParams::default().dry_run(), &mine).await.unwrap();
    assert_eq!(claims(client).get(name(&one)).await.unwrap(), one);
}

pub(crate) async fn a_collection_leaves_what_has_finalizers_terminating(client: &Client) {
    let run = unique("run");
    let held = create(client, &finalized(labelled(claim(&unique("held")), &[("run", &run)]))).await;
    let mine = ListParams::default().labels(&format!("run={run}"));
    let _ = claims(client).delete_collection(&DeleteParams::default(), &mine).await.unwrap();
    let waiting = claims(client).get(name(&held)).await.unwrap();
    assert!(waiting.metadata.deletion_timestamp.is_some());
    release(client, name(&held)).await;
    assert!(is_gone(client, name(&held)).await);
}

pub(crate) async fn a_collection_goes_by_its_selector(client: &Client) {
    let run = unique("run");
    let mut names = Vec::new();
    for label in [run.as_str(), run.as_str(), "other"] {
        let claim = labelled(claim(&unique("collection")), &[("run", label)]);
        names.push(name(&create(client, &claim).await).to_owned());
    }
    let mine = ListParams::default().labels(&format!("run={run}"));
    let answer = claims(client).delete_collection(&DeleteParams::default(), &mine).await.unwrap();
    if let Some(deleted) = answer.left() {
        assert_eq!(deleted.items.len(), 2);
    }
    assert!(is_gone(client, &names[0]).await);
    assert!(is_gone(client, &names[1]).await);
    assert!(!is_gone(client, &names[2]).await);
}

pub(crate) async fn a_name_can_be_used_again(client: &Client) {
    let old = stored(client, "reused").await;
    claims(client).delete(name(&old), &DeleteParams::default()).await.unwrap();
    let new = create(client, &claim(name(&old))).await;
    assert_ne!(new.metadata.uid, old.metadata.uid);
    assert!(version(&new).parse::<u64>().unwrap() > version(&old).parse::<u64>().unwrap());
}
