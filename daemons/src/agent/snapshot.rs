//! The last state of the pool on disk: what an agent serves when it starts and the API does not answer.
//!
//! One JSON file, replaced atomically, so that a crash leaves the old one or the new one. It names its pool, and
//! whatever is not of this pool, or not readable, counts as no snapshot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::ipam::{Carried, Memory};
use vmdhcp_core::pool::PoolRef;

use super::state::Kept;
use super::tables::{FormerServer, Remembered};
use crate::runtime::Shutdown;

/// Version of the format. Another one is not read.
const FORMAT: u32 = 1;
/// Larger than any pool that etcd takes.
const LONGEST: u64 = 16 << 20;
/// At most one write in this time, however fast a pool changes.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'p> {
    format: u32,
    /// Addresses to MACs.
    carried: BTreeMap<Ipv4Addr, String>,
    #[serde(default)]
    carried_lost: BTreeMap<Ipv4Addr, String>,
    #[serde(default)]
    broken: bool,
    #[serde(default)]
    witnessed: Option<Timestamp>,
    former_servers: Vec<FormerServer>,
    #[serde(default)]
    acknowledged: bool,
    pool: Cow<'p, IPPool>,
}

/// Why a snapshot cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error("{}: {step}: {source}", path.display())]
    Io { path: PathBuf, step: &'static str, source: io::Error },
    #[error("{} is no snapshot of a pool: {source}", path.display())]
    Corrupt { path: PathBuf, source: serde_json::Error },
    #[error("{} has format {found}, and this version reads format {FORMAT}", path.display())]
    Format { path: PathBuf, found: u32 },
    #[error("{} is a snapshot of pool {found}, not of {expected}", path.display())]
    OtherPool { path: PathBuf, found: PoolRef, expected: PoolRef },
}

/// Reads the snapshot of `pool`; none if there is no file yet.
pub(crate) fn read(path: &Path, pool: &PoolRef) -> Result<Option<Remembered>, SnapshotError> {
    let failed = |step| move |source| SnapshotError::Io { path: path.to_owned(), step, source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("opening it")(error)),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(failed("reading it"))?;
    let corrupt = |source| SnapshotError::Corrupt { path: path.to_owned(), source };
    let Stored {
        format,
        carried,
        carried_lost,
        broken,
        witnessed,
        former_servers,
        acknowledged,
        pool: stored,
    } = serde_json::from_slice(&bytes).map_err(corrupt)?;
    if format != FORMAT {
        return Err(SnapshotError::Format { path: path.to_owned(), found: format });
    }
    let found = PoolRef::of(&stored);
    if found != *pool {
        return Err(SnapshotError::OtherPool { path: path.to_owned(), found, expected: pool.clone() });
    }
    let pairs = |texts: BTreeMap<Ipv4Addr, String>| {
        let pairs = texts.into_iter().map(|(address, mac)| mac.parse::<MacAddr>().map(|mac| (address, mac)));
        pairs.collect::<Result<_, _>>().map_err(|error| corrupt(serde::de::Error::custom(error)))
    };
    let carried = Carried { held: pairs(carried)?, lost: pairs(carried_lost)? };
    let memory = Memory { carried, broken, witnessed };
    Ok(Some(Remembered { stored: Arc::new(stored.into_owned()), memory, former_servers, acknowledged }))
}

/// Replaces the snapshot, atomically and durably.
pub(crate) fn write(path: &Path, remembered: &Remembered) -> Result<(), SnapshotError> {
    let failed = |step| move |source| SnapshotError::Io { path: path.to_owned(), step, source };
    let Memory { carried: Carried { held, lost }, broken, witnessed } = &remembered.memory;
    let texts = |pairs: &BTreeMap<Ipv4Addr, MacAddr>| {
        pairs.iter().map(|(address, mac)| (*address, mac.to_string())).collect()
    };
    let stored = Stored {
        format: FORMAT,
        carried: texts(held),
        carried_lost: texts(lost),
        broken: *broken,
        witnessed: *witnessed,
        former_servers: remembered.former_servers.clone(),
        acknowledged: remembered.acknowledged,
        pool: Cow::Borrowed(&*remembered.stored),
    };
    let bytes = serde_json::to_vec(&stored)
        .map_err(|source| SnapshotError::Corrupt { path: path.to_owned(), source })?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed("making its directory"))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = File::create(&temporary).map_err(failed("making its successor"))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed("writing its successor"))?;
    fs::rename(&temporary, path).map_err(failed("replacing it"))?;
    // The rename is durable once the directory is.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed("syncing its directory"))
}

