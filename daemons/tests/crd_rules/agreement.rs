//! Objects of chance, each a good one with something put into it that is easily read in two ways: Rust and CEL have to
//! decide alike on all of them.

use std::fmt::Display;

use proptest::{
    sample::{Index, select},
    strategy::{Just, Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

use crate::objects::{NAMESPACE, OLD_NAMESPACE, claim, merged, named, pool};
use crate::table::{create, no_complaints, update};
use crate::{cluster, local};

/// How many new objects; 12,000 were tried once.
const NEW_OBJECTS: usize = 1_000;
/// How many changes of old ones; 2,000 were tried once.
const CHANGES: usize = 300;

const ADDRESSES: &[&str] = &[
    "192.168.48.1",
    "192.168.48.2",
    "192.168.48.77",
    "192.168.48.85",
    "192.168.48.254",
    "192.168.48.255",
    "192.168.48.0",
    "192.168.47.255",
    "192.168.49.0",
    "10.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "192.168.48.256",
    "192.168.048.1",
    "192.168.48.01",
    "192.168.48",
    "192.168.48.1.1",
    "192.168.48.1/24",
    "+1.2.3.4",
    "1.2.3.-4",
    "0x1.2.3.4",
    "1e1.2.3.4",
    "1.2.3.4.",
    ".1.2.3.4",
    "::1",
    "::1.2.3.4",
    "fe80::1%eth0",
    "",
    " ",
    " 192.168.48.9",
    "192.168.48.9 ",
    "\t192.168.48.9",
    "192.168.48.9\n",
    "192. 168.48.9",
    "\u{a0}192.168.48.9",
    "\u{200b}10.0.0.1",
    "１92.168.48.9",
    "x",
];
const SUBNETS: &[&str] = &[
    "10.0.0.0/8",
    " 10.0.0.0/8 ",
    "10.1.2.3/8",
    "10.0.0.0/ 8",
    "10.0.0.0 /8",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/8/8",
    "/8",
    "10.0.0.0/",
    "10.0.0.0",
    "10.0.0/8",
    "010.0.0.0/8",
    "10.0.0.0/30",
    "10.0.0.0/31",
    "10.0.0.0/32",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/255.0.0.0",
    "0.0.0.0/0",
    "10.0.0.0/0",
    "0.0.0.0/8",
    "1.0.0.0/7",
    "1.0.0.0/8",
    "126.0.0.0/8",
    "126.0.0.0/7",
    "127.0.0.0/8",
    "127.255.255.252/30",
    "128.0.0.0/1",
    "192.0.0.0/2",
    "223.0.0.0/3",
    "224.0.0.0/4",
    "223.255.255.0/24",
    "240.0.0.0/4",
    "255.255.255.0/24",
    "::/0",
    "fd00::/64",
    "::ffff:10.0.0.0/104",
    "",
    "x",
];
const NETWORKS: &[&str] = &[
    "a",
    "a/b",
    " a / b ",
    " a ",
    "a//b",
    "a/b/",
    "/a",
    "a/",
    "/",
    "",
    " ",
    "A",
    "a_b",
    "a.b",
    "a.",
    ".a",
    "-a",
    "a-",
    "a--b",
    "a-.b",
    "a..b",
    "é",
    "a/b/c",
    "a b",
    "a /b c",
    "\ta\n",
    "0",
    "a.b/c.d",
    "a\nb",
    "a/\n",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/a",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/a",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
];
const MACS: &[&str] = &[
    "02:00:00:00:00:01",
    "02-00-00-00-00-01",
    "0200.0000.0001",
    "020000000001",
    "02:00:00:00:00:1",
    "02:00:00:00:00:011",
    "02:00:00:00:00",
    "02:00-00:00:00:01",
    "02.00.00.00.00.01",
    "0200:0000:0001",
    "0200-0000-0001",
    "0200.0000.001",
    "FE:dc:BA:98:76:54",
    "01:00:00:00:00:00",
    "03-00-00-00-00-00",
    "0100.0000.0000",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "00-00-00-00-00-00",
    "0000.0000.0000",
    "02:00:00:00:00:0g",
    " 0200.0000.0001",
    "0200.0000.0001 ",
    "+2:00:00:00:00:01",
    "",
    " ",
    ":::::",
    "-----",
    "..",
    "０2:00:00:00:00:1",
    "aé:00:00:00:00",
];
const NAMES: &[&str] = &[
    "a",
    "a.",
    "a..",
    ".",
    "..",
    ".a",
    "a.b",
    "a.b.",
    "a_b",
    "_sip._udp",
    "-a",
    "a-",
    "a.-b",
    "a b",
    " a ",
    "é",
    "1",
    "1.2",
    "300.1.1.1",
    "1.2.3.4.",
    "1.2.3",
    "1..2",
    "a\n",
    "",
    " ",
    "a/b",
    "a,b",
    "*.a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "b.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
    "b.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
];
const EXCLUSIONS: &[&str] = &[
    "192.168.48.82",
    "192.168.48.82-192.168.48.83",
    "192.168.48.83-192.168.48.82",
    "192.168.48.82 - 192.168.48.82",
    "192.168.48.82-",
    "-192.168.48.82",
    "-",
    "a-b",
    "192.168.48.82-192.168.48.83-192.168.48.84",
    "192.168.48.82--1.2.3.4",
    "192.168.48.70-192.168.48.80",
    "192.168.48.77-192.168.48.77",
    "192.168.48.64/26",
    "192.168.48.77/32",
    "10.0.0.1/8",
    "10.0.0.1/08",
    "0.0.0.0/0",
    "0.0.0.0-255.255.255.255",
    "::1",
    "::1-::2",
    "::/0",
    "1.2.3.4/8-1.2.3.5",
    "",
    " ",
];
const OPTION_NAMES: &[&str] = &[
    "tftp-server-name",
    " Tftp_Server-Name ",
    "no-such",
    "",
    "ARP_TIMEOUT",
    "wpad",
    "ntp-servers",
    "domain-search",
];
const OPTION_TYPES: &[&str] =
    &["ip", "ips", "text", "u8", "u16", "u32", "bool", "domains", "routes", "hex", "IP", " ip", ""];
const OPTION_VALUES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.1,10.0.0.2",
    " 10.0.0.1 , 10.0.0.2 ",
    "10.0.0.1,",
    ",",
    "10.0.0.01",
    "x",
    "",
    " ",
    "0",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "99999999999999999999999",
    "+1",
    "-1",
    "-0",
    "007",
    "0000000000001",
    "1.0",
    "1e2",
    "0x1",
    "true",
    "false",
    " true ",
    "True",
    "0a",
    "0A:ff",
    "0a-ff 01",
    "0 a",
    "0:a",
    ":",
    ":0a",
    "0a:",
    "abc",
    "é",
    "1\n2",
    "10.0.0.1\n,10.0.0.2",
    "lab.example, example.org.",
    "lab.example,",
    "10.0.0.0/8=10.0.0.1",
    " 10.0.0.0/8 = 10.0.0.1 , 0.0.0.0/0=10.0.0.2",
    "10.0.0.0/8=10.0.0.1=2",
    "10.0.0.0/08=10.0.0.1",
];
const NUMBERS: &[i64] = &[
    i64::MIN,
    -1,
    0,
    1,
    67,
    68,
    254,
    255,
    600,
    65535,
    65536,
    31_536_000,
    4_294_967_294,
    4_294_967_295,
    i64::MAX,
];

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(texts).prop_map(|text| json!(text))
}

