//! The allocations of a pool, as values: read from a status, changed, written back.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Change;
use crate::api::IPv4Status;
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
    /// Longest lease in seconds that agents may be granting now.
    pub longest_lease: Option<u32>,
    /// When the last lease of an earlier, longer lease time runs out.
    pub earlier_leases_end: Option<Timestamp>,
    /// Entries of the status that mean nothing to us, kept as they are and reported.
    pub unreadable: BTreeMap<String, String>,
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
}

impl Allocations {
    /// The allocations in a stored status; marks are left out (they follow from the spec).
    pub fn read(_status: &IPv4Status) -> Self {
        Self::default()
    }

    /// The status of these allocations under this pool: entries, marks and counts (COMPAT 1.1, note b).
    pub fn write(&self, _pool: &Pool) -> IPv4Status {
        IPv4Status::default()
    }

    /// Makes one change.
    pub fn apply(&mut self, _change: &Change, _now: Timestamp) {}
}
