//! What a claim's object says, in the terms of the allocator.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use kube::ResourceExt;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::declared_cards;
use vmdhcp_core::api::{
    NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigStatus,
};
use vmdhcp_core::ipam::{Claim, Intent, Outcome, Owner};
use vmdhcp_core::mac::MacAddr;

use super::super::Settlement;

/// What the stored status says of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager) struct StoredCard {
    address: Option<Ipv4Addr>,
    allocated: bool,
    reason: String,
}

impl StoredCard {
    /// Whether the stored status already tells of this settlement.
    pub(in crate::manager) fn agrees_with(&self, settlement: &Settlement) -> bool {
        match settlement {
            Settlement::Planned(Outcome::Holds(address)) => self.allocated && self.address == Some(*address),
            Settlement::Planned(Outcome::Waits(why)) => !self.allocated && self.reason == why.reason(),
            Settlement::Planned(Outcome::Released) => !self.allocated && self.reason == super::plan::PAUSED,
            Settlement::Refused { reason, .. } => !self.allocated && self.reason == *reason,
        }
    }
}

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

/// The networks of a claim's cards, those of its spec and those that its status still names.
pub(in crate::manager) fn networks(claim: &VirtualMachineNetworkConfig) -> BTreeSet<NetworkName> {
    let declared = declared_cards(claim).into_iter().filter_map(|card| Some(card.ok()?.network));
    declared.chain(status_cards(claim).into_iter().map(|card| card.network)).collect()
}

/// What the cards of a claim want of the pool of one network, and what its status says of them.
///
/// A card that only the status knows has left the spec: what it has is released.
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
    let mut claims = Vec::new();
    let declared = declared_cards(stored).into_iter().filter_map(Result::ok);
    for card in declared.filter(|card| card.network == *network) {
        let known =
            former.iter().position(|former| former.mac == card.mac).map(|at| former.swap_remove(at).stored);
        let known = known.unwrap_or(StoredCard { address: None, allocated: false, reason: String::new() });
        let claim = Claim {
            owner: owner.clone(),
            mac: card.mac,
            intent,
            wanted: card.address,
            remembered: known.address,
            granted: known.allocated,
        };
        claims.push((claim, known));
    }
    for StatusCard { mac, stored, .. } in former {
        let (remembered, granted) = (stored.address, stored.allocated);
        let claim =
            Claim { owner: owner.clone(), mac, intent: Intent::Release, wanted: None, remembered, granted };
        claims.push((claim, stored));
    }
    claims
}
