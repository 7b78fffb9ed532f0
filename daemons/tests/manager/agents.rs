//! Agents on a cluster: what is deployed, what the status says of it, and when an address may go on.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::PostParams;
use serde_json::json;
use vmdhcp_core::api::{AGENT_REPLICAS_ANNOTATION, IPPool, POOL_ANNOTATION, VirtualMachineNetworkConfig};

use crate::cluster::{AGENTS, Cluster, DEPLOYMENT, IMAGE, serving_in};
use crate::fixtures::{claim, claim_of, ipv4, pool_condition, seed_pool};

#[tokio::test]
async fn a_pool_gets_a_deployment_with_upstreams_name_labels_and_network_and_the_least_rights() {
    let cluster = Cluster::start();
    cluster.create_network(&[("network.harvesterhci.io/clusternetwork", "mgmt")]).await;
    cluster.manager.create(&seed_pool()).await;
    let deployment = cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
    let template = deployment.spec.clone().unwrap().template;
    let metadata = template.metadata.unwrap();
    for (label, value) in [
        ("network.harvesterhci.io/vm-dhcp-controller", "agent"),
        ("network.harvesterhci.io/ippool-namespace", "default"),
        ("network.harvesterhci.io/ippool-name", "ippool-1"),
    ] {
        assert_eq!(metadata.labels.as_ref().unwrap()[label], value);
        assert_eq!(deployment.labels()[label], value);
    }
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(
            &metadata.annotations.unwrap()["k8s.v1.cni.cncf.io/networks"]
        )
        .unwrap(),
        json!([{ "namespace": "default", "name": "net-48", "interface": "eth1" }])
    );
    let pod = serde_json::to_value(template.spec.unwrap()).unwrap();
    assert_eq!(
        pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"],
        json!([{ "matchExpressions": [
            { "key": "node-role.harvesterhci.io/witness", "operator": "NotIn", "values": ["true"] },
            { "key": "network.harvesterhci.io/mgmt", "operator": "In", "values": ["true"] },
        ] }])
    );
    let (nic, agent) = (&pod["initContainers"][0], &pod["containers"][0]);
    assert_eq!((&nic["image"], &agent["image"]), (&json!(IMAGE), &json!(IMAGE)));
    assert_eq!(nic["args"], json!(["agent-init", "--nic", "eth1"]));
    assert_eq!(nic["securityContext"]["capabilities"], json!({ "drop": ["ALL"], "add": ["NET_ADMIN"] }));
    let snapshot = "/var/lib/vmdhcp/leases.json";
    let args = ["agent", "--ippool-ref", "default/ippool-1", "--nic", "eth1", "--snapshot", snapshot];
    assert_eq!(agent["args"], json!(args));
    assert_eq!(agent["securityContext"]["capabilities"], json!({ "drop": ["ALL"], "add": ["NET_RAW"] }));
    assert_eq!(agent["securityContext"]["readOnlyRootFilesystem"], json!(true));
    assert_eq!(agent["resources"]["requests"], json!({ "cpu": "0.1" }));
    assert_eq!(pod["imagePullSecrets"], json!([{ "name": "registry-lab" }]));
    assert_eq!(agent["imagePullPolicy"], json!("IfNotPresent"));
    let strategy = serde_json::to_value(deployment.spec.unwrap().strategy).unwrap();
    assert_eq!(strategy["rollingUpdate"], json!({ "maxSurge": 1, "maxUnavailable": 0 }));
    let is_registered = |pool: &IPPool| pool_condition(pool, "Registered").status == "True";
    let pool = cluster.manager.until("ippool-1", is_registered).await;
    assert_eq!(pool_condition(&pool, "Registered").reason, "AgentDeployed");
    assert_eq!(pool_condition(&pool, "AgentReady").reason, "NoAgent");
}

