//! Which changes the allocations of a pool need, given everything that is known.
//!
//! Level-triggered: it looks at every claim each time, so a lost event, a crash between two writes or a status out of
//! an older backup only make the next plan longer. Deterministic: the order of the claims does not matter. Planning
//! again after the changes changes nothing.
//!
//! In this order, so that what is in use stays and what is declared is met before anything is picked:
//!
//! 1. What operator and agents have told ([`Planner::take_evidence`], [`Planner::follow_quarantined`],
//!    [`Planner::keep_served`]).
//! 2. Addresses that a claim's status says it has or had and the pool has lost ([`Planner::restore`]).
//! 3. Addresses leave those who shall not have them ([`Planner::retire`]), and those that somebody else uses go out of use
//!    ([`Planner::quarantine`]).
//! 4. Declared addresses ([`Planner::serve_declared`]), former ones ([`Planner::give_back`]), any ([`Planner::pick`]);
//!    another for a card whose address somebody else uses ([`Planner::move_away`]).
//!
//! A card whose declared address is not to be had keeps the one it has until it is: a wish costs no VM its network.

mod conflict;
mod holders;
mod pick;
mod recover;
mod retire;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use self::holders::{Holder, Holders};
use super::{Allocations, Change, Claim, Evidence, Intent, Outcome, Plan, Retiring, Waiting};
use crate::mac::MacAddr;
use crate::pool::Pool;

/// What has to change in a pool's allocations, and what becomes of each claim of its network.
///
/// `claims` are all of them: an address whose claim is missing counts as nobody's, and is kept and reported.
pub fn plan(
    pool: &Pool,
    allocations: &Allocations,
    claims: &[impl Borrow<Claim>],
    evidence: &Evidence<'_>,
) -> Plan {
    let claims: Vec<&Claim> = claims.iter().map(Borrow::borrow).collect();
    let holders = Holders::elect(pool, allocations, &claims);
    let mut planner = Planner::new(pool, allocations, &holders, evidence);
    planner.take_evidence();
    planner.follow_quarantined();
    planner.keep_served();
    planner.restore();
    planner.retire();
    planner.quarantine();
    if !pool.paused {
        planner.serve_declared();
        planner.give_back();
        planner.pick();
        planner.leave_served();
    }
    planner.mark_reservations();
    planner.forget();
    planner.finish(&claims)
}

/// A plan in the making.
struct Planner<'a> {
    pool: &'a Pool,
    holders: &'a Holders<'a>,
    evidence: &'a Evidence<'a>,
    /// The allocations as they are.
    given: &'a Allocations,
    /// The allocations as they will be: every change is made here as soon as it is planned.
    allocations: Allocations,
    /// `allocations.held`, the other way round.
    held_by: BTreeSet<(MacAddr, Ipv4Addr)>,
    unreadable: BTreeSet<Ipv4Addr>,
    changes: Vec<Change>,
}

impl<'a> Planner<'a> {
    fn new(
        pool: &'a Pool,
        given: &'a Allocations,
        holders: &'a Holders<'a>,
        evidence: &'a Evidence<'a>,
    ) -> Self {
        Self {
            pool,
            holders,
            evidence,
            given,
            allocations: given.clone(),
            held_by: given.held.iter().map(|(&address, &mac)| (mac, address)).collect(),
            unreadable: given.unreadable_addresses().collect(),
            changes: Vec::new(),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Allocate { address, mac } => {
                self.held_by.insert((mac, address));
            }
            Change::Retire { address, mac, .. } => {
                self.held_by.remove(&(mac, address));
            }
            Change::Keep { .. }
            | Change::Quarantine { .. }
            | Change::EndQuarantine { .. }
            | Change::Recover { .. }
            | Change::WithdrawUnknown
            | Change::Recovered
            | Change::Withdraw { .. }
            | Change::Forget { .. }
            | Change::Reserve { .. }
            | Change::LongestLease { .. } => {}
        }
        self.allocations.apply(&change, self.evidence.now);
        self.changes.push(change);
    }

    /// Takes an address from that MAC.
    fn leave(&mut self, mac: MacAddr, address: Ipv4Addr) {
        self.change(Change::Retire { address, mac, of_vm: self.holders.is_of_vm(mac) });
    }

    /// The (lowest) address that a MAC has.
    fn current(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        let mut held = self.held_by.range((mac, Ipv4Addr::UNSPECIFIED)..=(mac, Ipv4Addr::BROADCAST));
        held.next().map(|&(_, address)| address)
    }

    /// Moves cards to the address that is declared for them, where it is to be had.
    fn serve_declared(&mut self) {
        let holders = self.holders;
        for holder in &holders.in_order {
            let Some(address) = holder.demand() else { continue };
            let (mac, current) = (holder.mac, self.current(holder.mac));
            if current == Some(address) || self.obstacle(mac, address).is_some() {
                continue;
            }
            if let Some(former) = current {
                self.leave(mac, former);
            }
            self.change(Change::Allocate { address, mac });
        }
    }

