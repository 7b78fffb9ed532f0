//! Virtual machines: what users and KubeVirt do with them, and what has to have come of it in the end.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{
    BY_HAND_ANNOTATION, Interface, MAC_ADDRESS_ANNOTATION, STATIC_IP_PREFIX, VirtualMachine,
    VirtualMachineInstance, VirtualMachineNetworkConfig,
};

use super::guest::Place;
use super::script::{has_room, say};
use super::world::{self, World, network};

/// The annotation that demands an address for the first card.
const STATIC_IP: &str = "static-ip.harvesterhci.io/nic-1";

/// Somebody does something with a VM.
pub(super) async fn act(world: &World) {
    match world.random.within(0..100) {
        0..35 => create(world).await,
        35..44 => delete(world).await,
        44..56 => plug(world).await,
        56..67 => demand_address(world).await,
        67..83 => switch(world).await,
        83..89 => lose_owner(world).await,
        _ => delete_claim(world).await,
    }
}

async fn create(world: &World) {
    let number = world.random.within(0..7);
    let name = format!("vm-{number}");
    let has_claim = world.truth.claims().contains_key(&name);
    if world.truth.machines().contains_key(&name) || !(has_room(world) || has_claim) {
        return;
    }
    create_machine(world, &name, number).await;
}

/// Its first card has the MAC that a claim made by hand has, too; who tells it is the seed's choice.
async fn create_machine(world: &World, name: &str, number: u64) {
    let mac = first_mac(name).to_string();
    let (mut annotations, mut in_spec) = (BTreeMap::new(), mac.clone());
    match world.random.within(0..10) {
        0..2 => {
            annotations.insert(MAC_ADDRESS_ANNOTATION, json!({ "nic-1": mac }).to_string());
            in_spec.clear();
        }
        2..5 => in_spec.clear(),
        5..7 => in_spec = in_spec.to_uppercase().replace(':', "-"),
        _ => {}
    }
    if world.random.per_mille(200) {
        annotations.insert(STATIC_IP, format!("10.0.1.{}/24", world.random.within(10..15)));
    }
    let mut interfaces = vec![json!({ "name": "nic-1", "macAddress": in_spec })];
    let mut networks = vec![json!({ "name": "nic-1", "multus": { "networkName": "net-a" } })];
    if world.random.per_mille(400) {
        interfaces.push(json!({ "name": "nic-2", "macAddress": format!("52:54:00:00:01:{number:02x}") }));
        networks.push(json!({ "name": "nic-2", "multus": { "networkName": "default/net-b" } }));
    }
    interfaces.push(json!({ "name": "pods" }));
    networks.push(json!({ "name": "pods", "pod": {} }));
    let machine: VirtualMachine = serde_json::from_value(json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": { "name": name, "annotations": annotations },
        "spec": { "template": { "spec": {
            "domain": { "devices": { "interfaces": interfaces } }, "networks": networks,
        } } },
    }))
    .unwrap();
    let created = world.machines.create(&PostParams::default(), &machine).await;
    say(world, format_args!("create the VM {name} {:?}", cards(&machine, None)), &created);
}

fn any(world: &World) -> Option<VirtualMachine> {
    let machines: Vec<_> = world.truth.machines().into_values().collect();
    world.random.one_of(&machines).cloned()
}

/// A VM goes, and may be there again at once.
async fn delete(world: &World) {
    let Some(name) = any(world).map(|machine| machine.name_any()) else { return };
    let deleted = world.machines.delete(&name, &DeleteParams::default()).await;
    say(world, format_args!("delete the VM {name}"), &deleted);
    if world.random.per_mille(400) {
        let number = name.trim_start_matches("vm-").parse().unwrap();
        create_machine(world, &name, number).await;
    }
}

async fn patch(world: &World, name: &str, patch: Value, what: std::fmt::Arguments<'_>) {
    let patched = world.machines.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    say(world, format_args!("the VM {name}: {what}"), &patched);
}

/// The change of a VM that gives it these cards.
fn with_interfaces(interfaces: &[Interface]) -> Value {
    json!({ "spec": { "template": { "spec": { "domain": { "devices": { "interfaces": interfaces } } } } } })
}