#[tokio::test]
async fn each_pod_has_a_lease_of_its_own_and_agent_ready_means_that_one_serves() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pod = cluster.start_pod().await;
    let lease = cluster.until(&pod.name_any(), |_: &Lease| true).await;
    assert_eq!(lease.annotations()[POOL_ANNOTATION], "default/ippool-1");
    assert_eq!(lease.owner_references()[0].uid, pod.uid().unwrap());
    // Upstream's probes always say that all is well; this Pod is ready, and nobody knows what it serves.
    cluster.is_running(&pod, true).await;
    let is = |reason: &'static str| move |pool: &IPPool| pool_condition(pool, "AgentReady").reason == reason;
    let pool = cluster.manager.until("ippool-1", is("AgentSilent")).await;
    assert_eq!(pool.status.unwrap().agent_pod_ref, None);
    cluster.reports(&pod).await;
    let pool = cluster.manager.until("ippool-1", is("Serving")).await;
    let status = pool.status.unwrap();
    let serving = status.agent_pod_ref.unwrap();
    assert_eq!((serving.namespace.as_str(), serving.name), (AGENTS, pod.name_any()));
    assert_eq!((serving.image.as_str(), serving.uid), (IMAGE, pod.uid().unwrap()));
    assert_eq!(status.agents.len(), 1);
    assert_eq!(status.agents[0].name, pod.name_any());
    assert!(status.agents[0].ready);
    cluster.end(&pod).await;
    let pool = cluster.manager.until("ippool-1", is("NoAgent")).await;
    assert_eq!(pool.status.unwrap().agent_pod_ref, None);
    cluster.until_gone::<Lease>(&pod.name_any()).await;
}

#[tokio::test]
async fn a_pool_says_how_many_agents_it_has_and_a_bad_number_is_a_condition() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let replicas =
        |count: i32| move |found: &Deployment| found.spec.as_ref().unwrap().replicas == Some(count);
    cluster.until(DEPLOYMENT, replicas(1)).await;
    let asks_for = |text: &str| json!({ "metadata": { "annotations": { AGENT_REPLICAS_ANNOTATION: text } } });
    cluster.manager.patch::<IPPool>("ippool-1", asks_for("2")).await;
    cluster.until(DEPLOYMENT, replicas(2)).await;
    cluster.until(DEPLOYMENT, |_: &PodDisruptionBudget| true).await;
    cluster.manager.patch::<IPPool>("ippool-1", asks_for("many")).await;
    let is_told = |pool: &IPPool| pool_condition(pool, "AgentReplicasLeftOut").status == "True";
    let pool = cluster.manager.until("ippool-1", is_told).await;
    assert!(pool_condition(&pool, "AgentReplicasLeftOut").message.contains("\"many\""));
    cluster.until(DEPLOYMENT, replicas(1)).await;
    cluster.until_gone::<PodDisruptionBudget>(DEPLOYMENT).await;
}

#[tokio::test]
async fn the_agent_of_a_lost_node_is_replaced_at_once_and_still_counted_until_its_pod_is_gone() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    cluster.create_network(&[]).await;
    manager.create(&seed_pool()).await;
    let lost = cluster.serving_pod().await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await.remove(0);
    cluster.reports(&lost).await;
    manager.until("ippool-1", serving_in(&lost)).await;
    // Its node is not heard of: the Pod is deleted, and stays. Its Deployment starts another one.
    cluster.lose(&lost).await;
    let next = cluster.serving_pod().await;
    manager.until("ippool-1", serving_in(&next)).await;
    assert_eq!(manager.first_event_of("ippool-1").await, "AgentMoved");

    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    cluster.reports(&next).await;
    manager.create(&claim_of("next", 2, &address)).await;
    manager.waits_for("next", "AddressRetiring").await;
    // Whatever the one in its place says, nobody knows what the lost one goes on granting.
    manager.advance(Duration::from_secs(3_600));
    let pool = manager.settled("ippool-1").await;
    assert_eq!(ipv4(&pool).retiring[&address].withdrawn, None);
    cluster.give_up(&lost).await;
    cluster.reports(&next).await;
    let is_withdrawn = |pool: &IPPool| ipv4(pool).retiring[&address].withdrawn.is_some();
    manager.until("ippool-1", is_withdrawn).await;
    manager.advance(Duration::from_secs(3_600));
    manager.settled("ippool-1").await;
    assert_eq!(manager.addresses("next").await, [address]);
}

