//! Clients as they are in the field: each gets an answer that it can use.
//!
//! A client is a row of [`clients`]: which options it sends in which order, what it asks for, and who says so; beside
//! that stand the [`habits`] of the program that it runs. From these [`profile`] makes its packets. Rows that name
//! `xnih/satori` are of its commit 73fa88f, rows that name `karottc/fingerbank` of its commit e2aa41d (version 6.8.2 of
//! the list); both were collected from networks in use.
//!
//! What "can use" means is in [`usable`] and [`usable_lease`].

mod clients;
mod habits;
mod profile;
mod reply;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use dhcproto::v4;
use dhcproto::{Decodable, Decoder};
use serde_json::json;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{
    Authority, Decision, Destination, LeaseTable, MessageType, REPLY_MAX, Reply, Request, Why, respond,
};

use crate::fixtures::*;
use profile::{Profile, State};
use reply::Reading;

const RELAY: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 254);
/// What it says: circuit and remote identifier.
const INFORMATION: [u8; 14] = *b"\x01\x04eth1\x02\x06\x02\0\0\0\0\xfe";
const SELECTING: State = State::Selecting { server: SERVER, address: ADDRESS };

/// All of them.
pub(crate) fn everyone() -> impl Iterator<Item = &'static Profile> {
    use clients::*;
    let kinds = [
        windows::CLIENTS,
        apple::CLIENTS,
        android::CLIENTS,
        linux::CLIENTS,
        unix::CLIENTS,
        printers::CLIENTS,
        phones::CLIENTS,
        network::CLIENTS,
        appliances::CLIENTS,
        firmware::CLIENTS,
    ];
    kinds.into_iter().flatten()
}

/// Options that the pool has beside those of its fields.
const DECLARED: [(u8, &str, &str); 12] = [
    (2, "u32", "3600"),
    (4, "ips", "192.168.48.9"),
    (7, "ips", "192.168.48.9"),
    (43, "hex", "01:04:c0:a8:30:09"),
    (44, "ips", "192.168.48.9"),
    (46, "u8", "8"),
    (66, "text", "boot.example.org"),
    (67, "text", "ipxe/start.efi"),
    (114, "text", "https://portal.example.org/"),
    (150, "ips", "192.168.48.9,192.168.48.10"),
    (160, "text", "https://phones.example.org/"),
    (252, "text", "http://wpad.example.org/wpad.dat"),
];
/// Options that fields of the pool and of the reservation make.
const OF_FIELDS: [u8; 11] = [1, 3, 6, 12, 15, 26, 28, 42, 119, 121, 249];
/// Options of the exchange itself, whoever asks for what.
const OF_THE_EXCHANGE: [u8; 10] = [51, 53, 54, 58, 59, 61, 80, 81, 82, 97];
/// Value of options 121 and 249: the default route first.
const ROUTES: [u8; 12] = [0, 192, 168, 48, 1, 16, 10, 17, 192, 168, 48, 5];

fn table_of_many_options() -> LeaseTable {
    let declared = DECLARED.map(|(code, form, value)| json!({ "code": code, "type": form, "value": value }));
    table_with(json!({
        "mtu": 1400,
        "ntp": ["192.168.48.9"],
        "routes": [{ "destination": "10.17.0.0/16", "gateway": "192.168.48.5" }],
        "options": declared,
        "reservations": [{ "macAddress": known().to_string(), "hostname": "vm-1" }],
    }))
}

fn is_configured(code: u8) -> bool {
    OF_FIELDS.contains(&code) || DECLARED.iter().any(|(declared, ..)| *declared == code)
}

/// What a packet leads to, and the bytes of the answer.
fn outcome(table: &LeaseTable, packet: &[u8]) -> Result<(Reply, Vec<u8>), String> {
    let request = Request::parse(packet).map_err(|error| format!("malformed: {error}"))?;
    let mut buffer = [0xa5; REPLY_MAX];
    match respond(table, &request, Authority::Current, &mut buffer) {
        Decision::Silent(why) => Err(format!("silence: {why}")),
        Decision::Reply(reply) => Ok((reply, buffer[..reply.length].to_vec())),
    }
}

fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Runs a check on every client, and tells of all that fail.
fn for_everyone(each: impl Fn(&Profile) -> Result<(), String>) {
    let failed: Vec<_> = everyone()
        .filter_map(|client| each(client).err().map(|what| format!("{}: {what}", client.name)))
        .collect();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), everyone().count());
}

