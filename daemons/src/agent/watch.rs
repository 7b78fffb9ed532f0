//! Follows the pool in the API and keeps what is served up to it.
//!
//! It watches its own IPPool and nothing else. Every state of it, the first included, becomes a whole new table; one
//! that cannot be served leaves the last good table, and so does every failure of the API. Before the first answer of
//! the API a snapshot is served, if there is one.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use kube::Api;
use kube::runtime::watcher::watch_object;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::dhcp::Extras;
use vmdhcp_core::pool::ForeignServerPolicy;

use super::metrics::count;
use super::ntp::Resolved;
use super::records::Records;
use super::stand_down::Standing;
use super::state::{Serving, State, Unserved};
use super::tables::{Remembered, Tables, trimmed};

/// How long the API is waited for before a snapshot is served.
const SNAPSHOT_AFTER: Duration = Duration::from_secs(2);
/// Between two attempts to reach the API: doubled from the first to the second.
const SHORTEST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// What every Ethernet has; it says nothing about the network.
const USUAL_MTU: u16 = 1500;

/// Where a keeper's results go and its names come from.
#[derive(Debug)]
pub(crate) struct Connections {
    /// What is to be remembered over a restart; none once the pool is deleted.
    pub(crate) snapshots: watch::Sender<Option<Remembered>>,
    /// Names of time servers to resolve.
    pub(crate) ntp_names: watch::Sender<Vec<String>>,
    /// Their addresses.
    pub(crate) ntp_resolved: watch::Receiver<Resolved>,
}

/// Keeps what is served.
#[derive(Debug)]
pub(crate) struct Keeper {
    state: Arc<State>,
    interface: String,
    tables: Tables,
    records: Records,
    connections: Connections,
    /// Whether what is in `tables` came from the API.
    listed: bool,
    /// Whether what was remembered last says that a lease has been acknowledged.
    remembers_acknowledged: bool,
    /// The last thing that was complained of, so that it is logged once.
    complaint: Option<String>,
}

impl Keeper {
    /// Begins with what was remembered, if it can still be served.
    pub(crate) fn new(
        state: Arc<State>,
        interface: String,
        remembered: Option<Remembered>,
        connections: Connections,
    ) -> Self {
        let remembers_acknowledged = remembered.as_ref().is_some_and(|remembered| remembered.acknowledged);
        let tables = remembered.map(Tables::restore).transpose();
        let tables = tables.unwrap_or_else(|error| {
            tracing::warn!(pool = %state.pool, %error, "the snapshot is ignored");
            None
        });
        let tables = tables.unwrap_or_default();
        Self {
            state,
            interface,
            tables,
            records: Records::default(),
            connections,
            listed: false,
            remembers_acknowledged,
            complaint: None,
        }
    }

    /// Follows the pool for as long as it is polled. `restart` asks for a new watch.
    pub(crate) async fn follow(mut self, api: Api<IPPool>, restart: &Notify) -> Infallible {
        let name = self.state.pool.name.clone();
        let state = Arc::clone(&self.state);
        let mut snapshot_due = pin!(tokio::time::sleep(SNAPSHOT_AFTER));
        loop {
            let mut objects = pin!(watch_object(api.clone(), &name));
            let mut retry = SHORTEST_RETRY;
            let mut resume: Option<Instant> = None;
            loop {
                let pause = resume.unwrap_or_else(Instant::now);
                let expiry = self.tables.next_expiry().map(until);
                tokio::select! {
                    object = objects.next(), if resume.is_none() => match object {
                        Some(Ok(object)) => {
                            retry = SHORTEST_RETRY;
                            self.take(object);
                        }
                        Some(Err(error)) => {
                            count(&self.state.metrics.watch_errors);
                            self.complain(format!("the API does not answer for the pool: {error}"));
                            self.serve_snapshot();
                            resume = Some(Instant::now() + retry);
                            retry = (retry * 2).min(LONGEST_RETRY);
                        }
                        None => break,
                    },
                    () = tokio::time::sleep_until(pause), if resume.is_some() => resume = None,
                    () = restart.notified() => break,
                    () = &mut snapshot_due, if !snapshot_due.is_elapsed() => self.serve_snapshot(),
                    Ok(()) = self.connections.ntp_resolved.changed() => self.publish(),
                    () = state.first_acknowledged.notified() => self.remember_acknowledged(),
                    () = tokio::time::sleep(expiry.unwrap_or_default()), if expiry.is_some() => {
                        self.tables.expire(Timestamp::now());
                        self.publish();
                    }
                }
            }
        }
    }

