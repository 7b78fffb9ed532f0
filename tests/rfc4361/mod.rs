//! RFC 4361: client identifiers made of a DUID.

use dhcproto::v4::{DhcpOption, OptionCode};

use crate::fixtures::*;

/// Type 255, interface, and a DUID of this last byte.
fn duid(last: u8) -> DhcpOption {
    DhcpOption::ClientIdentifier(vec![255, 0, 0, 0, 1, 0, 2, 0, 0, 0xab, 0x11, 1, 2, 3, 4, 5, 6, 7, last])
}

#[test]
fn s6_3_an_identifier_is_no_more_than_bytes_that_go_back() {
    let identifiers =
        [duid(8), DhcpOption::ClientIdentifier(vec![255]), DhcpOption::ClientIdentifier(vec![0; 40])];
    for identifier in identifiers {
        let offer = answer(&table(), &Message::discover(known()).with(identifier.clone()));
        assert_eq!(offer.option(OptionCode::ClientIdentifier), Some(&identifier));
        assert_eq!(offer.message.yiaddr(), ADDRESS);
    }
}

#[test]
fn s6_3_the_card_is_the_client_firmware_installer_and_system_of_one_have_one_address() {
    let table = table();
    let messages = [
        Message::discover(known()),
        Message::discover(known()).with(duid(1)),
        Message::discover(known()).with(duid(2)),
    ];
    for message in messages {
        assert_eq!(answer(&table, &message).message.yiaddr(), ADDRESS);
    }
}

#[test]
fn s6_3_clones_with_one_identifier_have_an_address_each() {
    let table = table();
    let address = |mac| answer(&table, &Message::discover(mac).with(duid(1))).message.yiaddr();
    assert_eq!([known(), neighbour()].map(address), [ADDRESS, NEIGHBOUR]);
}
