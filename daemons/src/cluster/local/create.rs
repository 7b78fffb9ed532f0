//! POST: a new object.

use uuid::Uuid;
use vmdhcp_core::api::format_time;

use super::{
    admission::{Operation, Review},
    bounds, garbage,
    object::Object,
    refusal::{Cause, Refusal},
    transaction::{Key, Transaction},
    validation,
};

/// Characters of generated names: no vowels, so that no words come about (as the apiserver does).
const SUFFIX_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
/// Longest `generateName` that is kept whole.
const LONGEST_PREFIX: usize = 63 - SUFFIX_LENGTH;
/// Generated names that are tried before giving up.
const NAME_ATTEMPTS: usize = 8;

/// Creates `object` in the namespace of `key`; the object's name counts, not the key's.
pub(super) fn create(tx: &Transaction<'_>, key: &Key, mut object: Object) -> Result<Object, Refusal> {
    let kind = &key.kind;
    if !object.resource_version().is_empty() {
        return Err(Refusal::bad_request("resourceVersion should not be set on objects to be created"));
    }
    set_namespace(key, &mut object)?;
    if kind.is_namespaced() {
        validation::check_namespace(kind, &object, &key.namespace)?;
    }
    let key = name(tx, key, &mut object)?;
    for field in
        ["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink"]
    {
        object.unset(field);
    }
    object.set("uid", tx.new_uid().to_string());
    object.set("creationTimestamp", format_time(tx.now()));
    if kind.has_generation() {
        object.set("generation", 1);
    }
    if kind.has_status() {
        object.drop_status();
    }
    bounds::check(kind, &object, None)?;
    admit(tx, &key, Operation::Create, None, Some(&mut object))?;
    validation::check(kind, &object, None)?;
    if tx.get(&key)?.is_some() {
        return Err(Refusal::already_exists(kind, &key.name));
    }
    tx.insert(&key, &mut object)?;
    garbage::after_write(tx, &key, None, &object)?;
    Ok(object)
}

/// Fills in the namespace of the path, and refuses another one.
pub(super) fn set_namespace(key: &Key, object: &mut Object) -> Result<(), Refusal> {
    match object.text("namespace") {
        "" if key.kind.is_namespaced() => object.set("namespace", key.namespace.as_str()),
        found if found == key.namespace => {}
        _ => {
            return Err(Refusal::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
    }
    Ok(())
}

fn name(tx: &Transaction<'_>, key: &Key, object: &mut Object) -> Result<Key, Refusal> {
    let named = |name: &str| Key { name: name.to_owned(), ..key.clone() };
    if !object.name().is_empty() {
        return Ok(named(object.name()));
    }
    let mut prefix = object.text("generateName").to_owned();
    if prefix.is_empty() {
        let cause = Cause::required("metadata.name", "name or generateName is required");
        return Err(Refusal::invalid(&key.kind, "", vec![cause]));
    }
    // A prefix that is not ASCII is no name either way; validation says so.
    if let Some((end, _)) = prefix.char_indices().nth(LONGEST_PREFIX) {
        prefix.truncate(end);
    }
    let mut generated = named(&prefix);
    for _ in 0..NAME_ATTEMPTS {
        generated.name = format!("{prefix}{}", suffix(tx.new_uid()));
        if tx.get(&generated)?.is_none() {
            break;
        }
    }
    object.set("name", generated.name.as_str());
    Ok(generated)
}

fn suffix(random: Uuid) -> String {
    let letter = |byte: &u8| char::from(SUFFIX_ALPHABET[usize::from(*byte) % SUFFIX_ALPHABET.len()]);
    random.as_bytes().iter().take(SUFFIX_LENGTH).map(letter).collect()
}

/// Puts a write before the kind's rules.
pub(super) fn admit(
    tx: &Transaction<'_>,
    key: &Key,
    operation: Operation,
    old: Option<&Object>,
    new: Option<&mut Object>,
) -> Result<(), Refusal> {
    let Some(rules) = key.kind.admission() else { return Ok(()) };
    let mut value = new.as_deref().map(|object| object.value().clone());
    let review = Review { operation, old: old.map(Object::value), new: value.as_mut(), stored: tx };
    let verdict = rules(review);
    tx.ensure_rules_saw_everything()?;
    verdict.map_err(|denied| Refusal::denied(&key.kind, &key.name, denied))?;
    if let (Some(new), Some(value)) = (new, value) {
        *new = Object::new(value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_has_five_letters_of_the_alphabet() {
        let suffix = suffix(Uuid::new_v4());
        assert_eq!(suffix.len(), SUFFIX_LENGTH);
        assert!(suffix.bytes().all(|letter| SUFFIX_ALPHABET.contains(&letter)), "{suffix}");
    }
}
