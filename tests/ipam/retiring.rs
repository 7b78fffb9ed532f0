//! When an address that has left its card may go to another.

use vmdhcp_core::ipam::{Allocations, Change, Outcome, Retiring, Waiting};

use crate::fixtures::*;

/// 10.0.0.1 alone, which has left card 1 a second before [`world`].
fn one_retiring() -> Allocations {
    let mut allocations = held([(ip(1), mac(1))]);
    allocations.apply(&retire(ip(1), mac(1)), at(999_999));
    allocations
}

fn withdrawn(mut allocations: Allocations) -> Allocations {
    allocations.apply(&Change::Withdraw { address: ip(1) }, world().now);
    allocations
}

fn one_address() -> PoolSpec {
    pool(ip(1), ip(1))
}

#[test]
fn the_same_card_gets_it_back_at_once() {
    for back in [claim(1), claim(1).wanting(ip(1)), claim(1).remembering(ip(1)), claim(2).on_card(1)] {
        let plan = settle(&one_address(), &mut one_retiring(), &[back], &world());
        assert_eq!(
            (plan.changes, plan.outcomes),
            (vec![allocate(ip(1), mac(1))], vec![Outcome::Holds(ip(1))])
        );
    }
}

#[test]
fn the_same_card_gets_the_latest_of_its_former_addresses_or_the_one_that_its_claim_knows() {
    let mut allocations = nothing_held();
    for (last, since) in [(3, 10), (4, 30), (5, 20)] {
        allocations.retiring.insert(
            ip(last),
            Retiring { mac: mac(1), since: at(since), withdrawn: None, served: false, of_vm: false },
        );
    }
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations.clone(), &[claim(1)], &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(4))]);
    let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &[claim(1).remembering(ip(5))], &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(5))]);
}

#[test]
fn another_card_waits_and_nobody_can_say_how_long_before_the_agents_have_stopped() {
    for other in [claim(2), claim(2).wanting(ip(1))] {
        let plan = settle(&one_address(), &mut one_retiring(), &[other], &world());
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
        assert_eq!((plan.changes, plan.wake), (vec![], None));
    }
}

#[test]
fn another_card_gets_it_when_the_longest_lease_after_the_withdrawal_has_run_out() {
    let end = at(1_000_000 + i64::from(LEASE));
    for other in [[claim(2)], [claim(2).wanting(ip(1))]] {
        let mut allocations = one_retiring();
        let plan = settle(&one_address(), &mut allocations, &other, &world().with_current_agents());
        assert_eq!(plan.changes, [Change::Withdraw { address: ip(1) }]);
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: Some(end) });
        assert_eq!(plan.wake, Some(end));
        let early = world().later(i64::from(LEASE) - 1);
        assert_eq!(settle(&one_address(), &mut allocations, &other, &early).changes, []);
        let plan = settle(&one_address(), &mut allocations, &other, &world().later(LEASE.into()));
        assert_eq!(plan.changes, [allocate(ip(1), mac(2))]);
        assert_eq!(allocations, held([(ip(1), mac(2))]));
    }
}

#[test]
fn an_address_that_retires_now_is_not_withdrawn_yet() {
    // The agents serve what was there before the plan.
    let claims = [claim(1).granted(ip(1)).leaving()];
    let plan = settle(&one_address(), &mut held([(ip(1), mac(1))]), &claims, &world().with_current_agents());
    assert_eq!(plan.changes, [retire(ip(1), mac(1))]);
}

#[test]
fn a_withdrawal_is_noted_once() {
    let mut allocations = withdrawn(one_retiring());
    let plan = settle(&one_address(), &mut allocations, &[], &world().later(60).with_current_agents());
    assert_eq!(plan.changes, []);
}