/// A card is plugged in or out, or is to be; or all of them are written in another order.
async fn plug(world: &World) {
    let Some(machine) = any(world) else { return };
    let (name, spec) = (machine.name_any(), &machine.spec.template.spec);
    let mut interfaces = spec.domain.devices.interfaces.clone();
    let mut change = json!({});
    let second = interfaces.iter().position(|card| card.name == "nic-2");
    match (world.random.within(0..4), second) {
        (0, Some(second)) => {
            let card = &mut interfaces[second];
            card.state = if card.state.is_empty() { "absent" } else { "" }.to_owned();
        }
        (0 | 1, None) => {
            let number: u64 = name.trim_start_matches("vm-").parse().unwrap();
            let mac_address = format!("52:54:00:00:01:{number:02x}");
            interfaces.push(Interface { name: "nic-2".into(), mac_address, state: String::new() });
            let mut networks = spec.networks.clone();
            networks.retain(|on| on.name != "nic-2");
            let mut networks = json!(networks);
            let plugged = json!({ "name": "nic-2", "multus": { "networkName": "net-b" } });
            networks.as_array_mut().unwrap().push(plugged);
            change = json!({ "spec": { "template": { "spec": { "networks": networks } } } });
        }
        (2, _) => {
            let at = interfaces.iter().position(|card| card.name != "pods");
            let Some(at) = at else { return };
            interfaces.remove(at);
        }
        _ => interfaces.reverse(),
    }
    let names: Vec<_> = interfaces.iter().map(|card| format!("{}{}", card.name, card.state)).collect();
    json_patch::merge(&mut change, &with_interfaces(&interfaces));
    patch(world, &name, change, format_args!("cards {names:?}")).await;
}

/// The first card of a VM gets another MAC.
pub(super) async fn give_card(world: &World, name: &str, mac: &str) {
    let Some(machine) = world.truth.machines().remove(name) else { return };
    let mut interfaces = machine.spec.template.spec.domain.devices.interfaces;
    let Some(card) = interfaces.iter_mut().find(|card| card.name == "nic-1") else { return };
    mac.clone_into(&mut card.mac_address);
    patch(world, name, with_interfaces(&interfaces), format_args!("nic-1 gets {mac}")).await;
}

async fn demand_address(world: &World) {
    let Some(machine) = any(world) else { return };
    let last = world.random.within(10..18);
    let demanded = (last < 15).then(|| format!("10.0.1.{last}"));
    let what = format!("demands {demanded:?}");
    let annotation = json!({ "metadata": { "annotations": { STATIC_IP: demanded } } });
    patch(world, &machine.name_any(), annotation, format_args!("{what}")).await;
}

/// A VM is started, or stopped; KubeVirt tells of the MACs of one that runs, and chooses the one that nobody has set.
async fn switch(world: &World) {
    let Some(machine) = any(world) else { return };
    let name = machine.name_any();
    if world.truth.instances().contains_key(&name) {
        let deleted = world.instances.delete(&name, &DeleteParams::default()).await;
        say(world, format_args!("stop the VM {name}"), &deleted);
        return;
    }
    let chosen = first_mac(&name).to_string();
    let instance: VirtualMachineInstance = serde_json::from_value(json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": { "name": name, "ownerReferences": [{
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "name": name, "uid": machine.metadata.uid, "controller": true,
        }] },
        "spec": {},
        "status": { "interfaces": [{ "name": "nic-1", "mac": chosen }, { "name": "nic-2", "mac": "" }] },
    }))
    .unwrap();
    let created = world.instances.create(&PostParams::default(), &instance).await;
    say(world, format_args!("start the VM {name}"), &created);
}

/// The MAC that the first card of a VM of that name begins with.
pub(super) fn first_mac(name: &str) -> MacAddr {
    let number = name.trim_start_matches("vm-").parse().unwrap();
    MacAddr::new([0x52, 0x54, 0, 0, 0, number]).unwrap()
}

/// Somebody takes a claim its owner.
async fn lose_owner(world: &World) {
    let Some(name) = any(world).map(|machine| machine.name_any()) else { return };
    let patch = Patch::Merge(json!({ "metadata": { "ownerReferences": null } }));
    let lost = world.claims.patch(&name, &PatchParams::default(), &patch).await;
    say(world, format_args!("the claim {name} loses its owner"), &lost);
}

