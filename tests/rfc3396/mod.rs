//! RFC 3396: options that come in several parts.

use dhcproto::v4::{DhcpOption, OptionCode};
use serde_json::json;
use vmdhcp_core::dhcp::{Authority, Request};

use crate::fixtures::*;

fn with_options(options: &[u8]) -> Vec<u8> {
    let mut packet = Message::discover(known()).bytes();
    packet.pop();
    packet.extend(options);
    packet.push(255);
    packet
}

#[test]
fn s7_a_long_option_goes_out_in_parts_that_read_as_one() {
    let value = "0123456789".repeat(60);
    let table = table_with(json!({ "options": [{ "code": 224, "type": "text", "value": value }] }));
    let message = Message::discover(known()).with(DhcpOption::MaxMessageSize(1500));
    let offer = answer(&table, &message);
    assert_eq!(offer.value(224).unwrap(), value.as_bytes());
    let start = offer.bytes.windows(2).position(|pair| pair == [224, 255]).unwrap();
    assert_eq!(offer.bytes[start + 257..start + 259], [224, 255], "parts follow one another");
    assert_eq!(offer.bytes[start + 514..start + 516], [224, 90]);
    assert_eq!(
        table.options_for(table.lookup(known()).unwrap()).iter().find(|(code, _)| *code == 224),
        Some(&(224, value.into_bytes()))
    );
}

#[test]
fn s5_parts_of_a_list_are_joined_even_with_others_between_them() {
    let packet = with_options(&[55, 1, 15, 12, 1, b'h', 55, 2, 6, 3]);
    let request = Request::parse(&packet).unwrap();
    assert_eq!(request.parameter_list().collect::<Vec<_>>(), [15, 6, 3]);
    let offer = decide(&table(), Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1, 15, 6, 3]);
}

#[test]
fn s5_parts_of_an_option_of_fixed_length_are_joined() {
    let packet = with_options(&[57, 1, 4, 57, 1, 0]);
    assert_eq!(Request::parse(&packet).unwrap().max_size(), Some(1024));
}

#[test]
fn s8_parts_in_several_fields_are_joined_in_the_order_options_file_sname() {
    let mut packet = with_options(&[52, 1, 3, 55, 1, 15]);
    packet[44..48].copy_from_slice(&[55, 1, 3, 255]);
    packet[108..112].copy_from_slice(&[55, 1, 6, 255]);
    let request = Request::parse(&packet).unwrap();
    assert_eq!(request.parameter_list().collect::<Vec<_>>(), [15, 6, 3]);
}

#[test]
fn what_is_echoed_keeps_its_parts() {
    let identifier = [&[61, 255][..], &[1; 255], &[61, 3, 2, 2, 2]].concat();
    let offer = decide(&table(), Authority::Current, &with_options(&identifier)).ok().unwrap();
    assert!(offer.bytes.windows(identifier.len()).any(|window| window == identifier));
    assert_eq!(
        offer.option(OptionCode::ClientIdentifier),
        Some(&DhcpOption::ClientIdentifier([&[1; 255][..], &[2; 3]].concat()))
    );
}

#[test]
fn s4_an_option_that_fits_into_one_part_is_never_split() {
    let text = |length| json!({ "code": 224, "type": "text", "value": "x".repeat(length) });
    for length in [1, 254, 255] {
        let table = table_with(json!({ "options": [text(length)] }));
        let message = Message::discover(known()).asking(&[224]).with(DhcpOption::MaxMessageSize(1500));
        let offer = answer(&table, &message);
        let expected = [&[224, u8::try_from(length).unwrap()][..], &vec![b'x'; length]].concat();
        assert!(offer.bytes.windows(expected.len()).any(|window| window == expected));
        assert_eq!(offer.codes().into_iter().filter(|code| *code == 224).collect::<Vec<_>>(), [224]);
    }
}

#[test]
fn s5_an_option_in_parts_lies_in_one_field_whole() {
    // 300 bytes of value fit into none of the fields that are left.
    let table = table_with(json!({ "options": [{ "code": 224, "type": "text", "value": "x".repeat(300) }] }));
    let offer = answer(&table, &Message::discover(known()).asking(&[1, 224]));
    assert_eq!((offer.value(224), offer.reply.left_out), (None, 1));
}
