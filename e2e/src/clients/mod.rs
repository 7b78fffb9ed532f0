//! DHCP clients that nobody here wrote, each on a machine of its own that can be switched off and on.
//!
//! All of them run a script of ours for every event, which writes down what they were sent. A client keeps its files in
//! a folder of the test, so a machine that was off remembers its lease as a disk would.

mod dhclient;
mod dhcpcd;
mod udhcpc;

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::lan::CARD;
use crate::{Machine, Process, within};

/// How long a client has to get, renew or confirm a lease.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Of BusyBox: the smallest. It has no INIT-REBOOT, and asks for its former address in its DISCOVER.
    Udhcpc,
    /// Of the ISC: the reference for decades.
    Dhclient,
    /// Of Roy Marples.
    Dhcpcd,
}

/// What a client was sent, in its own words made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Option 1.
    pub subnet_mask: Ipv4Addr,
    /// Option 3.
    pub router: String,
    /// Option 6.
    pub name_servers: String,
    /// Option 15.
    pub domain: String,
    /// Option 119.
    pub search: String,
    /// Option 51 in seconds.
    pub seconds: u32,
    /// Option 54.
    pub server: String,
}

/// Why a client has a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// By DISCOVER and OFFER.
    Bound,
    /// By asking whether it may keep the one it remembered.
    Rebooted,
    /// By a renewal.
    Renewed,
}

/// What has become of a client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// It was given, or given again.
    Leased(Reason, Lease),
    /// It was taken away: refused, or not renewed in time. With the client's own word for it.
    Lost(String),
}

/// A machine with a client on it.
pub struct Guest {
    client: Client,
    machine: Machine,
    folder: TempDir,
    running: Option<Process>,
    /// How many events have been looked at.
    seen: usize,
    /// Whether it asks by ARP for the address that it was given before it takes it.
    is_wary: bool,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Udhcpc, Self::Dhclient, Self::Dhcpcd];

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Udhcpc => "udhcpc",
            Self::Dhclient => "dhclient",
            Self::Dhcpcd => "dhcpcd",
        }
    }

    /// Whether it can ask for its former address without a DISCOVER (INIT-REBOOT).
    pub fn remembers(self) -> bool {
        self != Self::Udhcpc
    }
}

impl Guest {
    /// Puts a client on a machine, without starting it.
    pub fn new(client: Client, machine: Machine) -> Self {
        Self::prepared(client, machine, false)
    }

    /// The same, but it asks by ARP whether somebody uses the address that it was given, and declines it if so.
    pub fn wary(client: Client, machine: Machine) -> Self {
        Self::prepared(client, machine, true)
    }

    fn prepared(client: Client, machine: Machine, is_wary: bool) -> Self {
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        fs::create_dir(events(folder.path())).unwrap();
        let script = script(folder.path());
        fs::write(&script, script_text(client, folder.path(), is_wary)).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        match client {
            Client::Udhcpc => {}
            Client::Dhclient => dhclient::prepare(folder.path()),
            Client::Dhcpcd => dhcpcd::prepare(&machine, folder.path(), is_wary),
        }
        Self { client, machine, folder, running: None, seen: 0, is_wary }
    }

    /// Which client it is.
    pub fn client(&self) -> Client {
        self.client
    }

    /// The machine that it is on.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Switches it on: it gets a lease, by asking for the one it remembers if it can.
    pub fn switch_on(&mut self) -> (Reason, Lease) {
        self.start();
        self.gets_lease()
    }

    /// Switches it on, and waits for nothing.
    pub fn start(&mut self) {
        let folder = self.folder.path();
        let arguments = match self.client {
            Client::Udhcpc => {
                udhcpc::arguments(folder, self.last_lease().map(|lease| lease.address), self.is_wary)
            }
            Client::Dhclient => dhclient::arguments(folder),
            Client::Dhcpcd => dhcpcd::arguments(folder),
        };
        let program = crate::requirements::find(self.client.program()).unwrap();
        self.running = Some(self.machine.start(&program, &arguments, &folder.join("log")));
    }

    /// Waits until it has been given an address that it did not have just before.
    pub fn gets_lease(&mut self) -> (Reason, Lease) {
        self.lease_because_of(&[Reason::Bound, Reason::Rebooted])
    }

    /// Cuts its power: nothing is released, and the card loses its address.
    pub fn switch_off(&mut self) {
        if let Some(client) = self.running.take() {
            client.kill();
        }
        self.machine.run(&format!("ip -4 address flush dev {CARD}"));
    }

    /// Renews its lease now, of the server or of whoever answers when the server does not.
    pub fn renew(&mut self) -> Lease {
        // dhcpcd forgets what it is told while it is still busy with its lease.
        for _ in 0..2 {
            self.ask_to_renew();
            if let Some((_, lease)) = self.next_lease(&[Reason::Renewed], PATIENCE / 3) {
                return lease;
            }
        }
        self.lease_because_of(&[Reason::Renewed]).1
    }

