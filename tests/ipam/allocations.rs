//! What is read from a status, what is written into it, and what each change does.

use std::collections::BTreeMap;

use proptest::prelude::*;
use smol_str::ToSmolStr;
use vmdhcp_core::api::{IPv4Status, RetiringAddress};
use vmdhcp_core::ipam::{Allocations, Change, Retiring};

use crate::fixtures::{LEASE, allocate, at, cases, held, ip, mac, nothing_held, pool, retire};

fn texts<T: From<&'static str> + Ord>(pairs: &[(&'static str, &'static str)]) -> BTreeMap<T, T> {
    pairs.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

#[test]
fn a_status_of_upstream_reads_with_its_macs_in_canonical_form_and_without_its_marks() {
    let status = IPv4Status {
        allocated: texts(&[
            ("10.0.0.1", "RESERVED"),
            ("10.0.0.2", "EXCLUDED"),
            ("10.0.0.3", "02-00-00-00-00-0A"),
            ("10.0.0.4", "0200.0000.000b"),
        ]),
        used: 2,
        available: 96,
        ..IPv4Status::default()
    };
    let read = Allocations::read(&status);
    assert_eq!(
        read,
        Allocations { held: [(ip(3), mac(10)), (ip(4), mac(11))].into(), ..Allocations::default() }
    );
}

#[test]
fn an_unreadable_entry_is_kept_and_written_back_as_it_was() {
    let bad =
        [("10.0.0.3", "somebody"), ("10.0.0.300", "02:00:00:00:00:01"), ("10.0.0.4", "01:00:5e:00:00:01")];
    let nameless =
        RetiringAddress { mac_address: "?".into(), since: "yesterday".into(), ..RetiringAddress::default() };
    let status = IPv4Status {
        allocated: texts(&bad),
        retiring: [("10.0.0.9".to_owned(), nameless)].into(),
        ..IPv4Status::default()
    };
    let read = Allocations::read(&status);
    assert_eq!(read.held.len(), 0);
    assert_eq!(read.unreadable, texts(&bad));
    let addresses: Vec<_> = read.unreadable_addresses().collect();
    assert_eq!(addresses, [ip(3), ip(4), ip(9)]);
    // Also where the spec would put a mark.
    let written = read.write(&pool(ip(1), ip(10)).excluding("10.0.0.3").checked());
    assert_eq!(written.allocated, status.allocated);
    assert_eq!(written.retiring, status.retiring);
    assert_eq!(written.available, 9 - 2, "nobody can get an address that may be in use");
}

#[test]
fn an_unreadable_time_does_not_free_a_retiring_address() {
    let stored = RetiringAddress {
        mac_address: mac(1).to_string(),
        since: "2026-08-01T10:00:00Z".into(),
        withdrawn: Some("soon".into()),
        ..RetiringAddress::default()
    };
    let status = IPv4Status { retiring: [(ip(1).to_string(), stored)].into(), ..IPv4Status::default() };
    let read = Allocations::read(&status);
    assert_eq!(read.unreadable_addresses().collect::<Vec<_>>(), [ip(1)]);
}

#[test]
fn an_address_that_upstream_gave_out_while_it_was_retiring_is_held() {
    let stored = RetiringAddress {
        mac_address: mac(1).to_string(),
        since: "2026-08-01T10:00:00Z".into(),
        withdrawn: None,
        ..RetiringAddress::default()
    };
    let status = IPv4Status {
        allocated: texts(&[("10.0.0.1", "02:00:00:00:00:02")]),
        retiring: [(ip(1).to_string(), stored)].into(),
        reserved: vec!["10.0.0.1".into(), "10.0.0.2".into(), "?".into()],
        ..IPv4Status::default()
    };
    let read = Allocations::read(&status);
    assert_eq!(read.held, [(ip(1), mac(2))].into());
    assert!(read.retiring.is_empty());
    assert_eq!(read.reserved, [ip(1)].into(), "a mark without an entry means nothing");
}

