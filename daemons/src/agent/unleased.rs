//! Addresses of the pool that nobody has, and of which it is to be found out whether somebody uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use vmdhcp_core::MacAddr;
use vmdhcp_core::ipam::Allocations;

/// An address that has left the card of a VM, and that no agent grants any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vacating {
    pub(crate) address: Ipv4Addr,
    /// When it left its card.
    pub(crate) since: Timestamp,
}

/// The addresses that nobody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unleased {
    /// Out of use because somebody else used them, with the card that has them back if it is the one that uses them.
    pub(crate) quarantined: BTreeMap<Ipv4Addr, Option<MacAddr>>,
    /// What another card may have as soon as its last guest is gone, the longest out of use first.
    pub(crate) vacating: Vec<Vacating>,
    /// All of them.
    pub(crate) all: BTreeSet<Ipv4Addr>,
}

impl Unleased {
    pub(crate) fn of(allocations: &Allocations) -> Self {
        let retiring = &allocations.retiring;
        let open = retiring.iter().filter(|(_, entry)| entry.is_vacating());
        let mut vacating: Vec<_> =
            open.map(|(&address, entry)| Vacating { address, since: entry.since }).collect();
        vacating.sort_by_key(|vacating| (vacating.since, vacating.address));
        let former = |address| retiring.get(address).map(|entry| entry.mac);
        let quarantined =
            allocations.quarantined.keys().filter(|address| !allocations.held.contains_key(address));
        Self {
            quarantined: quarantined.map(|address| (*address, former(address))).collect(),
            vacating,
            all: retiring.keys().chain(allocations.quarantined.keys()).copied().collect(),
        }
    }
}
