//! Pages as `kubectl describe` prints them: labels, values, and tables below some of them.

use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Table, printable};

/// One entry of a page.
enum Entry {
    Field(String, String),
    Section(String, Option<Table>),
    Items(String, Vec<String>),
}

/// A page about one thing.
#[derive(Default)]
pub(crate) struct Page {
    entries: Vec<Entry>,
}

impl Page {
    /// A label and its value on one line; `<none>` for an empty one.
    pub(crate) fn field(&mut self, label: &str, value: impl Into<String>) {
        let value = value.into();
        let value = if value.is_empty() { "<none>".to_owned() } else { value };
        self.entries.push(Entry::Field(label.to_owned(), value));
    }

    /// The same, only where there is a value.
    pub(crate) fn field_if_any(&mut self, label: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.field(label, value);
        }
    }

    /// A label with a table below it, or `<none>`.
    pub(crate) fn table(&mut self, label: &str, table: Table) {
        let table = (!table.is_empty()).then_some(table);
        self.entries.push(Entry::Section(label.to_owned(), table));
    }

    /// A label with sentences below it; left out where there are none.
    pub(crate) fn sentences(&mut self, label: &str, sentences: Vec<String>) {
        if !sentences.is_empty() {
            self.entries.push(Entry::Items(label.to_owned(), sentences));
        }
    }

    /// Prints the page.
    pub(crate) fn print(self, output: &mut Output) -> Result<(), Failure> {
        let longest = |entry: &Entry| match entry {
            Entry::Field(label, _) | Entry::Section(label, None) => label.chars().count(),
            Entry::Section(_, Some(_)) | Entry::Items(..) => 0,
        };
        let column = self.entries.iter().map(longest).max().unwrap_or(0) + 1;
        for entry in self.entries {
            match entry {
                Entry::Field(label, value) => {
                    output.line(format_args!("{:column$}  {value}", label + ":"))?;
                }
                Entry::Section(label, None) => {
                    output.line(format_args!("{:column$}  <none>", label + ":"))?;
                }
                Entry::Section(label, Some(mut table)) => {
                    output.line(format_args!("{label}:"))?;
                    let width = output.width().map(|width| width.saturating_sub(2));
                    for line in table.take_text(width).lines() {
                        output.line(format_args!("  {line}"))?;
                    }
                }
                Entry::Items(label, sentences) => {
                    output.line(format_args!("{label}:"))?;
                    for sentence in sentences {
                        output.line(format_args!("  - {}", printable(&sentence)))?;
                    }
                }
            }
        }
        Ok(())
    }
}
