//! Each row: what it accepts, what it refuses, and what it says then.

use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::Status,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::objects::{NAMESPACE, dynamic, named, resource};
use crate::rows::{Row, rows};

/// The objects of one kind.
pub(crate) fn api(client: &Client, namespace: &str, object: &Value) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(object))
}

/// Whether a new object would be stored; it is not.
pub(crate) async fn create(client: &Client, object: &Value) -> kube::Result<DynamicObject> {
    let options = PostParams { dry_run: true, ..PostParams::default() };
    api(client, NAMESPACE, object).create(&options, &dynamic(object)).await
}

/// Whether the spec of a stored object could become that of `object`; it does not.
pub(crate) async fn update(
    client: &Client,
    (namespace, name): (&str, &str),
    object: &Value,
) -> kube::Result<DynamicObject> {
    let api = api(client, namespace, object);
    let stored = api.get(name).await.unwrap();
    let patch = json!([
        { "op": "test", "path": "/metadata/resourceVersion", "value": stored.metadata.resource_version },
        { "op": "replace", "path": "/spec", "value": object["spec"] },
    ]);
    let patch: Patch<DynamicObject> = Patch::Json(serde_json::from_value(patch).unwrap());
    api.patch(name, &PatchParams { dry_run: true, ..PatchParams::default() }, &patch).await
}

/// What stands in the way, if it is the row's rule; else a complaint.
pub(crate) fn refused_by<T>(row: &Row, result: kube::Result<T>) -> Result<Status, String> {
    let status = match result {
        Ok(_) => return Err("it is accepted".to_owned()),
        Err(kube::Error::Api(status)) => status,
        Err(error) => return Err(format!("it fails in another way: {error:?}")),
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let of_field: Vec<_> = causes.filter(|cause| cause.field.starts_with(&row.field)).collect();
    let says_so = of_field.iter().any(|cause| cause.message.contains(&row.sentence));
    if status.code == 422 && says_so {
        Ok(*status)
    } else {
        Err(format!(
            "it is refused ({}), but does not say {:?} of {}: {}",
            status.code, row.sentence, row.field, status.message
        ))
    }
}

/// Fails with all complaints, if there are any.
pub(crate) fn no_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// A name that nothing else here has.
pub(crate) fn unique() -> String {
    format!("object-{}", Uuid::new_v4().simple())
}

/// The row's stored object under a name of its own, if it has one.
async fn stored(client: &Client, row: &Row) -> Option<String> {
    let object = named(row.stored.as_ref()?, NAMESPACE, &unique());
    let created =
        api(client, NAMESPACE, &object).create(&PostParams::default(), &dynamic(&object)).await.unwrap();
    created.metadata.name
}

/// Removes what [`stored`] made, as one network has one pool.
async fn remove(client: &Client, row: &Row, name: &str) {
    api(client, NAMESPACE, &row.accepted).delete(name, &kube::api::DeleteParams::default()).await.unwrap();
}

pub(crate) async fn each_rule_accepts_a_good_object(client: &Client) {
    let mut complaints = Vec::new();
    for row in rows() {
        let result = match stored(client, &row).await {
            Some(name) => {
                let result = update(client, (NAMESPACE, &name), &row.accepted).await;
                remove(client, &row, &name).await;
                result
            }
            None => create(client, &row.accepted).await,
        };
        complaints.extend(result.err().map(|error| format!("{}: {error}", row.rule)));
    }
    no_complaints(&complaints);
}

pub(crate) async fn each_rule_refuses_a_bad_object_and_says_why(client: &Client) {
    let mut complaints = Vec::new();
    for row in rows() {
        let result = match stored(client, &row).await {
            Some(name) => {
                let result = update(client, (NAMESPACE, &name), &row.refused).await;
                remove(client, &row, &name).await;
                result
            }
            None => create(client, &row.refused).await,
        };
        complaints
            .extend(refused_by(&row, result).err().map(|complaint| format!("{}: {complaint}", row.rule)));
    }
    no_complaints(&complaints);
}

/// Rules about the subnet and the VM's name stand aside: neither can change at all.
pub(crate) async fn each_rule_refuses_a_change_from_good_to_bad(client: &Client) {
    let mut complaints = Vec::new();
    let unchangeable = ["spec.networkName", "spec.ipv4Config.cidr", "spec.vmName"];
    for row in rows().into_iter().filter(|row| row.stored.is_none() && !unchangeable.contains(&&*row.field)) {
        let row = Row { stored: Some(row.accepted.clone()), ..row };
        let name = stored(client, &row).await.unwrap();
        let result = update(client, (NAMESPACE, &name), &row.refused).await;
        remove(client, &row, &name).await;
        complaints
            .extend(refused_by(&row, result).err().map(|complaint| format!("{}: {complaint}", row.rule)));
    }
    no_complaints(&complaints);
}
