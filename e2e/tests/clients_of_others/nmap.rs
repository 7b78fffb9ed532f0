//! How an offer looks to nmap's `broadcast-dhcp-discover`.
//!
//! `make e2e-clients` runs this; `docs/clients.md` has the outcome.

use vmdhcp_e2e::requirements;

use crate::stage::{SERVER, Stage};

const CARD: &str = "02:00:00:00:48:51";

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn nmap_shows_an_offer_with_all_that_the_pool_declares() {
    let test = "nmap";
    let Some(stage) = Stage::set(test) else { return };
    stage.declare_card("nmap", CARD, "10.48.0.81".parse().unwrap());
    let machine = stage.lan.plug_in(CARD);
    // It sees no card that has no address.
    machine.run("ip address add 10.48.0.200/24 dev eth0");
    machine.lay_over(&requirements::unpacked());
    // What Debian's alternatives would have linked where libraries are looked for.
    let libraries = "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/blas";
    let script = format!("--script broadcast-dhcp-discover --script-args broadcast-dhcp-discover.mac={CARD}");
    let shown = machine.run(&format!("env {libraries} nmap -n -e eth0 {script}"));
    println!("{test}: {shown}");
    for line in [
        "IP Offered: 10.48.0.81",
        "DHCP Message Type: DHCPOFFER",
        &format!("Server Identifier: {SERVER}"),
        "Subnet Mask: 255.255.255.0",
        "Domain Name Server: 1.1.1.1",
        "Broadcast Address: 10.48.0.255",
        "IP Address Lease Time: 6s",
        "Renewal Time Value: 3s",
        "Rebinding Time Value: 5s",
    ] {
        assert!(shown.contains(line), "no {line}: {shown}");
    }
}