    /// Takes what the API says of the pool: its state, or that there is none.
    fn take(&mut self, object: Option<IPPool>) {
        let Some(stored) = object else {
            self.listed = true;
            self.tables.forget();
            self.connections.snapshots.send_replace(None);
            self.complain(Unserved::NoPool(self.state.pool.clone()).to_string());
            self.state.publish(Err(Unserved::NoPool(self.state.pool.clone())));
            return;
        };
        match self.tables.accept(Arc::new(trimmed(stored)), Timestamp::now()) {
            Ok(()) => {
                self.complaint = None;
                if !std::mem::replace(&mut self.listed, true) {
                    tracing::info!(pool = %self.state.pool, "the API has answered");
                }
                count(&self.state.metrics.tables);
                self.publish();
                // Only then: what is on disk counts as served by all that is told of it.
                self.remember();
            }
            Err(refusal) => {
                self.state.metrics.refused_tables.add([refusal.reason()]);
                self.state.explain(Unserved::Refused(refusal.to_string()));
                self.complain(refusal.to_string());
                // The API has answered, and has nothing better.
                self.serve_snapshot();
            }
        }
    }

    /// Remembers that a lease has been acknowledged: after a restart, too, this pool stands down for nobody.
    fn remember_acknowledged(&mut self) {
        if !self.remembers_acknowledged && self.tables.acknowledged().load(Ordering::Relaxed) {
            self.remember();
        }
    }

    fn remember(&mut self) {
        let remembered = self.tables.remember();
        self.remembers_acknowledged = remembered.as_ref().is_some_and(|remembered| remembered.acknowledged);
        self.connections.snapshots.send_replace(remembered);
    }

    /// Serves what was remembered, as long as the API has not said anything.
    fn serve_snapshot(&mut self) {
        if self.listed || self.tables.stored().is_none() || self.state.serving().is_some() {
            return;
        }
        tracing::warn!(pool = %self.state.pool, "the API has not answered yet: serving the leases of the snapshot");
        self.publish();
    }

