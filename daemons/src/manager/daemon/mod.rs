//! The manager as a process: one of several replicas, of which one leads and works.
//!
//! ```text
//! reach the API ──▶ stand by ──▶ lead: apply the kinds ──▶ manager::run
//! ```
//!
//! Probes and metrics are shown from the start on, whoever leads. A process that has lost the lead ends at once, and in
//! the middle of things: what it had on its way may still arrive, and names the version that it was decided on.

mod caches;
mod kinds;
mod probes;
mod upstream_webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{AutoPool, Limits, ManagerError, ManagerMetrics, ManagerOptions, Placement};
use crate::runtime::Shutdown;
use crate::runtime::admin::{self, AdminServer, ListenError};
use crate::runtime::leader_election::{Candidate, Durations, Lost};

pub use kinds::KindsError;
use probes::{Progress, Stage};
use upstream_webhook::UpstreamWebhook;

/// Name of the Lease of the manager that leads: that of Harvester's vm-dhcp-controller, so that the two never work at
/// one time (COMPAT 11.1).
pub const LEASE: &str = "vm-dhcp-controllers";

/// What such a process is told.
#[derive(Debug, Clone)]
pub struct ManagerDaemonOptions {
    /// Its name: the release's, after which upstream's webhook was named.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Where agents run.
    pub placement: Placement,
    /// Which VM networks are given a pool.
    pub auto_pool: AutoPool,
    /// How the leader among the replicas is found; none leads unasked.
    pub election: Option<Election>,
    /// Whether the leader applies the definitions of the kinds.
    pub apply_kinds: bool,
    /// Where the admin server listens; port 0 means any free one.
    pub listen: SocketAddr,
    /// Whether upstream's `/ipams` and `/caches` are shown.
    pub show_caches: bool,
}

/// How the leader among the replicas is found.
#[derive(Debug, Clone)]
pub struct Election {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Who this is; no other life of any replica may ever have the same.
    pub identity: String,
    /// How long a lead lasts.
    pub durations: Durations,
}

