//! One received frame in, at most one frame out: everything between the sockets and the decision of
//! [`vmdhcp_core::dhcp`].
//!
//! Nothing here locks, allocates or makes a system call.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{
    Decision, Destination, Malformed, MessageType, REPLY_MAX, Reply, Request, Why, respond,
};

use super::decision_log::Decided;
use super::foreign::{self, PROBE_CARD};
use super::frame::{self, Addressing, Content, Frame, LINK_BROADCAST, LONGEST_FRAME, UDP_PAYLOAD};
use super::limits::Way;
use super::metrics;
use super::reason::{Reason, Verdict};
use super::records::ClientRecord;
use super::sightings::key_of;
use super::stand_down;
use super::state::{Now, Serving, State};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const BOOTREQUEST: u8 = 1;
/// Where `chaddr` begins.
const CHADDR: usize = 28;
/// Where the options begin.
const OPTIONS: usize = 240;

/// Of a type that is filled in.
const TOO_MANY_UNKNOWN: Verdict = Verdict { kind: None, reason: Reason::Decided(Why::UnknownRateLimited) };

/// Answers frames for one agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Responder<'s> {
    state: &'s State,
    /// Our card.
    own: MacAddr,
}

impl<'s> Responder<'s> {
    pub(crate) const fn new(state: &'s State, own: MacAddr) -> Self {
        Self { state, own }
    }

    /// Reads `received`, notes what there is to note, and writes the answer, if there is one, into `answer`: its
    /// length.
    pub(crate) fn handle(
        &self,
        serving: &Serving,
        now: Now,
        received: &[u8],
        answer: &mut [u8; LONGEST_FRAME],
    ) -> Option<usize> {
        let frame = match frame::parse(received) {
            Ok(frame) => frame,
            Err(malformed) => {
                self.note_frame(received, malformed, now);
                return None;
            }
        };
        if frame.link_source == self.own {
            return None;
        }
        match frame.content {
            Content::EchoRequest(request) => self.echo(serving, now, &frame, request, answer),
            Content::Udp { destination_port: SERVER_PORT, payload, .. }
                if payload.first() == Some(&BOOTREQUEST) =>
            {
                self.client(serving, now, &frame, payload, answer)
            }
            Content::Udp { source_port: SERVER_PORT, payload, .. } => {
                foreign::note_answer(self.state, serving, frame.link_source, payload, now);
                None
            }
            Content::Udp { payload, .. } => {
                let malformed = payload.first().map_or(Malformed::TooShort, |op| Malformed::NotRequest(*op));
                self.state.metrics.malformed.add([malformed.as_str()]);
                if self.state.limits.admit_unknown(frame.link_source, now) {
                    self.show(now, None, frame.link_source, Verdict::malformed(malformed), None, None);
                }
                None
            }
        }
    }

    fn echo(
        &self,
        serving: &Serving,
        now: Now,
        frame: &Frame<'_>,
        request: &[u8],
        answer: &mut [u8; LONGEST_FRAME],
    ) -> Option<usize> {
        let is_ours = self.state.owns_server_address.load(Ordering::Relaxed)
            && serving.table.is_server(frame.destination);
        if !is_ours || frame.source.is_unspecified() || frame.source.is_multicast() {
            return None;
        }
        if !self.state.limits.admit_echo(frame.link_source, now) {
            return None;
        }
        let addressing = self.back_to(frame, frame.destination, frame.source);
        frame::write_echo_reply(answer, &addressing, request)
    }

