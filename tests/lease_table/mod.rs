//! What a table knows, and that it is small and quickly made.

use std::net::Ipv4Addr;

use serde_json::json;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{Extras, LeaseId, LeaseTable};
use vmdhcp_core::ipam::Allocations;

use crate::fixtures::*;

#[test]
fn leases_are_found_by_card_and_by_address() {
    let table = table();
    assert_eq!((table.len(), table.server()), (2, SERVER));
    let id = table.lookup(known()).unwrap();
    assert_eq!(table.lease(id), Some((known(), ADDRESS)));
    assert_eq!(table.holder(ADDRESS), Some(id));
    assert_eq!(
        table.iter().collect::<Vec<_>>(),
        [(LeaseId(0), known(), ADDRESS), (LeaseId(1), neighbour(), NEIGHBOUR)]
    );
}

#[test]
fn what_is_no_lease_is_not_found() {
    let table = table();
    assert_eq!(table.lookup(dispossessed()), None);
    assert_eq!(table.holder(LOST_ADDRESS), None);
    assert_eq!(table.lease(LeaseId(2)), None);
    assert!(table.options_for(LeaseId(2)).is_empty());
}

#[test]
fn all_options_of_a_lease_are_those_that_its_client_gets_when_it_asks_for_all() {
    let table = table_with(json!({
        "mtu": 1450,
        "routes": [{ "destination": "10.0.0.0/8", "gateway": "192.168.48.5" }],
        "reservations": [{ "macAddress": known().to_string(), "hostname": "vm-1",
            "options": [{ "code": 15, "value": "own.example.org" }] }],
    }));
    let all: Vec<u8> = (1..=254).collect();
    for mac in [known(), neighbour()] {
        let offer = answer(&table, &Message::discover(mac).asking(&all));
        assert_eq!(offer.reply.left_out, 0);
        let mut expected: Vec<(u8, Vec<u8>)> = offer
            .codes()
            .into_iter()
            .filter(|code| *code != 53)
            .map(|code| (code, offer.value(code).unwrap()))
            .collect();
        expected.sort();
        assert_eq!(table.options_for(table.lookup(mac).unwrap()), expected);
    }
}

#[test]
fn a_reserved_address_is_offered_before_another_of_the_same_card() {
    let reserved: Ipv4Addr = "192.168.48.88".parse().unwrap();
    let fields = json!({ "reservations": [{ "macAddress": known().to_string(), "ipAddress": reserved }] });
    let mut allocations = allocations();
    allocations.held.insert(reserved, known());
    let table = LeaseTable::build(&pool(fields), &allocations, &Extras::default());
    assert_eq!(answer(&table, &Message::discover(known())).message.yiaddr(), reserved);
}

#[test]
fn a_change_of_the_pool_is_in_the_next_answer_to_a_lease_that_was_there_before() {
    let before = answer(&table(), &Message::extending(known(), ADDRESS));
    let after = answer(&table_with(json!({ "dns": ["9.9.9.9"] })), &Message::extending(known(), ADDRESS));
    assert_ne!(before.value(6), after.value(6));
    assert_eq!(after.value(6).unwrap(), [9, 9, 9, 9]);
}

#[test]
fn an_address_that_changes_its_card_is_the_new_cards_alone() {
    let mut allocations = allocations();
    allocations.held.insert(ADDRESS, stranger());
    let table = LeaseTable::build(&pool(json!({})), &allocations, &Extras::default());
    assert_eq!(answer(&table, &Message::discover(stranger())).message.yiaddr(), ADDRESS);
    assert_eq!(table.lookup(known()), None);
}

#[test]
fn a_large_pool_finds_every_one_of_its_cards() {
    let fields = json!({
        "cidr": "10.0.0.0/15", "serverIP": "10.0.0.2", "router": "10.0.0.1", "ntp": null,
        "pool": { "start": "10.0.0.10", "end": "10.1.255.0" },
    });
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 10));
    let card = |index: u32| {
        let [a, b, c, d] = index.to_be_bytes();
        MacAddr::new([0x02, 0xfe, a, b, c, d]).unwrap()
    };
    let held = (0..65_000).map(|index| (Ipv4Addr::from(first + index), card(index))).collect();
    let allocations = Allocations { held, ..Allocations::default() };
    let table = LeaseTable::build(&pool(fields), &allocations, &Extras::default());
    assert_eq!(table.len(), 65_000);
    for index in (0..65_000).step_by(997) {
        let id = table.lookup(card(index)).unwrap();
        assert_eq!(table.lease(id), Some((card(index), Ipv4Addr::from(first + index))));
    }
}
