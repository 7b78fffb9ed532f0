//! What the agent tells the manager: a report in its own Lease, and its heartbeat.
//!
//! The manager makes the Lease; without one there is nothing to do. Nothing else is ever written by an agent.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AddressConflict, AgentReport, ForeignServer, format_time};

use super::foreign;
use super::interface::Interface;
use super::state::{Serving, State, lock};
use crate::runtime::Shutdown;

/// How often it is looked whether there is something to tell. A new version is told no sooner than this.
const PERIOD: Duration = Duration::from_secs(1);
/// The heartbeat, and the pause between two reports of anything less important than readiness and version.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last report, that nothing is served any more, may hold up the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Longest report in bytes.
const LONGEST: usize = 8 * 1024;

/// Who reports.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    pub(crate) agent: String,
    pub(crate) interface: Arc<Interface>,
    pub(crate) url: String,
    /// Namespace-bound API of the Lease, and its name.
    pub(crate) leases: Api<Lease>,
    pub(crate) lease: String,
}

impl Reporter {
    /// Reports until `shutdown`, and once more at the end.
    pub(crate) async fn run(&self, state: &State, shutdown: &Shutdown) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sent: Option<Sent> = None;
        let mut retry_at = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.wait() => break,
            }
            let (report, now) = (self.compose(state), Instant::now());
            if now < retry_at || !sent.as_ref().is_none_or(|sent| sent.is_outdated(&report, now)) {
                continue;
            }
            match self.send(&report, PATIENCE).await {
                Ok(()) => sent = Some(Sent { report, at: now }),
                Err(error) => {
                    tracing::debug!(lease = self.lease, %error, "the report was not written");
                    retry_at = now + if error.is_absent() { HEARTBEAT } else { PERIOD * 2 };
                }
            }
        }
        let report = AgentReport { ready: false, ..self.compose(state) };
        if let Err(error) = self.send(&report, LAST_WORDS).await {
            tracing::debug!(lease = self.lease, %error, "the last report was not written");
        }
    }

    fn compose(&self, state: &State) -> AgentReport {
        let serving = state.serving().clone();
        let now = state.now();
        let time = |time: Option<Timestamp>| time.map(format_time).unwrap_or_default();
        let conflicts = lock(&state.conflicts)
            .iter()
            .map(|(address, conflict)| AddressConflict {
                address: address.to_string(),
                mac_address: conflict.mac.to_string(),
                since: format_time(conflict.since),
                unused: serving.as_deref().is_some_and(|serving| is_unused(serving, *address)),
            })
            .take(AgentReport::MOST_ITEMS)
            .collect();
        let foreign_servers = foreign::read(state, now)
            .into_iter()
            .map(|server| ForeignServer {
                address: server.address.to_string(),
                mac_address: server.mac.map(|mac| mac.to_string()).unwrap_or_default(),
                since: time(server.first_seen),
            })
            .take(AgentReport::MOST_ITEMS)
            .collect();
        let mut report = AgentReport {
            agent: self.agent.clone(),
            pool_uid: serving.as_ref().map(|serving| serving.pool_uid.clone()).unwrap_or_default(),
            mac_address: self.interface.mac().to_string(),
            ready: state.readiness().is_ok(),
            from_snapshot: serving.as_ref().is_some_and(|serving| serving.from_snapshot),
            resource_version: state.withdrawn_before(),
            url: self.url.clone(),
            conflicts,
            foreign_servers,
            acknowledged: serving
                .as_ref()
                .is_some_and(|serving| serving.acknowledged.load(Ordering::Relaxed)),
            silent: lock(&state.silent)
                .iter()
                .map(|(address, since)| (address.to_string(), format_time(*since)))
                .take(AgentReport::MOST_CARRIED)
                .collect(),
            ..AgentReport::default()
        };
        if let Some(serving) = serving {
            report.tell_of_loss(&serving.carried, serving.witnessed);
        }
        bounded(report)
    }

    async fn send(&self, report: &AgentReport, patience: Duration) -> Result<(), ReportError> {
        let text = serde_json::to_string(report)?;
        let patch = json!({
            "metadata": {"annotations": {AGENT_REPORT_ANNOTATION: text}},
            "spec": {"holderIdentity": self.agent, "renewTime": MicroTime(Timestamp::now())},
        });
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        let write = self.leases.patch(&self.lease, &parameters, &patch);
        tokio::time::timeout(patience, write).await.map_err(|_| ReportError::TimedOut)??;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error("it cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the API did not answer in time")]
    TimedOut,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl ReportError {
    /// Whether there is no Lease to write to.
    fn is_absent(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.is_not_found())
    }
}

