//! What is measured of ours alone: instructions, system calls, starts, changes of a large table, and the local API.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;
use vmdhcp_e2e::vmdhcp::{ADMIN, get};
use vmdhcp_e2e::{Machine, Process, within};

use crate::api::{self, Api, POOL};
use crate::compare::{self, Extent};
use crate::load::{Exchange, Expected, Load, Pace, Style, first_answer};
use crate::message::{address_of, card_of, text_of};
use crate::peers::{self, Peer};
use crate::process::{self, Memory};
use crate::stage::{NIC, Owner, Stage};

/// What is counted by callgrind: everything between a received frame and its answer.
const HANDLE: &str = "*packet_loop::answer_all*";
/// How long a program may take that runs fifty times slower than it is.
const PATIENCE: Duration = Duration::from_secs(120);
/// Clients of a large pool.
const LARGE: u32 = 40_000;
/// Changes of it a second.
const CHANGES: u32 = 10;

fn load(exchange: Exchange, clients: u32, pace: Pace, length: Duration) -> Load {
    Load {
        style: Style::Client,
        exchange,
        pace,
        clients,
        expected: Expected::Declared,
        length,
        count: None,
        seed: 1,
    }
}

/// Instructions a packet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instructions {
    pub(crate) leases: u32,
    pub(crate) discover: f64,
    pub(crate) request: f64,
}

/// Counts the instructions that packets take in a table of so many leases.
pub(crate) fn instructions(leases: u32) -> io::Result<Instructions> {
    let of = |exchange| instructions_of(leases, exchange);
    Ok(Instructions { leases, discover: of(Exchange::Discover)?, request: of(Exchange::Request)? })
}

/// The agent itself runs in callgrind, under a real load of one kind of message.
fn instructions_of(leases: u32, exchange: Exchange) -> io::Result<f64> {
    let stage = Stage::new(Owner::Server);
    let folder = TempDir::with_prefix("vmdhcp-bench-")?;
    let api = Api::start(&stage, leases)?;
    let counts = folder.path().join("callgrind.out");
    let callgrind = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", counts.display()),
        format!("--toggle-collect={HANDLE}"),
    ];
    let command = peers::agent(folder.path(), api.port(), leases, &callgrind)?;
    let log = folder.path().join("server.log");
    let mut server = stage.start(&[], &command, &log);
    ready(&stage.server, &mut server, PATIENCE)?;
    let asked = load(exchange, leases, Pace::Window(16), Duration::from_secs(60));
    let outcome = stage.put(Load { count: Some(5_000), ..asked });
    let messages = metric(&stage.server, "vmdhcp_agent_messages_total");
    server.signal(Signal::SIGTERM);
    server.ended(PATIENCE);
    if outcome.done == 0 || !outcome.is_right() || messages < outcome.done as f64 {
        return Err(io::Error::other(format!("{messages} messages, {outcome:?}; {}", server.log())));
    }
    let text = fs::read_to_string(&counts)?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("totals: ")).and_then(|total| total.parse().ok());
    let total: f64 = total.filter(|total| *total > 0.0).ok_or_else(|| {
        io::Error::other(format!("callgrind has counted nothing: is {HANDLE} in the binary?"))
    })?;
    Ok(total / messages)
}

/// Waits until an agent says that it serves.
fn ready(machine: &Machine, server: &mut Process, patience: Duration) -> io::Result<()> {
    let is_ready = within(patience, || {
        let status = machine.within(|| get(ADMIN.parse().unwrap(), "/readyz"));
        let is_ready = status.is_some_and(|(status, _)| status == 200);
        (is_ready || !server.is_running()).then_some(is_ready)
    });
    match is_ready {
        Some(true) => Ok(()),
        _ => Err(io::Error::other(format!("the agent does not serve; it says: {}", server.log()))),
    }
}

/// The sum of all series of a metric.
fn metric(machine: &Machine, name: &'static str) -> f64 {
    let shown = machine.within(|| get(ADMIN.parse().unwrap(), "/metrics"));
    let (_, text) = shown.unwrap_or_default();
    let series =
        text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// System calls of an exchange.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Calls {
    pub(crate) peer: &'static str,
    pub(crate) window: usize,
    /// As the kernel's tracepoint counts them, which slows nothing down.
    pub(crate) per_exchange: f64,
    /// As strace counts them: a server that is slowed down by it finds more to do each time.
    pub(crate) per_exchange_in_strace: f64,
}

