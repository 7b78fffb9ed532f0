//! Agents on a cluster: a Deployment for each pool, and a Lease for each of its Pods.
//!
//! ```text
//! stores of Deployments, Pods, Leases, networks ──▶ Situation ──plan──▶ Placing ──▶ the API
//!                                                                         └──▶ Registration, told by the allocator
//! ```
//!
//! The objects are in another namespace than the pool, so nothing owns them but the pool's finalizer, and `super::sweep` finds
//! what has been left behind all the same. Not here: what an agent's report says (`super::observe`), and any status.

pub(super) mod deployment;
pub(super) mod plan;
pub(super) mod pod;
mod watches;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{CLUSTER_NETWORK_LABEL, IPPool, POOL_ANNOTATION};
use vmdhcp_core::pool::PoolRef;

pub(super) use deployment::agent_name;
pub(super) use plan::Registration;
pub(in crate::manager) use pod::pool_object_of;
pub(in crate::manager) use watches::AgentWatches;

use super::super::vmnetwork::is_overlay;
use super::super::{AgentDeployments, Context, Placement};
use super::observe::agents_of;
use super::{network_of, rival_of};
use plan::{Network, Placing, Reporting, Situation, Wanted};

/// Under whose name our fields of a Deployment are applied.
const FIELD_MANAGER: &str = "vmdhcp-manager";
/// After this long the API is asked again for what it refused: a quota may have been raised.
const REFUSAL_LASTS: Duration = Duration::from_secs(45);

/// What agents are made of, as it is watched, and what has been done about it. Empty where there is no cluster.
pub(in crate::manager) struct Workloads {
    pub(in crate::manager) pods: Store<Pod>,
    pub(in crate::manager) deployments: Store<Deployment>,
    pub(in crate::manager) budgets: Store<PodDisruptionBudget>,
    /// Whether Multus is there, so that a network that is not known does not exist.
    pub(in crate::manager) has_multus: bool,
    records: Mutex<BTreeMap<PoolRef, Record>>,
}

/// What this manager has done for a pool.
#[derive(Debug, Default)]
struct Record {
    registration: Option<Registration>,
    deployment: Option<Request>,
    budget: Option<Request>,
}

/// What the API was asked to store, and what it answered.
#[derive(Debug, Clone)]
struct Request {
    wanted: serde_json::Value,
    answer: Answer,
}

#[derive(Debug, Clone)]
enum Answer {
    Stored { uid: Option<String>, generation: Option<i64> },
    Refused { message: String, at: Instant },
}

impl Request {
    /// Whether the same request would change nothing, or would get the same answer.
    fn stands(&self, wanted: &serde_json::Value, stored: Option<&ObjectMeta>) -> bool {
        let is_answered = match &self.answer {
            Answer::Stored { uid, generation } => stored.is_some_and(|stored| {
                stored.uid == *uid && stored.generation == *generation && stored.deletion_timestamp.is_none()
            }),
            Answer::Refused { at, .. } => at.elapsed() < REFUSAL_LASTS,
        };
        is_answered && self.wanted == *wanted
    }

    fn result(&self) -> Result<(), String> {
        match &self.answer {
            Answer::Stored { .. } => Ok(()),
            Answer::Refused { message, .. } => Err(message.clone()),
        }
    }
}

/// Why the agents of a pool could not be placed; it is tried again.
#[derive(Debug)]
pub(super) struct PlacingError {
    pub(super) step: &'static str,
    pub(super) error: kube::Error,
}

/// As what a step has failed.
fn failed(step: &'static str) -> impl Fn(kube::Error) -> PlacingError {
    move |error| PlacingError { step, error }
}

impl Workloads {
    pub(in crate::manager) fn new(
        pods: Store<Pod>,
        deployments: Store<Deployment>,
        budgets: Store<PodDisruptionBudget>,
        has_multus: bool,
    ) -> Self {
        Self { pods, deployments, budgets, has_multus, records: Mutex::default() }
    }

    /// What became of the agents of a pool, if this manager has looked already.
    pub(super) fn registration(&self, pool: &PoolRef) -> Option<Registration> {
        self.with(pool, |record| record.registration.clone())
    }

    /// The Deployment of a pool; or one of that name.
    pub(super) fn deployment(&self, pool: &PoolRef, like_all: &AgentDeployments) -> Option<Arc<Deployment>> {
        self.deployments.get(&ObjectRef::new(&agent_name(pool)).within(&like_all.namespace))
    }

    /// All Pods of a pool, the oldest first.
    pub(super) fn pods_of(&self, pool: &PoolRef) -> Vec<Arc<Pod>> {
        let pods = self.pods.state().into_iter();
        let mut pods: Vec<_> = pods.filter(|pod| pod::pool_of(&**pod).as_ref() == Some(pool)).collect();
        pods.sort_by_key(|pod| (pod.creation_timestamp().map(|time| time.0), pod.name_any()));
        pods
    }

