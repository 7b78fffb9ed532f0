//! Reading what somebody has written by hand: a field that the kind does not have is an error, with its path, because it
//! would otherwise be lost without a word.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a `K`, or says of each unknown field, or of the first value of a wrong type, where it is.
pub fn read_strictly<K: DeserializeOwned>(document: Value) -> Result<K, Vec<String>> {
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(field_path(&path));
    let reader = serde_ignored::Deserializer::new(document, &mut note);
    let read: K =
        serde_path_to_error::deserialize(reader).map_err(|e| match e.path().to_string().as_str() {
            "." => vec![in_words(e.inner())],
            path => vec![format!("{path}: {}", in_words(e.inner()))],
        })?;
    if unknown.is_empty() {
        return Ok(read);
    }
    Err(unknown.into_iter().map(|path| format!("{path}: there is no such field in this kind")).collect())
}

/// What serde says, without the names of Rust's types.
fn in_words(error: &serde_json::Error) -> String {
    error.to_string().replace("expected i64", "expected a whole number")
}

/// `spec.networkConfigs[0].mac` from the path of an ignored field.
fn field_path(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path::{Map, NewtypeStruct, NewtypeVariant, Root, Seq, Some as Present};
    match path {
        Root => String::new(),
        Seq { parent, index } => format!("{}[{index}]", field_path(parent)),
        Map { parent, key } => match field_path(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Present { parent } | NewtypeStruct { parent } | NewtypeVariant { parent } => field_path(parent),
    }
}
