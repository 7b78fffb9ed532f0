//! Whether a pool has agents, and what its status says where it has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use http::{Request, Response, StatusCode};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, PostParams};
use kube::client::Body;
use kube::{Client, ResourceExt};
use serde_json::json;
use vmdhcp_core::api::{
    IPPool, NetworkAttachmentDefinition, NetworkAttachmentDefinitionSpec, POOL_NAME_LABEL,
    POOL_NAMESPACE_LABEL, VirtualMachineNetworkConfig,
};
use vmdhcp_daemons::cluster::local::LocalApi;
use vmdhcp_daemons::manager::Placement;
use vmdhcp_testcluster as testcluster;

use crate::cluster::{Cluster, DEPLOYMENT, deployments, kinds};
use crate::fixtures::{DEADLINE, NAMESPACE, claim, ipv4, pool_condition, seed_pool};

fn registered(reason: &'static str) -> impl Fn(&IPPool) -> bool {
    move |pool| pool_condition(pool, "Registered").reason == reason
}

#[tokio::test]
async fn the_answer_of_an_api_that_takes_no_deployment_is_a_condition_and_an_event_and_no_loop() {
    let local = LocalApi::in_memory(kinds()).unwrap().client(NAMESPACE);
    let (refusing, refused) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (refuse, note, inner) = (Arc::clone(&refusing), Arc::clone(&refused), local.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let is_write = request.method() != http::Method::GET;
        let is_refused =
            is_write && request.uri().path().contains("/deployments/") && refuse.load(Ordering::Relaxed);
        let (inner, again) = (inner.clone(), is_refused && note.swap(true, Ordering::Relaxed));
        async move {
            if !is_refused {
                return inner.send(request).await;
            }
            assert!(!again, "what was refused is not asked for again and again");
            let answer = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
                "message": "exceeded quota: agents",
            });
            let answer = Response::builder()
                .status(StatusCode::FORBIDDEN)
                .body(Body::from(answer.to_string().into_bytes()));
            Ok(answer.unwrap())
        }
        .boxed()
    });
    let cluster = Cluster::start_on(local, Client::new(service, NAMESPACE), deployments());
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pool = cluster.manager.until("ippool-1", registered("DeploymentRefused")).await;
    let condition = pool_condition(&pool, "Registered");
    assert_eq!(condition.status, "False");
    assert!(condition.message.contains("exceeded quota: agents"), "{condition:?}");
    let events = cluster.manager.events_of("ippool-1").await;
    assert!(events.contains(&"DeploymentRefused".to_owned()), "{events:?}");
    // Claims are none the worse for it.
    cluster.manager.create(&claim("vm", 1)).await;
    cluster.manager.addresses("vm").await;
}

#[tokio::test]
async fn a_pool_needs_no_label_on_its_network_and_never_gets_a_witness() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let deployment = cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
    let spec = serde_json::to_value(deployment.spec.unwrap().template.spec.unwrap()).unwrap();
    let terms = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let witness =
        json!({ "key": "node-role.harvesterhci.io/witness", "operator": "NotIn", "values": ["true"] });
    assert_eq!(*terms, json!([{ "matchExpressions": [witness] }]));
    cluster.manager.until("ippool-1", registered("AgentDeployed")).await;
}

#[tokio::test]
async fn a_pool_on_an_overlay_network_has_no_agents_and_says_why() {
    let cluster = Cluster::start();
    cluster.create_network(&[("network.harvesterhci.io/type", "OverlayNetwork")]).await;
    cluster.manager.create(&seed_pool()).await;
    cluster.manager.until("ippool-1", registered("OverlayNetwork")).await;
    assert!(cluster.of::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_none());
}

#[tokio::test]
async fn a_pool_waits_for_its_network() {
    let cluster = Cluster::start();
    cluster.manager.create(&seed_pool()).await;
    cluster.manager.until("ippool-1", registered("NetworkMissing")).await;
    cluster.create_network(&[]).await;
    cluster.manager.until("ippool-1", registered("AgentDeployed")).await;
    cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
}

#[tokio::test]
async fn two_pools_whose_agents_would_have_one_name_do_not_take_them_from_each_other() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let first = cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
    // Namespace "default-ippool", name "1": together the same.
    let mut pool = seed_pool();
    pool.metadata.name = Some("1".to_owned());
    pool.metadata.namespace = Some("default-ippool".to_owned());
    let network = NetworkAttachmentDefinition::new("net-48", NetworkAttachmentDefinitionSpec::default());
    let networks: Api<NetworkAttachmentDefinition> =
        Api::namespaced(cluster.client.clone(), "default-ippool");
    networks.create(&PostParams::default(), &network).await.unwrap();
    let pools: Api<IPPool> = Api::namespaced(cluster.client.clone(), "default-ippool");
    pools.create(&PostParams::default(), &pool).await.unwrap();
    testcluster::until(&pools, "1", "as it should be", DEADLINE, registered("NameTaken")).await;
    let now = cluster.of::<Deployment>().get(DEPLOYMENT).await.unwrap();
    assert_eq!((now.uid(), now.metadata.generation), (first.uid(), first.metadata.generation));
}

