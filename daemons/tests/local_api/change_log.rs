//! The change log: how it is pruned, and what watches notice of that.

use std::{pin::pin, time::Duration};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::{ListParams, PostParams, WatchEvent, WatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use vmdhcp_daemons::cluster::local::{ChangeLog, Kinds, LocalApi, Options};

use crate::{Claim, claims, create, first_event, refusal};

fn keeping(rows: usize, bytes: usize) -> LocalApi {
    let options = Options { change_log: ChangeLog { rows, bytes }, ..Options::default() };
    LocalApi::in_memory_with(Kinds::standard(), options).unwrap()
}

async fn write_leases(client: &Client, count: usize) {
    let leases: Api<Lease> = Api::default_namespaced(client.clone());
    for number in 0..count {
        let mut lease = Lease::default();
        lease.metadata.name = Some(format!("lease-{number}"));
        leases.create(&PostParams::default(), &lease).await.unwrap();
    }
}

fn version(claim: &Claim) -> &str {
    claim.metadata.resource_version.as_deref().unwrap()
}

#[tokio::test]
async fn a_watch_from_a_pruned_version_is_told_410() {
    let client = keeping(16, usize::MAX).client("default");
    let old = create(&client, "old").await;
    for number in 0..32 {
        create(&client, &format!("claim-{number}")).await;
    }
    let event = first_event(&client, &WatchParams::default(), version(&old)).await;
    let WatchEvent::Error(status) = event else { panic!("the watch should fail: {event:?}") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    // What is in the log still can be watched from.
    let recent = claims(&client).get("claim-24").await.unwrap();
    let event = first_event(&client, &WatchParams::default(), version(&recent)).await;
    assert!(matches!(event, WatchEvent::Added(claim) if claim.metadata.name.as_deref() == Some("claim-25")));
}

#[tokio::test]
async fn large_objects_fill_the_log_by_their_bytes() {
    let client = keeping(1_000, 256 * 1024).client("default");
    let old = create(&client, "old").await;
    for number in 0..8 {
        let mut large = crate::claim(&format!("large-{number}"));
        large.metadata.annotations = Some([("padding".to_owned(), "x".repeat(100 * 1024))].into());
        claims(&client).create(&PostParams::default(), &large).await.unwrap();
    }
    let event = first_event(&client, &WatchParams::default(), version(&old)).await;
    assert!(matches!(event, WatchEvent::Error(status) if status.code == 410));
    let event = first_event(
        &client,
        &WatchParams::default(),
        version(&claims(&client).get("large-6").await.unwrap()),
    )
    .await;
    assert!(matches!(event, WatchEvent::Added(_)), "the latest change is kept, however large");
}

#[tokio::test]
async fn a_watch_from_a_version_of_another_file_is_told_410() {
    let client = keeping(16, usize::MAX).client("default");
    let event = first_event(&client, &WatchParams::default(), "1000").await;
    assert!(matches!(event, WatchEvent::Error(status) if status.code == 410));
}

#[tokio::test]
async fn a_page_after_pruning_is_told_410() {
    let client = keeping(8, usize::MAX).client("default");
    for number in 0..4 {
        create(&client, &format!("claim-{number}")).await;
    }
    let page = claims(&client).list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(page.metadata.remaining_item_count, Some(2));
    write_leases(&client, 20).await;
    let next = ListParams::default().limit(2).continue_token(&page.metadata.continue_.unwrap());
    let status = refusal(claims(&client).list(&next).await);
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn the_runtimes_watcher_recovers_by_listing_again() {
    let api = keeping(16, usize::MAX);
    let client = api.client("default");
    create(&client, "before").await;
    let mut events = pin!(watcher(claims(&client), watcher::Config::default()).touched_objects());
    assert_eq!(events.next().await.unwrap().unwrap().metadata.name.as_deref(), Some("before"));
    // It has listed; more happens before it watches than the log keeps.
    write_leases(&client, 40).await;
    create(&client, "after").await;
    let find_after = async {
        loop {
            match events.next().await.unwrap() {
                Ok(claim) if claim.metadata.name.as_deref() == Some("after") => return,
                Ok(_) | Err(watcher::Error::WatchError(_)) => {}
                Err(error) => panic!("the watcher should recover: {error}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), find_after).await.unwrap();
}

#[tokio::test]
async fn a_quiet_watch_is_told_its_version_while_others_fill_the_log() {
    let client = keeping(40, usize::MAX).client("default");
    let old = create(&client, "quiet").await;
    let api = claims(&client);
    let mut events = api.watch(&WatchParams::default(), version(&old)).await.unwrap().boxed();
    let (next, ()) = futures::join!(events.next(), write_leases(&client, 20));
    let Some(Ok(WatchEvent::Bookmark(bookmark))) = next else { panic!("a bookmark should come: {next:?}") };
    assert!(bookmark.metadata.resource_version.parse::<u64>().unwrap() > version(&old).parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_told_its_version_every_minute() {
    let client = keeping(1_000, usize::MAX).client("default");
    let started = tokio::time::Instant::now();
    let api = claims(&client);
    let list = api.list(&ListParams::default()).await.unwrap();
    let mut events =
        api.watch(&WatchParams::default(), &list.metadata.resource_version.unwrap()).await.unwrap().boxed();
    for minute in 1..=3 {
        let event = events.next().await.unwrap().unwrap();
        assert!(matches!(event, WatchEvent::Bookmark(_)));
        assert_eq!(started.elapsed().as_secs(), minute * 60);
    }
}

#[tokio::test]
async fn changes_are_counted_by_resource_and_equal_writes_are_none() {
    let api = keeping(1_000, usize::MAX);
    let client = api.client("default");
    let claim = create(&client, "claim").await;
    claims(&client).replace("claim", &PostParams::default(), &claim).await.unwrap();
    let pause = json!({ "spec": { "paused": true } });
    for _ in 0..2 {
        let patch = kube::api::Patch::Merge(&pause);
        claims(&client).patch("claim", &kube::api::PatchParams::default(), &patch).await.unwrap();
    }
    refusal(claims(&client).create(&PostParams::default(), &claim).await);
    assert_eq!(api.changes("virtualmachinenetworkconfigs"), 2);
    assert_eq!(api.changes("ippools"), 0);
}
