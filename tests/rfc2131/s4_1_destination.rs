//! Section 4.1: where answers go, and how long they are.

use dhcproto::v4::{DhcpOption, MessageType};
use vmdhcp_core::dhcp::Destination;

use crate::fixtures::*;

const RELAY: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 168, 48, 254);

fn client(address: std::net::Ipv4Addr) -> Destination {
    Destination::Client { address, hardware: known() }
}

#[test]
fn a_client_without_an_address_is_sent_its_new_one_by_unicast() {
    let table = table();
    let offer = answer(&table, &Message::discover(known()));
    assert_eq!(offer.reply.destination, client(ADDRESS));
    let ack = answer(&table, &Message::selecting(known(), SERVER, ADDRESS));
    assert_eq!(ack.reply.destination, client(ADDRESS));
}

#[test]
fn a_client_that_cannot_take_unicast_is_answered_by_broadcast() {
    let offer = answer(&table(), &Message::discover(known()).asking_for_broadcast());
    assert_eq!(offer.reply.destination, Destination::Broadcast);
    assert!(offer.message.flags().broadcast(), "flags go back as they came");
}

#[test]
fn a_client_that_uses_an_address_is_answered_there_whatever_its_broadcast_flag() {
    let table = table();
    for message in [
        Message::extending(known(), ADDRESS),
        Message::extending(known(), ADDRESS).asking_for_broadcast(),
        Message::inform(known(), ADDRESS),
    ] {
        assert_eq!(answer(&table, &message).reply.destination, client(ADDRESS));
    }
}

#[test]
fn a_refusal_goes_by_broadcast_also_to_a_client_that_uses_an_address() {
    let table = table();
    for message in [
        Message::extending(known(), NEIGHBOUR),
        Message::selecting(known(), SERVER, NEIGHBOUR),
        Message::init_reboot(known(), NEIGHBOUR),
    ] {
        let nak = answer(&table, &message);
        assert_eq!(nak.reply.destination, Destination::Broadcast);
        assert!(!nak.message.flags().broadcast());
    }
}

#[test]
fn whatever_came_by_a_relay_goes_back_to_it() {
    let table = table();
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS).asking_for_broadcast(),
        Message::extending(known(), ADDRESS),
        Message::inform(known(), ADDRESS),
    ] {
        let answer = answer(&table, &message.relayed_by(RELAY));
        assert_eq!(answer.reply.destination, Destination::Relay(RELAY));
        assert_eq!(answer.message.giaddr(), RELAY);
    }
}

#[test]
fn a_relayed_refusal_asks_the_relay_to_broadcast() {
    let nak = answer(&table(), &Message::init_reboot(known(), NEIGHBOUR).relayed_by(RELAY));
    assert_eq!(nak.reply.destination, Destination::Relay(RELAY));
    assert!(nak.message.flags().broadcast());
}

#[test]
fn an_answer_is_never_shorter_than_bootp_had_it() {
    let table = table_with(serde_json::json!({
        "router": null, "dns": null, "domainName": null, "domainSearch": null, "ntp": null }));
    for message in [
        Message::discover(known()),
        Message::inform(known(), ADDRESS),
        Message::init_reboot(known(), NEIGHBOUR),
    ] {
        let answer = answer(&table, &message);
        assert_eq!(answer.bytes.len(), 300);
        let end = answer.bytes.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(answer.bytes[end], 255, "nothing but zeros behind the end");
    }
}

#[test]
fn the_message_type_is_the_first_option() {
    let table = table();
    for message in [
        Message::discover(known()).asking(&[3, 1]),
        Message::inform(known(), ADDRESS),
        Message::init_reboot(known(), NEIGHBOUR),
    ] {
        assert_eq!(answer(&table, &message).codes()[0], 53);
    }
}

#[test]
fn a_silent_decision_has_no_destination_and_a_reply_names_its_lease() {
    let table = table();
    let offer = answer(&table, &Message::discover(neighbour()));
    assert_eq!(offer.reply.lease, table.lookup(neighbour()));
    let message = Message::new(known(), MessageType::Request).with(DhcpOption::RequestedIpAddress(NEIGHBOUR));
    let nak = answer(&table, &message);
    assert_eq!(nak.reply.lease, table.lookup(known()), "the client's own lease, not that of its neighbour");
}

#[test]
fn an_offer_goes_to_the_address_that_the_client_says_it_uses() {
    let offer = answer(&table(), &Message::discover(known()).from(NEIGHBOUR).asking_for_broadcast());
    assert_eq!(offer.reply.destination, client(NEIGHBOUR));
    assert_eq!((offer.message.ciaddr(), offer.message.yiaddr()), (NOBODY, ADDRESS));
}
