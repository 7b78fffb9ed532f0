//! Levels of options: pool, class, reservation, and what the VM says of its card; merged by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use serde_json::{Value, json};
use vmdhcp_core::api::IPv4Status;
use vmdhcp_core::dhcp::{Client, Extras, LeaseTable};
use vmdhcp_core::pool::DhcpOption as Declared;

use crate::fixtures::*;

fn option(code: u8, value: &[u8]) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(code), value.to_vec()))
}

fn text(code: u8, value: &str) -> Value {
    json!({ "code": code, "type": "text", "value": value })
}

fn windows() -> Message {
    Message::discover(known()).with(option(60, b"MSFT 5.0"))
}

/// A table with one class, told by these fields, which sets option 224.
fn table_of(criteria: &Value) -> LeaseTable {
    let mut class = json!({ "name": "c", "options": [text(224, "of the class")] });
    for (field, value) in criteria.as_object().unwrap() {
        class[field] = value.clone();
    }
    table_with(json!({ "options": [text(224, "of the pool")], "classes": [class] }))
}

fn is_of_class(table: &LeaseTable, message: &Message) -> bool {
    answer(table, message).value(224).unwrap() == b"of the class"
}

#[test]
fn a_class_is_told_by_the_beginning_of_the_vendor_class() {
    let table = table_of(&json!({ "vendorClass": "MSFT" }));
    assert!(is_of_class(&table, &windows()));
    assert!(is_of_class(&table, &Message::discover(known()).with(option(60, b"MSFT"))));
    for other in [&b"MSF"[..], b"xMSFT", b"msft 5.0"] {
        assert!(!is_of_class(&table, &Message::discover(known()).with(option(60, other))));
    }
    assert!(!is_of_class(&table, &Message::discover(known())));
}

#[test]
fn a_class_is_told_by_the_user_class_the_architecture_or_the_beginning_of_the_mac() {
    let message = Message::discover(known()).with(option(77, b"\x03lab")).with(option(93, &[0, 7]));
    assert!(is_of_class(&table_of(&json!({ "userClass": "lab" })), &message));
    assert!(!is_of_class(&table_of(&json!({ "userClass": "la" })), &message));
    assert!(is_of_class(&table_of(&json!({ "architectures": [9, 7] })), &message));
    assert!(!is_of_class(&table_of(&json!({ "architectures": [0] })), &message));
    assert!(is_of_class(&table_of(&json!({ "macPrefix": "FA-cf:8e" })), &message));
    assert!(is_of_class(&table_of(&json!({ "macPrefix": "fa:cf:8e:50:82:fc" })), &message));
    assert!(!is_of_class(&table_of(&json!({ "macPrefix": "fa:cf:8f" })), &message));
}

#[test]
fn all_that_tells_a_class_has_to_hold() {
    let table = table_of(&json!({ "vendorClass": "MSFT", "macPrefix": "fa:cf:8e:50:82:fc" }));
    assert!(is_of_class(&table, &windows()));
    assert!(!is_of_class(&table, &Message::discover(known())));
    assert!(!is_of_class(&table, &Message::discover(neighbour()).with(option(60, b"MSFT 5.0"))));
}

#[test]
fn a_client_may_be_of_several_classes_and_the_first_of_two_that_set_an_option_counts() {
    let class = |name: &str, prefix: &str, options: Value| json!({ "name": name, "vendorClass": prefix, "options": options });
    let table = table_with(json!({ "classes": [
        class("first", "MSFT", json!([text(224, "first")])),
        class("others", "PXE", json!([text(224, "others"), text(225, "others")])),
        class("second", "MS", json!([text(224, "second"), text(226, "second")])),
    ] }));
    let offer = answer(&table, &windows());
    assert_eq!(offer.value(224).unwrap(), b"first");
    assert_eq!(offer.value(225), None);
    assert_eq!(offer.value(226).unwrap(), b"second");
}

