//! What a pool's status tells of its agents, and the conditions that do not follow from allocations. Pure.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use vmdhcp_core::api::{
    AgentStatus, ConditionStatus, HOLD_AGENT_UPGRADE_ANNOTATION, IPPoolStatus, condition, set_condition,
};

use super::super::events::Notice;
use super::agents::{Registration, pod};
use super::observe::{Agent, Observation, Placed};
use super::plan::{PoolPlan, unserved};

/// Most agents of which a status tells.
const LONGEST_ROSTER: usize = 64;
/// The condition of a network on which a guest can pretend to be another.
const MAC_SPOOFING: &str = "MACSpoofing";
/// What it says.
const UNCHECKED: &str = "the VM network lets a guest send under the MAC of another: one that does is told the other's address, \
     and can take its traffic; if no guest needs other MACs than its own, as nested VMs do, have the network check them \
     (\"macspoofchk\": true in the configuration of a bridge, \"spoofchk\": \"on\" in that of an SR-IOV network)";
/// Longest answer of the API that goes into a condition.
const LONGEST_WORDS: usize = 1_000;

/// The roster of the agents, and the one to whom upstream's status refers: of those that serve the one that it was, or
/// else the oldest.
pub(super) fn set_agents(observation: &Observation, status: &mut IPPoolStatus, planned: &mut PoolPlan) {
    let known =
        observation.agents.iter().filter(|agent| agent.pod.is_some() || !agent.report.agent.is_empty());
    status.agents = known.map(roster_entry).take(LONGEST_ROSTER).collect();
    status.route_helpers = observation.route_helpers.iter().map(ToString::to_string).collect();
    let Placed::OnCluster { pods, .. } = &observation.placed else { return };
    let former = status.agent_pod_ref.take();
    if observation.object.spec.paused == Some(true) {
        return;
    }
    let serving = observation.agents.iter().filter(|agent| is_serving(agent, observation));
    let serving = || serving.clone().filter_map(|agent| agent.pod.as_deref());
    let ours = || serving().filter(|pod| pod::is_ours(pod));
    // Only where none of ours serves does one of upstream's count.
    let is_former = |pod: &&Pod| former.as_ref().is_some_and(|former| pod::is_referred_to(pod, former));
    let chosen = ours().find(is_former).or_else(|| ours().next()).or_else(|| serving().find(is_former));
    let Some(chosen) = chosen.or_else(|| serving().next()) else {
        let is_there = pods.iter().any(|pod| is_former(&&**pod));
        // The image that an upgrade is held at is remembered here.
        let is_held = observation.object.annotations().contains_key(HOLD_AGENT_UPGRADE_ANNOTATION);
        status.agent_pod_ref = former.filter(|_| is_there || is_held);
        return;
    };
    if let Some(former) = former.as_ref().filter(|_| !is_former(&chosen)) {
        planned.news.push(Notice {
            reason: "AgentMoved",
            message: format!(
                "the agent in Pod {} serves now; before it was {}",
                chosen.name_any(),
                former.name
            ),
            action: "Serve",
        });
    }
    status.agent_pod_ref = Some(pod::reference(chosen));
}

fn is_serving(agent: &Agent, observation: &Observation) -> bool {
    agent.serves(observation.object.metadata.uid.as_deref(), observation.now)
}

fn roster_entry(agent: &Agent) -> AgentStatus {
    let pod = agent.pod.as_deref();
    // What a Pod is called and which MAC it was given is not for its agent to say.
    let name = pod.map_or_else(|| agent.report.agent.clone(), ResourceExt::name_any);
    let mac = pod.and_then(pod::mac).or_else(|| agent.report.mac_address.parse().ok());
    let of_upstream = pod.filter(|pod| !pod::is_ours(pod));
    AgentStatus {
        name: name.chars().take(253).collect(),
        mac_address: mac.map(|mac| mac.to_string()).unwrap_or_default(),
        ready: of_upstream.map_or(agent.report.ready, pod::is_ready),
    }
}

