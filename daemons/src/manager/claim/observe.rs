//! What a claim's object says, in the terms of the allocator.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::{Card, declared_cards};
use vmdhcp_core::api::{
    BY_HAND_ANNOTATION, CARDS_ANNOTATION, NetworkConfigState, NetworkConfigStatus, OptionValue,
    VMNETCFG_FINALIZER, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigStatus,
};
use vmdhcp_core::ipam::{Claim, Intent, Outcome, Owner};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::card_options;

use super::super::Settlement;
use super::plan::IN_USE;

/// What the stored status says of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager) struct StoredCard {
    address: Option<Ipv4Addr>,
    allocated: bool,
    reason: String,
    recorded: bool,
}

impl StoredCard {
    /// Whether an address of this card would be released whatever becomes of its claim, so that it may get one.
    pub(in crate::manager) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// Whether the stored status says nothing of the card.
    pub(in crate::manager) fn is_unknown(&self) -> bool {
        let Self { address, allocated, reason, recorded: _ } = self;
        address.is_none() && !allocated && reason.is_empty()
    }

    /// Whether the stored status already tells of this settlement.
    pub(in crate::manager) fn agrees_with(&self, settlement: &Settlement) -> bool {
        match settlement {
            Settlement::Planned(Outcome::Holds(address)) => {
                self.allocated && self.address == Some(*address) && self.reason.is_empty()
            }
            Settlement::InUse { address, .. } => {
                self.allocated && self.address == Some(*address) && self.reason == IN_USE
            }
            Settlement::Planned(Outcome::Waits(why)) => !self.allocated && self.reason == why.reason(),
            Settlement::Planned(Outcome::Released) => !self.allocated && self.reason == super::plan::PAUSED,
            Settlement::Refused { reason, .. } => !self.allocated && self.reason == *reason,
        }
    }
}

/// What a card is told beside its address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::manager) struct Telling {
    /// The name of its VM, where that is not the claim's.
    vm_name: Option<Box<str>>,
    /// Its options, as they were declared.
    pub(in crate::manager) options: Box<[OptionValue]>,
}

impl Telling {
    /// What the claim declares for its card on that network.
    pub(super) fn of(stored: &VirtualMachineNetworkConfig, network: &NetworkName, mac: MacAddr) -> Self {
        let vm_name = &stored.spec.vm_name;
        let is_it = |card: &Card| card.network == *network && card.mac == mac;
        let has_options = stored.spec.cards().iter().any(|card| !card.options.is_empty());
        let cards = if has_options { declared_cards(stored) } else { Vec::new() };
        let mut cards = stored.spec.cards().iter().zip(cards);
        let options = cards.find(|(_, card)| card.as_ref().is_ok_and(is_it)).map(|(card, _)| &card.options);
        // Bad ones were stored past admission.
        let options = options.filter(|options| card_options("", options).is_ok());
        Self {
            vm_name: (*vm_name != stored.name_any()).then(|| vm_name.as_str().into()),
            options: options.map(|options| options.as_slice().into()).unwrap_or_default(),
        }
    }

    /// The name of the VM of this claim.
    pub(in crate::manager) fn vm_name<'a>(&'a self, claim: &'a Claim) -> &'a str {
        self.vm_name.as_deref().unwrap_or(&claim.owner.name)
    }
}

/// A card of which the status says nothing.
const UNKNOWN: StoredCard =
    StoredCard { address: None, allocated: false, reason: String::new(), recorded: true };

/// A status card whose texts mean something.
struct StatusCard {
    network: NetworkName,
    mac: MacAddr,
    stored: StoredCard,
}

fn status_cards(claim: &VirtualMachineNetworkConfig) -> Vec<StatusCard> {
    let namespace = claim.namespace().unwrap_or_default();
    let cards = claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards);
    let read = |card: &NetworkConfigStatus| {
        let stored = StoredCard {
            address: card.allocated_ip_address.parse().ok(),
            allocated: card.state == NetworkConfigState::Allocated,
            reason: card.reason.clone(),
            recorded: true,
        };
        let network = NetworkName::parse(&card.network_name, &namespace).ok()?;
        Some(StatusCard { network, mac: card.mac_address.parse().ok()?, stored })
    };
    cards.filter_map(read).collect()
}

/// The address that the stored status has for a card.
pub(super) fn remembered(
    claim: &VirtualMachineNetworkConfig,
    network: &NetworkName,
    mac: MacAddr,
) -> Option<Ipv4Addr> {
    status_cards(claim).into_iter().find(|card| card.network == *network && card.mac == mac)?.stored.address
}

/// A card on a network.
pub(in crate::manager) type Place = (NetworkName, MacAddr);

/// The cards for which the claim's metadata says that they may have an address.
fn recorded(claim: &VirtualMachineNetworkConfig) -> BTreeSet<Place> {
    listed(claim, CARDS_ANNOTATION)
}

/// The cards that an annotation of the claim lists.
pub(in crate::manager) fn listed(claim: &VirtualMachineNetworkConfig, annotation: &str) -> BTreeSet<Place> {
    let record = claim.annotations().get(annotation).map(String::as_str).unwrap_or_default();
    let namespace = claim.namespace().unwrap_or_default();
    let read = |entry: &str| {
        let (network, mac) = entry.split_once('=')?;
        Some((NetworkName::parse(network, &namespace).ok()?, mac.parse().ok()?))
    };
    record.split(',').filter_map(read).collect()
}

