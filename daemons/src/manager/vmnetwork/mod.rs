//! The vmnetwork reconciler: a pool that is made with its VM network, follows it and goes with it.
//!
//! A NetworkAttachmentDefinition that asks for it by an annotation (or any whose subnet is known, with
//! `--auto-pool=all`) gets an IPPool of its name, in its namespace. There are two halves. [`reconcile`] looks at a network
//! that has no such pool, and makes one. [`follow`] looks at a pool that was made so, as the first thing whenever the
//! pool is reconciled: it changes the pool as its network has changed, or deletes it. What cannot be done yet becomes a
//! condition, by way of the [`Ledger`] and the allocator, which alone writes the status.
//!
//! **Owned by a mark, not by an ownerReference.** The garbage collector would delete the pool of a deleted network
//! although VMs use it; its finalizer would hold it, terminating and never to be saved, and new cards would get nothing
//! until the last VM is gone. So the pool bears the network's UID in a label, and is deleted by us, once no claim uses
//! it. A deletion that nobody saw is found at the next start, for then every pool is looked at. A network that is made
//! anew under the same name finds its pool there, with all addresses, and the mark gets the new UID. Whoever removes the
//! mark has a pool of his own. One without the mark is never touched, nor is a copy of a marked one under another name.
//!
//! **What follows.** Ours are the fields that the annotation declares or the route tells: they are set again if somebody
//! changes them in the pool. One that the annotation no longer declares is removed; a route that falls silent (it says
//! `<nil>` when its DHCP probe fails) changes nothing. All other fields are the user's. Each change has to pass admission:
//! what would cut an address off is held back, the rest is done. A pool cannot change its subnet: it is deleted and made
//! anew when no VM uses it and no lease of the former subnet can be in use in the new one.
//!
//! **Subnets learnt by DHCP make no pool.** A route of mode `auto` was learnt from whichever server answered: before there
//! is a pool, that is another's.
//!
//! Not here: agents of the pool, and its labels on the network (`pool/`).

mod apply;
mod change;
mod observe;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::uses;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::pool::PoolRef;

pub(super) use apply::follow;
pub(super) use observe::{CniConfiguration, is_overlay, name_of};
pub(super) use plan::{Standing, named};

use super::events::Told;
use super::{Context, GuardedNetwork, ManagerError, PackedClaim};

/// After this long the API is asked again for what it has refused.
const REFUSAL_LASTS: Duration = Duration::from_secs(60);

/// Why a network could not be reconciled; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetworkReconcileError {
    #[error("VM network {network}: creating its IPPool: {error}")]
    Api { network: NetworkName, error: kube::Error },
    #[error(transparent)]
    Watch(#[from] ManagerError),
}

impl NetworkReconcileError {
    /// As one word, for the metric.
    fn reason(&self) -> &'static str {
        match self {
            Self::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => "Conflict",
            Self::Api { .. } => "Api",
            Self::Watch(_) => "Watch",
        }
    }
}

/// What has been found out about networks and their pools, and told.
#[derive(Default)]
pub(super) struct Ledger {
    standings: Mutex<BTreeMap<PoolRef, Standing>>,
    /// What owners of networks have been told.
    told: Told,
}

impl Ledger {
    /// How a pool stands to its network; none as long as nobody has looked.
    pub(super) fn standing(&self, pool: &PoolRef) -> Option<Standing> {
        self.standings().get(pool).cloned()
    }

    fn standings(&self) -> MutexGuard<'_, BTreeMap<PoolRef, Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The claims that use the pool of a network.
pub(super) fn users_of(network: &NetworkName, claims: &Store<PackedClaim>) -> BTreeSet<String> {
    let claims = claims.state().into_iter();
    let used = claims.filter(|claim| claim.open().is_ok_and(|claim| uses(&claim, network)));
    used.map(|claim| format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any())).collect()
}

