//! How many messages are looked at, so that no guest can keep the others from their answers. Bounded memory, no lock,
//! no allocation, no system call.
//!
//! A meter fills by one with each message and empties by a hundred a second; at two hundred it is full, and what comes
//! then is dropped. That is far more than any client sends (one that begins anew in a loop sends a few a second, one
//! of a load generator a dozen), and far less than would cost the others anything.
//!
//! - A card that has a lease and speaks for itself has a meter for every type of message in its own record: nothing
//!   that another card sends can fill it or push it out.
//! - What others send for it, relay agents above all, is metered by who sent the frame, the card, the type, and what
//!   the relay agent says of where the card is. A guest that floods with a victim's `chaddr` fills a meter of its own.
//!   Whoever invents such ways one after the other fills a meter that all new ones of the card share; those that were
//!   there before go on by their own.
//! - Cards without a lease are metered by who sent the frame, and all together: they get nothing anyway, but for
//!   options. This is decided before the message is read.
//!
//! A guest that forges a victim's source MAC as well cannot be told from the victim. The hundred answers a second then
//! go to both; the switch has to see to that nobody can.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::MessageType;

use super::state::Now;

/// Milliseconds in which a meter empties by one message.
const SPACING: u32 = 10;
/// The same of the meter that ways without one share.
const NEW_SPACING: u32 = SPACING / 2;
/// Messages that fill a meter.
const BURST: u32 = 200;
/// Messages a second of all cards without a lease together.
const UNKNOWN_A_SECOND: u64 = 2_000;
/// Messages a second that are metered together because there is no room for meters of their own.
const CROWDED_A_SECOND: u64 = 2_000;
/// Dropped messages a second that are shown one by one; all are counted.
const SHOWN_DROPS_A_SECOND: u64 = 10;
/// Echo requests count as messages.
const ECHO: u8 = 0xff;
/// Messages of cards without a lease count together, whatever their type.
const UNKNOWN: u8 = 0xfe;

/// Full milliseconds of a meter.
const FULL: u32 = BURST * SPACING;
/// Meters that one way may take.
const WAYS: usize = 8;
/// Room for meters of ways that are not a card's own: so many groups of eight. A meter is in use only for as long as
/// it takes to empty.
const GROUPS: usize = 2048;

/// When a meter is empty again, in wrapping milliseconds of [`Now::monotonic`]; and after one more message that takes so
/// many of them, if that may pass.
fn after_one_more(empty_at: u32, spacing: u32, now: u32) -> Option<u32> {
    let level = level(empty_at, now);
    (level + spacing <= FULL).then(|| now.wrapping_add(level + spacing))
}

/// Lets one more message pass, if it may. Only one thread may call this.
fn admit(meter: &AtomicU32, spacing: u32, now: u32) -> bool {
    let next = after_one_more(meter.load(Ordering::Relaxed), spacing, now);
    if let Some(next) = next {
        meter.store(next, Ordering::Relaxed);
    }
    next.is_some()
}

/// How full a meter is, in milliseconds. What looks fuller than it can be has long been empty.
const fn level(empty_at: u32, now: u32) -> u32 {
    let ahead = empty_at.wrapping_sub(now);
    if ahead > FULL { 0 } else { ahead }
}

const fn milliseconds(now: Now) -> u32 {
    // It wraps after seven weeks, and all reckoning with it does.
    (now.monotonic & 0xffff_ffff) as u32
}

/// The meters of a card that speaks for itself: one for each type of message.
#[derive(Debug, Default)]
pub(crate) struct OwnMeters([AtomicU32; 6]);

impl OwnMeters {
    /// Whether one more message of this type may pass; none is a message that cannot be read. Only one thread may call
    /// this.
    pub(crate) fn admit(&self, kind: Option<MessageType>, now: Now) -> bool {
        let [unreadable, discover, request, decline, release, inform] = &self.0;
        let meter = match kind {
            Some(MessageType::Discover) => discover,
            Some(MessageType::Request) => request,
            Some(MessageType::Decline) => decline,
            Some(MessageType::Release) => release,
            Some(MessageType::Inform) => inform,
            Some(MessageType::Offer | MessageType::Ack | MessageType::Nak) | None => unreadable,
        };
        admit(meter, SPACING, milliseconds(now))
    }
}

/// The meter of what comes about a card by ways that have none yet, of all types together.
#[derive(Debug, Default)]
pub(crate) struct NewWays(AtomicU32);

impl NewWays {
    fn admit(&self, milliseconds: u32) -> bool {
        admit(&self.0, NEW_SPACING, milliseconds)
    }
}

/// A number of messages a second that many share, and twice as many at once.
#[derive(Debug)]
struct Budget {
    /// When it is whole again, in microseconds of [`Now::monotonic`].
    whole_at: AtomicU64,
    spacing: u64,
}

impl Budget {
    const fn new(a_second: u64) -> Self {
        Self { whole_at: AtomicU64::new(0), spacing: 1_000_000 / a_second }
    }

