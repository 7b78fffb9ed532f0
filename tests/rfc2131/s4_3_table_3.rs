//! Section 4.3, table 3: the fields and options of a server's messages.

use dhcproto::v4::DhcpOption;
use dhcproto::v4::{HType, Opcode};

use crate::fixtures::*;

#[test]
fn fields_are_those_of_the_table() {
    let table = table();
    for (message, ciaddr, yiaddr) in [
        (Message::discover(known()), NOBODY, ADDRESS),
        (Message::discover(known()).from(ADDRESS), NOBODY, ADDRESS),
        (Message::selecting(known(), SERVER, ADDRESS), NOBODY, ADDRESS),
        (Message::extending(known(), ADDRESS), ADDRESS, ADDRESS),
        (Message::init_reboot(known(), NEIGHBOUR), NOBODY, NOBODY),
        (Message::extending(known(), NEIGHBOUR), NOBODY, NOBODY),
    ] {
        let mut message = message;
        message.0.set_secs(7).set_hops(3);
        let answer = answer(&table, &message);
        let it = &answer.message;
        assert_eq!((it.opcode(), it.htype(), it.hlen()), (Opcode::BootReply, HType::Eth, 6));
        assert_eq!((it.hops(), it.xid(), it.secs()), (0, 0xdead_beef, 0));
        assert_eq!((it.ciaddr(), it.yiaddr()), (ciaddr, yiaddr));
        assert_eq!(it.siaddr(), NOBODY, "no boot server");
        assert_eq!(it.giaddr(), NOBODY);
        assert_eq!(it.chaddr(), known().octets());
        assert_eq!(answer.bytes[44..236], [0; 192], "sname and file");
        assert_eq!(answer.bytes[236..240], [99, 130, 83, 99]);
    }
}

#[test]
fn chaddr_goes_back_whole() {
    let mut packet = Message::discover(known()).bytes();
    packet[34..44].fill(7);
    let offer = decide(&table(), vmdhcp_core::dhcp::Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.bytes[28..44], packet[28..44]);
}

#[test]
fn a_refusal_says_why_and_nothing_more() {
    let nak = answer(&table(), &Message::init_reboot(known(), NEIGHBOUR).asking(&[1, 3, 6, 51, 58]));
    assert_eq!(nak.codes(), [53, 54, 56]);
    let text = String::from_utf8(nak.value(56).unwrap()).unwrap();
    assert!(text.contains("address"), "{text}");
}

#[test]
fn the_same_message_is_answered_by_the_same_bytes() {
    let message = Message::discover(known()).with(DhcpOption::Hostname("vm-1".into()));
    assert_eq!(answer(&table(), &message).bytes, answer(&table(), &message).bytes);
}
