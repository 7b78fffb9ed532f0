//! The plan by itself: VMs and claims in, claims out, on paper.

use std::collections::BTreeSet;

use kube::ResourceExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::declared_cards;
use vmdhcp_core::api::{
    MAC_ADDRESS_ANNOTATION, VM_NAME_LABEL, VirtualMachine, VirtualMachineInstance,
    VirtualMachineNetworkConfig,
};

use super::apply::operations;
use super::observe::{Observation, Service};
use super::plan::{Step, plan};

/// `pool-…` has a pool, `overlay-…` is another system's, and nobody serves the others.
fn service(network: &NetworkName) -> Service {
    match network.name.split('-').next() {
        Some("pool") => Service::Pool,
        Some("overlay") => Service::Others,
        _ => Service::None,
    }
}

/// A card: name, network, MAC.
type Card = (String, String, String);

fn machine(name: &str, cards: &[Card], annotations: &Value) -> VirtualMachine {
    let interfaces: Vec<_> =
        cards.iter().map(|(name, _, mac)| json!({ "name": name, "macAddress": mac })).collect();
    let networks: Vec<_> = cards
        .iter()
        .map(|(name, network, _)| json!({ "name": name, "multus": { "networkName": network } }))
        .collect();
    serde_json::from_value(json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": { "name": name, "namespace": "lab", "uid": "uid-of-the-vm", "annotations": annotations },
        "spec": { "template": { "spec": {
            "domain": { "devices": { "interfaces": interfaces } }, "networks": networks,
        } } },
    }))
    .unwrap()
}

fn card(name: &str, network: &str, mac: &str) -> Card {
    (name.to_owned(), network.to_owned(), mac.to_owned())
}

/// The claim as it is after the step, if that writes one; with a version, as the API gives it.
fn after(
    vm: &VirtualMachine,
    instance: Option<&VirtualMachineInstance>,
    claim: Option<&VirtualMachineNetworkConfig>,
) -> Option<VirtualMachineNetworkConfig> {
    let step = plan(&Observation::read(vm, instance, claim, service)).step;
    let mut stored = match step {
        Step::Create(created) => serde_json::to_value(created).unwrap(),
        Step::Change(change) => {
            let mut stored = serde_json::to_value(claim).unwrap();
            json_patch::patch(&mut stored, &operations(claim.unwrap(), &change)).unwrap();
            stored
        }
        Step::Rest | Step::Wait => return None,
    };
    stored["metadata"]["resourceVersion"] = json!("2");
    Some(serde_json::from_value(stored).unwrap())
}

fn notices(vm: &VirtualMachine) -> Vec<&'static str> {
    let planned = plan(&Observation::read(vm, None, None, service));
    planned.notices.into_iter().map(|notice| notice.reason).collect()
}

#[test]
fn of_very_many_cards_as_many_are_served_as_a_claim_can_have() {
    let cards: Vec<_> = (0..300_u16)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            card(&format!("nic-{number}"), "pool-a", &format!("52:54:00:00:{high:02x}:{low:02x}"))
        })
        .collect();
    let vm = machine("web", &cards, &json!({}));
    assert_eq!(after(&vm, None, None).unwrap().spec.cards().len(), 256);
    assert_eq!(notices(&vm), ["TooManyNICs"]);
}

#[test]
fn a_name_that_is_no_label_is_none() {
    let name = "long".repeat(16);
    let claim = after(&machine(&name, &[card("a", "pool-a", "52:54:00:00:00:01")], &json!({})), None, None);
    let claim = claim.unwrap();
    assert!(!claim.labels().contains_key(VM_NAME_LABEL));
    assert_eq!((claim.name_any(), claim.spec.vm_name.as_str()), (name.clone(), name.as_str()));
}

#[test]
fn an_address_demanded_for_two_cards_is_that_of_the_first() {
    let cards = [card("a", "pool-a", "52:54:00:00:00:01"), card("b", "pool-a", "52:54:00:00:00:02")];
    let demands = json!({
        "static-ip.harvesterhci.io/a": "10.0.0.5/24",
        "static-ip.harvesterhci.io/b": "10.0.0.5",
    });
    let vm = machine("web", &cards, &demands);
    let claim = after(&vm, None, None).unwrap();
    let addresses: Vec<_> = claim.spec.cards().iter().map(|card| card.ip_address.as_deref()).collect();
    assert_eq!(addresses, [Some("10.0.0.5"), None]);
    assert_eq!(notices(&vm), ["StaticIPIgnored"]);
}

#[test]
fn an_instance_of_a_former_vm_of_the_name_tells_nothing() {
    let vm = machine("web", &[card("a", "pool-a", "")], &json!({}));
    let instance = |uid: &str| -> VirtualMachineInstance {
        serde_json::from_value(json!({
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": { "name": "web", "ownerReferences": [{
                "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "web", "uid": uid,
            }] },
            "spec": {},
            "status": { "interfaces": [{ "name": "a", "mac": "52:54:00:00:00:01" }] },
        }))
        .unwrap()
    };
    assert_eq!(after(&vm, Some(&instance("another")), None), None);
    assert!(after(&vm, Some(&instance("uid-of-the-vm")), None).is_some());
}

