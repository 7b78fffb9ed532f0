//! Who shall have an address: one claim a MAC, together with what the pool itself reserves for that MAC.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::ipam::{Allocations, Claim, Intent, Owner, Waiting};
use crate::mac::MacAddr;
use crate::pool::{Pool, Reservation};

/// A card that shall have an address: by a claim, by a reservation, or by both.
pub(super) struct Holder<'a> {
    pub(super) mac: MacAddr,
    /// The one claim that counts for the MAC.
    pub(super) claim: Option<&'a Claim>,
    pub(super) reservation: Option<&'a Reservation>,
}

impl Holder<'_> {
    /// The only address that will do, if it is not any: the reservation's, else the claim's.
    pub(super) fn demand(&self) -> Option<Ipv4Addr> {
        self.reserved().or(self.wanted())
    }

    /// The address that the pool reserves for it.
    pub(super) fn reserved(&self) -> Option<Ipv4Addr> {
        self.reservation.and_then(|reservation| reservation.address)
    }

    /// The address that its claim declares.
    pub(super) fn wanted(&self) -> Option<Ipv4Addr> {
        self.claim.and_then(|claim| claim.wanted)
    }

    /// The address that its claim had, or has.
    pub(super) fn remembered(&self) -> Option<Ipv4Addr> {
        self.claim.and_then(|claim| claim.remembered)
    }

    /// Why the address that its claim declares is not even tried: the pool's owner reserves another, and decides.
    pub(super) fn contradiction(&self) -> Option<Waiting> {
        match (self.wanted(), self.reserved()) {
            (Some(address), Some(reserved)) if address != reserved => {
                Some(Waiting::ReservationDiffers { address, reserved })
            }
            _ => None,
        }
    }
}

/// Everybody who shall have an address, and every address that is declared.
pub(super) struct Holders<'a> {
    /// In the order in which they are served: cards that only a reservation knows by MAC, then claims by age.
    pub(super) in_order: Vec<Holder<'a>>,
    /// All claims by age, whatever their intent.
    pub(super) by_age: Vec<&'a Claim>,
    position: BTreeMap<MacAddr, usize>,
    claimed: BTreeSet<MacAddr>,
    /// Those of them of which some claim is not of a VM.
    by_hand: BTreeSet<MacAddr>,
    reserved_for: BTreeMap<Ipv4Addr, MacAddr>,
    /// The MAC of the oldest claim that declares the address.
    declared_by: BTreeMap<Ipv4Addr, MacAddr>,
}

impl<'a> Holders<'a> {
    /// Elects one claim a MAC, and gathers the declarations.
    pub(super) fn elect(pool: &'a Pool, allocations: &Allocations, claims: &[&'a Claim]) -> Self {
        let mut elected: BTreeMap<MacAddr, &'a Claim> = BTreeMap::new();
        for &claim in claims.iter().filter(|claim| claim.intent == Intent::Hold) {
            let best = elected.entry(claim.mac).or_insert(claim);
            if rank(claim, allocations) < rank(best, allocations) {
                *best = claim;
            }
        }
        let macs: BTreeSet<_> = elected.keys().chain(pool.reservations.keys()).copied().collect();
        let holder =
            |mac| Holder { mac, claim: elected.get(&mac).copied(), reservation: pool.reservations.get(&mac) };
        let mut in_order: Vec<_> = macs.into_iter().map(holder).collect();
        in_order.sort_by_key(|holder| (holder.claim.map(|claim| &claim.owner), holder.mac));
        let position = in_order.iter().enumerate().map(|(at, holder)| (holder.mac, at)).collect();

        let mut by_age: Vec<_> = claims.to_vec();
        by_age.sort_by_key(|claim| (&claim.owner, claim.mac, claim.wanted, claim.remembered, claim.granted));
        let reserved_for = pool.reservations.iter().filter_map(|(&mac, r)| Some((r.address?, mac))).collect();
        let mut holders = Self {
            in_order,
            position,
            claimed: claims.iter().map(|claim| claim.mac).collect(),
            by_hand: claims.iter().filter(|claim| !claim.of_vm).map(|claim| claim.mac).collect(),
            reserved_for,
            declared_by: BTreeMap::new(),
            by_age,
        };
        for claim in &holders.by_age {
            // A declaration that can never be met must not keep the address from others.
            let overruled = pool
                .reservations
                .get(&claim.mac)
                .is_some_and(|r| r.address.is_some() && r.address != claim.wanted);
            if let Some(address) = claim.wanted
                && claim.intent != Intent::Release
                && !claim.lapsed
                && !overruled
                && holders.admits(pool, claim.mac, address)
            {
                holders.declared_by.entry(address).or_insert(claim.mac);
            }
        }
        holders
    }

    /// Whether that MAC shall have an address, and which.
    pub(super) fn get(&self, mac: MacAddr) -> Option<&Holder<'a>> {
        self.position.get(&mac).and_then(|&at| self.in_order.get(at))
    }

    /// Whether any claim has that MAC, be it one that goes.
    pub(super) fn is_claimed(&self, mac: MacAddr) -> bool {
        self.claimed.contains(&mac)
    }

    /// Whether only VMs of the cluster claim that MAC.
    pub(super) fn is_of_vm(&self, mac: MacAddr) -> bool {
        self.is_claimed(mac) && !self.by_hand.contains(&mac)
    }

    /// Whether the pool may give that address to that MAC: a reserved one to its MAC alone.
    pub(super) fn admits(&self, pool: &Pool, mac: MacAddr, address: Ipv4Addr) -> bool {
        match self.reserved_for(address) {
            Some(owner) => owner == mac,
            None => pool.domain.contains(address),
        }
    }

    /// Whom the address is reserved for.
    pub(super) fn reserved_for(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.reserved_for.get(&address).copied()
    }

    /// Whose claim declares the address, of several the oldest's.
    pub(super) fn declared_by(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.declared_by.get(&address).copied()
    }

    /// Every address that a reservation or a claim declares.
    pub(super) fn declared(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.reserved_for.keys().chain(self.declared_by.keys()).copied()
    }
}

/// Which of several claims on one MAC counts: the lowest. First those that know which address the pool has for the MAC,
/// then those whose status says that they have one, then the oldest; the rest only makes the order total.
type Rank<'a> = (bool, bool, &'a Owner, Option<Ipv4Addr>, Option<Ipv4Addr>);

fn rank<'a>(claim: &'a Claim, allocations: &Allocations) -> Rank<'a> {
    let held = claim.remembered.is_some_and(|address| allocations.held.get(&address) == Some(&claim.mac));
    (!held, !claim.granted, &claim.owner, claim.wanted, claim.remembered)
}