/// Sets a condition that tells of something, while there is a message; it is absent until the first time. Whether it has
/// turned True.
pub(super) fn tell_of(
    observation: &Observation,
    status: &mut IPPoolStatus,
    type_: &str,
    (reason, over): (&str, &str),
    message: Option<&str>,
) -> bool {
    let present = condition(&status.conditions, type_).map(|condition| condition.status == "True");
    let (holds, reason) = match message {
        Some(_) => (ConditionStatus::True, reason),
        None if present.is_some() => (ConditionStatus::False, over),
        None => return false,
    };
    let message = message.unwrap_or_default();
    set_condition(&mut status.conditions, type_, holds, reason, message, observation.now);
    holds == ConditionStatus::True && present != Some(true)
}

/// Sets a condition that tells of trouble, as [`tell_of`] does; its turning True is an Event.
pub(super) fn trouble(
    observation: &Observation,
    status: &mut IPPoolStatus,
    planned: &mut PoolPlan,
    type_: &str,
    reason: &'static str,
    over: &'static str,
    message: Option<String>,
) {
    let turned = tell_of(observation, status, type_, (reason, over), message.as_deref());
    if let Some(message) = message.filter(|_| turned) {
        planned.notices.push(Notice { reason, message, action: "Allocate" });
    }
}

/// Sets `MACSpoofing`: whether a guest can take another's address with its MAC. No Event: it is so on most networks.
fn set_spoofing(observation: &Observation, status: &mut IPPoolStatus) {
    let is_told = condition(&status.conditions, MAC_SPOOFING).is_some();
    let (holds, reason, message) = match observation.network.checks_macs {
        Some(false) => (ConditionStatus::True, "MACsNotChecked", UNCHECKED),
        Some(true) if is_told => (ConditionStatus::False, "MACsChecked", ""),
        None if is_told => (ConditionStatus::Unknown, "NetworkDoesNotSay", ""),
        Some(true) | None => return,
    };
    set_condition(&mut status.conditions, MAC_SPOOFING, holds, reason, message, observation.now);
}

/// The four conditions of upstream, that of a network which lets guests pretend, and those of what had to be left out.
pub(super) fn set_conditions(observation: &Observation, status: &mut IPPoolStatus, planned: &mut PoolPlan) {
    set_spoofing(observation, status);
    let now = observation.now;
    let paused = observation.object.spec.paused == Some(true);
    let former = condition(&status.conditions, "Registered").map(|former| former.reason.clone());
    let mut set = |type_: &str, holds: bool, reason: &str, message: &str| {
        set_condition(&mut status.conditions, type_, holds.into(), reason, message, now);
    };
    set("Stopped", paused, if paused { "Paused" } else { "InService" }, "");
    if paused {
        for type_ in ["Registered", "CacheReady", "AgentReady"] {
            set(type_, false, "Paused", "the pool is paused; resume it with spec.paused: false");
        }
        return;
    }
    match (&observation.pool, &observation.rival) {
        (Err(errors), _) => {
            let message = errors.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            set("CacheReady", false, unserved(errors), &message);
        }
        (Ok(_), Some(rival)) => {
            set("CacheReady", false, "NetworkTaken", &format!("the network has the pool {rival} already"));
        }
        (Ok(_), None) => set("CacheReady", true, "Loaded", ""),
    }
    if let Some(Verdict { holds, reason, message }) = registered(observation) {
        set("Registered", holds, reason, &message);
        // On a cluster somebody has to see to it; on one machine an interface was left out on purpose.
        let is_news = former.as_deref() != Some(reason);
        if !holds && is_news && matches!(observation.placed, Placed::OnCluster { .. }) {
            planned.notices.push(Notice { reason, message, action: "Deploy" });
        }
    }
    let Verdict { holds, reason, message } = agent_ready(observation);
    set("AgentReady", holds, reason, &message);
    let complaints =
        observation.pool.as_ref().map(|(_, complaints)| complaints.as_slice()).unwrap_or_default();
    let complaint = (!complaints.is_empty()).then(|| {
        let list = complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        format!("left out: {list}")
    });
    trouble(observation, status, planned, "OptionsLeftOut", "InvalidOptions", "AllServed", complaint);
    let replicas = match &observation.placed {
        Placed::OnCluster { replicas: Err(message), .. } => Some(message.clone()),
        _ => None,
    };
    trouble(observation, status, planned, "AgentReplicasLeftOut", "InvalidReplicas", "AsAsked", replicas);
}