async fn delete_claim(world: &World) {
    let Some(name) = any(world).map(|machine| machine.name_any()) else { return };
    let deleted = world.claims.delete(&name, &DeleteParams::default()).await;
    say(world, format_args!("delete the claim of the VM {name}"), &deleted);
}

/// Cards of a VM that should have an address, with the one that is demanded; each by a rule of its own, not by that
/// which is tested.
pub(super) fn cards(
    machine: &VirtualMachine,
    instance: Option<&VirtualMachineInstance>,
) -> Vec<(Place, Option<Ipv4Addr>)> {
    let spec = &machine.spec.template.spec;
    let annotation = machine.annotations().get(MAC_ADDRESS_ANNOTATION);
    let by_harvester: BTreeMap<String, String> =
        annotation.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let by_kubevirt = |name: &str| {
        let told = instance?.status.as_ref()?.interfaces.iter().find(|told| told.name == name)?;
        Some(told.mac.clone())
    };
    let mut cards = Vec::new();
    for card in spec.domain.devices.interfaces.iter().filter(|card| card.state.is_empty()) {
        let on = spec.networks.iter().find(|on| on.name == card.name).and_then(|on| on.multus.as_ref());
        let Some(network) = on.and_then(|on| network(&on.network_name)) else { continue };
        let told =
            [Some(card.mac_address.clone()), by_harvester.get(&card.name).cloned(), by_kubevirt(&card.name)];
        let Some(mac) = told.into_iter().flatten().find(|mac| !mac.is_empty()) else { continue };
        let demanded = machine.annotations().get(&format!("{STATIC_IP_PREFIX}{}", card.name));
        let demanded = demanded.and_then(|text| text.split('/').next()?.parse().ok());
        cards.push(((network, mac.parse().unwrap()), demanded));
    }
    cards
}

/// What of a VM has not come to its claim, or is there and should not be.
pub(super) fn unsettled(
    machine: &VirtualMachine,
    claims: &BTreeMap<String, VirtualMachineNetworkConfig>,
    instances: &BTreeMap<String, VirtualMachineInstance>,
) -> Option<String> {
    let name = machine.name_any();
    let expected = cards(machine, instances.get(&name));
    let Some(claim) = claims.get(&name) else {
        return (!expected.is_empty()).then(|| format!("the VM {name} has no claim"));
    };
    let present = world::cards(claim);
    for (place, demanded) in &expected {
        let Some((_, declared)) = present.iter().find(|(present, _)| present == place) else {
            return Some(format!("the card {place:?} of the VM {name} is not in its claim"));
        };
        if demanded.is_some() && declared != demanded {
            return Some(format!("the VM {name} demands {demanded:?} for {place:?}, its claim {declared:?}"));
        }
    }
    let is_owned = claim.owner_vm().is_some_and(|owner| Some(&owner.uid) == machine.metadata.uid.as_ref());
    if !expected.is_empty() && !is_owned {
        return Some(format!("the claim {name} is not owned by its VM"));
    }
    let interfaces = machine.spec.template.spec.domain.devices.interfaces.iter();
    let plugged = interfaces.filter(|card| card.state.is_empty() && card.name != "pods").count();
    let by_hand = claim.annotations().get(BY_HAND_ANNOTATION).cloned().unwrap_or_default();
    let strange = present.iter().find(|(place, _)| {
        !expected.iter().any(|(expected, _)| expected == place) && !by_hand.contains(&place.1.to_string())
    });
    // One whose MAC nobody tells at present keeps the card that it had.
    let allowed = plugged - expected.len();
    strange
        .filter(|_| is_owned && present.len() > expected.len() + allowed)
        .map(|(place, _)| format!("the claim {name} has {place:?}, and its VM does not"))
}

/// A claim whose VM is gone.
pub(super) fn left_behind(
    claim: &VirtualMachineNetworkConfig,
    machines: &BTreeMap<String, VirtualMachine>,
) -> Option<String> {
    let owner = claim.owner_vm()?;
    let is_there = machines.values().any(|machine| machine.metadata.uid.as_ref() == Some(&owner.uid));
    (!is_there).then(|| format!("the claim {} is left behind by its VM", claim.name_any()))
}