#[tokio::test]
async fn with_no_agents_of_ours_a_pool_is_as_upstream_has_it_then() {
    let cluster = Cluster::start();
    let mut manager = cluster.manager;
    manager.stop().await;
    manager.place(Placement::Elsewhere);
    manager.resume();
    manager.create(&seed_pool()).await;
    let is_ready = |pool: &IPPool| pool_condition(pool, "AgentReady").status == "True";
    let pool = manager.until("ippool-1", is_ready).await;
    assert_eq!(pool_condition(&pool, "Registered").status, "True");
    manager.create(&claim("vm", 1)).await;
    manager.addresses("vm").await;
}

#[tokio::test]
async fn conditions_stay_as_they_are_when_the_manager_starts_anew() {
    let mut cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    cluster.manager.create(&claim("vm", 1)).await;
    cluster.manager.addresses("vm").await;
    let is_ready = |pool: &IPPool| pool_condition(pool, "AgentReady").status == "True";
    cluster.manager.until("ippool-1", is_ready).await;
    cluster.reports(&pod).await;
    let before = cluster.manager.settled("ippool-1").await.status.unwrap().conditions;
    let claim_before: VirtualMachineNetworkConfig = cluster.manager.api().get("vm").await.unwrap();
    cluster.manager.stop().await;
    let version = cluster.version().await;
    cluster.manager.resume();
    cluster.manager.settled("ippool-1").await;
    // Every state that the pool has been in since is in the log of changes.
    for pool in cluster.history_of_pool(&version).await {
        assert_eq!(pool.status.unwrap().conditions, before);
    }
    let claim_after: VirtualMachineNetworkConfig = cluster.manager.api().get("vm").await.unwrap();
    assert_eq!(claim_after.resource_version(), claim_before.resource_version());
}

#[tokio::test]
async fn an_entry_that_makes_no_sense_keeps_no_pool_down() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    let manager = &cluster.manager;
    manager.create(&seed_pool()).await;
    manager.until("ippool-1", registered("AgentDeployed")).await;
    let bad = json!({ "status": { "ipv4": { "allocated": { "192.168.48.300": "52:54:00:00:00:09", "192.168.48.85": "nobody" } } } });
    manager.patch_status::<IPPool>("ippool-1", bad).await;
    let is_told = |pool: &IPPool| pool_condition(pool, "UnclaimedAddresses").status == "True";
    let pool = manager.until("ippool-1", is_told).await;
    assert_eq!(pool_condition(&pool, "CacheReady").status, "True");
    manager.create(&claim("vm", 1)).await;
    manager.addresses("vm").await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!(ipv4(&pool).allocated["192.168.48.85"], "nobody", "it is held");
}

#[tokio::test]
async fn a_network_that_names_a_pool_that_is_gone_is_put_right() {
    let mut cluster = Cluster::start();
    let names = |name: &str| {
        [
            (POOL_NAMESPACE_LABEL.to_owned(), NAMESPACE.to_owned()),
            (POOL_NAME_LABEL.to_owned(), name.to_owned()),
        ]
    };
    let networks: Api<NetworkAttachmentDefinition> = cluster.manager.api();
    let create = async |network: &str, pool: &str| {
        let mut object =
            NetworkAttachmentDefinition::new(network, NetworkAttachmentDefinitionSpec::default());
        object.metadata.labels = Some(names(pool).into());
        networks.create(&PostParams::default(), &object).await.unwrap();
    };
    create("net-48", "of-before").await;
    cluster.manager.create(&seed_pool()).await;
    let is_named = |network: &NetworkAttachmentDefinition| {
        network.labels().get(POOL_NAME_LABEL).is_some_and(|name| name == "ippool-1")
    };
    cluster.manager.until("net-48", is_named).await;
    // Where there is no pool, none is named: that is looked for when a manager starts.
    create("net-49", "of-before").await;
    cluster.manager.stop().await;
    cluster.manager.resume();
    let is_bare = |network: &NetworkAttachmentDefinition| !network.labels().contains_key(POOL_NAME_LABEL);
    cluster.manager.until("net-49", is_bare).await;
    cluster.manager.delete::<IPPool>("ippool-1").await;
    cluster.manager.until_gone::<IPPool>("ippool-1").await;
    assert!(is_bare(&cluster.manager.api().get("net-48").await.unwrap()));
}
