//! The manager as its account.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{CustomResourceExt, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use vmdhcp_core::api::{
    AGENT_REPLICAS_ANNOTATION, ConditionStatus, IPPool, NetworkAttachmentDefinition, REUSE_ANNOTATION,
    VirtualMachine, VirtualMachineNetworkConfig, condition,
};
use vmdhcp_daemons::manager::daemon::{self, Election, ManagerDaemonError, ManagerDaemonOptions};
use vmdhcp_daemons::manager::{AgentDeployments, AutoPool, Placement};
use vmdhcp_daemons::runtime::Shutdown;
use vmdhcp_daemons::runtime::leader_election::Durations;
use vmdhcp_testcluster::{self as testcluster, RELEASE, RELEASE_NAMESPACE, ServiceAccount};

use crate::refusals::Refusals;
use crate::{DEADLINE, User, pool};

const NAMESPACE: &str = "default";
const NETWORK: &str = "net-48";
const POOL: &str = "ippool-1";

/// Managers look at the whole cluster, so there is one at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A manager as the chart starts it, and a user.
pub(crate) struct Stage {
    pub(crate) user: User,
    shutdown: Shutdown,
    manager: JoinHandle<Result<(), ManagerDaemonError>>,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// `None` where there is no control plane.
    pub(crate) async fn set() -> Option<Self> {
        let alone = ALONE.lock().await;
        let client = testcluster::client_as(ServiceAccount::Manager).await?;
        let (refusals, shutdown) = (Refusals::new(), Shutdown::new());
        let manager = daemon::run(refusals.through(client), options(), shutdown.clone());
        let administrator = testcluster::client().await?;
        Some(Self {
            user: User { client: administrator, namespace: NAMESPACE, refusals },
            shutdown,
            manager: tokio::spawn(manager),
            _alone: alone,
        })
    }

    /// Asks the manager to end, and waits for that.
    pub(crate) async fn clear(self) {
        self.shutdown.trigger();
        self.user.refusals.none_during(self.manager).await.unwrap().unwrap();
    }
}

fn options() -> ManagerDaemonOptions {
    let seconds = Duration::from_secs;
    ManagerDaemonOptions {
        name: RELEASE.into(),
        namespace: RELEASE_NAMESPACE.into(),
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
        election: Some(Election {
            namespace: "kube-system".into(),
            identity: "the-manager".into(),
            // A failed test gives nothing up; the next one should not wait long for it.
            durations: Durations::new(seconds(3), seconds(2), Duration::from_millis(200)).unwrap(),
        }),
        apply_kinds: true,
        listen: ([127, 0, 0, 1], 0).into(),
        show_caches: false,
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

/// A VM with a card on the network; its MAC, and the address that it asks for, are in annotations.
pub(crate) fn virtual_machine(name: &str, network: &str, mac: &str, address: &str) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": { "name": name, "annotations": {
            "harvesterhci.io/mac-address": json!({ "nic-1": mac }).to_string(),
            "static-ip.harvesterhci.io/nic-1": address,
        } },
        "spec": { "template": { "spec": {
            "domain": { "devices": { "interfaces": [{ "name": "nic-1", "bridge": {} }] } },
            "networks": [{ "name": "nic-1", "multus": { "networkName": network } }],
        } } },
    })
}

