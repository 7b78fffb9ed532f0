//! PATCH: the media types, and what each makes of an object.
//!
//! Server-side apply is create-or-merge here: what the body says is set, lists as wholes, and nobody owns a field. So
//! there are no apply conflicts, and what a manager no longer says stays. Nothing may lean on either.

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{
    create::create,
    object::Object,
    refusal::{Cause, Refusal},
    request::{Part, Query},
    transaction::{Key, Transaction},
    update::update,
};

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Most operations in one JSON patch (the apiserver's bound).
const MOST_OPERATIONS: usize = 10_000;

/// A change as a client describes it.
#[derive(Debug)]
pub(super) enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(json_patch::Patch),
    /// Server-side apply.
    Apply(Object),
}

impl Patch {
    pub(super) fn parse(key: &Key, headers: &HeaderMap, query: &Query, body: &[u8]) -> Result<Self, Refusal> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let undecodable = |error| Refusal::bad_request(format!("error decoding patch: {error}"));
        if media_type != APPLY && query.flag("force")?.is_some() {
            let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
            return Err(Refusal::invalid_options("PatchOptions", cause));
        }
        match media_type {
            MERGE => {
                let patch: Value = serde_json::from_slice(body).map_err(undecodable)?;
                if !patch.is_object() {
                    return Err(Refusal::bad_request("error decoding patch: it is not a JSON object"));
                }
                Ok(Self::Merge(patch))
            }
            JSON => {
                let patch: json_patch::Patch = serde_json::from_slice(body).map_err(undecodable)?;
                if patch.len() > MOST_OPERATIONS {
                    return Err(Refusal::too_large(MOST_OPERATIONS));
                }
                Ok(Self::Json(patch))
            }
            APPLY => Self::parse_apply(key, query, body),
            _ => Err(Refusal::unsupported_media_type(&[JSON, MERGE, APPLY])),
        }
    }

    fn parse_apply(key: &Key, query: &Query, body: &[u8]) -> Result<Self, Refusal> {
        if query.get("fieldManager").is_none() {
            let cause = Cause::required("fieldManager", "is required for apply patch");
            return Err(Refusal::invalid_options("PatchOptions", cause));
        }
        let object = Object::parse(body, &key.kind)?;
        if object.value()["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        if !object.name().is_empty() && object.name() != key.name {
            return Err(Refusal::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                object.name(),
                key.name
            )));
        }
        Ok(Self::Apply(object))
    }
}

/// Patches the object, or creates it by apply; the code says which.
pub(super) fn patch(
    tx: &Transaction<'_>,
    key: &Key,
    part: Part,
    patch: Patch,
) -> Result<(StatusCode, Object), Refusal> {
    if let Patch::Apply(object) = &patch
        && part == Part::Main
        && tx.get(key)?.is_none()
    {
        let mut object = object.clone();
        if !object.uid().is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {}, and no existing object was found",
                object.uid()
            );
            return Err(Refusal::conflict(&key.kind, &key.name, &why));
        }
        object.set("name", key.name.as_str());
        return Ok((StatusCode::CREATED, create(tx, key, object)?));
    }
    let updated = update(tx, key, part, |old| apply(old, patch))?;
    Ok((StatusCode::OK, updated))
}

fn apply(old: &Object, patch: Patch) -> Result<Object, Refusal> {
    let mut value = old.value().clone();
    match patch {
        Patch::Merge(patch) => json_patch::merge(&mut value, &patch),
        Patch::Apply(object) => json_patch::merge(&mut value, &object.into_value()),
        Patch::Json(patch) => json_patch::patch_unsafe(&mut value, &patch)
            .map_err(|error| Refusal::patch_does_not_apply(&error.to_string()))?,
    }
    for field in ["kind", "apiVersion"] {
        if value[field] != old.value()[field] {
            return Err(Refusal::bad_request(format!("a patch cannot change {field}")));
        }
    }
    Object::new(value)
}