    fn with<T>(&self, pool: &PoolRef, act: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        act(records.entry(pool.clone()).or_default())
    }

    pub(super) fn forget(&self, is_gone: impl Fn(&PoolRef) -> bool) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).retain(|pool, _| !is_gone(pool));
    }
}

/// The Lease by which a Pod reports: one of its name that an earlier Pod has left is not its own.
pub(super) fn lease_of(pod: &Pod, leases: &Store<Lease>) -> Option<Arc<Lease>> {
    leases.get(&lease_name(pod)).filter(|lease| belongs_to(lease, pod))
}

fn lease_name(pod: &Pod) -> ObjectRef<Lease> {
    ObjectRef::new(&pod.name_any()).within(&pod.namespace().unwrap_or_default())
}

pub(super) fn belongs_to(lease: &Lease, pod: &Pod) -> bool {
    lease.owner_references().iter().any(|owner| Some(&owner.uid) == pod.metadata.uid.as_ref())
}

/// Sees to the agents of a pool, where that is done by Deployments.
pub(super) async fn place(stored: &IPPool, key: &PoolRef, context: &Context) -> Result<(), PlacingError> {
    let Placement::Deployments(like_all) = &context.placement else { return Ok(()) };
    let situation = observe(stored, key, like_all, context);
    let Placing { mut registration, wanted, leases, stale_leases, superseded } = plan::plan(&situation);
    let result = async {
        match wanted {
            Wanted::Agents(deployment, budget) => {
                let applied = apply(&deployment, budget.as_deref(), key, like_all, context).await?;
                if let Err(message) = applied {
                    registration = Registration::Refused(message);
                }
            }
            Wanted::Nothing => remove_deployment(key, like_all, context).await?,
            Wanted::Unchanged => {}
        }
        for lease in &stale_leases {
            delete(&context.client, &**lease)
                .await
                .map_err(failed("deleting the Lease of an earlier Pod"))?;
        }
        for lease in &leases {
            create_lease(lease, context).await.map_err(failed("creating an agent's Lease"))?;
        }
        for pod in &superseded {
            tracing::info!(pool = %key, pod = pod.name_any(), "deleting the agent that another system has left");
            delete(&context.client, &**pod).await.map_err(failed("deleting an agent of before"))?;
        }
        Ok(())
    };
    let result = result.await;
    // What failed without an answer is tried again, and what was known of it holds until then.
    if result.is_ok() {
        context.workloads.with(key, |record| record.registration = Some(registration));
    }
    result
}

/// Removes all that a pool's agents are made of. What is gone already is done.
pub(super) async fn remove(key: &PoolRef, context: &Context) -> Result<(), PlacingError> {
    let Placement::Deployments(like_all) = &context.placement else { return Ok(()) };
    // By name, as the store may not have it yet.
    if !is_anothers(key, like_all, context) {
        let name = agent_name(key);
        delete_named::<Deployment>(&context.client, &like_all.namespace, &name)
            .await
            .map_err(failed("deleting the agents' Deployment"))?;
        delete_named::<PodDisruptionBudget>(&context.client, &like_all.namespace, &name)
            .await
            .map_err(failed("deleting the agents' PodDisruptionBudget"))?;
    }
    for pod in context.workloads.pods_of(key).into_iter().filter(|pod| !pod::is_ours(pod)) {
        delete(&context.client, &*pod).await.map_err(failed("deleting an agent of before"))?;
    }
    for lease in
        context.leases.state().into_iter().filter(|lease| pod::pool_of(&**lease).as_ref() == Some(key))
    {
        delete(&context.client, &*lease).await.map_err(failed("deleting an agent's Lease"))?;
    }
    context.workloads.forget(|pool| pool == key);
    Ok(())
}

fn observe<'a>(
    stored: &'a IPPool,
    key: &'a PoolRef,
    like_all: &'a AgentDeployments,
    context: &Context,
) -> Situation<'a> {
    let network_name = network_of(stored);
    let pods = context.workloads.pods_of(key);
    let reporting = pods.iter().filter(|pod| pod::is_ours(pod)).filter_map(|pod| {
        match context.leases.get(&lease_name(pod)) {
            None => Some(Reporting::No(Arc::clone(pod))),
            Some(lease) if !belongs_to(&lease, pod) => Some(Reporting::Anothers(lease)),
            Some(_) => None,
        }
    });
    let now = context.now();
    let agents = agents_of(key, context);
    let serves = agents.iter().any(|agent| {
        agent.pod.as_ref().is_some_and(|pod| pod::is_ours(pod))
            && agent.serves(stored.metadata.uid.as_deref(), now)
    });
    Situation {
        key,
        pool: stored,
        network: network_name.as_ref().map_or(Network::Unknown, |network| network_at(network, context)),
        rival: rival_of(stored, context),
        network_name,
        deployment: context.workloads.deployment(key, like_all),
        reporting: reporting.collect(),
        pods,
        serves,
        like_all,
    }
}