    /// Why a MAC cannot have that address now; nothing if it can, or has it.
    fn obstacle(&self, mac: MacAddr, address: Ipv4Addr) -> Option<Waiting> {
        let holder = self.allocations.held.get(&address).copied();
        if holder == Some(mac) {
            return None;
        }
        if let Some(by) = self.holders.reserved_for(address)
            && by != mac
        {
            return Some(Waiting::AddressDeclared { address, by });
        }
        if !self.holders.admits(self.pool, mac, address) {
            return Some(Waiting::AddressNotInPool { address });
        }
        if self.unreadable.contains(&address) {
            return Some(Waiting::AddressUnreadable { address });
        }
        if let Some(by) = holder {
            return Some(Waiting::AddressTaken { address, by });
        }
        if let Some(by) = self.holders.declared_by(address)
            && by != mac
        {
            return Some(Waiting::AddressDeclared { address, by });
        }
        if let Some(entry) = self.allocations.quarantined.get(&address)
            && entry.by != mac
        {
            return Some(Waiting::AddressInUse { quarantined: 1, until: entry.until });
        }
        match self.allocations.retiring.get(&address) {
            _ if self.is_served_to_another(mac, address) => {
                Some(Waiting::AddressRetiring { retiring: 1, until: None })
            }
            Some(entry) if entry.mac != mac && !self.is_reusable(address, entry) => {
                Some(Waiting::AddressRetiring { retiring: 1, until: self.until(address, entry) })
            }
            None if self.is_recovering() && !self.may_return(mac, address) => Some(self.recovering()),
            _ => None,
        }
    }

    /// Retiring addresses that anybody could get once they are over.
    fn open_retiring(&self) -> impl Iterator<Item = (Ipv4Addr, &Retiring)> {
        let open = |address: &Ipv4Addr| {
            self.pool.domain.contains(*address)
                && self.holders.reserved_for(*address).is_none()
                && self.holders.declared_by(*address).is_none()
                && !self.unreadable.contains(address)
                && !self.allocations.quarantined.contains_key(address)
        };
        let retiring = self.allocations.retiring.iter();
        retiring.filter(move |(address, _)| open(address)).map(|(&address, entry)| (address, entry))
    }

    /// Notes which addresses are held because of a reservation, so that they go with it.
    fn mark_reservations(&mut self) {
        let reserved = |mac: &MacAddr| self.pool.reservations.contains_key(mac);
        let held = |address| self.allocations.held.get(address);
        let obsolete =
            self.allocations.reserved.iter().filter(|&address| !held(address).is_some_and(reserved));
        let mut marks: Vec<_> = obsolete.map(|&address| Change::Reserve { address, held: false }).collect();
        let current = self.pool.reservations.keys().filter_map(|&mac| self.current(mac));
        let missing = current.filter(|address| !self.allocations.reserved.contains(address));
        marks.extend(missing.map(|address| Change::Reserve { address, held: true }));
        for mark in marks {
            self.change(mark);
        }
    }

    /// What becomes of everybody.
    fn finish(self, claims: &[&Claim]) -> Plan {
        let none_left = self.none_left();
        let waiting: Vec<_> =
            self.holders.in_order.iter().map(|holder| (holder, self.waiting(holder, &none_left))).collect();
        let wake = waiting.iter().filter_map(|(_, waiting)| waiting.as_ref()?.until()).min();
        let unserved = |(holder, waiting): &(&Holder<'_>, Option<Waiting>)| {
            let current = self.current(holder.mac);
            let served =
                current.is_some() && holder.reserved().is_none_or(|address| current == Some(address));
            (holder.reservation.is_some() && !served).then_some(())?;
            Some((holder.mac, waiting.clone()?))
        };
        let unserved_reservations = waiting.iter().filter_map(unserved).collect();
        let outcomes = claims.iter().map(|claim| self.outcome(claim, &none_left)).collect();
        let orphan = |mac| !self.holders.is_claimed(mac) && self.holders.get(mac).is_none();
        let held = self.allocations.held.iter().map(|(&address, &mac)| (address, mac));
        let orphans = held.filter(|&(_, mac)| orphan(mac)).collect();
        let disputed = self.disputed();
        Plan { changes: self.changes, outcomes, unserved_reservations, orphans, disputed, wake }
    }

    fn outcome(&self, claim: &Claim, none_left: &Waiting) -> Outcome {
        let (Intent::Hold, Some(holder)) = (claim.intent, self.holders.get(claim.mac)) else {
            return Outcome::Released;
        };
        if let Some(elected) = holder.claim
            && !std::ptr::eq(elected, claim)
        {
            return Outcome::Waits(Waiting::DuplicateMac { owner: elected.owner.clone() });
        }
        // An address by which only the reservation is not served is good enough for the claim.
        match self.current(claim.mac) {
            Some(address) if claim.wanted.is_none_or(|wanted| wanted == address) => Outcome::Holds(address),
            _ => {
                let waiting = holder.contradiction().or_else(|| self.waiting(holder, none_left));
                Outcome::Waits(waiting.unwrap_or_else(|| none_left.clone()))
            }
        }
    }

    /// Why somebody has not the address that it shall have; nothing if it has.
    fn waiting(&self, holder: &Holder<'_>, none_left: &Waiting) -> Option<Waiting> {
        let current = self.current(holder.mac);
        match holder.demand() {
            Some(address) if current == Some(address) => None,
            // Had there been no obstacle, it would have got it: unless nobody gets anything.
            Some(address) => self.obstacle(holder.mac, address).or(Some(Waiting::PoolPaused)),
            None if current.is_some() => None,
            None => Some(none_left.clone()),
        }
    }

    /// Why somebody has no address who would have taken any.
    fn none_left(&self) -> Waiting {
        if self.pool.paused {
            return Waiting::PoolPaused;
        }
        if self.is_recovering() && !self.unknown().is_empty() {
            return self.recovering();
        }
        let retiring = self.open_retiring().count();
        if retiring == 0 {
            return self.in_use().unwrap_or(Waiting::Exhausted);
        }
        let until = self.open_retiring().filter_map(|(address, entry)| self.until(address, entry)).min();
        Waiting::AddressRetiring { retiring, until }
    }
}
