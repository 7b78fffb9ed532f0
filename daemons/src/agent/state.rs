//! What the parts of an agent share.
//!
//! The packet threads read it without locks: the table by one atomic load, everything else as atomics. Locks are for
//! what only tasks touch.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwapOption, Guard};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::{Authority, LeaseTable};
use vmdhcp_core::pool::{Pool, PoolRef};

use super::decision_log::DecisionLog;
use super::foreign;
use super::limits::Limits;
use super::metrics::PoolMetrics;
use super::records::ClientRecord;
use super::sightings::Sightings;
use super::stand_down::{self, Search, Standing};
use super::unleased::Unleased;

/// How long a confirmation of the table counts.
pub(crate) const CONFIRMATION_LASTS: Duration = Duration::from_secs(30);
/// Cards without a lease that are remembered.
const UNKNOWN_CLIENTS: usize = 1024;
/// Foreign servers that are remembered.
const FOREIGN_SERVERS: usize = 64;
/// Declined addresses that wait to be probed.
const DECLINED_ADDRESSES: usize = 64;

/// What is served, whole. It is replaced, never changed, but for the confirmation and for whether clients are answered.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) table: LeaseTable,
    /// Addresses that nobody has.
    pub(crate) unleased: Unleased,
    /// By lease.
    pub(crate) records: Box<[Arc<ClientRecord>]>,
    pub(crate) pool: Pool,
    pub(crate) pool_uid: String,
    pub(crate) resource_version: String,
    /// `spec.ipv4Config.leaseTime` as written.
    pub(crate) declared_lease_time: i64,
    pub(crate) resolved_ntp: BTreeMap<String, Vec<Ipv4Addr>>,
    pub(crate) from_snapshot: bool,
    /// Pairs that vanished from the pool without retiring, those first of which it says nothing.
    pub(crate) carried: Vec<(Ipv4Addr, MacAddr)>,
    /// Since when the pool recovers from a loss before which this agent's memory begins.
    pub(crate) witnessed: Option<Timestamp>,
    /// Cards of this pool's agents.
    pub(crate) roster: BTreeSet<MacAddr>,
    /// Options that are left out because they are wrong.
    pub(crate) complaints: Vec<String>,
    /// Whether the pool is to stand down for other DHCP servers.
    pub(crate) stands_down: bool,
    /// Whether a lease of the pool has been acknowledged: the same for all tables of one pool.
    pub(crate) acknowledged: Arc<AtomicBool>,
    /// Other DHCP servers, as the pool tells of them.
    pub(crate) foreign_servers: Vec<Ipv4Addr>,
    /// When it was built, in milliseconds of [`Now::monotonic`].
    pub(crate) built_at: u64,
    /// Until when it counts as the newest, in milliseconds of [`Now::monotonic`].
    pub(crate) confirmed_until: AtomicU64,
    /// Whether clients are answered: a [`Standing`](super::stand_down::Standing).
    pub(crate) standing: AtomicU64,
}

impl Serving {
    /// How much an agent may say by this table.
    pub(crate) fn authority(&self, now: Now) -> Authority {
        if now.monotonic < self.confirmed_until.load(Ordering::Relaxed) {
            Authority::Current
        } else {
            Authority::Stale
        }
    }
}

/// A moment, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Milliseconds since the agent was made; never goes back.
    pub(crate) monotonic: u64,
    /// Seconds since 1970, as the host has it.
    pub(crate) seconds: u64,
}

/// Why nothing is served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unserved {
    #[error("the leases are not known yet: neither has the API answered nor is there a snapshot")]
    NotListed,
    #[error("pool {0} does not exist")]
    NoPool(PoolRef),
    #[error("pool {0} is paused")]
    Paused(PoolRef),
    #[error("{0}")]
    Refused(String),
}

/// An address for which a card answers that does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) mac: MacAddr,
    pub(crate) since: Timestamp,
    /// When it was last seen.
    pub(crate) seen: Timestamp,
}

/// What an agent would know after a restart without the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing: there are no snapshots, so nothing old can come back.
    Nowhere,
    /// Not yet anything of a pool that is served.
    Nothing,
    /// This version of the pool with this UID.
    Version {
        /// UID of the pool.
        pool_uid: String,
        /// Its version.
        resource_version: String,
    },
}

