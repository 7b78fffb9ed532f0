//! The checked pool: what an IPPool means, once every rule that needs no other object holds.
//!
//! Webhook, manager, agent and CLI all come through here, and nobody checks again. There are two ways in:
//! [`Pool::try_from`] takes a pool only whole, for whoever may still refuse it; [`Pool::from_stored`] also serves a
//! stored one whose *options* have a bad item (upstream never checked those), without the item and with the complaint.
//!
//! Not here: rules that need other objects ([`crate::admission`]), and default values ([`defaults`]).

mod check;
pub mod defaults;
mod error;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

pub(crate) use check::{LONGEST_LEASE, MTU, excluded};
pub use error::{Field, PoolError, PoolErrors};
pub use options::{DhcpOption, option_code, option_name};
pub(crate) use options::{FORBIDDEN, known_options, option_types};

use crate::api::{IPPool, OptionValue};
use crate::ipam::AddressSet;
use crate::mac::MacAddr;
use crate::network::NetworkName;

/// Lease time in seconds where a pool names none: a year, as upstream has it.
pub const DEFAULT_LEASE_TIME: u32 = 31_536_000;

/// An IPPool by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolRef {
    /// Namespace of the IPPool.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl PoolRef {
    /// Where this object is stored.
    pub fn of(pool: &IPPool) -> Self {
        Self {
            namespace: pool.metadata.namespace.clone().unwrap_or_default(),
            name: pool.metadata.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for PoolRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A pool in which every value is what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// Where it is stored.
    pub key: PoolRef,
    /// The network it serves, in canonical form.
    pub network: NetworkName,
    /// Out of service by its owner's wish.
    pub paused: bool,
    /// What becomes of other DHCP servers.
    pub foreign_server_policy: ForeignServerPolicy,
    /// The subnet, without host bits.
    pub cidr: Ipv4Net,
    /// Address of the DHCP server.
    pub server: Ipv4Addr,
    /// Default gateway of the clients.
    pub router: Option<Ipv4Addr>,
    /// All ranges together, with nothing taken out: an admissible address is in here, or reserved.
    pub ranges: AddressSet,
    /// What may be picked: the ranges without exclusions, server and router. Upstream counts `used` and `available`
    /// in it.
    pub domain: AddressSet,
    /// Everything that is excluded.
    pub excluded: AddressSet,
    /// Exclusions that were written as one address: those get a mark in `status.ipv4.allocated`.
    pub exclude_marks: BTreeSet<Ipv4Addr>,
    /// What single cards are promised.
    pub reservations: BTreeMap<MacAddr, Reservation>,
    /// What clients are told.
    pub options: PoolOptions,
}

/// What becomes of a DHCP server on the network that is not ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForeignServerPolicy {
    /// The operator is told, and clients are answered all the same.
    #[default]
    Warn,
    /// Nobody is answered while there is one, before the first lease of the pool has been acknowledged.
    StandDown,
}

impl ForeignServerPolicy {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Warn, Self::StandDown];

    /// How it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "Warn",
            Self::StandDown => "StandDown",
        }
    }
}

/// What a pool tells its clients, beside mask, router and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// Name servers (option 6).
    pub dns: Vec<Ipv4Addr>,
    /// Domain (option 15).
    pub domain_name: Option<String>,
    /// Domains to search (option 119).
    pub domain_search: Vec<String>,
    /// Time servers (option 42).
    pub ntp: Vec<NtpServer>,
    /// Lease in seconds for a client that asks for none (option 51).
    pub lease_time: u32,
    /// Shortest and longest lease in seconds for a client that does; both are `lease_time` where none may be asked.
    pub lease_bounds: (u32, u32),
    /// Whether clients are told the name of their VM (option 12), where they are told no other.
    pub vm_hostnames: bool,
    /// Interface MTU in bytes (option 26).
    pub mtu: Option<u16>,
    /// Static routes (options 121 and 249), without the default route.
    pub routes: Vec<(Ipv4Net, Ipv4Addr)>,
    /// Network boot.
    pub boot: Option<Boot>,
    /// Options by number, over those above.
    pub extra: Vec<DhcpOption>,
    /// What clients of one sort are told, over all above; of two that set one option the first counts.
    pub classes: Vec<Class>,
    /// Relay agents that are answered; empty means any that names the subnet.
    pub relays: Vec<Ipv4Net>,
}

/// A time server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NtpServer {
    /// By address.
    Address(Ipv4Addr),
    /// By name, to be resolved in the background.
    Name(String),
}

/// Where clients boot from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boot {
    /// Address of the boot server.
    pub next_server: Option<Ipv4Addr>,
    /// Boot file or URL.
    pub file: Option<String>,
    /// Exceptions, in order.
    pub rules: Vec<BootRule>,
}

/// What clients of one sort boot instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootRule {
    /// Which clients.
    pub clients: Criteria,
    /// Boot server, where it is another.
    pub next_server: Option<Ipv4Addr>,
    /// Boot file, where it is another.
    pub file: Option<String>,
}

/// What tells clients of one sort from others: all that is given has to hold, and nothing given means any client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Criteria {
    /// User class (option 77), whole.
    pub user_class: Option<String>,
    /// Architectures (option 93, RFC 4578), any of them; empty means any client.
    pub architectures: Vec<u16>,
    /// How the vendor class (option 60) begins.
    pub vendor_class: Option<String>,
    /// How the MAC begins.
    pub mac_prefix: Vec<u8>,
}

/// What clients of one sort are told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// What people call it.
    pub name: String,
    /// Which clients.
    pub clients: Criteria,
    /// Their options, over the pool's.
    pub options: Vec<DhcpOption>,
    /// Lease in seconds, if it is not the pool's.
    pub lease_time: Option<u32>,
}

/// What one card is promised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Its address; none means any.
    pub address: Option<Ipv4Addr>,
    /// Its host name (option 12).
    pub hostname: Option<String>,
    /// Its options, over the pool's.
    pub options: Vec<DhcpOption>,
}

/// The options of one card, as its VM or its claim declares them; or what is wrong with them. `field` is where they stand.
pub fn card_options(field: &str, declared: &[OptionValue]) -> Result<Vec<DhcpOption>, PoolErrors> {
    check::card_options(field, declared)
}

/// Whether a text can be a client's host name.
pub fn is_host_name(text: &str) -> bool {
    check::domain_name("", text).is_ok_and(|name| name == text)
}

impl Pool {
    /// The pool of a stored object, and what is wrong with its options: those items are left out.
    ///
    /// An error means that the pool cannot be served at all.
    pub fn from_stored(stored: &IPPool) -> Result<(Self, Vec<PoolError>), PoolErrors> {
        check::check(stored)
    }

    /// Whether a claim may declare this address: on the subnet, inside the ranges or reserved, not excluded, and
    /// neither the server's nor the router's.
    pub fn admits(&self, address: Ipv4Addr) -> bool {
        self.domain.contains(address) || self.reservations.values().any(|r| r.address == Some(address))
    }

    /// The longest lease in seconds that an agent grants under this pool.
    pub fn longest_lease(&self) -> u32 {
        let of_classes = self.options.classes.iter().filter_map(|class| class.lease_time);
        of_classes.fold(self.options.lease_time.max(self.options.lease_bounds.1), u32::max)
    }
}

impl TryFrom<&IPPool> for Pool {
    type Error = PoolErrors;

    fn try_from(stored: &IPPool) -> Result<Self, PoolErrors> {
        match check::check(stored)? {
            (pool, complaints) if complaints.is_empty() => Ok(pool),
            (_, complaints) => Err(PoolErrors(complaints)),
        }
    }
}
