//! The JSON merge patch (RFC 7386) that brings a stored object to what is wanted, and nothing else.
//!
//! A spec is never replaced: a newer version may have stored fields in it that this one does not know, and they
//! survive every change made here.

use serde_json::{Map, Value};

/// The patch from `stored` to `wanted`, or none where there is nothing to change.
///
/// `known` is `stored` as this version reads it: what is in `stored` alone is not ours to touch. What is in `known` and
/// not in `wanted` is deleted. A list is one value to a merge patch; items that stay are taken from `stored`, whole.
pub(crate) fn merge_patch(stored: &Value, known: &Value, wanted: &Value) -> Option<Value> {
    let (Value::Object(known), Value::Object(wanted)) = (known, wanted) else {
        return (known != wanted).then(|| keep_items(stored, known, wanted));
    };
    let mut patch = Map::new();
    for (name, value) in wanted {
        let change = match (stored.get(name), known.get(name)) {
            (Some(stored), Some(known)) => merge_patch(stored, known, value),
            (None, Some(known)) if known == value => None,
            _ => Some(value.clone()),
        };
        patch.extend(change.map(|change| (name.clone(), change)));
    }
    for name in known.keys().filter(|name| !wanted.contains_key(*name)) {
        // A default that reading adds is nothing that could be deleted.
        if stored.get(name).is_some() {
            patch.insert(name.clone(), Value::Null);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

fn keep_items(stored: &Value, known: &Value, wanted: &Value) -> Value {
    let (Value::Array(stored), Value::Array(known), Value::Array(items)) = (stored, known, wanted) else {
        return wanted.clone();
    };
    let keep = |item: &Value| {
        let same = known.iter().position(|old| old == item).and_then(|at| stored.get(at));
        same.unwrap_or(item).clone()
    };
    Value::Array(items.iter().map(keep).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_equal_needs_no_patch() {
        let stored = json!({"a": 1, "future": true, "list": [{"b": 1, "future": 2}]});
        let known = json!({"a": 1, "list": [{"b": 1}]});
        assert_eq!(merge_patch(&stored, &known, &known), None);
    }

    #[test]
    fn a_field_that_vanishes_is_deleted_and_an_unknown_one_is_not() {
        let stored = json!({"in": {"a": 1, "b": 2, "future": 3}});
        let known = json!({"in": {"a": 1, "b": 2}});
        assert_eq!(merge_patch(&stored, &known, &json!({"in": {"a": 1}})), Some(json!({"in": {"b": null}})));
        assert_eq!(
            merge_patch(&stored, &known, &json!({"in": {"a": 5, "b": 2}})),
            Some(json!({"in": {"a": 5}}))
        );
    }

    #[test]
    fn items_that_stay_in_a_list_keep_what_is_unknown_of_them() {
        let stored = json!([{"mac": 1, "future": "x"}, {"mac": 2}]);
        let known = json!([{"mac": 1}, {"mac": 2}]);
        let wanted = json!([{"mac": 3}, {"mac": 1}]);
        assert_eq!(
            merge_patch(&stored, &known, &wanted),
            Some(json!([{"mac": 3}, {"mac": 1, "future": "x"}]))
        );
    }

    #[test]
    fn a_default_that_only_reading_adds_is_not_deleted() {
        assert_eq!(merge_patch(&json!({}), &json!({"pool": {}}), &json!({})), None);
        assert_eq!(merge_patch(&json!({}), &json!({"pool": {}}), &json!({"pool": {}})), None);
    }
}
