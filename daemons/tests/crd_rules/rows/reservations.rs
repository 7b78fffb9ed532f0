//! What single cards are promised.

use serde_json::{Value, json};
use vmdhcp_core::{mac::MacError, pool::PoolError};

use super::{Row, address, at, config, items, mac};

pub(super) fn rows() -> Vec<Row> {
    const MAC: &str = "02:00:00:00:00:01";
    let subnet = "192.168.48.0/24".parse().unwrap();
    let of_mac = |mac: &str| json!([{ "macAddress": mac }]);
    let of = |ip: &str| json!([{ "macAddress": MAC, "ipAddress": ip }]);
    let named = |name: &str| json!([{ "macAddress": MAC, "hostname": name }]);
    let bad_mac = |error| PoolError::Mac { field: at("reservations[0].macAddress"), error };
    let ip = || at("reservations[0].ipAddress");
    let elsewhere =
        |text: &str, why| PoolError::ReservedElsewhere { field: ip(), address: address(text), why };
    let with = |fields: Value, ip: &str| {
        let mut fields = fields;
        fields["reservations"] = of(ip);
        fields
    };
    let two = |first: Value, second: Value| json!([first, second]);
    let card = |mac: &str, ip: &str| json!({ "macAddress": mac, "ipAddress": ip });
    vec![
        items(
            "a reservation is for a MAC",
            "reservations",
            [of_mac("fa-CF-8e-50-82-fc"), of_mac("fa:cf:8e:50:82"), of_mac("")],
            &bad_mac(MacError::Malformed("fa:cf:8e:50:82".to_owned())),
        ),
        items(
            "a reservation is for one card",
            "reservations",
            [of_mac("facf.8e50.82fc"), of_mac("01:00:5e:00:00:01"), of_mac("ff:ff:ff:ff:ff:ff")],
            &bad_mac(MacError::Multicast("01:00:5e:00:00:01".to_owned())),
        ),
        items(
            "a reservation is for a card that can be",
            "reservations",
            [of_mac("00:00:00:00:00:02"), of_mac("00:00:00:00:00:00"), of_mac("00-00-00-00-00-00")],
            &bad_mac(MacError::Zero),
        ),
        items(
            "a reserved address is an address, or left empty",
            "reservations",
            [of(""), of("x"), of("y")],
            &PoolError::Address { field: ip(), value: "x".to_owned() },
        ),
        items(
            "a reserved address is on the subnet, in the ranges or not",
            "reservations",
            [of(" 192.168.48.99 "), of("10.0.0.1"), of("10.0.0.2")],
            &PoolError::OutsideSubnet { field: ip(), address: address("10.0.0.1"), cidr: subnet },
        ),
        items(
            "a reserved address is one of a host",
            "reservations",
            [of("192.168.48.254"), of("192.168.48.255"), of("192.168.48.0")],
            &PoolError::NotAHost {
                field: ip(),
                address: address("192.168.48.255"),
                which: "broadcast",
                cidr: subnet,
            },
        ),
        items(
            "a reserved address is not the server's",
            "reservations",
            [
                of("192.168.48.78"),
                of("192.168.48.77"),
                two(card(MAC, "192.168.48.90"), card("02:00:00:00:00:02", "192.168.48.77")),
            ],
            &elsewhere("192.168.48.77", "it is the DHCP server's address"),
        ),
        config(
            "a reserved address is not the router's",
            with(json!({ "router": "192.168.48.1" }), "192.168.48.2"),
            with(json!({ "router": "192.168.48.1" }), "192.168.48.1"),
            with(json!({ "router": "192.168.48.2" }), "192.168.48.2"),
            &elsewhere("192.168.48.1", "it is the router's address"),
        ),
        config(
            "a reserved address is not excluded",
            with(json!({ "pool": { "exclude": ["192.168.48.128/25"] } }), "192.168.48.127"),
            with(json!({ "pool": { "exclude": ["192.168.48.128/25"] } }), "192.168.48.128"),
            with(json!({ "pool": { "exclude": ["192.168.48.128/25"] } }), "192.168.48.129"),
            &elsewhere("192.168.48.128", "it is excluded by spec.ipv4Config.pool.exclude"),
        ),
        items(
            "a host name is a domain name",
            "reservations",
            [named("web_1.lab"), named("a..b"), named("a..c")],
            &PoolError::DomainName { field: at("reservations[0].hostname"), value: "a..b".to_owned() },
        ),
        items(
            "a MAC has one reservation",
            "reservations",
            [
                two(card(MAC, ""), card("02:00:00:00:00:02", "")),
                two(card(MAC, ""), card("0200.0000.0001", "192.168.48.90")),
                two(card(MAC, "192.168.48.89"), card("02-00-00-00-00-01", "")),
            ],
            &PoolError::DuplicateMac { field: at("reservations[1].macAddress"), mac: mac(MAC) },
        ),
        items(
            "an address is reserved for one MAC",
            "reservations",
            [
                two(card(MAC, "192.168.48.90"), card("02:00:00:00:00:02", "192.168.48.91")),
                two(card(MAC, "192.168.48.90"), card("02:00:00:00:00:02", " 192.168.48.90 ")),
                two(card(MAC, "192.168.48.91"), card("02:00:00:00:00:02", "192.168.48.91")),
            ],
            &PoolError::DuplicateAddress {
                field: at("reservations[1].ipAddress"),
                address: address("192.168.48.90"),
                by: mac(MAC),
            },
        ),
    ]
}
