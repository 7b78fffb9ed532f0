//! One write's view of the database: reading and writing objects, each write with its entry in the change log.
//!
//! Revisions are those of etcd: one counter for everything, and an object's `resourceVersion` is that of its last write.

use std::{cell::Cell, cell::RefCell, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Options,
    admission::Stored,
    kinds::{Kind, Kinds},
    list::{self, Found},
    object::Object,
    refusal::Refusal,
    selector::Selection,
};

/// Bytes of the largest object: 1.5 MiB are etcd's bound for a request, of which it needs some itself.
const LARGEST_OBJECT: usize = 3 * 512 * 1024 - 192;

/// Where an object is.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) kind: Arc<Kind>,
    /// Empty for objects that are in none.
    pub(super) namespace: String,
    pub(super) name: String,
}

/// A write in progress. With `dry_run` it decides everything and stores nothing.
pub(super) struct Transaction<'c> {
    sql: &'c Connection,
    kinds: &'c Kinds,
    options: &'c Options,
    now: Timestamp,
    dry_run: bool,
    written: RefCell<Vec<Written>>,
    unreadable: Cell<bool>,
}

/// What one stored change cost.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) resource: String,
    pub(super) revision: i64,
    pub(super) bytes: usize,
}

enum Change<'a> {
    Added,
    Modified { before: &'a Object },
    Deleted,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(sql: &'c Connection, kinds: &'c Kinds, options: &'c Options, dry_run: bool) -> Self {
        let now = (options.clock)();
        Self { sql, kinds, options, now, dry_run, written: RefCell::default(), unreadable: Cell::new(false) }
    }

    pub(super) fn kinds(&self) -> &Kinds {
        self.kinds
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn new_uid(&self) -> Uuid {
        (self.options.uids)()
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(super) fn into_written(self) -> Vec<Written> {
        self.written.into_inner()
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Object>, Refusal> {
        get(self.sql, key)?.as_deref().map(Object::stored).transpose()
    }

    /// The object of that UID, of whatever registered kind.
    pub(super) fn by_uid(&self, uid: &str) -> Result<Option<(Key, Object)>, Refusal> {
        let sql = "SELECT api_group, resource, namespace, name, body FROM objects WHERE uid = ?1";
        let found = self
            .sql
            .prepare_cached(sql)?
            .query_row([uid], |row| Ok((self.key(row)?, row.get::<_, String>(4)?)))
            .optional()?;
        let Some((Some(key), body)) = found else { return Ok(None) };
        Ok(Some((key, Object::stored(&body)?)))
    }

    pub(super) fn revision(&self) -> Result<i64, Refusal> {
        Ok(revisions(self.sql)?.0)
    }

    /// Where the objects are that a selection matches.
    pub(super) fn matching(
        &self,
        kind: &Arc<Kind>,
        namespace: Option<&str>,
        selection: &Selection,
    ) -> Result<Vec<Key>, Refusal> {
        let found = list::select(self.sql, kind, namespace, selection, None, None)?;
        let key = |Found { key: (namespace, name), .. }| Key { kind: Arc::clone(kind), namespace, name };
        Ok(found.into_iter().map(key).collect())
    }

    /// The objects that name `uid` among their owners.
    pub(super) fn dependents(&self, uid: &str) -> Result<Vec<Key>, Refusal> {
        let sql = "SELECT api_group, resource, namespace, name FROM objects
            WHERE id IN (SELECT object_id FROM owners WHERE owner_uid = ?1) ORDER BY id";
        let mut statement = self.sql.prepare_cached(sql)?;
        let keys = statement.query_map([uid], |row| self.key(row))?;
        Ok(keys.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn key(&self, row: &Row<'_>) -> rusqlite::Result<Option<Key>> {
        let (group, plural): (String, String) = (row.get(0)?, row.get(1)?);
        let Some(kind) = self.kinds.resource(&group, &plural) else { return Ok(None) };
        Ok(Some(Key { kind: Arc::clone(kind), namespace: row.get(2)?, name: row.get(3)? }))
    }

    /// Stores a new object, and gives it its version.
    pub(super) fn insert(&self, key: &Key, object: &mut Object) -> Result<(), Refusal> {
        if self.dry_run {
            return Ok(());
        }
        let body = self.log(key, object, &Change::Added)?;
        let sql = "INSERT INTO objects (api_group, resource, namespace, name, uid, labels, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.sql.prepare_cached(sql)?.execute(params![
            key.kind.group(),
            key.kind.plural(),
            key.namespace,
            key.name,
            object.uid(),
            object.labels_text(),
            body
        ])?;
        self.index_owners(object)
    }

    /// Stores the next state of an object, and gives it its version.
    pub(super) fn replace(&self, key: &Key, before: &Object, object: &mut Object) -> Result<(), Refusal> {
        if self.dry_run {
            return Ok(());
        }
        let body = self.log(key, object, &Change::Modified { before })?;
        self.sql
            .prepare_cached("UPDATE objects SET labels = ?2, body = ?3 WHERE uid = ?1")?
            .execute(params![object.uid(), object.labels_text(), body])?;
        if before.owners() != object.owners() {
            let sql = "DELETE FROM owners WHERE object_id = (SELECT id FROM objects WHERE uid = ?1)";
            self.sql.prepare_cached(sql)?.execute([object.uid()])?;
            self.index_owners(object)?;
        }
        Ok(())
    }

    /// Removes an object; its last state gets the version of its removal.
    pub(super) fn erase(&self, key: &Key, object: &mut Object) -> Result<(), Refusal> {
        if self.dry_run {
            return Ok(());
        }
        self.log(key, object, &Change::Deleted)?;
        self.sql.prepare_cached("DELETE FROM objects WHERE uid = ?1")?.execute([object.uid()])?;
        Ok(())
    }

    fn index_owners(&self, object: &Object) -> Result<(), Refusal> {
        let sql = "INSERT INTO owners (owner_uid, object_id) SELECT ?1, id FROM objects WHERE uid = ?2";
        for owner in object.owners() {
            self.sql.prepare_cached(sql)?.execute([owner.uid.as_str(), object.uid()])?;
        }
        Ok(())
    }

    fn log(&self, key: &Key, object: &mut Object, change: &Change<'_>) -> Result<String, Refusal> {
        let revision: i64 = self
            .sql
            .prepare_cached("UPDATE state SET revision = revision + 1 RETURNING revision")?
            .query_row([], |row| row.get(0))?;
        object.set("resourceVersion", revision.to_string());
        let body = object.value().to_string();
        if body.len() > LARGEST_OBJECT && !matches!(change, Change::Deleted) {
            return Err(Refusal::object_too_large());
        }
        let labels = object.labels_text();
        let (word, before_labels, before) = match change {
            Change::Added => ("ADDED", None, None),
            Change::Deleted => ("DELETED", None, None),
            Change::Modified { before } if before.labels_text() == labels => ("MODIFIED", None, None),
            Change::Modified { before } => {
                let mut last = (*before).clone();
                last.set("resourceVersion", revision.to_string());
                let before_labels = before.labels_text().unwrap_or_else(|| "{}".to_owned());
                ("MODIFIED", Some(before_labels), Some(last.value().to_string()))
            }
        };
        let bytes = body.len() + before.as_ref().map_or(0, String::len);
        let sql = "INSERT INTO changes
            (revision, type, api_group, resource, namespace, name, size, labels, before_labels, before, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.sql.prepare_cached(sql)?.execute(params![
            revision,
            word,
            key.kind.group(),
            key.kind.plural(),
            key.namespace,
            key.name,
            i64::try_from(bytes).unwrap_or(i64::MAX),
            labels,
            before_labels,
            before,
            body
        ])?;
        self.written.borrow_mut().push(Written { resource: key.kind.plural().to_owned(), revision, bytes });
        Ok(body)
    }

    /// Fails if the rules could not be shown everything that they asked for.
    pub(super) fn ensure_rules_saw_everything(&self) -> Result<(), Refusal> {
        if self.unreadable.get() {
            return Err(Refusal::internal("stored objects could not be read for the rules to decide on"));
        }
        Ok(())
    }
}

impl Stored for Transaction<'_> {
    fn list(&self, plural: &str) -> Vec<Value> {
        let bodies = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT api_group, resource, namespace, name, body FROM objects WHERE resource = ?1
                ORDER BY namespace, name";
            let mut statement = self.sql.prepare_cached(sql)?;
            let rows = statement.query_map([plural], |row| Ok(self.key(row)?.map(|_| row.get(4))))?;
            rows.filter_map(Result::transpose).map(Result::flatten).collect()
        };
        let parsed = bodies().map(|bodies| {
            bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<Vec<_>, _>>()
        });
        if let Ok(Ok(objects)) = parsed {
            objects
        } else {
            self.unreadable.set(true);
            Vec::new()
        }
    }
}

/// The stored text of an object.
pub(super) fn get(sql: &Connection, key: &Key) -> Result<Option<String>, Refusal> {
    let query = "SELECT body FROM objects
        WHERE api_group = ?1 AND resource = ?2 AND namespace = ?3 AND name = ?4";
    let mut statement = sql.prepare_cached(query)?;
    let found = statement
        .query_row([key.kind.group(), key.kind.plural(), &key.namespace, &key.name], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// The latest revision, and the latest one that is no longer in the change log.
pub(super) fn revisions(sql: &Connection) -> Result<(i64, i64), Refusal> {
    let mut statement = sql.prepare_cached("SELECT revision, compacted FROM state")?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