#[test]
fn lease_times_out_of_bounds_err_on_the_long_side() {
    let read =
        |seconds| Allocations::read(&IPv4Status { longest_lease: Some(seconds), ..IPv4Status::default() });
    assert_eq!(read(i64::MAX).longest_lease, Some(u32::MAX));
    assert_eq!(read(-1).longest_lease, None);
}

#[test]
fn marks_and_counts_are_those_of_upstream() {
    // The seed's example: .81 to .90 without both ends.
    let spec = pool(ip(81), ip(90))
        .with_server(ip(77))
        .with_router(ip(1))
        .excluding("10.0.0.81")
        .excluding("10.0.0.90");
    let written = Allocations::default().write(&spec.checked());
    assert_eq!(written.allocated, texts(&[("10.0.0.81", "EXCLUDED"), ("10.0.0.90", "EXCLUDED")]));
    assert_eq!((written.used, written.available), (0, 8));
    let written = held([(ip(82), mac(1))]).write(&spec.checked());
    assert_eq!((written.used, written.available), (1, 7));
}

#[test]
fn server_and_router_are_marked_inside_the_ranges_and_excluded_where_they_are_both() {
    let inside = pool(ip(1), ip(10))
        .with_server(ip(2))
        .with_router(ip(1))
        .excluding("10.0.0.1")
        .excluding("10.0.0.200");
    let written = nothing_held().write(&inside.checked());
    let marks = [("10.0.0.1", "EXCLUDED"), ("10.0.0.2", "RESERVED"), ("10.0.0.200", "EXCLUDED")];
    assert_eq!(written.allocated, texts(&marks));
    assert_eq!((written.used, written.available), (0, 8));
    let outside = pool(ip(3), ip(10)).with_server(ip(2)).with_router(ip(1));
    assert!(nothing_held().write(&outside.checked()).allocated.is_empty());
}

#[test]
fn excluded_intervals_get_no_marks() {
    let spec = pool(ip(1), ip(10)).excluding("10.0.0.2-10.0.0.3").excluding("10.0.0.8/31");
    let written = nothing_held().write(&spec.checked());
    assert!(written.allocated.is_empty());
    assert_eq!(written.available, 6);
}

#[test]
fn a_card_on_a_marked_address_stands_before_the_mark_and_counts_in_neither_number() {
    let spec = pool(ip(1), ip(10)).with_server(ip(1)).excluding("10.0.0.5");
    let written = held([(ip(1), mac(1)), (ip(5), mac(2)), (ip(99), mac(3))]).write(&spec.checked());
    let macs = [("10.0.0.1", mac(1)), ("10.0.0.5", mac(2)), ("10.0.0.99", mac(3))];
    assert_eq!(written.allocated, macs.map(|(key, mac)| (key.into(), mac.to_smolstr())).into());
    assert_eq!((written.used, written.available), (0, 8));
}

#[test]
fn a_retiring_address_is_neither_used_nor_available() {
    let mut allocations = held([(ip(1), mac(1)), (ip(2), mac(2))]);
    allocations.apply(&retire(ip(1), mac(1)), at(0));
    let written = allocations.write(&pool(ip(1), ip(10)).checked());
    assert_eq!((written.used, written.available), (1, 8));
}

#[test]
fn an_empty_pool_writes_no_maps() {
    let written = Allocations::default().write(&pool(ip(1), ip(10)).checked());
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!(json, serde_json::json!({ "used": 0, "available": 10 }));
}

#[test]
fn a_retired_address_leaves_everything_else_and_comes_back_by_allocation() {
    let mut allocations = held([(ip(1), mac(1))]);
    allocations.apply(&Change::Reserve { address: ip(1), held: true }, at(5));
    assert_eq!(allocations.reserved, [ip(1)].into());
    allocations.apply(&retire(ip(1), mac(1)), at(5));
    let entry = Retiring { mac: mac(1), since: at(5), withdrawn: None, served: false, of_vm: false };
    assert_eq!(allocations, Allocations { retiring: [(ip(1), entry)].into(), ..nothing_held() });
    allocations.apply(&allocate(ip(1), mac(1)), at(6));
    assert_eq!(allocations, held([(ip(1), mac(1))]));
}

