//! What may be stored: by what a change changes, and beside what else is stored.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![expect(clippy::needless_pass_by_value, reason = "json! literals read best by value")]

use serde_json::{Value, json};
use vmdhcp_core::admission::{Change, Refusal, RefusalKind, Stored, admit_claim, admit_pool};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

/// What is stored beside the object in question.
#[derive(Default)]
struct Objects {
    pools: Vec<IPPool>,
    claims: Vec<VirtualMachineNetworkConfig>,
}

impl Stored for Objects {
    fn pools(&self) -> Vec<IPPool> {
        self.pools.clone()
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        self.claims.clone()
    }
}

fn pool(name: &str) -> IPPool {
    serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "lab" },
        "spec": {
            "networkName": "net-48",
            "ipv4Config": {
                "cidr": "192.168.48.0/24",
                "serverIP": "192.168.48.77",
                "pool": { "start": "192.168.48.81", "end": "192.168.48.90" },
            },
        },
        "status": { "ipv4": { "used": 1, "available": 8, "allocated": { "192.168.48.85": "52:54:00:00:00:01" } } },
    }))
    .unwrap()
}

/// The pool with a merge patch applied, as an API would.
fn with(pool: &IPPool, patch: &Value) -> IPPool {
    fn merge(into: &mut Value, patch: &Value) {
        let Value::Object(fields) = patch else {
            *into = patch.clone();
            return;
        };
        for (field, value) in fields {
            merge(&mut into[field], value);
        }
    }
    let mut object = serde_json::to_value(pool).unwrap();
    merge(&mut object, patch);
    serde_json::from_value(object).unwrap()
}

fn config(fields: Value) -> Value {
    json!({ "spec": { "ipv4Config": fields } })
}

fn claim(name: &str, cards: Value) -> VirtualMachineNetworkConfig {
    serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "lab" },
        "spec": { "vmName": name, "networkConfigs": cards },
    }))
    .unwrap()
}

fn card(mac: &str, address: Option<&str>) -> Value {
    json!({ "networkName": "net-48", "macAddress": mac, "ipAddress": address })
}

#[track_caller]
fn refused(result: Result<(), Refusal>, kind: RefusalKind, message: &str) {
    let refusal = result.expect_err("this is to be refused");
    assert_eq!(refusal.kind, kind, "{refusal}");
    assert!(refusal.to_string().contains(message), "{refusal}");
}

fn update(old: &IPPool, patch: &Value) -> Result<(), Refusal> {
    let new = with(old, patch);
    admit_pool(&Change::Update { old, new: &new }, &Objects::default())
}

#[test]
fn a_pool_is_judged_whole_when_it_is_created() {
    let alone = Objects::default();
    assert_eq!(admit_pool(&Change::Create(&pool("a")), &alone), Ok(()));
    let bad = with(&pool("a"), &config(json!({ "router": "10.0.0.1", "dns": ["x"] })));
    refused(
        admit_pool(&Change::Create(&bad), &alone),
        RefusalKind::Invalid,
        "IPPool lab/a is invalid: spec.ipv4Config.router: 10.0.0.1 is outside",
    );
    assert_eq!(admit_pool(&Change::Create(&bad), &alone).unwrap_err().causes.len(), 2);
}

#[test]
fn a_second_pool_on_a_network_is_refused_and_the_first_is_named() {
    let beside = Objects { pools: vec![pool("a")], ..Objects::default() };
    refused(
        admit_pool(&Change::Create(&pool("b")), &beside),
        RefusalKind::Conflict,
        "the network net-48 has the pool lab/a already",
    );
    let elsewhere = with(&pool("b"), &json!({ "metadata": { "namespace": "other" } }));
    assert_eq!(
        admit_pool(&Change::Create(&elsewhere), &beside),
        Ok(()),
        "a bare name is in the pool's own namespace"
    );
}

