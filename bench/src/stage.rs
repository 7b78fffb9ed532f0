//! Where it happens: two network namespaces with a cable between them, the server's on one core and the load's on the
//! other. No packet leaves them, and they are gone with the process, however that ends.

use std::path::Path;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use vmdhcp_e2e::{Machine, Process, until};

use crate::load::{self, INTERFACE};
use crate::message::{RELAY, SERVER};

/// The interface of the server.
pub(crate) const NIC: &str = "server";
const SERVER_CORE: &str = "0";
const LOAD_CORE: usize = 1;

/// Whether the kernel of the server's machine has the server address. An agent of ours answers for it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Kernel,
    Server,
}

/// Two machines and a cable.
pub(crate) struct Stage {
    pub(crate) server: Machine,
    load: Machine,
}

impl Stage {
    pub(crate) fn new(owner: Owner) -> Self {
        let (server, load) = (Machine::new(), Machine::new());
        let netns = load.netns();
        server.run(&format!("ip link add {NIC} type veth peer name {INTERFACE} netns {netns}"));
        if owner == Owner::Kernel {
            server.run(&format!("ip addr add {SERVER}/16 dev {NIC}"));
        }
        load.run(&format!("ip addr add {RELAY}/16 dev {INTERFACE}"));
        server.run(&format!("ip link set {NIC} up"));
        load.run(&format!("ip link set {INTERFACE} up"));
        let is_up = || server.run(&format!("ip -o link show {NIC}")).contains("state UP").then_some(());
        until("cable", Duration::from_secs(5), is_up);
        load.within(|| {
            let mut core = CpuSet::new();
            core.set(LOAD_CORE).unwrap();
            sched_setaffinity(Pid::from_raw(0), &core).unwrap();
        });
        Self { server, load }
    }

    /// Starts a server on its core, with what it has to be told by its environment.
    pub(crate) fn start(&self, environment: &[(&str, String)], command: &[String], log: &Path) -> Process {
        let mut arguments = vec!["-c".to_owned(), SERVER_CORE.to_owned(), "env".to_owned()];
        arguments.extend(environment.iter().map(|(name, value)| format!("{name}={value}")));
        arguments.extend_from_slice(command);
        self.server.start(Path::new("taskset"), &arguments, log)
    }

    /// Does something on the load's core and in its network.
    pub(crate) fn on_load<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        self.load.within(job)
    }

    /// Puts a load on the server.
    pub(crate) fn put(&self, load: load::Load) -> load::Outcome {
        self.on_load(move || load::run(&load)).unwrap()
    }
}
