//! The leader is killed in the middle of its work, again and again, and nobody notices but by the clock.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use vmdhcp_core::api::{NetworkConfigState, VirtualMachineNetworkConfigStatus};
use vmdhcp_e2e::{until, within};

use crate::stage::{Manager, PATIENCE, Stage, name};

/// A short lead, which a busy machine can keep up.
const ELECTION: [&str; 6] = ["--lease-duration", "3s", "--renew-deadline", "2s", "--retry-period", "1s"];
/// VMs of each wave that go again.
const GONE: u32 = 4;

/// Two managers: whoever leads is killed, and another takes its place.
struct Managers<'a> {
    stage: &'a Stage,
    running: Vec<Manager>,
    started: usize,
}

impl<'a> Managers<'a> {
    fn new(stage: &'a Stage) -> Self {
        let mut managers = Self { stage, running: Vec::new(), started: 0 };
        managers.fill_up();
        managers
    }

    /// Starts anew what has ended: a manager that has lost its lead does, too.
    fn fill_up(&mut self) {
        self.running.retain_mut(|manager| manager.process.is_running());
        while self.running.len() < 2 {
            self.started += 1;
            self.running.push(self.stage.start(&format!("manager-{}", self.started), &ELECTION));
        }
    }

    /// Waits until so many VMs have had an address.
    fn wait_for(&mut self, count: usize) {
        let found = within(PATIENCE, || {
            // A manager ends by itself where the machine is too busy to renew its lead.
            self.fill_up();
            (self.stage.lock().allocated.len() >= count).then_some(())
        });
        if found.is_none() {
            let logs: Vec<_> = self.running.iter().map(|manager| manager.process.log()).collect();
            panic!(
                "{} of {count} have an address; managers say:\n{}",
                self.stage.lock().allocated.len(),
                logs.join("\n")
            );
        }
    }

    /// Kills the one that leads.
    fn kill_the_leader(&mut self) {
        let leader = until("leader", PATIENCE, || {
            self.fill_up();
            self.running.iter_mut().position(Manager::leads)
        });
        self.running.remove(leader).process.kill();
        self.fill_up();
    }
}

/// Creates `waves` waves of VMs, and kills the leader in the middle of each.
fn kill(test: &str, namespace: &'static str, waves: u32, wave: u32) {
    let Some(stage) = Stage::set(test, namespace) else { return };
    let mut managers = Managers::new(&stage);
    stage.waits_for_the_pool();
    let (before, began) = (stage.writes(), Instant::now());
    let (mut in_the_middle, mut gone) = (0, BTreeSet::new());
    for number in 0..waves {
        let (first, known) = (number * wave, stage.lock().allocated.len());
        stage.create(first..first + wave, None);
        // Some of it is done, the rest is not: at another point of the work in each wave.
        let some = known + usize::try_from(1 + (wave - 2) * (number % 5) / 5).unwrap();
        managers.wait_for(some);
        if stage.lock().allocated.len() < usize::try_from(first + wave).unwrap() {
            in_the_middle += 1;
        }
        managers.kill_the_leader();
        let leaving = first..first + GONE;
        stage.delete(leaving.clone());
        gone.extend(leaving.map(name));
    }
    let vms = waves * wave;
    let staying: BTreeSet<_> = (0..vms).map(name).filter(|vm| !gone.contains(vm)).collect();
    until("address for every VM that is left, and no claim of the others", PATIENCE, || {
        managers.fill_up();
        let seen = stage.lock();
        let complete = seen.claims.keys().eq(staying.iter())
            && seen.claims.values().all(|claim| {
                let mut cards =
                    claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards).peekable();
                cards.peek().is_some() && cards.all(|card| card.state == NetworkConfigState::Allocated)
            });
        complete.then_some(())
    });
    let allocations = stage.allocations();
    let seen = stage.lock();
    assert_eq!(seen.shared, Vec::<String>::new(), "no address twice");
    let claimed: BTreeSet<_> = seen
        .claims
        .values()
        .flat_map(|claim| claim.status.as_ref().unwrap().cards())
        .map(|card| (card.allocated_ip_address.clone(), card.mac_address.clone()))
        .collect();
    drop(seen);
    assert_eq!(claimed, allocations.into_iter().collect(), "the pool and the claims say the same");
    assert_eq!(claimed.len(), staying.len(), "no claim lost, none left behind");
    assert!(
        in_the_middle > waves / 2,
        "only {in_the_middle} of {waves} kills were in the middle of something"
    );

    let writes = stage.writes();
    let since = |resource: &str| {
        writes.get(resource).copied().unwrap_or_default() - before.get(resource).copied().unwrap_or_default()
    };
    let line = format!(
        "{test}: {vms} VMs, {waves} leaders killed ({in_the_middle} in the middle of a wave) in {:.0} s: {} writes of the pool, {} + {} of claims, {} managers started\n",
        began.elapsed().as_secs_f64(),
        since("ippools/status"),
        since("virtualmachinenetworkconfigs"),
        since("virtualmachinenetworkconfigs/status"),
        managers.started,
    );
    drop(std::io::stderr().write_all(line.as_bytes()));
    // A claim costs its creation and its status; each kill may have one more of whatever was under way.
    let most = u64::from(vms) + u64::from(waves * wave);
    assert!(since("virtualmachinenetworkconfigs/status") <= most);
    assert!(began.elapsed() < Duration::from_secs(600));
}

#[test]
fn five_leaders_killed_in_a_burst_cost_no_vm_its_address() {
    kill("five_leaders_killed_in_a_burst_cost_no_vm_its_address", "five-kills", 5, 60);
}

#[test]
#[ignore = "two minutes: make kills"]
fn twenty_leaders_killed_in_a_burst_of_two_thousand_vms_cost_none_its_address() {
    let name = "twenty_leaders_killed_in_a_burst_of_two_thousand_vms_cost_none_its_address";
    kill(name, "twenty-kills", 20, 100);
}
