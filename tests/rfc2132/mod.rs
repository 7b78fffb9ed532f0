//! RFC 2132: the options, which of them a client gets, and in which order.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, OptionCode};
use serde_json::json;
use vmdhcp_core::dhcp::{Extras, LeaseTable};

use crate::fixtures::*;

#[test]
fn a_client_without_a_list_gets_at_least_what_upstream_always_sent() {
    let offer = answer(&table(), &Message::discover(known()));
    for option in [
        DhcpOption::ServerIdentifier(SERVER),
        DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
        DhcpOption::Router(vec![ROUTER]),
        DhcpOption::AddressLeaseTime(300),
        DhcpOption::DomainNameServer(vec![Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(8, 8, 8, 8)]),
        DhcpOption::DomainName("example.org".into()),
        DhcpOption::NtpServers(vec![Ipv4Addr::new(192, 168, 48, 9)]),
        DhcpOption::BroadcastAddr(Ipv4Addr::new(192, 168, 48, 255)),
    ] {
        assert_eq!(offer.option(OptionCode::from(&option)), Some(&option));
    }
    assert!(offer.option(OptionCode::DomainSearch).is_some());
}

#[test]
fn s3_3_the_subnet_mask_comes_before_the_router_whatever_the_list() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[3, 1, 6]));
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1, 3, 6]);
}

#[test]
fn s9_8_a_list_is_followed_in_its_order_and_once_each() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[15, 3, 15, 6, 3, 77, 42]));
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1, 15, 3, 6, 42]);
}

#[test]
fn s9_8_a_list_cannot_ask_for_the_servers_own_options_a_second_time() {
    let offer =
        answer(&table(), &Message::discover(known()).asking(&[0, 53, 54, 51, 58, 59, 61, 82, 255, 3]));
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1, 3]);
}

#[test]
fn without_a_router_there_is_no_empty_option_3_nor_any_other_option_without_a_value() {
    let bare = json!({ "router": null, "dns": null, "domainName": null, "domainSearch": null, "ntp": null });
    let table = table_with(bare);
    let offer = answer(&table, &Message::discover(known()));
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1, 28]);
    let asking = answer(&table, &Message::discover(known()).asking(&[3, 6, 12, 15, 26, 42, 119, 121]));
    assert_eq!(asking.codes(), [53, 54, 51, 58, 59, 1]);
}

#[test]
fn s9_10_a_client_that_does_not_say_takes_576_bytes_with_ip_and_udp() {
    let long = |code: u8| json!({ "code": code, "type": "text", "value": "x".repeat(200) });
    let table = table_with(json!({ "options": [long(224), long(225), long(226), long(227), long(228)] }));
    let size = |size: Option<u16>| {
        let message = Message::discover(known());
        let message = match size {
            Some(size) => message.with(DhcpOption::MaxMessageSize(size)),
            None => message,
        };
        let offer = answer(&table, &message);
        (offer.bytes.len(), offer.reply.left_out)
    };
    assert!(size(None).0 <= 548);
    for smaller in [0, 1, 300, 575, 576] {
        assert_eq!(size(Some(smaller)), size(None), "576 is the least");
    }
    assert!(size(Some(800)).0 > 548 && size(Some(800)).0 <= 772);
    assert_eq!(size(Some(1500)).1, 0);
    assert_eq!(size(Some(u16::MAX)), size(Some(1500)), "no answer is fragmented");
}

#[test]
fn no_answer_is_longer_than_the_link_carries() {
    let long = |code: u8| json!({ "code": code, "type": "text", "value": "x".repeat(200) });
    let table = table_with(json!({ "mtu": 900, "options": [long(224), long(225), long(226), long(227)] }));
    let offer = answer(&table, &Message::discover(known()).with(DhcpOption::MaxMessageSize(1500)));
    assert!(offer.bytes.len() <= 872);
    assert!(offer.reply.left_out > 0);
}

#[test]
fn s5_1_the_mtu_is_the_pools_else_the_networks() {
    let table = |fields, network_mtu| {
        let extras = Extras { network_mtu, ..Extras::default() };
        LeaseTable::build(&pool(fields), &allocations(), &extras)
    };
    let mtu = |table: &LeaseTable| answer(table, &Message::discover(known())).value(26);
    assert_eq!(mtu(&table(json!({}), None)), None);
    assert_eq!(mtu(&table(json!({}), Some(1450))).unwrap(), 1450_u16.to_be_bytes());
    assert_eq!(mtu(&table(json!({ "mtu": 9000 }), Some(1450))).unwrap(), 9000_u16.to_be_bytes());
}

