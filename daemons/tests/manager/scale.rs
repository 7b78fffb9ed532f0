//! Many claims: few writes, every address, and an honest end.

use futures::future::join_all;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::fixtures::{Manager, claim, ipv4, pool, pool_condition};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_claims_in_one_burst_cost_at_most_sixty_writes_of_the_pool() {
    let manager = Manager::start();
    manager.create(&pool("10.48.0.0/20", 300)).await;
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await;
    let before = manager.metric("vmdhcp_pool_writes_total");
    let names: Vec<_> = (0..1_000).map(|number| format!("vm-{number}")).collect();
    join_all(names.iter().enumerate().map(async |(number, name)| {
        manager.create(&claim(name, u32::try_from(number).unwrap())).await;
    }))
    .await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 1_000).await;
    for name in &names {
        manager.addresses(name).await;
    }
    let writes = manager.metric("vmdhcp_pool_writes_total") - before;
    assert!(writes <= 60, "{writes} writes");
    let allocated = manager.allocated("ippool-1").await;
    let macs: std::collections::BTreeSet<_> = allocated.values().collect();
    assert_eq!(macs.len(), allocated.len(), "no MAC twice, no address twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slash_22_is_given_out_to_its_last_address_and_the_next_claim_is_told_why_it_waits() {
    let manager = Manager::start();
    // Leases of one second: what retires may be re-used within the test.
    manager.create(&pool("10.48.0.0/22", 1)).await;
    // 1,022 hosts, less one for the server.
    join_all((0..1_021).map(async |number| {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
    }))
    .await;
    let full = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 1_021).await;
    assert_eq!(ipv4(&full).available, 0);
    manager.create(&claim("late", 5_000)).await;
    let why = manager.waits_for("late", "PoolExhausted").await;
    assert!(why.contains("no address") || why.contains("No address"), "{why}");
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "Exhausted").status == "True").await;
    assert_eq!(manager.first_event_of("late").await, "PoolExhausted");
    assert_eq!(manager.first_event_of("ippool-1").await, "PoolExhausted");

    // The agent's Lease is there, and no agent has ever reported: nobody can say that none still grants the pair, so
    // the address waits until the operator says so.
    manager.delete::<VirtualMachineNetworkConfig>("vm-7").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm-7").await;
    manager.waits_for("late", "AddressRetiring").await;
    let retiring = ipv4(&manager.api::<IPPool>().get("ippool-1").await.unwrap()).retiring;
    let address = retiring.keys().next().unwrap().clone();
    let annotation =
        serde_json::json!({ "metadata": { "annotations": { vmdhcp_core::api::REUSE_ANNOTATION: address } } });
    manager.patch::<IPPool>("ippool-1", annotation).await;
    assert_eq!(manager.addresses("late").await, [address]);
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "Exhausted").status == "False").await;
}
