//! What has to be accepted whole.

use kube::Client;
use serde_json::{Value, json};

use crate::objects::{claim, merged, pool};
use crate::table::{create, no_complaints};

/// Objects that upstream's schema and its webhook take (COMPAT 1), and what README and users have written since.
fn of_upstream() -> Vec<(&'static str, Value)> {
    let config = |fields: Value| pool(json!({ "ipv4Config": fields }));
    vec![
        (
            "the pool of the README",
            merged(
                pool(json!({
                    "networkName": "net-48",
                    "ipv4Config": {
                        "router": "192.168.48.1",
                        "dns": ["192.168.48.1"],
                        "domainName": "aibrecht.network",
                        "domainSearch": ["aibrecht.network"],
                        "ntp": ["pool.ntp.org"],
                        "leaseTime": 300,
                        "pool": { "exclude": ["192.168.48.81", "192.168.48.90"] },
                    },
                })),
                &json!({ "metadata": { "labels": { "k8s.cni.cncf.io/net-attach-def": "net-48" } } }),
            ),
        ),
        (
            "the claim of the README, in the old spelling",
            merged(
                claim(json!({
                    "networkConfigs": null,
                    "networkConfig": [{ "macAddress": "fa:cf:8e:50:82:fc", "networkName": "net-48" }],
                })),
                &json!({ "metadata": { "labels": { "harvesterhci.io/vmName": "test-vm" } } }),
            ),
        ),
        ("a pool that leaves all to the defaults", config(json!({ "serverIP": "", "pool": null }))),
        (
            "a pool without the fields that have defaults",
            config(json!({ "serverIP": null, "pool": { "start": null, "end": null } })),
        ),
        (
            "a pool whose range is empty text",
            config(json!({ "serverIP": "", "pool": { "start": "", "end": "" } })),
        ),
        ("a pool with host bits in its subnet", config(json!({ "cidr": "192.168.48.5/24" }))),
        ("a pool with a lease time that means a year", config(json!({ "leaseTime": 0 }))),
        (
            "a pool with empty lists",
            config(json!({ "dns": [], "ntp": [], "domainSearch": [], "pool": { "exclude": [] } })),
        ),
        ("a paused pool", pool(json!({ "paused": true }))),
        (
            "a pool with exclusions outside its range",
            config(json!({ "pool": { "exclude": ["192.168.48.1", "10.0.0.1"] } })),
        ),
        (
            "a pool that excludes an address twice",
            config(json!({ "pool": { "exclude": ["192.168.48.82", "192.168.48.82"] } })),
        ),
        ("a router inside the range", config(json!({ "router": "192.168.48.85" }))),
        ("a claim without cards", claim(json!({ "networkConfigs": [] }))),
        ("a claim with neither list", claim(json!({ "networkConfigs": null }))),
        (
            "a claim with an address and a MAC in capitals",
            claim(
                json!({ "networkConfigs": [{ "macAddress": "FA-CF-8E-50-82-FC", "networkName": "default/net-48", "ipAddress": "192.168.48.82" }] }),
            ),
        ),
        ("a paused claim", claim(json!({ "paused": true }))),
    ]
}

pub(crate) async fn what_upstream_accepts_is_accepted(client: &Client) {
    let mut complaints = Vec::new();
    for (what, object) in of_upstream() {
        complaints.extend(create(client, &object).await.err().map(|error| format!("{what}: {error}")));
    }
    // A null is as good as nothing; merging cannot write one.
    let mut nulls = pool(json!({}));
    nulls["spec"]["ipv4Config"]["router"] = Value::Null;
    nulls["spec"]["ipv4Config"]["boot"] = Value::Null;
    nulls["spec"]["paused"] = Value::Null;
    let refused = create(client, &nulls).await.err();
    complaints.extend(refused.map(|error| format!("a pool with nulls: {error}")));
    no_complaints(&complaints);
}

