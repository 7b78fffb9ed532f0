//! What was lost comes back, and nothing is given twice: statuses, pods, objects out of a backup, an older database.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ListParams, ObjectMeta};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use vmdhcp_core::api::{
    AGENT_REPORT_ANNOTATION, ALLOCATING_ANNOTATION, AgentReport, IPPool, REUSE_ALL, REUSE_ANNOTATION,
    VirtualMachineNetworkConfig,
};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

use crate::fixtures::{Manager, NAMESPACE, claim, ipv4, mac, pool_condition, seed_pool};

type Claim = VirtualMachineNetworkConfig;

/// A pool of .82 to .84, that three claims fill.
fn small_pool() -> IPPool {
    let mut pool = seed_pool();
    pool.spec.ipv4_config.as_mut().unwrap().pool =
        serde_json::from_value(json!({ "start": "192.168.48.82", "end": "192.168.48.84" })).unwrap();
    pool
}

/// What an agent says that serves this state of the pool.
async fn agent_says(manager: &Manager, pool: &IPPool, change: impl FnOnce(&mut AgentReport)) {
    let mut report = AgentReport {
        agent: "agent".into(),
        pool_uid: pool.uid().unwrap(),
        resource_version: pool.resource_version().unwrap(),
        ready: true,
        ..AgentReport::default()
    };
    change(&mut report);
    let text = serde_json::to_string(&report).unwrap();
    let known = manager.until("ippool-1", |_: &Lease| true).await;
    let annotations = json!({ "metadata": { "annotations": { AGENT_REPORT_ANNOTATION: text } } });
    manager.patch::<Lease>(&known.name_any(), annotations).await;
}

/// Lets an agent that remembers everything follow the pool until that is so.
async fn until_with_a_witness(manager: &Manager, is_so: impl Fn(&IPPool) -> bool) -> IPPool {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
        if is_so(&pool) {
            return pool;
        }
        assert!(tokio::time::Instant::now() < deadline, "{pool:#?}");
        let since = ipv4(&pool).recovery.map(|recovery| recovery.since).unwrap_or_default();
        agent_says(manager, &pool, |report| report.witnessed = since).await;
        tokio::task::yield_now().await;
    }
}

async fn is_marked(manager: &Manager) -> IPPool {
    manager
        .until("ippool-1", |pool: &IPPool| {
            pool.annotations().get(ALLOCATING_ANNOTATION) == pool.uid().as_ref()
        })
        .await
}

/// A pool with two claims that have their addresses.
async fn two_claims(manager: &Manager, pool: &IPPool) -> [String; 2] {
    manager.create(pool).await;
    let mut addresses = Vec::new();
    for number in 1..=2 {
        let name = format!("vm-{number}");
        manager.create(&claim(&name, number)).await;
        addresses.append(&mut manager.addresses(&name).await);
    }
    is_marked(manager).await;
    addresses.try_into().unwrap()
}

fn is_recovering(pool: &IPPool) -> bool {
    pool_condition(pool, "Recovering").status == "True"
}

#[tokio::test]
async fn claims_that_lose_their_statuses_keep_their_addresses() {
    let manager = Manager::start();
    let before = two_claims(&manager, &seed_pool()).await;
    let held = manager.allocated("ippool-1").await;
    for (name, address) in [("vm-1", &before[0]), ("vm-2", &before[1])] {
        manager.patch_status::<Claim>(name, json!({ "status": null })).await;
        assert_eq!(&manager.addresses(name).await[0], address);
    }
    assert_eq!(manager.allocated("ippool-1").await, held);
}

#[tokio::test]
async fn a_pool_that_loses_its_status_is_rebuilt_and_gives_nothing_else_until_its_agents_have_told() {
    for lost in
        [json!(null), json!({ "ipv4": null }), json!({ "ipv4": { "allocated": null, "longestLease": null } })]
    {
        let manager = Manager::start();
        let before = two_claims(&manager, &seed_pool()).await;
        manager.patch_status::<IPPool>("ippool-1", json!({ "status": lost })).await;
        let pool = manager.until("ippool-1", is_recovering).await;
        let message = pool_condition(&pool, "Recovering").message;
        assert!(
            message.contains("status of this pool was lost") && message.contains(REUSE_ANNOTATION),
            "{message}"
        );
        for (number, address) in (1..).zip(&before) {
            assert_eq!(ipv4(&pool).allocated[address.as_str()], mac(&claim("any", number)));
            assert_eq!(&manager.addresses(&format!("vm-{number}")).await[0], address);
        }
        manager.create(&claim("new", 3)).await;
        let why = manager.waits_for("new", "PoolRecovering").await;
        assert!(why.contains("has lost allocations"), "{why}");
        assert_eq!(manager.first_event_of("new").await, "PoolRecovering");
        until_with_a_witness(&manager, |pool| !is_recovering(pool)).await;
        let new = manager.addresses("new").await;
        assert!(!before.contains(&new[0]));
    }
}

