//! RFC 3011: a client may say on which subnet it wants an address, where the pool names the relay agents by which such
//! clients come. Such a client stands for another, and puts its own address into `giaddr`.

use std::net::Ipv4Addr;

use dhcproto::v4::DhcpOption;
use serde_json::json;
use vmdhcp_core::dhcp::{Destination, LeaseTable, Why};

use crate::fixtures::*;

/// A relay agent that the pool names, on another network.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const OURS: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 0);

fn enabled() -> LeaseTable {
    table_with(json!({ "relays": ["10.0.0.0/24", "192.168.48.254"] }))
}

fn selecting(subnet: Ipv4Addr) -> Message {
    Message::discover(known()).with(DhcpOption::SubnetSelection(subnet))
}

#[test]
fn s2_the_subnet_decides_and_the_answer_goes_where_it_would_have_gone() {
    let offer = answer(&enabled(), &selecting(OURS).relayed_by(RELAY));
    assert_eq!(offer.message.yiaddr(), ADDRESS);
    assert_eq!(offer.message.giaddr(), RELAY);
    assert_eq!(offer.reply.destination, Destination::Relay(RELAY));
}

#[test]
fn s2_an_identical_copy_goes_back_asked_for_or_not() {
    for message in [selecting(OURS), selecting(OURS).asking(&[1, 3])] {
        let offer = answer(&enabled(), &message.relayed_by(RELAY));
        assert_eq!(offer.value(118).unwrap(), OURS.octets());
    }
}

#[test]
fn s2_no_address_is_offered_that_is_not_on_the_subnet() {
    for relay in [RELAY, "192.168.48.254".parse().unwrap()] {
        let why = silence(&enabled(), &selecting(ELSEWHERE).relayed_by(relay));
        assert_eq!(why, Why::OtherLink { link: ELSEWHERE });
    }
}

#[test]
fn s6_it_is_disabled_by_default_and_then_ignored_and_not_sent_back() {
    let relay = "192.168.48.254".parse().unwrap();
    for message in [
        selecting(ELSEWHERE),
        selecting(OURS),
        selecting(ELSEWHERE).relayed_by(relay),
        selecting(OURS).relayed_by(relay),
    ] {
        let offer = answer(&table(), &message);
        assert_eq!((offer.message.yiaddr(), offer.value(118)), (ADDRESS, None));
    }
    let why = silence(&table(), &selecting(OURS).relayed_by(RELAY));
    assert_eq!(why, Why::OtherLink { link: RELAY }, "a client cannot choose a subnet for itself");
}

#[test]
fn s6_it_is_enabled_for_clients_of_the_relay_agents_that_the_pool_names_alone() {
    let offer = answer(&enabled(), &selecting(ELSEWHERE));
    assert_eq!((offer.message.yiaddr(), offer.value(118)), (ADDRESS, None), "not for one on the link itself");
}
