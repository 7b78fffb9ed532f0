//! Who runs the SQL, and who learns of changes.
//!
//! A file has two threads: one writes, and takes all writes that wait into one transaction (each in its savepoint, so
//! that a refused one costs only itself), because synchronous commits cost an fsync each; the other reads. Reads and
//! writes thus never wait for each other. Where the file itself fails (a full disk, say) the whole transaction is told
//! so, and none of it is stored. A file that may only be read has only the thread that reads. In memory there is one connection and everything runs where it is called,
//! in the order of the calls: a test that replays the calls gets the same answers.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{broadcast, oneshot};

use super::{
    Options,
    database::{self, Opened},
    kinds::Kinds,
    open_error::OpenError,
    refusal::Refusal,
    schema,
    storage_fault::StorageFault,
    transaction::{self, Transaction, Written},
};

/// Most writes in one transaction; more would delay the first one's answer.
const LARGEST_BATCH: usize = 256;
/// How often a watched file is looked at for writes of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

type ReadJob = Box<dyn FnOnce(&Connection) + Send>;
type WriteJob = Box<dyn FnOnce(Result<&Transaction<'_>, Refusal>) -> Result<Answer, Refusal> + Send>;
/// Sends what a write came to, once it is known whether it was committed.
type Answer = Box<dyn FnOnce(Result<(), Refusal>) + Send>;

struct QueuedWrite {
    dry_run: bool,
    job: WriteJob,
}

/// Runs reads and writes on one database.
pub(super) struct Engine {
    shared: Arc<Shared>,
    place: Place,
    /// Behind `place`, by whose end the threads end.
    _threads: Option<Threads>,
}

/// The threads of a file, which end before this does: whoever closes the file last takes the log into it, so that it is
/// complete in itself when the program has ended.
struct Threads {
    reader: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        for thread in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            // One that has panicked has closed the file as well.
            drop(thread.join());
        }
    }
}

enum Place {
    Here(Mutex<Writer>),
    Threads { writes: mpsc::Sender<QueuedWrite>, reads: mpsc::Sender<ReadJob> },
    Reader { reads: mpsc::Sender<ReadJob>, because: StorageFault },
}

struct Shared {
    kinds: Kinds,
    options: Options,
    /// None in memory.
    file: Option<PathBuf>,
    latest: AtomicI64,
    /// Tells of every newer revision. A broadcast wakes its receivers in order, where a `watch` draws lots: a run on
    /// virtual time has to replay.
    revisions: broadcast::Sender<()>,
    changes: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    fn announce(&self, revision: i64) {
        if self.latest.fetch_max(revision, Ordering::Relaxed) < revision {
            // An error says that nobody watches.
            let _ = self.revisions.send(());
        }
    }
}

