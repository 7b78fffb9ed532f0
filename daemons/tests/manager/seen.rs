//! What agents have seen on the network, and what the manager makes of it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt;
use serde_json::{Value, json};
use vmdhcp_core::api::{
    AGENT_REPORT_ANNOTATION, ALLOCATING_ANNOTATION, IPPool, VirtualMachine, VirtualMachineInstance,
    VirtualMachineNetworkConfig as Claim,
};

use crate::fixtures::{Manager, claim, claim_of, condition, ipv4, mac, pool_condition, seed_pool};
use crate::neighbours::{instance, vm, with_card};

const POOL: &str = "ippool-1";
const STRANGER: &str = "02:00:00:00:00:99";

/// The only agent of the pool reports, with these further fields, that it serves the pool as it is now.
async fn report(manager: &Manager, fields: Value) {
    manager.until(POOL, |_: &Lease| true).await;
    let pool = manager.api::<IPPool>().get(POOL).await.unwrap();
    let mut report = json!({
        "agent": "agent-1",
        "poolUid": pool.uid(),
        "macAddress": "02:00:00:00:00:01",
        "ready": true,
        "resourceVersion": pool.resource_version(),
    });
    report.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let patch = json!({
        "metadata": { "annotations": { AGENT_REPORT_ANNOTATION: report.to_string() } },
        "spec": { "renewTime": MicroTime(manager.now()) },
    });
    manager.patch::<Lease>(POOL, patch).await;
}

fn conflict(address: &str, by: &str, unused: bool) -> Value {
    json!({ "conflicts": [{ "address": address, "macAddress": by, "since": "", "unused": unused }] })
}

/// A manager with the pool of the older README and one claim, and the address of that.
async fn with_claim() -> (Manager, Claim, String) {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    let created = manager.create(&claim("web", 1)).await;
    let address = manager.addresses("web").await.remove(0);
    (manager, created, address)
}

fn is_in_conflict(pool: &IPPool) -> bool {
    pool_condition(pool, "AddressConflict").status == "True"
}

#[tokio::test]
async fn a_card_that_has_not_used_its_address_gets_another_when_somebody_else_is_there() {
    let (manager, web, address) = with_claim().await;
    manager.create(&claim("other", 2)).await;
    manager.addresses("other").await;
    report(&manager, conflict(&address, STRANGER, true)).await;
    let card = |claim: &Claim| claim.status.clone().unwrap_or_default().network_configs.remove(0);
    let moved = manager.until("web", |claim: &Claim| card(claim).allocated_ip_address != address).await;
    let pool = manager.until(POOL, is_in_conflict).await;
    let status = ipv4(&pool);
    let entry = &status.quarantined[&address];
    assert_eq!((entry.mac_address.as_str(), entry.moved.as_str()), (STRANGER, mac(&web).as_str()));
    assert!(status.retiring.contains_key(&address) && !status.allocated.contains_key(address.as_str()));
    // Eight addresses, two of them in use, and one that nobody gets.
    assert_eq!((status.used, status.available), (2, 5));
    assert_eq!(card(&moved).reason, "");
    let told = manager.event_on("IPPool", POOL, "AddressQuarantined").await;
    assert!(told.contains(&address) && told.contains("default/web") && told.contains(STRANGER), "{told}");
    manager.event_on("VirtualMachineNetworkConfig", "web", "AddressChanged").await;
    manager.until_series("vmdhcp_pool_quarantined", &[POOL_LABELS_ONE]).await;

    // At most one in twenty: nothing becomes of a second one, and nobody moves twice within an hour.
    let second = card(&moved).allocated_ip_address;
    report(&manager, conflict(&second, STRANGER, true)).await;
    let told = manager.until("web", |claim: &Claim| card(claim).reason == "AddressInUse").await;
    assert_eq!(card(&told).allocated_ip_address, second);

    // Nothing is found any more: the condition says so at once, and an hour later the address may be given again.
    report(&manager, json!({})).await;
    let pool = manager.until(POOL, |pool: &IPPool| !is_in_conflict(pool)).await;
    assert!(ipv4(&pool).quarantined.contains_key(&address));
    manager.until("web", |claim: &Claim| card(claim).reason.is_empty()).await;
    manager.advance(Duration::from_secs(3700));
    assert_eq!(ipv4(&manager.settled(POOL).await).quarantined, [].into());
}

