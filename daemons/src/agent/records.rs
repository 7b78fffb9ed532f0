//! What clients do: when each was last seen, offered, bound, renewed and refused, and who asks without having a lease.
//!
//! The packet path notes it in atomics; everything else reads. A record belongs to a card, and lives as long as the
//! card has a lease, over all tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
}

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
}

impl Records {
    /// The records of a table's leases, in their order: known ones as they are, new ones empty. Records of cards
    /// that have no lease any more are forgotten.
    pub(crate) fn follow(&mut self, table: &LeaseTable) -> Box<[Arc<ClientRecord>]> {
        let mut followed = HashMap::with_capacity(table.len());
        let in_order = table
            .iter()
            .map(|(_, mac, _)| {
                let known = || self.by_mac.remove(&mac).unwrap_or_default();
                Arc::clone(followed.entry(mac).or_insert_with(known))
            })
            .collect();
        self.by_mac = followed;
        in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

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
