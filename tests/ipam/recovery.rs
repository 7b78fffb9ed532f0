//! Allocations that were lost: claims' statuses, a pool's status, or all that happened since a backup.

use vmdhcp_core::api::LossCause;
use vmdhcp_core::ipam::{Allocations, Change, Outcome, Recovery, Retiring, Waiting};

use crate::fixtures::*;

const LOST: Change = Change::Recover { cause: LossCause::StatusLost };
const OLDER: Change = Change::Recover { cause: LossCause::OlderBackup };

/// Allocations that have been rebuilt.
fn recovering() -> Allocations {
    let recovery = Recovery { since: at(999_000), cause: LossCause::StatusLost, withdrawn: None };
    Allocations { recovery: Some(recovery), ..nothing_held() }
}

fn waits_for_recovery() -> Outcome {
    Outcome::Waits(Waiting::PoolRecovering { until: None })
}

mod statuses_of_claims {
    use super::*;

    #[test]
    fn a_claim_that_has_lost_its_status_keeps_the_address_that_the_pool_has_for_it() {
        let spec = pool(ip(1), ip(9));
        let before = held([(ip(5), mac(1)), (ip(6), mac(2)), (ip(99), mac(3))]);
        let mut after = before.clone();
        let plan = settle(&spec, &mut after, &[claim(3), claim(2), claim(1)], &world());
        assert_eq!((plan.changes, after), (vec![], before));
        assert_eq!(plan.outcomes, [ip(99), ip(6), ip(5)].map(Outcome::Holds));
    }

    #[test]
    fn of_two_claims_on_one_mac_without_statuses_the_older_keeps_the_address() {
        let claims = [claim(2).on_card(1), claim(1)];
        let plan = settle(&pool(ip(1), ip(9)), &mut held([(ip(5), mac(1))]), &claims, &world());
        assert_eq!(plan.outcomes[1], Outcome::Holds(ip(5)));
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::DuplicateMac { owner: claim(1).owner });
    }

    #[test]
    fn a_paused_claim_without_a_status_gets_its_address_back_as_long_as_it_retires() {
        let mut allocations = held([(ip(5), mac(1))]);
        settle(&pool(ip(1), ip(9)), &mut allocations, &[claim(1).paused()], &world());
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &[claim(1)], &world().later(60));
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(5))]);
    }

    #[test]
    fn a_status_older_than_the_pool_moves_nobody_and_frees_nothing() {
        // The claim moved from .4 to .5 after the backup; .4 still retires, or has gone to card 2 by now.
        let claims = [claim(1).granted(ip(4)), claim(2)];
        let mut retiring = held([(ip(5), mac(1))]);
        retiring.retiring.insert(ip(4), Retiring::new(mac(1), at(999_000)));
        let plan = settle(&pool(ip(1), ip(9)), &mut retiring, &claims, &world());
        assert_eq!(plan.outcomes[0], Outcome::Holds(ip(5)));
        let mut gone = held([(ip(5), mac(1)), (ip(4), mac(2))]);
        let plan = settle(&pool(ip(1), ip(9)), &mut gone, &claims, &world());
        assert_eq!((plan.changes, plan.outcomes), (vec![], [ip(5), ip(4)].map(Outcome::Holds).to_vec()));
    }
}

mod status_of_the_pool {
    use super::*;

    #[test]
    fn every_address_comes_back_from_the_claims_and_nobody_else_gets_one_of_them() {
        // Those without an address are older, so they would choose first; on ten addresses they would choose badly.
        let spec = pool(ip(1), ip(10));
        let mut claims: Vec<_> = (1..=5).map(claim).collect();
        claims.extend((1..=8).map(|number| claim(100 + number).granted(ip(number))));
        for rotation in 0..claims.len() {
            claims.rotate_left(rotation);
            let plan = settle(&spec, &mut Allocations::default(), &claims, &world().without_status());
            for (claim, outcome) in claims.iter().zip(&plan.outcomes) {
                match claim.remembered {
                    Some(address) => assert_eq!(outcome, &Outcome::Holds(address)),
                    None => assert_eq!(outcome, &waits_for_recovery()),
                }
            }
        }
    }

