//! Watching: what is, and then what changes, out of the change log.
//!
//! A stream holds nothing but its place in the log, and reads on when its client has taken what it had. A client that
//! is too slow, or comes back too late, finds its place pruned and is told 410: it has to list again.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::body::Body;
use futures::{Stream, stream};
use rusqlite::{Connection, Row, params};
use serde_json::json;
use tokio::{
    sync::broadcast,
    time::{Instant, sleep_until},
};

use super::{
    engine::Engine,
    kinds::Kind,
    list::{self, read_labels, view},
    refusal::{Cause, Refusal},
    request::Query,
    selector::Selection,
    transaction,
};

/// Bytes of events read from the log at once.
const READ_AHEAD: usize = 4 * 1024 * 1024;
/// How long before its end a watch tells where it is (the apiserver's time).
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// Set on the bookmark that ends a streamed list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a watch is to tell.
#[derive(Debug)]
pub(super) struct WatchOptions {
    selection: Selection,
    start: Start,
    bookmarks: bool,
    timeout: Option<Duration>,
    metadata_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With what is there now; `marked` ends it with a bookmark of its own.
    Everything { marked: bool },
    /// With what happens from now on.
    Now,
    /// With what has happened since.
    After(i64),
}

impl WatchOptions {
    pub(super) fn parse(query: &Query, metadata_only: bool) -> Result<Self, Refusal> {
        let forbidden = |field: &str, message: &str| {
            Refusal::invalid_options("ListOptions", Cause::forbidden(field, message))
        };
        let initial_events = query.flag("sendInitialEvents")?;
        match (initial_events, query.get("resourceVersionMatch")) {
            (Some(_), Some("NotOlderThan")) | (None, None) => {}
            (Some(_), _) => {
                let message = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                return Err(forbidden("resourceVersionMatch", message));
            }
            (None, Some(_)) => {
                let message =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                return Err(forbidden("resourceVersionMatch", message));
            }
        }
        let start = match (initial_events, query.version()?) {
            (Some(true), _) => Start::Everything { marked: true },
            (None, None) => Start::Everything { marked: false },
            (Some(false), None) => Start::Now,
            (_, Some(version)) => Start::After(version),
        };
        Ok(Self {
            selection: query.selection()?,
            start,
            bookmarks: query.flag("allowWatchBookmarks")?.unwrap_or_default(),
            timeout: query
                .number("timeoutSeconds")?
                .filter(|s| *s > 0)
                .map(|s: u32| Duration::from_secs(s.into())),
            metadata_only,
        })
    }
}

/// The body of a watch's answer: one event a line.
pub(super) fn watch(
    engine: Arc<Engine>,
    kind: Arc<Kind>,
    namespace: Option<String>,
    options: WatchOptions,
) -> Body {
    Body::from_stream(events(engine, kind, namespace, options))
}

fn events(
    engine: Arc<Engine>,
    kind: Arc<Kind>,
    namespace: Option<String>,
    options: WatchOptions,
) -> impl Stream<Item = Result<String, std::convert::Infallible>> {
    let now = Instant::now();
    let deadline = options.timeout.map(|timeout| now + timeout);
    let watcher = Watcher {
        deadline,
        next_bookmark: next_bookmark(now, deadline, engine.options().bookmark_interval),
        // Before the first read, so that no change falls between.
        revisions: engine.subscribe(),
        scope: Arc::new(Scope { kind, namespace, options }),
        engine,
        position: Position::Unknown,
        told: 0,
        events: VecDeque::new(),
    };
    stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    })
}

/// When a quiet watch tells next where it is: now and then, and shortly before its end, as its client will come back to
/// go on from there.
fn next_bookmark(now: Instant, deadline: Option<Instant>, interval: Duration) -> Instant {
    let before_the_end = deadline.and_then(|deadline| deadline.checked_sub(LAST_BOOKMARK));
    let regular = now + interval;
    before_the_end.filter(|last| *last > now).map_or(regular, |last| last.min(regular))
}

/// What a watch is about; shared with the reads that it sends to the database.
struct Scope {
    kind: Arc<Kind>,
    namespace: Option<String>,
    options: WatchOptions,
}

struct Watcher {
    engine: Arc<Engine>,
    scope: Arc<Scope>,
    revisions: broadcast::Receiver<()>,
    deadline: Option<Instant>,
    next_bookmark: Instant,
    position: Position,
    /// Revision that the client knows of.
    told: i64,
    events: VecDeque<String>,
}

#[derive(Debug, Clone, Copy)]
enum Position {
    /// Nothing has been read yet.
    Unknown,
    /// Everything up to and with this revision has been read.
    At(i64),
    /// An error has been told; nothing follows it.
    Ended,
}

