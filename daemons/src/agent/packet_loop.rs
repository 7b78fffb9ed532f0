//! The packet thread: receives a batch, answers it, sends the answers, and so on until it shall stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use vmdhcp_core::MacAddr;

use super::packet_socket::{PacketSocket, ReceiveBatch, SendBatch, SocketError};
use super::responder::Responder;
use super::state::State;

/// Serves `socket` until `stop`, or until the socket dies.
pub(crate) fn serve(socket: &PacketSocket, state: &State, stop: &AtomicBool) -> Result<(), SocketError> {
    let (mut received, mut answers) = (ReceiveBatch::new(), SendBatch::new());
    while !stop.load(Ordering::Relaxed) {
        socket.receive(&mut received)?;
        if received.is_empty() {
            continue;
        }
        let begun = Instant::now();
        answer_all(state, socket.interface().mac(), &received, &mut answers);
        let count = answers.len();
        if count > 0 {
            let unsent = socket.send_batch(&mut answers);
            state.metrics.unsent.fetch_add(unsent.into(), Ordering::Relaxed);
            state.metrics.answer_time.add(begun.elapsed(), count);
        }
    }
    Ok(())
}

/// Answers what was received with what is served at this moment. `own` is our card.
///
/// A function of its own in the binary, too: the bench counts its instructions.
#[inline(never)]
fn answer_all(state: &State, own: MacAddr, received: &ReceiveBatch, answers: &mut SendBatch) {
    let serving = state.serving();
    let Some(serving) = serving.as_deref() else { return };
    let (now, responder) = (state.now(), Responder::new(state, own));
    for frame in received.iter() {
        answers.add(|answer| responder.handle(serving, now, frame, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::frame::{self, Addressing, LINK_BROADCAST, LONGEST_FRAME, UDP_PAYLOAD};
    use crate::agent::responder::tests::ping;
    use crate::agent::state::Serving;
    use crate::agent::state::tests::{serving, state};
    use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
    use std::alloc::System;
    use std::net::Ipv4Addr;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    #[global_allocator]
    static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    const LEASED: [u8; 4] = [192, 168, 48, 82];

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    /// What this card broadcasts: `op`, `ciaddr`, and options.
    fn broadcast(card: MacAddr, op: u8, ciaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; LONGEST_FRAME];
        let message = &mut frame[UDP_PAYLOAD..];
        message[..8].copy_from_slice(&[op, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
        message[12..16].copy_from_slice(&ciaddr);
        message[28..34].copy_from_slice(&card.octets());
        message[236..240].copy_from_slice(&[99, 130, 83, 99]);
        message[240..240 + options.len()].copy_from_slice(options);
        message[240 + options.len()] = 255;
        let addressing = Addressing {
            link_source: card,
            link_destination: LINK_BROADCAST,
            source: ciaddr.into(),
            destination: Ipv4Addr::BROADCAST,
        };
        let ports = if op == 1 { (68, 67) } else { (67, 68) };
        let length =
            frame::finish_udp(&mut frame, &addressing, ports.0, ports.1, (241 + options.len()).max(300))
                .unwrap();
        frame.truncate(length);
        frame
    }

    /// Everything that can come, and whether it is answered.
    fn everything() -> Vec<(&'static str, bool, Vec<u8>)> {
        let (known, stranger, nobody) = (mac(10), mac(11), [0; 4]);
        let server = [54, 4, 192, 168, 48, 77];
        let other_server = [54, 4, 192, 168, 48, 2];
        let leased = [50, 4, 192, 168, 48, 82];
        let long_list: Vec<u8> = [55, 120].into_iter().chain(1..=120).collect();
        let with = |kind: u8, options: &[&[u8]]| [&[53, 1, kind], options.concat().as_slice()].concat();
        let from = |card, ciaddr, options: &[u8]| broadcast(card, 1, ciaddr, options);
        vec![
            ("DISCOVER", true, from(known, nobody, &with(1, &[&[55, 5, 1, 3, 6, 15, 51]]))),
            ("DISCOVER, everything asked for", true, from(known, nobody, &with(1, &[&long_list]))),
            ("DISCOVER, client identifier", true, from(known, nobody, &with(1, &[&[61, 3, 0, 7, 7]]))),
            ("DISCOVER, rapid commit", true, from(known, nobody, &with(1, &[&[80, 0]]))),
            ("REQUEST, selecting", true, from(known, nobody, &with(3, &[&leased, &server]))),
            ("REQUEST, rebooting", true, from(known, nobody, &with(3, &[&leased]))),
            ("REQUEST, extending", true, from(known, LEASED, &with(3, &[]))),
            ("REQUEST, wrong address", true, from(known, nobody, &with(3, &[&[50, 4, 192, 168, 48, 83]]))),
            ("REQUEST, other server", false, from(known, nobody, &with(3, &[&leased, &other_server]))),
            ("INFORM", true, from(known, LEASED, &with(8, &[]))),
            ("DECLINE", false, from(known, nobody, &with(4, &[&leased, &server]))),
            ("RELEASE", false, from(known, LEASED, &with(7, &[&server]))),
            ("DISCOVER of a stranger", false, from(stranger, nobody, &with(1, &[]))),
            ("REQUEST of a stranger", false, from(stranger, nobody, &with(3, &[&leased]))),
            ("no message type", false, from(known, nobody, &[])),
            ("OFFER of another server", false, broadcast(mac(66), 2, nobody, &with(2, &[&other_server]))),
            ("echo request", true, ping()),
            ("half a frame", false, ping()[..30].to_vec()),
        ]
    }

    #[test]
    fn nothing_that_comes_makes_the_packet_path_allocate_from_receiving_to_sending() {
        for stands_down in [false, true] {
            let state = state();
            let serving = serving(&[("192.168.48.82", "02:00:00:00:00:0a")]);
            state.publish(Ok(Serving { stands_down, ..serving }));
            state.owns_server_address.store(true, Ordering::Relaxed);
            nothing_makes_it_allocate(&state, stands_down);
        }
    }

    fn nothing_makes_it_allocate(state: &State, stands_down: bool) {
        let (network, socket) = UnixDatagram::pair().unwrap();
        network.set_nonblocking(true).unwrap();
        let (mut received, mut answers) = (ReceiveBatch::new(), SendBatch::new());
        for (name, is_answered, frame) in everything() {
            let is_answered = is_answered && (!stands_down || name == "echo request");
            // Other tests allocate at the same time. What the path itself allocates, it allocates each time.
            let mut fewest = usize::MAX;
            for _ in 0..30 {
                network.send(&frame).unwrap();
                let region = Region::new(ALLOCATOR);
                received.fill(socket.as_raw_fd()).unwrap();
                answer_all(state, mac(1), &received, &mut answers);
                let count = answers.len();
                assert_eq!(answers.flush(socket.as_raw_fd()), 0);
                let change = region.change();
                fewest = fewest.min(change.allocations + change.reallocations + change.deallocations);
                assert_eq!(count, u64::from(is_answered), "{name}");
                assert_eq!(network.recv(&mut [0; LONGEST_FRAME]).is_ok(), is_answered, "{name}");
            }
            assert_eq!(fewest, 0, "{name}");
        }
    }
}
