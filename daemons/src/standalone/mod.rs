//! Manager and agents in one process, on the API out of one file: everything that a single machine needs.
//!
//! The manager and the agents are those of a cluster; only who starts an agent differs. Here it is `supervisor`: one
//! agent for each pool whose network has an interface.

mod http;
mod supervisor;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use prometheus_client::registry::Registry;
use vmdhcp_core::NetworkName;

use crate::agent::{AgentError, AgentMetrics};
use crate::cluster::local::{LocalApi, LockError, OpenError};
use crate::manager::{self, AutoPool, Limits, ManagerError, ManagerMetrics, ManagerOptions, Placement};
use crate::runtime::Shutdown;
use crate::runtime::admin::{self, AdminServer, ListenError};

/// What a single machine serves, and where.
pub struct StandaloneOptions {
    /// The API.
    pub api: LocalApi,
    /// A client of it.
    pub client: Client,
    /// Networks that are served here, with the interface of each.
    pub interfaces: BTreeMap<NetworkName, String>,
    /// Where the admin server listens; port 0 means any free one.
    pub listen: SocketAddr,
    /// Folder for the agents' snapshots.
    pub snapshots: PathBuf,
}

/// Why standalone ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// An interface is not there.
    #[error(
        "there is no interface {interface} here (for the network {network}); `ip link` lists those that there are"
    )]
    NoInterface {
        /// The network.
        network: NetworkName,
        /// As given.
        interface: String,
    },
    /// Two networks are said to be on one interface.
    #[error("the interface {interface} is given for two networks; one interface carries one network")]
    SharedInterface {
        /// As given.
        interface: String,
    },
    /// The file cannot be relied on.
    #[error(transparent)]
    File(#[from] OpenError),
    /// Another process serves this interface out of this file.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The admin server cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The folder for snapshots cannot be made.
    #[error("the folder {} for snapshots cannot be made: {error}", path.display())]
    Snapshots {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The manager ended.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// An agent ended: whoever supervises the process starts it anew.
    #[error("the agent of pool {pool}: {error}")]
    Agent {
        /// Of which pool.
        pool: vmdhcp_core::pool::PoolRef,
        /// Why.
        error: AgentError,
    },
}

/// Serves until `shutdown`, or until a part of it dies.
pub async fn run(options: StandaloneOptions, shutdown: Shutdown) -> Result<(), StandaloneError> {
    let StandaloneOptions { api, client, interfaces, listen, snapshots } = options;
    check_interfaces(&interfaces)?;
    api.ensure_sound().await?;
    let _locks =
        interfaces.values().map(|interface| api.lock_interface(interface)).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(&snapshots)
        .map_err(|error| StandaloneError::Snapshots { path: snapshots.clone(), error })?;
    let server = AdminServer::bind(listen).await?;
    let address = server.address();

    let mut registry = Registry::default();
    let metrics = ManagerMetrics::register(&mut registry);
    let agent_metrics = AgentMetrics::default();
    agent_metrics.register(&mut registry);

    let agents = supervisor::Agents::default();
    let router = http::router(agents.clone()).merge(admin::metrics_route(registry));
    let placement = Placement::Interfaces(interfaces.clone());
    let manager = manager::run(
        client.clone(),
        ManagerOptions {
            placement,
            auto_pool: AutoPool::Off,
            clock: Arc::new(Timestamp::now),
            metrics,
            limits: Limits::default(),
        },
        shutdown.clone(),
    );
    let url = format!("http://{address}/agents");
    let supervisor =
        supervisor::Supervisor { client, interfaces, snapshots, url, metrics: agent_metrics, agents };
    tracing::info!(%address, "serving");
    let (manager, agents, admin) = tokio::join!(
        ending(manager, &shutdown),
        ending(supervisor.run(shutdown.clone()), &shutdown),
        ending(server.serve(router, shutdown.clone()), &shutdown),
    );
    agents?;
    manager?;
    Ok(admin?)
}

/// The end of one part is the end of all: a process of which half is dead would look alive.
async fn ending<T>(part: impl Future<Output = T>, shutdown: &Shutdown) -> T {
    let result = part.await;
    shutdown.trigger();
    result
}

fn check_interfaces(interfaces: &BTreeMap<NetworkName, String>) -> Result<(), StandaloneError> {
    let mut seen = BTreeSet::new();
    for (network, interface) in interfaces {
        if !seen.insert(interface) {
            return Err(StandaloneError::SharedInterface { interface: interface.clone() });
        }
        if nix::net::if_::if_nametoindex(interface.as_str()).is_err() {
            return Err(StandaloneError::NoInterface {
                network: network.clone(),
                interface: interface.clone(),
            });
        }
    }
    Ok(())
}
