//! What happens in a run, in words: the last of it is kept to be read, all of it is summed up to tell two runs apart.

use std::collections::VecDeque;
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How many of the last events are kept, unless all of them are asked for.
const KEPT: usize = 50;

/// The journal of one run; clones write the same one.
#[derive(Clone)]
pub(super) struct Journal {
    entries: Arc<Mutex<Entries>>,
    start: Instant,
}

#[derive(Default)]
struct Entries {
    last: VecDeque<String>,
    sum: DefaultHasher,
    count: u64,
    violation: Option<String>,
    keeps_all: bool,
}

impl Journal {
    pub(super) fn new() -> Self {
        let entries = Entries { keeps_all: std::env::var_os("SIM_ALL").is_some(), ..Entries::default() };
        Self { entries: Arc::new(Mutex::new(entries)), start: Instant::now() }
    }

    /// The time of the run: it starts at second one thousand million.
    pub(super) fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.start.elapsed()).unwrap();
        Timestamp::from_second(1_000_000_000).unwrap() + passed
    }

    /// Notes what has happened.
    pub(super) fn say(&self, what: impl Display) {
        let entry = format!("{:>9.3}s  {what}", self.start.elapsed().as_secs_f64());
        let mut entries = self.lock();
        entry.hash(&mut entries.sum);
        entries.count += 1;
        entries.last.push_back(entry);
        if entries.last.len() > KEPT && !entries.keeps_all {
            entries.last.pop_front();
        }
    }

    /// Notes what must not happen. Only the first time counts.
    pub(super) fn violate(&self, what: impl Display) {
        if self.violation().is_none() {
            self.say(format_args!("VIOLATION: {what}"));
            self.lock().violation = Some(what.to_string());
        }
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.lock().violation.clone()
    }

    pub(super) fn tail(&self) -> String {
        self.lock().last.iter().flat_map(|entry| [entry, "\n"]).collect()
    }

    /// How many events there were, and a number that stands for all of them.
    pub(super) fn sum(&self) -> (u64, u64) {
        let entries = self.lock();
        (entries.count, entries.sum.finish())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
