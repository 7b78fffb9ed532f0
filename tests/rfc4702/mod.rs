//! RFC 4702: a client's fully qualified name, and who puts it into the DNS. This server never does.

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use vmdhcp_core::dhcp::Authority;

use crate::fixtures::*;

/// Bits of the flags: the server does no updates, the name is in the form of DNS, the client's wish is overridden, the
/// server updates the address record.
const N: u8 = 8;
const E: u8 = 4;
const O: u8 = 2;
const S: u8 = 1;

fn fqdn(value: &[u8]) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(81), value.to_vec()))
}

/// What a client with these flags and name is told.
fn told(flags: u8, name: &[u8]) -> Vec<u8> {
    let message = Message::discover(known()).with(fqdn(&[&[flags, 0, 0], name].concat()));
    answer(&table(), &message).value(81).unwrap()
}

#[test]
fn s2_1_the_server_says_that_it_does_no_updates_whatever_it_is_asked_for() {
    for (asked, told_flags) in [(0, N), (S, N | O), (N, N), (S | E, N | E | O), (E, N | E), (N | E, N | E)] {
        assert_eq!(told(asked, b"vm-1")[0], told_flags, "{asked:04b}");
    }
}

#[test]
fn s2_1_reserved_bits_are_ignored_and_cleared() {
    assert_eq!(told(0xf0 | S, b"vm-1")[0], N | O);
}

#[test]
fn s2_2_the_fields_of_return_codes_are_255() {
    assert_eq!(told(S, b"vm-1")[1..3], [255, 255]);
}

#[test]
fn s2_3_the_name_goes_back_in_the_clients_own_form() {
    assert_eq!(&told(0, b"vm-1.example.org")[3..], b"vm-1.example.org");
    let canonical = b"\x04vm-1\x07example\x03org\0";
    assert_eq!(&told(E | S, canonical)[3..], canonical);
    assert_eq!(told(E | S, b"").len(), 3, "also none");
}

#[test]
fn s4_offer_and_acknowledgement_have_it_if_the_message_had_it_and_else_not() {
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::extending(known(), ADDRESS),
        Message::inform(known(), ADDRESS),
    ] {
        assert_eq!(answer(&table(), &message.clone().asking(&[1, 81])).value(81), None);
        let with = answer(&table(), &message.with(fqdn(b"\x01\0\0vm-1")));
        assert_eq!(with.value(81).unwrap(), b"\x0a\xff\xffvm-1");
    }
    let refused = Message::init_reboot(known(), NEIGHBOUR).with(fqdn(b"\x01\0\0vm-1"));
    assert_eq!(answer(&table(), &refused).value(81), None);
}

#[test]
fn s2_an_option_without_its_three_bytes_is_ignored() {
    for value in [&b"\x01"[..], b"\x01\0"] {
        let offer = answer(&table(), &Message::discover(known()).with(fqdn(value)));
        assert_eq!(offer.value(81), None);
    }
    let mut packet = Message::discover(known()).bytes();
    packet.pop();
    packet.extend([&[81, 255, 1, 0, 0][..], &[b'a'; 252], &[81, 1, b'a', 255]].concat());
    let offer = decide(&table(), Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.value(81), None, "no name is that long");
}

#[test]
fn one_without_room_costs_nobody_an_answer_nor_what_a_relay_agent_says() {
    let mut packet = Message::discover(known()).with(fqdn(&[b'a'; 200])).bytes();
    packet.pop();
    packet.extend([&[82, 102, 1, 100][..], &[7; 100], &[255]].concat());
    let offer = decide(&table(), Authority::Current, &packet).ok().unwrap();
    assert_eq!((offer.value(81), offer.value(82).unwrap().len()), (None, 102));
    assert!(offer.reply.left_out > 0 && offer.bytes.len() <= 548);
}
