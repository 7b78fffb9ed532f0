//! The allocations of a pool, as values: read from a status, changed, written back.
//!
//! What does not parse is held aside, never dropped and never given out: one bad entry must not keep a pool down, and
//! may be the only trace of a guest. Marks (`EXCLUDED`, `RESERVED`) are not kept: they follow from the spec.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use smol_str::{SmolStr, ToSmolStr};

use super::Change;
use super::quarantine::{self, Quarantine};
use crate::api::{
    EXCLUDED, IPv4Status, LossCause, RESERVED, RecoveryStatus, RetiringAddress, format_time, parse_time,
};
use crate::mac::MacAddr;
use crate::pool::Pool;

/// Who has which address of a pool, and which addresses are on their way back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Address to MAC.
    pub held: BTreeMap<Ipv4Addr, MacAddr>,
    /// Those of them that a reservation holds (whether or not a claim does too).
    pub reserved: BTreeSet<Ipv4Addr>,
    /// Addresses that have left their MAC.
    pub retiring: BTreeMap<Ipv4Addr, Retiring>,
    /// Those of them that are stored without times of their own, for want of room.
    pub undated: BTreeSet<Ipv4Addr>,
    /// Addresses that are given to nobody because somebody uses them who does not have them.
    pub quarantined: BTreeMap<Ipv4Addr, Quarantine>,
    /// Longest lease in seconds that agents may be granting now.
    pub longest_lease: Option<u32>,
    /// When the last lease of an earlier, longer lease time runs out.
    pub earlier_leases_end: Option<Timestamp>,
    /// The time after a loss, while it lasts.
    pub recovery: Option<Recovery>,
    /// Entries of the status that mean nothing to us, kept as they are and reported.
    pub unreadable: BTreeMap<SmolStr, SmolStr>,
    /// Retiring entries of that sort.
    pub unreadable_retiring: BTreeMap<String, RetiringAddress>,
}

/// An address that has left its MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retiring {
    /// Who had it.
    pub mac: MacAddr,
    /// Since when it retires.
    pub since: Timestamp,
    /// Since when no agent grants the pair any more, once that is known.
    pub withdrawn: Option<Timestamp>,
    /// It was lost rather than given up: an agent still serves the pair.
    pub served: bool,
    /// A VM had it of whose end there is proof ([`Evidence::absent`](super::Evidence::absent)), when it comes.
    pub of_vm: bool,
}

/// Allocations were lost and rebuilt: an address of which the pool says nothing may be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// When they were rebuilt.
    pub since: Timestamp,
    /// What was lost.
    pub cause: LossCause,
    /// Since when every agent serves what was rebuilt, once that is known.
    pub withdrawn: Option<Timestamp>,
}

impl Recovery {
    /// One that cannot be read is of unknown end, and has to be ended by the operator.
    fn read(stored: &RecoveryStatus) -> Self {
        let RecoveryStatus { since, cause, withdrawn } = stored;
        let withdrawn = withdrawn.as_deref().and_then(parse_time);
        Self { since: parse_time(since).unwrap_or(Timestamp::UNIX_EPOCH), cause: *cause, withdrawn }
    }

    fn write(self) -> RecoveryStatus {
        RecoveryStatus {
            since: format_time(self.since),
            cause: self.cause,
            withdrawn: self.withdrawn.map(format_time),
        }
    }
}

impl Retiring {
    /// Whether another card may have the address as soon as its guest is known to be gone: a VM had it, nobody grants it
    /// any more, and it was given up rather than lost.
    pub fn is_vacating(&self) -> bool {
        self.of_vm && self.withdrawn.is_some() && !self.served
    }

    /// The address of this MAC, when it has just left it.
    pub fn new(mac: MacAddr, now: Timestamp) -> Self {
        Self { mac, since: stored_not_before(now), withdrawn: None, served: false, of_vm: false }
    }

    fn read(stored: &RetiringAddress) -> Option<Self> {
        let RetiringAddress { mac_address, since, withdrawn, served, of_vm } = stored;
        let withdrawn = match withdrawn {
            None => None,
            Some(text) => Some(parse_time(text)?),
        };
        let mac = mac_address.parse().ok()?;
        Some(Self { mac, since: parse_time(since)?, withdrawn, served: *served, of_vm: *of_vm })
    }

    fn write(&self) -> RetiringAddress {
        RetiringAddress {
            mac_address: self.mac.to_string(),
            since: format_time(self.since),
            withdrawn: self.withdrawn.map(format_time),
            served: self.served,
            of_vm: self.of_vm,
        }
    }
}

