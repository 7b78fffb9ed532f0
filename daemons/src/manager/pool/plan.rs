//! What a pool's status has to be. Pure: an observation in, a status and its consequences out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use vmdhcp_core::api::{IPPoolStatus, LossCause, REUSE_ALL, REUSE_ANNOTATION, format_time};
use vmdhcp_core::ipam::{self, Allocations, Change, Evidence, Outcome, Recovery, Waiting};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::{Pool, PoolError, PoolErrors};

use super::super::Settlement;
use super::super::events::Notice;
use super::ceiling::Room;
use super::clients;
use super::conditions::{set_agents, set_conditions, trouble};
use super::observe::Observation;
use super::seen::{self, owned};
use super::standing;

/// Reason of what waits because the pool is as large as an object can be.
pub(in crate::manager) const POOL_TOO_LARGE: &str = "PoolTooLarge";

const AT_THE_CEILING: &str = "the pool has as many addresses as one object of the API can hold";
const WAY_OUT: &str = "delete claims that are not needed, free retiring addresses that no guest uses (vmdhcp lease remove \
    --force), or put further VMs on another network, with a pool of its own";

/// Changes that the API has refused, by the MAC that they concern.
pub(super) type Refusals = BTreeMap<MacAddr, String>;

/// What has to be written, and what holds once it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PoolPlan {
    /// The status to be.
    pub(super) status: IPPoolStatus,
    /// MACs whose allocations this plan changes: what a refused write is divided by.
    pub(super) changed: BTreeSet<MacAddr>,
    /// What each card gets, in the order of the observation's cards.
    pub(super) settlements: Vec<Settlement>,
    /// What is worth a warning.
    pub(super) notices: Vec<Notice>,
    /// What is worth telling, and is as it should be.
    pub(super) news: Vec<Notice>,
    /// When to look again although nothing has happened.
    pub(super) wake: Option<Timestamp>,
    /// No claim has an address of this pool any more.
    pub(super) drained: bool,
}

/// Plans one pool.
///
/// `refused` are the MACs whose changes the API does not take, and `only`, where given, the MACs that may change at all.
pub(super) fn plan(
    observation: &Observation,
    refused: &Refusals,
    only: Option<&BTreeSet<MacAddr>>,
) -> PoolPlan {
    let before = observation.object.status.as_ref();
    let allocated_before = before.and_then(|before| before.ipv4.as_ref());
    let mut status = before.map(IPPoolStatus::without_allocations).unwrap_or_default();
    let mut planned = PoolPlan {
        status: IPPoolStatus::default(),
        changed: BTreeSet::new(),
        settlements: Vec::new(),
        notices: Vec::new(),
        news: Vec::new(),
        wake: None,
        drained: false,
    };
    match (&observation.pool, &observation.rival) {
        (Err(errors), _) => {
            status.ipv4 = allocated_before.cloned();
            refuse_all(observation, &mut planned, unserved(errors), &errors.to_string());
        }
        (Ok(_), Some(rival)) => {
            let message =
                format!("the network has the pool {rival} already; this one waits until that one is gone");
            status.ipv4 = allocated_before.cloned();
            refuse_all(observation, &mut planned, "NetworkTaken", &message);
        }
        (Ok((pool, _)), None) => allocate(observation, pool, refused, only, &mut status, &mut planned),
    }
    planned.drained |= observation.cards.is_empty();
    set_agents(observation, &mut status, &mut planned);
    seen::set_stand_down(observation, &mut status);
    status.observed_generation = observation.object.metadata.generation;
    set_conditions(observation, &mut status, &mut planned);
    seen::set_conditions(observation, &mut status, &mut planned);
    standing::set_conditions(observation, &mut status, &mut planned);
    if status.ipv4.as_ref() != allocated_before {
        status.last_update = Some(format_time(observation.now));
    }
    planned.status = status;
    planned
}

/// Why a pool cannot be served, as one word. That its default values are still to come passes by itself.
pub(super) fn unserved(PoolErrors(errors): &PoolErrors) -> &'static str {
    let passes = errors.iter().all(|error| matches!(error, PoolError::NotDefaulted { .. }));
    if passes { "PoolNotReady" } else { "PoolInvalid" }
}

/// The same answer for every claim.
fn refuse_all(observation: &Observation, planned: &mut PoolPlan, reason: &'static str, message: &str) {
    let refused = Settlement::Refused { reason, message: message.to_owned() };
    planned.settlements = vec![refused; observation.cards.len()];
}

