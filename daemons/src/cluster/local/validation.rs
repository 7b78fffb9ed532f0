//! What every object has to fulfil, whatever its kind: the rules of `metadata`, and the types of its fields.
//!
//! The rules of what the fields mean are the kind's own ([`super::admission`]).

use super::{
    kinds::Kind,
    object::{FOREGROUND_DELETION, ORPHAN, Object},
    refusal::{Cause, Refusal},
};

/// Longest name of an object, in characters (RFC 1123, as Kubernetes applies it).
const LONGEST_NAME: usize = 253;
/// All annotations of one object together, in bytes.
const LARGEST_ANNOTATIONS: usize = 256 * 1024;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, with an optional DNS subdomain prefix and '/'";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// Checks an object as it would be stored over `old`.
///
/// A structure that was wrong before in the same way is let through, so that an old object with a bad field can still
/// be labelled, finalized and deleted. (Only the first bad field is known, so a second one passes behind it.)
pub(super) fn check(kind: &Kind, object: &Object, old: Option<&Object>) -> Result<(), Refusal> {
    let mut causes = metadata(object);
    if let Some(old) = old.filter(|old| old.is_terminating()) {
        let before = old.finalizers();
        let new: Vec<_> = object.finalizers().into_iter().filter(|f| !before.contains(f)).collect();
        if !new.is_empty() {
            let message = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers {new:?}"
            );
            causes.push(Cause::forbidden("metadata.finalizers", &message));
        }
    }
    if let Err(cause) = kind.check_structure(object.value())
        && old.is_none_or(|old| kind.check_structure(old.value()) != Err(cause.clone()))
    {
        causes.push(cause);
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(kind, object.name(), causes)) }
}

/// Checks the namespace of a request's path.
pub(super) fn check_namespace(kind: &Kind, object: &Object, namespace: &str) -> Result<(), Refusal> {
    if is_dns_label(namespace) {
        return Ok(());
    }
    let message = "a lowercase RFC 1123 label must consist of at most 63 lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    Err(Refusal::invalid(kind, object.name(), vec![Cause::invalid("metadata.namespace", namespace, message)]))
}

fn metadata(object: &Object) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object.name();
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if !is_dns_subdomain(name) {
        causes.push(Cause::invalid("metadata.name", name, SUBDOMAIN));
    }
    for (key, value) in object.map("labels").into_iter().flatten() {
        if !is_qualified_name(key) {
            causes.push(Cause::invalid("metadata.labels", key, QUALIFIED));
        }
        let value = value.as_str().unwrap_or_default();
        if !(value.is_empty() || is_name_part(value)) {
            causes.push(Cause::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    let mut size = 0;
    for (key, value) in object.map("annotations").into_iter().flatten() {
        if !is_qualified_name(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", key, QUALIFIED));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > LARGEST_ANNOTATIONS {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            field: "metadata.annotations".to_owned(),
            message: format!("Too long: may not be more than {LARGEST_ANNOTATIONS} bytes"),
        });
    }
    let finalizers = object.finalizers();
    for finalizer in &finalizers {
        if !is_qualified_name(finalizer) {
            causes.push(Cause::invalid("metadata.finalizers", finalizer, QUALIFIED));
        }
    }
    if finalizers.contains(&ORPHAN) && finalizers.contains(&FOREGROUND_DELETION) {
        let message = format!("finalizer {ORPHAN} and {FOREGROUND_DELETION} cannot be both set");
        causes.push(Cause::invalid("metadata.finalizers", ORPHAN, &message));
    }
    for owner in object.owners() {
        if owner.uid.is_empty() || owner.kind.is_empty() || owner.api_version.is_empty() {
            let message = "uid, kind and apiVersion must not be empty";
            causes.push(Cause::invalid("metadata.ownerReferences", &owner.uid, message));
        }
    }
    causes
}

fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_delimited(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit(), |c| c == '-')
}

fn is_dns_subdomain(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= LONGEST_NAME && text.split('.').all(|part| is_delimited(part, lower, |c| c == '-'))
}

fn is_name_part(text: &str) -> bool {
    text.len() <= 63 && is_delimited(text, |c| c.is_ascii_alphanumeric(), |c| matches!(c, '-' | '_' | '.'))
}

fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name_part(name),
        None => is_name_part(text),
    }
}

/// Not empty, `inner` characters only between `outer` ones.
fn is_delimited(text: &str, outer: impl Fn(char) -> bool, inner: impl Fn(char) -> bool) -> bool {
    text.starts_with(&outer) && text.ends_with(&outer) && text.chars().all(|c| outer(c) || inner(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_subdomains() {
        for good in ["a", "a-b", "0.a", "pool-1.lab", &"a".repeat(253)] {
            assert!(is_dns_subdomain(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a..b", ".a", "a/b", "ü", &"a".repeat(254)] {
            assert!(!is_dns_subdomain(bad), "{bad}");
        }
    }

    #[test]
    fn keys_may_have_a_prefix() {
        for good in ["a", "A_b.c", "wrangler.cattle.io/vm-dhcp-ippool-controller"] {
            assert!(is_qualified_name(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a/b/c", "Upper.io/a", "-a", &"a".repeat(64)] {
            assert!(!is_qualified_name(bad), "{bad}");
        }
    }
}
