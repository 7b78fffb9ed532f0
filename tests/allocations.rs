//! The packet path allocates nothing.
//!
//! A test binary of its own, as it counts the allocations of the whole process: so there is one test only.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::System;
use std::net::Ipv4Addr;

use dhcproto::v4::{self, DhcpOption, MessageType, OptionCode, UnknownOption};
use dhcproto::{Encodable, Encoder};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use vmdhcp_core::dhcp::{Authority, Decision, Extras, LeaseTable, REPLY_MAX, Request, respond};
use vmdhcp_core::ipam::Allocations;
use vmdhcp_core::{MacAddr, Pool};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 77);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 81);

/// A table in which every kind of option occurs, and too many of them for a small packet.
fn table(mac: MacAddr) -> LeaseTable {
    let stored = serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "namespace": "default", "name": "net-48" },
        "spec": { "networkName": "net-48", "ipv4Config": {
            "serverIP": SERVER, "cidr": "192.168.48.0/24", "router": "192.168.48.1",
            "pool": { "start": "192.168.48.81", "end": "192.168.48.90" },
            "dns": ["1.1.1.1"], "domainSearch": ["example.org"], "mtu": 1450,
            "routes": [{ "destination": "10.0.0.0/8", "gateway": "192.168.48.5" }],
            "reservations": [{ "macAddress": mac.to_string(), "hostname": "vm-1" }],
            "options": [{ "code": 224, "type": "text", "value": "x".repeat(300) }],
            "boot": { "nextServer": "192.168.48.5", "file": "undionly.kpxe", "rules": [
                { "userClass": "iPXE", "file": "boot.ipxe" },
                { "architectures": [16], "file": "http://192.168.48.5/shim.efi" },
            ] },
            "classes": [
                { "name": "iPXE", "userClass": "iPXE", "options": [{ "code": 66, "value": "192.168.48.6" }] },
                { "name": "firmware", "vendorClass": "HTTPClient", "macPrefix": "fa:cf", "leaseTime": 60 },
            ],
            "relays": ["192.168.48.0/25"],
        } },
    }))
    .unwrap();
    let allocations = Allocations { held: [(ADDRESS, mac)].into(), ..Allocations::default() };
    LeaseTable::build(&Pool::try_from(&stored).unwrap(), &allocations, &Extras::default())
}

fn packet(mac: MacAddr, kind: MessageType, options: Vec<DhcpOption>) -> Vec<u8> {
    let nobody = Ipv4Addr::UNSPECIFIED;
    let mut message = v4::Message::new_with_id(7, nobody, nobody, nobody, nobody, &mac.octets());
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message.opts_mut().insert(DhcpOption::ClientIdentifier(vec![1; 7]));
    for option in options {
        message.opts_mut().insert(option);
    }
    let mut bytes = Vec::new();
    message.encode(&mut Encoder::new(&mut bytes)).unwrap();
    bytes
}

#[test]
fn an_answer_or_a_refusal_allocates_nothing() {
    let mac: MacAddr = "fa:cf:8e:50:82:fc".parse().unwrap();
    let table = table(mac);
    let asked = [1, 3, 6, 15, 26, 119, 121, 249].map(OptionCode::from).to_vec();
    let requested = DhcpOption::RequestedIpAddress;
    let packets = [
        ("DISCOVER", packet(mac, MessageType::Discover, vec![DhcpOption::ParameterRequestList(asked)]), true),
        ("DISCOVER without a list", packet(mac, MessageType::Discover, vec![]), true),
        (
            "REQUEST, acknowledged",
            packet(mac, MessageType::Request, vec![DhcpOption::ServerIdentifier(SERVER), requested(ADDRESS)]),
            true,
        ),
        (
            "HTTP boot",
            packet(
                mac,
                MessageType::Discover,
                vec![
                    DhcpOption::ClassIdentifier(b"HTTPClient:Arch:00016:UNDI:003016".to_vec()),
                    DhcpOption::UserClass(b"\x03lab\x04iPXF".to_vec()),
                    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(93), vec![0, 16])),
                ],
            ),
            true,
        ),
        ("iPXE", packet(mac, MessageType::Discover, vec![DhcpOption::UserClass(b"iPXE".to_vec())]), true),
        ("REQUEST, refused", packet(mac, MessageType::Request, vec![requested(SERVER)]), true),
        (
            "an unknown card",
            packet("02:00:00:00:00:01".parse().unwrap(), MessageType::Discover, vec![]),
            false,
        ),
    ];
    let mut buffer = [0; REPLY_MAX];
    for (name, packet, answered) in &packets {
        let mut once = || respond(&table, &Request::parse(packet).unwrap(), Authority::Current, &mut buffer);
        once();
        let region = Region::new(ALLOCATOR);
        let decision = once();
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{name}: {change:?}");
        match decision {
            Decision::Reply(_) => assert!(answered, "{name} was answered"),
            Decision::Silent(why) => assert!(!answered, "{name} was not answered: {why}"),
        }
    }
}
