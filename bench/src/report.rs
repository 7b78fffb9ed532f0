//! What was found: as JSON, and as tables with the bars and goals beside them, in a page whose other text stays.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::compare::{Cell, Start, WINDOWS};
use crate::load::Style;
use crate::own::{Calls, Changes, Instructions, Standalone};
use crate::peers::Peer;
use crate::verdict::{self, Verdict};

/// Between these two lines the page is ours.
const BEGIN: &str = "<!-- measured by make bench -->";
const END: &str = "<!-- end of what was measured -->";

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) quick: bool,
    pub(crate) machine: String,
    pub(crate) versions: Vec<String>,
    pub(crate) clients: u32,
    pub(crate) rounds: u64,
    pub(crate) seconds_per_cell: f64,
    pub(crate) cells: Vec<Cell>,
    pub(crate) starts: Vec<Start>,
    pub(crate) instructions: Vec<Instructions>,
    pub(crate) system_calls: Vec<Calls>,
    pub(crate) starts_without_api_ms: Vec<f64>,
    pub(crate) changes: Option<Changes>,
    pub(crate) standalone: Vec<Standalone>,
    /// What could not be measured, and why.
    pub(crate) failures: Vec<String>,
}

/// The one in the middle; none of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

impl Report {
    /// The median of a figure of these cells.
    pub(crate) fn of(
        &self,
        peer: Peer,
        style: Style,
        window: usize,
        figure: fn(&Cell) -> f64,
    ) -> Option<f64> {
        let cells = self
            .cells
            .iter()
            .filter(|cell| (cell.peer, cell.style, cell.window) == (peer.name(), style.name(), window));
        median(cells.map(figure))
    }

    pub(crate) fn of_starts(&self, peer: Peer, figure: fn(&Start) -> f64) -> Option<f64> {
        median(self.starts.iter().filter(|start| start.peer == peer.name()).map(figure))
    }

    /// Ours divided by another's, in client style at window 64.
    pub(crate) fn ratio(&self, figure: fn(&Cell) -> f64, to: Peer) -> Option<f64> {
        let of = |peer| self.of(peer, Style::Client, 64, figure);
        Some(of(Peer::Ours)? / of(to)?)
    }

    /// Whether every bar holds.
    pub(crate) fn holds(&self) -> bool {
        verdict::bars(self).iter().all(Verdict::holds)
    }

