//! Which objects the agents of a pool need. Pure: what there is in, what there shall be out.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{AGENT_REPLICAS_ANNOTATION, HOLD_AGENT_UPGRADE_ANNOTATION, IPPool, POOL_ANNOTATION};
use vmdhcp_core::pool::PoolRef;

use super::super::super::AgentDeployments;
use super::deployment::{Agents, agent_name, lease};
use super::pod;

/// Most agents that a pool may ask for.
const MOST_REPLICAS: i32 = 16;

/// What is known of a VM network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Network {
    /// Multus is not there, so nobody can tell.
    Unknown,
    /// There is no such NetworkAttachmentDefinition.
    Missing,
    /// It has DHCP of its own.
    Overlay,
    /// It is there; and where it is on some nodes only, by which name they are labelled.
    Present { cluster_network: Option<String> },
}

/// All that bears on where the agents of a pool run.
pub(super) struct Situation<'a> {
    pub(super) key: &'a PoolRef,
    pub(super) pool: &'a IPPool,
    /// What its spec names, if it is a name.
    pub(super) network_name: Option<NetworkName>,
    pub(super) network: Network,
    /// The older pool of the network.
    pub(super) rival: Option<PoolRef>,
    pub(super) deployment: Option<Arc<Deployment>>,
    /// Its Pods, the oldest first.
    pub(super) pods: Vec<Arc<Pod>>,
    /// Whether an agent in a Pod of ours serves.
    pub(super) serves: bool,
    /// Leases of these Pods that are not there, or another Pod's.
    pub(super) reporting: Vec<Reporting>,
    pub(super) like_all: &'a AgentDeployments,
}

/// Whether a Pod can report.
pub(super) enum Reporting {
    /// It has no Lease.
    No(Arc<Pod>),
    /// The Lease of its name is an earlier Pod's.
    Anothers(Arc<Lease>),
}

/// Whether a pool has agents, or why it shall have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager::pool) enum Registration {
    /// It has a Deployment.
    Deployed,
    /// Upstream's Pod stays, as the pool's annotation asks.
    Held,
    /// Its spec names no network.
    Unnamed,
    /// Its network is not there.
    NetworkMissing,
    /// Its network has DHCP of its own.
    OverlayNetwork,
    /// The network has an older pool.
    NetworkTaken(PoolRef),
    /// A Deployment of that name is somebody else's.
    NameTaken(String),
    /// It is out of service.
    Paused,
    /// The API does not take its Deployment.
    Refused(String),
}

/// What the Deployment of a pool shall be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// This one, with this budget or none.
    Agents(Box<Deployment>, Option<Box<PodDisruptionBudget>>),
    /// Whatever it is.
    Unchanged,
    /// None, and no budget.
    Nothing,
}

/// What there shall be.
pub(super) struct Placing {
    pub(super) registration: Registration,
    pub(super) wanted: Wanted,
    /// Leases to be made.
    pub(super) leases: Vec<Lease>,
    /// Leases of Pods that are gone, in the way of those.
    pub(super) stale_leases: Vec<Arc<Lease>>,
    /// Upstream's Pods whose time has come.
    pub(super) superseded: Vec<Arc<Pod>>,
}

/// Plans the agents of a pool.
pub(super) fn plan(situation: &Situation<'_>) -> Placing {
    let registration = registration(situation);
    let bare = || situation.pods.iter().filter(|pod| !pod::is_ours(pod) && !pod::is_terminating(pod));
    let (wanted, superseded) = match &registration {
        Registration::Deployed => {
            // Upstream's serves until ours does, and as long as it is held.
            let is_due = situation.serves && !is_held(situation.pool);
            let superseded = if is_due { bare().cloned().collect() } else { Vec::new() };
            // A pool that is going needs no agents that it has not. And what is held is not replaced, whatever else of a
            // Deployment this version would write in another way: its image need not even know our arguments.
            let is_going = situation.pool.metadata.deletion_timestamp.is_some();
            let stays = is_going || (is_held(situation.pool) && situation.deployment.is_some());
            (if stays { Wanted::Unchanged } else { agents(situation) }, superseded)
        }
        Registration::Paused => (Wanted::Nothing, bare().cloned().collect()),
        // What serves those who have leases already goes on: to take DHCP from them would help nobody.
        Registration::Unnamed
        | Registration::NetworkMissing
        | Registration::NameTaken(_)
        | Registration::Refused(_) => (Wanted::Unchanged, Vec::new()),
        Registration::Held | Registration::OverlayNetwork | Registration::NetworkTaken(_) => {
            (Wanted::Nothing, Vec::new())
        }
    };
    let (mut leases, mut stale_leases) = (Vec::new(), Vec::new());
    for reporting in &situation.reporting {
        match reporting {
            Reporting::No(pod) => leases.push(lease(pod, situation.key)),
            Reporting::Anothers(lease) => stale_leases.push(Arc::clone(lease)),
        }
    }
    Placing { registration, wanted, leases, stale_leases, superseded }
}

