//! Nothing is left in Terminating, and nothing that goes takes another's address along.

use kube::api::{Api, DeleteParams};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::fixtures::{Manager, NAMESPACE, claim, ipv4, seed_pool};

#[tokio::test]
async fn a_deleted_claim_goes_and_its_address_retires_until_its_mac_comes_back() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!((ipv4(&pool).used, ipv4(&pool).retiring.len()), (0, 1));
    manager.create(&claim("restored", 1)).await;
    assert_eq!(manager.addresses("restored").await, address);
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!((ipv4(&pool).used, ipv4(&pool).retiring.len()), (1, 0));
}

#[tokio::test]
async fn a_pool_in_use_is_not_deleted_and_the_refusal_names_the_user() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("vm", 1)).await;
    manager.addresses("vm").await;
    let pools: Api<IPPool> = Api::namespaced(manager.client.clone(), NAMESPACE);
    let refused = pools.delete("ippool-1", &DeleteParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("in use by default/vm"), "{refused}");
}

#[tokio::test]
async fn a_claim_and_its_pool_deleted_in_a_row_without_waiting_both_go() {
    let manager = Manager::start();
    for _ in 0..5 {
        manager.create(&seed_pool()).await;
        manager.create(&claim("vm", 1)).await;
        manager.addresses("vm").await;
        manager.delete::<VirtualMachineNetworkConfig>("vm").await;
        manager.delete::<IPPool>("ippool-1").await;
        manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
        manager.until_gone::<IPPool>("ippool-1").await;
    }
}

#[tokio::test]
async fn a_claim_whose_pool_is_gone_is_deleted_all_the_same() {
    let manager = Manager::start();
    manager.create(&claim("vm", 1)).await;
    manager.waits_for("vm", "NoPool").await;
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
}
