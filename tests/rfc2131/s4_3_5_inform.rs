//! Section 4.3.5: DHCPINFORM.

use dhcproto::v4::{MessageType, OptionCode};
use serde_json::json;
use vmdhcp_core::dhcp::{Destination, Why};

use crate::fixtures::*;

#[test]
fn whoever_has_an_address_on_the_link_is_told_the_options_and_nothing_of_a_lease() {
    for (mac, address) in [(known(), ADDRESS), (stranger(), "192.168.48.200".parse().unwrap())] {
        let ack = answer(&table(), &Message::inform(mac, address));
        assert_eq!(ack.message.opts().msg_type(), Some(MessageType::Ack));
        assert_eq!((ack.message.ciaddr(), ack.message.yiaddr()), (address, NOBODY));
        for code in [51, 58, 59] {
            assert_eq!(ack.value(code), None, "option {code}");
        }
        assert_eq!(ack.value(54).unwrap(), SERVER.octets());
        assert_eq!(ack.value(1).unwrap(), [255, 255, 255, 0]);
        assert_eq!(ack.value(3).unwrap(), ROUTER.octets());
        assert_eq!(ack.reply.destination, Destination::Client { address, hardware: mac });
        assert_eq!((ack.reply.why, ack.reply.lease_time), (Why::Informed, None));
    }
}

#[test]
fn the_clients_list_holds_here_too() {
    let ack = answer(&table(), &Message::inform(stranger(), ADDRESS).asking(&[6]));
    assert_eq!(ack.codes(), [53, 54, 1, 6]);
}

#[test]
fn a_known_card_is_told_its_own_options() {
    let table =
        table_with(json!({ "reservations": [{ "macAddress": known().to_string(), "hostname": "vm-1" }] }));
    let ack = answer(&table, &Message::inform(known(), ADDRESS));
    assert_eq!(ack.value(12).unwrap(), b"vm-1");
    assert_eq!(answer(&table, &Message::inform(stranger(), ADDRESS)).option(OptionCode::Hostname), None);
}

#[test]
fn an_address_that_no_host_of_this_network_has_is_not_answered() {
    for address in [ELSEWHERE, SERVER, "192.168.48.0".parse().unwrap(), "192.168.48.255".parse().unwrap()] {
        assert_eq!(silence(&table(), &Message::inform(known(), address)), Why::NotOnLink { address });
    }
}

#[test]
fn an_acknowledgement_is_the_same_whatever_leases_there_are() {
    let inform = || Message::inform(stranger(), NEIGHBOUR);
    let ack = answer(&table(), &inform());
    assert_eq!(ack.message.ciaddr(), NEIGHBOUR, "that the address is another card's lease is not looked at");
    assert_eq!(ack.reply.lease, None);
}