#[test]
fn an_old_pool_with_a_bad_item_takes_every_change_that_leaves_it_alone() {
    let old = with(&pool("a"), &config(json!({ "dns": ["nonsense"] })));
    assert_eq!(update(&old, &json!({ "metadata": { "labels": { "tier": "lab" } } })), Ok(()));
    assert_eq!(update(&old, &config(json!({ "leaseTime": 600 }))), Ok(()));
    assert_eq!(
        update(&old, &config(json!({ "dns": ["10.0.0.1", "nonsense"] }))),
        Ok(()),
        "it has only moved"
    );
    refused(update(&old, &config(json!({ "dns": ["other nonsense"] }))), RefusalKind::Invalid, "dns[0]");
    refused(update(&old, &config(json!({ "ntp": ["300.1.1.1"] }))), RefusalKind::Invalid, "ntp[0]");
}

#[test]
fn network_and_subnet_of_a_pool_stay_as_they_are() {
    refused(
        update(&pool("a"), &json!({ "spec": { "networkName": "net-49" } })),
        RefusalKind::Invalid,
        "spec.networkName: cannot change",
    );
    refused(
        update(&pool("a"), &json!({ "spec": { "networkName": "lab/net-48" } })),
        RefusalKind::Invalid,
        "spec.networkName: cannot change",
    );
    refused(
        update(&pool("a"), &config(json!({ "cidr": "192.168.0.0/16" }))),
        RefusalKind::Invalid,
        "cannot change from 192.168.48.0/24",
    );
}

#[test]
fn a_bad_pool_keeps_its_subnet_too() {
    let old = with(&pool("a"), &config(json!({ "router": "10.0.0.1" })));
    refused(
        update(&old, &config(json!({ "cidr": "10.0.0.0/8" }))),
        RefusalKind::Invalid,
        "cannot change from",
    );
}

#[test]
fn a_pool_may_grow_and_may_shrink_where_nobody_is_cut_off() {
    let pool = pool("a");
    assert_eq!(update(&pool, &config(json!({ "pool": { "end": "192.168.48.200" } }))), Ok(()));
    assert_eq!(update(&pool, &config(json!({ "pool": { "start": "192.168.48.85" } }))), Ok(()));
    refused(
        update(&pool, &config(json!({ "pool": { "start": "192.168.48.86" } }))),
        RefusalKind::Forbidden,
        "192.168.48.85 is in use by 52:54:00:00:00:01",
    );
    refused(
        update(&pool, &config(json!({ "pool": { "exclude": ["192.168.48.84/31"] } }))),
        RefusalKind::Forbidden,
        "spec.ipv4Config.pool.exclude: 192.168.48.85",
    );
    refused(
        update(&pool, &config(json!({ "serverIP": "192.168.48.85" }))),
        RefusalKind::Forbidden,
        "spec.ipv4Config.serverIP: 192.168.48.85",
    );
    refused(
        update(&pool, &config(json!({ "router": "192.168.48.85" }))),
        RefusalKind::Forbidden,
        "spec.ipv4Config.router: 192.168.48.85",
    );
    assert_eq!(update(&pool, &config(json!({ "serverIP": "192.168.48.78" }))), Ok(()));
}

#[test]
fn a_pool_in_use_stays_and_one_whose_claims_are_going_may_go() {
    let mut user = claim("vm", json!([card("52:54:00:00:00:01", None)]));
    let with_user =
        |user: &VirtualMachineNetworkConfig| Objects { claims: vec![user.clone()], ..Objects::default() };
    refused(
        admit_pool(&Change::Delete(&pool("a")), &with_user(&user)),
        RefusalKind::Forbidden,
        "in use by lab/vm",
    );
    user.metadata.deletion_timestamp = serde_json::from_value(json!("2026-08-01T10:00:00Z")).unwrap();
    assert_eq!(admit_pool(&Change::Delete(&pool("a")), &with_user(&user)), Ok(()));
    let other_network =
        claim("vm", json!([{ "networkName": "other/net-48", "macAddress": "52:54:00:00:00:01" }]));
    assert_eq!(admit_pool(&Change::Delete(&pool("a")), &with_user(&other_network)), Ok(()));
}

#[test]
fn a_pool_that_is_being_deleted_takes_anything() {
    let deleting = json!({ "metadata": { "deletionTimestamp": "2026-08-01T10:00:00Z" }, "spec": { "networkName": "other" } });
    assert_eq!(update(&pool("a"), &deleting), Ok(()));
}

fn create(claim: &VirtualMachineNetworkConfig) -> Result<(), Refusal> {
    admit_claim(&Change::Create(claim), &Objects { pools: vec![pool("a")], ..Objects::default() })
}

