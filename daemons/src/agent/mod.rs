//! The DHCP agent: watches one pool and answers its clients on one interface.
//!
//! ```text
//! API ──▶ watch ──▶ Tables ──▶ State::publish ──▶ packet thread: frame ──▶ Responder ──▶ frame
//!           ▲                      │
//!       currency               ARP, report, HTTP
//! ```
//!
//! An agent that has once known its leases goes on serving them, whatever becomes of the API: the table is replaced
//! only by a newer one that can be served. The packet path, from `packet_loop` down, takes no lock, allocates nothing
//! and makes no system call but receive and send.
//!
//! Left out for now: which of several agents of a pool answers (all of them do, alike).

pub(crate) mod arp;
mod counts;
mod currency;
pub mod daemon;
mod decision_log;
mod decision_stream;
mod filter;
mod foreign;
mod frame;
mod http;
pub mod init;
mod interface;
mod limits;
mod metrics;
mod ntp;
mod option_text;
mod packet_loop;
mod packet_socket;
mod reason;
mod records;
mod report;
mod responder;
mod seqlock;
mod server_address;
mod sightings;
mod snapshot;
mod stand_down;
mod state;
pub(crate) mod tables;
mod threads;
pub(crate) mod unleased;
mod watch;

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kube::Api;
use tokio::sync::{Notify, watch as watch_channel};
use tokio::task::{JoinHandle, JoinSet};
use vmdhcp_core::api::IPPool;
use vmdhcp_core::pool::PoolRef;

pub use decision_log::DecisionText;
pub use decision_stream::StreamLine;
pub use metrics::AgentMetrics;
pub use option_text::OptionText;
pub use packet_socket::SocketError;

use interface::Interface;
use metrics::Registration;
use report::Reporter;
use snapshot::SnapshotError;
use state::{Kept, State};
use tables::Remembered;
use threads::{Threads, Wire};
use watch::{Connections, Keeper};

use crate::runtime::Shutdown;

/// What an agent is told.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// Its name: that of its Pod on a cluster.
    pub name: String,
    /// The pool that it serves.
    pub pool: PoolRef,
    /// The interface that it serves it on.
    pub interface: String,
    /// Where it keeps a snapshot of the leases over a restart.
    pub snapshot: Option<PathBuf>,
    /// Namespace and name of the Lease that it reports in.
    pub lease: Option<(String, String)>,
    /// Where the admin server shows [`Agent::router`].
    pub url: String,
    /// Whether it follows its pool and reports, and leaves the network alone.
    pub dry_run: bool,
}

/// Why an agent did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no socket, or it died.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The system has no room for another thread.
    #[error("the {name} thread cannot be started: {source}")]
    Thread {
        /// Which one.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A thread ended without a word.
    #[error("the {name} thread has ended unexpectedly")]
    ThreadEnded {
        /// Which one.
        name: &'static str,
    },
}

/// An agent. Clones are handles on the same one.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

struct Inner {
    config: AgentConfig,
    client: kube::Client,
    state: Arc<State>,
    /// Shows the metrics as long as there is a handle on the agent.
    _registration: Registration,
}

impl Agent {
    /// Makes an agent that does nothing until it is [`run`](Self::run). The error says that the interface is no good.
    pub fn new(config: AgentConfig, client: kube::Client, metrics: AgentMetrics) -> Result<Self, AgentError> {
        Interface::find(&config.interface)?;
        let registration = metrics.add(&config.pool);
        let state = Arc::new(State::new(config.pool.clone(), Arc::clone(registration.metrics())));
        Ok(Self { inner: Arc::new(Inner { config, client, state, _registration: registration }) })
    }

    /// Serves until `shutdown`. The error says that a socket could not be opened, or died: whoever supervises the
    /// agent starts it anew.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), AgentError> {
        let Inner { config, client, state, _registration: _ } = &*self.inner;
        let interface = Interface::find(&config.interface)?;
        // Meanwhile the sockets are opened.
        let remembered = self.read_snapshot();
        let mut threads =
            if config.dry_run { None } else { Some(Threads::start(&interface, Arc::clone(state))?) };
        let wire = threads.as_ref().map(Threads::wire);
        state.set_socket_open(true);
        tracing::info!(
            pool = %config.pool, interface = %interface.name, mac = %interface.mac(), agent = config.name,
            dry_run = config.dry_run, "agent started"
        );

        let pools: Api<IPPool> = Api::namespaced(client.clone(), &config.pool.namespace);
        let (snapshots, snapshot_states) = watch_channel::channel(None);
        let (ntp_names, wanted_names) = watch_channel::channel(Vec::new());
        let (resolved, ntp_resolved) = watch_channel::channel(ntp::Resolved::new());
        let connections = Connections { snapshots, ntp_names, ntp_resolved };
        let remembered = self.remembered(remembered).await;
        if config.snapshot.is_some() {
            state.keep(remembered.as_ref().map_or(Kept::Nothing, snapshot::kept_by));
        }
        let keeper = Keeper::new(Arc::clone(state), config.interface.clone(), remembered, connections);
        let restart_watch = Arc::new(Notify::new());
        let mut keeping = JoinSet::new();
        keeping.spawn(keep(keeper, pools.clone(), Arc::clone(&restart_watch)));
        let following = async {
            let (never, ..) = tokio::join!(
                kept_for_ever(&mut keeping),
                currency::confirm(&pools, state, &restart_watch),
                ntp::resolve(wanted_names, resolved, ntp::look_up),
                look_around(wire.as_ref(), state),
                state.keep_gauges(),
                interface.follow_mac(state),
            );
            never
        };

