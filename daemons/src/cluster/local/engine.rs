//! Who runs the SQL, and who learns of changes.
//!
//! A file has two threads: one writes, and takes all writes that wait into one transaction (each in its savepoint, so
//! that a refused one costs only itself), because synchronous commits cost an fsync each; the other reads. Reads and
//! writes thus never wait for each other. In memory there is one connection and everything runs where it is called,
//! in the order of the calls: a test that replays the calls gets the same answers.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{broadcast, oneshot};

use super::{
    Options,
    database::{self, OpenError},
    kinds::Kinds,
    refusal::Refusal,
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
}

enum Place {
    Here(Mutex<Writer>),
    Threads { writes: mpsc::Sender<QueuedWrite>, reads: mpsc::Sender<ReadJob> },
}

struct Shared {
    kinds: Kinds,
    options: Options,
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
        let shared = Arc::new(Shared::new(kinds, options));
        let writer = Writer::new(database::open_in_memory()?, Arc::clone(&shared));
        Ok(Self { shared, place: Place::Here(Mutex::new(writer)) })
    }

    pub(super) fn on_file(path: &Path, kinds: Kinds, options: Options) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(kinds, options));
        let for_writing = Writer::new(database::open(path)?, Arc::clone(&shared));
        let (writes, queue) = mpsc::channel();
        start_thread("api-writer", path, move || write_all(for_writing, &queue))?;
        let (for_reading, announced_to) = (database::open(path)?, Arc::clone(&shared));
        let (reads, queue) = mpsc::channel();
        start_thread("api-reader", path, move || read_all(&for_reading, &queue, &announced_to))?;
        Ok(Self { shared, place: Place::Threads { writes, reads } })
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
            Place::Threads { reads, .. } => {
                let (answer, answered) = oneshot::channel();
                let send = Box::new(move |sql: &Connection| {
                    // The client may have gone: then nobody waits for the answer.
                    let _ = answer.send(in_transaction(sql));
                });
                reads.send(send).map_err(|_| ended())?;
                answered.await.map_err(|_| ended())?
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
        }
        answered.await.map_err(|_| ended())?
    }
}

impl Shared {
    fn new(kinds: Kinds, options: Options) -> Self {
        let (latest, revisions) = (AtomicI64::new(0), broadcast::Sender::new(1));
        Self { kinds, options, latest, revisions, changes: Mutex::default() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> Refusal {
    Refusal::internal("the database's thread has ended")
}

fn start_thread(name: &str, path: &Path, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map(drop).map_err(|source| OpenError::Thread { path: path.to_owned(), source })
}

fn write_all(mut writer: Writer, queue: &mpsc::Receiver<QueuedWrite>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(LARGEST_BATCH - 1));
        writer.commit(batch);
    }
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
    unpruned_rows: usize,
    unpruned_bytes: usize,
}

impl Writer {
    fn new(sql: Connection, shared: Arc<Shared>) -> Self {
        Self { sql, shared, unpruned_rows: 0, unpruned_bytes: 0 }
    }

    fn commit(&mut self, batch: Vec<QueuedWrite>) {
        let mut answers = Vec::with_capacity(batch.len());
        let committed = self.run(batch, &mut answers);
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
        if let Some(last) = committed.ok().and_then(|written| written.last().map(|w| w.revision)) {
            self.shared.announce(last);
        }
    }

    fn run(&mut self, batch: Vec<QueuedWrite>, answers: &mut Vec<Answer>) -> Result<Vec<Written>, Refusal> {
        let shared = Arc::clone(&self.shared);
        let mut batch = batch.into_iter();
        let begun = self.sql.transaction_with_behavior(TransactionBehavior::Immediate);
        let mut transaction = match begun.map_err(Refusal::from) {
            Ok(transaction) => transaction,
            Err(refusal) => {
                // Each job sends the refusal itself.
                batch.for_each(|write| drop((write.job)(Err(refusal.clone()))));
                return Err(refusal);
            }
        };
        let mut all = Vec::new();
        for write in batch.by_ref() {
            let savepoint = match transaction.savepoint() {
                Ok(savepoint) => savepoint,
                Err(error) => {
                    drop((write.job)(Err(error.into())));
                    continue;
                }
            };
            let view = Transaction::new(&savepoint, &shared.kinds, &shared.options, write.dry_run);
            if let Ok(answer) = (write.job)(Ok(&view)) {
                all.append(&mut view.into_written());
                answers.push(answer);
                savepoint.commit()?;
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
