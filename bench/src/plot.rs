//! The plot: bars for rate, processor time and latency of each server.

use std::fmt::Write as _;

use crate::compare::Cell;
use crate::load::Style;
use crate::peers::Peer;
use crate::report::{Report, thousands};

const WIDTH: f64 = 860.0;
const BAR: f64 = 18.0;
const GAP: f64 = 8.0;
const LABELS: f64 = 190.0;
/// Room for a number behind the longest bar.
const NUMBERS: f64 = 80.0;
const PANEL_HEAD: f64 = 44.0;
const OURS: &str = "#1f6feb";
const OTHERS: &str = "#9aa4b2";

struct Panel {
    title: &'static str,
    window: usize,
    of: fn(&Cell) -> f64,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "Full exchanges a second (64 outstanding): more is better",
        window: 64,
        of: |cell| cell.exchanges_per_second,
    },
    Panel {
        title: "Processor time of the server, µs an exchange (64 outstanding), logarithmic: less is better",
        window: 64,
        of: |cell| cell.server_cpu_us_per_exchange,
    },
    Panel {
        title: "Latency of a whole exchange, p99, µs (1 outstanding), logarithmic: less is better",
        window: 1,
        of: |cell| cell.p99_us,
    },
];

/// The figures of the client style as SVG.
pub(crate) fn plot(report: &Report) -> String {
    let panel_height = PANEL_HEAD + (BAR + GAP) * Peer::ALL.len() as f64;
    let height = panel_height * PANELS.len() as f64 + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (number, panel) in PANELS.iter().enumerate() {
        let top = panel_height * number as f64;
        let _ =
            writeln!(svg, "<text x=\"8\" y=\"{}\" font-weight=\"bold\">{}</text>", top + 26.0, panel.title);
        let values = Peer::ALL.map(|peer| (peer, report.of(peer, Style::Client, panel.window, panel.of)));
        let scale = scale(panel, values.iter().filter_map(|(_, value)| *value).fold(1.0, f64::max));
        for (row, (peer, value)) in values.into_iter().enumerate() {
            let y = top + PANEL_HEAD + (BAR + GAP) * row as f64;
            bar(&mut svg, y, peer, value, &scale);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// From a value to the length of its bar.
fn scale(panel: &Panel, largest: f64) -> impl Fn(f64) -> f64 + use<> {
    let is_linear = panel.title.contains("second");
    move |value| {
        let share = if is_linear { value / largest } else { value.max(1.0).ln() / largest.max(2.0).ln() };
        share * (WIDTH - LABELS - NUMBERS)
    }
}

fn bar(svg: &mut String, y: f64, peer: Peer, value: Option<f64>, scale: &impl Fn(f64) -> f64) {
    let (x, base) = (LABELS - 8.0, y + 13.5);
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{}</text>", peer.name());
    let (length, number) = match value {
        Some(value) if value < 100.0 => (scale(value), format!("{value:.1}")),
        Some(value) => (scale(value), thousands(value)),
        None => (0.0, "not measured".to_owned()),
    };
    let colour = if peer == Peer::Ours { OURS } else { OTHERS };
    let _ = writeln!(
        svg,
        "<rect x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
         <text x=\"{:.1}\" y=\"{base}\">{number}</text>",
        LABELS + length + 6.0
    );
}
