//! One received frame in, at most one frame out: everything between the sockets and the decision of
//! [`vmdhcp_core::dhcp`].
//!
//! Nothing here locks, allocates or makes a system call.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{Decision, Destination, REPLY_MAX, Reply, Request, Why, respond};

use super::foreign::{self, PROBE_CARD};
use super::frame::{self, Addressing, Content, Frame, LINK_BROADCAST, LONGEST_FRAME, UDP_PAYLOAD};
use super::reason;
use super::state::{Now, Serving, State};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const BOOTREQUEST: u8 = 1;

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
                self.state.metrics.malformed.add([malformed.reason()]);
                return None;
            }
        };
        if frame.link_source == self.own {
            return None;
        }
        match frame.content {
            Content::EchoRequest(request) => self.echo(serving, &frame, request, answer),
            Content::Udp { destination_port: SERVER_PORT, payload, .. }
                if payload.first() == Some(&BOOTREQUEST) =>
            {
                self.client(serving, now, &frame, payload, answer)
            }
            Content::Udp { source_port: SERVER_PORT, payload, .. } => {
                foreign::note_answer(self.state, serving, frame.link_source, payload, now);
                None
            }
            Content::Udp { .. } => {
                self.state.metrics.malformed.add(["not_request"]);
                None
            }
        }
    }

    fn echo(
        &self,
        serving: &Serving,
        frame: &Frame<'_>,
        request: &[u8],
        answer: &mut [u8; LONGEST_FRAME],
    ) -> Option<usize> {
        let is_ours = self.state.owns_server_address.load(Ordering::Relaxed)
            && serving.table.is_server(frame.destination);
        if !is_ours || frame.source.is_unspecified() || frame.source.is_multicast() {
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
        let request = match Request::parse(payload) {
            Ok(request) => request,
            Err(malformed) => {
                self.state.metrics.malformed.add([malformed.as_str()]);
                return None;
            }
        };
        if request.mac().octets() == PROBE_CARD {
            // An agent that looks for servers which are not ours.
            return None;
        }
        let buffer = answer.get_mut(UDP_PAYLOAD..)?.first_chunk_mut::<REPLY_MAX>()?;
        let decision = respond(&serving.table, &request, serving.authority(now), buffer);
        self.note(serving, now, &request, decision);
        match decision {
            Decision::Silent(_) => None,
            Decision::Reply(reply) => self.finish(serving, frame, &reply, answer),
        }
    }

    fn note(&self, serving: &Serving, now: Now, request: &Request<'_>, decision: Decision) {
        let (result, why, lease_time) = match decision {
            Decision::Reply(reply) => {
                let left_out = u64::try_from(reply.left_out).unwrap_or(u64::MAX);
                self.state.metrics.options_left_out.fetch_add(left_out, Ordering::Relaxed);
                (reply.kind.as_str(), reply.why, reply.lease_time)
            }
            Decision::Silent(why) => ("silent", why, None),
        };
        let (kind, mac) = (request.kind(), request.mac());
        self.state.metrics.messages.add([kind.as_str(), result, why.as_str()]);
        if let Why::OtherServer { server } = why {
            foreign::note_choice(self.state, server, now);
        }
        if let Why::Declined { address } = why {
            let address = u64::from(u32::from(address));
            self.state.declined.note(address, address, now.seconds);
        }
        let lease = serving.table.lookup(mac).and_then(|lease| usize::try_from(lease.0).ok());
        match lease.and_then(|lease| serving.records.get(lease)) {
            Some(record) => record.note(kind, why, lease_time, now.seconds),
            None => self.state.unknown.note(foreign::key(mac), reason::pack(kind, why), now.seconds),
        }
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
