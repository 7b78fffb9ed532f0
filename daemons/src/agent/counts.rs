//! Counters for the packet path: no lock, no allocation, and no label known in advance.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vmdhcp_core::dhcp::{MessageType, Why};

use super::reason::{DECISIONS as REASONS, number_of, of_number};

/// Counts by a few fixed words. A place is taken by the first event of its kind, so what never happened is not shown.
///
/// When all `N` places are taken, further kinds are counted together, under empty words.
#[derive(Debug)]
pub(crate) struct Counts<const WORDS: usize, const N: usize> {
    places: [Place<WORDS>; N],
    others: AtomicU64,
}

#[derive(Debug)]
struct Place<const WORDS: usize> {
    words: OnceLock<[&'static str; WORDS]>,
    count: AtomicU64,
}

impl<const WORDS: usize, const N: usize> Default for Counts<WORDS, N> {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| Place { words: OnceLock::new(), count: AtomicU64::new(0) }),
            others: AtomicU64::new(0),
        }
    }
}

impl<const WORDS: usize, const N: usize> Counts<WORDS, N> {
    /// Counts one event.
    pub(crate) fn add(&self, words: [&'static str; WORDS]) {
        let mine = self.places.iter().find(|place| *place.words.get_or_init(|| words) == words);
        mine.map_or(&self.others, |place| &place.count).fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ([&'static str; WORDS], u64)> {
        let known = self
            .places
            .iter()
            .filter_map(|place| Some((*place.words.get()?, place.count.load(Ordering::Relaxed))));
        let others = self.others.load(Ordering::Relaxed);
        known.chain((others > 0).then_some(([""; WORDS], others)))
    }
}

/// Messages of clients, by type and decision.
#[derive(Debug)]
pub(crate) struct Messages([[AtomicU64; REASONS]; KINDS]);

/// Types of messages by their number; zero are those that were not read so far.
const KINDS: usize = 9;

impl Default for Messages {
    fn default() -> Self {
        Self([const { [const { AtomicU64::new(0) }; REASONS] }; KINDS])
    }
}

impl Messages {
    /// Counts one message; the type is missing where it was dropped unread.
    pub(crate) fn add(&self, kind: Option<MessageType>, why: Why) {
        let kind = kind.map_or(0, |kind| usize::from(kind as u8));
        if let Some(count) = self.0.get(kind).and_then(|counts| counts.get(number_of(why))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Type, answer and reason of what was counted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        (0..).zip(&self.0).flat_map(|(kind, counts)| {
            let kind = MessageType::from_number(kind).map_or("unread", MessageType::as_str);
            counts.iter().enumerate().filter_map(move |(number, count)| {
                let count = Some(count.load(Ordering::Relaxed)).filter(|count| *count > 0)?;
                let why = of_number(number)?;
                let answer = why.answer().map_or("silent", MessageType::as_str);
                Some(([kind, answer, why.as_str()], count))
            })
        })
    }

    /// How many there were with this reason, of all types.
    pub(crate) fn with(&self, why: Why) -> u64 {
        let number = number_of(why);
        self.0.iter().filter_map(|counts| counts.get(number)).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// Upper ends of the histogram's buckets, in microseconds; a last one takes the rest.
const BUCKETS: [u32; 12] = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 20_000, 100_000];

/// How long things take, in buckets that suit answers of a local server.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    /// In nanoseconds.
    sum: AtomicU64,
}

impl Durations {
    /// Counts `times` events that took `elapsed` each.
    pub(crate) fn add(&self, elapsed: Duration, times: u64) {
        let microseconds = elapsed.as_micros();
        let bucket = BUCKETS.iter().position(|end| microseconds <= u128::from(*end)).unwrap_or(BUCKETS.len());
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(times, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanoseconds.saturating_mul(times), Ordering::Relaxed);
    }

    /// All durations together.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum.load(Ordering::Relaxed))
    }

    /// Upper end in seconds and count of every bucket; the last one has no end.
    pub(crate) fn buckets(&self) -> Vec<(f64, u64)> {
        let ends = BUCKETS.iter().map(|end| f64::from(*end) / 1e6).chain([f64::MAX]);
        ends.zip(self.buckets.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_event_has_its_own_count_and_those_without_a_place_share_one() {
        let counts: Counts<2, 2> = Counts::default();
        for words in [["discover", "offer"], ["request", "ack"], ["discover", "offer"], ["inform", "ack"]] {
            counts.add(words);
        }
        let all: Vec<_> = counts.iter().collect();
        assert_eq!(all, [(["discover", "offer"], 2), (["request", "ack"], 1), (["", ""], 1)]);
    }

    #[test]
    fn messages_are_counted_by_type_and_reason_and_what_never_came_is_not_shown() {
        let messages = Messages::default();
        messages.add(Some(MessageType::Discover), Why::Offered);
        messages.add(Some(MessageType::Discover), Why::Offered);
        messages.add(Some(MessageType::Inform), Why::RateLimited);
        messages.add(None, Why::UnknownRateLimited);
        let all: Vec<_> = messages.iter().collect();
        assert_eq!(
            all,
            [
                (["unread", "silent", "unknown_rate_limited"], 1),
                (["discover", "offer", "offered"], 2),
                (["inform", "silent", "rate_limited"], 1),
            ]
        );
        assert_eq!((messages.with(Why::Offered), messages.with(Why::Bound)), (2, 0));
    }

    #[test]
    fn durations_fall_into_the_bucket_whose_end_they_do_not_pass() {
        let durations = Durations::default();
        durations.add(Duration::from_micros(20), 2);
        durations.add(Duration::from_micros(21), 1);
        durations.add(Duration::from_secs(3), 1);
        let buckets = durations.buckets();
        assert_eq!((buckets[2].1, buckets[3].1, buckets[12].1), (2, 1, 1));
        assert_eq!(durations.sum(), Duration::from_micros(3_000_061));
    }
}
