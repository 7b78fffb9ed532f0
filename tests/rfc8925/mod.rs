//! RFC 8925: clients that can do without IPv4.

use serde_json::json;

use crate::fixtures::*;

/// A network where clients may wait 1,800 seconds before they ask for IPv4 again.
fn ipv6_mostly() -> vmdhcp_core::dhcp::LeaseTable {
    table_with(json!({ "options": [{ "code": 108, "type": "u32", "value": "1800" }] }))
}

#[test]
fn s3_3_who_asks_is_told_in_offer_and_acknowledgement() {
    let table = ipv6_mostly();
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::init_reboot(known(), ADDRESS),
        Message::extending(known(), ADDRESS),
    ] {
        let answer = answer(&table, &message.asking(&[1, 3, 108]));
        assert_eq!(answer.value(108).unwrap(), 1800_u32.to_be_bytes());
        assert_eq!(answer.message.yiaddr(), ADDRESS, "the address is the client's all the same");
    }
}

#[test]
fn s3_3_nobody_else_is_not_even_a_client_without_a_list() {
    let table = ipv6_mostly();
    for message in [Message::discover(known()), Message::selecting(known(), SERVER, ADDRESS)] {
        assert_eq!(answer(&table, &message).value(108), None);
        assert_eq!(answer(&table, &message.asking(&[1, 3, 114])).value(108), None);
    }
}

#[test]
fn s3_3_a_network_that_declares_nothing_says_nothing() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[108]));
    assert_eq!(offer.value(108), None);
}