/// What a restart would find once this is on disk.
pub(crate) fn kept_by(remembered: &Remembered) -> Kept {
    let metadata = &remembered.stored.metadata;
    Kept::Version {
        pool_uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// Removes the snapshot: there is nothing to remember any more.
pub(crate) fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SnapshotError::Io { path: path.to_owned(), step: "removing it", source })
        }
        _ => Ok(()),
    }
}

/// Writes every state that comes through `states`, at most one a second, and the last one before the end. None
/// removes the snapshot. `kept` is told what is on disk, each time that this has changed.
///
/// What cannot be written leaves the old snapshot: then nothing newer is told of, and the manager waits.
pub(crate) async fn keep(
    path: PathBuf,
    mut states: watch::Receiver<Option<Remembered>>,
    shutdown: Shutdown,
    kept: impl Fn(Kept),
) {
    loop {
        let ended = tokio::select! {
            changed = states.changed() => changed.is_err(),
            () = shutdown.wait() => !states.has_changed().unwrap_or(false),
        };
        if ended {
            return;
        }
        let remembered = states.borrow_and_update().clone();
        let next = remembered.as_ref().map_or(Kept::Nothing, kept_by);
        let to = path.clone();
        let written = tokio::task::spawn_blocking(move || match remembered {
            Some(remembered) => write(&to, &remembered),
            None => remove(&to),
        });
        match written.await {
            Ok(Ok(())) => kept(next),
            Ok(Err(error)) => tracing::warn!(%error, "the snapshot of the leases was not updated"),
            Err(error) => tracing::error!(%error, "the snapshot of the leases was not updated"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = shutdown.wait() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tables::{Tables, tests::stored};
    use jiff::Timestamp;

    fn remembered() -> (PoolRef, Remembered) {
        let mut tables = Tables::default();
        let full = stored(&[("192.168.48.82", "02:00:00:00:00:0a")]);
        let pool = PoolRef::of(&full);
        for state in [full, stored(&[])] {
            tables.accept(Arc::new(state), Timestamp::UNIX_EPOCH).unwrap();
        }
        (pool, tables.remember().unwrap())
    }

    #[test]
    fn what_is_written_is_read_again_with_what_was_carried() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deeper/leases.json");
        let (pool, remembered) = remembered();
        assert!(read(&path, &pool).unwrap().is_none());
        write(&path, &remembered).unwrap();
        write(&path, &remembered).unwrap();
        let again = read(&path, &pool).unwrap().unwrap();
        assert_eq!(again.stored, remembered.stored);
        assert_eq!(again.memory, remembered.memory);
        assert_eq!((again.memory.carried.len(), again.memory.broken), (1, true));
        assert!(!again.acknowledged);
        write(&path, &Remembered { acknowledged: true, ..remembered }).unwrap();
        assert!(read(&path, &pool).unwrap().unwrap().acknowledged);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn the_snapshot_of_another_pool_another_format_or_half_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leases.json");
        let (pool, remembered) = remembered();
        write(&path, &remembered).unwrap();
        let other = PoolRef { name: "other".into(), ..pool.clone() };
        assert!(matches!(read(&path, &other), Err(SnapshotError::OtherPool { .. })));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"format\":1", "\"format\":2")).unwrap();
        assert!(matches!(read(&path, &pool), Err(SnapshotError::Format { found: 2, .. })));
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(matches!(read(&path, &pool), Err(SnapshotError::Corrupt { .. })));
    }

    #[tokio::test]
    async fn the_last_state_is_written_before_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leases.json");
        let (pool, remembered) = remembered();
        let (sender, states) = watch::channel(None);
        let shutdown = Shutdown::new();
        sender.send_replace(Some(remembered));
        shutdown.trigger();
        let told = std::cell::RefCell::new(Vec::new());
        let on_disk = || path.exists();
        keep(path.clone(), states, shutdown, |kept| told.borrow_mut().push((kept, on_disk()))).await;
        assert!(read(&path, &pool).unwrap().is_some());
        let version = Kept::Version { pool_uid: "u-1".into(), resource_version: "7".into() };
        assert_eq!(told.into_inner(), [(version, true)]);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path, &pool).unwrap().is_none());
    }

    #[tokio::test]
    async fn a_state_that_cannot_be_written_is_not_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leases.json");
        // Its successor cannot be made.
        fs::create_dir(directory.path().join("leases.json.new")).unwrap();
        let (sender, states) = watch::channel(None);
        let shutdown = Shutdown::new();
        sender.send_replace(Some(remembered().1));
        shutdown.trigger();
        keep(path.clone(), states, shutdown, |kept| panic!("{kept:?} is not on disk")).await;
        assert!(!path.exists());
    }
}
