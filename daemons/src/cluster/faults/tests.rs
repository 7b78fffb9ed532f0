//! Each fault does what it says, and nothing else.

use std::pin::pin;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchParams};
use kube::core::WatchEvent;
use kube::{Client, ResourceExt};
use tokio::time::{Duration, Instant};

use super::*;
use crate::cluster::local::{Kinds, LocalApi};

/// An API, its client without faults, and one whose every call that this can happen to goes wrong.
struct Bench {
    sound: Api<Lease>,
    faulty: Api<Lease>,
    faults: Faults,
}

fn bench(fault: Fault) -> Bench {
    let api = LocalApi::in_memory(Kinds::standard()).unwrap();
    let faults = Faults::new(Random::new(7));
    faults.set(Rates::from([(fault, 1000)]));
    let faulty = Client::new(faults.layer(api.clone()), "default");
    Bench {
        sound: Api::default_namespaced(api.client("default")),
        faulty: Api::default_namespaced(faulty),
        faults,
    }
}

fn lease(name: &str) -> Lease {
    Lease { metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }, spec: None }
}

impl Bench {
    async fn names(&self) -> Vec<String> {
        let all = self.sound.list(&ListParams::default()).await.unwrap();
        all.iter().map(ResourceExt::name_any).collect()
    }

    async fn create(&self, name: &str) -> Result<Lease, kube::Error> {
        self.faulty.create(&PostParams::default(), &lease(name)).await
    }

    async fn label(&self, api: &Api<Lease>) -> Result<Lease, kube::Error> {
        let label = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
        api.patch("one", &PatchParams::default(), &label).await
    }
}

fn code(result: Result<Lease, kube::Error>) -> u16 {
    match result.unwrap_err() {
        kube::Error::Api(status) => status.code,
        other => panic!("the API did not answer: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_never_arrives() {
    let bench = bench(Fault::RequestLost);
    assert!(matches!(bench.create("one").await, Err(kube::Error::Service(_))));
    assert!(bench.names().await.is_empty());
    assert_eq!(bench.faults.struck(), [(Fault::RequestLost, 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_is_lost_was_carried_out() {
    let bench = bench(Fault::AnswerLost);
    assert!(matches!(bench.create("one").await, Err(kube::Error::Service(_))));
    assert_eq!(bench.names().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_arrives_although_its_sender_has_died() {
    let bench = bench(Fault::Delay);
    let died = tokio::time::timeout(Duration::from_millis(100), bench.create("one")).await;
    assert!(died.is_err() && bench.names().await.is_empty());
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(bench.names().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_takes_seconds_and_succeeds() {
    let bench = bench(Fault::Delay);
    let start = Instant::now();
    bench.create("one").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_changes_nothing_and_strikes_only_who_changes_something() {
    let bench = bench(Fault::Conflict);
    bench.create("one").await.unwrap();
    assert_eq!(code(bench.label(&bench.faulty).await), 409);
    assert!(bench.sound.get("one").await.unwrap().labels().is_empty());
    bench.faulty.get("one").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_api_says_429_and_one_with_a_bad_moment_500_and_neither_does_anything() {
    for (fault, expected) in [(Fault::TooManyRequests, 429), (Fault::InternalError, 500)] {
        let bench = bench(fault);
        assert_eq!(code(bench.create("one").await), expected);
        assert!(bench.names().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_ends_and_one_that_falls_silent_stays_open_and_tells_nothing() {
    for (fault, ends) in [(Fault::WatchCut, true), (Fault::WatchSilent, false)] {
        let bench = bench(fault);
        // Long after the watch has gone wrong.
        let late = async {
            tokio::time::sleep(Duration::from_secs(21)).await;
            bench.sound.create(&PostParams::default(), &lease("late")).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        let ((), (events, ended)) = tokio::join!(late, async {
            let events = bench.faulty.watch(&WatchParams::default().timeout(290), "0").await.unwrap();
            let mut events = pin!(events);
            let mut told = 0;
            let watching = async {
                while let Some(Ok(_)) = events.next().await {
                    told += 1;
                }
            };
            let ended = tokio::time::timeout(Duration::from_secs(26), watching).await.is_ok();
            (told, ended)
        });
        assert_eq!((events, ended), (0, ends), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_faults_tells_of_everything() {
    let bench = bench(Fault::StaleList);
    let mut events = pin!(bench.faulty.watch(&WatchParams::default(), "0").await.unwrap());
    bench.create("one").await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Added(lease) if lease.name_any() == "one"));
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_version_may_be_told_that_it_is_too_old() {
    let bench = bench(Fault::Expired);
    let mut events = pin!(bench.faulty.watch(&WatchParams::default(), "1").await.unwrap());
    match events.next().await.unwrap().unwrap() {
        WatchEvent::Error(status) => assert_eq!(status.code, 410),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_list_that_takes_any_version_is_ever_stale() {
    let bench = bench(Fault::StaleList);
    let any = ListParams::default().match_any();
    assert!(bench.faulty.list(&ListParams::default()).await.unwrap().items.is_empty());
    bench.create("one").await.unwrap();
    assert_eq!(bench.faulty.list(&any).await.unwrap().items.len(), 0);
    assert_eq!(bench.faulty.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_run() {
    let run = async || {
        let bench = bench(Fault::Delay);
        bench.faults.set(Fault::ALL.into_iter().map(|fault| (fault, 300)).collect());
        let start = Instant::now();
        let mut outcomes = Vec::new();
        for number in 0..40 {
            outcomes.push(bench.create(&format!("lease-{number}")).await.is_ok());
        }
        (outcomes, start.elapsed(), bench.faults.struck())
    };
    let (first, second) = (run().await, run().await);
    assert_eq!(first, second);
    assert!(first.2.len() > 3, "{:?}", first.2);
}