pub(crate) fn network(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": { "name": name, "annotations": annotations },
        "spec": { "config": r#"{"cniVersion": "0.3.1", "type": "bridge", "bridge": "mgmt-br", "vlan": 48}"# },
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
    pub(crate) async fn allocated(&self, name: &str) -> String {
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

    pub(crate) async fn delete<K: vmdhcp_testcluster::Object>(&self, name: &str) {
        self.api::<K>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn patch<K: vmdhcp_testcluster::Object>(&self, name: &str, patch: Value) {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_leads_brings_its_kinds_and_gives_up_the_lead() {
    let Some(administrator) = testcluster::client().await else { return };
    // As upstream leaves them.
    let definitions: Api<CustomResourceDefinition> = Api::all(administrator.clone());
    let name = IPPool::crd().name_any();
    let mark = json!({ "metadata": { "labels": { "objectset.rio.cattle.io/hash": "0123abcd" } } });
    definitions.patch(&name, &PatchParams::default(), &Patch::Merge(mark)).await.unwrap();
    let Some(stage) = Stage::set().await else { return };
    let unmarked =
        |stored: Option<&CustomResourceDefinition>| stored.is_some_and(|stored| stored.labels().is_empty());
    let unmarked = await_condition(definitions, &name, unmarked);
    let unmarked = stage.user.refusals.none_during(tokio::time::timeout(DEADLINE, unmarked));
    unmarked.await.expect("its kinds").unwrap();
    let leases =
        User { client: administrator, namespace: "kube-system", refusals: stage.user.refusals.clone() };
    let holder =
        |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
    leases.until(daemon::LEASE, "its lead", |lease| holder(lease) == "the-manager").await;
    stage.clear().await;
    leases.until(daemon::LEASE, "nobody's lead", |lease| holder(lease).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_upstream_left_without_anybody_to_answer_refuses_pools_until_a_manager_leads() {
    let Some(administrator) = testcluster::client().await else { return };
    let webhook = format!("{RELEASE}-webhook");
    let upstreams = serde_json::from_value(json!({
        "metadata": { "name": webhook },
        "webhooks": [{
            "name": format!("validator.{RELEASE_NAMESPACE}.{webhook}"),
            "clientConfig": {
                "service": { "namespace": RELEASE_NAMESPACE, "name": webhook, "path": "/v1/webhook/validation" },
            },
            "rules": [{
                "apiGroups": ["network.harvesterhci.io"],
                "apiVersions": ["v1alpha1"],
                "resources": ["ippools"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "scope": "Namespaced",
            }],
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            // Other tests go on beside this one.
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-public" } },
        }],
    }));
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(administrator.clone());
    configurations.create(&PostParams::default(), &upstreams.unwrap()).await.unwrap();
    let pools: Api<IPPool> = Api::namespaced(administrator, "kube-public");
    let pool = serde_json::from_value(pool("refused", NETWORK)).unwrap();
    let is_refused = async || {
        let answer = pools.create(&PostParams { dry_run: true, ..PostParams::default() }, &pool).await;
        answer.is_err_and(|error| error.to_string().contains("failed calling webhook"))
    };
    let refused = async {
        while !is_refused().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, refused).await.expect("the API server asks the webhook");

    let Some(stage) = Stage::set().await else { return };
    let gone = await_condition(configurations, &webhook, |stored: Option<&_>| stored.is_none());
    let gone = stage.user.refusals.none_during(tokio::time::timeout(DEADLINE, gone));
    drop(gone.await.expect("the configuration goes").unwrap());
    let taken = async {
        while is_refused().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, taken).await.expect("pools are taken again");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_brings_pools_and_claims_through_their_lives() {
    let Some(stage) = Stage::set().await else { return };
    let user = &stage.user;
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

    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_makes_claims_for_vms_changes_them_and_adopts_those_that_are_there() {
    const NETWORK: &str = "net-49";
    let Some(stage) = Stage::set().await else { return };
    let user = &stage.user;
    user.create::<NetworkAttachmentDefinition>(network(NETWORK, &json!({}))).await;
    user.create::<IPPool>(pool("ippool-2", NETWORK)).await;
    user.create::<VirtualMachine>(virtual_machine("vm-2", NETWORK, "52:54:00:00:00:02", "192.168.48.120"))
        .await;
    assert_eq!(user.allocated("vm-2").await, "192.168.48.120");
    let another =
        json!({ "metadata": { "annotations": { "static-ip.harvesterhci.io/nic-1": "192.168.48.121" } } });
    user.patch::<VirtualMachine>("vm-2", another).await;
    let moved =
        |claim: &VirtualMachineNetworkConfig| is_allocated(claim) && address(claim) == "192.168.48.121";
    user.until("vm-2", "the address of the annotation", moved).await;

    let mut by_hand = claim("vm-3", "52:54:00:00:00:03");
    by_hand["spec"]["networkConfigs"][0]["networkName"] = json!(NETWORK);
    user.create::<VirtualMachineNetworkConfig>(by_hand).await;
    user.allocated("vm-3").await;
    user.create::<VirtualMachine>(virtual_machine("vm-3", NETWORK, "52:54:00:00:00:03", "")).await;
    let adopted = |claim: &VirtualMachineNetworkConfig| !claim.owner_references().is_empty();
    user.until("vm-3", "its owner", adopted).await;

    for vm in ["vm-2", "vm-3"] {
        user.delete::<VirtualMachine>(vm).await;
        user.until_gone::<VirtualMachineNetworkConfig>(vm).await;
    }
    user.delete::<IPPool>("ippool-2").await;
    user.until_gone::<IPPool>("ippool-2").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_starts_agents_counts_them_and_clears_up_after_those_whose_pool_is_gone() {
    const NETWORK: &str = "net-50";
    let Some(administrator) = testcluster::client().await else { return };
    // Its namespace comes with the chart.
    let Some(_) = testcluster::kubeconfig_as(ServiceAccount::Manager) else { return };
    let left = bare_agent("gone-pool-agent", "gone-pool");
    let pods: Api<Pod> = Api::namespaced(administrator.clone(), RELEASE_NAMESPACE);
    pods.create(&PostParams::default(), &serde_json::from_value(left).unwrap()).await.unwrap();
    let Some(stage) = Stage::set().await else { return };
    let user = &stage.user;
    let agents =
        User { client: administrator, namespace: RELEASE_NAMESPACE, refusals: user.refusals.clone() };
    agents.until_gone::<Pod>("gone-pool-agent").await;

    user.create::<NetworkAttachmentDefinition>(network(NETWORK, &json!({}))).await;
    user.create::<IPPool>(pool("ippool-3", NETWORK)).await;
    let name = "default-ippool-3-agent";
    let replicas = |deployment: &Deployment| deployment.spec.as_ref().unwrap().replicas;
    agents.until(name, "two agents", |deployment| replicas(deployment) == Some(2)).await;
    agents.until(name, "its budget", |_: &PodDisruptionBudget| true).await;
    let count_leases = async |count: usize| {
        let of_pool = ListParams::default().labels("network.harvesterhci.io/ippool-name=ippool-3");
        let counted = async {
            while agents.api::<Lease>().list(&of_pool).await.unwrap().items.len() != count {
                tokio::task::yield_now().await;
            }
        };
        let counted = agents.refusals.none_during(tokio::time::timeout(DEADLINE, counted)).await;
        counted.unwrap_or_else(|_| panic!("never: {count} Leases"));
    };
    count_leases(2).await;
    let one = json!({ "metadata": { "annotations": { AGENT_REPLICAS_ANNOTATION: "1" } } });
    user.patch::<IPPool>("ippool-3", one).await;
    agents.until(name, "one agent", |deployment| replicas(deployment) == Some(1)).await;
    agents.until_gone::<PodDisruptionBudget>(name).await;
    count_leases(1).await;

    user.delete::<IPPool>("ippool-3").await;
    user.until_gone::<IPPool>("ippool-3").await;
    agents.until_gone::<Deployment>(name).await;
    count_leases(0).await;
    stage.clear().await;
}

/// An agent of a pool as upstream starts it.
fn bare_agent(name: &str, pool: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": {
            "network.harvesterhci.io/vm-dhcp-controller": "agent",
            "network.harvesterhci.io/ippool-namespace": "default",
            "network.harvesterhci.io/ippool-name": pool,
        } },
        "spec": { "containers": [{ "name": "agent", "image": "rancher/harvester-vm-dhcp-agent:v1.6.0" }] },
    })
}
