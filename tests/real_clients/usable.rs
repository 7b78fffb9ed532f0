//! What "an answer that a client can use" means.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use dhcproto::v4;
use dhcproto::{Decodable, Decoder};
use serde_json::json;
use vmdhcp_core::dhcp::{
    Authority, Decision, Destination, LeaseTable, MessageType, REPLY_MAX, Reply, Request, respond,
};

use super::everyone;
use super::profile::{Profile, State};
use super::reply::Reading;
use crate::fixtures::*;

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

pub(super) fn table_of_many_options() -> LeaseTable {
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
pub(super) fn outcome(table: &LeaseTable, packet: &[u8]) -> Result<(Reply, Vec<u8>), String> {
    let request = Request::parse(packet).map_err(|error| format!("malformed: {error}"))?;
    let mut buffer = [0xa5; REPLY_MAX];
    match respond(table, &request, Authority::Current, &mut buffer) {
        Decision::Silent(why) => Err(format!("silence: {why}")),
        Decision::Reply(reply) => Ok((reply, buffer[..reply.length].to_vec())),
    }
}

pub(super) fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Runs a check on every client, and tells of all that fail.
pub(super) fn for_everyone(each: impl Fn(&Profile) -> Result<(), String>) {
    let failed: Vec<_> = everyone()
        .filter_map(|client| each(client).err().map(|what| format!("{}: {what}", client.name)))
        .collect();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), everyone().count());
}

/// What holds for every answer with options: a strict reader and dhcproto can read it, it is no longer than the client
/// takes, begins with its type, has what was asked for and is configured (and nothing else), in the order of the list,
/// with the subnet mask before it (RFC 2132 sections 3.3 and 9.8), and the client's own identifier.
pub(super) fn usable(
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
pub(super) fn usable_lease(
    client: &Profile,
    state: State,
    packet: &[u8],
    kind: MessageType,
) -> Result<Reading, String> {
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
pub(super) fn sent(packet: &[u8], wanted: u8) -> Vec<&[u8]> {
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

pub(super) const RELAY: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 254);
/// What it says: circuit and remote identifier.
pub(super) const INFORMATION: [u8; 14] = *b"\x01\x04eth1\x02\x06\x02\0\0\0\0\xfe";

/// The packet as a relay agent passes it on: with its own address, and option 82 behind all others.
pub(super) fn relayed(packet: &[u8]) -> Vec<u8> {
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
