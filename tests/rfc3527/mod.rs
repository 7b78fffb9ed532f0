//! RFC 3527: a relay agent may say which link the client is on.

use std::net::Ipv4Addr;

use dhcproto::v4::DhcpOption;
use dhcproto::v4::relay::{RelayAgentInformation, RelayInfo};
use serde_json::json;
use vmdhcp_core::dhcp::{Destination, Why};

use crate::fixtures::*;

fn link(address: Ipv4Addr) -> DhcpOption {
    let mut information = RelayAgentInformation::default();
    information.insert(RelayInfo::AgentCircuitId(b"eth1".to_vec()));
    information.insert(RelayInfo::LinkSelection(address));
    DhcpOption::RelayAgentInformation(information)
}

#[test]
fn the_link_that_the_relay_names_decides_and_its_own_address_is_where_the_answer_goes() {
    let message =
        Message::discover(known()).relayed_by(ELSEWHERE).with(link("192.168.48.0".parse().unwrap()));
    assert_eq!(answer(&table(), &message).reply.destination, Destination::Relay(ELSEWHERE));
}

#[test]
fn another_link_than_this_pools_is_not_served_even_by_a_relay_of_this_network() {
    let relay = "192.168.48.254".parse().unwrap();
    let message = Message::discover(known()).relayed_by(relay).with(link(ELSEWHERE));
    assert_eq!(silence(&table(), &message), Why::OtherLink { link: ELSEWHERE });
}

#[test]
fn the_relays_word_stands_above_the_clients() {
    let ours = "192.168.48.0".parse().unwrap();
    let message = Message::discover(known())
        .relayed_by(ELSEWHERE)
        .with(link(ours))
        .with(DhcpOption::SubnetSelection(ELSEWHERE));
    let table = table_with(json!({ "relays": [ELSEWHERE.to_string()] }));
    assert_eq!(answer(&table, &message).message.yiaddr(), ADDRESS);
}

#[test]
fn a_client_cannot_name_a_link_in_the_relays_place() {
    let message = Message::discover(known()).with(link(ELSEWHERE));
    assert_eq!(answer(&table(), &message).message.yiaddr(), ADDRESS);
}