/// Why a manager's process ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ManagerDaemonError {
    /// The admin server cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Another leads, or may do so by now.
    #[error("the lead is lost: {0}; the process ends, so that it can be started anew and stand by")]
    LeadLost(Lost),
    /// The kinds are not there, and cannot be put there.
    #[error(transparent)]
    Kinds(#[from] KindsError),
    /// The manager ended.
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// Stands by, leads and works until `shutdown`, or until the lead is lost or a part of it dies.
pub async fn run(
    client: Client,
    options: ManagerDaemonOptions,
    shutdown: Shutdown,
) -> Result<(), ManagerDaemonError> {
    let ManagerDaemonOptions {
        name,
        namespace,
        placement,
        auto_pool,
        election,
        apply_kinds,
        listen,
        show_caches,
    } = options;
    let server = AdminServer::bind(listen).await?;
    let mut registry = Registry::default();
    let metrics = ManagerMetrics::register(&mut registry);
    let leader = Gauge::default();
    registry.register("vmdhcp_leader", "Whether this replica leads", leader.clone());
    let progress = Progress::default();
    let mut router =
        Router::new().merge(probes::router(progress.clone())).merge(admin::metrics_route(registry));
    if show_caches {
        router = router.merge(caches::router(client.clone()));
    }
    tracing::info!(address = %server.address(), "showing probes and metrics");

    let clock: crate::runtime::Clock = Arc::new(Timestamp::now);
    let manager =
        ManagerOptions { placement, auto_pool, clock: clock.clone(), metrics, limits: Limits::default() };
    let upstream = UpstreamWebhook::beside(&name, &namespace);
    let replica =
        Replica { client, manager, upstream, apply_kinds, progress, leader, shutdown: shutdown.clone() };
    let working = async {
        match election {
            None => replica.work().await,
            Some(Election { namespace, identity, durations }) => {
                let leases = Api::namespaced(replica.client.clone(), &namespace);
                let candidate = Candidate { leases, name: LEASE.to_owned(), identity, durations, clock };
                replica.work_if_elected(candidate).await
            }
        }
    };
    // Probes are answered until the work has ceased: that may take seconds.
    let stop_admin = Shutdown::new();
    let mut working = Box::pin(working);
    let mut admin = Box::pin(server.serve(router, stop_admin.clone()));
    tokio::select! {
        ended = &mut working => {
            ended?;
            stop_admin.trigger();
            Ok(admin.await?)
        }
        served = &mut admin => {
            shutdown.trigger();
            working.await?;
            Ok(served?)
        }
    }
}

/// One of the replicas.
struct Replica {
    client: Client,
    manager: ManagerOptions,
    upstream: UpstreamWebhook,
    apply_kinds: bool,
    progress: Progress,
    leader: Gauge,
    shutdown: Shutdown,
}

impl Replica {
    /// Waits for the lead, works as long as it lasts, and gives it up.
    async fn work_if_elected(&self, candidate: Candidate) -> Result<(), ManagerDaemonError> {
        let elected = async {
            self.reach(&candidate).await;
            self.progress.set(Stage::StandingBy);
            candidate.elected().await
        };
        let mut elected = Box::pin(elected);
        let mut leadership = tokio::select! {
            leadership = &mut elected => leadership,
            () = self.shutdown.wait() => {
                // It may just have been taken: then others need not wait for it to run out.
                if let Ok(leadership) = timeout(LAST_ATTEMPT, elected).await {
                    leadership.release().await;
                }
                return Ok(());
            }
        };
        let ended = tokio::select! {
            lost = leadership.keep() => {
                self.leader.set(0);
                return Err(ManagerDaemonError::LeadLost(lost));
            }
            ended = self.work() => ended,
        };
        self.leader.set(0);
        leadership.release().await;
        ended
    }

    /// Returns once the Lease can be read, or is known to be absent.
    async fn reach(&self, candidate: &Candidate) {
        let Candidate { leases, name, identity, .. } = candidate;
        let mut said = String::new();
        loop {
            let trouble = match timeout(PATIENCE, leases.get_opt(name)).await {
                Ok(Ok(lease)) => {
                    let leader = lease.as_ref().and_then(holder).unwrap_or_default();
                    tracing::info!(%identity, leader, "standing by");
                    return;
                }
                Ok(Err(error)) => format!("the Lease {name} cannot be read: {error}"),
                Err(_elapsed) => "the API does not answer".to_owned(),
            };
            if trouble != said {
                tracing::warn!("{trouble}; trying again");
                self.progress.set(Stage::Unreached(trouble.clone()));
                said = trouble;
            }
            sleep(RETRY).await;
        }
    }

    /// The work of a leader.
    async fn work(&self) -> Result<(), ManagerDaemonError> {
        self.leader.set(1);
        self.progress.set(Stage::Preparing);
        if self.apply_kinds {
            tokio::select! {
                applied = kinds::apply(&self.client) => applied?,
                () = self.shutdown.wait() => return Ok(()),
            }
        }
        self.progress.set(Stage::Leading);
        // A task of its own: however busy it is, the Lease goes on being renewed. It ends with the set.
        let mut task = JoinSet::new();
        task.spawn(Box::pin(super::run(self.client.clone(), self.manager.clone(), self.shutdown.clone())));
        let ended = tokio::select! {
            ended = task.join_next() => ended,
            never = self.upstream.keep_away(&self.client) => match never {},
        };
        match ended {
            Some(Ok(ended)) => Ok(ended?),
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Nobody else ends it.
            Some(Err(_)) | None => Ok(()),
        }
    }
}

/// How long an attempt to lead that is under way may hold up the end.
const LAST_ATTEMPT: Duration = Duration::from_secs(1);
/// How long one answer of the API is waited for, and the pause before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}
