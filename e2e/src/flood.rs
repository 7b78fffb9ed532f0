//! Packets by the hundred thousand, of cards that nobody knows, and known clients that renew beside them.
//!
//! Frames go by packet sockets on one end of a cable; the kernel of that end has no part in it.

use std::collections::HashMap;
use std::io::{IoSlice, Read};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType};
use dhcproto::{Decodable, Decoder, Encodable};
use nix::libc;
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, bind, sendmmsg};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::Machine;
use crate::lan::CARD;

/// Packets of one system call.
const BATCH: usize = 32;
/// How long a client waits before it asks again.
const AGAIN: Duration = Duration::from_secs(1);
const EVERYBODY: [u8; 6] = [0xff; 6];
/// Where `chaddr` is in a frame.
const CHADDR: usize = 14 + 20 + 8 + 28;

/// The card of a machine, for frames from whatever card. It can be used from outside the machine.
pub struct Port(Socket);

impl Port {
    /// Opens it.
    pub fn of(machine: &Machine) -> Self {
        let protocol = u16::try_from(libc::ETH_P_IP).unwrap().to_be();
        machine.within(move || {
            let protocol = Protocol::from(i32::from(protocol));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap();
            let link = nix::ifaddrs::getifaddrs()
                .unwrap()
                .filter(|entry| entry.interface_name == CARD)
                .find_map(|entry| entry.address.and_then(|address| address.as_link_addr().copied()))
                .unwrap();
            bind(socket.as_raw_fd(), &link).unwrap();
            Self(socket)
        })
    }
}

/// DHCPDISCOVERs of made-up cards, each from the card that it names.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// So many a second.
    pub rate: u32,
    /// For so long.
    pub length: Duration,
}

impl Flood {
    /// Sends them; how many it sent, and in what time.
    pub fn send(&self, Port(socket): &Port) -> (u64, Duration) {
        let mut message = message([2, 0xff, 0, 0, 0, 0], MessageType::Discover);
        message.set_flags(Flags::default().set_broadcast());
        let frame = frame(([2, 0xff, 0, 0, 0, 0], EVERYBODY), (nobody(), Ipv4Addr::BROADCAST), &message);
        let mut frames = vec![frame; BATCH];
        let mut headers = MultiHeaders::<LinkAddr>::preallocate(BATCH, None);
        let (mut dice, mut sent, begun) = (0x9e37_79b9_7f4a_7c15_u64, 0, Instant::now());
        while begun.elapsed() < self.length {
            let due = begun.elapsed().as_micros() * u128::from(self.rate) / 1_000_000;
            if u128::from(sent) > due {
                thread::sleep(Duration::from_micros(50));
                continue;
            }
            for frame in &mut frames {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                let [a, b, c, d, ..] = dice.to_be_bytes();
                for place in [6, CHADDR] {
                    frame[place..place + 6].copy_from_slice(&[2, 0xff, a, b, c, d]);
                }
            }
            let slices: Vec<_> = frames.iter().map(|frame| [IoSlice::new(frame)]).collect();
            let (addresses, flags) = ([None; BATCH], MsgFlags::empty());
            let taken = sendmmsg(socket.as_raw_fd(), &mut headers, &slices, addresses, [], flags);
            sent += u64::try_from(taken.map_or(0, Iterator::count)).unwrap();
        }
        (sent, begun.elapsed())
    }
}

/// Known clients, each on its card with its address, that renew again and again.
#[derive(Debug, Clone)]
pub struct Renewing {
    /// Card and address of each.
    pub clients: Vec<([u8; 6], Ipv4Addr)>,
    /// Card and address of the server.
    pub server: ([u8; 6], Ipv4Addr),
    /// How long each of them waits between two renewals.
    pub pause: Duration,
    /// For how long all this goes on.
    pub length: Duration,
}

/// What became of renewals.
#[derive(Debug, Clone, Default)]
pub struct Renewals {
    /// How often each client has renewed.
    pub each: Vec<u32>,
    /// Requests that were not answered in time, so that the client asked again.
    pub lost: u32,
    /// Requests that were refused.
    pub refused: u32,
    /// How long each renewal took that was answered the first time, in order.
    pub latencies: Vec<Duration>,
}

impl Renewals {
    /// How long all but this share of the renewals took at most; nothing where there was none.
    pub fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list of some thousands"
        )]
        let place = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(place).or(self.latencies.last()).copied().unwrap_or_default()
    }
}

/// One client's request that is under way.
#[derive(Debug, Clone, Copy)]
struct Asked {
    client: usize,
    at: Instant,
    /// Whether it has been lost before.
    again: bool,
}

