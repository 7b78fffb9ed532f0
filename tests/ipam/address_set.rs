//! The interval set against the set that it stands for.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use vmdhcp_core::ipam::AddressSet;

use crate::fixtures::cases;

/// Addresses at both ends of the address space, so that each border is met often.
fn near_a_border(step: u8) -> Ipv4Addr {
    let step = u32::from(step);
    Ipv4Addr::from(if step < 24 { step } else { u32::MAX - (47 - step) })
}

fn all() -> impl Iterator<Item = Ipv4Addr> {
    (0..48).map(near_a_border)
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn it_behaves_like_a_plain_set(steps in prop::collection::vec((any::<bool>(), 0_u8..24, 0_u8..24, any::<bool>()), 0..24)) {
        let (mut set, mut model) = (AddressSet::new(), BTreeSet::new());
        for (insert, first, last, high) in steps {
            let shift = if high { 24 } else { 0 };
            let (first, last) = (near_a_border(first + shift), near_a_border(last + shift));
            let touched = all().filter(|address| (first..=last).contains(address));
            if insert {
                set.insert(first, last);
                model.extend(touched);
            } else {
                set.remove(first, last);
                touched.for_each(|address| { model.remove(&address); });
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            for address in all() {
                prop_assert_eq!(set.contains(address), model.contains(&address));
                let next = model.range(address..).next().or_else(|| model.first());
                prop_assert_eq!(set.next_from(address), next.copied());
            }
            for (index, address) in model.iter().enumerate() {
                prop_assert_eq!(set.nth(index as u64), Some(*address));
            }
            prop_assert_eq!(set.nth(model.len() as u64), None);
            let intervals: Vec<_> = set.intervals().collect();
            for pair in intervals.windows(2) {
                prop_assert!(u32::from(pair[0].1) + 1 < u32::from(pair[1].0), "touching intervals are one");
            }
        }
    }
}

#[test]
fn the_whole_address_space_fits() {
    let mut set = AddressSet::new();
    set.insert(Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
    assert_eq!(set.len(), 1 << 32);
    assert_eq!(set.nth((1 << 32) - 1), Some(Ipv4Addr::BROADCAST));
    set.remove(Ipv4Addr::BROADCAST, Ipv4Addr::BROADCAST);
    assert_eq!(set.next_from(Ipv4Addr::BROADCAST), Some(Ipv4Addr::UNSPECIFIED));
}

#[test]
fn an_interval_the_wrong_way_round_is_empty() {
    let mut set = AddressSet::new();
    set.insert([10, 0, 0, 9].into(), [10, 0, 0, 1].into());
    assert!(set.is_empty());
    set.insert([10, 0, 0, 1].into(), [10, 0, 0, 9].into());
    set.remove([10, 0, 0, 9].into(), [10, 0, 0, 1].into());
    assert_eq!(set.len(), 9);
}
