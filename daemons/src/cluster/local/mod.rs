//! The Kubernetes API out of one SQLite file: what `vmdhcp` runs on where there is no cluster.
//!
//! [`LocalApi`] is a tower service that answers the same REST calls as a kube-apiserver, so that everything else uses
//! one `kube::Client` everywhere. `tests/api_conformance.rs` says what "the same" means. A request goes
//!
//! ```text
//! path, query, body ──▶ request ──▶ create │ update │ patch │ delete ──▶ transaction ──▶ engine (SQLite)
//!                           └─────▶ list │ watch ─────────────────────────────────────────▲
//! ```
//!
//! Left out, on purpose: users and rights (whoever may write the file may do everything), field ownership of
//! server-side apply, pruning of unknown fields, several versions of one kind, strategic merge patches, tables.

mod admission;
mod bounds;
mod create;
mod database;
mod delete;
mod discovery;
mod engine;
mod garbage;
mod interface_lock;
mod kinds;
mod list;
mod object;
mod open_error;
mod patch;
mod read_only;
mod refusal;
mod request;
mod rules;
mod schema;
mod selector;
mod service;
mod storage_fault;
mod transaction;
mod update;
mod validation;
mod watch;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

pub use self::{
    admission::{AdmissionFn, Operation, Review, Stored},
    interface_lock::{InterfaceLock, LockError},
    kinds::{Kind, Kinds},
    open_error::OpenError,
    refusal::READ_ONLY_FILE,
};
use self::{engine::Engine, interface_lock::Interfaces};
use crate::runtime::Clock;

/// Where UIDs and the random part of generated names come from; tests that replay pass their own.
pub type UidSource = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// What may differ from one API to the next.
#[derive(Clone)]
pub struct Options {
    /// Where `creationTimestamp` and `deletionTimestamp` come from.
    pub clock: Clock,
    /// Where `uid` and generated names come from.
    pub uids: UidSource,
    /// How far back a watch may start.
    pub change_log: ChangeLog,
    /// How long a quiet watch goes without telling where it is.
    pub bookmark_interval: Duration,
}

/// How much of the past is kept; what is older is pruned, and a watch from there gets 410.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeLog {
    /// Changes that are kept at least, unless `bytes` says otherwise.
    pub rows: usize,
    /// Bytes of objects that are kept at most, give or take one eighth.
    pub bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(Timestamp::now),
            uids: Arc::new(Uuid::new_v4),
            change_log: ChangeLog { rows: 10_000, bytes: 64 * 1024 * 1024 },
            bookmark_interval: Duration::from_secs(60),
        }
    }
}

/// A Kubernetes API of one's own; clones share it.
#[derive(Clone)]
pub struct LocalApi {
    engine: Arc<Engine>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Memory(Interfaces),
}

impl fmt::Debug for LocalApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => write!(f, "LocalApi({})", path.display()),
            Place::Memory(_) => f.write_str("LocalApi(in memory)"),
        }
    }
}

impl LocalApi {
    /// Opens the API in `path`, creating the file if there is none. Several processes may open one file.
    pub fn open(path: &Path, kinds: Kinds) -> Result<Self, OpenError> {
        Self::open_with(path, kinds, Options::default())
    }

    /// The same, with options.
    pub fn open_with(path: &Path, kinds: Kinds, options: Options) -> Result<Self, OpenError> {
        // Messages name it as somebody finds it who sits in another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let engine = Engine::on_file(&path, kinds, options)?;
        Ok(Self { engine: Arc::new(engine), place: Place::File(path) })
    }

    /// An empty API that is gone with its last clone. Everything but the passing of time and the source of UIDs
    /// is deterministic, and both are [`Options`].
    pub fn in_memory(kinds: Kinds) -> Result<Self, OpenError> {
        Self::in_memory_with(kinds, Options::default())
    }

    /// The same, with options.
    pub fn in_memory_with(kinds: Kinds, options: Options) -> Result<Self, OpenError> {
        let engine = Engine::in_memory(kinds, options)?;
        Ok(Self { engine: Arc::new(engine), place: Place::Memory(Interfaces::default()) })
    }

    /// A client of this API. Has to be called in a tokio runtime, which kube's client needs.
    pub fn client(&self, default_namespace: &str) -> kube::Client {
        kube::Client::new(self.clone(), default_namespace)
    }

    /// Makes sure that a server can rely on the file: it may be written, and no part of it is damaged. It is read as a
    /// whole for that, which takes about a second for some hundred megabytes.
    pub async fn ensure_sound(&self) -> Result<(), OpenError> {
        self.engine.ensure_sound().await
    }

    /// The exclusive right to serve `interface` out of this file, until the guard is dropped or the process ends.
    pub fn lock_interface(&self, interface: &str) -> Result<InterfaceLock, LockError> {
        match &self.place {
            Place::File(path) => interface_lock::lock_beside(path, interface),
            Place::Memory(interfaces) => interface_lock::lock_in_memory(interfaces, interface),
        }
    }

    /// How many changes of objects of that resource (`ippools`) this API and its clones have stored. A write that
    /// changes nothing is none; what another process wrote is not counted.
    pub fn changes(&self, resource: &str) -> u64 {
        self.engine.changes(resource)
    }
}
