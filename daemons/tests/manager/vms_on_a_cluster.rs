//! What users do with VMs, on a real API server.

use std::io::Write as _;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use vmdhcp_core::api::{
    IPPool, NetworkAttachmentDefinition, VirtualMachine, VirtualMachineInstance,
    VirtualMachineNetworkConfig as Claim,
};
use vmdhcp_daemons::manager::{AutoPool, Limits};
use vmdhcp_testcluster as testcluster;

use crate::fixtures::{ALONE, Manager, pool};
use crate::neighbours::{network, vm, with_card};
use crate::vms::{self, MAC, told};

const NAMESPACE: &str = "vms";

/// Takes the VMs of a scenario away, with all that belongs to them.
async fn clear(manager: &Manager) {
    let machines = manager.api::<VirtualMachine>().list(&ListParams::default()).await.unwrap();
    for name in machines.items.into_iter().filter_map(|machine| machine.metadata.name) {
        manager.delete::<VirtualMachine>(&name).await;
        manager.until_gone::<Claim>(&name).await;
    }
    let instances: Api<VirtualMachineInstance> = manager.api();
    instances.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    let events: Api<Event> = manager.api();
    events.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
}

/// How long it takes from the creation of a VM until its claim says which address it has.
async fn time_to_address(manager: &Manager, number: u8) -> Duration {
    let (name, mac) = (format!("timed-{number}"), format!("52:54:00:00:01:{number:02x}"));
    let began = Instant::now();
    manager.create(&with_card(vm(&name), "nic-1", "net-48", &mac)).await;
    manager.until(&name, |claim: &Claim| told(claim).values().any(|address| !address.is_empty())).await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vms_get_their_addresses_within_a_second_and_their_changes_are_followed() {
    let _alone = ALONE.lock().await;
    let Some(client) = testcluster::client().await else { return };
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(NAMESPACE.into()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let mut manager = Manager::start_in(NAMESPACE, client.clone(), Limits::default(), AutoPool::default());
    manager.create(&pool("192.168.48.0/24", 300)).await;
    manager.create(&network("net-48", "L2VlanNetwork")).await;

    let mut times = Vec::new();
    for number in 1..6 {
        times.push(time_to_address(&manager, number).await);
    }
    times.sort();
    drop(writeln!(std::io::stderr(), "VM created to address in the claim's status, five times: {times:?}"));
    assert!(times[2] < Duration::from_secs(1), "{times:?}");
    clear(&manager).await;

    vms::cards_plugged_and_unplugged(&manager).await;
    clear(&manager).await;
    vms::macs_from_everywhere(&manager).await;
    clear(&manager).await;
    vms::a_static_ip_set_changed_and_removed(&manager).await;
    clear(&manager).await;
    vms::a_refused_static_ip(&manager).await;
    clear(&manager).await;
    vms::two_vms_with_one_mac(&manager).await;
    clear(&manager).await;
    vms::one_managed_and_two_other_cards(&manager).await;
    clear(&manager).await;
    a_vm_under_the_name_of_a_former_one(&manager).await;

    // All that is left goes with its namespace, and nothing is left terminating.
    namespaces.delete(NAMESPACE, &DeleteParams::default()).await.unwrap();
    gone(&client).await;
    manager.stop().await;
}

async fn a_vm_under_the_name_of_a_former_one(manager: &Manager) {
    manager.create(&vms::web()).await;
    let first = vms::settled(manager, "web", &[MAC]).await;
    manager.delete::<VirtualMachine>("web").await;
    let second = manager.create(&vms::web()).await;
    let is_of_second = |claim: &Claim| {
        claim.owner_vm().map(|owner| &owner.uid) == second.metadata.uid.as_ref() && !told(claim).is_empty()
    };
    let claim = manager.until("web", is_of_second).await;
    assert_eq!(told(&claim), told(&first), "its MAC is the same, and so is its address");
}

/// Waits until nothing of the namespace is left.
async fn gone(client: &Client) {
    let left = async || {
        let here = ListParams::default();
        let claims = Api::<Claim>::namespaced(client.clone(), NAMESPACE).list(&here).await.unwrap();
        let pools = Api::<IPPool>::namespaced(client.clone(), NAMESPACE).list(&here).await.unwrap();
        let machines =
            Api::<VirtualMachine>::namespaced(client.clone(), NAMESPACE).list(&here).await.unwrap();
        let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), NAMESPACE);
        let networks = networks.list(&here).await.unwrap();
        claims.items.len() + pools.items.len() + machines.items.len() + networks.items.len()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while left().await > 0 {
        assert!(Instant::now() < deadline, "{} objects are left", left().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
