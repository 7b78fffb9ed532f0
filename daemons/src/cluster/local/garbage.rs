//! Owners and dependents: what the garbage collector of a real cluster does some time later is done here at once, in
//! the transaction of the write that gave rise to it.
//!
//! An object goes when it has owners and none of them exists any more; an owner that is deleted in the foreground
//! waits for the dependents that block it. An owner of a kind that is not served counts as existing, because nobody
//! here can tell. Left out: breaking rings of more than two objects that block each other.

use std::collections::VecDeque;

use super::{
    delete::{self, DeleteOptions, Propagation},
    object::{FOREGROUND_DELETION, Object, Owner},
    refusal::Refusal,
    transaction::{Key, Transaction},
};

/// Something whose consequences for other objects are still to be drawn.
#[derive(Debug)]
pub(super) enum Task {
    /// This object has been removed.
    Removed(Object),
    /// The object of that UID waits for its dependents.
    Waiting(String),
    /// This object's owners may not exist.
    Owned(Key),
}

/// How an owner stands to its dependent.
enum Standing {
    Exists,
    /// Exists, and waits for its dependents to go.
    Waits,
    Absent,
}

/// Draws the consequences of a write of an object itself.
pub(super) fn after_write(
    tx: &Transaction<'_>,
    key: &Key,
    old: Option<&Object>,
    new: &Object,
) -> Result<(), Refusal> {
    let before = old.map(Object::owners).unwrap_or_default();
    let owners = new.owners();
    if owners == before {
        return Ok(());
    }
    let mut tasks: Vec<_> = before.into_iter().map(|owner| Task::Waiting(owner.uid)).collect();
    if !owners.is_empty() {
        tasks.push(Task::Owned(key.clone()));
    }
    settle(tx, tasks)
}

/// Draws the consequences of a removal.
pub(super) fn after_removal(tx: &Transaction<'_>, removed: Object) -> Result<(), Refusal> {
    settle(tx, vec![Task::Removed(removed)])
}

/// Draws all consequences, and the consequences of those.
pub(super) fn settle(tx: &Transaction<'_>, tasks: Vec<Task>) -> Result<(), Refusal> {
    if tx.is_dry_run() {
        return Ok(());
    }
    let mut tasks = VecDeque::from(tasks);
    while let Some(task) = tasks.pop_front() {
        match task {
            Task::Removed(object) => {
                tasks.extend(tx.dependents(object.uid())?.into_iter().map(Task::Owned));
                tasks.extend(object.owners().into_iter().map(|owner| Task::Waiting(owner.uid)));
            }
            Task::Waiting(uid) => wait_or_finish(tx, &uid, &mut tasks)?,
            Task::Owned(key) => keep_or_delete(tx, &key, &mut tasks)?,
        }
    }
    Ok(())
}

/// Deletes the dependents of an owner that is deleted in the foreground, or the owner if none blocks it any more.
fn wait_or_finish(tx: &Transaction<'_>, uid: &str, tasks: &mut VecDeque<Task>) -> Result<(), Refusal> {
    let Some((key, old)) = tx.by_uid(uid)? else { return Ok(()) };
    if !waits(&old) {
        return Ok(());
    }
    let mut blocked = false;
    for dependent_key in tx.dependents(uid)? {
        let Some(dependent) = tx.get(&dependent_key)? else { continue };
        // Two that wait for each other would wait for ever.
        let mutual = waits(&dependent) && old.owners().iter().any(|owner| owner.uid == dependent.uid());
        let blocks = dependent.owners().iter().any(|owner| owner.uid == uid && owner.block_owner_deletion);
        blocked |= blocks && !mutual;
        if !dependent.is_terminating() {
            tasks.push_back(Task::Owned(dependent_key));
        }
    }
    if blocked {
        return Ok(());
    }
    let mut object = old.clone();
    let others = old.finalizers().into_iter().filter(|f| *f != FOREGROUND_DELETION).map(str::to_owned);
    object.set_finalizers(others.collect());
    if object.finalizers().is_empty() {
        tx.erase(&key, &mut object)?;
        tasks.push_back(Task::Removed(object));
    } else {
        tx.replace(&key, &old, &mut object)?;
    }
    Ok(())
}

/// Deletes an object that has no owner left; otherwise makes it forget the owners that are gone.
fn keep_or_delete(tx: &Transaction<'_>, key: &Key, tasks: &mut VecDeque<Task>) -> Result<(), Refusal> {
    let Some(object) = tx.get(key)? else { return Ok(()) };
    let (mut exists, mut waiting, mut absent) = (false, false, Vec::new());
    for owner in object.owners() {
        match standing(tx, key, &owner)? {
            Standing::Exists => exists = true,
            Standing::Waits => waiting = true,
            Standing::Absent => absent.push(owner.uid),
        }
    }
    if exists {
        if !absent.is_empty() {
            let mut kept = object.clone();
            kept.drop_owners(|uid| absent.iter().any(|gone| gone == uid));
            tx.replace(key, &object, &mut kept)?;
        }
        return Ok(());
    }
    let unowned = waiting || !absent.is_empty();
    if object.is_terminating() || !unowned {
        return Ok(());
    }
    let in_foreground = waiting && !tx.dependents(object.uid())?.is_empty();
    let options = DeleteOptions::with(in_foreground.then_some(Propagation::Foreground));
    match delete::begin(tx, key, &options) {
        Ok((_, follow_up)) => tasks.extend(follow_up),
        // Rules may keep a dependent; on a cluster the collector would ask again for ever.
        Err(refusal) if refusal.code().is_client_error() => {
            tracing::debug!(name = key.name, "the rules keep an object without owners");
        }
        Err(refusal) => return Err(refusal),
    }
    Ok(())
}

fn standing(tx: &Transaction<'_>, dependent: &Key, owner: &Owner) -> Result<Standing, Refusal> {
    if tx.kinds().by_kind(owner.group(), &owner.kind).is_none() {
        return Ok(Standing::Exists);
    }
    Ok(match tx.by_uid(&owner.uid)? {
        Some((key, _)) if !key.namespace.is_empty() && key.namespace != dependent.namespace => {
            Standing::Absent
        }
        Some((_, object)) if waits(&object) => Standing::Waits,
        Some(_) => Standing::Exists,
        None => Standing::Absent,
    })
}

fn waits(object: &Object) -> bool {
    object.is_terminating() && object.has_finalizer(FOREGROUND_DELETION)
}

/// Makes all dependents forget their owner.
pub(super) fn orphan_dependents(tx: &Transaction<'_>, owner: &Object) -> Result<(), Refusal> {
    for key in tx.dependents(owner.uid())? {
        if let Some(object) = tx.get(&key)? {
            let mut kept = object.clone();
            kept.drop_owners(|uid| uid == owner.uid());
            tx.replace(&key, &object, &mut kept)?;
        }
    }
    Ok(())
}
