//! What clients do: when each was last seen, offered, bound, renewed and refused, and who asks without having a lease.
//!
//! The packet path notes it in atomics; everything else reads. A record belongs to a card, and lives as long as the
//! card has a lease, over all tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use jiff::Timestamp;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{LeaseTable, Why};

use super::limits::{NewWays, OwnMeters};
use super::reason::{PACKED_BITS, Reason, Verdict};

/// Verdicts that a record keeps.
const VERDICTS: usize = 8;
/// Bits of seconds that a verdict is kept with; the rest follows from the time of the next one.
const SECONDS_BITS: u32 = u64::BITS - PACKED_BITS;
/// Half of what those can count, twelve days: verdicts that far apart cannot be told in their order.
const REACH: u32 = 1 << (SECONDS_BITS - 1);

/// What one card did. Times are seconds since 1970; zero means never.
#[derive(Debug, Default)]
pub(crate) struct ClientRecord {
    last_seen: AtomicU32,
    offered: AtomicU32,
    bound: AtomicU32,
    renewed: AtomicU32,
    refused: AtomicU32,
    declined: AtomicU32,
    released: AtomicU32,
    /// When the lease that it was last granted runs out.
    expires: AtomicU64,
    /// How many messages there were, those that were dropped not counted.
    messages: AtomicU32,
    /// How many were dropped, and when the last of them was noted.
    dropped: AtomicU32,
    dropped_at: AtomicU32,
    /// The last ones: a verdict, and above it the seconds.
    verdicts: [AtomicU64; VERDICTS],
    /// How much more it may send.
    pub(crate) meters: OwnMeters,
    /// It had no lease in the first table that the API gave this agent.
    is_new: bool,
    /// An acknowledgement was followed by anything but a DHCPDECLINE.
    kept: AtomicBool,
    /// How much more others may send for it that have not done so lately.
    pub(crate) new_ways: NewWays,
}

/// How long a client may take to decline what it was granted: it probes the address first (RFC 5227 section 2.1.1).
const DECLINES_WITHIN: u32 = 10;

/// A copy of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientHistory {
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) offered: Option<Timestamp>,
    pub(crate) bound: Option<Timestamp>,
    pub(crate) renewed: Option<Timestamp>,
    pub(crate) refused: Option<Timestamp>,
    pub(crate) declined: Option<Timestamp>,
    pub(crate) released: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) messages: u32,
    pub(crate) dropped: u32,
    /// The last ones, the latest first.
    pub(crate) verdicts: Vec<(Timestamp, Verdict)>,
}

impl ClientRecord {
    /// Notes at `now` what became of a message of this card, and for how many seconds it was granted a lease. Only one
    /// thread may call this.
    pub(crate) fn note(&self, verdict: Verdict, lease_time: Option<u32>, now: u64) {
        let seconds = u32::try_from(now).unwrap_or(u32::MAX);
        let why = match verdict.reason {
            Reason::Decided(why) => Some(why),
            Reason::Malformed(_) | Reason::Frame(_) => None,
        };
        if matches!(why, Some(Why::Bound | Why::Confirmed | Why::Extended)) && !self.has_declined_all() {
            self.kept.store(true, Ordering::Relaxed);
        }
        let event = match why {
            Some(Why::Offered) => Some(&self.offered),
            Some(Why::Bound | Why::Confirmed) => Some(&self.bound),
            Some(Why::Extended) => Some(&self.renewed),
            Some(Why::NotItsAddress { .. } | Why::WrongNetwork { .. } | Why::Lost { .. }) => {
                Some(&self.refused)
            }
            Some(Why::Declined { .. }) => Some(&self.declined),
            Some(Why::Released { .. }) => Some(&self.released),
            _ => None,
        };
        if let Some(event) = event {
            event.store(seconds, Ordering::Relaxed);
        }
        if let (Some(Why::Bound | Why::Confirmed | Why::Extended), Some(lease_time)) = (why, lease_time) {
            self.expires.store(now.saturating_add(lease_time.into()), Ordering::Relaxed);
        }
        if self.last_seen.load(Ordering::Relaxed).abs_diff(seconds) >= REACH {
            self.verdicts.iter().for_each(|verdict| verdict.store(0, Ordering::Relaxed));
        }
        let messages = self.messages.load(Ordering::Relaxed);
        let place = usize::try_from(messages).unwrap_or(0) % VERDICTS;
        if let Some(place) = self.verdicts.get(place) {
            place.store(u64::from(seconds) << PACKED_BITS | verdict.pack(), Ordering::Relaxed);
        }
        self.messages.store(messages.wrapping_add(1), Ordering::Relaxed);
        self.last_seen.store(seconds, Ordering::Relaxed);
    }

