//! Why a file cannot be opened, a sentence each: what is wrong, where, and what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;

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
    /// A folder was named.
    #[error("{} is a folder; name a file in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is not there, or still empty, and this user may not write it.
    #[error(
        "cannot create {}: this user may not write there; run as one who may, or name a file in a folder of your own",
        path.display()
    )]
    CannotCreate {
        /// The file.
        path: PathBuf,
    },
    /// No right to write the file, or beside it.
    #[error(
        "cannot serve out of {}: this user may only read it; run as one who may write it and its folder",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No right to read the file.
    #[error("cannot open {}: this user may not read it; run as its owner", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// What is in the write-ahead log cannot be read without the right to write.
    #[error(
        "cannot read {}: whoever wrote it last was killed, and its changes have to be taken in by somebody who may \
         write it; run any vmdhcp command on it as its owner",
        path.display()
    )]
    UnfinishedBusiness {
        /// The file.
        path: PathBuf,
    },
    /// An older format, which only somebody with the right to write can bring up to date.
    #[error(
        "{} has format {found}, this program needs {VERSION}, and this user may not write it; run any vmdhcp command \
         on it as its owner",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: usize,
    },
    /// Some other file, or one whose first bytes are damaged.
    #[error(
        "{} is not a database; name another file, or one that does not exist yet (or, if it was one, restore a backup: \
         its beginning has been overwritten)",
        path.display()
    )]
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
    #[error("{} has format {found}, this program knows {VERSION}; use a newer vmdhcp", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
    },
    /// A database of ours, of which a part is missing or overwritten.
    #[error(
        "{} is damaged ({what}); restore a backup, or save what can still be read with: sqlite3 {} .recover",
        path.display(),
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Not even what opening takes fits on the disk.
    #[error("cannot open {}: no space is left on its disk; free some and try again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Write-ahead logging needs shared memory, which network file systems lack.
    #[error("{} is on a file system without write-ahead logging (a network share?); use a local disk", path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// Another process keeps it locked.
    #[error("{} is locked by another process; try again when that one has ended", path.display())]
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

impl OpenError {
    /// What SQLite's refusal to open or read that file means.
    pub(super) fn explain(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what: source.to_string() },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::CannotCreate { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ if has_no_room_for_index(&source) => Self::Full { path },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// The index of the log is the first thing that a full disk has no room for.
fn has_no_room_for_index(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
