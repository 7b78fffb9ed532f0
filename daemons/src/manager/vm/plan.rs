//! What the claim of a VM has to be. Pure: an observation in, a change and its reasons out.
//!
//! The claim follows its VM: it has the VM's cards, as a set. What differs in order or spelling alone stays as it is.
//!
//! - A card whose network has lost its pool stays, and its claim says why it has no address: if the pool comes again,
//!   so does the address.
//! - A card whose MAC nobody tells at present (a MAC that KubeVirt chose, while the VM is off) keeps what it has.
//! - A claim that somebody wrote by hand is adopted. Cards in it that the VM does not have are kept until it has had
//!   them, or until they are removed by hand again.
//! - Options of a card are those of its VM's annotation, or none.
//! - An `ipAddress` that somebody wrote stays, unless an annotation of the VM demands another; one that stands there
//!   because of such an annotation goes with it, and the card keeps its address as one like any other.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ObjectMeta;
use kube::{Resource, ResourceExt};
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::declared_cards;
use vmdhcp_core::api::{
    BY_HAND_ANNOTATION, CARDS_ANNOTATION, NetworkConfig, NetworkConfigState, OptionValue,
    STATIC_ADDRESSES_ANNOTATION, VM_NAME_LABEL, VMNETCFG_FINALIZER, VirtualMachine,
    VirtualMachineNetworkConfig, VirtualMachineNetworkConfigSpec, VirtualMachineNetworkConfigStatus,
};

use super::super::claim::{Place, as_list, listed, longer_record};
use super::super::events::Notice;
use super::observe::{Nic, Observation};

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;
/// Why a demanded address is not given, where nothing but another demand helps.
const REFUSALS: [&str; 5] =
    ["AddressTaken", "AddressDeclared", "AddressNotInPool", "AddressUnreadable", "ReservationDiffers"];

/// What has to be done about a VM.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VmPlan {
    pub(super) step: Step,
    /// What the VM's user should know.
    pub(super) notices: Vec<Notice>,
}

/// What has to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Nothing.
    Rest,
    /// Nothing as long as the claim of another VM of this name is there.
    Wait,
    /// This claim.
    Create(Box<VirtualMachineNetworkConfig>),
    /// This change of the claim.
    Change(Box<Change>),
}

/// How a claim changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Change {
    /// Positions of cards whose `ipAddress` becomes another, or none.
    pub(super) addresses: BTreeMap<usize, Option<String>>,
    /// Positions of cards whose `options` become others, or none.
    pub(super) options: BTreeMap<usize, Vec<OptionValue>>,
    /// Positions of cards that go.
    pub(super) removed: BTreeSet<usize>,
    /// Cards that come.
    pub(super) added: Vec<NetworkConfig>,
    /// An owner that it gets.
    pub(super) owner: Option<OwnerReference>,
    /// The name for its label, where that has another.
    pub(super) label: Option<String>,
    /// Annotations that become another, or none.
    pub(super) annotations: BTreeMap<&'static str, Option<String>>,
    /// Whether it gets our finalizer.
    pub(super) finalizer: bool,
}

/// Plans one VM.
pub(super) fn plan(observed: &Observation<'_>) -> VmPlan {
    let Observation { vm, claim, nics, complaints } = observed;
    if vm.meta().deletion_timestamp.is_some() {
        // Its claim goes with it, by its owner.
        return VmPlan { step: Step::Rest, notices: Vec::new() };
    }
    let mut notices = complaints.clone();
    let step = match claim {
        None => create(vm, nics),
        Some(claim) => match standing(claim, vm) {
            Standing::Former => Step::Wait,
            Standing::Strange => {
                let name = &claim.spec.vm_name;
                let message = format!(
                    "the VirtualMachineNetworkConfig of this name is for the VM {name}; delete it, and this VM gets one"
                );
                notices.push(Notice { reason: "ClaimNameTaken", message, action: "CreateClaim" });
                Step::Rest
            }
            Standing::Adoptable if cards_of(nics, claim).is_empty() => Step::Rest,
            standing @ (Standing::Own | Standing::Adoptable) => {
                notices.extend(refusals(claim, nics));
                match change(vm, claim, nics, standing == Standing::Adoptable) {
                    change if change == Change::default() => Step::Rest,
                    change => Step::Change(Box::new(change)),
                }
            }
        },
    };
    VmPlan { step, notices }
}