    /// Notes at `now` that a message of this type was dropped because there were too many. Of many in a second the first
    /// one shows among the verdicts. Only one thread may call this.
    pub(crate) fn note_dropped(&self, verdict: Verdict, now: u64) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        self.dropped.store(dropped.saturating_add(1), Ordering::Relaxed);
        let seconds = u32::try_from(now).unwrap_or(u32::MAX);
        if self.dropped_at.load(Ordering::Relaxed) != seconds {
            self.dropped_at.store(seconds, Ordering::Relaxed);
            self.note(verdict, None, now);
        }
    }

    /// Whether no guest has used the lease: the card got its first one since this agent started, and whatever it was
    /// granted it has declined at once.
    pub(crate) fn is_unused(&self) -> bool {
        self.is_new && !self.kept.load(Ordering::Relaxed) && self.has_declined_all()
    }

    /// Whether the last acknowledgement, if there was one, has been declined.
    fn has_declined_all(&self) -> bool {
        let bound = self.bound.load(Ordering::Relaxed);
        let declined = self.declined.load(Ordering::Relaxed);
        let at_once = declined >= bound && declined - bound <= DECLINES_WITHIN;
        self.renewed.load(Ordering::Relaxed) == 0 && (bound == 0 || at_once)
    }

    /// What it did so far.
    pub(crate) fn read(&self) -> ClientHistory {
        let time = |seconds: &AtomicU32| timestamp(seconds.load(Ordering::Relaxed).into());
        ClientHistory {
            last_seen: time(&self.last_seen),
            offered: time(&self.offered),
            bound: time(&self.bound),
            renewed: time(&self.renewed),
            refused: time(&self.refused),
            declined: time(&self.declined),
            released: time(&self.released),
            expires: timestamp(self.expires.load(Ordering::Relaxed)),
            messages: self.messages.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            verdicts: self.verdicts(),
        }
    }

    fn verdicts(&self) -> Vec<(Timestamp, Verdict)> {
        let next = usize::try_from(self.messages.load(Ordering::Relaxed)).unwrap_or(0) % VERDICTS;
        let (later, earlier) = self.verdicts.split_at(next);
        let newest_first = later.iter().rev().chain(earlier.iter().rev());
        let mut after = i64::from(self.last_seen.load(Ordering::Relaxed));
        newest_first
            .filter_map(|place| {
                let packed = place.load(Ordering::Relaxed);
                let verdict = Verdict::unpack(packed & ((1 << PACKED_BITS) - 1))?;
                let kept = i64::try_from(packed >> PACKED_BITS).ok()?;
                let before = (after - kept).rem_euclid(2 * i64::from(REACH));
                // By a clock that was put back it may be later than the next one.
                after -= if before >= REACH.into() { before - 2 * i64::from(REACH) } else { before };
                Some((Timestamp::from_second(after).ok()?, verdict))
            })
            .collect()
    }
}

/// The time of that many seconds since 1970; none for zero, which means never.
pub(crate) fn timestamp(seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Timestamp::from_second(seconds).ok()
}

/// The records of all cards with a lease.
#[derive(Debug, Default)]
pub(crate) struct Records {
    by_mac: HashMap<MacAddr, Arc<ClientRecord>>,
    /// There was a table that came from the API.
    has_begun: bool,
}