impl Engine {
    pub(super) fn in_memory(kinds: Kinds, options: Options) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(kinds, options, None));
        let writer = Writer::new(database::open_in_memory()?, Arc::clone(&shared));
        Ok(Self { shared, place: Place::Here(Mutex::new(writer)), _threads: None })
    }

    pub(super) fn on_file(path: &Path, kinds: Kinds, options: Options) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(kinds, options, Some(path.to_owned())));
        let (writer, reader) = match database::open(path)? {
            Opened::Writable(connection) => {
                (Ok(Writer::new(connection, Arc::clone(&shared))), database::open_to_write(path)?)
            }
            Opened::ReadOnly(connection, because) => (Err(because), connection),
        };
        let (reads, queue) = mpsc::channel();
        let announced_to = Arc::clone(&shared);
        let reader = start_thread("api-reader", path, move || read_all(&reader, &queue, &announced_to))?;
        let mut threads = Threads { reader: Some(reader), writer: None };
        let place = match writer {
            Err(because) => Place::Reader { reads, because },
            Ok(writer) => {
                let (writes, queue) = mpsc::channel();
                // Two that close at the same time are in each other's way: the reader goes first.
                let reader = threads.reader.take();
                let run = move || {
                    write_all(writer, &queue, || drop(reader.map(JoinHandle::join)));
                };
                threads.writer = Some(start_thread("api-writer", path, run)?);
                Place::Threads { writes, reads }
            }
        };
        Ok(Self { shared, place, _threads: Some(threads) })
    }

    /// Fails unless the file may be written and every page of it is what it should be; nothing is wrong in memory.
    pub(super) async fn ensure_sound(&self) -> Result<(), OpenError> {
        let Some(path) = self.shared.file.clone() else { return Ok(()) };
        match &self.place {
            Place::Reader { because: StorageFault::Full, .. } => return Err(OpenError::Full { path }),
            Place::Reader { .. } => return Err(OpenError::ReadOnly { path }),
            Place::Here(_) | Place::Threads { .. } => {}
        }
        let looked_at = path.clone();
        let checked = self.read(move |sql| Ok(database::check(sql, &looked_at))).await;
        checked.unwrap_or_else(|refusal| Err(OpenError::Damaged { path, what: refusal.message().to_owned() }))
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(super) fn kinds(&self) -> &Kinds {
        &self.shared.kinds
    }

    /// A receiver that wakes when there may be changes since it was made.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<()> {
        self.shared.revisions.subscribe()
    }

    /// How many changes of objects of that resource this engine has stored.
    pub(super) fn changes(&self, plural: &str) -> u64 {
        lock(&self.shared.changes).get(plural).copied().unwrap_or_default()
    }

    /// Runs `job` on one consistent state of the database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let in_transaction = move |sql: &Connection| {
            let _transaction = sql.unchecked_transaction()?;
            job(sql)
        };
        match &self.place {
            Place::Here(writer) => in_transaction(&lock(writer).sql),
            Place::Threads { reads, .. } | Place::Reader { reads, .. } => {
                let (answer, answered) = oneshot::channel();
                let send = Box::new(move |sql: &Connection| {
                    // The client may have gone: then nobody waits for the answer.
                    let _ = answer.send(in_transaction(sql));
                });
                reads.send(send).map_err(|_| ended())?;
                let outcome = answered.await.map_err(|_| ended())?;
                outcome.map_err(|refusal| self.shared.name_file(refusal))
            }
        }
    }

    /// Runs `job` in a transaction; what it wrote is stored if, and only if, this returns `Ok`.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        dry_run: bool,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        let job: WriteJob = Box::new(move |transaction| match transaction.and_then(job) {
            Ok(outcome) => Ok(Box::new(move |committed: Result<(), Refusal>| {
                let _ = answer.send(committed.map(|()| outcome));
            })),
            Err(refusal) => {
                let _ = answer.send(Err(refusal.clone()));
                Err(refusal)
            }
        });
        let write = QueuedWrite { dry_run, job };
        match &self.place {
            Place::Here(writer) => lock(writer).commit(vec![write]),
            Place::Threads { writes, .. } => writes.send(write).map_err(|_| ended())?,
            Place::Reader { because, .. } => {
                return Err(Refusal::storage(because.clone(), self.shared.file.as_deref()));
            }
        }
        let outcome = answered.await.map_err(|_| ended())?;
        outcome.map_err(|refusal| self.shared.name_file(refusal))
    }
}

impl Shared {
    fn new(kinds: Kinds, options: Options, file: Option<PathBuf>) -> Self {
        let (latest, revisions) = (AtomicI64::new(0), broadcast::Sender::new(1));
        Self { kinds, options, file, latest, revisions, changes: Mutex::default() }
    }

    fn name_file(&self, refusal: Refusal) -> Refusal {
        refusal.in_file(self.file.as_deref())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> Refusal {
    Refusal::internal("the database's thread has ended")
}

fn start_thread(
    name: &str,
    path: &Path,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|source| OpenError::Thread { path: path.to_owned(), source })
}

/// Writes until nobody can ask for it any more; closes the file after `others_closed`.
fn write_all(mut writer: Writer, queue: &mpsc::Receiver<QueuedWrite>, others_closed: impl FnOnce()) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(LARGEST_BATCH - 1));
        writer.commit(batch);
    }
    others_closed();
}

fn read_all(sql: &Connection, queue: &mpsc::Receiver<ReadJob>, shared: &Shared) {
    let mut seen = None;
    loop {
        let watched = shared.revisions.receiver_count() > 0;
        let job = if watched {
            queue.recv_timeout(POLL_INTERVAL)
        } else {
            queue.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
        };
        match job {
            Ok(job) => job(sql),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        if watched {
            announce_foreign_writes(sql, &mut seen, shared);
        }
    }
}

/// SQLite's `data_version` changes when another connection, of any process, has committed.
fn announce_foreign_writes(sql: &Connection, seen: &mut Option<i64>, shared: &Shared) {
    let version = sql.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0));
    let Ok(version) = version else { return };
    if *seen != Some(version)
        && let Ok((revision, _)) = transaction::revisions(sql)
    {
        *seen = Some(version);
        shared.announce(revision);
    }
}

