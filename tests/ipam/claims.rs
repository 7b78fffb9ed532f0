//! Claims that come, stay, change hands and go.

use vmdhcp_core::ipam::{Allocations, Outcome, Waiting, plan};

use crate::fixtures::*;

#[test]
fn a_claim_gets_an_address_of_the_range_and_keeps_it() {
    let (spec, mut allocations) = (pool(ip(82), ip(89)), nothing_held());
    let mut claims = [claim(1)];
    let first = settle(&spec, &mut allocations, &claims, &world());
    let given = address(&first.outcomes[0]);
    assert!((ip(82)..=ip(89)).contains(&given));
    assert_eq!(first.changes, [allocate(given, mac(1))]);
    report(&mut claims, &first);
    let second = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!((second.changes, second.outcomes), (vec![], vec![Outcome::Holds(given)]));
}

#[test]
fn the_first_address_of_a_card_never_depends_on_the_release_of_this_program() {
    // Written down, not computed: a VM made again after an upgrade must come back with its address.
    let plan =
        settle(&pool(ip(0x10), ip(0xf0)), &mut nothing_held(), &[claim(1), claim(2), claim(3)], &world());
    let given: Vec<_> = plan.outcomes.iter().map(address).collect();
    assert_eq!(given, [ip(71), ip(29), ip(118)]);
}

#[test]
fn a_deleted_claim_leaves_its_address_retiring_and_is_done_for_good() {
    let spec = pool(ip(1), ip(9));
    let mut allocations = held([(ip(5), mac(1))]);
    let mut claims = [claim(1).granted(ip(5)).leaving()];
    let first = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!(
        (&first.changes[..], &first.outcomes[..]),
        (&[retire(ip(5), mac(1))][..], &[Outcome::Released][..])
    );
    report(&mut claims, &first);
    let second = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!((second.changes, second.outcomes), (vec![], vec![Outcome::Released]));
}

#[test]
fn a_claim_that_never_had_an_address_is_released_at_once() {
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &[claim(1).leaving()], &world());
    assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Released]));
}

#[test]
fn a_release_never_frees_the_address_of_another_card() {
    let mut allocations = held([(ip(5), mac(2))]);
    let claims = [claim(1).granted(ip(5)).leaving(), claim(2).granted(ip(5))];
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
    assert_eq!(plan.outcomes, [Outcome::Released, Outcome::Holds(ip(5))]);
    assert_eq!(allocations, held([(ip(5), mac(2))]));
}

#[test]
fn a_release_frees_what_the_card_has_even_if_the_claims_status_is_behind() {
    // The move from .4 to .5 was written, the claim's status was not.
    let mut allocations = held([(ip(5), mac(1))]);
    let plan =
        settle(&pool(ip(1), ip(9)), &mut allocations, &[claim(1).remembering(ip(4)).leaving()], &world());
    assert_eq!(plan.changes, [retire(ip(5), mac(1))]);
}

#[test]
fn a_paused_claim_gets_its_address_back_when_it_resumes() {
    let (spec, mut allocations) = (pool(ip(1), ip(9)), held([(ip(5), mac(1))]));
    let mut claims = [claim(1).granted(ip(5)).paused()];
    let paused = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!(paused.outcomes, [Outcome::Released]);
    assert!(allocations.held.is_empty());
    report(&mut claims, &paused);
    assert_eq!(settle(&spec, &mut allocations, &claims, &world()).changes, []);
    let resumed = settle(&spec, &mut allocations, &[claim(1).remembering(ip(5))], &world());
    assert_eq!(resumed.outcomes, [Outcome::Holds(ip(5))]);
}

#[test]
fn a_claim_whose_former_address_has_gone_to_another_card_gets_a_new_one() {
    let mut allocations = held([(ip(5), mac(2))]);
    let claims = [claim(1).remembering(ip(5)), claim(2).granted(ip(5))];
    let plan = settle(&pool(ip(5), ip(6)), &mut allocations, &claims, &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(6)), Outcome::Holds(ip(5))]);
}

#[test]
fn former_addresses_go_back_before_anybody_gets_a_new_one() {
    // Nine new claims, all older, on ten addresses.
    let mut claims: Vec<_> = (1..=9).map(claim).collect();
    claims.push(claim(200).remembering(ip(5)));
    let plan = settle(&pool(ip(1), ip(10)), &mut nothing_held(), &claims, &world());
    assert_eq!(plan.outcomes[9], Outcome::Holds(ip(5)));
}

#[test]
fn one_mac_gets_one_address_and_the_younger_claim_waits() {
    let claims = [claim(2).on_card(1), claim(1)];
    let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::DuplicateMac { owner: claim(1).owner });
    address(&plan.outcomes[1]);
    assert_eq!(plan.changes.len(), 1);
}

#[test]
fn of_two_claims_on_one_mac_the_one_that_is_served_stays_served() {
    let claims = [claim(1), claim(2).on_card(1).granted(ip(5))];
    let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::DuplicateMac { owner: claim(2).owner });
    assert_eq!((plan.outcomes[1].clone(), plan.changes), (Outcome::Holds(ip(5)), vec![]));
}

#[test]
fn of_two_claims_that_share_an_address_the_older_keeps_it() {
    // What upstream allowed.
    let claims = [claim(2).on_card(1).granted(ip(5)), claim(1).granted(ip(5))];
    let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
    assert_eq!(plan.outcomes[1], Outcome::Holds(ip(5)));
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::DuplicateMac { owner: claim(1).owner });
}

