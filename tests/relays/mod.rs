//! Which relay agents are answered: all that name the pool's subnet, or those that the pool names.

use dhcproto::v4::DhcpOption;
use dhcproto::v4::relay::{RelayAgentInformation, RelayInfo};
use serde_json::json;
use vmdhcp_core::dhcp::{Destination, LeaseTable, Why};

use crate::fixtures::*;

fn listed() -> LeaseTable {
    table_with(json!({ "relays": ["192.168.48.254", "10.0.0.0/30"] }))
}

fn from(relay: &str) -> Message {
    let mut information = RelayAgentInformation::default();
    information.insert(RelayInfo::LinkSelection("192.168.48.0".parse().unwrap()));
    Message::discover(known())
        .relayed_by(relay.parse().unwrap())
        .with(DhcpOption::RelayAgentInformation(information))
}

#[test]
fn a_relay_agent_of_the_list_is_answered_where_it_is() {
    for relay in ["192.168.48.254", "10.0.0.1", "10.0.0.3"] {
        let offer = answer(&listed(), &from(relay));
        assert_eq!(offer.reply.destination, Destination::Relay(relay.parse().unwrap()));
        assert_eq!(offer.codes().last(), Some(&82));
    }
}

#[test]
fn another_one_hears_nothing_whatever_it_sends() {
    let refused = Why::RelayRefused { relay: "10.0.0.4".parse().unwrap() };
    assert_eq!(silence(&listed(), &from("10.0.0.4")), refused);
    assert_eq!(refused.as_str(), "relay_refused");
    let relay = "192.168.48.253".parse().unwrap();
    for message in [
        Message::selecting(known(), SERVER, ADDRESS),
        Message::init_reboot(known(), NEIGHBOUR),
        Message::inform(known(), ADDRESS),
        Message::release(known(), SERVER, ADDRESS),
    ] {
        assert_eq!(silence(&listed(), &message.relayed_by(relay)), Why::RelayRefused { relay });
    }
}

#[test]
fn without_a_list_any_relay_agent_that_names_the_subnet_is_answered() {
    assert_eq!(answer(&table(), &from("10.9.9.9")).message.yiaddr(), ADDRESS);
}

#[test]
fn a_client_on_the_link_needs_no_relay_agent() {
    assert_eq!(answer(&listed(), &Message::discover(known())).message.yiaddr(), ADDRESS);
}
