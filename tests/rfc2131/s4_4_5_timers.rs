//! Section 4.4.5: when a client renews and rebinds.

use std::collections::BTreeSet;

use serde_json::json;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{Extras, LeaseTable};
use vmdhcp_core::ipam::Allocations;

use crate::fixtures::*;

fn seconds(answer: &Answer, code: u8) -> u32 {
    u32::from_be_bytes(answer.value(code).unwrap().try_into().unwrap())
}

#[test]
fn every_lease_comes_with_t1_before_t2_before_its_end() {
    for lease in [3, 60, 300, 86_400, 31_536_000, 4_000_000_000_u32] {
        let table = table_with(json!({ "leaseTime": lease }));
        for message in [
            Message::discover(known()),
            Message::selecting(known(), SERVER, ADDRESS),
            Message::init_reboot(known(), ADDRESS),
            Message::extending(known(), ADDRESS),
        ] {
            let answer = answer(&table, &message);
            let [renewal, rebinding, end] = [58, 59, 51].map(|code| seconds(&answer, code));
            assert!(0 < renewal && renewal < rebinding && rebinding < end, "{renewal} {rebinding} {end}");
            assert_eq!(end, lease);
        }
    }
}

#[test]
fn cards_that_start_together_do_not_renew_together() {
    let mut allocations = Allocations::default();
    let cards = (1..=8).map(|last| MacAddr::new([2, 0, 0, 0, 0, last]).unwrap());
    for (card, address) in cards.clone().zip(81..) {
        allocations.held.insert([192, 168, 48, address].into(), card);
    }
    let table = LeaseTable::build(&pool(json!({ "leaseTime": 3600 })), &allocations, &Extras::default());
    let renewals: BTreeSet<_> =
        cards.map(|card| seconds(&answer(&table, &Message::discover(card)), 58)).collect();
    assert!(renewals.len() > 4, "{renewals:?}");
}

#[test]
fn a_refusal_and_an_answer_to_inform_have_none() {
    for message in [Message::init_reboot(known(), NEIGHBOUR), Message::inform(known(), ADDRESS)] {
        let answer = answer(&table(), &message.asking(&[51, 58, 59]));
        assert_eq!([51, 58, 59].map(|code| answer.value(code)), [None, None, None]);
    }
}
