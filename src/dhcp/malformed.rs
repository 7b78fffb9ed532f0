//! What can be wrong with a packet that claims to be a client's message.

use std::net::Ipv4Addr;

use super::MessageType;

/// Why a packet is no client's message: one variant a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than the fixed fields and the magic cookie.
    #[error("the packet ends within the 240 bytes that every DHCP message has")]
    TooShort,
    /// `op` is not BOOTREQUEST.
    #[error("op is {0}: only 1 (BOOTREQUEST) comes from a client")]
    NotRequest(u8),
    /// `htype` is not Ethernet.
    #[error("the hardware type is {0}: only 1 (Ethernet) is served")]
    HardwareType(u8),
    /// `hlen` is not that of Ethernet.
    #[error("the hardware address has a length of {0}: on Ethernet it is 6")]
    HardwareLength(u8),
    /// `chaddr` is zero or a group address.
    #[error("the hardware address is zero or a group address: no network card has it")]
    HardwareAddress,
    /// Plain BOOTP, or not BOOTP at all.
    #[error("the magic cookie of DHCP is missing")]
    NoMagicCookie,
    /// An option has no length, or is longer than what is left.
    #[error("option {code} goes beyond the end of its field")]
    TruncatedOption {
        /// Its number.
        code: u8,
    },
    /// An option of fixed length has another, or is there twice.
    #[error("option {code} has a length of {length} bytes in all: it must be {expected}")]
    OptionLength {
        /// Its number.
        code: u8,
        /// Length of all its parts together (RFC 3396).
        length: usize,
        /// As it should be.
        expected: usize,
    },
    /// Option 52 with an unknown value.
    #[error("option 52 (overload) is {0}: it must be 1, 2 or 3")]
    Overload(u8),
    /// No option 53: BOOTP without DHCP.
    #[error("option 53 (message type) is missing: this is BOOTP, which is not served")]
    NoMessageType,
    /// Option 53 is not one of RFC 2131.
    #[error("option 53 (message type) is {0}: RFC 2131 knows 1 to 8")]
    UnknownMessageType(u8),
    /// A message that only servers send, as a BOOTREQUEST.
    #[error("{0} is a server's message and cannot come from a client")]
    ServerMessage(MessageType),
    /// `giaddr` is the address of no relay.
    #[error("giaddr is {0}: a relay agent has a unicast address")]
    RelayAddress(Ipv4Addr),
    /// The message needs an address in option 50 or in `ciaddr` (RFC 2131 tables 4 and 5).
    #[error("{0} does not say which address it is about")]
    NoAddress(MessageType),
    /// The message needs option 54 (RFC 2131 table 5).
    #[error("{0} does not say which server it is for (option 54)")]
    NoServer(MessageType),
    /// A field is set that contradicts another one (RFC 2131 tables 4 and 5).
    #[error("{0} has ciaddr {1} beside option 50 or 54: a client is in one state only")]
    Contradiction(MessageType, Ipv4Addr),
}

impl Malformed {
    /// The rule as a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::NotRequest(_) => "not_request",
            Self::HardwareType(_) => "hardware_type",
            Self::HardwareLength(_) => "hardware_length",
            Self::HardwareAddress => "hardware_address",
            Self::NoMagicCookie => "no_magic_cookie",
            Self::TruncatedOption { .. } => "truncated_option",
            Self::OptionLength { .. } => "option_length",
            Self::Overload(_) => "overload",
            Self::NoMessageType => "no_message_type",
            Self::UnknownMessageType(_) => "unknown_message_type",
            Self::ServerMessage(_) => "server_message",
            Self::RelayAddress(_) => "relay_address",
            Self::NoAddress(_) => "no_address",
            Self::NoServer(_) => "no_server",
            Self::Contradiction(..) => "contradiction",
        }
    }
}