    fn client(
        &self,
        serving: &Serving,
        now: Now,
        frame: &Frame<'_>,
        payload: &[u8],
        answer: &mut [u8; LONGEST_FRAME],
    ) -> Option<usize> {
        let destination = frame.destination;
        let is_for_us = destination == Ipv4Addr::BROADCAST
            || serving.table.is_server(destination)
            || destination == serving.table.subnet().broadcast();
        if !is_for_us {
            // Passing through on its way to a server elsewhere.
            return None;
        }
        let sender = Sender::new(serving, frame, payload);
        if sender.card.is_some_and(|card| card.octets() == PROBE_CARD) {
            // An agent that looks for servers which are not ours.
            return None;
        }
        if !sender.is_known && !self.state.limits.admit_unknown(frame.link_source, now) {
            self.drop_message(now, &sender, frame, Verdict { kind: glance(payload), ..TOO_MANY_UNKNOWN });
            return None;
        }
        let request = match Request::parse(payload) {
            Ok(request) => request,
            Err(malformed) => {
                self.note_malformed(now, &sender, frame, malformed);
                return None;
            }
        };
        if !request.is_relayed() && !sender.is_own && destination == Ipv4Addr::BROADCAST {
            metrics::count(&self.state.metrics.other_sources);
        }
        if !self.admits(now, &sender, frame, &request) {
            self.drop_message(now, &sender, frame, Verdict::decided(request.kind(), Why::RateLimited));
            return None;
        }
        let buffer = answer.get_mut(UDP_PAYLOAD..)?.first_chunk_mut::<REPLY_MAX>()?;
        let decision = respond(&serving.table, &request, serving.authority(now), buffer);
        let decision = stand_down::carry_out(serving, decision);
        self.note(serving, now, &sender, frame, &request, decision);
        match decision {
            Decision::Silent(_) => None,
            Decision::Reply(reply) => self.finish(serving, frame, &reply, answer),
        }
    }

    /// Whether a message of a card that this agent knows may pass. Of others it is decided before they are read.
    fn admits(&self, now: Now, sender: &Sender<'_>, frame: &Frame<'_>, request: &Request<'_>) -> bool {
        let Some(card) = sender.card.filter(|_| sender.is_known) else { return true };
        let kind = Some(request.kind());
        let relay = request
            .is_relayed()
            .then(|| (request.giaddr(), request.relay_information().next().unwrap_or_default()));
        match sender.record {
            Some(record) if sender.is_own && relay.is_none() => record.meters.admit(kind, now),
            record => {
                let way = Way { source: frame.link_source, card, kind, relay };
                self.state.limits.admit(&way, record.map(|record| &record.new_ways), now)
            }
        }
    }

    fn note(
        &self,
        serving: &Serving,
        now: Now,
        sender: &Sender<'_>,
        frame: &Frame<'_>,
        request: &Request<'_>,
        decision: Decision,
    ) {
        let (why, lease_time, granted) = match decision {
            Decision::Reply(reply) => {
                let left_out = u64::try_from(reply.left_out).unwrap_or(u64::MAX);
                self.state.metrics.options_left_out.fetch_add(left_out, Ordering::Relaxed);
                let lease = reply.lease.filter(|_| reply.lease_time.is_some());
                (reply.why, reply.lease_time, lease.and_then(|lease| serving.table.lease(lease)))
            }
            Decision::Silent(why) => (why, None, None),
        };
        let (kind, mac) = (request.kind(), request.mac());
        self.state.metrics.messages.add(Some(kind), why);
        if let Why::OtherServer { server } = why {
            foreign::note_choice(self.state, serving, server, now);
        }
        if let Why::Declined { address } = why {
            let address = u64::from(u32::from(address));
            self.state.declined.note(address, address, now.seconds);
        }
        let verdict = Verdict::decided(kind, why);
        match sender.record {
            Some(record) => record.note(verdict, lease_time, now.seconds),
            None => self.state.unknown.note(key_of(mac), verdict.pack(), now.seconds),
        }
        let asked = request.requested_address().unwrap_or(request.ciaddr());
        let address = granted.map_or(asked, |(_, address)| address);
        self.show(now, sender.card, frame.link_source, verdict, Some(address), Some(request.giaddr()));
    }

    fn note_malformed(&self, now: Now, sender: &Sender<'_>, frame: &Frame<'_>, malformed: Malformed) {
        self.state.metrics.malformed.add([malformed.as_str()]);
        let verdict = Verdict::malformed(malformed);
        match (sender.record, sender.card) {
            (Some(record), _) if sender.is_own => {
                if !record.meters.admit(None, now) {
                    return;
                }
                record.note(verdict, None, now.seconds);
            }
            (_, Some(card)) if sender.is_known => {
                let way = Way { source: frame.link_source, card, kind: None, relay: None };
                if !self.state.limits.admit(&way, sender.record.map(|record| &record.new_ways), now) {
                    return;
                }
            }
            (_, Some(card)) => self.state.unknown.note(key_of(card), verdict.pack(), now.seconds),
            (_, None) => {}
        }
        self.show(now, sender.card, frame.link_source, verdict, None, None);
    }

