//! Clients as they are in the field: each gets an answer that it can use.
//!
//! A client is a row of [`clients`]: which options it sends in which order, what it asks for, and who says so; beside
//! that stand the [`habits`] of the program that it runs. From these [`profile`] makes its packets. Rows that name
//! `xnih/satori` are of its commit 73fa88f, rows that name `karottc/fingerbank` of its commit e2aa41d (version 6.8.2 of
//! the list); both were collected from networks in use.
//!
//! What "can use" means is in [`usable`].

mod clients;
mod habits;
mod profile;
mod reply;
mod usable;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::json;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{Destination, MessageType, Why};

use crate::fixtures::*;
use profile::{Profile, State};
use reply::Reading;
use usable::{
    INFORMATION, RELAY, check, for_everyone, outcome, relayed, sent, table_of_many_options, usable,
    usable_lease,
};

const SELECTING: State = State::Selecting { server: SERVER, address: ADDRESS };

/// All of them, by kind.
const KINDS: [(&str, &[Profile]); 10] = [
    ("Windows", clients::windows::CLIENTS),
    ("macOS, iOS and their firmware", clients::apple::CLIENTS),
    ("Android, ChromeOS and other telephones", clients::android::CLIENTS),
    ("Linux and its DHCP clients", clients::linux::CLIENTS),
    ("BSDs, Solaris and other systems", clients::unix::CLIENTS),
    ("Printers", clients::printers::CLIENTS),
    ("Desk telephones and video conferences", clients::phones::CLIENTS),
    ("Switches, access points, routers and firewalls", clients::network::CLIENTS),
    ("Consoles, televisions, cameras and controllers", clients::appliances::CLIENTS),
    ("Boot ROMs and loaders, management boards and hypervisors", clients::firmware::CLIENTS),
];

/// All of them.
pub(crate) fn everyone() -> impl Iterator<Item = &'static Profile> {
    KINDS.into_iter().flat_map(|(_, clients)| clients)
}

/// Which kind of answer a client's DHCPDISCOVER is due.
fn first_answer(client: &Profile) -> MessageType {
    if client.order(State::Discover).contains(&80) { MessageType::Ack } else { MessageType::Offer }
}

#[test]
fn there_are_more_than_a_hundred_each_under_its_own_name_and_with_its_source() {
    let names: BTreeSet<_> = everyone().map(|client| client.name).collect();
    assert_eq!(names.len(), everyone().count());
    assert!(names.len() > 200, "{}", names.len());
    for client in everyone() {
        assert!(client.source.len() > 10, "{}", client.name);
    }
}

#[test]
fn the_documentation_counts_them() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rfc.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (kind, clients) in KINDS {
        let row = format!("| {kind} | {} |", clients.len());
        assert!(page.contains(&row), "docs/rfc.md has no row `{row}`");
    }
}

#[test]
fn their_packets_are_as_diverse_as_the_field_is() {
    let orders: BTreeSet<_> = everyone().map(|client| client.order(State::Discover)).collect();
    let lists: BTreeSet<_> = everyone().map(|client| client.list).collect();
    assert!(orders.len() > 60 && lists.len() > 100, "{} orders, {} lists", orders.len(), lists.len());
    let discovers: Vec<_> = everyone().map(|client| client.message(known(), State::Discover)).collect();
    assert!(discovers.iter().any(|packet| packet.len() < 300));
    assert!(discovers.iter().any(|packet| packet.len() == 548));
    assert!(discovers.iter().any(|packet| packet[8] != 0), "secs the wrong way round");
    assert!(discovers.iter().any(|packet| packet[10] == 0x80));
    assert!(discovers.iter().any(|packet| !packet[240..].contains(&255)), "no END");
    assert!(discovers.iter().any(|packet| sent(packet, 61).len() == 2), "an option that is there twice");
    assert!(discovers.iter().any(|packet| packet[240] != 53), "a type that is not the first");
}

#[test]
fn each_is_offered_an_address_that_it_can_use() {
    for_everyone(|client| {
        let packet = client.message(known(), State::Discover);
        usable_lease(client, State::Discover, &packet, first_answer(client)).map(drop)
    });
}

