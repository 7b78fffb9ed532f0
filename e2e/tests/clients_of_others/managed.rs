//! What manages the network of most VMs: systemd-networkd, and NetworkManager with its internal client. They have timers
//! of their own and no command for most of what happens, so a lease of six seconds drives them.
//!
//! `make e2e-clients` runs this; `docs/clients.md` has the outcome.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it fails by panicking")]
#![expect(clippy::print_stdout, reason = "the outcome is what it is run for")]

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dhcproto::v4::{MessageType, OptionCode};
use tempfile::TempDir;
use vmdhcp_e2e::{Capture, Heard, Machine, Process, requirements, until, within};

use crate::stage::{POOL, SERVER, Stage};

const CARD: &str = "02:00:00:00:48:31";
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 61);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 62);
/// A card that nobody has.
const NOWHERE: &str = "02:00:00:00:48:ff";
/// An address of another card, which uses that of the machine.
const INTRUDER: &str = "02:66:00:00:48:31";
const PATIENCE: Duration = Duration::from_secs(40);

/// A system bus where everybody may say everything.
const BUS: &str = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n \
    \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
    <busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>\n\
    <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/>\
    <allow user=\"*\"/></policy></busconfig>\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Networkd,
    NetworkManager,
}

impl Manager {
    /// What starts it, by way of `env`.
    const fn command(self) -> &'static [&'static str] {
        match self {
            Self::Networkd => {
                &["SYSTEMD_LOG_TARGET=console", "SYSTEMD_LOG_LEVEL=debug", "/lib/systemd/systemd-networkd"]
            }
            Self::NetworkManager => &["/usr/sbin/NetworkManager", "--no-daemon"],
        }
    }

    /// Where its files are on the machine, and what is in them.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Networkd => &[(
                "/etc/systemd/network/lan.network",
                "[Match]\nName=eth0\n\
                 [Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\
                 [DHCPv4]\nClientIdentifier=mac\nSendDecline=yes\n",
            )],
            Self::NetworkManager => &[
                (
                    "/etc/NetworkManager/NetworkManager.conf",
                    "[main]\nplugins=keyfile\ndhcp=internal\ndns=none\nauth-polkit=false\nno-auto-default=*\n\
                     [logging]\nlevel=INFO\ndomains=DHCP4:DEBUG,IP4:DEBUG\n",
                ),
                (
                    "/etc/NetworkManager/system-connections/lan.nmconnection",
                    "[connection]\nid=lan\ntype=ethernet\ninterface-name=eth0\nautoconnect-retries=0\n\
                     [ipv4]\nmethod=auto\ndad-timeout=1000\nmay-fail=false\n[ipv6]\nmethod=disabled\n",
                ),
            ],
        }
    }
}

/// A machine that is managed.
struct Managed {
    by: Manager,
    machine: Machine,
    capture: Capture,
    folder: TempDir,
    bus: Option<Process>,
    running: Option<Process>,
}

impl Managed {
    fn new(by: Manager, machine: Machine) -> Self {
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        machine.lay_over(&requirements::unpacked());
        // systemd's own folder, which the first process of the machine would have made.
        machine.run("mkdir -p /run/systemd");
        let capture = Capture::of(CARD, &machine);
        let mut managed = Self { by, machine, capture, folder, bus: None, running: None };
        for (path, text) in by.files() {
            managed.write(path, text);
        }
        managed.write("/run/dbus/system.conf", BUS);
        let arguments = ["--config-file=/run/dbus/system.conf", "--nofork", "--nopidfile"];
        let log = managed.folder.path().join("bus.log");
        let program = requirements::find("dbus-daemon").unwrap_or("/usr/bin/dbus-daemon".into());
        managed.bus = Some(managed.machine.start(&program, &arguments, &log));
        let socket =
            || managed.machine.within(|| Path::new("/run/dbus/system_bus_socket").exists()).then_some(());
        until("system bus", PATIENCE, socket);
        managed
    }