/// What a condition says.
struct Verdict {
    holds: bool,
    reason: &'static str,
    message: String,
}

impl Verdict {
    const fn yes(reason: &'static str) -> Self {
        Self { holds: true, reason, message: String::new() }
    }

    const fn no(reason: &'static str, message: String) -> Self {
        Self { holds: false, reason, message }
    }
}

/// Whether the pool has agents, running or not; `None` where nobody has looked yet, and so nothing changes.
fn registered(observation: &Observation) -> Option<Verdict> {
    let network = &observation.object.spec.network_name;
    let registration = match &observation.placed {
        Placed::Here { has_interface: true } => return Some(Verdict::yes("AgentPlaced")),
        Placed::Here { has_interface: false } => {
            let message = format!(
                "no agent serves the network {network} here; start standalone with --nic {network}=INTERFACE"
            );
            return Some(Verdict::no("NoInterface", message));
        }
        Placed::Elsewhere => return Some(Verdict::yes("Elsewhere")),
        Placed::OnCluster { registration, .. } => registration.as_ref()?,
    };
    Some(match registration {
        // The next look at the pool, which its resuming has caused, says better.
        Registration::Paused => return None,
        Registration::Deployed => Verdict::yes("AgentDeployed"),
        Registration::Held => Verdict {
            holds: true,
            reason: "UpgradeHeld",
            message: format!(
                "the agent of the system before serves on; remove the annotation {HOLD_AGENT_UPGRADE_ANNOTATION} to replace it"
            ),
        },
        Registration::Unnamed => {
            Verdict::no("NetworkInvalid", format!("spec.networkName {network:?} names no network"))
        }
        Registration::NetworkMissing => Verdict::no(
            "NetworkMissing",
            format!("there is no NetworkAttachmentDefinition {network}; agents are started when there is"),
        ),
        Registration::OverlayNetwork => Verdict::no(
            "OverlayNetwork",
            format!(
                "{network} is an overlay network, which gives addresses itself: use the DHCP of its Subnet, and delete \
                 this pool"
            ),
        ),
        Registration::NetworkTaken(rival) => Verdict::no(
            "NetworkTaken",
            format!("the network has the pool {rival} already; this one has agents when that one is gone"),
        ),
        Registration::NameTaken(owner) => Verdict::no(
            "NameTaken",
            format!(
                "the agents of pool {owner} have the name that those of this one would have; rename one of the two"
            ),
        ),
        Registration::Refused(message) => {
            let message: String = message.chars().take(LONGEST_WORDS).collect();
            Verdict::no(
                "DeploymentRefused",
                format!("the API does not take the agents' Deployment: {message}"),
            )
        }
    })
}

/// Whether an agent with this pool's leases serves, or what keeps the most promising one from it.
fn agent_ready(observation: &Observation) -> Verdict {
    if matches!(observation.placed, Placed::Elsewhere) {
        return Verdict::yes("Elsewhere");
    }
    if observation.agents.iter().any(|agent| is_serving(agent, observation)) {
        return Verdict::yes("Serving");
    }
    match &observation.placed {
        Placed::OnCluster { deployment, pods, .. } => {
            let newest = pods.iter().rev();
            let ours = newest.clone().find(|pod| pod::is_active(pod));
            if let Some(pod) = ours.or_else(|| newest.clone().next()) {
                let (reason, message) = pod::obstacle(pod);
                return Verdict::no(reason, message);
            }
            let why = deployment.as_deref().and_then(failure);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            Verdict::no("NoAgent", format!("no agent of this pool runs{why}"))
        }
        _ if observation.agents.is_empty() => {
            Verdict::no("NoAgent", "no agent of this pool has been started".to_owned())
        }
        _ => Verdict::no(
            "AgentSilent",
            "no agent has reported in the last 40 s that it serves this pool's leases".to_owned(),
        ),
    }
}

/// Why a Deployment makes no Pods.
fn failure(deployment: &Deployment) -> Option<String> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let failure = conditions
        .iter()
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")?;
    Some(failure.message.as_deref()?.chars().take(LONGEST_WORDS).collect())
}
