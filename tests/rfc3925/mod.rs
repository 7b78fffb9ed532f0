//! RFC 3925: options of vendors by their enterprise number (124 and 125).

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use serde_json::json;

use crate::fixtures::*;

/// Enterprise 3561, five bytes of data: sub-option 1 with three bytes.
const DECLARED: [u8; 10] = [0, 0, 0x0d, 0xe9, 5, 1, 3, b'a', b'b', b'c'];

fn table_of_a_vendor() -> vmdhcp_core::dhcp::LeaseTable {
    table_with(json!({ "options": [{ "code": 125, "type": "hex", "value": "00000de9050103616263" }] }))
}

fn unknown(code: u8, value: &[u8]) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(code), value.to_vec()))
}

#[test]
fn s4_what_is_declared_goes_out_byte_for_byte_to_who_asks() {
    let offer = answer(&table_of_a_vendor(), &Message::discover(known()).asking(&[1, 125]));
    assert_eq!(offer.value(125).unwrap(), DECLARED);
}

#[test]
fn s3_and_s4_what_a_client_says_of_its_vendor_is_ignored_and_not_sent_back() {
    let plain = Message::discover(known()).asking(&[1, 3]);
    let vendor = plain
        .clone()
        .with(unknown(124, b"\0\0\x0d\xe9\x04dslf"))
        .with(unknown(125, b"\0\0\x0d\xe9\x0a\x01\x06001122\x02\0"));
    assert_eq!(answer(&table_of_a_vendor(), &vendor).bytes, answer(&table_of_a_vendor(), &plain).bytes);
    let broken = plain.with(unknown(124, &[0, 0])).with(unknown(125, &[1]));
    assert_eq!(answer(&table(), &broken).message.yiaddr(), ADDRESS, "nor does it have to make sense");
}

#[test]
fn s4_a_long_one_is_split_and_no_reader_notices() {
    let value = "5a".repeat(300);
    let table = table_with(json!({ "options": [{ "code": 125, "type": "hex", "value": value }] }));
    let message = Message::discover(known()).asking(&[125]).with(DhcpOption::MaxMessageSize(1500));
    assert_eq!(answer(&table, &message).value(125).unwrap(), [0x5a; 300]);
}
