//! Minimal definitions of the kinds of KubeVirt and Multus that the manager looks at. They take any field, as nothing
//! here depends on what theirs would refuse.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt};
use serde_json::{from_value, json};

use crate::PATIENCE;

/// Installs the kinds of KubeVirt and Multus, as `client` (that of an administrator), unless they are there.
pub async fn install_neighbours(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in definitions() {
        let name = definition.name_any();
        let apply = PatchParams::apply("vmdhcp-tests").force();
        api.patch(&name, &apply, &Patch::Apply(&definition)).await.unwrap();
        let established = await_condition(api.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(PATIENCE, established).await.expect("the kind should be served").unwrap();
    }
}

/// Takes them away again, with all objects of these kinds.
pub async fn remove_neighbours(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in definitions() {
        let name = definition.name_any();
        if let Some(uid) = api.get_opt(&name).await.unwrap().and_then(|stored| stored.uid()) {
            api.delete(&name, &DeleteParams::default()).await.unwrap();
            let gone = await_condition(api.clone(), &name, conditions::is_deleted(&uid));
            tokio::time::timeout(PATIENCE, gone).await.expect("the kind should be gone").unwrap();
        }
    }
}

fn definitions() -> [CustomResourceDefinition; 3] {
    [
        ("kubevirt.io", "VirtualMachine", "virtualmachines"),
        ("kubevirt.io", "VirtualMachineInstance", "virtualmachineinstances"),
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", "network-attachment-definitions"),
    ]
    .map(|(group, kind, plural)| {
        let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        from_value(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
                "versions": [{
                    "name": "v1",
                    "served": true,
                    "storage": true,
                    "schema": { "openAPIV3Schema": {
                        "type": "object", "properties": { "spec": any, "status": any },
                    } },
                }],
            },
        }))
        .unwrap()
    })
}
