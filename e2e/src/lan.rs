//! A VM network: a bridge on a host, and machines at its ports.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{Machine, until};

/// The bridge of the host.
pub(crate) const BRIDGE: &str = "br48";
/// Its address: without one of its own a bridge takes that of a port, another one whenever ports come and go. An agent
/// follows that within a second, in which what is sent to it is lost.
const BRIDGE_MAC: &str = "02:00:00:00:48:01";
/// The network card of a VM.
pub(crate) const CARD: &str = "eth0";

/// A host with a bridge.
pub struct Lan {
    /// The host.
    pub host: Machine,
    ports: AtomicUsize,
}

impl Lan {
    /// Builds it.
    pub fn new() -> Self {
        let host = Machine::new();
        host.run(&format!("ip link add {BRIDGE} address {BRIDGE_MAC} type bridge"));
        host.run(&format!("ip link set {BRIDGE} up"));
        Self { host, ports: AtomicUsize::new(0) }
    }

    /// A new machine at a port of the bridge, whose card has this MAC.
    pub fn plug_in(&self, mac: &str) -> Machine {
        let machine = Machine::new();
        let port = format!("port{}", self.ports.fetch_add(1, Ordering::Relaxed));
        let netns = machine.netns();
        self.host.run(&format!("ip link add {port} type veth peer name {CARD} address {mac} netns {netns}"));
        self.host.run(&format!("ip link set {port} master {BRIDGE} up"));
        machine.run(&format!("ip link set {CARD} up"));
        // The bridge forwards once the kernel has noticed that the cable is connected at both ends.
        let is_up = || self.host.run(&format!("ip -o link show {port}")).contains("state UP").then_some(());
        until("port that is up", Duration::from_secs(5), is_up);
        machine
    }
}

impl Default for Lan {
    fn default() -> Self {
        Self::new()
    }
}
