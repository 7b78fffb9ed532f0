//! Starts and stops agents: one for each pool that is in service and whose network has an interface here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::runtime::reflector::Store;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::pool::PoolRef;

use super::StandaloneError;
use crate::agent::{Agent, AgentConfig, AgentError, AgentMetrics};
use crate::manager::{agent_lease_name, pool_of_network};
use crate::runtime::Shutdown;

/// The agents that run now, as the admin server shows them.
#[derive(Clone, Default)]
pub(super) struct Agents {
    running: Arc<Mutex<BTreeMap<PoolRef, Agent>>>,
}

impl Agents {
    pub(super) fn all(&self) -> BTreeMap<PoolRef, Agent> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn insert(&self, pool: PoolRef, agent: Agent) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(pool, agent);
    }

    fn remove(&self, pool: &PoolRef) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(pool);
    }
}

/// What agents are started with.
pub(super) struct Supervisor {
    pub(super) client: Client,
    pub(super) interfaces: BTreeMap<NetworkName, String>,
    pub(super) snapshots: PathBuf,
    /// Where the admin server shows the agents.
    pub(super) url: String,
    pub(super) metrics: AgentMetrics,
    pub(super) agents: Agents,
}

/// An agent that should run: another UID is another pool of that name, and needs another agent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    uid: String,
    interface: String,
}

struct Running {
    wanted: Wanted,
    stop: Shutdown,
    task: JoinHandle<()>,
}

type Death = (PoolRef, AgentError);

impl Supervisor {
    /// Follows the pools until `shutdown`; the death of an agent ends it with an error.
    pub(super) async fn run(self, shutdown: Shutdown) -> Result<(), StandaloneError> {
        let (pools, writer) = reflector::store();
        let all: Api<IPPool> = Api::all(self.client.clone());
        // Every event, the end of a list included: only then does the store show what was listed.
        let events = watcher(all, watcher::Config::default()).default_backoff().reflect(writer);
        let mut events = std::pin::pin!(events.map_err(|error| tracing::warn!(%error, "the watch of pools")));
        let (deaths, mut died) = mpsc::unbounded_channel();
        let mut running = BTreeMap::new();
        // A pool that loses its rival, or gains one, changes by an event of the other pool: so any event is a look at
        // all of them, and a look now and then costs nothing.
        let mut again = tokio::time::interval(Duration::from_secs(30));
        let result = loop {
            tokio::select! {
                () = shutdown.wait() => break Ok(()),
                Some((pool, error)) = died.recv() => break Err(StandaloneError::Agent { pool, error }),
                event = events.next() => if event.is_none() { break Ok(()) },
                _ = again.tick() => {}
            }
            if let Err((pool, error)) = self.follow(&pools, &mut running, &deaths).await {
                break Err(StandaloneError::Agent { pool, error });
            }
        };
        for (pool, agent) in running {
            self.stop(&pool, agent).await;
        }
        result
    }

    /// Which pools should have an agent.
    fn wanted(&self, pools: &Store<IPPool>) -> BTreeMap<PoolRef, Wanted> {
        let of_network = |(network, interface): (&NetworkName, &String)| {
            let pool = pool_of_network(network, pools)?;
            let in_service = pool.spec.paused != Some(true);
            let uid = pool.meta().uid.clone().unwrap_or_default();
            in_service.then(|| (PoolRef::of(&pool), Wanted { uid, interface: interface.clone() }))
        };
        self.interfaces.iter().filter_map(of_network).collect()
    }

    async fn follow(
        &self,
        pools: &Store<IPPool>,
        running: &mut BTreeMap<PoolRef, Running>,
        deaths: &mpsc::UnboundedSender<Death>,
    ) -> Result<(), Death> {
        let wanted = self.wanted(pools);
        let surplus: Vec<_> = running
            .iter()
            .filter(|(pool, agent)| wanted.get(*pool) != Some(&agent.wanted))
            .map(|(pool, _)| pool.clone())
            .collect();
        for pool in surplus {
            if let Some(agent) = running.remove(&pool) {
                self.stop(&pool, agent).await;
            }
        }
        for (pool, wanted) in wanted {
            if let Entry::Vacant(place) = running.entry(pool) {
                let agent =
                    self.start(place.key(), wanted, deaths).map_err(|error| (place.key().clone(), error))?;
                place.insert(agent);
            }
        }
        Ok(())
    }

    fn start(
        &self,
        pool: &PoolRef,
        wanted: Wanted,
        deaths: &mpsc::UnboundedSender<Death>,
    ) -> Result<Running, AgentError> {
        let config = AgentConfig {
            name: format!("standalone-{}", wanted.interface),
            pool: pool.clone(),
            interface: wanted.interface.clone(),
            snapshot: Some(self.snapshots.join(format!("{}.{}.json", pool.namespace, pool.name))),
            lease: Some((pool.namespace.clone(), agent_lease_name(pool))),
            url: format!("{}/{}/{}", self.url, pool.namespace, pool.name),
            dry_run: false,
        };
        let agent = Agent::new(config, self.client.clone(), self.metrics.clone())?;
        let stop = Shutdown::new();
        let (deaths, pool_of_task) = (deaths.clone(), pool.clone());
        let life = Box::pin(agent.clone().run(stop.clone()));
        let task = tokio::spawn(async move {
            if let Err(error) = life.await {
                // The receiver lives until every agent has been stopped.
                let _ = deaths.send((pool_of_task, error));
            }
        });
        tracing::info!(%pool, interface = wanted.interface, "agent started");
        self.agents.insert(pool.clone(), agent);
        Ok(Running { wanted, stop, task })
    }

    async fn stop(&self, pool: &PoolRef, agent: Running) {
        let Running { stop, task, wanted } = agent;
        stop.trigger();
        if let Err(error) = task.await {
            tracing::error!(%pool, %error, "an agent has panicked");
        }
        self.agents.remove(pool);
        tracing::info!(%pool, interface = wanted.interface, "agent stopped");
    }
}
