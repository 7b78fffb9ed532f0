//! Pools and claims out of service, and back.

use serde_json::json;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::fixtures::{Manager, claim, condition, ipv4, pool_condition, seed_pool};

#[tokio::test]
async fn a_paused_pool_keeps_its_addresses_lets_claims_go_and_gives_out_none() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("stays", 1)).await;
    manager.create(&claim("goes", 2)).await;
    let kept = manager.addresses("stays").await;
    manager.addresses("goes").await;
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "paused": true } })).await;
    let pool =
        manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "Stopped").status == "True").await;
    for type_ in ["Registered", "CacheReady", "AgentReady"] {
        assert_eq!(pool_condition(&pool, type_).status, "False", "{type_}");
    }
    manager.delete::<VirtualMachineNetworkConfig>("goes").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("goes").await;
    manager.create(&claim("new", 3)).await;
    manager.waits_for("new", "PoolPaused").await;
    assert_eq!(manager.addresses("stays").await, kept);
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "paused": false } })).await;
    manager.addresses("new").await;
    assert_eq!(manager.addresses("stays").await, kept);
}

#[tokio::test]
async fn a_paused_claim_gives_its_address_up_remembers_it_and_gets_it_back() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    manager.patch::<VirtualMachineNetworkConfig>("vm", json!({ "spec": { "paused": true } })).await;
    let is_disabled = |claim: &VirtualMachineNetworkConfig| {
        condition(&claim.status.clone().unwrap_or_default().conditions, "Disabled").status == "True"
    };
    let paused = manager.until("vm", is_disabled).await;
    let card = &paused.status.unwrap().network_configs[0];
    assert_eq!((&card.allocated_ip_address, card.reason.as_str()), (&address[0], "Paused"));
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!((ipv4(&pool).used, ipv4(&pool).retiring.len()), (0, 1));
    manager.patch::<VirtualMachineNetworkConfig>("vm", json!({ "spec": { "paused": false } })).await;
    assert_eq!(manager.addresses("vm").await, address);
}
