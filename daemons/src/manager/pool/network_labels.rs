//! The labels on a VM network that name its pool, for upstream's readers (COMPAT 3).
//!
//! They name the one pool that may allocate: the oldest of the network, whoever wrote them before. The network is
//! another's object, so it is only ever patched, and only as it was when the patch was made.

use json_patch::Patch;
use kube::ResourceExt;
use kube::api::{self, Api, PatchParams};
use serde_json::json;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{IPPool, NetworkAttachmentDefinition, POOL_NAME_LABEL, POOL_NAMESPACE_LABEL};
use vmdhcp_core::pool::PoolRef;

use super::super::Context;
use super::super::vmnetwork::name_of;
use super::{network_of, pool_of_network, rival_of};

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

/// Has the network of a pool name it, if it is the one that may allocate.
pub(super) async fn name(pool: &IPPool, context: &Context) -> kube::Result<()> {
    if rival_of(pool, context).is_some() {
        return Ok(());
    }
    let Some(network) = network_of(pool) else { return Ok(()) };
    let Some(stored) = context.network(&network) else { return Ok(()) };
    match change(&*stored, Some(&PoolRef::of(pool))) {
        Some(patch) => apply(&network, patch, context).await.map(drop),
        None => Ok(()),
    }
}

/// Has the network of a pool that is going not name it any more. A network that cannot be changed keeps no pool from
/// going: `forget_absent` comes back to it.
pub(super) async fn forget(pool: &IPPool, context: &Context) -> kube::Result<()> {
    let Some(network) = network_of(pool) else { return Ok(()) };
    let key = PoolRef::of(pool);
    let Some(mut patch) = context.network(&network).and_then(|stored| without(&*stored, &key)) else {
        return Ok(());
    };
    let api: Api<NetworkAttachmentDefinition> = Api::namespaced(context.client.clone(), &network.namespace);
    for _ in 0..3 {
        if apply(&network, patch, context).await? {
            return Ok(());
        }
        // It has changed meanwhile: what the store has may be of before.
        let Some(newest) = api.get_opt(&network.name).await? else { return Ok(()) };
        let Some(again) = without(&newest, &key) else { return Ok(()) };
        patch = again;
    }
    tracing::warn!(%network, pool = %key, "the network goes on naming a pool that is gone");
    Ok(())
}

/// Has networks that have no pool name none.
pub(super) async fn forget_absent(context: &Context) {
    for stored in context.networks.state() {
        let network = name_of(&*stored);
        let Some(patch) =
            change(&*stored, None).filter(|_| pool_of_network(&network, &context.pools).is_none())
        else {
            continue;
        };
        match apply(&network, patch, context).await {
            Ok(_) => tracing::info!(%network, "the network named a pool that is gone"),
            Err(error) => tracing::warn!(%network, %error, "the network goes on naming a pool that is gone"),
        }
    }
}

/// The change after which a network does not name this pool, if it does.
fn without<K: ResourceExt>(network: &K, pool: &PoolRef) -> Option<Patch> {
    let labels = network.labels();
    let is_named = labels.get(POOL_NAMESPACE_LABEL) == Some(&pool.namespace)
        && labels.get(POOL_NAME_LABEL) == Some(&pool.name);
    if is_named { change(network, None) } else { None }
}

/// The change after which a network names that pool, or none; if one is needed. A name that is too long for a label is
/// not written.
fn change<K: ResourceExt>(network: &K, pool: Option<&PoolRef>) -> Option<Patch> {
    let pool = pool.filter(|pool| pool.name.len() <= LONGEST_LABEL);
    let wanted = [
        (POOL_NAMESPACE_LABEL, pool.map(|pool| &pool.namespace)),
        (POOL_NAME_LABEL, pool.map(|pool| &pool.name)),
    ];
    let labels = network.meta().labels.as_ref();
    let mut operations = vec![
        json!({ "op": "test", "path": "/metadata/resourceVersion", "value": network.resource_version() }),
    ];
    let before = operations.len();
    for (label, value) in wanted {
        let present = labels.and_then(|labels| labels.get(label));
        let path = format!("/metadata/labels/{}", label.replace('/', "~1"));
        match value {
            Some(value) if present != Some(value) => {
                if labels.is_none() && operations.len() == before {
                    operations.push(json!({ "op": "add", "path": "/metadata/labels", "value": {} }));
                }
                operations.push(json!({ "op": "add", "path": path, "value": value }));
            }
            None if present.is_some() => operations.push(json!({ "op": "remove", "path": path })),
            Some(_) | None => {}
        }
    }
    if operations.len() == before {
        return None;
    }
    serde_json::from_value(operations.into()).ok()
}

/// Applies a patch. `false`: the network is not as it was any more, which is another event; or its own rules refuse it.
async fn apply(network: &NetworkName, patch: Patch, context: &Context) -> kube::Result<bool> {
    let api: Api<NetworkAttachmentDefinition> = Api::namespaced(context.client.clone(), &network.namespace);
    let patch: api::Patch<()> = api::Patch::Json(patch);
    match api.patch_metadata(&network.name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(true),
        // That the test has failed comes as 422.
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 409 | 422) => {
            tracing::debug!(%network, error = %status.message, "the network was not patched");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use vmdhcp_core::api::NetworkAttachmentDefinitionSpec;

    use super::*;

    fn network(labels: Option<&[(&str, &str)]>) -> NetworkAttachmentDefinition {
        let mut network =
            NetworkAttachmentDefinition::new("net-48", NetworkAttachmentDefinitionSpec::default());
        network.metadata.resource_version = Some("7".to_owned());
        network.metadata.labels = labels.map(|labels| {
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        });
        network
    }

    fn pool(name: &str) -> PoolRef {
        PoolRef { namespace: "default".to_owned(), name: name.to_owned() }
    }

    fn patched(network: &NetworkAttachmentDefinition, patch: Option<Patch>) -> serde_json::Value {
        let mut value = serde_json::to_value(network).unwrap();
        json_patch::patch(&mut value, &patch.unwrap()).unwrap();
        value["metadata"]["labels"].clone()
    }

    #[test]
    fn labels_of_others_stay_and_a_network_that_names_the_pool_is_left_alone() {
        let named = json!({ POOL_NAMESPACE_LABEL: "default", POOL_NAME_LABEL: "p" });
        let bare = network(None);
        assert_eq!(patched(&bare, change(&bare, Some(&pool("p")))), named);
        let other = network(Some(&[("a", "b"), (POOL_NAME_LABEL, "q")]));
        let named = json!({ "a": "b", POOL_NAMESPACE_LABEL: "default", POOL_NAME_LABEL: "p" });
        assert_eq!(patched(&other, change(&other, Some(&pool("p")))), named);
        let right = network(Some(&[(POOL_NAMESPACE_LABEL, "default"), (POOL_NAME_LABEL, "p")]));
        assert_eq!(change(&right, Some(&pool("p"))), None);
        assert_eq!(without(&right, &pool("q")), None);
        assert_eq!(patched(&right, without(&right, &pool("p"))), json!({}));
        assert_eq!(change(&bare, Some(&pool(&"p".repeat(64)))), None);
        assert_eq!(change(&bare, None), None);
    }

    #[test]
    fn a_patch_fails_on_a_network_that_has_changed() {
        let mut changed = network(None);
        let patch = change(&changed, Some(&pool("p"))).unwrap();
        changed.metadata.resource_version = Some("8".to_owned());
        let mut value = serde_json::to_value(&changed).unwrap();
        assert!(json_patch::patch(&mut value, &patch).is_err());
    }
}
