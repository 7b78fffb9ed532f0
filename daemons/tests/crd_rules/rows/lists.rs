//! Items of a pool's lists, but for reservations and options.

use serde_json::{Value, json};
use vmdhcp_core::pool::PoolError;

use super::{Row, address, at, items};

pub(super) fn rows() -> Vec<Row> {
    let subnet = "192.168.48.0/24".parse().unwrap();
    let range = |start: &str, end: &str| json!([{ "start": start, "end": end }]);
    let route = |to: &str, by: &str| json!([{ "destination": to, "gateway": by }]);
    let rule = |fields: Value| json!([fields]);
    let not_an_address =
        |field: &str, value: &str| PoolError::Address { field: at(field), value: value.to_owned() };
    let outside = |field: &str| PoolError::OutsideSubnet {
        field: at(field),
        address: address("10.0.0.1"),
        cidr: subnet,
    };
    let no_host = |field: &str, text: &str, which| PoolError::NotAHost {
        field: at(field),
        address: address(text),
        which,
        cidr: subnet,
    };
    vec![
        items(
            "a name server is an address",
            "dns",
            [json!(["8.8.8.8", " 1.1.1.1 "]), json!(["8.8.8.8", "resolver"]), json!([""])],
            &not_an_address("dns[1]", "resolver"),
        ),
        items(
            "a search domain is a domain name",
            "domainSearch",
            [json!(["lab", "a.example."]), json!(["lab", "a b"]), json!([""])],
            &PoolError::DomainName { field: at("domainSearch[1]"), value: "a b".to_owned() },
        ),
        items(
            "a time server is an address or a host name",
            "ntp",
            [json!(["10.0.0.1", "pool.ntp.org"]), json!(["300.1.1.1"]), json!([" 300.1.1.2 "])],
            &PoolError::NtpServer { field: at("ntp[0]"), value: "300.1.1.1".to_owned() },
        ),
        items(
            "an exclusion is an address, a range or a subnet",
            "pool.exclude",
            [
                json!(["192.168.48.82", "10.0.0.1/8", " 192.168.48.83 - 192.168.48.84 "]),
                json!(["192.168.48.82", "x"]),
                json!(["192.168.48.83-"]),
            ],
            &PoolError::Exclude { field: at("pool.exclude[1]"), value: "x".to_owned() },
        ),
        items(
            "an excluded range ends behind its start",
            "pool.exclude",
            [
                json!(["192.168.48.83-192.168.48.83"]),
                json!(["192.168.48.84-192.168.48.83"]),
                json!(["192.168.48.85-192.168.48.83"]),
            ],
            &PoolError::RangeReversed {
                field: at("pool.exclude[0]"),
                start: address("192.168.48.84"),
                end: address("192.168.48.83"),
            },
        ),
        items(
            "each further range starts with an address",
            "pool.ranges",
            [
                range(" 192.168.48.99 ", "192.168.48.101"),
                range("x", "192.168.48.101"),
                range("", "192.168.48.101"),
            ],
            &not_an_address("pool.ranges[0].start", "x"),
        ),
        items(
            "each further range ends with an address",
            "pool.ranges",
            [
                range("192.168.48.100", "192.168.48.101"),
                range("192.168.48.100", "x"),
                range("192.168.48.100", ""),
            ],
            &not_an_address("pool.ranges[0].end", "x"),
        ),
        items(
            "each further range starts on the subnet",
            "pool.ranges",
            [
                range("192.168.48.100", "192.168.48.101"),
                range("10.0.0.1", "192.168.48.101"),
                range("10.0.0.2", "192.168.48.101"),
            ],
            &outside("pool.ranges[0].start"),
        ),
        items(
            "each further range ends on the subnet",
            "pool.ranges",
            [
                range("192.168.48.100", "192.168.48.101"),
                range("192.168.48.100", "10.0.0.1"),
                range("192.168.48.100", "10.0.0.2"),
            ],
            &outside("pool.ranges[0].end"),
        ),
        items(
            "no further range starts with the network's address",
            "pool.ranges",
            [
                range("192.168.48.1", "192.168.48.2"),
                range("192.168.48.0", "192.168.48.2"),
                range("192.168.48.0", "192.168.48.3"),
            ],
            &no_host("pool.ranges[0].start", "192.168.48.0", "network"),
        ),
        items(
            "no further range ends with the broadcast address",
            "pool.ranges",
            [
                range("192.168.48.200", "192.168.48.254"),
                range("192.168.48.200", "192.168.48.255"),
                range("192.168.48.201", "192.168.48.255"),
            ],
            &no_host("pool.ranges[0].end", "192.168.48.255", "broadcast"),
        ),
        items(
            "each further range ends behind its start",
            "pool.ranges",
            [
                range("192.168.48.100", "192.168.48.100"),
                range("192.168.48.101", "192.168.48.100"),
                range("192.168.48.102", "192.168.48.100"),
            ],
            &PoolError::RangeReversed {
                field: at("pool.ranges[0]"),
                start: address("192.168.48.101"),
                end: address("192.168.48.100"),
            },
        ),
        items(
            "a route leads to a subnet",
            "routes",
            [
                route(" 10.0.0.1/8 ", "192.168.48.1"),
                route("10.0.0.0", "192.168.48.1"),
                route("10.0.0.0/33", "192.168.48.1"),
            ],
            &PoolError::RouteDestination { field: at("routes[0].destination"), value: "10.0.0.0".to_owned() },
        ),
        items(
            "a route's gateway is an address",
            "routes",
            [route("10.0.0.0/8", " 192.168.48.1 "), route("10.0.0.0/8", "x"), route("10.0.0.0/8", "")],
            &not_an_address("routes[0].gateway", "x"),
        ),
        items(
            "a route's gateway is on the subnet, or none is meant",
            "routes",
            [
                route("10.0.0.0/8", "0.0.0.0"),
                route("10.0.0.0/8", "10.0.0.1"),
                route("10.0.0.0/8", "10.0.0.2"),
            ],
            &outside("routes[0].gateway"),
        ),
        items(
            "a route's gateway is a host",
            "routes",
            [
                route("10.0.0.0/8", "192.168.48.254"),
                route("10.0.0.0/8", "192.168.48.0"),
                route("10.0.0.0/8", "192.168.48.255"),
            ],
            &no_host("routes[0].gateway", "192.168.48.0", "network"),
        ),
        items(
            "an architecture is a number of 16 bits",
            "boot.rules",
            [
                rule(json!({ "architectures": [0, 65535] })),
                rule(json!({ "architectures": [7, 65536] })),
                rule(json!({ "architectures": [-1] })),
            ],
            &PoolError::OutOfBounds {
                field: at("boot.rules[0].architectures[1]"),
                value: 65536,
                lowest: 0,
                highest: 65535,
                unit: "",
            },
        ),
        items(
            "the boot server of a rule is an address, or left empty",
            "boot.rules",
            [
                rule(json!({ "nextServer": "" })),
                rule(json!({ "nextServer": "x" })),
                rule(json!({ "nextServer": "y" })),
            ],
            &not_an_address("boot.rules[0].nextServer", "x"),
        ),
        items(
            "the boot file of a rule fits into its option",
            "boot.rules",
            [
                rule(json!({ "file": "f".repeat(255) })),
                rule(json!({ "file": "ä".repeat(128) })),
                rule(json!({ "file": "ö".repeat(128) })),
            ],
            &PoolError::BootFile { field: at("boot.rules[0].file"), length: 256 },
        ),
    ]
}