/// Counts the system calls of a running server.
pub(crate) fn system_calls(peer: Peer, extent: Extent) -> io::Result<Vec<Calls>> {
    let running = compare::start(peer, extent.clients)?;
    [16, 64]
        .map(|window| {
            let asked = Load { pace: Pace::Window(window), ..compare::load(peer, Style::Client, extent, 0) };
            let per_exchange = counted(&running, asked)?;
            let per_exchange_in_strace = counted_in_strace(&running, asked)?;
            Ok(Calls { peer: peer.name(), window, per_exchange, per_exchange_in_strace })
        })
        .into_iter()
        .collect()
}

/// Counts for a second in the middle of a load.
fn counted(running: &compare::Running, asked: Load) -> io::Result<f64> {
    const COUNTED: Duration = Duration::from_secs(1);
    let out = running.folder.path().join("perf.out");
    let (outcome, status) = thread::scope(|scope| {
        let load = scope.spawn(|| running.stage.put(Load { length: COUNTED * 2, ..asked }));
        thread::sleep(COUNTED / 3);
        let status = Command::new("perf")
            .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-o"])
            .arg(&out)
            .args(["-p", &running.process.id().to_string(), "sleep", &COUNTED.as_secs().to_string()])
            .status();
        (load.join().unwrap(), status)
    });
    status?;
    let text = fs::read_to_string(&out)?;
    let line = text.lines().find(|line| line.contains("sys_enter"));
    let calls: Option<f64> = line.and_then(|line| line.split(',').next()?.parse().ok());
    let calls = calls.ok_or_else(|| io::Error::other(format!("perf says: {text}")))?;
    Ok(calls / COUNTED.as_secs_f64() / outcome.rate())
}

/// Counts from before a load to behind it.
fn counted_in_strace(running: &compare::Running, asked: Load) -> io::Result<f64> {
    let out = running.folder.path().join("strace.out");
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(&out)
        .args(["-p", &running.process.id().to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Until it holds all threads.
    thread::sleep(Duration::from_millis(500));
    let outcome = running.stage.put(asked);
    kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    strace.wait()?;
    let text = fs::read_to_string(&out)?;
    let total = text.lines().find(|line| line.ends_with(" total"));
    let calls: Option<f64> = total.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    let calls = calls.ok_or_else(|| io::Error::other(format!("strace says: {text}")))?;
    Ok(calls / outcome.done as f64)
}

/// Starts with all leases in the snapshot and an API that refuses connections.
pub(crate) fn start_without_api(leases: u32) -> io::Result<Duration> {
    let stage = Stage::new(Owner::Server);
    let folder = TempDir::with_prefix("vmdhcp-bench-")?;
    // Nobody listens at port 1 in there.
    let command = peers::agent(folder.path(), 1, leases, &[])?;
    let log = folder.path().join("server.log");
    let begun = Instant::now();
    let process = stage.start(&[], &command, &log);
    let patience = Duration::from_secs(10);
    let answered = stage.on_load(move || first_answer(Style::Client, leases - 1, patience))?;
    answered.map(|at| at - begun).ok_or_else(|| io::Error::other(process.log()))
}

/// What a change of a large table does to those who ask meanwhile.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Changes {
    pub(crate) leases: u32,
    pub(crate) rate: f64,
    pub(crate) before: Spread,
    pub(crate) during: Spread,
    /// Tables that the agent built meanwhile.
    pub(crate) tables: u64,
    pub(crate) memory: Memory,
}

/// Latencies of a load in an open loop.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) started: u64,
    pub(crate) done: u64,
    pub(crate) lost: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
}

/// Asks at this rate, first while nothing changes, then while one lease is added ten times a second.
pub(crate) fn changes(rate: f64, length: Duration) -> io::Result<Changes> {
    let running = compare::start(Peer::Ours, LARGE)?;
    let asked = load(Exchange::Full, LARGE, Pace::Rate(rate), length);
    let spread = || {
        let outcome = running.stage.put(asked);
        Spread {
            started: outcome.started,
            done: outcome.done,
            lost: outcome.started - outcome.done,
            p50_us: outcome.quantile(0.5),
            p99_us: outcome.quantile(0.99),
            p999_us: outcome.quantile(0.999),
            max_us: outcome.quantile(1.0),
        }
    };
    // Once for warm caches.
    spread();
    let before = spread();
    let tables = || metric(&running.stage.server, "vmdhcp_agent_tables_total");
    let tables_before = tables();
    let stop = AtomicBool::new(false);
    let api = running.setup.api.as_ref().unwrap();
    let during = thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                api.add_lease();
                next += Duration::from_secs(1) / CHANGES;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        let during = spread();
        stop.store(true, Ordering::Relaxed);
        during
    });
    let tables = (tables() - tables_before) as u64;
    let memory = process::memory(&running.process);
    Ok(Changes { leases: LARGE, rate, before, during, tables, memory })
}