    /// Has it renew its lease, and waits for nothing.
    pub fn ask_to_renew(&self) {
        match self.client {
            Client::Udhcpc => udhcpc::renew(self.running.as_ref().unwrap()),
            Client::Dhclient => {} // its configuration renews after some seconds
            Client::Dhcpcd => dhcpcd::renew(&self.machine, self.folder.path()),
        }
    }

    /// Has it give its lease back, and waits until it has taken the address off its card.
    pub fn release(&mut self) {
        match self.client {
            Client::Udhcpc => udhcpc::release(self.running.as_ref().unwrap()),
            Client::Dhclient => dhclient::release(&self.machine, self.folder.path()),
            Client::Dhcpcd => dhcpcd::release(&self.machine, self.folder.path()),
        }
        let without = within(PATIENCE, || self.addresses().is_empty().then_some(()));
        assert!(without.is_some(), "{} keeps {:?}:\n{}", self.client.program(), self.addresses(), self.log());
    }

    /// Everything that has happened since it was first switched on, but for what leads to its first address.
    pub fn history(&self) -> Vec<Happening> {
        let mut history = Vec::new();
        for event in (0..).map_while(|number| read_event(self.folder.path(), number)) {
            match self.client.understand(&event) {
                Some((reason, lease)) => history.push(Happening::Leased(reason, lease)),
                None if history.is_empty() => {}
                None => history.extend(self.client.loss(&event).map(Happening::Lost)),
            }
        }
        history
    }

    /// The addresses that its card has now.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        let listed = self.machine.run(&format!("ip -4 -o address show dev {CARD}"));
        let address = |line: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != "inet");
            words.nth(1)?.split('/').next()?.parse().ok()
        };
        listed.lines().filter_map(address).collect()
    }

    /// What the client itself says.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The next lease it gets for one of these reasons; none if there is none in time.
    fn next_lease(&mut self, reasons: &[Reason], patience: Duration) -> Option<(Reason, Lease)> {
        within(patience, || {
            while let Some(event) = read_event(self.folder.path(), self.seen) {
                self.seen += 1;
                let understood = self.client.understand(&event);
                if understood.as_ref().is_some_and(|(reason, _)| reasons.contains(reason)) {
                    return understood;
                }
            }
            None
        })
    }

    /// The same. Panics if there is none.
    fn lease_because_of(&mut self, reasons: &[Reason]) -> (Reason, Lease) {
        let lease = self.next_lease(reasons, PATIENCE);
        let program = self.client.program();
        lease.unwrap_or_else(|| panic!("{program} got no lease ({reasons:?}); it says:\n{}", self.log()))
    }

    fn last_lease(&self) -> Option<Lease> {
        let earlier = (0..self.seen).rev().filter_map(|at| read_event(self.folder.path(), at));
        earlier.filter_map(|event| self.client.understand(&event)).map(|(_, lease)| lease).next()
    }
}

type Event = BTreeMap<String, String>;

impl Client {
    /// The lease that an event of this client is about, if it is about one.
    fn understand(self, event: &Event) -> Option<(Reason, Lease)> {
        match self {
            Self::Udhcpc => udhcpc::understand(event),
            // dhcpcd took its names over from dhclient.
            Self::Dhclient | Self::Dhcpcd => dhclient::understand(event),
        }
    }

    /// The client's word for an event by which its address is lost, if it is one.
    fn loss(self, event: &Event) -> Option<String> {
        let (variable, words): (_, &[&str]) = match self {
            Self::Udhcpc => ("event", &["deconfig", "leasefail", "nak"]),
            Self::Dhclient => ("reason", &["EXPIRE", "FAIL", "STOP"]),
            Self::Dhcpcd => ("reason", &["EXPIRE", "FAIL", "NAK", "NOCARRIER", "STOP"]),
        };
        Some(text(event, variable)).filter(|word| words.contains(&word.as_str()))
    }
}

/// The variables of the event with this number.
fn read_event(folder: &Path, number: usize) -> Option<Event> {
    let text = fs::read_to_string(events(folder).join(number.to_string())).ok()?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn events(folder: &Path) -> PathBuf {
    folder.join("events")
}

fn script(folder: &Path) -> PathBuf {
    folder.join("script")
}

/// The script for events: it writes them down, numbered, and gives the card its address where the client does not.
fn script_text(client: Client, folder: &Path, is_wary: bool) -> String {
    let check = if is_wary && client == Client::Dhclient { dhclient::CHECK } else { "" };
    let configure = match client {
        Client::Udhcpc => udhcpc::CONFIGURE,
        Client::Dhclient => dhclient::CONFIGURE,
        Client::Dhcpcd => "",
    };
    format!(
        "#!/bin/sh\n{check}{configure}\ncd {events}\nnumber=$(ls | wc -l)\n\
         (echo \"event=$1\"; env) > ../event && mv ../event $number\n",
        events = events(folder).display()
    )
}

/// A variable that is a word, or a list of them; absent is empty. A domain's final dot says nothing.
fn text(event: &Event, name: &str) -> String {
    event.get(name).map(|value| value.trim().trim_end_matches('.').to_owned()).unwrap_or_default()
}
