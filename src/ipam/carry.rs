//! What an agent goes on with when its pool has lost what it served: an entry that vanishes without having retired is
//! not believed.
//!
//! An address leaves a card only by retiring, and goes to another card only after every agent has seen it retire. So a
//! pool that says otherwise is not the successor of what was served, but an older state (a backup was restored) or one
//! that was rebuilt without knowing everything. Guests use what was served.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Allocations;
use super::allocations::after;
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
            allocations.retiring.entry(address).or_insert_with(|| super::Retiring::new(mac, now));
        }
    }
}

/// How one state of a pool follows another.
#[derive(Debug, Clone, Copy)]
pub struct Succession<'a> {
    /// What was served, with all that was carried then.
    pub previous: &'a Allocations,
    /// What was carried then.
    pub carried: &'a Carried,
    /// The version of the object is smaller than before.
    pub went_back: bool,
    /// Addresses that the operator declares free of any guest but the one that the pool has for them.
    pub released: &'a BTreeSet<Ipv4Addr>,
    /// The operator says that no guest uses anything of which the pool says nothing.
    pub nothing_else_used: bool,
    /// The present time.
    pub now: Timestamp,
}

impl Succession<'_> {
    /// What of the previous state is to be carried on beside `next`.
    pub fn carry(&self, next: &Allocations) -> Carried {
        if self.nothing_else_used {
            return Carried::default();
        }
        let is_released = |address: &Ipv4Addr| self.released.contains(address);
        let held = self.previous.held.iter().filter(|&(address, mac)| {
            let has_left = next.retiring.get(address).is_some_and(|entry| entry.mac == *mac && !entry.served);
            next.held.get(address) != Some(mac) && !has_left && !is_released(address)
        });
        let held: BTreeMap<_, _> = held.map(|(&address, &mac)| (address, mac)).collect();
        let recovers = next.recovery.is_some() && next.recovery != self.previous.recovery;
        let breaks =
            self.went_back || recovers || held.keys().any(|address| !self.carried.held.contains_key(address));
        let lost = self.previous.retiring.iter().filter(|&(address, entry)| {
            let told = next.retiring.contains_key(address) || next.held.get(address) == Some(&entry.mac);
            let carried = self.carried.lost.contains_key(address);
            let running = breaks && !self.is_over(entry.withdrawn);
            (carried || running) && !told && !is_released(address) && !held.contains_key(address)
        });
        let lost = lost.map(|(&address, entry)| (address, entry.mac)).collect();
        Carried { held, lost }
    }

    /// Whether `next` shows that allocations were lost between the two.
    pub fn is_broken(&self, carried: &Carried) -> bool {
        self.went_back || carried.held.keys().any(|address| !self.carried.held.contains_key(address))
    }

    /// Whether the leases of a retiring pair have run out.
    fn is_over(&self, withdrawn: Option<Timestamp>) -> bool {
        let longest = self.previous.longest_lease.unwrap_or(u32::MAX);
        let end = withdrawn.map(|withdrawn| after(withdrawn, longest));
        end.is_some_and(|end| end.max(self.previous.earlier_leases_end.unwrap_or(end)) <= self.now)
    }
}
