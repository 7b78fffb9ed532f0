//! Everything that a pool's plan looks at, gathered in one value. Needs a client only where the store may be behind.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use vmdhcp_core::Pool;
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AgentReport, IPPool, REUSE_ANNOTATION};
use vmdhcp_core::ipam::{Allocations, Versions, Withdrawn};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::{PoolError, PoolErrors, PoolRef};

use super::super::claim::{CardRef, ClaimOnNetwork};
use super::super::defects::Defect;
use super::super::{Context, Placement};
use super::loss::Loss;
use super::{network_of, pool_of_lease, pool_of_network};
use crate::cluster::version;

/// An agent of the pool, as its Lease tells.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    /// When the Lease was last renewed.
    pub(super) renewed: Option<Timestamp>,
    /// The report in it; hostile until proven harmless.
    pub(super) report: AgentReport,
}

/// What is known of a pool at one moment.
pub(super) struct Observation {
    pub(super) now: Timestamp,
    pub(super) object: Arc<IPPool>,
    /// What its status says is allocated.
    pub(super) allocations: Allocations,
    /// The checked pool and what is wrong with its options, or why it cannot be served.
    pub(super) pool: Result<(Pool, Vec<PoolError>), PoolErrors>,
    /// The older pool of the same network.
    pub(super) rival: Option<PoolRef>,
    /// Whether an agent has a place to run.
    pub(super) placed: bool,
    pub(super) agents: Vec<Agent>,
    /// What none of them grants any more.
    pub(super) withdrawn: Withdrawn,
    /// The cards that shall have addresses or have to give them up, in the order of `on_network`.
    pub(super) cards: Vec<CardRef>,
    /// The claims that they are of, in the order of their names.
    pub(super) on_network: Vec<Arc<ClaimOnNetwork>>,
    /// Addresses that the operator declares free of any guest.
    pub(super) reuse: BTreeSet<Ipv4Addr>,
    /// What tells of allocations that the pool has lost.
    pub(super) loss: Loss,
    /// Most bytes that the object may have.
    pub(super) ceiling: usize,
}

impl Observation {
    /// Gathers all that is known of `object`, which is the newest of `versions` from now on.
    pub(super) fn gather(object: Arc<IPPool>, versions: &mut Versions, context: &Context) -> Self {
        let key = PoolRef::of(&object);
        let network = network_of(&object);
        let rival = network.as_ref().and_then(|network| pool_of_network(network, &context.pools));
        let rival = rival.map(|pool| PoolRef::of(&pool)).filter(|rival| *rival != key);
        let placed = match &context.placement {
            Placement::Interfaces(interfaces) => {
                network.as_ref().is_some_and(|network| interfaces.contains_key(network))
            }
            Placement::Deployments(_) | Placement::Elsewhere => true,
        };
        let allocations = allocations(&object);
        versions.read(version(&*object).unwrap_or_default(), &allocations);
        let agents = agents_of(&key, context);
        let withdrawn = withdrawn(&object, &agents, placed, versions);
        let on_network = match &network {
            Some(network) if rival.is_none() => context.claims_by_network.on(network),
            _ => Vec::new(),
        };
        let mut cards = cards_of(&on_network, &allocations);
        let has_status = object.status.as_ref().is_some_and(|status| status.ipv4.is_some());
        if !has_status && context.has(Defect::EmptyStatusTakenForEmptyPool) {
            for card in &mut cards {
                *card = card.without_past();
            }
        }
        let reuse = object.annotations().get(REUSE_ANNOTATION).map(String::as_str).unwrap_or_default();
        let mut loss = Loss::gather(&object, &allocations, &agents, &cards, reuse);
        if !has_status && context.has(Defect::EmptyStatusTakenForEmptyPool) {
            loss.cause = None;
        }
        Self {
            now: context.now(),
            pool: Pool::from_stored(&object),
            rival,
            placed,
            agents,
            withdrawn,
            cards,
            on_network,
            reuse: reuse.split(',').filter_map(|address| address.trim().parse().ok()).collect(),
            loss,
            allocations,
            ceiling: context.largest_pool,
            object,
        }
    }

    /// Whether the operator's list of addresses to re-use has been heard by everybody whom it concerns.
    pub(super) fn is_reuse_acted_on(&self) -> bool {
        let all = self.loss.nothing_else_used;
        let is_named = |address: &Ipv4Addr| all || self.reuse.contains(address);
        (all || !self.reuse.is_empty()) && !self.loss.served.keys().any(is_named)
    }

    /// Whether the pool is being deleted.
    pub(super) fn is_deleting(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }
}

/// Claims whose finalizer and record are stored, and those that have an address already: one that has neither gets
/// none yet, for nobody would release it.
fn cards_of(claims: &[Arc<ClaimOnNetwork>], allocations: &Allocations) -> Vec<CardRef> {
    let holders = LazyCell::new(|| -> BTreeSet<MacAddr> { allocations.held.values().copied().collect() });
    let cards = claims.iter().flat_map(|claim| &claim.cards);
    let counts = |card: &&CardRef| {
        card.stored.is_recorded() || card.claim.granted || holders.contains(&card.claim.mac)
    };
    cards.filter(counts).cloned().collect()
}

/// What a stored status says is allocated.
pub(super) fn allocations(object: &IPPool) -> Allocations {
    let ipv4 = object.status.as_ref().and_then(|status| status.ipv4.as_ref());
    ipv4.map(Allocations::read).unwrap_or_default()
}

/// What no agent of the pool grants any more. Where an agent should be and none is known, one may be serving that
/// cannot say so.
fn withdrawn(object: &IPPool, agents: &[Agent], placed: bool, versions: &Versions) -> Withdrawn {
    let of_this_pool = |agent: &&Agent| object.metadata.uid.as_ref() == Some(&agent.report.pool_uid);
    let served = |agent: &Agent| agent.report.resource_version.parse().ok();
    let served: Option<Vec<u64>> =
        agents.iter().map(|agent| Some(agent).filter(of_this_pool).and_then(served)).collect();
    match served {
        Some(served) if !(placed && served.is_empty()) => versions.withdrawn(served),
        _ => Withdrawn::default(),
    }
}

/// The agents of a pool, as their Leases tell.
pub(super) fn agents_of(key: &PoolRef, context: &Context) -> Vec<Agent> {
    let mut agents = Vec::new();
    for lease in context.leases.state() {
        let of_this_pool = pool_of_lease(&lease)
            .is_some_and(|pool| pool.name == key.name && pool.namespace.as_deref() == Some(&key.namespace));
        if !of_this_pool {
            continue;
        }
        let report = lease.annotations().get(AGENT_REPORT_ANNOTATION);
        let report = report.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0);
        agents.push(Agent { renewed, report });
    }
    // The store has no order of its own; the roster must not change with the manager that writes it.
    agents.sort_by(|one, other| one.report.agent.cmp(&other.report.agent));
    agents
}