/// Something of a pool.
fn of_pool() -> impl Strategy<Value = Value> {
    let address = || one_of(ADDRESSES);
    let number = || select(NUMBERS).prop_map(|number| json!(number));
    let field = |field: &'static str| move |value: Value| json!({ field: value });
    let list = |field: &'static str| move |value: Value| json!({ field: [value] });
    let in_pool = |field: &'static str| move |value: Value| json!({ "pool": { field: value } });
    let option = (
        proptest::option::of(select(NUMBERS)),
        proptest::option::of(one_of(OPTION_NAMES)),
        proptest::option::of(one_of(OPTION_TYPES)),
        one_of(OPTION_VALUES),
    );
    let option = option.prop_map(|(code, name, type_, value)| {
        let code = code.map(|code| code % 256);
        let mut option = json!({ "code": code, "name": name, "type": type_, "value": value });
        option.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        option
    });
    let reservation = (one_of(MACS), address(), one_of(NAMES), any_of_three());
    let reservation = reservation.prop_map(|(mac, address, name, which)| match which {
        0 => json!({ "macAddress": mac }),
        1 => json!({ "macAddress": "02:00:00:00:00:01", "ipAddress": address }),
        _ => json!({ "macAddress": "02:00:00:00:00:01", "hostname": name }),
    });
    let class = (one_of(NAMES), one_of(OPTION_VALUES), one_of(MACS), number(), any_of_three());
    let class = class.prop_map(|(name, text, mac, number, which)| match which {
        0 => json!({ "name": name, "vendorClass": text }),
        1 => json!({ "name": "c", "macPrefix": mac, "userClass": text }),
        _ => json!({ "name": "c", "architectures": [number], "leaseTime": number }),
    });
    proptest::prop_oneof![
        3 => one_of(SUBNETS).prop_map(|cidr| json!({ "cidr": cidr, "serverIP": null, "pool": null })),
        2 => address().prop_map(field("serverIP")),
        2 => address().prop_map(field("router")),
        2 => address().prop_map(in_pool("start")),
        2 => address().prop_map(in_pool("end")),
        1 => address().prop_map(list("dns")),
        2 => one_of(NAMES).prop_map(field("domainName")),
        1 => one_of(NAMES).prop_map(list("domainSearch")),
        1 => address().prop_map(list("ntp")),
        2 => one_of(NAMES).prop_map(list("ntp")),
        1 => number().prop_map(field("leaseTime")),
        1 => number().prop_map(field("minLeaseTime")),
        1 => number().prop_map(field("maxLeaseTime")),
        1 => number().prop_map(field("mtu")),
        3 => one_of(EXCLUSIONS).prop_map(|exclude| json!({ "pool": { "exclude": [exclude] } })),
        2 => (address(), address()).prop_map(|(start, end)| json!({ "pool": { "ranges": [{ "start": start, "end": end }] } })),
        2 => (one_of(SUBNETS), address()).prop_map(|(to, by)| json!({ "routes": [{ "destination": to, "gateway": by }] })),
        1 => address().prop_map(|next| json!({ "boot": { "nextServer": next } })),
        1 => number().prop_map(|number| json!({ "boot": { "rules": [{ "architectures": [number] }] } })),
        2 => class.prop_map(list("classes")),
        1 => address().prop_map(list("relays")),
        1 => one_of(SUBNETS).prop_map(list("relays")),
        6 => option.prop_map(list("options")),
        6 => proptest::collection::vec(reservation, 1..3).prop_map(|items| json!({ "reservations": items })),
    ]
}

