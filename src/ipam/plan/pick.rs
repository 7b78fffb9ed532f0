//! Which address a card gets that would take any.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use crate::ipam::AddressSet;
use crate::mac::MacAddr;

use super::Planner;
use crate::ipam::Change;

impl Planner<'_> {
    /// Gives cards back what they had: what their claim remembers, else what retires under their MAC, the latest first.
    ///
    /// For all of them before anybody gets a new address, which might be one of these.
    pub(super) fn give_back(&mut self) {
        let holders = self.holders;
        let mut had: BTreeMap<MacAddr, Vec<Ipv4Addr>> = BTreeMap::new();
        let mut retiring: Vec<_> = self.allocations.retiring.iter().collect();
        retiring.sort_by_key(|(address, entry)| (std::cmp::Reverse(entry.since), **address));
        for (&address, entry) in retiring {
            had.entry(entry.mac).or_default().push(address);
        }
        for holder in holders.in_order.iter().filter(|holder| holder.demand().is_none()) {
            let mac = holder.mac;
            if self.current(mac).is_some() {
                continue;
            }
            let candidates = holder.remembered().into_iter().chain(had.remove(&mac).unwrap_or_default());
            if let Some(address) =
                candidates.into_iter().find(|&address| self.obstacle(mac, address).is_none())
            {
                self.change(Change::Allocate { address, mac });
            }
        }
    }

    /// Gives an address to every card that still has none and would take any, as long as there are some.
    pub(super) fn pick(&mut self) {
        let holders = self.holders;
        let mut free = self.free();
        for holder in holders.in_order.iter().filter(|holder| holder.demand().is_none()) {
            let mac = holder.mac;
            if self.current(mac).is_none()
                && let Some(address) = free.take(mac)
            {
                self.change(Change::Allocate { address, mac });
            }
        }
        self.move_away(&mut free);
    }

    /// Addresses that anybody could get and of which the pool says nothing.
    pub(super) fn unknown(&self) -> AddressSet {
        let mut unknown = self.pool.domain.clone();
        let taken = self.allocations.held.keys().chain(self.allocations.retiring.keys()).copied();
        let taken = taken.chain(self.allocations.quarantined.keys().copied());
        for address in taken.chain(self.holders.declared()).chain(self.unreadable.iter().copied()) {
            unknown.remove(address, address);
        }
        unknown
    }

    fn free(&self) -> Free {
        let unknown = self.unknown();
        let never_used = if self.is_recovering() {
            let mut released = AddressSet::new();
            for &address in self.evidence.reuse.iter().filter(|&&address| unknown.contains(address)) {
                released.insert(address, address);
            }
            released
        } else {
            unknown
        };
        let mut reusable: Vec<_> =
            self.open_retiring().filter(|&(address, entry)| self.is_reusable(address, entry)).collect();
        reusable.sort_by_key(|(address, entry)| (entry.since, *address));
        let reusable = reusable.into_iter().map(|(address, _)| address).collect();
        Free { hashed: Hashed::new(&self.pool.domain), never_used, reusable }
    }
}

/// What may be picked.
pub(super) struct Free {
    hashed: Hashed,
    /// Addresses that nobody can be using.
    never_used: AddressSet,
    /// Addresses that somebody used, the longest ago first.
    reusable: VecDeque<Ipv4Addr>,
}

impl Free {
    /// An address for that MAC, which nobody else gets from now on: the one that its hash says or the next free one;
    /// when none is left, the one that has been out of use for longest.
    pub(super) fn take(&mut self, mac: MacAddr) -> Option<Ipv4Addr> {
        let free = self.hashed.address(mac).and_then(|start| self.never_used.next_from(start));
        if let Some(address) = free {
            self.never_used.remove(address, address);
            return Some(address);
        }
        self.reusable.pop_front()
    }
}

/// The addresses of a pool by index, in the logarithm of its gaps.
struct Hashed {
    /// Index and value of the first address of each interval.
    intervals: Vec<(u64, u32)>,
    len: u64,
}

impl Hashed {
    fn new(domain: &AddressSet) -> Self {
        let mut len = 0;
        let intervals = domain.intervals().map(|(first, last)| {
            let (first, last) = (u32::from(first), u32::from(last));
            let index = len;
            len += u64::from(last - first) + 1;
            (index, first)
        });
        Self { intervals: intervals.collect(), len }
    }

    /// The address that a MAC gets if it is free. None only where there is no address at all.
    ///
    /// This is stable: a VM that is deleted and made again would otherwise come back with another address after an
    /// upgrade. So neither the hash nor the way from it to the address may change.
    fn address(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        let index = fnv1a(&mac.octets()).checked_rem(self.len)?;
        let at = self.intervals.partition_point(|&(first, _)| first <= index);
        let &(first_index, first) = self.intervals.get(at.checked_sub(1)?)?;
        Some(Ipv4Addr::from(first + u32::try_from(index - first_index).ok()?))
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv). Its low bits tell MACs apart that differ only in the last byte.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a() {
        // Test vectors of draft-eastlake-fnv.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn an_index_finds_the_same_address_as_counting_does() {
        let mut domain = AddressSet::new();
        domain.insert([10, 0, 0, 3].into(), [10, 0, 0, 9].into());
        domain.insert([10, 0, 0, 11].into(), [10, 0, 0, 11].into());
        domain.insert([10, 0, 0, 20].into(), [10, 0, 0, 40].into());
        let hashed = Hashed::new(&domain);
        for last in 0..=u8::MAX {
            let octets = [2, 0, 0, 0, 0, last];
            let expected = domain.nth(fnv1a(&octets) % domain.len());
            assert_eq!(hashed.address(MacAddr::new(octets).unwrap()), expected);
        }
    }

    #[test]
    fn neighbouring_macs_get_different_addresses() {
        let mut domain = AddressSet::new();
        domain.insert([10, 0, 0, 0].into(), [10, 0, 0, 255].into());
        let hashed = Hashed::new(&domain);
        let macs = (0..=u8::MAX).map(|last| MacAddr::new([2, 0, 0, 0, 0, last]).unwrap());
        let addresses: std::collections::BTreeSet<_> = macs.map(|mac| hashed.address(mac)).collect();
        assert_eq!(addresses.len(), 256);
    }
}