#[test]
fn each_takes_its_offer_and_is_granted_what_it_was_offered() {
    for_everyone(|client| {
        let packet = client.message(known(), SELECTING);
        let ack = usable_lease(client, SELECTING, &packet, MessageType::Ack)?;
        check(ack.ciaddr == NOBODY, || format!("ciaddr {}", ack.ciaddr))?;
        if client.list_in(State::Discover) == client.list_in(SELECTING) {
            let discover = client.message(known(), State::Discover);
            let offer = usable_lease(client, State::Discover, &discover, first_answer(client))?;
            for (code, value) in offer.options.iter().filter(|(code, _)| ![51, 53, 58, 59, 80].contains(code))
            {
                check(ack.values(*code).contains(&value.as_slice()), || {
                    format!("option {code} was offered as {value:?}")
                })?;
            }
        }
        Ok(())
    });
}

#[test]
fn each_comes_back_after_a_reboot_and_is_confirmed() {
    for_everyone(|client| {
        let state = State::Rebooting { address: ADDRESS };
        usable_lease(client, state, &client.message(known(), state), MessageType::Ack).map(drop)
    });
}

#[test]
fn each_comes_back_with_the_wrong_address_and_is_refused_by_broadcast() {
    for_everyone(|client| {
        let packet = client.message(known(), State::Rebooting { address: NEIGHBOUR });
        let (reply, bytes) = outcome(&table_of_many_options(), &packet)?;
        check(reply.kind == MessageType::Nak, || format!("{}", reply.kind))?;
        check(reply.destination == Destination::Broadcast, || format!("goes to {:?}", reply.destination))?;
        let nak = Reading::of(&bytes, &packet)?;
        let mut due = vec![53, 54, 56];
        due.extend(sent(&packet, 61).iter().map(|_| 61));
        check(nak.codes() == due, || format!("{:?}", nak.codes()))?;
        check([nak.yiaddr, nak.ciaddr] == [NOBODY; 2], || "an address in a refusal".to_owned())
    });
}

#[test]
fn each_extends_its_lease_and_is_answered_at_its_address() {
    for_everyone(|client| {
        let state = State::Extending { address: ADDRESS };
        let ack = usable_lease(client, state, &client.message(known(), state), MessageType::Ack)?;
        check(ack.ciaddr == ADDRESS, || format!("ciaddr {}", ack.ciaddr))
    });
}

#[test]
fn each_that_informs_itself_is_told_the_options_and_no_lease() {
    let address: Ipv4Addr = "192.168.48.200".parse().unwrap();
    let informing = everyone().filter(|client| client.sends_inform()).count();
    assert!(informing > 10, "{informing}");
    for_everyone(|client| {
        if !client.sends_inform() {
            return Ok(());
        }
        let state = State::Inform { address };
        let packet = client.message(known(), state);
        let (reply, bytes) = outcome(&table_of_many_options(), &packet)?;
        let ack = usable(client, state, &packet, reply, &bytes)?;
        check(reply.kind == MessageType::Ack && reply.why == Why::Informed, || format!("{}", reply.why))?;
        check((ack.yiaddr, ack.ciaddr) == (NOBODY, address), || format!("yiaddr {}", ack.yiaddr))?;
        check([51, 58, 59].iter().all(|code| ack.value(*code).is_none()), || "a lease".to_owned())?;
        let unicast = Destination::Client { address, hardware: known() };
        check(reply.destination == unicast, || format!("goes to {:?}", reply.destination))
    });
}

#[test]
fn each_is_served_through_a_relay_agent_which_finds_what_it_said_at_the_end() {
    let table = table_of_many_options();
    for_everyone(|client| {
        for state in [State::Discover, SELECTING, State::Rebooting { address: ADDRESS }] {
            let packet = relayed(&client.message(known(), state));
            let (reply, bytes) = outcome(&table, &packet)?;
            let answer = usable(client, state, &packet, reply, &bytes)?;
            check(answer.yiaddr == ADDRESS, || format!("address {}", answer.yiaddr))?;
            check(reply.destination == Destination::Relay(RELAY), || format!("{:?}", reply.destination))?;
            check(answer.value(82) == Some(&INFORMATION), || format!("82 is {:?}", answer.value(82)))?;
            let in_options = Reading::of_options(&bytes)?;
            check(in_options.last() == Some(&82), || format!("{in_options:?}"))?;
        }
        Ok(())
    });
}

