//! A client by hand: frames out, frames in, read by a decoder that is not ours.

use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use crate::network::CLIENT_END;

/// How long an answer is waited for; the question is asked again all the while.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(500);
/// How long silence is listened to before it counts as silence.
const SILENCE: Duration = Duration::from_millis(600);

const EVERYBODY: [u8; 6] = [0xff; 6];

/// The client's end of the cable.
pub(crate) struct Wire {
    socket: Socket,
}

/// An answer, with what its frame says.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Destination on the link.
    pub(crate) link_destination: [u8; 6],
    /// Source on the link.
    pub(crate) link_source: [u8; 6],
    /// Destination by IP.
    pub(crate) destination: Ipv4Addr,
    /// The message.
    pub(crate) message: Message,
}

impl Answer {
    /// Its type.
    pub(crate) fn kind(&self) -> MessageType {
        self.message.opts().msg_type().unwrap()
    }

    /// An option of it.
    pub(crate) fn option(&self, code: OptionCode) -> Option<&DhcpOption> {
        self.message.opts().get(code)
    }
}

impl Wire {
    /// Opens the client's end.
    pub(crate) fn open() -> Self {
        let all = u16::try_from(libc::ETH_P_ALL).unwrap().to_be();
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(all)))).unwrap();
        let link = nix::ifaddrs::getifaddrs()
            .unwrap()
            .filter(|entry| entry.interface_name == CLIENT_END)
            .find_map(|entry| entry.address.and_then(|address| address.as_link_addr().copied()))
            .unwrap();
        nix::sys::socket::bind(socket.as_raw_fd(), &link).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        Self { socket }
    }

    /// Sends a frame.
    pub(crate) fn send(&self, frame: &[u8]) {
        self.socket.send(frame).unwrap();
    }

    /// What `read` makes of the first frame that it can read, of those that `card` did not send itself.
    pub(crate) fn receive<T>(
        &self,
        card: [u8; 6],
        within: Duration,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut buffer = [0; 2048];
        while Instant::now() < deadline {
            match (&self.socket).read(&mut buffer) {
                Ok(length) if buffer[6..12] != card => {
                    if let Some(found) = read(&buffer[..length]) {
                        return Some(found);
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
        None
    }

    /// Sends a message of this card by broadcast until it is answered.
    pub(crate) fn ask(&self, card: [u8; 6], message: &Message) -> Answer {
        self.ask_with(card, &frame_of(card, (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST), message))
    }

    /// Sends a frame until it is answered by DHCP.
    pub(crate) fn ask_with(&self, card: [u8; 6], frame: &[u8]) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.send(frame);
            if let Some(answer) = self.receive(card, AGAIN, answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "no answer");
        }
    }

    /// Whether nobody answers this message.
    pub(crate) fn is_silent(&self, card: [u8; 6], message: &Message) -> bool {
        self.send(&frame_of(card, (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST), message));
        self.receive(card, SILENCE, answer).is_none()
    }

    /// The card that answers for an address.
    pub(crate) fn resolve(&self, card: [u8; 6], address: Ipv4Addr) -> Option<[u8; 6]> {
        let reply = |frame: &[u8]| {
            let is_reply =
                frame[12..14] == [8, 6] && frame[20..22] == [0, 2] && frame[28..32] == address.octets();
            is_reply.then(|| frame[22..28].try_into().unwrap())
        };
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            self.send(&arp(1, card, Ipv4Addr::UNSPECIFIED, address));
            if let Some(found) = self.receive(card, AGAIN, reply) {
                return Some(found);
            }
        }
        None
    }

    /// Answers the next ARP requests for `address` as `card`, until `until`.
    pub(crate) fn answer_arp(&self, card: [u8; 6], address: Ipv4Addr, until: Instant) {
        let request = |frame: &[u8]| {
            let is_request =
                frame[12..14] == [8, 6] && frame[20..22] == [0, 1] && frame[38..42] == address.octets();
            is_request.then_some(())
        };
        while Instant::now() < until {
            if self.receive(card, Duration::from_millis(100), request).is_some() {
                self.send(&arp(2, card, address, Ipv4Addr::UNSPECIFIED));
            }
        }
    }
}

/// A message of this type and card.
pub(crate) fn message(kind: MessageType, card: [u8; 6]) -> Message {
    let mut message = Message::default();
    message.set_chaddr(&card).set_xid(0x1234_5678);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message
}

/// An ARP packet of this operation.
fn arp(operation: u8, card: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = [&EVERYBODY[..], &card, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation], &card].concat();
    frame.extend_from_slice(&sender.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&target.octets());
    frame
}

/// A message in a frame to everybody on the link. The UDP checksum is not filled in, as in frames of a real guest.
pub(crate) fn frame_of(card: [u8; 6], (from, to): (Ipv4Addr, Ipv4Addr), message: &Message) -> Vec<u8> {
    let payload = message.to_vec().unwrap();
    let udp_length = u16::try_from(payload.len() + 8).unwrap();
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    header[2..4].copy_from_slice(&(udp_length + 20).to_be_bytes());
    header.extend_from_slice(&from.octets());
    header.extend_from_slice(&to.octets());
    let sum = ones_complement(&header);
    header[10..12].copy_from_slice(&(!sum).to_be_bytes());
    let [high, low] = udp_length.to_be_bytes();
    [&EVERYBODY[..], &card, &[8, 0], &header, &[0, 68, 0, 67, high, low, 0xba, 0xad], &payload].concat()
}

/// Reads an answer to a client, and checks both of its checksums.
fn answer(frame: &[u8]) -> Option<Answer> {
    if frame[12..14] != [8, 0] || frame[23] != 17 || frame[34..38] != [0, 67, 0, 68] {
        return None;
    }
    assert_eq!(ones_complement(&frame[14..34]), 0xffff, "IPv4 header checksum");
    let length = usize::from(u16::from_be_bytes([frame[38], frame[39]]));
    let datagram = &frame[34..34 + length];
    let pseudo = [&frame[26..34], &[0, 17], &frame[38..40], datagram].concat();
    assert_eq!(ones_complement(&pseudo), 0xffff, "UDP checksum");
    Some(Answer {
        link_destination: frame[..6].try_into().unwrap(),
        link_source: frame[6..12].try_into().unwrap(),
        destination: <[u8; 4]>::try_from(&frame[30..34]).unwrap().into(),
        message: Message::decode(&mut Decoder::new(&datagram[8..])).unwrap(),
    })
}

fn ones_complement(bytes: &[u8]) -> u16 {
    bytes.chunks(2).fold(0, |sum: u16, pair| {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}
