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

mod changes;
mod claim;
pub mod daemon;
mod defects;
mod events;
mod history;
mod image;
mod metrics;
mod neighbours;
mod pacer;
mod packed;
mod pool;
#[cfg(test)]
mod simulation;
mod turns;
mod vm;
mod vmnetwork;
mod watches;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join5;
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Controller;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, watcher};
use vmdhcp_core::api::{
    IPPool, NetworkAttachmentDefinition, VirtualMachine, VirtualMachineInstance, VirtualMachineNetworkConfig,
};
use vmdhcp_core::{NetworkName, ipam};

pub use image::{ImageError, image_reference};
pub use metrics::ManagerMetrics;
pub use pool::agent_lease_name;
pub(crate) use pool::pool_of_network;

use crate::runtime::{Clock, Shutdown};
use neighbours::{NeighbourWatches, Neighbours};
use packed::Packed;
use turns::Turns;
use watches::{FirstList, named, touched, watched};

/// How long reconcilers may go on once the manager is to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How many VMs are being given their claims at a time. None of them waits for another, or for a pool. Each of those that are
/// under way has a connection, which takes some 50 KB; and kube looks at all of them whenever one moves.
const VMS_AT_ONCE: u16 = 16;
/// How many claims are being written at a time. More than VMs: whoever has begun is finished before others begin.
const CLAIMS_AT_ONCE: u16 = 24;

/// Kinds of which there are thousands of objects, as they are kept.
type PackedClaim = Packed<VirtualMachineNetworkConfig>;
type PackedVirtualMachine = Packed<VirtualMachine>;
type PackedInstance = Packed<VirtualMachineInstance>;
/// A VM network: one that cannot be read is one object that cannot be read.
type GuardedNetwork = DeserializeGuard<NetworkAttachmentDefinition>;

/// Which networks have an agent, and who starts it.
#[derive(Debug, Clone)]
pub enum Placement {
    /// On one machine: network to interface, as given on the command line.
    Interfaces(BTreeMap<NetworkName, String>),
    /// On a cluster: a Deployment for each pool.
    Deployments(AgentDeployments),
    /// Nowhere: somebody else sees to them (upstream's `--no-agent`).
    Elsewhere,
}

/// How agents are deployed on a cluster (COMPAT 4.5).
#[derive(Debug, Clone)]
pub struct AgentDeployments {
    /// Namespace of all agents.
    pub namespace: String,
    /// Image of an agent, as any OCI reference.
    pub image: String,
    /// `imagePullPolicy`; empty for the default of the cluster.
    pub image_pull_policy: String,
    /// Secrets, in the namespace of the agents, that the image is pulled with.
    pub image_pull_secrets: Vec<String>,
    /// ServiceAccount of the agents.
    pub service_account_name: String,
    /// How many agents a pool has, where it does not say so itself.
    pub replicas: i32,
    /// What an agent asks of a node.
    pub resources: ResourceRequirements,
    /// Agents answer nobody (upstream's `--no-dhcp`).
    pub dry_run: bool,
}

/// Which VM networks are given a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoPool {
    /// Those that ask for it by an annotation.
    #[default]
    Annotated,
    /// All of which a subnet is known.
    All,
    /// None.
    Off,
}

/// What the manager is told.
#[derive(Clone)]
pub struct ManagerOptions {
    /// Where agents run.
    pub placement: Placement,
    /// Which VM networks are given a pool.
    pub auto_pool: AutoPool,
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
    claims: Store<PackedClaim>,
    claims_by_network: Arc<claim::ClaimIndex>,
    leases: Store<Lease>,
    /// Whether KubeVirt is there, so that whoever is not among its VMs is none.
    kubevirt: bool,
    /// Empty where KubeVirt is not there.
    virtual_machines: Store<PackedVirtualMachine>,
    instances: Store<PackedInstance>,
    /// Empty where Multus is not there.
    networks: Store<GuardedNetwork>,
    /// Pods of Jobs beside the agents; empty where there is no cluster.
    route_helpers: Store<Pod>,
    /// Empty where there is no cluster.
    workloads: pool::Workloads,
    allocators: pool::Allocators,
    /// `Off` where Multus is not there.
    auto_pool: AutoPool,
    vm_networks: vmnetwork::Ledger,
    changed: changes::Changed,
    /// What users of VMs have been told.
    told: events::Told,
    pacer: pacer::Pacer,
    largest_pool: usize,
    /// Of every kind that is watched.
    first_lists: Vec<FirstList>,
    #[cfg(test)]
    defect: Option<defects::Defect>,
}

