//! The DHCP messages of a card, as they pass it in both directions: what its client really sends, whatever it says.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dhcproto::v4::{
    CLIENT_PORT, Decodable, Decoder, DhcpOption, Message, MessageType, OptionCode, SERVER_PORT,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::Machine;

/// Link-layer destination of what is for everybody.
const EVERYBODY: [u8; 6] = [0xff; 6];
const ETH_P_ALL: u16 = 3;
const ETH_P_IP: [u8; 2] = [8, 0];
const UDP: u8 = 17;
const LONGEST_FRAME: usize = 2048;

/// A running capture. Dropping it ends it.
pub struct Capture {
    heard: Arc<Mutex<Vec<Heard>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A message with how it was addressed.
#[derive(Clone)]
pub struct Heard {
    /// Link-layer destination.
    pub link_destination: [u8; 6],
    /// IP source.
    pub source: Ipv4Addr,
    /// IP destination.
    pub destination: Ipv4Addr,
    /// The message.
    pub message: Message,
}

impl Capture {
    /// Starts one, on its machine, of the messages from and to the card with this MAC.
    pub fn of(mac: &str, machine: &Machine) -> Self {
        let card = mac.to_owned();
        let every_frame = Protocol::from(i32::from(ETH_P_ALL.to_be()));
        let socket =
            machine.within(move || Socket::new(Domain::PACKET, Type::RAW, Some(every_frame)).unwrap());
        // Only so that it notices its end.
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (heard, is_over) = (Arc::<Mutex<Vec<Heard>>>::default(), Arc::<AtomicBool>::default());
        let thread = thread::spawn({
            let (heard, is_over) = (Arc::clone(&heard), Arc::clone(&is_over));
            move || {
                let mut buffer = [0; LONGEST_FRAME];
                while !is_over.load(Ordering::Relaxed) {
                    let received = std::io::Read::read(&mut (&socket), &mut buffer);
                    let frame = received.ok().and_then(|length| buffer.get(..length));
                    let message = frame.and_then(Heard::read).filter(|heard| heard.card() == card);
                    if let Some(message) = message {
                        heard.lock().unwrap().push(message);
                    }
                }
            }
        });
        Self { heard, is_over, thread: Some(thread) }
    }

    /// All messages so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What has been heard of this kind so far.
    pub fn heard_of(&self, kind: MessageType) -> Vec<Heard> {
        let mut heard = self.heard();
        heard.retain(|heard| heard.kind() == Some(kind));
        heard
    }

    /// Forgets what was heard so far.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, message, .. } = self;
        let (kind, xid, ciaddr) = (self.kind(), message.xid(), message.ciaddr());
        write!(
            f,
            "{kind:?} {source} -> {destination} xid {xid:08x} ciaddr {ciaddr} yiaddr {}",
            message.yiaddr()
        )?;
        write!(f, " requested {:?} server {:?}", self.requested(), self.server())
    }
}

impl Heard {
    /// Reads a frame; none if it is not DHCP.
    fn read(frame: &[u8]) -> Option<Self> {
        let (link, packet) = frame.split_at_checked(14)?;
        let header = usize::from(packet.first()? & 0xf) * 4;
        if link[12..] != ETH_P_IP || *packet.get(9)? != UDP {
            return None;
        }
        let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
        let port = |at: usize| Some(u16::from_be_bytes(*packet.get(header + at..)?.first_chunk()?));
        if ![CLIENT_PORT, SERVER_PORT].contains(&port(0)?) || ![CLIENT_PORT, SERVER_PORT].contains(&port(2)?)
        {
            return None;
        }
        Some(Self {
            link_destination: *link.first_chunk()?,
            source: address(12)?,
            destination: address(16)?,
            message: Message::decode(&mut Decoder::new(packet.get(header + 8..)?)).ok()?,
        })
    }

    /// The card that it is about.
    fn card(&self) -> String {
        let octets: Vec<_> = self.message.chaddr().iter().map(|octet| format!("{octet:02x}")).collect();
        octets.join(":")
    }

    /// Which message it is.
    pub fn kind(&self) -> Option<MessageType> {
        self.message.opts().msg_type()
    }

    /// Whether it was sent to everybody.
    pub fn is_broadcast(&self) -> bool {
        self.link_destination == EVERYBODY && self.destination == Ipv4Addr::BROADCAST
    }

    /// Whether it has that option.
    pub fn has(&self, option: OptionCode) -> bool {
        self.message.opts().get(option).is_some()
    }

    /// The address that it asks for, or gives up, by option 50.
    pub fn requested(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => Some(*address),
            _ => None,
        }
    }

    /// The server that it names by option 54.
    pub fn server(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(address)) => Some(*address),
            _ => None,
        }
    }
}
