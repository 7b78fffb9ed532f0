//! What can be wrong with a pool: one variant a rule, each naming the field, the value and what to do.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::mac::{MacAddr, MacError};
use crate::network::NetworkNameError;

/// All that is wrong with a pool, in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PoolErrors(pub Vec<PoolError>);

impl fmt::Display for PoolErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// A field of an IPPool, for instance `spec.ipv4Config.dns[1]`.
pub type Field = String;

/// One thing that is wrong with a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// `networkName` names no network.
    #[error("spec.networkName: {0}")]
    NetworkName(NetworkNameError),
    /// There is no `ipv4Config`.
    #[error("spec.ipv4Config: is missing; a pool needs at least its cidr, for instance 192.168.48.0/24")]
    NoIpv4Config,
    /// A field that the manager or the webhook fills in is empty.
    #[error("{field}: is not set, and has not been given its default yet; set it, or wait for the manager")]
    NotDefaulted {
        /// Which one.
        field: Field,
    },
    /// `cidr` is no IPv4 prefix.
    #[error(
        "spec.ipv4Config.cidr: {value:?} is not an IPv4 subnet; write ADDRESS/LENGTH, for instance 192.168.48.0/24"
    )]
    Cidr {
        /// As written.
        value: String,
    },
    /// `cidr` has no room for a server and a client.
    #[error("spec.ipv4Config.cidr: {cidr} has no room for a server and a client; the longest prefix is /30")]
    CidrTooSmall {
        /// The subnet.
        cidr: Ipv4Net,
    },
    /// `cidr` lies where no host can be.
    #[error(
        "spec.ipv4Config.cidr: {cidr} is not unicast address space that hosts can use; choose another subnet"
    )]
    CidrNotUnicast {
        /// The subnet.
        cidr: Ipv4Net,
    },
    /// A text that has to be an IPv4 address is none.
    #[error("{field}: {value:?} is not an IPv4 address; write four numbers, for instance 192.168.48.10")]
    Address {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// An address is not on the subnet.
    #[error("{field}: {address} is outside the subnet {cidr}; choose an address inside it")]
    OutsideSubnet {
        /// Where.
        field: Field,
        /// The address.
        address: Ipv4Addr,
        /// The subnet.
        cidr: Ipv4Net,
    },
    /// An address is the network's or the broadcast address.
    #[error("{field}: {address} is the {which} address of {cidr}; no host can have it")]
    NotAHost {
        /// Where.
        field: Field,
        /// The address.
        address: Ipv4Addr,
        /// `network` or `broadcast`.
        which: &'static str,
        /// The subnet.
        cidr: Ipv4Net,
    },
    /// Server and router are one address.
    #[error(
        "spec.ipv4Config.serverIP: {address} is the router's address too; give the DHCP server one of its own"
    )]
    ServerIsRouter {
        /// The address.
        address: Ipv4Addr,
    },
    /// The server's address is excluded.
    #[error(
        "spec.ipv4Config.serverIP: {address} is excluded by spec.ipv4Config.pool.exclude; the server's address is never given out, so take it out of the list"
    )]
    ServerExcluded {
        /// The address.
        address: Ipv4Addr,
    },
    /// A range ends before it starts.
    #[error("{field}: the range {start} to {end} ends before it starts; swap the two")]
    RangeReversed {
        /// Where.
        field: Field,
        /// First address.
        start: Ipv4Addr,
        /// Last address.
        end: Ipv4Addr,
    },
    /// Only one of `start` and `end` is there.
    #[error("spec.ipv4Config.pool: has a start but no end, or the other way round; set both or neither")]
    HalfARange,
    /// More items than a list may have.
    #[error("{field}: has {count} items; {most} is the most")]
    TooMany {
        /// Which list.
        field: Field,
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// An exclusion is none of the three forms.
    #[error("{field}: {value:?} is not an exclusion; write an address, FIRST-LAST or a subnet")]
    Exclude {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// A text that has to be a domain name is none.
    #[error(
        "{field}: {value:?} is not a domain name; write labels of letters, digits and '-', of 63 at most, divided by dots"
    )]
    DomainName {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// A time server is neither an address nor a host name.
    #[error("{field}: {value:?} is neither an IPv4 address nor a host name")]
    NtpServer {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// A number is out of its bounds.
    #[error("{field}: {value} is out of bounds; choose {lowest} to {highest}{unit}")]
    OutOfBounds {
        /// Where.
        field: Field,
        /// The number.
        value: i64,
        /// Lowest allowed.
        lowest: i64,
        /// Highest allowed.
        highest: i64,
        /// What is counted, with a blank before it.
        unit: &'static str,
    },
    /// `minLeaseTime <= leaseTime <= maxLeaseTime` does not hold.
    #[error(
        "spec.ipv4Config.leaseTime: {lease} s is not between minLeaseTime {shortest} s and maxLeaseTime {longest} s; order the three"
    )]
    LeaseTimes {
        /// Default lease.
        lease: u32,
        /// Shortest.
        shortest: u32,
        /// Longest.
        longest: u32,
    },
    /// A reservation's MAC is none.
    #[error("{field}: {error}")]
    Mac {
        /// Where.
        field: Field,
        /// Why.
        error: MacError,
    },
    /// Two reservations are of one MAC.
    #[error("{field}: {mac} has a reservation already; keep one")]
    DuplicateMac {
        /// Where.
        field: Field,
        /// The MAC.
        mac: MacAddr,
    },
    /// Two reservations are of one address.
    #[error("{field}: {address} is reserved for {by} already; choose another")]
    DuplicateAddress {
        /// Where.
        field: Field,
        /// The address.
        address: Ipv4Addr,
        /// For whom.
        by: MacAddr,
    },
    /// A reserved address is the server's or the router's, or excluded.
    #[error("{field}: {address} cannot be reserved for a VM: {why}")]
    ReservedElsewhere {
        /// Where.
        field: Field,
        /// The address.
        address: Ipv4Addr,
        /// What it is.
        why: &'static str,
    },
    /// A class has no name, or that of another.
    #[error("{field}: {name:?} is not a name of this class alone; give each class a name of its own")]
    ClassName {
        /// Where.
        field: Field,
        /// As written.
        name: String,
    },
    /// A class says nothing of its clients.
    #[error(
        "{field}: names no clients; set vendorClass, userClass, architectures or macPrefix, or put its options into spec.ipv4Config.options"
    )]
    ClassOfAll {
        /// Where.
        field: Field,
    },
    /// A text that has to be the beginning of a MAC is none.
    #[error(
        "{field}: {value:?} is not how a MAC address begins; write one to six pairs of digits, like 52:54:00"
    )]
    MacPrefix {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// A relay agent is neither an address nor a subnet.
    #[error(
        "{field}: {value:?} is not where a relay agent can be; write its address, or the subnet that it is in"
    )]
    Relay {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// What becomes of other DHCP servers is said in words that are not known.
    #[error("spec.ipv4Config.foreignServerPolicy: {value:?} is not a policy; use Warn or StandDown")]
    ForeignServerPolicy {
        /// As written.
        value: String,
    },
    /// A route leads nowhere.
    #[error("{field}: {value:?} is not a route's destination; write ADDRESS/LENGTH, for instance 10.0.0.0/8")]
    RouteDestination {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// An option has neither a number nor a name, or both.
    #[error("{field}: names an option by code or by name; set exactly one of the two")]
    OptionUnnamed {
        /// Where.
        field: Field,
    },
    /// An option's name is not known.
    #[error("{field}.name: {name:?} is not an option that is known by name; use its code")]
    OptionName {
        /// Where.
        field: Field,
        /// As written.
        name: String,
    },
    /// An option that the server itself answers for.
    #[error("{field}: option {code} is set by the server itself and cannot be overridden; {instead}")]
    OptionForbidden {
        /// Where.
        field: Field,
        /// Its number.
        code: u8,
        /// What to use.
        instead: &'static str,
    },
    /// An option is set twice on one level.
    #[error("{field}: option {code} is set twice in this list; keep one")]
    OptionTwice {
        /// Where.
        field: Field,
        /// Its number.
        code: u8,
    },
    /// The type of an option's value is not known.
    #[error(
        "{field}.type: {value:?} is not a type of option; use ip, ips, text, u8, u16, u32, bool, domains, routes or hex"
    )]
    OptionType {
        /// Where.
        field: Field,
        /// As written.
        value: String,
    },
    /// An option's value is not of its type.
    #[error("{field}.value: {value:?} is not of type {type_}; {expected}")]
    OptionValue {
        /// Where.
        field: Field,
        /// As written.
        value: String,
        /// The type.
        type_: &'static str,
        /// What it looks like.
        expected: &'static str,
    },
    /// A boot file is too long for an option.
    #[error("{field}: has {length} bytes; a boot file has 255 at most")]
    BootFile {
        /// Where.
        field: Field,
        /// How long it is.
        length: usize,
    },
}

impl PoolError {
    /// The field that is wrong, as a path of the object: the text before the first colon of the message.
    pub fn field(&self) -> String {
        let text = self.to_string();
        text.split_once(": ").map_or(text.clone(), |(field, _)| field.to_owned())
    }

    /// What is wrong, and what to do: the text after the field.
    pub fn sentence(&self) -> String {
        let text = self.to_string();
        text.split_once(": ").map_or(text.clone(), |(_, sentence)| sentence.to_owned())
    }

    /// The sentence without the positions of items in their lists, so that it is the same wherever the item stands.
    pub fn without_positions(&self) -> String {
        let text = self.to_string();
        let Some((field, sentence)) = text.split_once(": ") else { return text };
        let path: String = field
            .split('[')
            .map(|part| part.trim_start_matches(|c| c == ']' || char::is_numeric(c)))
            .collect();
        format!("{path}: {sentence}")
    }
}
