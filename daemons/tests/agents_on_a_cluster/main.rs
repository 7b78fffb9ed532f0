//! Agents on a real control plane: the API fills in what it will, its controllers make and end Pods, and the manager has
//! the rights that the chart gives it and no others. There is no kubelet: a test says what one would.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod stage;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{AGENT_REPLICAS_ANNOTATION, IPPool, NetworkAttachmentDefinition, POOL_NAME_LABEL};

use stage::{DEPLOYMENT, IMAGE, NEXT_IMAGE, POOL, Stage, condition};

fn serves(pod: &Pod) -> impl Fn(&IPPool) -> bool + use<> {
    let uid = pod.uid();
    move |pool| {
        let reference = pool.status.as_ref().and_then(|status| status.agent_pod_ref.as_ref());
        reference.map(|reference| &reference.uid) == uid.as_ref() && condition(pool, "AgentReady").0 == "True"
    }
}

#[tokio::test]
async fn a_pool_gets_an_agent_that_serves_and_its_deployment_is_written_when_something_differs_and_not_otherwise()
 {
    let Some(stage) = Stage::set().await else { return };
    stage.create_pool(json!({})).await;
    let pod = stage.next_pod(&[]).await;
    let lease = stage.until(&pod.name_any(), "a Lease", |_: &Lease| true).await;
    assert_eq!(lease.owner_references()[0].uid, pod.uid().unwrap());
    stage.serve(&pod).await;
    stage.pool("the agent serves", serves(&pod)).await;

    // What the API has filled in is no difference, and nobody's status is.
    let generation = |deployment: &Deployment| deployment.metadata.generation.unwrap();
    let deployments: Api<Deployment> = stage.api();
    assert_eq!(generation(&deployments.get(DEPLOYMENT).await.unwrap()), 1);
    let before = stage.requests_of("deployments");
    stage.settle().await;
    assert_eq!(stage.requests_of("deployments"), before, "nothing was asked of the API");

    // What others add stays, and what they change of ours does not.
    let patch = json!({
        "metadata": { "annotations": { "others": "words" } },
        "spec": { "replicas": 3, "template": { "metadata": { "annotations": { "others": "words" } } } },
    });
    stage.patch::<Deployment>(DEPLOYMENT, &patch).await;
    let is_ours =
        |found: &Deployment| generation(found) > 2 && found.spec.as_ref().unwrap().replicas == Some(1);
    let found = stage.until(DEPLOYMENT, "one agent again", is_ours).await;
    assert_eq!(found.annotations()["others"], "words");
    assert_eq!(found.spec.unwrap().template.metadata.unwrap().annotations.unwrap()["others"], "words");
    stage.clear().await;
}

#[tokio::test]
async fn an_upgrade_ends_the_last_agent_only_when_the_next_one_is_ready() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_pool(json!({})).await;
    let last = stage.next_pod(&[]).await;
    stage.serve(&last).await;
    stage.pool("the agent serves", serves(&last)).await;
    stage.upgrade(NEXT_IMAGE).await;
    let next = stage.next_pod(&[&last]).await;
    assert_eq!(next.spec.as_ref().unwrap().containers[0].image.as_deref(), Some(NEXT_IMAGE));
    let now = stage.api::<Pod>().get(&last.name_any()).await.unwrap();
    assert!(now.metadata.deletion_timestamp.is_none(), "the next one does not serve yet");
    assert_eq!(now.spec.unwrap().containers[0].image.as_deref(), Some(IMAGE));
    stage.serve(&next).await;
    let is_ending = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
    stage.until(&last.name_any(), "the last one ends", is_ending).await;
    stage.pool("the next one serves", serves(&next)).await;
    stage.end(&last).await;
    stage.until_gone::<Lease>(&last.name_any()).await;
    stage.clear().await;
}

#[tokio::test]
async fn a_pool_that_goes_leaves_nothing() {
    let Some(stage) = Stage::set().await else { return };
    let two = json!({ "annotations": { AGENT_REPLICAS_ANNOTATION: "2" } });
    stage.create_pool(two).await;
    stage.until(DEPLOYMENT, "a budget for two", |_: &PodDisruptionBudget| true).await;
    let first = stage.next_pod(&[]).await;
    let second = stage.next_pod(&[&first]).await;
    stage.serve(&first).await;
    stage.pool("the first serves", serves(&first)).await;
    let networks: Api<NetworkAttachmentDefinition> = stage.api_of_pools();
    assert_eq!(networks.get(stage::NETWORK).await.unwrap().labels()[POOL_NAME_LABEL], POOL);
    stage.delete_pool().await;
    assert!(stage.api::<Deployment>().get_opt(DEPLOYMENT).await.unwrap().is_none());
    assert!(stage.api::<PodDisruptionBudget>().get_opt(DEPLOYMENT).await.unwrap().is_none());
    assert!(!networks.get(stage::NETWORK).await.unwrap().labels().contains_key(POOL_NAME_LABEL));
    for pod in [&first, &second] {
        let is_ending = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        stage.until(&pod.name_any(), "the Pod ends", is_ending).await;
        stage.end(pod).await;
        stage.until_gone::<Lease>(&pod.name_any()).await;
    }
    stage.clear().await;
}

#[tokio::test]
async fn two_pools_on_a_network_do_not_fight_over_its_labels() {
    let Some(stage) = Stage::set().await else { return };
    stage.create_pool(json!({})).await;
    let networks: Api<NetworkAttachmentDefinition> = stage.api_of_pools();
    let names = |name: &'static str| {
        move |network: &NetworkAttachmentDefinition| {
            network.labels().get(POOL_NAME_LABEL).is_some_and(|found| found == name)
        }
    };
    stage.network("it names its pool", names(POOL)).await;
    stage.create_second_pool().await;
    // Somebody, such as a manager of upstream, has it name the wrong one.
    let wrong: Value = json!({ "metadata": { "labels": { POOL_NAME_LABEL: "second", "others": "words" } } });
    networks.patch(stage::NETWORK, &PatchParams::default(), &Patch::Merge(wrong)).await.unwrap();
    let network = stage.network("it names the oldest", names(POOL)).await;
    assert_eq!(network.labels()["others"], "words");
    stage.settle().await;
    let taken = stage
        .pool_named("second", "it waits", |pool| condition(pool, "Registered").1 == "NetworkTaken")
        .await;
    assert_eq!(condition(&taken, "CacheReady").1, "NetworkTaken");
    assert_eq!(networks.get(stage::NETWORK).await.unwrap().resource_version(), network.resource_version());
    stage.delete_pool().await;
    stage.network("it names the next", names("second")).await;
    stage.pool_named("second", "it serves", |pool| condition(pool, "Registered").0 == "True").await;
    stage.delete_pool_named("second").await;
    stage.clear().await;
}
