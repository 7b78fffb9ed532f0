//! The pool reconciler: finalizer, default values, the agents' Leases, and the end of a pool. All that is status is the
//! allocator's.

mod agents;
pub(super) mod allocator;
mod apply;
mod ceiling;
mod clients;
mod conditions;
mod loss;
mod network_labels;
mod observe;
mod plan;
pub(super) mod route_helper;
mod seen;
mod standing;
mod sweep;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};
use serde_json::json;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{
    AGENT_COMPONENT, ALLOCATING_ANNOTATION, COMPONENT_LABEL, IPPOOL_FINALIZER, IPPool, IPPoolSpec,
    POOL_ANNOTATION, REUSE_ANNOTATION,
};
use vmdhcp_core::pool::{PoolRef, defaults};

pub(super) use agents::{AgentWatches, Workloads, pool_object_of};
pub(super) use allocator::{AllocatorError, Allocators};
pub(super) use plan::POOL_TOO_LARGE;
pub(super) use sweep::sweep;
pub(super) use told::{CardSettlements, Told};

use super::{Context, GuardedNetwork, ManagerError, Placement, vmnetwork};
use agents::PlacingError;

/// Why a pool could not be reconciled; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoolReconcileError {
    #[error("IPPool {pool}: {step}: {error}")]
    Api { pool: PoolRef, step: &'static str, error: kube::Error },
    #[error(transparent)]
    Watch(#[from] ManagerError),
    #[error("IPPool {pool}: {error}")]
    Allocator { pool: PoolRef, error: AllocatorError },
}

impl PoolReconcileError {
    /// In one word, for the metric.
    fn reason(&self) -> &'static str {
        match self {
            Self::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => "Conflict",
            Self::Api { .. } => "Api",
            Self::Watch(_) => "Watch",
            Self::Allocator { error, .. } => error.reason(),
        }
    }
}

/// Name of the Lease by which the agent of a pool reports, in the pool's namespace: that of the pool.
pub fn agent_lease_name(pool: &PoolRef) -> String {
    pool.name.clone()
}

/// The network that a pool serves, if its spec names one.
fn network_of(pool: &IPPool) -> Option<NetworkName> {
    NetworkName::parse(&pool.spec.network_name, &pool.namespace().unwrap_or_default()).ok()
}

/// The pool that serves a network: one that is not the oldest waits until the older one is gone.
pub(crate) fn pool_of_network(network: &NetworkName, pools: &Store<IPPool>) -> Option<Arc<IPPool>> {
    let on_network = pools.state().into_iter().filter(|pool| network_of(pool).as_ref() == Some(network));
    on_network.min_by_key(|pool| (pool.creation_timestamp().map(|time| time.0), pool.uid()))
}

/// The older pool of the network of a pool.
fn rival_of(pool: &IPPool, context: &Context) -> Option<PoolRef> {
    let oldest = pool_of_network(&network_of(pool)?, &context.pools)?;
    Some(PoolRef::of(&oldest)).filter(|oldest| *oldest != PoolRef::of(pool))
}

/// Has the pools of a network looked at when something happens to it: it decides where their agents run.
pub(super) fn network_changes(
    context: &Arc<Context>,
) -> impl FnMut(&watcher::Event<GuardedNetwork>) + Send + 'static {
    let context = Arc::clone(context);
    let mut listed = Vec::new();
    move |event| {
        match event {
            watcher::Event::Init => listed.clear(),
            watcher::Event::InitApply(network) => listed.push(vmnetwork::name_of(network)),
            // Only now the store has what was listed.
            watcher::Event::InitDone => {
                for network in listed.drain(..) {
                    tell_pools_on(&network, &context);
                }
            }
            watcher::Event::Apply(network) | watcher::Event::Delete(network) => {
                tell_pools_on(&vmnetwork::name_of(network), &context);
            }
        }
    }
}

/// Has the other pools of its network looked at when a pool is gone: the next oldest serves from then on.
pub(super) fn pool_changes(context: &Arc<Context>) -> impl FnMut(&watcher::Event<IPPool>) + Send + 'static {
    let context = Arc::clone(context);
    move |event| {
        if let watcher::Event::Delete(pool) = event
            && let Some(network) = network_of(pool)
        {
            tell_pools_on(&network, &context);
        }
    }
}

