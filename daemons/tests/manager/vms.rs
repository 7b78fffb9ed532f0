//! VirtualMachines in, VirtualMachineNetworkConfigs and addresses out.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{
    BY_HAND_ANNOTATION, IPPool, MAC_ADDRESS_ANNOTATION, STATIC_IP_PREFIX, VM_NAME_LABEL, VirtualMachine,
    VirtualMachineInstance, VirtualMachineNetworkConfig as Claim,
};
use vmdhcp_daemons::cluster::local::LocalApi;

use crate::fixtures::{Manager, NAMESPACE, claim, claim_of, ipv4, seed_pool};
use crate::neighbours::{annotated, instance, kinds, network, vm, with_card};
use crate::written::Written;

pub(crate) const MAC: &str = "52:54:00:00:00:01";
const OTHER_MAC: &str = "52:54:00:00:00:02";

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
pub(crate) fn told(claim: &Claim) -> BTreeMap<String, String> {
    let cards = claim.status.clone().unwrap_or_default().network_configs.into_iter();
    cards.map(|card| (card.mac_address, card.allocated_ip_address)).collect()
}

/// Waits until the claim has exactly these MACs in its spec and addresses for all of them.
pub(crate) async fn settled(manager: &Manager, name: &str, macs: &[&str]) -> Claim {
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

/// The VM `web` with one card on `net-48`.
pub(crate) fn web() -> VirtualMachine {
    with_card(vm("web"), "nic-1", "net-48", MAC)
}

/// A change of a VM that gives it the cards of another.
fn cards_as_of(vm: &VirtualMachine) -> Value {
    json!({ "spec": { "template": { "spec": {
        "domain": { "devices": { "interfaces": vm.spec.template.spec.domain.devices.interfaces } },
        "networks": vm.spec.template.spec.networks,
    } } } })
}

/// A change of an annotation; without a value it goes.
fn annotation(key: &str, value: Option<&str>) -> Value {
    json!({ "metadata": { "annotations": { key: value } } })
}

fn static_ip(card: &str) -> String {
    format!("{STATIC_IP_PREFIX}{card}")
}

/// Waits until the first card has that address, and nothing is pending.
async fn until_it_has(manager: &Manager, name: &str, address: &str) -> Claim {
    manager
        .until(name, |claim: &Claim| {
            let status = claim.status.clone().unwrap_or_default();
            status.network_configs.iter().any(|card| card.allocated_ip_address == address)
                && status.network_configs.iter().all(|card| card.reason.is_empty())
        })
        .await
}

#[tokio::test]
async fn row_05_a_pool_of_another_name_and_namespace_serves_the_network_and_counts_as_in_use() {
    let manager = Manager::start_beside_kubevirt();
    let mut pool = seed_pool();
    (pool.metadata.name, pool.metadata.namespace) = (Some("elsewhere".into()), Some("pools".into()));
    pool.spec.network_name = "default/net-48".into();
    let pools: Api<IPPool> = Api::namespaced(manager.client.clone(), "pools");
    pools.create(&PostParams::default(), &pool).await.unwrap();
    manager.create(&web()).await;
    settled(&manager, "web", &[MAC]).await;
    let refused = pools.delete("elsewhere", &DeleteParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("in use by default/web"), "{refused}");
}

#[tokio::test]
async fn row_09_a_mac_in_any_spelling_is_the_same_card() {
    let manager = with_pool().await;
    manager.create(&with_card(vm("web"), "nic-1", "net-48", "52-54-00-00-00-0A")).await;
    let claim = settled(&manager, "web", &["52:54:00:00:00:0a"]).await;
    let respelled = with_card(vm("web"), "nic-1", "default/net-48", "5254.0000.000a");
    manager.patch::<VirtualMachine>("web", cards_as_of(&respelled)).await;
    // What comes after it shows that it has been looked at.
    let more = with_card(respelled, "nic-2", "net-48", OTHER_MAC);
    manager.patch::<VirtualMachine>("web", cards_as_of(&more)).await;
    let later = settled(&manager, "web", &["52:54:00:00:00:0a", OTHER_MAC]).await;
    assert_eq!(later.metadata.generation, claim.metadata.generation.map(|before| before + 1));
    assert_eq!(told(&later)["52:54:00:00:00:0a"], told(&claim)["52:54:00:00:00:0a"]);
}

#[tokio::test]
async fn row_13_the_last_card_of_a_vm_that_goes_gives_its_address_up() {
    let manager = with_pool().await;
    manager.create(&web()).await;
    settled(&manager, "web", &[MAC]).await;
    manager.patch::<VirtualMachine>("web", cards_as_of(&vm("web"))).await;
    manager.until("web", |claim: &Claim| cards(claim).is_empty() && told(claim).is_empty()).await;
    let pool = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 0).await;
    assert_eq!(ipv4(&pool).retiring.len(), 1);
}