fn allocate(
    observation: &Observation,
    pool: &Pool,
    refused: &Refusals,
    only: Option<&BTreeSet<MacAddr>>,
    status: &mut IPPoolStatus,
    planned: &mut PoolPlan,
) {
    let mut allocations = observation.allocations.clone();
    let evidence = Evidence {
        now: observation.now,
        withdrawn: &observation.withdrawn,
        absent: &observation.seen.absent,
        conflicts: &observation.seen.conflicts,
        reuse: &observation.reuse,
        loss: observation.loss.evidence(),
    };
    // A pool that is going gives nothing out any more; what is there stays until its claims go.
    let mut pool = pool.clone();
    pool.paused |= observation.is_deleting();
    let decided = ipam::plan(&pool, &allocations, &observation.cards, &evidence);

    let held_back = |mac: &MacAddr| refused.contains_key(mac) || only.is_some_and(|only| !only.contains(mac));
    let mut room = Room::before(
        &decided.changes,
        observation.ceiling,
        (&observation.object, &pool),
        status,
        &allocations,
    );
    let mut skipped = BTreeSet::new();
    for change in &decided.changes {
        match change {
            Change::Allocate { address, mac } | Change::Retire { address, mac, .. } => {
                if held_back(mac) || !room.has_room_for(*mac) {
                    skipped.insert(*address);
                    continue;
                }
                planned.changed.insert(*mac);
            }
            Change::Reserve { address, .. } | Change::Quarantine { address, .. }
                if skipped.contains(address) =>
            {
                continue;
            }
            // What has no room is held as long as it is reported, and written when there is some.
            Change::Withdraw { .. } | Change::Keep { .. } | Change::Quarantine { moved: None, .. }
                if !room.take(change, &allocations) =>
            {
                continue;
            }
            Change::Quarantine { .. }
            | Change::EndQuarantine { .. }
            | Change::Reserve { .. }
            | Change::Keep { .. }
            | Change::Recover { .. }
            | Change::WithdrawUnknown
            | Change::Recovered
            | Change::Withdraw { .. }
            | Change::Forget { .. }
            | Change::LongestLease { .. } => {}
        }
        let undated = match change {
            Change::Retire { address, .. } if !room.take(change, &allocations) => Some(*address),
            _ => None,
        };
        allocations.apply(change, observation.now);
        if let Some(address) = undated {
            allocations.store_undated(address);
        }
    }
    for (card, outcome) in observation.cards.iter().zip(&decided.outcomes) {
        let mac = card.claim.mac;
        let is_written = match outcome {
            Outcome::Holds(address) => allocations.held.get(address) == Some(&mac),
            Outcome::Waits(_) => true,
            Outcome::Released => !held_back(&mac),
        };
        let settlement = if is_written {
            settled(mac, outcome, observation)
        } else if room.left_out.contains(&mac) {
            Settlement::Refused { reason: POOL_TOO_LARGE, message: format!("{AT_THE_CEILING}: {WAY_OUT}") }
        } else {
            let message = refused
                .get(&mac)
                .cloned()
                .unwrap_or_else(|| "another part of the batch goes first".to_owned());
            Settlement::Refused { reason: "WriteRefused", message }
        };
        planned.settlements.push(settlement);
    }
    tell_of_moves(&decided, &allocations, observation, planned);
    let (waiting, undated) = (room.left_out.len(), allocations.undated.len());
    let too_large = (waiting + undated > 0).then(|| {
        let (held, retiring) = (allocations.held.len(), allocations.retiring.len());
        format!(
            "{AT_THE_CEILING} ({held} held, {retiring} retiring, {undated} of them without a date until there is room), and \
             {waiting} network cards wait: {WAY_OUT}"
        )
    });
    trouble(observation, status, planned, "AtSizeLimit", POOL_TOO_LARGE, "RoomLeft", too_large);
    planned.wake = decided.wake;
    let claimed: BTreeSet<_> = observation.cards.iter().map(|card| card.claim.mac).collect();
    planned.drained = !allocations.held.values().any(|mac| claimed.contains(mac));
    status.ipv4 = Some(allocations.write(&pool));
    clients::tell(observation, &pool, &allocations, status, planned);
    allocation_conditions(observation, &decided, &allocations, status, planned);
}

/// What a card gets whose part of the plan is written.
fn settled(mac: MacAddr, outcome: &Outcome, observation: &Observation) -> Settlement {
    if let Outcome::Holds(address) = *outcome
        && let Some(found) = observation.seen.conflicts.get(&address).filter(|found| found.by != mac)
    {
        return Settlement::InUse { address, message: in_use_message(address, found.by, observation) };
    }
    Settlement::Planned(outcome.clone())
}

/// Tells of the cards that are given another address because somebody else uses theirs.
fn tell_of_moves(
    decided: &ipam::Plan,
    allocations: &Allocations,
    observation: &Observation,
    planned: &mut PoolPlan,
) {
    for change in &decided.changes {
        let Change::Quarantine { address, by, moved: Some(mac) } = change else { continue };
        if allocations.held.contains_key(address) {
            continue;
        }
        let better = allocations.held.iter().find(|(_, holder)| *holder == mac);
        let better = better.map(|(better, _)| better.to_string()).unwrap_or_default();
        let (mac, by) = (owned(*mac, observation), owned(*by, observation));
        let message = format!(
            "{address} is in use by {by}, so {mac}, which had not used it yet, has {better} instead; {address} is given to \
             nobody before nothing has been heard of it for an hour"
        );
        planned.notices.push(Notice { reason: "AddressQuarantined", message, action: "Allocate" });
    }
}