/// Has all pools of a network looked at, in the order of their names.
fn tell_pools_on(network: &NetworkName, context: &Context) {
    let pools = context.pools.state().into_iter();
    let on_network = pools.filter(|pool| network_of(pool).as_ref() == Some(network));
    let on_network: BTreeSet<_> = on_network.map(|pool| PoolRef::of(&pool)).collect();
    for pool in on_network {
        context.changed.pools.send(ObjectRef::new(&pool.name).within(&pool.namespace));
    }
}

/// Brings one pool a step further.
pub(super) async fn reconcile(
    stored: Arc<IPPool>,
    context: Arc<Context>,
) -> Result<Action, PoolReconcileError> {
    context.lists_complete().await?;
    let key = PoolRef::of(&stored);
    let api: Api<IPPool> = Api::namespaced(context.client.clone(), &key.namespace);
    let failed = |step| {
        let pool = key.clone();
        move |error| PoolReconcileError::Api { pool, step, error }
    };
    let has_finalizer = stored.finalizers().iter().any(|finalizer| finalizer == IPPOOL_FINALIZER);
    if stored.meta().deletion_timestamp.is_some() {
        if has_finalizer {
            finish(&stored, &key, &api, &context).await?;
        } else {
            context.allocators.forget(&key).await;
        }
        return Ok(Action::await_change());
    }
    if !has_finalizer {
        let mut finalizers = stored.finalizers().to_vec();
        finalizers.push(IPPOOL_FINALIZER.to_owned());
        patch_metadata(&api, &stored, json!({ "finalizers": finalizers }))
            .await
            .map_err(failed("adding the finalizer"))?;
        // The change comes back as an event, with the version that the next step needs.
        return Ok(Action::await_change());
    }
    let mut with_defaults = stored.spec.clone();
    if defaults::apply(&mut with_defaults) {
        persist_defaults(&api, &stored, &with_defaults).await.map_err(failed("storing default values"))?;
        return Ok(Action::await_change());
    }
    if vmnetwork::follow(&stored, &context).await.map_err(failed("following its VM network"))? {
        return Ok(Action::await_change());
    }
    ensure_agent_lease(&stored, &key, &context).await.map_err(failed("creating the agent's Lease"))?;
    // What the agents lack must not keep claims from their addresses.
    let placed = agents::place(&stored, &key, &context).await;
    let allocator = context.allocators.of(&stored, &context);
    let pass = allocator
        .refresh()
        .await
        .map_err(|error| PoolReconcileError::Allocator { pool: key.clone(), error })?;
    if pass.reuse_acted_on {
        let annotations = json!({ "annotations": { REUSE_ANNOTATION: null } });
        patch_metadata(&api, &stored, annotations).await.map_err(failed("removing the reuse annotation"))?;
    }
    let ipv4 = pass.object.status.as_ref().and_then(|status| status.ipv4.as_ref());
    if ipv4.is_some_and(|ipv4| ipv4.longest_lease.is_some()) && !loss::is_marked(&pass.object) {
        // After its first status and not before: from now on a pool without one has lost it.
        let annotations = json!({ "annotations": { ALLOCATING_ANNOTATION: pass.object.uid() } });
        patch_metadata(&api, &pass.object, annotations).await.map_err(failed("marking the pool"))?;
    }
    placed.map_err(|PlacingError { step, error }| failed(step)(error))?;
    network_labels::name(&stored, &context).await.map_err(failed("having the network name its pool"))?;
    // A look now and then mends what no event told of, such as a Lease that somebody deleted.
    Ok(Action::requeue(Duration::from_secs(60)))
}

/// A pool that failed is tried again; a conflict soon, since only a stale copy stands in the way.
#[expect(clippy::needless_pass_by_value, reason = "the signature that Controller::run asks for")]
pub(super) fn error_policy(_: Arc<IPPool>, error: &PoolReconcileError, context: Arc<Context>) -> Action {
    context.metrics.reconcile_failed("pool", error.reason());
    match error {
        PoolReconcileError::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => {
            Action::requeue(Duration::from_millis(50))
        }
        error => {
            tracing::warn!(%error, "a pool could not be reconciled");
            Action::requeue(Duration::from_secs(2))
        }
    }
}

