//! How the tour looks: chapters, command lines and checks as they come, and a table of all checks at the end.

use std::time::Duration;

use dialoguer::console::style;
use indicatif::ProgressBar;

use super::DemoError;
use super::event::{Check, Event};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::Table;

/// Before a promise that was kept.
const KEPT: &str = "✓";
/// Before one that was not.
const BROKEN: &str = "✗";

/// What stands before everything.
const WELCOME: &str = "vmdhcp demo: a tour of managed DHCP for virtual machines.\n\
    It takes place in namespaces of its own, and leaves nothing behind.";

/// What stands after a tour that kept its promises.
const FAREWELL: &str = "Next: `vmdhcp --local pool create` for a network of this machine, or the Helm chart for a \
    cluster's.\n`vmdhcp --help` lists the rest.";

/// The terminal, or the file, that the tour is shown on.
pub(super) struct Screen<'a> {
    output: &'a mut Output,
    progress: ProgressBar,
    chapters: usize,
    last: Line,
    checks: Vec<Check>,
    end: Option<Event>,
}

/// What the last lines were: different ones have a blank line between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Text,
    Command,
    Check,
}

impl<'a> Screen<'a> {
    /// Shows the welcome. There is a sign of life only on a terminal.
    pub(super) fn new(output: &'a mut Output) -> Result<Self, Failure> {
        let progress = ProgressBar::new_spinner();
        progress.enable_steady_tick(Duration::from_millis(100));
        let mut screen =
            Self { output, progress, chapters: 0, last: Line::Text, checks: Vec::new(), end: None };
        screen.print(WELCOME)?;
        Ok(screen)
    }

    /// Shows what happened.
    pub(super) fn show(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Chapter { title, text } => {
                self.chapters += 1;
                self.last = Line::Text;
                self.print(&format!("\n{}. {title}\n{}", self.chapters, indented(3, &text)))
            }
            Event::Doing { what } => {
                self.progress.set_message(what);
                Ok(())
            }
            Event::Command { line, printed } => {
                self.begin(Line::Command)?;
                self.print(&format!("   $ {line}"))?;
                if printed.trim().is_empty() { Ok(()) } else { self.print(&indented(5, &printed)) }
            }
            Event::Check(check) => {
                self.progress.set_message("");
                self.begin(Line::Check)?;
                let mark = self.mark(check.kept);
                self.print(&format!("   {mark} {}: {}{}", check.promise, check.seen, took(&check)))?;
                if !check.detail.is_empty() {
                    self.print(&indented(7, &check.detail.join("\n")))?;
                }
                self.checks.push(check);
                Ok(())
            }
            // The first end is the one that says why.
            end @ (Event::Stopped { .. } | Event::Finished) => {
                self.end.get_or_insert(end);
                Ok(())
            }
        }
    }

    /// Shows all checks once more, and says whether the tour kept its promises.
    pub(super) fn conclude(mut self) -> Result<(), Failure> {
        self.progress.finish_and_clear();
        if !self.checks.is_empty() {
            let mut table = Table::new(["", "WHAT", "SEEN", "TIME"]);
            for check in &self.checks {
                let Check { promise, seen, detail: _, milliseconds: _, kept } = check;
                let mark = if *kept { KEPT } else { BROKEN };
                table.row(vec![mark.to_owned(), promise.clone(), seen.clone(), milliseconds(check)]);
            }
            let text = table.take_text(self.output.width());
            self.print(&format!("\nSummary\n\n{}", text.trim_end()))?;
        }
        let broken = self.checks.iter().filter(|check| !check.kept).count();
        match self.end.take() {
            Some(Event::Stopped { reason, log }) => {
                if !log.is_empty() {
                    self.print(&format!(
                        "\nThe last lines of the server's log:\n{}",
                        indented(2, &log.join("\n"))
                    ))?;
                }
                Err(DemoError::Stopped { reason }.into())
            }
            Some(_) if broken == 0 => self.print(&format!("\n{FAREWELL}")),
            Some(_) => Err(DemoError::Broken { broken, checks: self.checks.len() }.into()),
            None => Err(DemoError::Stopped { reason: "it ended without a word".into() }.into()),
        }
    }

    /// Begins lines of this kind.
    fn begin(&mut self, line: Line) -> Result<(), Failure> {
        let before = std::mem::replace(&mut self.last, line);
        if before == line { Ok(()) } else { self.print("") }
    }

    /// Green or red where that can be seen and is wanted.
    fn mark(&self, kept: bool) -> String {
        let mark = if kept { style(KEPT).green() } else { style(BROKEN).red() };
        let is_terminal = self.output.width().is_some();
        if is_terminal { mark } else { mark.force_styling(false) }.to_string()
    }

    /// Prints above the sign of life.
    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let Self { output, progress, .. } = self;
        progress.suspend(|| {
            output.line(text)?;
            output.flush()
        })
    }
}

