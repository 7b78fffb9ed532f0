//! A pool with short leases, served, and a machine for each of the clients. A test takes all of them through its story
//! at once: most of it is waiting for a client's timers.

#![expect(clippy::unwrap_used, reason = "a stage for tests: it fails by panicking")]

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use vmdhcp_e2e::clients::{Client, Guest};
use vmdhcp_e2e::vmdhcp::{ADMIN, Api, Standalone, get};
use vmdhcp_e2e::{Capture, Lan, Machine, requirements, until};

pub(crate) const POOL: &str = "short";
/// The address of the server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 1);
/// T1 and T2 are 3 s and 5 s: dhcpcd obeys them. udhcpc is told when to renew, dhclient is configured.
const LEASE_TIME: &str = "6s";
/// How long a change may take until it is served.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Stage {
    pub(crate) lan: Lan,
    pub(crate) api: Api,
    _server: Standalone,
}

/// A client, and what passes its card.
pub(crate) struct Actor {
    pub(crate) guest: Guest,
    pub(crate) capture: Capture,
}

impl Stage {
    /// The stage with the network's server, and every client's claim for its first address.
    pub(crate) fn set(test: &str) -> Option<Self> {
        let programs = Client::ALL.map(Client::program);
        if !requirements::met(test, &[&["ip", "busybox"], &programs[..]].concat()) {
            return None;
        }
        let (lan, api) = (Lan::new(), Api::new());
        api.run(&format!(
            "pool create {POOL} --network short --cidr 10.48.0.0/24 --server-ip {SERVER} \
             --range 10.48.0.10-10.48.0.99 --dns 1.1.1.1 --lease-time {LEASE_TIME}"
        ));
        let stage = Self { _server: api.serve(&lan.host, "short", POOL), lan, api };
        for client in Client::ALL {
            stage.declare(client, first_address(client));
        }
        Some(stage)
    }

    /// Declares the address of a client's card, and waits until it is served.
    pub(crate) fn declare(&self, client: Client, address: Ipv4Addr) {
        self.declare_card(client.program(), mac(client), address);
    }

    /// The same, of any card.
    pub(crate) fn declare_card(&self, name: &str, mac: &str, address: Ipv4Addr) {
        self.api.apply_and_wait(&format!(
            "apiVersion: network.harvesterhci.io/v1alpha1\n\
             kind: VirtualMachineNetworkConfig\n\
             metadata: {{name: {name}, namespace: default}}\n\
             spec:\n  vmName: {name}\n  networkConfigs:\n  \
             - {{networkName: short, macAddress: '{mac}', ipAddress: {address}}}\n"
        ));
        until("agent that serves the address", PATIENCE, || {
            (self.noted_of(mac)?["address"] == json!(address)).then_some(())
        });
    }

    /// A machine with the card of this client.
    pub(crate) fn machine(&self, client: Client) -> Machine {
        self.lan.plug_in(mac(client))
    }

    /// Each client on a machine of its own, not yet switched on.
    pub(crate) fn actors(&self, guest: fn(Client, Machine) -> Guest) -> [Actor; 3] {
        Client::ALL.map(|client| {
            let machine = self.machine(client);
            Actor { capture: Capture::of(mac(client), &machine), guest: guest(client, machine) }
        })
    }

    /// What the agent has noted of this client's card, if it knows it.
    pub(crate) fn noted(&self, client: Client) -> Option<Value> {
        self.noted_of(mac(client))
    }

    /// The same, of any card.
    pub(crate) fn noted_of(&self, mac: &str) -> Option<Value> {
        self.ask(&format!("clients/{mac}"))
    }

    /// What the agent shows there.
    pub(crate) fn ask(&self, path: &str) -> Option<Value> {
        let path = format!("/agents/default/{POOL}/{path}");
        let (status, body) = self.lan.host.within(move || get(ADMIN.parse().unwrap(), &path))?;
        (status == 200).then(|| serde_json::from_str(&body).unwrap())
    }
}

/// Takes all of them through this at once.
pub(crate) fn all_at_once(actors: &mut [Actor], story: impl Fn(&mut Actor) + Sync) {
    let story = &story;
    thread::scope(|scope| {
        let tellers: Vec<_> = actors
            .iter_mut()
            .map(|actor| {
                let teller = thread::Builder::new().name(actor.guest.client().program().into());
                teller.spawn_scoped(scope, move || story(actor)).unwrap()
            })
            .collect();
        let ends: Vec<_> = tellers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Each has told of its own failure.
        assert!(ends.iter().all(Result::is_ok), "not all went as they should");
    });
}

/// The address that a client's card is given at first.
pub(crate) const fn first_address(client: Client) -> Ipv4Addr {
    Ipv4Addr::new(10, 48, 0, 11 + client as u8)
}

pub(crate) const fn mac(client: Client) -> &'static str {
    match client {
        Client::Udhcpc => "02:00:00:00:48:11",
        Client::Dhclient => "02:00:00:00:48:12",
        Client::Dhcpcd => "02:00:00:00:48:13",
    }
}
