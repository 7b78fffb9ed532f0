//! Subnet, server, router, and the ends of the range.

use serde_json::json;
use vmdhcp_core::pool::PoolError;

use super::{Row, address, at, config, pool_error};
use crate::objects::pool;

pub(super) fn rows() -> Vec<Row> {
    let bad_cidr = |value: &str| PoolError::Cidr { value: value.to_owned() };
    // Everything else of these pools fits the subnet, so that only the subnet is wrong.
    let whole = |cidr: &str| {
        let spec = json!({ "ipv4Config": { "cidr": cidr, "serverIP": null, "pool": null } });
        pool(spec)
    };
    let cidr = |rule, accepted: &str, refused: &str, worse: Option<&str>, error: &PoolError| {
        let error_ = (pool_error(error), error.sentence());
        let row = Row::new(rule, whole(accepted), whole(refused), "spec.ipv4Config.cidr", error_);
        Row { worse: worse.map(whole), ..row }
    };
    let net = |text: &str| text.parse().unwrap();
    let mut rows = vec![
        cidr("a subnet is an address and a length", " 10.1.2.3/8 ", "10.0.0.0", None, &bad_cidr("10.0.0.0")),
        cidr("a subnet is one of IPv4", "10.0.0.0/8", "fd00::/64", None, &bad_cidr("fd00::/64")),
        cidr("a subnet has one spelling", "10.0.0.0/8", "010.0.0.0/8", None, &bad_cidr("010.0.0.0/8")),
        cidr(
            "a subnet's length has one spelling",
            "10.0.0.0/9",
            "10.0.0.0/09",
            None,
            &bad_cidr("10.0.0.0/09"),
        ),
        cidr(
            "a subnet has room for a server and a client",
            "10.0.0.0/30",
            "10.0.0.1/31",
            None,
            &PoolError::CidrTooSmall { cidr: net("10.0.0.0/31") },
        ),
        cidr(
            "a subnet is where hosts can be",
            "223.255.255.0/24",
            "224.0.0.0/24",
            None,
            &PoolError::CidrNotUnicast { cidr: net("224.0.0.0/24") },
        ),
        cidr(
            "a subnet is not the loopback",
            "126.0.0.0/8",
            "127.1.0.0/16",
            None,
            &PoolError::CidrNotUnicast { cidr: net("127.1.0.0/16") },
        ),
        cidr(
            "a subnet does not begin with zero",
            "1.0.0.0/8",
            "1.0.0.0/7",
            None,
            &PoolError::CidrNotUnicast { cidr: net("0.0.0.0/7") },
        ),
        cidr(
            "a subnet is not everything",
            "128.0.0.0/2",
            "192.168.0.0/0",
            None,
            &PoolError::CidrNotUnicast { cidr: net("0.0.0.0/0") },
        ),
    ];
    let subnet = net("192.168.48.0/24");
    for (names, field) in [
        (
            [
                "the server's address is an address",
                "the server is on the subnet",
                "the server has neither the first nor the last address",
            ],
            "serverIP",
        ),
        (
            [
                "the router's address is an address",
                "the router is on the subnet",
                "the router has neither the first nor the last address",
            ],
            "router",
        ),
    ] {
        let [is_address, on_subnet, is_host] = names;
        let of = |text: &str| json!({ field: text });
        rows.push(config(
            is_address,
            of(""),
            of("gateway"),
            of("192.168.48.256"),
            &PoolError::Address { field: at(field), value: "gateway".to_owned() },
        ));
        rows.push(config(
            on_subnet,
            of(" 192.168.48.1 "),
            of("192.168.49.1"),
            of("192.168.49.2"),
            &PoolError::OutsideSubnet { field: at(field), address: address("192.168.49.1"), cidr: subnet },
        ));
        rows.push(config(
            is_host,
            of("192.168.48.254"),
            of("192.168.48.255"),
            of("192.168.48.0"),
            &PoolError::NotAHost {
                field: at(field),
                address: address("192.168.48.255"),
                which: "broadcast",
                cidr: subnet,
            },
        ));
    }
    for (names, field, other) in [
        (
            [
                "a range starts with an address",
                "a range starts on the subnet",
                "a range does not start with the network's address",
            ],
            "start",
            ("end", "192.168.48.90"),
        ),
        (
            [
                "a range ends with an address",
                "a range ends on the subnet",
                "a range does not end with the broadcast address",
            ],
            "end",
            ("start", "192.168.48.81"),
        ),
    ] {
        let [is_address, on_subnet, is_host] = names;
        let of = |text: &str| json!({ "pool": { field: text, other.0: other.1 } });
        let path = at(&format!("pool.{field}"));
        rows.push(config(
            is_address,
            of(" 192.168.48.85 "),
            of("first"),
            of("second"),
            &PoolError::Address { field: path.clone(), value: "first".to_owned() },
        ));
        rows.push(config(
            on_subnet,
            of("192.168.48.82"),
            of("10.0.0.1"),
            of("10.0.0.2"),
            &PoolError::OutsideSubnet { field: path.clone(), address: address("10.0.0.1"), cidr: subnet },
        ));
        let (edge, which, inner) = if field == "start" {
            ("192.168.48.0", "network", "192.168.48.1")
        } else {
            ("192.168.48.255", "broadcast", "192.168.48.254")
        };
        rows.push(config(
            is_host,
            of(inner),
            of(edge),
            of(if field == "start" { "192.168.48.255" } else { "192.168.48.0" }),
            &PoolError::NotAHost { field: path, address: address(edge), which, cidr: subnet },
        ));
    }
    rows.extend([
        config(
            "server and router have an address each",
            json!({ "serverIP": "192.168.48.1", "router": "192.168.48.2" }),
            json!({ "serverIP": "192.168.48.1", "router": "192.168.48.1" }),
            json!({ "serverIP": "192.168.48.2", "router": "192.168.48.2" }),
            &PoolError::ServerIsRouter { address: address("192.168.48.1") },
        ),
        config(
            "the server's address is not excluded",
            json!({ "pool": { "exclude": ["192.168.48.76", "192.168.48.78-192.168.48.79", "192.168.48.80/28"] } }),
            json!({ "pool": { "exclude": ["192.168.48.64/26"] } }),
            json!({ "serverIP": "192.168.48.70", "pool": { "exclude": ["192.168.48.64/26"] } }),
            &PoolError::ServerExcluded { address: address("192.168.48.77") },
        ),
        config(
            "the server's address is not an excluded one",
            json!({ "pool": { "exclude": ["192.168.48.76"] } }),
            json!({ "pool": { "exclude": ["192.168.48.77"] } }),
            json!({ "serverIP": "192.168.48.78", "pool": { "exclude": ["192.168.48.77", "192.168.48.78"] } }),
            &PoolError::ServerExcluded { address: address("192.168.48.77") },
        ),
        config(
            "a range ends behind its start",
            json!({ "pool": { "start": "192.168.48.81", "end": "192.168.48.81" } }),
            json!({ "pool": { "start": "192.168.48.90", "end": "192.168.48.81" } }),
            json!({ "pool": { "start": "192.168.48.90", "end": "192.168.48.82" } }),
            &PoolError::RangeReversed { field: at("pool"), start: address("192.168.48.90"), end: address("192.168.48.81") },
        ),
        Row {
            // There is one way to be half.
            worse: None,
            ..config(
                "a range has both its ends",
                json!({ "pool": { "start": "", "end": null } }),
                json!({ "pool": { "start": null } }),
                json!({}),
                &PoolError::HalfARange,
            )
        },
    ]);
    rows
}
