//! Makes, changes and deletes pools as planned, and tells whoever looks at the network.

use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde_json::json;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{IPPool, NetworkAttachmentDefinition};
use vmdhcp_core::pool::PoolRef;

use super::super::events::Notice;
use super::super::{AutoPool, Context};
use super::observe::{Fault, name_of};
use super::plan::{self, Following, Standing, Step};
use super::{NetworkReconcileError, REFUSAL_LASTS, users_of};

/// What the owner of a network is told who asks for a pool and cannot have one.
pub(super) fn refusal(fault: &Fault) -> Notice {
    let message = format!("no IPPool is made for this network: {fault}");
    Notice { reason: fault.reason(), message, action: "MakePool" }
}

/// Tells the owner of a network by an Event, once; that there is nothing to tell makes all things new.
pub(super) async fn tell(network: &NetworkAttachmentDefinition, notice: Option<Notice>, context: &Context) {
    let exists = |network: &str| {
        let (namespace, name) = network.split_once('/').unwrap_or_default();
        context.networks.get(&ObjectRef::new(name).within(namespace)).is_some()
    };
    let notices = notice.into_iter().collect();
    for notice in context.vm_networks.told.news(&name_of(network).to_string(), notices, exists) {
        context.events.warn(network, &notice).await;
    }
}

/// Whether the API will not take this content, however often it is asked.
fn is_refusal(error: &kube::Error) -> Option<&str> {
    match error {
        kube::Error::Api(status) if matches!(status.code, 400 | 403 | 413 | 422) => Some(&status.message),
        _ => None,
    }
}

/// Creates the pool of a network.
pub(super) async fn create(
    network: &NetworkAttachmentDefinition,
    pool: IPPool,
    context: &Context,
) -> Result<Action, NetworkReconcileError> {
    let key = PoolRef::of(&pool);
    let api: Api<IPPool> = Api::namespaced(context.client.clone(), &key.namespace);
    match api.create(&PostParams::default(), &pool).await {
        Ok(_) => {
            tracing::info!(pool = %key, "an IPPool has been made with its VM network");
            tell(network, None, context).await;
            Ok(Action::await_change())
        }
        // Ours of a moment ago, or another's: the watch will tell.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            Ok(Action::requeue(std::time::Duration::from_secs(2)))
        }
        Err(error) => {
            let Some(message) = is_refusal(&error) else {
                return Err(NetworkReconcileError::Api { network: name_of(network), error });
            };
            let fault = Fault::Refused { message: message.to_owned() };
            tell(network, Some(refusal(&fault)), context).await;
            Ok(Action::requeue(REFUSAL_LASTS))
        }
    }
}

/// Has a pool that was made with its network follow it. Says whether the pool has been changed or deleted, so that it
/// has to be looked at as it is then.
pub(in crate::manager) async fn follow(stored: &IPPool, context: &Context) -> kube::Result<bool> {
    let key = PoolRef::of(stored);
    if context.auto_pool == AutoPool::Off {
        return Ok(false);
    }
    if !plan::is_made(stored) {
        context.vm_networks.standings().insert(key, Standing::InStep);
        return Ok(false);
    }
    let network = context.networks.get(&ObjectRef::new(&key.name).within(&key.namespace));
    let network = match network.as_deref().map(|network| &network.0) {
        None => None,
        Some(Ok(network)) => Some(network),
        // Nobody knows what it says.
        Some(Err(_)) => return Ok(false),
    };
    let name = NetworkName { namespace: key.namespace.clone(), name: key.name.clone() };
    let users = || users_of(&name, &context.claims);
    let Following { step, mut standing, mut notice } =
        plan::follow(stored, network, context.auto_pool, users);
    let api: Api<IPPool> = Api::namespaced(context.client.clone(), &key.namespace);
    let changed = match step {
        Step::Keep => false,
        Step::Patch(mut patch) => {
            // What it cuts off was judged by this version.
            patch["metadata"]["resourceVersion"] = json!(stored.resource_version());
            match api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await {
                Ok(_) => {
                    tracing::info!(pool = %key, "an IPPool follows its VM network");
                    true
                }
                Err(error) => {
                    let Some(message) = is_refusal(&error) else { return Err(error) };
                    let fault = Fault::Refused { message: message.to_owned() };
                    let (reason, message) = (fault.reason(), fault.to_string());
                    notice = Some(Notice { reason, message: message.clone(), action: "FollowNetwork" });
                    standing = Standing::OutOfStep { reason, message, waits_for_vms: false };
                    false
                }
            }
        }
        Step::Delete => {
            let preconditions =
                Preconditions { uid: stored.uid(), resource_version: stored.resource_version() };
            let delete = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
            match api.delete(&key.name, &delete).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                deleted => drop(deleted?),
            }
            tracing::info!(pool = %key, "an IPPool goes with its VM network");
            true
        }
    };
    context.vm_networks.standings().insert(key, standing);
    if let Some(network) = network.filter(|network| network.meta().deletion_timestamp.is_none()) {
        tell(network, notice, context).await;
    }
    Ok(changed)
}
