//! Which fields of a pool change when its network says something else, and which of these changes are safe. Pure.

use std::collections::BTreeSet;

use kube::ResourceExt;
use serde_json::{Map, Value, json};
use vmdhcp_core::admission::{Change, Refusal, Stored, admit_pool};
use vmdhcp_core::api::{DECLARED_FIELDS_ANNOTATION, IPPool, VirtualMachineNetworkConfig};
use vmdhcp_core::pool::defaults;

use super::observe::{Field, Specification};

/// Nothing but the pool itself is looked at: what it is changed to needs no other object.
struct Nothing;

impl Stored for Nothing {
    fn pools(&self) -> Vec<IPPool> {
        Vec::new()
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        Vec::new()
    }
}

/// A field and the value that it shall have, or none.
type FieldChange = (Field, Option<Value>);

/// The fields that the annotation declared when the pool was last changed for it.
pub(super) fn recorded(pool: &IPPool) -> BTreeSet<Field> {
    let list = pool.annotations().get(DECLARED_FIELDS_ANNOTATION).map(String::as_str).unwrap_or_default();
    list.split(',').map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

/// The fields that have another value than the network says, and those that it no longer declares. All others are
/// whoever's.
pub(super) fn changes(pool: &IPPool, of_network: &Specification) -> Vec<FieldChange> {
    let (stored, wanted) = (spec_of(pool), json!(of_network.spec));
    let owned = of_network.declared.union(&of_network.told);
    let kept = |field: &Field| pointed(&stored, field) == pointed(&wanted, field);
    let set =
        owned.filter(|field| !kept(field)).map(|field| (field.clone(), pointed(&wanted, field).cloned()));
    let recorded = recorded(pool);
    let dropped = recorded.iter().filter(|field| {
        !of_network.declared.contains(*field)
            && !of_network.told.contains(*field)
            && pointed(&stored, field).is_some()
    });
    // Without a subnet there is no pool; the other texts of one subnet are the same.
    set.chain(dropped.map(|field| (field.clone(), None)))
        .filter(|(field, _)| field != "ipv4Config.cidr")
        .collect()
}

fn spec_of(pool: &IPPool) -> Value {
    json!(pool.spec)
}

fn pointed<'a>(spec: &'a Value, field: &str) -> Option<&'a Value> {
    spec.pointer(&format!("/{}", field.replace('.', "/")))
}

/// The pool with all of the changes that cut nobody off, those that had to be left out, and why.
pub(super) fn as_far_as_safe(
    pool: &IPPool,
    changes: Vec<FieldChange>,
) -> (IPPool, Vec<FieldChange>, Option<Refusal>) {
    let attempt = |from: &IPPool, changes: &[FieldChange]| -> Result<IPPool, Refusal> {
        let next = with(from, changes);
        admit_pool(&Change::Update { old: pool, new: &next }, &Nothing).map(|()| next)
    };
    let refusal = match attempt(pool, &changes) {
        Ok(next) => return (next, Vec::new(), None),
        Err(refusal) => refusal,
    };
    // One by one, and again as long as one more becomes possible: a range moves by its far end first.
    let (mut next, mut left) = (pool.clone(), changes);
    let mut refusal = refusal;
    loop {
        let before = left.len();
        left.retain(|change| match attempt(&next, std::slice::from_ref(change)) {
            Ok(changed) => {
                next = changed;
                false
            }
            Err(_) => true,
        });
        if left.len() == before || left.is_empty() {
            break;
        }
    }
    if let Err(of_the_rest) = attempt(&next, &left) {
        refusal = of_the_rest;
    }
    (next, left, Some(refusal))
}

/// The pool with changed fields and, where one has become empty, its default.
fn with(pool: &IPPool, changes: &[FieldChange]) -> IPPool {
    let mut spec = spec_of(pool);
    for (field, value) in changes {
        let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
        let parent = if parent.is_empty() {
            Some(&mut spec)
        } else {
            spec.pointer_mut(&format!("/{}", parent.replace('.', "/")))
        };
        let Some(Value::Object(fields)) = parent else { continue };
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
            None => drop(fields.remove(name)),
        }
    }
    let mut next = pool.clone();
    // What was read from a spec and changed by fields of another reads as one.
    if let Ok(spec) = serde_json::from_value(spec) {
        next.spec = spec;
    }
    defaults::apply(&mut next.spec);
    next
}

/// A merge patch from one pool to the other, of spec, labels and annotations; none if they are alike.
pub(super) fn difference(before: &IPPool, after: &IPPool) -> Option<Value> {
    let mut patch = Map::new();
    let mut metadata = Map::new();
    for (name, before, after) in [
        ("labels", json!(before.labels()), json!(after.labels())),
        ("annotations", json!(before.annotations()), json!(after.annotations())),
    ] {
        metadata.extend(merge_patch(&before, &after).map(|patch| (name.to_owned(), patch)));
    }
    if !metadata.is_empty() {
        patch.insert("metadata".to_owned(), Value::Object(metadata));
    }
    patch.extend(merge_patch(&spec_of(before), &spec_of(after)).map(|spec| ("spec".to_owned(), spec)));
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// RFC 7386, the other way round.
fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (before, after) if before == after => None,
        (Value::Object(before), Value::Object(after)) => {
            let mut patch = Map::new();
            for (name, value) in after {
                let change = match before.get(name) {
                    None => Some(value.clone()),
                    Some(before) => merge_patch(before, value),
                };
                patch.extend(change.map(|change| (name.clone(), change)));
            }
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            patch.extend(gone.map(|name| (name.clone(), Value::Null)));
            Some(Value::Object(patch))
        }
        (_, after) => Some(after.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_leads_from_one_object_to_the_other_and_names_nothing_else() {
        for (before, after, patch) in [
            (
                json!({ "a": 1, "b": { "c": [1], "d": 2 } }),
                json!({ "a": 1, "b": { "c": [2], "d": 2 } }),
                json!({ "b": { "c": [2] } }),
            ),
            (json!({ "a": { "b": 1 } }), json!({ "a": {} }), json!({ "a": { "b": null } })),
            (json!({}), json!({ "a": { "b": 1 } }), json!({ "a": { "b": 1 } })),
        ] {
            assert_eq!(merge_patch(&before, &after).unwrap(), patch);
            let mut patched = before;
            json_patch::merge(&mut patched, &patch);
            assert_eq!(patched, after);
            assert_eq!(merge_patch(&patched, &after), None);
        }
    }
}
