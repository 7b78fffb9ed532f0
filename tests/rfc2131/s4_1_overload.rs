//! Section 4.1 and RFC 2132 section 9.3: options in `file` and `sname`, when there is no other room.

use dhcproto::v4::borrowed::DhcpOptionIterator;
use dhcproto::v4::{DhcpOption, OptionCode};
use serde_json::{Value, json};
use vmdhcp_core::dhcp::Authority;

use crate::fixtures::*;

/// Options 224 and up of these lengths.
fn filled(lengths: &[usize]) -> Value {
    let options = lengths.iter().zip(224..).map(|(length, code)| {
        json!({ "code": code, "type": "hex", "value": format!("{code:02x}").repeat(*length) })
    });
    json!({ "options": options.collect::<Vec<_>>(), "domainSearch": null })
}

fn field(bytes: &[u8]) -> Vec<(u8, usize)> {
    DhcpOptionIterator::new(bytes).map(|option| (u8::from(option.code()), option.len())).collect()
}

#[test]
fn what_fits_into_the_options_field_stays_there() {
    let offer = answer(&table_with(filled(&[100])), &Message::discover(known()));
    assert_eq!(offer.option(OptionCode::OptionOverload), None);
    assert_eq!(offer.bytes[44..236], [0; 192]);
    assert_eq!(offer.reply.left_out, 0);
}

#[test]
fn what_does_not_fit_goes_into_file_then_into_sname_and_never_in_pieces() {
    // A datagram of 576 bytes has 308 for options.
    let offer = answer(&table_with(filled(&[100, 80, 70, 60, 20])), &Message::discover(known()));
    assert!(offer.bytes.len() <= 548);
    assert_eq!(offer.option(OptionCode::OptionOverload), Some(&DhcpOption::OptionOverload(3)));
    assert_eq!(field(&offer.bytes[108..236]), [(226, 70)]);
    assert_eq!(field(&offer.bytes[44..108]), [(227, 60)]);
    assert_eq!(offer.value(228).unwrap(), [228; 20], "what still fits into the options field is there");
    assert_eq!(offer.reply.left_out, 0);
}

#[test]
fn only_the_field_that_is_used_is_named() {
    let offer = answer(&table_with(filled(&[120, 60, 70])), &Message::discover(known()));
    assert_eq!(offer.option(OptionCode::OptionOverload), Some(&DhcpOption::OptionOverload(1)));
    assert_eq!(field(&offer.bytes[108..236]), [(226, 70)]);
    assert_eq!(offer.bytes[44..108], [0; 64]);
}

#[test]
fn what_fits_nowhere_is_left_out_whole_and_counted() {
    let offer = answer(&table_with(filled(&[200, 200, 130])), &Message::discover(known()));
    assert_eq!(offer.reply.left_out, 2);
    assert_eq!(offer.value(224).unwrap().len(), 200);
    assert_eq!(offer.value(225), None);
    assert_eq!(offer.value(226), None);
    assert_eq!(offer.option(OptionCode::OptionOverload), None, "no field is used, so none is named");
}

#[test]
fn a_client_that_takes_more_gets_all() {
    let message = Message::discover(known()).with(DhcpOption::MaxMessageSize(1500));
    let offer = answer(&table_with(filled(&[200, 200, 130])), &message);
    assert_eq!(offer.reply.left_out, 0);
    assert_eq!(offer.value(226).unwrap(), [226; 130]);
    assert_eq!(offer.option(OptionCode::OptionOverload), None);
}

#[test]
fn what_the_client_names_first_has_the_room() {
    let message = Message::discover(known()).asking(&[226, 225, 224, 6]);
    let offer = answer(&table_with(filled(&[200, 200, 130])), &message);
    assert_eq!(offer.value(226).unwrap().len(), 130);
    assert_eq!(offer.value(225), None);
    assert_eq!(offer.value(6).unwrap().len(), 8, "a small one still fits behind a large one that does not");
}

/// Found by the fuzzer: the answer was three bytes too long.
#[test]
fn fields_that_there_is_no_room_to_name_hold_no_options() {
    let mut packet = Message::discover(known()).bytes();
    packet.pop();
    // What is echoed and what must be there fill a datagram of 576 bytes.
    packet.extend([&[61, 255][..], &[1; 255], &[61, 21], &[2; 21]].concat());
    let offer = decide(&table_with(filled(&[60])), Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.bytes.len(), 548);
    assert_eq!(offer.option(OptionCode::OptionOverload), None);
    assert_eq!(offer.bytes[44..236], [0; 192]);
    assert!(offer.reply.left_out > 5, "{}", offer.reply.left_out);
}
