//! Watches.

use futures::{StreamExt, TryStreamExt, pin_mut};
use kube::{
    Client,
    api::{DeleteParams, ListParams, PartialObjectMeta, PostParams, WatchEvent, WatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

use crate::fixtures::{
    Claim, Events, KEPT_CHANGES, claim, claims, create, finalized, labelled, merge, name, release, stored,
    unique, version,
};

/// The version of the present.
async fn now(client: &Client) -> String {
    let list = claims(client).list(&ListParams::default().limit(1)).await.unwrap();
    list.metadata.resource_version.unwrap()
}

fn only(run: &str) -> WatchParams {
    WatchParams::default().labels(&format!("run={run}"))
}

pub(crate) async fn changes_come_in_order_after_the_lists_version(client: &Client) {
    let run = unique("run");
    let before = now(client).await;
    let created = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let changed = merge(client, &run, &json!({ "spec": { "paused": true } })).await.unwrap();
    let mut events = Events::of(&claims(client), &only(&run), &before).await;
    assert_eq!(events.change().await, ("ADDED", created));
    assert_eq!(events.change().await, ("MODIFIED", changed));
    // And what happens while it is open.
    claims(client).delete(&run, &DeleteParams::default()).await.unwrap();
    let (word, last) = events.change().await;
    assert_eq!((word, name(&last)), ("DELETED", run.as_str()));
}

pub(crate) async fn a_watch_goes_on_after_the_last_events_version(client: &Client) {
    let run = unique("run");
    let before = now(client).await;
    let created = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let changed = merge(client, &run, &json!({ "spec": { "paused": true } })).await.unwrap();
    let last = merge(client, &run, &json!({ "spec": { "paused": false } })).await.unwrap();
    let mut events = Events::of(&claims(client), &only(&run), &before).await;
    assert_eq!(events.change().await, ("ADDED", created));
    let (_, seen) = events.change().await;
    assert_eq!(seen, changed);
    drop(events);
    let mut events = Events::of(&claims(client), &only(&run), version(&seen)).await;
    assert_eq!(events.change().await, ("MODIFIED", last));
}

pub(crate) async fn a_version_that_is_too_old_is_told_410(client: &Client) {
    let run = unique("run");
    create(client, &labelled(claim(&run), &[("run", &run)])).await;
    // More than the local API of these checks remembers; a cluster has forgotten what was before the kind.
    for number in 0..2 * KEPT_CHANGES {
        merge(client, &run, &json!({ "metadata": { "labels": { "n": number.to_string() } } })).await.unwrap();
    }
    let mut events: Events<Claim> = Events::of(&claims(client), &only(&run), "1").await;
    let Some(WatchEvent::Error(status)) = events.next().await else { panic!("the watch should fail") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"), "{status}");
    assert!(events.next().await.is_none(), "nothing follows");
}

pub(crate) async fn a_watch_that_asks_is_told_where_it_is_before_its_time_is_up(client: &Client) {
    let run = unique("run");
    let before = now(client).await;
    create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let elsewhere = stored(client, "elsewhere").await;
    let options = WatchParams { bookmarks: true, ..only(&run).timeout(4) };
    let mut events: Events<Claim> = Events::of(&claims(client), &options, &before).await;
    assert_eq!(events.change().await.0, "ADDED");
    let mut told = 0;
    while let Some(event) = events.next().await {
        let WatchEvent::Bookmark(bookmark) = event else { panic!("nothing else happens: {event:?}") };
        told = bookmark.metadata.resource_version.parse::<u64>().unwrap();
    }
    assert!(
        told >= version(&elsewhere).parse().unwrap(),
        "{told}: the bookmark is of what was not selected too"
    );
    let later = merge(client, &run, &json!({ "spec": { "paused": true } })).await.unwrap();
    let mut events = Events::of(&claims(client), &only(&run), &told.to_string()).await;
    assert_eq!(events.change().await, ("MODIFIED", later));
}

pub(crate) async fn version_zero_begins_with_what_is_there(client: &Client) {
    let run = unique("run");
    let there = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let mut events = Events::of(&claims(client), &only(&run), "0").await;
    assert_eq!(events.change().await, ("ADDED", there));
    let changed = merge(client, &run, &json!({ "spec": { "paused": true } })).await.unwrap();
    assert_eq!(events.change().await, ("MODIFIED", changed));
}

pub(crate) async fn an_object_that_leaves_the_selection_is_deleted(client: &Client) {
    let run = unique("run");
    let before = now(client).await;
    let inside = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let outside =
        merge(client, &run, &json!({ "metadata": { "labels": { "run": "other" } } })).await.unwrap();
    merge(client, &run, &json!({ "spec": { "paused": true } })).await.unwrap();
    let back = merge(client, &run, &json!({ "metadata": { "labels": { "run": run } } })).await.unwrap();
    let mut events = Events::of(&claims(client), &only(&run), &before).await;
    assert_eq!(events.change().await, ("ADDED", inside.clone()));
    let (word, left) = events.change().await;
    assert_eq!(word, "DELETED");
    assert_eq!(left.metadata.labels, inside.metadata.labels, "as the selection last saw it");
    assert_eq!(version(&left), version(&outside), "and with the version of its leaving");
    assert_eq!(events.change().await, ("ADDED", back));
}

pub(crate) async fn a_name_selects(client: &Client) {
    let before = now(client).await;
    let (one, other) = (stored(client, "one").await, stored(client, "other").await);
    let options = WatchParams::default().fields(&format!("metadata.name={}", name(&other)));
    let mut events = Events::of(&claims(client), &options, &before).await;
    assert_eq!(events.change().await, ("ADDED", other));
    claims(client).delete(name(&one), &DeleteParams::default()).await.unwrap();
}

pub(crate) async fn a_status_write_is_told_and_an_equal_one_is_not(client: &Client) {
    let run = unique("run");
    let mut old = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let mut events = Events::of(&claims(client), &only(&run), version(&old)).await;
    old.status = Some(serde_json::from_value(json!({ "networkConfigs": [] })).unwrap());
    let new = claims(client).replace_status(&run, &PostParams::default(), &old).await.unwrap();
    claims(client).replace_status(&run, &PostParams::default(), &new).await.unwrap();
    claims(client).delete(&run, &DeleteParams::default()).await.unwrap();
    assert_eq!(events.change().await, ("MODIFIED", new));
    assert_eq!(events.change().await.0, "DELETED");
}

pub(crate) async fn a_deletion_has_a_version_of_its_own(client: &Client) {
    let run = unique("run");
    let old = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    claims(client).delete(&run, &DeleteParams::default()).await.unwrap();
    let mut events = Events::of(&claims(client), &only(&run), version(&old)).await;
    let (word, last) = events.change().await;
    assert_eq!((word, &last.spec), ("DELETED", &old.spec));
    assert!(version(&last).parse::<u64>().unwrap() > version(&old).parse::<u64>().unwrap());
}

pub(crate) async fn a_terminating_object_is_modified_first(client: &Client) {
    let run = unique("run");
    let old = create(client, &finalized(labelled(claim(&run), &[("run", &run)]))).await;
    let mut events = Events::of(&claims(client), &only(&run), version(&old)).await;
    claims(client).delete(&run, &DeleteParams::default()).await.unwrap();
    let (word, terminating) = events.change().await;
    assert_eq!(word, "MODIFIED");
    assert!(terminating.metadata.deletion_timestamp.is_some());
    release(client, &run).await;
    assert_eq!(events.change().await.0, "DELETED");
}

pub(crate) async fn a_watch_ends_when_its_time_is_up(client: &Client) {
    let before = now(client).await;
    let mut events: Events<Claim> = Events::of(&claims(client), &only("nobody").timeout(1), &before).await;
    while let Some(event) = events.next().await {
        assert!(matches!(event, WatchEvent::Bookmark(_)), "{event:?}");
    }
}

pub(crate) async fn a_streamed_list_ends_with_a_bookmark(client: &Client) {
    let run = unique("run");
    let there = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let options = WatchParams { send_initial_events: true, ..only(&run) };
    let mut events = Events::of(&claims(client), &options, "").await;
    let Some(WatchEvent::Added(first)) = events.next().await else { panic!("the object should come first") };
    assert_eq!(first, there);
    let Some(WatchEvent::Bookmark(end)) = events.next().await else { panic!("a bookmark should come next") };
    assert_eq!(end.metadata.annotations["k8s.io/initial-events-end"], "true");
    assert!(end.metadata.resource_version.parse::<u64>().unwrap() >= version(&there).parse().unwrap());
}

pub(crate) async fn metadata_alone_can_be_watched(client: &Client) {
    let run = unique("run");
    let before = now(client).await;
    let created = create(client, &labelled(claim(&run), &[("run", &run)])).await;
    let stream = claims(client).watch_metadata(&only(&run), &before).await.unwrap();
    pin_mut!(stream);
    let event: Option<WatchEvent<PartialObjectMeta<Claim>>> = stream.try_next().await.unwrap();
    let Some(WatchEvent::Added(partial)) = event else { panic!("the object should come: {event:?}") };
    assert_eq!(partial.types.unwrap().kind, "PartialObjectMetadata");
    assert_eq!(partial.metadata, created.metadata);
}

pub(crate) async fn the_runtimes_watcher_follows(client: &Client) {
    let run = unique("run");
    create(client, &labelled(claim(&format!("{run}-0")), &[("run", &run)])).await;
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let stream = watcher(claims(client), config.labels(&format!("run={run}")).page_size(2));
        let touched = stream.default_backoff().touched_objects();
        pin_mut!(touched);
        let first: Claim = touched.next().await.unwrap().unwrap();
        let added = create(client, &labelled(claim(&unique("late")), &[("run", &run)])).await;
        let mut next = touched.next().await.unwrap().unwrap();
        while next.metadata.uid != added.metadata.uid {
            assert_eq!(next.metadata.labels, first.metadata.labels);
            next = touched.next().await.unwrap().unwrap();
        }
        claims(client).delete(name(&added), &DeleteParams::default()).await.unwrap();
        let gone = touched.next().await.unwrap().unwrap();
        assert_eq!(gone.metadata.uid, added.metadata.uid);
    }
}
