//! The manager: makes the status of pools and claims true.
//!
//! ```text
//!  VirtualMachineNetworkConfig ──▶ claim reconciler ──asks──▶ allocator of the pool ──one write──▶ IPPool status
//!                                        ▲                          │  ▲
//!                                        └──────── outcome ─────────┘  └── pool reconciler, agents' Leases
//! ```
//!
//! Each pool has one allocator task, the only writer of its status ([`pool::allocator`]). A claim is told that it has
//! an address only after the pool's write has succeeded. Reconcilers are level-triggered: whatever was missed, a later
//! pass finds it in the objects.
//!
//! Not here: where agents run. On one machine [`crate::standalone`] runs them; [`Placement`] says which networks have
//! one.

mod claim;
mod defects;
mod events;
mod metrics;
mod pacer;
mod pool;
#[cfg(test)]
mod simulation;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Controller;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use tokio::sync::{OnceCell, mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use vmdhcp_core::api::{AGENT_COMPONENT, COMPONENT_LABEL, IPPool, VirtualMachineNetworkConfig};
use vmdhcp_core::{NetworkName, ipam};

pub use metrics::ManagerMetrics;
pub use pool::agent_lease_name;
pub(crate) use pool::pool_of_network;

use crate::runtime::{Clock, Shutdown};

/// How long to wait for the first lists before asking for them anew.
const LIST_PATIENCE: Duration = Duration::from_millis(100);

/// A claim object as it is watched: one that cannot be read is one object that cannot be read.
type GuardedClaim = DeserializeGuard<VirtualMachineNetworkConfig>;

/// Which networks have an agent.
#[derive(Debug, Clone)]
pub enum Placement {
    /// On one machine: network to interface, as given on the command line.
    Interfaces(BTreeMap<NetworkName, String>),
}

/// What the manager is told.
pub struct ManagerOptions {
    /// Where agents run.
    pub placement: Placement,
    /// The time; tests bring their own.
    pub clock: Clock,
    /// Counters and gauges.
    pub metrics: ManagerMetrics,
}

/// Why the manager ended.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// A watch's store was dropped, which only happens when its task has died.
    #[error("the watch of {0} has ended; the process has to start anew")]
    WatchEnded(&'static str),
}

/// What the reconcilers share.
struct Context {
    client: Client,
    placement: Placement,
    clock: Clock,
    metrics: ManagerMetrics,
    events: events::Events,
    pools: Store<IPPool>,
    claims: Store<GuardedClaim>,
    leases: Store<Lease>,
    allocators: pool::Allocators,
    /// Claims whose outcome has changed without an event of their own.
    changed_claims: mpsc::UnboundedSender<ObjectRef<GuardedClaim>>,
    pacer: pacer::Pacer,
    /// Set once the first lists are complete.
    listed: OnceCell<()>,
    #[cfg(test)]
    defect: Option<defects::Defect>,
}

impl Context {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether that defect is planted.
    #[cfg(test)]
    fn has(&self, defect: defects::Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Whether that defect is planted: it is not.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests look at it")]
    const fn has(&self, _: defects::Defect) -> bool {
        false
    }

    /// Returns once the first lists of pools, claims and agents are complete: nothing is decided, and so nothing
    /// written, on half of what is known.
    ///
    /// Only one at a time asks the stores: of all that wait for one of them kube wakes the last alone, and the others
    /// never.
    async fn lists_complete(&self) -> Result<(), ManagerError> {
        if self.has(defects::Defect::StaleListBelieved) {
            return Ok(());
        }
        self.listed.get_or_try_init(|| self.list()).await.copied()
    }

    /// Asks again and again: the controllers wait for the same stores, and whoever asks last takes the wake-up of all
    /// who asked before.
    async fn list(&self) -> Result<(), ManagerError> {
        let complete = async || {
            self.pools.wait_until_ready().await.map_err(|_| ManagerError::WatchEnded("IPPools"))?;
            let claims = self.claims.wait_until_ready().await;
            claims.map_err(|_| ManagerError::WatchEnded("VirtualMachineNetworkConfigs"))?;
            self.leases.wait_until_ready().await.map_err(|_| ManagerError::WatchEnded("Leases"))
        };
        loop {
            if let Ok(result) = tokio::time::timeout(LIST_PATIENCE, complete()).await {
                return result;
            }
        }
    }
}

/// Runs the manager until `shutdown`. It writes nothing before its lists of pools, claims and agents are complete.
pub async fn run(client: Client, options: ManagerOptions, shutdown: Shutdown) -> Result<(), ManagerError> {
    let ManagerOptions { placement, clock, metrics } = options;
    let all_pools: Api<IPPool> = Api::all(client.clone());
    let all_claims: Api<GuardedClaim> = Api::all(client.clone());
    let pool_controller = Controller::new(all_pools, watcher::Config::default());
    let claim_controller = Controller::new(all_claims, watcher::Config::default());

    // Heartbeats change a Lease every few seconds; only the report in it concerns a pool.
    let (leases, lease_writer) = reflector::store();
    let agents = format!("{COMPONENT_LABEL}={AGENT_COMPONENT}");
    let lease_watch = watcher(Api::<Lease>::all(client.clone()), watcher::Config::default().labels(&agents))
        .default_backoff()
        .reflect(lease_writer)
        .touched_objects()
        .predicate_filter(predicates::annotations, PredicateConfig::default());

    let (changed_claims, changed_claims_stream) = mpsc::unbounded_channel();
    let context = Arc::new(Context {
        events: events::Events::new(client.clone()),
        pacer: pacer::Pacer::default(),
        allocators: pool::Allocators::default(),
        pools: pool_controller.store(),
        claims: claim_controller.store(),
        client,
        placement,
        clock,
        metrics,
        leases,
        changed_claims,
        listed: OnceCell::new(),
        #[cfg(test)]
        defect: None,
    });

    let pools = pool_controller
        .watches_stream(lease_watch, |lease| pool::pool_of_lease(&lease))
        .graceful_shutdown_on(stop(&shutdown))
        .run(pool::reconcile, pool::error_policy, context.clone())
        .for_each(|_| async {});
    // No watch of pools here: the allocators tell which claims a change of a pool concerns.
    let claims = claim_controller
        .reconcile_on(UnboundedReceiverStream::new(changed_claims_stream))
        .graceful_shutdown_on(stop(&shutdown))
        .run(claim::reconcile, claim::error_policy, context.clone())
        .for_each(|_| async {});
    tokio::join!(pools, claims);
    context.allocators.stop().await;
    Ok(())
}

/// Ends when `shutdown` is triggered.
fn stop(shutdown: &Shutdown) -> impl Future<Output = ()> + Send + Sync + 'static {
    let shutdown = shutdown.clone();
    async move { shutdown.wait().await }
}

/// What became of one claim on one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Settlement {
    /// The pool's plan, committed.
    Planned(ipam::Outcome),
    /// The pool cannot be served, or the API refused this claim's change.
    Refused {
        /// As one CamelCase word.
        reason: &'static str,
        /// As a sentence.
        message: String,
    },
}