#[tokio::test]
async fn without_agents_that_remember_a_recovery_lasts_for_the_longest_lease() {
    let manager = Manager::start();
    two_claims(&manager, &seed_pool()).await;
    manager.patch_status::<IPPool>("ippool-1", json!({ "status": null })).await;
    manager.create(&claim("new", 3)).await;
    manager.waits_for("new", "PoolRecovering").await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    agent_says(&manager, &pool, |_| {}).await;
    let pool = manager
        .until("ippool-1", |pool: &IPPool| {
            ipv4(pool).recovery.is_some_and(|recovery| recovery.withdrawn.is_some())
        })
        .await;
    let poke = |number: u32| json!({ "metadata": { "labels": { "poke": number.to_string() } } });
    manager.advance(Duration::from_secs(290));
    manager.patch::<IPPool>("ippool-1", poke(1)).await;
    manager.waits_for("new", "PoolRecovering").await;
    assert!(is_recovering(&pool));
    manager.advance(Duration::from_secs(20));
    manager.patch::<IPPool>("ippool-1", poke(2)).await;
    manager.addresses("new").await;
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "Recovering").status == "False").await;
}

#[tokio::test]
async fn the_operator_ends_a_recovery() {
    let manager = Manager::start();
    two_claims(&manager, &seed_pool()).await;
    manager.patch_status::<IPPool>("ippool-1", json!({ "status": null })).await;
    manager.create(&claim("new", 3)).await;
    manager.waits_for("new", "PoolRecovering").await;
    let word = json!({ "metadata": { "annotations": { REUSE_ANNOTATION: REUSE_ALL } } });
    manager.patch::<IPPool>("ippool-1", word).await;
    manager.addresses("new").await;
    manager.until("ippool-1", |pool: &IPPool| !pool.annotations().contains_key(REUSE_ANNOTATION)).await;
}

#[tokio::test]
async fn pool_and_claims_that_all_lose_their_statuses_while_the_manager_is_down_get_back_what_agents_serve() {
    let mut manager = Manager::start();
    let before = two_claims(&manager, &seed_pool()).await;
    manager.stop().await;
    manager.patch_status::<IPPool>("ippool-1", json!({ "status": null })).await;
    for name in ["vm-1", "vm-2"] {
        manager.patch_status::<Claim>(name, json!({ "status": null })).await;
    }
    manager.resume();
    let pool = manager.until("ippool-1", is_recovering).await;
    manager.waits_for("vm-1", "PoolRecovering").await;
    manager.waits_for("vm-2", "PoolRecovering").await;
    let carried: BTreeMap<_, _> =
        (1..).zip(&before).map(|(number, address)| (address.clone(), mac(&claim("any", number)))).collect();
    agent_says(&manager, &pool, |report| (report.carried_count, report.carried) = (2, carried)).await;
    assert_eq!(manager.addresses("vm-1").await, [before[0].clone()]);
    assert_eq!(manager.addresses("vm-2").await, [before[1].clone()]);
}

#[tokio::test]
async fn a_new_pool_gives_at_once_and_so_does_one_that_was_copied_or_restored_under_another_uid() {
    let source = Manager::start();
    let before = two_claims(&source, &seed_pool()).await;
    let strip = |metadata: &ObjectMeta| ObjectMeta {
        name: metadata.name.clone(),
        labels: metadata.labels.clone(),
        annotations: metadata.annotations.clone(),
        finalizers: metadata.finalizers.clone(),
        ..ObjectMeta::default()
    };
    // As Velero does it: everything but status and what the API server gives.
    let target = Manager::start();
    let mut pool: IPPool = source.api().get("ippool-1").await.unwrap();
    (pool.metadata, pool.status) = (strip(&pool.metadata), None);
    assert!(pool.annotations().contains_key(ALLOCATING_ANNOTATION));
    target.create(&pool).await;
    for mut claim in source.api::<Claim>().list(&ListParams::default()).await.unwrap() {
        (claim.metadata, claim.status) = (strip(&claim.metadata), None);
        target.create(&claim).await;
    }
    assert_eq!(target.addresses("vm-1").await, [before[0].clone()]);
    assert_eq!(target.addresses("vm-2").await, [before[1].clone()]);
    let pool = is_marked(&target).await;
    assert_eq!((pool_condition(&pool, "Recovering").status, ipv4(&pool).recovery), (String::new(), None));
}