/// Lists at their maxima and texts at theirs: a rule must not cost more than the API server spends on it.
fn largest() -> Vec<(&'static str, Value)> {
    let name = |length: usize| vec!["a".repeat(62); 4].join(".")[..length].to_owned();
    let longest_network = format!("{}/{}", "n".repeat(63), "m".repeat(253));
    let mac = |at: usize| format!("02:00:00:00:{:02x}:{:02x}", at / 256, at % 256);
    let reservation = |at: usize| {
        json!({
            "macAddress": mac(at),
            "ipAddress": format!("10.200.{}.{}", 100 + at / 128, 100 + at % 128),
            "hostname": format!("server-{at}.production.customer.example"),
        })
    };
    let wide = |lists: Value| {
        let spec = json!({
            "networkName": longest_network,
            "ipv4Config": {
                "cidr": "10.0.0.0/8",
                "serverIP": "10.255.100.101",
                "router": "10.255.100.100",
                "pool": {
                    "start": "10.100.100.100",
                    "end": "10.100.255.254",
                    "ranges": (101..165).map(|at| json!({ "start": format!("10.{at}.100.100"), "end": format!("10.{at}.255.254") })).collect::<Vec<_>>(),
                },
                "dns": vec!["10.255.100.102"; 3],
                "domainName": name(251),
                "domainSearch": vec![name(251); 64],
                "ntp": vec![name(251); 4],
                "routes": (0..64).map(|at| json!({ "destination": format!("172.16.{}.0/24", 100 + at), "gateway": "10.255.100.100" })).collect::<Vec<_>>(),
                "classes": (0..32).map(|at| json!({
                    "name": format!("class-{at}-{}", "c".repeat(50)),
                    "vendorClass": "v".repeat(255),
                    "userClass": "u".repeat(255),
                    "architectures": (0..32).collect::<Vec<_>>(),
                    "macPrefix": "52:54:00:00:00:00",
                    "leaseTime": 4_294_967_294_i64,
                    "options": (150..166).map(|code| json!({ "code": code, "type": "text", "value": "x".repeat(1024) })).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
                "relays": vec!["10.100.100.100/24"; 64],
                "boot": {
                    "file": "f".repeat(255),
                    "rules": vec![json!({
                        "architectures": (0..32).collect::<Vec<_>>(),
                        "userClass": "u".repeat(255),
                        "nextServer": "10.255.100.103",
                        "file": "f".repeat(255),
                    }); 32],
                },
            },
        });
        merged(pool(spec), &json!({ "spec": { "ipv4Config": lists } }))
    };
    let options = |type_: &str, value: &str| {
        (150..214).map(|code| json!({ "code": code, "type": type_, "value": value })).collect::<Vec<_>>()
    };
    let exclude = |count: usize| {
        (0..count)
            .map(|at| format!("10.220.{0}.{1} - 10.220.{0}.{1}", 100 + at / 100, 100 + at % 100))
            .collect::<Vec<_>>()
    };
    let card = |at: usize| json!({ "networkName": longest_network, "macAddress": mac(at), "ipAddress": format!("10.100.100.{at}") });
    let cards: Vec<_> = (0..256).map(card).collect();
    vec![
        (
            "4,096 reservations, 1,024 exclusions, 64 options",
            wide(json!({
                "pool": { "exclude": exclude(1024) },
                "reservations": (0..4096).map(reservation).collect::<Vec<_>>(),
                "options": options("text", &"x".repeat(1024)),
            })),
        ),
        (
            "64 options of 15 domains each",
            wide(json!({ "options": options("domains", &vec![name(60); 15].join(",")) })),
        ),
        (
            "64 options of 30 routes each",
            wide(
                json!({ "options": options("routes", &vec!["10.100.100.0/24=10.100.100.100"; 30].join(",")) }),
            ),
        ),
        (
            "512 reservations that are compared with each other and with 97 exclusions, and lists of addresses",
            wide(json!({
                "pool": { "exclude": exclude(97) },
                "reservations": (0..512).map(reservation).collect::<Vec<_>>(),
                "options": options("ips", &vec!["255.255.255.255"; 60].join(", ")),
            })),
        ),
        (
            "4,096 reservations that are compared with 12 exclusions",
            wide(json!({
                "pool": { "exclude": exclude(12) },
                "reservations": (0..4096).map(reservation).collect::<Vec<_>>(),
            })),
        ),
        (
            "256 cards on networks of the longest names",
            claim(json!({ "vmName": "v".repeat(253), "networkConfigs": cards })),
        ),
        ("256 cards in both spellings", claim(json!({ "networkConfigs": cards, "networkConfig": cards }))),
    ]
}

pub(crate) async fn the_largest_objects_are_accepted(client: &Client) {
    let mut complaints = Vec::new();
    for (what, object) in largest() {
        complaints.extend(create(client, &object).await.err().map(|error| format!("{what}: {error}")));
    }
    no_complaints(&complaints);
}