impl Renewing {
    /// Has them renew.
    pub fn renew(&self, Port(socket): &Port) -> Renewals {
        socket.attach_filter(&replies()).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let begun = Instant::now();
        let share = self.pause / u32::try_from(self.clients.len()).unwrap();
        // Evenly spread, as the clients of a network are.
        let mut due: Vec<_> = (0..).zip(&self.clients).map(|(number, _)| begun + share * number).collect();
        let mut renewals = Renewals { each: vec![0; self.clients.len()], ..Renewals::default() };
        let (mut asked, mut xid, mut buffer) = (HashMap::new(), 0, [0; 2048]);
        loop {
            let now = Instant::now();
            let is_over = now.duration_since(begun) > self.length;
            let late: Vec<u32> = asked
                .iter()
                .filter(|(_, one): &(_, &Asked)| now - one.at > AGAIN)
                .map(|(xid, _)| *xid)
                .collect();
            for lost in late {
                let one = asked.remove(&lost).unwrap();
                renewals.lost += 1;
                xid += 1;
                self.ask(socket, one.client, xid);
                asked.insert(xid, Asked { at: Instant::now(), again: true, ..one });
            }
            for (client, due) in due.iter_mut().enumerate().filter(|(_, due)| **due <= now && !is_over) {
                *due += self.pause;
                if asked.values().any(|one| one.client == client) {
                    continue;
                }
                xid += 1;
                asked.insert(xid, Asked { client, at: Instant::now(), again: false });
                self.ask(socket, client, xid);
            }
            if is_over && (asked.is_empty() || now.duration_since(begun) > self.length + AGAIN * 5) {
                break;
            }
            while let Ok(length) = (&*socket).read(&mut buffer) {
                let at = Instant::now();
                let Some(answer) = message_of(&buffer[..length]) else { continue };
                let Some(one) = asked.remove(&answer.xid()) else { continue };
                let (card, address) = self.clients[one.client];
                assert_eq!(answer.chaddr(), card);
                if answer.opts().msg_type() == Some(MessageType::Ack) && answer.yiaddr() == address {
                    renewals.each[one.client] += 1;
                    if !one.again {
                        renewals.latencies.push(at - one.at);
                    }
                } else {
                    renewals.refused += 1;
                }
                if due.iter().any(|due| *due <= at) {
                    break;
                }
            }
        }
        renewals.latencies.sort_unstable();
        renewals
    }

    /// As a client in RENEWING: by unicast, from its address.
    fn ask(&self, socket: &Socket, client: usize, xid: u32) {
        let ((card, address), (server_card, server)) = (self.clients[client], self.server);
        let mut message = message(card, MessageType::Request);
        message.set_xid(xid).set_ciaddr(address);
        socket.send(&frame((card, server_card), (address, server), &message)).unwrap();
    }
}

fn nobody() -> Ipv4Addr {
    Ipv4Addr::UNSPECIFIED
}

fn message(card: [u8; 6], kind: MessageType) -> Message {
    let mut message = Message::default();
    message.set_chaddr(&card);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message
}

/// UDP from port 67 to port 68, without IP options.
fn replies() -> [SockFilter; 4] {
    // Both at once, as they stand in the datagram.
    let ports = u32::from_be_bytes([0, 67, 0, 68]);
    [
        SockFilter::new(0x20, 0, 0, 34),
        SockFilter::new(0x15, 0, 1, ports),
        SockFilter::new(6, 0, 0, 0x4_0000),
        SockFilter::new(6, 0, 0, 0),
    ]
}

/// A message in a frame from one card and address to another. The UDP checksum is left out, as it may be.
fn frame(cards: ([u8; 6], [u8; 6]), addresses: (Ipv4Addr, Ipv4Addr), message: &Message) -> Vec<u8> {
    let mut payload = message.to_vec().unwrap();
    payload.resize(payload.len().max(300), 0);
    let udp_length = u16::try_from(payload.len() + 8).unwrap();
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    header[2..4].copy_from_slice(&(udp_length + 20).to_be_bytes());
    header.extend(addresses.0.octets());
    header.extend(addresses.1.octets());
    let sum =
        header.chunks(2).fold(0_u32, |sum, pair| sum + u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let folded = u16::try_from((sum >> 16) + (sum & 0xffff)).unwrap();
    header[10..12].copy_from_slice(&(!folded).to_be_bytes());
    let [high, low] = udp_length.to_be_bytes();
    let udp = [0, 68, 0, 67, high, low, 0, 0];
    [&cards.1[..], &cards.0, &[8, 0], &header, &udp, &payload].concat()
}

/// The message of an answer's frame.
fn message_of(frame: &[u8]) -> Option<Message> {
    Message::decode(&mut Decoder::new(frame.get(14 + 20 + 8..)?)).ok()
}
