//! Single DHCP packets, for what a client would hide: a refusal, a silence, the first answer after a change.
//!
//! The card has no address; a UDP socket bound to it is enough, as answers are asked for by broadcast (RFC 2131 4.1).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use dhcproto::v4::{
    CLIENT_PORT, Decodable, Decoder, DhcpOption, Encodable, Encoder, Flags, Message, MessageType, OptionCode,
    SERVER_PORT,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::Machine;
use crate::lan::CARD;

/// How long an answer may take that is expected.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// A DISCOVER of this MAC.
pub fn discover(mac: &str) -> Message {
    message(mac, MessageType::Discover)
}

/// A REQUEST of a rebooting client, which believes it has `address` (RFC 2131 4.3.2, INIT-REBOOT).
pub fn reboot(mac: &str, address: Ipv4Addr) -> Message {
    let mut message = message(mac, MessageType::Request);
    message.opts_mut().insert(DhcpOption::RequestedIpAddress(address));
    message
}

/// Sends a message from the machine's card, and gives the answer to it; none if there is none in time.
pub fn exchange(machine: &Machine, message: Message, patience: Duration) -> Option<Message> {
    machine.within(move || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.bind_device(Some(CARD.as_bytes())).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT).into()).unwrap();
        let mut bytes = Vec::new();
        message.encode(&mut Encoder::new(&mut bytes)).unwrap();
        let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT);
        socket.send_to(&bytes, &everybody.into()).unwrap();
        answer(&std::net::UdpSocket::from(socket), message.xid(), patience)
    })
}

/// What kind of message it is.
pub fn kind(message: &Message) -> Option<MessageType> {
    message.opts().msg_type()
}

/// The name servers it carries.
pub fn name_servers(message: &Message) -> Vec<Ipv4Addr> {
    match message.opts().get(OptionCode::DomainNameServer) {
        Some(DhcpOption::DomainNameServer(servers)) => servers.clone(),
        _ => Vec::new(),
    }
}

fn message(mac: &str, kind: MessageType) -> Message {
    let octets: Vec<u8> = mac.split(':').map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect();
    let mut message = Message::default();
    message.set_flags(Flags::default().set_broadcast()).set_chaddr(&octets);
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::ParameterRequestList(vec![
        OptionCode::SubnetMask,
        OptionCode::Router,
        OptionCode::DomainNameServer,
    ]));
    message
}

fn answer(socket: &std::net::UdpSocket, xid: u32, patience: Duration) -> Option<Message> {
    let deadline = Instant::now() + patience;
    let mut buffer = [0; 1500];
    loop {
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).unwrap();
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        let received = Message::decode(&mut Decoder::new(&buffer[..length]));
        if let Ok(message) = received
            && message.xid() == xid
        {
            return Some(message);
        }
    }
}
