//! VirtualMachines in, VirtualMachineNetworkConfigs and addresses out.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::json;
use vmdhcp_core::api::{IPPool, VM_NAME_LABEL, VirtualMachine, VirtualMachineNetworkConfig as Claim};
use vmdhcp_daemons::cluster::local::LocalApi;

use crate::fixtures::{Manager, NAMESPACE, ipv4, seed_pool};
use crate::neighbours::{kinds, vm, with_card};
use crate::written::Written;

const MAC: &str = "52:54:00:00:00:01";

/// A manager beside KubeVirt, with the pool of the older README on `net-48`.
async fn with_pool() -> Manager {
    let manager = Manager::start_beside_kubevirt();
    manager.create(&seed_pool()).await;
    manager
}

/// The cards of the claim's spec: network, MAC, and address where one is demanded.
fn cards(claim: &Claim) -> Vec<(String, String, String)> {
    let cards = claim.spec.cards().iter().cloned();
    cards.map(|card| (card.network_name, card.mac_address, card.ip_address.unwrap_or_default())).collect()
}

/// The address of each MAC in the claim's status.
fn told(claim: &Claim) -> BTreeMap<String, String> {
    let cards = claim.status.clone().unwrap_or_default().network_configs.into_iter();
    cards.map(|card| (card.mac_address, card.allocated_ip_address)).collect()
}

/// Waits until the claim has exactly these MACs in its spec and addresses for all of them.
async fn settled(manager: &Manager, name: &str, macs: &[&str]) -> Claim {
    let is_so = |claim: &Claim| {
        let in_spec: Vec<_> = cards(claim).into_iter().map(|card| card.1).collect();
        let told = told(claim);
        in_spec == macs
            && told.len() == macs.len()
            && macs.iter().all(|mac| told.get(*mac).is_some_and(|address| !address.is_empty()))
    };
    manager.until(name, is_so).await
}

#[tokio::test]
async fn a_new_vm_has_its_address_after_two_writes_beside_that_of_its_pool() {
    let api = LocalApi::in_memory(kinds()).unwrap();
    let written = Written::default();
    let manager = Manager::start_on(written.through(api.client(NAMESPACE)));
    let users: Api<VirtualMachine> = Api::default_namespaced(api.client(NAMESPACE));
    let pools: Api<IPPool> = Api::default_namespaced(api.client(NAMESPACE));
    pools.create(&PostParams::default(), &seed_pool()).await.unwrap();
    manager.until("ippool-1", |pool: &IPPool| !ipv4(pool).allocated.is_empty()).await;
    let machine =
        users.create(&PostParams::default(), &with_card(vm("web"), "nic-1", "net-48", MAC)).await.unwrap();

    let claim = settled(&manager, "web", &[MAC]).await;
    assert_eq!(cards(&claim), [("default/net-48".to_owned(), MAC.to_owned(), String::new())]);
    assert_eq!(claim.spec.vm_name, "web");
    assert_eq!(claim.labels()[VM_NAME_LABEL], "web");
    let [owner] = claim.owner_references() else { panic!("{:?}", claim.owner_references()) };
    assert_eq!((owner.kind.as_str(), Some(&owner.uid)), ("VirtualMachine", machine.metadata.uid.as_ref()));
    assert_eq!((owner.controller, owner.block_owner_deletion), (None, None));
    let of_claims = written.of("virtualmachinenetworkconfigs").len()
        + written.of("virtualmachinenetworkconfigs/status").len();
    assert_eq!(of_claims, 2);
    assert_eq!(written.of("events").len(), 0);
}

#[tokio::test]
async fn row_13_the_last_card_of_a_vm_that_goes_gives_its_address_up() {
    let manager = with_pool().await;
    manager.create(&with_card(vm("web"), "nic-1", "net-48", MAC)).await;
    settled(&manager, "web", &[MAC]).await;
    let without = json!({ "spec": { "template": { "spec": {
        "domain": { "devices": { "interfaces": null } }, "networks": null,
    } } } });
    manager.patch::<VirtualMachine>("web", without).await;
    manager.until("web", |claim: &Claim| cards(claim).is_empty() && told(claim).is_empty()).await;
    let pool = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 0).await;
    assert_eq!(ipv4(&pool).retiring.len(), 1);
}
