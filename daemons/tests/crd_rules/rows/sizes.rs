//! How many items lists may have, and how long texts are: bounds of the schema, in the API server's own words.

use serde_json::{Value, json};

use super::{Row, at, schema};
use crate::objects::{claim, pool};

pub(super) fn rows() -> Vec<Row> {
    let of = |fields: Value| pool(json!({ "ipv4Config": fields }));
    let cards = |count: usize| {
        let card = |at: usize| json!({ "networkName": "lab", "macAddress": format!("02:00:00:00:{:02x}:{:02x}", at / 256, at % 256) });
        claim(json!({ "networkConfigs": (0..count).map(card).collect::<Vec<_>>() }))
    };
    let dns = |count: usize| of(json!({ "dns": vec!["10.0.0.1"; count] }));
    let ntp = |count: usize| of(json!({ "ntp": vec!["10.0.0.1"; count] }));
    let search = |count: usize| of(json!({ "domainSearch": vec!["lab"; count] }));
    let exclude = |count: usize| of(json!({ "pool": { "exclude": vec!["192.168.48.82"; count] } }));
    let range = json!({ "start": "192.168.48.100", "end": "192.168.48.101" });
    let ranges = |count: usize| of(json!({ "pool": { "ranges": vec![range.clone(); count] } }));
    let route = json!({ "destination": "10.0.0.0/8", "gateway": "192.168.48.1" });
    let routes = |count: usize| of(json!({ "routes": vec![route.clone(); count] }));
    let boot = |count: usize| of(json!({ "boot": { "rules": vec![json!({}); count] } }));
    let architectures =
        |count: usize| of(json!({ "boot": { "rules": [{ "architectures": vec![7; count] }] } }));
    let options = |count: usize| {
        of(
            json!({ "options": (120..120 + count).map(|code| json!({ "code": code, "type": "text", "value": "x" })).collect::<Vec<_>>() }),
        )
    };
    let reserved = |count: usize| {
        of(
            json!({ "reservations": [{ "macAddress": "02:00:00:00:00:01", "options": (100..100 + count).map(|code| json!({ "code": code, "type": "text", "value": "x" })).collect::<Vec<_>>() }] }),
        )
    };
    let reservations = |count: usize| {
        of(
            json!({ "reservations": (0..count).map(|at| json!({ "macAddress": format!("02:00:00:00:{:02x}:{:02x}", at / 256, at % 256) })).collect::<Vec<_>>() }),
        )
    };
    let class = |at: usize, count: usize| json!({ "name": format!("c{at}"), "userClass": "x", "options": (100..100 + count).map(|code| json!({ "code": code, "type": "text", "value": "x" })).collect::<Vec<_>>() });
    let classes =
        |count: usize| of(json!({ "classes": (0..count).map(|at| class(at, 0)).collect::<Vec<_>>() }));
    let of_class = |count: usize| of(json!({ "classes": [class(0, count)] }));
    let relays = |count: usize| of(json!({ "relays": vec!["10.0.0.1"; count] }));
    let row = |rule, make: &dyn Fn(usize) -> Value, most: usize, field: &str| {
        let sentence = format!("must have at most {most} items");
        schema(rule, make(most), make(most + 1), field, sentence)
    };
    vec![
        row("three name servers at most", &dns, 3, &at("dns")),
        row("four time servers at most", &ntp, 4, &at("ntp")),
        row("64 search domains at most", &search, 64, &at("domainSearch")),
        row("1,024 exclusions at most", &exclude, 1024, &at("pool.exclude")),
        row("64 ranges at most", &ranges, 64, &at("pool.ranges")),
        row("64 routes at most", &routes, 64, &at("routes")),
        row("32 boot rules at most", &boot, 32, &at("boot.rules")),
        row(
            "32 architectures of a boot rule at most",
            &architectures,
            32,
            &at("boot.rules[0].architectures"),
        ),
        row("64 options at most", &options, 64, &at("options")),
        row("16 options of a reservation at most", &reserved, 16, &at("reservations[0].options")),
        row("32 classes at most", &classes, 32, &at("classes")),
        row("16 options of a class at most", &of_class, 16, &at("classes[0].options")),
        row("64 relay agents at most", &relays, 64, &at("relays")),
        row("4,096 reservations at most", &reservations, 4096, &at("reservations")),
        Row { error: "TooManyCards", ..row("256 cards at most", &cards, 256, "spec.networkConfigs") },
        schema(
            "a network's name has 317 characters at most",
            pool(json!({ "networkName": "m".repeat(253) })),
            pool(json!({ "networkName": "m".repeat(318) })),
            "spec.networkName",
            "Too long: may not be more than 317 bytes",
        ),
        schema(
            "a VM's name has 253 characters at most",
            claim(json!({ "vmName": "v".repeat(253) })),
            claim(json!({ "vmName": "v".repeat(254) })),
            "spec.vmName",
            "Too long: may not be more than 253 bytes",
        ),
    ]
}
