//! What has to hold (bars) and what is wanted (goals), and whether it does.

use crate::compare::Cell;
use crate::load::Style;
use crate::own::{Calls, Changes, Instructions};
use crate::peers::Peer;
use crate::report::{Report, figure, median, megabytes, thousands};

/// Most of the packet-socket responder's processor time that an exchange may take.
const CPU_BAR: f64 = 1.35;
/// Most system calls of an exchange.
const CALLS_BAR: f64 = 0.4;
/// How far instructions may be apart over the sizes of a table.
const FLAT_BAR: f64 = 1.1;
/// Share of the packet-socket responder's exchanges that are wanted.
const RATE_GOAL: f64 = 0.8;
/// How many times Kea's exchanges that should be.
const KEA_GOAL: f64 = 7.0;
/// Memory with 10,000 leases that is wanted, in bytes.
const MEMORY_GOAL: f64 = 12e6;
/// Start without an API that is wanted, in milliseconds.
const START_GOAL: f64 = 30.0;

/// Something that has to hold, or is wanted.
pub(crate) struct Verdict {
    what: String,
    wanted: String,
    /// What was found, and whether that is as wanted.
    found: Option<(String, bool)>,
}

impl Verdict {
    fn new(what: impl Into<String>, wanted: impl Into<String>, found: Option<(String, bool)>) -> Self {
        Self { what: what.into(), wanted: wanted.into(), found }
    }

    /// Whether it was measured and is as wanted.
    pub(crate) fn holds(&self) -> bool {
        self.found.as_ref().is_some_and(|(_, holds)| *holds)
    }

    /// As a row of a table.
    pub(crate) fn row(&self) -> [String; 4] {
        let (found, word) = match &self.found {
            Some((found, true)) => (found.as_str(), "holds"),
            Some((found, false)) => (found.as_str(), "**does not hold**"),
            None => ("not measured", "**open**"),
        };
        [&*self.what, &*self.wanted, found, word].map(str::to_owned)
    }
}

fn cpu(cell: &Cell) -> f64 {
    cell.server_cpu_us_per_exchange
}

fn rate(cell: &Cell) -> f64 {
    cell.exchanges_per_second
}

/// Ours and the responder's, where both were measured.
fn beside_the_limit(report: &Report, of: fn(&Cell) -> f64) -> Option<(f64, String)> {
    let each = |peer| figure(report.of(peer, Style::Client, 64, of));
    let text = format!("{} against {}", each(Peer::Ours), each(Peer::PacketResponder));
    report.ratio(of, Peer::PacketResponder).map(|ratio| (ratio, text))
}

/// What has to hold.
pub(crate) fn bars(report: &Report) -> Vec<Verdict> {
    let found = beside_the_limit(report, cpu)
        .map(|(ratio, text)| (format!("{ratio:.2} times ({text} µs)"), ratio <= CPU_BAR));
    let mut bars = vec![Verdict::new(
        "processor time of the server, a full exchange, beside the packet-socket responder's (client style, window 64)",
        format!("bar: at most {CPU_BAR} times"),
        found,
    )];
    bars.push(instructions(report, "DISCOVER", |at| at.discover));
    bars.push(instructions(report, "REQUEST", |at| at.request));
    for window in [16, 64] {
        let mut calls = report.system_calls.iter();
        let calls = calls.find(|calls| (calls.peer, calls.window) == (Peer::Ours.name(), window));
        bars.push(Verdict::new(
            format!("system calls of an exchange at window {window}, as strace counts them"),
            format!("bar: at most {CALLS_BAR}"),
            calls.map(|calls| {
                let Calls { per_exchange_in_strace, per_exchange, .. } = calls;
                let found = format!("{per_exchange_in_strace:.2} (unslowed: {per_exchange:.2})");
                (found, *per_exchange_in_strace <= CALLS_BAR)
            }),
        ));
    }
    let ours = || report.cells.iter().filter(|cell| cell.peer == Peer::Ours.name());
    let wrong: u64 = ours().map(|cell| cell.wrong + cell.refused).sum();
    let done: f64 = ours().map(|cell| cell.done as f64).sum();
    bars.push(Verdict::new(
        "wrong replies and refusals",
        "bar: none",
        (done > 0.0).then(|| (format!("{wrong} in {} exchanges", thousands(done)), wrong == 0)),
    ));
    let found = report.changes.as_ref().map(|Changes { during, rate, .. }| {
        let (lost, started) = (thousands(during.lost as f64), thousands(during.started as f64));
        (format!("{lost} of {started}, at {} a second", thousands(*rate)), during.lost == 0)
    });
    bars.push(Verdict::new(
        "exchanges lost while one of 40,000 leases changes ten times a second, at half the limit",
        "bar: none",
        found,
    ));
    bars
}

fn instructions(report: &Report, name: &str, of: fn(&Instructions) -> f64) -> Verdict {
    let sizes: Vec<_> = report.instructions.iter().map(|at| thousands(f64::from(at.leases))).collect();
    let counts: Vec<_> = report.instructions.iter().map(|at| thousands(of(at))).collect();
    let values = report.instructions.iter().map(of);
    let (low, high) = (values.clone().fold(f64::MAX, f64::min), values.fold(0.0, f64::max));
    Verdict::new(
        format!("instructions of a {name}, from frame to frame, with {} leases", sizes.join(", ")),
        "bar: the same within 10 %",
        (sizes.len() > 1).then(|| (counts.join(", "), high / low <= FLAT_BAR)),
    )
}

/// What is wanted.
pub(crate) fn goals(report: &Report) -> Vec<Verdict> {
    let clients = thousands(f64::from(report.clients));
    let beside_kea = report.ratio(rate, Peer::Kea);
    let start = median(report.starts_without_api_ms.iter().copied());
    let rest = report.of_starts(Peer::Ours, |start| start.resident_at_rest as f64);
    let ours = report.starts.iter().filter(|start| start.peer == Peer::Ours.name());
    let peak = ours.map(|start| start.peak as f64).reduce(f64::max);
    vec![
        Verdict::new(
            "full exchanges a second, beside the packet-socket responder's (client style, window 64)",
            format!("goal: {:.0} %", RATE_GOAL * 100.0),
            beside_the_limit(report, rate)
                .map(|(ratio, text)| (format!("{:.0} % ({text})", ratio * 100.0), ratio >= RATE_GOAL)),
        ),
        Verdict::new(
            "the same beside Kea's",
            format!("goal: {KEA_GOAL} times"),
            beside_kea.map(|ratio| (format!("{ratio:.1} times"), ratio >= KEA_GOAL)),
        ),
        Verdict::new(
            format!("memory of an agent with {clients} leases: at rest, and at most"),
            format!("goal: under {} MB", megabytes(MEMORY_GOAL)),
            rest.zip(peak).map(|(rest, peak)| {
                (format!("{} and {} MB", megabytes(rest), megabytes(peak)), peak < MEMORY_GOAL)
            }),
        ),
        Verdict::new(
            format!(
                "from the start of an agent to its first answer, with {clients} leases in its snapshot and an API that \
                 refuses connections"
            ),
            format!("goal: {START_GOAL} ms"),
            start.map(|time| (format!("{time:.0} ms"), time <= START_GOAL)),
        ),
    ]
}
