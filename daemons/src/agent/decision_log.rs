//! The last decisions of an agent, one after the other, for whoever watches.
//!
//! The packet thread writes them into a ring without waiting for anybody; a reader that is too slow learns how many it
//! has missed.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use vmdhcp_core::MacAddr;

use super::reason::{Reason, Verdict};
use super::seqlock::SeqLock;
use super::sightings::{card_of, key_of};
use super::state::Now;

/// How many decisions are remembered.
const REMEMBERED: usize = 2048;

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    /// When, in milliseconds of [`Now::monotonic`].
    pub(crate) at: u64,
    /// The card that it is about; none if it does not say.
    pub(crate) card: Option<MacAddr>,
    /// The card that the frame came from; none if no card can have that address.
    pub(crate) source: Option<MacAddr>,
    pub(crate) verdict: Verdict,
    /// The address that was granted, else the one that was asked for.
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) relay: Option<Ipv4Addr>,
}

impl Decided {
    /// Whether it is about this card, or came from it.
    pub(crate) fn concerns(&self, card: MacAddr) -> bool {
        self.card == Some(card) || self.source == Some(card)
    }

    fn words(self, number: u64) -> [u64; 6] {
        let of = |address: Option<Ipv4Addr>| u64::from(address.map_or(0, u32::from));
        let addresses = of(self.address) << 32 | of(self.relay);
        let key = |card: Option<MacAddr>| card.map_or(0, key_of);
        [number, self.at, key(self.card), key(self.source), self.verdict.pack(), addresses]
    }

    fn read([_, at, card, source, verdict, addresses]: [u64; 6]) -> Option<Self> {
        let address = |word: u64| {
            u32::try_from(word & u64::from(u32::MAX)).ok().filter(|bits| *bits != 0).map(Ipv4Addr::from)
        };
        Some(Self {
            at,
            card: card_of(card),
            source: card_of(source),
            verdict: Verdict::unpack(verdict)?,
            address: address(addresses >> 32),
            relay: address(addresses),
        })
    }

    /// The same in words. `now` and `clock` are one moment.
    pub(crate) fn text(&self, now: Now, clock: Timestamp) -> DecisionText {
        let ago = i64::try_from(now.monotonic.saturating_sub(self.at)).unwrap_or(i64::MAX);
        let time = clock.checked_sub(SignedDuration::from_millis(ago)).unwrap_or(clock);
        let Self { card, source, verdict, address, relay, .. } = self;
        let mac = |mac: &MacAddr| mac.to_string();
        DecisionText {
            mac_address: card.as_ref().map(mac),
            source_mac_address: source.as_ref().filter(|source| card.as_ref() != Some(*source)).map(mac),
            relay: *relay,
            address: *address,
            ..verdict.text(format!("{time:.3}"))
        }
    }
}

impl Verdict {
    /// The same in words, of a packet that came at `time`.
    pub(crate) fn text(self, time: String) -> DecisionText {
        let Self { kind, reason } = self;
        let answer = match reason {
            Reason::Decided(why) => why.answer(),
            Reason::Malformed(_) | Reason::Frame(_) => None,
        };
        DecisionText {
            time,
            message: kind.map(|kind| kind.to_string()),
            answer: answer.map(|kind| kind.to_string()),
            reason: reason.as_str().to_owned(),
            text: reason.to_string(),
            ..DecisionText::default()
        }
    }
}

/// What became of one packet, in words. What does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DecisionText {
    /// When (RFC 3339).
    pub time: String,
    /// The card that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// The card that the frame came from, where that is another one: a router's, a relay agent's, or somebody who
    /// pretends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_mac_address: Option<String>,
    /// The relay agent that it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<Ipv4Addr>,
    /// Type of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Type of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The address that was granted, else the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The reason as one word, as metrics have it.
    pub reason: String,
    /// The reason as a sentence.
    pub text: String,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct DecisionLog {
    places: Box<[SeqLock<6>]>,
    /// How many were written.
    written: AtomicU64,
}

impl DecisionLog {
    pub(crate) fn new() -> Self {
        let places = std::iter::repeat_with(SeqLock::default).take(REMEMBERED).collect();
        Self { places, written: AtomicU64::new(0) }
    }

    /// Writes one more. Only one thread may call this.
    pub(crate) fn write(&self, decided: Decided) {
        let number = self.written.load(Ordering::Relaxed);
        if let Some(place) = self.place(number) {
            place.write(decided.words(number));
        }
        self.written.store(number + 1, Ordering::Release);
    }

    fn place(&self, number: u64) -> Option<&SeqLock<6>> {
        self.places.get(usize::try_from(number).unwrap_or(0) % REMEMBERED)
    }

    /// A reader of what is written from now on.
    pub(crate) fn follow(&self) -> Position {
        Position(self.written.load(Ordering::Acquire))
    }

