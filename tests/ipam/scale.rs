//! Large pools: no test here measures time, but anything worse than n log n would not come to an end.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vmdhcp_core::MacAddr;
use vmdhcp_core::ipam::{Claim, Waiting};

use crate::fixtures::*;

fn claims(count: u32) -> Vec<Claim> {
    let numbered = |number: u32| {
        let [_, high, middle, low] = number.to_be_bytes();
        let mut claim = claim(1);
        claim.mac = MacAddr::new([2, 0, 0, high, middle, low]).unwrap();
        claim.owner.uid = format!("{number:08}");
        claim
    };
    (1..=count).map(numbered).collect()
}

#[test]
fn a_pool_is_filled_to_its_last_address_one_claim_at_a_time() {
    let spec = pool([10, 0, 4, 1].into(), [10, 0, 7, 254].into());
    let (size, all) = (1022, claims(1023));
    let mut allocations = nothing_held();
    for count in 1..=size {
        let plan = settle(&spec, &mut allocations, &all[..count], &world());
        address(plan.outcomes.last().unwrap());
        assert_eq!(allocations.held.len(), count);
    }
    let plan = settle(&spec, &mut allocations, &all, &world());
    assert_eq!(waiting(&plan.outcomes[size]), &Waiting::Exhausted);
    let written = allocations.write(&spec.checked());
    assert_eq!((written.used, written.available), (1022, 0));
}

#[test]
fn the_largest_pool_is_filled_and_changed_and_emptied() {
    let spec = pool([10, 0, 1, 0].into(), [10, 0, 255, 250].into());
    let mut all = claims(40_000);
    let mut allocations = nothing_held();
    let filled = settle(&spec, &mut allocations, &all, &world());
    let addresses: BTreeSet<_> = filled.outcomes.iter().map(address).collect();
    assert_eq!(addresses.len(), 40_000);
    report(&mut all, &filled);
    assert_eq!(settle(&spec, &mut allocations, &all, &world()).changes, []);
    // Everybody goes, and others come: what is left is taken, and the rest wait.
    let successors = claims(80_000).split_off(40_000);
    let leaving = all.into_iter().map(Adjectives::leaving).chain(successors).collect::<Vec<_>>();
    let replaced = settle(&spec, &mut allocations, &leaving, &world());
    let left = usize::try_from(spec.checked().domain.len()).unwrap() - 40_000;
    assert_eq!(allocations.held.len(), left);
    let last = waiting(&replaced.outcomes[79_999]);
    assert_eq!(last, &Waiting::AddressRetiring { retiring: 40_000, until: None });
}

#[test]
fn everybody_may_declare_and_remember_the_same_address() {
    let spec = pool([10, 0, 1, 0].into(), [10, 0, 255, 250].into());
    let all: Vec<_> = claims(20_000).into_iter().map(|claim| claim.wanting(ip(7))).collect();
    let plan = settle(&pool(ip(7), ip(7)), &mut nothing_held(), &all, &world());
    assert_eq!(plan.changes.len(), 1);
    let all: Vec<_> =
        claims(20_000).into_iter().map(|claim| claim.remembering([10, 0, 1, 1].into())).collect();
    let plan = settle(&spec, &mut nothing_held(), &all, &world());
    assert_eq!(plan.changes.len(), 20_000);
    let one_mac: Vec<_> = claims(20_000).into_iter().map(|claim| claim.on_card(9).wanting(ip(7))).collect();
    let plan = settle(&pool(ip(7), ip(7)), &mut nothing_held(), &one_mac, &world());
    assert_eq!(plan.changes.len(), 1);
}

#[test]
fn a_slash_8_costs_what_its_claims_cost() {
    let spec = pool([10, 0, 0, 2].into(), [10, 255, 255, 254].into())
        .on_subnet("10.0.0.0/8")
        .with_server([10, 0, 0, 1].into())
        .excluding("10.128.0.0/9");
    let mut allocations = nothing_held();
    let all = claims(1000);
    let plan = settle(&spec, &mut allocations, &all, &world());
    let addresses: BTreeSet<_> = plan.outcomes.iter().map(address).collect();
    assert_eq!(addresses.len(), 1000);
    assert!(addresses.iter().all(|address| *address < Ipv4Addr::new(10, 128, 0, 0)));
    assert_eq!(allocations.write(&spec.checked()).available, (1 << 23) - 2 - 1000);
}