#[test]
fn s8_3_time_servers_by_name_appear_once_they_are_resolved_and_in_the_pools_place() {
    let address: Ipv4Addr = "203.0.113.7".parse().unwrap();
    let fields = json!({ "ntp": ["pool.ntp.org", "192.168.48.9", "unresolved.example.org"] });
    let resolved =
        BTreeMap::from([("pool.ntp.org".to_owned(), vec![address, "192.168.48.9".parse().unwrap()])]);
    let extras = Extras { resolved_ntp: resolved, ..Extras::default() };
    let table = LeaseTable::build(&pool(fields), &allocations(), &extras);
    let offer = answer(&table, &Message::discover(known()));
    let expected = vec![address, Ipv4Addr::new(192, 168, 48, 9)];
    assert_eq!(offer.option(OptionCode::NtpServers), Some(&DhcpOption::NtpServers(expected)));

    let unresolved = table_with(json!({ "ntp": ["pool.ntp.org"] }));
    assert_eq!(answer(&unresolved, &Message::discover(known())).option(OptionCode::NtpServers), None);
}

#[test]
fn options_merge_by_number_pool_fields_then_pool_options_then_the_cards() {
    let table = table_with(json!({
        "options": [
            { "code": 6, "value": "9.9.9.9" },
            { "name": "tftp-server-name", "value": "boot.example.org" },
        ],
        "reservations": [{
            "macAddress": known().to_string(),
            "hostname": "vm-1",
            "options": [{ "code": 15, "value": "own.example.org" }, { "code": 66, "value": "own-boot" }],
        }],
    }));
    let known = answer(&table, &Message::discover(known()));
    assert_eq!(known.value(6).unwrap(), [9, 9, 9, 9]);
    assert_eq!(known.value(12).unwrap(), b"vm-1");
    assert_eq!(known.value(15).unwrap(), b"own.example.org");
    assert_eq!(known.value(66).unwrap(), b"own-boot");
    assert_eq!(known.value(3).unwrap(), ROUTER.octets(), "what is not overridden stays");

    let neighbour = answer(&table, &Message::discover(neighbour()));
    assert_eq!(neighbour.value(12), None);
    assert_eq!(neighbour.value(15).unwrap(), b"example.org");
    assert_eq!(neighbour.value(66).unwrap(), b"boot.example.org");
}

#[test]
fn declared_options_are_sent_to_who_asks_for_them() {
    let table = table_with(json!({ "options": [{ "code": 66, "value": "boot.example.org" }] }));
    assert_eq!(answer(&table, &Message::discover(known()).asking(&[3])).value(66), None);
    assert!(answer(&table, &Message::discover(known()).asking(&[66])).value(66).is_some());
    assert!(answer(&table, &Message::discover(known())).value(66).is_some());
}

#[test]
fn s2_texts_go_out_without_a_zero_behind_them() {
    let table = table_with(json!({
        "options": [{ "code": 66, "value": "boot.example.org" }],
        "reservations": [{ "macAddress": known().to_string(), "hostname": "vm-1" }],
    }));
    let offer = answer(&table, &Message::discover(known()));
    for (code, text) in [(12, "vm-1"), (15, "example.org"), (66, "boot.example.org")] {
        assert_eq!(offer.value(code).unwrap(), text.as_bytes());
    }
}

#[test]
fn s3_8_addresses_go_out_in_the_order_of_the_pool() {
    let table = table_with(json!({ "dns": ["9.9.9.9", "1.1.1.1"], "ntp": ["192.168.48.9", "192.168.48.8"] }));
    let offer = answer(&table, &Message::discover(known()));
    assert_eq!(offer.value(6).unwrap(), [9, 9, 9, 9, 1, 1, 1, 1]);
    assert_eq!(offer.value(42).unwrap(), [192, 168, 48, 9, 192, 168, 48, 8]);
}

#[test]
fn s8_4_and_s9_13_what_a_client_says_of_its_vendor_is_ignored() {
    let plain = Message::discover(known()).asking(&[1, 3]);
    let vendor = plain
        .clone()
        .with(DhcpOption::VendorExtensions(vec![0xdc, 0]))
        .with(DhcpOption::ClassIdentifier(b"MSFT 5.0".to_vec()));
    assert_eq!(answer(&table(), &vendor).bytes, answer(&table(), &plain).bytes);
}

#[test]
fn s9_1_and_s9_2_a_request_for_an_address_or_a_lease_is_not_sent_back() {
    let message = Message::discover(known())
        .with(DhcpOption::RequestedIpAddress(NEIGHBOUR))
        .with(DhcpOption::AddressLeaseTime(7))
        .with(DhcpOption::MaxMessageSize(1000))
        .asking(&[50, 51, 55, 57, 56]);
    let offer = answer(&table(), &message);
    assert_eq!(offer.codes(), [53, 54, 51, 58, 59, 1]);
    assert_eq!(offer.lease_time(), Some(300));
}