/// Whether no guest has used the lease of that address.
fn is_unused(serving: &Serving, address: Ipv4Addr) -> bool {
    let lease = serving.table.holder(address).and_then(|lease| usize::try_from(lease.0).ok());
    lease.and_then(|lease| serving.records.get(lease)).is_some_and(|record| record.is_unused())
}

/// Leaves out as many of the last items as it takes to keep the report short.
fn bounded(mut report: AgentReport) -> AgentReport {
    while serde_json::to_string(&report).is_ok_and(|text| text.len() > LONGEST) {
        let longer = if report.silent.pop_last().is_some() {
            Some(())
        } else if report.conflicts.len() > report.foreign_servers.len() {
            report.conflicts.pop().map(drop)
        } else {
            // What holds addresses goes last.
            let foreign = report.foreign_servers.pop().map(drop);
            foreign.or_else(|| report.carried.pop_last().map(drop))
        };
        if longer.is_none() {
            break;
        }
    }
    report
}

/// The last report.
#[derive(Debug)]
struct Sent {
    report: AgentReport,
    at: Instant,
}

impl Sent {
    /// Whether the next report is due at `now`.
    fn is_outdated(&self, next: &AgentReport, now: Instant) -> bool {
        let age = now.duration_since(self.at);
        if next.ready != self.report.ready || next.mac_address != self.report.mac_address {
            return true;
        }
        // The manager waits for every agent to serve a version before it gives an address to another card, and gives
        // none that an agent carries.
        if next.resource_version != self.report.resource_version || next.carried != self.report.carried {
            return age >= PERIOD;
        }
        // The other agents stand down, or stop to do so, by it.
        let sees = |report: &AgentReport| !report.foreign_servers.is_empty();
        if next.acknowledged != self.report.acknowledged
            || (!next.acknowledged && sees(next) != sees(&self.report))
        {
            return age >= PERIOD;
        }
        // Best before its client asks for it.
        let unused =
            |conflict: &AddressConflict| conflict.unused && !self.report.conflicts.contains(conflict);
        if next.conflicts.iter().any(unused) {
            return age >= PERIOD;
        }
        age >= HEARTBEAT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_told_at_once_a_version_within_a_second_and_all_else_with_the_heartbeat() {
        let at = Instant::now();
        let report = AgentReport { ready: true, resource_version: "7".into(), ..AgentReport::default() };
        let sent = Sent { report: report.clone(), at };
        let after = |millis| at + Duration::from_millis(millis);
        assert!(!sent.is_outdated(&report, after(9_999)));
        assert!(sent.is_outdated(&report, after(10_000)));
        assert!(sent.is_outdated(&AgentReport { ready: false, ..report.clone() }, after(1)));
        let newer = AgentReport { resource_version: "8".into(), ..report.clone() };
        assert!(!sent.is_outdated(&newer, after(999)));
        assert!(sent.is_outdated(&newer, after(1_000)));
        let unused = AddressConflict { unused: true, ..AddressConflict::default() };
        let conflict = AgentReport { conflicts: vec![unused], ..report.clone() };
        assert!(sent.is_outdated(&conflict, after(1_000)));
        let foreign = AgentReport { foreign_servers: vec![ForeignServer::default()], ..report.clone() };
        assert!(sent.is_outdated(&foreign, after(1_000)), "others may have to stand down");
        let acknowledged = AgentReport { acknowledged: true, ..report };
        assert!(sent.is_outdated(&acknowledged, after(1_000)));
        let sent = Sent { report: acknowledged.clone(), at };
        let foreign = AgentReport { foreign_servers: vec![ForeignServer::default()], ..acknowledged };
        assert!(!sent.is_outdated(&foreign, after(5_000)));
    }

    #[test]
    fn a_report_never_grows_beyond_its_bound() {
        let conflict = AddressConflict { address: "x".repeat(300), ..AddressConflict::default() };
        let report = bounded(AgentReport { conflicts: vec![conflict; 40], ..AgentReport::default() });
        let length = serde_json::to_string(&report).unwrap().len();
        assert!(length <= LONGEST && report.conflicts.len() > 20, "{length}");
        let hopeless = bounded(AgentReport { url: "x".repeat(9_000), ..AgentReport::default() });
        assert!(hopeless.conflicts.is_empty());
    }
}