    /// Serves what is in the tables.
    fn publish(&mut self) {
        let from_snapshot = !self.listed;
        if from_snapshot && self.tables.stored().is_none() {
            return;
        }
        self.connections.ntp_names.send_if_modified(|names| {
            let wanted = self.tables.ntp_names();
            let changed = *names != wanted;
            *names = wanted;
            changed
        });
        let next = self.serving(from_snapshot);
        let metrics = &self.state.metrics;
        let (leases, carried) =
            next.as_ref().map_or((0, 0), |serving| (serving.table.len(), serving.carried.len()));
        metrics.leases.store(u64::try_from(leases).unwrap_or(u64::MAX), Ordering::Relaxed);
        metrics.from_snapshot.store(from_snapshot && next.is_ok(), Ordering::Relaxed);
        let before =
            metrics.carried_leases.swap(u64::try_from(carried).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Ok(serving) = &next {
            if carried > 0 && before != u64::try_from(carried).unwrap_or(u64::MAX) {
                tracing::warn!(
                    pool = %self.state.pool, carried,
                    "leases have vanished from the pool without retiring, as if it had been restored from a backup; \
                     they go on being served, and their addresses go to nobody else"
                );
            }
            if !serving.complaints.is_empty() {
                let complaints = serving.complaints.join("; ");
                self.complain(format!("some options are left out: {complaints}"));
            }
        }
        self.state.publish(next);
    }

    fn serving(&mut self, from_snapshot: bool) -> Result<Serving, Unserved> {
        let unserved = || Unserved::NoPool(self.state.pool.clone());
        let extras = Extras {
            network_mtu: mtu(&self.interface).filter(|mtu| *mtu != USUAL_MTU),
            resolved_ntp: self.connections.ntp_resolved.borrow().clone(),
            ..Extras::default()
        };
        let extras =
            Extras { route_helpers: self.tables.stored().map(route_helpers).unwrap_or_default(), ..extras };
        let table = self.tables.build(&extras).ok_or_else(unserved)?;
        let built_at = self.state.now().monotonic;
        let (pool, stored) = self.tables.pool().zip(self.tables.stored()).ok_or_else(unserved)?;
        if pool.paused {
            return Err(Unserved::Paused(self.state.pool.clone()));
        }
        Ok(Serving {
            records: self.records.follow(&table, from_snapshot),
            unleased: self.tables.unleased(),
            table,
            pool: pool.clone(),
            pool_uid: stored.metadata.uid.clone().unwrap_or_default(),
            resource_version: stored.metadata.resource_version.clone().unwrap_or_default(),
            declared_lease_time: stored
                .spec
                .ipv4_config
                .as_ref()
                .and_then(|ipv4| ipv4.lease_time)
                .unwrap_or(0),
            resolved_ntp: extras.resolved_ntp,
            from_snapshot,
            carried: self.tables.carried(),
            witnessed: self.tables.memory().witnessed,
            roster: roster(stored),
            complaints: self.tables.complaints().iter().map(ToString::to_string).collect(),
            stands_down: pool.foreign_server_policy == ForeignServerPolicy::StandDown,
            acknowledged: self.tables.acknowledged(),
            foreign_servers: foreign_servers(stored),
            built_at,
            confirmed_until: AtomicU64::new(0),
            standing: AtomicU64::new(Standing::Looks.pack()),
        })
    }

    /// Logs something that is wrong, once.
    fn complain(&mut self, complaint: String) {
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::warn!(pool = %self.state.pool, "{complaint}");
            self.complaint = Some(complaint);
        }
    }
}

/// Cards of the pool's agents, as the manager has collected them.
fn roster(stored: &IPPool) -> BTreeSet<MacAddr> {
    let agents = stored.status.as_ref().map_or(&[][..], |status| &status.agents);
    agents.iter().filter_map(|agent| agent.mac_address.parse().ok()).collect()
}

/// Cards of Harvester's route helpers, as the manager has found them.
fn route_helpers(stored: &Arc<IPPool>) -> BTreeSet<MacAddr> {
    let helpers = stored.status.as_ref().map_or(&[][..], |status| &status.route_helpers);
    helpers.iter().filter_map(|mac| mac.parse().ok()).collect()
}

/// Other DHCP servers, as the manager has collected them from all agents.
fn foreign_servers(stored: &IPPool) -> Vec<Ipv4Addr> {
    let servers = stored.status.as_ref().map_or(&[][..], |status| &status.foreign_servers);
    servers.iter().filter_map(|server| server.parse().ok()).collect()
}

/// MTU of an interface in bytes.
fn mtu(interface: &str) -> Option<u16> {
    let mtu = fs::read_to_string(format!("/sys/class/net/{interface}/mtu")).ok()?;
    mtu.trim().parse().ok()
}