fn any_of_three() -> impl Strategy<Value = usize> {
    proptest::arbitrary::any::<Index>().prop_map(|index| index.index(3))
}

/// A card, on a network whose spelling tells it from others.
fn card() -> impl Strategy<Value = Value> {
    let good = (Just(json!("lab")), Just(json!("02:00:00:00:00:01")), Just(json!("10.0.0.1")));
    (good, one_of(NETWORKS), one_of(MACS), one_of(ADDRESSES), any_of_three()).prop_map(
        |((network, mac, address), bad_network, bad_mac, bad_address, which)| {
            let [network, mac, address] = match which {
                0 => [bad_network, mac, address],
                1 => [network, bad_mac, address],
                _ => [network, mac, bad_address],
            };
            json!({ "networkName": network, "macAddress": mac, "ipAddress": address })
        },
    )
}

fn objects() -> impl Strategy<Value = Value> {
    let config = |fields: Value| pool(json!({ "ipv4Config": fields }));
    proptest::prop_oneof![
        6 => of_pool().prop_map(config),
        4 => (of_pool(), of_pool()).prop_map(move |(one, other)| config(merged(one, &other))),
        1 => one_of(NETWORKS).prop_map(|name| pool(json!({ "networkName": name }))),
        3 => proptest::collection::vec(card(), 1..3).prop_map(|cards| claim(json!({ "networkConfigs": cards }))),
        1 => card().prop_map(|card| claim(json!({ "networkConfigs": null, "networkConfig": [card] }))),
        1 => (card(), card()).prop_map(|(new, old)| claim(json!({ "networkConfigs": [new], "networkConfig": [old] }))),
    ]
}

