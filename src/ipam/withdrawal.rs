//! What every agent has stopped granting, told by the versions of the pool that they serve.
//!
//! A pool that is written all the time never has all its agents at the newest version. So each retiring address is
//! remembered with the version that first said so: an agent that serves that version, or a later one, does not grant
//! it. Only an unbroken row of our own writes can be trusted to tell that: after a version of somebody else's, which
//! may not be the only one, everything counts as said by that version for the first time. What is remembered is lost
//! with its manager, and the next one waits a little longer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Allocations;

/// Which versions of a pool were the first to say what the newest one says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    newest: u64,
    /// Since which version each address is retiring.
    retiring: BTreeMap<Ipv4Addr, u64>,
    /// Since which version the pool recovers from a loss, and since when.
    recovery: Option<(Timestamp, u64)>,
    /// Since which version the spec is as it is.
    spec: u64,
}

/// What every agent has stopped granting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Retiring addresses that no agent grants to their former MACs any more.
    pub addresses: BTreeSet<Ipv4Addr>,
    /// No agent grants longer leases than the pool's lease time.
    pub longer_leases: bool,
    /// No agent grants a pair that the pool, which recovers from a loss, does not know and the agent has not reported.
    pub unknown: bool,
}

impl Versions {
    /// Notes a version that has been read.
    pub fn read(&mut self, version: u64, allocations: &Allocations) {
        if version != self.newest {
            let retiring = allocations.retiring.keys().map(|&address| (address, version)).collect();
            let recovery = allocations.recovery.map(|recovery| (recovery.since, version));
            *self = Self { newest: version, retiring, recovery, spec: version };
        }
    }

    /// Notes a version that was written: of the allocations alone, and on the newest version noted before.
    pub fn wrote(&mut self, version: u64, allocations: &Allocations) {
        let since = |address: &Ipv4Addr| self.retiring.get(address).copied().unwrap_or(version);
        self.retiring = allocations.retiring.keys().map(|address| (*address, since(address))).collect();
        let since = allocations.recovery.map(|recovery| recovery.since);
        self.recovery = match (since, self.recovery) {
            (Some(since), Some((known, first))) if since == known => Some((known, first)),
            (since, _) => since.map(|since| (since, version)),
        };
        self.newest = version;
    }

    /// What every agent has stopped granting, given the versions that all of them serve.
    ///
    /// A version that is newer than the newest one noted proves nothing: it may be from before a backup was restored.
    pub fn withdrawn(&self, served: impl IntoIterator<Item = u64>) -> Withdrawn {
        let mut oldest = self.newest;
        for version in served {
            if version > self.newest {
                return Withdrawn::default();
            }
            oldest = oldest.min(version);
        }
        let retiring = self.retiring.iter().filter(|&(_, &since)| since <= oldest);
        Withdrawn {
            addresses: retiring.map(|(&address, _)| address).collect(),
            longer_leases: self.spec <= oldest,
            unknown: self.recovery.is_some_and(|(_, first)| first <= oldest),
        }
    }
}
