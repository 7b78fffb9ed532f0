//! A real API server, with the old objects stored before its CRDs have rules.

use std::{sync::LazyLock, thread, time::Duration};

use k8s_openapi::{
    api::core::v1::Namespace,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps},
};
use kube::{
    Api, Client, CustomResourceExt, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    core::Status,
};
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::objects::{NAMESPACE, OLD_NAMESPACE, claim, dynamic, named, pool};
use crate::table::{api, create};
use crate::{agreement, ratchet};
use vmdhcp_testcluster as testcluster;

/// How long the API server may take until it serves a changed definition.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(50);

/// Whether there is a control plane, and the old objects are in it.
static IS_READY: LazyLock<bool> = LazyLock::new(|| {
    // The first test's own runtime is busy waiting for this.
    let prepare = || tokio::runtime::Runtime::new().unwrap().block_on(prepare());
    thread::scope(|scope| scope.spawn(prepare).join()).unwrap()
});

/// A client of the control plane, or `None` where there is none.
pub(crate) async fn client() -> Option<Client> {
    if *IS_READY { testcluster::client().await } else { None }
}

async fn prepare() -> bool {
    let Some(client) = testcluster::client().await else { return false };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in [NAMESPACE, OLD_NAMESPACE] {
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    }
    let definitions = [IPPool::crd(), VirtualMachineNetworkConfig::crd()];
    for definition in &definitions {
        define(&client, &without_rules(definition.clone())).await;
    }
    // A pool that is refused by a rule, and a claim by a bound, tell which definition is served.
    let probes = [
        pool(json!({ "ipv4Config": { "mtu": 1 } })),
        claim(json!({ "networkConfigs": [{ "networkName": "lab", "macAddress": "x".repeat(18) }] })),
    ];
    for probe in &probes {
        served(&client, probe, |answer| answer.is_none()).await;
    }
    for object in ratchet::old_objects().into_iter().chain(agreement::old_objects()) {
        let created =
            api(&client, OLD_NAMESPACE, &object).create(&PostParams::default(), &dynamic(&object)).await;
        created.unwrap_or_else(|error| panic!("{}: {error}", object["metadata"]["name"]));
    }
    for definition in &definitions {
        define(&client, definition).await;
    }
    for probe in &probes {
        served(&client, probe, |answer| answer.is_some_and(Status::is_invalid)).await;
    }
    true
}

async fn define(client: &Client, definition: &CustomResourceDefinition) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let apply = PatchParams::apply("vmdhcp-tests").force();
    definitions.patch(&definition.name_any(), &apply, &Patch::Apply(definition)).await.unwrap();
}

/// Waits for an answer to a new object.
async fn served(client: &Client, probe: &Value, is_it: impl Fn(Option<&Status>) -> bool) {
    let asked = async {
        loop {
            match create(client, &named(probe, NAMESPACE, "probe")).await {
                Err(kube::Error::Api(status)) if is_it(Some(&*status)) => break,
                Ok(_) if is_it(None) => break,
                _ => tokio::time::sleep(INTERVAL).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the definition should be served");
}

/// The definition as of a time before there were rules and bounds.
fn without_rules(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    fn strip(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                fields.retain(|field, _| {
                    !["x-kubernetes-validations", "maxItems", "maxLength"].contains(&&**field)
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    for version in &mut definition.spec.versions {
        let schema = version.schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
        let mut value = serde_json::to_value(&*schema).unwrap();
        strip(&mut value);
        *schema = serde_json::from_value::<JSONSchemaProps>(value).unwrap();
    }
    definition
}
