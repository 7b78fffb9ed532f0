//! What a change can be refused for, beyond what is wrong with a pool as such ([`crate::pool::PoolError`]): one variant
//! a rule, each a sentence for the field that it is about.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::mac::{MacAddr, MacError};
use crate::network::{NetworkName, NetworkNameError};
use crate::pool::PoolRef;

/// Why an IPPool must not be stored, or not go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolChangeError {
    /// Another text stands in `networkName`.
    #[error("cannot change; delete the pool and create one on the other network")]
    NetworkNameChanged,
    /// Another text stands in `cidr`.
    #[error("cannot change from {from}; delete the pool and create one with the other subnet")]
    CidrChanged {
        /// What stood there.
        from: String,
    },
    /// The network has a pool.
    #[error(
        "the network {network} has the pool {pool} already, and one network has one pool; change that one instead"
    )]
    NetworkTaken {
        /// The network, as written.
        network: String,
        /// Its pool.
        pool: PoolRef,
    },
    /// A live allocation would be cut off.
    #[error("{address} is in use by {holder}; release it first, or leave it in the pool")]
    CutsOff {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: MacAddr,
    },
    /// As [`Self::CutsOff`], of addresses that are not named.
    #[error("and {count} more addresses are in use")]
    CutsOffMore {
        /// How many.
        count: usize,
    },
    /// Claims use the pool that is to be deleted.
    #[error("in use by {users}; delete these VirtualMachineNetworkConfigs (or their VMs) first")]
    InUse {
        /// Some of them, and how many more there are.
        users: String,
    },
}

/// Why a VirtualMachineNetworkConfig must not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Another text stands in `vmName`.
    #[error("cannot change; create a VirtualMachineNetworkConfig for the other VM")]
    VmNameChanged,
    /// `vmName` is empty.
    #[error("is empty; name the VM")]
    VmNameEmpty,
    /// Both spellings of the list are there, and differ.
    #[error("differs from spec.networkConfigs, of which it is an old spelling; keep only networkConfigs")]
    SpellingsDiffer,
    /// More cards than a VM can have.
    #[error("has {count} items; {most} is the most")]
    TooManyCards {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A card names no network.
    #[error(transparent)]
    NetworkName(#[from] NetworkNameError),
    /// A card's MAC is none.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// A card's address is none.
    #[error("{value:?} is not an IPv4 address")]
    Address {
        /// As written.
        value: String,
    },
    /// An option of a card is wrong.
    #[error("{0}")]
    Option(String),
    /// Two cards have one MAC on one network.
    #[error("{mac} is on {network} already, as item {first}; give each card a MAC of its own")]
    MacTwice {
        /// The MAC.
        mac: MacAddr,
        /// The network.
        network: NetworkName,
        /// Where it is first.
        first: usize,
    },
    /// Two cards ask for one address of a network.
    #[error("{address} is asked for by item {first} already; give each card an address of its own")]
    AddressTwice {
        /// The address.
        address: Ipv4Addr,
        /// Where it is first.
        first: usize,
    },
    /// Another card has the address.
    #[error("{address} is in use by {holder}; choose another address")]
    AddressInUse {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: MacAddr,
    },
    /// The address is reserved for another card.
    #[error("{address} is reserved for {owner}; choose another address")]
    AddressReserved {
        /// The address.
        address: Ipv4Addr,
        /// For whom.
        owner: MacAddr,
    },
    /// The address is not on the pool's subnet.
    #[error("{address} is outside {cidr}, the subnet of pool {pool}; choose an address inside it")]
    OutsideSubnet {
        /// The address.
        address: Ipv4Addr,
        /// The subnet.
        cidr: Ipv4Net,
        /// The pool.
        pool: PoolRef,
    },
    /// The address is that of the DHCP server.
    #[error("{address} is the DHCP server's address; choose another")]
    ServersAddress {
        /// The address.
        address: Ipv4Addr,
    },
    /// The address is that of the router.
    #[error("{address} is the router's address; choose another")]
    RoutersAddress {
        /// The address.
        address: Ipv4Addr,
    },
    /// The pool excludes the address.
    #[error("{address} is excluded by pool {pool}; choose another address")]
    Excluded {
        /// The address.
        address: Ipv4Addr,
        /// The pool.
        pool: PoolRef,
    },
    /// The address is in none of the pool's ranges.
    #[error(
        "{address} is outside the ranges of pool {pool}; choose an address inside them, or reserve it in the pool"
    )]
    OutsideRanges {
        /// The address.
        address: Ipv4Addr,
        /// The pool.
        pool: PoolRef,
    },
}