#[tokio::test]
async fn row_14_cards_come_in_the_order_of_the_vm_and_another_order_costs_no_write() {
    let manager = with_pool().await;
    let macs: Vec<String> = (1..6).map(|number| format!("52:54:00:00:00:{number:02x}")).collect();
    let macs: Vec<&str> = macs.iter().map(String::as_str).collect();
    let with_all = |macs: &[&str]| {
        macs.iter().fold(vm("web"), |vm, mac| with_card(vm, &format!("nic-{}", &mac[15..]), "net-48", mac))
    };
    manager.create(&with_all(&macs)).await;
    let claim = settled(&manager, "web", &macs).await;
    let reversed: Vec<&str> = macs.iter().rev().copied().collect();
    manager.patch::<VirtualMachine>("web", cards_as_of(&with_all(&reversed))).await;
    manager.patch::<VirtualMachine>("web", cards_as_of(&with_all(&reversed[1..]))).await;
    let later = settled(&manager, "web", &macs[..4]).await;
    assert_eq!(later.metadata.generation, claim.metadata.generation.map(|before| before + 1));
}

#[tokio::test]
async fn row_15_what_was_written_by_hand_before_there_was_the_vm_is_adopted_and_its_address_kept() {
    let manager = with_pool().await;
    let mut by_hand = claim_of("web", 1, "192.168.48.85");
    // A card for later, as the older README spelled the list.
    by_hand.spec.network_configs.push(claim("web", 7).spec.network_configs.remove(0));
    by_hand.spec.network_config = std::mem::take(&mut by_hand.spec.network_configs);
    manager.create(&by_hand).await;
    manager.addresses("web").await;
    let machine = manager.create(&with_card(web(), "nic-2", "net-48", OTHER_MAC)).await;
    let adopted = settled(&manager, "web", &[MAC, "52:54:00:00:00:07", OTHER_MAC]).await;
    assert_eq!(adopted.owner_vm().map(|owner| &owner.uid), machine.metadata.uid.as_ref());
    assert_eq!(adopted.labels()[VM_NAME_LABEL], "web");
    assert_eq!(told(&adopted)[MAC], "192.168.48.85");
    assert_eq!(cards(&adopted)[0].2, "192.168.48.85");
    assert_eq!(adopted.annotations()[BY_HAND_ANNOTATION], "default/net-48=52:54:00:00:00:07");
    // Once the VM has had the card it goes like any other.
    let with_it = with_card(web(), "nic-7", "net-48", "52:54:00:00:00:07");
    manager.patch::<VirtualMachine>("web", cards_as_of(&with_it)).await;
    let claim = settled(&manager, "web", &[MAC, "52:54:00:00:00:07"]).await;
    assert!(!claim.annotations().contains_key(BY_HAND_ANNOTATION));
    manager.patch::<VirtualMachine>("web", cards_as_of(&web())).await;
    let claim = settled(&manager, "web", &[MAC]).await;
    assert_eq!(told(&claim)[MAC], "192.168.48.85");
}

