//! What clients do: when each was last seen, offered, bound, renewed and refused, and who asks without having a lease.
//!
//! The packet path notes it in atomics; everything else reads. A record belongs to a card, and lives as long as the
//! card has a lease, over all tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{LeaseTable, MessageType, Why};

use super::reason;

/// What one card did. Times are seconds since 1970; zero means never.
#[derive(Debug, Default)]
pub(crate) struct ClientRecord {
    last_seen: AtomicU64,
    offered: AtomicU64,
    bound: AtomicU64,
    renewed: AtomicU64,
    refused: AtomicU64,
    declined: AtomicU64,
    released: AtomicU64,
    /// When the lease that it was last granted runs out.
    expires: AtomicU64,
    /// See [`reason::pack`].
    last_decision: AtomicU64,
    /// It had no lease in the first table that the API gave this agent.
    is_new: bool,
    /// An acknowledgement was followed by anything but a DHCPDECLINE.
    kept: AtomicBool,
}

/// How long a client may take to decline what it was granted: it probes the address first (RFC 5227 section 2.1.1).
const DECLINES_WITHIN: u64 = 10;

/// A copy of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClientHistory {
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) offered: Option<Timestamp>,
    pub(crate) bound: Option<Timestamp>,
    pub(crate) renewed: Option<Timestamp>,
    pub(crate) refused: Option<Timestamp>,
    pub(crate) declined: Option<Timestamp>,
    pub(crate) released: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) last_decision: Option<(MessageType, Why)>,
}

impl ClientRecord {
    /// Notes at `now` what became of a message of this card, and for how many seconds it was granted a lease.
    pub(crate) fn note(&self, kind: MessageType, why: Why, lease_time: Option<u32>, now: u64) {
        if matches!(why, Why::Bound | Why::Confirmed | Why::Extended) && !self.has_declined_all() {
            self.kept.store(true, Ordering::Relaxed);
        }
        let event = match why {
            Why::Offered => Some(&self.offered),
            Why::Bound | Why::Confirmed => Some(&self.bound),
            Why::Extended => Some(&self.renewed),
            Why::NotItsAddress { .. } | Why::WrongNetwork { .. } | Why::Lost { .. } => Some(&self.refused),
            Why::Declined { .. } => Some(&self.declined),
            Why::Released { .. } => Some(&self.released),
            _ => None,
        };
        if let Some(event) = event {
            event.store(now, Ordering::Relaxed);
        }
        if let (Why::Bound | Why::Confirmed | Why::Extended, Some(seconds)) = (why, lease_time) {
            self.expires.store(now.saturating_add(seconds.into()), Ordering::Relaxed);
        }
        self.last_seen.store(now, Ordering::Relaxed);
        self.last_decision.store(reason::pack(kind, why), Ordering::Relaxed);
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
        let time = |seconds: &AtomicU64| timestamp(seconds.load(Ordering::Relaxed));
        ClientHistory {
            last_seen: time(&self.last_seen),
            offered: time(&self.offered),
            bound: time(&self.bound),
            renewed: time(&self.renewed),
            refused: time(&self.refused),
            declined: time(&self.declined),
            released: time(&self.released),
            expires: time(&self.expires),
            last_decision: reason::unpack(self.last_decision.load(Ordering::Relaxed)),
        }
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

    #[test]
    fn a_lease_is_unused_until_a_guest_keeps_what_it_was_granted() {
        let new = || ClientRecord { is_new: true, ..ClientRecord::default() };
        let bound = |record: &ClientRecord, at| record.note(MessageType::Request, Why::Bound, Some(300), at);
        let declines = |record: &ClientRecord, at| {
            record.note(MessageType::Decline, Why::Declined { address: Ipv4Addr::LOCALHOST }, None, at);
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
        renewed.note(MessageType::Request, Why::Extended, Some(300), 1_150);
        declines(&renewed, 1_151);
        assert!(!renewed.is_unused());
    }

    #[test]
    fn each_event_is_noted_with_its_time_and_the_last_decision_stays() {
        let record = ClientRecord::default();
        assert_eq!(record.read(), ClientHistory::default());
        record.note(MessageType::Discover, Why::Offered, Some(300), 1_000);
        record.note(MessageType::Request, Why::Bound, Some(300), 1_001);
        let asked = Ipv4Addr::new(10, 0, 0, 9);
        record.note(MessageType::Request, Why::NotItsAddress { asked }, None, 1_500);
        let history = record.read();
        assert_eq!(history.offered, timestamp(1_000));
        assert_eq!(history.bound, timestamp(1_001));
        assert_eq!(history.expires, timestamp(1_301));
        assert_eq!((history.refused, history.last_seen), (timestamp(1_500), timestamp(1_500)));
        assert_eq!(history.renewed, None);
        assert_eq!(history.last_decision, Some((MessageType::Request, Why::NotItsAddress { asked })));
    }
}
