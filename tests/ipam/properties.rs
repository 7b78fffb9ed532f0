//! What holds for every plan, whatever pool, allocations, claims and evidence it starts from.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use proptest::prelude::*;
use smol_str::ToSmolStr;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::LossCause;
use vmdhcp_core::ipam::{
    Allocations, Claim, Conflict, Intent, Outcome, Plan, Quarantine, Recovery, Retiring, Waiting, Withdrawn,
    most_quarantined, plan,
};

use crate::fixtures::*;

/// The ranges of every pool here; the subnet has more addresses, so that everything also happens outside them.
const FIRST: u8 = 4;
const LAST: u8 = 11;
/// Addresses that anything may name.
const NAMED: std::ops::Range<u8> = 1..16;
const CARDS: std::ops::Range<u8> = 1..8;

/// A pool, kept in the simplest form beside the real one, so that a check need not ask what it checks.
#[derive(Debug, Clone)]
struct Case {
    spec: PoolSpec,
    server: Ipv4Addr,
    excluded: Ipv4Addr,
    reservations: BTreeMap<MacAddr, Option<Ipv4Addr>>,
    paused: bool,
    lease: u32,
    allocations: Allocations,
    claims: Vec<Claim>,
    world: World,
}

impl Case {
    fn in_domain(&self, address: Ipv4Addr) -> bool {
        (ip(FIRST)..=ip(LAST)).contains(&address) && address != self.server && address != self.excluded
    }

    fn reserved_for(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.reservations.iter().find(|(_, reserved)| **reserved == Some(address)).map(|(mac, _)| *mac)
    }

    fn has_live_owner(&self, mac: MacAddr) -> bool {
        self.reservations.contains_key(&mac)
            || self.claims.iter().any(|claim| claim.mac == mac && claim.intent == Intent::Hold)
    }

    fn has_claim(&self, mac: MacAddr) -> bool {
        self.claims.iter().any(|claim| claim.mac == mac)
    }

    /// Whether a claim's status is the only trace of this pair.
    fn is_granted(&self, address: Ipv4Addr, mac: MacAddr) -> bool {
        self.claims.iter().any(|claim| claim.mac == mac && claim.granted && claim.remembered == Some(address))
    }

    /// The cards that a claim declares the address for, where that can be met.
    fn declared_by(&self, address: Ipv4Addr) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(move |claim| {
            let overruled =
                self.reservations.get(&claim.mac).is_some_and(|r| r.is_some_and(|r| r != address));
            let admitted = match self.reserved_for(address) {
                Some(mac) => mac == claim.mac,
                None => self.in_domain(address),
            };
            claim.wanted == Some(address)
                && !claim.lapsed
                && claim.intent != Intent::Release
                && !overruled
                && admitted
        })
    }

    /// When the leases of a retiring pair have certainly run out.
    fn leases_end(&self, entry: &Retiring) -> Option<Timestamp> {
        let longest = self.allocations.longest_lease.unwrap_or(self.lease);
        let end = at(entry.withdrawn?.as_second() + i64::from(longest));
        Some(self.allocations.earlier_leases_end.map_or(end, |earlier| end.max(earlier)))
    }

    /// Whether an agent says that it serves the pair, and a claim remembers it.
    fn is_confirmed(&self, address: Ipv4Addr, mac: MacAddr) -> bool {
        !self.is_served_to_another(address, Some(mac))
            && self.is_served_to_another(address, None)
            && self.claims.iter().any(|claim| claim.mac == mac && claim.remembered == Some(address))
    }

    /// Whether an agent says that it serves the address to another card than that one, and nobody knows better.
    fn is_served_to_another(&self, address: Ipv4Addr, mac: Option<MacAddr>) -> bool {
        let overruled = self.world.nothing_else_used || self.world.reuse.contains(&address);
        let served = self.world.served.get(&address);
        !overruled && served.is_some_and(|macs| macs.iter().any(|by| Some(*by) != mac))
    }

    fn may_change_hands(&self, address: Ipv4Addr, entry: &Retiring) -> bool {
        if self.world.reuse.contains(&address) || (self.world.nothing_else_used && entry.served) {
            return true;
        }
        if self.is_served_to_another(address, None) || (entry.served && self.world.unnamed) {
            return false;
        }
        (self.world.absent.contains(&entry.mac)
            && !self.has_claim(entry.mac)
            && (self.world.withdrawn.longer_leases || entry.withdrawn.is_some()))
            || self.leases_end(entry).is_some_and(|end| end <= self.world.now)
    }
}

