//! What the manager shows of pools, claims and its own doings, as Prometheus scrapes it.

use serde_json::json;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::fixtures::{Manager, claim, claim_of, pool, seed_pool};

const STATUS: &str = "vmdhcpcontroller_vmnetcfg_status";
const USED: &str = "vmdhcpcontroller_ippool_used";
const AVAILABLE: &str = "vmdhcpcontroller_ippool_available";
const WAITING: &str = "vmdhcp_pool_waiting_cards";

#[tokio::test]
async fn a_pool_shows_its_counts_under_upstreams_names_until_it_is_gone() {
    const LABELS: &str = "{ippool=\"default/ippool-1\",cidr=\"192.168.48.0/24\",network=\"default/net-48\"}";
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("vm-1", 1, "192.168.48.85")).await;
    manager.addresses("vm-1").await;
    manager.until_series(USED, &[&format!("{LABELS} 1")]).await;
    manager.until_series(AVAILABLE, &[&format!("{LABELS} 7")]).await;
    manager.delete::<VirtualMachineNetworkConfig>("vm-1").await;
    manager.until_series(USED, &[&format!("{LABELS} 0")]).await;
    manager.until_series("vmdhcp_pool_retiring", &[&format!("{LABELS} 1")]).await;
    manager.delete::<IPPool>("ippool-1").await;
    for metric in [USED, AVAILABLE, "vmdhcp_pool_retiring", WAITING] {
        manager.until_series(metric, &[]).await;
    }
}

/// COMPAT 10.31: upstream deleted series under other labels than it had set them.
#[tokio::test]
async fn no_series_outlives_its_claim_or_the_state_that_it_tells_of() {
    const CARD: &str = "{vmnetcfg=\"default/vm-1\",network=\"default/net-48\",mac=\"52:54:00:00:00:01\"";
    let manager = Manager::start();
    manager.create(&claim_of("vm-1", 1, "192.168.48.85")).await;
    manager.until_series(STATUS, &[&format!("{CARD},ip=\"\",state=\"Pending\"}} 1")]).await;
    manager.create(&seed_pool()).await;
    manager.until_series(STATUS, &[&format!("{CARD},ip=\"192.168.48.85\",state=\"Allocated\"}} 1")]).await;
    manager.patch::<VirtualMachineNetworkConfig>("vm-1", json!({ "spec": { "paused": true } })).await;
    manager.until_series(STATUS, &[&format!("{CARD},ip=\"192.168.48.85\",state=\"Pending\"}} 1")]).await;
    manager.delete::<VirtualMachineNetworkConfig>("vm-1").await;
    manager.until_series(STATUS, &[]).await;
}

#[tokio::test]
async fn what_waits_for_its_turn_is_shown_and_is_nothing_once_all_is_done() {
    let manager = Manager::start_beside_kubevirt();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("vm-1", 1, "192.168.48.85")).await;
    manager.addresses("vm-1").await;
    let nothing = ["{controller=\"claim\"} 0", "{controller=\"vm\"} 0"];
    manager.until_series("vmdhcp_workqueue_depth", &nothing).await;
}

#[tokio::test]
async fn cards_without_an_address_are_counted_by_the_reason() {
    let manager = Manager::start();
    // Two hosts, one of them the server.
    manager.create(&pool("10.48.0.0/30", 60)).await;
    manager.create(&claim("vm-1", 1)).await;
    manager.addresses("vm-1").await;
    manager.until_series(WAITING, &[]).await;
    for number in 2..4 {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
        manager.waits_for(&format!("vm-{number}"), "PoolExhausted").await;
    }
    manager.create(&claim("twin", 1)).await;
    manager.waits_for("twin", "DuplicateMAC").await;
    let of = |reason: &str, count| format!("{{ippool=\"default/ippool-1\",reason=\"{reason}\"}} {count}");
    manager.until_series(WAITING, &[&of("DuplicateMAC", 1), &of("PoolExhausted", 2)]).await;
}

#[tokio::test]
async fn requests_are_counted_by_verb_resource_and_code_and_failures_by_controller_and_reason() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("vm-1", 1, "192.168.48.85")).await;
    manager.addresses("vm-1").await;
    let text = manager.metrics();
    for series in [
        "vmdhcp_api_requests_total{verb=\"watch\",resource=\"ippools\",code=\"200\"}",
        "vmdhcp_api_requests_total{verb=\"update\",resource=\"ippools/status\",code=\"200\"}",
        "vmdhcp_api_requests_total{verb=\"update\",resource=\"virtualmachinenetworkconfigs/status\",code=\"200\"} 1",
    ] {
        assert!(text.contains(series), "{series} in {text}");
    }
}

#[tokio::test]
async fn how_long_each_card_waited_for_its_address_is_in_a_histogram() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    for number in 1..4 {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
        manager.addresses(&format!("vm-{number}")).await;
    }
    manager.until_series("vmdhcp_allocation_seconds_count", &[" 3"]).await;
    // A change of what it has already is no allocation of a card that waited.
    manager
        .patch::<VirtualMachineNetworkConfig>("vm-1", json!({ "metadata": { "labels": { "a": "b" } } }))
        .await;
    manager.create(&claim("vm-4", 4)).await;
    manager.addresses("vm-4").await;
    manager.until_series("vmdhcp_allocation_seconds_count", &[" 4"]).await;
}