impl Context {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The VM network of that name, if there is one.
    fn network(&self, name: &NetworkName) -> Option<Arc<GuardedNetwork>> {
        self.networks.get(&ObjectRef::new(&name.name).within(&name.namespace))
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

    /// Returns once the first lists of all that is watched are complete: nothing is decided, and so nothing
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

/// Runs the manager until `shutdown`. It writes nothing before its first lists are complete.
///
/// When the API turns out to have an older state than it had before (a backup was restored), nothing that is known of
/// it holds any more, and its watches may stay silent: everything starts anew. So it does when KubeVirt or Multus come
/// or go.
pub async fn run(client: Client, options: ManagerOptions, shutdown: Shutdown) -> Result<(), ManagerError> {
    let client = options.metrics.counted(client);
    loop {
        let neighbours = tokio::select! {
            () = shutdown.wait() => return Ok(()),
            neighbours = Neighbours::discover(&client) => neighbours,
        };
        match run_once(client.clone(), options.clone(), neighbours, &shutdown).await {
            Ended::Shutdown => return Ok(()),
            Ended::OlderState => tracing::warn!(
                "the API has an older state than before, as if a backup had been restored; starting anew"
            ),
            Ended::Watches => tracing::warn!("the watches have ended; starting anew"),
            Ended::OtherNeighbours => {
                tracing::info!("the API serves other kinds of KubeVirt or Multus than before; starting anew");
            }
        }
    }
}

/// Why the reconcilers have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Shutdown,
    OlderState,
    OtherNeighbours,
    Watches,
}

/// Runs as long as the API goes on as it began.
async fn run_once(
    client: Client,
    options: ManagerOptions,
    neighbours: Neighbours,
    shutdown: &Shutdown,
) -> Ended {
    let ManagerOptions { placement, auto_pool, clock, metrics, limits } = options;
    let stop = Shutdown::new();
    let pools = watched(Api::<IPPool>::all(client.clone()), watcher::Config::default(), "IPPools");
    let (claims, claims_by_network) = claim::watch(&client, &metrics);
    let pool::AgentWatches { leases, pods, deployments, budgets, jobs } =
        pool::AgentWatches::start(&client, &placement);
    // Heartbeats change a Lease every few seconds; only the report in it concerns a pool.
    let reports =
        leases.events.touched_objects().predicate_filter(predicates::annotations, PredicateConfig::default());
    let NeighbourWatches { virtual_machines, instances, networks } = neighbours.watch(&client);

    let (changed, changes) = changes::channel();
    let context = Arc::new(Context {
        events: events::Events::new(client.clone()),
        pacer: pacer::Pacer::new(limits),
        largest_pool: limits.largest_pool,
        allocators: pool::Allocators::default(),
        auto_pool: if neighbours.networks { auto_pool } else { AutoPool::Off },
        vm_networks: vmnetwork::Ledger::default(),
        pools: pools.store.clone(),
        claims: claims.store.clone(),
        claims_by_network,
        client,
        placement,
        clock,
        metrics,
        leases: leases.store,
        kubevirt: neighbours.virtual_machines,
        virtual_machines: virtual_machines.store.clone(),
        instances: instances.store,
        networks: networks.store.clone(),
        workloads: pool::Workloads::new(pods.store, deployments.store, budgets.store, neighbours.networks),
        route_helpers: jobs.store,
        changed,
        told: events::Told::default(),
        first_lists: vec![
            jobs.first_list,
            pods.first_list,
            deployments.first_list,
            budgets.first_list,
            pools.first_list,
            claims.first_list,
            leases.first_list,
            virtual_machines.first_list,
            instances.first_list,
            networks.first_list,
        ],
        #[cfg(test)]
        defect: None,
    });

    let pool_events = pools
        .events
        .inspect_ok(vm::pool_changes(&context))
        .inspect_ok(pool::pool_changes(&context))
        .inspect_ok(vmnetwork::pool_changes(&context));
    let network_events = networks
        .events
        .inspect_ok(vm::network_changes(&context))
        .inspect_ok(pool::network_changes(&context))
        .inspect_ok(vmnetwork::network_changes(&context));
    let pools = Controller::for_stream(touched(pool_events), pools.store)
        .watches_stream(reports, |lease| pool::pool_object_of(&lease))
        .watches_stream(touched(jobs.events), pool::route_helper::pools_of(&context))
        .watches_stream(touched(pods.events), |pod| pool::pool_object_of(&pod))
        .watches_stream(touched(deployments.events), |deployment| pool::pool_object_of(&deployment))
        .watches_stream(touched(budgets.events), |budget| pool::pool_object_of(&budget))
        .reconcile_on(changes::stream(changes.pools))
        .graceful_shutdown_on(stopped(&stop))
        .run(pool::reconcile, pool::error_policy, context.clone())
        .for_each(|_| async {});
    // No watch of pools here: the allocators tell which claims a change of a pool concerns.
    let claims = claims.events.inspect_ok(vm::claim_changes(&context));
    let turns = Turns::new(CLAIMS_AT_ONCE, context.metrics.depth_of("claim"));
    let claims = turns
        .controller(named(touched(claims), changes::stream(changes.claims)), context.claims.clone())
        .graceful_shutdown_on(stopped(&stop))
        .run(claim::reconcile, claim::error_policy, context.clone())
        .for_each(move |outcome| turns.end(outcome));
    let networks = Controller::for_stream(touched(network_events), networks.store)
        .reconcile_on(changes::stream(changes.networks))
        .graceful_shutdown_on(stopped(&stop))
        .run(vmnetwork::reconcile, vmnetwork::error_policy, context.clone())
        .for_each(|_| async {});
    // Nothing but their store is made of these.
    let instances = instances.events.inspect_ok(vm::instance_changes(&context));
    let instances = instances.take_until(stopped(&stop)).for_each(|_| async {});
    let virtual_machines = async {
        if !neighbours.virtual_machines {
            return stop.wait().await;
        }
        let turns = Turns::new(VMS_AT_ONCE, context.metrics.depth_of("vm"));
        let touched = touched(virtual_machines.events);
        turns
            .controller(named(touched, changes::stream(changes.virtual_machines)), virtual_machines.store)
            .graceful_shutdown_on(stopped(&stop))
            .run(vm::reconcile, vm::error_policy, context.clone())
            .for_each(move |outcome| turns.end(outcome))
            .await;
    };
    context.metrics.claims.show(context.claims.clone());
    // Boxed, as they are large.
    let reconcilers = Box::pin(join5(pools, claims, networks, virtual_machines, instances).map(drop));
    drive(reconcilers, &context, neighbours, &stop, shutdown).await
}

/// Lets the reconcilers work until something ends them, and has them finish.
async fn drive(
    reconcilers: impl Future<Output = ()> + Unpin,
    context: &Context,
    neighbours: Neighbours,
    stop: &Shutdown,
    shutdown: &Shutdown,
) -> Ended {
    let mut reconcilers = reconcilers.fuse();
    let ended = tokio::select! {
        () = shutdown.wait() => Ended::Shutdown,
        () = context.allocators.older_state.notified() => Ended::OlderState,
        () = history::goes_back(context) => Ended::OlderState,
        Err(_) = pool::sweep(context) => Ended::Watches,
        () = neighbours.change(&context.client) => Ended::OtherNeighbours,
        () = &mut reconcilers => Ended::Watches,
    };
    stop.trigger();
    // A controller that has not listed yet never ends by itself.
    if ended != Ended::Watches && tokio::time::timeout(STOP_PATIENCE, reconcilers).await.is_err() {
        tracing::warn!("the reconcilers did not end in time");
    }
    context.allocators.stop().await;
    // What is shown from now on would be of the past; another replica shows what is.
    context.metrics.claims.clear();
    context.metrics.clear_queues();
    context.metrics.pools.clear();
    ended
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
    /// The pool's plan, committed: the card has the address, and somebody else uses it too.
    InUse {
        /// The address.
        address: Ipv4Addr,
        /// By whom, as a sentence.
        message: String,
    },
    /// The pool cannot be served, or the API refused this claim's change.
    Refused {
        /// As one CamelCase word.
        reason: &'static str,
        /// As a sentence.
        message: String,
    },
}

impl Settlement {
    /// The address that the card has.
    const fn address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Planned(ipam::Outcome::Holds(address)) | Self::InUse { address, .. } => Some(*address),
            Self::Planned(ipam::Outcome::Waits(_) | ipam::Outcome::Released) | Self::Refused { .. } => None,
        }
    }
}