#[tokio::test]
async fn row_16_a_vm_waits_until_the_claim_of_a_former_one_of_its_name_is_gone() {
    let manager = with_pool().await;
    manager.create(&web()).await;
    let former = settled(&manager, "web", &[MAC]).await;
    // Somebody holds the former claim.
    let hold = json!({ "metadata": { "finalizers": ["example.org/hold", former.finalizers()[0]] } });
    manager.patch::<Claim>("web", hold).await;
    manager.delete::<VirtualMachine>("web").await;
    let second = manager.create(&with_card(vm("web"), "nic-1", "net-48", OTHER_MAC)).await;
    manager.until("web", |claim: &Claim| claim.finalizers() == ["example.org/hold"]).await;
    let held = manager.api::<Claim>().get("web").await.unwrap();
    assert_eq!((held.uid(), cards(&held)), (former.uid(), cards(&former)));
    manager.patch::<Claim>("web", json!({ "metadata": { "finalizers": null } })).await;
    let claim = settled(&manager, "web", &[OTHER_MAC]).await;
    assert_eq!(claim.owner_vm().map(|owner| &owner.uid), second.metadata.uid.as_ref());
}

#[tokio::test]
async fn row_17_bad_json_of_macs_is_an_event_and_macs_of_the_spec_count() {
    let manager = with_pool().await;
    let machine = with_card(web(), "nic-2", "net-48", "");
    manager.create(&annotated(machine, MAC_ADDRESS_ANNOTATION, "{nic-2: broken")).await;
    settled(&manager, "web", &[MAC]).await;
    let told = manager.vm_event("web", "InvalidMACAnnotation").await;
    assert!(told.contains("is not a JSON object of MACs by card"), "{told}");
    let mended = format!(r#"{{"nic-2":"{OTHER_MAC}"}}"#);
    manager.patch::<VirtualMachine>("web", annotation(MAC_ADDRESS_ANNOTATION, Some(&mended))).await;
    settled(&manager, "web", &[MAC, OTHER_MAC]).await;
    assert_eq!(manager.vm_events("web").await.len(), 1);
}

#[tokio::test]
async fn rows_18_and_19_of_two_vms_with_one_mac_the_second_waits_and_its_end_frees_nothing() {
    two_vms_with_one_mac(&with_pool().await).await;
}

pub(crate) async fn two_vms_with_one_mac(manager: &Manager) {
    manager.create(&web()).await;
    let first = settled(manager, "web", &[MAC]).await;
    manager.create(&with_card(vm("copy"), "nic-1", "net-48", MAC)).await;
    manager.waits_for("copy", "DuplicateMAC").await;
    let message = manager.vm_event("copy", "DuplicateMAC").await;
    assert!(message.contains("/web has this MAC"), "{message}");
    manager.delete::<VirtualMachine>("copy").await;
    manager.until_gone::<Claim>("copy").await;
    assert_eq!(manager.allocated("ippool-1").await[&told(&first)[MAC]], MAC);
    assert!(manager.is_allocated("web").await);
}

#[tokio::test]
async fn row_20_a_paused_claim_gives_its_address_up_once_although_its_vm_goes_on_changing() {
    let manager = with_pool().await;
    manager.create(&web()).await;
    let address = told(&settled(&manager, "web", &[MAC]).await)[MAC].clone();
    manager.patch::<Claim>("web", json!({ "spec": { "paused": true } })).await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 0).await;
    manager.create(&with_card(vm("heir"), "nic-1", "net-48", OTHER_MAC)).await;
    settled(&manager, "heir", &[OTHER_MAC]).await;
    // The operator gives the paused address to the other VM.
    let reuse = json!({ "metadata": { "annotations": { vmdhcp_core::api::REUSE_ANNOTATION: address } } });
    manager.patch::<IPPool>("ippool-1", reuse).await;
    manager.patch::<VirtualMachine>("heir", annotation(&static_ip("nic-1"), Some(&address))).await;
    until_it_has(&manager, "heir", &address).await;
    let more = with_card(web(), "nic-2", "net-48", "52:54:00:00:00:03");
    manager.patch::<VirtualMachine>("web", cards_as_of(&more)).await;
    manager
        .until("web", |claim: &Claim| claim.status.as_ref().is_some_and(|s| s.network_configs.len() == 2))
        .await;
    assert_eq!(manager.allocated("ippool-1").await[&address], OTHER_MAC);
    assert!(manager.api::<Claim>().get("web").await.unwrap().spec.is_paused());
}