#[test]
fn no_change_takes_an_address_from_another_card() {
    let before = held([(ip(1), mac(1))]);
    let mut after = before.clone();
    after.apply(&retire(ip(1), mac(2)), at(5));
    after.apply(&allocate(ip(1), mac(2)), at(5));
    assert_eq!(after, before);
}

#[test]
fn storing_a_time_never_shortens_a_wait() {
    let now = "2026-08-01T10:00:00.001Z".parse().unwrap();
    let mut allocations = held([(ip(1), mac(1))]);
    allocations.apply(&retire(ip(1), mac(1)), now);
    allocations.apply(&Change::Withdraw { address: ip(1) }, now);
    allocations.apply(&Change::LongestLease { seconds: 1 }, now);
    let written = allocations.write(&pool(ip(1), ip(10)).checked());
    assert_eq!(written.retiring["10.0.0.1"].withdrawn.as_deref(), Some("2026-08-01T10:00:01Z"));
    assert_eq!(written.earlier_leases_end.as_deref(), Some("2026-08-01T11:00:01Z"));
    assert_eq!(Allocations::read(&written), allocations);
}

#[test]
fn the_end_of_earlier_leases_only_moves_forward() {
    let mut allocations = nothing_held();
    allocations.apply(&Change::LongestLease { seconds: 60 }, at(0));
    assert_eq!(allocations.earlier_leases_end, Some(at(LEASE.into())));
    allocations.apply(&Change::LongestLease { seconds: 30 }, at(10));
    assert_eq!(allocations.earlier_leases_end, Some(at(LEASE.into())));
    allocations.apply(&Change::LongestLease { seconds: 7200 }, at(10));
    assert_eq!(allocations.earlier_leases_end, Some(at(LEASE.into())));
    assert_eq!(allocations.longest_lease, Some(7200));
}

prop_compose! {
    fn any_allocations()(
        entries in prop::collection::btree_map(any::<u8>(), (1_u8..250, 0_u8..3, 0_i64..1_000_000), 0..40),
        longest_lease in prop::option::of(any::<u32>()),
        end in prop::option::of(0_i64..1_000_000),
    ) -> Allocations {
        let mut allocations =
            Allocations { longest_lease, earlier_leases_end: end.map(at), ..Allocations::default() };
        for (last, (card, kind, since)) in entries {
            if kind == 2 {
                let withdrawn = (since % 2 == 0).then(|| at(since + 5));
                let entry = Retiring { mac: mac(card), since: at(since), withdrawn, served: false, of_vm: false };
                allocations.retiring.insert(ip(last), entry);
            } else {
                allocations.held.insert(ip(last), mac(card));
                if kind == 1 {
                    allocations.reserved.insert(ip(last));
                }
            }
        }
        allocations
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_is_written_reads_the_same(allocations in any_allocations()) {
        let pool = pool(ip(10), ip(200)).with_server(ip(11)).excluding("10.0.0.12").excluding("10.0.0.128/26").checked();
        let written = allocations.write(&pool);
        prop_assert_eq!(&Allocations::read(&written), &allocations);
        prop_assert_eq!(Allocations::read(&written).write(&pool), written);
    }

    #[test]
    fn no_status_makes_reading_panic(pairs in prop::collection::btree_map(".{0,20}", ".{0,20}", 0..20)) {
        let status = IPv4Status { allocated: pairs.iter().map(|(key, value)| (key.into(), value.into())).collect(), reserved: pairs.keys().cloned().collect(), ..IPv4Status::default() };
        let written = Allocations::read(&status).write(&pool(ip(1), ip(10)).checked());
        for (key, value) in pairs {
            let mark = value == "EXCLUDED" || value == "RESERVED";
            prop_assert!(mark || written.allocated.contains_key(key.as_str()), "{:?} is lost", key);
        }
    }
}
