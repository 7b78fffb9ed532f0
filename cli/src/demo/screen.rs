//! How the tour looks: chapters, command lines and checks as they come, and a table of all checks at the end.

use std::time::Duration;

use dialoguer::console::style;
use indicatif::ProgressBar;

use super::DemoError;
use super::event::{Check, Event};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::Table;

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
    checks: Vec<Check>,
    end: Option<Event>,
}

impl<'a> Screen<'a> {
    /// Shows the welcome. There is a sign of life only on a terminal.
    pub(super) fn new(output: &'a mut Output) -> Result<Self, Failure> {
        let progress = ProgressBar::new_spinner();
        progress.enable_steady_tick(Duration::from_millis(100));
        let mut screen = Self { output, progress, chapters: 0, checks: Vec::new(), end: None };
        screen.print(WELCOME)?;
        Ok(screen)
    }

    /// Shows what happened.
    pub(super) fn show(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Chapter { title, text } => {
                self.chapters += 1;
                self.print(&format!("\n{}. {title}\n{}", self.chapters, indented(3, &text)))
            }
            Event::Doing { what } => {
                self.progress.set_message(what);
                Ok(())
            }
            Event::Command { line, printed } => {
                self.print(&format!("\n   $ {line}"))?;
                if printed.trim().is_empty() { Ok(()) } else { self.print(&indented(5, &printed)) }
            }
            Event::Check(check) => {
                let mark = self.mark(check.kept);
                self.print(&format!("   {mark} {}: {}{}", check.promise, check.seen, took(&check)))?;
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
                let Check { promise, seen, milliseconds: _, kept } = check;
                table.row(vec![self.mark(*kept), promise.clone(), seen.clone(), milliseconds(check)]);
            }
            let text = table.take_text(self.output.width());
            self.print(&format!("\nSummary\n\n{}", text.trim_end()))?;
        }
        let broken = self.checks.iter().filter(|check| !check.kept).count();
        match self.end.take() {
            Some(Event::Stopped { reason, log }) => {
                if !log.is_empty() {
                    self.print(&format!("\nThe last lines of the server's log:\n{}", indented(2, &log.join("\n"))))?;
                }
                Err(DemoError::Stopped { reason }.into())
            }
            Some(_) if broken == 0 => self.print(&format!("\n{FAREWELL}")),
            Some(_) => Err(DemoError::Broken { broken, checks: self.checks.len() }.into()),
            None => Err(DemoError::Stopped { reason: "it ended without a word".into() }.into()),
        }
    }

    /// Green or red where that can be seen and is wanted.
    fn mark(&self, kept: bool) -> String {
        let mark = if kept { style("✓").green() } else { style("✗").red() };
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
    text.trim_end().lines().map(|line| format!("{blanks}{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Memory;
}
