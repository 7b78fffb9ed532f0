//! VirtualMachineNetworkConfigs.

use serde_json::{Value, json};
use vmdhcp_core::{NetworkName, admission::ClaimError, mac::MacError, network::NetworkNameError};

use super::{Row, address, cards, claim_error, mac};
use crate::objects::claim;

pub(super) fn rows() -> Vec<Row> {
    let of = |rule, accepted, refused, field, error: ClaimError| {
        Row::new(rule, accepted, refused, field, (claim_error(&error), error.to_string()))
    };
    let card = |network: &str, mac: &str, ip: Value| json!({ "networkName": network, "macAddress": mac, "ipAddress": ip });
    let on = |network: &str| json!([card(network, "02:00:00:00:00:01", Value::Null)]);
    let with = |mac: &str| json!([card("lab", mac, Value::Null)]);
    let wants = |ip: &str| json!([card("lab", "02:00:00:00:00:01", json!(ip))]);
    let two = |first: Value, second: Value| json!([first, second]);
    let (network, macs, ips) = (
        "spec.networkConfigs[0].networkName",
        "spec.networkConfigs[0].macAddress",
        "spec.networkConfigs[0].ipAddress",
    );
    let lab = NetworkName { namespace: "tenant".to_owned(), name: "lab".to_owned() };
    let (first, second) = ("02:00:00:00:00:01", "02:00:00:00:00:02");
    let named = |name: &str| claim(json!({ "vmName": name }));
    let both = |old: Value| claim(json!({ "networkConfigs": on("lab"), "networkConfig": old }));
    vec![
        of("a claim names its VM", named("web"), named(""), "spec.vmName", ClaimError::VmNameEmpty),
        of(
            "a claim stays with its VM",
            claim(json!({ "paused": true })),
            named("other"),
            "spec.vmName",
            ClaimError::VmNameChanged,
        )
        .over(claim(json!({}))),
        of(
            "both spellings of the list say the same",
            both(on("lab")),
            both(on("other")),
            "spec.networkConfig",
            ClaimError::SpellingsDiffer,
        )
        .worse(both(on("another"))),
        cards(
            "a card is on a network",
            [on(" tenant / lab "), on("/lab"), on("")],
            network,
            NetworkNameError::Empty("/lab".to_owned()).into(),
        ),
        cards(
            "a card's network has a name of Kubernetes",
            [on("a.b"), on("Lab"), on("net_48")],
            network,
            NetworkNameError::Malformed("Lab".to_owned()).into(),
        ),
        cards(
            "a card has a MAC",
            [with(" FACF.8e50.82fc "), with("no MAC"), with("02-00:00-00:00-01")],
            macs,
            MacError::Malformed("no MAC".to_owned()).into(),
        ),
        cards(
            "a card's MAC is one of a card",
            [with("fe:00:00:00:00:01"), with("ff:ff:ff:ff:ff:ff"), with("01:00:00:00:00:01")],
            macs,
            MacError::Multicast("ff:ff:ff:ff:ff:ff".to_owned()).into(),
        ),
        cards(
            "a card's MAC is not zero",
            [with("00:00:00:00:00:01"), with("00:00:00:00:00:00"), with("0000.0000.0000")],
            macs,
            MacError::Zero.into(),
        ),
        cards(
            "a wanted address is an address, or left empty",
            [wants(" "), wants("here"), wants("fe80::1")],
            ips,
            ClaimError::Address { value: "here".to_owned() },
        ),
        cards(
            "a MAC is on a network once",
            [
                two(card("lab", first, Value::Null), card("other", first, Value::Null)),
                two(
                    card("tenant/lab", first, Value::Null),
                    card("tenant/lab", "0200.0000.0001", Value::Null),
                ),
                two(card("tenant/lab", second, Value::Null), card("tenant/lab", second, Value::Null)),
            ],
            "spec.networkConfigs[1].macAddress",
            ClaimError::MacTwice { mac: mac(first), network: lab, first: 0 },
        ),
        cards(
            "an address of a network is wanted once",
            [
                two(card("lab", first, json!("10.0.0.1")), card("other", second, json!("10.0.0.1"))),
                two(card("lab", first, json!("10.0.0.1")), card("lab", second, json!(" 10.0.0.1 "))),
                two(card("lab", first, json!("10.0.0.2")), card("lab", second, json!("10.0.0.2"))),
            ],
            "spec.networkConfigs[1].ipAddress",
            ClaimError::AddressTwice { address: address("10.0.0.1"), first: 0 },
        ),
    ]
}
