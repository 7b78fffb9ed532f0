//! When an address that has left its MAC may go to another one, and when it is forgotten.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Planner;
use crate::ipam::allocations::after;
use crate::ipam::{Change, Retiring};
use crate::mac::MacAddr;

/// How many retiring addresses a status may carry before those that are over are worth a write of their own.
const MOST_RETIRING: usize = 4096;

impl Planner<'_> {
    /// What the agents and the operator have told: operator's word first, then leases.
    ///
    /// A longer lease time counts at once. A shorter one only when every agent serves it: until then one of them may
    /// still be granting the longer leases.
    pub(super) fn take_evidence(&mut self) {
        let given = self.given;
        for &address in self.evidence.reuse {
            if given.retiring.contains_key(&address)
                || given.unreadable_retiring.contains_key(&address.to_string())
            {
                self.change(Change::Forget { address });
            }
        }
        let seconds = self.pool.longest_lease();
        let shorter = given.longest_lease.is_some_and(|former| former > seconds);
        if given.longest_lease != Some(seconds) && (self.evidence.withdrawn.longer_leases || !shorter) {
            self.change(Change::LongestLease { seconds });
        }
        for (&address, entry) in &given.retiring {
            if entry.withdrawn.is_none()
                && self.evidence.withdrawn.addresses.contains(&address)
                && self.allocations.retiring.contains_key(&address)
                && !(entry.served && self.may_be_served(entry.mac, address))
            {
                self.change(Change::Withdraw { address });
            }
        }
    }

    /// From when on a retiring address may go to another MAC because no lease of it can be running any more; nobody
    /// can say before every agent has stopped granting it.
    pub(super) fn until(&self, address: Ipv4Addr, entry: &Retiring) -> Option<Timestamp> {
        if self.is_served(address) { None } else { Some(self.leases_end(entry.withdrawn?)) }
    }

    /// When the last lease has run out that was granted before `withdrawn`.
    pub(super) fn leases_end(&self, withdrawn: Timestamp) -> Timestamp {
        let longest = self.allocations.longest_lease.unwrap_or_else(|| self.pool.longest_lease());
        let end = after(withdrawn, longest);
        self.allocations.earlier_leases_end.map_or(end, |earlier| end.max(earlier))
    }

    /// Whether a retiring address may go to another MAC now.
    ///
    /// Never before every agent has stopped granting it, be its guest gone or not: a new guest with the old MAC would
    /// get it from an agent that is behind.
    pub(super) fn is_reusable(&self, address: Ipv4Addr, entry: &Retiring) -> bool {
        let gone = || {
            self.evidence.absent.contains(&entry.mac)
                && !self.holders.is_claimed(entry.mac)
                && self.holders.get(entry.mac).is_none()
        };
        self.until(address, entry).is_some_and(|until| until <= self.evidence.now || gone())
    }

    /// Takes addresses away from whoever shall not have them (any more).
    pub(super) fn retire(&mut self) {
        let held: Vec<_> = self.held_by.iter().copied().collect();
        for of_one_mac in held.chunk_by(|(one, _), (other, _)| one == other) {
            let kept = self.kept(of_one_mac);
            for &(mac, address) in of_one_mac {
                if kept != Some(address) {
                    self.leave(mac, address);
                }
            }
        }
    }

    /// Which of its addresses a MAC keeps, given as pairs in the order of the addresses.
    ///
    /// Somebody who shall have one keeps the one that is declared, else the one its claim knows of, else the lowest.
    /// Nobody keeps anything by a claim that goes, whatever address that claim remembers: its status may be older than
    /// the pool, and what is not released with it would never be. An address that nothing explains stays, unless the
    /// reservation that it was held for is gone.
    fn kept(&self, held: &[(MacAddr, Ipv4Addr)]) -> Option<Ipv4Addr> {
        let &(mac, lowest) = held.first()?;
        if let Some(holder) = self.holders.get(mac) {
            let preferred = [holder.reserved(), holder.wanted(), holder.remembered()];
            let known = preferred.into_iter().flatten().find(|&address| held.contains(&(mac, address)));
            return known.or(Some(lowest));
        }
        if self.holders.is_claimed(mac) {
            return None;
        }
        let mut unexplained = held.iter().map(|&(_, address)| address);
        unexplained.find(|address| !self.allocations.reserved.contains(address))
    }

    /// Forgets addresses that nobody can be using any more, so that the status does not grow for ever.
    ///
    /// Only together with another change, or when there are very many; and not while a claim remembers the address: it
    /// may come back, and that nothing tells of what a claim says that it has is a sign of a loss.
    pub(super) fn forget(&mut self) {
        if self.changes.is_empty() && self.allocations.retiring.len() <= MOST_RETIRING {
            return;
        }
        let claims = self.holders.by_age.iter();
        let remembered: BTreeSet<_> = claims.filter_map(|claim| claim.remembered).collect();
        let over: Vec<_> = self
            .allocations
            .retiring
            .iter()
            .filter(|(address, entry)| self.is_reusable(**address, entry) && !remembered.contains(*address))
            .map(|(&address, _)| address)
            .collect();
        for address in over {
            self.change(Change::Forget { address });
        }
    }
}
