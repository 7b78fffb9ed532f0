//! What holds for every packet to port 67, whatever is in it. The fuzz target and `make test` share it.

use std::net::Ipv4Addr;

use dhcproto::v4;
use dhcproto::{Decodable, Decoder};
use vmdhcp_core::Pool;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::dhcp::{
    Authority, Decision, Extras, LeaseTable, MessageType, REPLY_MAX, Reply, Request, Why, respond,
};
use vmdhcp_core::ipam::Allocations;

/// A pool with every kind of option and two cards: 02:00:00:00:00:01 has an address, 02:00:00:00:00:02 has lost one.
pub(crate) fn table() -> LeaseTable {
    let stored: IPPool = serde_json::from_str(include_str!("pool.json")).unwrap();
    let status = stored.status.as_ref().and_then(|status| status.ipv4.as_ref()).unwrap();
    LeaseTable::build(&Pool::try_from(&stored).unwrap(), &Allocations::read(status), &Extras::default())
}

/// No panic; and an answer only to a client that the table knows, that its client can read, that is no longer than it
/// takes, and in which nothing shows of what was in the buffer.
pub(crate) fn check(table: &LeaseTable, packet: &[u8]) {
    let Ok(request) = Request::parse(packet) else { return };
    assert!(packet.len() >= 240);
    assert_eq!((packet[0], packet[1], packet[2]), (1, 1, 6));
    assert_eq!(request.mac().octets(), packet[28..34]);
    for authority in [Authority::Current, Authority::Stale] {
        let mut buffer = [0xa5; REPLY_MAX];
        let decision = respond(table, &request, authority, &mut buffer);
        let mut again = [0x5a; REPLY_MAX];
        assert_eq!(respond(table, &request, authority, &mut again), decision);
        if let Decision::Reply(reply) = decision {
            let bytes = &buffer[..reply.length];
            assert_eq!(bytes, &again[..reply.length]);
            check_fields(table, authority, &request, reply, bytes);
            check_options(&request, reply, bytes);
        }
    }
}

fn check_fields(table: &LeaseTable, authority: Authority, request: &Request<'_>, reply: Reply, bytes: &[u8]) {
    let answer = v4::Message::decode(&mut Decoder::new(bytes)).unwrap();
    assert_eq!(answer.xid(), request.xid());
    assert_eq!(answer.chaddr(), request.mac().octets());
    let nobody = Ipv4Addr::UNSPECIFIED;
    let holder = table.holder(answer.yiaddr()).and_then(|id| table.lease(id));
    let is_own = holder == Some((request.mac(), answer.yiaddr()));
    match (request.kind(), reply.kind) {
        (MessageType::Discover, MessageType::Offer) if reply.why == Why::RouteHelper => {
            assert_eq!((answer.yiaddr(), reply.lease_time), (nobody, None));
        }
        (MessageType::Discover, MessageType::Offer | MessageType::Ack)
        | (MessageType::Request, MessageType::Ack) => {
            assert!(is_own && reply.lease_time.is_some(), "{} is another's", answer.yiaddr());
        }
        (MessageType::Request, MessageType::Nak) => {
            assert_eq!((authority, answer.yiaddr()), (Authority::Current, nobody));
        }
        (MessageType::Inform, MessageType::Ack) => {
            assert_eq!((answer.yiaddr(), reply.lease_time), (nobody, None));
        }
        (asked, answered) => panic!("{answered} in answer to {asked}"),
    }
}

/// The options field: the type first, nothing but zeroes behind its end, and what is echoed whole or, of a relay agent,
/// not at all.
fn check_options(request: &Request<'_>, reply: Reply, bytes: &[u8]) {
    let longest = usize::from(request.max_size().unwrap_or(576).max(576)) - 28;
    assert!((300..=longest).contains(&bytes.len()), "{} bytes, but it takes {longest}", bytes.len());
    let mut options: Vec<(u8, &[u8])> = Vec::new();
    let mut rest = &bytes[240..];
    while rest[0] != 255 {
        assert_ne!(rest[0], 0, "a hole before the end");
        let (option, behind) = rest.split_at(2 + usize::from(rest[1]));
        options.push((option[0], &option[2..]));
        rest = behind;
    }
    assert!(rest[1..].iter().all(|byte| *byte == 0), "something behind the end");
    assert_eq!(options.first().map(|(code, _)| *code), Some(53));
    let sent = |code| {
        options.iter().filter(|(found, _)| *found == code).map(|(_, value)| *value).collect::<Vec<_>>()
    };
    assert_eq!(sent(61), request.client_id().collect::<Vec<_>>());
    for name in sent(81) {
        assert!(
            request.option(81).next().is_some() && name[0] & 0b1001 == 0b1000,
            "this server updates no DNS"
        );
    }
    let information: Vec<_> = request.relay_information().collect();
    if sent(82) != information {
        assert!(sent(82).is_empty() && reply.left_out > 0, "half of what a relay agent said");
    } else if !information.is_empty() {
        assert_eq!(options.last().map(|(code, _)| *code), Some(82));
    }
}
