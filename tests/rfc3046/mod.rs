//! RFC 3046: relay agents, and the information that they add.

use dhcproto::v4::{DhcpOption, MessageType};
use vmdhcp_core::dhcp::{Authority, Destination, Why};

use crate::fixtures::*;

/// Circuit and remote identifier, and one sub-option that nobody knows.
const INFORMATION: [u8; 15] = [1, 4, b'e', b't', b'h', b'1', 2, 2, 0xff, 0xfe, 222, 3, 1, 2, 3];

/// A message with option 82 as a relay agent appends it: byte for byte, behind all others.
fn with_information(message: &Message, information: &[u8]) -> Vec<u8> {
    let mut packet = message.bytes();
    assert_eq!(packet.pop(), Some(255));
    packet.extend([82, u8::try_from(information.len()).unwrap()]);
    packet.extend(information);
    packet.push(255);
    packet
}

#[test]
fn a_relay_agent_of_this_network_is_answered() {
    let relay = "192.168.48.254".parse().unwrap();
    let offer = answer(&table(), &Message::discover(known()).relayed_by(relay));
    assert_eq!(offer.reply.destination, Destination::Relay(relay));
}

#[test]
fn a_relay_agent_of_another_network_is_not() {
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::extending(known(), NEIGHBOUR),
        Message::inform(known(), ADDRESS),
        Message::release(known(), SERVER, ADDRESS),
    ] {
        let why = silence(&table(), &message.relayed_by(ELSEWHERE));
        assert_eq!(why, Why::OtherLink { link: ELSEWHERE });
    }
}

#[test]
fn s2_2_the_information_goes_back_byte_for_byte_and_last() {
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::inform(known(), ADDRESS),
        Message::init_reboot(known(), NEIGHBOUR),
    ] {
        let packet = with_information(&message, &INFORMATION);
        let answer = decide(&table(), Authority::Current, &packet).ok().unwrap();
        assert_eq!(answer.value(82).unwrap(), INFORMATION);
        assert_eq!(answer.codes().last(), Some(&82));
    }
}

#[test]
fn the_information_has_its_room_however_much_else_there_is() {
    let long = |code: u8| serde_json::json!({ "code": code, "type": "text", "value": "x".repeat(90) });
    let table = table_with(serde_json::json!({ "options": [long(224), long(225), long(226), long(227)] }));
    let information = [&[1, 200][..], &[7; 200]].concat();
    let packet = with_information(&Message::discover(known()), &information);
    let offer = decide(&table, Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.value(82).unwrap(), information);
    assert!(offer.bytes.len() <= 548);
}

#[test]
fn sub_options_that_make_no_sense_are_only_echoed() {
    for information in [&[1][..], &[1, 200, 1], &[5, 3, 1, 2, 3], &[]] {
        let message = Message::discover(known()).relayed_by("192.168.48.254".parse().unwrap());
        let packet = with_information(&message, information);
        let offer = decide(&table(), Authority::Current, &packet).ok().unwrap();
        assert_eq!(offer.value(82).unwrap(), information);
    }
}

/// A message with so many bytes of information, in parts of 255.
fn with_parts(message: &Message, parts: usize) -> Vec<u8> {
    let mut packet = message.bytes();
    packet.pop();
    for _ in 0..parts {
        packet.extend([82, 255, 1, 253]);
        packet.extend([0; 253]);
    }
    packet
}

#[test]
fn s2_2_information_without_room_is_left_out_and_counted_and_the_client_answered() {
    for (message, kind) in [
        (Message::discover(known()), MessageType::Offer),
        (Message::inform(known(), ADDRESS), MessageType::Ack),
        (Message::init_reboot(known(), NEIGHBOUR), MessageType::Nak),
    ] {
        for parts in [2, 6] {
            let answer = decide(&table(), Authority::Current, &with_parts(&message, parts)).ok().unwrap();
            assert_eq!(answer.message.opts().msg_type(), Some(kind));
            assert_eq!(answer.value(82), None);
            assert_eq!(answer.reply.left_out, 1);
            assert!(answer.bytes.len() <= 548);
        }
    }
    let roomy = Message::discover(known()).with(DhcpOption::MaxMessageSize(1500));
    let offer = decide(&table(), Authority::Current, &with_parts(&roomy, 2)).ok().unwrap();
    assert_eq!(offer.value(82).unwrap().len(), 510);
    assert_eq!(offer.reply.left_out, 0);
}

#[test]
fn s2_2_information_in_a_unicast_message_is_echoed_and_its_absence_harms_nothing() {
    let extending = Message::extending(known(), ADDRESS);
    let packet = with_information(&extending, &INFORMATION);
    let ack = decide(&table(), Authority::Current, &packet).ok().unwrap();
    assert_eq!(ack.value(82).unwrap(), INFORMATION);
    assert_eq!(ack.reply.destination, Destination::Client { address: ADDRESS, hardware: known() });
    assert_eq!(answer(&table(), &extending).value(82), None);
}

#[test]
fn s3_what_the_relay_says_of_a_circuit_decides_nothing() {
    let other = [1, 4, b'e', b't', b'h', b'2'];
    let answers = [&INFORMATION[..], &other].map(|information| {
        let packet = with_information(&Message::discover(known()), information);
        decide(&table(), Authority::Current, &packet).ok().unwrap().message.yiaddr()
    });
    assert_eq!(answers, [ADDRESS; 2]);
}
