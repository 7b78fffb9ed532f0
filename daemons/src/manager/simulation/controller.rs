//! A manager without kube's Controller, which draws on entropy: the same reconcile functions, called by queues whose
//! every pause is drawn from the seed.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{self, Lookup, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant};
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, COMPONENT_LABEL};

use super::super::defects::Defect;
use super::super::watches::{FirstList, first_list, unserved};
use super::super::{
    AutoPool, Context, Limits, ManagerMetrics, Placement, changes, claim, events, pacer, pool, vm, vmnetwork,
};
use super::journal::Journal;
use crate::cluster::faults::{Faults, Random};
use crate::runtime::leader_election::{Candidate, Durations};

type Tasks = Arc<Mutex<Vec<AbortHandle>>>;

/// A manager that can die at any await. One of several works only while it leads.
pub(super) struct Manager {
    pub(super) name: String,
    /// Its way to the API.
    pub(super) faults: Faults,
    election: Option<AbortHandle>,
    work: Arc<Mutex<Option<Work>>>,
    journal: Journal,
}

/// What every manager of a run is started with.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) client: Client,
    pub(super) faults: Faults,
    pub(super) networks: Vec<NetworkName>,
    pub(super) random: Random,
    pub(super) journal: Journal,
    pub(super) defect: Option<Defect>,
    /// Whether it has to be elected first, as where there are several.
    pub(super) elected: bool,
}

impl Manager {
    pub(super) fn start(name: String, start: Start) -> Self {
        let (journal, faults) = (start.journal.clone(), start.faults.clone());
        let work = Arc::new(Mutex::new(None));
        journal.say(format_args!("{name} starts"));
        let election = if start.elected {
            let lead = lead(candidate(&name, &start), start, Arc::clone(&work));
            Some(tokio::spawn(lead).abort_handle())
        } else {
            *lock(&work) = Some(Work::start(start));
            None
        };
        Self { name, faults, election, work, journal }
    }