    #[test]
    fn addresses_of_claims_that_go_or_are_paused_retire_for_their_cards() {
        let claims = [
            claim(1).granted(ip(1)).leaving(),
            claim(2).remembering(ip(2)).paused(),
            claim(3).granted(ip(3)).paused(),
            claim(4).remembering(ip(4)).leaving(),
            claim(9),
        ];
        let mut allocations = Allocations::default();
        let plan = settle(&pool(ip(1), ip(4)), &mut allocations, &claims, &world().without_status());
        assert_eq!(plan.outcomes[..4], [const { Outcome::Released }; 4]);
        let retiring: Vec<_> =
            allocations.retiring.iter().map(|(address, entry)| (*address, entry.mac)).collect();
        assert_eq!(retiring, [1, 2, 3, 4].map(|last| (ip(last), mac(last))));
        assert_eq!(waiting(&plan.outcomes[4]), &Waiting::AddressRetiring { retiring: 4, until: None });
        let plan = settle(&pool(ip(1), ip(4)), &mut allocations, &[claim(2).remembering(ip(2))], &world());
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(2))]);
    }

    #[test]
    fn what_a_claim_had_while_it_waited_for_another_address_comes_back_too() {
        // Its status says that it waits, and which address serves it meanwhile.
        let claims = [claim(1).remembering(ip(5)).wanting(ip(7)), claim(2).granted(ip(7))];
        let mut allocations = Allocations::default();
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world().without_status());
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressTaken { address: ip(7), by: mac(2) });
        assert_eq!(allocations.held[&ip(5)], mac(1));
    }

    #[test]
    fn one_card_with_two_claims_gets_what_the_served_one_says_and_the_other_address_retires() {
        let claims = [claim(1).on_card(1).remembering(ip(4)), claim(2).on_card(1).granted(ip(5))];
        let mut allocations = Allocations::default();
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world().without_status());
        assert_eq!(plan.outcomes[1], Outcome::Holds(ip(5)));
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::DuplicateMac { owner: claim(2).owner });
        assert_eq!(allocations.retiring[&ip(4)].mac, mac(1));
        // What upstream let happen: both say that they have one.
        let both = [claim(1).granted(ip(4)), claim(2).on_card(1).granted(ip(5))];
        let mut allocations = Allocations::default();
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &both, &world().without_status());
        assert_eq!(plan.outcomes[0], Outcome::Holds(ip(4)));
        assert_eq!(allocations.retiring[&ip(5)].mac, mac(1));
    }

    #[test]
    fn of_two_claims_whose_statuses_say_one_address_the_older_has_it_and_the_other_waits() {
        let claims = [claim(2).granted(ip(5)), claim(1).granted(ip(5))];
        let plan =
            settle(&pool(ip(1), ip(9)), &mut Allocations::default(), &claims, &world().without_status());
        assert_eq!(plan.outcomes, [waits_for_recovery(), Outcome::Holds(ip(5))]);
    }

    #[test]
    fn a_granted_address_that_the_pool_no_longer_gives_stays_with_its_card() {
        // Outside the ranges, excluded, the router's, reserved for another card, declared by an older claim.
        let spec =
            pool(ip(1), ip(20)).excluding("10.0.0.5").with_router(ip(6)).reserving(mac(50), Some(ip(7)));
        let claims = [
            claim(10).granted(ip(99)),
            claim(11).granted(ip(5)),
            claim(12).granted(ip(6)),
            claim(13).granted(ip(7)),
            claim(14).granted(ip(8)),
            claim(1).wanting(ip(8)),
        ];
        let plan = settle(&spec, &mut Allocations::default(), &claims, &world().without_status());
        assert_eq!(plan.outcomes[..5], [ip(99), ip(5), ip(6), ip(7), ip(8)].map(Outcome::Holds));
        assert_eq!(waiting(&plan.outcomes[5]), &Waiting::AddressTaken { address: ip(8), by: mac(14) });
        let taken = Waiting::AddressTaken { address: ip(7), by: mac(13) };
        assert_eq!(plan.unserved_reservations, [(mac(50), taken)]);
    }

    #[test]
    fn a_status_that_says_an_address_of_another_subnet_is_not_believed() {
        let claims = [claim(1).granted([192, 168, 0, 1].into())];
        let plan =
            settle(&pool(ip(1), ip(9)), &mut Allocations::default(), &claims, &world().without_status());
        assert_eq!(plan.outcomes, [waits_for_recovery()]);
    }

    #[test]
    fn a_reserved_card_is_served_at_once_and_a_declared_address_is_not_given_before_its_time() {
        // Nobody else can have been given a reserved address; a declared one may have been waited for.
        let spec = pool(ip(1), ip(9)).reserving(mac(50), Some(ip(7))).reserving(mac(51), None);
        let mut allocations = Allocations::default();
        let plan = settle(&spec, &mut allocations, &[claim(1).wanting(ip(8))], &world().without_status());
        assert_eq!(plan.outcomes, [waits_for_recovery()]);
        assert_eq!(allocations.held, held([(ip(7), mac(50))]).held);
        assert_eq!(plan.unserved_reservations, [(mac(51), Waiting::PoolRecovering { until: None })]);
    }

    #[test]
    fn a_paused_pool_takes_back_what_is_in_use_and_gives_nothing_else() {
        let spec = pool(ip(1), ip(9)).paused();
        let claims = [claim(1).granted(ip(1)), claim(2).remembering(ip(2))];
        let mut allocations = Allocations::default();
        let plan = settle(&spec, &mut allocations, &claims, &world().without_status());
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(1)), Outcome::Waits(Waiting::PoolPaused)]);
        assert_eq!(allocations.retiring[&ip(2)].mac, mac(2));
    }

    #[test]
    fn a_new_pool_recovers_from_nothing_and_gives_at_once() {
        let plan = settle(&pool(ip(1), ip(9)), &mut Allocations::default(), &[claim(1)], &world());
        address(&plan.outcomes[0]);
        assert!(!plan.changes.contains(&LOST) && !plan.changes.contains(&OLDER));
    }

    #[test]
    fn an_unreadable_entry_is_no_one_elses_during_a_recovery_either() {
        let mut allocations = recovering();
        allocations.unreadable.insert("10.0.0.1".into(), "somebody".into());
        let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(1).granted(ip(1))], &world());
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::Exhausted);
    }
}

