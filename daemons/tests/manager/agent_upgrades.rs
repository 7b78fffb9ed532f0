//! Agents get another image, or take over from upstream's.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{HOLD_AGENT_UPGRADE_ANNOTATION, IPPool};
use vmdhcp_daemons::manager::{AgentDeployments, Placement};

use crate::cluster::{Cluster, DEPLOYMENT, IMAGE, deployments, serving_in};
use crate::fixtures::{pool_condition, seed_pool};

const NEXT_IMAGE: &str = "registry.lab:5000/vmdhcp:v3";

fn held(value: &Value) -> Value {
    json!({ "metadata": { "annotations": { HOLD_AGENT_UPGRADE_ANNOTATION: value } } })
}

fn has_image(image: &'static str) -> impl Fn(&Deployment) -> bool {
    move |deployment| {
        let pod = deployment.spec.clone().unwrap().template.spec.unwrap();
        let all = pod.init_containers.unwrap().into_iter().chain(pod.containers);
        all.map(|container| container.image.unwrap()).all(|found| found == image)
    }
}

/// The manager is upgraded, and with it the image that it has for agents.
async fn upgrade(cluster: &mut Cluster) {
    cluster.manager.stop().await;
    let next = AgentDeployments {
        image: NEXT_IMAGE.to_owned(),
        // A rollout would follow from this as well.
        image_pull_policy: "Always".to_owned(),
        ..deployments()
    };
    cluster.manager.place(Placement::Deployments(next));
    cluster.manager.resume();
}

#[tokio::test]
async fn an_upgrade_changes_the_deployment_in_place_and_the_status_follows_who_serves() {
    let mut cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let before = cluster.serving_pod().await;
    cluster.manager.until("ippool-1", serving_in(&before)).await;
    let deployment = cluster.until(DEPLOYMENT, has_image(IMAGE)).await;
    upgrade(&mut cluster).await;
    let upgraded = cluster.until(DEPLOYMENT, has_image(NEXT_IMAGE)).await;
    assert_eq!(upgraded.uid(), deployment.uid());
    // What serves is not told off before its successor serves.
    assert!(serving_in(&before)(&cluster.manager.settled("ippool-1").await));
    let after = cluster.serving_pod().await;
    assert!(serving_in(&before)(&cluster.manager.settled("ippool-1").await), "it goes on being the one");
    cluster.end(&before).await;
    let pool = cluster.manager.until("ippool-1", serving_in(&after)).await;
    assert_eq!(pool.status.unwrap().agent_pod_ref.unwrap().image, NEXT_IMAGE);
}

#[tokio::test]
async fn a_held_agent_keeps_its_image_through_an_upgrade_and_the_loss_of_pod_and_deployment() {
    let mut cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    cluster.manager.until("ippool-1", serving_in(&pod)).await;
    cluster.manager.patch::<IPPool>("ippool-1", held(&json!(""))).await;
    upgrade(&mut cluster).await;
    cluster.manager.settled("ippool-1").await;
    let deployment = cluster.until(DEPLOYMENT, has_image(IMAGE)).await;
    assert_eq!(deployment.metadata.generation, Some(1), "nothing of it is replaced");
    // All that is left of the image is in the status.
    cluster.end(&pod).await;
    cluster.until_gone::<Pod>(&pod.name_any()).await;
    let before = cluster.until(DEPLOYMENT, |_: &Deployment| true).await;
    cluster.of::<Deployment>().delete(DEPLOYMENT, &DeleteParams::default()).await.unwrap();
    let is_another = |deployment: &Deployment| deployment.uid() != before.uid();
    let again = cluster.until(DEPLOYMENT, is_another).await;
    assert!(has_image(IMAGE)(&again), "{again:#?}");
    cluster.manager.patch::<IPPool>("ippool-1", held(&Value::Null)).await;
    cluster.until(DEPLOYMENT, has_image(NEXT_IMAGE)).await;
}

#[tokio::test]
async fn upstreams_agent_goes_once_ours_serves() {
    let (cluster, bare) = Cluster::take_over(&seed_pool()).await;
    let pool = cluster.manager.until("ippool-1", serving_in(&bare)).await;
    assert_eq!(pool_condition(&pool, "AgentReady").status, "True");
    let ours = cluster.start_pod().await;
    cluster.is_running(&ours, true).await;
    cluster.manager.settled("ippool-1").await;
    assert!(
        cluster.of::<Pod>().get_opt(&bare.name_any()).await.unwrap().is_some(),
        "ours has not said that it serves"
    );
    cluster.reports(&ours).await;
    cluster.until_gone::<Pod>(&bare.name_any()).await;
    cluster.manager.until("ippool-1", serving_in(&ours)).await;
}

#[tokio::test]
async fn upstreams_agent_is_kept_while_its_upgrade_is_held() {
    let mut pool = seed_pool();
    pool.annotations_mut().insert(HOLD_AGENT_UPGRADE_ANNOTATION.to_owned(), "true".to_owned());
    let (cluster, bare) = Cluster::take_over(&pool).await;
    let is_held = |pool: &IPPool| pool_condition(pool, "Registered").reason == "UpgradeHeld";
    let pool = cluster.manager.until("ippool-1", is_held).await;
    assert!(serving_in(&bare)(&pool) && pool_condition(&pool, "CacheReady").status == "True");
    assert!(cluster.of::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_none());
    cluster.manager.patch::<IPPool>("ippool-1", held(&Value::Null)).await;
    // The image of upstream does not know our arguments: it is not what ours run.
    cluster.until(DEPLOYMENT, has_image(IMAGE)).await;
    cluster.serving_pod().await;
    cluster.until_gone::<Pod>(&bare.name_any()).await;
}

#[tokio::test]
async fn an_agent_that_the_status_has_forgotten_is_found_by_its_labels() {
    let cluster = Cluster::start();
    cluster.create_network(&[]).await;
    cluster.manager.create(&seed_pool()).await;
    let pod = cluster.serving_pod().await;
    cluster.manager.until("ippool-1", serving_in(&pod)).await;
    let lost = json!({ "status": { "agentPodRef": null } });
    cluster.manager.patch_status::<IPPool>("ippool-1", lost).await;
    cluster.manager.until("ippool-1", serving_in(&pod)).await;
    let pods: Api<Pod> = cluster.of();
    assert!(pods.get(&pod.name_any()).await.unwrap().metadata.deletion_timestamp.is_none());
}
