//! Whose a database is, its tables, and how one of an earlier version becomes one of today.
//!
//! A file says of itself whose it is (`PRAGMA application_id`) and in which format (`PRAGMA user_version`). A new file
//! goes through all formats from the first one on, so that it is the same as one that has grown old.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::open_error::OpenError;

/// Marks a file as ours: "vmdh".
const APPLICATION_ID: i32 = 0x766d_6468;
/// The format that this program reads and writes.
pub(super) const VERSION: usize = STEPS.len();
/// What each format adds to the one before it: the step at index 0 makes format 1 out of nothing. A step that has been
/// released never changes; `tests/local_api/fixtures` has a file of every format.
const STEPS: &[&str] = &[FORMAT_1];

/// `state` has one row: the latest revision, and the latest one that has been pruned from `changes`. `before` is only
/// there when the labels changed, for watches whose selector the object has left.
const FORMAT_1: &str = "
CREATE TABLE state (revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
INSERT INTO state VALUES (1, 1);
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    api_group TEXT NOT NULL,
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    labels TEXT,
    body TEXT NOT NULL,
    UNIQUE (api_group, resource, namespace, name)
);
CREATE TABLE owners (
    owner_uid TEXT NOT NULL,
    object_id INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE
);
CREATE INDEX owners_by_owner ON owners (owner_uid);
CREATE INDEX owners_by_object ON owners (object_id);
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    api_group TEXT NOT NULL,
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    labels TEXT,
    before_labels TEXT,
    before TEXT,
    body TEXT NOT NULL
);
";

/// What a database is, as far as this program is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Nothing is in it yet.
    Empty,
    /// Ours, of a version that this program knows.
    Known(usize),
}

/// Says what a database is, or that it is none of ours.
pub(super) fn identify(connection: &mut Connection, path: &Path) -> Result<Format, OpenError> {
    // In one transaction: another process may be making the tables, and its mark goes with them.
    let mut read = || -> rusqlite::Result<(i32, i32, i64)> {
        let transaction = connection.transaction()?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get(0));
        Ok((pragma("application_id")?, pragma("user_version")?, tables(&transaction)?))
    };
    let (application_id, version, tables) = read().map_err(|source| OpenError::explain(path, source))?;
    let path = path.to_owned();
    match (application_id, usize::try_from(version)) {
        (0, _) if tables == 0 => Ok(Format::Empty),
        (APPLICATION_ID, Ok(known @ 1..=VERSION)) => Ok(Format::Known(known)),
        (APPLICATION_ID, Ok(1..)) => Err(OpenError::Newer { path, found: version }),
        _ => Err(OpenError::Foreign { path }),
    }
}

/// Makes the tables, or brings those of an earlier version up to date: wholly, or not at all.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    take_steps(connection, STEPS)
}

fn take_steps(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked inside the transaction: another process may have just done it.
    let taken = if tables(&transaction)? == 0 { 0 } else { version(&transaction)? };
    for (done, step) in (1..).zip(steps).skip(taken) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", done)?;
    }
    transaction.commit()
}

/// The format that a database of ours has now: a newer program may have brought it up to date meanwhile.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn tables(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &[&str] = &[
        FORMAT_1,
        "ALTER TABLE objects ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",
        "CREATE INDEX objects_by_colour ON objects (colour)",
    ];

    fn schema(connection: &Connection) -> Vec<(String, Option<String>)> {
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn grown(steps: &[&[&str]]) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        for steps in steps {
            take_steps(&mut connection, steps).unwrap();
        }
        connection
    }

    #[test]
    fn a_file_of_each_earlier_format_grows_into_what_a_new_one_is() {
        let new = grown(&[NEXT]);
        assert_eq!(version(&new).unwrap(), 3);
        for first in 1..NEXT.len() {
            let old = grown(&[&NEXT[..first]]);
            assert_eq!(version(&old).unwrap(), first);
            old.execute("UPDATE state SET revision = 77", []).unwrap();
            let mut old = old;
            for _ in 0..2 {
                take_steps(&mut old, NEXT).unwrap();
                assert_eq!(version(&old).unwrap(), 3);
                assert_eq!(schema(&old), schema(&new));
            }
            let revision: i64 = old.query_row("SELECT revision FROM state", [], |row| row.get(0)).unwrap();
            assert_eq!(revision, 77);
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut old = grown(&[&NEXT[..1]]);
        let before = schema(&old);
        let broken = [NEXT[0], NEXT[1], "CREATE INDEX none ON nothing (at_all)"];
        take_steps(&mut old, &broken).unwrap_err();
        assert_eq!(schema(&old), before);
        assert_eq!(version(&old).unwrap(), 1);
    }

    #[test]
    fn a_later_format_is_not_taken_for_ours_and_not_touched() {
        let mut later = grown(&[NEXT]);
        let refused = identify(&mut later, Path::new("later.db")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("later.db has format 3, this program knows {VERSION}; use a newer vmdhcp")
        );
    }
}