    /// Notes a frame that cannot be read; that it is shown counts against those of unknown cards.
    fn note_frame(&self, received: &[u8], malformed: frame::Malformed, now: Now) {
        self.state.metrics.malformed.add([malformed.reason()]);
        let source = received.get(6..).and_then(|rest| rest.first_chunk::<6>());
        if let Some(source) = source.and_then(|bytes| MacAddr::new(*bytes).ok())
            && source != self.own
            && self.state.limits.admit_unknown(source, now)
        {
            let verdict = Verdict { kind: None, reason: Reason::Frame(malformed) };
            self.show(now, None, source, verdict, None, None);
        }
    }

    /// Notes that a message was dropped because there are too many. Of many only some are shown, lest they push out
    /// everything else.
    fn drop_message(&self, now: Now, sender: &Sender<'_>, frame: &Frame<'_>, verdict: Verdict) {
        if let Reason::Decided(why) = verdict.reason {
            self.state.metrics.messages.add(verdict.kind, why);
        }
        if let Some(record) = sender.record {
            record.note_dropped(verdict, now.seconds);
        }
        if self.state.limits.admit_shown_drop(now) {
            self.show(now, sender.card, frame.link_source, verdict, None, None);
        }
    }

    /// Shows whoever watches what became of a packet.
    fn show(
        &self,
        now: Now,
        card: Option<MacAddr>,
        source: MacAddr,
        verdict: Verdict,
        address: Option<Ipv4Addr>,
        relay: Option<Ipv4Addr>,
    ) {
        let source = Some(source);
        self.state.decisions.write(Decided { at: now.monotonic, card, source, verdict, address, relay });
    }

    /// Addresses the answer. On the link it goes back to whoever sent the frame, be it the client or a router, or to
    /// everybody.
    fn finish(
        &self,
        serving: &Serving,
        frame: &Frame<'_>,
        reply: &Reply,
        answer: &mut [u8; LONGEST_FRAME],
    ) -> Option<usize> {
        let server = serving.table.server();
        let (addressing, port) = match reply.destination {
            Destination::Broadcast => {
                let broadcast = self.back_to(frame, server, Ipv4Addr::BROADCAST);
                (Addressing { link_destination: LINK_BROADCAST, ..broadcast }, CLIENT_PORT)
            }
            Destination::Client { address, .. } => (self.back_to(frame, server, address), CLIENT_PORT),
            Destination::Relay(address) => (self.back_to(frame, server, address), SERVER_PORT),
        };
        frame::finish_udp(answer, &addressing, SERVER_PORT, port, reply.length)
    }

    fn back_to(&self, frame: &Frame<'_>, source: Ipv4Addr, destination: Ipv4Addr) -> Addressing {
        Addressing {
            link_source: self.own,
            link_destination: frame.link_source.octets(),
            source,
            destination,
        }
    }
}

/// Whom a client's message is about, found out before it is read.
struct Sender<'s> {
    /// `chaddr`; none if it cannot be one.
    card: Option<MacAddr>,
    /// The record of its lease.
    record: Option<&'s ClientRecord>,
    /// Whether it gets answers that others do not.
    is_known: bool,
    /// Whether the card sent the frame itself.
    is_own: bool,
}

impl<'s> Sender<'s> {
    fn new(serving: &'s Serving, frame: &Frame<'_>, payload: &[u8]) -> Self {
        let card = payload.get(CHADDR..).and_then(|rest| rest.first_chunk::<6>());
        let card = card.and_then(|bytes| MacAddr::new(*bytes).ok());
        let lease = card.and_then(|card| serving.table.lookup(card));
        let record = lease.and_then(|lease| serving.records.get(usize::try_from(lease.0).ok()?));
        let is_known = lease.is_some() || card.is_some_and(|card| serving.table.is_route_helper(card));
        Self { card, record: record.map(AsRef::as_ref), is_known, is_own: card == Some(frame.link_source) }
    }
}