    /// A reader of what is remembered, and of what is written from now on.
    pub(crate) fn remembered(&self) -> Position {
        Position(oldest(self.written.load(Ordering::Acquire)))
    }

    /// What was written since `position`, which moves on, and how many of them were overwritten before they could be
    /// read.
    pub(crate) fn read(&self, position: &mut Position) -> (Vec<Decided>, u64) {
        let written = self.written.load(Ordering::Acquire);
        let oldest = oldest(written);
        let (mut read, mut missed) = (Vec::new(), oldest.saturating_sub(position.0));
        for number in position.0.max(oldest)..written {
            let words = self.place(number).and_then(SeqLock::read).filter(|[found, ..]| *found == number);
            match words.and_then(Decided::read) {
                Some(decided) => read.push(decided),
                None => missed += 1,
            }
        }
        position.0 = written;
        (read, missed)
    }

    /// The last ones about a card or from it, the latest first.
    pub(crate) fn of_card(&self, card: MacAddr) -> Vec<Decided> {
        let (mut all, _) = self.read(&mut self.remembered());
        all.retain(|decided| decided.concerns(card));
        all.reverse();
        all
    }
}

/// How far somebody has read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position(u64);

/// The oldest that is remembered of so many.
const fn oldest(written: u64) -> u64 {
    written.saturating_sub(REMEMBERED as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmdhcp_core::dhcp::{Malformed, MessageType, Why};

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    fn decided(at: u64) -> Decided {
        Decided {
            at,
            card: Some(mac(10)),
            source: Some(mac(10)),
            verdict: Verdict::decided(MessageType::Request, Why::Bound),
            address: Some(Ipv4Addr::new(192, 168, 48, 82)),
            relay: None,
        }
    }

    fn times(read: &[Decided]) -> Vec<u64> {
        read.iter().map(|decided| decided.at).collect()
    }

    #[test]
    fn a_reader_gets_what_is_written_from_then_on_once_and_in_order() {
        let log = DecisionLog::new();
        (0..5).for_each(|at| log.write(decided(at)));
        let (mut new, mut all) = (log.follow(), log.remembered());
        assert_eq!(log.read(&mut new), (vec![], 0));
        log.write(decided(5));
        assert_eq!(log.read(&mut new), (vec![decided(5)], 0));
        assert_eq!(log.read(&mut new), (vec![], 0));
        assert_eq!(times(&log.read(&mut all).0), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_reader_that_is_too_slow_goes_on_with_the_oldest_and_learns_what_it_missed() {
        let log = DecisionLog::new();
        let mut slow = log.follow();
        let written = REMEMBERED as u64 + 30;
        (0..written).for_each(|at| log.write(decided(at)));
        let (read, missed) = log.read(&mut slow);
        assert_eq!((read.len(), read[0].at, missed), (REMEMBERED, 30, 30));
        assert_eq!(log.read(&mut log.remembered()).1, 0, "what was before it began it has not missed");
    }

    #[test]
    fn a_reader_beside_the_writer_sees_no_half_decision_and_all_are_accounted_for() {
        let log = DecisionLog::new();
        let (mut position, mut seen, mut missed) = (log.follow(), 0, 0);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..300_000).for_each(|at| log.write(decided(at))));
            let mut last = None;
            loop {
                let done = writer.is_finished();
                let (read, skipped) = log.read(&mut position);
                for one in &read {
                    assert_eq!(*one, decided(one.at));
                    assert!(last.is_none_or(|last| last < one.at));
                    last = Some(one.at);
                }
                seen += read.len() as u64;
                missed += skipped;
                if done {
                    break;
                }
            }
        });
        assert_eq!(seen + missed, 300_000);
    }

    #[test]
    fn a_decision_is_told_in_words_with_its_time_and_a_forged_source() {
        let (now, clock) = (Now { monotonic: 5_250, seconds: 0 }, "2026-08-01T10:00:05Z".parse().unwrap());
        let text = decided(5_000).text(now, clock);
        assert_eq!(
            serde_json::to_value(&text).unwrap(),
            serde_json::json!({
                "time": "2026-08-01T10:00:04.750Z", "macAddress": "02:00:00:00:00:0a",
                "message": "DHCPREQUEST", "answer": "DHCPACK", "address": "192.168.48.82",
                "reason": "bound", "text": "the client took its lease"
            })
        );
        let malformed = Decided {
            source: Some(mac(66)),
            verdict: Verdict::malformed(Malformed::NoMessageType),
            address: None,
            relay: Some(Ipv4Addr::new(192, 168, 48, 250)),
            ..decided(0)
        };
        let log = DecisionLog::new();
        log.write(malformed);
        assert_eq!(log.of_card(mac(66)), [malformed]);
        assert_eq!(log.of_card(mac(67)), []);
        let text = malformed.text(now, clock);
        assert_eq!(text.source_mac_address.as_deref(), Some("02:00:00:00:00:42"));
        assert_eq!((text.answer, text.reason.as_str()), (None, "no_message_type"));
    }
}
