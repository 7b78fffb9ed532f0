//! The limit: servers of one thread that know nothing and answer everything, by a UDP socket or by a packet socket.

use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::sys::socket::SockaddrIn;

use crate::frame::{self, BROADCAST, Ends, PAYLOAD};
use crate::message::{self, SERVER};
use crate::wire::{Addressed, Plain, card_of, hold_port, packet_socket, udp_socket};

/// What a responder receives and sends by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    Udp,
    Packet,
}

/// Answers until it is killed. By packets it polls for so long before it sleeps.
pub(crate) fn serve(via: Via, interface: &str, spin: Duration) -> io::Result<()> {
    match via {
        Via::Udp => serve_by_udp(interface),
        Via::Packet => serve_by_packets(interface, spin),
    }
}

fn serve_by_udp(interface: &str) -> io::Result<()> {
    let socket = udp_socket(Ipv4Addr::UNSPECIFIED, 67)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    let (mut received, mut answers) = (Addressed::new(), Addressed::new());
    loop {
        received.receive(&socket, true)?;
        for (request, from) in received.iter() {
            // A client without an address is reached only by broadcast here.
            let everybody = SockaddrIn::new(255, 255, 255, 255, 68);
            let to = from.filter(|from| !from.ip().is_unspecified()).unwrap_or(everybody);
            answers.add(Some(to), |place| message::answer(request, place));
        }
        answers.send(&socket);
    }
}

fn serve_by_packets(interface: &str, spin: Duration) -> io::Result<()> {
    let _port = hold_port(67)?;
    let socket = packet_socket(interface, 67)?;
    let own = card_of(interface)?;
    let (mut received, mut answers) = (Plain::new(), Plain::new());
    let mut last = Instant::now();
    loop {
        let sleeps = spin.is_zero() || last.elapsed() > spin;
        received.receive(&socket, sleeps)?;
        if received.is_empty() {
            continue;
        }
        if !spin.is_zero() {
            last = Instant::now();
        }
        for (request, _) in received.iter() {
            answers.add(None, |place| answer(request, own, place));
        }
        answers.send(&socket);
    }
}

fn answer(request: &[u8], own: [u8; 6], place: &mut [u8]) -> Option<usize> {
    let message = frame::payload(request)?;
    let length = message::answer(message, &mut place[PAYLOAD..])?;
    let to = |card: &[u8], address: &[u8], port| {
        let address = Ipv4Addr::from(*address.first_chunk::<4>()?);
        Some(Ends { cards: (own, *card.first_chunk()?), addresses: (SERVER, address), ports: (67, port) })
    };
    let ends = if message[24..28] != [0; 4] {
        to(&request[6..12], &message[24..28], 67)?
    } else if message[10] & 0x80 != 0 {
        to(&BROADCAST, &[255; 4], 68)?
    } else {
        let offered = *place[PAYLOAD + 16..].first_chunk::<4>()?;
        to(&message[28..34], &offered, 68)?
    };
    Some(frame::finish(place, &ends, length))
}
