//! RFC 3011: a client may say on which subnet it wants an address.

use dhcproto::v4::DhcpOption;
use vmdhcp_core::dhcp::Why;

use crate::fixtures::*;

#[test]
fn a_client_that_wants_another_subnet_hears_nothing() {
    let message = Message::discover(known()).with(DhcpOption::SubnetSelection(ELSEWHERE));
    assert_eq!(silence(&table(), &message), Why::OtherLink { link: ELSEWHERE });
}

#[test]
fn the_choice_goes_back_with_the_answer() {
    let subnet = "192.168.48.0".parse().unwrap();
    let offer = answer(&table(), &Message::discover(known()).with(DhcpOption::SubnetSelection(subnet)));
    assert_eq!(offer.value(118).unwrap(), subnet.octets());
}

#[test]
fn the_choice_stands_above_the_relay_agents_own_address() {
    let subnet = "192.168.48.0".parse().unwrap();
    let message = Message::discover(known()).relayed_by(ELSEWHERE).with(DhcpOption::SubnetSelection(subnet));
    assert_eq!(answer(&table(), &message).message.giaddr(), ELSEWHERE);
}