#[test]
fn a_mac_that_moves_to_another_vm_takes_its_address_along() {
    for leaving in [claim(1).granted(ip(5)).leaving(), claim(1).granted(ip(5)).paused()] {
        let claims = [leaving, claim(2).on_card(1)];
        let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
        assert_eq!((plan.changes, plan.outcomes), (vec![], vec![Outcome::Released, Outcome::Holds(ip(5))]));
    }
}

#[test]
fn a_mac_that_moves_leaves_its_address_if_the_new_claim_declares_another() {
    let claims = [claim(1).granted(ip(5)).leaving(), claim(2).on_card(1).wanting(ip(7))];
    let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
    assert_eq!(plan.changes, [retire(ip(5), mac(1)), allocate(ip(7), mac(1))]);
    assert_eq!(plan.outcomes, [Outcome::Released, Outcome::Holds(ip(7))]);
}

#[test]
fn a_mac_with_two_addresses_keeps_the_one_that_its_claim_knows_and_the_other_retires() {
    let two = [(ip(3), mac(1)), (ip(5), mac(1))];
    let plan = settle(&pool(ip(1), ip(9)), &mut held(two), &[claim(1).granted(ip(5))], &world());
    assert_eq!((plan.changes, plan.outcomes), (vec![retire(ip(3), mac(1))], vec![Outcome::Holds(ip(5))]));
    let plan = settle(&pool(ip(1), ip(9)), &mut held(two), &[claim(1)], &world());
    assert_eq!((plan.changes, plan.outcomes), (vec![retire(ip(5), mac(1))], vec![Outcome::Holds(ip(3))]));
}

#[test]
fn an_address_without_a_claim_is_kept_and_reported() {
    let before = held([(ip(5), mac(1)), (ip(99), mac(2))]);
    let mut after = before.clone();
    let plan = settle(&pool(ip(1), ip(9)), &mut after, &[], &world().without_guest(mac(1)));
    assert_eq!((plan.changes, plan.orphans), (vec![], vec![(ip(5), mac(1)), (ip(99), mac(2))]));
    assert_eq!(after, before);
}

#[test]
fn an_address_that_the_pool_no_longer_has_stays_with_its_card() {
    let spec = pool(ip(1), ip(9)).with_server(ip(8)).excluding("10.0.0.7");
    let mut allocations = held([(ip(7), mac(1)), (ip(8), mac(2)), (ip(99), mac(3))]);
    let claims = [claim(1), claim(2).granted(ip(8)), claim(3).wanting(ip(99))];
    let plan = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!(plan.changes, []);
    assert_eq!(plan.outcomes, [ip(7), ip(8), ip(99)].map(Outcome::Holds));
}

#[test]
fn a_pool_that_lost_its_status_is_rebuilt_from_the_claims() {
    // Older claims, one of which declares an address that is in use, have to wait.
    let claims = [claim(1), claim(2).wanting(ip(2)), claim(8).granted(ip(1)), claim(9).granted(ip(2))];
    let mut allocations = Allocations::default();
    let plan = settle(&pool(ip(1), ip(2)), &mut allocations, &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::Exhausted);
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressTaken { address: ip(2), by: mac(9) });
    assert_eq!(plan.outcomes[2..], [Outcome::Holds(ip(1)), Outcome::Holds(ip(2))]);
}

#[test]
fn a_lost_address_of_a_claim_that_goes_retires_for_its_guest_may_still_use_it() {
    let claims = [claim(1).granted(ip(1)).leaving(), claim(2)];
    let plan = settle(&pool(ip(1), ip(1)), &mut nothing_held(), &claims, &world());
    assert!(plan.changes.contains(&retire(ip(1), mac(1))));
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressRetiring { retiring: 1, until: None });
}

#[test]
fn a_paused_pool_gives_nothing_out_keeps_what_is_held_and_takes_back_what_is_released() {
    let spec = pool(ip(1), ip(9)).paused().reserving(mac(9), Some(ip(9)));
    let mut allocations = held([(ip(5), mac(1)), (ip(6), mac(2)), (ip(7), mac(3))]);
    let claims = [
        claim(1).granted(ip(5)),
        claim(2).granted(ip(6)).leaving(),
        claim(3).granted(ip(7)).wanting(ip(8)),
        claim(4),
        claim(5).remembering(ip(4)),
    ];
    let plan = settle(&spec, &mut allocations, &claims, &world());
    assert_eq!(plan.changes, [retire(ip(6), mac(2))]);
    let waits = Outcome::Waits(Waiting::PoolPaused);
    assert_eq!(
        plan.outcomes,
        [Outcome::Holds(ip(5)), Outcome::Released, waits.clone(), waits.clone(), waits]
    );
    assert_eq!(plan.unserved_reservations, [(mac(9), Waiting::PoolPaused)]);
    assert_eq!(plan.wake, None);
}

#[test]
fn an_address_under_an_unreadable_entry_goes_to_nobody() {
    let mut allocations = nothing_held();
    allocations.unreadable.insert("10.0.0.1".into(), "somebody".into());
    let claims = [claim(1), claim(2).wanting(ip(1))];
    let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::Exhausted);
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressUnreadable { address: ip(1) });
}

#[test]
fn planning_leaves_its_input_alone() {
    let allocations = held([(ip(5), mac(1))]);
    let pool = pool(ip(1), ip(9)).checked();
    let (one, two) = (
        plan(&pool, &allocations, &[claim(2)], &world().evidence()),
        plan(&pool, &allocations, &[claim(2)], &world().evidence()),
    );
    assert_eq!(one, two);
}
