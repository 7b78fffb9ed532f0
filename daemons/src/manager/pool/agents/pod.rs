//! What a Pod tells of the agent in it. Pure.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use vmdhcp_core::api::{
    AGENT_DEPLOYMENT_LABEL, AgentPodRef, IPPool, POOL_ANNOTATION, POOL_NAME_LABEL, POOL_NAMESPACE_LABEL,
};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::PoolRef;

use super::deployment::{CONTAINER, INTERFACE};

/// Multus's annotation on a Pod: what came of the networks that it is on.
const NETWORK_STATUS_ANNOTATION: &str = "k8s.v1.cni.cncf.io/network-status";
/// Why a container waits that is being started: it may have been meanwhile.
const GOES_ON: [&str; 3] = ["ContainerCreating", "PodInitializing", ""];
/// Longest text of others that goes into a condition.
const LONGEST_WORDS: usize = 500;

/// The pool that an object of the agents belongs to: ours say it in an annotation, upstream's Pods by labels.
pub(in crate::manager) fn pool_of<K: Resource>(object: &K) -> Option<PoolRef> {
    if let Some(pool) = object.annotations().get(POOL_ANNOTATION) {
        let (namespace, name) = pool.split_once('/')?;
        return Some(PoolRef { namespace: namespace.to_owned(), name: name.to_owned() });
    }
    let label = |key| object.labels().get(key).cloned();
    Some(PoolRef { namespace: label(POOL_NAMESPACE_LABEL)?, name: label(POOL_NAME_LABEL)? })
}

/// The same, for a controller.
pub(in crate::manager) fn pool_object_of<K: Resource>(object: &K) -> Option<ObjectRef<IPPool>> {
    pool_of(object).map(|pool| ObjectRef::new(&pool.name).within(&pool.namespace))
}

/// Whether one of our Deployments made it: upstream's are bare.
pub(in crate::manager::pool) fn is_ours(pod: &Pod) -> bool {
    pod.labels().contains_key(AGENT_DEPLOYMENT_LABEL)
}

/// Whether somebody has asked for its end.
pub(in crate::manager::pool) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether its Deployment counts it.
pub(in crate::manager::pool) fn is_active(pod: &Pod) -> bool {
    is_ours(pod) && !is_terminating(pod) && !has_ended(pod)
}

/// Whether all of it has ended, for good.
pub(in crate::manager::pool) fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether its agent may run now, or may have run and go on after an interruption. A Pod counts as long as there is its
/// object, also on a node that is not heard of any more.
///
/// One that the kubelet has said it cannot start does not: it has no memory, and whenever it starts it begins with the
/// newest state of its pool. Without this an image that cannot be pulled would keep addresses from ever coming back.
pub(in crate::manager::pool) fn may_run(pod: &Pod) -> bool {
    if has_ended(pod) || node(pod).is_none() {
        return false;
    }
    let has_run = |container: &ContainerStatus| {
        container.restart_count > 0
            || container.started == Some(true)
            || container.last_state.as_ref().is_some_and(|state| state.terminated.is_some())
    };
    let cannot_start = |container: &ContainerStatus| {
        let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
        waiting.is_some_and(|waiting| !GOES_ON.contains(&waiting.reason.as_deref().unwrap_or_default()))
    };
    let (init, main) = containers(pod);
    if main.iter().any(has_run) {
        return true;
    }
    !init.iter().chain(main).any(cannot_start)
}

/// Whether the kubelet says that it serves.
pub(in crate::manager::pool) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Image of the container that serves.
pub(super) fn image(pod: &Pod) -> Option<&str> {
    let containers = &pod.spec.as_ref()?.containers;
    // Upstream names it the same.
    let agent =
        containers.iter().find(|container| container.name == CONTAINER).or_else(|| containers.first());
    agent?.image.as_deref()
}

/// As upstream's status refers to it.
pub(in crate::manager::pool) fn reference(pod: &Pod) -> AgentPodRef {
    AgentPodRef {
        namespace: pod.namespace().unwrap_or_default(),
        name: pod.name_any(),
        image: image(pod).unwrap_or_default().to_owned(),
        uid: pod.uid().unwrap_or_default(),
    }
}

