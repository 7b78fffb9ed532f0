//! Types of messages, and what a client says with the fields around them.

use std::fmt;
use std::net::Ipv4Addr;

/// Type of a message (option 53; RFC 2132 section 9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// A client looks for servers.
    Discover = 1,
    /// A server offers an address.
    Offer = 2,
    /// A client takes an offer, or wants to keep its address.
    Request = 3,
    /// A client found the address in use by another.
    Decline = 4,
    /// A server grants.
    Ack = 5,
    /// A server refuses.
    Nak = 6,
    /// A client gives its address up.
    Release = 7,
    /// A client that has an address asks for options.
    Inform = 8,
}

impl MessageType {
    /// The type of that number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Discover),
            2 => Some(Self::Offer),
            3 => Some(Self::Request),
            4 => Some(Self::Decline),
            5 => Some(Self::Ack),
            6 => Some(Self::Nak),
            7 => Some(Self::Release),
            8 => Some(Self::Inform),
            _ => None,
        }
    }

    /// The type as a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Offer => "offer",
            Self::Request => "request",
            Self::Decline => "decline",
            Self::Ack => "ack",
            Self::Nak => "nak",
            Self::Release => "release",
            Self::Inform => "inform",
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discover => "DHCPDISCOVER",
            Self::Offer => "DHCPOFFER",
            Self::Request => "DHCPREQUEST",
            Self::Decline => "DHCPDECLINE",
            Self::Ack => "DHCPACK",
            Self::Nak => "DHCPNAK",
            Self::Release => "DHCPRELEASE",
            Self::Inform => "DHCPINFORM",
        })
    }
}

/// What a client says: its message with the fields that this message must have (RFC 2131 tables 4 and 5).
///
/// The three uses of DHCPREQUEST are told apart by the client's state, as section 4.3.2 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMessage {
    /// DHCPDISCOVER.
    Discover {
        /// A DHCPACK will do at once (option 80, RFC 4039).
        rapid_commit: bool,
    },
    /// DHCPREQUEST in state SELECTING: takes an offer.
    Selecting {
        /// Whose offer (option 54).
        server: Ipv4Addr,
        /// The address offered (option 50).
        address: Ipv4Addr,
    },
    /// DHCPREQUEST in state INIT-REBOOT: asks whether an address from before is still right.
    InitReboot {
        /// The address (option 50).
        address: Ipv4Addr,
    },
    /// DHCPREQUEST in state RENEWING (sent by unicast) or REBINDING (by broadcast): wants its lease extended. Only
    /// the frame tells the two apart, and the answer is the same.
    Extending {
        /// The server meant, if the client says so against the rules (option 54).
        server: Option<Ipv4Addr>,
        /// The address that the client uses (`ciaddr`).
        address: Ipv4Addr,
    },
    /// DHCPDECLINE.
    Decline {
        /// Whose lease (option 54).
        server: Ipv4Addr,
        /// The address that another host answers for (option 50).
        address: Ipv4Addr,
    },
    /// DHCPRELEASE.
    Release {
        /// Whose lease (option 54), if the client says so, as it must.
        server: Option<Ipv4Addr>,
        /// The address that is given up (`ciaddr`).
        address: Ipv4Addr,
    },
    /// DHCPINFORM.
    Inform {
        /// The address that the client uses (`ciaddr`).
        address: Ipv4Addr,
    },
}

impl ClientMessage {
    /// Its type.
    pub const fn kind(self) -> MessageType {
        match self {
            Self::Discover { .. } => MessageType::Discover,
            Self::Selecting { .. } | Self::InitReboot { .. } | Self::Extending { .. } => MessageType::Request,
            Self::Decline { .. } => MessageType::Decline,
            Self::Release { .. } => MessageType::Release,
            Self::Inform { .. } => MessageType::Inform,
        }
    }
}