/// What an agent knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) pool: PoolRef,
    pub(crate) metrics: Arc<PoolMetrics>,
    /// How many messages are looked at.
    pub(crate) limits: Limits,
    /// What became of the last packets.
    pub(crate) decisions: DecisionLog,
    /// How many watch them.
    pub(crate) watchers: AtomicUsize,
    /// Cards that ask without having a lease.
    pub(crate) unknown: Sightings,
    /// DHCP servers that are not ours.
    pub(crate) foreign: Sightings,
    /// What was seen of them before this counts no more, in seconds of [`Now::monotonic`].
    pub(crate) foreign_forgotten: AtomicU64,
    /// The search for them.
    pub(crate) search: Mutex<Search>,
    /// Wakes whoever keeps a pool's leases when the first one of them has been acknowledged.
    pub(crate) first_acknowledged: Notify,
    /// Addresses that their clients declined.
    pub(crate) declined: Sightings,
    /// Whether ARP requests and pings for the server address are answered here, because the kernel does not.
    pub(crate) owns_server_address: AtomicBool,
    pub(crate) conflicts: Mutex<BTreeMap<Ipv4Addr, Conflict>>,
    /// Cards that answer for addresses that nobody has.
    pub(crate) proxies: Mutex<BTreeSet<MacAddr>>,
    /// Retiring addresses for which nobody answers, and since when they retire.
    pub(crate) silent: Mutex<BTreeMap<Ipv4Addr, Timestamp>>,
    /// What a restart would find, where there are snapshots.
    kept: Mutex<Kept>,
    serving: ArcSwapOption<Serving>,
    superseded: Mutex<Vec<Arc<Serving>>>,
    unserved: Mutex<Unserved>,
    socket_open: AtomicBool,
    changes: watch::Sender<u64>,
    start: Instant,
}

impl State {
    pub(crate) fn new(pool: PoolRef, metrics: Arc<PoolMetrics>) -> Self {
        Self {
            pool,
            metrics,
            limits: Limits::new(),
            decisions: DecisionLog::new(),
            watchers: AtomicUsize::new(0),
            unknown: Sightings::new(UNKNOWN_CLIENTS),
            foreign: Sightings::new(FOREIGN_SERVERS),
            foreign_forgotten: AtomicU64::new(0),
            search: Mutex::default(),
            first_acknowledged: Notify::new(),
            declined: Sightings::new(DECLINED_ADDRESSES),
            owns_server_address: AtomicBool::new(false),
            conflicts: Mutex::default(),
            proxies: Mutex::default(),
            silent: Mutex::default(),
            kept: Mutex::new(Kept::Nowhere),
            serving: ArcSwapOption::empty(),
            superseded: Mutex::default(),
            unserved: Mutex::new(Unserved::NotListed),
            socket_open: AtomicBool::new(false),
            changes: watch::Sender::new(0),
            start: Instant::now(),
        }
    }

    /// The present moment. No system call: both clocks are read from memory that the kernel shares.
    pub(crate) fn now(&self) -> Now {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            seconds: since_1970.as_secs(),
        }
    }

    /// What is served now. Hold it shortly.
    pub(crate) fn serving(&self) -> Guard<Option<Arc<Serving>>> {
        self.serving.load()
    }

    /// Serves this from now on, or nothing, for the reason given.
    pub(crate) fn publish(&self, next: Result<Serving, Unserved>) {
        let next = match next {
            Ok(serving) => {
                // Before anybody can be answered by it.
                stand_down::reconsider(self, &serving, self.now());
                Some(Arc::new(serving))
            }
            Err(reason) => {
                stand_down::abandon(self);
                *lock(&self.unserved) = reason;
                None
            }
        };
        let previous = self.serving.swap(next);
        // A packet thread may still use the former table. It must not be the one that frees it: that takes long.
        let mut superseded = lock(&self.superseded);
        superseded.retain(|serving| Arc::strong_count(serving) > 1);
        superseded.extend(previous.filter(|serving| Arc::strong_count(serving) > 1));
        drop(superseded);
        self.notify();
    }

    /// Notes what a restart would find.
    pub(crate) fn keep(&self, kept: Kept) {
        *lock(&self.kept) = kept;
    }

    /// The version of the pool that nothing older than can be served any more: not now, and not after a restart out of
    /// an older snapshot either. The manager gives addresses to other cards by it. Empty if there is none.
    pub(crate) fn withdrawn_before(&self) -> String {
        let Some(serving) = self.serving().clone() else { return String::new() };
        match &*lock(&self.kept) {
            Kept::Nowhere => serving.resource_version.clone(),
            // Snapshots are of what is served, or of what was before.
            Kept::Version { pool_uid, resource_version } if *pool_uid == serving.pool_uid => {
                resource_version.clone()
            }
            Kept::Version { .. } | Kept::Nothing => String::new(),
        }
    }

    /// Says why nothing is served, while nothing is.
    pub(crate) fn explain(&self, reason: Unserved) {
        *lock(&self.unserved) = reason;
    }

    /// Hears of every [`publish`](Self::publish).
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Lets whoever waits for [`changes`](Self::changes) look again.
    pub(crate) fn notify(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Notes whether the packet sockets are open.
    pub(crate) fn set_socket_open(&self, open: bool) {
        self.socket_open.store(open, Ordering::Relaxed);
        self.notify();
    }

    /// Whether clients are answered, as far as other DHCP servers decide it.
    pub(crate) fn standing(&self) -> Standing {
        let serving = self.serving();
        let packed = serving.as_ref().map_or(0, |serving| serving.standing.load(Ordering::Relaxed));
        Standing::unpack(packed)
    }

    /// Whether the packet sockets are open.
    pub(crate) fn is_socket_open(&self) -> bool {
        self.socket_open.load(Ordering::Relaxed)
    }

    /// Brings the gauges that follow from all this up to date, every second, for as long as it is polled.
    pub(crate) async fn keep_gauges(&self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            let now = self.now();
            let serving = self.serving().clone();
            let current = serving.is_some_and(|serving| serving.authority(now) == Authority::Current);
            let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
            self.metrics.ready.store(self.readiness().is_ok(), Ordering::Relaxed);
            self.metrics.current.store(current, Ordering::Relaxed);
            self.metrics.stands_down.store(self.standing() != Standing::Serves, Ordering::Relaxed);
            self.metrics.conflicts.store(number(lock(&self.conflicts).len()), Ordering::Relaxed);
            self.metrics.foreign_servers.store(number(foreign::read(self, now).len()), Ordering::Relaxed);
        }
    }

    /// Nothing, if clients are answered; else why they are not.
    pub(crate) fn readiness(&self) -> Result<(), String> {
        if !self.is_socket_open() {
            return Err("the packet socket is not open".to_owned());
        }
        if self.serving.load().is_none() {
            return Err(lock(&self.unserved).to_string());
        }
        Ok(())
    }
}