#[test]
fn another_card_gets_it_when_the_former_guest_is_proven_gone() {
    let gone = world().without_guest(mac(1)).with_current_agents();
    let plan = settle(&one_address(), &mut one_retiring(), &[claim(2)], &gone);
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn a_guest_that_is_gone_does_not_help_while_an_agent_would_grant_the_address_to_its_mac() {
    let gone = world().without_guest(mac(1));
    let plan = settle(&one_address(), &mut one_retiring(), &[claim(2)], &gone);
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
    let plan = settle(&one_address(), &mut withdrawn(one_retiring()), &[claim(2)], &gone);
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn a_guest_is_not_gone_as_long_as_any_claim_has_its_mac() {
    let gone = world().without_guest(mac(1));
    let until = Some(at(1_000_000 + i64::from(LEASE)));
    for former in [claim(1).leaving(), claim(1).paused()] {
        let plan = settle(&one_address(), &mut withdrawn(one_retiring()), &[former, claim(2)], &gone);
        assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressRetiring { retiring: 1, until });
    }
}

#[test]
fn another_card_gets_it_when_the_operator_says_so() {
    let forced = world().reusing(ip(1));
    for other in [claim(2), claim(2).wanting(ip(1))] {
        let plan = settle(&one_address(), &mut one_retiring(), &[other], &forced);
        assert_eq!(plan.changes, [Change::Forget { address: ip(1) }, allocate(ip(1), mac(2))]);
    }
}

#[test]
fn the_operators_word_frees_no_address_that_is_held() {
    let forced = world().reusing(ip(1)).reusing(ip(2));
    let plan = settle(&one_address(), &mut held([(ip(1), mac(1))]), &[claim(1), claim(2)], &forced);
    assert_eq!(plan.changes, []);
}

#[test]
fn the_operators_word_also_ends_a_retirement_that_nobody_can_read() {
    let mut status = one_retiring().write(&one_address().checked());
    status.retiring.get_mut("10.0.0.1").unwrap().since = "long ago".into();
    let mut allocations = Allocations::read(&status);
    let plan = settle(&one_address(), &mut allocations.clone(), &[claim(2)], &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::Exhausted);
    settle(&one_address(), &mut allocations, &[], &world().reusing(ip(1)));
    let plan = settle(&one_address(), &mut allocations, &[claim(2)], &world());
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn a_card_gets_an_address_that_nobody_had_before_one_that_somebody_had() {
    let expired = world().later(LEASE.into());
    let plan = settle(&pool(ip(1), ip(2)), &mut withdrawn(one_retiring()), &[claim(2), claim(3)], &expired);
    let mut given: Vec<_> = plan.outcomes.iter().map(address).collect();
    assert_eq!(given[0], ip(2));
    given.sort();
    assert_eq!(given, [ip(1), ip(2)]);
}

#[test]
fn of_several_former_addresses_the_one_that_left_first_goes_first() {
    let mut allocations = nothing_held();
    for (last, since) in [(1, 30), (2, 10), (3, 20)] {
        let entry = Retiring {
            mac: mac(200 + last),
            since: at(since),
            withdrawn: Some(at(40)),
            served: false,
            of_vm: false,
        };
        allocations.retiring.insert(ip(last), entry);
    }
    let plan = settle(&pool(ip(1), ip(3)), &mut allocations, &[claim(1), claim(2), claim(3)], &world());
    assert_eq!(plan.outcomes, [ip(2), ip(3), ip(1)].map(Outcome::Holds));
}

#[test]
fn a_shorter_lease_time_does_not_shorten_the_wait_for_leases_granted_before() {
    let short = one_address().leasing(60);
    let mut allocations = one_retiring();
    // An agent may not have seen the new lease time yet: nothing gets shorter.
    let plan = settle(&short, &mut allocations, &[claim(2)], &world());
    assert_eq!((plan.changes, allocations.longest_lease), (vec![], Some(LEASE)));
    let plan = settle(&short, &mut allocations, &[claim(2)], &world().with_current_agents());
    assert_eq!(plan.changes, [Change::LongestLease { seconds: 60 }, Change::Withdraw { address: ip(1) }]);
    assert_eq!(plan.wake, Some(at(1_000_000 + i64::from(LEASE))));
    let plan = settle(&short, &mut allocations, &[claim(2)], &world().later(i64::from(LEASE) - 1));
    assert_eq!(plan.changes, []);
    let plan = settle(&short, &mut allocations, &[claim(2)], &world().later(LEASE.into()));
    assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
}

#[test]
fn a_longer_lease_time_counts_at_once() {
    let plan = settle(&one_address().leasing(7200), &mut nothing_held(), &[], &world());
    assert_eq!(plan.changes, [Change::LongestLease { seconds: 7200 }]);
    let plan = settle(&one_address(), &mut Allocations::default(), &[], &world());
    assert_eq!(plan.changes, [Change::LongestLease { seconds: LEASE }]);
}

#[test]
fn what_is_over_is_forgotten_with_the_next_change_but_is_worth_no_write() {
    let (spec, expired) = (pool(ip(1), ip(9)), world().later(LEASE.into()));
    let mut allocations = withdrawn(one_retiring());
    assert_eq!(settle(&spec, &mut allocations, &[], &expired).changes, []);
    let plan = settle(&spec, &mut allocations, &[claim(2)], &expired);
    assert_eq!(plan.changes[1..], [Change::Forget { address: ip(1) }]);
    assert!(allocations.retiring.is_empty());
}

#[test]
fn the_address_of_a_paused_claim_is_not_forgotten() {
    let claims = [claim(1).remembering(ip(1)).paused(), claim(2)];
    let mut allocations = withdrawn(one_retiring());
    settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world().later(LEASE.into()));
    assert!(allocations.retiring.contains_key(&ip(1)));
}

#[test]
fn when_very_many_are_over_forgetting_them_is_worth_a_write() {
    let mut allocations = nothing_held();
    for index in 0..=4096_u32 {
        let address = std::net::Ipv4Addr::from(u32::from(ip(0)) + 256 + index);
        let entry =
            Retiring { mac: mac(1), since: at(1), withdrawn: Some(at(2)), served: false, of_vm: false };
        allocations.retiring.insert(address, entry);
    }
    let mut fewer = allocations.clone();
    fewer.retiring.pop_first();
    assert_eq!(settle(&one_address(), &mut fewer, &[], &world()).changes, []);
    settle(&one_address(), &mut allocations, &[], &world());
    assert!(allocations.retiring.is_empty());
}

#[test]
fn a_declared_address_that_retires_under_another_card_is_not_given_back_to_it() {
    let claims = [claim(1), claim(2).wanting(ip(1))];
    let plan = settle(&pool(ip(1), ip(2)), &mut one_retiring(), &claims, &world());
    assert_eq!(plan.outcomes[0], Outcome::Holds(ip(2)));
    assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressRetiring { retiring: 1, until: None });
}

#[test]
fn how_many_retire_counts_only_what_could_be_given() {
    let mut allocations = nothing_held();
    // Two of the range, one of them declared by somebody else, and one outside.
    for last in [1, 2, 77] {
        allocations.retiring.insert(
            ip(last),
            Retiring { mac: mac(99), since: at(1), withdrawn: None, served: false, of_vm: false },
        );
    }
    let claims = [claim(1), claim(2).paused().wanting(ip(2))];
    let plan = settle(&pool(ip(1), ip(2)), &mut allocations, &claims, &world());
    assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
}
