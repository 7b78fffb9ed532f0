//! Bytes in, a decision, bytes out: the DHCP server of RFC 2131 without its socket.
//!
//! ```text
//! Pool, Allocations ──▶ LeaseTable ─┐
//! bytes ──▶ Request ────────────────┴─▶ respond ──▶ Decision: Reply (bytes, destination) or Silent (why)
//! ```
//!
//! - [`Request::parse`] is the one door for untrusted bytes: what comes through it is a message of a client, with
//!   the fields that its kind must have and no others that contradict them.
//! - [`LeaseTable::build`] encodes all options once; it is built anew whenever the pool changes.
//! - [`respond`] is the server table of RFC 2131 section 4.3. It allocates nothing.
//!
//! A client is known by its hardware address alone, by intent: firmware, installer and system of one card then get
//! one address, and clones with one client identifier get several (RFC 2131 section 4.2 leaves the choice to the
//! administrator).
//!
//! Not here: frames, checksums, sockets, rate limits, and which of several agents answers.

mod client;
mod client_fqdn;
mod criteria;
mod decision;
mod destination;
mod echo;
mod encoded;
mod levels;
mod malformed;
mod message;
mod own_options;
mod received;
mod reply;
mod request;
mod respond;
mod table;
mod timers;

pub use client::Client;
pub use decision::{Authority, Decision, Reply, Why};
pub use destination::Destination;
pub use malformed::Malformed;
pub use message::{ClientMessage, MessageType};
pub use reply::{REPLY_MAX, ReplyBuffer};
pub use request::Request;
pub use respond::respond;
pub use table::{Extras, LeaseId, LeaseTable};
pub use timers::Timers;

/// Numbers of the options that the server itself reads or writes (RFC 2132 and as noted).
mod code {
    pub(super) const PAD: u8 = 0;
    pub(super) const SUBNET_MASK: u8 = 1;
    pub(super) const ROUTER: u8 = 3;
    pub(super) const DOMAIN_NAME_SERVER: u8 = 6;
    pub(super) const HOSTNAME: u8 = 12;
    pub(super) const DOMAIN_NAME: u8 = 15;
    pub(super) const INTERFACE_MTU: u8 = 26;
    pub(super) const NTP_SERVERS: u8 = 42;
    pub(super) const REQUESTED_ADDRESS: u8 = 50;
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const OVERLOAD: u8 = 52;
    pub(super) const MESSAGE_TYPE: u8 = 53;
    pub(super) const SERVER_IDENTIFIER: u8 = 54;
    pub(super) const PARAMETER_LIST: u8 = 55;
    pub(super) const MESSAGE: u8 = 56;
    pub(super) const MAXIMUM_SIZE: u8 = 57;
    pub(super) const RENEWAL_TIME: u8 = 58;
    pub(super) const REBINDING_TIME: u8 = 59;
    pub(super) const VENDOR_CLASS: u8 = 60;
    pub(super) const CLIENT_IDENTIFIER: u8 = 61;
    pub(super) const TFTP_SERVER_NAME: u8 = 66;
    pub(super) const BOOT_FILE: u8 = 67;
    /// RFC 3004.
    pub(super) const USER_CLASS: u8 = 77;
    /// RFC 4039.
    pub(super) const RAPID_COMMIT: u8 = 80;
    /// RFC 4702.
    pub(super) const CLIENT_FQDN: u8 = 81;
    /// RFC 3046.
    pub(super) const RELAY_INFORMATION: u8 = 82;
    /// RFC 4578.
    pub(super) const CLIENT_ARCHITECTURE: u8 = 93;
    /// RFC 4578.
    pub(super) const MACHINE_IDENTIFIER: u8 = 97;
    /// RFC 8925.
    pub(super) const IPV6_ONLY_PREFERRED: u8 = 108;
    /// RFC 3011.
    pub(super) const SUBNET_SELECTION: u8 = 118;
    /// RFC 3442.
    pub(super) const CLASSLESS_ROUTES: u8 = 121;
    /// RFC 5859.
    pub(super) const TFTP_SERVER_ADDRESS: u8 = 150;
    /// The number by which Windows asked for RFC 3442 routes before 121 was assigned.
    pub(super) const CLASSLESS_ROUTES_MICROSOFT: u8 = 249;
    pub(super) const END: u8 = 255;
}

/// The four bytes that tell DHCP from plain BOOTP (RFC 2131 section 3).
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// `op` of a client's message.
const BOOTREQUEST: u8 = 1;
/// `op` of a server's message.
const BOOTREPLY: u8 = 2;
/// `htype` and `hlen` of Ethernet.
const ETHERNET: [u8; 2] = [1, 6];
