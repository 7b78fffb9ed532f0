//! dhclient of the ISC.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Event, Lease, Reason, script, text};
use crate::lan::CARD;

/// What the script does beside writing the event down.
pub(super) const CONFIGURE: &str = "case $reason in\n\
    BOUND|RENEW|REBIND|REBOOT) ip address replace $new_ip_address/$new_subnet_mask dev $interface ;;\n\
    PREINIT|EXPIRE|FAIL) ip -4 address flush dev $interface ;;\n\
    esac";

/// It renews when its timer says so, and by no command: so the timer is set.
const CONFIGURATION: &str = "initial-interval 1;\n\
    backoff-cutoff 2;\n\
    reboot 10;\n\
    retry 1;\n\
    supersede dhcp-renewal-time 2;\n\
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