#[test]
fn each_level_replaces_single_options_of_those_below_it_and_leaves_the_others() {
    let fields = json!({
        "options": [text(224, "pool"), text(225, "pool"), text(226, "pool"), text(227, "pool")],
        "classes": [{ "name": "c", "vendorClass": "MSFT",
            "options": [text(225, "class"), text(226, "class"), text(227, "class")] }],
        "reservations": [{ "macAddress": known().to_string(), "hostname": "reserved",
            "options": [text(226, "card"), text(227, "card")] }],
    });
    let declared = |code: u8, value: &str| Declared { code, value: value.as_bytes().to_vec() };
    let client = |mac, name: &str, options| Client { mac, hostname: Some(name.to_owned()), options };
    let clients = BTreeMap::from([
        (ADDRESS, client(known(), "vm-1", vec![declared(227, "vm")])),
        (NEIGHBOUR, client(neighbour(), "vm-2", Vec::new())),
    ]);
    let extras = Extras { clients: Arc::new(clients), ..Extras::default() };
    let table = LeaseTable::build(&pool(fields), &allocations(), &extras);
    let values = |message: &Message| {
        let offer = answer(&table, message);
        [12, 224, 225, 226, 227, 3]
            .map(|code| String::from_utf8_lossy(&offer.value(code).unwrap()).into_owned())
    };
    let router = String::from_utf8_lossy(&ROUTER.octets()).into_owned();
    let expected = |values: [&str; 5]| -> [String; 6] {
        [
            values[0].into(),
            values[1].into(),
            values[2].into(),
            values[3].into(),
            values[4].into(),
            router.clone(),
        ]
    };
    assert_eq!(values(&windows()), expected(["reserved", "pool", "class", "card", "vm"]));
    assert_eq!(values(&Message::discover(known())), expected(["reserved", "pool", "pool", "card", "vm"]));
    assert_eq!(values(&Message::discover(neighbour())), expected(["vm-2", "pool", "pool", "pool", "pool"]));
    let shown = table.options_for(table.lookup(known()).unwrap());
    assert!(shown.contains(&(227, b"vm".to_vec())) && shown.contains(&(226, b"card".to_vec())));
}

#[test]
fn a_long_option_of_a_card_goes_out_in_its_parts() {
    let long: Vec<u8> = (0..600).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let options = vec![
        Declared { code: 223, value: vec![1] },
        Declared { code: 224, value: long.clone() },
        Declared { code: 225, value: vec![2] },
    ];
    let clients = BTreeMap::from([(NEIGHBOUR, Client { mac: neighbour(), hostname: None, options })]);
    let extras = Extras { clients: Arc::new(clients), ..Extras::default() };
    let table = LeaseTable::build(&pool(json!({})), &allocations(), &extras);
    let message =
        |mac| Message::discover(mac).with(DhcpOption::MaxMessageSize(1500)).asking(&[223, 224, 225]);
    let offer = answer(&table, &message(neighbour()));
    let whole = offer.message.opts().get(OptionCode::from(224)).unwrap();
    let DhcpOption::Unknown(whole) = whole else { panic!("{whole:?}") };
    assert_eq!(whole.data(), long);
    assert_eq!((offer.value(223).unwrap(), offer.value(225).unwrap()), (vec![1], vec![2]));
    assert_eq!(answer(&table, &message(known())).value(224), None);
}

#[test]
fn a_class_may_have_a_lease_time_that_no_client_talks_it_out_of() {
    let table = table_with(json!({
        "leaseTime": 3600, "minLeaseTime": 60, "maxLeaseTime": 7200,
        "classes": [
            { "name": "phones", "vendorClass": "MS", "options": [text(224, "x")] },
            { "name": "short", "vendorClass": "MSFT", "leaseTime": 120 },
        ],
    }));
    let asking = |message: Message| message.with(DhcpOption::AddressLeaseTime(7000));
    assert_eq!(answer(&table, &windows()).lease_time(), Some(120));
    assert_eq!(answer(&table, &asking(windows())).lease_time(), Some(120));
    assert_eq!(answer(&table, &asking(windows())).reply.lease_time, Some(120));
    assert_eq!(answer(&table, &asking(Message::discover(known()))).lease_time(), Some(7000));
    assert_eq!(answer(&table, &Message::discover(known())).lease_time(), Some(3600));
}

#[test]
fn the_longest_lease_of_a_pool_is_that_of_its_classes_too() {
    let class = json!([{ "name": "c", "vendorClass": "x", "leaseTime": 86_400 }]);
    assert_eq!(pool(json!({ "leaseTime": 300, "classes": class })).longest_lease(), 86_400);
}

#[test]
fn a_class_can_say_what_its_clients_boot() {
    let table = table_with(json!({
        "boot": { "nextServer": "192.168.48.5", "file": "undionly.kpxe" },
        "classes": [{ "name": "c", "vendorClass": "PXEClient",
            "options": [text(66, "192.168.48.9"), text(67, "other.kpxe")] }],
    }));
    let offer = answer(&table, &Message::discover(known()).with(option(60, b"PXEClient:Arch:00000")));
    assert_eq!(&offer.bytes[20..24], [192, 168, 48, 9]);
    assert_eq!(&offer.bytes[108..119], b"other.kpxe\0");
}

