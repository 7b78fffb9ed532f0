//! The SQLite file: how it is opened, whose it is, and its tables.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// Marks a file as ours (`PRAGMA application_id`): "vmdh".
const APPLICATION_ID: i32 = 0x766d_6468;
/// Version of the tables below (`PRAGMA user_version`).
const SCHEMA_VERSION: i32 = 1;
/// How long a write waits for another process' write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to pause where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// `state` has one row: the latest revision, and the latest one that has been pruned from `changes`. `before` is only
/// there when the labels changed, for watches whose selector the object has left.
const SCHEMA: &str = "
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

/// Why a file cannot serve as the API's storage.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder has to be there.
    #[error("cannot open {}: the folder {} does not exist", path.display(), folder.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// No right to write the file or its folder.
    #[error("cannot open {}: it is read-only for this user", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Some other file.
    #[error("{} is not a database; name another file, or one that does not exist yet", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database of some other program.
    #[error("{} is another program's database; name another file, or one that does not exist yet", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error("{} has format {found}, this program knows {SCHEMA_VERSION}; use a newer vmdhcp", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
    },
    /// Write-ahead logging needs shared memory, which network file systems lack.
    #[error("{} is on a file system without write-ahead logging (a network share?); use a local disk", path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// Another process keeps it locked.
    #[error("{} is locked by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot open {}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The threads that serve the file cannot be started.
    #[error("cannot start a thread to serve {}", path.display())]
    Thread {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// Opens a file, creating it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let sqlite = |source: rusqlite::Error| explain(&path, source);
    if let Some(folder) = path.parent()
        && !folder.is_dir()
    {
        return Err(OpenError::NoFolder { folder: folder.to_owned(), path: path.clone() });
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(OpenError::ReadOnly { path });
    }
    identify(&mut connection, &path)?;
    let mode = write_ahead(&connection).map_err(sqlite)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path });
    }
    // FULL: a write that was answered survives a power cut, at the cost of one fsync a transaction.
    connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
    prepare(&mut connection).map_err(sqlite)?;
    Ok(connection)
}

/// Opens a database that lives as long as its connection.
pub(super) fn open_in_memory() -> Result<Connection, OpenError> {
    let memory = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection)?;
        Ok(connection)
    };
    memory().map_err(|source| OpenError::Sqlite { path: ":memory:".into(), source })
}

/// Switches to write-ahead logging, and gives the mode that the file now has.
///
/// The switch upgrades a lock, for which SQLite never waits: of two processes that meet at a new file one is told at
/// once that it is busy.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(BUSY_PAUSE);
            }
            mode => return mode,
        }
    }
}

fn identify(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    // In one transaction: another process may be making the tables, and its mark goes with them.
    let mut read = || -> rusqlite::Result<(i32, i32, i64)> {
        let transaction = connection.transaction()?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get(0));
        let tables = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        Ok((pragma("application_id")?, pragma("user_version")?, tables))
    };
    let (application_id, version, tables) = read().map_err(|e| explain(path, e))?;
    let path = path.to_owned();
    match application_id {
        0 if tables == 0 => Ok(()),
        APPLICATION_ID if version > SCHEMA_VERSION => Err(OpenError::Newer { path, found: version }),
        APPLICATION_ID => Ok(()),
        _ => Err(OpenError::Foreign { path }),
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again inside the transaction: another process may have just made the tables.
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

fn explain(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotADatabase { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        _ => OpenError::Sqlite { path, source },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn all_who_meet_at_a_new_file_can_open_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new.db");
            let start = Barrier::new(4);
            std::thread::scope(|scope| {
                let openers = [(); 4].map(|()| {
                    scope.spawn(|| {
                        start.wait();
                        open(&path).map(drop)
                    })
                });
                for opener in openers {
                    opener.join().unwrap().unwrap();
                }
            });
        }
    }
}