/// Whose a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The VM's.
    Own,
    /// Of a VM that had the name before.
    Former,
    /// Nobody's, as somebody wrote it by hand, or took its owner away.
    Adoptable,
    /// Nobody's, and meant for a VM of another name.
    Strange,
}

fn standing(claim: &VirtualMachineNetworkConfig, vm: &VirtualMachine) -> Standing {
    match claim.owner_vm() {
        _ if claim.meta().deletion_timestamp.is_some() => Standing::Former,
        Some(owner) if Some(&owner.uid) == vm.meta().uid.as_ref() => Standing::Own,
        Some(_) => Standing::Former,
        None if claim.spec.vm_name == vm.name_any() => Standing::Adoptable,
        None => Standing::Strange,
    }
}

fn create(vm: &VirtualMachine, nics: &[Nic]) -> Step {
    let served = nics.iter().filter(|nic| nic.has_pool).filter_map(|nic| Some((nic, place(nic)?)));
    let mut demanded = BTreeSet::new();
    let mut cards = Vec::new();
    for (nic, place) in served {
        cards.push(as_card(nic, &place));
        demanded.extend(nic.address.map(|_| place));
    }
    if cards.is_empty() {
        return Step::Rest;
    }
    let name = vm.name_any();
    let mut claim = VirtualMachineNetworkConfig {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: vm.namespace(),
            labels: label(&name).map(|name| [(VM_NAME_LABEL.to_owned(), name)].into()),
            owner_references: Some(vm.owner_ref(&()).into_iter().collect()),
            // With them nothing has to be stored before the first address is given.
            finalizers: Some(vec![VMNETCFG_FINALIZER.to_owned()]),
            ..ObjectMeta::default()
        },
        spec: VirtualMachineNetworkConfigSpec { vm_name: name, network_configs: cards, ..Default::default() },
        status: None,
    };
    let record = longer_record(&claim);
    let lists = [
        (CARDS_ANNOTATION, record),
        (STATIC_ADDRESSES_ANNOTATION, (!demanded.is_empty()).then(|| as_list(&demanded))),
    ];
    let annotations = lists.into_iter().filter_map(|(key, list)| Some((key.to_owned(), list?)));
    claim.metadata.annotations = Some(annotations.collect());
    Step::Create(Box::new(claim))
}