        // What has to be put in order before the end: while it is, clients go on being answered.
        let stop = Shutdown::new();
        let closing = async {
            tokio::join!(
                hold_server_address(wire.as_ref(), state, &stop),
                self.report(&interface, &stop),
                self.keep_snapshot(snapshot_states, &stop),
            )
        };
        let ending = async {
            let end = tokio::select! {
                () = shutdown.wait() => Ok(()),
                error = death(threads.as_mut()) => Err(error),
            };
            stop.trigger();
            end
        };
        let end = tokio::select! {
            (end, _) = async { tokio::join!(ending, closing) } => end,
            never = following => match never {},
        };
        state.set_socket_open(false);
        if let Some(threads) = threads {
            threads.stop().await;
        }
        tracing::info!(pool = %config.pool, interface = %interface.name, "agent stopped");
        end
    }

    /// `/healthz`, `/readyz`, `/clients`, `/clients/MAC` and `/status`.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.inner.state))
    }

    /// `/leases`: the leases in upstream's format, which shows them only when asked to.
    pub fn leases_router(&self) -> axum::Router {
        http::leases_router(Arc::clone(&self.inner.state))
    }

    /// The leases in upstream's format, as `/leases` shows them.
    pub fn leases(&self) -> serde_json::Value {
        http::leases(&self.inner.state)
    }

    /// Whether clients are answered.
    pub fn is_ready(&self) -> bool {
        self.inner.state.readiness().is_ok()
    }

    /// Begins to read the snapshot, where there is to be one.
    fn read_snapshot(&self) -> Option<JoinHandle<Result<Option<Remembered>, SnapshotError>>> {
        let AgentConfig { snapshot, pool, .. } = &self.inner.config;
        let (path, of) = (snapshot.clone()?, pool.clone());
        Some(tokio::task::spawn_blocking(move || snapshot::read(&path, &of)))
    }

    /// What it holds, if it is a good one.
    async fn remembered(
        &self,
        reading: Option<JoinHandle<Result<Option<Remembered>, SnapshotError>>>,
    ) -> Option<Remembered> {
        reading?.await.ok()?.unwrap_or_else(|error| {
            tracing::warn!(pool = %self.inner.config.pool, %error, "the snapshot of the leases is ignored");
            None
        })
    }

    async fn keep_snapshot(&self, states: watch_channel::Receiver<Option<Remembered>>, stop: &Shutdown) {
        match self.inner.config.snapshot.clone() {
            Some(path) => {
                let state = Arc::clone(&self.inner.state);
                snapshot::keep(path, states, stop.clone(), |kept| state.keep(kept)).await;
            }
            None => stop.wait().await,
        }
    }

    async fn report(&self, interface: &Arc<Interface>, stop: &Shutdown) {
        let Inner { config, client, state, .. } = &*self.inner;
        let Some((namespace, lease)) = config.lease.clone() else { return };
        let reporter = Reporter {
            agent: config.name.clone(),
            interface: Arc::clone(interface),
            url: config.url.clone(),
            leases: Api::namespaced(client.clone(), &namespace),
            lease,
        };
        reporter.run(state, stop).await;
    }
}

/// Reads a pool and builds its tables: in a task of its own, because a large one keeps its thread busy for long.
async fn keep(keeper: Keeper, pools: Api<IPPool>, restart_watch: Arc<Notify>) -> Infallible {
    keeper.follow(pools, &restart_watch).await
}

/// Returns never; a panic of the task becomes one of ours.
async fn kept_for_ever(keeping: &mut JoinSet<Infallible>) -> Infallible {
    match keeping.join_next().await {
        Some(Ok(never)) => match never {},
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Its runtime is being shut down.
        Some(Err(_)) | None => std::future::pending().await,
    }
}

/// Probes leases and looks for other servers; nothing on a dry run.
async fn look_around(wire: Option<&Wire>, state: &State) {
    if let Some(Wire { dhcp, arp, answers }) = wire {
        tokio::join!(arp::probe_leases(arp, state, answers), foreign::look_for_servers(dhcp, state));
    }
}

async fn hold_server_address(wire: Option<&Wire>, state: &State, stop: &Shutdown) {
    match wire {
        Some(Wire { arp, .. }) => server_address::keep(arp, state, stop).await,
        None => stop.wait().await,
    }
}

/// Returns when a thread has died; never on a dry run.
async fn death(threads: Option<&mut Threads>) -> AgentError {
    match threads {
        Some(threads) => threads.death().await,
        None => std::future::pending().await,
    }
}
