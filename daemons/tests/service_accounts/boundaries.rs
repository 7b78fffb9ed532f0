//! What the accounts may not do.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use vmdhcp_core::api::IPPool;
use vmdhcp_testcluster::{self as testcluster, RELEASE_NAMESPACE, ServiceAccount};

use crate::pool;

/// Whether a request was refused for want of a right.
fn forbidden<T>(result: kube::Result<T>) -> bool {
    matches!(result, Err(kube::Error::Api(status)) if status.is_forbidden())
}

#[tokio::test]
async fn an_agent_reads_pools_and_changes_nothing_but_leases_that_are_there() {
    let Some(client) = testcluster::client_as(ServiceAccount::Agent).await else { return };
    let pools: Api<IPPool> = Api::all(client.clone());
    pools.list(&ListParams::default()).await.unwrap();
    let pools: Api<IPPool> = Api::namespaced(client.clone(), "default");
    assert!(forbidden(
        pools.create(&PostParams::default(), &serde_json::from_value(pool("p", "n")).unwrap()).await
    ));
    let leases: Api<Lease> = Api::namespaced(client.clone(), RELEASE_NAMESPACE);
    let lease = Lease {
        metadata: ObjectMeta { name: Some("mine".into()), ..ObjectMeta::default() },
        ..Lease::default()
    };
    assert!(forbidden(leases.create(&PostParams::default(), &lease).await));
    assert!(leases.get_opt("mine").await.unwrap().is_none());
    let elsewhere: Api<Lease> = Api::namespaced(client.clone(), "kube-system");
    assert!(forbidden(elsewhere.get("vm-dhcp-controllers").await));
    let secrets: Api<Secret> = Api::namespaced(client, RELEASE_NAMESPACE);
    assert!(forbidden(secrets.list(&ListParams::default()).await));
}

#[tokio::test]
async fn a_manager_keeps_out_of_what_is_not_its_own() {
    let Some(client) = testcluster::client_as(ServiceAccount::Manager).await else { return };
    let secrets: Api<Secret> = Api::namespaced(client.clone(), RELEASE_NAMESPACE);
    assert!(forbidden(secrets.list(&ListParams::default()).await));
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-system");
    assert!(leases.get_opt("vm-dhcp-controllers").await.is_ok());
    assert!(forbidden(leases.get("kube-scheduler").await), "only its own election");
    let pods: Api<Pod> = Api::all(client);
    assert!(forbidden(pods.list(&ListParams::default()).await), "only Pods beside it");
}