impl Allocations {
    /// The allocations in a stored status; marks are left out (they follow from the spec).
    ///
    /// An address both allocated and retiring is allocated: upstream, which does not know `retiring`, has been here.
    pub fn read(status: &IPv4Status) -> Self {
        // Counts are computed on each write; what clients are told beside their address is no allocation.
        let IPv4Status {
            allocated,
            retiring,
            released,
            last_released,
            quarantined,
            reserved,
            hostnames: _,
            client_options: _,
            network_mtu: _,
            used: _,
            available: _,
            longest_lease,
            earlier_leases_end,
            recovery,
        } = status;
        let mut read = Self {
            longest_lease: longest_lease
                .filter(|&seconds| seconds >= 0)
                .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            earlier_leases_end: earlier_leases_end.as_deref().and_then(parse_time),
            recovery: recovery.as_ref().map(Recovery::read),
            ..Self::default()
        };
        for (address, holder) in allocated {
            if holder == EXCLUDED || holder == RESERVED {
                continue;
            }
            if let (Ok(address), Ok(mac)) = (address.parse(), holder.parse()) {
                read.held.insert(address, mac);
            } else {
                read.unreadable.insert(address.clone(), holder.clone());
            }
        }
        for (address, stored) in retiring {
            match (address.parse(), Retiring::read(stored)) {
                (Ok(address), _) if read.held.contains_key(&address) => {}
                (Ok(address), Some(entry)) => {
                    read.retiring.insert(address, entry);
                }
                _ => {
                    read.unreadable_retiring.insert(address.clone(), stored.clone());
                }
            }
        }
        let since = last_released.as_deref().and_then(parse_time).unwrap_or(Timestamp::UNIX_EPOCH);
        for (address, mac_address) in released {
            match (address.parse(), mac_address.parse()) {
                (Ok(address), _)
                    if read.held.contains_key(&address) || read.retiring.contains_key(&address) => {}
                (Ok(address), Ok(mac)) => {
                    let entry = Retiring { mac, since, withdrawn: None, served: false, of_vm: false };
                    read.retiring.insert(address, entry);
                    read.undated.insert(address);
                }
                _ => {
                    let entry =
                        RetiringAddress { mac_address: mac_address.clone(), ..RetiringAddress::default() };
                    read.unreadable_retiring.insert(address.clone(), entry);
                }
            }
        }
        let entries = quarantined.iter();
        read.quarantined =
            entries.filter_map(|(key, entry)| Some((key.parse().ok()?, Quarantine::read(entry)?))).collect();
        read.reserved = reserved.iter().filter_map(|address| address.parse().ok()).collect();
        read.reserved.retain(|address| read.held.contains_key(address));
        read
    }

    /// The status of these allocations under this pool: entries, marks and counts, and nothing of what clients are told
    /// beside their address.
    ///
    /// Every exclusion that is written as one address is marked `EXCLUDED`, also outside the ranges; server and router
    /// are marked `RESERVED` where the ranges have them; a card's entry always stands before a mark. `used` counts the
    /// addresses of the domain that a card has, `available` those that one could get: neither used, nor retiring, nor
    /// quarantined, nor under an unreadable entry (upstream, which has none of the latter three, counts the same).
    pub fn write(&self, pool: &Pool) -> IPv4Status {
        let marks = [Some(pool.server), pool.router].into_iter().flatten();
        let marks = marks.filter(|&address| pool.ranges.contains(address)).map(|address| (address, RESERVED));
        let marks = marks.chain(pool.exclude_marks.iter().map(|&address| (address, EXCLUDED)));
        let mut allocated: BTreeMap<_, _> =
            marks.map(|(address, mark)| (address.to_smolstr(), mark.into())).collect();
        allocated.extend(self.unreadable.iter().map(|(address, holder)| (address.clone(), holder.clone())));
        allocated.extend(self.held.iter().map(|(address, mac)| (address.to_smolstr(), mac.to_smolstr())));

        let (released, dated): (Vec<_>, Vec<_>) =
            self.retiring.iter().partition(|(address, _)| self.undated.contains(address));
        let mut retiring = self.unreadable_retiring.clone();
        retiring.extend(dated.into_iter().map(|(address, entry)| (address.to_string(), entry.write())));

        let used = self.held.keys().filter(|&&address| pool.domain.contains(address)).count() as u64;
        let withheld: BTreeSet<_> = self
            .retiring
            .keys()
            .chain(self.quarantined.keys())
            .copied()
            .chain(self.unreadable_addresses())
            .collect();
        let withheld = withheld
            .into_iter()
            .filter(|&address| pool.domain.contains(address) && !self.held.contains_key(&address))
            .count() as u64;
        IPv4Status {
            allocated,
            retiring,
            last_released: released.iter().map(|(_, entry)| format_time(entry.since)).max(),
            released: released
                .into_iter()
                .map(|(address, entry)| (address.to_string(), entry.mac.to_string()))
                .collect(),
            quarantined: self
                .quarantined
                .iter()
                .map(|(address, entry)| (address.to_string(), entry.write()))
                .collect(),
            reserved: self.reserved.iter().map(ToString::to_string).collect(),
            hostnames: BTreeMap::new(),
            client_options: BTreeMap::new(),
            network_mtu: None,
            used: i64::try_from(used).unwrap_or(i64::MAX),
            available: i64::try_from(pool.domain.len() - used - withheld).unwrap_or(i64::MAX),
            longest_lease: self.longest_lease.map(i64::from),
            earlier_leases_end: self.earlier_leases_end.map(format_time),
            recovery: self.recovery.map(Recovery::write),
        }
    }

