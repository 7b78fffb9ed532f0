//! Section 4.3.1: DHCPDISCOVER.

use dhcproto::v4::{DhcpOption, MessageType};
use serde_json::json;
use vmdhcp_core::dhcp::{self, Authority, Extras, LeaseTable, Timers, Why};

use crate::fixtures::*;

#[test]
fn a_known_card_is_offered_its_address() {
    let offer = answer(&table(), &Message::discover(known()));
    assert_eq!(offer.message.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(offer.message.yiaddr(), ADDRESS);
    assert_eq!(offer.value(54).unwrap(), SERVER.octets());
    assert_eq!((offer.reply.kind, offer.reply.why), (dhcp::MessageType::Offer, Why::Offered));
}

#[test]
fn the_wish_for_another_address_changes_nothing() {
    let wish = Message::discover(known()).with(DhcpOption::RequestedIpAddress(NEIGHBOUR));
    assert_eq!(answer(&table(), &wish).message.yiaddr(), ADDRESS);
}

#[test]
fn a_card_written_in_another_spelling_is_the_same_card() {
    assert_eq!(answer(&table(), &Message::discover(neighbour())).message.yiaddr(), NEIGHBOUR);
}

#[test]
fn an_unknown_card_hears_nothing_and_so_does_one_that_has_lost_its_address() {
    for mac in [stranger(), dispossessed()] {
        assert_eq!(silence(&table(), &Message::discover(mac)), Why::UnknownMac);
    }
}

#[test]
fn an_agent_that_may_be_behind_offers_all_the_same() {
    let packet = Message::discover(known()).bytes();
    assert!(decide(&table(), Authority::Stale, &packet).is_ok());
}

#[test]
fn a_pool_without_allocations_offers_nothing() {
    let table = LeaseTable::build(&pool(json!({})), &<_>::default(), &Extras::default());
    assert!(table.is_empty());
    assert_eq!(silence(&table, &Message::discover(known())), Why::UnknownMac);
}

#[test]
fn the_lease_is_the_pools_unless_the_client_may_ask_for_another() {
    let asking = |seconds| Message::discover(known()).with(DhcpOption::AddressLeaseTime(seconds));
    let fixed = table();
    assert_eq!(answer(&fixed, &Message::discover(known())).lease_time(), Some(300));
    for seconds in [0, 20, 86_400, u32::MAX] {
        assert_eq!(answer(&fixed, &asking(seconds)).lease_time(), Some(300));
    }
    let bounded = table_with(json!({ "minLeaseTime": 60, "maxLeaseTime": 3600 }));
    assert_eq!(answer(&bounded, &Message::discover(known())).lease_time(), Some(300));
    for (asked, granted) in [(0, 60), (59, 60), (1800, 1800), (3601, 3600), (u32::MAX, 3600)] {
        let offer = answer(&bounded, &asking(asked));
        assert_eq!(offer.lease_time(), Some(granted));
        assert_eq!(offer.reply.lease_time, Some(granted));
    }
}

#[test]
fn the_default_lease_is_a_year() {
    let offer = answer(&table_with(json!({ "leaseTime": null })), &Message::discover(known()));
    assert_eq!(offer.lease_time(), Some(31_536_000));
}

#[test]
fn renewal_times_go_with_every_lease_asked_for_or_not() {
    for message in [Message::discover(known()), Message::discover(known()).asking(&[1, 3])] {
        let offer = answer(&table(), &message);
        let Timers { renewal, rebinding } = Timers::of(known(), 300).unwrap();
        assert_eq!(offer.value(58).unwrap(), renewal.to_be_bytes());
        assert_eq!(offer.value(59).unwrap(), rebinding.to_be_bytes());
    }
}

#[test]
fn a_lease_too_short_for_renewal_times_comes_without_them() {
    let offer = answer(&table_with(json!({ "leaseTime": 2 })), &Message::discover(known()));
    assert_eq!(offer.lease_time(), Some(2));
    assert_eq!((offer.value(58), offer.value(59)), (None, None));
}

#[test]
fn a_route_helper_is_told_the_router_without_being_given_an_address() {
    let extras = Extras { route_helpers: [stranger()].into(), ..Extras::default() };
    let table = LeaseTable::build(&pool(json!({})), &allocations(), &extras);
    let offer = answer(&table, &Message::discover(stranger()));
    assert_eq!(offer.message.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(offer.message.yiaddr(), NOBODY);
    assert_eq!(offer.value(3).unwrap(), ROUTER.octets());
    assert_eq!(offer.lease_time(), None);
    assert_eq!(offer.reply.destination, dhcp::Destination::Broadcast);
    assert_eq!(offer.reply.why, Why::RouteHelper);

    let request = Message::selecting(stranger(), SERVER, LOST_ADDRESS);
    assert_eq!(silence(&table, &request), Why::UnknownMac, "what it was told is no offer");
}

#[test]
fn a_route_helper_hears_nothing_of_a_network_without_a_router() {
    let extras = Extras { route_helpers: [stranger()].into(), ..Extras::default() };
    let table = LeaseTable::build(&pool(json!({ "router": null })), &allocations(), &extras);
    assert_eq!(silence(&table, &Message::discover(stranger())), Why::NoRouter);
    assert_eq!(silence(&table, &Message::inform(stranger(), LOST_ADDRESS)), Why::NoRouter);
}