/// The type of a message that is not read any further: in nearly all it is the first option.
fn glance(payload: &[u8]) -> Option<MessageType> {
    match payload.get(OPTIONS..)? {
        [53, 1, number, ..] => MessageType::from_number(*number),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::agent::sightings::card_of;
    use crate::agent::state::tests::{serving, state};
    use proptest::prelude::*;
    use std::sync::atomic::AtomicU64;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 77);
    const LEASED: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 82);
    const OTHER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 2);
    const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    const EVERYBODY: Ipv4Addr = Ipv4Addr::BROADCAST;
    const NOW: Now = Now { monotonic: 0, seconds: 1_000 };

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    /// The payload of a client's message: `ciaddr`, and options without cookie and end.
    fn message(card: MacAddr, ciaddr: Ipv4Addr, options: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; 240];
        payload[..8].copy_from_slice(&[1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
        payload[12..16].copy_from_slice(&ciaddr.octets());
        payload[28..34].copy_from_slice(&card.octets());
        payload[236..].copy_from_slice(&[99, 130, 83, 99]);
        payload.extend_from_slice(options);
        payload.push(255);
        payload
    }

    /// A frame from this card, from one address and port to another, with this payload.
    fn framed(card: MacAddr, from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; LONGEST_FRAME];
        frame[UDP_PAYLOAD..UDP_PAYLOAD + payload.len()].copy_from_slice(payload);
        let addressing = Addressing {
            link_source: card,
            link_destination: LINK_BROADCAST,
            source: from.0,
            destination: to.0,
        };
        let length = frame::finish_udp(&mut frame, &addressing, from.1, to.1, payload.len()).unwrap();
        frame.truncate(length);
        frame
    }

    /// A ping of the leased card for the server.
    pub(crate) fn ping() -> Vec<u8> {
        let mut frame = vec![0; LONGEST_FRAME];
        let addressing = Addressing {
            link_source: mac(10),
            link_destination: mac(1).octets(),
            source: LEASED,
            destination: SERVER,
        };
        let length = frame::write_echo_reply(&mut frame, &addressing, b"\0\x01\0\x02ping").unwrap();
        frame.truncate(length);
        frame[34] = 8;
        frame
    }

    struct Bench {
        state: State,
        serving: Serving,
    }

    impl Bench {
        fn new() -> Self {
            Self { state: state(), serving: serving(&[("192.168.48.82", "02:00:00:00:00:0a")]) }
        }

        fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
            let mut answer = [0; LONGEST_FRAME];
            let length =
                Responder::new(&self.state, mac(1)).handle(&self.serving, NOW, frame, &mut answer)?;
            Some(answer[..length].to_vec())
        }

        /// What becomes of a broadcast of this card with these options.
        fn answer_to(&self, card: MacAddr, options: &[u8]) -> Option<Vec<u8>> {
            self.answer(&framed(card, (NOBODY, 68), (EVERYBODY, 67), &message(card, NOBODY, options)))
        }

        fn counted(&self) -> Vec<[&'static str; 3]> {
            self.state.metrics.messages.iter().map(|(words, _)| words).collect()
        }
    }

    /// Link destination, IP addresses, destination port, message type and `yiaddr`.
    type Seen = ([u8; 6], Ipv4Addr, Ipv4Addr, u16, u8, Ipv4Addr);

    fn seen(answer: &[u8]) -> Seen {
        let read = frame::parse(answer).unwrap();
        assert_eq!(read.link_source, mac(1));
        let Content::Udp { source_port: 67, destination_port, payload } = read.content else {
            panic!("{read:?}")
        };
        assert_eq!(payload[240..242], [53, 1]);
        let yiaddr = <[u8; 4]>::try_from(&payload[16..20]).unwrap().into();
        (
            answer[..6].try_into().unwrap(),
            read.source,
            read.destination,
            destination_port,
            payload[242],
            yiaddr,
        )
    }

    #[test]
    fn an_offer_goes_to_the_address_that_it_offers_and_to_the_card_that_asked() {
        let bench = Bench::new();
        let answer = bench.answer_to(mac(10), &[53, 1, 1]).unwrap();
        assert_eq!(seen(&answer), (mac(10).octets(), SERVER, LEASED, 68, 2, LEASED));
        assert_eq!(bench.counted(), [["discover", "offer", "offered"]]);
        assert_eq!(bench.serving.records[0].read().offered.unwrap().as_second(), 1_000);
    }

    #[test]
    fn a_client_that_asks_for_broadcast_gets_it() {
        let mut discover = message(mac(10), NOBODY, &[53, 1, 1]);
        discover[10] = 0x80;
        let answer = Bench::new().answer(&framed(mac(10), (NOBODY, 68), (EVERYBODY, 67), &discover)).unwrap();
        assert_eq!(seen(&answer), (LINK_BROADCAST, SERVER, EVERYBODY, 68, 2, LEASED));
    }

    #[test]
    fn a_renewal_by_unicast_is_acknowledged_back_through_whoever_passed_it_on() {
        let bench = Bench::new();
        let request = message(mac(10), LEASED, &[53, 1, 3]);
        let answer = bench.answer(&framed(mac(99), (LEASED, 68), (SERVER, 67), &request)).unwrap();
        assert_eq!(seen(&answer), (mac(99).octets(), SERVER, LEASED, 68, 5, LEASED));
        assert!(bench.serving.records[0].read().renewed.is_some());
    }

    #[test]
    fn a_relay_agent_is_answered_at_its_own_port() {
        let relay = Ipv4Addr::new(192, 168, 48, 250);
        let mut discover = message(mac(10), NOBODY, &[53, 1, 1]);
        discover[24..28].copy_from_slice(&relay.octets());
        let answer = Bench::new().answer(&framed(mac(99), (relay, 67), (SERVER, 67), &discover)).unwrap();
        assert_eq!(seen(&answer), (mac(99).octets(), SERVER, relay, 67, 2, LEASED));
    }

    #[test]
    fn a_wrong_address_is_refused_by_broadcast_but_only_by_the_newest_table() {
        let mut bench = Bench::new();
        let wrong = [53, 1, 3, 50, 4, 192, 168, 48, 83];
        let answer = bench.answer_to(mac(10), &wrong).unwrap();
        assert_eq!(seen(&answer), (LINK_BROADCAST, SERVER, EVERYBODY, 68, 6, NOBODY));
        assert!(bench.serving.records[0].read().refused.is_some());
        bench.serving.confirmed_until = AtomicU64::new(0);
        assert_eq!(bench.answer_to(mac(10), &wrong), None);
        assert!(bench.counted().contains(&["request", "silent", "not_current"]));
    }

    #[test]
    fn what_passes_through_to_another_server_is_left_alone() {
        let bench = Bench::new();
        let request = message(mac(10), LEASED, &[53, 1, 3]);
        assert_eq!(
            bench.answer(&framed(mac(10), (LEASED, 68), (Ipv4Addr::new(10, 0, 0, 1), 67), &request)),
            None
        );
        assert!(bench.counted().is_empty());
    }

    #[test]
    fn a_stranger_gets_nothing_and_is_remembered() {
        let bench = Bench::new();
        assert_eq!(bench.answer_to(mac(11), &[53, 1, 1]), None);
        let seen = bench.state.unknown.read();
        assert_eq!((seen.len(), card_of(seen[0].key)), (1, Some(mac(11))));
    }

    #[test]
    fn a_neighbour_that_floods_with_a_victims_address_does_not_keep_it_from_its_answers() {
        let bench = Bench::new();
        let discover = message(mac(10), NOBODY, &[53, 1, 1]);
        let forged = framed(mac(66), (NOBODY, 68), (EVERYBODY, 67), &discover);
        let answers = (0..10_000).filter(|_| bench.answer(&forged).is_some()).count();
        assert_eq!(answers, 200);
        assert_eq!(bench.state.metrics.other_sources.load(Ordering::Relaxed), 10_000);
        assert!(bench.answer_to(mac(10), &[53, 1, 1]).is_some());
        // Nor does whoever makes up cards.
        for last in 100..250 {
            for _ in 0..100 {
                assert_eq!(bench.answer_to(mac(last), &[53, 1, 1]), None);
            }
        }
        assert!(bench.answer_to(mac(10), &[53, 1, 1]).is_some());
        let of = |why| bench.state.metrics.messages.with(why);
        assert_eq!((of(Why::RateLimited), of(Why::Offered)), (9_800, 202));
        assert_eq!(of(Why::UnknownMac) + of(Why::UnknownRateLimited), 15_000);
        assert_eq!(of(Why::UnknownMac), 4_000);
    }

    #[test]
    fn a_card_that_floods_is_answered_on_and_what_it_sends_beside_it_too() {
        let bench = Bench::new();
        let answered = |options: &[u8]| bench.answer_to(mac(10), options).is_some();
        assert_eq!((0..1_000).filter(|_| answered(&[53, 1, 1])).count(), 200);
        assert!(answered(&[53, 1, 3, 50, 4, 192, 168, 48, 82]));
        let history = bench.serving.records[0].read();
        assert_eq!((history.dropped, history.messages), (800, 202));
        assert_eq!(history.verdicts[1].1, Verdict::decided(MessageType::Discover, Why::RateLimited));
    }

    #[test]
    fn pings_are_answered_within_limits() {
        let bench = Bench::new();
        bench.state.owns_server_address.store(true, Ordering::Relaxed);
        let ping = ping();
        assert_eq!((0..1_000).filter(|_| bench.answer(&ping).is_some()).count(), 200);
    }

    #[test]
    fn whoever_watches_is_shown_what_came_of_each_packet_also_of_those_that_break_a_rule() {
        let bench = Bench::new();
        let mut position = bench.state.decisions.follow();
        bench.answer_to(mac(10), &[53, 1, 1]);
        bench.answer_to(mac(11), &[53, 1, 3, 50, 4, 192, 168, 48, 9]);
        bench.answer_to(mac(10), &[]);
        let mut short = framed(mac(12), (NOBODY, 68), (EVERYBODY, 67), &[1, 1, 6]);
        bench.answer(&short);
        short[22] ^= 1;
        bench.answer(&short);
        let (shown, 0) = bench.state.decisions.read(&mut position) else { panic!() };
        let shown: Vec<_> = shown
            .iter()
            .map(|one| (one.card, one.source, one.verdict.reason.as_str(), one.address))
            .collect();
        assert_eq!(
            shown,
            [
                (Some(mac(10)), Some(mac(10)), "offered", Some(LEASED)),
                (Some(mac(11)), Some(mac(11)), "unknown_mac", Some(Ipv4Addr::new(192, 168, 48, 9))),
                (Some(mac(10)), Some(mac(10)), "no_message_type", None),
                (None, Some(mac(12)), "too_short", None),
                (None, Some(mac(12)), "header_checksum", None),
            ]
        );
        assert_eq!(bench.serving.records[0].read().verdicts.len(), 2);
    }

    #[test]
    fn another_agents_search_for_servers_is_neither_answered_nor_noted() {
        let bench = Bench::new();
        assert_eq!(bench.answer_to(MacAddr::new(PROBE_CARD).unwrap(), &[53, 1, 1]), None);
        assert!(bench.state.unknown.read().is_empty() && bench.counted().is_empty());
    }

    #[test]
    fn another_servers_answer_is_noted_unless_it_is_an_agent_of_ours() {
        let mut bench = Bench::new();
        let mut offer = message(mac(10), NOBODY, &[53, 1, 2, 54, 4, 192, 168, 48, 2]);
        offer[0] = 2;
        let frame = framed(mac(66), (OTHER, 67), (EVERYBODY, 68), &offer);
        bench.serving.roster.insert(mac(66));
        assert_eq!(bench.answer(&frame), None);
        assert!(foreign::read(&bench.state, NOW).is_empty());
        bench.serving.roster.clear();
        assert_eq!(bench.answer(&frame), None);
        let servers = foreign::read(&bench.state, NOW);
        assert_eq!((servers[0].address, servers[0].mac), (OTHER, Some(mac(66))));
    }

    #[test]
    fn a_client_that_chooses_another_server_tells_of_it() {
        let bench = Bench::new();
        let chooses = [53, 1, 3, 54, 4, 192, 168, 48, 2, 50, 4, 192, 168, 48, 82];
        assert_eq!(bench.answer_to(mac(10), &chooses), None);
        let servers = foreign::read(&bench.state, NOW);
        assert_eq!((servers[0].address, servers[0].mac), (OTHER, None));
    }

    /// A pool that has to stand down for other servers, and has searched for them in vain.
    fn cautious() -> Bench {
        let mut bench = Bench::new();
        bench.serving.stands_down = true;
        bench
    }

    #[test]
    fn before_its_first_lease_a_pool_that_stands_down_answers_nobody_while_there_is_another_server() {
        let bench = cautious();
        let mut position = bench.state.decisions.follow();
        let mut offer = message(mac(11), NOBODY, &[53, 1, 2, 54, 4, 192, 168, 48, 2]);
        offer[0] = 2;
        assert_eq!(bench.answer(&framed(mac(66), (OTHER, 67), (EVERYBODY, 68), &offer)), None);
        for options in [
            &[53, 1, 1][..],
            &[53, 1, 1, 80, 0],
            &[53, 1, 3, 54, 4, 192, 168, 48, 77, 50, 4, 192, 168, 48, 82],
            &[53, 1, 3, 50, 4, 192, 168, 48, 83],
        ] {
            assert_eq!(bench.answer_to(mac(10), options), None, "{options:?}");
        }
        let (shown, 0) = bench.state.decisions.read(&mut position) else { panic!() };
        let silence = Reason::Decided(Why::StandsDown { server: OTHER });
        assert!(shown.len() == 4 && shown.iter().all(|one| one.verdict.reason == silence), "{shown:?}");
        assert_eq!(
            bench.counted(),
            [["discover", "silent", "stands_down"], ["request", "silent", "stands_down"]]
        );
        let history = bench.serving.records[0].read();
        assert_eq!(
            (history.offered, history.bound, history.refused, history.messages),
            (None, None, None, 4)
        );
        // Whom it would not answer anyway is told the same as ever.
        assert_eq!(bench.answer_to(mac(11), &[53, 1, 1]), None);
        assert!(bench.counted().contains(&["discover", "silent", "unknown_mac"]));
        assert!(!bench.serving.acknowledged.load(Ordering::Relaxed));
    }

    #[test]
    fn a_pool_that_searches_for_other_servers_answers_nobody_yet() {
        let bench = cautious();
        bench.serving.standing.store(stand_down::Standing::Looks.pack(), Ordering::Relaxed);
        assert_eq!(bench.answer_to(mac(10), &[53, 1, 1]), None);
        assert_eq!(bench.counted(), [["discover", "silent", "looking_for_servers"]]);
    }

    #[test]
    fn after_its_first_lease_a_pool_stands_down_for_nobody() {
        let bench = cautious();
        let chooses_other = [53, 1, 3, 54, 4, 192, 168, 48, 2, 50, 4, 192, 168, 48, 82];
        // An offer is no lease, nor is what DHCPINFORM is answered.
        assert!(bench.answer_to(mac(10), &[53, 1, 1]).is_some());
        let inform = message(mac(10), LEASED, &[53, 1, 8]);
        assert!(bench.answer(&framed(mac(10), (LEASED, 68), (EVERYBODY, 67), &inform)).is_some());
        assert!(!bench.serving.acknowledged.load(Ordering::Relaxed));
        assert!(bench.answer_to(mac(10), &[53, 1, 3, 50, 4, 192, 168, 48, 82]).is_some());
        assert!(bench.serving.acknowledged.load(Ordering::Relaxed));
        assert_eq!(bench.answer_to(mac(10), &chooses_other), None);
        assert!(bench.answer_to(mac(10), &[53, 1, 1]).is_some());
        assert_eq!(foreign::read(&bench.state, NOW).len(), 1);
    }

    #[test]
    fn a_ping_is_answered_only_where_the_kernel_does_not() {
        let (bench, frame) = (Bench::new(), ping());
        assert_eq!(bench.answer(&frame), None);
        bench.state.owns_server_address.store(true, Ordering::Relaxed);
        let answer = bench.answer(&frame).unwrap();
        assert_eq!(answer[..6], mac(10).octets());
        assert_eq!((&answer[26..30], &answer[30..34]), (&SERVER.octets()[..], &LEASED.octets()[..]));
        assert_eq!(answer[38..], *b"\0\x01\0\x02ping");
    }

    #[test]
    fn a_declined_address_waits_to_be_probed() {
        let bench = Bench::new();
        let declines = [53, 1, 4, 54, 4, 192, 168, 48, 77, 50, 4, 192, 168, 48, 82];
        assert_eq!(bench.answer_to(mac(10), &declines), None);
        assert_eq!(bench.state.declined.read()[0].detail, u64::from(u32::from(LEASED)));
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic(
            change in proptest::collection::vec((0_usize..300, any::<u8>()), 0..6),
            options in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let bench = Bench::new();
            let payload = message(mac(10), NOBODY, &options);
            let mut frame = framed(mac(10), (NOBODY, 68), (EVERYBODY, 67), &payload);
            for (at, value) in change {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            let _ = bench.answer(&frame);
        }
    }
}
