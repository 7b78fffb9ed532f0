//! udhcpc of BusyBox.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;

use nix::sys::signal::Signal;

use super::{Event, Lease, Reason, script, text};
use crate::Process;
use crate::lan::CARD;

/// What the script does beside writing the event down. A renewal is sent from the address of the card.
pub(super) const CONFIGURE: &str = "case $1 in\n\
    bound|renew) ip address replace $ip/$mask dev $interface ;;\n\
    deconfig) ip -4 address flush dev $interface ;;\n\
    esac";

pub(super) fn arguments(folder: &Path, remembered: Option<Ipv4Addr>, is_wary: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["-f", "-i", CARD, "-t", "10", "-T", "1", "-O", "search"].map(Into::into).into();
    arguments.extend(["-s".into(), script(folder).into()]);
    if let Some(address) = remembered {
        arguments.extend(["-r".into(), address.to_string().into()]);
    }
    if is_wary {
        // With how many milliseconds it listens, and seconds that it waits after a DECLINE.
        arguments.extend(["-a500", "-A", "2"].map(Into::into));
    }
    arguments
}

pub(super) fn renew(client: &Process) {
    client.signal(Signal::SIGUSR1);
}

pub(super) fn release(client: &Process) {
    client.signal(Signal::SIGUSR2);
}

pub(super) fn understand(event: &Event) -> Option<(Reason, Lease)> {
    let reason = match text(event, "event").as_str() {
        "bound" => Reason::Bound,
        "renew" => Reason::Renewed,
        _ => return None,
    };
    let lease = Lease {
        address: text(event, "ip").parse().ok()?,
        subnet_mask: text(event, "subnet").parse().ok()?,
        router: text(event, "router"),
        name_servers: text(event, "dns"),
        domain: text(event, "domain"),
        search: text(event, "search"),
        seconds: text(event, "lease").parse().ok()?,
        server: text(event, "serverid"),
    };
    Some((reason, lease))
}
