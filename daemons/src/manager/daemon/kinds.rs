//! The definitions of the two kinds, which the leader applies before anything else.
//!
//! Helm installs CRDs and never upgrades them; upstream's manager applied its own, without our fields. So they are
//! applied whole and by force, and the marks of wrangler, by which upstream would take them for its own, go
//! (COMPAT 11.2). Stored objects stay valid: nothing that was accepted is refused.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::runtime::wait::Condition;
use kube::runtime::wait::conditions::is_crd_established;
use kube::{Api, Client, CustomResourceExt, ResourceExt};
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

/// Name under which they are applied.
const FIELD_MANAGER: &str = "vmdhcp-manager";
/// What the keys of wrangler's labels and annotations begin with.
const WRANGLER: &str = "objectset.rio.cattle.io/";
/// Between two attempts, and between two looks at whether a kind is served.
const RETRY: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(200);

/// Why the kinds are not there.
#[derive(Debug, thiserror::Error)]
pub enum KindsError {
    /// The API does not take a definition, and asking again would not change that.
    #[error(
        "the definition {name} cannot be applied: {error}; apply it by other means (vmdhcp crd | kubectl apply \
         --server-side -f -), and start the manager with --no-crds"
    )]
    Refused {
        /// Name of the CustomResourceDefinition.
        name: String,
        /// The API's answer.
        error: Box<kube::core::Status>,
    },
}

/// Applies both, and returns when they are served. What an API that is away refuses is tried again.
pub(super) async fn apply(client: &Client) -> Result<(), KindsError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in [IPPool::crd(), VirtualMachineNetworkConfig::crd()] {
        let name = definition.name_any();
        loop {
            match apply_one(&api, &name, &definition).await {
                Ok(()) => break,
                Err(kube::Error::Api(error)) if is_final(error.code) => {
                    return Err(KindsError::Refused { name, error });
                }
                Err(error) => tracing::warn!(name, %error, "a definition could not be applied; trying again"),
            }
            sleep(RETRY).await;
        }
        tracing::info!(name, "the kind is served as this version has it");
    }
    Ok(())
}

/// Whether that is what the API would answer the next time too.
const fn is_final(code: u16) -> bool {
    matches!(code, 400 | 401 | 403 | 404 | 422)
}

async fn apply_one(
    api: &Api<CustomResourceDefinition>,
    name: &str,
    definition: &CustomResourceDefinition,
) -> kube::Result<()> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let mut stored = api.patch(name, &parameters, &Patch::Apply(definition)).await?;
    if let Some(patch) = without_marks(&stored) {
        tracing::info!(name, "taking upstream's marks off the definition");
        stored = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    }
    while !is_crd_established().matches_object(Some(&stored)) {
        sleep(LOOK).await;
        stored = api.get(name).await?;
    }
    Ok(())
}

/// A merge patch that takes wrangler's marks away, if there are any.
fn without_marks(stored: &CustomResourceDefinition) -> Option<Value> {
    fn nulls<'k>(keys: impl Iterator<Item = &'k String>) -> Map<String, Value> {
        keys.filter(|key| key.starts_with(WRANGLER)).map(|key| (key.clone(), Value::Null)).collect()
    }
    let (labels, annotations) = (nulls(stored.labels().keys()), nulls(stored.annotations().keys()));
    let marked = !labels.is_empty() || !annotations.is_empty();
    marked.then(|| json!({"metadata": {"labels": labels, "annotations": annotations}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wranglers_marks_and_nothing_else_are_taken_away() {
        let mut stored = IPPool::crd();
        assert_eq!(without_marks(&stored), None);
        stored.labels_mut().insert("objectset.rio.cattle.io/hash".into(), "h".into());
        stored.labels_mut().insert("team".into(), "network".into());
        stored.annotations_mut().insert("objectset.rio.cattle.io/id".into(), "vm-dhcp-controller-crd".into());
        let patch = without_marks(&stored).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {
                "labels": {"objectset.rio.cattle.io/hash": null},
                "annotations": {"objectset.rio.cattle.io/id": null}
            }})
        );
    }
}
