//! The exclusive right to serve a network interface out of a file.
//!
//! Two processes that answer DHCP on one interface from one file would answer twice, and each would take the other for
//! a foreign server. The right is a `flock` on a file beside the database; the kernel takes it back from a process
//! that dies, however it dies.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// Why an interface cannot be served out of this file.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process, or another part of this one, serves it.
    #[error("{interface} is already served from this file{}; stop that one first", process.as_deref().map(|pid| format!(" by process {pid}")).unwrap_or_default())]
    Held {
        /// The interface.
        interface: String,
        /// Who serves it, as far as is known.
        process: Option<String>,
    },
    /// Not the name of an interface.
    #[error("{interface:?} is not the name of a network interface")]
    Name {
        /// What was given.
        interface: String,
    },
    /// The lock's file cannot be used.
    #[error("cannot lock {}", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// The right to serve one interface; given back when dropped.
#[derive(Debug)]
pub struct InterfaceLock {
    #[expect(dead_code, reason = "held for what its drop does")]
    held: Held,
}

#[derive(Debug)]
enum Held {
    File { _file: Flock<File> },
    Memory { interface: String, interfaces: Interfaces },
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Memory { interface, interfaces } = self {
            interfaces.lock().unwrap_or_else(PoisonError::into_inner).remove(interface);
        }
    }
}

/// The interfaces served out of one in-memory API.
pub(super) type Interfaces = Arc<Mutex<BTreeSet<String>>>;

pub(super) fn lock_beside(database: &Path, interface: &str) -> Result<InterfaceLock, LockError> {
    check_name(interface)?;
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{interface}.lock"));
    let path = PathBuf::from(path);
    let failed = |source| LockError::File { path: path.clone(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = match Flock::lock(file.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
        Ok(file) => file,
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut process = String::new();
            let known = file.read_to_string(&mut process).is_ok() && !process.trim().is_empty();
            let process = known.then(|| process.trim().to_owned());
            return Err(LockError::Held { interface: interface.to_owned(), process });
        }
        Err((_, errno)) => return Err(failed(errno.into())),
    };
    // For the message above only; the lock is what counts, and a full disk must not keep a server from starting.
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    drop(write(&mut file));
    Ok(InterfaceLock { held: Held::File { _file: file } })
}

pub(super) fn lock_in_memory(interfaces: &Interfaces, interface: &str) -> Result<InterfaceLock, LockError> {
    check_name(interface)?;
    let free = interfaces.lock().unwrap_or_else(PoisonError::into_inner).insert(interface.to_owned());
    if !free {
        return Err(LockError::Held { interface: interface.to_owned(), process: None });
    }
    let held = Held::Memory { interface: interface.to_owned(), interfaces: Arc::clone(interfaces) };
    Ok(InterfaceLock { held })
}

/// Names become part of a file's name.
fn check_name(interface: &str) -> Result<(), LockError> {
    let fits = |c: char| c.is_ascii_graphic() && c != '/';
    if interface.is_empty()
        || interface.len() > 15
        || interface.starts_with('.')
        || !interface.chars().all(fits)
    {
        return Err(LockError::Name { interface: interface.to_owned() });
    }
    Ok(())
}
