//! Bytes in, a decision, bytes out: the DHCP server of RFC 2131 without its socket.

use std::net::Ipv4Addr;

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
