//! Reservations: claims of the pool itself.

use vmdhcp_core::ipam::{Change, Outcome, Waiting};

use crate::fixtures::*;

fn mark(address: std::net::Ipv4Addr) -> Change {
    Change::Reserve { address, held: true }
}

#[test]
fn a_reserved_address_is_held_without_any_claim_also_outside_the_ranges() {
    for reserved in [ip(5), ip(77)] {
        let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(reserved));
        let mut allocations = nothing_held();
        let plan = settle(&spec, &mut allocations, &[], &world());
        assert_eq!(plan.changes, [allocate(reserved, mac(1)), mark(reserved)]);
        assert_eq!(plan.orphans, []);
        assert_eq!(settle(&spec, &mut allocations, &[], &world()).changes, []);
    }
}

#[test]
fn a_reservation_without_an_address_gets_any_and_then_always_the_same() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), None);
    let mut allocations = nothing_held();
    settle(&spec, &mut allocations, &[], &world());
    let given = *allocations.held.first_key_value().unwrap().0;
    assert_eq!(allocations.reserved, [given].into());
    let plan = settle(&spec, &mut allocations, &[claim(1)], &world());
    assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Holds(given)]));
}

#[test]
fn a_claim_of_the_reserved_card_gets_the_reserved_address() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(77)));
    for claim in [claim(1), claim(1).wanting(ip(77)), claim(1).remembering(ip(3))] {
        let plan = settle(&spec, &mut nothing_held(), &[claim], &world());
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(77))]);
    }
}

#[test]
fn a_reserved_address_goes_to_no_other_card() {
    let spec = pool(ip(1), ip(1)).reserving(mac(9), Some(ip(1))).paused();
    let plan = settle(&spec, &mut nothing_held(), &[claim(1).wanting(ip(1))], &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressDeclared { address: ip(1), by: mac(9) });
    let spec = pool(ip(1), ip(2)).reserving(mac(9), Some(ip(1)));
    let plan = settle(&spec, &mut nothing_held(), &[claim(1), claim(2)], &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(2)), Outcome::Waits(Waiting::Exhausted)]);
}

#[test]
fn a_reservation_moves_the_card_that_it_names() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let plan = settle(&spec, &mut held([(ip(5), mac(1))]), &[claim(1).granted(ip(5))], &world());
    assert_eq!(plan.changes, [retire(ip(5), mac(1)), allocate(ip(7), mac(1)), mark(ip(7))]);
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(7))]);
}

#[test]
fn a_reservation_evicts_nobody_and_waits() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let mut allocations = held([(ip(5), mac(1)), (ip(7), mac(2))]);
    let claims = [claim(1).granted(ip(5)), claim(2).granted(ip(7))];
    let plan = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(5)), Outcome::Holds(ip(7))]);
    assert_eq!(plan.unserved_reservations, [(mac(1), Waiting::AddressTaken { address: ip(7), by: mac(2) })]);
    assert_eq!(allocations.held.len(), 2);
}

#[test]
fn a_card_whose_reserved_address_is_taken_does_not_get_another_one_first() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let claims = [claim(1), claim(2).granted(ip(7))];
    let plan = settle(&spec, &mut held([(ip(7), mac(2))]), &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(2) });
}

#[test]
fn a_reservation_counts_more_than_the_declaration_of_a_claim_and_the_claim_says_so() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let mut allocations = nothing_held();
    let plan = settle(&spec, &mut allocations, &[claim(1).wanting(ip(5))], &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::ReservationDiffers { address: ip(5), reserved: ip(7) });
    assert_eq!(allocations.held, [(ip(7), mac(1))].into());
    assert_eq!(plan.unserved_reservations, []);
}

#[test]
fn a_reservation_keeps_the_address_when_the_claim_goes() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let mut allocations = held([(ip(7), mac(1))]);
    allocations.reserved.insert(ip(7));
    for leaving in [claim(1).granted(ip(7)).leaving(), claim(1).granted(ip(7)).paused()] {
        let plan = settle(&spec, &mut allocations, &[leaving], &world());
        assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Released]));
    }
}

#[test]
fn the_address_of_a_removed_reservation_retires_unless_a_claim_has_it_too() {
    let spec = pool(ip(1), ip(9));
    let mut before = held([(ip(77), mac(1))]);
    before.reserved.insert(ip(77));
    let plan = settle(&spec, &mut before.clone(), &[], &world());
    assert_eq!((plan.changes, plan.orphans), (vec![retire(ip(77), mac(1))], vec![]));
    let plan = settle(&spec, &mut before, &[claim(1).granted(ip(77))], &world());
    assert_eq!(plan.changes, [Change::Reserve { address: ip(77), held: false }]);
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(77))]);
}

#[test]
fn a_reservation_that_changes_its_address_keeps_the_old_one_until_the_new_one_can_be_had() {
    let spec = pool(ip(1), ip(9)).reserving(mac(1), Some(ip(7)));
    let mut allocations = held([(ip(5), mac(1)), (ip(7), mac(2))]);
    allocations.reserved.insert(ip(5));
    let plan = settle(&spec, &mut allocations, &[claim(2).granted(ip(7))], &world());
    assert_eq!(plan.changes, []);
    assert_eq!(plan.unserved_reservations, [(mac(1), Waiting::AddressTaken { address: ip(7), by: mac(2) })]);
    settle(&spec, &mut allocations, &[claim(2).granted(ip(7)).leaving()], &world());
    let plan = settle(&spec, &mut allocations, &[], &world().without_guest(mac(2)).with_current_agents());
    assert_eq!(plan.changes[1..3], [retire(ip(5), mac(1)), allocate(ip(7), mac(1))]);
    assert_eq!(allocations.reserved, [ip(7)].into());
}

#[test]
fn reservations_of_a_full_pool_wait() {
    let spec = pool(ip(1), ip(1)).reserving(mac(9), None);
    let plan = settle(&spec, &mut held([(ip(1), mac(1))]), &[claim(1).granted(ip(1))], &world());
    assert_eq!(plan.unserved_reservations, [(mac(9), Waiting::Exhausted)]);
}