/// How long it is until then.
fn until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::state;
    use crate::agent::tables::tests::stored;
    use http::{Request, Response, StatusCode};
    use kube::client::Body;
    use vmdhcp_core::dhcp::{Authority, Decision, REPLY_MAX, Why, respond};

    const A: &str = "02:00:00:00:00:0a";

    struct Bench {
        state: Arc<State>,
        keeper: Keeper,
        snapshots: watch::Receiver<Option<Remembered>>,
        ntp_resolved: watch::Sender<Resolved>,
    }

    fn bench(remembered: Option<Remembered>) -> Bench {
        let state = Arc::new(state());
        state.set_socket_open(true);
        let (snapshot_sender, snapshots) = watch::channel(None);
        let (ntp_sender, ntp_receiver) = watch::channel(Resolved::new());
        let connections = Connections {
            snapshots: snapshot_sender,
            ntp_names: watch::Sender::new(Vec::new()),
            ntp_resolved: ntp_receiver,
        };
        let keeper = Keeper::new(Arc::clone(&state), "lo".into(), remembered, connections);
        Bench { state, keeper, snapshots, ntp_resolved: ntp_sender }
    }

    fn remembered() -> Remembered {
        let mut tables = Tables::default();
        let pool = stored(&[("192.168.48.82", A)]);
        tables.accept(Arc::new(pool), Timestamp::UNIX_EPOCH).unwrap();
        tables.remember().unwrap()
    }

    fn leases(state: &State) -> Option<usize> {
        state.serving().as_ref().map(|serving| serving.table.len())
    }

    #[test]
    fn every_object_is_served_and_remembered_and_a_deleted_pool_is_not() {
        let Bench { state, mut keeper, snapshots, .. } = bench(None);
        keeper.take(Some(stored(&[("192.168.48.82", A)])));
        assert_eq!(leases(&state), Some(1));
        assert!(snapshots.borrow().is_some());
        keeper.take(None);
        assert_eq!(leases(&state), None);
        assert_eq!(state.readiness().unwrap_err(), "pool default/net-48 does not exist");
        assert!(snapshots.borrow().is_none());
    }

    #[test]
    fn a_paused_pool_is_not_served_and_a_resumed_one_is_as_before() {
        let Bench { state, mut keeper, .. } = bench(None);
        let pool = stored(&[("192.168.48.82", A)]);
        let mut paused = pool.clone();
        paused.spec.paused = Some(true);
        keeper.take(Some(pool.clone()));
        keeper.take(Some(paused));
        assert_eq!(state.readiness().unwrap_err(), "pool default/net-48 is paused");
        keeper.take(Some(pool));
        assert_eq!(leases(&state), Some(1));
    }

    #[test]
    fn an_object_that_cannot_be_served_says_why_and_leaves_what_is_served() {
        let Bench { state, mut keeper, .. } = bench(None);
        let mut unknown = stored(&[]);
        unknown.status = None;
        keeper.take(Some(unknown.clone()));
        assert!(state.readiness().unwrap_err().contains("status.ipv4"));
        keeper.take(Some(stored(&[("192.168.48.82", A)])));
        keeper.take(Some(unknown));
        assert_eq!(leases(&state), Some(1));
    }

    #[test]
    fn the_first_lease_that_is_acknowledged_is_remembered_over_a_restart() {
        let Bench { state, mut keeper, mut snapshots, .. } = bench(None);
        keeper.remember_acknowledged();
        let mut pool = stored(&[("192.168.48.82", A)]);
        pool.spec.ipv4_config.as_mut().unwrap().foreign_server_policy = Some("StandDown".into());
        pool.status.as_mut().unwrap().foreign_servers = vec!["192.168.48.2".into()];
        keeper.take(Some(pool.clone()));
        let standing = |state: &State| state.standing();
        assert_eq!(standing(&state), Standing::StandsDown(Ipv4Addr::new(192, 168, 48, 2)));
        keeper.remember_acknowledged();
        assert!(!snapshots.borrow_and_update().as_ref().unwrap().acknowledged);
        state.serving().as_ref().unwrap().acknowledged.store(true, Ordering::Relaxed);
        keeper.remember_acknowledged();
        let kept = snapshots.borrow_and_update().clone().unwrap();
        assert!(kept.acknowledged);
        keeper.remember_acknowledged();
        assert!(!snapshots.has_changed().unwrap(), "once is enough");
        let Bench { state, mut keeper, .. } = bench(Some(kept.clone()));
        keeper.serve_snapshot();
        assert_eq!(standing(&state), Standing::Serves);
        keeper.take(Some(pool));
        assert_eq!(standing(&state), Standing::Serves);
        // It may also be acknowledged while the API is away.
        let Bench { state, mut keeper, snapshots, .. } =
            bench(Some(Remembered { acknowledged: false, ..kept }));
        keeper.serve_snapshot();
        assert_eq!(standing(&state), Standing::Looks);
        state.serving().as_ref().unwrap().acknowledged.store(true, Ordering::Relaxed);
        keeper.remember_acknowledged();
        assert!(snapshots.borrow().as_ref().unwrap().acknowledged);
    }

    #[test]
    fn records_live_on_from_table_to_table() {
        let Bench { state, mut keeper, .. } = bench(None);
        let pool = stored(&[("192.168.48.82", A)]);
        keeper.take(Some(pool.clone()));
        let record = Arc::clone(&state.serving().as_ref().unwrap().records[0]);
        keeper.take(Some(pool));
        assert!(Arc::ptr_eq(&record, &state.serving().as_ref().unwrap().records[0]));
    }

    #[test]
    fn a_route_helper_that_the_pool_names_is_told_the_router() {
        let Bench { state, mut keeper, .. } = bench(None);
        let mut pool = stored(&[]);
        pool.spec.ipv4_config.as_mut().unwrap().router = Some("192.168.48.1".into());
        let helper: MacAddr = A.parse().unwrap();
        let mut discover = vec![0; 240];
        discover[..3].copy_from_slice(&[1, 1, 6]);
        discover[28..34].copy_from_slice(&helper.octets());
        discover[236..].copy_from_slice(&[99, 130, 83, 99]);
        discover.extend([53, 1, 1, 255]);
        let request = vmdhcp_core::dhcp::Request::parse(&discover).unwrap();
        for (named, why) in [(vec![], Why::UnknownMac), (vec![helper.to_string()], Why::RouteHelper)] {
            pool.status.as_mut().unwrap().route_helpers = named;
            keeper.take(Some(pool.clone()));
            let table = &state.serving().clone().unwrap().table;
            let decision = respond(table, &request, Authority::Current, &mut [0; REPLY_MAX]);
            let decided = match decision {
                Decision::Reply(reply) => reply.why,
                Decision::Silent(why) => why,
            };
            assert_eq!(decided, why);
        }
    }

    #[test]
    fn a_resolved_time_server_is_in_the_next_table() {
        let Bench { state, mut keeper, ntp_resolved, .. } = bench(None);
        let mut pool = stored(&[("192.168.48.82", A)]);
        pool.spec.ipv4_config.as_mut().unwrap().ntp = vec!["ntp.lab".into()];
        keeper.take(Some(pool));
        assert_eq!(*keeper.connections.ntp_names.borrow(), ["ntp.lab"]);
        ntp_resolved.send_replace([("ntp.lab".to_owned(), vec![[10, 0, 0, 5].into()])].into());
        keeper.publish();
        let serving = state.serving().clone().unwrap();
        let options = serving.table.options_for(serving.table.lookup(A.parse().unwrap()).unwrap());
        assert!(options.contains(&(42, vec![10, 0, 0, 5])), "{options:?}");
    }

    fn api(answer: impl Fn() -> Option<Response<Body>> + Clone + Send + Sync + 'static) -> Api<IPPool> {
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = answer();
            async move {
                match answer {
                    Some(answer) => Ok::<_, Infallible>(answer),
                    None => std::future::pending().await,
                }
            }
        });
        Api::namespaced(kube::Client::new(service, "default"), "default")
    }

    async fn served_from_snapshot_after(api: Api<IPPool>) -> Duration {
        let Bench { state, keeper, .. } = bench(Some(remembered()));
        let mut changes = state.changes();
        let (restart, started) = (Notify::new(), Instant::now());
        tokio::select! {
            never = keeper.follow(api, &restart) => match never {},
            _ = changes.changed() => {}
        }
        assert!(state.serving().as_ref().unwrap().from_snapshot);
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_api_is_waited_for_before_the_snapshot_is_served() {
        assert_eq!(served_from_snapshot_after(api(|| None)).await.as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_that_fails_is_not_waited_for() {
        let failing = api(|| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FORBIDDEN;
            Some(response)
        });
        assert_eq!(served_from_snapshot_after(failing).await.as_secs(), 0);
    }
}
