//! What is left of pools that are gone or out of service, and which nobody has removed: the pool went while no manager
//! ran, or its finalizer was taken off by hand; or it is upstream's, which never cleaned up.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::MissedTickBehavior;
use vmdhcp_core::pool::PoolRef;

use super::super::{Context, ManagerError, Placement};
use super::agents::{belongs_to, delete, pod};
use super::network_labels;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(300);

/// Looks at once, and then now and then.
pub(in crate::manager) async fn sweep(context: &Context) -> Result<(), ManagerError> {
    context.lists_complete().await?;
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep_agents(context).await;
        network_labels::forget_absent(context).await;
    }
}

async fn sweep_agents(context: &Context) {
    if !matches!(context.placement, Placement::Deployments(_)) {
        return;
    }
    let workloads = &context.workloads;
    let pool = |key: &PoolRef| context.pools.get(&ObjectRef::new(&key.name).within(&key.namespace));
    let has_none = |key: &PoolRef| pool(key).is_none_or(|pool| pool.spec.paused == Some(true));
    remove_of(&workloads.deployments, "Deployment", &has_none, context).await;
    remove_of(&workloads.budgets, "PodDisruptionBudget", &has_none, context).await;
    // Those of ours go with their Deployment.
    for found in workloads.pods.state().into_iter().filter(|found| !pod::is_ours(found)) {
        if pod::pool_of(&*found).is_some_and(|key| has_none(&key)) {
            remove(&*found, "Pod", context).await;
        }
    }
    for lease in context.leases.state() {
        let name = ObjectRef::new(&lease.name_any()).within(&lease.namespace().unwrap_or_default());
        let pod = workloads.pods.get(&name);
        if !pod.is_some_and(|pod| belongs_to(&lease, &pod)) {
            remove::<Lease>(&lease, "Lease", context).await;
        }
    }
    workloads.forget(|key| pool(key).is_none());
}

async fn remove_of<K>(found: &Store<K>, kind: &str, has_none: impl Fn(&PoolRef) -> bool, context: &Context)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    for object in found.state() {
        if pod::pool_of(&*object).is_some_and(|key| has_none(&key)) {
            remove(&*object, kind, context).await;
        }
    }
}

async fn remove<K>(object: &K, kind: &str, context: &Context)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let name = object.name_any();
    match delete(&context.client, object).await {
        Ok(()) => tracing::info!(kind, name, "deleted what the agents of a pool have left behind"),
        Err(error) => tracing::warn!(kind, name, %error, "what the agents of a pool have left behind stays"),
    }
}
