//! How long the lists and texts of an object may be: the bounds in the schema of its CRD, in the apiserver's words.
//!
//! What did not change is not judged. The types of fields are the kind's own matter ([`super::kinds`]), and rules are
//! that of [`super::admission`].

use serde_json::Value;

use super::{
    kinds::Kind,
    object::Object,
    refusal::{Cause, Refusal},
};

/// Checks an object as it would be stored over `old`.
pub(super) fn check(kind: &Kind, object: &Object, old: Option<&Object>) -> Result<(), Refusal> {
    let Some(schema) = kind.schema() else { return Ok(()) };
    let mut causes = Vec::new();
    collect(schema, "", object.value(), old.map(Object::value), &mut causes);
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(kind, object.name(), causes)) }
}

fn collect(schema: &Value, field: &str, value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    // Where the schema says nothing, as of the many entries of a pool's status, nothing is looked at.
    if schema.is_null() || old == Some(value) {
        return;
    }
    let most = |bound: &str| schema[bound].as_u64().and_then(|most| usize::try_from(most).ok());
    match value {
        Value::String(text) => {
            if let Some(most) = most("maxLength").filter(|most| text.chars().count() > *most) {
                let message = format!("Too long: may not be more than {most} bytes");
                causes.push(Cause { reason: "FieldValueTooLong", field: field.to_owned(), message });
            }
        }
        Value::Array(items) => {
            if let Some(most) = most("maxItems").filter(|most| items.len() > *most) {
                let message = format!("Too many: {}: must have at most {most} items", items.len());
                causes.push(Cause { reason: "FieldValueTooMany", field: field.to_owned(), message });
            }
            for (at, item) in items.iter().enumerate() {
                // Items have no identity, so none of them is the same as before.
                collect(&schema["items"], &format!("{field}[{at}]"), item, None, causes);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let separator = if field.is_empty() { "" } else { "." };
                let old = old.and_then(|old| old.get(name));
                collect(
                    &schema["properties"][name],
                    &format!("{field}{separator}{name}"),
                    value,
                    old,
                    causes,
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn causes(value: &Value, old: Option<&Value>) -> Vec<String> {
        let texts = json!({ "maxItems": 2, "items": { "maxLength": 3 } });
        let schema = json!({ "properties": { "spec": { "properties": { "texts": texts } } } });
        let mut causes = Vec::new();
        collect(&schema, "", value, old, &mut causes);
        causes.into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn lists_and_texts_have_their_bounds() {
        let of = |texts: &[&str]| json!({ "spec": { "texts": texts, "other": "as long as it likes" } });
        assert!(causes(&of(&["ääé", ""]), None).is_empty());
        let long = of(&["a", "b", "long"]);
        let complaints = [
            "spec.texts: Too many: 3: must have at most 2 items",
            "spec.texts[2]: Too long: may not be more than 3 bytes",
        ];
        assert_eq!(causes(&long, None), complaints);
        assert!(causes(&long, Some(&long)).is_empty(), "it did not change");
        assert_eq!(causes(&of(&["b", "a", "long"]), Some(&long)), complaints);
    }
}
