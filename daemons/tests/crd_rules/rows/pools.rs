//! What a pool says beside addresses and lists.

use serde_json::{Value, json};
use vmdhcp_core::{admission::PoolChangeError, network::NetworkNameError, pool::PoolError};

use super::{Row, at, config, pool_change_error, pool_error};
use crate::objects::pool;

pub(super) fn rows() -> Vec<Row> {
    let named = |name: &str| pool(json!({ "networkName": name }));
    let no_name = |name: &str| {
        let error = PoolError::NetworkName(NetworkNameError::Empty(name.to_owned()));
        (pool_error(&error), error.sentence())
    };
    let bad_name = |name: &str| {
        let error = PoolError::NetworkName(NetworkNameError::Malformed(name.to_owned()));
        (pool_error(&error), error.sentence())
    };
    let longest = format!("{}/{}", "n".repeat(63), "m".repeat(253));
    let too_long = format!("{}/m", "n".repeat(64));
    let change = |rule, accepted, refused, field, error: PoolChangeError| {
        Row::new(rule, accepted, refused, field, (pool_change_error(&error), error.to_string()))
    };
    let with_config = |fields: Value| pool(json!({ "ipv4Config": fields }));
    let no_config = PoolError::NoIpv4Config;
    let lease = |lease: i64| PoolError::OutOfBounds {
        field: at("leaseTime"),
        value: lease,
        lowest: 1,
        highest: 4_294_967_294,
        unit: " seconds",
    };
    let mtu = |mtu: i64| PoolError::OutOfBounds {
        field: at("mtu"),
        value: mtu,
        lowest: 68,
        highest: 65535,
        unit: " bytes",
    };
    vec![
        Row::new(
            "a pool names a network",
            named(" tenant / net-48 "),
            named(" "),
            "spec.networkName",
            no_name(" "),
        )
        .worse(named("tenant/")),
        Row::new(
            "a pool's network has a name of Kubernetes",
            named("a.b-c.d"),
            named("Net"),
            "spec.networkName",
            bad_name("Net"),
        )
        .worse(named("a/b/c")),
        Row::new(
            "a network's name is as long as Kubernetes takes it",
            named(&longest),
            named(&too_long),
            "spec.networkName",
            bad_name(&too_long),
        )
        .worse(named(&"m".repeat(254))),
        change(
            "a pool stays on its network",
            pool(json!({ "paused": true })),
            named("other"),
            "spec.networkName",
            PoolChangeError::NetworkNameChanged,
        )
        .over(pool(json!({}))),
        change(
            "a pool keeps its subnet",
            with_config(json!({ "leaseTime": 600 })),
            with_config(json!({ "cidr": "192.168.0.0/16" })),
            "spec.ipv4Config.cidr",
            PoolChangeError::CidrChanged { from: "192.168.48.0/24".to_owned() },
        )
        .over(pool(json!({}))),
        Row::new(
            "a pool has an ipv4Config",
            pool(json!({})),
            pool(json!({ "ipv4Config": null })),
            "spec.ipv4Config",
            (pool_error(&no_config), no_config.sentence()),
        ),
        config(
            "what becomes of other servers is one of two words",
            json!({ "foreignServerPolicy": " StandDown " }),
            json!({ "foreignServerPolicy": "standDown" }),
            json!({ "foreignServerPolicy": "Deny" }),
            &PoolError::ForeignServerPolicy { value: "standDown".to_owned() },
        ),
        config(
            "a lease ends before the value that means for ever",
            json!({ "leaseTime": 4_294_967_294_i64 }),
            json!({ "leaseTime": 4_294_967_295_i64 }),
            json!({ "leaseTime": 9_999_999_999_i64 }),
            &lease(4_294_967_295),
        ),
        config(
            "a lease time may be zero or less, which means a year",
            json!({ "leaseTime": -1 }),
            json!({ "maxLeaseTime": 4_294_967_295_i64 }),
            json!({ "maxLeaseTime": 9_999_999_999_i64 }),
            &PoolError::OutOfBounds {
                field: at("maxLeaseTime"),
                value: 4_294_967_295,
                lowest: 1,
                highest: 4_294_967_294,
                unit: " seconds",
            },
        ),
        config(
            "the shortest lease has a bound",
            json!({ "minLeaseTime": 60 }),
            json!({ "minLeaseTime": 4_294_967_295_i64 }),
            json!({ "minLeaseTime": 9_999_999_999_i64 }),
            &PoolError::OutOfBounds {
                field: at("minLeaseTime"),
                value: 4_294_967_295,
                lowest: 1,
                highest: 4_294_967_294,
                unit: " seconds",
            },
        ),
        config(
            "the lease time lies between the shortest and the longest",
            json!({ "leaseTime": 600, "minLeaseTime": 60, "maxLeaseTime": 600 }),
            json!({ "leaseTime": 600, "minLeaseTime": 900, "maxLeaseTime": 1200 }),
            json!({ "leaseTime": 601, "minLeaseTime": 900, "maxLeaseTime": 1200 }),
            &PoolError::LeaseTimes { lease: 600, shortest: 900, longest: 1200 },
        ),
        config(
            "the shortest lease of a pool without a lease time is a year at most",
            json!({ "minLeaseTime": 31_536_000 }),
            json!({ "minLeaseTime": 31_536_001 }),
            json!({ "minLeaseTime": 31_536_002 }),
            &PoolError::LeaseTimes { lease: 31_536_000, shortest: 31_536_001, longest: 31_536_000 },
        ),
        config(
            "an MTU carries an IPv4 packet",
            json!({ "mtu": 68 }),
            json!({ "mtu": 67 }),
            json!({ "mtu": -1 }),
            &mtu(67),
        ),
        config(
            "an MTU has 16 bits",
            json!({ "mtu": 65535 }),
            json!({ "mtu": 65536 }),
            json!({ "mtu": 65537 }),
            &mtu(65536),
        ),
        config(
            "a domain is a domain name",
            json!({ "domainName": " lab_1.example. " }),
            json!({ "domainName": "a..b" }),
            json!({ "domainName": "-a" }),
            &PoolError::DomainName { field: at("domainName"), value: "a..b".to_owned() },
        ),
        config(
            "a boot file fits into its option",
            json!({ "boot": { "file": "f".repeat(255) } }),
            json!({ "boot": { "file": "ä".repeat(128) } }),
            json!({ "boot": { "file": "ö".repeat(128) } }),
            &PoolError::BootFile { field: at("boot.file"), length: 256 },
        ),
        config(
            "a boot server is an address, or left empty",
            json!({ "boot": { "nextServer": " " } }),
            json!({ "boot": { "nextServer": "tftp.lab" } }),
            json!({ "boot": { "nextServer": "fe80::1" } }),
            &PoolError::Address { field: at("boot.nextServer"), value: "tftp.lab".to_owned() },
        ),
    ]
}
