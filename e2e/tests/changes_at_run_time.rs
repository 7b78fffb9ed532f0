//! A second process changes what `vmdhcp standalone` serves: at once, and without a restart.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dhcproto::v4::MessageType;
use vmdhcp_e2e::vmdhcp::{Api, MAC, POOL};
use vmdhcp_e2e::{Lan, Machine, requirements, until, wire};

/// How soon a change has to be served.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long one answer may take while a change is waited for: the client of a test asks again, and again.
const BRIEFLY: Duration = Duration::from_millis(100);

#[test]
fn another_name_server_is_served_at_once() {
    if !requirements::met("another_name_server_is_served_at_once", &["ip"]) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let mut server = api.serve(&lan.host, "net-48", POOL);
    api.settle();
    let vm = lan.plug_in(MAC);
    let first = wire::exchange(&vm, wire::discover(MAC), wire::PATIENCE).unwrap();
    assert_eq!(wire::name_servers(&first), [Ipv4Addr::new(1, 1, 1, 1)]);

    api.run(&format!("pool set {POOL} --dns 9.9.9.9,8.8.8.8"));
    let changed = Instant::now();
    until("answer with the new name servers", AT_ONCE, || {
        let answer = wire::exchange(&vm, wire::reboot(MAC, first.yiaddr()), BRIEFLY)?;
        let new = [Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(8, 8, 8, 8)];
        (wire::name_servers(&answer) == new).then_some(())
    });
    assert!(changed.elapsed() < AT_ONCE);
    assert!(server.process.is_running());
}

#[test]
fn an_address_of_a_wider_range_is_served_at_once() {
    if !requirements::met("an_address_of_a_wider_range_is_served_at_once", &["ip"]) {
        return;
    }
    let card = "02:00:00:00:48:05";
    let lan = Lan::new();
    let api = Api::with_manifests();
    let _server = api.serve(&lan.host, "net-48", POOL);
    api.settle();
    let vm = lan.plug_in(card);
    api.run(&format!("pool set {POOL} --add-range 192.168.48.100-192.168.48.110"));
    api.apply(&format!(
        "apiVersion: network.harvesterhci.io/v1alpha1\n\
         kind: VirtualMachineNetworkConfig\n\
         metadata: {{name: later, namespace: default}}\n\
         spec:\n  vmName: later\n  networkConfigs:\n  \
         - {{networkName: net-48, macAddress: '{card}', ipAddress: 192.168.48.105}}\n"
    ));
    assert_eq!(first_offer(&vm, card), Ipv4Addr::new(192, 168, 48, 105));
}

/// The address of the first OFFER, which comes at once.
fn first_offer(vm: &Machine, mac: &str) -> Ipv4Addr {
    until("offer", AT_ONCE, || {
        let offer = wire::exchange(vm, wire::discover(mac), BRIEFLY)?;
        (wire::kind(&offer) == Some(MessageType::Offer)).then(|| offer.yiaddr())
    })
}

#[test]
fn two_servers_never_serve_one_interface_out_of_one_file() {
    if !requirements::met("two_servers_never_serve_one_interface_out_of_one_file", &["ip"]) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let mut server = api.serve(&lan.host, "net-48", POOL);
    let mut second = api.start(&lan.host, "net-48", "127.0.0.1:8068");
    until("end of the second server", Duration::from_secs(5), || (!second.is_running()).then_some(()));
    assert!(second.log().contains("br48"), "{}", second.log());
    assert!(server.process.is_running());
}
