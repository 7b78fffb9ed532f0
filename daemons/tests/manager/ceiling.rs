//! The size limit of an object: a pool that has reached it says so, gives nothing more out, and goes on releasing.
//!
//! On virtual time, and with a limit of some kilobytes instead of etcd's.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;
use vmdhcp_core::api::{
    AGENT_REPORT_ANNOTATION, AgentReport, IPPool, REUSE_ANNOTATION, VirtualMachineNetworkConfig as Claim,
};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};
use vmdhcp_daemons::manager::Limits;

use crate::fixtures::{Manager, NAMESPACE, claim, claim_of, ipv4, pool, pool_condition};
use crate::written::Written;

/// Bytes of the largest pool here: room for some seventy addresses.
const LARGEST: usize = 8_000;
/// Longer than whatever the manager does in its own time.
const LONG: Duration = Duration::from_secs(600);

struct Full {
    manager: Manager,
    api: LocalApi,
    written: Written,
}

/// A pool with more claims than fit, `vm-0` to `vm-99`, at rest.
async fn full() -> Full {
    let (api, written) = (LocalApi::in_memory(Kinds::standard()).unwrap(), Written::default());
    let limits = Limits { largest_pool: LARGEST, ..Limits::default() };
    let manager = Manager::start_within(written.through(api.client(NAMESPACE)), limits);
    manager.create(&pool("10.48.0.0/20", 60)).await;
    for number in 0..100 {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
    }
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "AtSizeLimit").status == "True").await;
    let full = Full { manager, api, written };
    full.rest().await;
    full
}

impl Full {
    /// Returns when nothing is written any more; panics if that does not come.
    async fn rest(&self) {
        for _ in 0..20 {
            let before = self.changes();
            tokio::time::sleep(Duration::from_secs(30)).await;
            if self.changes() == before {
                return;
            }
        }
        panic!("objects are written without end");
    }

    fn changes(&self) -> u64 {
        let all = ["ippools", "virtualmachinenetworkconfigs", "events", "leases"];
        all.map(|resource| self.api.changes(resource)).iter().sum()
    }

    async fn pool(&self) -> IPPool {
        self.manager.api().get("ippool-1").await.unwrap()
    }

    async fn waiting(&self) -> Vec<Claim> {
        let all = self.manager.api::<Claim>().list(&ListParams::default()).await.unwrap();
        let waits =
            |claim: &Claim| claim.status.as_ref().unwrap().network_configs[0].reason == "PoolTooLarge";
        all.into_iter().filter(waits).collect()
    }

    /// Reports that an agent serves the pool as it is now.
    async fn serve(&self) {
        let pool = self.pool().await;
        let report = AgentReport {
            agent: "agent".to_owned(),
            ready: true,
            pool_uid: pool.uid().unwrap(),
            resource_version: pool.resource_version().unwrap(),
            ..AgentReport::default()
        };
        let report = serde_json::to_string(&report).unwrap();
        let annotation = json!({ "metadata": { "annotations": { AGENT_REPORT_ANNOTATION: report } } });
        self.manager.patch::<Lease>("ippool-1", annotation).await;
    }

