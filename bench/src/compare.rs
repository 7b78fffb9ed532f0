//! All servers side by side, in interleaved rounds: each started anew, filled, and put under every load.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::TempDir;
use vmdhcp_e2e::Process;

use crate::load::{Exchange, Load, Outcome, Pace, Style, first_answer};
use crate::peers::{self, Peer, Setup};
use crate::process::{self, Memory};
use crate::stage::Stage;

/// Outstanding exchanges that are measured.
pub(crate) const WINDOWS: [usize; 3] = [1, 16, 64];
/// How long a server may take to its first answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Share of a core that others may take while something is measured.
const QUIET: f64 = 0.1;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) clients: u32,
    pub(crate) rounds: u64,
    /// Of each cell.
    pub(crate) length: Duration,
    /// How often a cell that others disturbed is measured again.
    pub(crate) repeats: u32,
}

/// One measurement under load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) peer: &'static str,
    pub(crate) style: &'static str,
    pub(crate) window: usize,
    pub(crate) round: u64,
    pub(crate) exchanges_per_second: f64,
    pub(crate) server_cpu_us_per_exchange: f64,
    /// Share of the time in which the load had something to do.
    pub(crate) load_busy: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) done: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
    pub(crate) wrong: u64,
    pub(crate) stray: u64,
    /// Cores that others took meanwhile.
    pub(crate) others: f64,
}

/// One start.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Start {
    pub(crate) peer: &'static str,
    pub(crate) round: u64,
    /// From the start of the process to the first right answer.
    pub(crate) first_answer_ms: f64,
    pub(crate) resident_at_rest: u64,
    pub(crate) own_at_rest: u64,
    pub(crate) resident_after_all: u64,
    pub(crate) peak: u64,
}

/// A server that runs, and the place where it does.
pub(crate) struct Running {
    pub(crate) stage: Stage,
    pub(crate) process: Process,
    pub(crate) first_answer: Duration,
    pub(crate) folder: TempDir,
    pub(crate) setup: Setup,
}

/// Starts a server, and waits until it answers the last of its clients.
pub(crate) fn start(peer: Peer, clients: u32) -> io::Result<Running> {
    let stage = Stage::new(peer.owner());
    let folder = TempDir::with_prefix("vmdhcp-bench-")?;
    let setup = peers::prepare(peer, &stage, folder.path(), clients)?;
    let log = folder.path().join("server.log");
    let begun = Instant::now();
    let process = stage.start(&setup.environment, &setup.command, &log);
    let answered = stage.on_load(move || first_answer(Style::Client, clients - 1, PATIENCE))?;
    if let Some(at) = answered {
        return Ok(Running { stage, process, first_answer: at - begun, folder, setup });
    }
    let files = fs::read_dir(folder.path())?.flatten().map(|file| file.path());
    let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
    let said: Vec<String> = logs.filter_map(|log| fs::read_to_string(log).ok()).collect();
    Err(io::Error::other(format!("{} does not answer; it says: {}", peer.name(), said.join("\n"))))
}

/// Measures one server once, in all cells.
pub(crate) fn measure(
    peer: Peer,
    round: u64,
    extent: Extent,
    cells: &mut Vec<Cell>,
    starts: &mut Vec<Start>,
) -> io::Result<()> {
    let running = start(peer, extent.clients)?;
    let at_rest = process::memory(&running.process);
    if peer.is_filled() {
        let all = Load {
            pace: Pace::Window(16),
            count: Some(extent.clients.into()),
            length: Duration::from_secs(20),
            ..load(peer, Style::Client, extent, round)
        };
        running.stage.put(all);
    }
    let after_all = process::memory(&running.process);
    for style in Style::ALL {
        for window in WINDOWS {
            let load = Load { pace: Pace::Window(window), ..load(peer, style, extent, round) };
            cells.push(quiet_cell(&running, peer, &load, window, round, extent.repeats));
        }
    }
    let Memory { peak, .. } = process::memory(&running.process);
    starts.push(Start {
        peer: peer.name(),
        round,
        first_answer_ms: running.first_answer.as_secs_f64() * 1e3,
        resident_at_rest: at_rest.resident,
        own_at_rest: at_rest.own,
        resident_after_all: after_all.resident,
        peak,
    });
    Ok(())
}

/// The usual load on a server.
pub(crate) fn load(peer: Peer, style: Style, extent: Extent, seed: u64) -> Load {
    Load {
        style,
        exchange: Exchange::Full,
        pace: Pace::Window(64),
        clients: extent.clients,
        expected: peer.expected(),
        length: extent.length,
        count: None,
        seed: seed * 2 + 1,
    }
}

fn quiet_cell(running: &Running, peer: Peer, load: &Load, window: usize, round: u64, repeats: u32) -> Cell {
    let mut cell = measured_cell(running, peer, load, window, round);
    for _ in 0..repeats {
        if cell.others <= QUIET {
            break;
        }
        cell = measured_cell(running, peer, load, window, round);
    }
    cell
}

fn measured_cell(running: &Running, peer: Peer, load: &Load, window: usize, round: u64) -> Cell {
    let (cpu, machine, begun) =
        (process::cpu_time(&running.process), process::machine_time(), Instant::now());
    let outcome = running.stage.put(*load);
    let taken = begun.elapsed();
    let cpu = process::cpu_time(&running.process).saturating_sub(cpu);
    let machine = process::machine_time().saturating_sub(machine);
    // The load polls: it takes its core all the time.
    let others = machine.saturating_sub(cpu + taken).as_secs_f64() / taken.as_secs_f64();
    let Outcome { done, dropped, refused, stray, busy, .. } = outcome;
    Cell {
        peer: peer.name(),
        style: load.style.name(),
        window,
        round,
        exchanges_per_second: outcome.rate(),
        server_cpu_us_per_exchange: cpu.as_secs_f64() * 1e6 / done as f64,
        load_busy: busy,
        p50_us: outcome.quantile(0.5),
        p99_us: outcome.quantile(0.99),
        p999_us: outcome.quantile(0.999),
        done,
        dropped,
        refused,
        wrong: outcome.wrong.values().sum(),
        stray,
        others,
    }
}
