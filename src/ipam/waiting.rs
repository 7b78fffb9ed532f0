//! Why a card has no address, in words that its owner can act on.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Owner;
use crate::api::{REUSE_ALL, REUSE_ANNOTATION, format_time};
use crate::mac::MacAddr;

/// Why a claim has no address, or not the one that it declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Waiting {
    /// No address is left, not even a retiring one.
    #[error(
        "the pool has no address left: widen its ranges, or delete claims or exclusions that are no longer needed"
    )]
    Exhausted,
    /// Only retiring addresses are left (for a declared address: it is the one that retires); the next one may be
    /// re-used at the time given, or nobody can say yet.
    #[error("{}", retiring_message(*.retiring, *.until))]
    AddressRetiring {
        /// How many retire.
        retiring: usize,
        /// When the first of them may go to another MAC.
        until: Option<Timestamp>,
    },
    /// Only addresses are left (for a declared address: it is one) that somebody uses who does not have them.
    #[error("{}", in_use_message(*.quarantined, *.until))]
    AddressInUse {
        /// How many of them there are.
        quarantined: usize,
        /// When the first of them is tried again, if nobody finds it in use any more.
        until: Timestamp,
    },
    /// The pool has lost allocations, and guests of which nobody knows may use the addresses that look free.
    #[error("{}", recovering_message(*.until))]
    PoolRecovering {
        /// When it is over, if that is known.
        until: Option<Timestamp>,
    },
    /// Another claim of this network has the MAC.
    #[error(
        "VirtualMachineNetworkConfig {}/{} has this MAC on the same network: give one of the two cards another MAC",
        .owner.namespace, .owner.name
    )]
    DuplicateMac {
        /// Whose.
        owner: Owner,
    },
    /// The declared address belongs to another MAC.
    #[error("{address} belongs to {by}: declare another address, or delete what has it")]
    AddressTaken {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        by: MacAddr,
    },
    /// The declared address is reserved for another MAC, or declared by an older claim, that does not have it yet.
    #[error(
        "{address} is promised to {by}, by a reservation of the pool or by an older claim: declare another address"
    )]
    AddressDeclared {
        /// The address.
        address: Ipv4Addr,
        /// For whom.
        by: MacAddr,
    },
    /// The declared address is outside the pool, excluded, or the server's or the router's.
    #[error(
        "{address} is not one that the pool gives out (outside its ranges, excluded, the server's or the router's): \
         declare another address, or change the pool"
    )]
    AddressNotInPool {
        /// The address.
        address: Ipv4Addr,
    },
    /// The pool's status has an entry for the declared address that names no card, so nobody knows who has it.
    #[error(
        "the pool's status has an unreadable entry for {address}, so it may be in use: correct or remove the entry"
    )]
    AddressUnreadable {
        /// The address.
        address: Ipv4Addr,
    },
    /// The pool reserves another address for the MAC than its claim declares; the reservation counts.
    #[error("the pool reserves {reserved} for this MAC, not {address}: make claim and reservation the same")]
    ReservationDiffers {
        /// The address that the claim declares.
        address: Ipv4Addr,
        /// The one that the pool reserves.
        reserved: Ipv4Addr,
    },
    /// The pool is paused: whoever has an address keeps it, and nobody gets one.
    #[error("the pool is paused: resume it (spec.paused: false)")]
    PoolPaused,
}

impl Waiting {
    /// The reason as one CamelCase word.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Exhausted => "PoolExhausted",
            Self::AddressRetiring { .. } => "AddressRetiring",
            Self::AddressInUse { .. } => "AddressInUse",
            Self::PoolRecovering { .. } => "PoolRecovering",
            Self::DuplicateMac { .. } => "DuplicateMAC",
            Self::AddressTaken { .. } => "AddressTaken",
            Self::AddressDeclared { .. } => "AddressDeclared",
            Self::AddressNotInPool { .. } => "AddressNotInPool",
            Self::AddressUnreadable { .. } => "AddressUnreadable",
            Self::ReservationDiffers { .. } => "ReservationDiffers",
            Self::PoolPaused => "PoolPaused",
        }
    }

    /// When it may be over although nothing has changed, where that is known.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::AddressRetiring { until, .. } | Self::PoolRecovering { until } => *until,
            Self::AddressInUse { until, .. } => Some(*until),
            _ => None,
        }
    }
}

fn retiring_message(retiring: usize, until: Option<Timestamp>) -> String {
    let what = match retiring {
        1 => "the only address that could be given is retiring: a guest that had it may still use it"
            .to_owned(),
        _ => format!(
            "all {retiring} addresses that could be given are retiring: guests that had them may still use them"
        ),
    };
    let until = match until {
        Some(until) => format!("the next is free at {}", format_time(until)),
        None => "nobody can say yet until when".to_owned(),
    };
    format!("{what}, {until}; if you know better, name it in the pool's annotation {REUSE_ANNOTATION}")
}

fn in_use_message(quarantined: usize, until: Timestamp) -> String {
    let what = match quarantined {
        1 => "the only address that could be given is in use by a device that does not have it".to_owned(),
        _ => format!(
            "all {quarantined} addresses that could be given are in use by devices that do not have them"
        ),
    };
    format!(
        "{what} (the pool's condition AddressConflict says by which); find the device, and it is tried again at {}, or \
         as soon as the pool's annotation {REUSE_ANNOTATION} names it",
        format_time(until)
    )
}

fn recovering_message(until: Option<Timestamp>) -> String {
    let until = match until {
        Some(until) => format!("until {}", format_time(until)),
        None => {
            "until all agents have reported what they served and the longest lease has run out".to_owned()
        }
    };
    format!(
        "the pool has lost allocations and gives no address that an unknown guest may use, {until}; if no such guest \
         runs, set the pool's annotation {REUSE_ANNOTATION} to \"{REUSE_ALL}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_claim_learns_until_when_and_what_else_it_can_do() {
        let until = Timestamp::from_second(3600).ok();
        let one = Waiting::AddressRetiring { retiring: 1, until }.to_string();
        assert!(one.contains("is retiring") && one.contains("1970-01-01T01:00:00Z"), "{one}");
        assert!(one.contains(REUSE_ANNOTATION), "{one}");
        let many = Waiting::AddressRetiring { retiring: 7, until: None }.to_string();
        assert!(many.contains("all 7 addresses") && many.contains("nobody can say yet"), "{many}");
    }
}
