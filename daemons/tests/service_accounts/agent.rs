//! An agent as the agents' account.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AgentReport, IPPool};
use vmdhcp_core::pool::PoolRef;
use vmdhcp_daemons::agent::{Agent, AgentConfig, AgentMetrics};
use vmdhcp_daemons::runtime::Shutdown;
use vmdhcp_testcluster::{self as testcluster, RELEASE_NAMESPACE, ServiceAccount};

use crate::refusals::Refusals;
use crate::{User, pool};

const NAMESPACE: &str = "default";
const POOL: &str = "of-the-agent";
const AGENT: &str = "agent-1";

fn report(lease: &Lease) -> Option<AgentReport> {
    serde_json::from_str(lease.annotations().get(AGENT_REPORT_ANNOTATION)?).ok()
}

/// Some Ethernet card of this machine. It is not made use of.
fn an_interface() -> Option<String> {
    let cards = std::fs::read_dir("/sys/class/net").unwrap().filter_map(Result::ok);
    let is_ethernet = |card: &std::fs::DirEntry| {
        std::fs::read_to_string(card.path().join("type")).is_ok_and(|kind| kind.trim_end() == "1")
    };
    cards.filter(is_ethernet).filter_map(|card| card.file_name().into_string().ok()).min()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_follows_its_pool_and_reports() {
    let Some(interface) = an_interface() else { return };
    let Some(client) = testcluster::client_as(ServiceAccount::Agent).await else { return };
    let administrator = testcluster::client().await.unwrap();
    let refusals = Refusals::new();
    let user = User { client: administrator.clone(), namespace: NAMESPACE, refusals: refusals.clone() };
    let beside_agents =
        User { client: administrator, namespace: RELEASE_NAMESPACE, refusals: refusals.clone() };
    // The manager's part.
    let mut with_defaults = pool(POOL, "net-of-the-agent");
    with_defaults["spec"]["ipv4Config"]["serverIP"] = json!("192.168.48.1");
    with_defaults["spec"]["ipv4Config"]["pool"] = json!({ "start": "192.168.48.1", "end": "192.168.48.254" });
    user.create::<IPPool>(with_defaults).await;
    let allocate = async |allocated: Value| {
        let ipv4 = json!({ "allocated": allocated, "used": 1, "available": 252 });
        let patch = Patch::Merge(json!({ "status": { "ipv4": ipv4 } }));
        let pools: Api<IPPool> = user.api();
        pools.patch_status(POOL, &PatchParams::default(), &patch).await.unwrap().resource_version().unwrap()
    };
    let first = allocate(json!({ "192.168.48.10": "02:00:00:00:00:0a" })).await;
    beside_agents
        .create::<Lease>(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": AGENT }, "spec": {},
        }))
        .await;

    let folder = tempfile::tempdir().unwrap();
    let config = AgentConfig {
        name: AGENT.into(),
        pool: PoolRef { namespace: NAMESPACE.into(), name: POOL.into() },
        interface,
        snapshot: Some(folder.path().join("leases.json")),
        lease: Some((RELEASE_NAMESPACE.into(), AGENT.into())),
        url: String::new(),
        // The host's own network is none to be served.
        dry_run: true,
    };
    let agent = Agent::new(config, refusals.through(client), AgentMetrics::default()).unwrap();
    let stop = Shutdown::new();
    let life = tokio::spawn(agent.run(stop.clone()));
    let serves = async |version: &str| {
        // A manager of another test may have touched the pool since.
        let version: u64 = version.parse().unwrap();
        let serves =
            |report: AgentReport| report.resource_version.parse::<u64>().is_ok_and(|its| its >= version);
        let is_told = |lease: &Lease| report(lease).is_some_and(serves);
        beside_agents.until(AGENT, "the report of that version", is_told).await
    };
    serves(&first).await;
    let second = allocate(json!({ "192.168.48.10": null, "192.168.48.11": "02:00:00:00:00:0b" })).await;
    let lease = serves(&second).await;
    assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some(AGENT));
    stop.trigger();
    refusals.none_during(life).await.unwrap().unwrap();
    let last = |lease: &Lease| report(lease).is_some_and(|report| !report.ready);
    beside_agents.until(AGENT, "its last words", last).await;
}
