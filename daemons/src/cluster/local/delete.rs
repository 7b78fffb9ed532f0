//! DELETE: of one object, or of all that a selection matches.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions as Body;
use vmdhcp_core::api::format_time;

use super::{
    admission::Operation,
    create::admit,
    garbage::{self, Task},
    kinds::Kind,
    object::{FOREGROUND_DELETION, ORPHAN, Object},
    refusal::{Cause, Refusal},
    request::{Query, unknown_stage},
    selector::Selection,
    transaction::{Key, Transaction},
};

/// What becomes of an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Propagation {
    /// They are deleted once it is gone.
    Background,
    /// They are deleted first, and those that block it are waited for.
    Foreground,
    /// They stay, and forget it.
    Orphan,
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub(super) struct DeleteOptions {
    pub(super) dry_run: bool,
    uid: Option<String>,
    resource_version: Option<String>,
    propagation: Option<Propagation>,
}

impl DeleteOptions {
    pub(super) fn parse(query: &Query, body: &[u8]) -> Result<Self, Refusal> {
        let body: Body = if body.is_empty() {
            Body::default()
        } else {
            serde_json::from_slice(body)
                .map_err(|error| Refusal::bad_request(format!("DeleteOptions cannot be read: {error}")))?
        };
        let stages = body.dry_run.unwrap_or_default();
        if let Some(other) = stages.iter().find(|stage| *stage != "All") {
            return Err(unknown_stage("DeleteOptions", other));
        }
        let preconditions = body.preconditions.unwrap_or_default();
        let propagation = body.propagation_policy.as_deref().or_else(|| query.get("propagationPolicy"));
        let propagation = match propagation {
            None => body.orphan_dependents.filter(|orphan| *orphan).map(|_| Propagation::Orphan),
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan"];
                let cause = Cause::not_supported("propagationPolicy", other, &supported);
                return Err(Refusal::invalid_options("DeleteOptions", cause));
            }
        };
        Ok(Self {
            dry_run: query.dry_run("DeleteOptions")? || !stages.is_empty(),
            uid: preconditions.uid,
            resource_version: preconditions.resource_version,
            propagation,
        })
    }

    pub(super) fn with(propagation: Option<Propagation>) -> Self {
        Self { propagation, ..Self::default() }
    }
}

/// What a deletion came to.
#[derive(Debug)]
pub(super) enum Deletion {
    /// The object is gone.
    Gone(Object),
    /// It waits for its finalizers.
    Waiting(Object),
}

/// Deletes an object and settles what follows for others.
pub(super) fn delete(tx: &Transaction<'_>, key: &Key, options: &DeleteOptions) -> Result<Deletion, Refusal> {
    let (deletion, follow_up) = begin(tx, key, options)?;
    garbage::settle(tx, follow_up)?;
    // Its dependents may have been all that it waited for.
    match deletion {
        Deletion::Waiting(object) if !tx.is_dry_run() => match tx.get(key)? {
            Some(object) => Ok(Deletion::Waiting(object)),
            None => Ok(Deletion::Gone(object)),
        },
        deletion => Ok(deletion),
    }
}

/// Deletes all that match, or none of them; says what they were, and the revision that this led to.
pub(super) fn delete_all(
    tx: &Transaction<'_>,
    kind: &Arc<Kind>,
    namespace: Option<&str>,
    selection: &Selection,
    options: &DeleteOptions,
) -> Result<(i64, Vec<Object>), Refusal> {
    let mut deleted = Vec::new();
    for key in tx.matching(kind, namespace, selection)? {
        // An earlier one's deletion may have taken this one along.
        if tx.get(&key)?.is_some() {
            match delete(tx, &key, options)? {
                Deletion::Gone(object) | Deletion::Waiting(object) => deleted.push(object),
            }
        }
    }
    Ok((tx.revision()?, deleted))
}

/// Deletes an object, and leaves it to the caller to settle what follows.
pub(super) fn begin(
    tx: &Transaction<'_>,
    key: &Key,
    options: &DeleteOptions,
) -> Result<(Deletion, Vec<Task>), Refusal> {
    let old = tx.get(key)?.ok_or_else(|| Refusal::not_found(&key.kind, &key.name))?;
    check_preconditions(key, &old, options)?;
    admit(tx, key, Operation::Delete, Some(&old), None)?;
    let propagation = options.propagation.unwrap_or_else(|| {
        if old.has_finalizer(ORPHAN) {
            Propagation::Orphan
        } else if old.has_finalizer(FOREGROUND_DELETION) {
            Propagation::Foreground
        } else {
            Propagation::Background
        }
    });
    let mut object = old.clone();
    let mut finalizers: Vec<_> = old.finalizers().into_iter().map(str::to_owned).collect();
    // Orphaning is done at once, so its finalizer need not be stored.
    finalizers.retain(|f| f != ORPHAN && f != FOREGROUND_DELETION);
    if propagation == Propagation::Orphan {
        garbage::orphan_dependents(tx, &old)?;
    }
    if propagation == Propagation::Foreground {
        finalizers.push(FOREGROUND_DELETION.to_owned());
    }
    if finalizers.is_empty() {
        tx.erase(key, &mut object)?;
        return Ok((Deletion::Gone(object.clone()), vec![Task::Removed(object)]));
    }
    object.set_finalizers(finalizers);
    if !old.is_terminating() {
        object.set("deletionTimestamp", format_time(tx.now()));
        object.set("deletionGracePeriodSeconds", 0);
        if old.generation() > 0 {
            object.set("generation", old.generation() + 1);
        }
    }
    if object != old {
        tx.replace(key, &old, &mut object)?;
    }
    let waits = propagation == Propagation::Foreground;
    let follow_up = waits.then(|| Task::Waiting(object.uid().to_owned())).into_iter().collect();
    Ok((Deletion::Waiting(object), follow_up))
}

fn check_preconditions(key: &Key, object: &Object, options: &DeleteOptions) -> Result<(), Refusal> {
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != object.uid()) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
             deleted and then recreated",
            object.uid()
        );
        return Err(Refusal::conflict(&key.kind, &key.name, &why));
    }
    let current = object.resource_version();
    if let Some(version) = options.resource_version.as_deref().filter(|version| *version != current) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record \
             ({current}). The object might have been modified"
        );
        return Err(Refusal::conflict(&key.kind, &key.name, &why));
    }
    Ok(())
}