#[tokio::test]
async fn a_vm_that_is_deleted_and_restored_without_its_status_gets_its_former_address_back() {
    let manager = Manager::start();
    let before = two_claims(&manager, &seed_pool()).await;
    let backup = claim("vm-1", 1);
    manager.delete::<Claim>("vm-1").await;
    manager.until_gone::<Claim>("vm-1").await;
    for number in 3..=8 {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
        manager.addresses(&format!("vm-{number}")).await;
    }
    manager.create(&backup).await;
    assert_eq!(manager.addresses("vm-1").await, [before[0].clone()]);
}

#[tokio::test]
async fn an_address_that_agents_serve_and_the_pool_has_lost_waits_for_its_card_or_the_operator() {
    let manager = Manager::start();
    let before = two_claims(&manager, &small_pool()).await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    let third = ["192.168.48.82", "192.168.48.83", "192.168.48.84"];
    let third = third.into_iter().find(|address| !before.contains(&(*address).to_owned())).unwrap();
    let carried = BTreeMap::from([(third.to_owned(), mac(&claim("any", 9)))]);
    let told = carried.clone();
    agent_says(&manager, &pool, |report| (report.carried_count, report.carried) = (1, told)).await;
    let pool = manager
        .until("ippool-1", |pool: &IPPool| pool_condition(pool, "LeasesNotInPool").status == "True")
        .await;
    assert!(pool_condition(&pool, "LeasesNotInPool").message.contains(third));
    assert!(ipv4(&pool).retiring[third].served && !ipv4(&pool).allocated.contains_key(third));
    manager.create(&claim("thief", 5)).await;
    manager.waits_for("thief", "AddressRetiring").await;
    manager.create(&claim("again", 9)).await;
    assert_eq!(manager.addresses("again").await, [third.to_owned()]);
    manager.delete::<Claim>("again").await;
    manager.until_gone::<Claim>("again").await;
    let word = json!({ "metadata": { "annotations": { REUSE_ANNOTATION: third } } });
    manager.patch::<IPPool>("ippool-1", word).await;
    assert_eq!(manager.addresses("thief").await, [third.to_owned()]);
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert!(pool.annotations().contains_key(REUSE_ANNOTATION), "the agent has not heard of it yet");
    agent_says(&manager, &pool, |_| {}).await;
    manager.until("ippool-1", |pool: &IPPool| !pool.annotations().contains_key(REUSE_ANNOTATION)).await;
}

/// A client of whichever API is in the slot. Watches that are open stay open, and silent, when another comes in.
fn replaceable(slot: &Arc<Mutex<LocalApi>>) -> Client {
    let slot = Arc::clone(slot);
    let service = service_fn(move |request: http::Request<kube::client::Body>| {
        let api = slot.lock().unwrap().clone();
        api.oneshot(request)
    });
    Client::new(service, NAMESPACE)
}

fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let beside = |path: &Path| format!("{}{suffix}", path.display());
        if Path::new(&beside(from)).exists() {
            fs::copy(beside(from), beside(to)).unwrap();
        }
    }
}