/// Firmware, loaders and all others alike: who has no rule of its own is told the pool's file.
#[test]
fn each_is_told_what_to_boot_by_its_architecture_and_user_class() {
    let table = table_with(json!({ "boot": {
        "nextServer": "192.168.48.9",
        "file": "undionly.kpxe",
        "rules": [
            { "userClass": "iPXE", "file": "http://boot.example.org/menu.ipxe" },
            { "architectures": [7, 9], "file": "ipxe.efi" },
            { "architectures": [11, 22], "file": "ipxe-arm64.efi", "nextServer": "192.168.48.8" },
            { "architectures": [16], "file": "http://boot.example.org/shim.efi" },
        ],
    } }));
    for_everyone(|client| {
        for state in [State::Discover, SELECTING] {
            let packet = client.message(known(), state);
            let architecture = sent(&packet, 93).first().map_or(0, |_| client.architecture);
            let file = match (sent(&packet, 77).first(), architecture) {
                (Some(&b"iPXE"), _) => "http://boot.example.org/menu.ipxe",
                (_, 7) => "ipxe.efi",
                (_, 11 | 22) => "ipxe-arm64.efi",
                (_, 16) => "http://boot.example.org/shim.efi",
                _ => "undionly.kpxe",
            };
            let server = Ipv4Addr::new(192, 168, 48, if [11, 22].contains(&architecture) { 8 } else { 9 });
            let (_, bytes) = outcome(&table, &packet)?;
            let told = Reading::of(&bytes, &packet)?;
            let option = told.value(67);
            check(told.file == file.as_bytes(), || format!("boots {}", told.file.escape_ascii()))?;
            check(told.siaddr == server, || format!("boots from {}", told.siaddr))?;
            check(option.is_none_or(|option| option == file.as_bytes()), || format!("67 is {option:?}"))?;
            let is_http = architecture == 16;
            check(told.value(60) == is_http.then_some(b"HTTPClient"), || {
                format!("60 is {:?}", told.value(60))
            })?;
        }
        Ok(())
    });
    let architectures: BTreeSet<_> = everyone().map(|client| client.architecture).collect();
    assert_eq!(architectures, BTreeSet::from([0, 7, 11, 16, 22]));
    assert!(everyone().any(|client| client.user_class == b"iPXE"));
}

#[test]
fn each_may_decline_and_release_its_address() {
    let table = table_of_many_options();
    for_everyone(|client| {
        let (server, address) = (SERVER, ADDRESS);
        let said = |state| outcome(&table, &client.message(known(), state)).err().unwrap_or_default();
        let declined = said(State::Decline { server, address });
        check(declined.contains("in use by another"), || declined)?;
        let released = said(State::Release { server, address });
        check(released.contains("released"), || released)
    });
}

#[test]
fn each_hears_nothing_as_a_stranger() {
    let table = table_of_many_options();
    for_everyone(|client| {
        for state in [State::Discover, SELECTING, State::Rebooting { address: ADDRESS }] {
            let heard = outcome(&table, &client.message(stranger(), state));
            check(heard == Err(format!("silence: {}", Why::UnknownMac)), || format!("{state:?}: {heard:?}"))?;
        }
        Ok(())
    });
}

/// Writes every message of every client, as seeds for the fuzzer: of the cards that its table knows and does not.
#[test]
#[ignore = "writes files: VMDHCP_SEEDS=DIRECTORY"]
fn seeds_for_the_fuzzer() {
    let directory = std::path::PathBuf::from(std::env::var_os("VMDHCP_SEEDS").unwrap());
    let address: Ipv4Addr = "192.168.48.81".parse().unwrap();
    let states = [
        State::Discover,
        State::Selecting { server: SERVER, address },
        State::Rebooting { address },
        State::Rebooting { address: "192.168.48.82".parse().unwrap() },
        State::Extending { address },
        State::Inform { address },
        State::Decline { server: SERVER, address },
        State::Release { server: SERVER, address },
    ];
    for (number, client) in everyone().enumerate() {
        for (kind, state) in states.into_iter().enumerate() {
            for card in 1..=3 {
                let mac = MacAddr::new([2, 0, 0, 0, 0, card]).unwrap();
                let name = format!("client-{number:03}-{kind}-{card}");
                std::fs::write(directory.join(name), client.message(mac, state)).unwrap();
            }
        }
    }
}
