//! An update is never refused for what it does not change (COMPAT 1.1): objects that were stored before there were rules.

use kube::{
    Client, Resource,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::objects::{OLD_NAMESPACE, claim, merged, named, pool, with_spec};
use crate::rows::{Row, rows};
use crate::table::{api, no_complaints, refused_by, update};

/// The bad object of each row, as it is stored.
pub(crate) fn old_objects() -> Vec<Value> {
    let of_rows = rows()
        .into_iter()
        .filter(|row| row.stored.is_none())
        .map(|row| named(&row.refused, OLD_NAMESPACE, &name_of(row.rule)));
    of_rows
        .chain(lists().into_iter().map(|list| named(&list.stored, OLD_NAMESPACE, &name_of(list.what))))
        .collect()
}

/// The name under which an old object is stored.
fn name_of(rule: &str) -> String {
    let letters = rule.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    format!("old-{letters}")
}

/// A list with a bad item.
struct List {
    what: &'static str,
    stored: Value,
    appended: Value,
    moved: Value,
}

fn lists() -> Vec<List> {
    let list = |what, of: &dyn Fn(Value) -> Value, bad: Value, good: Value| List {
        what,
        stored: of(json!([bad, bad])),
        appended: of(json!([bad, bad, good])),
        moved: of(json!([good, bad])),
    };
    let config = |fields: Value| pool(json!({ "ipv4Config": fields }));
    vec![
        list("name servers", &|dns| config(json!({ "dns": dns })), json!("resolver"), json!("10.0.0.1")),
        list(
            "exclusions",
            &|exclude| config(json!({ "pool": { "exclude": exclude } })),
            json!("x"),
            json!("192.168.48.82"),
        ),
        list(
            "an excluded server",
            &|exclude| config(json!({ "pool": { "exclude": exclude } })),
            json!("192.168.48.77"),
            json!("192.168.48.82"),
        ),
        list(
            "reservations",
            &|reservations| config(json!({ "reservations": reservations })),
            json!({ "macAddress": "no MAC" }),
            json!({ "macAddress": "02:00:00:00:00:01" }),
        ),
        list(
            "reservations of one MAC",
            &|reservations| config(json!({ "reservations": reservations })),
            json!({ "macAddress": "02:00:00:00:00:01" }),
            json!({ "macAddress": "02:00:00:00:00:02" }),
        ),
        list(
            "cards",
            &|cards| claim(json!({ "networkConfigs": cards })),
            json!({ "networkName": "lab", "macAddress": "no MAC" }),
            json!({ "networkName": "lab", "macAddress": "02:00:00:00:00:01" }),
        ),
        list(
            "cards in the old spelling",
            &|cards| claim(json!({ "networkConfigs": null, "networkConfig": cards })),
            json!({ "networkName": "Lab", "macAddress": "02:00:00:00:00:01" }),
            json!({ "networkName": "lab", "macAddress": "02:00:00:00:00:01" }),
        ),
    ]
}

fn old_rows() -> impl Iterator<Item = (Row, String)> {
    rows().into_iter().filter(|row| row.stored.is_none()).map(|row| {
        let name = name_of(row.rule);
        (row, name)
    })
}

async fn merge(client: &Client, row: &Row, name: &str, patch: &Value) -> kube::Result<DynamicObject> {
    api(client, OLD_NAMESPACE, &row.refused).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
}

pub(crate) async fn a_bad_object_takes_labels_finalizers_and_status(client: &Client) {
    let mut complaints = Vec::new();
    for (row, name) in old_rows() {
        let metadata =
            json!({ "metadata": { "labels": { "tier": "lab" }, "finalizers": ["vmdhcp.test/held"] } });
        let held = merge(client, &row, &name, &metadata).await.err();
        complaints.extend(held.map(|error| format!("{}: labels and a finalizer: {error}", row.rule)));
        let condition = json!({ "type": "Stopped", "status": "True" });
        let status = Patch::Merge(json!({ "status": { "conditions": [condition] } }));
        let told = api(client, OLD_NAMESPACE, &row.refused)
            .patch_status(&name, &PatchParams::default(), &status)
            .await
            .err();
        complaints.extend(told.map(|error| format!("{}: a status: {error}", row.rule)));
        let freed = merge(client, &row, &name, &json!({ "metadata": { "finalizers": null } })).await.err();
        complaints.extend(freed.map(|error| format!("{}: no finalizer: {error}", row.rule)));
    }
    no_complaints(&complaints);
}

/// A field that the row is not about: a sibling of the bad one, so that the objects around it do change.
fn sibling(row: &Row) -> Value {
    let has_config = row.refused["spec"]["ipv4Config"].is_object();
    let beside = if row.field == "spec.ipv4Config.domainName" {
        json!({ "mtu": 1400 })
    } else {
        json!({ "domainName": "changed.example" })
    };
    let inner = match row.field.as_str() {
        "spec.ipv4Config.boot.nextServer" => json!({ "boot": { "file": "changed" } }),
        field if field.starts_with("spec.ipv4Config.boot") => json!({ "boot": { "nextServer": "10.0.0.1" } }),
        _ => json!({}),
    };
    let config = if has_config { json!({ "ipv4Config": merged(beside, &inner) }) } else { json!({}) };
    merged(config, &json!({ "paused": true }))
}

pub(crate) async fn a_bad_object_takes_changes_of_its_other_fields(client: &Client) {
    let mut complaints = Vec::new();
    for (row, name) in old_rows() {
        let changed = with_spec(row.refused.clone(), sibling(&row));
        let refused = update(client, (OLD_NAMESPACE, &name), &changed).await.err();
        complaints.extend(refused.map(|error| format!("{}: {error}", row.rule)));
    }
    no_complaints(&complaints);
}

pub(crate) async fn a_bad_object_is_refused_what_is_bad_in_another_way(client: &Client) {
    let mut complaints = Vec::new();
    for (row, name) in old_rows() {
        let Some(worse) = row.worse.clone() else { continue };
        // It is worse in the same field; what is said of it has its own values.
        let row = Row { sentence: String::new(), ..row };
        let result = update(client, (OLD_NAMESPACE, &name), &worse).await;
        complaints
            .extend(refused_by(&row, result).err().map(|complaint| format!("{}: {complaint}", row.rule)));
    }
    no_complaints(&complaints);
}

pub(crate) async fn a_list_with_a_bad_item_takes_good_ones(client: &Client) {
    let mut complaints = Vec::new();
    for list in lists() {
        let refused = update(client, (OLD_NAMESPACE, &name_of(list.what)), &list.appended).await.err();
        complaints.extend(refused.map(|error| format!("{}: {error}", list.what)));
    }
    no_complaints(&complaints);
}

pub(crate) async fn a_bad_item_may_move_in_its_list(client: &Client) {
    let mut complaints = Vec::new();
    for list in lists() {
        let refused = update(client, (OLD_NAMESPACE, &name_of(list.what)), &list.moved).await.err();
        complaints.extend(refused.map(|error| format!("{}: {error}", list.what)));
    }
    no_complaints(&complaints);
}

/// What cannot change cannot be mended either: the object has to go.
pub(crate) async fn a_bad_object_may_be_mended(client: &Client) {
    let mut complaints = Vec::new();
    let unchangeable = ["spec.networkName", "spec.ipv4Config.cidr", "spec.vmName"];
    for (row, name) in old_rows().filter(|(row, _)| !unchangeable.contains(&&*row.field)) {
        let refused = update(client, (OLD_NAMESPACE, &name), &row.accepted).await.err();
        complaints.extend(refused.map(|error| format!("{}: {error}", row.rule)));
    }
    no_complaints(&complaints);
}

pub(crate) async fn a_bad_object_can_be_deleted(client: &Client) {
    for object in old_objects() {
        let name = object["metadata"]["name"].as_str().unwrap();
        let options = DeleteParams { dry_run: true, ..DeleteParams::default() };
        let deleted = api(client, OLD_NAMESPACE, &object).delete(name, &options).await;
        let deleted = deleted.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(deleted.left().is_none_or(|object| object.meta().name.is_some()));
    }
}