/// What holds for every answer with options: a strict reader and dhcproto can read it, it is no longer than the client
/// takes, begins with its type, has what was asked for and is configured (and nothing else), in the order of the list,
/// with the subnet mask before it (RFC 2132 sections 3.3 and 9.8), and the client's own identifier.
fn usable(
    client: &Profile,
    state: State,
    request: &[u8],
    reply: Reply,
    bytes: &[u8],
) -> Result<Reading, String> {
    let reading = Reading::of(bytes, request)?;
    let decoded = v4::Message::decode(&mut Decoder::new(bytes)).map_err(|error| error.to_string())?;
    check(decoded.opts().msg_type().is_some(), || "dhcproto finds no message type".to_owned())?;
    let longest = usize::from(client.size_in(state).unwrap_or(576).max(576)) - 28;
    check(bytes.len() <= longest, || format!("{} bytes, but it takes {longest}", bytes.len()))?;
    check(reply.left_out == 0, || format!("{} options are left out", reply.left_out))?;

    let codes = reading.codes();
    check(codes.first() == Some(&53), || format!("begins with {codes:?}"))?;
    let others: Vec<_> = codes.into_iter().filter(|code| !OF_THE_EXCHANGE.contains(code)).collect();
    let list = client.list_in(state);
    if list.is_empty() {
        let mut others: BTreeSet<_> = others.into_iter().collect();
        if !others.contains(&67) && reading.file == b"ipxe/start.efi" {
            // There was no room to say it twice.
            others.insert(67);
        }
        let all = (0..=255).filter(|code| is_configured(*code)).collect();
        check(others == all, || format!("gets {others:?}, without a list"))?;
    } else {
        let mut due = vec![1];
        due.extend(list.iter().copied().filter(|code| is_configured(*code)));
        let mut seen = BTreeSet::new();
        due.retain(|code| seen.insert(*code));
        let same = others == due
            || reading.overloaded && others.iter().collect::<BTreeSet<_>>() == due.iter().collect();
        check(same, || format!("gets {others:?} instead of {due:?}"))?;
    }
    for code in [121, 249] {
        let routes = reading.value(code);
        check(routes.is_none_or(|value| value == ROUTES), || format!("routes {code} are {routes:?}"))?;
    }
    for code in [61, 97] {
        check(reading.values(code) == sent(request, code), || {
            format!("{code} is {:?}", reading.values(code))
        })?;
    }
    let name = sent(request, 81).first().map(|name| [b"\x08\xff\xff", &name[3..]].concat());
    check(reading.value(81) == name.as_deref(), || format!("name {:?}", reading.value(81)))?;
    check(reading.value(54) == Some(&SERVER.octets()), || format!("server {:?}", reading.value(54)))?;
    let flags = u16::from_be_bytes([request[10], request[11]]);
    check(reading.flags == flags, || format!("flags {:x}", reading.flags))?;
    Ok(reading)
}

/// What holds for an answer that offers or grants an address, beside [`usable`].
fn usable_lease(client: &Profile, state: State, packet: &[u8], kind: MessageType) -> Result<Reading, String> {
    let (reply, bytes) = outcome(&table_of_many_options(), packet)?;
    check(reply.kind == kind, || format!("{} instead of {kind}", reply.kind))?;
    let reading = usable(client, state, packet, reply, &bytes)?;
    let rapid = state == State::Discover && kind == MessageType::Ack;
    check(reading.value(80).is_some() == rapid, || format!("rapid commit {:?}", reading.value(80)))?;
    check(reading.yiaddr == ADDRESS, || format!("address {}", reading.yiaddr))?;
    let [renewal, rebinding, lease] = [58, 59, 51].map(|code| reading.seconds(code).unwrap_or(0));
    check(0 < renewal && renewal < rebinding && rebinding < lease, || {
        format!("timers {renewal} {rebinding} {lease}")
    })?;
    let hardware = known();
    let unicast = Destination::Client { address: ADDRESS, hardware };
    let destination = match state {
        State::Extending { .. } => unicast,
        _ if client.habits.broadcast => Destination::Broadcast,
        _ => unicast,
    };
    check(reply.destination == destination, || format!("goes to {:?}", reply.destination))?;
    Ok(reading)
}

/// Values of an option as it was sent, by a reader that stops at nothing but END.
fn sent(packet: &[u8], wanted: u8) -> Vec<&[u8]> {
    let mut rest = &packet[240..];
    let mut values = Vec::new();
    while let Some((&code, behind)) = rest.split_first() {
        match code {
            0 => rest = behind,
            255 => break,
            _ => {
                let (length, behind) = behind.split_first().unwrap();
                let (value, behind) = behind.split_at((*length).into());
                if code == wanted {
                    values.push(value);
                }
                rest = behind;
            }
        }
    }
    values
}

/// The packet as a relay agent passes it on: with its own address, and option 82 behind all others.
fn relayed(packet: &[u8]) -> Vec<u8> {
    let mut end = 240;
    while let Some(&code) = packet.get(end).filter(|code| **code != 255) {
        end += if code == 0 { 1 } else { 2 + usize::from(packet[end + 1]) };
    }
    let mut relayed = packet[..end].to_vec();
    relayed[24..28].copy_from_slice(&RELAY.octets());
    relayed.extend([82, INFORMATION.len().try_into().unwrap()]);
    relayed.extend(INFORMATION);
    relayed.push(255);
    relayed
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
