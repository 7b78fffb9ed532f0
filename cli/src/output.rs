//! Where a command's text goes: data to standard output, talk to standard error, through one writer.
//!
//! A reader that goes away (`vmdhcp lease list | head`) ends the command silently. Colours appear only on a terminal,
//! and never with `NO_COLOR` set.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use clap::builder::styling::{AnsiColor, Style};
use dialoguer::console::Term;
use serde::Serialize;

use crate::failure::Failure;

/// How objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table, or a page for one object.
    Table,
    /// The table with more columns.
    Wide,
    /// JSON, as the API has it.
    Json,
    /// YAML, as the API has it.
    Yaml,
    /// Names only, one a line, as kubectl takes them.
    Name,
}

/// The two streams of a command.
pub(crate) struct Output {
    data: Box<dyn Write>,
    talk: Box<dyn Write>,
    width: Option<u16>,
    /// Whether talk may be coloured.
    colour: bool,
}

impl Output {
    /// The process's own streams.
    pub(crate) fn standard() -> Self {
        let terminal = Term::stdout();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            data: Box::new(io::BufWriter::new(io::stdout())),
            talk: Box::new(io::stderr()),
            width: terminal.is_term().then(|| terminal.size().1),
            colour: Term::stderr().is_term()
                && !no_color
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }

    /// Streams into memory, of no known width and without colours.
    #[cfg(test)]
    pub(crate) fn to_memory(data: impl Write + 'static, talk: impl Write + 'static) -> Self {
        Self { data: Box::new(data), talk: Box::new(talk), width: None, colour: false }
    }

    /// Columns of the terminal, where the data goes to one.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    /// Writes data as it is.
    pub(crate) fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.data.write_all(text.as_bytes()).map_err(data_failure)
    }

    /// Writes one line of data.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.data, "{line}").map_err(data_failure)
    }

    /// Writes an object as JSON or YAML.
    pub(crate) fn object(&mut self, format: Structured, object: &impl Serialize) -> Result<(), Failure> {
        let invalid = |e: &dyn Display| io::Error::new(ErrorKind::InvalidData, e.to_string());
        let text = match format {
            Structured::Json => {
                serde_json::to_string_pretty(object).map(|text| text + "\n").map_err(|e| invalid(&e))
            }
            Structured::Yaml => serde_yaml::to_string(object).map_err(|e| invalid(&e)),
        };
        self.data(&text.map_err(|source| Failure::Io { doing: "print the result", source })?)
    }

    /// Says something to the user. A closed standard error stops nothing.
    pub(crate) fn say(&mut self, line: impl Display) {
        // Data that was written before shall be seen before.
        drop(self.data.flush());
        drop(writeln!(self.talk, "{line}"));
    }

    /// Sends everything on its way; called once at the end, and after each part of a watch.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.data.flush().map_err(data_failure)
    }

    /// Says why the command failed.
    pub(crate) fn error(&mut self, failure: &Failure) {
        let style = if self.colour {
            Style::new().fg_color(Some(AnsiColor::Red.into())).bold()
        } else {
            Style::new()
        };
        self.say(format_args!("{style}error:{style:#} {failure}"));
    }
}

/// The formats for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structured {
    /// JSON, indented.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// The format for programs that this is, if it is one.
    pub(crate) fn structured(self) -> Option<Structured> {
        match self {
            Self::Json => Some(Structured::Json),
            Self::Yaml => Some(Structured::Yaml),
            Self::Table | Self::Wide | Self::Name => None,
        }
    }
}

fn data_failure(source: io::Error) -> Failure {
    match source.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::Io { doing: "write to standard output", source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader has gone.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error_of_ours_and_a_closed_stderr_stops_nothing() {
        let mut output = Output::to_memory(Broken, Broken);
        output.say("talk");
        assert!(matches!(output.line("data"), Err(Failure::ReaderGone)));
    }
}
