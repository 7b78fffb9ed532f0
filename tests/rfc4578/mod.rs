//! RFC 4578: clients that boot from the network. What they boot is in the tests of network boot.

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use vmdhcp_core::api::OptionValue;
use vmdhcp_core::pool::{PoolError, PoolErrors, card_options};

use crate::fixtures::*;

/// Type 0 and a UUID.
const MACHINE: [u8; 17] = [0, 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn machine(value: &[u8]) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(97), value.to_vec()))
}

#[test]
fn s2_3_the_identifier_of_the_machine_goes_back_asked_for_or_not() {
    for message in [
        Message::discover(known()),
        Message::discover(known()).asking(&[1, 3]),
        Message::discover(known()).asking(&[1, 97, 3]),
        Message::selecting(known(), SERVER, ADDRESS),
    ] {
        let answer = answer(&table(), &message.with(machine(&MACHINE)));
        assert_eq!(answer.codes().iter().filter(|code| **code == 97).collect::<Vec<_>>(), [&97]);
        assert_eq!(answer.value(97).unwrap(), MACHINE);
    }
}

#[test]
fn s2_3_a_message_without_one_is_answered_without_one() {
    assert_eq!(answer(&table(), &Message::discover(known()).asking(&[97])).value(97), None);
}

#[test]
fn s2_what_clients_say_of_themselves_is_not_for_a_pool_to_declare() {
    for code in [93, 94, 97] {
        let declared = OptionValue { code: Some(code), value: "00ff".into(), ..OptionValue::default() };
        let PoolErrors(errors) = card_options("options", &[declared]).unwrap_err();
        assert!(matches!(errors[..], [PoolError::OptionForbidden { .. }]), "{errors:?}");
    }
}

#[test]
fn s2_3_one_without_room_costs_nobody_an_answer() {
    let identifier = DhcpOption::ClientIdentifier(vec![7; 250]);
    let message = Message::discover(known()).with(identifier.clone()).with(machine(&[1; 250]));
    let offer = answer(&table(), &message);
    assert_eq!(offer.option(OptionCode::ClientIdentifier), Some(&identifier));
    assert_eq!(offer.value(97), None);
    assert!(offer.reply.left_out > 0 && offer.bytes.len() <= 548);
}
