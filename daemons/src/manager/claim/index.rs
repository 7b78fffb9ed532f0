//! What all claims want, by network, as the watch has it.
//!
//! A pass over a pool looks at every claim of its network. The texts of a claim are read once, when it changes, and not
//! on every pass.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use prometheus_client::metrics::histogram::Histogram;
use tokio::time::Instant;
use vmdhcp_core::NetworkName;
use vmdhcp_core::ipam::{Claim, Intent};

use super::super::PackedClaim;
use super::observe::{self, StoredCard, Telling};
use crate::cluster::version;

/// A VirtualMachineNetworkConfig by namespace and name. There are many copies of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::manager) struct ClaimKey {
    pub(in crate::manager) namespace: Arc<str>,
    pub(in crate::manager) name: Arc<str>,
}

impl ClaimKey {
    pub(in crate::manager) fn of(claim: &impl ResourceExt) -> Self {
        let namespace = claim.meta().namespace.as_deref().unwrap_or_default();
        let name = claim.meta().name.as_deref().unwrap_or_default();
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(in crate::manager) fn object(&self) -> ObjectRef<PackedClaim> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }
}

/// A network card of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::manager) struct ClaimedCard {
    /// What it wants.
    pub(in crate::manager) claim: Claim,
    /// What the stored status says of it.
    pub(in crate::manager) stored: StoredCard,
    /// What it is told beside its address.
    pub(in crate::manager) telling: Telling,
    /// Since when it has been seen without the address that it wants.
    waiting_since: Option<Instant>,
}

/// The same, shared.
#[derive(Debug, Clone)]
pub(in crate::manager) struct CardRef(Arc<ClaimedCard>);

impl std::ops::Deref for CardRef {
    type Target = ClaimedCard;

    fn deref(&self) -> &ClaimedCard {
        &self.0
    }
}

impl Borrow<Claim> for CardRef {
    fn borrow(&self) -> &Claim {
        &self.0.claim
    }
}

impl CardRef {
    /// The same card, of whose past nothing is known.
    pub(in crate::manager) fn without_past(&self) -> Self {
        let claim = Claim { remembered: None, granted: false, ..self.claim.clone() };
        let (stored, telling) = (self.stored.clone(), self.telling.clone());
        Self(Arc::new(ClaimedCard { claim, stored, telling, waiting_since: None }))
    }
}

/// What one claim wants of one network.
#[derive(Debug)]
pub(in crate::manager) struct ClaimOnNetwork {
    pub(in crate::manager) key: ClaimKey,
    /// Version of the object.
    pub(in crate::manager) version: u64,
    pub(in crate::manager) cards: Box<[CardRef]>,
}

type Networks = BTreeMap<NetworkName, BTreeMap<ClaimKey, Arc<ClaimOnNetwork>>>;

/// The claims of all networks.
pub(in crate::manager) struct ClaimIndex {
    known: Mutex<Known>,
    allocation_seconds: Histogram,
}

#[derive(Default)]
struct Known {
    networks: Networks,
    /// Where each claim has cards.
    places: BTreeMap<ClaimKey, Box<[NetworkName]>>,
    /// Claims that a list under way has shown.
    listed: BTreeSet<ClaimKey>,
}

impl ClaimIndex {
    /// An empty one; it tells the histogram how long cards wait for an address.
    pub(in crate::manager) fn new(allocation_seconds: Histogram) -> Self {
        Self { known: Mutex::default(), allocation_seconds }
    }

    /// Takes an event of the watch in.
    pub(in crate::manager) fn note(&self, event: &Event<PackedClaim>) {
        let mut known = self.lock();
        match event {
            Event::Init => known.listed.clear(),
            Event::InitApply(claim) => {
                known.listed.insert(ClaimKey::of(claim));
                known.put(claim, &self.allocation_seconds);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut known.listed);
                let gone: Vec<_> =
                    known.places.keys().filter(|claim| !listed.contains(claim)).cloned().collect();
                for claim in gone {
                    known.remove(&claim);
                }
            }
            Event::Apply(claim) => known.put(claim, &self.allocation_seconds),
            Event::Delete(claim) => known.remove(&ClaimKey::of(claim)),
        }
    }

    /// The claims on a network, in the order of their names.
    pub(in crate::manager) fn on(&self, network: &NetworkName) -> Vec<Arc<ClaimOnNetwork>> {
        let known = self.lock();
        known.networks.get(network).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remove(&mut self, key: &ClaimKey) {
        for network in self.places.remove(key).into_iter().flatten() {
            self.take(&network, key);
        }
    }

    fn take(&mut self, network: &NetworkName, key: &ClaimKey) -> Option<Arc<ClaimOnNetwork>> {
        let claims = self.networks.get_mut(network)?;
        let taken = claims.remove(key);
        if claims.is_empty() {
            self.networks.remove(network);
        }
        taken
    }

    fn put(&mut self, packed: &PackedClaim, allocation_seconds: &Histogram) {
        let key = ClaimKey::of(packed);
        // What an object wants that cannot be read is not known: it goes on having what it has, as if it belonged to nobody.
        let Ok(object) = &packed.open() else { return self.remove(&key) };
        let now = Instant::now();
        let networks = observe::networks(object);
        let mut former = BTreeMap::new();
        for network in self.places.remove(&key).into_iter().flatten() {
            let claim = self.take(&network, &key);
            let cards = claim.iter().flat_map(|claim| claim.cards.iter());
            let waiting =
                cards.filter_map(|card| Some(((network.clone(), card.claim.mac), card.waiting_since?)));
            former.extend(waiting);
        }
        for network in &networks {
            let cards = observe::claims_on(network, object).into_iter().map(|(claim, stored)| {
                let since: Option<&Instant> = former.get(&(network.clone(), claim.mac));
                let waits = claim.intent == Intent::Hold && !claim.granted;
                if let Some(since) = since.filter(|_| claim.granted) {
                    allocation_seconds.observe(now.duration_since(*since).as_secs_f64());
                }
                let waiting_since = waits.then(|| since.copied().unwrap_or(now));
                let telling = Telling::of(object, network, claim.mac);
                CardRef(Arc::new(ClaimedCard { claim, stored, telling, waiting_since }))
            });
            let version = version(packed).unwrap_or_default();
            let claim = ClaimOnNetwork { key: key.clone(), version, cards: cards.collect() };
            self.networks.entry(network.clone()).or_default().insert(key.clone(), Arc::new(claim));
        }
        self.places.insert(key, networks.into_iter().collect());
    }
}
