//! Finds out whether an address is used by a card that does not have it.
//!
//! Asked is when a lease appears, when a client declines its address, and again for known conflicts and for addresses
//! that are out of use because of one. Who also answers for an address that nobody has answers for everybody (a proxy)
//! and proves nothing. Addresses that have left the card of a VM are asked for until nobody answers ([`vacancy`]).
//!
//! [`vacancy`]: super::vacancy

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use vmdhcp_core::MacAddr;

use super::{Answers, Packet, Vacancies};
use crate::agent::packet_socket::PacketSocket;
use crate::agent::records::timestamp;
use crate::agent::state::{Conflict, Serving, State, lock};

/// How often an address is asked for, and how long each time is waited for answers.
const ATTEMPTS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(1);
/// Addresses that are probed together: with the waiting, a hundred a second at most.
const TOGETHER: usize = 200;
/// Addresses that may wait to be probed. Further ones are not.
const LONGEST_QUEUE: usize = 8192;
/// How often known conflicts are looked at again.
const AGAIN: u64 = 60;
/// A conflict that was not seen again for so many seconds is over.
const FORGOTTEN_AFTER: u64 = 600;

/// What probing an address showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// Nobody answers.
    Silent,
    /// The card that has it does.
    Owner,
    /// Another card does.
    Conflict(MacAddr),
    /// Only cards that answer for every address do.
    Proxy,
}

impl Finding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Owner => "owner",
            Self::Conflict(_) => "conflict",
            Self::Proxy => "proxy",
        }
    }
}

/// Probes what there is to probe, for as long as it is polled.
pub(crate) async fn probe_leases(socket: &PacketSocket, state: &State, answers: &Answers) {
    let mut changes = state.changes();
    let mut prober = Prober::default();
    let mut vacancies = Vacancies::default();
    let mut ticks = tokio::time::interval(PATIENCE);
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            _ = ticks.tick() => {}
        }
        let Some(serving) = state.serving().clone() else {
            prober.forget();
            continue;
        };
        // Another agent's card may have been seen before the manager told of it.
        lock(&state.conflicts).retain(|_, conflict| !serving.roster.contains(&conflict.mac));
        prober.queue_new_leases(&serving);
        prober.queue_declined(state);
        prober.queue_conflicts(state, &serving);
        let batch = prober.next_batch(&serving);
        let vacating = vacancies.due(&serving.unleased, state.now().seconds);
        let asked: BTreeSet<_> = batch.iter().chain(&vacating).copied().collect();
        if asked.is_empty() {
            continue;
        }
        let has_carrier = socket.interface().has_carrier();
        let unused = unused_address(&serving);
        let answered = ask(socket, answers, serving.table.server(), &asked, unused).await;
        // Who has what may have changed meanwhile.
        let Some(serving) = state.serving().clone() else { continue };
        lock(&state.proxies).extend(&answered.proxies);
        if has_carrier && socket.interface().has_carrier() {
            let answers = |address| answered.others(address, &serving.roster);
            vacancies.note(&serving.unleased, vacating.into_iter().map(answers), state.now().seconds);
            *lock(&state.silent) = vacancies.silent(&serving.unleased);
        }
        for (address, cards) in answered.by_address.iter().filter(|(address, _)| batch.contains(address)) {
            if let Some(owner) = owner(&serving, *address) {
                let finding = judge(owner, cards, &answered.proxies, &serving.roster);
                state.metrics.probes.add([finding.as_str()]);
                note(state, *address, owner, finding, timestamp(state.now().seconds));
            }
        }
    }
}

/// Which addresses are still to be probed.
#[derive(Debug, Default)]
struct Prober {
    /// The table whose leases are known; none before the first.
    known: Option<Arc<Serving>>,
    queue: VecDeque<Ipv4Addr>,
    declined_until: u64,
    conflicts_looked_at: u64,
}

impl Prober {
    fn forget(&mut self) {
        self.known = None;
        self.queue.clear();
    }

