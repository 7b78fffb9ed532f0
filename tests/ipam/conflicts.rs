//! Addresses that somebody uses who does not have them.

use vmdhcp_core::ipam::{Change, Outcome, Waiting};

use crate::fixtures::*;

/// Twenty addresses, so that one of them may be out of use.
fn twenty() -> PoolSpec {
    pool(ip(1), ip(20))
}

/// A card of nobody that the pool knows.
const STRANGER: u8 = 99;

fn out_of_use(last: u8, moved: Option<u8>) -> Change {
    Change::Quarantine { address: ip(last), by: mac(STRANGER), moved: moved.map(mac) }
}

#[test]
fn a_card_that_may_have_any_address_and_used_none_gets_another() {
    let (mut allocations, claims) = (held([(ip(1), mac(1))]), [claim(1).granted(ip(1))]);
    let found = world().finding(ip(1), mac(STRANGER));
    let plan = settle(&twenty(), &mut allocations, &claims, &found);
    let better = address(&plan.outcomes[0]);
    assert_eq!(plan.changes, [retire(ip(1), mac(1)), out_of_use(1, Some(1)), allocate(better, mac(1))]);
    assert_ne!(better, ip(1));
    // Nobody else gets it, not even when its retirement is over.
    let later = found.with_current_agents().later(i64::from(LEASE) * 2);
    for number in 2..=30 {
        let plan = settle(&twenty(), &mut allocations.clone(), &[claim(number)], &later);
        assert_ne!(plan.outcomes[0], Outcome::Holds(ip(1)));
    }
}

#[test]
fn an_address_that_a_guest_may_have_used_stays_with_its_card() {
    let found = world().finding_after_use(ip(1), mac(STRANGER));
    let plan = settle(&twenty(), &mut held([(ip(1), mac(1))]), &[claim(1).granted(ip(1))], &found);
    assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Holds(ip(1))]));
}

#[test]
fn a_declared_and_a_reserved_address_stay_with_their_card() {
    let found = world().finding(ip(1), mac(STRANGER));
    let declared = [claim(1).granted(ip(1)).wanting(ip(1))];
    let plan = settle(&twenty(), &mut held([(ip(1), mac(1))]), &declared, &found);
    assert_eq!(plan.changes, []);
    for address in [Some(ip(1)), None] {
        let reserving = twenty().reserving(mac(1), address);
        let mut allocations = held([(ip(1), mac(1))]);
        settle(&reserving, &mut allocations, &[claim(1).granted(ip(1))], &world());
        let plan = settle(&reserving, &mut allocations, &[claim(1).granted(ip(1))], &found);
        assert_eq!(plan.changes, []);
    }
}

#[test]
fn a_card_is_moved_once_an_hour_at_most() {
    let (mut allocations, mut claims) = (held([(ip(1), mac(1))]), [claim(1).granted(ip(1))]);
    let spec = pool(ip(1), ip(100));
    let plan = settle(&spec, &mut allocations, &claims, &world().finding(ip(1), mac(STRANGER)));
    report(&mut claims, &plan);
    let second = address(&plan.outcomes[0]);
    let found = world().finding(ip(1), mac(STRANGER)).finding(second, mac(STRANGER));
    for seconds in [1, 1800, 3599] {
        let plan = settle(&spec, &mut allocations, &claims, &found.clone().later(seconds));
        assert_eq!(plan.outcomes, [Outcome::Holds(second)]);
    }
    let plan = settle(&spec, &mut allocations, &claims, &found.later(3600));
    assert!(plan.changes.contains(&retire(second, mac(1))));
}

#[test]
fn no_more_than_one_address_in_twenty_goes_out_of_use() {
    let spec = pool(ip(1), ip(40));
    let mut found = world();
    for last in 1..=40 {
        found = found.finding(ip(last), mac(STRANGER));
    }
    let claims: Vec<_> = (1..=10).map(|number| claim(number).granted(ip(number))).collect();
    let mut allocations = held((1..=10).map(|number| (ip(number), mac(number))));
    let plan = settle(&spec, &mut allocations, &claims, &found);
    assert_eq!(allocations.quarantined.len(), 2);
    // What no card has goes first, and then there is no room for anybody to be moved.
    assert_eq!(plan.changes, [out_of_use(11, None), out_of_use(12, None)]);
}

#[test]
fn nobody_is_moved_where_there_is_nothing_better() {
    let found = world().finding(ip(1), mac(STRANGER));
    let plan = settle(&pool(ip(1), ip(1)), &mut held([(ip(1), mac(1))]), &[claim(1).granted(ip(1))], &found);
    assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Holds(ip(1))]));
}

