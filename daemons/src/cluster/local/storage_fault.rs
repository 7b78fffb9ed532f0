//! What can be wrong with the database while it is in use, and what is said of it: what, where, and what to do.

use std::path::Path;

use http::StatusCode;
use kube::core::response::reason;
use rusqlite::ErrorCode;

/// Why the database did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StorageFault {
    /// The disk is full.
    Full,
    /// This user, or nobody, may write there.
    ReadOnly,
    /// Another process has been writing for longer than one waits.
    Busy,
    /// What is stored is not what it should be.
    Damaged(String),
    /// The disk, or what is in its way, does not do what it should.
    Disk(String),
    /// The file has another name or is no more: what is written to it now would be found by nobody.
    Moved,
    /// A newer program has brought the file to a format that this one does not know.
    Newer(usize),
    /// The database will not do it: a fault of this program.
    Other(String),
}

impl From<rusqlite::Error> for StorageFault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk(with_code(&error)),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// SQLite's words for an error, and its number, by which one finds out more.
fn with_code(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(code) => format!("{error}, SQLite error {}", code.extended_code),
        None => error.to_string(),
    }
}

impl StorageFault {
    pub(super) fn code(&self) -> StatusCode {
        match self {
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::ReadOnly => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Damaged(_) | Self::Disk(_) | Self::Moved | Self::Newer(_) | Self::Other(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Full => "InsufficientStorage",
            Self::ReadOnly => reason::FORBIDDEN,
            Self::Busy => reason::SERVICE_UNAVAILABLE,
            Self::Damaged(_) | Self::Disk(_) | Self::Moved | Self::Newer(_) | Self::Other(_) => {
                reason::INTERNAL_ERROR
            }
        }
    }

    /// When to try again, where that alone may help.
    pub(super) fn retry_after_seconds(&self) -> u32 {
        u32::from(matches!(self, Self::Busy))
    }

    pub(super) fn message(&self, file: Option<&Path>) -> String {
        let file = file.map_or_else(|| "the database".to_owned(), |file| file.display().to_string());
        match self {
            Self::Full => format!(
                "nothing was stored: no space is left on the disk of {file}; free some, and try again"
            ),
            Self::ReadOnly => format!(
                "nothing was stored: this user may only read {file}; run as one who may write it and its folder, or \
                 name a copy of your own"
            ),
            Self::Busy => format!(
                "the server is currently unable to handle the request: another process has been writing to {file} for \
                 too long; try again"
            ),
            Self::Damaged(what) => format!(
                "{file} is damaged ({what}); stop what uses it, and restore a backup or save what can still be read \
                 with: sqlite3 {file} .recover"
            ),
            Self::Disk(what) => format!(
                "{file} cannot be read or written ({what}); look for trouble with its disk (dmesg) or its rights"
            ),
            Self::Moved => format!(
                "nothing was stored: {file} was replaced, renamed or removed while it was in use; start this program \
                 anew"
            ),
            Self::Newer(format) => format!(
                "nothing was stored: a newer vmdhcp has brought {file} to format {format}, which this one does not \
                 know; start the newer one in its place"
            ),
            Self::Other(what) => format!("Internal error occurred: the database failed: {what}"),
        }
    }
}