    /// The leases of the first table did not appear just now: only later ones are probed.
    fn queue_new_leases(&mut self, serving: &Arc<Serving>) {
        let Some(known) = self.known.replace(Arc::clone(serving)) else { return };
        if Arc::ptr_eq(&known, serving) {
            return;
        }
        let is_known = |address, mac| {
            known
                .table
                .holder(address)
                .and_then(|lease| known.table.lease(lease))
                .is_some_and(|(m, _)| m == mac)
        };
        for (_, mac, address) in serving.table.iter() {
            if !is_known(address, mac) {
                self.enqueue(address);
            }
        }
    }

    fn queue_declined(&mut self, state: &State) {
        let since = self.declined_until;
        for declined in state.declined.read().into_iter().filter(|declined| declined.last_seen > since) {
            self.declined_until = self.declined_until.max(declined.last_seen);
            self.enqueue(Ipv4Addr::from(u32::try_from(declined.detail).unwrap_or_default()));
        }
    }

    fn queue_conflicts(&mut self, state: &State, serving: &Serving) {
        let now = state.now();
        if now.seconds >= self.conflicts_looked_at.saturating_add(AGAIN) {
            self.conflicts_looked_at = now.seconds;
            let mut conflicts = lock(&state.conflicts);
            // Addresses that nobody has are not probed, but for those out of use: not the server's, nor those given up meanwhile.
            let oldest = now.seconds.saturating_sub(FORGOTTEN_AFTER);
            conflicts.retain(|_, conflict| timestamp(oldest).is_none_or(|oldest| conflict.seen >= oldest));
            let known: BTreeSet<_> =
                conflicts.keys().chain(serving.unleased.quarantined.keys()).copied().collect();
            drop(conflicts);
            for address in known {
                self.enqueue(address);
            }
        }
    }

    fn enqueue(&mut self, address: Ipv4Addr) {
        if self.queue.len() < LONGEST_QUEUE {
            self.queue.push_back(address);
        }
    }

    /// The next addresses, as far as they are still leased or out of use.
    fn next_batch(&mut self, serving: &Serving) -> BTreeSet<Ipv4Addr> {
        let length = self.queue.len().min(TOGETHER);
        self.queue.drain(..length).filter(|address| owner(serving, *address).is_some()).collect()
    }
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Card(MacAddr),
    /// It is out of use, and no card had it last.
    Nobody,
}