#[test]
fn a_class_by_its_parts_is_read_like_one_in_one_piece() {
    let table = table_of(&json!({ "vendorClass": "MSFT 5" }));
    let mut packet = Message::discover(known()).bytes();
    assert_eq!(packet.pop(), Some(255));
    packet.extend(*b"\x3c\x03MSF\x3c\x05T 5.0\xff");
    let offer = decide(&table, vmdhcp_core::dhcp::Authority::Current, &packet).ok().unwrap();
    assert_eq!(offer.value(224).unwrap(), b"of the class");
}

#[test]
fn thirty_two_classes_can_all_be_one_clients() {
    let classes: Vec<_> = (0..32)
        .map(
            |at| json!({ "name": format!("c{at}"), "vendorClass": "MSFT", "options": [text(200 + at, "x")] }),
        )
        .collect();
    let table = table_with(json!({ "classes": classes }));
    let offer = answer(&table, &windows());
    assert!((200..232).all(|code| offer.value(code).is_some()));
}

#[test]
fn domains_and_routes_of_a_level_are_written_as_people_write_them() {
    let table = table_with(json!({ "options": [
        { "name": "domain-search", "value": "lab.example, example.org" },
        { "name": "classless-static-route", "value": "10.0.0.0/8=192.168.48.5, 0.0.0.0/0=192.168.48.1" },
        { "code": 249, "value": "172.16.0.0/12=192.168.48.5" },
        { "name": "ipv6-only-preferred", "value": "1800" },
        { "name": "captive-portal", "value": "https://portal.example/api" },
    ] }));
    let offer = answer(&table, &Message::discover(known()).asking(&[119, 121, 249, 108, 114]));
    assert_eq!(offer.value(119).unwrap(), b"\x03lab\x07example\0\x07example\x03org\0");
    assert_eq!(offer.value(121).unwrap(), [8, 10, 192, 168, 48, 5, 0, 192, 168, 48, 1]);
    assert_eq!(offer.value(249).unwrap(), [12, 172, 16, 192, 168, 48, 5]);
    assert_eq!(offer.value(108).unwrap(), 1800_u32.to_be_bytes());
    assert_eq!(offer.value(114).unwrap(), b"https://portal.example/api");
}

#[test]
fn what_a_vm_says_is_told_to_its_own_card_only() {
    let client = Client { mac: stranger(), hostname: Some("vm-1".to_owned()), options: Vec::new() };
    let extras = Extras { clients: Arc::new(BTreeMap::from([(ADDRESS, client)])), ..Extras::default() };
    let table = LeaseTable::build(&pool(json!({})), &allocations(), &extras);
    assert_eq!(answer(&table, &Message::discover(known())).value(12), None);
}

#[test]
fn what_vms_say_is_read_from_the_pools_status_as_far_as_it_makes_sense() {
    let status: IPv4Status = serde_json::from_value(json!({
        "allocated": { ADDRESS.to_string(): known().to_string(), NEIGHBOUR.to_string(): neighbour().to_string(),
            "192.168.48.90": "EXCLUDED" },
        "hostnames": { ADDRESS.to_string(): "vm-1", NEIGHBOUR.to_string(): "not a name", "192.168.48.90": "x",
            "192.168.48.91": "nobody", "nonsense": "x" },
        "clientOptions": {
            ADDRESS.to_string(): [{ "code": 54, "value": "10.0.0.1" }],
            NEIGHBOUR.to_string(): [{ "name": "tftp-server-name", "value": "boot" }, { "code": 26, "value": "1400" }],
        },
        "networkMTU": 9000, "used": 2, "available": 0,
    }))
    .unwrap();
    let extras = Extras::of_status(&status);
    assert_eq!(extras.network_mtu, Some(9000));
    let table = LeaseTable::build(&pool(json!({})), &allocations(), &extras);
    let asking = |mac| answer(&table, &Message::discover(mac).asking(&[12, 26, 54, 66]));
    let (known, neighbour) = (asking(known()), asking(neighbour()));
    assert_eq!((known.value(12).unwrap(), known.value(26).unwrap()), (b"vm-1".to_vec(), vec![0x23, 0x28]));
    assert_eq!(known.value(54).unwrap(), SERVER.octets());
    assert_eq!((neighbour.value(12), neighbour.value(26).unwrap()), (None, vec![5, 120]));
    assert_eq!(neighbour.value(66).unwrap(), b"boot");
}
