//! While a client has its lease: a renewal brings what has changed, and where the server does not answer it rebinds.

use std::time::Duration;

use dhcproto::v4::{MessageType, OptionCode};
use vmdhcp_e2e::clients::{Client, Guest, Reason};
use vmdhcp_e2e::until;

use crate::stage::{POOL, SERVER, Stage, all_at_once, first_address};

/// How long a client may take until it renews.
const PATIENCE: Duration = Duration::from_secs(20);
/// A card that nobody has.
const NOWHERE: &str = "02:00:00:00:48:ff";

#[test]
fn the_next_renewal_brings_what_has_changed_in_the_pool() {
    let Some(stage) = Stage::set("the_next_renewal_brings_what_has_changed_in_the_pool") else { return };
    let mut actors = stage.actors(Guest::new);
    all_at_once(&mut actors, |actor| {
        let (reason, lease) = actor.guest.switch_on();
        assert_eq!((reason, lease.name_servers.as_str()), (Reason::Bound, "1.1.1.1"));
    });
    stage.api.run(&format!("pool set {POOL} --dns 9.9.9.9,8.8.8.8 --domain-name lab.example"));
    all_at_once(&mut actors, |actor| {
        let renewed = until("renewal with the new name servers", PATIENCE, || {
            Some(actor.guest.renew()).filter(|lease| lease.name_servers == "9.9.9.9 8.8.8.8")
        });
        assert_eq!(renewed.domain, "lab.example");
        // By unicast: who was answered by broadcast too has only missed the answer (docs/clients.md tells of udhcpc).
        let heard = actor.capture.heard();
        let at = heard.iter().position(|heard| heard.destination == SERVER).unwrap();
        assert_eq!(heard[at].kind(), Some(MessageType::Request), "{heard:#?}");
        assert_eq!(heard[at + 1].kind(), Some(MessageType::Ack), "{heard:#?}");
        assert_eq!(renewed.address, first_address(actor.guest.client()));
        assert_eq!(actor.capture.heard_of(MessageType::Discover).len(), 1, "it kept its lease all the time");
    });
}

#[test]
fn a_client_that_cannot_reach_its_server_rebinds_and_keeps_its_address() {
    let test = "a_client_that_cannot_reach_its_server_rebinds_and_keeps_its_address";
    let Some(stage) = Stage::set(test) else { return };
    all_at_once(&mut stage.actors(Guest::new), |actor| {
        let (_, lease) = actor.guest.switch_on();
        assert_eq!(lease.address, first_address(actor.guest.client()));
        // What is sent to the server's address arrives nowhere from now on.
        let machine = actor.guest.machine();
        machine.run(&format!("ip neigh replace {SERVER} lladdr {NOWHERE} nud permanent dev eth0"));
        actor.capture.forget();
        assert_eq!(actor.guest.renew(), lease);

        let requests = actor.capture.heard_of(MessageType::Request);
        let (last, earlier) = requests.split_last().unwrap();
        assert!(!earlier.is_empty() && earlier.iter().all(|request| request.destination == SERVER));
        // RFC 2131 section 4.3.2, REBINDING.
        assert!(last.is_broadcast(), "{last:?}");
        assert_eq!(last.message.ciaddr(), lease.address);
        assert!(!last.has(OptionCode::ServerIdentifier) && !last.has(OptionCode::RequestedIpAddress));
        let acks = actor.capture.heard_of(MessageType::Ack);
        assert_eq!(acks.len(), 1);
        assert_eq!(acks[0].message.xid(), last.message.xid());
        assert!(actor.capture.heard_of(MessageType::Discover).is_empty());
        assert_eq!(actor.guest.addresses(), [lease.address]);
    });
}

#[test]
fn a_client_is_told_what_the_pool_has_for_its_vendor_class() {
    let Some(stage) = Stage::set("a_client_is_told_what_the_pool_has_for_its_vendor_class") else { return };
    stage.api.edit("pool", POOL, |manifest| {
        let classes = "    classes:\n    \
            - {name: small, vendorClass: udhcp, options: [{code: 6, value: 4.4.4.4}]}\n    \
            - {name: others, vendorClass: dhcpcd-, options: [{code: 6, value: 8.8.8.8}, {code: 15, value: lab.example}]}\n";
        manifest.replace("  ipv4Config:\n", &format!("  ipv4Config:\n{classes}"))
    });
    all_at_once(&mut stage.actors(Guest::new), |actor| {
        let client = actor.guest.client();
        // dhclient names no class. What a class does not set is the pool's.
        let (name_servers, domain) = match client {
            Client::Udhcpc => ("4.4.4.4", ""),
            Client::Dhclient => ("1.1.1.1", ""),
            Client::Dhcpcd => ("8.8.8.8", "lab.example"),
        };
        let mut lease = actor.guest.switch_on().1;
        until("lease with what is for its class", PATIENCE, || {
            if (lease.name_servers.as_str(), lease.domain.as_str()) == (name_servers, domain) {
                return Some(());
            }
            lease = actor.guest.renew();
            None
        });
        assert_eq!(lease.address, first_address(client));
    });
}