fn any_address() -> impl Strategy<Value = Ipv4Addr> {
    NAMED.prop_map(ip)
}

fn mac_of(card: u8) -> MacAddr {
    mac(card)
}

prop_compose! {
    fn any_claim()(
        card in CARDS,
        intent in prop_oneof![6 => Just(Intent::Hold), 1 => Just(Intent::Pause), 2 => Just(Intent::Release)],
        wanted in prop::option::weighted(0.4, any_address()),
        remembered in prop::option::weighted(0.5, any_address()),
        (granted, of_vm, lapsed) in (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)),
    ) -> Claim {
        let lapsed = lapsed && wanted.is_some();
        Claim { intent, wanted, remembered, granted: granted && remembered.is_some(), of_vm, lapsed, ..claim(card) }
    }
}

fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
    prop::collection::vec(any_claim(), 0..10).prop_map(|mut claims| {
        for (number, claim) in (0..).zip(&mut claims) {
            claim.owner.uid = format!("uid-{number}");
            claim.owner.name = format!("vm-{number}");
            // Some are of one age.
            claim.owner.created = at(i64::from(number / 2 * 7 % 5));
        }
        claims
    })
}

prop_compose! {
    fn any_allocations()(
        entries in prop::collection::btree_map(NAMED, (CARDS, 0_u8..7, 0_i64..7000), 0..12),
        longest_lease in prop::option::of(prop_oneof![Just(LEASE), Just(LEASE * 2)]),
        earlier in prop::option::of(990_000_i64..1_004_000),
        quarantined in prop::collection::btree_map(NAMED, (CARDS, prop::option::of(CARDS), 0_i64..7000), 0..2),
        recovery in prop::option::weighted(0.2, (990_000_i64..1_000_000, prop::option::of(990_000_i64..1_000_000))),
    ) -> Allocations {
        let mut allocations = Allocations {
            longest_lease,
            earlier_leases_end: earlier.map(at),
            recovery: recovery.map(|(since, withdrawn)| Recovery {
                since: at(since), cause: LossCause::OlderBackup, withdrawn: withdrawn.map(at),
            }),
            ..Allocations::default()
        };
        for (last, (by, moved, ago)) in quarantined {
            let (since, until) = (at(1_000_000 - ago), at(1_003_600 - ago));
            allocations.quarantined.insert(ip(last), Quarantine { by: mac(by), since, until, moved: moved.map(mac) });
        }
        for (last, (card, kind, ago)) in entries {
            if kind == 0 {
                allocations.unreadable.insert(ip(last).to_smolstr(), "somebody".into());
            } else if kind <= 3 {
                allocations.held.insert(ip(last), mac(card));
                if kind == 1 {
                    allocations.reserved.insert(ip(last));
                }
            } else {
                let since = at(1_000_000 - ago);
                let entry = Retiring { mac: mac(card), since, withdrawn: (kind > 4).then_some(since), served: kind == 4 && ago > 5000, of_vm: ago % 2 == 0 };
                allocations.retiring.insert(ip(last), entry);
            }
        }
        allocations
    }
}