/// Lets a deleted pool go once no claim has an address of it; until then it goes on serving.
async fn finish(
    stored: &IPPool,
    key: &PoolRef,
    api: &Api<IPPool>,
    context: &Arc<Context>,
) -> Result<(), PoolReconcileError> {
    let failed = |step| {
        let pool = key.clone();
        move |error| PoolReconcileError::Api { pool, step, error }
    };
    let placed = agents::place(stored, key, context).await;
    let allocator = context.allocators.of(stored, context);
    let pass = allocator
        .refresh()
        .await
        .map_err(|error| PoolReconcileError::Allocator { pool: key.clone(), error })?;
    placed.map_err(|PlacingError { step, error }| failed(step)(error))?;
    if !pass.drained {
        return Ok(());
    }
    let removed = agents::remove(key, context).await;
    removed.map_err(|PlacingError { step, error }| failed(step)(error))?;
    network_labels::forget(stored, context).await.map_err(failed("taking its name off the network"))?;
    // An allocator ends when nobody can ask it any more.
    drop(allocator);
    context.allocators.forget(key).await;
    let finalizers: Vec<_> =
        stored.finalizers().iter().filter(|finalizer| *finalizer != IPPOOL_FINALIZER).collect();
    let removed = patch_metadata(api, &pass.object, json!({ "finalizers": finalizers })).await;
    match removed {
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        result => result.map_err(|error| PoolReconcileError::Api {
            pool: key.clone(),
            step: "removing the finalizer",
            error,
        })?,
    }
    context.metrics.pools.forget(key);
    if let Some(network) = network_of(stored) {
        for claim in context.claims_by_network.on(&network) {
            context.changed.claims.send(claim.key.object());
        }
    }
    Ok(())
}

/// Patches metadata under the version that the decision was made on.
async fn patch_metadata(
    api: &Api<IPPool>,
    stored: &IPPool,
    mut metadata: serde_json::Value,
) -> kube::Result<()> {
    metadata["resourceVersion"] = json!(stored.resource_version());
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    api.patch_metadata(&stored.name_any(), &PatchParams::default(), &patch).await.map(drop)
}

/// Stores the fields that [`defaults::apply`] has filled in, and no others.
async fn persist_defaults(
    api: &Api<IPPool>,
    stored: &IPPool,
    with_defaults: &IPPoolSpec,
) -> kube::Result<()> {
    let Some(config) = &with_defaults.ipv4_config else { return Ok(()) };
    let patch = json!({
        "metadata": { "resourceVersion": stored.resource_version() },
        "spec": { "ipv4Config": {
            "serverIP": config.server_ip,
            "pool": { "start": config.pool.start, "end": config.pool.end },
        } },
    });
    api.patch(&stored.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)
}

/// Creates the Lease by which the pool's agent reports: agents may update theirs, and create none.
async fn ensure_agent_lease(stored: &IPPool, key: &PoolRef, context: &Context) -> kube::Result<()> {
    let Placement::Interfaces(interfaces) = &context.placement else { return Ok(()) };
    let name = agent_lease_name(key);
    let known = context.leases.get(&ObjectRef::new(&name).within(&key.namespace)).is_some();
    let placed = network_of(stored).is_some_and(|network| interfaces.contains_key(&network));
    if known || !placed {
        return Ok(());
    }
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(key.namespace.clone()),
            labels: Some([(COMPONENT_LABEL.to_owned(), AGENT_COMPONENT.to_owned())].into()),
            annotations: Some([(POOL_ANNOTATION.to_owned(), key.to_string())].into()),
            owner_references: Some(stored.owner_ref(&()).into_iter().collect()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec::default()),
    };
    let leases: Api<Lease> = Api::namespaced(context.client.clone(), &key.namespace);
    match leases.create(&PostParams::default(), &lease).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        result => result.map(drop),
    }
}
