//! Where answers go (RFC 2131 section 4.1).

use std::net::Ipv4Addr;

use super::{MessageType, Request};
use crate::mac::MacAddr;

/// Where a reply goes (RFC 2131 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To 255.255.255.255 port 68, broadcast on the link.
    Broadcast,
    /// To this address, port 68, in a frame to this card.
    Client {
        /// IP destination.
        address: Ipv4Addr,
        /// Frame destination.
        hardware: MacAddr,
    },
    /// To the relay agent at this address, port 67.
    Relay(Ipv4Addr),
}

impl Destination {
    /// Where the answer of this type goes; `yiaddr` is the address that it grants, or 0.0.0.0.
    pub(super) fn of(request: &Request<'_>, kind: MessageType, yiaddr: Ipv4Addr) -> Self {
        let client = |address| Self::Client { address, hardware: request.mac() };
        if request.is_relayed() {
            Self::Relay(request.giaddr())
        } else if kind == MessageType::Nak {
            // Whoever is wrong about its address may not be reachable by it.
            Self::Broadcast
        } else if !request.ciaddr().is_unspecified() {
            client(request.ciaddr())
        } else if request.broadcast() || yiaddr.is_unspecified() {
            Self::Broadcast
        } else {
            client(yiaddr)
        }
    }
}