#[tokio::test]
async fn an_older_database_under_a_running_manager_gives_no_address_twice_and_moves_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (file, backup) = (directory.path().join("now.db"), directory.path().join("backup.db"));
    let slot = Arc::new(Mutex::new(LocalApi::open(&file, Kinds::standard()).unwrap()));
    let mut manager = Manager::start_on(replaceable(&slot));
    let before = two_claims(&manager, &small_pool()).await;
    manager.stop().await;
    copy(&file, &backup);
    manager.resume();
    // After the backup a third VM comes, and the second is paused; an agent serves that.
    manager.create(&claim("vm-3", 3)).await;
    let third = manager.addresses("vm-3").await;
    manager.patch::<Claim>("vm-2", json!({ "spec": { "paused": true } })).await;
    let future =
        manager.until("ippool-1", |pool: &IPPool| ipv4(pool).retiring.contains_key(&before[1])).await;
    // Everything else in the cluster is written too.
    for number in 0..40 {
        let poke = json!({ "metadata": { "labels": { "poke": number.to_string() } } });
        manager.patch::<Claim>("vm-3", poke).await;
    }
    let future = manager
        .patch::<IPPool>(&future.name_any(), json!({ "metadata": { "labels": { "poke": "1" } } }))
        .await;

    *slot.lock().unwrap() = LocalApi::open(&backup, Kinds::standard()).unwrap();
    agent_says(&manager, &future, |_| {}).await;
    manager.create(&claim("vm-4", 4)).await;
    // The manager's watches say nothing. It notices all the same, and hears of the new claim.
    let restored = tokio::time::timeout(
        Duration::from_secs(40),
        kube::runtime::wait::await_condition(manager.api::<IPPool>(), "ippool-1", |pool: Option<&IPPool>| {
            pool.is_some_and(is_recovering)
        }),
    )
    .await
    .unwrap()
    .unwrap()
    .unwrap();
    assert!(restored.uid() == future.uid());
    assert!(
        restored.resource_version().unwrap().parse::<u64>().unwrap()
            < future.resource_version().unwrap().parse().unwrap()
    );
    manager.waits_for("vm-4", "PoolRecovering").await;
    assert_eq!(manager.addresses("vm-1").await, [before[0].clone()]);
    assert_eq!(manager.addresses("vm-2").await, [before[1].clone()]);
    // The agent takes the older pool, and tells what it goes on serving.
    let carried = BTreeMap::from([(third[0].clone(), mac(&claim("any", 3)))]);
    let told = carried.clone();
    agent_says(&manager, &restored, |report| (report.carried_count, report.carried) = (1, told)).await;
    manager
        .until("ippool-1", |pool: &IPPool| {
            ipv4(pool).retiring.get(&third[0]).is_some_and(|entry| entry.served)
        })
        .await;
    manager.waits_for("vm-4", "AddressRetiring").await;
    // Its VM is restored too.
    manager.create(&claim("vm-3", 3)).await;
    assert_eq!(manager.addresses("vm-3").await, third);
}

#[test]
fn a_status_without_its_numbers_is_read_for_one_bad_pool_must_not_stop_the_watch_of_all() {
    let pool: Value = serde_json::to_value(seed_pool()).unwrap();
    let with_status = |status: Value| {
        let mut pool = pool.clone();
        pool["status"] = status;
        serde_json::from_value::<IPPool>(pool).unwrap()
    };
    for status in [json!({}), json!({ "ipv4": {} }), json!({ "ipv4": { "allocated": {} } })] {
        assert!(ipv4(&with_status(status)).allocated.is_empty());
    }
}

#[tokio::test]
async fn a_cluster_that_ran_upstream_keeps_every_address_and_gives_new_ones_at_once() {
    let mut manager = Manager::start();
    manager.stop().await;
    manager.create(&seed_pool()).await;
    // One address has left the ranges since; one is in a claim's status alone; one belongs to no claim.
    let (first, second) = (mac(&claim("any", 1)), mac(&claim("any", 2)));
    let allocated = json!({
        "192.168.48.81": "EXCLUDED", "192.168.48.90": "EXCLUDED",
        "192.168.48.99": first.to_uppercase(), "192.168.48.85": "52:54:00:00:00:63",
    });
    let ipv4_of_upstream = json!({ "allocated": allocated, "used": 1, "available": 7 });
    manager.patch_status::<IPPool>("ippool-1", json!({ "status": { "ipv4": ipv4_of_upstream } })).await;
    for (number, mac, address) in [(1, first, "192.168.48.99"), (2, second, "192.168.48.84")] {
        let name = format!("vm-{number}");
        manager.create(&claim(&name, number)).await;
        let card = json!({
            "allocatedIPAddress": address, "macAddress": mac, "networkName": "default/net-48", "state": "Allocated",
        });
        manager.patch_status::<Claim>(&name, json!({ "status": { "networkConfigs": [card] } })).await;
    }
    manager.create(&claim("new", 3)).await;
    manager.resume();
    let new = manager.addresses("new").await.remove(0);
    let pool = is_marked(&manager).await;
    let held = ipv4(&pool).allocated;
    for (address, number) in [("192.168.48.99", 1), ("192.168.48.84", 2), ("192.168.48.85", 99), (&new, 3)] {
        assert_eq!(held[address], mac(&claim("any", number)), "{held:?}");
    }
    assert_eq!(manager.addresses("vm-1").await, ["192.168.48.99"]);
    assert_eq!(manager.addresses("vm-2").await, ["192.168.48.84"]);
    assert!(pool_condition(&pool, "UnclaimedAddresses").message.contains("192.168.48.85"));
    assert_eq!(ipv4(&pool).recovery, None);
}