impl Owner {
    fn is(self, card: MacAddr) -> bool {
        self == Self::Card(card)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(mac) => mac.fmt(f),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

/// The card that may answer for an address that is leased or out of use.
fn owner(serving: &Serving, address: Ipv4Addr) -> Option<Owner> {
    let leased = serving.table.holder(address).and_then(|lease| serving.table.lease(lease));
    let out_of_use = || Some(serving.unleased.quarantined.get(&address)?.map_or(Owner::Nobody, Owner::Card));
    leased.map(|(owner, _)| Owner::Card(owner)).or_else(out_of_use)
}

#[derive(Debug, Default)]
struct Answered {
    by_address: BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>,
    proxies: BTreeSet<MacAddr>,
}

impl Answered {
    /// Who answered for that address alone and is no agent.
    fn others(&self, address: Ipv4Addr, roster: &BTreeSet<MacAddr>) -> (Ipv4Addr, usize) {
        let cards = self.by_address.get(&address).into_iter().flatten();
        (address, cards.filter(|card| !self.proxies.contains(card) && !roster.contains(card)).count())
    }
}

/// Asks who has these addresses, and who answers for one that nobody has.
async fn ask(
    socket: &PacketSocket,
    answers: &Answers,
    server: Ipv4Addr,
    addresses: &BTreeSet<Ipv4Addr>,
    unused: Option<Ipv4Addr>,
) -> Answered {
    let own = socket.interface().mac();
    let all = || addresses.iter().copied().chain(unused);
    all().for_each(|address| answers.expect(address));
    for _ in 0..ATTEMPTS {
        for address in all() {
            if let Err(error) = socket.send(&Packet::question(own, server, address).broadcast()) {
                tracing::debug!(%error, %address, "an ARP request was not sent");
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
    Answered {
        by_address: addresses.iter().map(|address| (*address, answers.take(*address))).collect(),
        proxies: unused.map(|address| answers.take(address)).unwrap_or_default(),
    }
}

/// An address of the subnet that nobody has by what is known here: the highest that will do.
fn unused_address(serving: &Serving) -> Option<Ipv4Addr> {
    let Serving { pool, table, unleased, .. } = serving;
    let (first, last) = (u32::from(table.subnet().network()), u32::from(table.subnet().broadcast()));
    let candidates = (first.saturating_add(1)..last).rev().map(Ipv4Addr::from).take(LONGEST_QUEUE);
    candidates.filter(|address| pool.domain.contains(*address)).find(|address| {
        table.holder(*address).is_none() && !table.is_server(*address) && !unleased.all.contains(address)
    })
}

fn judge(
    owner: Owner,
    cards: &BTreeSet<MacAddr>,
    proxies: &BTreeSet<MacAddr>,
    roster: &BTreeSet<MacAddr>,
) -> Finding {
    let other = cards
        .iter()
        .find(|card| !owner.is(**card) && !proxies.contains(card) && !roster.contains(card))
        .copied();
    match other {
        Some(card) => Finding::Conflict(card),
        None if cards.iter().any(|card| owner.is(*card)) => Finding::Owner,
        None if cards.is_empty() => Finding::Silent,
        None => Finding::Proxy,
    }
}

fn note(state: &State, address: Ipv4Addr, owner: Owner, finding: Finding, now: Option<Timestamp>) {
    let mut conflicts = lock(&state.conflicts);
    let seen = now.unwrap_or_default();
    match finding {
        Finding::Conflict(mac) => {
            let known = conflicts.get(&address).filter(|known| known.mac == mac);
            let since = known.map_or(seen, |known| known.since);
            if known.is_none() {
                tracing::warn!(%address, %owner, user = %mac, "an address is in use by a card that does not have it");
            }
            conflicts.insert(address, Conflict { mac, since, seen });
        }
        Finding::Silent | Finding::Owner | Finding::Proxy => {
            if conflicts.remove(&address).is_some() {
                tracing::info!(%address, %owner, "an address is no longer in use by another card");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::serving;

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    fn judged(cards: &[u8], proxies: &[u8]) -> Finding {
        let set = |cards: &[u8]| cards.iter().map(|last| mac(*last)).collect();
        judge(Owner::Card(mac(1)), &set(cards), &set(proxies), &set(&[7]))
    }

    #[test]
    fn only_an_answer_of_another_card_that_is_no_proxy_is_a_conflict() {
        assert_eq!(judged(&[], &[]), Finding::Silent);
        assert_eq!(judged(&[1], &[]), Finding::Owner);
        assert_eq!(judged(&[1, 2], &[]), Finding::Conflict(mac(2)));
        assert_eq!(judged(&[1, 2], &[2]), Finding::Owner);
        assert_eq!(judged(&[2], &[2]), Finding::Proxy);
        assert_eq!(judged(&[7, 1], &[]), Finding::Owner, "another agent");
    }

    #[test]
    fn leases_that_appear_are_probed_and_those_of_the_first_table_are_not() {
        let mut prober = Prober::default();
        let first = Arc::new(serving(&[("192.168.48.82", "02:00:00:00:00:01")]));
        prober.queue_new_leases(&first);
        prober.queue_new_leases(&first);
        assert!(prober.queue.is_empty());
        let moved = Arc::new(serving(&[
            ("192.168.48.82", "02:00:00:00:00:02"),
            ("192.168.48.83", "02:00:00:00:00:01"),
        ]));
        prober.queue_new_leases(&moved);
        assert_eq!(prober.next_batch(&first).len(), 1, "what is not leased any more is not probed");
    }

    #[test]
    fn the_address_that_tells_proxies_is_one_that_nobody_has() {
        let serving = serving(&[("192.168.48.90", "02:00:00:00:00:01")]);
        assert_eq!(unused_address(&serving), Some(Ipv4Addr::new(192, 168, 48, 89)));
    }
}
