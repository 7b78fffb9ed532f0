//! dhcpcd of Roy Marples.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::script;
use crate::Machine;
use crate::lan::CARD;

/// Without a random pause before the first packet.
/// It must not touch the name servers of the machine that runs the tests.
const CONFIGURATION: &str = "nohook resolv.conf\n\
    nodelay\n\
    clientid\n\
    reboot 10\n\
    option subnet_mask, routers, domain_name_servers, domain_name, domain_search, ntp_servers\n";

/// Where it keeps leases; fixed when it was built.
const DATABASE: &str = "/var/lib/dhcpcd";

pub(super) fn prepare(machine: &Machine, folder: &Path, is_wary: bool) {
    // As a rule it asks by ARP for its address, which takes it five seconds.
    let probes = if is_wary { "" } else { "noarp\n" };
    fs::write(configuration(folder), format!("{CONFIGURATION}{probes}")).unwrap();
    let database = folder.join("database");
    fs::create_dir(&database).unwrap();
    machine.bind(&database, DATABASE);
    // Whatever a hook of Debian's does all the same, it does to a file of the test.
    let name_servers = folder.join("resolv.conf");
    fs::write(&name_servers, "").unwrap();
    machine.bind(&name_servers, "/etc/resolv.conf");
}

pub(super) fn arguments(folder: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-4", "--nobackground", "--nodev", "-d"].map(Into::into).into();
    arguments.extend(["-f".into(), configuration(folder).into(), "-c".into(), script(folder).into()]);
    arguments.push(CARD.into());
    arguments
}

pub(super) fn renew(machine: &Machine, folder: &Path) {
    machine.run(&format!("dhcpcd -4 -f {} --renew {CARD}", configuration(folder).display()));
}

pub(super) fn release(machine: &Machine, folder: &Path) {
    machine.run(&format!("dhcpcd -4 -f {} --release {CARD}", configuration(folder).display()));
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("dhcpcd.conf")
}
