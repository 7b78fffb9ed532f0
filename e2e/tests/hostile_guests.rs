//! Guests that send whatever they like, as fast as they can: the others get their addresses all the same, and the
//! operator sees who it is.
#![expect(clippy::unwrap_used, reason = "a test: it fails by panicking")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dhcproto::v4::MessageType;
use serde_json::Value;
use vmdhcp_e2e::flood::{Flood, Port, Renewals, Renewing};
use vmdhcp_e2e::vmdhcp::{ADMIN, Api, MAC, POOL, Standalone, binary, get};
use vmdhcp_e2e::{Lan, Machine, requirements, until, wire};

const PATIENCE: Duration = Duration::from_secs(10);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const SERVER_CARD: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Known clients.
const CLIENTS: u8 = 100;
/// A card that nobody knows.
const STRANGER: &str = "02:00:00:00:48:99";
/// What a flood may add to the server's memory. Everything that it can fill has a fixed size.
const GROWTH: u64 = 4 << 20;

/// A server and a cable, on the other end of which everything happens that a network can hold.
struct Stage {
    host: Machine,
    guests: Machine,
    _api: Api,
    server: Standalone,
}

/// What a flood did.
#[derive(Debug)]
struct Outcome {
    sent: u64,
    took: Duration,
    /// What of it has reached the agent.
    heard: u64,
    renewals: Renewals,
    /// Time that the server computed.
    computed: Duration,
    /// Memory of the server before and after, in bytes.
    memory: (u64, u64),
}

fn card(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0x64, number]
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 1, number)
}

impl Stage {
    /// A pool with a lease for every known client, served.
    fn set() -> Self {
        let (host, guests) = (Machine::new(), Machine::new());
        let netns = guests.netns();
        host.run(&format!(
            "ip link add br48 address {} type veth peer name eth0 netns {netns}",
            text_of(SERVER_CARD)
        ));
        host.run("ip link set br48 up");
        guests.run("ip link set eth0 up");
        let api = Api::new();
        let mut manifest = format!(
            "apiVersion: network.harvesterhci.io/v1alpha1\n\
             kind: IPPool\n\
             metadata: {{name: flooded, namespace: default}}\n\
             spec:\n  networkName: flooded\n  \
             ipv4Config: {{cidr: 10.99.0.0/16, serverIP: {SERVER}, pool: {{start: 10.99.1.0, end: 10.99.1.255}}}}\n\
             ---\n\
             apiVersion: network.harvesterhci.io/v1alpha1\n\
             kind: VirtualMachineNetworkConfig\n\
             metadata: {{name: known, namespace: default}}\n\
             spec:\n  vmName: known\n  networkConfigs:\n"
        );
        for number in 0..CLIENTS {
            let mac = text_of(card(number));
            let address = address(number);
            writeln!(manifest, "  - {{networkName: flooded, macAddress: '{mac}', ipAddress: {address}}}")
                .unwrap();
        }
        api.apply(&manifest);
        let server = api.serve(&host, "flooded", "flooded");
        until("leases of all known clients", PATIENCE, || {
            let pool = api.json("pool show flooded -o json");
            (pool["status"]["ipv4"]["used"] == CLIENTS).then_some(())
        });
        Self { host, guests, _api: api, server }
    }

    /// Has the known clients renew, beside the flood.
    fn bear(&self, flood: Flood) -> Outcome {
        let renewing = Renewing {
            clients: (0..CLIENTS).map(|number| (card(number), address(number))).collect(),
            server: (SERVER_CARD, SERVER),
            pause: Duration::from_millis(100),
            length: flood.length,
        };
        // Everything has its memory, and every client its record.
        let (clients, flooders) = (Port::of(&self.guests), Port::of(&self.guests));
        let first = Renewing { length: Duration::from_millis(500), ..renewing.clone() };
        let warm = first.renew(&clients);
        assert!(warm.each.iter().all(|renewed| *renewed > 0), "without a flood: {warm:?}");
        let (before, computed) = (self.server.memory().own, self.server.process.computed());
        let ((sent, took), renewals) = thread::scope(|scope| {
            let flooding = scope.spawn(|| flood.send(&flooders));
            let renewals = renewing.renew(&clients);
            (flooding.join().unwrap(), renewals)
        });
        let heard =
            self.messages("reason=\"unknown_rate_limited\"") + self.messages("reason=\"unknown_mac\"");
        let computed = self.server.process.computed().saturating_sub(computed);
        Outcome { sent, took, heard, renewals, computed, memory: (before, self.server.memory().own) }
    }

