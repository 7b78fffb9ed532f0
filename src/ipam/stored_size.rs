//! How many bytes allocations take in the stored status, and what a change adds: an object has a size that the API does
//! not let it exceed.
//!
//! What retires with times of its own counts as if it had both already, so that no later step of it lacks room.

use std::net::Ipv4Addr;

use super::{Allocations, Change, Retiring};
use crate::api::{EXCLUDED, RESERVED};
use crate::pool::Pool;

/// Quotes, colon and comma around a key and a text.
const MARKS: usize = r#""":"","#.len();
/// A MAC as it is written.
const MAC: usize = "00:00:00:00:00:00".len();
/// Names of the fields, counts, and the two times that stand for themselves.
const FIELDS: usize = 512;

/// What the entry of a retiring address is longer with times of its own than without.
pub const TIMES: usize =
    r#"{"macAddress":,"since":"0000-00-00T00:00:00Z","withdrawn":"0000-00-00T00:00:00Z"}"#.len();

/// What it is longer for an address that an agent still serves.
const SERVED: usize = r#","served":true"#.len();

/// What it is longer for one that a VM had.
const OF_VM: usize = r#","ofVM":true"#.len();

/// The entry of a quarantined address but for the address.
const QUARANTINED: usize = r#"{"macAddress":"00:00:00:00:00:00","since":"0000-00-00T00:00:00Z","until":"0000-00-00T00:00:00Z","moved":"00:00:00:00:00:00"}"#.len() + MARKS;

/// Bytes of `"address":"MAC",`.
fn size_of_entry(address: Ipv4Addr) -> usize {
    text_size(address) + MAC + MARKS
}

/// Bytes of `"address",`.
fn size_of_mark(address: Ipv4Addr) -> usize {
    text_size(address) + 3
}

/// Characters of an address.
fn text_size(address: Ipv4Addr) -> usize {
    let digits = |octet: u8| match octet {
        0..10 => 1,
        10..100 => 2,
        100.. => 3,
    };
    address.octets().into_iter().map(digits).sum::<usize>() + 3
}

impl Allocations {
    /// Bytes that these allocations take in the status of that pool, at most.
    pub fn stored_size(&self, pool: &Pool) -> usize {
        let held = self.held.keys().map(|&address| size_of_entry(address)).sum::<usize>();
        let retiring = self.retiring.keys().map(|&address| self.size_of_retiring(address)).sum::<usize>();
        let quarantined =
            self.quarantined.keys().map(|&address| text_size(address) + QUARANTINED).sum::<usize>();
        let reserved = self.reserved.iter().map(|&address| size_of_mark(address)).sum::<usize>();
        let excluded = pool
            .exclude_marks
            .iter()
            .map(|&address| text_size(address) + EXCLUDED.len() + MARKS)
            .sum::<usize>();
        let marks = 2 * (MAC + RESERVED.len() + MARKS);
        let unreadable =
            self.unreadable.iter().map(|(key, value)| key.len() + value.len() + MARKS).sum::<usize>();
        let unreadable_retiring = self.unreadable_retiring.iter().map(|(address, entry)| {
            let withdrawn = entry.withdrawn.as_ref().map_or(0, String::len);
            address.len() + entry.mac_address.len() + entry.since.len() + withdrawn + MARKS + TIMES
        });
        FIELDS
            + held
            + retiring
            + quarantined
            + reserved
            + excluded
            + marks
            + unreadable
            + unreadable_retiring.sum::<usize>()
    }

    /// Bytes of the entry of an address that retires; none if it does not.
    fn size_of_retiring(&self, address: Ipv4Addr) -> usize {
        match self.retiring.contains_key(&address) {
            true if self.undated.contains(&address) => size_of_entry(address),
            true => size_of_entry(address) + TIMES + self.size_of_words(address),
            false => 0,
        }
    }

    /// Bytes of the words that an agent still serves it, and that a VM had it, where they are true.
    fn size_of_words(&self, address: Ipv4Addr) -> usize {
        let size = |entry: &Retiring| usize::from(entry.served) * SERVED + usize::from(entry.of_vm) * OF_VM;
        self.retiring.get(&address).map_or(0, size)
    }

    /// Bytes that a change adds here at most; below zero for what it takes away.
    pub fn growth(&self, change: &Change) -> isize {
        let (more, less) = match *change {
            Change::Allocate { address, .. } if self.held.contains_key(&address) => (0, 0),
            Change::Allocate { address, .. } => (size_of_entry(address), self.size_of_retiring(address)),
            Change::Retire { address, of_vm, .. } => {
                let held = if self.held.contains_key(&address) { size_of_entry(address) } else { 0 };
                let words = usize::from(of_vm) * OF_VM;
                (size_of_entry(address) + TIMES + words, held + self.size_of_retiring(address))
            }
            Change::Quarantine { address, .. } if !self.quarantined.contains_key(&address) => {
                (text_size(address) + QUARANTINED, 0)
            }
            Change::EndQuarantine { address } if self.quarantined.contains_key(&address) => {
                (0, text_size(address) + QUARANTINED)
            }
            Change::Keep { address, .. } if self.held.contains_key(&address) => (0, 0),
            Change::Keep { address, .. } => {
                (size_of_entry(address) + TIMES + SERVED, self.size_of_retiring(address))
            }
            Change::Withdraw { address } if self.undated.contains(&address) => (TIMES, 0),
            Change::Forget { address } => (0, self.size_of_retiring(address)),
            Change::Reserve { address, held: true } if !self.reserved.contains(&address) => {
                (size_of_mark(address), 0)
            }
            Change::Reserve { address, held: false } if self.reserved.contains(&address) => {
                (0, size_of_mark(address))
            }
            // What a pool tells of its recovery is among the fields.
            Change::Withdraw { .. }
            | Change::Quarantine { .. }
            | Change::EndQuarantine { .. }
            | Change::Recover { .. }
            | Change::WithdrawUnknown
            | Change::Recovered
            | Change::Reserve { .. }
            | Change::LongestLease { .. } => (0, 0),
        };
        more.cast_signed() - less.cast_signed()
    }
}
