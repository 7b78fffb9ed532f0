//! What the tour tells whoever watches it: one JSON object a line, from the sandbox to the process at the terminal.
//!
//! How it looks is for [`super::screen`] to say.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub(super) enum Event {
    /// A new part of the tour begins.
    Chapter {
        /// Its title.
        title: String,
        /// What it shows, and why that matters.
        text: String,
    },
    /// Something takes a moment.
    Doing {
        /// What is waited for.
        what: String,
    },
    /// A command line was run.
    Command {
        /// As the user would type it.
        line: String,
        /// What it printed.
        printed: String,
    },
    /// A promise was put to the test.
    Check(Check),
    /// The tour cannot go on.
    Stopped {
        /// Why.
        reason: String,
        /// The last lines that the server logged; may be empty.
        log: Vec<String>,
    },
    /// Every part of the tour has been shown.
    Finished,
}

/// A promise, and whether it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Check {
    /// The promise, in a few words.
    pub promise: String,
    /// What was seen of it, in a few words too.
    pub seen: String,
    /// More of it, line by line; may be empty.
    pub detail: Vec<String>,
    /// How long it took; none where the time says nothing.
    pub milliseconds: Option<u64>,
    /// Whether it was kept.
    pub kept: bool,
}

/// Tells events, one a line.
pub(super) struct Narrator<W>(W);

impl<W: Write> Narrator<W> {
    /// Tells them to this writer.
    pub(super) fn new(to: W) -> Self {
        Self(to)
    }

    /// Tells one. Fails when nobody listens any more.
    pub(super) fn tell(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, event)?;
        self.0.write_all(b"\n")?;
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_was_printed() {
        let event = Event::Command { line: "vmdhcp pool list".into(), printed: "NAME\nippool-1\n".into() };
        let mut told = Vec::new();
        Narrator::new(&mut told).tell(&event).unwrap();
        assert_eq!(told.split_inclusive(|byte| *byte == b'\n').count(), 1);
        assert_eq!(serde_json::from_slice::<Event>(&told).unwrap(), event);
    }

    #[test]
    fn a_check_says_so_at_its_own_level() {
        let check = Check {
            promise: "p".into(),
            seen: "s".into(),
            detail: Vec::new(),
            milliseconds: None,
            kept: true,
        };
        let line = serde_json::to_value(Event::Check(check)).unwrap();
        assert_eq!(line["event"], "check");
        assert_eq!(line["kept"], true);
    }
}
