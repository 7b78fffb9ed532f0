//! Any bytes to port 67: no panic, and an answer only to a client that the table knows.

#![no_main]

use std::sync::LazyLock;

use dhcproto::v4;
use dhcproto::{Decodable, Decoder};
use libfuzzer_sys::fuzz_target;
use vmdhcp_core::Pool;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::dhcp::{Authority, Decision, Extras, LeaseTable, MessageType, REPLY_MAX, Request, respond};
use vmdhcp_core::ipam::Allocations;

/// A pool with every kind of option and two cards: 02:00:00:00:00:01 has an address, 02:00:00:00:00:02 has lost one.
static TABLE: LazyLock<LeaseTable> = LazyLock::new(|| {
    let stored: IPPool = serde_json::from_str(include_str!("pool.json")).expect("pool.json is an IPPool");
    let pool = Pool::try_from(&stored).expect("pool.json keeps the rules");
    let status = stored.status.and_then(|status| status.ipv4).expect("pool.json has a status");
    LeaseTable::build(&pool, &Allocations::read(&status), &Extras::default())
});

fuzz_target!(|packet: &[u8]| {
    let Ok(request) = Request::parse(packet) else { return };
    for authority in [Authority::Current, Authority::Stale] {
        let mut buffer = [0xa5; REPLY_MAX];
        let Decision::Reply(reply) = respond(&TABLE, &request, authority, &mut buffer) else { continue };
        let bytes = &buffer[..reply.length];
        let answer = v4::Message::decode(&mut Decoder::new(bytes)).expect("an answer is a DHCP message");
        assert_eq!(answer.xid(), request.xid());
        assert_eq!(answer.chaddr(), request.mac().octets());
        match reply.kind {
            MessageType::Nak => assert_eq!(authority, Authority::Current),
            _ if reply.lease_time.is_some() => {
                let own = TABLE.lookup(request.mac()).and_then(|id| TABLE.lease(id));
                assert_eq!(own, Some((request.mac(), answer.yiaddr())));
            }
            _ => assert!(answer.yiaddr().is_unspecified()),
        }
    }
});
