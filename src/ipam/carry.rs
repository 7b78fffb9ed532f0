//! What an agent goes on with when its pool has lost what it served: an entry that vanishes without having retired is
//! not believed.
//!
//! An address leaves a card only by retiring, and goes to another card only after every agent has seen it retire. So a
//! pool that says otherwise is not the successor of what was served, but an older state (a backup was restored) or one
//! that was rebuilt without knowing everything. Guests use what was served.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::allocations::after;
use super::{Allocations, Retiring};
use crate::api::LossCause;
use crate::mac::MacAddr;

/// Pairs that a pool has lost, and an agent has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// They go on being granted, and their addresses are granted to nobody else.
    pub held: BTreeMap<Ipv4Addr, MacAddr>,
    /// They were no longer granted, but leases may be running: the addresses are granted to nobody.
    pub lost: BTreeMap<Ipv4Addr, MacAddr>,
}

impl Carried {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.held.len() + self.lost.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Ipv4Addr, MacAddr)> {
        self.held.iter().chain(&self.lost).map(|(&address, &mac)| (address, mac))
    }

    /// Puts them where the pool has something else, or nothing.
    pub fn restore_into(&self, allocations: &mut Allocations, now: Timestamp) {
        for (&address, &mac) in &self.held {
            allocations.held.insert(address, mac);
            allocations.retiring.remove(&address);
        }
        for (&address, &mac) in &self.lost {
            allocations.held.remove(&address);
            allocations.retiring.entry(address).or_insert_with(|| Retiring::new(mac, now));
        }
    }
}

/// What an agent remembers of a pool beside its last state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// What it served and the pool has lost.
    pub carried: Carried,
    /// It has seen the pool become an older one, and the pool has not recovered from that yet.
    pub broken: bool,
    /// Since when the pool recovers from a loss before which this memory begins, if it does.
    pub witnessed: Option<Timestamp>,
}

/// What is known of a change from one state of a pool to the next.
#[derive(Debug, Clone, Copy)]
pub struct Succession<'a> {
    /// The version of the object is smaller than before.
    pub went_back: bool,
    /// Addresses that the operator declares free of any guest but the one that the pool has for them.
    pub released: &'a BTreeSet<Ipv4Addr>,
    /// The operator says that no guest uses anything of which the pool says nothing.
    pub nothing_else_used: bool,
    /// The present time.
    pub now: Timestamp,
}

impl Memory {
    /// The memory after `next` has followed `previous`, which was served with all that was carried then; completes
    /// `next` with what is carried now.
    #[must_use]
    pub fn follow(&self, previous: &Allocations, next: &mut Allocations, how: Succession<'_>) -> Self {
        let mut carried = self.carry(previous, next, how);
        let vanished = carried.held.keys().any(|address| !self.carried.held.contains_key(address));
        let broken = self.broken || how.went_back || vanished;
        let witnessed = next.recovery.and_then(|recovery| {
            if previous.recovery.map(|former| former.since) == Some(recovery.since) {
                return self.witnessed;
            }
            let remembers = match recovery.cause {
                // An agent takes no table of a pool that has lost its status: this one is from before.
                LossCause::StatusLost => previous.longest_lease.is_some(),
                LossCause::OlderBackup => broken,
            };
            remembers.then_some(recovery.since)
        });
        let is_over = previous.recovery.is_some() && next.recovery.is_none();
        if is_over {
            // With it the last lease of what nobody grants any more.
            carried.lost.clear();
        }
        carried.restore_into(next, how.now);
        Self { carried, broken: broken && !is_over, witnessed }
    }

    fn carry(&self, previous: &Allocations, next: &Allocations, how: Succession<'_>) -> Carried {
        if how.nothing_else_used {
            return Carried::default();
        }
        let is_released = |address: &Ipv4Addr| how.released.contains(address);
        let held = previous.held.iter().filter(|&(address, mac)| {
            let retires = next.retiring.get(address);
            let has_left = retires.is_some_and(|entry| entry.mac == *mac && !entry.served);
            next.held.get(address) != Some(mac) && !has_left && !is_released(address)
        });
        let held: BTreeMap<_, _> = held.map(|(&address, &mac)| (address, mac)).collect();
        // Now and then what retires is forgotten. Only where something is lost, it may be lost too.
        let is_broken = how.went_back
            || (next.recovery.is_some() && next.recovery != previous.recovery)
            || held.keys().any(|address| !self.carried.held.contains_key(address));
        let lost = previous.retiring.iter().filter(|&(address, entry)| {
            let told = next.retiring.contains_key(address) || next.held.get(address) == Some(&entry.mac);
            let may_run = is_broken && !is_over(previous, entry, how.now);
            (may_run || self.carried.lost.contains_key(address))
                && !told
                && !is_released(address)
                && !held.contains_key(address)
        });
        let lost = lost.map(|(&address, entry)| (address, entry.mac)).collect();
        Carried { held, lost }
    }
}

/// Whether the leases of a retiring pair have run out.
fn is_over(allocations: &Allocations, entry: &Retiring, now: Timestamp) -> bool {
    let longest = allocations.longest_lease.unwrap_or(u32::MAX);
    let end = entry.withdrawn.map(|withdrawn| after(withdrawn, longest));
    end.is_some_and(|end| end.max(allocations.earlier_leases_end.unwrap_or(end)) <= now)
}
