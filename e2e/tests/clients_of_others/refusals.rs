//! A card's address is changed behind its client's back: the client learns it, and goes on with the new one.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::MessageType;
use vmdhcp_e2e::clients::{Guest, Happening, Reason};
use vmdhcp_e2e::until;

use crate::stage::{SERVER, Stage, all_at_once, first_address};

/// How long a client may take until it is refused.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_client_whose_address_was_changed_is_refused_and_has_the_new_one_at_once() {
    let test = "a_client_whose_address_was_changed_is_refused_and_has_the_new_one_at_once";
    let Some(stage) = Stage::set(test) else { return };
    all_at_once(&mut stage.actors(Guest::new), |actor| {
        let client = actor.guest.client();
        let first = first_address(client);
        let [second, third] = [20, 40].map(|further| Ipv4Addr::from(u32::from(first) + further));
        assert_eq!(actor.guest.switch_on().1.address, first);

        // While it runs: by its next renewal.
        stage.declare(client, second);
        actor.guest.ask_to_renew();
        let (reason, lease) = actor.guest.gets_lease();
        assert_eq!((reason, lease.address), (Reason::Bound, second));
        assert!(actor.guest.history().iter().any(|happening| matches!(happening, Happening::Lost(_))));
        // dhcpcd does not hear a broadcast while it renews; it is refused again when it rebinds.
        let refusals = actor.capture.heard_of(MessageType::Nak);
        assert!(!refusals.is_empty());
        for refusal in refusals {
            assert!(refusal.is_broadcast(), "{refusal:?}");
            assert_eq!((refusal.server(), refusal.message.yiaddr()), (Some(SERVER), Ipv4Addr::UNSPECIFIED));
        }
        until("card with its new address alone", PATIENCE, || {
            (actor.guest.addresses() == [second]).then_some(())
        });

        // While it is off: when it asks for its former one.
        actor.guest.switch_off();
        stage.declare(client, third);
        actor.capture.forget();
        let (reason, lease) = actor.guest.switch_on();
        assert_eq!((reason, lease.address), (Reason::Bound, third));
        assert_eq!(actor.capture.heard_of(MessageType::Nak).len(), usize::from(client.remembers()));
    });
}
