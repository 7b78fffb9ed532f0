//! What a claim's status has to be. Pure: the object and its settlements in, a status out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::{Card, Cause, declared_cards};
use vmdhcp_core::api::{
    NetworkConfig, NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfig,
    VirtualMachineNetworkConfigStatus, set_condition,
};
use vmdhcp_core::ipam::{Outcome, Waiting};

use super::super::Settlement;
use super::super::events::Notice;
use super::super::pool::{CardSettlements, POOL_TOO_LARGE};
use super::declaration;
use super::observe::remembered;

/// Reason of a card that has its address while somebody else uses it too.
pub(super) const IN_USE: &str = "AddressInUse";

/// Reason of a card whose claim is paused.
pub(super) const PAUSED: &str = "Paused";

/// For each network of the claim what its pool says of each card; none where the network has no pool.
pub(super) type Settlements = BTreeMap<NetworkName, Option<Arc<CardSettlements>>>;

/// What has to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClaimPlan {
    /// The status to be.
    pub(super) status: VirtualMachineNetworkConfigStatus,
    /// Nothing of the claim is left in any pool.
    pub(super) released: bool,
    /// What is worth an Event.
    pub(super) notices: Vec<Notice>,
}

/// What is known beside claim and pools.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) now: Timestamp,
    /// There is no VM of the name that the claim is for.
    pub(super) vm_missing: bool,
}

/// Why a card has no address: a word and a sentence.
struct Obstacle {
    reason: &'static str,
    message: String,
}

/// Plans one claim.
pub(super) fn plan(
    stored: &VirtualMachineNetworkConfig,
    settlements: &Settlements,
    Surroundings { now, vm_missing }: Surroundings,
) -> ClaimPlan {
    let before = stored.status.clone().unwrap_or_default();
    let mut status =
        VirtualMachineNetworkConfigStatus { conditions: before.conditions.clone(), ..Default::default() };
    let mut notices = Vec::new();
    let mut first_obstacle: Option<String> = None;
    let mut waits_for_declared = false;
    for (written, card) in stored.spec.cards().iter().zip(declared_cards(stored)) {
        let declares = card.as_ref().is_ok_and(|card| card.address.is_some());
        let (entry, obstacle) = entry(stored, written, card, settlements);
        waits_for_declared |= declares && entry.state != NetworkConfigState::Allocated;
        let known = before
            .cards()
            .iter()
            .any(|card| card.mac_address == entry.mac_address && card.reason == entry.reason);
        if entry.reason == IN_USE && !known {
            notices.push(Notice { reason: IN_USE, message: entry.message.clone(), action: "Allocate" });
        }
        if let Some(message) = obstacle {
            if let Some(reason) = worth_an_event(&entry.reason).filter(|_| !known) {
                notices.push(Notice { reason, message: message.clone(), action: "Allocate" });
            }
            first_obstacle.get_or_insert(message);
        } else if let Some(former) = changed_from(&before, &entry) {
            let NetworkConfigStatus { mac_address, network_name, allocated_ip_address, .. } = &entry;
            let message = format!(
                "{mac_address} on {network_name} has {allocated_ip_address} instead of {former}, which retires; its guest \
                 learns it when it next renews its lease"
            );
            notices.push(Notice { reason: "AddressChanged", message, action: "Allocate" });
        }
        status.network_configs.push(entry);
    }
    let paused = stored.spec.is_paused();
    let (allocated, reason, message) = match first_obstacle {
        _ if paused => (false, PAUSED, "the claim is paused; resume it with spec.paused: false".to_owned()),
        Some(message) => (false, "NoAddress", message),
        None if stored.spec.cards().is_empty() => (false, "NoManagedInterfaces", String::new()),
        None => (true, "AddressesAllocated", String::new()),
    };
    set_condition(&mut status.conditions, "Allocated", allocated.into(), reason, &message, now);
    let disabled = if paused { PAUSED } else { "InService" };
    set_condition(&mut status.conditions, "Disabled", paused.into(), disabled, "", now);
    let in_sync = if paused { PAUSED } else { "StaleClaimsReleased" };
    set_condition(&mut status.conditions, "InSynced", (!paused).into(), in_sync, "", now);
    notices.extend(declaration::follow(stored, &mut status, (waits_for_declared, vm_missing), now));
    let released = settlements.values().flatten().flat_map(|cards| cards.all()).all(is_released);
    ClaimPlan { status, released, notices }
}