    /// Writes a file of the machine.
    fn write(&self, path: &'static str, text: &'static str) {
        self.machine.within(move || {
            fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            // NetworkManager reads no connection that others may read. networkd is not root.
            let mode = if path.ends_with("connection") { 0o600 } else { 0o644 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        });
    }

    fn start(&mut self) {
        let log = self.folder.path().join("log");
        self.running = Some(self.machine.start(Path::new("/usr/bin/env"), self.by.command(), &log));
    }

    /// Ends it as a shutdown of the machine would.
    fn stop(&mut self) {
        if self.by == Manager::NetworkManager {
            self.machine.run("nmcli --wait 20 device disconnect eth0");
        }
        self.running.take().unwrap().stop();
    }

    /// What NetworkManager was told to disconnect it connects again only when told so.
    fn connect_by_hand(&self) {
        if self.by == Manager::Networkd {
            return;
        }
        until("connection that NetworkManager begins", PATIENCE, || {
            let up = self.machine.within(|| {
                Command::new("nmcli").args(["--wait", "0", "connection", "up", "lan"]).output().unwrap()
            });
            up.status.success().then_some(())
        });
    }

    /// Waits until the card has this address and no other.
    fn has_address(&self, address: Ipv4Addr) {
        let has_it = within(PATIENCE, || {
            let addresses = self.machine.run("ip -4 -o address show dev eth0");
            (addresses.lines().count() == 1 && addresses.contains(&format!(" {address}/24 "))).then_some(())
        });
        assert!(has_it.is_some(), "{address} is not on the card; {}", self.told());
    }

    fn has_name_servers(&self, servers: &str) {
        let has_them = within(PATIENCE, || (self.name_servers() == servers).then_some(()));
        assert!(has_them.is_some(), "it has {}; {}", self.name_servers(), self.told());
    }

    fn name_servers(&self) -> String {
        match self.by {
            Manager::Networkd => {
                let leases = self.machine.within(|| {
                    let files = fs::read_dir("/run/systemd/netif/leases").into_iter().flatten().flatten();
                    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect::<String>()
                });
                let servers = leases.lines().find_map(|line| line.strip_prefix("DNS="));
                servers.unwrap_or_default().replace(' ', ",")
            }
            Manager::NetworkManager => {
                self.machine.run("nmcli -g IP4.DNS device show eth0").trim().replace(" | ", ",")
            }
        }
    }

    fn told(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        format!("{log}\n{:#?}", self.capture.heard())
    }

    /// Waits for the next message of this kind since the capture last forgot.
    fn hears(&self, kind: MessageType) -> Heard {
        self.hears_one(&format!("{kind:?}"), |heard| heard.kind() == Some(kind))
    }

    fn hears_one(&self, what: &str, is_it: impl Fn(&Heard) -> bool) -> Heard {
        let heard = within(PATIENCE, || self.capture.heard().into_iter().find(|heard| is_it(heard)));
        heard.unwrap_or_else(|| panic!("no {what}; {}", self.told()))
    }
}

/// A machine, and how it fares.
struct Story {
    test: &'static str,
    stage: Stage,
    managed: Managed,
}

impl Story {
    fn tells(&self, what: &str) {
        println!("{}: {what}", self.test);
    }

    fn gets_an_address(&mut self) {
        self.managed.start();
        self.managed.has_address(FIRST);
        self.managed.has_name_servers("1.1.1.1");
        let kinds: Vec<_> = self.managed.capture.heard().iter().filter_map(Heard::kind).collect();
        self.tells(&format!("has {FIRST} after {kinds:?}"));
    }

    fn renews_and_has_what_has_changed(&self) {
        let managed = &self.managed;
        self.stage.api.run(&format!("pool set {POOL} --dns 9.9.9.9,8.8.8.8"));
        managed.capture.forget();
        let request = managed.hears(MessageType::Request);
        assert_eq!((request.destination, request.message.ciaddr()), (SERVER, FIRST), "by unicast");
        managed.has_name_servers("9.9.9.9,8.8.8.8");
        managed.has_address(FIRST);
        self.tells("renewed by unicast, and has the new name servers");
    }

    fn rebinds(&self) {
        let managed = &self.managed;
        managed.machine.run(&format!("ip neigh replace {SERVER} lladdr {NOWHERE} nud permanent dev eth0"));
        managed.capture.forget();
        let rebinding = managed.hears_one("broadcast REQUEST", |heard| {
            heard.kind() == Some(MessageType::Request) && heard.is_broadcast()
        });
        assert_eq!(rebinding.message.ciaddr(), FIRST);
        assert!(
            !rebinding.has(OptionCode::ServerIdentifier) && !rebinding.has(OptionCode::RequestedIpAddress)
        );
        managed.hears_one("ACK of it", |heard| {
            heard.kind() == Some(MessageType::Ack) && heard.message.xid() == rebinding.message.xid()
        });
        managed.has_address(FIRST);
        managed.machine.run(&format!("ip neigh delete {SERVER} dev eth0"));
        self.tells("rebound by broadcast");
    }

