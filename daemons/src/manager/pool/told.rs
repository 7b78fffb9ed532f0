//! What an allocator has told the claims of its pool.
//!
//! A claim asks, and is looked at again once a pass has told it something; so no reconciliation waits for a write. What a
//! pass has told holds for the version of the claim that it looked at, and for what the claim itself makes of it by
//! writing it into its status.

use std::collections::BTreeMap;
use std::sync::Arc;

use vmdhcp_core::mac::MacAddr;

use super::super::Settlement;
use super::super::claim::{CardRef, ClaimKey};
use super::observe::Observation;

/// What each card of a claim gets, each MAC once. Most claims have one card, and there are many claims: a map of each would
/// take ten times the room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::manager) struct CardSettlements(Box<[(MacAddr, Settlement)]>);

impl CardSettlements {
    /// What the card of that MAC gets.
    pub(in crate::manager) fn get(&self, mac: MacAddr) -> Option<&Settlement> {
        self.0.iter().find(|(of, _)| *of == mac).map(|(_, settlement)| settlement)
    }

    /// What all of them get.
    pub(in crate::manager) fn all(&self) -> impl Iterator<Item = &Settlement> {
        self.0.iter().map(|(_, settlement)| settlement)
    }
}

/// Claims that wait to be told something, and the versions of them.
pub(super) type Askers = BTreeMap<ClaimKey, u64>;

/// What a claim has been told.
#[derive(Debug, Clone)]
pub(in crate::manager) enum Told {
    /// What its cards get, written and all.
    Settled(Arc<CardSettlements>),
    /// This version of it is not the newest, which will be seen in a moment.
    Older,
    /// Nothing yet; it is looked at again when there is something.
    Nothing,
    /// The pool is gone.
    PoolGone,
}

/// What all claims of a pool have been told.
#[derive(Debug, Default)]
pub(super) struct Tellings {
    claims: BTreeMap<ClaimKey, Telling>,
    /// Number of the last pass.
    pass: u64,
    /// UID of the pool, once it is gone; empty where it never was seen.
    gone: Option<String>,
}

#[derive(Debug)]
struct Telling {
    version: u64,
    cards: Arc<CardSettlements>,
    /// The last pass that has looked at the claim.
    pass: u64,
}

impl Tellings {
    /// Notes that the pool of that UID is gone, and says which claims had been told something.
    pub(super) fn end(&mut self, uid: Option<String>) -> Vec<ClaimKey> {
        self.gone = Some(uid.unwrap_or_default());
        std::mem::take(&mut self.claims).into_keys().collect()
    }

    /// Whether a pool is gone, be it this one or a former one of its name.
    pub(super) fn has_ended(&self) -> bool {
        self.gone.is_some()
    }

    /// Whether the pool of that UID is gone.
    pub(super) fn is_gone(&self, uid: Option<&str>) -> bool {
        self.gone.as_deref().is_some_and(|gone| Some(gone) == uid)
    }

    /// What that version of a claim has been told.
    pub(super) fn of(&self, claim: &ClaimKey, version: u64) -> Told {
        match self.claims.get(claim) {
            Some(told) if told.version == version => Told::Settled(Arc::clone(&told.cards)),
            Some(told) if told.version > version => Told::Older,
            _ => Told::Nothing,
        }
    }

    /// Notes that a claim has written into its status what it was told: nothing else is new in that version.
    pub(super) fn wrote(&mut self, claim: &ClaimKey, on: u64, version: u64) {
        if let Some(told) = self.claims.get_mut(claim).filter(|told| told.version == on) {
            told.version = version;
        }
    }

    /// Takes in what a pass has settled, and says which claims have to be looked at and for how many it was news.
    ///
    /// Those are they who asked, and they for whom something has changed. A claim whose status says nothing of its cards
    /// comes by itself, as every new one does: it is told without being asked to come; unless `again`, for that everything
    /// heals that somebody has forgotten.
    pub(super) fn tell(
        &mut self,
        observation: &Observation,
        settlements: &[Settlement],
        askers: &Askers,
        again: bool,
    ) -> (Vec<ClaimKey>, usize) {
        self.pass += 1;
        let (mut look, mut news) = (Vec::new(), 0);
        let mut rest = (observation.cards.as_slice(), settlements);
        for claim in &observation.on_network {
            let is_of_claim = |card: &CardRef| {
                *card.claim.owner.name == *claim.key.name
                    && *card.claim.owner.namespace == *claim.key.namespace
            };
            let count = rest.0.iter().take_while(|card| is_of_claim(card)).count();
            let (cards, settled) = (&rest.0[..count], &rest.1[..count]);
            rest = (&rest.0[count..], &rest.1[count..]);
            let asked = askers.contains_key(&claim.key);
            let agrees = || cards.iter().zip(settled).all(|(card, to)| card.stored.agrees_with(to));
            if let Some(told) = self.claims.get_mut(&claim.key) {
                told.pass = self.pass;
                told.version = told.version.max(claim.version);
                let changed = !is_the_same(&told.cards, cards, settled) && {
                    let settled = by_mac(cards, settled);
                    let changed = *told.cards != settled;
                    told.cards = Arc::new(settled);
                    changed
                };
                news += usize::from(asked || changed);
                if asked || changed || (again && !agrees()) {
                    look.push(claim.key.clone());
                }
            } else {
                let cards_told = Arc::new(by_mac(cards, settled));
                let telling = Telling { version: claim.version, cards: cards_told, pass: self.pass };
                self.claims.insert(claim.key.clone(), telling);
                let agrees = agrees();
                let is_new = cards.iter().all(|card| card.stored.is_unknown());
                news += usize::from(asked || !agrees);
                if asked || (!agrees && (again || !is_new)) {
                    look.push(claim.key.clone());
                }
            }
        }
        // What the watch has not brought yet, or has taken away: asked for all the same, so there has to be an answer.
        for (claim, &version) in askers {
            if self.claims.get(claim).is_none_or(|told| told.pass != self.pass) {
                let telling = Telling { version, cards: Arc::default(), pass: self.pass };
                self.claims.insert(claim.clone(), telling);
                look.push(claim.clone());
            }
        }
        self.claims.retain(|_, told| told.pass == self.pass);
        (look, news)
    }
}

fn is_the_same(told: &CardSettlements, cards: &[CardRef], settled: &[Settlement]) -> bool {
    told.0.len() == cards.len()
        && cards.iter().zip(settled).all(|(card, settled)| told.get(card.claim.mac) == Some(settled))
}

/// A card that is both held and released (its MAC in two spellings, say) is held.
fn by_mac(cards: &[CardRef], settled: &[Settlement]) -> CardSettlements {
    let mut by_mac = BTreeMap::new();
    for (card, settled) in cards.iter().zip(settled) {
        let told = by_mac.entry(card.claim.mac).or_insert_with(|| settled.clone());
        if told.address().is_none() {
            told.clone_from(settled);
        }
    }
    CardSettlements(by_mac.into_iter().collect())
}