    /// The tables, as Markdown.
    pub(crate) fn tables(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, cells: &[String]| {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        if self.quick {
            text.push_str(
                "**Measured by `bench --quick`: for a look whether it works, not for its figures.**\n\n",
            );
        }
        let _ = writeln!(
            text,
            "{}. {}. {} clients, {} rounds, {} s a cell.\n",
            self.machine,
            self.versions.join(", "),
            thousands(f64::from(self.clients)),
            self.rounds,
            self.seconds_per_cell
        );
        text.push_str("| what | bar or goal | measured | |\n|---|---|---|---|\n");
        for verdict in verdict::bars(self).iter().chain(&verdict::goals(self)) {
            line(&mut text, &verdict.row());
        }
        text.push_str("\nSide by side, medians:\n\n");
        text.push_str(
            "| style | server | exchanges/s, window 1 / 16 / 64 | share of the limit | CPU µs an exchange, window 1 / 16 / 64 | \
             p50 / p99 / p99.9 µs, window 1 | window 16 | window 64 | load busy, window 64 | dropped | wrong |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for style in Style::ALL {
            for peer in Peer::ALL {
                line(&mut text, &self.row(style, peer));
            }
        }
        text.push_str(
            "\n| server | first answer, ms | memory at rest (own), MB | after all clients | at most |\n|---|---|---|---|---|\n",
        );
        for peer in Peer::ALL {
            let at = |figure: fn(&Start) -> f64| self.of_starts(peer, figure);
            let memory = |figure| at(figure).map_or("-".into(), megabytes);
            line(
                &mut text,
                &[
                    peer.name().to_owned(),
                    figure(at(|start| start.first_answer_ms)),
                    format!(
                        "{} ({})",
                        memory(|start| start.resident_at_rest as f64),
                        memory(|start| start.own_at_rest as f64)
                    ),
                    memory(|start| start.resident_after_all as f64),
                    memory(|start| start.peak as f64),
                ],
            );
        }
        self.own_tables(&mut text);
        text
    }

    fn row(&self, style: Style, peer: Peer) -> Vec<String> {
        let each =
            |of: fn(&Cell) -> f64| WINDOWS.map(|window| figure(self.of(peer, style, window, of))).join(" / ");
        let spread = |window| {
            [|cell: &Cell| cell.p50_us, |cell: &Cell| cell.p99_us, |cell: &Cell| cell.p999_us]
                .map(|quantile| figure(self.of(peer, style, window, quantile)))
                .join(" / ")
        };
        let cells = self.cells.iter().filter(|cell| (cell.peer, cell.style) == (peer.name(), style.name()));
        let sum = |of: fn(&Cell) -> u64| cells.clone().map(of).sum::<u64>().to_string();
        let rate = |peer| self.of(peer, style, 64, |cell| cell.exchanges_per_second);
        let limit = [Peer::PacketResponder, Peer::UdpResponder].into_iter().filter_map(rate).reduce(f64::max);
        let share = rate(peer)
            .zip(limit)
            .map_or("-".into(), |(rate, limit)| format!("{:.0} %", rate / limit * 100.0));
        let busy = self.of(peer, style, 64, |cell| cell.load_busy * 100.0);
        vec![
            style.name().to_owned(),
            peer.name().to_owned(),
            each(|cell| cell.exchanges_per_second),
            share,
            each(|cell| cell.server_cpu_us_per_exchange),
            spread(1),
            spread(16),
            spread(64),
            busy.map_or("-".into(), |busy| format!("{busy:.0} %")),
            sum(|cell| cell.dropped),
            sum(|cell| cell.wrong + cell.refused),
        ]
    }

    fn own_tables(&self, text: &mut String) {
        if let Some(changes) = &self.changes {
            let _ = writeln!(
                text,
                "\nA table of {} leases that changes: {} exchanges a second in an open loop; {} tables were built while it \
                 changed.\n\n| | begun | lost | p50 / p99 / p99.9 µs | longest |\n|---|---|---|---|---|",
                thousands(f64::from(changes.leases)),
                thousands(changes.rate),
                changes.tables
            );
            for (name, spread) in [("before", changes.before), ("while it changes", changes.during)] {
                let quantiles = [spread.p50_us, spread.p99_us, spread.p999_us].map(|at| figure(Some(at)));
                let _ = writeln!(
                    text,
                    "| {name} | {} | {} | {} | {} |",
                    thousands(spread.started as f64),
                    spread.lost,
                    quantiles.join(" / "),
                    figure(Some(spread.max_us))
                );
            }
        }
        if !self.standalone.is_empty() {
            text.push_str(
                "\n`vmdhcp standalone`, manager and agent in one process on the local API:\n\n\
                 | leases | until all were allocated, s | memory then (own), MB | at most | restart to first answer, ms | \
                 memory then (own), MB | exchanges/s, window 16, every client once | wrong |\n|---|---|---|---|---|---|---|---|\n",
            );
        }
        for at in &self.standalone {
            let memory = |memory: crate::process::Memory| {
                format!("{} ({})", megabytes(memory.resident as f64), megabytes(memory.own as f64))
            };
            let _ = writeln!(
                text,
                "| {} | {:.1} | {} | {} | {:.0} | {} | {} | {} |",
                thousands(f64::from(at.leases)),
                at.allocated_s,
                memory(at.memory),
                megabytes(at.memory.peak as f64),
                at.restart_ms,
                memory(at.memory_after_restart),
                thousands(at.exchanges_per_second),
                at.wrong
            );
        }
        let others = self.system_calls.iter().filter(|calls| calls.peer != Peer::Ours.name());
        let others: Vec<_> = others
            .map(|calls| {
                let Calls { peer, window, per_exchange, per_exchange_in_strace } = calls;
                format!("{peer} {per_exchange_in_strace:.2} (unslowed: {per_exchange:.2}) at window {window}")
            })
            .collect();
        if !others.is_empty() {
            let _ = writeln!(text, "\nSystem calls of an exchange elsewhere: {}.", others.join(", "));
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\nNot measured: {failure}");
        }
    }

    /// Writes all of it into this folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let page = folder.join("bench.md");
        let old = fs::read_to_string(&page).unwrap_or_else(|_| format!("# How fast\n\n{BEGIN}\n{END}\n"));
        fs::write(&page, replaced(&old, &self.tables())?)?;
        fs::write(folder.join("bench.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join("bench.svg"), crate::plot::plot(self))
    }
}

/// The page with other tables in it.
fn replaced(page: &str, tables: &str) -> io::Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, behind) = parts.ok_or_else(|| {
        io::Error::other(format!(
            "docs/bench.md has no place for tables: it needs the lines {BEGIN} and {END}"
        ))
    })?;
    Ok(format!("{before}{BEGIN}\n\n{tables}\n{END}{behind}"))
}

/// Three digits, as a rule.
pub(crate) fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if !value.is_finite() => "-".to_owned(),
        Some(value) if value < 10.0 => format!("{value:.2}"),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => thousands(value),
    }
}

/// A whole number, in groups of three digits.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in millions.
pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.1}", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_one_or_between_the_two_middle_ones() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([f64::NAN]), None);
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\n## More\n");
        let next = replaced(&page, "new").unwrap();
        assert_eq!(next, format!("# Title\n\n{BEGIN}\n\nnew\n{END}\n\n## More\n"));
        assert!(replaced("# Title\n", "new").is_err());
    }

    #[test]
    fn numbers_are_easy_to_read() {
        let values = [0.456, 45.67, 456.7, 45_678.9, 4_567_890.0].map(|value| figure(Some(value)));
        assert_eq!(values, ["0.46", "45.7", "457", "45,679", "4,567,890"]);
    }
}
