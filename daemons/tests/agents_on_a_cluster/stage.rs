//! A control plane with a manager on it, a VM network, and a node.

use std::sync::{Arc, Mutex as Sync};
use std::time::Duration;

use futures::FutureExt;
use http::{Method, Request};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::{Client, ResourceExt};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use vmdhcp_core::api::{
    AGENT_REPORT_ANNOTATION, AgentReport, CLUSTER_NETWORK_LABEL, IPPool, NetworkAttachmentDefinition,
};
use vmdhcp_daemons::manager::{
    self, AgentDeployments, AutoPool, Limits, ManagerMetrics, ManagerOptions, Placement,
};
use vmdhcp_daemons::runtime::Shutdown;
use vmdhcp_testcluster::{self as testcluster, Object, RELEASE_NAMESPACE, ServiceAccount};

const DEADLINE: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";
pub(crate) const NETWORK: &str = "net-48";
pub(crate) const POOL: &str = "ippool-1";
pub(crate) const DEPLOYMENT: &str = "default-ippool-1-agent";
pub(crate) const IMAGE: &str = "registry.lab:5000/vmdhcp:v2";
pub(crate) const NEXT_IMAGE: &str = "registry.lab:5000/vmdhcp:v3";
const NODE: &str = "node-1";

/// Managers look at the whole cluster, so there is one at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

pub(crate) struct Stage {
    admin: Client,
    agent: Client,
    manager: Manager,
    /// Methods and paths of the manager's requests that may change something.
    requests: Arc<Sync<Vec<String>>>,
    _alone: MutexGuard<'static, ()>,
}

struct Manager {
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

/// Status and reason of a pool's condition.
pub(crate) fn condition(pool: &IPPool, type_: &str) -> (String, String) {
    let conditions = pool.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let found = vmdhcp_core::api::condition(conditions, type_);
    found.map(|found| (found.status.clone(), found.reason.clone())).unwrap_or_default()
}

impl Stage {
    /// `None` where there is no control plane.
    pub(crate) async fn set() -> Option<Self> {
        let alone = ALONE.lock().await;
        let admin = testcluster::client().await?;
        let agent = testcluster::client_as(ServiceAccount::Agent).await?;
        let requests = Arc::default();
        let stage =
            Self { manager: Manager::start(IMAGE, &requests).await, admin, agent, requests, _alone: alone };
        let nodes: Api<Node> = Api::all(stage.admin.clone());
        let node = json!({ "metadata": { "name": NODE } });
        let created = nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await;
        assert!(created.is_ok() || nodes.get_opt(NODE).await.unwrap().is_some());
        let network = json!({
            "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": { "name": NETWORK, "labels": { CLUSTER_NETWORK_LABEL: "mgmt" } },
            "spec": { "config": "{}" },
        });
        let networks = stage.api_of_pools::<NetworkAttachmentDefinition>();
        networks.create(&PostParams::default(), &serde_json::from_value(network).unwrap()).await.unwrap();
        Some(stage)
    }

    /// Leaves the control plane to the next test as it was.
    pub(crate) async fn clear(mut self) {
        if self.api_of_pools::<IPPool>().get_opt(POOL).await.unwrap().is_some() {
            self.delete_pool().await;
        }
        self.manager.stop().await;
        self.api_of_pools::<NetworkAttachmentDefinition>()
            .delete(NETWORK, &DeleteParams::default())
            .await
            .unwrap();
        for pod in self.agents().await {
            self.end(&pod).await;
        }
    }

    /// The manager is upgraded, and with it the image that it has for agents.
    pub(crate) async fn upgrade(&mut self, image: &str) {
        self.manager.stop().await;
        self.manager = Manager::start(image, &self.requests).await;
    }

    /// How many requests of the manager might have changed objects of that kind.
    pub(crate) fn requests_of(&self, resource: &str) -> usize {
        let resource = format!("/{resource}/");
        self.requests.lock().unwrap().iter().filter(|request| request.contains(&resource)).count()
    }