    fn is_refused_and_has_another(&self) {
        let managed = &self.managed;
        managed.capture.forget();
        self.stage.declare_card("managed", CARD, SECOND);
        assert!(managed.hears(MessageType::Nak).is_broadcast());
        managed.has_address(SECOND);
        self.tells(&format!("was refused {FIRST} and has {SECOND}"));
    }

    fn ends(&mut self) {
        let managed = &mut self.managed;
        // Not before it has spoken with its server: it takes its address off while it still asks for the way.
        managed.capture.forget();
        managed.hears_one("renewal", |heard| {
            heard.kind() == Some(MessageType::Request) && heard.destination == SERVER
        });
        managed.stop();
        if managed.by == Manager::Networkd {
            let release = managed.hears(MessageType::Release);
            assert_eq!((release.message.ciaddr(), release.destination), (SECOND, SERVER));
            let noted = || self.stage.noted_of(CARD)?["released"].as_str().map(drop);
            let is_noted = within(PATIENCE, noted);
            assert!(is_noted.is_some(), "{release:?} is not noted; {:#?}", self.stage.noted_of(CARD));
            self.tells("released it at its end");
        } else {
            // The internal client of this version tells nobody.
            let released = managed.capture.heard_of(MessageType::Release);
            self.tells(&format!("at its end: {released:?}"));
        }
    }

    fn begins_anew(&mut self) {
        let managed = &mut self.managed;
        managed.machine.run("ip -4 address flush dev eth0");
        managed.capture.forget();
        managed.start();
        managed.connect_by_hand();
        managed.has_address(SECOND);
        let first = managed.capture.heard().swap_remove(0);
        self.tells(&format!("began anew with {first:?} and has {SECOND} again"));
    }

    fn finds_its_address_in_use(&mut self) {
        let managed = &mut self.managed;
        managed.stop();
        managed.machine.run("ip -4 address flush dev eth0");
        let intruder = self.stage.lan.plug_in(INTRUDER);
        intruder.run(&format!("ip address add {SECOND}/24 dev eth0"));
        managed.capture.forget();
        managed.start();
        managed.connect_by_hand();
        if managed.by == Manager::NetworkManager {
            let declined = managed.hears(MessageType::Decline);
            assert_eq!((declined.requested(), declined.server()), (Some(SECOND), Some(SERVER)));
            assert!(declined.is_broadcast(), "{declined:?}");
            let noted = || self.stage.noted_of(CARD)?["declined"].as_str().map(drop);
            until("note of the DECLINE", PATIENCE, noted);
        } else {
            // It wants to send one by a socket that has no route without the address: systemd 252 cannot.
            until("conflict that it has seen", PATIENCE, || {
                managed.running.as_ref()?.log().contains("as an address conflict was detected").then_some(())
            });
            until("card without an address", PATIENCE, || {
                managed.machine.run("ip -4 -o address show dev eth0").is_empty().then_some(())
            });
        }
        intruder.run(&format!("ip address delete {SECOND}/24 dev eth0"));
        if managed.by == Manager::NetworkManager {
            managed.machine.run("nmcli --wait 30 connection up lan");
        } else {
            managed.stop();
            managed.start();
        }
        managed.has_address(SECOND);
        let declined = managed.capture.heard_of(MessageType::Decline);
        self.tells(&format!(
            "saw another card use {SECOND}, sent {declined:?}, and has it now that it is gone"
        ));
    }
}

fn lives_through_the_life_of_a_lease(test: &'static str, by: Manager) {
    let Some(stage) = Stage::set(test) else { return };
    stage.declare_card("managed", CARD, FIRST);
    let managed = Managed::new(by, stage.lan.plug_in(CARD));
    let mut story = Story { test, stage, managed };
    story.gets_an_address();
    story.renews_and_has_what_has_changed();
    story.rebinds();
    story.is_refused_and_has_another();
    story.ends();
    story.begins_anew();
    story.finds_its_address_in_use();
    story.managed.stop();
}

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn systemd_networkd_lives_through_the_life_of_a_lease() {
    lives_through_the_life_of_a_lease("systemd-networkd", Manager::Networkd);
}

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn networkmanager_lives_through_the_life_of_a_lease() {
    lives_through_the_life_of_a_lease("NetworkManager", Manager::NetworkManager);
}
