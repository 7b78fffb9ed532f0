//! What to do about allocations that the pool has lost: its status is gone, or older than what claims and agents know.
//!
//! What a claim's status says comes back. What an agent says that it serves is held for its MAC. For everything else
//! the pool recovers: an address of which it says nothing goes to no card that is not known to have had it, until no
//! lease can be running of which nobody knows, every agent has told all that it served, or the operator says so.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Planner;
use crate::api::LossCause;
use crate::ipam::{Change, Claim, Waiting};
use crate::mac::MacAddr;

impl Planner<'_> {
    /// Holds what agents serve and the pool has lost, and begins or ends the recovery.
    pub(super) fn keep_served(&mut self) {
        let (given, loss) = (self.given, self.evidence.loss);
        let mut cause = loss.cause;
        for &address in loss.served.keys() {
            let is_ours = self.pool.domain.contains(address) || self.holders.reserved_for(address).is_some();
            // Of several cards one stands for all: nobody gets the address.
            let Some(mac) = self.served(address).next().filter(|_| is_ours) else { continue };
            if self.unreadable.contains(&address) {
                continue;
            }
            match (self.allocations.held.get(&address), self.allocations.retiring.get(&address)) {
                (None, None) => {
                    cause = cause.or(Some(LossCause::OlderBackup));
                    self.change(Change::Keep { address, mac });
                }
                // Released before the backup, and given back to its card after it; unless the card has got another since.
                (None, Some(entry)) if entry.mac == mac && !entry.served && self.current(mac).is_none() => {
                    self.change(Change::Keep { address, mac });
                }
                _ => {}
            }
        }
        if let Some(cause) = cause.filter(|_| !loss.nothing_else_used) {
            self.recover(cause);
        }
        if loss.nothing_else_used {
            for (&address, _) in given.retiring.iter().filter(|(_, entry)| entry.served) {
                self.change(Change::Forget { address });
            }
        }
        // As long as a loss shows, not everybody serves what was rebuilt.
        let Some(recovery) = given.recovery.filter(|_| cause.is_none() || loss.nothing_else_used) else {
            return;
        };
        let leases_end = recovery.withdrawn.map(|withdrawn| self.leases_end(withdrawn));
        let all_told =
            self.evidence.withdrawn.unknown && loss.witnessed && !loss.unnamed && self.disputed().is_empty();
        if loss.nothing_else_used || all_told || leases_end.is_some_and(|end| end <= self.evidence.now) {
            self.change(Change::Recovered);
        } else if recovery.withdrawn.is_none() && self.evidence.withdrawn.unknown {
            self.change(Change::WithdrawUnknown);
        }
    }

    /// A card that now gets another address than the one that agents go on serving to it leaves that one, like any
    /// other: or its guest would stay there.
    pub(super) fn leave_served(&mut self) {
        let moved = self.changes.iter().filter_map(|change| match change {
            Change::Allocate { mac, .. } => Some(*mac),
            _ => None,
        });
        let moved: BTreeSet<_> = moved.collect();
        let served =
            self.allocations.retiring.iter().filter(|(_, entry)| entry.served && moved.contains(&entry.mac));
        let left: Vec<_> = served.map(|(&address, entry)| (address, entry.mac)).collect();
        for (address, mac) in left {
            self.leave(mac, address);
        }
    }

    /// Begins the recovery, or begins it anew if its end was in sight.
    fn recover(&mut self, cause: LossCause) {
        if self.allocations.recovery.is_none_or(|recovery| recovery.withdrawn.is_some()) {
            self.change(Change::Recover { cause });
        }
    }

    /// Takes addresses back into the pool that a claim's status says its card has, and of which the pool says nothing:
    /// a guest uses them. When allocations are known to be lost, also those that a card had: a guest may use them.
    ///
    /// What leaves a card is traced for as long as its claim remembers it. So the pool is older than a status that says
    /// such an address is granted, and the status counts: its card keeps, or gets back, what the status says.
    pub(super) fn restore(&mut self) {
        let holders = self.holders;
        for granted in [true, false] {
            let elected = holders.in_order.iter().filter_map(|holder| holder.claim);
            let claims = elected.chain(holders.by_age.iter().copied());
            if !granted && self.allocations.recovery.is_none() {
                break;
            }
            for claim in claims.filter(|claim| claim.granted == granted) {
                if let Some(address) = claim.remembered.filter(|&address| self.is_lost(claim, address)) {
                    self.take_back(claim, address);
                }
            }
        }
        self.confirm();
    }

    /// Gives cards back what their claim remembers and an agent serves to them and nobody else: where both say so, the
    /// pool's word is older, and whomever it has for the address lost it before.
    fn confirm(&mut self) {
        let holders = self.holders;
        for holder in &holders.in_order {
            let (mac, current) = (holder.mac, self.current(holder.mac));
            let Some(address) = holder.remembered().filter(|&address| current != Some(address)) else {
                continue;
            };
            let is_served =
                self.served(address).next() == Some(mac) && !self.is_served_to_another(mac, address);
            let is_better = current.is_none() || current != holder.demand();
            if !is_served || !is_better || self.unreadable.contains(&address) {
                continue;
            }
            if let Some(&other) = self.allocations.held.get(&address) {
                self.leave(other, address);
            }
            if let Some(former) = current {
                self.leave(mac, former);
            }
            self.change(Change::Allocate { address, mac });
        }
    }

    fn take_back(&mut self, claim: &Claim, address: Ipv4Addr) {
        let mac = claim.mac;
        // Upstream's pools may lack what its claims say that they have, without having lost anything.
        if claim.granted && self.given.longest_lease.is_some() && !self.evidence.loss.nothing_else_used {
            self.recover(LossCause::OlderBackup);
        }
        let holder = self.holders.get(mac);
        let elected =
            holder.filter(|holder| holder.claim.is_some_and(|elected| std::ptr::eq(elected, claim)));
        match (self.current(mac), elected) {
            (None, _) if claim.granted && holder.is_some() => self.change(Change::Allocate { address, mac }),
            (None, Some(_)) if !self.pool.paused && self.obstacle(mac, address).is_none() => {
                self.change(Change::Allocate { address, mac });
            }
            (Some(other), Some(holder)) if claim.granted && holder.demand() != Some(other) => {
                self.leave(mac, other);
                self.change(Change::Allocate { address, mac });
            }
            _ => self.leave(mac, address),
        }
    }

    /// Whether the pool could have given that address to that claim and knows nothing of it.
    ///
    /// What is granted need not be in the ranges any more: no VM moves because its pool has changed.
    fn is_lost(&self, claim: &Claim, address: Ipv4Addr) -> bool {
        (self.pool.domain.contains(address)
            || self.holders.reserved_for(address).is_some()
            || (claim.granted && self.pool.cidr.contains(&address)))
            && !self.allocations.held.contains_key(&address)
            && !self.allocations.retiring.contains_key(&address)
            && !self.unreadable.contains(&address)
            && !self.evidence.reuse.contains(&address)
    }

    /// Whether an address of which the pool says nothing may be in use by a guest that nobody knows.
    pub(super) fn is_recovering(&self) -> bool {
        (self.allocations.recovery.is_some() || self.evidence.loss.unnamed)
            && !self.evidence.loss.nothing_else_used
    }

    /// Why nothing of which the pool says nothing is given.
    pub(super) fn recovering(&self) -> Waiting {
        let recovery = self.allocations.recovery.filter(|_| !self.evidence.loss.unnamed);
        let withdrawn = recovery.and_then(|recovery| recovery.withdrawn);
        Waiting::PoolRecovering { until: withdrawn.map(|withdrawn| self.leases_end(withdrawn)) }
    }

    /// Whether that card may have that address although the pool recovers.
    ///
    /// A reserved address has been given to no other card for as long as it was reserved.
    pub(super) fn may_return(&self, mac: MacAddr, address: Ipv4Addr) -> bool {
        self.evidence.reuse.contains(&address)
            || self.holders.reserved_for(address) == Some(mac)
            || self.holders.get(mac).and_then(super::Holder::remembered) == Some(address)
    }

    /// Whether an agent says that it serves that address to some card of which the pool does not say so.
    pub(super) fn is_served(&self, address: Ipv4Addr) -> bool {
        self.served(address).next().is_some()
    }

    /// The same, to another card than that one.
    pub(super) fn is_served_to_another(&self, mac: MacAddr, address: Ipv4Addr) -> bool {
        self.served(address).any(|by| by != mac)
    }

    /// Whether an agent may be serving that pair.
    pub(super) fn may_be_served(&self, mac: MacAddr, address: Ipv4Addr) -> bool {
        self.evidence.loss.unnamed || self.served(address).any(|by| by == mac)
    }

    /// The cards to which agents say that they serve the address, unless the operator knows better.
    fn served(&self, address: Ipv4Addr) -> impl Iterator<Item = MacAddr> {
        let loss = self.evidence.loss;
        let overruled = loss.nothing_else_used || self.evidence.reuse.contains(&address);
        loss.served.get(&address).filter(|_| !overruled).into_iter().flatten().copied()
    }

    /// Pairs that agents serve although the pool has another card for the address.
    pub(super) fn disputed(&self) -> Vec<(Ipv4Addr, MacAddr)> {
        let addresses = self.evidence.loss.served.keys().copied();
        let served = addresses.flat_map(|address| self.served(address).map(move |mac| (address, mac)));
        let is_disputed = |(address, mac): &(Ipv4Addr, MacAddr)| {
            let held = self.allocations.held.get(address);
            let retiring = self.allocations.retiring.get(address).map(|entry| &entry.mac);
            held.or(retiring).is_some_and(|holder| holder != mac)
        };
        served.filter(is_disputed).collect()
    }
}
