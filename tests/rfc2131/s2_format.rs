//! Section 2 and RFC 2132 section 2: what a message looks like, and what is none.

use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use vmdhcp_core::dhcp::{Authority, Destination, Malformed, Request};

use crate::fixtures::*;

fn malformed(packet: &[u8]) -> Malformed {
    Request::parse(packet).unwrap_err()
}

/// A DHCPDISCOVER with one byte of its header changed.
fn discover_with(at: usize, byte: u8) -> Vec<u8> {
    let mut packet = Message::discover(known()).bytes();
    packet[at] = byte;
    packet
}

/// A DHCPDISCOVER with these bytes as its options field.
fn discover_with_options(options: &[u8]) -> Vec<u8> {
    let mut packet = Message::discover(known()).bytes();
    packet.truncate(240);
    packet.extend(options);
    packet
}

#[test]
fn a_packet_that_ends_within_the_fixed_fields_is_refused_at_any_length() {
    let packet = Message::discover(known()).bytes();
    for length in 0..240 {
        assert_eq!(malformed(&packet[..length]), Malformed::TooShort);
    }
}

#[test]
fn only_requests_of_ethernet_clients_are_read() {
    assert_eq!(malformed(&discover_with(0, 2)), Malformed::NotRequest(2));
    assert_eq!(malformed(&discover_with(1, 6)), Malformed::HardwareType(6));
    for length in [0, 5, 7, 16, 17, 255] {
        assert_eq!(malformed(&discover_with(2, length)), Malformed::HardwareLength(length));
    }
    assert_eq!(malformed(&discover_with(28, 0xfb)), Malformed::HardwareAddress, "a group address");
    let mut zero = Message::discover(known()).bytes();
    zero[28..34].fill(0);
    assert_eq!(malformed(&zero), Malformed::HardwareAddress);
    assert_eq!(malformed(&discover_with(236, 98)), Malformed::NoMagicCookie);
}

#[test]
fn an_option_beyond_the_end_is_refused_wherever_it_is() {
    for (options, code) in [
        (&[53, 1, 1, 12][..], 12),
        (&[53, 1, 1, 12, 4, b'h'], 12),
        (&[53], 53),
        (&[53, 1, 1, 12, 1, b'h', 12, 9], 12),
    ] {
        assert_eq!(malformed(&discover_with_options(options)), Malformed::TruncatedOption { code });
    }
}