/// Whether a reference means this Pod. The first releases of upstream left the UID out.
pub(in crate::manager::pool) fn is_referred_to(pod: &Pod, reference: &AgentPodRef) -> bool {
    let is_same = |uid: &String| *uid == reference.uid;
    let is_named = reference.uid.is_empty() && pod.metadata.name.as_ref() == Some(&reference.name);
    is_named || pod.metadata.uid.as_ref().is_some_and(is_same)
}

/// MAC of its interface on the VM network, as Multus tells.
pub(in crate::manager::pool) fn mac(pod: &Pod) -> Option<MacAddr> {
    networks(pod).into_iter().find(|network| network.interface == INTERFACE)?.mac.parse().ok()
}

/// What Multus tells of one network that a Pod is on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::manager::pool) struct NetworkStatus {
    /// NAMESPACE/NAME of the network.
    pub(in crate::manager::pool) name: String,
    interface: String,
    pub(in crate::manager::pool) mac: String,
}

/// What Multus tells of a Pod.
pub(in crate::manager::pool) fn networks(pod: &Pod) -> Vec<NetworkStatus> {
    let told = pod.annotations().get(NETWORK_STATUS_ANNOTATION);
    told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Why the agent in a Pod does not serve, in a word and a sentence.
pub(in crate::manager::pool) fn obstacle(pod: &Pod) -> (&'static str, String) {
    const PENDING: &str = "PodPending";
    const FAILING: &str = "PodFailing";
    let name = format!("Pod {}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    if is_terminating(pod) {
        return ("PodTerminating", format!("{name} is ending, or its node is not heard of"));
    }
    if phase(pod) == "Failed" {
        let why =
            pod.status.as_ref().and_then(|status| status.message.as_deref().or(status.reason.as_deref()));
        return (FAILING, format!("{name} has failed: {}", words(why)));
    }
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let unscheduled = conditions
        .into_iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        return (PENDING, format!("{name} finds no node: {}", words(condition.message.as_deref())));
    }
    let (init, main) = containers(pod);
    for container in init.iter().chain(main) {
        if let Some(why) = stopped_container(container, pod) {
            let reason = if container.restart_count > 0 { FAILING } else { PENDING };
            return (reason, format!("{name}: {why}"));
        }
    }
    if phase(pod) == "Pending" || phase(pod).is_empty() {
        return (PENDING, format!("{name} is being started"));
    }
    ("AgentSilent", format!("{name} runs, and has not reported that it serves this pool's leases"))
}

/// What keeps a container from running. Texts that change with every attempt are left out: each would be a write of the
/// pool.
fn stopped_container(container: &ContainerStatus, pod: &Pod) -> Option<String> {
    let name = &container.name;
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    match waiting.reason.as_deref().unwrap_or_default() {
        reason if GOES_ON.contains(&reason) => None,
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
            let image = image(pod).unwrap_or_default();
            Some(format!("the image {image} cannot be pulled; kubectl describe pod tells why"))
        }
        "CrashLoopBackOff" => {
            let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let why = last.map(|last| {
                let message = last.message.as_deref().or(last.reason.as_deref());
                format!(", the last time with exit code {} ({})", last.exit_code, words(message))
            });
            Some(format!("its container {name} ends again and again{}", why.unwrap_or_default()))
        }
        reason => Some(format!(
            "its container {name} does not start: {reason}: {}",
            words(waiting.message.as_deref())
        )),
    }
}

/// The beginning of what others say.
fn words(text: Option<&str>) -> String {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).unwrap_or("no reason is given");
    text.chars().take(LONGEST_WORDS).collect()
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
}

/// The states of the init containers, and of the others.
fn containers(pod: &Pod) -> (&[ContainerStatus], &[ContainerStatus]) {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref());
    let main = status.and_then(|status| status.container_statuses.as_deref());
    (init.unwrap_or_default(), main.unwrap_or_default())
}