    /// Beside the agents.
    pub(crate) fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.admin.clone(), RELEASE_NAMESPACE)
    }

    pub(crate) fn api_of_pools<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.admin.clone(), NAMESPACE)
    }

    pub(crate) async fn create_pool(&self, metadata: Value) {
        self.create_pool_named(POOL, "192.168.48.0/24", metadata).await;
    }

    /// Another pool on the same network, younger than the first by at least a second, as timestamps tell.
    pub(crate) async fn create_second_pool(&self) {
        let first: IPPool = self.api_of_pools().get(POOL).await.unwrap();
        let created = first.creation_timestamp().unwrap().0;
        while Timestamp::now().as_second() <= created.as_second() {
            tokio::task::yield_now().await;
        }
        self.create_pool_named("second", "192.168.49.0/24", json!({})).await;
    }

    async fn create_pool_named(&self, name: &str, cidr: &str, mut metadata: Value) {
        metadata["name"] = json!(name);
        let pool = json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "IPPool",
            "metadata": metadata,
            "spec": { "networkName": NETWORK, "ipv4Config": { "cidr": cidr, "leaseTime": 300 } },
        });
        let pools: Api<IPPool> = self.api_of_pools();
        pools.create(&PostParams::default(), &serde_json::from_value(pool).unwrap()).await.unwrap();
    }

    pub(crate) async fn delete_pool(&self) {
        self.delete_pool_named(POOL).await;
    }

    pub(crate) async fn delete_pool_named(&self, name: &str) {
        let pools: Api<IPPool> = self.api_of_pools();
        pools.delete(name, &DeleteParams::default()).await.unwrap();
        testcluster::until_gone(&pools, name, DEADLINE).await;
    }

    pub(crate) async fn patch<K: Object>(&self, name: &str, patch: &Value) {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    pub(crate) async fn until<K: Object>(&self, name: &str, what: &str, is_so: impl Fn(&K) -> bool) -> K {
        testcluster::until(&self.api(), name, what, DEADLINE, is_so).await
    }

    pub(crate) async fn until_gone<K: Object>(&self, name: &str) {
        testcluster::until_gone(&self.api::<K>(), name, DEADLINE).await;
    }

    pub(crate) async fn pool(&self, what: &str, is_so: impl Fn(&IPPool) -> bool) -> IPPool {
        self.pool_named(POOL, what, is_so).await
    }

    pub(crate) async fn pool_named(&self, name: &str, what: &str, is_so: impl Fn(&IPPool) -> bool) -> IPPool {
        testcluster::until(&self.api_of_pools(), name, what, DEADLINE, is_so).await
    }

    pub(crate) async fn network(
        &self,
        what: &str,
        is_so: impl Fn(&NetworkAttachmentDefinition) -> bool,
    ) -> NetworkAttachmentDefinition {
        testcluster::until(&self.api_of_pools(), NETWORK, what, DEADLINE, is_so).await
    }

    /// Has the pool looked at, twice over.
    pub(crate) async fn settle(&self) {
        for dns in [json!(["9.9.9.9"]), json!(null)] {
            let patch = Patch::Merge(json!({ "spec": { "ipv4Config": { "dns": dns } } }));
            let pools: Api<IPPool> = self.api_of_pools();
            pools.patch(POOL, &PatchParams::default(), &patch).await.unwrap();
            self.pool("it was looked at", |pool| {
                let seen = pool.status.as_ref().and_then(|status| status.observed_generation);
                seen == pool.metadata.generation
            })
            .await;
        }
    }

    async fn agents(&self) -> Vec<Pod> {
        let ours =
            ListParams::default().labels(&format!("network.harvesterhci.io/ippool-agent={DEPLOYMENT}"));
        self.api::<Pod>().list(&ours).await.unwrap().items
    }

    /// The Pod that the Deployment makes beside these, once it is on a node.
    pub(crate) async fn next_pod(&self, but: &[&Pod]) -> Pod {
        let made = async {
            loop {
                let agents = self.agents().await;
                let next = agents.into_iter().find(|pod| but.iter().all(|other| other.uid() != pod.uid()));
                match next {
                    Some(next) => return next,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        let pod = tokio::time::timeout(DEADLINE, made).await.expect("the Deployment makes a Pod");
        let binding = Binding {
            metadata: pod.metadata.clone(),
            target: ObjectReference { name: Some(NODE.to_owned()), ..ObjectReference::default() },
        };
        let (name, once) = (pod.name_any(), PostParams::default());
        let pods = self.api::<Pod>();
        pods.create_subresource::<_, Value>("binding", &name, &once, &binding).await.unwrap();
        pod
    }

    /// The agent in a Pod serves, and the kubelet says so.
    pub(crate) async fn serve(&self, pod: &Pod) {
        let name = pod.name_any();
        let status = json!({ "status": {
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": Timestamp::now() }],
            "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": true, "restartCount": 0, "started": true,
                "state": { "running": { "startedAt": Timestamp::now() } },
            }],
        } });
        let status = Patch::Merge(status);
        self.api::<Pod>().patch_status(&name, &PatchParams::default(), &status).await.unwrap();
        self.until(&name, "a Lease", |_: &Lease| true).await;
        let pool: IPPool = self.api_of_pools().get(POOL).await.unwrap();
        let report = AgentReport {
            agent: name.clone(),
            pool_uid: pool.uid().unwrap(),
            ready: true,
            resource_version: pool.resource_version().unwrap(),
            ..AgentReport::default()
        };
        let patch = Patch::Merge(json!({
            "metadata": { "annotations": { AGENT_REPORT_ANNOTATION: serde_json::to_string(&report).unwrap() } },
            "spec": { "holderIdentity": name, "renewTime": MicroTime(Timestamp::now()) },
        }));
        let leases: Api<Lease> = Api::namespaced(self.agent.clone(), RELEASE_NAMESPACE);
        leases.patch(&name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// A Pod ends, as its kubelet would say.
    pub(crate) async fn end(&self, pod: &Pod) {
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let ended = self.api::<Pod>().delete(&pod.name_any(), &at_once).await;
        assert!(!matches!(ended, Err(kube::Error::Api(status)) if !status.is_not_found()));
    }
}

impl Manager {
    async fn start(image: &str, requests: &Arc<Sync<Vec<String>>>) -> Self {
        let client = testcluster::client_as(ServiceAccount::Manager).await.unwrap();
        let requests = Arc::clone(requests);
        let service = tower::service_fn(move |request: Request<Body>| {
            if request.method() != Method::GET {
                requests.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
            }
            let client = client.clone();
            async move { client.send(request).await }.boxed()
        });
        let deployments = AgentDeployments {
            namespace: RELEASE_NAMESPACE.to_owned(),
            image: image.to_owned(),
            image_pull_policy: "IfNotPresent".to_owned(),
            image_pull_secrets: vec!["registry-lab".to_owned()],
            service_account_name: ServiceAccount::Agent.name(),
            replicas: 1,
            // Written in another way than the API writes it.
            resources: serde_json::from_value(json!({ "requests": { "cpu": "0.1", "memory": "1024Mi" } }))
                .unwrap(),
            dry_run: false,
        };
        let options = ManagerOptions {
            placement: Placement::Deployments(deployments),
            auto_pool: AutoPool::Off,
            clock: Arc::new(Timestamp::now),
            metrics: ManagerMetrics::register(&mut Registry::default()),
            limits: Limits::default(),
        };
        let shutdown = Shutdown::new();
        let manager = manager::run(Client::new(service, NAMESPACE), options, shutdown.clone());
        Self { shutdown, task: tokio::spawn(async move { manager.await.unwrap() }) }
    }

    async fn stop(&mut self) {
        self.shutdown.trigger();
        (&mut self.task).await.unwrap();
    }
}
