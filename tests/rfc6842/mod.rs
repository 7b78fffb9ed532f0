//! RFC 6842: the client identifier goes back.

use dhcproto::v4::{DhcpOption, OptionCode};
use vmdhcp_core::dhcp::{Authority, Why};

use crate::fixtures::*;

fn identifier() -> DhcpOption {
    DhcpOption::ClientIdentifier([&[255][..], &[9; 18]].concat())
}

#[test]
fn s3_every_answer_has_the_identifier_of_its_message_asked_for_or_not() {
    for message in [
        Message::discover(known()),
        Message::discover(known()).asking(&[1]),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::inform(known(), ADDRESS),
        Message::init_reboot(known(), NEIGHBOUR),
    ] {
        let answer = answer(&table(), &message.with(identifier()));
        assert_eq!(answer.option(OptionCode::ClientIdentifier), Some(&identifier()));
    }
}

#[test]
fn s3_a_message_without_one_is_answered_without_one() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[61]));
    assert_eq!(offer.option(OptionCode::ClientIdentifier), None);
}

#[test]
fn the_card_alone_tells_who_a_client_is() {
    let with = answer(&table(), &Message::discover(known()).with(identifier()));
    let clone = answer(&table(), &Message::discover(neighbour()).with(identifier()));
    assert_eq!((with.message.yiaddr(), clone.message.yiaddr()), (ADDRESS, NEIGHBOUR));
}

#[test]
fn s3_an_identifier_without_room_costs_the_answer_rather_than_the_identifier() {
    let endless = |parts: usize| {
        let mut packet = Message::discover(known()).bytes();
        packet.pop();
        (0..parts).for_each(|_| packet.extend([&[61, 255][..], &[7; 255]].concat()));
        packet
    };
    let offer = decide(&table(), Authority::Current, &endless(1)).ok().unwrap();
    assert_eq!(offer.value(61).unwrap(), [7; 255]);
    assert_eq!(decide(&table(), Authority::Current, &endless(2)).err(), Some(Why::TooLarge));
}
