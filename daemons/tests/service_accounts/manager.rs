//! The manager as its account.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use vmdhcp_core::api::{ConditionStatus, IPPool, REUSE_ANNOTATION, VirtualMachineNetworkConfig, condition};
use vmdhcp_daemons::manager::{
    self, AgentDeployments, AutoPool, Limits, ManagerMetrics, ManagerOptions, Placement,
};
use vmdhcp_daemons::runtime::Shutdown;
use vmdhcp_testcluster::{self as testcluster, RELEASE_NAMESPACE, ServiceAccount};

use crate::refusals::Refusals;
use crate::{DEADLINE, User, pool};

const NAMESPACE: &str = "default";
const NETWORK: &str = "net-48";
const POOL: &str = "ippool-1";

/// As the chart starts it.
fn options() -> ManagerOptions {
    ManagerOptions {
        placement: Placement::Deployments(AgentDeployments {
            namespace: RELEASE_NAMESPACE.into(),
            image: "vmdhcp:test".into(),
            image_pull_policy: "IfNotPresent".into(),
            image_pull_secrets: Vec::new(),
            service_account_name: ServiceAccount::Agent.name(),
            replicas: 2,
            resources: ResourceRequirements::default(),
            dry_run: false,
        }),
        auto_pool: AutoPool::Annotated,
        clock: Arc::new(Timestamp::now),
        metrics: ManagerMetrics::register(&mut Registry::default()),
        limits: Limits::default(),
    }
}

fn claim(name: &str, mac: &str) -> Value {
    json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "metadata": { "name": name },
        "spec": { "vmName": name, "networkConfigs": [{ "macAddress": mac, "networkName": NETWORK }] },
    })
}

fn is_allocated(claim: &VirtualMachineNetworkConfig) -> bool {
    let conditions = claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    condition(conditions, "Allocated")
        .is_some_and(|allocated| allocated.status == ConditionStatus::True.as_str())
}

fn address(claim: &VirtualMachineNetworkConfig) -> String {
    claim.status.as_ref().unwrap().network_configs[0].allocated_ip_address.clone()
}

impl User {
    async fn allocated(&self, name: &str) -> String {
        address(&self.until(name, "an address", is_allocated).await)
    }

    async fn until_there_is_an_event(&self) {
        let published = async {
            while self.api::<Event>().list(&ListParams::default()).await.unwrap().items.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        self.refusals.none_during(tokio::time::timeout(DEADLINE, published)).await.expect("an Event");
    }

    async fn delete<K: crate::Object>(&self, name: &str) {
        self.api::<K>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    async fn patch<K: crate::Object>(&self, name: &str, patch: Value) {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_brings_pools_and_claims_through_their_lives() {
    let Some(client) = testcluster::client_as(ServiceAccount::Manager).await else { return };
    let administrator = testcluster::client().await.unwrap();
    let (refusals, shutdown) = (Refusals::new(), Shutdown::new());
    let user = User { client: administrator, namespace: NAMESPACE, refusals: refusals.clone() };
    let manager = tokio::spawn(manager::run(refusals.through(client), options(), shutdown.clone()));

    user.create::<IPPool>(pool(POOL, NETWORK)).await;
    user.create::<VirtualMachineNetworkConfig>(claim("vm-1", "52:54:00:00:00:01")).await;
    let first = user.allocated("vm-1").await;

    // A second card with that MAC waits, and an Event says so.
    user.create::<VirtualMachineNetworkConfig>(claim("twin", "52:54:00:00:00:01")).await;
    let told = |claim: &VirtualMachineNetworkConfig| {
        claim
            .status
            .as_ref()
            .is_some_and(|status| status.network_configs.iter().any(|card| !card.reason.is_empty()))
    };
    user.until("twin", "a reason", told).await;
    user.until_there_is_an_event().await;
    user.delete::<VirtualMachineNetworkConfig>("twin").await;
    user.until_gone::<VirtualMachineNetworkConfig>("twin").await;

    // Another address, another range, another option.
    let wanted = if first == "192.168.48.100" { "192.168.48.101" } else { "192.168.48.100" };
    let cards = json!([{ "macAddress": "52:54:00:00:00:01", "networkName": NETWORK, "ipAddress": wanted }]);
    user.patch::<VirtualMachineNetworkConfig>("vm-1", json!({ "spec": { "networkConfigs": cards } })).await;
    let moved = |claim: &VirtualMachineNetworkConfig| is_allocated(claim) && address(claim) == wanted;
    user.until("vm-1", "the address that it asks for", moved).await;
    user.patch::<IPPool>(POOL, json!({ "spec": { "ipv4Config": { "dns": ["9.9.9.9"] } } })).await;
    user.patch::<IPPool>(POOL, json!({ "metadata": { "annotations": { REUSE_ANNOTATION: first } } })).await;
    let acted_on = |pool: &IPPool| !kube::ResourceExt::annotations(pool).contains_key(REUSE_ANNOTATION);
    user.until(POOL, "the operator's word acted on", acted_on).await;

    // Pausing and resuming.
    user.patch::<VirtualMachineNetworkConfig>("vm-1", json!({ "spec": { "paused": true } })).await;
    user.until("vm-1", "its pause", |claim: &VirtualMachineNetworkConfig| !is_allocated(claim)).await;
    user.patch::<VirtualMachineNetworkConfig>("vm-1", json!({ "spec": { "paused": false } })).await;
    user.allocated("vm-1").await;
    for paused in [true, false] {
        user.patch::<IPPool>(POOL, json!({ "spec": { "paused": paused } })).await;
        let status = if paused { ConditionStatus::True } else { ConditionStatus::False };
        let is_so = |pool: &IPPool| {
            let conditions =
                pool.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
            condition(conditions, "Stopped").is_some_and(|stopped| stopped.status == status.as_str())
        };
        user.until(POOL, "its pause, or its end", is_so).await;
    }

    // In a row, without waiting.
    user.delete::<IPPool>(POOL).await;
    user.delete::<VirtualMachineNetworkConfig>("vm-1").await;
    user.until_gone::<VirtualMachineNetworkConfig>("vm-1").await;
    user.until_gone::<IPPool>(POOL).await;

    shutdown.trigger();
    refusals.none_during(manager).await.unwrap().unwrap();
}
