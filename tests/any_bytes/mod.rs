//! Whatever comes in: what holds for every packet is in [`check`], which the fuzzer uses too.

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

use std::path::Path;

use dhcproto::v4::DhcpOption;
use proptest::prelude::*;
use serde_json::json;
use vmdhcp_core::dhcp::LeaseTable;

use crate::fixtures::*;
use check::check;

fn full_table() -> LeaseTable {
    let text = |code: u8, length| json!({ "code": code, "type": "text", "value": "x".repeat(length) });
    table_with(json!({
        "mtu": 1400,
        "minLeaseTime": 1,
        "maxLeaseTime": 4_000_000_000_u32,
        "routes": [{ "destination": "10.0.0.0/8", "gateway": "192.168.48.5" }],
        "options": [text(224, 300), text(225, 90), text(226, 60)],
    }))
}

/// Bytes that get past the first checks often enough: a header with a known card, and options that mostly have the
/// right form.
fn likely_packet() -> impl Strategy<Value = Vec<u8>> {
    let addresses = prop::sample::select(vec![NOBODY, ADDRESS, NEIGHBOUR, LOST_ADDRESS, ELSEWHERE, SERVER]);
    let cards = prop::sample::select(vec![known(), neighbour(), dispossessed(), stranger()]);
    let option = prop_oneof![
        4 => (1..=8_u8).prop_map(|kind| vec![53, 1, kind]),
        3 => (prop::sample::select(vec![50_u8, 54, 118]), addresses.clone())
            .prop_map(|(code, address)| [&[code, 4][..], &address.octets()].concat()),
        1 => any::<u32>().prop_map(|seconds| [&[51, 4][..], &seconds.to_be_bytes()].concat()),
        1 => any::<u16>().prop_map(|size| [&[57, 2][..], &size.to_be_bytes()].concat()),
        1 => (0..=4_u8).prop_map(|overload| vec![52, 1, overload]),
        3 => (prop::sample::select(vec![12_u8, 55, 61, 80, 82]), prop::collection::vec(any::<u8>(), 0..=255))
            .prop_map(|(code, value)| [&[code, u8::try_from(value.len()).unwrap()][..], &value].concat()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    let header = (cards, addresses.clone(), addresses, any::<u16>(), prop::collection::vec(any::<u8>(), 192));
    (header, prop::collection::vec(option, 0..8)).prop_map(
        |((card, ciaddr, giaddr, flags, names), options)| {
            let mut packet = vec![1, 1, 6, 0, 1, 2, 3, 4, 0, 0];
            packet.extend(flags.to_be_bytes());
            packet.extend(ciaddr.octets());
            packet.extend([0; 8]);
            packet.extend(giaddr.octets());
            packet.extend(card.octets());
            packet.extend([0; 10]);
            packet.extend(names);
            packet.extend([99, 130, 83, 99]);
            packet.extend(options.concat());
            packet
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all(packet in prop::collection::vec(any::<u8>(), 0..700)) {
        check(&full_table(), &packet);
    }

    #[test]
    fn packets_that_look_like_a_clients(packet in likely_packet()) {
        check(&full_table(), &packet);
    }

    #[test]
    fn a_good_packet_with_one_byte_changed(at in 0_usize..280, byte in any::<u8>()) {
        let message = Message::selecting(known(), SERVER, ADDRESS).asking(&[1, 3, 6, 15, 119, 121]);
        let mut packet = message.with(DhcpOption::ClientIdentifier(vec![1; 7])).bytes();
        if let Some(place) = packet.get_mut(at) {
            *place = byte;
        }
        check(&full_table(), &packet);
    }

    #[test]
    fn a_good_packet_cut_off_anywhere(length in 0_usize..280) {
        let packet = Message::selecting(known(), SERVER, ADDRESS).asking(&[1, 3, 6]).bytes();
        check(&full_table(), &packet[..length.min(packet.len())]);
    }
}

/// The packets that the fuzzer has kept: each of them takes a way through the code that no other does.
#[test]
fn every_packet_of_the_fuzzers_corpus() {
    let table = check::table();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/respond");
    let packets: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(packets.len() > 100, "{}", packets.len());
    for packet in packets {
        check(&table, &std::fs::read(packet).unwrap());
    }
}
