//! An agent without sockets: the real tables and the real answers, on virtual time.
//!
//! Watch, confirmation and report are those of [`crate::agent`], with its times; what it keeps on disk survives.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::watch_object;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant};
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AddressConflict, AgentReport, IPPool, format_time};
use vmdhcp_core::dhcp::{Authority, Decision, Extras, LeaseTable, REPLY_MAX, Request, respond};

use super::guest::Wire;
use super::journal::Journal;
use super::truth::Truth;
use crate::agent::arp::Vacancies;
use crate::agent::tables::{Remembered, Tables, trimmed};
use crate::cluster::faults::{Faults, Random};
use crate::manager::defects::Defect;

/// For how long a read of the newest version confirms the table.
const CONFIRMATION: Duration = Duration::from_secs(30);
/// How often the API is asked for the newest version.
const CHECK: Duration = Duration::from_secs(10);
/// How often it is looked whether there is something to report, and how often there is without a change.
const PERIOD: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(10);

/// An agent of one pool.
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) network: &'static str,
    pub(super) pool: String,
    /// Name of the Lease that it reports in.
    pub(super) lease: String,
    pub(super) pools: Api<IPPool>,
    pub(super) leases: Api<Lease>,
    /// Its way to the API.
    pub(super) faults: Faults,
    pub(super) random: Random,
    pub(super) journal: Journal,
    pub(super) truth: Arc<Truth>,
    pub(super) defect: Option<Defect>,
    pub(super) served: Mutex<Served>,
    /// The network that it is on.
    pub(super) wire: Weak<Wire>,
    /// A card of whose address it says that somebody else uses it, and that no guest has used it: it was broken into.
    pub(super) victim: Mutex<Option<MacAddr>>,
    pub(super) restart: Notify,
    pub(super) changed: Notify,
}

/// What it serves.
#[derive(Default)]
pub(super) struct Served {
    tables: Tables,
    table: Option<LeaseTable>,
    uid: String,
    version: String,
    confirmed_until: Option<Instant>,
    disk: Option<Remembered>,
    vacancies: Vacancies,
    silent: BTreeMap<String, String>,
    tasks: Vec<AbortHandle>,
}

