//! dhclient of the ISC.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Event, Lease, Reason, script, text};
use crate::Machine;
use crate::lan::CARD;

/// What the script does beside writing the event down.
pub(super) const CONFIGURE: &str = "case $reason in\n\
    BOUND|RENEW|REBIND|REBOOT) ip address replace $new_ip_address/$new_subnet_mask dev $interface ;;\n\
    PREINIT|EXPIRE|FAIL|RELEASE|STOP) ip -4 address flush dev $interface ;;\n\
    esac";

/// The script's way to look whether an address is in use: dhclient leaves that to it, and declines where it fails.
pub(super) const CHECK: &str = "case $reason in BOUND|REBOOT)\n\
    ip link set $interface up\n\
    busybox arping -D -q -c 2 -w 1 -I $interface $new_ip_address || exit 1 ;;\n\
    esac\n";

/// It renews when its timer says so, and by no command: so the timer is set.
const CONFIGURATION: &str = "initial-interval 1;\n\
    backoff-cutoff 2;\n\
    reboot 10;\n\
    retry 1;\n\
    supersede dhcp-renewal-time 2;\n\
    supersede dhcp-rebinding-time 4;\n\
    request subnet-mask, routers, domain-name, domain-name-servers, domain-search, ntp-servers;\n";

pub(super) fn prepare(folder: &Path) {
    fs::write(configuration(folder), CONFIGURATION).unwrap();
}

pub(super) fn arguments(folder: &Path) -> Vec<OsString> {
    let files: [(&str, PathBuf); 4] = [
        ("-cf", configuration(folder)),
        ("-sf", script(folder)),
        ("-lf", folder.join("leases")),
        ("-pf", folder.join("pid")),
    ];
    let mut arguments: Vec<OsString> = vec!["-4".into(), "-d".into()];
    arguments.extend(files.into_iter().flat_map(|(flag, file)| [flag.into(), file.into_os_string()]));
    arguments.push(CARD.into());
    arguments
}

/// It is another dhclient that gives the lease back, and ends the one that runs.
pub(super) fn release(machine: &Machine, folder: &Path) {
    let words = arguments(folder).into_iter().map(|word| word.into_string().unwrap());
    machine.run(&format!("dhclient -r {}", words.collect::<Vec<_>>().join(" ")));
}

pub(super) fn understand(event: &Event) -> Option<(Reason, Lease)> {
    let reason = match text(event, "reason").as_str() {
        "BOUND" => Reason::Bound,
        "REBOOT" => Reason::Rebooted,
        "RENEW" | "REBIND" => Reason::Renewed,
        _ => return None,
    };
    let lease = Lease {
        address: text(event, "new_ip_address").parse().ok()?,
        subnet_mask: text(event, "new_subnet_mask").parse().ok()?,
        router: text(event, "new_routers"),
        name_servers: text(event, "new_domain_name_servers"),
        domain: text(event, "new_domain_name"),
        search: text(event, "new_domain_search"),
        seconds: text(event, "new_dhcp_lease_time").parse().ok()?,
        server: text(event, "new_dhcp_server_identifier"),
    };
    Some((reason, lease))
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("dhclient.conf")
}