fn change(vm: &VirtualMachine, claim: &VirtualMachineNetworkConfig, nics: &[Nic], adopted: bool) -> Change {
    let mut change = Change::default();
    let mut missing = cards_of(nics, claim);
    let demanded: BTreeSet<Place> =
        missing.iter().filter(|(_, nic)| nic.address.is_some()).map(|(place, _)| place.clone()).collect();
    let formerly_demanded = listed(claim, STATIC_ADDRESSES_ANNOTATION);
    let was_by_hand = listed(claim, BY_HAND_ANNOTATION);
    let mut by_hand = BTreeSet::new();
    let mut untold = untold(nics);
    let written = claim.spec.cards();
    for (at, card) in declared_cards(claim).into_iter().enumerate() {
        let Ok(card) = card else {
            change.removed.insert(at);
            continue;
        };
        let place = (card.network, card.mac);
        if let Some(position) = missing.iter().position(|(missing, _)| *missing == place) {
            let (_, nic) = missing.remove(position);
            let unwanted = nic.address.is_none() && formerly_demanded.contains(&place);
            if nic.address.is_some_and(|address| card.address != Some(address))
                || unwanted && card.address.is_some()
            {
                change.addresses.insert(at, nic.address.map(|address| address.to_string()));
            }
            if written.get(at).is_some_and(|written| written.options != nic.options) {
                change.options.insert(at, nic.options.clone());
            }
        } else if adopted || was_by_hand.contains(&place) {
            by_hand.insert(place);
        } else if let Some(count) = untold.get_mut(&place.0).filter(|count| **count > 0) {
            *count -= 1;
        } else {
            change.removed.insert(at);
        }
    }
    // In the order of the VM.
    change.added = missing.iter().map(|(place, nic)| as_card(nic, place)).collect();
    if adopted {
        change.owner = vm.owner_ref(&());
    }
    change.label = label(&vm.name_any()).filter(|name| claim.labels().get(VM_NAME_LABEL) != Some(name));
    let mut set = |key, before: BTreeSet<Place>, after: BTreeSet<Place>| {
        if before != after {
            change.annotations.insert(key, (!after.is_empty()).then(|| as_list(&after)));
        }
    };
    set(STATIC_ADDRESSES_ANNOTATION, formerly_demanded, demanded);
    set(BY_HAND_ANNOTATION, was_by_hand, by_hand);
    if change != Change::default() {
        // What the claim needs before its cards get an address goes along; by itself its own reconciler sees to it.
        change.finalizer = !claim.finalizers().iter().any(|finalizer| finalizer == VMNETCFG_FINALIZER);
        let mut next = claim.clone();
        next.spec.network_configs = claim.spec.cards().iter().chain(&change.added).cloned().collect();
        if let Some(record) = longer_record(&next) {
            change.annotations.insert(CARDS_ANNOTATION, Some(record));
        }
    }
    change
}

/// The cards that a claim should have for its VM: those that its pools serve, and those of theirs that it has already.
fn cards_of<'a>(nics: &'a [Nic], claim: &VirtualMachineNetworkConfig) -> Vec<(Place, &'a Nic)> {
    let present: BTreeSet<Place> = declared_cards(claim)
        .into_iter()
        .filter_map(|card| card.ok().map(|card| (card.network, card.mac)))
        .collect();
    let known = nics.iter().filter_map(|nic| Some((place(nic)?, nic)));
    known.filter(|(place, nic)| nic.has_pool || present.contains(place)).collect()
}

/// How many cards there are on each network whose MAC nobody tells.
fn untold(nics: &[Nic]) -> BTreeMap<&NetworkName, usize> {
    let mut untold = BTreeMap::new();
    for nic in nics.iter().filter(|nic| nic.mac.is_none()) {
        *untold.entry(&nic.network).or_default() += 1;
    }
    untold
}

/// What the claim's status refuses to the VM's cards for reasons that only their user can mend.
fn refusals(claim: &VirtualMachineNetworkConfig, nics: &[Nic]) -> Vec<Notice> {
    let told = claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards);
    let waiting = told.filter(|card| card.state != NetworkConfigState::Allocated);
    let mut notices = Vec::new();
    for card in waiting {
        let Some(nic) = nics.iter().find(|nic| {
            place(nic).is_some_and(|(network, mac)| {
                network.to_string() == card.network_name && mac.to_string() == card.mac_address
            })
        }) else {
            continue;
        };
        let reason = match card.reason.as_str() {
            "DuplicateMAC" => "DuplicateMAC",
            refusal if nic.address.is_some() && REFUSALS.contains(&refusal) => "StaticIPRefused",
            _ => continue,
        };
        let message = format!("{} on {}: {}", card.mac_address, card.network_name, card.message);
        notices.push(Notice { reason, message, action: "Allocate" });
    }
    notices
}

fn place(nic: &Nic) -> Option<Place> {
    Some((nic.network.clone(), nic.mac?))
}

fn as_card(nic: &Nic, (network, mac): &Place) -> NetworkConfig {
    NetworkConfig {
        network_name: network.to_string(),
        mac_address: mac.to_string(),
        ip_address: nic.address.map(|address| address.to_string()),
        options: nic.options.clone(),
    }
}

/// The VM's name as a label, if it is short enough for one.
fn label(name: &str) -> Option<String> {
    (name.len() <= LONGEST_LABEL).then(|| name.to_owned())
}
