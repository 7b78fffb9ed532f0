//! The ARP thread: answers for the server address where the kernel does not, defends it, and collects what others
//! answer to our probes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use vmdhcp_core::MacAddr;

use super::{Operation, Packet};
use crate::agent::packet_socket::{PacketSocket, ReceiveBatch, SocketError};
use crate::agent::records::timestamp;
use crate::agent::state::{Conflict, Serving, State, lock};

/// How many announcements make an address known, and how far they are apart (RFC 5227 section 1.1 has two).
const ANNOUNCEMENTS: usize = 3;
const BETWEEN_ANNOUNCEMENTS: Duration = Duration::from_secs(1);
/// An address is defended at most once in this many milliseconds (RFC 5227, DEFEND_INTERVAL).
const DEFEND_INTERVAL: u64 = 10_000;

/// Who answered for the addresses that are being probed.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    by_address: Mutex<BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>>,
}

/// Cards that are noted for one address: more than that is a storm.
const MOST_ANSWERS: usize = 8;

impl Answers {
    /// Starts to collect for this address.
    pub(crate) fn expect(&self, address: Ipv4Addr) {
        lock(&self.by_address).entry(address).or_default();
    }

    /// Stops collecting for it, and returns who answered.
    pub(crate) fn take(&self, address: Ipv4Addr) -> BTreeSet<MacAddr> {
        lock(&self.by_address).remove(&address).unwrap_or_default()
    }

    fn note(&self, packet: &Packet) {
        if let Some(cards) = lock(&self.by_address).get_mut(&packet.sender)
            && cards.len() < MOST_ANSWERS
        {
            cards.insert(packet.sender_mac);
        }
    }
}

/// Serves `socket` until `stop`, or until the socket dies.
pub(crate) fn serve(
    socket: &PacketSocket,
    state: &State,
    answers: &Answers,
    stop: &AtomicBool,
) -> Result<(), SocketError> {
    let mut received = ReceiveBatch::new();
    let mut defended = None;
    while !stop.load(Ordering::Relaxed) {
        socket.receive(&mut received)?;
        let serving = state.serving();
        let own = socket.interface().mac();
        for packet in received.iter().filter_map(Packet::parse).filter(|packet| packet.sender_mac != own) {
            answers.note(&packet);
            let Some(serving) = serving.as_deref() else { continue };
            if !state.owns_server_address.load(Ordering::Relaxed) {
                continue;
            }
            match reaction(&packet, serving) {
                Reaction::None => {}
                // A frame that is not taken is asked for again.
                Reaction::Answer => drop(socket.send(&packet.answer(own))),
                Reaction::Defend => {
                    let now = state.now();
                    note_claim(state, &packet, timestamp(now.seconds));
                    if defended.is_none_or(|last| now.monotonic >= last + DEFEND_INTERVAL) {
                        defended = Some(now.monotonic);
                        drop(socket.send(&Packet::announcement(own, packet.sender).broadcast()));
                    }
                }
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    None,
    /// It asks for an address of ours.
    Answer,
    /// It claims the server address for itself (RFC 5227 section 2.4).
    Defend,
}

fn reaction(packet: &Packet, serving: &Serving) -> Reaction {
    let claims = packet.sender == serving.table.server();
    if claims && !serving.roster.contains(&packet.sender_mac) {
        Reaction::Defend
    } else if packet.operation == Operation::Request
        && serving.table.is_server(packet.target)
        && packet.sender != packet.target
    {
        Reaction::Answer
    } else {
        Reaction::None
    }
}

fn note_claim(state: &State, packet: &Packet, now: Option<Timestamp>) {
    let seen = now.unwrap_or_default();
    let mut conflicts = lock(&state.conflicts);
    let known = conflicts.get(&packet.sender).filter(|known| known.mac == packet.sender_mac);
    let since = known.map_or(seen, |known| known.since);
    if known.is_none() {
        tracing::warn!(address = %packet.sender, mac = %packet.sender_mac, "another card claims the server address");
    }
    conflicts.insert(packet.sender, Conflict { mac: packet.sender_mac, since, seen });
}

/// Tells everybody on the link, three times, that these addresses are ours.
pub(crate) async fn announce(socket: &PacketSocket, address: Ipv4Addr) {
    let frame = Packet::announcement(socket.interface().mac(), address).broadcast();
    for turn in 0..ANNOUNCEMENTS {
        if turn > 0 {
            tokio::time::sleep(BETWEEN_ANNOUNCEMENTS).await;
        }
        if let Err(error) = socket.send(&frame) {
            tracing::debug!(%error, %address, "the address was not announced");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::serving;

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    fn packet(operation: Operation, sender: [u8; 4], target: [u8; 4]) -> Packet {
        Packet { operation, sender_mac: mac(9), sender: sender.into(), target: target.into() }
    }

    const SERVER: [u8; 4] = [192, 168, 48, 77];
    const GUEST: [u8; 4] = [192, 168, 48, 82];

    #[test]
    fn requests_and_probes_for_the_server_address_are_answered_and_no_others() {
        let serving = serving(&[]);
        assert_eq!(reaction(&packet(Operation::Request, GUEST, SERVER), &serving), Reaction::Answer);
        assert_eq!(reaction(&packet(Operation::Request, [0; 4], SERVER), &serving), Reaction::Answer);
        assert_eq!(reaction(&packet(Operation::Request, SERVER, GUEST), &serving), Reaction::Defend);
        assert_eq!(reaction(&packet(Operation::Request, [0; 4], GUEST), &serving), Reaction::None);
        assert_eq!(reaction(&packet(Operation::Reply, GUEST, SERVER), &serving), Reaction::None);
    }

    #[test]
    fn another_agent_may_have_the_server_address_and_a_guest_may_not() {
        let mut serving = serving(&[]);
        let announcement = packet(Operation::Request, SERVER, SERVER);
        assert_eq!(reaction(&announcement, &serving), Reaction::Defend);
        serving.roster.insert(mac(9));
        assert_eq!(reaction(&announcement, &serving), Reaction::None);
    }

    #[test]
    fn answers_are_collected_only_while_they_are_expected_and_never_without_bound() {
        let answers = Answers::default();
        let reply = packet(Operation::Reply, GUEST, [0; 4]);
        answers.note(&reply);
        assert!(answers.take(GUEST.into()).is_empty());
        answers.expect(GUEST.into());
        for last in 0..100 {
            answers.note(&Packet { sender_mac: mac(last), ..reply });
        }
        assert_eq!(answers.take(GUEST.into()).len(), MOST_ANSWERS);
        answers.note(&reply);
        assert!(answers.take(GUEST.into()).is_empty());
    }
}