/// One of something, of the seed's pool.
const POOL_LABELS_ONE: &str =
    r#"{ippool="default/ippool-1",cidr="192.168.48.0/24",network="default/net-48"} 1"#;

#[tokio::test]
async fn an_address_that_may_have_been_used_stays_and_everybody_learns_who_else_uses_it() {
    let (manager, web, address) = with_claim().await;
    let other = manager.create(&claim("other", 2)).await;
    manager.addresses("other").await;
    report(&manager, conflict(&address, &mac(&other), false)).await;
    let in_use = manager.waits_for("web", "AddressInUse").await;
    assert!(
        in_use.contains(&format!("{} (VirtualMachineNetworkConfig default/other)", mac(&other))),
        "{in_use}"
    );
    let pool = manager.until(POOL, is_in_conflict).await;
    assert_eq!(ipv4(&pool).allocated[address.as_str()], mac(&web));
    let message = pool_condition(&pool, "AddressConflict").message;
    assert!(message.contains("default/web") && message.contains("default/other"), "{message}");
    assert_eq!(manager.addresses("web").await, [address.as_str()]);
    manager.event_on("VirtualMachineNetworkConfig", "web", "AddressInUse").await;
    manager.event_on("IPPool", POOL, "AddressInUse").await;
    manager.until_series("vmdhcp_pool_conflicts", &[POOL_LABELS_ONE]).await;
}

#[tokio::test]
async fn a_declared_address_stays_even_if_nobody_has_used_it() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("web", 1, "192.168.48.85")).await;
    manager.addresses("web").await;
    report(&manager, conflict("192.168.48.85", STRANGER, true)).await;
    manager.waits_for("web", "AddressInUse").await;
    let pool = manager.settled(POOL).await;
    assert!(ipv4(&pool).quarantined.is_empty() && ipv4(&pool).allocated.contains_key("192.168.48.85"));
}

#[tokio::test]
async fn what_a_report_says_that_nobody_renews_is_of_the_past() {
    let (manager, _, address) = with_claim().await;
    report(&manager, conflict(&address, STRANGER, false)).await;
    manager.until(POOL, is_in_conflict).await;
    manager.advance(Duration::from_secs(60));
    assert!(!is_in_conflict(&manager.settled(POOL).await));
}

#[tokio::test]
async fn a_dhcp_server_that_is_not_ours_is_told_of_with_the_vm_that_runs_it() {
    let (manager, web, _) = with_claim().await;
    let server = |address: &str, mac: &str| json!({ "address": address, "macAddress": mac, "since": "" });
    let first = server("192.168.48.2", &mac(&web));
    report(&manager, json!({ "foreignServers": [first] })).await;
    let told = manager.event_on("IPPool", POOL, "ForeignServer").await;
    assert!(told.starts_with("192.168.48.2 answers from") && told.contains("default/web"), "{told}");
    let is_foreign = |pool: &IPPool| pool_condition(pool, "ForeignDHCPServer").status == "True";
    manager.until(POOL, is_foreign).await;
    // A second one is news, and the first is not told of again.
    report(&manager, json!({ "foreignServers": [first, server("192.168.48.3", "")] })).await;
    let names_both = |pool: &IPPool| {
        pool_condition(pool, "ForeignDHCPServer").message.contains("192.168.48.3 was chosen by a client")
    };
    manager.until(POOL, names_both).await;
    let told = async || {
        let events = manager.events_on("IPPool", POOL).await.into_iter();
        events.filter(|event| event.0 == "ForeignServer").map(|event| event.1).collect::<Vec<_>>()
    };
    while told().await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(told().await.iter().filter(|told| told.contains("192.168.48.2")).count(), 1);
    report(&manager, json!({})).await;
    manager.until(POOL, |pool: &IPPool| !is_foreign(pool)).await;
}

/// The pool of the older README, which stands down for other servers before its first lease.
fn cautious_pool() -> IPPool {
    let mut pool = seed_pool();
    pool.spec.ipv4_config.as_mut().unwrap().foreign_server_policy = Some("StandDown".into());
    pool
}

fn stands_down(pool: &IPPool) -> bool {
    let found = pool_condition(pool, "ForeignDHCPServer");
    found.status == "True" && found.reason == "StandingDown"
}

