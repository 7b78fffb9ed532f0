//! Pools that the manager makes with their VM networks.

use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;
use vmdhcp_core::api::{
    DHCP_ANNOTATION, DHCP_POOL_ANNOTATION, IPPool, MADE_FROM_LABEL, NetworkAttachmentDefinition,
    ROUTE_ANNOTATION, VirtualMachine, VirtualMachineNetworkConfig, condition,
};

use crate::manager::{Stage, network, virtual_machine};
use crate::{DEADLINE, User, pool};

const ROUTE: &str = r#"{"mode":"manual","serverIPAddr":"","cidr":"192.168.70.0/24","gateway":"192.168.70.1","connectivity":"true"}"#;

fn is(pool: &IPPool, type_: &str, reason: &str) -> bool {
    let conditions = pool.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    condition(conditions, type_).is_some_and(|condition| condition.reason == reason)
}

impl User {
    /// Waits for an Event of that reason on an object of that kind, and returns what it says.
    async fn event(&self, kind: &str, name: &str, reason: &str) -> String {
        let told = async {
            loop {
                let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
                let found = events.into_iter().find(|event| {
                    event.reason.as_deref() == Some(reason)
                        && event.regarding.as_ref().is_some_and(|on| {
                            (on.kind.as_deref(), on.name.as_deref()) == (Some(kind), Some(name))
                        })
                });
                if let Some(event) = found {
                    return event.note.unwrap_or_default();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        self.refusals.none_during(tokio::time::timeout(DEADLINE, told)).await.expect("an Event")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_comes_with_its_network_serves_its_vms_and_goes_with_the_last_beside_a_users_own() {
    let Some(stage) = Stage::set().await else { return };
    let user = &stage.user;
    user.create::<NetworkAttachmentDefinition>(network("net-own", &json!({}))).await;
    user.create::<IPPool>(pool("own", "net-own")).await;
    let own = user.until("own", "its default values", |pool: &IPPool| is(pool, "CacheReady", "Loaded")).await;

    let asking = network("net-70", &json!({ DHCP_ANNOTATION: "true", ROUTE_ANNOTATION: ROUTE }));
    let asked = user.create::<NetworkAttachmentDefinition>(asking).await;
    let made = user.until("net-70", "its pool", |_: &IPPool| true).await;
    assert_eq!(made.labels().get(MADE_FROM_LABEL), asked.uid().as_ref());
    assert_eq!(made.spec.ipv4_config.unwrap().router.as_deref(), Some("192.168.70.1"));

    user.create::<VirtualMachine>(virtual_machine("vm-70", "net-70", "52:54:00:00:00:70", "192.168.70.70"))
        .await;
    assert_eq!(user.allocated("vm-70").await, "192.168.70.70");

    user.delete::<NetworkAttachmentDefinition>("net-70").await;
    let kept =
        user.until("net-70", "why it stays", |pool: &IPPool| is(pool, "KeptForVMs", "NetworkDeleted")).await;
    assert!(kept.metadata.deletion_timestamp.is_none(), "it serves on");
    user.event("IPPool", "net-70", "NetworkDeleted").await;
    assert_eq!(user.allocated("vm-70").await, "192.168.70.70");

    user.delete::<VirtualMachine>("vm-70").await;
    user.until_gone::<VirtualMachineNetworkConfig>("vm-70").await;
    user.until_gone::<IPPool>("net-70").await;

    let beside = user.api::<IPPool>().get("own").await.unwrap();
    assert_eq!(
        (beside.uid(), beside.spec, beside.metadata.labels),
        (own.uid(), own.spec, own.metadata.labels)
    );
    user.delete::<IPPool>("own").await;
    user.until_gone::<IPPool>("own").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_follows_the_annotation_of_its_network_and_a_bad_one_is_told_and_changes_nothing() {
    let Some(stage) = Stage::set().await else { return };
    let user = &stage.user;
    let declare = async |yaml: &str| {
        let annotation = json!({ "metadata": { "annotations": { DHCP_POOL_ANNOTATION: yaml } } });
        user.patch::<NetworkAttachmentDefinition>("net-71", annotation).await;
    };
    let bad = json!({ DHCP_POOL_ANNOTATION: "ipv4Config: {cidr: 192.168.71.0/24, dnss: [1.1.1.1]}" });
    user.create::<NetworkAttachmentDefinition>(network("net-71", &bad)).await;
    let told = user.event("NetworkAttachmentDefinition", "net-71", "InvalidAnnotation").await;
    assert!(told.contains("ipv4Config.dnss"), "{told}");
    assert!(user.api::<IPPool>().get_opt("net-71").await.unwrap().is_none());

    declare("ipv4Config: {cidr: 192.168.71.0/24, dns: [1.1.1.1]}").await;
    let made = user.until("net-71", "its pool", |_: &IPPool| true).await;
    user.patch::<IPPool>("net-71", json!({ "spec": { "ipv4Config": { "domainName": "lab.example" } } }))
        .await;
    declare("ipv4Config: {cidr: 192.168.71.0/24, leaseTime: 60}").await;
    let followed = |pool: &IPPool| {
        let config = pool.spec.ipv4_config.as_ref().unwrap();
        (config.lease_time, config.dns.len(), config.domain_name.as_deref())
            == (Some(60), 0, Some("lab.example"))
    };
    user.until("net-71", "what the annotation says", followed).await;
    declare("ipv4Config: {cidr: 192.168.71.0/24, leaseTime: long}").await;
    let pool =
        user.until("net-71", "a complaint", |pool: &IPPool| is(pool, "OutOfStep", "InvalidAnnotation")).await;
    assert!(followed(&pool));

    // Another subnet: nobody uses the pool, so it is made anew.
    declare("ipv4Config: {cidr: 192.168.72.0/24}").await;
    let other = |pool: &IPPool| pool.spec.ipv4_config.as_ref().unwrap().cidr == "192.168.72.0/24";
    let anew = user.until("net-71", "the other subnet", other).await;
    assert_ne!(anew.uid(), made.uid());
    let no_more = json!({ "metadata": { "annotations": { DHCP_ANNOTATION: "false" } } });
    user.patch::<NetworkAttachmentDefinition>("net-71", no_more).await;
    user.until_gone::<IPPool>("net-71").await;
    user.delete::<NetworkAttachmentDefinition>("net-71").await;
    stage.clear().await;
}