    fn admit(&self, now: Now) -> bool {
        let now = now.monotonic.saturating_mul(1_000);
        let next = self.whole_at.load(Ordering::Relaxed).max(now) + self.spacing;
        let admitted = next - now <= 2_000_000;
        if admitted {
            self.whole_at.store(next, Ordering::Relaxed);
        }
        admitted
    }
}

/// Meters side by side in one line of the cache: when it is empty again, and above that what it is the meter of.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Group([AtomicU64; WAYS]);

/// By which way a message about a card came that the card did not send itself.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct Way<'a> {
    /// Who sent the frame.
    pub(crate) source: MacAddr,
    /// The card that it is about.
    pub(crate) card: MacAddr,
    /// The type of message; none if it cannot be read.
    pub(crate) kind: Option<MessageType>,
    /// What the relay agent adds, to the end of option 82's first part: guests behind one relay agent are told apart
    /// by it.
    pub(crate) relay: Option<(std::net::Ipv4Addr, &'a [u8])>,
}

/// All limits of an agent that are not a card's own.
#[derive(Debug)]
pub(crate) struct Limits {
    groups: Box<[Group]>,
    /// Guests must not be able to tell which ways share a group.
    hasher: RandomState,
    crowded: Budget,
    unknown: Budget,
    shown_drops: Budget,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            groups: std::iter::repeat_with(Group::default).take(GROUPS).collect(),
            hasher: RandomState::new(),
            crowded: Budget::new(CROWDED_A_SECOND),
            unknown: Budget::new(UNKNOWN_A_SECOND),
            shown_drops: Budget::new(SHOWN_DROPS_A_SECOND),
        }
    }

    /// Whether one more message about a card that is known may pass, which others sent; `new` is the card's own, if it
    /// has a lease. Only one thread may call this and the following.
    pub(crate) fn admit(&self, way: &Way<'_>, new: Option<&NewWays>, now: Now) -> bool {
        let may_begin = || match new {
            Some(new) => new.admit(milliseconds(now)),
            None => self.crowded.admit(now),
        };
        self.admit_hash(self.hasher.hash_one(way), may_begin, now)
    }

    /// Whether one more message about a card that has no lease may pass, of whatever type.
    pub(crate) fn admit_unknown(&self, source: MacAddr, now: Now) -> bool {
        self.admit_hash(self.hasher.hash_one((source, UNKNOWN)), || true, now) && self.unknown.admit(now)
    }

    /// Whether one more ping may pass.
    pub(crate) fn admit_echo(&self, source: MacAddr, now: Now) -> bool {
        self.admit_hash(self.hasher.hash_one((source, ECHO)), || true, now)
    }

    /// Whether one more dropped message may be shown.
    pub(crate) fn admit_shown_drop(&self, now: Now) -> bool {
        self.shown_drops.admit(now)
    }

    /// `may_begin` decides about what has no meter so far.
    fn admit_hash(&self, hash: u64, may_begin: impl FnOnce() -> bool, now: Now) -> bool {
        let milliseconds = milliseconds(now);
        let (of, place) = (hash >> 32, usize::try_from(hash & 0xffff_ffff).unwrap_or(0));
        let Some(Group(meters)) = self.groups.get(place % GROUPS) else { return true };
        let mut longest_empty: Option<(&AtomicU64, u32)> = None;
        for meter in meters {
            let found = meter.load(Ordering::Relaxed);
            let empty_at = low(found);
            if found >> 32 == of {
                let next = after_one_more(empty_at, SPACING, milliseconds);
                if let Some(next) = next {
                    meter.store(of << 32 | u64::from(next), Ordering::Relaxed);
                }
                return next.is_some();
            }
            let empty_for = milliseconds.wrapping_sub(empty_at);
            if level(empty_at, milliseconds) == 0
                && longest_empty.is_none_or(|(_, longest)| longest < empty_for)
            {
                longest_empty = Some((meter, empty_for));
            }
        }
        if !may_begin() {
            return false;
        }
        match longest_empty {
            Some((meter, _)) => {
                let next = u64::from(milliseconds.wrapping_add(SPACING));
                meter.store(of << 32 | next, Ordering::Relaxed);
                true
            }
            // Meters in use are nobody's to take.
            None => self.crowded.admit(now),
        }
    }
}

