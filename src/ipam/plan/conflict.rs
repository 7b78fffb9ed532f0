//! Addresses that somebody uses who does not have them.
//!
//! Agents say so, and one that was broken into can say anything. So an address that is held is left to its card, unless
//! that may have any and every agent says that no guest has used it yet; a card is moved once an hour at most; and no
//! more than one address in twenty is out of use at a time ([`most`]).

use std::net::Ipv4Addr;

use super::pick::Free;
use super::{Holder, Planner};
use crate::ipam::quarantine::{BETWEEN_MOVES, PROBATION, most};
use crate::ipam::{Change, Conflict, Waiting};
use crate::mac::MacAddr;

impl Planner<'_> {
    /// Keeps addresses out of use for as long as they are found to be used, and lets those come back of which nothing was
    /// heard for their time.
    pub(super) fn follow_quarantined(&mut self) {
        let now = self.evidence.now;
        for (&address, entry) in &self.given.quarantined {
            match self.conflict(address) {
                _ if self.evidence.reuse.contains(&address) => self.change(Change::EndQuarantine { address }),
                // Once in half its time is often enough to write it.
                Some(Conflict { by, .. })
                    if entry.until.duration_since(now).as_secs() <= i64::from(PROBATION) / 2
                        || by != entry.by =>
                {
                    self.change(Change::Quarantine { address, by, moved: None });
                }
                None if entry.until <= now => self.change(Change::EndQuarantine { address }),
                _ => {}
            }
        }
    }

    /// Puts addresses out of use that are found to be used and that no card has (any more).
    pub(super) fn quarantine(&mut self) {
        for (&address, &Conflict { by, .. }) in self.evidence.conflicts {
            // The guest that had it last may run on; it is waited for anyway.
            let is_former = self.allocations.retiring.get(&address).is_some_and(|entry| entry.mac == by);
            if self.conflict(address).is_some()
                && !is_former
                && !self.allocations.held.contains_key(&address)
                && self.may_quarantine(address)
            {
                self.change(Change::Quarantine { address, by, moved: None });
            }
        }
    }

    /// Gives cards another address for one that somebody else uses, where no guest has used it and there is another.
    pub(super) fn move_away(&mut self, free: &mut Free) {
        let holders = self.holders;
        for holder in &holders.in_order {
            if let Some((address, by)) = self.is_to_be_moved(holder)
                && let Some(better) = free.take(holder.mac)
            {
                let mac = holder.mac;
                self.leave(mac, address);
                self.change(Change::Quarantine { address, by, moved: Some(mac) });
                self.change(Change::Allocate { address: better, mac });
            }
        }
    }

    /// The address that a card is to give up for another one, and who uses it.
    ///
    /// Not one that it has got just now: nobody can have looked whether that one is in use.
    fn is_to_be_moved(&self, holder: &Holder<'_>) -> Option<(Ipv4Addr, MacAddr)> {
        let mac = holder.mac;
        let address = self.current(mac).filter(|address| self.given.held.get(address) == Some(&mac))?;
        let Conflict { by, unused: true } = self.conflict(address)? else { return None };
        let may_have_any = holder.reservation.is_none() && holder.demand().is_none();
        let moved_lately = self.allocations.quarantined.values().any(|entry| {
            entry.moved == Some(mac) && self.evidence.now.duration_since(entry.since) < BETWEEN_MOVES
        });
        (by != mac && may_have_any && !moved_lately && self.may_quarantine(address)).then_some((address, by))
    }

    /// What agents say of an address, unless the operator knows better.
    fn conflict(&self, address: Ipv4Addr) -> Option<Conflict> {
        let reported = self.evidence.conflicts.get(&address).copied();
        reported.filter(|_| !self.evidence.reuse.contains(&address))
    }

    fn may_quarantine(&self, address: Ipv4Addr) -> bool {
        self.pool.domain.contains(address)
            && !self.allocations.quarantined.contains_key(&address)
            && self.allocations.quarantined.len() < most(self.pool)
    }

    /// What those wait for who would take any address, when all that is left is in use by others.
    pub(super) fn in_use(&self) -> Option<Waiting> {
        let open = self.allocations.quarantined.iter().filter(|(address, _)| {
            self.pool.domain.contains(**address)
                && !self.allocations.held.contains_key(*address)
                && self.holders.reserved_for(**address).is_none()
                && self.holders.declared_by(**address).is_none()
                && !self.unreadable.contains(*address)
        });
        let until = open.clone().map(|(_, entry)| entry.until).min()?;
        Some(Waiting::AddressInUse { quarantined: open.count(), until })
    }
}
