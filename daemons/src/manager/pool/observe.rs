//! Everything that a pool's plan looks at, gathered in one value. Needs a client only where the store may be behind.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AgentReport, IPPool, REUSE_ANNOTATION};
use vmdhcp_core::ipam::{Allocations, Versions, Withdrawn};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::{PoolError, PoolErrors, PoolRef};
use vmdhcp_core::{NetworkName, Pool};

use super::super::claim::{CardRef, ClaimOnNetwork};
use super::super::defects::Defect;
use super::super::vmnetwork::{self, CniConfiguration, Standing};
use super::super::{Context, Placement};
use super::agents::{self, Registration, pod};
use super::loss::Loss;
use super::seen::Seen;
use super::{network_of, rival_of, route_helper};
use crate::cluster::version;

/// After this long without a renewal an agent counts as gone: three heartbeats and a little.
const AGENT_TIMEOUT: SignedDuration = SignedDuration::from_secs(40);

/// An agent of the pool that may be serving, as its Lease tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Agent {
    /// When the Lease was last renewed.
    pub(super) renewed: Option<Timestamp>,
    /// The report in it; hostile until proven harmless.
    pub(super) report: AgentReport,
    /// On a cluster, where it runs.
    pub(super) pod: Option<Arc<Pod>>,
}

impl Agent {
    /// Whether it serves the leases of the pool with that UID, and will go on.
    ///
    /// Its node's clock need not agree with ours, so the kubelet's word that it is ready counts as much as a heartbeat.
    pub(super) fn serves(&self, pool_uid: Option<&str>, now: Timestamp) -> bool {
        let is_alive = self.renewed.is_some_and(|renewed| now.duration_since(renewed) < AGENT_TIMEOUT);
        let says_so = self.report.ready && pool_uid == Some(self.report.pool_uid.as_str());
        match &self.pod {
            None => says_so && is_alive,
            Some(pod) if pod::is_terminating(pod) => false,
            // Upstream's do not report.
            Some(pod) if !pod::is_ours(pod) => pod::is_ready(pod),
            Some(pod) => says_so && (is_alive || pod::is_ready(pod)),
        }
    }
}

/// What is known of where the agents of a pool run.
#[derive(Debug, Clone)]
pub(super) enum Placed {
    /// On this machine, if the network has an interface.
    Here { has_interface: bool },
    /// In Pods of a cluster.
    OnCluster {
        /// `None`: nobody has looked yet.
        registration: Option<Registration>,
        deployment: Option<Arc<Deployment>>,
        /// All Pods, those that do not run among them.
        pods: Vec<Arc<Pod>>,
        /// What is wrong with the number of agents that the pool asks for.
        replicas: Result<i32, String>,
    },
    /// Somebody else sees to them.
    Elsewhere,
}

impl Placed {
    fn gather(object: &IPPool, network: Option<&NetworkName>, context: &Context) -> Self {
        let key = PoolRef::of(object);
        match &context.placement {
            Placement::Interfaces(interfaces) => {
                Self::Here { has_interface: network.is_some_and(|network| interfaces.contains_key(network)) }
            }
            Placement::Deployments(like_all) => Self::OnCluster {
                registration: context.workloads.registration(&key),
                deployment: context.workloads.deployment(&key, like_all),
                pods: context.workloads.pods_of(&key),
                replicas: agents::plan::replicas(object, like_all),
            },
            Placement::Elsewhere => Self::Elsewhere,
        }
    }

    /// Whether an agent may serve of which nothing is known.
    fn may_hide_an_agent(&self) -> bool {
        match self {
            Self::Here { has_interface } => *has_interface,
            // Each Pod that may run is known as an agent; those that the Deployment tells of and we have not seen are not.
            Self::OnCluster { deployment, pods, .. } => {
                let status = deployment.as_ref().and_then(|deployment| deployment.status.as_ref());
                let told = status.and_then(|status| status.replicas).unwrap_or_default();
                let active = pods.iter().filter(|pod| pod::is_active(pod)).count();
                usize::try_from(told).is_ok_and(|told| told > active)
            }
            Self::Elsewhere => true,
        }
    }
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
    /// Where its agents run.
    pub(super) placed: Placed,
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
    /// What the agents have seen on the network.
    pub(super) seen: Seen,
    /// Cards of Harvester's route helpers on its network.
    pub(super) route_helpers: BTreeSet<MacAddr>,
    /// How it stands to the network that it was made with, if somebody has looked.
    pub(super) standing: Option<Standing>,
    /// The claims that use it, where something is to happen once there are none.
    pub(super) users: BTreeSet<String>,
    /// Most bytes that the object may have.
    pub(super) ceiling: usize,
    /// What the configuration of the network says.
    pub(super) network: CniConfiguration,
}