const fn low(word: u64) -> u32 {
    (word & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(monotonic: u64) -> Now {
        Now { monotonic, seconds: 0 }
    }

    fn mac(number: u32) -> MacAddr {
        let [a, b, c, d] = number.to_be_bytes();
        MacAddr::new([2, 0, a, b, c, d]).unwrap()
    }

    fn way(source: u32, card: u32) -> Way<'static> {
        Way { source: mac(source), card: mac(card), kind: Some(MessageType::Discover), relay: None }
    }

    /// How many of so many messages pass that come in one second, evenly.
    fn passed(messages: u64, from: u64, mut admit: impl FnMut(Now) -> bool) -> u64 {
        (0..messages).map(|n| u64::from(admit(at(from + n * 1_000 / messages)))).sum()
    }

    #[test]
    fn a_card_of_its_own_gets_a_hundred_a_second_of_each_type_and_two_hundred_at_once() {
        for start in [0, 5, u64::from(u32::MAX) - 10_700] {
            let own = OwnMeters::default();
            assert!(own.admit(Some(MessageType::Discover), at(start)));
            let start = start + 10_000;
            let discover = |now| own.admit(Some(MessageType::Discover), now);
            assert_eq!(passed(100_000, start, discover), 200 + 99, "from {start}");
            assert_eq!(passed(100_000, start + 1_000, discover), 100);
            assert!(own.admit(Some(MessageType::Request), at(start + 2_000)));
            assert!(own.admit(None, at(start + 2_000)));
            // Whoever pauses is served at once again, and whoever does not is never muted.
            assert_eq!(passed(100_000, start + 60_000, discover), 200 + 99);
        }
    }

    #[test]
    fn a_client_that_sends_fifty_a_second_for_ever_never_notices() {
        let own = OwnMeters::default();
        assert!((0..100_000).all(|n| own.admit(Some(MessageType::Request), at(n * 20))));
    }

    #[test]
    fn a_flood_of_one_neighbour_fills_its_own_meter_and_not_that_of_another_way() {
        let (limits, new) = (Limits::new(), NewWays::default());
        assert_eq!(passed(100_000, 0, |now| limits.admit(&way(66, 1), Some(&new), now)), 200 + 99);
        assert!(limits.admit(&way(7, 1), Some(&new), at(1_000)), "the victim behind a router");
        assert!(
            limits.admit(&way(66, 2), Some(&NewWays::default()), at(1_000)),
            "another card behind the same router"
        );
    }

    #[test]
    fn guests_behind_one_relay_agent_are_told_apart_by_what_it_says_of_them() {
        let (limits, new) = (Limits::new(), NewWays::default());
        let relay = std::net::Ipv4Addr::new(192, 168, 48, 250);
        let behind = |port: &'static [u8]| Way { relay: Some((relay, port)), ..way(99, 1) };
        assert_eq!(
            passed(100_000, 0, |now| limits.admit(&behind(b"\x01\x04eth7"), Some(&new), now)),
            200 + 99
        );
        assert!(limits.admit(&behind(b"\x01\x04eth1"), Some(&new), at(1_000)));
    }

    #[test]
    fn cards_without_a_lease_have_a_budget_by_source_and_one_for_all() {
        let (limits, new) = (Limits::new(), NewWays::default());
        assert_eq!(passed(100_000, 0, |now| limits.admit_unknown(mac(66), now)), 200 + 99);
        assert!(limits.admit_unknown(mac(67), at(1_000)));
        // Forged sources by the hundred thousand share what is for all, and take nothing from cards with a lease.
        let mut source = 100;
        let forged = |now| {
            source += 1;
            limits.admit_unknown(mac(source), now)
        };
        assert!((4_000..=6_000).contains(&passed(200_000, 1_000, forged)));
        assert!(limits.admit(&way(7, 1), Some(&new), at(2_000)));
    }

    #[test]
    fn ways_that_are_made_up_for_one_card_share_a_meter_and_one_that_was_there_before_has_its_own() {
        let (limits, new) = (Limits::new(), NewWays::default());
        assert!(limits.admit(&way(7, 1), Some(&new), at(0)));
        let mut source = 1_000;
        let forged = |now| {
            source += 1;
            limits.admit(&way(source, 1), Some(&new), now)
        };
        assert_eq!(passed(200_000, 500, forged), 400 + 199);
        assert!(limits.admit(&way(7, 1), Some(&new), at(1_500)), "the victim behind a router");
        assert!(limits.admit(&way(66, 2), Some(&NewWays::default()), at(1_500)), "another card");
        // Cards that are known without a lease share what there is without a meter.
        let mut source = 300_000;
        let helper = |now| {
            source += 1;
            limits.admit(&way(source, 3), None, now)
        };
        assert!((4_000..=6_000).contains(&passed(200_000, 2_000, helper)));
    }

    #[test]
    fn a_flood_of_ways_does_not_take_a_meter_that_is_in_use() {
        let (limits, new) = (Limits::new(), NewWays::default());
        assert_eq!(passed(1_000, 0, |now| limits.admit(&way(66, 1), Some(&new), now)), 200 + 99);
        // More of them at once than there is room for.
        for source in 1_000..101_000 {
            let _ = limits.admit(&way(source, source), Some(&NewWays::default()), at(1_000));
        }
        assert!(limits.admit(&way(66, 1), Some(&new), at(1_000)), "what has emptied in the meantime");
        assert_eq!(passed(1_000, 1_000, |now| limits.admit(&way(66, 1), Some(&new), now)), 99);
        assert!(
            !limits.admit(&way(200_000, 2), Some(&NewWays::default()), at(1_000)),
            "those without room share a budget"
        );
        assert!(limits.admit(&way(200_000, 2), Some(&NewWays::default()), at(5_000)), "and it passes");
    }
}