/// Locks what no panic can leave half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::agent::metrics::AgentMetrics;
    use crate::agent::records::Records;
    use crate::agent::tables::{Tables, tests::stored};
    use vmdhcp_core::dhcp::Extras;

    /// What is served of 192.168.48.0/24 with these leases, by a server at .77.
    pub(crate) fn serving(leases: &[(&str, &str)]) -> Serving {
        let mut tables = Tables::default();
        tables.accept(Arc::new(stored(leases)), Timestamp::UNIX_EPOCH).unwrap();
        let table = tables.build(&Extras::default()).unwrap();
        Serving {
            records: Records::default().follow(&table, false),
            unleased: tables.unleased(),
            table,
            pool: tables.pool().unwrap().clone(),
            pool_uid: "u-1".into(),
            resource_version: "7".into(),
            declared_lease_time: 300,
            resolved_ntp: BTreeMap::new(),
            from_snapshot: false,
            carried: Vec::new(),
            witnessed: None,
            roster: BTreeSet::new(),
            complaints: Vec::new(),
            stands_down: false,
            acknowledged: Arc::default(),
            foreign_servers: Vec::new(),
            built_at: 0,
            confirmed_until: AtomicU64::new(u64::MAX),
            standing: AtomicU64::new(0),
        }
    }

    /// The state of an agent that has not begun.
    pub(crate) fn state() -> State {
        let pool = PoolRef { namespace: "default".into(), name: "net-48".into() };
        let registration = AgentMetrics::default().add(&pool);
        State::new(pool, Arc::clone(registration.metrics()))
    }

    #[test]
    fn a_table_counts_as_the_newest_only_until_its_confirmation_runs_out() {
        let serving = serving(&[]);
        let at = |monotonic| Now { monotonic, seconds: 0 };
        serving.confirmed_until.store(30_000, Ordering::Relaxed);
        assert_eq!(serving.authority(at(29_999)), Authority::Current);
        assert_eq!(serving.authority(at(30_000)), Authority::Stale);
    }

    #[test]
    fn a_version_counts_once_a_restart_cannot_bring_back_an_older_one() {
        let state = state();
        assert_eq!(state.withdrawn_before(), "");
        state.publish(Ok(serving(&[])));
        assert_eq!(state.withdrawn_before(), "7");
        let version = |pool_uid: &str, resource_version: &str| Kept::Version {
            pool_uid: pool_uid.into(),
            resource_version: resource_version.into(),
        };
        for (kept, counts) in [
            (Kept::Nothing, ""),
            (version("u-1", "6"), "6"),
            (version("another pool of that name", "6"), ""),
            (version("u-1", "7"), "7"),
        ] {
            state.keep(kept);
            assert_eq!(state.withdrawn_before(), counts);
        }
    }

    #[test]
    fn readiness_says_what_is_missing() {
        let state = state();
        assert_eq!(state.readiness().unwrap_err(), "the packet socket is not open");
        state.set_socket_open(true);
        assert!(state.readiness().unwrap_err().contains("not known yet"));
        state.publish(Ok(serving(&[])));
        assert_eq!(state.readiness(), Ok(()));
        state.publish(Err(Unserved::Paused(state.pool.clone())));
        assert_eq!(state.readiness().unwrap_err(), "pool default/net-48 is paused");
    }

    #[test]
    fn a_table_in_use_is_not_freed_by_whoever_uses_it() {
        let state = state();
        state.publish(Ok(serving(&[])));
        let in_use = state.serving().clone().unwrap();
        state.publish(Ok(serving(&[])));
        assert_eq!(Arc::strong_count(&in_use), 2);
        drop(in_use);
        state.publish(Ok(serving(&[])));
        assert!(lock(&state.superseded).is_empty());
    }
}
