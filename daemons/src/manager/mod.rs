//! The manager: makes the status of pools and claims true.
//!
//! ```text
//!  VirtualMachineNetworkConfig ──▶ claim reconciler ──asks──▶ allocator of the pool ──one write──▶ IPPool status
//!                                        ▲                          │  ▲
//!                                        └──────── outcome ─────────┘  └── pool reconciler, agents' Leases
//! ```
//!
//! Each pool has one allocator task, the only writer of its status (`pool/allocator.rs`). A claim is told that it has
//! an address only after the pool's write has succeeded. Reconcilers are level-triggered: whatever was missed, a later
//! pass finds it in the objects.
//!
//! Not here: where agents run. On one machine [`crate::standalone`] runs them; [`Placement`] says which networks have
//! one.

mod claim;
pub mod daemon;
mod defects;
mod events;
mod history;
mod image;
mod metrics;
mod pacer;
mod pool;
#[cfg(test)]
mod simulation;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::Shared;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Controller;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use vmdhcp_core::api::{AGENT_COMPONENT, COMPONENT_LABEL, IPPool, VirtualMachineNetworkConfig};
use vmdhcp_core::{NetworkName, ipam};

pub use image::{ImageError, image_reference};
pub use metrics::ManagerMetrics;
pub use pool::agent_lease_name;
pub(crate) use pool::pool_of_network;

use crate::runtime::{Clock, Shutdown};

/// How long reconcilers may go on once the manager is to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A claim object as it is watched: one that cannot be read is one object that cannot be read.
type GuardedClaim = DeserializeGuard<VirtualMachineNetworkConfig>;

/// Which networks have an agent.
#[derive(Debug, Clone)]
pub enum Placement {
    /// On one machine: network to interface, as given on the command line.
    Interfaces(BTreeMap<NetworkName, String>),
}

/// What the manager is told.
#[derive(Clone)]
pub struct ManagerOptions {
    /// Where agents run.
    pub placement: Placement,
    /// The time; tests bring their own.
    pub clock: Clock,
    /// Counters and gauges.
    pub metrics: ManagerMetrics,
    /// How much of the API is used.
    pub limits: Limits,
}

/// How much the manager asks of the API, and so of etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of an IPPool. What no longer fits waits.
    pub largest_pool: usize,
    /// Bytes of IPPools a second that may be written for ever.
    pub sustained_bytes: u32,
    /// Bytes of IPPools that may be written at once after a quiet time.
    pub burst_bytes: u32,
}

impl Default for Limits {
    /// Those of an etcd as it comes: it takes requests of 1.5 MiB, of which conditions, agents and managed fields need some;
    /// and it keeps every revision until it compacts, and stops the whole cluster when its quota (2 GiB) is full.
    fn default() -> Self {
        Self { largest_pool: 3 * 512 * 1024 - 20 * 1024, sustained_bytes: 500_000, burst_bytes: 100_000_000 }
    }
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
    largest_pool: usize,
    /// Of pools, claims and agents.
    first_lists: [FirstList; 3],
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
    /// The stores are not asked: of all that wait for a store kube wakes the last alone, and its own controller is one
    /// that waits.
    async fn lists_complete(&self) -> Result<(), ManagerError> {
        if self.has(defects::Defect::StaleListBelieved) {
            return Ok(());
        }
        for FirstList { kind, complete } in &self.first_lists {
            complete.clone().await.map_err(|_| ManagerError::WatchEnded(kind))?;
        }
        Ok(())
    }
}

/// Whether the first list of a kind is complete. Any number may wait for it, and wake in the order in which they came:
/// a run on virtual time has to replay.
#[derive(Clone)]
struct FirstList {
    kind: &'static str,
    complete: Shared<oneshot::Receiver<()>>,
}

/// A first list, and what has to be shown each event of the watch once it is in the store.
fn first_list<K>(kind: &'static str) -> (FirstList, impl FnMut(&watcher::Event<K>) + Send + 'static) {
    let (completed, complete) = oneshot::channel();
    let mut completed = Some(completed);
    let note = move |event: &watcher::Event<K>| {
        if matches!(event, watcher::Event::InitDone)
            && let Some(completed) = completed.take()
        {
            // An error says that nobody waits any more.
            let _ = completed.send(());
        }
    };
    (FirstList { kind, complete: complete.shared() }, note)
}