mod time_of_recovery {
    use super::*;

    const END: i64 = 1_000_000 + LEASE as i64;

    #[test]
    fn it_ends_when_the_longest_lease_has_run_out_since_every_agent_serves_what_was_rebuilt() {
        let (spec, mut allocations) = (pool(ip(1), ip(9)), Allocations::default());
        let plan = settle(&spec, &mut allocations, &[claim(1)], &world().without_status());
        assert_eq!(plan.changes, [Change::LongestLease { seconds: LEASE }, LOST]);
        assert_eq!((plan.outcomes, plan.wake), (vec![waits_for_recovery()], None));
        let plan = settle(&spec, &mut allocations, &[claim(1)], &world().later(9_999));
        assert_eq!((plan.changes, plan.outcomes), (vec![], vec![waits_for_recovery()]));
        let plan = settle(&spec, &mut allocations, &[claim(1)], &world().with_current_agents());
        assert_eq!(plan.changes, [Change::WithdrawUnknown]);
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::PoolRecovering { until: Some(at(END)) });
        assert_eq!(plan.wake, Some(at(END)));
        let early = world().later(i64::from(LEASE) - 1);
        assert_eq!(settle(&spec, &mut allocations, &[claim(1)], &early).changes, []);
        let plan = settle(&spec, &mut allocations, &[claim(1)], &world().later(LEASE.into()));
        assert_eq!(plan.changes[0], Change::Recovered);
        address(&plan.outcomes[0]);
        assert_eq!(allocations.recovery, None);
    }

    #[test]
    fn it_ends_at_once_when_every_agent_remembers_what_it_served_before() {
        let plan = settle(&pool(ip(1), ip(9)), &mut recovering(), &[claim(1)], &world().with_witnesses());
        assert_eq!(plan.changes[0], Change::Recovered);
        address(&plan.outcomes[0]);
    }

    #[test]
    fn an_agent_that_serves_more_than_it_can_name_keeps_it_from_ending() {
        let unnamed = world().with_witnesses().serving_more_than_it_names();
        let plan = settle(&pool(ip(1), ip(9)), &mut recovering(), &[claim(1)], &unnamed);
        assert_eq!(
            (plan.changes, plan.outcomes),
            (vec![Change::WithdrawUnknown], vec![waits_for_recovery()])
        );
        // Even after the longest lease, for it goes on granting them.
        let plan = settle(&pool(ip(1), ip(9)), &mut nothing_held(), &[claim(1)], &unnamed);
        assert_eq!(plan.outcomes, [waits_for_recovery()]);
    }

    #[test]
    fn it_ends_when_the_operator_says_that_there_is_no_other_guest() {
        let plan =
            settle(&pool(ip(1), ip(9)), &mut recovering(), &[claim(1)], &world().without_unknown_guests());
        assert_eq!(plan.changes[0], Change::Recovered);
        address(&plan.outcomes[0]);
        let both = world().without_status().without_unknown_guests();
        let plan = settle(&pool(ip(1), ip(9)), &mut Allocations::default(), &[claim(1)], &both);
        address(&plan.outcomes[0]);
    }

    #[test]
    fn single_addresses_can_be_released_before() {
        let plan = settle(
            &pool(ip(1), ip(9)),
            &mut recovering(),
            &[claim(1), claim(2), claim(3).wanting(ip(4))],
            &world().reusing(ip(4)).reusing(ip(6)),
        );
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(6)), waits_for_recovery(), Outcome::Holds(ip(4))]);
    }

    #[test]
    fn clocks_of_addresses_that_retire_start_anew() {
        let mut allocations = nothing_held();
        let entry = Retiring { withdrawn: Some(at(1)), ..Retiring::new(mac(9), at(1)) };
        allocations.retiring.insert(ip(1), entry);
        let went_back = World { cause: Some(LossCause::OlderBackup), ..world() };
        let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(1)], &went_back);
        assert_eq!(plan.changes, [OLDER]);
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
    }

    #[test]
    fn it_is_stored_and_one_of_which_nobody_knows_the_beginning_has_no_end() {
        let checked = pool(ip(1), ip(9)).checked();
        let mut status = recovering().write(&checked);
        assert_eq!(Allocations::read(&status), recovering());
        status.recovery.as_mut().unwrap().since = "yesterday".into();
        assert!(Allocations::read(&status).recovery.is_some());
    }

    #[test]
    fn it_is_begun_once() {
        let plan = settle(&pool(ip(1), ip(9)), &mut recovering(), &[claim(1)], &world().without_status());
        assert_eq!(plan.changes, []);
    }
}

