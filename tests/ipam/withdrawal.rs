//! From which version on an agent is known to have stopped granting what retires.

use std::net::Ipv4Addr;

use vmdhcp_core::ipam::{Allocations, Versions, Withdrawn};

use crate::fixtures::*;

/// Allocations in which these addresses retire.
fn retiring(addresses: &[Ipv4Addr]) -> Allocations {
    let mut allocations = nothing_held();
    for &address in addresses {
        allocations.apply(&retire(address, mac(1)), at(1));
    }
    allocations
}

/// A manager that has read version 10, and written 11 and 12, in each of which one more address retires.
fn three_versions() -> Versions {
    let mut versions = Versions::default();
    versions.read(10, &retiring(&[ip(1)]));
    versions.wrote(11, &retiring(&[ip(1), ip(2)]));
    versions.wrote(12, &retiring(&[ip(1), ip(2), ip(3)]));
    versions
}

fn withdrawn(addresses: &[Ipv4Addr], longer_leases: bool) -> Withdrawn {
    Withdrawn { addresses: addresses.iter().copied().collect(), longer_leases, unknown: false }
}

#[test]
fn agents_need_not_be_at_the_newest_version_but_at_the_one_that_first_said_so() {
    let versions = three_versions();
    assert_eq!(versions.withdrawn([12, 9]), withdrawn(&[], false));
    assert_eq!(versions.withdrawn([12, 10]), withdrawn(&[ip(1)], true));
    assert_eq!(versions.withdrawn([11, 12]), withdrawn(&[ip(1), ip(2)], true));
    assert_eq!(versions.withdrawn([12, 12]), withdrawn(&[ip(1), ip(2), ip(3)], true));
}

#[test]
fn where_there_are_no_agents_nobody_grants_anything() {
    assert_eq!(three_versions().withdrawn([]), withdrawn(&[ip(1), ip(2), ip(3)], true));
}

#[test]
fn reading_ones_own_write_again_changes_nothing() {
    let mut versions = three_versions();
    versions.read(12, &retiring(&[ip(1), ip(2), ip(3)]));
    assert_eq!(versions, three_versions());
}

#[test]
fn after_a_version_of_somebody_else_everything_counts_from_there() {
    // Between 12 and 20 an address may have come back and gone again, and leases may have been longer.
    let mut versions = three_versions();
    versions.read(20, &retiring(&[ip(1)]));
    assert_eq!(versions.withdrawn([19]), withdrawn(&[], false));
    assert_eq!(versions.withdrawn([20]), withdrawn(&[ip(1)], true));
}

#[test]
fn an_address_that_came_back_and_retires_again_counts_from_the_second_time() {
    let mut versions = three_versions();
    versions.wrote(13, &retiring(&[ip(2), ip(3)]));
    versions.wrote(14, &retiring(&[ip(1), ip(2), ip(3)]));
    assert_eq!(versions.withdrawn([13]), withdrawn(&[ip(2), ip(3)], true));
}

#[test]
fn a_version_that_is_not_known_yet_proves_nothing() {
    // It may be from before an older backup was restored.
    assert_eq!(three_versions().withdrawn([12, 13]), withdrawn(&[], false));
    let mut restored = three_versions();
    restored.read(5, &retiring(&[ip(7)]));
    assert_eq!(restored.withdrawn([12]), withdrawn(&[], false));
    assert_eq!(restored.withdrawn([5]), withdrawn(&[ip(7)], true));
}