    /// Dies in the middle of whatever it does; what it has sent arrives.
    pub(super) fn crash(self) {
        self.journal.say(format_args!("{} dies", self.name));
        self.election.into_iter().for_each(|election| election.abort());
        lock(&self.work).take().into_iter().for_each(Work::crash);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn candidate(name: &str, start: &Start) -> Candidate {
    let clock = start.journal.clone();
    let seconds = Duration::from_secs;
    Candidate {
        leases: Api::default_namespaced(start.client.clone()),
        name: "managers".into(),
        identity: name.to_owned(),
        durations: Durations::new(seconds(15), seconds(10), seconds(2)).unwrap(),
        clock: Arc::new(move || clock.now()),
    }
}

/// Works whenever it leads.
async fn lead(candidate: Candidate, start: Start, work: Arc<Mutex<Option<Work>>>) {
    let (journal, name) = (start.journal.clone(), candidate.identity.clone());
    loop {
        let mut leadership = candidate.clone().elected().await;
        journal.say(format_args!("{name} leads"));
        *lock(&work) = Some(Work::start(start.clone()));
        let lost = leadership.keep().await;
        lock(&work).take().into_iter().for_each(Work::crash);
        journal.say(format_args!("{name} ceases: {lost}"));
    }
}

/// The reconcilers at work.
struct Work {
    context: Arc<Context>,
    tasks: Tasks,
}

impl Work {
    fn start(start: Start) -> Self {
        let Start { client, networks, random, journal, defect, .. } = start;
        let pools = Kept::new("IPPools");
        let claims = Kept::new("VirtualMachineNetworkConfigs");
        let leases = Kept::new("Leases");
        let machines = Kept::new("VirtualMachines");
        let instances = Kept::new("VirtualMachineInstances");
        let vm_networks = Kept::new("NetworkAttachmentDefinitions");
        let metrics = ManagerMetrics::register(&mut Registry::default());
        let claims_by_network = Arc::new(claim::ClaimIndex::new(metrics.allocation_seconds.clone()));
        let (pods, deployments, budgets) =
            (unserved("Pods"), unserved("Deployments"), unserved("PodDisruptionBudgets"));
        let (changed, changes) = changes::channel();
        let clock = journal.clone();
        let context = Arc::new(Context {
            client: client.clone(),
            placement: Placement::Interfaces(
                networks.into_iter().map(|network| (network, "eth0".into())).collect(),
            ),
            clock: Arc::new(move || clock.now()),
            metrics,
            events: events::Events::new(client.clone()),
            pools: pools.store.clone(),
            claims: claims.store.clone(),
            claims_by_network: Arc::clone(&claims_by_network),
            leases: leases.store,
            kubevirt: true,
            virtual_machines: machines.store.clone(),
            instances: instances.store,
            networks: vm_networks.store.clone(),
            workloads: pool::Workloads::new(pods.store, deployments.store, budgets.store, false),
            allocators: pool::Allocators::default(),
            auto_pool: AutoPool::Annotated,
            vm_networks: vmnetwork::Ledger::default(),
            route_helpers: unserved("Pods of Jobs").store,
            changed,
            told: events::Told::default(),
            pacer: pacer::Pacer::new(Limits::default()),
            largest_pool: Limits::default().largest_pool,
            first_lists: vec![
                pools.first_list,
                claims.first_list,
                leases.first_list,
                machines.first_list,
                instances.first_list,
                vm_networks.first_list,
            ],
            defect,
        });
        let config = if defect == Some(Defect::StaleListBelieved) {
            watcher::Config::default().any_semantic()
        } else {
            watcher::Config::default()
        };
        let agents = config.clone().labels(&format!("{COMPONENT_LABEL}={AGENT_COMPONENT}"));
        let tasks = Tasks::default();
        let work = Self { context, tasks };
        let of_pools = work.queue(pools.store, &random, pool::reconcile, pool::error_policy);
        let of_claims = work.queue(claims.store, &random, claim::reconcile, claim::error_policy);
        let of_machines = work.queue(machines.store, &random, vm::reconcile, vm::error_policy);
        let of_networks =
            work.queue(vm_networks.store, &random, vmnetwork::reconcile, vmnetwork::error_policy);
        let feeds = Feeds { client, config, random, tasks: Arc::clone(&work.tasks) };
        let pools = both(pools.fill, vm::pool_changes(&work.context));
        feeds.feed(both(pools, vmnetwork::pool_changes(&work.context)), of_pools.of_touched());
        let vm_networks = both(vm_networks.fill, vm::network_changes(&work.context));
        feeds.feed(both(vm_networks, vmnetwork::network_changes(&work.context)), of_networks.of_touched());
        let index = move |event: &_| claims_by_network.note(event);
        let of_claims_and_machines = both(claims.fill, vm::claim_changes(&work.context));
        feeds.feed(both(index, of_claims_and_machines), of_claims.of_touched());
        feeds.feed(machines.fill, of_machines.of_touched());
        feeds.feed(both(instances.fill, vm::instance_changes(&work.context)), |_| {});
        let of_reports = of_pools.clone();
        let mut reports = HashMap::new();
        let feeds = Feeds { config: agents, ..feeds };
        feeds.feed(leases.fill, move |lease: &Lease| {
            let report = lease.annotations().get(AGENT_REPORT_ANNOTATION).cloned();
            if reports.insert(lease.name_any(), report.clone()) != Some(report)
                && let Some(pool) = pool::pool_object_of(lease)
            {
                of_reports.add(pool);
            }
        });
        work.follow(changes.pools, of_pools);
        work.follow(changes.networks, of_networks);
        work.follow(changes.claims, of_claims);
        work.follow(changes.virtual_machines, of_machines);
        work
    }

    /// The queue of a reconciler.
    fn queue<K, E, F>(
        &self,
        store: Store<K>,
        random: &Random,
        reconcile: impl Fn(Arc<K>, Arc<Context>) -> F + Copy + Send + Sync + 'static,
        error_policy: impl Fn(Arc<K>, &E, Arc<Context>) -> Action + Copy + Send + Sync + 'static,
    ) -> Queue<K>
    where
        K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
        ObjectRef<K>: Hash + Eq + Send,
        E: Send,
        F: Future<Output = Result<Action, E>> + Send,
    {
        let context = Arc::clone(&self.context);
        Queue::new(store, random.clone(), Arc::clone(&self.tasks), move |object: Arc<K>| {
            let context = Arc::clone(&context);
            async move {
                let done = reconcile(Arc::clone(&object), Arc::clone(&context)).await;
                done.unwrap_or_else(|error| error_policy(object, &error, context))
            }
        })
    }

    /// Has a reconciler look at what others have it look at.
    fn follow<K>(&self, mut changes: UnboundedReceiver<ObjectRef<K>>, queue: Queue<K>)
    where
        K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
        ObjectRef<K>: Hash + Eq + Send,
    {
        let follow = async move {
            while let Some(object) = changes.recv().await {
                queue.add(object);
            }
        };
        lock(&self.tasks).push(tokio::spawn(follow).abort_handle());
    }

    fn crash(self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
        self.context.allocators.abort();
    }
}

/// A kind that is watched: its store, and what fills that.
struct Kept<K: Lookup<DynamicType = ()> + 'static, F> {
    store: Store<K>,
    first_list: FirstList,
    /// Has to be shown each event of the watch.
    fill: F,
}

impl<K> Kept<K, ()>
where
    K: kube::Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    fn new(kind: &'static str) -> Kept<K, impl FnMut(&Event<K>) + Send> {
        let (store, mut writer) = reflector::store();
        let (first_list, note) = first_list(kind);
        Kept {
            store,
            first_list,
            fill: both(move |event: &Event<K>| writer.apply_watcher_event(event), note),
        }
    }
}