fn foreign_servers(addresses: &[&str]) -> Value {
    let server = |address: &&str| json!({ "address": address, "macAddress": STRANGER, "since": "" });
    json!({ "foreignServers": addresses.iter().map(server).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_pool_that_stands_down_says_so_with_the_way_out_and_tells_all_agents_for_whom() {
    let manager = Manager::start();
    manager.create(&cautious_pool()).await;
    report(&manager, foreign_servers(&["192.168.48.3", "192.168.48.2"])).await;
    let pool = manager.until(POOL, stands_down).await;
    let message = pool_condition(&pool, "ForeignDHCPServer").message;
    assert!(message.contains("192.168.48.2 answers from") && message.contains("to Warn"), "{message}");
    let status = pool.status.unwrap();
    assert_eq!((status.foreign_servers.len(), status.first_acknowledged), (2, None));
    manager.event_on("IPPool", POOL, "StandingDown").await;
    report(&manager, json!({})).await;
    let pool = manager.until(POOL, |pool: &IPPool| !stands_down(pool)).await;
    assert!(pool.status.unwrap().foreign_servers.is_empty());
}

#[tokio::test]
async fn once_a_lease_was_acknowledged_no_pool_stands_down_any_more_whatever_is_reported() {
    let manager = Manager::start();
    manager.create(&cautious_pool()).await;
    report(&manager, json!({ "acknowledged": true })).await;
    let since = |pool: &IPPool| pool.status.clone().unwrap_or_default().first_acknowledged;
    let first = since(&manager.until(POOL, |pool: &IPPool| since(pool).is_some()).await);
    manager.advance(Duration::from_secs(30));
    // That an agent has forgotten it, or says otherwise, takes nothing back.
    report(&manager, foreign_servers(&["192.168.48.2"])).await;
    let is_foreign = |pool: &IPPool| pool_condition(pool, "ForeignDHCPServer").status == "True";
    let pool = manager.until(POOL, is_foreign).await;
    assert_eq!(pool_condition(&pool, "ForeignDHCPServer").reason, "ForeignServer");
    assert_eq!(since(&pool), first);
    assert!(pool.status.unwrap().foreign_servers.is_empty());
}

#[tokio::test]
async fn a_pool_that_lost_its_status_counts_as_having_been_in_service() {
    let manager = Manager::start();
    manager.create(&cautious_pool()).await;
    report(&manager, foreign_servers(&["192.168.48.2"])).await;
    manager.until(POOL, stands_down).await;
    let is_marked = |pool: &IPPool| pool.annotations().contains_key(ALLOCATING_ANNOTATION);
    manager.until(POOL, is_marked).await;
    manager.patch_status::<IPPool>(POOL, json!({ "status": null })).await;
    let pool = manager
        .until(POOL, |pool: &IPPool| pool.status.as_ref().is_some_and(|s| s.first_acknowledged.is_some()))
        .await;
    assert!(!stands_down(&pool));
}

#[tokio::test]
async fn the_word_of_an_agent_of_another_pool_counts_for_nothing() {
    let manager = Manager::start();
    manager.create(&cautious_pool()).await;
    report(&manager, json!({ "acknowledged": true, "poolUid": "another" })).await;
    manager.settled(POOL).await;
    report(&manager, foreign_servers(&["192.168.48.2"])).await;
    manager.until(POOL, stands_down).await;
}

/// A VM had the address, is deleted, and the agent serves a pool that says so.
async fn with_former_vm() -> Manager {
    let manager = Manager::start_beside_kubevirt();
    let mut pool = seed_pool();
    pool.spec.ipv4_config.as_mut().unwrap().lease_time = None;
    manager.create(&pool).await;
    let web = with_card(vm("web"), "nic-1", "net-48", "52:54:00:00:00:01");
    manager.create(&web).await;
    manager.create(&instance("web", "nic-1", "52:54:00:00:00:01")).await;
    manager.addresses("web").await;
    manager.delete::<VirtualMachine>("web").await;
    manager.delete::<VirtualMachineInstance>("web").await;
    manager.until_gone::<Claim>("web").await;
    report(&manager, json!({})).await;
    manager
        .until(POOL, |pool: &IPPool| ipv4(pool).retiring.values().all(|entry| entry.withdrawn.is_some()))
        .await;
    manager
}

/// Nobody answers for what retires.
async fn silence(manager: &Manager) -> Value {
    let pool = manager.api::<IPPool>().get(POOL).await.unwrap();
    let silent = ipv4(&pool).retiring.into_iter().map(|(address, entry)| (address, json!(entry.since)));
    json!({ "silent": silent.collect::<serde_json::Map<_, _>>() })
}

#[tokio::test]
async fn the_address_of_a_vm_that_is_gone_goes_on_as_soon_as_nobody_answers_for_it_although_leases_last_a_year()
 {
    let manager = with_former_vm().await;
    let pool = manager.api::<IPPool>().get(POOL).await.unwrap();
    let (address, entry) = ipv4(&pool).retiring.pop_first().unwrap();
    assert!(entry.of_vm);
    manager.create(&claim_of("next", 2, &address)).await;
    manager.waits_for("next", "AddressRetiring").await;
    // Of another time: it has been leased again since.
    report(&manager, json!({ "silent": { address.clone(): "2020-01-01T00:00:00Z" } })).await;
    manager.settled(POOL).await;
    assert!(!manager.is_allocated("next").await);
    report(&manager, silence(&manager).await).await;
    assert_eq!(manager.addresses("next").await, [address]);
}

#[tokio::test]
async fn silence_frees_nothing_as_long_as_an_instance_or_a_vm_has_the_card() {
    let manager = with_former_vm().await;
    let (address, _) = ipv4(&manager.api::<IPPool>().get(POOL).await.unwrap()).retiring.pop_first().unwrap();
    // An instance whose VM is gone, as on a node that is not heard of any more.
    manager.create(&instance("orphan", "nic-1", "52:54:00:00:00:01")).await;
    manager.create(&claim_of("next", 2, &address)).await;
    report(&manager, silence(&manager).await).await;
    manager.waits_for("next", "AddressRetiring").await;
    manager.settled(POOL).await;
    assert!(!manager.is_allocated("next").await);
    manager.delete::<VirtualMachineInstance>("orphan").await;
    manager.settled(POOL).await;
    assert_eq!(manager.addresses("next").await, [address]);
}

#[tokio::test]
async fn silence_frees_nothing_that_a_claim_by_hand_had() {
    let manager = Manager::start_beside_kubevirt();
    manager.create(&seed_pool()).await;
    manager.create(&claim("web", 1)).await;
    let address = manager.addresses("web").await.remove(0);
    manager.delete::<Claim>("web").await;
    manager.until_gone::<Claim>("web").await;
    report(&manager, silence(&manager).await).await;
    manager.create(&claim_of("next", 2, &address)).await;
    manager.waits_for("next", "AddressRetiring").await;
    manager.settled(POOL).await;
    assert!(!manager.is_allocated("next").await);
}

#[tokio::test]
async fn what_a_claim_declares_and_does_not_have_lapses_after_a_day_without_its_vm() {
    let manager = Manager::start_beside_kubevirt();
    // Where there is no pool yet, nobody refuses an address outside of its ranges.
    manager.create(&claim_of("first", 1, "192.168.48.85")).await;
    manager.create(&claim_of("second", 2, "192.168.48.200")).await;
    manager.create(&seed_pool()).await;
    manager.waits_for("second", "AddressNotInPool").await;
    let missing =
        |claim: &Claim| condition(&claim.status.clone().unwrap_or_default().conditions, "VMMissing");
    let waits = manager.until("second", |claim: &Claim| missing(claim).reason == "NoVM").await;
    assert!(missing(&waits).message.contains("there is no VM second"));
    // Whoever has what it declares is not concerned.
    manager.addresses("first").await;
    manager.until("first", |claim: &Claim| missing(claim).status != "True").await;
    manager.advance(Duration::from_secs(24 * 3600));
    manager.patch::<Claim>("second", json!({ "metadata": { "labels": { "looked": "at" } } })).await;
    manager.event_on("VirtualMachineNetworkConfig", "second", "DeclarationLapsed").await;
    // A VM of that name makes it count again.
    manager.create(&with_card(vm("second"), "nic-1", "net-48", "52:54:00:00:00:02")).await;
    manager.until("second", |claim: &Claim| missing(claim).status == "False").await;
}
