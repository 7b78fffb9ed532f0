//! Section 4.3.3: DHCPDECLINE. It has no answer, and is noted only of a client's own lease.

use vmdhcp_core::dhcp::Why;

use crate::fixtures::*;

#[test]
fn a_client_may_decline_its_address() {
    let message = Message::decline(known(), SERVER, ADDRESS);
    assert_eq!(silence(&table(), &message), Why::Declined { address: ADDRESS });
}

#[test]
fn nobody_may_decline_the_address_of_another() {
    for (mac, address) in [(known(), NEIGHBOUR), (stranger(), ADDRESS), (dispossessed(), LOST_ADDRESS)] {
        let message = Message::decline(mac, SERVER, address);
        assert_eq!(silence(&table(), &message), Why::NotItsLease { address });
    }
}

#[test]
fn an_address_of_another_server_is_not_this_ones_affair() {
    let message = Message::decline(known(), FOREIGN_SERVER, ADDRESS);
    assert_eq!(silence(&table(), &message), Why::OtherServer { server: FOREIGN_SERVER });
}
