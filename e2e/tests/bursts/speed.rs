//! How fast VMs get their addresses, and what that costs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::stage::{Manager, Stage, Usage};

/// What a run has shown.
struct Measured {
    vms: usize,
    /// From the first VM created to the last one that had its address.
    time: Duration,
    latencies: Vec<Duration>,
    /// Writes of the manager and of whatever follows from them, by resource.
    writes: BTreeMap<String, u64>,
    usage: Usage,
    processor: Duration,
}

impl Measured {
    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.vms).unwrap()) / self.time.as_secs_f64()
    }

    fn percentile(&self, hundredths: usize) -> Duration {
        self.latencies[(self.latencies.len() * hundredths).div_ceil(100) - 1]
    }

    fn writes_per_vm(&self) -> f64 {
        let writes: u64 = self.writes.values().sum();
        f64::from(u32::try_from(writes).unwrap()) / f64::from(u32::try_from(self.vms).unwrap())
    }

    fn say(&self, what: &str) {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap();
        let Usage { resident, peak, own, processor: _ } = self.usage;
        let line = format!(
            "{what}: {} VMs in {:.1} s, {:.0}/s; to the address p50 {:.2} s, p99 {:.2} s, longest {:.2} s; {:.3} writes a VM {:?}; \
             manager: {:.1} s of processor, {resident} MB resident ({own} of its own, at most {peak}); load {load}",
            self.vms,
            self.time.as_secs_f64(),
            self.per_second(),
            self.percentile(50).as_secs_f64(),
            self.percentile(99).as_secs_f64(),
            self.percentile(100).as_secs_f64(),
            self.writes_per_vm(),
            self.writes,
            self.processor.as_secs_f64(),
        );
        // Not by the print macros, whose output the test runner swallows.
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

/// Creates VMs and measures until each has its address.
fn measure(stage: &Stage, manager: &Manager, vms: std::ops::Range<u32>, per_second: Option<u32>) -> Measured {
    let (before, processor) = (stage.writes(), manager.usage().processor);
    let (began, count) = (Instant::now(), vms.len());
    let former = stage.lock().allocated.len();
    stage.create(vms.clone(), per_second);
    stage.waits_for(former + count);
    let mut writes = stage.writes();
    for (resource, count) in &mut writes {
        *count -= before.get(resource).copied().unwrap_or_default();
    }
    // Of the test itself, and of elections: not for VMs.
    writes.retain(|resource, count| *count > 0 && resource != "virtualmachines" && resource != "leases");
    let usage = manager.usage();
    let seen = stage.lock();
    assert_eq!(seen.shared, Vec::<String>::new(), "no address twice");
    let last = seen.allocated.values().max().unwrap();
    let created: Vec<_> = vms.map(crate::stage::name).collect();
    let mut latencies: Vec<_> =
        created.iter().map(|name| seen.allocated[name].duration_since(seen.created[name])).collect();
    latencies.sort();
    Measured {
        vms: count,
        time: last.duration_since(began),
        latencies,
        writes,
        usage,
        processor: usage.processor.saturating_sub(processor),
    }
}

fn with_a_manager(test: &str, namespace: &'static str) -> Option<(Stage, Manager)> {
    let stage = Stage::set(test, namespace)?;
    let manager = stage.start("manager", &["--no-leader-election"]);
    stage.waits_for_the_pool();
    Some((stage, manager))
}

#[test]
fn some_hundred_vms_cost_two_writes_each_and_a_few_of_the_pool() {
    let name = "some_hundred_vms_cost_two_writes_each_and_a_few_of_the_pool";
    let Some((stage, manager)) = with_a_manager(name, "some-hundred") else { return };
    let measured = measure(&stage, &manager, 0..400, None);
    measured.say(name);
    assert_eq!(measured.writes["virtualmachinenetworkconfigs"], 400, "{:?}", measured.writes);
    assert_eq!(measured.writes["virtualmachinenetworkconfigs/status"], 400, "{:?}", measured.writes);
    assert!(measured.writes_per_vm() <= 2.2, "{:?}", measured.writes);
    // In an unoptimised build, on a busy machine.
    assert!(measured.per_second() >= 20.0, "{:.1} a second", measured.per_second());
    assert!(measured.usage.own < 60, "{:?}", measured.usage);
}

/// The bars of docs/speed.md: on two cores that have nothing else to do.
#[test]
#[ignore = "a minute, on an idle machine: make burst"]
fn five_thousand_vms_get_their_addresses_at_two_hundred_a_second() {
    let name = "five_thousand_vms_get_their_addresses_at_two_hundred_a_second";
    let Some((stage, manager)) = with_a_manager(name, "five-thousand") else { return };
    let burst = measure(&stage, &manager, 0..5_000, None);
    burst.say("at full speed");
    let steady = measure(&stage, &manager, 5_000..8_000, Some(150));
    steady.say("at 150 a second");
    assert!(burst.per_second() >= 200.0, "{:.1} a second", burst.per_second());
    assert!(burst.writes_per_vm() <= 2.2, "{:?}", burst.writes);
    assert!(burst.usage.resident < 60, "{:?}", burst.usage);
    assert!(steady.percentile(99) <= Duration::from_secs(2), "{:?}", steady.percentile(99));
    assert!(steady.writes_per_vm() <= 2.2, "{:?}", steady.writes);
}