#[test]
fn an_address_comes_back_when_its_time_is_over_and_nobody_finds_it_in_use() {
    let mut allocations = nothing_held();
    let found = world().finding(ip(1), mac(STRANGER));
    let spec = pool(ip(1), ip(1));
    let plan = settle(&spec, &mut allocations, &[claim(1)], &found);
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressInUse { quarantined: 1, until: at(1_003_600) });
    assert_eq!(plan.wake, Some(at(1_003_600)));
    // As long as somebody finds it in use, its time is put off; not with every look.
    assert_eq!(settle(&spec, &mut allocations, &[claim(1)], &found.clone().later(1799)).changes, []);
    let plan = settle(&spec, &mut allocations, &[claim(1)], &found.later(1800));
    assert_eq!(plan.changes, [out_of_use(1, None)]);
    assert_eq!(allocations.quarantined[&ip(1)].until, at(1_000_000 + 1800 + 3600));
    assert_eq!(settle(&spec, &mut allocations, &[claim(1)], &world().later(5399)).changes, []);
    let plan = settle(&spec, &mut allocations, &[claim(1)], &world().later(5400));
    assert_eq!(plan.changes, [Change::EndQuarantine { address: ip(1) }, allocate(ip(1), mac(1))]);
}

#[test]
fn the_operator_ends_it_at_once() {
    let (spec, found) = (pool(ip(1), ip(1)), world().finding(ip(1), mac(STRANGER)));
    let mut allocations = nothing_held();
    settle(&spec, &mut allocations, &[claim(1)], &found);
    let plan = settle(&spec, &mut allocations, &[claim(1)], &found.reusing(ip(1)));
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn whoever_uses_it_may_have_it() {
    let mut allocations = nothing_held();
    let found = world().finding(ip(1), mac(STRANGER));
    settle(&pool(ip(1), ip(9)), &mut allocations, &[], &found);
    let claims = [claim(1).wanting(ip(1)), claim(2).on_card(STRANGER).wanting(ip(1))];
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations.clone(), &claims[..1], &found);
    assert!(matches!(waiting(&plan.outcomes[0]), Waiting::AddressInUse { quarantined: 1, .. }));
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims[1..], &found);
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn what_leaves_its_card_while_somebody_else_uses_it_goes_out_of_use() {
    let found = world().finding_after_use(ip(1), mac(STRANGER));
    let mut allocations = held([(ip(1), mac(1))]);
    let plan = settle(&twenty(), &mut allocations, &[claim(1).granted(ip(1)).paused()], &found);
    assert_eq!(plan.changes, [retire(ip(1), mac(1)), out_of_use(1, None)]);
    // So whoever pauses a claim and resumes it gets another address.
    let plan = settle(&twenty(), &mut allocations, &[claim(1).remembering(ip(1))], &found);
    assert_ne!(address(&plan.outcomes[0]), ip(1));
}

#[test]
fn the_guest_that_had_a_retiring_address_last_is_no_conflict() {
    let mut allocations = held([(ip(1), mac(1))]);
    allocations.apply(&retire(ip(1), mac(1)), at(999_999));
    let plan = settle(&twenty(), &mut allocations, &[], &world().finding(ip(1), mac(1)));
    assert_eq!(plan.changes, []);
}

#[test]
fn addresses_outside_the_ranges_are_none_that_could_be_kept_from_anybody() {
    let plan = settle(&twenty(), &mut nothing_held(), &[], &world().finding(ip(77), mac(STRANGER)));
    assert_eq!(plan.changes, []);
}

#[test]
fn a_declaration_that_has_lapsed_keeps_the_address_from_nobody() {
    let absent = claim(1).wanting(ip(1)).paused();
    let spec = pool(ip(1), ip(1));
    let plan = settle(&spec, &mut nothing_held(), &[absent.clone(), claim(2)], &world());
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::Exhausted);
    let mut lapsed = absent;
    lapsed.lapsed = true;
    let plan = settle(&spec, &mut nothing_held(), &[lapsed.clone(), claim(2)], &world());
    assert_eq!(plan.outcomes[1], Outcome::Holds(ip(1)));
    // It is met all the same where nobody else has the address.
    lapsed.intent = vmdhcp_core::ipam::Intent::Hold;
    let plan = settle(&spec, &mut nothing_held(), &[lapsed, claim(2)], &world());
    assert_eq!(plan.outcomes[0], Outcome::Holds(ip(1)));
}

#[test]
fn an_address_remembers_that_a_vm_had_it_if_nobody_else_claimed_the_card() {
    let mut of_vm = claim(1).granted(ip(1)).leaving();
    of_vm.of_vm = true;
    let mut allocations = held([(ip(1), mac(1))]);
    settle(&twenty(), &mut allocations, std::slice::from_ref(&of_vm), &world());
    assert!(allocations.retiring[&ip(1)].of_vm);
    let mut allocations = held([(ip(1), mac(1))]);
    settle(&twenty(), &mut allocations, &[of_vm, claim(2).on_card(1).leaving()], &world());
    assert!(!allocations.retiring[&ip(1)].of_vm);
}