/// Whether both say yes, or both no; else what they say.
fn same_verdict<T>(
    what: impl Display,
    by_rust: kube::Result<T>,
    by_cel: kube::Result<T>,
) -> Result<bool, String> {
    if by_rust.is_ok() == by_cel.is_ok() {
        return Ok(by_cel.is_ok());
    }
    let words = |result: kube::Result<T>| match result {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("{what}\n  Rust: {}\n  CEL: {}", words(by_rust), words(by_cel)))
}

/// Fails where they differed, or if nearly all was accepted or nearly all refused.
fn judge(verdicts: Vec<Result<bool, String>>) {
    let all = verdicts.len();
    let accepted = verdicts.iter().filter(|verdict| matches!(verdict, Ok(true))).count();
    no_complaints(&verdicts.into_iter().filter_map(Result::err).collect::<Vec<_>>());
    assert!((all / 10..all * 9 / 10).contains(&accepted), "{accepted} of {all} are accepted");
}

#[tokio::test]
async fn rust_and_cel_decide_alike_on_new_objects() {
    let Some(cluster) = cluster::client().await else { return };
    // Without the old objects, among which there is a pool on this network or that.
    let local = LocalApi::in_memory(Kinds::standard()).unwrap().client(NAMESPACE);
    let mut runner = TestRunner::deterministic();
    let mut verdicts = Vec::new();
    for _ in 0..NEW_OBJECTS {
        let object = objects().new_tree(&mut runner).unwrap().current();
        let (by_rust, by_cel) = (create(&local, &object).await, create(&cluster, &object).await);
        verdicts.push(same_verdict(&object["spec"], by_rust, by_cel));
    }
    judge(verdicts);
}

/// Objects as they were stored before there were rules, and what they are to become: something of it is changed, and
/// something may be wrong in it that is not.
fn changes() -> Vec<(String, Value, Value)> {
    let mut runner = TestRunner::deterministic();
    let of_pool = || of_pool().prop_map(|fields| json!({ "ipv4Config": fields }));
    let of_claim =
        proptest::collection::vec(card(), 1..3).prop_map(|cards| json!({ "networkConfigs": cards }));
    let paused = || Just(json!({ "paused": true }));
    let changed = (
        objects(),
        of_pool(),
        of_claim,
        proptest::prop_oneof![2 => Just(None), 1 => paused().prop_map(Some)],
    );
    let mut change = |at: usize| {
        let (old, of_pool, of_claim, other) = changed.new_tree(&mut runner).unwrap().current();
        let is_pool = old["kind"] == "IPPool";
        // Claims are judged by the pools of their networks; of these there are to be none.
        let old = if is_pool { merged(old, &json!({ "spec": { "networkName": "net-48" } })) } else { old };
        let of_its_kind = if is_pool { of_pool } else { of_claim };
        let change = other.unwrap_or(of_its_kind);
        let new = merged(old.clone(), &json!({ "spec": change }));
        (format!("old-of-chance-{at}"), old, new)
    };
    (0..CHANGES).map(&mut change).collect()
}

/// The objects that are to be changed, as they are stored.
pub(crate) fn old_objects() -> impl Iterator<Item = Value> {
    changes().into_iter().map(|(name, old, _)| named(&old, OLD_NAMESPACE, &name))
}

#[tokio::test]
async fn rust_and_cel_decide_alike_on_changes() {
    let Some(cluster) = cluster::client().await else { return };
    let (local, _folder) = local::client();
    let mut verdicts = Vec::new();
    for (name, old, new) in changes() {
        let name = (OLD_NAMESPACE, name.as_str());
        let (by_rust, by_cel) = (update(&local, name, &new).await, update(&cluster, name, &new).await);
        verdicts.push(same_verdict(format!("{}\n-> {}", old["spec"], new["spec"]), by_rust, by_cel));
    }
    judge(verdicts);
}