prop_compose! {
    fn any_case()(
        (server, excluded) in (FIRST..=LAST, FIRST..=LAST).prop_filter("they differ", |(a, b)| a != b),
        reserved in prop::collection::btree_map(CARDS, prop::option::of(NAMED), 0..3),
        paused in prop::bool::weighted(0.1),
        lease in prop_oneof![4 => Just(LEASE), 1 => Just(LEASE / 2)],
        allocations in any_allocations(),
        claims in any_claims(),
        withdrawn in any::<bool>(),
        absent in prop::collection::btree_set(CARDS, 0..3),
        reuse in prop::collection::btree_set(NAMED, 0..2),
        cause in prop::option::weighted(0.1, Just(LossCause::StatusLost)),
        served in prop::collection::btree_map(NAMED.prop_map(ip), prop::collection::btree_set(CARDS.prop_map(mac_of), 1..3), 0..3),
        conflicts in prop::collection::btree_map(NAMED.prop_map(ip), (CARDS.prop_map(mac_of), any::<bool>()), 0..5),
        (unnamed, witnessed, nothing_else_used) in (prop::bool::weighted(0.1), any::<bool>(), prop::bool::weighted(0.1)),
    ) -> Case {
        let mut spec = pool(ip(FIRST), ip(LAST)).with_server(ip(server)).excluding(&ip(excluded).to_string()).leasing(lease);
        let mut reservations: BTreeMap<MacAddr, Option<Ipv4Addr>> = BTreeMap::new();
        for (card, address) in reserved {
            let address = address.filter(|last| *last != server && *last != excluded).map(ip);
            if address.is_some() && reservations.values().any(|other| *other == address) {
                continue;
            }
            reservations.insert(mac(card), address);
            spec = spec.reserving(mac(card), address);
        }
        if paused {
            spec = spec.paused();
        }
        let world = World {
            now: world().now,
            withdrawn: if withdrawn { everything_withdrawn() } else { Withdrawn::default() },
            absent: absent.into_iter().map(mac).collect(),
            reuse: reuse.into_iter().map(ip).collect(),
            cause,
            served,
            unnamed,
            witnessed,
            nothing_else_used,
            conflicts: conflicts.into_iter().map(|(address, (by, unused))| (address, Conflict { by, unused })).collect(),
        };
        let (server, excluded) = (ip(server), ip(excluded));
        Case { spec, server, excluded, reservations, paused, lease, allocations, claims, world }
    }
}

fn settled(case: &Case) -> (Plan, Allocations) {
    let mut after = case.allocations.clone();
    let plan = settle(&case.spec, &mut after, &case.claims, &case.world);
    (plan, after)
}