    /// Addresses that nobody may get because an entry says something about them that we cannot read.
    pub fn unreadable_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let texts = self.unreadable.keys().map(SmolStr::as_str);
        texts
            .chain(self.unreadable_retiring.keys().map(String::as_str))
            .filter_map(|address| address.parse().ok())
    }

    /// Makes one change.
    ///
    /// One that would take an address from another MAC than the change names does nothing.
    pub fn apply(&mut self, change: &Change, now: Timestamp) {
        match *change {
            Change::Allocate { address, mac } => {
                if self.held.get(&address).is_none_or(|&holder| holder == mac) {
                    self.retiring.remove(&address);
                    self.undated.remove(&address);
                    self.held.insert(address, mac);
                }
            }
            Change::Retire { address, mac, of_vm } => {
                if self.held.get(&address).is_none_or(|&holder| holder == mac) {
                    self.held.remove(&address);
                    self.reserved.remove(&address);
                    self.undated.remove(&address);
                    self.retiring.insert(address, Retiring { of_vm, ..Retiring::new(mac, now) });
                }
            }
            Change::Quarantine { address, by, moved } => {
                let former = self.quarantined.get(&address).copied();
                self.quarantined.insert(address, quarantine::entered(former, by, moved, now));
            }
            Change::EndQuarantine { address } => drop(self.quarantined.remove(&address)),
            Change::Keep { address, mac } => {
                if !self.held.contains_key(&address) {
                    self.undated.remove(&address);
                    self.retiring.insert(address, Retiring { served: true, ..Retiring::new(mac, now) });
                }
            }
            Change::Withdraw { address } => {
                if let Some(entry) = self.retiring.get_mut(&address) {
                    (entry.withdrawn, entry.served) = (Some(stored_not_before(now)), false);
                    self.undated.remove(&address);
                }
            }
            Change::Recover { cause } => {
                self.recovery = Some(Recovery { since: stored_not_before(now), cause, withdrawn: None });
                // What they say of the agents is of another time.
                self.retiring.values_mut().for_each(|entry| entry.withdrawn = None);
            }
            Change::WithdrawUnknown => {
                if let Some(recovery) = &mut self.recovery {
                    recovery.withdrawn = Some(stored_not_before(now));
                }
            }
            Change::Recovered => self.recovery = None,
            Change::Forget { address } => {
                self.retiring.remove(&address);
                self.undated.remove(&address);
                self.unreadable_retiring.remove(&address.to_string());
            }
            Change::Reserve { address, held: true } => {
                self.reserved.insert(address);
            }
            Change::Reserve { address, held: false } => {
                self.reserved.remove(&address);
            }
            Change::LongestLease { seconds } => {
                if let Some(former) = self.longest_lease
                    && former > seconds
                {
                    self.earlier_leases_end =
                        self.earlier_leases_end.max(Some(stored_not_before(after(now, former))));
                }
                self.longest_lease = Some(seconds);
            }
        }
    }
}

impl Allocations {
    /// Stores a retiring address without times of its own: then it takes no more room than while it was held.
    ///
    /// Nothing is lost but when it left its MAC. One that is withdrawn already keeps its times, as its leases are counted
    /// from there.
    pub fn store_undated(&mut self, address: Ipv4Addr) {
        if self.retiring.get(&address).is_some_and(|entry| entry.withdrawn.is_none() && !entry.served) {
            self.undated.insert(address);
        }
    }
}

/// So many seconds later.
pub(super) fn after(time: Timestamp, seconds: u32) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

/// The first time that can be stored (whole seconds) and is not before `time`: storing must not shorten a wait.
pub(super) fn stored_not_before(time: Timestamp) -> Timestamp {
    time.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil)).unwrap_or(time)
}