impl Records {
    /// The records of a table's leases, in their order: known ones as they are, new ones empty. Records of cards
    /// that have no lease any more are forgotten. What cards of a table did that is `from_snapshot`, and of the first
    /// that is not, nobody here knows.
    pub(crate) fn follow(&mut self, table: &LeaseTable, from_snapshot: bool) -> Box<[Arc<ClientRecord>]> {
        let mut followed = HashMap::with_capacity(table.len());
        let in_order = table
            .iter()
            .map(|(_, mac, _)| {
                let is_new = self.has_begun;
                let new = || Arc::new(ClientRecord { is_new, ..ClientRecord::default() });
                let known = || self.by_mac.remove(&mac).unwrap_or_else(new);
                Arc::clone(followed.entry(mac).or_insert_with(known))
            })
            .collect();
        self.by_mac = followed;
        self.has_begun |= !from_snapshot;
        in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use vmdhcp_core::dhcp::{Malformed, MessageType};

    const REQUEST: MessageType = MessageType::Request;

    #[test]
    fn a_lease_is_unused_until_a_guest_keeps_what_it_was_granted() {
        let new = || ClientRecord { is_new: true, ..ClientRecord::default() };
        let bound =
            |record: &ClientRecord, at| record.note(Verdict::decided(REQUEST, Why::Bound), Some(300), at);
        let declined = Why::Declined { address: Ipv4Addr::LOCALHOST };
        let declines = |record: &ClientRecord, at| {
            record.note(Verdict::decided(MessageType::Decline, declined), None, at);
        };
        let record = new();
        assert!(record.is_unused());
        assert!(!ClientRecord::default().is_unused(), "nobody knows what its card did before");
        bound(&record, 1_000);
        assert!(!record.is_unused());
        declines(&record, 1_003);
        assert!(record.is_unused());
        // It is granted the same again, and finds the same again.
        bound(&record, 1_020);
        declines(&record, 1_024);
        assert!(record.is_unused());
        // A decline that comes late, as it would be forged, takes nothing back; nor does one after a second grant.
        bound(&record, 1_100);
        declines(&record, 1_111);
        assert!(!record.is_unused());
        bound(&record, 2_000);
        declines(&record, 2_001);
        assert!(!record.is_unused());
        let renewed = new();
        bound(&renewed, 1_000);
        renewed.note(Verdict::decided(REQUEST, Why::Extended), Some(300), 1_150);
        declines(&renewed, 1_151);
        assert!(!renewed.is_unused());
    }

    #[test]
    fn each_event_is_noted_with_its_time_and_the_last_verdicts_stay() {
        let record = ClientRecord::default();
        assert_eq!(record.read(), ClientHistory::default());
        let offered = Verdict::decided(MessageType::Discover, Why::Offered);
        let bound = Verdict::decided(REQUEST, Why::Bound);
        let wrong = Verdict::decided(REQUEST, Why::NotItsAddress { asked: Ipv4Addr::new(10, 0, 0, 9) });
        record.note(offered, Some(300), 1_000);
        record.note(bound, Some(300), 1_001);
        record.note(wrong, None, 1_500);
        let history = record.read();
        assert_eq!(history.offered, timestamp(1_000));
        assert_eq!(history.bound, timestamp(1_001));
        assert_eq!(history.expires, timestamp(1_301));
        assert_eq!((history.refused, history.last_seen), (timestamp(1_500), timestamp(1_500)));
        assert_eq!(history.renewed, None);
        let verdicts = [(1_500, wrong), (1_001, bound), (1_000, offered)];
        assert_eq!(history.verdicts, verdicts.map(|(at, verdict)| (timestamp(at).unwrap(), verdict)));
    }

    #[test]
    fn the_last_eight_verdicts_have_their_times_over_weeks_and_over_a_clock_that_is_put_back() {
        let record = ClientRecord::default();
        let now = 1_800_000_000;
        let times =
            [0, 1, 900_000, 1_900_000, 2_800_000, 2_799_000, 2_799_001, 3_700_000, 3_700_060, 3_700_120];
        for at in times {
            record.note(Verdict::malformed(Malformed::NoMessageType), None, now + at);
        }
        let read: Vec<_> =
            record.read().verdicts.iter().map(|(at, _)| at.as_second() - 1_800_000_000).collect();
        let eight = [3_700_120, 3_700_060, 3_700_000, 2_799_001, 2_799_000, 2_800_000, 1_900_000, 900_000];
        assert_eq!((read, record.read().messages), (eight.to_vec(), 10));
        // What the kept bits cannot tell any more is forgotten.
        record.note(Verdict::malformed(Malformed::NoMessageType), None, now + 3_700_120 + u64::from(REACH));
        assert_eq!(record.read().verdicts.len(), 1);
    }

    #[test]
    fn what_was_dropped_is_counted_and_shows_once_a_second() {
        let record = ClientRecord::default();
        let dropped = Verdict::decided(REQUEST, Why::RateLimited);
        record.note(Verdict::decided(REQUEST, Why::Extended), Some(300), 1_000);
        for n in 0..3_000 {
            record.note_dropped(dropped, 1_000 + n / 1_000);
        }
        let history = record.read();
        assert_eq!((history.dropped, history.messages), (3_000, 4));
        let at: Vec<_> = history.verdicts.iter().map(|(at, _)| at.as_second()).collect();
        assert_eq!(at, [1_002, 1_001, 1_000, 1_000]);
    }
}
