//! The servers that are measured: ours, those of others, and the limit. What each is told, for the same clients.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use vmdhcp_e2e::vmdhcp::ADMIN;

use crate::api::{self, Api, POOL};
use crate::load::Expected;
use crate::message::{address_of, card_of, text_of};
use crate::stage::{NIC, Owner, Stage};

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    PacketResponder,
    UdpResponder,
    /// What polling before sleeping would bring.
    PollingResponder,
    Ours,
    Kea,
    Isc,
    Dnsmasq,
}

impl Peer {
    pub(crate) const ALL: [Self; 7] = [
        Self::PacketResponder,
        Self::UdpResponder,
        Self::PollingResponder,
        Self::Ours,
        Self::Kea,
        Self::Isc,
        Self::Dnsmasq,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PacketResponder => "responder (packet socket)",
            Self::UdpResponder => "responder (UDP)",
            Self::PollingResponder => "responder (packet, polls)",
            Self::Ours => "vmdhcp",
            Self::Kea => "Kea",
            Self::Isc => "ISC dhcpd",
            Self::Dnsmasq => "dnsmasq",
        }
    }

    pub(crate) const fn owner(self) -> Owner {
        match self {
            Self::Ours => Owner::Server,
            _ => Owner::Kernel,
        }
    }

    /// Kea has a pool in which every client comes to hold a lease; all others know each client's address.
    pub(crate) const fn expected(self) -> Expected {
        match self {
            Self::Kea => Expected::Any,
            _ => Expected::Declared,
        }
    }

    /// Whether every client shall have been through an exchange before it is measured. dnsmasq would take minutes: it
    /// begins with leases in its file.
    pub(crate) const fn is_filled(self) -> bool {
        !matches!(self, Self::Dnsmasq)
    }
}

/// How a server is started, and what has to live as long as it does.
pub(crate) struct Setup {
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) command: Vec<String>,
    pub(crate) api: Option<Api>,
}

/// Writes what the server reads, for so many clients, into a folder of its own.
pub(crate) fn prepare(peer: Peer, stage: &Stage, folder: &Path, clients: u32) -> io::Result<Setup> {
    let command = match peer {
        Peer::PacketResponder => responder("packet", 0)?,
        Peer::UdpResponder => responder("udp", 0)?,
        Peer::PollingResponder => responder("packet", POLLED)?,
        Peer::Ours => {
            let api = Api::start(stage, clients)?;
            let command = agent(folder, api.port(), clients, &[])?;
            return Ok(Setup { environment: Vec::new(), command, api: Some(api) });
        }
        Peer::Kea => {
            let text = |path: &str| folder.join(path).display().to_string();
            let environment = vec![
                ("KEA_PIDFILE_DIR", text("")),
                ("KEA_LOCKFILE_DIR", text("")),
                ("KEA_LOGGER_DESTINATION", text("kea.log")),
            ];
            return Ok(Setup { environment, command: kea(folder)?, api: None });
        }
        Peer::Isc => isc(folder, clients)?,
        Peer::Dnsmasq => dnsmasq(folder, clients)?,
    };
    Ok(Setup { environment: Vec::new(), command, api: None })
}

/// For how many microseconds the polling responder polls after the last packet.
const POLLED: u64 = 100;

fn responder(via: &str, spin: u64) -> io::Result<Vec<String>> {
    let own = std::env::current_exe()?.display().to_string();
    Ok([&own, "responder", via, NIC, "--spin", &spin.to_string()].map(str::to_owned).to_vec())
}

/// The binary that is measured.
pub(crate) fn vmdhcp() -> PathBuf {
    std::env::var_os("VMDHCP_BIN").map_or_else(|| "target/measured/vmdhcp".into(), PathBuf::from)
}

/// An agent as it runs in a Pod, by way of this program where one is named: it knows its leases from a snapshot, and then
/// from the API at that port.
pub(crate) fn agent(folder: &Path, port: u16, leases: u32, within: &[String]) -> io::Result<Vec<String>> {
    let (kubeconfig, snapshot) = (folder.join("kubeconfig"), folder.join("snapshot.json"));
    api::write_kubeconfig(&kubeconfig, port)?;
    api::write_snapshot(&snapshot, leases)?;
    // The one right that a Pod of an agent has.
    let mut command = words("setpriv --bounding-set -all,+net_raw");
    command.extend_from_slice(within);
    command.extend([vmdhcp().display().to_string(), "--kubeconfig".into(), kubeconfig.display().to_string()]);
    command.extend(words(&format!(
        "agent --name bench --ippool-ref default/{POOL} --nic {NIC} --listen {ADMIN}"
    )));
    command.extend(["--snapshot".into(), snapshot.display().to_string()]);
    Ok(command)
}