    /// Never was a pool written that is larger than allowed.
    fn assert_none_was_too_large(&self) {
        let largest = self.written.of("ippools/status").iter().map(|write| write.bytes).max();
        assert!(largest <= Some(LARGEST), "{largest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_its_size_limit_a_pool_serves_what_fits_and_tells_the_others_why_they_wait() {
    let full = full().await;
    let pool = full.pool().await;
    let (held, waiting) = (ipv4(&pool).used, full.waiting().await);
    assert!((50..90).contains(&held), "{held}");
    assert_eq!(usize::try_from(held).unwrap() + waiting.len(), 100, "each claim is either served or told");
    let condition = pool_condition(&pool, "AtSizeLimit");
    assert_eq!(condition.reason, "PoolTooLarge");
    assert!(condition.message.contains(&format!("{} network cards wait", waiting.len())), "{condition:?}");
    let card = &waiting[0].status.as_ref().unwrap().network_configs[0];
    assert!(card.message.contains("delete claims") && card.message.contains("another network"), "{card:?}");
    assert!(full.manager.events_of("ippool-1").await.contains(&"PoolTooLarge".to_owned()));
    assert_eq!(full.manager.events_of(&waiting[0].name_any()).await, ["PoolTooLarge"]);
    full.assert_none_was_too_large();
}

#[tokio::test(start_paused = true)]
async fn a_pool_at_its_size_limit_is_left_alone() {
    let full = full().await;
    let before = full.written.count();
    tokio::time::sleep(LONG).await;
    assert_eq!(full.written.count(), before);
}

#[tokio::test(start_paused = true)]
async fn one_more_claim_at_the_size_limit_costs_one_write_of_the_pool_and_a_restart_none() {
    let mut full = full().await;
    let writes = full.written.of("ippools/status").len();
    full.manager.create(&claim("late", 1_000)).await;
    full.manager.waits_for("late", "PoolTooLarge").await;
    full.rest().await;
    // The condition counts one more.
    assert_eq!(full.written.of("ippools/status").len(), writes + 1);
    full.manager.stop().await;
    let changes = full.changes();
    full.manager.resume();
    tokio::time::sleep(LONG).await;
    assert_eq!(full.changes(), changes);
}

#[tokio::test(start_paused = true)]
async fn every_claim_of_a_full_pool_can_be_deleted_at_once() {
    let full = full().await;
    for number in 0..100 {
        full.manager.delete::<Claim>(&format!("vm-{number}")).await;
    }
    for number in 0..100 {
        full.manager.until_gone::<Claim>(&format!("vm-{number}")).await;
    }
    full.rest().await;
    full.assert_none_was_too_large();
    let ipv4 = ipv4(&full.pool().await);
    assert_eq!(ipv4.used, 0);
    // What has no room for its times retires all the same: nobody gets it.
    assert!(ipv4.released.len() > 40 && !ipv4.retiring.is_empty(), "{ipv4:?}");
    full.manager.create(&claim("next", 1_000)).await;
    full.manager.waits_for("next", "PoolTooLarge").await;
}

#[tokio::test(start_paused = true)]
async fn released_addresses_come_back_as_there_is_room_for_their_times() {
    let full = full().await;
    let allocated = ipv4(&full.pool().await).allocated;
    let first = allocated.iter().find(|(_, holder)| *holder != "RESERVED").unwrap().0.clone();
    for number in 0..100 {
        full.manager.delete::<Claim>(&format!("vm-{number}")).await;
    }
    for number in 0..100 {
        full.manager.until_gone::<Claim>(&format!("vm-{number}")).await;
    }
    full.manager.create(&claim_of("next", 1_000, &first)).await;
    let mut rounds = 0;
    while !full.manager.is_allocated("next").await {
        rounds += 1;
        assert!(rounds < 60, "{:?}", ipv4(&full.pool().await));
        full.serve().await;
        full.rest().await;
        // All leases that the agent has granted run out.
        full.manager.advance(Duration::from_secs(61));
    }
    full.assert_none_was_too_large();
    assert!(rounds > 2, "not all of them have room for their times at once");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_claim_is_served_once_the_operator_has_freed_retiring_addresses() {
    let full = full().await;
    let waiting = full.waiting().await.len();
    let all = full.manager.api::<Claim>().list(&ListParams::default()).await.unwrap();
    let served =
        all.iter().filter(|claim| claim.status.as_ref().unwrap().network_configs[0].reason.is_empty());
    for claim in served.take(10) {
        full.manager.delete::<Claim>(&claim.name_any()).await;
        full.manager.until_gone::<Claim>(&claim.name_any()).await;
    }
    full.rest().await;
    assert_eq!(full.waiting().await.len(), waiting, "what retires takes as much room as before");
    let status = ipv4(&full.pool().await);
    let retiring: Vec<_> = status.retiring.keys().chain(status.released.keys()).cloned().collect();
    let annotation = json!({ "metadata": { "annotations": { REUSE_ANNOTATION: retiring.join(",") } } });
    full.manager.patch::<IPPool>("ippool-1", annotation).await;
    full.rest().await;
    assert!(full.waiting().await.len() <= waiting - 8, "{waiting}");
    full.assert_none_was_too_large();
}

#[tokio::test(start_paused = true)]
async fn a_claim_keeps_its_address_when_the_one_that_it_wants_does_not_fit() {
    let full = full().await;
    let all = full.manager.api::<Claim>().list(&ListParams::default()).await.unwrap();
    let served = all.iter().find(|claim| claim.status.as_ref().unwrap().network_configs[0].reason.is_empty());
    let (name, had) = (served.unwrap().name_any(), ipv4(&full.pool().await).allocated);
    let free = (1..255)
        .map(|last| format!("10.48.15.{last}"))
        .find(|address| !had.contains_key(address.as_str()))
        .unwrap();
    let mut cards = json!(served.unwrap().spec.network_configs);
    cards[0]["ipAddress"] = json!(free);
    full.manager.patch::<Claim>(&name, json!({ "spec": { "networkConfigs": cards } })).await;
    full.manager.waits_for(&name, "PoolTooLarge").await;
    full.rest().await;
    assert_eq!(ipv4(&full.pool().await).allocated, had);
}

#[tokio::test(start_paused = true)]
async fn pools_are_written_within_the_budget_of_bytes() {
    let (api, written) = (LocalApi::in_memory(Kinds::standard()).unwrap(), Written::default());
    let limits = Limits { sustained_bytes: 2_000, burst_bytes: 40_000, ..Limits::default() };
    let manager = Manager::start_within(written.through(api.client(NAMESPACE)), limits);
    manager.create(&pool("10.48.0.0/20", 60)).await;
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await;
    // Two claims a second, for longer than the burst lasts: each could have a write of its own.
    for number in 0..240 {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    manager.patiently_until("ippool-1", LONG, |pool: &IPPool| ipv4(pool).used == 240).await;
    let writes = written.of("ippools/status");
    let total: usize = writes.iter().map(|write| write.bytes).sum();
    assert!(total > 100_000, "{total}: the burst alone would not do");
    written.assert_within_budget(40_000, 2_000);
    // And it is used: nobody waits longer than the budget asks for.
    let took = writes.last().unwrap().at.duration_since(writes[0].at);
    assert!(took < Duration::from_secs(130), "{took:?}");
}
