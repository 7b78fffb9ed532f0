//! How large a status becomes, and what retires when it is too large for times of its own.

use proptest::prelude::*;
use vmdhcp_core::Pool;
use vmdhcp_core::ipam::{Allocations, Change, Quarantine, Retiring, TIMES};

use crate::fixtures::{allocate, at, cases, ip, mac, pool, retire};

/// A pool whose spec says all that a status repeats.
fn marked() -> Pool {
    pool(ip(10), ip(200)).with_server(ip(11)).excluding("10.0.0.12").excluding("10.0.0.130").checked()
}

prop_compose! {
    /// Address, card, and what is the matter with it.
    fn any_allocations()(entries in prop::collection::btree_map(any::<u8>(), (1_u8..250, 0_u8..8), 0..60)) -> Allocations {
        let mut allocations = Allocations::default();
        for (last, (card, kind)) in entries {
            let (address, mac) = (ip(last), mac(card));
            let withdrawn = (kind == 3).then(|| at(900));
            match kind {
                0 | 1 => drop(allocations.held.insert(address, mac)),
                6 => drop(allocations.quarantined.insert(address, Quarantine { by: mac, since: at(500), until: at(900), moved: Some(mac) })),
                _ => drop(allocations.retiring.insert(address, Retiring { mac, since: at(500), withdrawn, served: kind == 5, of_vm: kind == 7 })),
            }
            if kind == 1 {
                allocations.reserved.insert(address);
            }
            if kind == 4 {
                allocations.store_undated(address);
            }
        }
        allocations
    }
}

/// Characters of a status as JSON.
fn json_size(allocations: &Allocations) -> usize {
    serde_json::to_vec(&allocations.write(&marked())).unwrap().len()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_size_is_that_of_the_stored_text_with_all_times_and_a_little_more(allocations in any_allocations()) {
        let missing = allocations.retiring.iter();
        let missing = missing.filter(|(address, entry)| entry.withdrawn.is_none() && !allocations.undated.contains(address));
        let missing = missing.count() * r#","withdrawn":"2026-11-26T12:00:00Z""#.len();
        let (expected, told) = (json_size(&allocations) + missing, allocations.stored_size(&marked()));
        prop_assert!(told >= expected, "{told} < {expected}");
        prop_assert!(told - expected < 700, "{told} > {expected}");
    }

    #[test]
    fn a_change_adds_what_it_says(allocations in any_allocations(), last in any::<u8>(), card in 1_u8..250, kind in 0_u8..9, of_vm: bool) {
        let (address, mac) = (ip(last), mac(card));
        let change = match kind {
            0 => Change::Allocate { address, mac },
            1 => Change::Retire { address, mac, of_vm },
            2 => Change::Withdraw { address },
            3 => Change::Forget { address },
            6 => Change::Keep { address, mac },
            7 => Change::Quarantine { address, by: mac, moved: Some(mac) },
            8 => Change::EndQuarantine { address },
            _ => Change::Reserve { address, held: kind == 4 },
        };
        let mut after = allocations.clone();
        after.apply(&change, at(1_000));
        let (before_size, after_size) = (allocations.stored_size(&marked()), after.stored_size(&marked()));
        let grown = after_size.cast_signed() - before_size.cast_signed();
        // A retired address that was reserved gives its mark back as well.
        prop_assert!(after == allocations || grown <= allocations.growth(&change), "{grown}: {change:?}");
        prop_assert!(grown > allocations.growth(&change) - 20 || after == allocations, "{grown}: {change:?}");
    }

    #[test]
    fn what_has_no_date_is_read_as_it_was_written(allocations in any_allocations()) {
        let written = allocations.write(&marked());
        prop_assert_eq!(written.released.len(), allocations.undated.len());
        prop_assert_eq!(Allocations::read(&written), allocations);
    }
}

#[test]
fn an_address_that_is_released_without_a_date_takes_no_more_room_than_it_had() {
    let mut allocations = Allocations::default();
    for last in 1..=100 {
        allocations.apply(&allocate(ip(last), mac(last)), at(0));
    }
    let before = allocations.stored_size(&marked());
    for last in 1..=100 {
        allocations.apply(&retire(ip(last), mac(last)), at(10 + i64::from(last)));
        allocations.store_undated(ip(last));
    }
    assert_eq!(allocations.stored_size(&marked()), before);
    let read = Allocations::read(&allocations.write(&marked()));
    assert_eq!(read.retiring.len(), 100, "they retire all the same");
    let dates: Vec<_> = read.retiring.values().map(|entry| (entry.since, entry.withdrawn)).collect();
    assert_eq!(dates, [(at(110), None); 100], "since the last of them was released, at the latest");
}

#[test]
fn an_address_without_a_date_gets_one_when_its_leases_begin_to_run_out() {
    let mut allocations = Allocations::default();
    allocations.apply(&retire(ip(1), mac(1)), at(10));
    allocations.store_undated(ip(1));
    let withdraw = Change::Withdraw { address: ip(1) };
    assert_eq!(allocations.growth(&withdraw), TIMES.cast_signed());
    allocations.apply(&withdraw, at(20));
    let entry = &Allocations::read(&allocations.write(&marked())).retiring[&ip(1)];
    assert_eq!((entry.since, entry.withdrawn), (at(10), Some(at(20))));
    // Times that are known are never given up: leases are counted from them.
    allocations.store_undated(ip(1));
    assert!(allocations.undated.is_empty());
}

#[test]
fn a_released_entry_that_cannot_be_read_is_kept() {
    let mut status = Allocations::default().write(&marked());
    status.released.insert("10.0.0.9".into(), "somebody".into());
    let read = Allocations::read(&status);
    assert_eq!(read.unreadable_addresses().collect::<Vec<_>>(), [ip(9)]);
    assert_eq!(read.write(&marked()).retiring["10.0.0.9"].mac_address, "somebody");
}
