//! The disk under `vmdhcp standalone` fills up: clients are served all the same, also by a server that starts then, and
//! when there is room again everything goes on.
#![expect(clippy::unwrap_used, reason = "a test: it fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use tempfile::TempDir;
use vmdhcp_e2e::clients::{Client, Guest};
use vmdhcp_e2e::vmdhcp::{ADMIN, MAC, MANIFESTS, binary, is_served};
use vmdhcp_e2e::{Lan, Machine, Process, requirements, until};

const PATIENCE: Duration = Duration::from_secs(20);
/// A card that is declared after the disk was full.
const LATER: &str = "02:00:00:00:48:05";

/// A host whose file is on a disk of its own, of two megabytes.
struct Host<'a> {
    machine: &'a Machine,
    /// Where the small disk is mounted, for this machine alone.
    disk: PathBuf,
    folder: TempDir,
}

impl<'a> Host<'a> {
    fn new(machine: &'a Machine) -> Self {
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let (on, none) = (disk.clone(), None::<&str>);
        machine.within(move || {
            mount(none, &on, Some("tmpfs"), MsFlags::empty(), Some("size=2m")).unwrap();
        });
        Self { machine, disk, folder }
    }

    fn file(&self) -> String {
        self.disk.join("lab.db").display().to_string()
    }

    /// Runs a command line; what it says is an error where it fails.
    fn run(&self, line: &str) -> Result<String, String> {
        let mut command = Command::new(binary());
        command.args(["--local", &self.file()]).args(line.split_whitespace());
        let output = self.machine.within(move || command.output().unwrap());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn apply(&self, manifest: &str) {
        let path = self.folder.path().join("manifest.yaml");
        fs::write(&path, manifest).unwrap();
        self.run(&format!("apply -f {}", path.display())).unwrap();
    }

    fn serve(&self) -> Process {
        let file = self.file();
        let arguments = ["--local", &file, "standalone", "--nic", "net-48=br48", "--listen", ADMIN];
        let mut server = self.machine.start(&binary(), &arguments, &self.folder.path().join("log"));
        until("agent that serves, or the end of the server", PATIENCE, || {
            (is_served(self.machine, "ippool-1") || !server.is_running()).then_some(())
        });
        assert!(server.is_running(), "{}", server.log());
        server
    }

    /// Leaves not a byte, as somebody else's log would.
    fn fill_disk(&self) {
        let rest = self.rest();
        self.machine.within(move || fs::write(rest, vec![0; 2 << 20])).unwrap_err();
    }

    fn empty_disk(&self) {
        let rest = self.rest();
        self.machine.within(move || fs::remove_file(rest)).unwrap();
    }

    fn rest(&self) -> PathBuf {
        Path::new(&self.disk).join("rest")
    }
}

#[test]
fn clients_are_served_while_the_disk_is_full_also_by_a_server_that_starts_then() {
    if !requirements::met("clients_are_served_while_the_disk_is_full", &["ip", "udhcpc"]) {
        return;
    }
    let lan = Lan::new();
    let host = Host::new(&lan.host);
    host.apply(&MANIFESTS.join("---\n"));
    let server = host.serve();
    let mut guest = Guest::new(Client::Udhcpc, lan.plug_in(MAC));
    let (_, first) = guest.switch_on();

    host.fill_disk();
    // The log may have room inside for a while.
    let refused = (0..200).find_map(|number| {
        host.run(&format!("pool create p-{number} --network n-{number} --cidr 10.{number}.0.0/16")).err()
    });
    let refused = refused.unwrap();
    let sentence = format!("no space is left on the disk of {}; free some, and try again", host.file());
    assert!(refused.contains(&sentence), "{refused}");
    assert_eq!(guest.renew(), first);

    server.kill();
    let mut server = host.serve();
    assert_eq!(guest.renew(), first);
    guest.switch_off();
    assert_eq!(guest.switch_on().1, first);
    assert!(host.run("pool list -o name").unwrap().contains("ippool-1"));

    host.empty_disk();
    host.apply(&format!(
        "apiVersion: network.harvesterhci.io/v1alpha1\n\
         kind: VirtualMachineNetworkConfig\n\
         metadata: {{name: later, namespace: default}}\n\
         spec:\n  vmName: later\n  networkConfigs:\n  - {{networkName: net-48, macAddress: '{LATER}'}}\n"
    ));
    let mut later = Guest::new(Client::Udhcpc, lan.plug_in(LATER));
    let (_, second) = later.switch_on();
    assert_ne!(second.address, first.address);
    assert_eq!(guest.renew(), first);
    assert!(server.is_running(), "{}", server.log());
}