/// A watch that fills a store and tells when its first list is complete.
fn watched<K>(
    api: Api<K>,
    config: watcher::Config,
    kind: &'static str,
) -> Watched<K, impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let (first_list, note) = first_list(kind);
    let events = watcher(api, config).default_backoff().reflect(writer).inspect_ok(note);
    Watched { store, first_list, events }
}

struct Watched<K: kube::runtime::reflector::Lookup<DynamicType = ()> + 'static, S> {
    store: Store<K>,
    first_list: FirstList,
    events: S,
}

/// Runs the manager until `shutdown`. It writes nothing before its lists of pools, claims and agents are complete.
///
/// When the API turns out to have an older state than it had before (a backup was restored), nothing that is known of
/// it holds any more, and its watches may stay silent: everything starts anew.
pub async fn run(client: Client, options: ManagerOptions, shutdown: Shutdown) -> Result<(), ManagerError> {
    while run_on_one_history(client.clone(), options.clone(), &shutdown).await? == Ended::OlderState {
        tracing::warn!(
            "the API has an older state than before, as if a backup had been restored; starting anew"
        );
    }
    Ok(())
}

/// Why the reconcilers have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Shutdown,
    OlderState,
}

async fn run_on_one_history(
    client: Client,
    options: ManagerOptions,
    shutdown: &Shutdown,
) -> Result<Ended, ManagerError> {
    let ManagerOptions { placement, clock, metrics, limits } = options;
    let stop = Shutdown::new();
    let everything = watcher::Config::default;
    let pools = watched(Api::<IPPool>::all(client.clone()), everything(), "IPPools");
    let claims =
        watched(Api::<GuardedClaim>::all(client.clone()), everything(), "VirtualMachineNetworkConfigs");
    let agents = format!("{COMPONENT_LABEL}={AGENT_COMPONENT}");
    let leases = watched(Api::<Lease>::all(client.clone()), everything().labels(&agents), "Leases");
    // Heartbeats change a Lease every few seconds; only the report in it concerns a pool.
    let reports =
        leases.events.touched_objects().predicate_filter(predicates::annotations, PredicateConfig::default());

    let (changed_claims, changed_claims_stream) = mpsc::unbounded_channel();
    let context = Arc::new(Context {
        events: events::Events::new(client.clone()),
        pacer: pacer::Pacer::new(limits),
        largest_pool: limits.largest_pool,
        allocators: pool::Allocators::default(),
        pools: pools.store.clone(),
        claims: claims.store.clone(),
        client,
        placement,
        clock,
        metrics,
        leases: leases.store,
        changed_claims,
        first_lists: [pools.first_list, claims.first_list, leases.first_list],
        #[cfg(test)]
        defect: None,
    });

    let pools = Controller::for_stream(pools.events.applied_objects(), pools.store)
        .watches_stream(reports, |lease| pool::pool_of_lease(&lease))
        .graceful_shutdown_on(stopped(&stop))
        .run(pool::reconcile, pool::error_policy, context.clone())
        .for_each(|_| async {});
    // No watch of pools here: the allocators tell which claims a change of a pool concerns.
    let claims = Controller::for_stream(claims.events.applied_objects(), claims.store)
        .reconcile_on(UnboundedReceiverStream::new(changed_claims_stream))
        .graceful_shutdown_on(stopped(&stop))
        .run(claim::reconcile, claim::error_policy, context.clone())
        .for_each(|_| async {});
    // Boxed, as they are large.
    let controllers = Box::pin(async { tokio::join!(pools, claims) });
    let older_state = async {
        tokio::select! {
            () = context.allocators.older_state.notified() => {}
            () = history::goes_back(&context) => {}
        }
    };
    let end = async {
        let ended = tokio::select! {
            () = shutdown.wait() => Ended::Shutdown,
            () = older_state => Ended::OlderState,
        };
        stop.trigger();
        // A controller that has not listed yet never ends by itself.
        tokio::time::sleep(STOP_PATIENCE).await;
        tracing::warn!("the reconcilers did not end in time");
        ended
    };
    let ended = tokio::select! {
        ((), ()) = controllers => if shutdown.is_triggered() { Ended::Shutdown } else { Ended::OlderState },
        ended = end => ended,
    };
    context.allocators.stop().await;
    Ok(ended)
}

/// Ends when `shutdown` is triggered.
fn stopped(shutdown: &Shutdown) -> impl Future<Output = ()> + Send + Sync + 'static {
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
