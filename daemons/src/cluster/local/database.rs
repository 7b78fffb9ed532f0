//! The SQLite file: how it is opened, and what it promises.
//!
//! **What was answered is on the disk.** The file is in write-ahead mode with `synchronous = FULL`: every commit ends
//! with an fsync of the log, before anybody is told of it. So a write that was acknowledged survives a killed process
//! (which would not even take the fsync: the page cache is the kernel's) and a power cut as well, as far as the disk
//! keeps what it says it has. That is worth its price here, because a lost write of a pool is an address given twice:
//! agents and guests go on with what they were told, while the file has forgotten it. The price is one fsync a
//! transaction, and the writes that wait for one share the next (`engine`). NORMAL would only sync at checkpoints: no
//! damage after a power cut, but the last seconds gone.
//!
//! **A transaction is there or not.** Whoever opens the file after a crash takes whole transactions out of the log and
//! drops a torn one, which its checksums tell. Formats change in one transaction too (`schema`).
//!
//! A user who may only read, or whose disk is full, gets an API to read from (`read_only`); what is damaged, foreign or newer is refused and
//! left alone (`open_error`).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    open_error::OpenError,
    read_only,
    schema::{self, Format, VERSION},
    storage_fault::StorageFault,
};

/// How long a write waits for another process' write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to pause where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A file that has been opened.
pub(super) enum Opened {
    /// To read and to write.
    Writable(Connection),
    /// Only to read, and why.
    ReadOnly(Connection, StorageFault),
}

/// Opens the file with this absolute name, creating it if there is none.
pub(super) fn open(path: &Path) -> Result<Opened, OpenError> {
    if let Some(folder) = path.parent()
        && !folder.is_dir()
    {
        return Err(OpenError::NoFolder { folder: folder.to_owned(), path: path.to_owned() });
    }
    if path.is_dir() {
        return Err(OpenError::Folder { path: path.to_owned() });
    }
    // SQLite would take it for a new file, and throw its log away.
    if is_empty(path) == Some(true) && is_empty(&read_only::beside(path, "-wal")) == Some(false) {
        let what = "it is empty, and its log is not".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), what });
    }
    let fault = match open_to_write(path) {
        Ok(connection) => return Ok(Opened::Writable(connection)),
        Err(OpenError::CannotCreate { .. }) => StorageFault::ReadOnly,
        // The file may be written, but its log cannot be created beside it.
        Err(OpenError::Sqlite { source, .. })
            if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) =>
        {
            StorageFault::ReadOnly
        }
        Err(OpenError::Full { .. }) if is_empty(path) == Some(false) => StorageFault::Full,
        Err(error) => return Err(error),
    };
    Ok(Opened::ReadOnly(read_only::open(path)?, fault))
}

fn is_empty(path: &Path) -> Option<bool> {
    path.metadata().ok().map(|file| file.len() == 0)
}

/// Opens a file that this user may write.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source: rusqlite::Error| OpenError::explain(path, source);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    // Asked before anything is read: reading would leave a log and its index behind that belong to the wrong user.
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(OpenError::CannotCreate { path: path.to_owned() });
    }
    configure(&connection).map_err(sqlite)?;
    let format = schema::identify(&mut connection, path)?;
    let mode = write_ahead(&connection).map_err(sqlite)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: path.to_owned() });
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
    if format != Format::Known(VERSION) {
        schema::prepare(&mut connection).map_err(sqlite)?;
    }
    Ok(connection)
}

/// Opens a database that lives as long as its connection.
pub(super) fn open_in_memory() -> Result<Connection, OpenError> {
    let memory = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        configure(&connection)?;
        schema::prepare(&mut connection)?;
        Ok(connection)
    };
    memory().map_err(|source| OpenError::Sqlite { path: ":memory:".into(), source })
}

/// What every connection needs, whatever it is to.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A page that is not what it should be is told of when it is read, instead of read as something else.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
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

/// Looks at every page of a database of ours, and says what is wrong if anything is.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let first = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match first.map_err(|source| OpenError::explain(path, source))?.as_str() {
        "ok" => Ok(()),
        what => Err(OpenError::Damaged { path: path.to_owned(), what: what.replace('\n', " ") }),
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

    #[test]
    fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_to_write(&folder.path().join("new.db")).unwrap();
        let synchronous: i32 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(synchronous, 2, "FULL");
    }
}
