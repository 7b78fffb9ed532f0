//! Claims that declare their address: the only hard demand.

use vmdhcp_core::ipam::{Outcome, Waiting};

use crate::fixtures::*;

#[test]
fn a_declared_address_is_given_and_nothing_else_is() {
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &[claim(1).wanting(ip(7))], &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(7))]);
    let plan =
        settle(&pool(ip(1), ip(9)), &mut held([(ip(7), mac(9))]), &[claim(1).wanting(ip(7))], &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(9) });
    assert_eq!(plan.changes, []);
}

#[test]
fn a_declaration_goes_before_what_the_claim_had() {
    let claims = [claim(1).wanting(ip(7)).remembering(ip(3))];
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &claims, &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(7))]);
}

#[test]
fn an_address_that_the_pool_does_not_give_out_is_refused() {
    let spec = pool(ip(1), ip(9)).with_server(ip(1)).with_router(ip(2)).excluding("10.0.0.3-10.0.0.4");
    for address in [ip(0), ip(1), ip(2), ip(3), ip(4), ip(10), [192, 168, 0, 1].into()] {
        let plan = settle(&spec, &mut nothing_held(), &[claim(1).wanting(address)], &world());
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressNotInPool { address });
    }
}

#[test]
fn a_changed_declaration_moves_the_card_in_one_write() {
    let claims = [claim(1).granted(ip(5)).wanting(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
    assert_eq!(plan.changes, [retire(ip(5), mac(1)), allocate(ip(7), mac(1))]);
}

#[test]
fn a_card_keeps_its_address_while_the_declared_one_cannot_be_had() {
    let mut allocations = held([(ip(5), mac(1)), (ip(7), mac(2))]);
    let claims = [claim(1).granted(ip(5)).wanting(ip(7)), claim(2).granted(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(2) });
    assert_eq!((plan.changes, allocations.held[&ip(5)]), (vec![], mac(1)));
}

#[test]
fn a_withdrawn_declaration_changes_nothing() {
    let plan =
        settle(&pool(ip(1), ip(9)), &mut held([(ip(7), mac(1))]), &[claim(1).granted(ip(7))], &world());
    assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Holds(ip(7))]));
}

#[test]
fn a_declared_address_is_never_picked_for_another_card() {
    let waiting_for_it = [
        claim(200).paused().wanting(ip(2)),
        // Has another address for the time being, and wants this one.
        claim(201).on_card(200).wanting(ip(2)),
    ];
    for declarer in waiting_for_it {
        let plan =
            settle(&pool(ip(1), ip(2)), &mut nothing_held(), &[claim(1), claim(2), declarer], &world());
        assert_eq!(plan.outcomes[0], Outcome::Holds(ip(1)));
        assert_eq!(waiting(&plan.outcomes[1]), &Waiting::Exhausted);
    }
}

#[test]
fn what_a_claim_that_goes_has_declared_is_nobodys() {
    let claims = [claim(1), claim(2).wanting(ip(1)).leaving()];
    let plan = settle(&pool(ip(1), ip(1)), &mut nothing_held(), &claims, &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1)), Outcome::Released]);
}

#[test]
fn a_declaration_that_the_pool_cannot_meet_keeps_nothing_from_others() {
    let spec = pool(ip(1), ip(1)).reserving(mac(9), Some(ip(50)));
    // Card 9 has a reservation for another address than its claim declares, so it will never get this one.
    let claims = [claim(1), claim(2).on_card(9).wanting(ip(1))];
    let plan = settle(&spec, &mut nothing_held(), &claims, &world());
    assert_eq!(plan.outcomes[0], Outcome::Holds(ip(1)));
}

#[test]
fn of_two_declarations_of_one_address_the_older_is_met() {
    let claims = [claim(2).wanting(ip(7)), claim(1).wanting(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &claims, &world());
    assert_eq!(plan.outcomes[1], Outcome::Holds(ip(7)));
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(1) });
}

#[test]
fn a_younger_declaration_that_is_already_met_stays_met() {
    let mut allocations = held([(ip(7), mac(2))]);
    let claims = [claim(1).wanting(ip(7)), claim(2).granted(ip(7)).wanting(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(2) });
    assert_eq!(plan.outcomes[1], Outcome::Holds(ip(7)));
}

#[test]
fn a_declaration_waits_behind_an_older_one_that_is_not_met_yet() {
    let claims = [claim(1).paused().wanting(ip(7)), claim(2).wanting(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &claims, &world());
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressDeclared { address: ip(7), by: mac(1) });
}

#[test]
fn two_cards_that_want_each_others_addresses_keep_their_own() {
    let mut allocations = held([(ip(1), mac(1)), (ip(2), mac(2))]);
    let claims = [claim(1).granted(ip(1)).wanting(ip(2)), claim(2).granted(ip(2)).wanting(ip(1))];
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
    assert_eq!(plan.changes, []);
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(2), by: mac(2) });
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressTaken { address: ip(1), by: mac(1) });
}