fn took(check: &Check) -> String {
    if check.milliseconds.is_some() { format!(" ({})", milliseconds(check)) } else { String::new() }
}

fn milliseconds(check: &Check) -> String {
    check.milliseconds.map(|time| format!("{time} ms")).unwrap_or_default()
}

fn indented(blanks: usize, text: &str) -> String {
    let blanks = " ".repeat(blanks);
    text.trim_end()
        .lines()
        .map(|line| format!("{blanks}{line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    fn check(promise: &str, kept: bool) -> Event {
        let seen = "192.168.48.82".to_owned();
        Event::Check(Check {
            promise: promise.to_owned(),
            seen,
            detail: vec!["router 192.168.48.1".into()],
            milliseconds: Some(12),
            kept,
        })
    }

    /// What is on the screen after these events, and how the demo ends.
    fn shown(events: impl IntoIterator<Item = Event>) -> (String, Result<(), Failure>) {
        let stream = Stream::default();
        let mut output = Output::to_memory(stream.clone(), Stream::default());
        let mut screen = Screen::new(&mut output).unwrap();
        for event in events {
            screen.show(event).unwrap();
        }
        let result = screen.conclude();
        (stream.text(), result)
    }

    #[test]
    fn a_tour_is_shown_in_chapters_and_ends_with_a_table_of_its_checks() {
        let chapter = Event::Chapter { title: "The VMs boot".into(), text: "Each asks.\nEach gets.".into() };
        let command = Event::Command { line: "vmdhcp pool list".into(), printed: "NAME\nippool-1\n".into() };
        let (text, result) =
            shown([chapter, command, check("an address", true), check("the same", true), Event::Finished]);
        insta::assert_snapshot!(text);
        assert!(result.is_ok());
    }

    #[test]
    fn a_check_that_does_not_hold_is_marked_and_makes_the_demo_fail() {
        let (text, result) = shown([check("an address", true), check("the same", false), Event::Finished]);
        assert!(text.contains("✗ the same"), "{text}");
        assert_eq!(
            result.unwrap_err().to_string(),
            "1 of 2 checks of the demo did not hold; they are marked ✗ above"
        );
    }

    #[test]
    fn a_tour_that_stops_says_why_with_the_last_lines_of_the_log_and_its_first_reason_counts() {
        let stopped =
            Event::Stopped { reason: "the server ended".into(), log: vec!["no such interface".into()] };
        let later = Event::Stopped { reason: "signal 9".into(), log: Vec::new() };
        let (text, result) = shown([check("an address", true), stopped, later]);
        assert!(text.contains("no such interface"), "{text}");
        assert_eq!(result.unwrap_err().to_string(), "the demo stopped: the server ended");
    }

    #[test]
    fn a_tour_that_breaks_off_is_no_success_however_many_checks_held() {
        assert!(shown([check("an address", true)]).1.is_err());
        assert!(shown([]).1.is_err());
    }
}