#[test]
fn both_spellings_of_the_list_do_not_come_to_differ() {
    let cards = json!([{ "networkName": "pool-a", "macAddress": "52:54:00:00:00:01" }]);
    let stored = serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "metadata": { "name": "web", "namespace": "lab", "resourceVersion": "1" },
        "spec": { "vmName": "web", "networkConfigs": cards, "networkConfig": cards },
    }));
    let two = [card("a", "pool-a", "52:54:00:00:00:01"), card("b", "pool-a", "52:54:00:00:00:02")];
    let claim = after(&machine("web", &two, &json!({})), None, Some(&stored.unwrap())).unwrap();
    assert_eq!((claim.spec.network_configs.len(), claim.spec.network_config.len()), (2, 0));
}

const NETWORKS: [&str; 5] = ["pool-a", "lab/pool-b", "overlay-a", "none-a", ""];
/// Good ones in several spellings, none, and bad ones.
const MACS: [&str; 6] =
    ["52:54:00:00:00:01", "52-54-00-00-00-02", "5254.0000.0003", "", "01:00:5e:00:00:01", "bad"];
const ADDRESSES: [&str; 4] = ["10.0.0.5", "10.0.0.6/24", "", "fd00::1"];

fn cards() -> impl Strategy<Value = Vec<Card>> {
    let one = (prop::sample::select(&NETWORKS[..]), prop::sample::select(&MACS[..]));
    prop::collection::vec(one, 0..5).prop_map(|cards| {
        let named = cards.into_iter().enumerate();
        named.map(|(at, (network, mac))| card(&format!("nic-{at}"), network, mac)).collect()
    })
}

fn annotations() -> impl Strategy<Value = Value> {
    let demands = prop::collection::vec((0..6_u8, prop::sample::select(&ADDRESSES[..])), 0..3);
    let told = prop::sample::select(&["", "{broken", r#"{"nic-0":"52:54:00:00:00:04"}"#][..]);
    (demands, told).prop_map(|(demands, told)| {
        let demands = demands.into_iter();
        let demands = demands.map(|(at, address)| (format!("static-ip.harvesterhci.io/nic-{at}"), address));
        demands.chain([(MAC_ADDRESS_ANNOTATION.to_owned(), told)]).collect()
    })
}

/// A claim that somebody wrote by hand, under either spelling of the list.
fn by_hand() -> impl Strategy<Value = VirtualMachineNetworkConfig> {
    let cards = prop::collection::vec(
        (0..2_usize, 0..3_usize, prop::option::of(prop::sample::select(&["10.0.0.7", "10.0.0.5"][..]))),
        0..4,
    );
    (cards, any::<bool>()).prop_map(|(cards, older)| {
        let list = if older { "networkConfig" } else { "networkConfigs" };
        let cards = cards.into_iter().map(|(network, mac, address)| {
            let mut card = json!({ "networkName": NETWORKS[network], "macAddress": MACS[mac] });
            if let Some(address) = address {
                card["ipAddress"] = json!(address);
            }
            card
        });
        serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "VirtualMachineNetworkConfig",
            "metadata": { "name": "web", "namespace": "lab", "resourceVersion": "1" },
            "spec": { "vmName": "web", (list): cards.collect::<Vec<_>>() },
        }))
        .unwrap()
    })
}

fn places(claim: &VirtualMachineNetworkConfig) -> BTreeSet<(String, String)> {
    let cards = declared_cards(claim).into_iter().flatten();
    cards.map(|card| (card.network.to_string(), card.mac.to_string())).collect()
}

proptest! {
    /// Whatever a VM says, was said before, or has been written by hand: after one write there is nothing more to do, and
    /// every card of the VM that can be served is in its claim, once.
    #[test]
    fn one_write_is_enough_and_nothing_flaps(
        before in cards(), earlier in annotations(), now in cards(), later in annotations(),
        written in prop::option::of(by_hand()),
    ) {
        let former = machine("web", &before, &earlier);
        let claim = after(&former, None, written.as_ref()).or(written);
        let vm = machine("web", &now, &later);
        let claim = after(&vm, None, claim.as_ref()).or(claim);
        let again = plan(&Observation::read(&vm, None, claim.as_ref(), service)).step;
        prop_assert_eq!(again, Step::Rest);
        let served: BTreeSet<_> = Observation::read(&vm, None, None, service)
            .nics
            .into_iter()
            .filter(|nic| nic.has_pool)
            .filter_map(|nic| Some((nic.network.to_string(), nic.mac?.to_string())))
            .collect();
        let present = claim.as_ref().map(places).unwrap_or_default();
        prop_assert!(served.is_subset(&present), "{:?} of {:?}", present, served);
    }
}
