//! The one door for packets: bytes in, a client's message out, or the rule that they break.
//!
//! Past it no accessor can fail. Options that the server does not read are checked for their length only.

use std::net::Ipv4Addr;

use super::received::ReceivedOptions;
use super::{BOOTREQUEST, ClientMessage, ETHERNET, MAGIC_COOKIE, Malformed, MessageType, code};
use crate::mac::MacAddr;

/// A client's message that keeps the rules of RFC 2131; borrows from the packet.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    xid: [u8; 4],
    secs: [u8; 2],
    flags: [u8; 2],
    ciaddr: Ipv4Addr,
    giaddr: Ipv4Addr,
    chaddr: &'a [u8; 16],
    mac: MacAddr,
    message: ClientMessage,
    requested: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    lease_time: Option<u32>,
    max_size: Option<u16>,
    subnet_selection: Option<Ipv4Addr>,
    options: ReceivedOptions<'a>,
}

impl<'a> Request<'a> {
    /// Reads the payload of a UDP datagram to port 67.
    #[expect(clippy::similar_names, reason = "the fields have the names of RFC 2131 section 2")]
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = packet;
        let [op, htype, hlen, _hops] = *take(&mut rest)?;
        let xid = *take(&mut rest)?;
        let secs = *take(&mut rest)?;
        let flags = *take(&mut rest)?;
        let ciaddr = Ipv4Addr::from(*take::<4>(&mut rest)?);
        let [_yiaddr, _siaddr] = [*take::<4>(&mut rest)?, *take::<4>(&mut rest)?];
        let giaddr = Ipv4Addr::from(*take::<4>(&mut rest)?);
        let chaddr: &[u8; 16] = take(&mut rest)?;
        let sname: &[u8; 64] = take(&mut rest)?;
        let file: &[u8; 128] = take(&mut rest)?;
        let cookie: [u8; 4] = *take(&mut rest)?;

        if op != BOOTREQUEST {
            return Err(Malformed::NotRequest(op));
        }
        let [ethernet, ethernet_length] = ETHERNET;
        if htype != ethernet {
            return Err(Malformed::HardwareType(htype));
        }
        if hlen != ethernet_length {
            return Err(Malformed::HardwareLength(hlen));
        }
        if cookie != MAGIC_COOKIE {
            return Err(Malformed::NoMagicCookie);
        }
        let mac = chaddr.first_chunk().and_then(|bytes| MacAddr::new(*bytes).ok());
        let mac = mac.ok_or(Malformed::HardwareAddress)?;
        if giaddr.is_multicast() || giaddr.is_broadcast() || giaddr.is_loopback() {
            return Err(Malformed::RelayAddress(giaddr));
        }

        let options = ReceivedOptions::parse(rest, file, sname)?;
        let [number] = options.exact(code::MESSAGE_TYPE)?.ok_or(Malformed::NoMessageType)?;
        let kind = MessageType::from_number(number).ok_or(Malformed::UnknownMessageType(number))?;
        let requested = options.exact::<4>(code::REQUESTED_ADDRESS)?.map(Ipv4Addr::from);
        let server = options.exact::<4>(code::SERVER_IDENTIFIER)?.map(Ipv4Addr::from);
        let lease_time = options.exact(code::LEASE_TIME)?.map(u32::from_be_bytes);
        let max_size = options.exact(code::MAXIMUM_SIZE)?.map(u16::from_be_bytes);
        let subnet_selection = options.exact::<4>(code::SUBNET_SELECTION)?.map(Ipv4Addr::from);
        let rapid_commit = options.has(code::RAPID_COMMIT);
        let message = message(kind, ciaddr, requested, server, rapid_commit)?;

