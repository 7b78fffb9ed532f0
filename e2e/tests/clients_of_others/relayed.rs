//! A client behind a relay agent that nobody here wrote: dhcrelay of the ISC, which adds option 82.
//!
//! `make e2e-clients` runs this; `docs/clients.md` has the outcome.

use std::net::Ipv4Addr;
use std::path::Path;

use dhcproto::v4::{MessageType, OptionCode};
use tempfile::TempDir;
use vmdhcp_e2e::clients::{Client, Guest, Reason};
use vmdhcp_e2e::{Capture, Machine, requirements};

use crate::stage::{SERVER, Stage, first_address, mac};

const ROUTER_CARD: &str = "02:00:00:00:48:61";
/// Of the router, where the client is: it names the pool.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 201);

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn a_client_behind_a_relay_agent_is_answered_by_way_of_it() {
    let test = "dhcrelay";
    let Some(stage) = Stage::set(test) else { return };
    let client = Machine::new();
    let router = stage.lan.plug_in(ROUTER_CARD);
    let (card, netns) = (mac(Client::Udhcpc), client.netns());
    router.run(&format!("ip link add eth1 type veth peer name eth0 address {card} netns {netns}"));
    for line in ["ip link set eth1 up", "ip address add 10.48.0.200/24 dev eth0"] {
        router.run(line);
    }
    router.run(&format!("ip address add {GATEWAY}/32 dev eth1"));
    client.run("ip link set eth0 up");
    router.lay_over(&requirements::unpacked());
    let capture = Capture::of(card, &router);
    let folder = TempDir::new().unwrap();
    let arguments = ["-4", "-d", "-a", "-id", "eth1", "-iu", "eth0", &SERVER.to_string()];
    let relay = router.start(Path::new("/usr/sbin/dhcrelay"), &arguments, &folder.path().join("log"));

    let mut guest = Guest::new(Client::Udhcpc, client);
    let (reason, lease) = guest.switch_on();
    println!("{test}: {lease:?}\n{:#?}\n{}", capture.heard(), relay.log());
    assert_eq!((reason, lease.address), (Reason::Bound, first_address(Client::Udhcpc)));
    for kind in [MessageType::Offer, MessageType::Ack] {
        let answers = capture.heard_of(kind);
        let relayed: Vec<_> = answers.iter().filter(|answer| answer.destination == GATEWAY).collect();
        assert!(!relayed.is_empty(), "{kind:?} went to the relay agent");
        for answer in relayed {
            assert_eq!(answer.message.giaddr(), GATEWAY);
            assert!(answer.has(OptionCode::RelayAgentInformation), "option 82 comes back");
        }
        let delivered = answers.iter().filter(|answer| answer.destination != GATEWAY);
        assert!(delivered.clone().count() > 0, "{kind:?} came to the client");
        assert!(delivered.clone().all(|answer| !answer.has(OptionCode::RelayAgentInformation)));
    }
}