/// Whether a pair is new with this plan.
fn new_pairs<'a>(case: &'a Case, after: &'a Allocations) -> impl Iterator<Item = (Ipv4Addr, MacAddr)> + 'a {
    let held = after.held.iter().map(|(&address, &mac)| (address, mac));
    held.filter(|(address, mac)| case.allocations.held.get(address) != Some(mac))
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn an_address_has_one_owner_and_a_card_one_address(case in any_case()) {
        let (_, after) = settled(&case);
        let mut by_mac = BTreeMap::new();
        for (&address, &mac) in &after.held {
            prop_assert_eq!(by_mac.insert(mac, address), None, "{} has two addresses", mac);
            prop_assert!(!after.retiring.contains_key(&address));
        }
        prop_assert!(after.reserved.iter().all(|address| after.held.contains_key(address)));
        prop_assert_eq!(&after.unreadable, &case.allocations.unreadable);
    }

    #[test]
    fn nobody_gets_an_address_that_is_not_to_be_given(case in any_case()) {
        let (_, after) = settled(&case);
        for (address, mac) in new_pairs(&case, &after) {
            let reserved_for = case.reserved_for(address);
            prop_assert!(!case.allocations.unreadable.contains_key(&address.to_smolstr()));
            if case.is_granted(address, mac) || case.is_confirmed(address, mac) {
                continue;
            }
            prop_assert!(case.in_domain(address) || reserved_for.is_some(), "{} is not in the pool", address);
            prop_assert!(reserved_for.is_none_or(|owner| owner == mac), "{} is reserved", address);
            prop_assert!(!case.paused, "a paused pool gives nothing out");
            let quarantined = after.quarantined.get(&address);
            prop_assert!(quarantined.is_none_or(|entry| entry.by == mac), "{} is in use", address);
            // Declared by others only if also by this card, and by it first.
            let oldest = case.declared_by(address).min_by_key(|claim| (&claim.owner, claim.mac));
            prop_assert!(oldest.is_none_or(|claim| claim.mac == mac || reserved_for == Some(mac)));
        }
    }

    #[test]
    fn no_address_changes_hands_before_its_rule_allows_it(case in any_case()) {
        let (_, after) = settled(&case);
        for (address, mac) in new_pairs(&case, &after).filter(|(address, mac)| !case.is_confirmed(*address, *mac)) {
            if let Some(entry) = case.allocations.retiring.get(&address) {
                prop_assert!(entry.mac == mac || case.may_change_hands(address, entry));
            }
            prop_assert_eq!(case.allocations.held.get(&address), None, "left and taken in one plan");
        }
    }

    #[test]
    fn while_a_pool_recovers_nobody_gets_an_address_of_which_it_says_nothing(case in any_case()) {
        let (_, after) = settled(&case);
        let recovers = !case.world.nothing_else_used && (after.recovery.is_some() || case.world.unnamed);
        for (address, mac) in new_pairs(&case, &after).filter(|_| recovers) {
            let remembered = case.claims.iter().any(|claim| claim.mac == mac && claim.remembered == Some(address));
            let told = case.allocations.retiring.contains_key(&address)
                || remembered
                || case.reserved_for(address) == Some(mac)
                || case.world.served.get(&address).is_some_and(|macs| macs.contains(&mac))
                || case.world.reuse.contains(&address);
            prop_assert!(told, "{} goes to {}", address, mac);
        }
    }

    #[test]
    fn nobody_gets_an_address_that_an_agent_serves_to_another(case in any_case()) {
        let (_, after) = settled(&case);
        for (address, mac) in new_pairs(&case, &after) {
            prop_assert!(case.is_granted(address, mac) || !case.is_served_to_another(address, Some(mac)));
        }
    }

    #[test]
    fn no_more_than_one_in_twenty_is_out_of_use_whatever_agents_say(case in any_case()) {
        let (_, after) = settled(&case);
        let most = most_quarantined(&case.spec.checked()).max(case.allocations.quarantined.len());
        prop_assert!(after.quarantined.len() <= most);
        for (address, entry) in &after.quarantined {
            let former = case.allocations.quarantined.get(address);
            prop_assert!(former == Some(entry) || case.world.conflicts[address].by == entry.by);
            prop_assert!(entry.until > case.world.now);
        }
    }

    #[test]
    fn a_card_that_nothing_declared_moves_has_never_used_its_address_and_is_moved_once_an_hour(case in any_case()) {
        let (_, after) = settled(&case);
        for (&address, &mac) in &case.allocations.held {
            let better = after.held.iter().find(|(_, holder)| **holder == mac).map(|(address, _)| *address);
            let Some(better) = better.filter(|better| *better != address) else { continue };
            let known = case.claims.iter().filter(|claim| claim.mac == mac);
            let is_known = |claim: &Claim| claim.wanted == Some(better) || claim.remembered == Some(better);
            let had_another = case.allocations.held.iter().filter(|(_, holder)| **holder == mac).count() > 1;
            if had_another || known.clone().any(is_known) || case.reservations.contains_key(&mac) {
                continue;
            }
            let found = case.world.conflicts.get(&address);
            prop_assert!(found.is_some_and(|found| found.unused && found.by != mac), "{} moves without need", mac);
            prop_assert!(!case.world.reuse.contains(&address));
            let lately = |entry: &&Quarantine| entry.moved == Some(mac) && case.world.now.duration_since(entry.since).as_secs() < 3600;
            prop_assert!(case.allocations.quarantined.values().find(lately).is_none(), "{} moves twice within an hour", mac);
            prop_assert_eq!(after.quarantined.get(&address).and_then(|entry| entry.moved), Some(mac));
            // Of several claims on one card it is not said here which counts.
            let holds = known.filter(|claim| claim.intent == Intent::Hold);
            prop_assert!(holds.clone().any(|claim| claim.wanted.is_none()) || holds.count() > 1);
        }
    }

    #[test]
    fn nothing_is_lost_without_a_trace(case in any_case()) {
        let (_, after) = settled(&case);
        for (&address, &mac) in &case.allocations.held {
            let kept = after.held.get(&address) == Some(&mac);
            let retires = after.retiring.get(&address).is_some_and(|entry| entry.mac == mac);
            let confirmed = after.held.get(&address).is_some_and(|&by| case.is_confirmed(address, by));
            prop_assert!(kept || retires || confirmed, "{} of {} is lost", address, mac);
        }
        for (&address, entry) in &case.allocations.retiring {
            let still = after.retiring.get(&address).is_some_and(|now| now.mac == entry.mac && now.since >= entry.since);
            let back = after.held.get(&address) == Some(&entry.mac);
            let confirmed = after.held.get(&address).is_some_and(|&by| case.is_confirmed(address, by));
            prop_assert!(still || back || confirmed || case.may_change_hands(address, entry));
        }
    }

    #[test]
    fn who_shall_have_an_address_and_had_one_has_one(case in any_case()) {
        let (_, after) = settled(&case);
        for mac in case.allocations.held.values() {
            if case.has_live_owner(*mac) {
                prop_assert!(after.held.values().any(|holder| holder == mac), "{} lost its address", mac);
            }
        }
    }

    #[test]
    fn outcomes_say_what_is(case in any_case()) {
        let (plan, after) = settled(&case);
        let held_by = |mac| after.held.iter().find(|(_, holder)| **holder == mac).map(|(address, _)| *address);
        let mut counting = BTreeMap::new();
        for (claim, outcome) in case.claims.iter().zip(&plan.outcomes) {
            let current = held_by(claim.mac);
            match outcome {
                Outcome::Holds(address) => {
                    prop_assert_eq!(claim.intent, Intent::Hold);
                    prop_assert_eq!(current, Some(*address));
                    prop_assert!(claim.wanted.is_none_or(|wanted| wanted == *address));
                }
                Outcome::Waits(waiting) => {
                    prop_assert_eq!(claim.intent, Intent::Hold);
                    let duplicate = matches!(waiting, Waiting::DuplicateMac { .. });
                    prop_assert!(duplicate || current.is_none() || claim.wanted.is_some_and(|wanted| current != Some(wanted)));
                }
                Outcome::Released => {
                    prop_assert!(claim.intent != Intent::Hold);
                    prop_assert!(current.is_none() || case.has_live_owner(claim.mac));
                }
            }
            if claim.intent == Intent::Hold && !matches!(outcome, Outcome::Waits(Waiting::DuplicateMac { .. })) {
                prop_assert_eq!(counting.insert(claim.mac, &claim.owner), None, "two claims on one MAC");
            }
        }
        for (address, mac) in &plan.orphans {
            prop_assert_eq!(after.held.get(address), Some(mac));
            prop_assert!(!case.has_claim(*mac) && !case.reservations.contains_key(mac));
        }
        for (mac, reserved) in &case.reservations {
            let served = held_by(*mac).is_some_and(|current| reserved.is_none_or(|reserved| reserved == current));
            prop_assert_eq!(served, plan.unserved_reservations.iter().all(|(unserved, _)| unserved != mac));
            prop_assert!(held_by(*mac).is_none_or(|current| after.reserved.contains(&current)));
        }
    }

    #[test]
    fn nobody_waits_who_could_be_served(case in any_case()) {
        let (plan, after) = settled(&case);
        let usable = |address: Ipv4Addr| {
            case.in_domain(address)
                && !after.held.contains_key(&address)
                && !after.quarantined.contains_key(&address)
                && !after.unreadable.contains_key(&address.to_smolstr())
                && case.reserved_for(address).is_none()
                && case.declared_by(address).next().is_none()
        };
        let retiring: Vec<_> = after.retiring.iter().filter(|(address, _)| usable(**address)).collect();
        for outcome in &plan.outcomes {
            let Outcome::Waits(waiting) = outcome else { continue };
            if matches!(waiting, Waiting::Exhausted) {
                let free: Vec<_> = NAMED.map(ip).filter(|address| usable(*address)).collect();
                prop_assert!(free.is_empty(), "{:?} are free", free);
            }
        }
        for (claim, outcome) in case.claims.iter().zip(&plan.outcomes) {
            let Outcome::Waits(Waiting::AddressRetiring { retiring: count, until }) = outcome else { continue };
            prop_assert!(until.is_none_or(|until| until > case.world.now && plan.wake.is_some_and(|wake| wake <= until)));
            let any = case.reservations.get(&claim.mac).is_none_or(Option::is_none) && claim.wanted.is_none();
            if any {
                prop_assert_eq!(*count, retiring.len());
                prop_assert!(NAMED.map(ip).all(|address| !usable(address) || after.retiring.contains_key(&address)));
            }
        }
    }

    #[test]
    fn the_order_of_the_claims_does_not_matter(
        (case, order) in any_case().prop_flat_map(|case| {
            let order = Just((0..case.claims.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(case), order)
        })
    ) {
        let (one, _) = settled(&case);
        let shuffled: Vec<_> = order.iter().map(|&index| case.claims[index].clone()).collect();
        let other = plan(&case.spec.checked(), &case.allocations, &shuffled, &case.world.evidence());
        prop_assert_eq!(&one.changes, &other.changes);
        let outcomes: Vec<_> = order.iter().map(|&index| one.outcomes[index].clone()).collect();
        prop_assert_eq!(outcomes, other.outcomes);
        prop_assert_eq!((one.unserved_reservations, one.orphans, one.wake), (other.unserved_reservations, other.orphans, other.wake));
    }

    #[test]
    fn planning_again_changes_nothing(mut case in any_case()) {
        let (mut first, mut after) = settled(&case);
        // A claim whose status said that it had an address, and now says that it waits, may lose a contested MAC.
        let contested = first.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Waits(Waiting::DuplicateMac { .. })));
        // So may one whose former address the operator has released: the word counts once.
        // And what leaves its card while an agent that is behind says that it vanished counts as served after that.
        let behind = case.world.served.iter().any(|(address, macs)| {
            let retiring = case.allocations.retiring.get(address).map(|entry| &entry.mac);
            case.allocations.held.get(address).or(retiring).is_some_and(|mac| macs.contains(mac))
        });
        let unsteady = contested || behind || !case.world.reuse.is_empty();
        for again in (0..=u8::from(unsteady)).rev() {
            case.allocations = after;
            report(&mut case.claims, &first);
            // The operator's word is taken once, and the agents have not seen the new allocations yet.
            case.world.reuse.clear();
            case.world.withdrawn = Withdrawn::default();
            let second;
            (second, after) = settled(&case);
            if again == 0 {
                prop_assert_eq!(&second.changes, &[]);
                prop_assert_eq!(&second.outcomes, &first.outcomes);
                prop_assert_eq!(&second.unserved_reservations, &first.unserved_reservations);
                prop_assert_eq!((&second.orphans, second.wake), (&first.orphans, first.wake));
            }
            first = second;
        }
    }

    #[test]
    fn a_plan_survives_being_stored(case in any_case()) {
        let (_, after) = settled(&case);
        prop_assert_eq!(Allocations::read(&after.write(&case.spec.checked())), after);
    }
}