fn registration(situation: &Situation<'_>) -> Registration {
    if situation.pool.spec.paused == Some(true) {
        return Registration::Paused;
    }
    if situation.network_name.is_none() {
        return Registration::Unnamed;
    }
    if let Some(rival) = &situation.rival {
        return Registration::NetworkTaken(rival.clone());
    }
    match situation.network {
        Network::Overlay => return Registration::OverlayNetwork,
        Network::Missing => return Registration::NetworkMissing,
        Network::Unknown | Network::Present { .. } => {}
    }
    if let Some(deployment) = &situation.deployment {
        let owner = deployment.annotations().get(POOL_ANNOTATION);
        if owner.is_some_and(|owner| *owner != situation.key.to_string()) {
            return Registration::NameTaken(owner.cloned().unwrap_or_default());
        }
    } else if is_held(situation.pool) && situation.pods.iter().any(|pod| serves_for_upstream(pod)) {
        return Registration::Held;
    }
    Registration::Deployed
}

fn serves_for_upstream(pod: &Pod) -> bool {
    !pod::is_ours(pod) && !pod::is_terminating(pod) && pod::may_run(pod)
}

fn is_held(pool: &IPPool) -> bool {
    pool.annotations().contains_key(HOLD_AGENT_UPGRADE_ANNOTATION)
}

fn agents(situation: &Situation<'_>) -> Wanted {
    let Some(network) = &situation.network_name else { return Wanted::Unchanged };
    let cluster_network = match &situation.network {
        Network::Present { cluster_network } => cluster_network.as_deref(),
        Network::Unknown | Network::Missing | Network::Overlay => None,
    };
    let image = image(situation);
    let agents = Agents {
        pool: situation.key,
        network,
        cluster_network,
        image: &image,
        replicas: replicas(situation.pool, situation.like_all).unwrap_or(situation.like_all.replicas),
        like_all: situation.like_all,
    };
    Wanted::Agents(Box::new(agents.deployment()), agents.budget().map(Box::new))
}

/// The image of agents that have to be deployed anew: while an upgrade is held the one that they have, or had.
fn image(situation: &Situation<'_>) -> String {
    let Situation { pool, pods, like_all, .. } = situation;
    let held = || {
        let running = || {
            let mut ours = pods.iter().filter(|pod| pod::is_ours(pod));
            ours.find_map(|pod| pod::image(pod).map(str::to_owned))
        };
        // An image of upstream does not know our arguments.
        let recorded = || {
            let status = pool.status.as_ref().and_then(|status| status.agent_pod_ref.as_ref());
            let of_ours = status.filter(|pod| pod.name != agent_name(situation.key));
            of_ours.map(|pod| pod.image.clone()).filter(|image| !image.is_empty())
        };
        running().or_else(recorded)
    };
    is_held(pool).then(held).flatten().unwrap_or_else(|| like_all.image.clone())
}

/// How many agents the pool shall have, or what is wrong with its wish.
pub(in crate::manager::pool) fn replicas(pool: &IPPool, like_all: &AgentDeployments) -> Result<i32, String> {
    let Some(text) = pool.annotations().get(AGENT_REPLICAS_ANNOTATION) else { return Ok(like_all.replicas) };
    match text.trim().parse() {
        Ok(replicas) if (1..=MOST_REPLICAS).contains(&replicas) => Ok(replicas),
        _ => Err(format!(
            "the annotation {AGENT_REPLICAS_ANNOTATION} is {text:?} and no number from 1 to {MOST_REPLICAS}; the pool \
             has {} agents, as where there is none",
            like_all.replicas
        )),
    }
}