        Ok(Self {
            xid,
            secs,
            flags,
            ciaddr,
            giaddr,
            chaddr,
            mac,
            message,
            requested,
            server,
            lease_time,
            max_size,
            subnet_selection,
            options,
        })
    }

    /// The client's card: the first six bytes of `chaddr`.
    pub const fn mac(&self) -> MacAddr {
        self.mac
    }

    /// `chaddr` whole, as it goes back.
    pub(super) const fn chaddr(&self) -> &'a [u8; 16] {
        self.chaddr
    }

    /// Type of the message.
    pub const fn kind(&self) -> MessageType {
        self.message.kind()
    }

    /// What the client says.
    pub const fn message(&self) -> ClientMessage {
        self.message
    }

    /// Transaction: the client's number for this exchange.
    pub const fn xid(&self) -> u32 {
        u32::from_be_bytes(self.xid)
    }

    /// Seconds since the client began.
    pub const fn secs(&self) -> u16 {
        u16::from_be_bytes(self.secs)
    }

    /// `flags`, as they go back.
    pub(super) const fn flags(&self) -> u16 {
        u16::from_be_bytes(self.flags)
    }

    /// Whether the client asks for answers by broadcast, because it cannot take a unicast yet.
    pub const fn broadcast(&self) -> bool {
        self.flags() & 0x8000 != 0
    }

    /// The address that the client uses, or 0.0.0.0.
    pub const fn ciaddr(&self) -> Ipv4Addr {
        self.ciaddr
    }

    /// The relay agent that passed the message on, or 0.0.0.0.
    pub const fn giaddr(&self) -> Ipv4Addr {
        self.giaddr
    }

    /// Whether the message came by a relay agent.
    pub const fn is_relayed(&self) -> bool {
        !self.giaddr.is_unspecified()
    }

    /// The address asked for (option 50).
    pub const fn requested_address(&self) -> Option<Ipv4Addr> {
        self.requested
    }

    /// The server meant (option 54).
    pub const fn server_id(&self) -> Option<Ipv4Addr> {
        self.server
    }

    /// The lease asked for, in seconds (option 51).
    pub const fn lease_time(&self) -> Option<u32> {
        self.lease_time
    }

    /// The longest datagram that the client takes, IP header included (option 57).
    pub const fn max_size(&self) -> Option<u16> {
        self.max_size
    }

    /// Options that the client asks for, in the order of its preference (option 55); none if it sends no list.
    pub fn parameter_list(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.options.parts(code::PARAMETER_LIST).flatten().copied()
    }

    /// Parts of the client identifier (option 61), as they go back (RFC 6842).
    pub fn client_id(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.option(code::CLIENT_IDENTIFIER)
    }

    /// Parts of the relay agent's information (option 82), as they go back (RFC 3046).
    pub fn relay_information(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.option(code::RELAY_INFORMATION)
    }

    /// Parts of any option (RFC 3396), in order; none if it was not sent.
    pub fn option(&self, code: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.options.parts(code)
    }

    /// All options.
    pub(super) const fn options(&self) -> &ReceivedOptions<'a> {
        &self.options
    }

    /// An address of the link that the client is on, where that is not simply the server's own: what the relay agent
    /// names (RFC 3527), else the subnet that the client selects (RFC 3011) if it may, else the relay agent itself.
    pub fn link(&self, may_select: bool) -> Option<Ipv4Addr> {
        let selected = self.subnet_selection.filter(|_| may_select);
        self.is_relayed().then(|| self.link_selection().or(selected).unwrap_or(self.giaddr))
    }

    /// Sub-option 5 of option 82, which only a relay agent can vouch for.
    fn link_selection(&self) -> Option<Ipv4Addr> {
        const LINK_SELECTION: u8 = 5;
        self.relay_information().find_map(|mut rest| {
            loop {
                let (&[number, length], behind) = rest.split_first_chunk()?;
                let (value, behind) = behind.split_at_checked(length.into())?;
                if number == LINK_SELECTION {
                    return value
                        .first_chunk::<4>()
                        .filter(|_| value.len() == 4)
                        .copied()
                        .map(Ipv4Addr::from);
                }
                rest = behind;
            }
        })
    }
}

/// The next `N` bytes.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Malformed> {
    let (field, behind) = rest.split_first_chunk().ok_or(Malformed::TooShort)?;
    *rest = behind;
    Ok(field)
}

/// Tells the client's state by the fields that are set (RFC 2131 section 4.3.2, tables 4 and 5).
fn message(
    kind: MessageType,
    ciaddr: Ipv4Addr,
    requested: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    rapid_commit: bool,
) -> Result<ClientMessage, Malformed> {
    let used = Some(ciaddr).filter(|address| !address.is_unspecified());
    let no_address = Malformed::NoAddress(kind);
    let contradiction = Malformed::Contradiction(kind, ciaddr);
    Ok(match kind {
        MessageType::Discover => ClientMessage::Discover { rapid_commit },
        MessageType::Request => match (server, requested, used) {
            // Neither option 50 nor 54 may be there. But as long as they contradict nothing there is nothing to
            // misunderstand, clients in use send them (mozim, and so Podman), and one that gets no answer loses its
            // address.
            (server, requested, Some(address)) if requested.is_none_or(|requested| requested == address) => {
                ClientMessage::Extending { server, address }
            }
            // Whatever else is in `ciaddr`: there NetworkManager's own client goes on naming the address that it was
            // refused.
            (Some(server), Some(address), _) => ClientMessage::Selecting { server, address },
            (None, Some(address), None) => ClientMessage::InitReboot { address },
            (_, _, Some(_)) => return Err(contradiction),
            (_, None, None) => return Err(no_address),
        },
        MessageType::Decline => ClientMessage::Decline {
            server: server.ok_or(Malformed::NoServer(kind))?,
            address: requested.ok_or(no_address)?,
        },
        // systemd-networkd names no server. It sends it to one, and nothing is freed by it.
        MessageType::Release => ClientMessage::Release { server, address: used.ok_or(no_address)? },
        MessageType::Inform => ClientMessage::Inform { address: used.ok_or(no_address)? },
        MessageType::Offer | MessageType::Ack | MessageType::Nak => {
            return Err(Malformed::ServerMessage(kind));
        }
    })
}
