//! The checked pool: what every rule accepts, what it refuses, and how the refusal reads.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use vmdhcp_core::api::IPPool;
use vmdhcp_core::pool::{ForeignServerPolicy, PoolErrors, defaults};
use vmdhcp_core::{MacAddr, Pool};

/// A pool that is right, with some fields of `spec.ipv4Config` replaced.
fn pool_with(changes: &Value) -> IPPool {
    let mut object = json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "name": "p", "namespace": "lab" },
        "spec": {
            "networkName": "net-48",
            "ipv4Config": {
                "cidr": "192.168.48.0/24",
                "serverIP": "192.168.48.77",
                "router": "192.168.48.1",
                "pool": { "start": "192.168.48.81", "end": "192.168.48.90" },
            },
        },
    });
    for (field, value) in changes.as_object().unwrap() {
        object["spec"]["ipv4Config"][field] = value.clone();
    }
    serde_json::from_value(object).unwrap()
}

/// The messages of all that is wrong.
fn problems(changes: &Value) -> Vec<String> {
    match Pool::try_from(&pool_with(changes)) {
        Ok(_) => Vec::new(),
        Err(PoolErrors(errors)) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn refused(changes: &Value, message: &str) {
    let problems = problems(changes);
    assert!(problems.iter().any(|problem| problem.contains(message)), "{problems:?} lacks {message:?}");
}

#[test]
fn a_pool_means_what_it_says() {
    let pool = Pool::try_from(&pool_with(&json!({
        "cidr": "192.168.48.13/24",
        "pool": {
            "start": "192.168.48.70", "end": "192.168.48.90",
            "ranges": [{ "start": "192.168.48.200", "end": "192.168.48.201" }],
            "exclude": ["192.168.48.81", "192.168.48.82-192.168.48.84", "192.168.48.88/31"],
        },
    })))
    .unwrap();
    assert_eq!(pool.network.to_string(), "lab/net-48");
    assert_eq!(pool.cidr.to_string(), "192.168.48.0/24", "host bits are masked off");
    // 21 and 2 addresses, less six excluded and the server.
    assert_eq!(pool.domain.len(), 16);
    assert_eq!(pool.exclude_marks.len(), 1, "only single addresses are marked");
    for inside in ["192.168.48.70", "192.168.48.201", "192.168.48.90"] {
        assert!(pool.admits(inside.parse().unwrap()), "{inside}");
    }
    for outside in ["192.168.48.77", "192.168.48.81", "192.168.48.83", "192.168.48.89", "192.168.48.100"] {
        assert!(!pool.admits(outside.parse().unwrap()), "{outside}");
    }
    assert_eq!((pool.options.lease_time, pool.longest_lease()), (31_536_000, 31_536_000));
}

#[test]
fn subnets_that_cannot_be_served_are_refused() {
    refused(&json!({ "cidr": "192.168.48.0" }), r#"cidr: "192.168.48.0" is not an IPv4 subnet"#);
    refused(&json!({ "cidr": "fd00::/64" }), r#"cidr: "fd00::/64" is not an IPv4 subnet"#);
    refused(&json!({ "cidr": "" }), r#"cidr: "" is not an IPv4 subnet"#);
    refused(&json!({ "cidr": "192.168.48.0/31" }), "the longest prefix is /30");
    refused(&json!({ "cidr": "224.0.0.0/24" }), "is not unicast address space");
    refused(&json!({ "cidr": "127.0.0.0/8" }), "is not unicast address space");
    refused(&json!({ "cidr": "0.0.0.0/0" }), "is not unicast address space");
}

#[test]
fn addresses_that_no_host_or_another_host_has_are_refused() {
    refused(
        &json!({ "serverIP": "192.168.49.1" }),
        "serverIP: 192.168.49.1 is outside the subnet 192.168.48.0/24",
    );
    refused(&json!({ "serverIP": "192.168.48.0" }), "is the network address");
    refused(&json!({ "serverIP": "192.168.48.255" }), "is the broadcast address");
    refused(&json!({ "serverIP": "192.168.48.1" }), "is the router's address too");
    refused(&json!({ "serverIP": "one" }), r#"serverIP: "one" is not an IPv4 address"#);
    refused(&json!({ "serverIP": "" }), "serverIP: is not set");
    refused(&json!({ "router": "10.0.0.1" }), "router: 10.0.0.1 is outside");
    refused(
        &json!({ "pool": { "start": "192.168.48.90", "end": "192.168.48.81" } }),
        "ends before it starts",
    );
    refused(&json!({ "pool": { "start": "192.168.48.90" } }), "has a start but no end");
    refused(
        &json!({ "pool": { "start": "192.168.47.1", "end": "192.168.48.81" } }),
        "pool.start: 192.168.47.1 is outside",
    );
    refused(
        &json!({ "pool": { "ranges": [{ "start": "192.168.48.9", "end": "192.168.48.8" }] } }),
        "pool.ranges[0]: the range",
    );
    let excludes_server = json!({ "start": "192.168.48.81", "end": "192.168.48.90", "exclude": ["192.168.48.70-192.168.48.80"] });
    refused(&json!({ "pool": excludes_server }), "192.168.48.77 is excluded by spec.ipv4Config.pool.exclude");
    let bad_exclude =
        json!({ "start": "192.168.48.81", "end": "192.168.48.90", "exclude": ["192.168.48.300"] });
    refused(&json!({ "pool": bad_exclude }), r#"pool.exclude[0]: "192.168.48.300" is not an exclusion"#);
}

#[test]
fn all_problems_are_told_at_once_with_their_fields() {
    let pool = pool_with(&json!({ "dns": ["1.1.1.1", "dns.example"], "router": "10.0.0.1", "mtu": 12 }));
    let errors = Pool::try_from(&pool).unwrap_err().0;
    let fields: Vec<_> = errors.iter().map(vmdhcp_core::pool::PoolError::field).collect();
    assert_eq!(fields, ["spec.ipv4Config.router", "spec.ipv4Config.dns[1]", "spec.ipv4Config.mtu"]);
}

#[test]
fn options_that_mean_nothing_are_refused() {
    refused(
        &json!({ "dns": ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"] }),
        "dns: has 4 items; 3 is the most",
    );
    refused(&json!({ "domainName": "a..b" }), r#"domainName: "a..b" is not a domain name"#);
    refused(&json!({ "domainSearch": ["ok.example", &"x".repeat(64)] }), "domainSearch[1]");
    refused(&json!({ "ntp": ["300.1.2.3"] }), "ntp[0]: \"300.1.2.3\" is neither");
    refused(&json!({ "leaseTime": 4_294_967_295_i64 }), "leaseTime: 4294967295 is out of bounds");
    refused(&json!({ "leaseTime": 60, "minLeaseTime": 120 }), "60 s is not between minLeaseTime 120 s");
    refused(&json!({ "mtu": 70_000 }), "mtu: 70000 is out of bounds; choose 68 to 65535 bytes");
    refused(
        &json!({ "routes": [{ "destination": "10.0.0.0", "gateway": "192.168.48.2" }] }),
        "routes[0].destination",
    );
    refused(
        &json!({ "routes": [{ "destination": "10.0.0.0/8", "gateway": "10.0.0.1" }] }),
        "routes[0].gateway",
    );
    refused(&json!({ "boot": { "nextServer": "tftp" } }), "boot.nextServer: \"tftp\" is not an IPv4 address");
    refused(
        &json!({ "boot": { "rules": [{ "architectures": [70_000] }] } }),
        "boot.rules[0].architectures[0]",
    );
    refused(&json!({ "options": [{ "code": 53, "value": "1" }] }), "option 53 is set by the server itself");
    refused(&json!({ "options": [{ "code": 61, "value": "1" }] }), "option 61 is set by the server itself");
    refused(&json!({ "options": [{ "code": 255, "value": "1" }] }), "options[0].code: 255 is out of bounds");
    refused(&json!({ "options": [{ "value": "1" }] }), "set exactly one of the two");
    refused(
        &json!({ "options": [{ "name": "nonsense", "value": "1" }] }),
        "\"nonsense\" is not an option that is known",
    );
    refused(
        &json!({ "options": [{ "code": 66, "type": "float", "value": "1" }] }),
        "\"float\" is not a type of option",
    );
    refused(&json!({ "options": [{ "name": "tftp-server-address", "value": "x" }] }), "is not of type ips");
    refused(
        &json!({ "options": [{ "code": 66, "value": "a" }, { "name": "tftp-server-name", "value": "b" }] }),
        "option 66 is set twice",
    );
}

#[test]
fn what_becomes_of_other_servers_is_one_of_two_words_and_a_warning_where_none_is_written() {
    let policy = |fields: &Value| Pool::try_from(&pool_with(fields)).unwrap().foreign_server_policy;
    assert_eq!(policy(&json!({})), ForeignServerPolicy::Warn);
    assert_eq!(policy(&json!({ "foreignServerPolicy": "" })), ForeignServerPolicy::Warn);
    assert_eq!(policy(&json!({ "foreignServerPolicy": "StandDown" })), ForeignServerPolicy::StandDown);
    refused(&json!({ "foreignServerPolicy": "deny" }), "\"deny\" is not a policy; use Warn or StandDown");
    // A stored one of a newer version is served as ever.
    let newer = pool_with(&json!({ "foreignServerPolicy": "Fight" }));
    let (pool, complaints) = Pool::from_stored(&newer).unwrap();
    assert_eq!((pool.foreign_server_policy, complaints.len()), (ForeignServerPolicy::Warn, 1));
}

#[test]
fn reservations_that_contradict_each_other_or_the_pool_are_refused() {
    let one = |mac: &str, address: &str| json!({ "macAddress": mac, "ipAddress": address });
    let (a, b) = ("52:54:00:00:00:01", "52-54-00-00-00-01");
    refused(&json!({ "reservations": [one("nonsense", "192.168.48.5")] }), "reservations[0].macAddress");
    refused(&json!({ "reservations": [one("01:00:5e:00:00:01", "192.168.48.5")] }), "is a multicast address");
    refused(
        &json!({ "reservations": [one(a, "192.168.48.5"), one(b, "192.168.48.6")] }),
        "has a reservation already",
    );
    refused(
        &json!({ "reservations": [one(a, "192.168.48.5"), one("52:54:00:00:00:02", "192.168.48.5")] }),
        "is reserved for 52:54:00:00:00:01 already",
    );
    refused(&json!({ "reservations": [one(a, "192.168.48.77")] }), "it is the DHCP server's address");
    refused(&json!({ "reservations": [one(a, "192.168.48.1")] }), "it is the router's address");
    refused(
        &json!({ "reservations": [one(a, "10.1.1.1")] }),
        "reservations[0].ipAddress: 10.1.1.1 is outside",
    );
    refused(
        &json!({ "reservations": [{ "macAddress": a, "hostname": "not a name" }] }),
        "reservations[0].hostname",
    );
}

#[test]
fn a_reservation_is_admissible_outside_the_ranges_in_any_spelling_of_its_mac() {
    let pool = pool_with(
        &json!({ "reservations": [{ "macAddress": "5254.0000.0001", "ipAddress": "192.168.48.200" }] }),
    );
    let pool = Pool::try_from(&pool).unwrap();
    let mac: MacAddr = "52:54:00:00:00:01".parse().unwrap();
    assert_eq!(pool.reservations[&mac].address.unwrap().to_string(), "192.168.48.200");
    assert!(pool.admits("192.168.48.200".parse().unwrap()));
}

#[test]
fn a_stored_pool_with_a_bad_option_is_served_without_it_and_one_with_a_bad_subnet_is_not() {
    let stored =
        pool_with(&json!({ "dns": ["nonsense", "1.1.1.1"], "options": [{ "code": 53, "value": "1" }] }));
    let (pool, complaints) = Pool::from_stored(&stored).unwrap();
    assert_eq!((pool.options.dns.len(), pool.options.extra.len(), complaints.len()), (1, 0, 2));
    assert!(Pool::from_stored(&pool_with(&json!({ "cidr": "nonsense" }))).is_err());
}

#[test]
fn options_by_name_and_by_number_have_the_bytes_of_their_type() {
    let pool = pool_with(&json!({ "options": [
        { "name": "tftp_server_name", "value": "boot" },
        { "code": 150, "value": "10.0.0.1, 10.0.0.2" },
        { "code": 224, "value": "0a:FF" },
        { "code": 225, "type": "u32", "value": "258" },
        { "name": "ip-forwarding", "value": "true" },
    ] }));
    let options = Pool::try_from(&pool).unwrap().options.extra;
    let bytes: Vec<_> = options.iter().map(|option| (option.code, option.value.as_slice())).collect();
    let expected: [(u8, &[u8]); 5] = [
        (66, b"boot"),
        (150, &[10, 0, 0, 1, 10, 0, 0, 2]),
        (224, &[10, 255]),
        (225, &[0, 0, 1, 2]),
        (19, &[1]),
    ];
    assert_eq!(bytes, expected);
}

#[test]
fn limits_of_lists_hold() {
    let many =
        |count: u32| (0..count).map(|n| format!("10.0.{}.{}", n / 250, n % 250 + 1)).collect::<Vec<_>>();
    let range = |exclude: Vec<String>| json!({ "start": "10.1.0.1", "end": "10.1.0.9", "exclude": exclude });
    let subnet = |pool: Value| json!({ "cidr": "10.0.0.0/8", "serverIP": "10.2.0.1", "router": "10.2.0.2", "pool": pool });
    assert_eq!(problems(&subnet(range(many(1024)))), [""; 0]);
    refused(&subnet(range(many(1025))), "pool.exclude: has 1025 items; 1024 is the most");
}

#[test]
fn what_upstream_accepts_with_defaults_left_out_becomes_a_pool() {
    let mut pool = pool_with(&json!({ "serverIP": "", "pool": {} }));
    assert!(Pool::try_from(&pool).is_err());
    assert!(defaults::apply(&mut pool.spec));
    let pool = Pool::try_from(&pool).unwrap();
    // .1 is the router's.
    assert_eq!(pool.server.to_string(), "192.168.48.2");
    assert_eq!(pool.domain.len(), 252);
}