#[tokio::test]
async fn a_pod_without_a_lease_withdraws_nothing_and_a_lease_without_its_pod_is_nobodys() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    cluster.create_network(&[]).await;
    manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await.remove(0);
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    let silent = cluster.start_pod().await;
    cluster.is_running(&silent, true).await;
    // A Pod of the past has left its Lease, with its report of long ago.
    let mut left = cluster.until(&pod.name_any(), |_: &Lease| true).await;
    left.metadata.name = Some("default-ippool-1-agent-of-before".to_owned());
    cluster.leave_lease(left).await;
    cluster.reports(&pod).await;
    let pool = manager.settled("ippool-1").await;
    assert_eq!(ipv4(&pool).retiring[&address].withdrawn, None);
    cluster.reports(&silent).await;
    cluster.reports(&pod).await;
    let is_withdrawn = |pool: &IPPool| ipv4(pool).retiring[&address].withdrawn.is_some();
    manager.until("ippool-1", is_withdrawn).await;
}

#[tokio::test]
async fn a_pod_that_cannot_start_keeps_no_address_from_going_on() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    cluster.create_network(&[]).await;
    manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await.remove(0);
    let stuck = cluster.start_pod().await;
    cluster.waits(&stuck, "ImagePullBackOff", "Back-off pulling image").await;
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    cluster.reports(&pod).await;
    let is_withdrawn = |pool: &IPPool| ipv4(pool).retiring[&address].withdrawn.is_some();
    manager.until("ippool-1", is_withdrawn).await;
}

#[tokio::test]
async fn what_keeps_an_agent_from_starting_is_in_the_condition() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    cluster.create_network(&[]).await;
    manager.create(&seed_pool()).await;
    let pod = cluster.start_pod().await;
    let told = async |reason: &'static str, words: &'static str| {
        let is_told = |pool: &IPPool| {
            let condition = pool_condition(pool, "AgentReady");
            condition.reason == reason && condition.message.contains(words)
        };
        manager.until("ippool-1", is_told).await;
    };
    let unschedulable = json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available",
    }] });
    cluster.set_pod_status(&pod, unschedulable).await;
    told("PodPending", "0/3 nodes are available").await;
    cluster.set_pod_status(&pod, json!({ "conditions": null })).await;
    cluster.waits(&pod, "ErrImagePull", "registry.lab: no such host").await;
    told("PodPending", "the image registry.lab:5000/vmdhcp:v2 cannot be pulled").await;
    // The kubelet's words change with every attempt; the condition does not, or each would be a write of the pool.
    let before = pool_condition(&manager.settled("ippool-1").await, "AgentReady");
    cluster.waits(&pod, "ImagePullBackOff", "Back-off 20s").await;
    assert_eq!(pool_condition(&manager.settled("ippool-1").await, "AgentReady"), before);
    cluster.waits(&pod, "CreateContainerConfigError", "secret not found").await;
    told("PodPending", "CreateContainerConfigError: secret not found").await;
    cluster.is_running(&pod, false).await;
    told("AgentSilent", "has not reported").await;
}

#[tokio::test]
async fn agents_are_told_the_card_of_harvesters_route_helper_as_long_as_it_runs() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let told =
        json!([{ "name": "default/net-48", "interface": "net1", "mac": "0a:58:00:00:00:01" }]).to_string();
    let helper: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "helper-1",
            "labels": { "job-name": "helper" },
            "annotations": { "k8s.v1.cni.cncf.io/network-status": told },
        },
        "spec": {
            "serviceAccountName": "harvester-network-helper",
            "containers": [{ "name": "network-helper", "image": "rancher/harvester-network-helper" }],
        },
    }))
    .unwrap();
    cluster.of::<Pod>().create(&PostParams::default(), &helper).await.unwrap();
    let knows = |cards: &'static [&str]| {
        move |pool: &IPPool| pool.status.as_ref().is_some_and(|status| status.route_helpers == cards)
    };
    cluster.manager.until("ippool-1", knows(&["0a:58:00:00:00:01"])).await;
    cluster.end(&helper).await;
    cluster.manager.until("ippool-1", knows(&[])).await;
}