mod older_backup {
    use super::*;

    #[test]
    fn claims_that_were_granted_after_the_pools_state_get_their_addresses_back() {
        let mut allocations = held([(ip(5), mac(1))]);
        let claims = [claim(1).granted(ip(5)), claim(2).granted(ip(6)), claim(3)];
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
        assert_eq!(plan.changes, [OLDER, allocate(ip(6), mac(2))]);
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(5)), Outcome::Holds(ip(6)), waits_for_recovery()]);
    }

    #[test]
    fn an_upstream_pool_that_lacks_what_a_claim_says_has_lost_nothing_else() {
        let mut allocations = Allocations { longest_lease: None, ..held([(ip(5), mac(1))]) };
        let claims = [claim(1).granted(ip(5)), claim(2).granted(ip(6)), claim(3)];
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
        assert!(!plan.changes.contains(&OLDER));
        address(&plan.outcomes[2]);
    }

    #[test]
    fn a_card_that_has_moved_since_stays_where_its_claim_says_it_is() {
        // .4 has gone to card 2 meanwhile; nobody can say since when it has left card 1, so card 2 waits for it.
        let mut allocations = held([(ip(4), mac(1))]);
        let claims = [claim(1).granted(ip(5)), claim(2).granted(ip(4))];
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
        assert_eq!(plan.changes, [OLDER, retire(ip(4), mac(1)), allocate(ip(5), mac(1))]);
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(5)), waits_for_recovery()]);
        let agents = world().with_current_agents();
        settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &agents);
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world().later(LEASE.into()));
        assert_eq!(plan.outcomes, [ip(5), ip(4)].map(Outcome::Holds));
    }

    #[test]
    fn a_card_that_the_pool_has_on_its_declared_address_is_not_moved_by_a_status() {
        let mut allocations = held([(ip(4), mac(1))]);
        let claims = [claim(1).granted(ip(5)).wanting(ip(4))];
        let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(4))]);
        assert_eq!(allocations.retiring[&ip(5)].mac, mac(1));
    }

    #[test]
    fn an_address_that_an_agent_serves_and_the_pool_does_not_know_is_held_for_its_card() {
        let (spec, mut allocations) = (pool(ip(1), ip(2)), held([(ip(2), mac(1))]));
        let reported = world().serving(ip(1), mac(9));
        let plan = settle(&spec, &mut allocations, &[claim(1), claim(2)], &reported);
        assert_eq!(plan.changes, [Change::Keep { address: ip(1), mac: mac(9) }, OLDER]);
        assert_eq!(waiting(&plan.outcomes[1]), &Waiting::AddressRetiring { retiring: 1, until: None });
        let again = settle(&spec, &mut allocations.clone(), &[claim(1), claim(2)], &reported);
        assert_eq!((again.changes, again.outcomes), (vec![], plan.outcomes));
        // A VM that is made again gets it.
        let plan = settle(&spec, &mut allocations, &[claim(1), claim(9)], &reported);
        assert_eq!(plan.outcomes[1], Outcome::Holds(ip(1)));
    }

    #[test]
    fn it_is_held_as_long_as_an_agent_serves_it_and_the_longest_lease_after_that() {
        let (spec, mut allocations) = (pool(ip(1), ip(1)), nothing_held());
        let reported = world().with_witnesses().serving(ip(1), mac(9));
        for _ in 0..3 {
            settle(&spec, &mut allocations, &[claim(2)], &reported);
        }
        let plan = settle(&spec, &mut allocations, &[claim(2)], &reported.later(1_000_000_000));
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
        let plan = settle(&spec, &mut allocations, &[claim(2)], &world().with_current_agents());
        assert_eq!(plan.changes, [Change::Withdraw { address: ip(1) }]);
        let plan = settle(&spec, &mut allocations, &[claim(2)], &world().later(LEASE.into()));
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
    }

    #[test]
    fn the_operators_word_ends_it() {
        for word in [world().reusing(ip(1)), world().without_unknown_guests()] {
            let mut allocations = nothing_held();
            settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(2)], &world().serving(ip(1), mac(9)));
            let plan =
                settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(2)], &word.serving(ip(1), mac(9)));
            assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
        }
    }

    #[test]
    fn a_report_takes_no_address_from_whoever_has_it_and_is_told() {
        let before = held([(ip(1), mac(1))]);
        let mut allocations = before.clone();
        let reported = world().with_witnesses().serving(ip(1), mac(9));
        let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(1), claim(9)], &reported);
        assert_eq!((plan.changes, plan.disputed), (vec![], vec![(ip(1), mac(9))]));
        assert_eq!(plan.outcomes[0], Outcome::Holds(ip(1)));
        assert_eq!((waiting(&plan.outcomes[1]), allocations), (&Waiting::Exhausted, before));
    }

    #[test]
    fn what_a_claim_remembers_and_agents_serve_comes_back_from_whomever_the_older_pool_has_for_it() {
        let mut retiring = nothing_held();
        retiring.retiring.insert(ip(1), Retiring::new(mac(7), at(1)));
        let elsewhere = held([(ip(1), mac(7)), (ip(3), mac(2))]);
        for before in [held([(ip(1), mac(7))]), retiring, elsewhere] {
            for claims in [[claim(2).granted(ip(1))], [claim(2).remembering(ip(1))]] {
                let mut allocations = before.clone();
                let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &world());
                assert_ne!(plan.outcomes, [Outcome::Holds(ip(1))], "the claim alone does not suffice");
                let reported = world().serving(ip(1), mac(2));
                let plan = settle(&pool(ip(1), ip(9)), &mut allocations, &claims, &reported);
                assert_eq!((plan.outcomes, plan.disputed), (vec![Outcome::Holds(ip(1))], vec![]));
                let both = world().serving(ip(1), mac(2)).serving(ip(1), mac(7));
                let plan = settle(&pool(ip(1), ip(9)), &mut before.clone(), &claims, &both);
                assert_ne!(plan.outcomes, [Outcome::Holds(ip(1))]);
            }
        }
    }

    #[test]
    fn a_retiring_address_that_an_agent_serves_to_another_card_goes_to_neither() {
        let mut allocations = nothing_held();
        let entry = Retiring { withdrawn: Some(at(1)), ..Retiring::new(mac(1), at(1)) };
        allocations.retiring.insert(ip(1), entry);
        let reported = world().serving(ip(1), mac(9));
        let claims = [claim(1), claim(9), claim(5)];
        let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &claims, &reported);
        assert_eq!((plan.changes, plan.disputed), (vec![], vec![(ip(1), mac(9))]));
        for outcome in &plan.outcomes {
            assert_eq!(waiting(outcome), &Waiting::AddressRetiring { retiring: 1, until: None });
        }
    }

    #[test]
    fn a_retirement_that_is_older_than_what_an_agent_serves_starts_anew() {
        let mut allocations = nothing_held();
        let entry = Retiring { withdrawn: Some(at(1)), ..Retiring::new(mac(9), at(1)) };
        allocations.retiring.insert(ip(1), entry);
        let reported = world().serving(ip(1), mac(9));
        let plan = settle(&pool(ip(1), ip(1)), &mut allocations, &[claim(5)], &reported);
        assert_eq!(plan.changes, [Change::Keep { address: ip(1), mac: mac(9) }]);
        assert_eq!(waiting(&plan.outcomes[0]), &Waiting::AddressRetiring { retiring: 1, until: None });
    }

    #[test]
    fn a_card_that_gets_another_address_than_the_one_that_agents_go_on_serving_leaves_that_one() {
        let mut allocations = nothing_held();
        let reported = world().serving(ip(1), mac(9));
        settle(&pool(ip(1), ip(2)), &mut allocations, &[], &reported);
        assert!(allocations.retiring[&ip(1)].served);
        // Another claim declares the address, so that card 9 cannot have it back.
        let claims = [claim(5).wanting(ip(1)), claim(9)];
        let known = reported.clone().reusing(ip(2));
        let plan = settle(&pool(ip(1), ip(2)), &mut allocations, &claims, &known);
        assert_eq!(plan.outcomes[1], Outcome::Holds(ip(2)));
        assert!(!allocations.retiring[&ip(1)].served, "or its guest would stay there");
        // Agents that have not seen that yet say so once more.
        let plan = settle(&pool(ip(1), ip(2)), &mut allocations, &claims, &reported);
        assert_eq!(plan.changes, []);
        assert!(matches!(waiting(&plan.outcomes[0]), Waiting::AddressRetiring { .. }));
    }

    #[test]
    fn a_report_of_addresses_that_are_not_the_pools_holds_nothing() {
        let reported = world().serving(ip(99), mac(9));
        let plan = settle(&pool(ip(1), ip(1)), &mut nothing_held(), &[claim(5)], &reported);
        assert_eq!(plan.outcomes, [Outcome::Holds(ip(1))]);
    }
}
