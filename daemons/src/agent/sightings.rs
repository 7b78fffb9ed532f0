//! A bounded memory of who was seen, written from the packet path without lock or allocation.

use vmdhcp_core::MacAddr;

use super::seqlock::SeqLock;

/// Places that one key may take.
const WAYS: usize = 8;

/// The last of many keys that were seen, and a detail of each. One thread writes, any may read.
///
/// A new key takes the place that was not used for the longest time among the eight that it may take, so a flood of
/// made-up keys costs nothing but older entries.
#[derive(Debug)]
pub(crate) struct Sightings {
    places: Box<[Place]>,
}

/// A key that was seen. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) key: u64,
    pub(crate) detail: u64,
    pub(crate) first_seen: u64,
    pub(crate) last_seen: u64,
    pub(crate) count: u64,
}

/// One that was never written has a count of zero.
#[derive(Debug, Default)]
struct Place(SeqLock<5>);

impl Place {
    fn write(&self, sighting: Sighting) {
        let Sighting { key, detail, first_seen, last_seen, count } = sighting;
        self.0.write([key, detail, first_seen, last_seen, count]);
    }

    /// None while it is empty, or if it is written again and again just now.
    fn read(&self) -> Option<Sighting> {
        let [key, detail, first_seen, last_seen, count] = self.0.read()?;
        (count > 0).then_some(Sighting { key, detail, first_seen, last_seen, count })
    }
}

impl Sightings {
    /// Room for `keys`, rounded up to a multiple of eight.
    pub(crate) fn new(keys: usize) -> Self {
        let places = keys.div_ceil(WAYS).max(1) * WAYS;
        Self { places: std::iter::repeat_with(Place::default).take(places).collect() }
    }

    /// Notes that `key` was seen at `now`, in seconds since 1970. Only one thread may call this.
    pub(crate) fn note(&self, key: u64, detail: u64, now: u64) {
        let (sets, _) = self.places.as_chunks::<WAYS>();
        let Some(set) = usize::try_from(spread(key)).ok().and_then(|hash| sets.get(hash % sets.len())) else {
            return;
        };
        let mut oldest: Option<(&Place, u64)> = None;
        for place in set {
            let seen = place.read();
            if let Some(seen) = seen
                && seen.key == key
            {
                place.write(Sighting { detail, last_seen: now, count: seen.count + 1, ..seen });
                return;
            }
            let age = seen.map_or(0, |seen| seen.last_seen);
            if oldest.is_none_or(|(_, oldest)| age < oldest) {
                oldest = Some((place, age));
            }
        }
        if let Some((place, _)) = oldest {
            place.write(Sighting { key, detail, first_seen: now, last_seen: now, count: 1 });
        }
    }

    /// Everything that is remembered, the latest first.
    pub(crate) fn read(&self) -> Vec<Sighting> {
        let mut all: Vec<_> = self.places.iter().filter_map(Place::read).collect();
        all.sort_by_key(|sighting| (std::cmp::Reverse(sighting.last_seen), sighting.key));
        all
    }
}

/// A card as a key.
pub(crate) fn key_of(mac: MacAddr) -> u64 {
    mac.octets().iter().fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// The card of such a key.
pub(crate) fn card_of(key: u64) -> Option<MacAddr> {
    MacAddr::new(*key.to_be_bytes().last_chunk()?).ok()
}

/// Spreads keys that differ in a few bits only over all sets (the finaliser of SplitMix64), to 32 bits.
const fn spread(key: u64) -> u64 {
    let mut mixed = key;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_seen_again_keeps_its_first_time_and_is_counted() {
        let seen = Sightings::new(16);
        seen.note(7, 1, 100);
        seen.note(8, 0, 150);
        seen.note(7, 2, 200);
        assert_eq!(
            seen.read(),
            [
                Sighting { key: 7, detail: 2, first_seen: 100, last_seen: 200, count: 2 },
                Sighting { key: 8, detail: 0, first_seen: 150, last_seen: 150, count: 1 },
            ]
        );
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_pushes_out_the_oldest() {
        let seen = Sightings::new(1024);
        for key in 0..100_000 {
            seen.note(key, 0, key);
        }
        let kept = seen.read();
        assert_eq!(kept.len(), 1024);
        assert!(kept.iter().all(|sighting| sighting.key > 90_000), "{:?}", kept.last());
    }
}
