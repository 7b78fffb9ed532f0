//! What the schemas of both kinds need beyond what is derived.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::Value;

/// Optional fields are left out, never null.
///
/// An API server takes a null out of a field that cannot be null, so one that somebody writes is accepted all the same,
/// and rules need not ask for it.
pub(super) fn without_nulls(schema: &mut Schema) {
    transform_subschemas(&mut without_nulls, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let is_null = |schema: &Value| schema["type"] == "null";
    if let Some(Value::Array(alternatives)) = object.get("anyOf")
        && let [Value::Object(value), null] = alternatives.as_slice()
        && is_null(null)
    {
        let value = value.clone();
        object.remove("anyOf");
        for (key, field) in value {
            // The description of the field goes before that of its type.
            object.entry(key).or_insert(field);
        }
    }
}