struct Writer {
    sql: Connection,
    shared: Arc<Shared>,
    /// Which file it is, whatever its name.
    identity: Option<(u64, u64)>,
    unpruned_rows: usize,
    unpruned_bytes: usize,
}

impl Writer {
    fn new(sql: Connection, shared: Arc<Shared>) -> Self {
        let identity = shared.file.as_deref().and_then(identity);
        Self { sql, shared, identity, unpruned_rows: 0, unpruned_bytes: 0 }
    }

    fn commit(&mut self, batch: Vec<QueuedWrite>) {
        let mut answers = Vec::with_capacity(batch.len());
        let mut batch = batch.into_iter();
        let committed = self.run(&mut batch, &mut answers);
        if let Ok(written) = &committed {
            let mut changes = lock(&self.shared.changes);
            for change in written {
                *changes.entry(change.resource.clone()).or_default() += 1;
            }
        }
        let outcome = committed.as_ref().map(drop).map_err(Clone::clone);
        for answer in answers {
            answer(outcome.clone());
        }
        if let Err(refusal) = &outcome {
            // Those that were not reached send the refusal themselves.
            batch.for_each(|write| drop((write.job)(Err(refusal.clone()))));
        }
        if let Some(last) = committed.ok().and_then(|written| written.last().map(|w| w.revision)) {
            self.shared.announce(last);
        }
    }

    /// Runs the writes in one transaction. An error says that none of them is stored, and leaves those in `batch` that
    /// were not reached.
    fn run(
        &mut self,
        batch: &mut impl Iterator<Item = QueuedWrite>,
        answers: &mut Vec<Answer>,
    ) -> Result<Vec<Written>, Refusal> {
        let shared = Arc::clone(&self.shared);
        let file = shared.file.as_deref();
        if file.and_then(identity) != self.identity {
            return Err(Refusal::storage(StorageFault::Moved, file));
        }
        let mut transaction = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let format = schema::version(&transaction)?;
        if format > schema::VERSION {
            return Err(Refusal::storage(StorageFault::Newer(format), file));
        }
        let mut all = Vec::new();
        for write in batch {
            let savepoint = match transaction.savepoint() {
                Ok(savepoint) => savepoint,
                Err(error) => {
                    let refusal = Refusal::from(error);
                    drop((write.job)(Err(refusal.clone())));
                    return Err(refusal);
                }
            };
            let view = Transaction::new(&savepoint, &shared.kinds, &shared.options, write.dry_run);
            match (write.job)(Ok(&view)) {
                Ok(answer) => {
                    all.append(&mut view.into_written());
                    answers.push(answer);
                    savepoint.commit()?;
                }
                // After some faults SQLite has rolled back everything, not only this write: what followed would be
                // stored by itself.
                Err(refusal) if savepoint.is_autocommit() => return Err(refusal),
                Err(_) => {}
            }
        }
        self.unpruned_rows += all.len();
        self.unpruned_bytes += all.iter().map(|w| w.bytes).sum::<usize>();
        let log = shared.options.change_log;
        if self.unpruned_rows > log.rows / 8 || self.unpruned_bytes > log.bytes / 8 {
            prune(&transaction, log.rows, log.bytes)?;
            (self.unpruned_rows, self.unpruned_bytes) = (0, 0);
        }
        transaction.commit()?;
        Ok(all)
    }
}

/// Device and number of the file that has this name now.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Drops the oldest changes until at most `rows` of them, and about `bytes` of their bodies, are left.
fn prune(sql: &Connection, rows: usize, bytes: usize) -> Result<(), Refusal> {
    let limit = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let sql_newest_to_go = "SELECT max(revision) FROM (
        SELECT revision,
            row_number() OVER newest AS position,
            sum(size) OVER newest AS total
        FROM changes WINDOW newest AS (ORDER BY revision DESC)
    ) WHERE position > ?1 OR (total > ?2 AND position > 1)";
    let newest: Option<i64> = sql
        .prepare_cached(sql_newest_to_go)?
        .query_row(params![limit(rows), limit(bytes)], |row| row.get(0))?;
    if let Some(newest) = newest {
        sql.prepare_cached("DELETE FROM changes WHERE revision <= ?1")?.execute([newest])?;
        sql.prepare_cached("UPDATE state SET compacted = max(compacted, ?1)")?.execute([newest])?;
    }
    Ok(())
}