fn network_at(network: &NetworkName, context: &Context) -> Network {
    if !context.workloads.has_multus {
        return Network::Unknown;
    }
    let Some(found) = context.network(network) else {
        return Network::Missing;
    };
    if is_overlay(&*found) {
        return Network::Overlay;
    }
    let cluster_network = found.labels().get(CLUSTER_NETWORK_LABEL).filter(|value| !value.is_empty());
    Network::Present { cluster_network: cluster_network.cloned() }
}

/// Whether a Deployment of that pool's name is another pool's.
fn is_anothers(key: &PoolRef, like_all: &AgentDeployments, context: &Context) -> bool {
    let deployment = context.workloads.deployment(key, like_all);
    deployment.is_some_and(|deployment| {
        deployment.annotations().get(POOL_ANNOTATION).is_some_and(|owner| *owner != key.to_string())
    })
}

async fn remove_deployment(
    key: &PoolRef,
    like_all: &AgentDeployments,
    context: &Context,
) -> Result<(), PlacingError> {
    if is_anothers(key, like_all, context) {
        return Ok(());
    }
    if let Some(deployment) = context.workloads.deployment(key, like_all) {
        delete(&context.client, &*deployment).await.map_err(failed("deleting the agents' Deployment"))?;
    }
    remove_budget(key, like_all, context).await
}

async fn remove_budget(
    key: &PoolRef,
    like_all: &AgentDeployments,
    context: &Context,
) -> Result<(), PlacingError> {
    let name = ObjectRef::new(&agent_name(key)).within(&like_all.namespace);
    let Some(budget) = context.workloads.budgets.get(&name) else { return Ok(()) };
    delete(&context.client, &*budget).await.map_err(failed("deleting the agents' PodDisruptionBudget"))
}

/// Makes Deployment and budget what they shall be, unless they are. The inner error is the API's answer.
async fn apply(
    deployment: &Deployment,
    budget: Option<&PodDisruptionBudget>,
    key: &PoolRef,
    like_all: &AgentDeployments,
    context: &Context,
) -> Result<Result<(), String>, PlacingError> {
    let Workloads { deployments, budgets, .. } = &context.workloads;
    let last = context.workloads.with(key, |record| record.deployment.take());
    let asked = apply_one(deployment, deployments, last, &context.client).await;
    let asked = asked.map_err(failed("applying the agents' Deployment"))?;
    let result = asked.result();
    context.workloads.with(key, |record| record.deployment = Some(asked));
    if result.is_err() {
        return Ok(result);
    }
    let Some(budget) = budget else {
        remove_budget(key, like_all, context).await?;
        return Ok(Ok(()));
    };
    let last = context.workloads.with(key, |record| record.budget.take());
    let asked = apply_one(budget, budgets, last, &context.client).await;
    let asked = asked.map_err(failed("applying the agents' PodDisruptionBudget"))?;
    let result = asked.result();
    context.workloads.with(key, |record| record.budget = Some(asked));
    Ok(result)
}

/// Applies an object, unless it is stored as the last identical request left it.
///
/// What is compared is the request, and not what is stored: the API fills in defaults and writes numbers its own way.
/// What others have added stays theirs; what they change of ours changes the generation, and is applied again.
async fn apply_one<K>(
    wanted: &K,
    stored: &Store<K>,
    last: Option<Request>,
    client: &Client,
) -> kube::Result<Request>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug,
{
    let (name, namespace) = (wanted.name_any(), wanted.namespace().unwrap_or_default());
    let wanted = serde_json::to_value(wanted).map_err(kube::Error::SerdeError)?;
    let stored = stored.get(&ObjectRef::new(&name).within(&namespace));
    if let Some(last) = last.filter(|last| last.stands(&wanted, stored.as_ref().map(|stored| stored.meta())))
    {
        return Ok(last);
    }
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let answer = match api.patch(&name, &parameters, &Patch::Apply(&wanted)).await {
        Ok(stored) => Answer::Stored { uid: stored.uid(), generation: stored.meta().generation },
        // What it would answer the next time too.
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 404 | 413 | 422) => {
            Answer::Refused { message: status.message.clone(), at: Instant::now() }
        }
        Err(error) => return Err(error),
    };
    Ok(Request { wanted, answer })
}

async fn create_lease(lease: &Lease, context: &Context) -> kube::Result<()> {
    let api: Api<Lease> = Api::namespaced(context.client.clone(), &lease.namespace().unwrap_or_default());
    match api.create(&PostParams::default(), lease).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        result => result.map(drop),
    }
}

/// Deletes this very object; that it is gone, or another has taken its name, is as good.
pub(super) async fn delete<K>(client: &Client, object: &K) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let this = Preconditions { uid: object.uid(), resource_version: None };
    let parameters = DeleteParams::background().preconditions(this);
    match api.delete(&object.name_any(), &parameters).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        result => result.map(drop),
    }
}

async fn delete_named<K>(client: &Client, namespace: &str, name: &str) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    match api.delete(name, &DeleteParams::background()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        result => result.map(drop),
    }
}