/// What the owner of a card learns whose address somebody else uses too.
fn in_use_message(address: Ipv4Addr, by: MacAddr, observation: &Observation) -> String {
    format!(
        "{address} is in use by {} too; take it away from that device, or have this card get another one: let the claim \
         declare it, or pause the claim and resume it",
        owned(by, observation)
    )
}

/// Conditions that follow from the allocations. Those that only tell of trouble appear with it and turn False after it.
fn allocation_conditions(
    observation: &Observation,
    decided: &ipam::Plan,
    allocations: &Allocations,
    status: &mut IPPoolStatus,
    planned: &mut PoolPlan,
) {
    let waiting = |wanted: fn(&Waiting) -> bool| {
        decided
            .outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Waits(why) if wanted(why)))
            .count()
    };
    let exhausted = waiting(|why| matches!(why, Waiting::Exhausted));
    let retiring = waiting(|why| matches!(why, Waiting::AddressRetiring { .. }));
    let exhausted = (exhausted + retiring > 0).then(|| {
        let retire = match allocations.retiring.len() {
            0 => String::new(),
            count => format!("; {count} addresses are retiring and come back when their leases have run out"),
        };
        format!(
            "{} network cards wait for an address and none is free{retire}; widen spec.ipv4Config.pool, or delete VMs that are not needed",
            exhausted + retiring
        )
    });
    trouble(observation, status, planned, "Exhausted", "PoolExhausted", "AddressesFree", exhausted);
    let unserved = (!decided.unserved_reservations.is_empty()).then(|| {
        let (mac, why) = &decided.unserved_reservations[0];
        let more = decided.unserved_reservations.len() - 1;
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        format!("{mac}: {why}{more}")
    });
    trouble(
        observation,
        status,
        planned,
        "ReservationsPending",
        "ReservationWaits",
        "ReservationsServed",
        unserved,
    );
    let orphans = (!decided.orphans.is_empty() || !allocations.unreadable.is_empty()).then(|| {
        let orphan = decided.orphans.first().map(|(address, mac)| format!(", for instance {address} of {mac}")).unwrap_or_default();
        format!(
            "{} addresses belong to no VirtualMachineNetworkConfig and no reservation{orphan}; they stay allocated ({} entries cannot be read)",
            decided.orphans.len(),
            allocations.unreadable.len()
        )
    });
    trouble(observation, status, planned, "UnclaimedAddresses", "NoClaim", "AllClaimed", orphans);
    let recovering = allocations.recovery.map(|recovery| recovery_message(recovery, observation));
    trouble(observation, status, planned, "Recovering", "AllocationsLost", "Recovered", recovering);
    let lost = lost_leases_message(decided, allocations, observation);
    trouble(observation, status, planned, "LeasesNotInPool", "OlderBackup", "AllInPool", lost);
}

/// What happens after a loss of allocations, and what the operator can do.
fn recovery_message(recovery: Recovery, observation: &Observation) -> String {
    let what = match recovery.cause {
        LossCause::StatusLost => {
            "the status of this pool was lost; it has been rebuilt from what the VirtualMachineNetworkConfigs say"
        }
        LossCause::OlderBackup => {
            "this pool is older than what VirtualMachineNetworkConfigs or agents know, as if a backup had been restored"
        }
    };
    let silent = observation.agents.is_empty() || !observation.loss.evidence().witnessed;
    let until = match recovery.withdrawn {
        Some(withdrawn) => {
            format!("until the longest lease has run out that began before {}", format_time(withdrawn))
        }
        None if silent => "until every agent serves this state, and the longest lease has run out".to_owned(),
        None => "until every agent serves this state".to_owned(),
    };
    format!(
        "{what}; addresses of which nothing is known are not given {until}; if no guest uses one, set the annotation \
         {REUSE_ANNOTATION} to \"{REUSE_ALL}\""
    )
}

/// Which leases agents go on serving although the pool has lost them, and what the operator can do.
fn lost_leases_message(
    decided: &ipam::Plan,
    allocations: &Allocations,
    observation: &Observation,
) -> Option<String> {
    let kept = allocations.retiring.iter().filter(|(_, entry)| entry.served);
    let kept: Vec<_> = kept.map(|(address, entry)| (address, &entry.mac)).collect();
    let disputed = decided.disputed.iter().map(|(address, mac)| (address, mac));
    let (count, first) = (kept.len() + decided.disputed.len(), disputed.chain(kept.iter().copied()).next());
    let unnamed = if observation.loss.evidence().unnamed { ", and more than they can name" } else { "" };
    let disputed = match decided.disputed.len() {
        0 => String::new(),
        number => {
            format!(", {number} of them of addresses that the pool has for other cards, which are not served")
        }
    };
    let (address, mac) = first?;
    Some(format!(
        "agents go on serving {count} leases that this pool has lost{unnamed}{disputed}, for instance {address} of {mac}; \
         make their VirtualMachineNetworkConfigs anew, or name addresses that no such guest uses in the annotation \
         {REUSE_ANNOTATION}"
    ))
}
