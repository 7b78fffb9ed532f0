//! How many checks have held on each API: said once all of them have run, past the test runner, which swallows what the
//! print macros of a passing test say.

use std::{
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::CHECKS;

pub(crate) static IN_MEMORY: Tally = Tally::of("the local API in memory");
pub(crate) static IN_A_FILE: Tally = Tally::of("the local API in a file");
pub(crate) static ON_A_CLUSTER: Tally = Tally::of("a real kube-apiserver");

/// The checks of one API.
pub(crate) struct Tally {
    api: &'static str,
    held: AtomicUsize,
    left_out: AtomicUsize,
}

impl Tally {
    const fn of(api: &'static str) -> Self {
        Self { api, held: AtomicUsize::new(0), left_out: AtomicUsize::new(0) }
    }

    /// One more has held.
    pub(crate) fn holds(&self) {
        if Self::is_last(&self.held) {
            say(&format!("{}: all {} checks hold", self.api, CHECKS.len()));
        }
    }

    /// One more could not be run.
    pub(crate) fn is_left_out(&self) {
        if Self::is_last(&self.left_out) {
            say(&format!("left out: all {} checks on {}", CHECKS.len(), self.api));
        }
    }

    fn is_last(count: &AtomicUsize) -> bool {
        count.fetch_add(1, Ordering::Relaxed) + 1 == CHECKS.len()
    }
}

fn say(line: &str) {
    // In one piece, as other tests write too.
    drop(std::io::stderr().write_all(format!("\n{line}\n").as_bytes()));
}
