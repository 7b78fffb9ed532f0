//! Reading a file that cannot be written: this user has no right to, or the disk is full.
//!
//! Write-ahead logging makes readers write: each takes a lock in an index beside the file, and creates index and log
//! where they are missing. Where that cannot be done there are two ways. As long as there is a log, somebody who may
//! write has the file open (or was killed), and its index can be read as it is. Without a log the file is complete in
//! itself, and is read as a copy in memory: reading it in place would go wrong as soon as somebody wrote.
//!
//! Left out: a watch of such a copy tells of what there is, and of nothing that comes.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    database::configure,
    open_error::OpenError,
    schema::{self, Format, VERSION},
};

/// How often a file may change while it is being copied.
const MOST_ATTEMPTS: usize = 5;

/// Opens a file for reading alone.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    match File::open(path).map_err(|error| error.kind()) {
        Ok(_) => {}
        Err(io::ErrorKind::NotFound) => return Err(OpenError::CannotCreate { path: path.to_owned() }),
        Err(_) => return Err(OpenError::Unreadable { path: path.to_owned() }),
    }
    let mut connection = open_somehow(path)?;
    let format = schema::identify(&mut connection, path).map_err(|error| match error {
        // The index is that of somebody who was killed, and cannot be used before it has been mended.
        OpenError::CannotCreate { path } => OpenError::UnfinishedBusiness { path },
        error => error,
    });
    match format? {
        Format::Known(VERSION) => Ok(connection),
        Format::Known(found) => Err(OpenError::Older { path: path.to_owned(), found }),
        Format::Empty => Err(OpenError::CannotCreate { path: path.to_owned() }),
    }
}

fn open_somehow(path: &Path) -> Result<Connection, OpenError> {
    let (log, index) = (beside(path, "-wal"), beside(path, "-shm"));
    for _ in 0..MOST_ATTEMPTS {
        if index.exists() {
            return in_place(path).map_err(|source| OpenError::explain(path, source));
        }
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            return Err(OpenError::UnfinishedBusiness { path: path.to_owned() });
        }
        let before = stamp(path);
        let copied = copy(path).map_err(|source| OpenError::explain(path, source));
        if before.is_some() && stamp(path) == before && !index.exists() {
            return copied;
        }
    }
    Err(OpenError::InUse { path: path.to_owned() })
}

/// The name of a file that SQLite has beside a database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// What changes with a file.
fn stamp(path: &Path) -> Option<(u64, std::time::SystemTime)> {
    let file = path.metadata().ok()?;
    Some((file.len(), file.modified().ok()?))
}

fn in_place(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_uri(path, "readonly_shm=1")?;
    configure(&connection)?;
    Ok(connection)
}

fn copy(path: &Path) -> rusqlite::Result<Connection> {
    let original = open_uri(path, "immutable=1")?;
    let mut copy = Connection::open_in_memory()?;
    Backup::new(&original, &mut copy)?.run_to_completion(1 << 12, Duration::ZERO, None)?;
    configure(&copy)?;
    Ok(copy)
}

fn open_uri(path: &Path, option: &str) -> rusqlite::Result<Connection> {
    // A form has "+" for a space, and only there.
    let escaped: String = form_urlencoded::byte_serialize(path.as_os_str().as_bytes()).collect();
    let escaped = escaped.replace('+', "%20");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{escaped}?mode=ro&{option}"), flags)
}
