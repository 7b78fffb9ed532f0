//! Section 4.3.4: DHCPRELEASE. It has no answer, frees nothing, and is noted only of a client's own lease.

use dhcproto::v4::OptionCode;
use vmdhcp_core::dhcp::Why;

use crate::fixtures::*;

#[test]
fn a_release_is_noted_and_the_address_stays_the_cards() {
    let table = table();
    let message = Message::release(known(), SERVER, ADDRESS);
    assert_eq!(silence(&table, &message), Why::Released { address: ADDRESS });
    assert_eq!(answer(&table, &Message::discover(known())).message.yiaddr(), ADDRESS);
}

#[test]
fn a_release_that_names_no_server_is_noted_too() {
    let message = Message::release(known(), SERVER, ADDRESS).without(OptionCode::ServerIdentifier);
    assert_eq!(silence(&table(), &message), Why::Released { address: ADDRESS });
}

#[test]
fn nobody_may_release_the_address_of_another() {
    for (mac, address) in [(known(), NEIGHBOUR), (stranger(), ADDRESS)] {
        let message = Message::release(mac, SERVER, address);
        assert_eq!(silence(&table(), &message), Why::NotItsLease { address });
    }
}

#[test]
fn an_address_of_another_server_is_not_this_ones_affair() {
    let message = Message::release(known(), FOREIGN_SERVER, ADDRESS);
    assert_eq!(silence(&table(), &message), Why::OtherServer { server: FOREIGN_SERVER });
}