fn declared(claim: &VirtualMachineNetworkConfig) -> BTreeSet<Place> {
    declared_cards(claim)
        .into_iter()
        .filter_map(|card| card.ok().map(|card| (card.network, card.mac)))
        .collect()
}

/// The list as an annotation has it.
pub(in crate::manager) fn as_list(cards: &BTreeSet<Place>) -> String {
    cards.iter().map(|(network, mac)| format!("{network}={mac}")).collect::<Vec<_>>().join(",")
}

/// The record with all cards of the spec in it, if the stored one lacks any.
pub(in crate::manager) fn longer_record(claim: &VirtualMachineNetworkConfig) -> Option<String> {
    let (mut recorded, declared) = (recorded(claim), declared(claim));
    let complete = recorded.is_superset(&declared);
    recorded.extend(declared);
    (!complete).then(|| as_list(&recorded))
}

/// The record without the cards that have left the spec, if all of them are `released`.
pub(super) fn shorter_record(
    claim: &VirtualMachineNetworkConfig,
    released: impl Fn(&NetworkName, MacAddr) -> bool,
) -> Option<String> {
    let (recorded, declared) = (recorded(claim), declared(claim));
    let mut former = recorded.difference(&declared).peekable();
    former.peek()?;
    former.all(|(network, mac)| released(network, *mac)).then(|| as_list(&declared))
}

/// The networks of a claim's cards, those of its spec and those that its status or its record still name.
pub(in crate::manager) fn networks(claim: &VirtualMachineNetworkConfig) -> BTreeSet<NetworkName> {
    let declared = declared_cards(claim).into_iter().filter_map(|card| Some(card.ok()?.network));
    let former = status_cards(claim).into_iter().map(|card| card.network);
    declared.chain(former).chain(recorded(claim).into_iter().map(|(network, _)| network)).collect()
}

/// Whether an owner is a VM of KubeVirt's.
fn is_vm(owner: &OwnerReference) -> bool {
    owner.kind == "VirtualMachine" && owner.api_version.starts_with("kubevirt.io/")
}

/// What the cards of a claim want of the pool of one network, and what its status says of them.
///
/// A card that only the status or the record knows has left the spec: what it has is released.
pub(in crate::manager) fn claims_on(
    network: &NetworkName,
    stored: &VirtualMachineNetworkConfig,
) -> Vec<(Claim, StoredCard)> {
    let owner = Owner {
        created: stored.creation_timestamp().map_or(Timestamp::MAX, |time| time.0),
        uid: stored.uid().unwrap_or_default(),
        namespace: stored.namespace().unwrap_or_default(),
        name: stored.name_any(),
    };
    let intent = match () {
        () if stored.metadata.deletion_timestamp.is_some() => Intent::Release,
        () if stored.spec.is_paused() => Intent::Pause,
        () => Intent::Hold,
    };
    let mut former: Vec<_> =
        status_cards(stored).into_iter().filter(|card| card.network == *network).collect();
    let has_finalizer = stored.finalizers().iter().any(|finalizer| finalizer == VMNETCFG_FINALIZER);
    let mut recorded = recorded(stored);
    let has_vm = stored.owner_references().iter().any(is_vm);
    let by_hand = listed(stored, BY_HAND_ANNOTATION);
    let of_vm = |network: &NetworkName, mac| has_vm && !by_hand.contains(&(network.clone(), mac));
    let lapsed = super::declaration::has_lapsed(stored);
    let mut claims = Vec::new();
    let declared = declared_cards(stored).into_iter().filter_map(Result::ok);
    for card in declared.filter(|card| card.network == *network) {
        let known =
            former.iter().position(|former| former.mac == card.mac).map(|at| former.swap_remove(at).stored);
        let mut known = known.unwrap_or(UNKNOWN);
        known.recorded = recorded.remove(&(card.network.clone(), card.mac)) && has_finalizer;
        let has_wanted = known.allocated && known.address == card.address;
        let claim = Claim {
            owner: owner.clone(),
            mac: card.mac,
            intent,
            wanted: card.address,
            remembered: known.address,
            granted: known.allocated,
            of_vm: of_vm(&card.network, card.mac),
            lapsed: lapsed && card.address.is_some() && !has_wanted,
        };
        claims.push((claim, known));
    }
    let told: BTreeSet<_> = former.iter().map(|card| card.mac).collect();
    let former = former.into_iter().map(|StatusCard { mac, stored, .. }| (mac, stored));
    let untold = recorded.into_iter().filter(|(on, mac)| on == network && !told.contains(mac));
    for (mac, stored) in former.chain(untold.map(|(_, mac)| (mac, UNKNOWN))) {
        let (remembered, granted) = (stored.address, stored.allocated);
        let claim = Claim {
            owner: owner.clone(),
            mac,
            intent: Intent::Release,
            wanted: None,
            remembered,
            granted,
            of_vm: of_vm(network, mac),
            lapsed: false,
        };
        claims.push((claim, stored));
    }
    claims
}
