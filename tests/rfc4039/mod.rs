//! RFC 4039: an acknowledgement at once, for a client that says that it takes one.

use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use vmdhcp_core::dhcp::Why;

use crate::fixtures::*;

#[test]
fn s3_1_a_discover_with_rapid_commit_is_acknowledged_and_says_so() {
    let ack = answer(&table(), &Message::discover(known()).with(DhcpOption::RapidCommit));
    assert_eq!(ack.message.opts().msg_type(), Some(MessageType::Ack));
    assert_eq!(ack.message.yiaddr(), ADDRESS);
    assert_eq!(ack.lease_time(), Some(300));
    assert_eq!(ack.value(80).unwrap(), [0; 0]);
    assert_eq!(ack.reply.why, Why::Bound);
}

#[test]
fn an_unknown_card_hears_nothing() {
    let message = Message::discover(stranger()).with(DhcpOption::RapidCommit);
    assert_eq!(silence(&table(), &message), Why::UnknownMac);
}

#[test]
fn s4_no_other_answer_carries_the_option() {
    for message in [Message::selecting(known(), SERVER, ADDRESS), Message::inform(known(), ADDRESS)] {
        let ack = answer(&table(), &message.with(DhcpOption::RapidCommit).asking(&[80]));
        assert_eq!(ack.option(OptionCode::RapidCommit), None);
    }
}

#[test]
fn s3_1_who_does_not_ask_for_it_is_offered_first() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[80]));
    assert_eq!(offer.message.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(offer.option(OptionCode::RapidCommit), None);
}
