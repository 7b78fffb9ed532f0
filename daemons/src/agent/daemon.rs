//! One agent as a process: what a Pod of a cluster runs.

use std::net::SocketAddr;

use kube::Client;
use prometheus_client::registry::Registry;

use super::{Agent, AgentConfig, AgentError, AgentMetrics};
use crate::runtime::Shutdown;
use crate::runtime::admin::{self, AdminServer, ListenError};

/// What such a process is told.
#[derive(Debug, Clone)]
pub struct AgentDaemonOptions {
    /// The agent. Its `url` is set by where the admin server listens.
    pub agent: AgentConfig,
    /// Where the admin server listens.
    pub listen: Listen,
    /// Whether `/leases` is shown.
    pub show_leases: bool,
}

/// Where the admin server of an agent listens; port 0 means any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// At this address of the Pod, on the interface that has it alone: it is not reached from the VM network.
    PodNetwork(SocketAddr),
    /// At this address, whoever it is reached by.
    Anywhere(SocketAddr),
}

/// Why an agent's process ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentDaemonError {
    /// The admin server cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The agent ended: whoever supervises the process starts it anew.
    #[error("the agent of pool {pool}: {error}")]
    Agent {
        /// Of which pool.
        pool: vmdhcp_core::pool::PoolRef,
        /// Why.
        error: AgentError,
    },
}

/// Serves until `shutdown`, or until a part of it dies.
pub async fn run(
    client: Client,
    options: AgentDaemonOptions,
    shutdown: Shutdown,
) -> Result<(), AgentDaemonError> {
    let AgentDaemonOptions { mut agent, listen, show_leases } = options;
    let server = match listen {
        Listen::PodNetwork(address) => AdminServer::bind_on_its_interface(address)?,
        Listen::Anywhere(address) => AdminServer::bind(address).await?,
    };
    let address = server.address();
    agent.url = format!("http://{address}");

    let mut registry = Registry::default();
    let metrics = AgentMetrics::default();
    metrics.register(&mut registry);
    let pool = agent.pool.clone();
    let failed = |error| AgentDaemonError::Agent { pool: pool.clone(), error };
    let agent = Agent::new(agent, client, metrics).map_err(failed)?;
    let mut router = agent.router().merge(admin::metrics_route(registry));
    if show_leases {
        router = router.merge(agent.leases_router());
    }
    tracing::info!(%address, "showing probes and metrics");
    // The probes are answered until the agent has ended: it may take seconds, and it is no less alive in them.
    let stop_admin = Shutdown::new();
    let admin = async {
        let served = server.serve(router, stop_admin.clone()).await;
        shutdown.trigger();
        served
    };
    let agent = async {
        let ended = Box::pin(agent.run(shutdown.clone())).await;
        stop_admin.trigger();
        ended.map_err(failed)
    };
    let (agent, admin) = tokio::join!(agent, admin);
    agent?;
    Ok(admin?)
}