impl Observation {
    /// Gathers all that is known of `object`, which is the newest of `versions` from now on.
    pub(super) fn gather(object: Arc<IPPool>, versions: &mut Versions, context: &Context) -> Self {
        let key = PoolRef::of(&object);
        let network = network_of(&object);
        let rival = rival_of(&object, context);
        let placed = Placed::gather(&object, network.as_ref(), context);
        let allocations = allocations(&object);
        versions.read(version(&*object).unwrap_or_default(), &allocations);
        let agents = agents_of(&key, context);
        let complete = are_all(&agents, &placed);
        let withdrawn = withdrawn(&object, &agents, complete, versions);
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
        let standing = context.vm_networks.standing(&key);
        let users = match &network {
            Some(network) if standing.as_ref().is_some_and(Standing::waits_for_vms) => {
                vmnetwork::users_of(network, &context.claims)
            }
            _ => BTreeSet::new(),
        };
        let (now, pool) = (context.now(), Pool::from_stored(&object));
        let of_pool = (&*object, pool.as_ref().ok().map(|(pool, _)| pool));
        let seen = Seen::gather(of_pool, &allocations, (&agents, complete), now, context);
        let route_helpers = network.as_ref().map(|network| route_helper::on(network, context));
        Self {
            now,
            pool,
            seen,
            route_helpers: route_helpers.unwrap_or_default(),
            rival,
            placed,
            agents,
            withdrawn,
            cards,
            on_network,
            reuse: reuse.split(',').filter_map(|address| address.trim().parse().ok()).collect(),
            loss,
            allocations,
            standing,
            users,
            ceiling: context.largest_pool,
            network: network
                .as_ref()
                .map(|network| vmnetwork::configuration_of(network, context))
                .unwrap_or_default(),
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

/// What no agent of the pool grants any more. One that may serve and has said nothing withdraws nothing.
fn withdrawn(object: &IPPool, agents: &[Agent], complete: bool, versions: &Versions) -> Withdrawn {
    let of_this_pool = |agent: &&Agent| object.metadata.uid.as_ref() == Some(&agent.report.pool_uid);
    let served = |agent: &Agent| agent.report.resource_version.parse().ok();
    let served: Option<Vec<u64>> =
        agents.iter().map(|agent| Some(agent).filter(of_this_pool).and_then(served)).collect();
    match served {
        Some(served) if complete => versions.withdrawn(served),
        _ => Withdrawn::default(),
    }
}

/// Whether no agent can be serving that is not among these.
fn are_all(agents: &[Agent], placed: &Placed) -> bool {
    match placed {
        Placed::OnCluster { .. } => !placed.may_hide_an_agent(),
        Placed::Here { .. } | Placed::Elsewhere => !(placed.may_hide_an_agent() && agents.is_empty()),
    }
}

/// The agents of a pool that may be serving: as the Leases tell, and on a cluster as the Pods do, each with its Lease.
/// A Lease without its Pod is nobody's, and a Pod without its Lease has said nothing.
pub(super) fn agents_of(key: &PoolRef, context: &Context) -> Vec<Agent> {
    if matches!(context.placement, Placement::Deployments(_)) {
        let pods = context.workloads.pods_of(key).into_iter().filter(|pod| pod::may_run(pod));
        return pods
            .map(|pod| Agent {
                pod: Some(Arc::clone(&pod)),
                ..agents::lease_of(&pod, &context.leases).map(|lease| as_told(&lease)).unwrap_or_default()
            })
            .collect();
    }
    let leases = context.leases.state().into_iter();
    let of_this_pool = leases.filter(|lease| pod::pool_of(&**lease).as_ref() == Some(key));
    let mut agents: Vec<_> = of_this_pool.map(|lease| as_told(&lease)).collect();
    // The store has no order of its own; the roster must not change with the manager that writes it.
    agents.sort_by(|one, other| one.report.agent.cmp(&other.report.agent));
    agents
}

fn as_told(lease: &Lease) -> Agent {
    let report = lease.annotations().get(AGENT_REPORT_ANNOTATION);
    Agent {
        renewed: lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0),
        report: report.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        pod: None,
    }
}