/// The address that a card had when it was last told one, if it has another now.
fn changed_from<'a>(
    before: &'a VirtualMachineNetworkConfigStatus,
    now: &NetworkConfigStatus,
) -> Option<&'a str> {
    let is_same = |card: &&NetworkConfigStatus| {
        card.mac_address == now.mac_address && card.network_name == now.network_name
    };
    let former = before.cards().iter().find(is_same)?;
    let changed = former.state == NetworkConfigState::Allocated
        && now.state == NetworkConfigState::Allocated
        && former.allocated_ip_address != now.allocated_ip_address;
    changed.then_some(former.allocated_ip_address.as_str())
}

/// Whether nothing of a card is left in its pool. A pool that cannot be served holds nothing that could be lost.
fn is_released(settlement: &Settlement) -> bool {
    match settlement {
        Settlement::Planned(_) | Settlement::InUse { .. } => settlement.address().is_none(),
        Settlement::Refused { reason, .. } => *reason != "WriteRefused",
    }
}

/// The status of one card, and the sentence that says why it has no address.
fn entry(
    stored: &VirtualMachineNetworkConfig,
    written: &NetworkConfig,
    card: Result<Card, Vec<Cause>>,
    settlements: &Settlements,
) -> (NetworkConfigStatus, Option<String>) {
    let card = match card {
        Ok(card) => card,
        Err(causes) => {
            let message = causes
                .iter()
                .map(|cause| format!("{}: {}", cause.field, cause.message))
                .collect::<Vec<_>>()
                .join("; ");
            let entry = NetworkConfigStatus {
                mac_address: written.mac_address.clone(),
                network_name: written.network_name.clone(),
                reason: "Invalid".to_owned(),
                message: message.clone(),
                ..NetworkConfigStatus::default()
            };
            return (entry, Some(message));
        }
    };
    let kept = remembered(stored, &card.network, card.mac);
    let outcome = outcome_of(&card, stored.spec.is_paused(), settlements);
    let entry = |address: Option<Ipv4Addr>, state, obstacle: Option<&Obstacle>| NetworkConfigStatus {
        allocated_ip_address: address.map(|address| address.to_string()).unwrap_or_default(),
        mac_address: card.mac.to_string(),
        network_name: card.network.to_string(),
        state,
        reason: obstacle.map(|obstacle| obstacle.reason.to_owned()).unwrap_or_default(),
        message: obstacle.map(|obstacle| obstacle.message.clone()).unwrap_or_default(),
    };
    match outcome {
        Ok((address, remark)) => (entry(Some(address), NetworkConfigState::Allocated, remark.as_ref()), None),
        Err(obstacle) => {
            let pending = entry(kept, NetworkConfigState::Pending, Some(&obstacle));
            (pending, Some(format!("{} on {}: {}", card.mac, card.network, obstacle.message)))
        }
    }
}

/// The address of a card, and what there is to say of it; or why it has none.
type CardOutcome = Result<(Ipv4Addr, Option<Obstacle>), Obstacle>;

fn outcome_of(card: &Card, paused: bool, settlements: &Settlements) -> CardOutcome {
    let Some(Some(of_pool)) = settlements.get(&card.network) else {
        let message =
            format!("the network {} has no IPPool; create one, and the card gets its address", card.network);
        return Err(Obstacle { reason: "NoPool", message });
    };
    match of_pool.get(card.mac) {
        Some(Settlement::Planned(Outcome::Holds(address))) => Ok((*address, None)),
        Some(Settlement::InUse { address, message }) => {
            Ok((*address, Some(Obstacle { reason: IN_USE, message: message.clone() })))
        }
        Some(Settlement::Planned(Outcome::Waits(why))) => {
            Err(Obstacle { reason: why.reason(), message: why.to_string() })
        }
        Some(Settlement::Planned(Outcome::Released)) if paused => {
            Err(Obstacle { reason: PAUSED, message: "the claim is paused".to_owned() })
        }
        Some(Settlement::Refused { reason, message }) => Err(Obstacle { reason, message: message.clone() }),
        // The allocator has looked before the watch told it of this card; its next pass will know.
        Some(Settlement::Planned(Outcome::Released)) | None => Err(Obstacle {
            reason: "NotPlanned",
            message: "the pool has not looked at this card yet".to_owned(),
        }),
    }
}

/// The reasons that an operator should hear of; the others pass by themselves, or were asked for.
fn worth_an_event(reason: &str) -> Option<&'static str> {
    const TOLD: [&str; 12] = [
        "PoolExhausted",
        "AddressRetiring",
        IN_USE,
        "PoolRecovering",
        "DuplicateMAC",
        "AddressTaken",
        "AddressDeclared",
        "AddressNotInPool",
        "WriteRefused",
        POOL_TOO_LARGE,
        "PoolInvalid",
        "Invalid",
    ];
    debug_assert_eq!(Waiting::Exhausted.reason(), TOLD[0]);
    TOLD.into_iter().find(|told| *told == reason)
}
