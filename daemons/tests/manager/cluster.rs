//! A manager that places agents on a cluster, and a stand-in for what runs Pods there: it starts, ends and loses them when
//! a test says so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{
    Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AgentReport, IPPool, NetworkAttachmentDefinition};
use vmdhcp_daemons::cluster::local::{Kind, Kinds, LocalApi};
use vmdhcp_daemons::manager::{AgentDeployments, Limits, Placement};
use vmdhcp_testcluster::{self as testcluster, Object};

use crate::fixtures::{DEADLINE, Manager, NAMESPACE};

/// Where agents are, which is not where pools are.
pub(crate) const AGENTS: &str = "harvester-system";
/// The Deployment of the pool of the fixtures.
pub(crate) const DEPLOYMENT: &str = "default-ippool-1-agent";
/// The image that the manager gives agents.
pub(crate) const IMAGE: &str = "registry.lab:5000/vmdhcp:v2";

/// The kinds of a cluster that bear on agents.
pub(crate) fn kinds() -> Kinds {
    Kinds::standard()
        .with(Kind::typed::<Deployment>().built_in())
        .with(Kind::typed::<Pod>().built_in())
        .with(Kind::typed::<PodDisruptionBudget>().built_in())
        .with(Kind::typed::<NetworkAttachmentDefinition>().without_status())
}

/// Agents as Deployments, in the way of a plain installation.
pub(crate) fn deployments() -> AgentDeployments {
    AgentDeployments {
        namespace: AGENTS.to_owned(),
        image: IMAGE.to_owned(),
        image_pull_policy: "IfNotPresent".to_owned(),
        image_pull_secrets: vec!["registry-lab".to_owned()],
        service_account_name: "vmdhcp-agent".to_owned(),
        replicas: 1,
        resources: ResourceRequirements {
            requests: Some(
                [("cpu".to_owned(), k8s_openapi::apimachinery::pkg::api::resource::Quantity("0.1".into()))]
                    .into(),
            ),
            ..ResourceRequirements::default()
        },
        dry_run: false,
    }
}

/// Whether the status refers to that Pod as the one that serves.
pub(crate) fn serving_in(pod: &Pod) -> impl Fn(&IPPool) -> bool + use<> {
    let uid = pod.uid().unwrap();
    move |pool| {
        let reference = pool.status.as_ref().and_then(|status| status.agent_pod_ref.as_ref());
        reference.is_some_and(|reference| reference.uid == uid)
    }
}

