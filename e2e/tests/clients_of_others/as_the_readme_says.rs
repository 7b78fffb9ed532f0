//! The README's manifests, served: what a client gets, keeps and may not have, also after the server was killed.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::MessageType;
use vmdhcp_e2e::clients::{Client, Guest, Lease, Reason};
use vmdhcp_e2e::vmdhcp::{Api, MAC, POOL, is_of_pool};
use vmdhcp_e2e::{Lan, requirements, until, wire};

/// An address of the subnet that nobody is given.
const WRONG: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 200);
/// A MAC that nobody declared.
const STRANGER: &str = "fa:cf:8e:50:82:ff";
/// How long nothing must come for it to be a silence.
const SILENCE: Duration = Duration::from_secs(2);

/// The README's two manifests, served; a client boots, renews and reboots, before and after the server was killed.
fn is_served_as_the_readme_says(test: &str, client: Client) {
    if !requirements::met(test, &["ip", client.program()]) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let server = api.serve(&lan.host, "net-48", POOL);
    let mut guest = Guest::new(client, lan.plug_in(MAC));

    let (reason, first) = guest.switch_on();
    assert_eq!(reason, Reason::Bound);
    assert!(is_of_pool(first.address), "{first:?}");
    let declared = Lease {
        address: first.address,
        subnet_mask: Ipv4Addr::new(255, 255, 255, 0),
        router: "192.168.48.1".into(),
        name_servers: "1.1.1.1".into(),
        domain: "aibao.moe".into(),
        search: "aibao.moe".into(),
        seconds: 300,
        server: "192.168.48.77".into(),
    };
    assert_eq!(first, declared);
    renews_and_reboots(&mut guest, client, &declared);

    server.process.kill();
    let _server = api.serve(&lan.host, "net-48", POOL);
    renews_and_reboots(&mut guest, client, &declared);
}

fn renews_and_reboots(guest: &mut Guest, client: Client, declared: &Lease) {
    assert_eq!(guest.renew(), *declared);
    guest.switch_off();
    let (reason, lease) = guest.switch_on();
    assert_eq!(lease, *declared);
    assert_eq!(reason, if client.remembers() { Reason::Rebooted } else { Reason::Bound });
}

#[test]
fn udhcpc_is_served_as_the_readme_says() {
    is_served_as_the_readme_says("udhcpc_is_served_as_the_readme_says", Client::Udhcpc);
}

#[test]
fn dhclient_is_served_as_the_readme_says() {
    is_served_as_the_readme_says("dhclient_is_served_as_the_readme_says", Client::Dhclient);
}

#[test]
fn dhcpcd_is_served_as_the_readme_says() {
    is_served_as_the_readme_says("dhcpcd_is_served_as_the_readme_says", Client::Dhcpcd);
}

#[test]
fn all_clients_get_the_same_address_for_the_same_card() {
    let programs = Client::ALL.map(Client::program);
    if !requirements::met("all_clients_get_the_same_address_for_the_same_card", &programs) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let _server = api.serve(&lan.host, "net-48", POOL);
    let addresses = Client::ALL.map(|client| Guest::new(client, lan.plug_in(MAC)).switch_on().1.address);
    assert_eq!(addresses, [addresses[0]; 3]);
}

#[test]
fn a_wrong_address_is_refused_and_an_unknown_card_hears_nothing_also_after_a_kill() {
    if !requirements::met("a_wrong_address_is_refused_and_an_unknown_card_hears_nothing", &["ip"]) {
        return;
    }
    let lan = Lan::new();
    let api = Api::with_manifests();
    let mut server = api.serve(&lan.host, "net-48", POOL);
    api.settle();
    let vm = lan.plug_in(MAC);
    let stranger = lan.plug_in(STRANGER);
    let mut addresses = Vec::new();
    for _ in 0..2 {
        // A server refuses nobody before it has made sure that it knows the newest.
        let refused = until("refusal", wire::PATIENCE, || {
            wire::exchange(&vm, wire::reboot(MAC, WRONG), Duration::from_millis(200))
        });
        assert_eq!(wire::kind(&refused), Some(MessageType::Nak));
        assert_eq!(refused.yiaddr(), Ipv4Addr::UNSPECIFIED);

        let offer = wire::exchange(&vm, wire::discover(MAC), wire::PATIENCE).unwrap();
        assert_eq!(wire::kind(&offer), Some(MessageType::Offer));
        addresses.push(offer.yiaddr());
        let kept = wire::exchange(&vm, wire::reboot(MAC, offer.yiaddr()), wire::PATIENCE).unwrap();
        assert_eq!(wire::kind(&kept), Some(MessageType::Ack));

        assert_eq!(wire::exchange(&stranger, wire::discover(STRANGER), SILENCE), None);
        // Not even a refusal: the address may be that of another server's client.
        assert_eq!(wire::exchange(&stranger, wire::reboot(STRANGER, WRONG), SILENCE), None);

        server.process.kill();
        server = api.serve(&lan.host, "net-48", POOL);
    }
    assert_eq!(addresses[0], addresses[1]);
}
