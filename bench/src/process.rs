//! What a process takes: time of the processor, and memory.

use std::fs;
use std::time::Duration;

use serde::Serialize;
use vmdhcp_e2e::Process;

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// All that is resident now.
    pub(crate) resident: u64,
    /// What of it is not mapped from a file, as code is.
    pub(crate) own: u64,
    /// The most that ever was resident.
    pub(crate) peak: u64,
}

/// Its memory; nothing if it has ended.
pub(crate) fn memory(process: &Process) -> Memory {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    Memory { resident: bytes("VmRSS"), own: bytes("RssAnon"), peak: bytes("VmHWM") }
}

/// Time that its threads have run, in user mode and in the kernel.
pub(crate) fn cpu_time(process: &Process) -> Duration {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id()));
    let times = threads.into_iter().flatten().flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum::<u64>())
}

/// Time that the machine's processors have worked, for whomever, and were kept from it by the host.
pub(crate) fn machine_time() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = ticks.filter_map(|word| word.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal: in hundredths of a second.
    let worked = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum::<u64>();
    Duration::from_millis(worked * 10)
}
