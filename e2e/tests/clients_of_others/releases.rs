//! What a client gives back stays its own: the address belongs to the VM.

use std::time::Duration;

use dhcproto::v4::MessageType;
use vmdhcp_e2e::clients::Guest;
use vmdhcp_e2e::until;

use crate::stage::{POOL, SERVER, Stage, all_at_once, first_address, mac};

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn a_release_is_noted_and_the_client_has_the_same_address_when_it_is_back() {
    let test = "a_release_is_noted_and_the_client_has_the_same_address_when_it_is_back";
    let Some(stage) = Stage::set(test) else { return };
    let allocated =
        || stage.api.json(&format!("pool show {POOL} -o json"))["status"]["ipv4"]["allocated"].clone();
    let before = allocated();
    all_at_once(&mut stage.actors(Guest::new), |actor| {
        let client = actor.guest.client();
        let (_, lease) = actor.guest.switch_on();
        // A client that has not spoken to its server yet takes its address off while it still asks by ARP whom to tell.
        assert_eq!(actor.guest.renew(), lease);
        assert!(stage.noted(client).unwrap().get("released").is_none());
        actor.guest.release();
        let released = until("RELEASE", PATIENCE, || actor.capture.heard_of(MessageType::Release).pop());
        assert_eq!((released.message.ciaddr(), released.server()), (lease.address, Some(SERVER)));
        until("note of the release", PATIENCE, || stage.noted(client)?["released"].as_str().map(drop));
        assert_eq!(allocated()[lease.address.to_string()], mac(client));

        actor.guest.switch_off();
        assert_eq!(actor.guest.switch_on().1, lease);
        assert_eq!(lease.address, first_address(client));
    });
    assert_eq!(allocated(), before);
}