#[test]
fn cards_have_to_mean_something_and_each_problem_names_its_card() {
    let cards = json!([card("52:54:00:00:00:02", None), card("nonsense", Some("x"))]);
    let refusal = create(&claim("vm", cards)).unwrap_err();
    let fields: Vec<_> = refusal.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.networkConfigs[1].macAddress", "spec.networkConfigs[1].ipAddress"]);
    let twice = json!([card("52:54:00:00:00:02", None), card("52-54-00-00-00-02", None)]);
    refused(create(&claim("vm", twice)), RefusalKind::Invalid, "is on lab/net-48 already, as item 0");
}

#[test]
fn both_spellings_of_the_list_may_be_there_only_if_they_are_equal() {
    let mut both = claim("vm", json!([card("52:54:00:00:00:02", None)]));
    both.spec.network_config = both.spec.network_configs.clone();
    assert_eq!(create(&both), Ok(()));
    both.spec.network_config[0].mac_address = "52:54:00:00:00:03".to_owned();
    refused(create(&both), RefusalKind::Invalid, "spec.networkConfig: differs from spec.networkConfigs");
    let mut paused = both.clone();
    paused.spec.paused = Some(true);
    let change = Change::Update { old: &both, new: &paused };
    assert_eq!(admit_claim(&change, &Objects::default()), Ok(()), "they differed before");
}

#[test]
fn a_declared_address_has_to_be_one_that_the_card_can_have() {
    let wants = |address: &str| create(&claim("vm", json!([card("52:54:00:00:00:02", Some(address))])));
    assert_eq!(wants("192.168.48.84"), Ok(()));
    refused(wants("192.168.48.85"), RefusalKind::Invalid, "192.168.48.85 is in use by 52:54:00:00:00:01");
    refused(wants("192.168.48.77"), RefusalKind::Invalid, "is the DHCP server's address");
    refused(wants("192.168.48.200"), RefusalKind::Invalid, "is outside the ranges of pool lab/a");
    refused(wants("10.0.0.1"), RefusalKind::Invalid, "is outside 192.168.48.0/24");
    let its_own = claim("vm", json!([card("52-54-00-00-00-01", Some("192.168.48.85"))]));
    assert_eq!(create(&its_own), Ok(()));
    let no_pool = claim(
        "vm",
        json!([{ "networkName": "none", "macAddress": "52:54:00:00:00:02", "ipAddress": "10.0.0.1" }]),
    );
    assert_eq!(create(&no_pool), Ok(()), "the pool may come later");
}

#[test]
fn a_new_card_does_not_take_what_an_old_one_has_wherever_it_stands() {
    let (first, second) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
    let old = claim("vm", json!([card(first, Some("10.0.0.1"))]));
    let stored = Objects::default();
    let to = |cards: Value| admit_claim(&Change::Update { old: &old, new: &claim("vm", cards) }, &stored);
    for cards in [
        json!([card(first, Some("10.0.0.1")), card(second, Some("10.0.0.1"))]),
        json!([card(second, Some("10.0.0.1")), card(first, Some("10.0.0.1"))]),
    ] {
        refused(to(cards), RefusalKind::Invalid, "10.0.0.1 is asked for by item");
    }
    refused(to(json!([card(first, None), card(first, Some("10.0.0.1"))])), RefusalKind::Invalid, "as item 1");
}

#[test]
fn a_claim_keeps_its_vm_and_old_bad_cards_do_not_stand_in_the_way_of_new_good_ones() {
    let old = claim("vm", json!([card("nonsense", None)]));
    let new = claim("vm", json!([card("nonsense", None), card("52:54:00:00:00:02", None)]));
    let stored = Objects::default();
    assert_eq!(admit_claim(&Change::Update { old: &old, new: &new }, &stored), Ok(()));
    let mut renamed = new.clone();
    renamed.spec.vm_name = "other".to_owned();
    refused(
        admit_claim(&Change::Update { old: &new, new: &renamed }, &stored),
        RefusalKind::Invalid,
        "spec.vmName: cannot change",
    );
    assert_eq!(admit_claim(&Change::Delete(&new), &stored), Ok(()));
}