/// A cluster with a manager.
pub(crate) struct Cluster {
    pub(crate) manager: Manager,
    /// Past what the manager's requests go through.
    pub(crate) client: Client,
    pods: AtomicUsize,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::start_with(deployments())
    }

    pub(crate) fn start_with(deployments: AgentDeployments) -> Self {
        let client = LocalApi::in_memory(kinds()).unwrap().client(NAMESPACE);
        Self::start_on(client.clone(), client, deployments)
    }

    /// A manager that comes where upstream has a pool with its agent.
    pub(crate) async fn take_over(pool: &IPPool) -> (Self, Pod) {
        let mut cluster = Self::start();
        cluster.manager.stop().await;
        cluster.create_network(&[]).await;
        cluster.manager.create(pool).await;
        let bare = cluster.create_upstreams_pod().await;
        cluster.manager.resume();
        (cluster, bare)
    }

    /// A manager that speaks to the API by `manager`, which goes where `client` goes.
    pub(crate) fn start_on(client: Client, manager: Client, deployments: AgentDeployments) -> Self {
        let placement = Placement::Deployments(deployments);
        let manager = Manager::start_placing(manager, placement, Limits::default());
        Self { manager, client, pods: AtomicUsize::new(0) }
    }

    /// Objects beside the agents.
    pub(crate) fn of<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), AGENTS)
    }

    pub(crate) async fn until<K: Object>(&self, name: &str, is_so: impl Fn(&K) -> bool) -> K {
        testcluster::until(&self.of(), name, "as it should be", DEADLINE, is_so).await
    }

    pub(crate) async fn until_gone<K: Object>(&self, name: &str) {
        testcluster::until_gone(&self.of::<K>(), name, DEADLINE).await;
    }

    /// The version of the newest change of a pool.
    pub(crate) async fn version(&self) -> String {
        let pools: Api<IPPool> = self.manager.api();
        pools.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap()
    }

    /// The states of the fixtures' pool since that version.
    pub(crate) async fn history_of_pool(&self, since: &str) -> Vec<IPPool> {
        let pools: Api<IPPool> = self.manager.api();
        let newest: u64 = pools.get("ippool-1").await.unwrap().resource_version().unwrap().parse().unwrap();
        let mut events = Box::pin(pools.watch(&WatchParams::default(), since).await.unwrap());
        let mut states = Vec::new();
        loop {
            let event = tokio::time::timeout(DEADLINE, events.next()).await.expect("another state").unwrap();
            let (WatchEvent::Modified(pool) | WatchEvent::Added(pool)) = event.unwrap() else { continue };
            let version: u64 = pool.resource_version().unwrap().parse().unwrap();
            states.push(pool);
            if version >= newest {
                return states;
            }
        }
    }

    /// Makes the network of the fixtures' pool.
    pub(crate) async fn create_network(&self, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let network = NetworkAttachmentDefinition {
            metadata: ObjectMeta {
                name: Some("net-48".to_owned()),
                labels: Some(labels.collect()),
                ..ObjectMeta::default()
            },
            ..NetworkAttachmentDefinition::default()
        };
        let api: Api<NetworkAttachmentDefinition> = Api::namespaced(self.client.clone(), NAMESPACE);
        api.create(&PostParams::default(), &network).await.unwrap();
    }

    pub(crate) async fn delete_network(&self) {
        let api: Api<NetworkAttachmentDefinition> = Api::namespaced(self.client.clone(), NAMESPACE);
        api.delete("net-48", &DeleteParams::default()).await.unwrap();
    }

    /// A Lease that the Pod of its name has left behind.
    pub(crate) async fn leave_lease(&self, mut lease: Lease) {
        lease.metadata = ObjectMeta {
            name: lease.metadata.name,
            labels: lease.metadata.labels,
            annotations: lease.metadata.annotations,
            ..ObjectMeta::default()
        };
        self.of().create(&PostParams::default(), &lease).await.unwrap();
    }

    /// A Pod of the pool's Deployment on a node, as it is when its container is being started.
    pub(crate) async fn start_pod(&self) -> Pod {
        let deployment = self.until(DEPLOYMENT, |_: &Deployment| true).await;
        let template = deployment.spec.unwrap().template;
        let mut spec = template.spec.unwrap();
        spec.node_name = Some("node-1".to_owned());
        let number = self.pods.fetch_add(1, Ordering::Relaxed);
        let pod = Pod {
            metadata: ObjectMeta {
                name: Some(format!("{DEPLOYMENT}-{number}")),
                ..template.metadata.unwrap()
            },
            spec: Some(spec),
            status: None,
        };
        self.of().create(&PostParams::default(), &pod).await.unwrap()
    }

    /// What the kubelet says of a Pod.
    pub(crate) async fn set_pod_status(&self, pod: &Pod, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.of::<Pod>().patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn is_running(&self, pod: &Pod, is_ready: bool) {
        let ready = if is_ready { "True" } else { "False" };
        let started = json!({ "running": {} });
        let status = json!({
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": ready }],
            "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": is_ready, "restartCount": 0, "started": true,
                "state": started,
            }],
        });
        self.set_pod_status(pod, status).await;
    }

    /// The agent of a Pod has never started, for that reason.
    pub(crate) async fn waits(&self, pod: &Pod, reason: &str, message: &str) {
        let status = json!({
            "phase": "Pending",
            "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": false, "restartCount": 0, "started": false,
                "state": { "waiting": { "reason": reason, "message": message } },
            }],
        });
        self.set_pod_status(pod, status).await;
    }

    /// Has the agent in a Pod report that it serves the newest version of its pool.
    pub(crate) async fn reports(&self, pod: &Pod) {
        let pool: IPPool = self.manager.api().get("ippool-1").await.unwrap();
        self.reports_version(pod, &pool, &pool.resource_version().unwrap()).await;
    }

    pub(crate) async fn reports_version(&self, pod: &Pod, pool: &IPPool, version: &str) {
        let name = pod.name_any();
        self.until(&name, |_: &Lease| true).await;
        let report = AgentReport {
            agent: name.clone(),
            pool_uid: pool.uid().unwrap(),
            mac_address: "02:00:00:00:00:01".to_owned(),
            ready: true,
            resource_version: version.to_owned(),
            ..AgentReport::default()
        };
        let patch = json!({
            "metadata": { "annotations": { AGENT_REPORT_ANNOTATION: serde_json::to_string(&report).unwrap() } },
            "spec": { "holderIdentity": name, "renewTime": MicroTime(Timestamp::now()) },
        });
        self.of::<Lease>().patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// A Pod whose agent serves.
    pub(crate) async fn serving_pod(&self) -> Pod {
        let pod = Box::pin(self.start_pod()).await;
        self.is_running(&pod, true).await;
        Box::pin(self.reports(&pod)).await;
        pod
    }

    /// A Pod is deleted, and there is no kubelet to end it: its object stays.
    pub(crate) async fn lose(&self, pod: &Pod) {
        let held = Patch::Merge(json!({ "metadata": { "finalizers": ["test/node-is-lost"] } }));
        self.of::<Pod>().patch(&pod.name_any(), &PatchParams::default(), &held).await.unwrap();
        self.end(pod).await;
    }

    pub(crate) async fn end(&self, pod: &Pod) {
        self.of::<Pod>().delete(&pod.name_any(), &DeleteParams::default()).await.unwrap();
    }

    /// The node of a lost Pod is given up.
    pub(crate) async fn give_up(&self, pod: &Pod) {
        let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        self.of::<Pod>().patch(&pod.name_any(), &PatchParams::default(), &free).await.unwrap();
    }

    /// The agent that upstream has left for the pool: a bare Pod.
    pub(crate) async fn create_upstreams_pod(&self) -> Pod {
        let labels = [
            ("network.harvesterhci.io/vm-dhcp-controller", "agent"),
            ("network.harvesterhci.io/ippool-namespace", NAMESPACE),
            ("network.harvesterhci.io/ippool-name", "ippool-1"),
        ];
        let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": DEPLOYMENT, "labels": labels },
            "spec": {
                "nodeName": "node-1",
                "containers": [{ "name": "agent", "image": "rancher/harvester-vm-dhcp-agent:v1.5.0" }],
            },
        }))
        .unwrap();
        let pod = self.of().create(&PostParams::default(), &pod).await.unwrap();
        self.is_running(&pod, true).await;
        pod
    }
}
