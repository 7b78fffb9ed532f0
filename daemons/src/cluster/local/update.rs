//! PUT and PATCH: the next state of an object.

use super::{
    admission::Operation,
    bounds,
    create::{admit, set_namespace},
    garbage,
    object::Object,
    refusal::{Cause, Refusal},
    request::Part,
    transaction::{Key, Transaction},
    validation,
};

/// Metadata that only the API itself sets.
const SYSTEM_FIELDS: [&str; 5] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

/// PUT: the object, or its status, as the client has it. It must say on which version it was decided.
pub(super) fn replace(
    tx: &Transaction<'_>,
    key: &Key,
    part: Part,
    object: Object,
) -> Result<Object, Refusal> {
    if object.name() != key.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            object.name(),
            key.name
        )));
    }
    update(tx, key, part, |_| Ok(object))
}

/// Stores what `change` makes of the stored object, if the object still is what `change` was decided on.
///
/// An object that comes out as it was is not written again: its version stays and no watch tells of it.
pub(super) fn update(
    tx: &Transaction<'_>,
    key: &Key,
    part: Part,
    change: impl FnOnce(&Object) -> Result<Object, Refusal>,
) -> Result<Object, Refusal> {
    let kind = &key.kind;
    let old = tx.get(key)?.ok_or_else(|| Refusal::not_found(kind, &key.name))?;
    let mut new = change(&old)?;
    set_namespace(key, &mut new)?;
    if new.name() != key.name {
        let cause = Cause::invalid("metadata.name", new.name(), "field is immutable");
        return Err(Refusal::invalid(kind, &key.name, vec![cause]));
    }
    if !new.uid().is_empty() && new.uid() != old.uid() {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            new.uid(),
            old.uid()
        );
        return Err(Refusal::conflict(kind, &key.name, &why));
    }
    if new.resource_version().is_empty() {
        let cause = Cause::invalid("metadata.resourceVersion", "", "must be specified for an update");
        return Err(Refusal::invalid(kind, &key.name, vec![cause]));
    }
    if new.resource_version() != old.resource_version() {
        return Err(Refusal::stale(kind, &key.name));
    }
    let mut new = match part {
        Part::Main => {
            for field in SYSTEM_FIELDS {
                new.copy(field, &old);
            }
            new.unset("managedFields");
            new.unset("selfLink");
            if kind.has_status() {
                new.copy_status(&old);
            }
            new
        }
        Part::Status => {
            let mut whole = old.clone();
            whole.copy_status(&new);
            whole
        }
    };
    bounds::check(kind, &new, Some(&old))?;
    if part == Part::Main && new != old {
        admit(tx, key, Operation::Update, Some(&old), Some(&mut new))?;
    }
    if new == old {
        return Ok(new);
    }
    if kind.has_generation() && new.differs_in_spec(&old, kind.has_status()) {
        new.set("generation", old.generation() + 1);
    }
    validation::check(kind, &new, Some(&old))?;
    if new.is_terminating() && new.finalizers().is_empty() {
        tx.erase(key, &mut new)?;
        garbage::after_removal(tx, new.clone())?;
    } else {
        tx.replace(key, &old, &mut new)?;
        garbage::after_write(tx, key, Some(&old), &new)?;
    }
    Ok(new)
}