/// A pool in memory that is kept on disk, as Kea has it by default.
fn kea(folder: &Path) -> io::Result<Vec<String>> {
    let option = |name: &str, data: &str| json!({"name": name, "data": data});
    let configuration = json!({"Dhcp4": {
        "interfaces-config": {"interfaces": [NIC], "dhcp-socket-type": "raw"},
        "multi-threading": {"enable-multi-threading": false},
        "lease-database": {
            "type": "memfile", "persist": true, "name": folder.join("leases.csv"), "lfc-interval": 0
        },
        "valid-lifetime": 86_400,
        "option-data": [
            option("domain-name-servers", "1.1.1.1"), option("routers", "10.99.0.254"), option("domain-name", "example.org")
        ],
        "subnet4": [{
            "id": 1, "subnet": "10.99.0.0/16", "interface": NIC, "pools": [{"pool": "10.99.1.0 - 10.99.254.255"}]
        }],
        "loggers": [{
            "name": "kea-dhcp4", "severity": "ERROR", "output_options": [{"output": folder.join("kea.log")}]
        }]
    }});
    let file = folder.join("kea.json");
    fs::write(&file, configuration.to_string())?;
    Ok(vec!["kea-dhcp4".to_owned(), "-c".to_owned(), file.display().to_string()])
}

fn isc(folder: &Path, clients: u32) -> io::Result<Vec<String>> {
    let mut text = "default-lease-time 86400; max-lease-time 86400; ping-check false; authoritative; \
        local-address 10.99.0.1;\nsubnet 10.99.0.0 netmask 255.255.0.0 { option routers 10.99.0.254; \
        option domain-name-servers 1.1.1.1; option domain-name \"example.org\"; }\n"
        .to_owned();
    for (number, card, address) in all(clients) {
        let _ = writeln!(text, "host h{number} {{ hardware ethernet {card}; fixed-address {address}; }}");
    }
    let (file, leases) = (folder.join("dhcpd.conf"), folder.join("dhcpd.leases"));
    fs::write(&file, text)?;
    fs::write(&leases, "")?;
    let line = format!(
        "dhcpd -f -q -4 -user root -group root -cf {} -lf {} --no-pid {NIC}",
        file.display(),
        leases.display()
    );
    Ok(words(&line))
}

/// It answers by broadcast: to unicast to a client without an address it enters it in the kernel's ARP table, and that
/// ends at 1,024 entries.
fn dnsmasq(folder: &Path, clients: u32) -> io::Result<Vec<String>> {
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + Duration::from_secs(80_000);
    let (mut hosts, mut leases) = (String::new(), String::new());
    for (_, card, address) in all(clients) {
        let _ = writeln!(hosts, "dhcp-host={card},{address}");
        let _ = writeln!(leases, "{} {card} {address} * 01:{card}", end.as_secs());
    }
    let (hosts_file, leases_file) = (folder.join("hosts.conf"), folder.join("leases"));
    fs::write(&hosts_file, hosts)?;
    fs::write(&leases_file, leases)?;
    let line = format!(
        "dnsmasq -k --port=0 --interface={NIC} --bind-interfaces \
         --dhcp-range=10.99.1.0,10.99.254.255,255.255.0.0,86400 --dhcp-leasefile={} --conf-file={} \
         --dhcp-option=3,10.99.0.254 --dhcp-option=6,1.1.1.1 --dhcp-option=15,example.org --dhcp-authoritative \
         --dhcp-broadcast --log-facility={} --quiet-dhcp --no-ping --dhcp-lease-max=100000 --user=root --pid-file",
        leases_file.display(),
        hosts_file.display(),
        folder.join("dnsmasq.log").display()
    );
    Ok(words(&line))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn all(clients: u32) -> impl Iterator<Item = (u32, String, String)> {
    (0..clients).map(|number| (number, text_of(card_of(number)), address_of(number).to_string()))
}