/// A large pool in one file, served by one process.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Standalone {
    pub(crate) leases: u32,
    /// Until all are allocated.
    pub(crate) allocated_s: f64,
    pub(crate) memory: Memory,
    /// From the start of a new process on that file to the first answer.
    pub(crate) restart_ms: f64,
    pub(crate) memory_after_restart: Memory,
    pub(crate) exchanges_per_second: f64,
    pub(crate) wrong: u64,
}

/// Network cards of one claim.
const CARDS: u32 = 250;

/// Fills a pool of the local API, restarts, and asks for every lease once.
pub(crate) fn standalone(leases: u32) -> io::Result<Standalone> {
    let stage = Stage::new(Owner::Server);
    let folder = TempDir::with_prefix("vmdhcp-bench-")?;
    let file = folder.path().join("api.db");
    apply(&file, &claims(leases))?;
    let command = |file: &Path| {
        let file = file.display().to_string();
        let nic = format!("default/{POOL}={NIC}");
        let binary = peers::vmdhcp().display().to_string();
        [&*binary, "--local", &file, "standalone", "--nic", &nic, "--listen", ADMIN]
            .map(str::to_owned)
            .to_vec()
    };
    let log = folder.path().join("server.log");
    let begun = Instant::now();
    let process = stage.start(&[], &command(&file), &log);
    let answered = stage.on_load(move || first_answer(Style::Client, leases - 1, PATIENCE))?;
    let everybody = || {
        let asked = load(Exchange::Full, leases, Pace::Window(16), Duration::from_secs(30));
        stage.put(Load { count: Some(leases.into()), ..asked })
    };
    if answered.is_none() {
        return Err(io::Error::other(format!("the last client gets no answer; it says: {}", process.log())));
    }
    let mut all = everybody();
    let is_full = within(PATIENCE, || {
        if all.done < u64::from(leases) {
            all = everybody();
        }
        (all.done == u64::from(leases)).then_some(())
    });
    if is_full.is_none() {
        return Err(io::Error::other(format!("{all:?}; it says: {}", process.log())));
    }
    let allocated_s = begun.elapsed().as_secs_f64();
    let memory = process::memory(&process);
    process.stop();
    let begun = Instant::now();
    let process = stage.start(&[], &command(&file), &log);
    let answered = stage.on_load(move || first_answer(Style::Client, leases - 1, PATIENCE))?;
    let restart_ms = answered.map_or(f64::NAN, |at| (at - begun).as_secs_f64() * 1e3);
    let all = everybody();
    Ok(Standalone {
        leases,
        allocated_s,
        memory,
        restart_ms,
        memory_after_restart: process::memory(&process),
        exchanges_per_second: all.rate(),
        wrong: all.wrong.values().sum(),
    })
}

/// The pool, and claims with the clients' addresses in them.
fn claims(leases: u32) -> String {
    let mut pool = api::pool(1, 0);
    pool["metadata"] = json!({"namespace": "default", "name": POOL});
    pool["status"].take();
    let mut text = pool.to_string();
    for first in (0..leases).step_by(CARDS as usize) {
        let cards: Vec<_> = (first..leases.min(first + CARDS))
            .map(|number| {
                json!({
                    "networkName": format!("default/{POOL}"), "macAddress": text_of(card_of(number)),
                    "ipAddress": address_of(number)
                })
            })
            .collect();
        let claim = json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1", "kind": "VirtualMachineNetworkConfig",
            "metadata": {"namespace": "default", "name": format!("vm-{first}")},
            "spec": {"vmName": format!("vm-{first}"), "networkConfigs": cards}
        });
        text.push('\n');
        text.push_str(&claim.to_string());
    }
    text
}

fn apply(file: &Path, manifest: &str) -> io::Result<()> {
    let path = file.with_extension("yaml");
    fs::write(&path, manifest)?;
    let output =
        Command::new(peers::vmdhcp()).arg("--local").arg(file).args(["apply", "-f"]).arg(&path).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
