//! Sets of IPv4 addresses as disjoint intervals of integers: a /8 costs as much as one address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A set of addresses. Memory follows the number of gaps, never the number of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// First address of an interval to its last; intervals neither overlap nor touch.
    intervals: BTreeMap<u32, u32>,
    /// How many addresses there are; kept, so that asking is free.
    len: u64,
}

impl AddressSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `first` to `last`, both included; nothing if they are the wrong way round.
    pub fn insert(&mut self, first: Ipv4Addr, last: Ipv4Addr) {
        let (mut first, mut last) = (u32::from(first), u32::from(last));
        if first > last {
            return;
        }
        // Whatever overlaps or touches from the left on is swallowed.
        if let Some((&start, &end)) = self.intervals.range(..=first).next_back()
            && u64::from(end) + 1 >= u64::from(first)
        {
            first = start;
        }
        while let Some((&start, &end)) = self.intervals.range(first..).next() {
            if u64::from(start) > u64::from(last) + 1 {
                break;
            }
            last = last.max(end);
            self.intervals.remove(&start);
            self.len -= size(start, end);
        }
        self.intervals.insert(first, last);
        self.len += size(first, last);
    }

    /// Takes `first` to `last` out, both included.
    pub fn remove(&mut self, first: Ipv4Addr, last: Ipv4Addr) {
        let (first, last) = (u32::from(first), u32::from(last));
        if first > last {
            return;
        }
        let left = self.intervals.range(..first).next_back().map(|(&start, &end)| (start, end));
        if let Some((start, end)) = left
            && end >= first
        {
            self.intervals.insert(start, first - 1);
            self.len -= size(first, end);
            if end > last {
                self.intervals.insert(last + 1, end);
                self.len += size(last + 1, end);
                return;
            }
        }
        while let Some((&start, &end)) = self.intervals.range(first..=last).next() {
            self.intervals.remove(&start);
            self.len -= size(start, end);
            if end > last {
                self.intervals.insert(last + 1, end);
                self.len += size(last + 1, end);
            }
        }
    }

    /// Whether the address is in the set.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        self.intervals.range(..=address).next_back().is_some_and(|(_, &end)| end >= address)
    }

    /// How many addresses there are.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The intervals, first and last address each, in order.
    pub fn intervals(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.intervals.iter().map(|(&first, &last)| (Ipv4Addr::from(first), Ipv4Addr::from(last)))
    }

    /// The `index`-th address in order, counted from zero.
    pub fn nth(&self, index: u64) -> Option<Ipv4Addr> {
        let mut skip = index;
        for (&first, &last) in &self.intervals {
            let here = size(first, last);
            if skip < here {
                return u32::try_from(skip).ok().map(|skip| Ipv4Addr::from(first + skip));
            }
            skip -= here;
        }
        None
    }

    /// The first address of the set that is not below `address`; after the highest it goes on with the lowest.
    pub fn next_from(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.contains(address) {
            return Some(address);
        }
        let above = self.intervals.range(u32::from(address)..).next();
        above.or_else(|| self.intervals.iter().next()).map(|(&first, _)| Ipv4Addr::from(first))
    }
}

/// Addresses from `first` to `last`, both included.
fn size(first: u32, last: u32) -> u64 {
    u64::from(last) - u64::from(first) + 1
}