    /// How many messages the agent has counted with this label.
    fn messages(&self, label: &'static str) -> u64 {
        let shown = self.host.within(|| get(ADMIN.parse().unwrap(), "/metrics")).unwrap();
        let of = |line: &&str| line.starts_with("vmdhcp_agent_messages_total{") && line.contains(label);
        shown.1.lines().filter(of).map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

fn text_of(card: [u8; 6]) -> String {
    card.map(|octet| format!("{octet:02x}")).join(":")
}

impl Outcome {
    /// What holds however fast the machine is.
    fn check(&self) {
        let Self { sent, renewals, memory: (before, after), .. } = self;
        assert!(*sent > 0);
        let fewest = renewals.each.iter().min().unwrap();
        assert!(*fewest > 0, "a client has not renewed: {:?}", renewals.each);
        assert_eq!(renewals.refused, 0);
        assert!(after.saturating_sub(*before) < GROWTH, "memory went from {before} to {after} bytes");
    }

    fn report(&self) {
        let Self { sent, took, heard, renewals, computed, memory: (before, after) } = self;
        let text = format!(
            "\n{sent} packets of made-up cards in {:.1} s ({}/s), {heard} of them heard\n\
             {} renewals of {CLIENTS} clients, at least {} each; {} requests lost, {} refused\n\
             p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}\n\
             the server computed for {computed:?}\n\
             memory {} kB before, {} kB after\n",
            took.as_secs_f64(),
            u128::from(*sent) * 1_000 / took.as_millis(),
            renewals.each.iter().sum::<u32>(),
            renewals.each.iter().min().unwrap(),
            renewals.lost,
            renewals.refused,
            renewals.quantile(0.5),
            renewals.quantile(0.99),
            renewals.quantile(0.999),
            renewals.quantile(1.0),
            before / 1_000,
            after / 1_000,
        );
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn known_clients_renew_in_a_flood_of_made_up_cards_and_memory_stays_as_it_is() {
    if !requirements::met(
        "known_clients_renew_in_a_flood_of_made_up_cards_and_memory_stays_as_it_is",
        &["ip"],
    ) {
        return;
    }
    let stage = Stage::set();
    let outcome = stage.bear(Flood { rate: 10_000, length: Duration::from_secs(2) });
    outcome.report();
    outcome.check();
    assert!(stage.messages("reason=\"unknown_rate_limited\"") > 0);
}

#[test]
#[ignore = "make flood: it wants an optimised build and two cores to itself"]
fn known_clients_renew_in_two_hundred_thousand_packets_a_second() {
    assert!(requirements::met("known_clients_renew_in_two_hundred_thousand_packets_a_second", &["ip"]));
    let stage = Stage::set();
    let outcome = stage.bear(Flood { rate: 200_000, length: Duration::from_secs(10) });
    outcome.report();
    outcome.check();
}

#[test]
fn an_operator_who_watches_sees_every_packet_with_what_came_of_it_and_why() {
    if !requirements::met("an_operator_who_watches_sees_every_packet_with_what_came_of_it_and_why", &["ip"]) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let _server = api.serve(&lan.host, "net-48", POOL);
    api.settle();
    let mut watch = Command::new(binary());
    watch.arg("--local").arg(api.file()).args(["lease", "watch", POOL, "-o", "json"]);
    watch.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut watching = lan.host.within(move || watch.spawn().unwrap());
    let output = BufReader::new(watching.stdout.take().unwrap());
    let (found, lines) = mpsc::channel::<Value>();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            drop(found.send(serde_json::from_str(&line).unwrap()));
        }
    });
    let vm = lan.plug_in(MAC);
    // What happened before the watch began is not in it: the client asks until it is seen.
    let offered = until("a decision about the VM", PATIENCE, || {
        let offer = wire::exchange(&vm, wire::discover(MAC), wire::PATIENCE).unwrap();
        assert_eq!(wire::kind(&offer), Some(MessageType::Offer));
        lines.recv_timeout(Duration::from_millis(300)).ok()
    });
    assert_eq!(offered["macAddress"], MAC);
    assert_eq!(offered["message"], "DHCPDISCOVER");
    assert_eq!(offered["answer"], "DHCPOFFER");
    assert_eq!(offered["reason"], "offered");
    assert_eq!(offered["vm"]["name"], "test-vm");
    assert_eq!(offered["pool"]["name"], POOL);
    let other = lan.plug_in(STRANGER);
    assert!(wire::exchange(&other, wire::discover(STRANGER), Duration::from_millis(100)).is_none());
    let unknown = until("a decision about the stranger", PATIENCE, || {
        lines.try_recv().ok().filter(|line| line["macAddress"] == STRANGER)
    });
    assert_eq!(unknown["text"], "the card has no lease in this pool");
    assert_eq!(unknown.get("answer"), None);
    watching.kill().unwrap();
    watching.wait().unwrap();

    // Whoever comes later is told of the last packets.
    let file = api.file();
    let inspected = lan.host.within(move || {
        let mut inspect = Command::new(binary());
        inspect.arg("--local").arg(file).args(["lease", "inspect", MAC]).output().unwrap()
    });
    let page = String::from_utf8(inspected.stdout).unwrap();
    let line = "DHCPDISCOVER, answered by DHCPOFFER: the card has a lease, so it was offered";
    assert!(page.contains(line), "{page}");
}
