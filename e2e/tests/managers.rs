//! Replicas of `vmdhcp manager` as processes on a real API server: who leads, who follows, and how they end.
#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, CustomResourceExt, ResourceExt};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vmdhcp_core::api::IPPool;
use vmdhcp_daemons::manager::daemon::LEASE;
use vmdhcp_e2e::{Process, requirements, until, vmdhcp};

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a lead lasts that is not renewed: far longer than a follower waits for one that was given up.
const LEAD: [&str; 6] = ["--lease-duration", "60s", "--renew-deadline", "50s", "--retry-period", "1s"];

/// Managers of one namespace's Lease: each test has an election of its own.
struct Stage {
    runtime: Runtime,
    client: kube::Client,
    namespace: &'static str,
    folder: TempDir,
}

struct Manager {
    process: Process,
    address: SocketAddr,
}

impl Stage {
    fn set(test: &str, namespace: &'static str) -> Option<Self> {
        requirements::testcluster(test)?;
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(vmdhcp_testcluster::client())?;
        let stage = Self { runtime, client, namespace, folder: TempDir::with_prefix("vmdhcp-e2e-").unwrap() };
        let own = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(stage.client.clone());
        stage.runtime.block_on(namespaces.create(&PostParams::default(), &own)).unwrap();
        Some(stage)
    }

    /// Starts a replica, and waits until it shows its probes.
    fn start(&self, name: &str) -> Manager {
        let kubeconfig = vmdhcp_testcluster::kubeconfig().unwrap().display().to_string();
        let place = ["manager", "--no-agent", "--listen", "127.0.0.1:0", "--kubeconfig", &kubeconfig];
        let arguments = [&place[..], &["--leader-election-namespace", self.namespace], &LEAD].concat();
        let process = Process::start_here(&vmdhcp::binary(), &arguments, &self.folder.path().join(name));
        let address = until("address in its log", PATIENCE, || {
            let log = process.log();
            log.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
        });
        Manager { process, address }
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    /// Who leads; empty is nobody.
    fn leader(&self) -> String {
        let lease = self.runtime.block_on(self.leases().get_opt(LEASE)).unwrap();
        lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default()
    }
}

impl Manager {
    fn is_ready(&self) -> bool {
        vmdhcp::get(self.address, "/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// What its metrics say of whether it leads.
    fn leads(&self) -> bool {
        let (_, metrics) = vmdhcp::get(self.address, "/metrics").unwrap();
        metrics.contains("\nvmdhcp_leader 1\n")
    }

    fn waits_for_lead(&self) {
        until("lead", PATIENCE, || (self.leads() && self.is_ready()).then_some(()));
    }
}

#[test]
fn a_replica_stands_by_and_leads_as_soon_as_the_other_is_asked_to_end() {
    let name = "a_replica_stands_by_and_leads_as_soon_as_the_other_is_asked_to_end";
    let Some(stage) = Stage::set(name, "stands-by") else { return };
    let mut first = stage.start("first");
    first.waits_for_lead();
    let before = stage.leader();
    let second = stage.start("second");
    until("readiness of who stands by", PATIENCE, || second.is_ready().then_some(()));
    assert!(!second.leads());
    assert_eq!(stage.leader(), before);

    first.process.signal(Signal::SIGTERM);
    let asked = Instant::now();
    let status = first.process.ended(PATIENCE);
    assert!(status.success(), "{status}: {}", first.process.log());
    second.waits_for_lead();
    let after = stage.leader();
    assert!(!after.is_empty() && after != before, "{after}");
    // The lead was given up: nobody waited for the minute that it would have lasted.
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn a_manager_whose_lead_another_has_taken_ends_at_once_with_a_sentence() {
    let name = "a_manager_whose_lead_another_has_taken_ends_at_once_with_a_sentence";
    let Some(stage) = Stage::set(name, "taken") else { return };
    let mut manager = stage.start("manager");
    manager.waits_for_lead();
    let taken = Patch::Merge(json!({"spec": {"holderIdentity": "another"}}));
    stage.runtime.block_on(stage.leases().patch(LEASE, &PatchParams::default(), &taken)).unwrap();
    let status = manager.process.ended(Duration::from_secs(5));
    assert_eq!(status.code(), Some(1), "{}", manager.process.log());
    let log = manager.process.log();
    assert!(log.lines().last().unwrap().starts_with("error: the lead is lost: another leads now"), "{log}");
    assert_eq!(stage.leader(), "another", "what is not its own it does not give up");
}

#[test]
fn the_leader_puts_its_own_definitions_over_upstreams() {
    let Some(stage) = Stage::set("the_leader_puts_its_own_definitions_over_upstreams", "definitions") else {
        return;
    };
    let definitions: Api<CustomResourceDefinition> = Api::all(stage.client.clone());
    let name = IPPool::crd().name_any();
    // As wrangler leaves it: marked, and without a column of ours.
    let mut upstreams = stage.runtime.block_on(definitions.get(&name)).unwrap();
    upstreams.annotations_mut().insert("objectset.rio.cattle.io/id".into(), "vm-dhcp-controller-crd".into());
    upstreams.labels_mut().insert("objectset.rio.cattle.io/hash".into(), "0".into());
    let columns = |definition: &CustomResourceDefinition| {
        definition.spec.versions[0].additional_printer_columns.clone().unwrap_or_default()
    };
    let ours = columns(&upstreams);
    upstreams.spec.versions[0].additional_printer_columns.as_mut().unwrap().pop();
    stage.runtime.block_on(definitions.replace(&name, &PostParams::default(), &upstreams)).unwrap();

    stage.start("manager").waits_for_lead();
    let now = stage.runtime.block_on(definitions.get(&name)).unwrap();
    assert_eq!(columns(&now), ours);
    let mut keys = now.annotations().keys().chain(now.labels().keys());
    assert!(!keys.any(|key| key.starts_with("objectset.rio.cattle.io/")), "{:?}", now.metadata);
}