impl Agent {
    fn lock(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts, with what is on disk.
    pub(super) fn start(self: &Arc<Self>) {
        if !self.lock().tasks.is_empty() {
            return;
        }
        self.journal.say(format_args!("{} starts", self.name));
        let disk = self.lock().disk.clone();
        if let Some(Ok(tables)) = disk.map(Tables::restore) {
            self.lock().tables = tables;
            self.publish();
        }
        let tasks = [
            tokio::spawn(Arc::clone(self).follow()).abort_handle(),
            tokio::spawn(Arc::clone(self).confirm()).abort_handle(),
            tokio::spawn(Arc::clone(self).report()).abort_handle(),
            tokio::spawn(Arc::clone(self).look_for_guests()).abort_handle(),
        ];
        self.lock().tasks.extend(tasks);
    }

    /// Dies. The disk stays, unless its node is lost.
    pub(super) fn crash(&self, with_disk: bool) {
        self.journal.say(format_args!(
            "{} dies{}",
            self.name,
            if with_disk { " and its disk too" } else { "" }
        ));
        let mut served = self.lock();
        served.tasks.drain(..).for_each(|task| task.abort());
        let disk = served.disk.take().filter(|_| !with_disk);
        *served = Served { disk, ..Served::default() };
    }

    async fn follow(self: Arc<Self>) {
        loop {
            let mut objects = pin!(watch_object(self.pools.clone(), &self.pool));
            loop {
                let object = tokio::select! {
                    biased;
                    object = objects.next() => object,
                    () = self.restart.notified() => break,
                };
                match object {
                    Some(Ok(object)) => self.take(object),
                    Some(Err(_)) => tokio::time::sleep(self.random.millis(200..5_000)).await,
                    None => break,
                }
            }
        }
    }

    fn take(&self, object: Option<IPPool>) {
        let Some(stored) = object else {
            let mut served = self.lock();
            served.tables.forget();
            (served.table, served.disk, served.confirmed_until) = (None, None, None);
            (served.uid, served.version) = Default::default();
            return;
        };
        let accepted = self.lock().tables.accept(Arc::new(trimmed(stored)), self.journal.now());
        if accepted.is_ok() {
            let mut served = self.lock();
            served.disk = served.tables.remember();
            drop(served);
            self.publish();
        }
    }

    fn publish(&self) {
        let mut served = self.lock();
        let Some((pool, stored)) = served.tables.pool().zip(served.tables.stored()) else { return };
        let (paused, uid) = (pool.paused, stored.metadata.uid.clone().unwrap_or_default());
        let version = stored.metadata.resource_version.clone().unwrap_or_default();
        let table = served.tables.build(&Extras::default()).filter(|_| !paused);
        for (_, mac, address) in table.iter().flat_map(LeaseTable::iter) {
            if !self.truth.was_said(&uid, (address, mac)) {
                self.journal.violate(format_args!(
                    "{} serves {address} to {mac}, and no version of the pool said so",
                    self.name
                ));
            }
        }
        (served.table, served.uid, served.version, served.confirmed_until) = (table, uid, version, None);
        drop(served);
        self.changed.notify_one();
    }

    async fn confirm(self: Arc<Self>) {
        let mut misses = 0;
        loop {
            let by_time = tokio::time::timeout(CHECK, self.changed.notified()).await.is_err();
            let before = Instant::now();
            let (uid, version) = {
                let served = self.lock();
                (served.uid.clone(), served.version.clone())
            };
            if version.is_empty() {
                continue;
            }
            if let Ok(Ok(newest)) =
                tokio::time::timeout(Duration::from_secs(5), self.pools.get_metadata_opt(&self.pool)).await
            {
                let is_newest = newest.is_some_and(|newest| {
                    newest.metadata.resource_version.as_ref() == Some(&version)
                        && newest.metadata.uid.as_ref() == Some(&uid)
                });
                let mut served = self.lock();
                if is_newest && served.version == version {
                    served.confirmed_until = Some(before + CONFIRMATION);
                }
                misses = if is_newest { 0 } else { misses + u32::from(by_time) };
            }
            if misses >= 2 {
                misses = 0;
                self.restart.notify_one();
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Asks who uses what retires, as [`crate::agent`] does.
    async fn look_for_guests(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let Some(wire) = self.wire.upgrade() else { return };
            let now = u64::try_from(self.journal.now().as_second()).unwrap_or_default();
            let unleased = self.lock().tables.unleased();
            let due = self.lock().vacancies.due(&unleased, now);
            // As the prober does: what is asked for twice may be answered twice.
            let ask = |address| (address, (0..2).filter(|_| wire.answers(self.network, address)).count());
            let answers: Vec<_> = due.into_iter().map(ask).collect();
            let mut served = self.lock();
            served.vacancies.note(&unleased, answers.into_iter(), now);
            let silent = served.vacancies.silent(&unleased);
            served.silent = silent
                .into_iter()
                .map(|(address, since)| (address.to_string(), format_time(since)))
                .collect();
        }
    }

    /// What it says of its victim.
    fn lies(&self, served: &Served) -> Vec<AddressConflict> {
        let victim = *self.victim.lock().unwrap_or_else(PoisonError::into_inner);
        let leases = served.table.iter().flat_map(LeaseTable::iter);
        let of_victim = leases.filter(|(_, mac, _)| Some(*mac) == victim);
        let lie = |address: Ipv4Addr| AddressConflict {
            address: address.to_string(),
            mac_address: "02:00:00:00:00:99".into(),
            since: String::new(),
            unused: true,
        };
        of_victim.map(|(_, _, address)| lie(address)).collect()
    }

    async fn report(self: Arc<Self>) {
        let mut sent: Option<(String, Instant)> = None;
        loop {
            tokio::time::sleep(PERIOD).await;
            let (report, version) = {
                let served = self.lock();
                let mut report = AgentReport {
                    agent: self.name.clone(),
                    pool_uid: served.uid.clone(),
                    resource_version: served.version.clone(),
                    ready: served.table.is_some(),
                    silent: served.silent.clone(),
                    conflicts: self.lies(&served),
                    ..AgentReport::default()
                };
                report.tell_of_loss(&served.tables.carried(), served.tables.memory().witnessed);
                (report, served.version.clone())
            };
            if sent.as_ref().is_some_and(|(told, at)| *told == version && at.elapsed() < HEARTBEAT) {
                continue;
            }
            let patch = json!({
                "metadata": { "annotations": {
                    AGENT_REPORT_ANNOTATION: serde_json::to_string(&report).unwrap(),
                } },
                "spec": { "holderIdentity": self.name, "renewTime": MicroTime(self.journal.now()) },
            });
            let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
            let written = self.leases.patch(&self.lease, &parameters, &patch);
            match tokio::time::timeout(Duration::from_secs(5), written).await {
                Ok(Ok(_)) => sent = Some((version, Instant::now())),
                _ => tokio::time::sleep(PERIOD * 2).await,
            }
        }
    }

    /// The bytes of the answer to a client's message.
    pub(super) fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let served = self.lock();
        let request = Request::parse(message).unwrap();
        let current = served.confirmed_until.is_some_and(|until| Instant::now() < until);
        let authority = if current || self.defect == Some(Defect::RefusalFromAnOldTable) {
            Authority::Current
        } else {
            Authority::Stale
        };
        let mut buffer = [0; REPLY_MAX];
        match respond(served.table.as_ref()?, &request, authority, &mut buffer) {
            Decision::Reply(reply) => Some(buffer[..reply.length].to_vec()),
            Decision::Silent(_) => None,
        }
    }
}