/// What the configuration of a network says; nothing, where there is no such network.
pub(super) fn configuration_of(network: &NetworkName, context: &Context) -> CniConfiguration {
    let network = context.network(network);
    let network = network.as_ref().and_then(|network| network.0.as_ref().ok());
    network.map(CniConfiguration::of).unwrap_or_default()
}

/// Makes the pool of a network that asks for one and has none.
pub(super) async fn reconcile(
    stored: Arc<GuardedNetwork>,
    context: Arc<Context>,
) -> Result<Action, NetworkReconcileError> {
    context.lists_complete().await?;
    let network = match &stored.0 {
        Ok(network) => network,
        Err(invalid) => {
            tracing::warn!(network = %stored.name_any(), error = %invalid.error, "a VM network cannot be read");
            return Ok(Action::await_change());
        }
    };
    let name = name_of(network);
    let namesake = ObjectRef::new(&name.name).within(&name.namespace);
    let its_pool = context.pools.get(&namesake);
    let server = super::pool_of_network(&name, &context.pools);
    match plan::make(network, context.auto_pool, its_pool.as_deref(), server.as_deref()) {
        plan::Making::Nothing => apply::tell(network, None, &context).await,
        // It follows whatever has changed here.
        plan::Making::HasOne => context.changed.pools.send(namesake),
        plan::Making::Refuse(fault) => apply::tell(network, Some(apply::refusal(&fault)), &context).await,
        plan::Making::Create(pool) => return apply::create(network, *pool, &context).await,
    }
    Ok(Action::await_change())
}

/// A network that failed is tried again; a conflict soon, since only a stale copy stands in the way.
#[expect(clippy::needless_pass_by_value, reason = "the signature that Controller::run asks for")]
pub(super) fn error_policy(
    _: Arc<GuardedNetwork>,
    error: &NetworkReconcileError,
    context: Arc<Context>,
) -> Action {
    context.metrics.reconcile_failed("vmnetwork", error.reason());
    match error {
        NetworkReconcileError::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => {
            Action::requeue(Duration::from_millis(50))
        }
        error => {
            tracing::warn!(%error, "a VM network could not be reconciled");
            Action::requeue(Duration::from_secs(2))
        }
    }
}

/// Heeds the end of a pool: its network may be given one now.
pub(super) fn pool_changes(context: &Arc<Context>) -> impl FnMut(&Event<IPPool>) + Send + use<> {
    let context = Arc::clone(context);
    move |event| match event {
        Event::Delete(pool) => {
            context.vm_networks.standings().remove(&PoolRef::of(pool));
            let namespace = pool.namespace().unwrap_or_default();
            context.changed.networks.send(ObjectRef::new(&pool.name_any()).within(&namespace));
            if let Ok(served) = NetworkName::parse(&pool.spec.network_name, &namespace) {
                context.changed.networks.send(ObjectRef::new(&served.name).within(&served.namespace));
            }
        }
        // Those that ended while nobody watched.
        Event::InitDone => {
            for network in context.networks.state() {
                context.changed.networks.send(ObjectRef::from_obj(&*network));
            }
        }
        Event::Init | Event::InitApply(_) | Event::Apply(_) => {}
    }
}

/// Heeds the end of a network: its pool goes too, or says why not.
pub(super) fn network_changes(context: &Arc<Context>) -> impl FnMut(&Event<GuardedNetwork>) + Send + use<> {
    let context = Arc::clone(context);
    move |event| match event {
        Event::Delete(network) => {
            let namespace = network.namespace().unwrap_or_default();
            context.changed.pools.send(ObjectRef::new(&network.name_any()).within(&namespace));
        }
        Event::InitDone => {
            for pool in context.pools.state().into_iter().filter(|pool| plan::is_made(pool)) {
                context.changed.pools.send(ObjectRef::from_obj(&*pool));
            }
        }
        Event::Init | Event::InitApply(_) | Event::Apply(_) => {}
    }
}