#[test]
fn what_is_behind_the_end_and_what_the_server_does_not_read_may_be_anything() {
    // A host name that is no text costs nothing but itself; so does a wrong length of an option of no interest.
    let options = [12, 2, 0xff, 0xfe, 93, 1, 7, 0, 0, 53, 1, 1, 55, 2, 1, 3, 255, 99, 99, 99];
    let packet = discover_with_options(&options);
    let request = Request::parse(&packet).unwrap();
    assert_eq!(request.parameter_list().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(request.option(12).collect::<Vec<_>>(), [&[0xff, 0xfe]]);
}

#[test]
fn a_packet_without_an_end_option_is_read_to_its_end() {
    assert!(Request::parse(&discover_with_options(&[53, 1, 1])).is_ok());
}

#[test]
fn the_message_type_is_exactly_one_byte_and_one_of_a_clients() {
    assert_eq!(malformed(&discover_with_options(&[255])), Malformed::NoMessageType);
    for (options, length) in [(&[53, 0][..], 0), (&[53, 2, 1, 1], 2), (&[53, 1, 1, 53, 1, 3], 2)] {
        let expected = Malformed::OptionLength { code: 53, length, expected: 1 };
        assert_eq!(malformed(&discover_with_options(options)), expected);
    }
    for number in [0, 9, 13, 255] {
        let packet = discover_with_options(&[53, 1, number]);
        assert_eq!(malformed(&packet), Malformed::UnknownMessageType(number));
    }
    for kind in [MessageType::Offer, MessageType::Ack, MessageType::Nak] {
        let packet = Message::new(known(), kind).bytes();
        assert!(matches!(malformed(&packet), Malformed::ServerMessage(_)), "{kind:?}");
    }
}

#[test]
fn options_that_decide_have_exactly_their_length() {
    for (code, right) in [(50, 4), (51, 4), (54, 4), (57, 2), (118, 4)] {
        for length in [0, right - 1, right + 1] {
            let mut options = vec![53, 1, 1, code, u8::try_from(length).unwrap()];
            options.extend(vec![1; length]);
            let expected = Malformed::OptionLength { code, length, expected: right };
            assert_eq!(malformed(&discover_with_options(&options)), expected);
        }
    }
}

#[test]
fn options_in_file_and_sname_are_read_when_option_52_says_so() {
    let mut packet = discover_with_options(&[53, 1, 1, 52, 1, 3, 255]);
    packet[108..114].copy_from_slice(&[55, 2, 1, 3, 255, 0]);
    packet[44..49].copy_from_slice(&[57, 2, 5, 220, 255]);
    let request = Request::parse(&packet).unwrap();
    assert_eq!(request.parameter_list().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(request.max_size(), Some(1500));

    for (overload, list, size) in [(1, 2, None), (2, 0, Some(1500))] {
        packet[245] = overload;
        let request = Request::parse(&packet).unwrap();
        assert_eq!(request.parameter_list().count(), list);
        assert_eq!(request.max_size(), size);
    }
}

#[test]
fn a_file_name_without_option_52_is_no_option() {
    let mut packet = Message::discover(known()).bytes();
    packet[108..112].copy_from_slice(&[55, 200, 1, 3]);
    assert_eq!(Request::parse(&packet).unwrap().parameter_list().count(), 0);
}

#[test]
fn option_52_with_another_value_or_with_broken_fields_is_refused() {
    for value in [0, 4, 255] {
        let packet = discover_with_options(&[53, 1, 1, 52, 1, value]);
        assert_eq!(malformed(&packet), Malformed::Overload(value));
    }
    let mut packet = discover_with_options(&[53, 1, 1, 52, 1, 1]);
    packet[108..110].copy_from_slice(&[12, 127]);
    assert_eq!(malformed(&packet), Malformed::TruncatedOption { code: 12 });
}

#[test]
fn a_request_in_no_state_of_table_4_is_refused() {
    let request = || Message::new(known(), MessageType::Request);
    for (message, reason) in [
        (request(), "no_address"),
        (request().with(DhcpOption::ServerIdentifier(SERVER)), "no_address"),
        (Message::init_reboot(known(), ADDRESS).from(NEIGHBOUR), "contradiction"),
    ] {
        assert_eq!(malformed(&message.bytes()).as_str(), reason);
    }
}

#[test]
fn other_messages_without_a_field_of_table_5_are_refused() {
    for (message, reason) in [
        (Message::decline(known(), SERVER, ADDRESS).without(OptionCode::ServerIdentifier), "no_server"),
        (Message::decline(known(), SERVER, ADDRESS).without(OptionCode::RequestedIpAddress), "no_address"),
        (Message::release(known(), SERVER, NOBODY), "no_address"),
        (Message::inform(known(), NOBODY), "no_address"),
    ] {
        assert_eq!(malformed(&message.bytes()).as_str(), reason);
    }
}

#[test]
fn a_relay_agent_has_a_unicast_address() {
    for relay in ["255.255.255.255", "224.0.0.1", "127.0.0.1"] {
        let relay = relay.parse().unwrap();
        let packet = Message::discover(known()).relayed_by(relay).bytes();
        assert_eq!(malformed(&packet), Malformed::RelayAddress(relay));
    }
}

#[test]
fn flags_beside_the_broadcast_bit_decide_nothing_and_go_back_as_they_came() {
    let mut packet = Message::discover(known()).bytes();
    packet[10..12].copy_from_slice(&[0x7f, 0xff]);
    let offer = decide(&table(), Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.reply.destination, Destination::Client { address: ADDRESS, hardware: known() });
    assert_eq!(offer.bytes[10..12], [0x7f, 0xff]);
}
