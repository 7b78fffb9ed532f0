//! How fast: our agent beside Kea, ISC dhcpd, dnsmasq and two trivial responders, in network namespaces of this machine.
//!
//! `make bench` runs it. What it finds goes to docs/bench.md, docs/bench.json and docs/bench.svg, with the bars and goals
//! beside it. docs/bench.md says how it is measured.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement: it fails by panicking and tells what it does, and its figures are not exact to the bit"
)]

mod api;
mod compare;
mod frame;
mod load;
mod message;
mod own;
mod peers;
mod plot;
mod process;
mod report;
mod responder;
mod stage;
mod verdict;
mod wire;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command as Program, ExitCode};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};

use compare::Extent;
use load::Style;
use peers::Peer;
use report::Report;
use responder::Via;

/// Measure how fast vmdhcp is, beside other DHCP servers
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure less of everything: for a look whether it works
    #[arg(long)]
    quick: bool,
    /// Where bench.md, bench.json and bench.svg are written
    #[arg(long, value_name = "FOLDER", default_value = "docs")]
    out: PathBuf,
    /// Only this part of it [default: all]
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Only these servers
    #[arg(long, value_enum, value_name = "SERVER")]
    server: Vec<Peer>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be a trivial responder: what the bench measures as the limit
    #[command(hide = true)]
    Responder {
        /// By which kind of socket
        via: Via,
        /// On which interface
        interface: String,
        /// For how many microseconds it polls before it sleeps
        #[arg(long, default_value_t = 0)]
        spin: u64,
    },
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// All servers under load
    Compare,
    /// Instructions a packet, in callgrind
    Instructions,
    /// System calls an exchange
    Calls,
    /// Starts without an API
    Start,
    /// A large table that changes
    Changes,
    /// The local API
    Standalone,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Responder { via, interface, spin }) = arguments.command {
        let Err(error) = responder::serve(via, &interface, Duration::from_micros(spin)) else {
            return ExitCode::SUCCESS;
        };
        eprintln!("responder: {error}");
        return ExitCode::FAILURE;
    }
    let report = measure(&arguments);
    println!("{}", report.tables());
    if let Err(error) = report.write(&arguments.out) {
        eprintln!("{}: {error}", arguments.out.display());
        return ExitCode::FAILURE;
    }
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(Arguments { quick, only, server, .. }: &Arguments) -> Report {
    let quick = *quick;
    let extent = if quick {
        Extent { clients: 10_000, rounds: 1, length: Duration::from_millis(500), repeats: 0 }
    } else {
        Extent { clients: 10_000, rounds: 3, length: Duration::from_millis(1500), repeats: 1 }
    };
    let is_wanted = |part| only.is_empty() || only.contains(&part);
    let peers: Vec<Peer> =
        Peer::ALL.into_iter().filter(|peer| server.is_empty() || server.contains(peer)).collect();
    let mut report = Report {
        quick,
        machine: machine(),
        versions: versions(),
        clients: extent.clients,
        rounds: extent.rounds,
        seconds_per_cell: extent.length.as_secs_f64(),
        ..Report::default()
    };
    let begun = Instant::now();
    let say = |what: &str| eprintln!("{:6.1} s  {what}", begun.elapsed().as_secs_f64());
    let mut failures = Vec::new();
    let mut failed = |what: &str, error: io::Error| {
        eprintln!("{what}: {error}");
        let first: String = error.to_string().chars().take(300).collect();
        failures.push(format!("{what}: {}", first.replace('\n', " ")));
    };

    if is_wanted(Part::Compare) {
        for round in 0..extent.rounds {
            for peer in &peers {
                say(&format!("round {}: {}", round + 1, peer.name()));
                let Report { cells, starts, .. } = &mut report;
                if let Err(error) = compare::measure(*peer, round, extent, cells, starts) {
                    failed(peer.name(), error);
                }
            }
        }
    }
    if is_wanted(Part::Calls) {
        for peer in [Peer::Ours, Peer::PacketResponder] {
            say(&format!("system calls: {}", peer.name()));
            match own::system_calls(peer, extent) {
                Ok(calls) => report.system_calls.extend(calls),
                Err(error) => failed("system calls", error),
            }
        }
    }
    if is_wanted(Part::Start) {
        say("starts without an API");
        for _ in 0..if quick { 3 } else { 11 } {
            match own::start_without_api(extent.clients) {
                Ok(time) => report.starts_without_api_ms.push(time.as_secs_f64() * 1e3),
                Err(error) => failed("a start without an API", error),
            }
        }
    }
    if is_wanted(Part::Changes) {
        say("a large table that changes");
        // Where the limit has not been measured, half of what it was elsewhere.
        let limit = report.of(Peer::PacketResponder, Style::Client, 64, |cell| cell.exchanges_per_second);
        let length = Duration::from_secs(if quick { 2 } else { 10 });
        match own::changes(limit.unwrap_or(60_000.0) / 2.0, length) {
            Ok(changes) => report.changes = Some(changes),
            Err(error) => failed("a large table that changes", error),
        }
    }
    if is_wanted(Part::Instructions) {
        for leases in [100, 10_000, 40_000] {
            say(&format!("instructions with {leases} leases"));
            match own::instructions(leases) {
                Ok(instructions) => report.instructions.push(instructions),
                Err(error) => failed("instructions", error),
            }
        }
    }
    if is_wanted(Part::Standalone) {
        for leases in if quick { &[10_000][..] } else { &[10_000, 40_000] } {
            say(&format!("standalone with {leases} leases"));
            match own::standalone(*leases) {
                Ok(standalone) => report.standalone.push(standalone),
                Err(error) => failed("standalone", error),
            }
        }
    }
    say("done");
    report.failures = failures;
    report
}

/// The processor, how many of it, and the kernel.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<_> =
        processors.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": ")).collect();
    let model = models.first().map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim().split('-').next().unwrap_or_default();
    format!("{model}, {} cores, Linux {kernel}", models.len())
}

/// Of the servers of others.
fn versions() -> Vec<String> {
    ["kea-dhcp4-server", "isc-dhcp-server", "dnsmasq-base"]
        .into_iter()
        .filter_map(|package| {
            let output =
                Program::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}", package]).output();
            String::from_utf8(output.ok()?.stdout).ok().filter(|text| !text.is_empty())
        })
        .collect()
}