/// Does the one and then the other.
fn both<K>(
    mut one: impl FnMut(&Event<K>) + Send,
    mut other: impl FnMut(&Event<K>) + Send,
) -> impl FnMut(&Event<K>) + Send {
    move |event| {
        one(event);
        other(event);
    }
}

/// Where watches come from.
struct Feeds {
    client: Client,
    config: watcher::Config,
    random: Random,
    tasks: Tasks,
}

impl Feeds {
    /// Keeps a store up to its watch, and tells of every object that is new or has changed.
    fn feed<K>(
        &self,
        mut fill: impl FnMut(&Event<K>) + Send + 'static,
        mut touched: impl FnMut(&K) + Send + 'static,
    ) where
        K: kube::Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + Debug + Send + 'static,
    {
        let (watch, random) =
            (watcher(Api::all(self.client.clone()), self.config.clone()), self.random.clone());
        let feed = async move {
            let mut events = pin!(watch);
            let mut listed = Vec::new();
            while let Some(event) = events.next().await {
                let Ok(event) = event else {
                    tokio::time::sleep(random.millis(200..3_000)).await;
                    continue;
                };
                fill(&event);
                match event {
                    Event::Init => listed.clear(),
                    Event::InitApply(object) => listed.push(object),
                    Event::InitDone => listed.drain(..).for_each(|object| touched(&object)),
                    Event::Apply(object) | Event::Delete(object) => touched(&object),
                }
            }
        };
        lock(&self.tasks).push(tokio::spawn(feed).abort_handle());
    }
}

/// Objects to reconcile: each by itself, one run at a time, and again if it is touched meanwhile.
struct Queue<K: Lookup<DynamicType = ()> + Clone + 'static> {
    due: Arc<Mutex<HashMap<ObjectRef<K>, Arc<Notify>>>>,
    start: Arc<dyn Fn(ObjectRef<K>, Arc<Notify>) + Send + Sync>,
}

impl<K: Lookup<DynamicType = ()> + Clone + 'static> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { due: Arc::clone(&self.due), start: Arc::clone(&self.start) }
    }
}

/// The pauses that the reconcilers ask for; kube's [`Action`] does not tell.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_secs(2), Duration::from_secs(60)];

impl<K> Queue<K>
where
    K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
    ObjectRef<K>: Hash + Eq + Send,
{
    fn new<F>(
        store: Store<K>,
        random: Random,
        tasks: Tasks,
        reconcile: impl Fn(Arc<K>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Action> + Send,
    {
        let start = move |key: ObjectRef<K>, touched: Arc<Notify>| {
            let (store, random, reconcile) = (store.clone(), random.clone(), reconcile.clone());
            let worker = async move {
                let mut again: Option<Instant> = None;
                loop {
                    match again {
                        Some(at) => drop(tokio::time::timeout_at(at, touched.notified()).await),
                        None => touched.notified().await,
                    }
                    again = None;
                    tokio::time::sleep(random.millis(0..30)).await;
                    let Some(object) = store.get(&key) else { continue };
                    let action = reconcile(object).await;
                    let pause = PAUSES.into_iter().find(|pause| action == Action::requeue(*pause));
                    assert!(pause.is_some() || action == Action::await_change(), "unknown pause: {action:?}");
                    again = pause.map(|pause| Instant::now() + pause);
                }
            };
            lock(&tasks).push(tokio::spawn(worker).abort_handle());
        };
        Self { due: Arc::default(), start: Arc::new(start) }
    }

    /// Adds every object that it is shown.
    fn of_touched(&self) -> impl FnMut(&K) + Send + use<K> {
        let queue = self.clone();
        move |object| queue.add(ObjectRef::from_obj(object))
    }

    fn add(&self, key: ObjectRef<K>) {
        let mut due = lock(&self.due);
        let touched = due.entry(key.clone()).or_insert_with(|| {
            let touched = Arc::new(Notify::new());
            (self.start)(key, Arc::clone(&touched));
            touched
        });
        touched.notify_one();
    }
}
