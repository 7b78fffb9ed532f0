//! An object as the API handles it: JSON, of which only the metadata has a known form.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{kinds::Kind, refusal::Refusal};

/// Finalizer of an owner that waits for its dependents to go first.
pub(super) const FOREGROUND_DELETION: &str = "foregroundDeletion";
/// Finalizer of an owner whose dependents are to stay.
pub(super) const ORPHAN: &str = "orphan";

/// A JSON object with a `metadata` that reads as `ObjectMeta`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object(Value);

/// An entry of `metadata.ownerReferences`, as far as the garbage collector needs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    pub(super) uid: String,
    #[serde(default)]
    pub(super) api_version: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) block_owner_deletion: bool,
}

impl Owner {
    pub(super) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl Object {
    /// Reads the body of a request about `kind`: 400 for what is no object, or one of another kind.
    pub(super) fn parse(body: &[u8], kind: &Kind) -> Result<Self, Refusal> {
        let value = serde_json::from_slice(body).map_err(|error| {
            Refusal::bad_request(format!(
                "{} in version {:?} cannot be handled as a {}: {error}",
                kind.kind(),
                kind.version(),
                kind.kind()
            ))
        })?;
        let mut object = Self::new(value)?;
        object.ensure_kind(kind)?;
        Ok(object)
    }

    /// Takes a value that has the form of an object.
    pub(super) fn new(mut value: Value) -> Result<Self, Refusal> {
        let Value::Object(fields) = &mut value else {
            return Err(Refusal::bad_request("the object provided is unrecognized: it is not a JSON object"));
        };
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        if metadata.is_null() {
            *metadata = json!({});
        }
        serde_path_to_error::deserialize::<_, ObjectMeta>(&*metadata).map_err(|error| {
            let (path, inner) = (error.path().to_string(), error.inner());
            Refusal::bad_request(format!("the object provided is unrecognized: metadata.{path}: {inner}"))
        })?;
        if !metadata.is_object() {
            return Err(Refusal::bad_request(
                "the object provided is unrecognized: metadata is not an object",
            ));
        }
        Ok(Self(value))
    }

    /// Reads what the database holds.
    pub(super) fn stored(body: &str) -> Result<Self, Refusal> {
        let value = serde_json::from_str(body)
            .map_err(|error| Refusal::internal(format!("a stored object is damaged: {error}")))?;
        Self::new(value)
    }

    fn ensure_kind(&mut self, kind: &Kind) -> Result<(), Refusal> {
        for (field, expected) in [("apiVersion", kind.api_version()), ("kind", kind.kind().to_owned())] {
            let found = self.0.get(field).and_then(Value::as_str).unwrap_or_default();
            if found == expected {
                continue;
            }
            if found.is_empty() && !kind.is_custom() {
                self.0[field] = json!(expected);
                continue;
            }
            return Err(match field {
                _ if found.is_empty() => Refusal::bad_request(format!(
                    "the object provided is unrecognized (must be of type {}): Object '{field}' is missing",
                    kind.kind()
                )),
                "kind" if kind.is_custom() => Refusal::another_kind(kind, found, self.name()),
                _ => Refusal::bad_request(format!(
                    "the API version or kind in the data ({found}) does not match the expected one ({expected})"
                )),
            });
        }
        Ok(())
    }

    pub(super) fn value(&self) -> &Value {
        &self.0
    }

    pub(super) fn into_value(self) -> Value {
        self.0
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get("metadata")?.get(name)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.text("name")
    }

    pub(super) fn uid(&self) -> &str {
        self.text("uid")
    }

    pub(super) fn resource_version(&self) -> &str {
        self.text("resourceVersion")
    }

    pub(super) fn generation(&self) -> i64 {
        self.field("generation").and_then(Value::as_i64).unwrap_or_default()
    }

    pub(super) fn is_terminating(&self) -> bool {
        self.field("deletionTimestamp").is_some_and(|time| !time.is_null())
    }

    pub(super) fn finalizers(&self) -> Vec<&str> {
        let list = self.field("finalizers").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn has_finalizer(&self, finalizer: &str) -> bool {
        self.finalizers().contains(&finalizer)
    }

    pub(super) fn map(&self, name: &str) -> Option<&Map<String, Value>> {
        self.field(name).and_then(Value::as_object).filter(|map| !map.is_empty())
    }

    /// The labels as stored beside the object; `None` for none.
    pub(super) fn labels_text(&self) -> Option<String> {
        self.map("labels").and_then(|labels| serde_json::to_string(labels).ok())
    }

    pub(super) fn owners(&self) -> Vec<Owner> {
        self.field("ownerReferences").and_then(|list| Vec::deserialize(list).ok()).unwrap_or_default()
    }

    /// Sets a field of the metadata.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0["metadata"][name] = value.into();
    }

    /// Removes a field of the metadata.
    pub(super) fn unset(&mut self, name: &str) {
        if let Some(metadata) = self.0["metadata"].as_object_mut() {
            metadata.remove(name);
        }
    }

    /// Gives a field of the metadata the value, or the absence, that it has in `other`.
    pub(super) fn copy(&mut self, name: &str, other: &Self) {
        match other.field(name) {
            Some(value) => self.set(name, value.clone()),
            None => self.unset(name),
        }
    }

    pub(super) fn set_finalizers(&mut self, finalizers: Vec<String>) {
        if finalizers.is_empty() {
            self.unset("finalizers");
        } else {
            self.set("finalizers", finalizers);
        }
    }

    /// Drops the owner references for which `gone` is true.
    pub(super) fn drop_owners(&mut self, gone: impl Fn(&str) -> bool) {
        let Some(list) = self.0["metadata"]["ownerReferences"].as_array_mut() else { return };
        list.retain(|owner| !owner["uid"].as_str().is_some_and(&gone));
        if list.is_empty() {
            self.unset("ownerReferences");
        }
    }

    /// Gives the status the value, or the absence, that it has in `other`.
    pub(super) fn copy_status(&mut self, other: &Self) {
        match (other.0.get("status"), self.0.as_object_mut()) {
            (Some(status), _) => self.0["status"] = status.clone(),
            (None, Some(fields)) => drop(fields.remove("status")),
            (None, None) => {}
        }
    }

    pub(super) fn drop_status(&mut self) {
        if let Some(fields) = self.0.as_object_mut() {
            fields.remove("status");
        }
    }

    /// Whether anything but metadata (and status, where it is a subresource) differs.
    pub(super) fn differs_in_spec(&self, other: &Self, status_apart: bool) -> bool {
        let spec = |object: &Self| -> BTreeMap<String, Value> {
            let apart = |field: &str| field == "metadata" || (status_apart && field == "status");
            let fields = object.0.as_object().into_iter().flatten();
            fields.filter(|(field, _)| !apart(field)).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        spec(self) != spec(other)
    }
}

/// What a request for metadata alone is answered with.
pub(super) fn partial_metadata(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}
