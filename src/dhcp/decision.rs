//! What becomes of a message, and why.

use std::net::Ipv4Addr;

use super::{Destination, LeaseId, MessageType};

/// How much the server may say for its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The table is known to be the newest: a client that is wrong is told so.
    Current,
    /// There may be a newer table: what is known goes on being granted, but nobody is refused.
    Stale,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is answered.
    Reply(Reply),
    /// It is not, and that is a decision.
    Silent(Why),
}

/// An answer, the bytes of which are in the reply buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Its type.
    pub kind: MessageType,
    /// How many bytes of the buffer it takes.
    pub length: usize,
    /// Where it goes.
    pub destination: Destination,
    /// The lease that the client's card has, be it granted or refused to another address.
    pub lease: Option<LeaseId>,
    /// For how long the lease is granted or offered, in seconds.
    pub lease_time: Option<u32>,
    /// Options that the client was meant to get and that did not fit into what it takes (option 57).
    pub left_out: usize,
    /// The reason.
    pub why: Why,
}

/// Why a message was answered, refused or left unanswered; or what it told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Answer to DHCPDISCOVER: the card has a lease.
    #[error("the card has a lease, so it was offered")]
    Offered,
    /// Answer to DHCPDISCOVER of Harvester's route helper: options without an address.
    #[error("a route helper was told the options, without an address")]
    RouteHelper,
    /// Answer to SELECTING, or to a DHCPDISCOVER with rapid commit: the lease begins.
    #[error("the client took its lease")]
    Bound,
    /// Answer to INIT-REBOOT: the address from before is still right.
    #[error("the client came back with the right address")]
    Confirmed,
    /// Answer to RENEWING or REBINDING: the lease goes on.
    #[error("the client extended its lease")]
    Extended,
    /// Answer to DHCPINFORM.
    #[error("the client has an address and was told the options")]
    Informed,

    /// Refusal: the address belongs to another card, or to none.
    #[error("the client asked for {asked}, which is not the address of its card")]
    NotItsAddress {
        /// What it asked for.
        asked: Ipv4Addr,
    },
    /// Refusal: the address is not on this network at all.
    #[error("the client asked for {asked}, which is not on this network")]
    WrongNetwork {
        /// What it asked for.
        asked: Ipv4Addr,
    },
    /// Refusal: the card has lost this address.
    #[error("the client wants to keep {asked}, which its card has lost")]
    Lost {
        /// What it asked for.
        asked: Ipv4Addr,
    },

    /// Silence: whoever it is, this server knows nothing of it (RFC 2131 section 4.3.2: it must remain silent).
    #[error("the card has no lease in this pool")]
    UnknownMac,
    /// Silence: the client chose another server.
    #[error("the client chose the server {server}")]
    OtherServer {
        /// Which one.
        server: Ipv4Addr,
    },
    /// Silence: the client is on another link, by what its relay agent or the client itself says.
    #[error("the client is on the link of {link}, which is not in the subnet of this pool")]
    OtherLink {
        /// An address of that link.
        link: Ipv4Addr,
    },
    /// Silence: the relay agent is not one of those that the pool names.
    #[error("the message came by the relay agent {relay}, which is not among the pool's relays")]
    RelayRefused {
        /// Its address.
        relay: Ipv4Addr,
    },
    /// Silence: DHCPINFORM with an address that no host of this network can have.
    #[error("{address} asks for options, but is not the address of a host on this network")]
    NotOnLink {
        /// What it says its address is.
        address: Ipv4Addr,
    },
    /// Silence instead of a refusal, as there may be a newer table.
    #[error(
        "the client asked for {asked}, which seems wrong, but there may be newer leases than those known here"
    )]
    NotCurrent {
        /// What it asked for.
        asked: Ipv4Addr,
    },
    /// Silence: the route helper reads a pool without a router as one with a broken one.
    #[error("a route helper asked, but the pool has no router")]
    NoRouter,
    /// Silence: what must be echoed does not fit into a packet (RFC 6842 section 3).
    #[error("the client identifier does not fit into an answer")]
    TooLarge,

    /// Silence, and a record: another host answers for the client's address.
    #[error("the client found {address} in use by another host")]
    Declined {
        /// Its address.
        address: Ipv4Addr,
    },
    /// Silence, and a record: the client gave its address up. It stays the client's.
    #[error("the client released {address}")]
    Released {
        /// Its address.
        address: Ipv4Addr,
    },
    /// Silence: DHCPDECLINE or DHCPRELEASE of an address that is not the card's.
    #[error("the client declined or released {address}, which is not the address of its card")]
    NotItsLease {
        /// What it named.
        address: Ipv4Addr,
    },

    /// Silence instead of an answer: the pool has given no lease yet, and has to know first whether there is another
    /// server.
    #[error("the pool has given no lease yet, and it is being looked for other DHCP servers first")]
    LookingForServers,
    /// Silence instead of an answer: there is another server, and the pool has given no lease yet.
    #[error("the DHCP server {server} is on the network, and the pool stands down before its first lease")]
    StandsDown {
        /// Its identifier.
        server: Ipv4Addr,
    },

    /// Silence, before anything else is looked at: a card that has a lease sends more than anybody needs to.
    #[error("more messages of this type came from this card than are answered")]
    RateLimited,
    /// Silence, before anything else is looked at: cards that have none send more than can be of interest.
    #[error("more messages came from cards without a lease than are looked at")]
    UnknownRateLimited,
}

impl Why {
    /// The type of the answer that comes of this reason; none if it is silence.
    pub const fn answer(self) -> Option<MessageType> {
        match self {
            Self::Offered | Self::RouteHelper => Some(MessageType::Offer),
            Self::Bound | Self::Confirmed | Self::Extended | Self::Informed => Some(MessageType::Ack),
            Self::NotItsAddress { .. } | Self::WrongNetwork { .. } | Self::Lost { .. } => {
                Some(MessageType::Nak)
            }
            Self::UnknownMac
            | Self::OtherServer { .. }
            | Self::OtherLink { .. }
            | Self::RelayRefused { .. }
            | Self::NotOnLink { .. }
            | Self::NotCurrent { .. }
            | Self::NoRouter
            | Self::TooLarge
            | Self::Declined { .. }
            | Self::Released { .. }
            | Self::NotItsLease { .. }
            | Self::LookingForServers
            | Self::StandsDown { .. }
            | Self::RateLimited
            | Self::UnknownRateLimited => None,
        }
    }

    /// The reason as a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::RouteHelper => "route_helper",
            Self::Bound => "bound",
            Self::Confirmed => "confirmed",
            Self::Extended => "extended",
            Self::Informed => "informed",
            Self::NotItsAddress { .. } => "not_its_address",
            Self::WrongNetwork { .. } => "wrong_network",
            Self::Lost { .. } => "lost",
            Self::UnknownMac => "unknown_mac",
            Self::OtherServer { .. } => "other_server",
            Self::OtherLink { .. } => "other_link",
            Self::RelayRefused { .. } => "relay_refused",
            Self::NotOnLink { .. } => "not_on_link",
            Self::NotCurrent { .. } => "not_current",
            Self::NoRouter => "no_router",
            Self::TooLarge => "too_large",
            Self::Declined { .. } => "declined",
            Self::Released { .. } => "released",
            Self::NotItsLease { .. } => "not_its_lease",
            Self::LookingForServers => "looking_for_servers",
            Self::StandsDown { .. } => "stands_down",
            Self::RateLimited => "rate_limited",
            Self::UnknownRateLimited => "unknown_rate_limited",
        }
    }
}
