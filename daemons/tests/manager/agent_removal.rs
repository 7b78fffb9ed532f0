//! Agents of pools that are paused or gone.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::json;
use vmdhcp_core::api::IPPool;

use crate::cluster::{Cluster, DEPLOYMENT};
use crate::fixtures::{claim, pool_condition, seed_pool};

#[tokio::test]
async fn a_paused_pool_has_no_agents_although_its_network_is_missing_and_gets_them_back() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    cluster.create_network(&[]).await;
    manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    cluster.delete_network().await;
    let is_told = |pool: &IPPool| pool_condition(pool, "Registered").reason == "NetworkMissing";
    manager.until("ippool-1", is_told).await;
    assert!(cluster.of::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_some(), "what serves goes on");
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "paused": true } })).await;
    cluster.until_gone::<Deployment>(DEPLOYMENT).await;
    cluster.end(&pod).await;
    let is_stopped = |pool: &IPPool| pool_condition(pool, "Stopped").status == "True";
    let pool = manager.until("ippool-1", is_stopped).await;
    for type_ in ["Registered", "CacheReady", "AgentReady"] {
        assert_eq!(pool_condition(&pool, type_).status, "False", "{type_}");
    }
    assert_eq!(pool.status.unwrap().agent_pod_ref, None);
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "paused": false } })).await;
    manager.until("ippool-1", is_told).await;
    assert!(cluster.of::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_none());
    cluster.create_network(&[]).await;
    cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
    assert_eq!(manager.addresses("vm").await, address);
}

#[tokio::test]
async fn a_deleted_pool_takes_its_agents_along_and_what_is_gone_already_is_no_obstacle() {
    let cluster = Cluster::start();
    let manager = &cluster.manager;
    for is_complete in [true, false] {
        cluster.create_network(&[]).await;
        manager.create(&seed_pool()).await;
        let pod = cluster.serving_pod().await;
        if !is_complete {
            cluster.delete_network().await;
            cluster.end(&pod).await;
        }
        manager.delete::<IPPool>("ippool-1").await;
        manager.until_gone::<IPPool>("ippool-1").await;
        // Nothing is waited for: all of it went before the pool did.
        assert!(cluster.of::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_none());
        assert!(cluster.of::<Lease>().get_opt(&pod.name_any()).await.unwrap().is_none());
        if is_complete {
            cluster.end(&pod).await;
            cluster.delete_network().await;
        }
    }
}

#[tokio::test]
async fn what_agents_of_a_pool_that_is_gone_were_made_of_is_swept_up() {
    let mut cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    let lease = cluster.until(&pod.name_any(), |_: &Lease| true).await;
    // The pool goes while no manager runs, its finalizer taken off by hand; and upstream never cleaned up.
    cluster.manager.stop().await;
    cluster.manager.delete::<IPPool>("ippool-1").await;
    cluster.manager.patch::<IPPool>("ippool-1", json!({ "metadata": { "finalizers": null } })).await;
    let bare = cluster.create_upstreams_pod().await;
    cluster.end(&pod).await;
    cluster.leave_lease(lease).await;
    cluster.manager.resume();
    cluster.until_gone::<Deployment>(DEPLOYMENT).await;
    cluster.until_gone::<Pod>(&bare.name_any()).await;
    cluster.until_gone::<Lease>(&pod.name_any()).await;
}

#[tokio::test]
async fn upstreams_agent_of_a_paused_pool_goes() {
    let mut pool = seed_pool();
    pool.spec.paused = Some(true);
    let (cluster, bare) = Cluster::take_over(&pool).await;
    cluster.until_gone::<Pod>(&bare.name_any()).await;
}
