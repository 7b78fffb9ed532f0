//! A host that nobody knows uses the address of a VM: the VM's client declines it, and the server finds out who it is.

use std::time::Duration;

use dhcproto::v4::MessageType;
use serde_json::json;
use vmdhcp_e2e::clients::{Guest, Reason};
use vmdhcp_e2e::until;

use crate::stage::{SERVER, Stage, all_at_once, first_address, mac};

/// How long a client may take until it has looked at an address, and the server until it has.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_declined_address_stays_the_cards_and_is_used_once_the_intruder_is_gone() {
    let test = "a_declined_address_stays_the_cards_and_is_used_once_the_intruder_is_gone";
    let Some(stage) = Stage::set(test) else { return };
    all_at_once(&mut stage.actors(Guest::wary), |actor| {
        let client = actor.guest.client();
        let (address, intruders) = (first_address(client), mac(client).replace("02:00", "02:66"));
        let intruder = stage.lan.plug_in(&intruders);
        intruder.run(&format!("ip address add {address}/24 dev eth0"));

        actor.guest.start();
        let declined = until("DECLINE", PATIENCE, || actor.capture.heard_of(MessageType::Decline).pop());
        assert_eq!((declined.requested(), declined.server()), (Some(address), Some(SERVER)));
        // RFC 2131 section 4.4.4: it is a broadcast.
        assert!(declined.is_broadcast(), "{declined:?}");
        until("note of the DECLINE", PATIENCE, || stage.noted(client)?["declined"].as_str().map(drop));
        // The server does not take its word for it, but looks.
        until("conflict that the server has seen for itself", PATIENCE, || {
            let conflicts = stage.ask("status")?["conflicts"].clone();
            let found =
                conflicts.as_array()?.iter().find(|conflict| conflict["address"] == json!(address))?;
            (found["macAddress"] == json!(intruders)).then_some(())
        });
        assert!(actor.guest.addresses().is_empty());

        intruder.run(&format!("ip address delete {address}/24 dev eth0"));
        let (reason, lease) = actor.guest.gets_lease();
        assert_eq!((reason, lease.address), (Reason::Bound, address));
        assert_eq!(actor.guest.addresses(), [address]);
    });
}