/// Events read from the log, and the revision that they lead to.
struct Read {
    events: VecDeque<String>,
    revision: i64,
    /// There may be more already.
    partial: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            let position = match self.position {
                Position::Ended => return None,
                Position::Unknown => None,
                Position::At(revision) => Some(revision),
            };
            self.revisions = self.revisions.resubscribe();
            let scope = Arc::clone(&self.scope);
            match self.engine.read(move |sql| scope.read(sql, position)).await {
                Err(refusal) => {
                    self.position = Position::Ended;
                    return Some(line("ERROR", &refusal.body().to_string()));
                }
                Ok(read) => {
                    if position.is_none() || !read.events.is_empty() {
                        self.told = read.revision;
                    }
                    self.events = read.events;
                    self.position = Position::At(read.revision);
                    if !self.events.is_empty() || read.partial {
                        continue;
                    }
                    if let Some(bookmark) = self.overdue_bookmark(read.revision) {
                        return Some(bookmark);
                    }
                }
            }
            self.wait().await;
        }
    }

    /// A bookmark when it is time, or when other kinds' changes have filled a good part of the log: a client that has
    /// to come back must not find its version pruned only because its own objects were quiet.
    fn overdue_bookmark(&mut self, revision: i64) -> Option<String> {
        let behind = usize::try_from(revision - self.told).unwrap_or_default();
        let many = behind > self.engine.options().change_log.rows / 4;
        let due = self.next_bookmark <= Instant::now();
        if due {
            let interval = self.engine.options().bookmark_interval;
            self.next_bookmark = next_bookmark(Instant::now(), self.deadline, interval);
        }
        if !self.scope.options.bookmarks || !(due || many) {
            return None;
        }
        self.told = revision;
        Some(self.scope.bookmark(revision, false))
    }

    async fn wait(&mut self) {
        let mut until = self.next_bookmark;
        if let Some(deadline) = self.deadline {
            until = until.min(deadline);
        }
        tokio::select! {
            biased;
            // Having missed some is news as well; the engine holds the sender, and this holds the engine.
            _ = self.revisions.recv() => {}
            () = sleep_until(until) => {}
        }
    }
}

impl Scope {
    fn read(&self, sql: &Connection, position: Option<i64>) -> Result<Read, Refusal> {
        match (position, self.options.start) {
            (None, Start::Everything { marked }) => self.everything(sql, marked),
            (None, Start::Now) => {
                let (revision, _) = transaction::revisions(sql)?;
                Ok(Read { events: VecDeque::new(), revision, partial: false })
            }
            (None, Start::After(revision)) | (Some(revision), _) => self.changes(sql, revision),
        }
    }

    fn everything(&self, sql: &Connection, marked: bool) -> Result<Read, Refusal> {
        let (revision, _) = transaction::revisions(sql)?;
        let found =
            list::select(sql, &self.kind, self.namespace.as_deref(), &self.options.selection, None, None)?;
        let added = found.into_iter().map(|found| self.event("ADDED", found.body));
        let mut events = added.collect::<Result<VecDeque<_>, _>>()?;
        if marked {
            events.push_back(self.bookmark(revision, true));
        }
        Ok(Read { events, revision, partial: false })
    }

    fn changes(&self, sql: &Connection, after: i64) -> Result<Read, Refusal> {
        let (current, compacted) = transaction::revisions(sql)?;
        // A version from the future was given out by a file that this one has replaced.
        if after < compacted || after > current {
            return Err(Refusal::expired(format!("too old resource version: {after} ({compacted})")));
        }
        let query = "SELECT revision, type, namespace, name, labels, before_labels, before, body FROM changes
            WHERE revision > ?1 AND api_group = ?2 AND resource = ?3 AND (?4 IS NULL OR namespace = ?4)
            ORDER BY revision";
        let mut statement = sql.prepare_cached(query)?;
        let mut rows =
            statement.query(params![after, self.kind.group(), self.kind.plural(), self.namespace])?;
        let mut read = Read { events: VecDeque::new(), revision: current, partial: false };
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            if let Some(event) = self.told_of(row)? {
                bytes += event.len();
                read.events.push_back(event);
            }
            if bytes > READ_AHEAD {
                read.revision = row.get(0)?;
                read.partial = true;
                break;
            }
        }
        Ok(read)
    }

    /// What a client with this selection sees of a change: to it, an object that stops matching is gone.
    fn told_of(&self, row: &Row<'_>) -> Result<Option<String>, Refusal> {
        let (change, namespace, name): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let labels: Option<String> = row.get(4)?;
        let before_labels: Option<String> = row.get(5)?;
        let matches =
            |labels: Option<&str>| self.options.selection.matches(&namespace, &name, || read_labels(labels));
        let now = matches(labels.as_deref())?;
        let before = match &before_labels {
            Some(before) => matches(Some(before))?,
            None => now,
        };
        let (word, column) = match (change.as_str(), before, now) {
            ("MODIFIED", false, true) => ("ADDED", 7),
            ("MODIFIED", true, false) => ("DELETED", 6),
            (word, _, true) => (word, 7),
            (_, _, false) => return Ok(None),
        };
        self.event(word, row.get(column)?).map(Some)
    }

    fn event(&self, word: &str, body: String) -> Result<String, Refusal> {
        Ok(line(word, &view(body, self.options.metadata_only)?))
    }

    fn bookmark(&self, revision: i64, ends_initial_events: bool) -> String {
        let mut metadata = json!({ "resourceVersion": revision.to_string(), "creationTimestamp": null });
        if ends_initial_events {
            metadata["annotations"] = json!({ INITIAL_EVENTS_END: "true" });
        }
        let (kind, api_version) = if self.options.metadata_only {
            ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned())
        } else {
            (self.kind.kind(), self.kind.api_version())
        };
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        line("BOOKMARK", &object.to_string())
    }
}

fn line(word: &str, object: &str) -> String {
    format!("{{\"type\":\"{word}\",\"object\":{object}}}\n")
}
