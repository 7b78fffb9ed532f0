//! Addresses that somebody uses who does not have them, and which are therefore given to nobody for some time.
//!
//! Agents find them, and what an agent says may be a lie: so they are few ([`most`]), an address that a guest uses is
//! never taken from it for that (`plan/conflict.rs`), and what the API says of them goes by itself when nothing
//! is reported any more. An entry that cannot be read is dropped: if it matters, agents report it again.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::allocations::{after, stored_not_before};
use crate::api::{QuarantinedAddress, format_time, parse_time};
use crate::mac::MacAddr;
use crate::pool::Pool;

/// How many seconds an address stays out of use after it was last found to be used.
pub(super) const PROBATION: u32 = 3600;
/// For how many seconds a card that was given another address is given no third one for the same reason. An entry
/// lasts at least as long, so that the pool remembers it.
pub(super) const BETWEEN_MOVES: SignedDuration = SignedDuration::from_secs(PROBATION as i64);
/// One address in so many of a pool may be out of use.
const SHARE: u64 = 20;
/// And no more than these, whatever the size of the pool.
const MOST: usize = 256;

/// An address that somebody uses who does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantine {
    /// Who answers for it.
    pub by: MacAddr,
    /// Since when it is given to nobody.
    pub since: Timestamp,
    /// Until when, if nobody finds it in use any more.
    pub until: Timestamp,
    /// The card that was given another address then.
    pub moved: Option<MacAddr>,
}

impl Quarantine {
    pub(super) fn read(stored: &QuarantinedAddress) -> Option<Self> {
        let QuarantinedAddress { mac_address, since, until, moved } = stored;
        Some(Self {
            by: mac_address.parse().ok()?,
            since: parse_time(since)?,
            until: parse_time(until)?,
            moved: moved.parse().ok(),
        })
    }

    pub(super) fn write(&self) -> QuarantinedAddress {
        QuarantinedAddress {
            mac_address: self.by.to_string(),
            since: format_time(self.since),
            until: format_time(self.until),
            moved: self.moved.map(|mac| mac.to_string()).unwrap_or_default(),
        }
    }
}

/// The entry of an address that is found to be used by that card now. A card that was moved away counts from now on.
pub(super) fn entered(
    former: Option<Quarantine>,
    by: MacAddr,
    moved: Option<MacAddr>,
    now: Timestamp,
) -> Quarantine {
    let (now, until) = (stored_not_before(now), stored_not_before(after(now, PROBATION)));
    match (former, moved) {
        (Some(former), None) => Quarantine { by, until, ..former },
        (_, moved) => Quarantine { by, since: now, until, moved },
    }
}

/// How many addresses of that pool may be out of use at a time: one in twenty, and one in any case.
pub fn most(pool: &Pool) -> usize {
    usize::try_from(pool.domain.len().div_ceil(SHARE)).unwrap_or(MOST).min(MOST)
}

/// What agents say of an address that somebody uses who does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Who answers for it.
    pub by: MacAddr,
    /// Every agent of the pool says that no guest has used the address since its card has it.
    pub unused: bool,
}

/// Conflicts by address.
pub type Conflicts = std::collections::BTreeMap<Ipv4Addr, Conflict>;
