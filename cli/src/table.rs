//! Tables as kubectl prints them: no borders, three blanks between columns, titles in capitals.

use comfy_table::{ColumnConstraint, ContentArrangement, Table as Layout, Width, presets};

use crate::failure::Failure;
use crate::output::Output;

/// Rows under titles, printed at once or, in a watch, bit by bit.
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Widths of what has been printed, which later rows keep to.
    widths: Option<Vec<u16>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(titles: impl IntoIterator<Item = &'static str>) -> Self {
        Self { titles: titles.into_iter().collect(), rows: Vec::new(), widths: None }
    }

    /// Adds a row; a cell for each title.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// Whether there is nothing to print.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows added since the last call, with the titles the first time. Long cells wrap within `width` columns.
    pub(crate) fn take_text(&mut self, width: Option<u16>) -> String {
        let mut layout = Layout::new();
        layout.load_style(presets::NOTHING);
        match width {
            Some(width) => layout.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => layout.set_content_arrangement(ContentArrangement::Disabled),
        };
        if self.widths.is_none() {
            layout.set_header(self.titles.clone());
        }
        layout.add_rows(std::mem::take(&mut self.rows));
        let last = self.titles.len().saturating_sub(1);
        for (at, column) in layout.column_iter_mut().enumerate() {
            column.set_padding((0, if at == last { 0 } else { 3 }));
        }
        if let Some(widths) = &self.widths {
            for (column, width) in layout.column_iter_mut().zip(widths) {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*width)));
            }
        } else {
            let gap = |at| if at == last { 0 } else { 3 };
            let contents = layout.column_max_content_widths();
            self.widths = Some(contents.iter().enumerate().map(|(at, width)| width + gap(at)).collect());
        }
        layout.trim_fmt() + "\n"
    }

    /// Prints what [`Self::take_text`] gives.
    pub(crate) fn print(&mut self, output: &mut Output) -> Result<(), Failure> {
        let text = self.take_text(output.width());
        output.data(&text)
    }
}

/// A text without anything that a terminal would obey: some come from guests and from other people's objects.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_three_blanks_apart_and_lines_end_without_any() {
        let mut table = Table::new(["NAME", "NETWORK", "AGE"]);
        table.row(vec!["a-long-name".into(), "net".into(), "5s".into()]);
        table.row(vec!["b".into(), String::new(), String::new()]);
        assert_eq!(table.take_text(None), "NAME          NETWORK   AGE\na-long-name   net       5s\nb\n");
    }

    #[test]
    fn later_rows_of_a_watch_keep_to_the_columns_and_have_no_titles() {
        let mut table = Table::new(["NAME", "AGE"]);
        table.row(vec!["long-name".into(), "5s".into()]);
        assert_eq!(table.take_text(None), "NAME        AGE\nlong-name   5s\n");
        table.row(vec!["b".into(), "1s".into()]);
        assert_eq!(table.take_text(None), "b           1s\n");
    }
}