#[tokio::test]
async fn row_21_of_one_managed_and_two_other_cards_the_managed_one_is_served_and_nothing_is_amiss() {
    one_managed_and_two_other_cards(&with_pool().await).await;
}

pub(crate) async fn one_managed_and_two_other_cards(manager: &Manager) {
    let machine = with_card(with_card(web(), "pods", "", ""), "nic-2", "net-unmanaged", OTHER_MAC);
    manager.create(&machine).await;
    let claim = settled(manager, "web", &[MAC]).await;
    assert_eq!(cards(&claim).len(), 1);
    assert!(manager.is_allocated("web").await);
    assert_eq!(manager.vm_events("web").await, []);
    // A pool that comes later serves the card.
    let mut pool = crate::fixtures::pool("10.1.0.0/24", 60);
    pool.metadata.name = Some("ippool-2".into());
    pool.spec.network_name = "net-unmanaged".into();
    manager.create(&pool).await;
    settled(manager, "web", &[MAC, OTHER_MAC]).await;
}

#[tokio::test]
async fn row_21_each_bad_card_is_told_of_and_costs_only_itself() {
    let manager = with_pool().await;
    let machine = [
        ("multicast", "net-48", "01:00:5e:00:00:01"),
        ("nonsense", "net-48", "not-a-mac"),
        ("twice", "net-48", "52:54:00:00:00:01"),
        ("nowhere", "Net_48", "52:54:00:00:00:05"),
        ("good", "net-48", OTHER_MAC),
    ];
    let machine =
        machine.into_iter().fold(web(), |vm, (name, network, mac)| with_card(vm, name, network, mac));
    manager.create(&machine).await;
    settled(&manager, "web", &[MAC, OTHER_MAC]).await;
    let mut told: Vec<_> = Vec::new();
    for reason in ["InvalidMAC", "DuplicateMAC", "InvalidNetwork"] {
        told.push(manager.vm_event("web", reason).await);
    }
    let notes = manager.vm_events("web").await;
    for card in ["multicast", "nonsense", "twice", "nowhere"] {
        assert!(
            notes.iter().any(|(_, note)| note.contains(&format!("network card {card}: "))),
            "{card}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn row_23_a_vm_and_its_claim_go_although_the_pool_and_the_network_are_gone() {
    let manager = with_pool().await;
    manager.create(&network("net-48", "L2VlanNetwork")).await;
    manager.create(&web()).await;
    settled(&manager, "web", &[MAC]).await;
    // By somebody who does not care who uses it.
    manager.delete::<vmdhcp_core::api::NetworkAttachmentDefinition>("net-48").await;
    manager.patch_status::<IPPool>("ippool-1", json!({ "status": null })).await;
    manager.delete::<VirtualMachine>("web").await;
    manager.until_gone::<Claim>("web").await;
    manager.delete::<IPPool>("ippool-1").await;
    manager.until_gone::<IPPool>("ippool-1").await;
}

#[tokio::test]
async fn row_32_a_network_without_a_namespace_is_that_of_the_vms_own() {
    let manager = Manager::start_beside_kubevirt();
    let mut pool = seed_pool();
    pool.metadata.namespace = Some("tenant".into());
    let pools: Api<IPPool> = Api::namespaced(manager.client.clone(), "tenant");
    pools.create(&PostParams::default(), &pool).await.unwrap();
    let mut machine = web();
    machine.metadata.namespace = Some("tenant".into());
    let machines: Api<VirtualMachine> = Api::namespaced(manager.client.clone(), "tenant");
    machines.create(&PostParams::default(), &machine).await.unwrap();
    // Of that name there is none in its own namespace.
    manager.create(&web()).await;
    manager.create(&with_card(vm("guest"), "nic-1", "tenant/net-48", OTHER_MAC)).await;
    let claim = settled(&manager, "guest", &[OTHER_MAC]).await;
    assert_eq!(cards(&claim)[0].0, "tenant/net-48");
    let of_tenant: Api<Claim> = Api::namespaced(manager.client.clone(), "tenant");
    let served = |claim: Option<&Claim>| claim.is_some_and(|claim| !told(claim).is_empty());
    kube::runtime::wait::await_condition(of_tenant, "web", served).await.unwrap();
    assert!(manager.api::<Claim>().get_opt("web").await.unwrap().is_none());
}

#[tokio::test]
async fn row_33_a_refused_static_ip_is_one_condition_and_one_event_and_no_flapping() {
    let api = LocalApi::in_memory(kinds()).unwrap();
    let written = Written::default();
    let manager = Manager::start_on(written.through(api.client(NAMESPACE)));
    manager.create(&seed_pool()).await;
    a_refused_static_ip(&manager).await;
    let before = written.count();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(written.count(), before);
    // One that can be granted makes all well.
    manager.patch::<VirtualMachine>("web", annotation(&static_ip("nic-1"), Some("192.168.48.88"))).await;
    until_it_has(&manager, "web", "192.168.48.88").await;
}

pub(crate) async fn a_refused_static_ip(manager: &Manager) {
    let machine = with_card(web(), "nic-2", "net-48", OTHER_MAC);
    manager.create(&annotated(machine, &static_ip("nic-1"), "10.9.9.9/24")).await;
    let why = manager.waits_for("web", "AddressNotInPool").await;
    assert!(why.contains("10.9.9.9 is not one that the pool gives out"), "{why}");
    let message = manager.vm_event("web", "StaticIPRefused").await;
    assert!(message.contains("10.9.9.9"), "{message}");
    // The other card has its address all the same, and then nothing happens any more.
    let claim = manager.api::<Claim>().get("web").await.unwrap();
    assert!(!told(&claim)[OTHER_MAC].is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = manager.api::<Claim>().get("web").await.unwrap();
    assert_eq!(later.resource_version(), claim.resource_version());
    let events = manager.vm_events("web").await;
    assert_eq!(events.len(), 1, "{events:?}");
}

#[tokio::test]
async fn a_static_ip_is_set_changed_and_removed_and_the_card_keeps_its_last_address() {
    a_static_ip_set_changed_and_removed(&with_pool().await).await;
}

pub(crate) async fn a_static_ip_set_changed_and_removed(manager: &Manager) {
    manager.create(&web()).await;
    settled(manager, "web", &[MAC]).await;
    for address in ["192.168.48.84", "192.168.48.86"] {
        manager.patch::<VirtualMachine>("web", annotation(&static_ip("nic-1"), Some(address))).await;
        let claim = until_it_has(manager, "web", address).await;
        assert_eq!(cards(&claim)[0].2, address);
    }
    manager.patch::<VirtualMachine>("web", annotation(&static_ip("nic-1"), None)).await;
    let dynamic = manager.until("web", |claim: &Claim| cards(claim)[0].2.is_empty()).await;
    assert_eq!(told(&dynamic)[MAC], "192.168.48.86");
    assert!(!dynamic.annotations().contains_key(vmdhcp_core::api::STATIC_ADDRESSES_ANNOTATION));
    let pool = manager.api::<IPPool>().get("ippool-1").await.unwrap();
    assert_eq!(ipv4(&pool).allocated["192.168.48.86"], MAC);
}

#[tokio::test]
async fn a_static_ip_for_no_card_or_that_is_none_is_told_once_and_ignored() {
    let manager = with_pool().await;
    let machine = annotated(web(), &static_ip("nic-9"), "192.168.48.84");
    manager.create(&annotated(machine, &static_ip("nic-1"), "fd00::1")).await;
    let claim = settled(&manager, "web", &[MAC]).await;
    assert_eq!(cards(&claim)[0].2, "");
    manager.vm_event("web", "StaticIPIgnored").await;
    let more = with_card(web(), "nic-2", "net-48", OTHER_MAC);
    manager.patch::<VirtualMachine>("web", cards_as_of(&more)).await;
    settled(&manager, "web", &[MAC, OTHER_MAC]).await;
    let events = manager.vm_events("web").await;
    assert_eq!(events.len(), 2, "{events:?}");
}

#[tokio::test]
async fn macs_come_from_the_spec_then_from_harvester_then_from_the_instance_and_stay_while_the_vm_is_off() {
    macs_from_everywhere(&with_pool().await).await;
}

pub(crate) async fn macs_from_everywhere(manager: &Manager) {
    let cards = [("a", MAC), ("b", ""), ("c", ""), ("d", "")];
    let machine = cards.into_iter().fold(vm("web"), |vm, (name, mac)| with_card(vm, name, "net-48", mac));
    let told = json!({ "a": "52:54:00:00:00:99", "b": OTHER_MAC }).to_string();
    manager.create(&annotated(machine, MAC_ADDRESS_ANNOTATION, &told)).await;
    settled(manager, "web", &[MAC, OTHER_MAC]).await;
    manager.create(&instance("web", "c", "52:54:00:00:00:03")).await;
    let all = [MAC, OTHER_MAC, "52:54:00:00:00:03"];
    settled(manager, "web", &all).await;
    // Off: KubeVirt tells nothing any more. A change of the VM shows that the card stays all the same.
    manager.delete::<VirtualMachineInstance>("web").await;
    let told = json!({ "b": OTHER_MAC, "d": "52:54:00:00:00:04" }).to_string();
    manager.patch::<VirtualMachine>("web", annotation(MAC_ADDRESS_ANNOTATION, Some(&told))).await;
    settled(manager, "web", &[MAC, OTHER_MAC, "52:54:00:00:00:03", "52:54:00:00:00:04"]).await;
    // On again, with another MAC that KubeVirt has chosen.
    manager.create(&instance("web", "c", "52:54:00:00:00:05")).await;
    settled(manager, "web", &[MAC, OTHER_MAC, "52:54:00:00:00:04", "52:54:00:00:00:05"]).await;
}

#[tokio::test]
async fn cards_are_plugged_and_unplugged_and_absent_ones_count_as_gone() {
    cards_plugged_and_unplugged(&with_pool().await).await;
}

pub(crate) async fn cards_plugged_and_unplugged(manager: &Manager) {
    manager.create(&web()).await;
    settled(manager, "web", &[MAC]).await;
    let mut two = with_card(web(), "nic-2", "net-48", OTHER_MAC);
    manager.patch::<VirtualMachine>("web", cards_as_of(&two)).await;
    let both = settled(manager, "web", &[MAC, OTHER_MAC]).await;
    two.spec.template.spec.domain.devices.interfaces[0].state = "absent".into();
    manager.patch::<VirtualMachine>("web", cards_as_of(&two)).await;
    let left = settled(manager, "web", &[OTHER_MAC]).await;
    assert_eq!(told(&left)[OTHER_MAC], told(&both)[OTHER_MAC]);
    let retires = |pool: &IPPool| {
        let retiring = ipv4(pool).retiring;
        retiring.get(&told(&both)[MAC]).is_some_and(|entry| entry.mac_address == MAC)
    };
    manager.until("ippool-1", retires).await;
}

#[tokio::test]
async fn cards_on_overlay_networks_are_left_to_others_and_vms_without_managed_cards_get_no_claim() {
    let manager = with_pool().await;
    manager.create(&network("net-48", "OverlayNetwork")).await;
    manager.create(&web()).await;
    manager.create(&with_card(vm("pods-only"), "default", "", "")).await;
    // Looked at after them.
    let mut pool = crate::fixtures::pool("10.1.0.0/24", 60);
    (pool.metadata.name, pool.spec.network_name) = (Some("ippool-2".into()), "net-2".into());
    manager.create(&pool).await;
    manager.create(&with_card(vm("later"), "nic-1", "net-2", OTHER_MAC)).await;
    settled(&manager, "later", &[OTHER_MAC]).await;
    let claims = manager.api::<Claim>().list(&ListParams::default()).await.unwrap();
    assert_eq!(claims.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["later"]);
    // It was a mistake.
    let type_ = json!({ "metadata": { "labels": { "network.harvesterhci.io/type": "L2VlanNetwork" } } });
    manager.patch::<vmdhcp_core::api::NetworkAttachmentDefinition>("net-48", type_).await;
    settled(&manager, "web", &[MAC]).await;
}

#[tokio::test]
async fn a_claim_that_lost_its_owner_gets_it_back_and_goes_with_its_vm() {
    let manager = with_pool().await;
    let machine = manager.create(&web()).await;
    settled(&manager, "web", &[MAC]).await;
    manager.patch::<Claim>("web", json!({ "metadata": { "ownerReferences": null, "labels": null } })).await;
    let owned = manager.until("web", |claim: &Claim| claim.owner_vm().is_some()).await;
    assert_eq!(owned.owner_vm().map(|owner| &owner.uid), machine.metadata.uid.as_ref());
    assert_eq!(owned.labels()[VM_NAME_LABEL], "web");
    // Somebody deletes it by mistake: it comes again, and so does the address.
    let address = told(&owned)[MAC].clone();
    manager.delete::<Claim>("web").await;
    let again =
        manager.until("web", |claim: &Claim| claim.uid() != owned.uid() && !told(claim).is_empty()).await;
    assert_eq!(told(&again)[MAC], address);
    manager.delete::<VirtualMachine>("web").await;
    manager.until_gone::<Claim>("web").await;
}

#[tokio::test]
async fn fields_of_a_newer_version_in_a_card_survive_a_change_of_its_neighbours() {
    let manager = with_pool().await;
    manager.create(&with_card(web(), "nic-2", "net-48", OTHER_MAC)).await;
    settled(&manager, "web", &[MAC, OTHER_MAC]).await;
    let newer = json!({ "spec": { "networkConfigs": [
        { "networkName": "default/net-48", "macAddress": MAC },
        { "networkName": "default/net-48", "macAddress": OTHER_MAC, "ipv6Address": "fd00::2" },
    ] } });
    manager.patch::<Claim>("web", newer).await;
    let other = with_card(vm("web"), "nic-2", "net-48", OTHER_MAC);
    manager
        .patch::<VirtualMachine>(
            "web",
            cards_as_of(&with_card(other, "nic-3", "net-48", "52:54:00:00:00:03")),
        )
        .await;
    settled(&manager, "web", &[OTHER_MAC, "52:54:00:00:00:03"]).await;
    let resource = kube::core::ApiResource::erase::<Claim>(&());
    let raw: Api<kube::core::DynamicObject> =
        Api::namespaced_with(manager.client.clone(), NAMESPACE, &resource);
    let stored = raw.get("web").await.unwrap();
    assert_eq!(stored.data["spec"]["networkConfigs"][0]["ipv6Address"], "fd00::2");
}
