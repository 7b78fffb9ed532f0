//! The vm reconciler: each VirtualMachine whose cards are on networks with a pool has a VirtualMachineNetworkConfig of its
//! name that asks for their addresses. What comes of that is the claim reconciler's.
//!
//! ```text
//! VirtualMachine (annotations, its instance) ──▶ observe ──▶ plan ──▶ apply ──▶ VirtualMachineNetworkConfig
//!                            pools, networks ─────▲  ▲
//!                                        the claim ──┘
//! ```

mod apply;
mod observe;
mod plan;
#[cfg(test)]
mod tests;
mod triggers;

use std::sync::Arc;
use std::time::Duration;

use kube::api::Api;
use kube::core::Status;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use vmdhcp_core::api::{
    DHCP_OPTIONS_PREFIX, MAC_ADDRESS_ANNOTATION, STATIC_IP_PREFIX, VirtualMachine,
    VirtualMachineInstanceSpec, VirtualMachineNetworkConfig,
};

pub(super) use triggers::{claim_changes, instance_changes, network_changes, pool_changes};

use super::events::Notice;
use super::{Context, GuardedInstance, GuardedVirtualMachine, ManagerError};
use observe::Observation;
use plan::{Step, VmPlan};

/// How long a VM whose claim is in somebody's way waits before it looks again, although events should tell.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Why a VM could not be reconciled; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum VmReconcileError {
    #[error("VirtualMachine {vm}: {step}: {error}")]
    Api { vm: String, step: &'static str, error: kube::Error },
    #[error(transparent)]
    Watch(#[from] ManagerError),
    #[error("VirtualMachine {vm} cannot be read: {error}")]
    Unreadable { vm: String, error: String },
}

impl VmReconcileError {
    /// In one word, for the metric.
    fn reason(&self) -> &'static str {
        match self {
            Self::Api { error, .. } if is_conflict(error) => "Conflict",
            Self::Api { .. } => "Api",
            Self::Watch(_) => "Watch",
            Self::Unreadable { .. } => "Unreadable",
        }
    }
}

/// Whether a stale copy is to blame: the object is there already, or has another version.
fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists())
}

/// Drops what is not read of a VM before it is kept.
pub(super) fn trim(vm: &mut GuardedVirtualMachine) {
    let meta = vm.meta_mut();
    (meta.managed_fields, meta.labels) = (None, None);
    if let Some(annotations) = &mut meta.annotations {
        let prefixes = [STATIC_IP_PREFIX, DHCP_OPTIONS_PREFIX];
        let is_read = |key: &str| {
            key == MAC_ADDRESS_ANNOTATION || prefixes.iter().any(|prefix| key.starts_with(prefix))
        };
        annotations.retain(|key, _| is_read(key));
    }
    // An empty map has as much room as one of eleven.
    meta.annotations.take_if(|annotations| annotations.is_empty());
    if let Ok(vm) = &mut vm.0 {
        let VirtualMachineInstanceSpec { domain, networks } = &mut vm.spec.template.spec;
        domain.devices.interfaces.shrink_to_fit();
        networks.shrink_to_fit();
    }
}

/// Likewise of a VM's instance.
pub(super) fn trim_instance(instance: &mut GuardedInstance) {
    let meta = instance.meta_mut();
    (meta.managed_fields, meta.labels, meta.annotations) = (None, None, None);
}

/// Brings the claim of one VM to what the VM says.
pub(super) async fn reconcile(
    stored: Arc<GuardedVirtualMachine>,
    context: Arc<Context>,
) -> Result<Action, VmReconcileError> {
    context.lists_complete().await?;
    let (namespace, name) = (stored.namespace().unwrap_or_default(), stored.name_any());
    let key = format!("{namespace}/{name}");
    let vm: &VirtualMachine = match &stored.0 {
        Ok(vm) => vm,
        Err(invalid) => {
            return Err(VmReconcileError::Unreadable { vm: key, error: invalid.error.clone() });
        }
    };
    let instance = context.instances.get(&ObjectRef::new(&name).within(&namespace));
    let instance = instance.as_ref().and_then(|instance| instance.0.as_ref().ok());
    let claim = context.claims.get(&ObjectRef::new(&name).within(&namespace));
    let claim = match claim.as_ref().map(|claim| claim.0.as_ref()) {
        // Its own reconciler says so.
        Some(Err(_)) => return Ok(Action::await_change()),
        Some(Ok(claim)) => Some(claim),
        None => None,
    };
    let VmPlan { step, mut notices } = plan::plan(&Observation::gather(vm, instance, claim, &context));
    let api: Api<VirtualMachineNetworkConfig> = Api::namespaced(context.client.clone(), &namespace);
    let (what, written) = match (&step, claim) {
        (Step::Create(claim), _) => ("creating its claim", apply::create(&api, claim).await),
        (Step::Change(change), Some(claim)) => {
            ("changing its claim", apply::change(&api, claim, change).await)
        }
        _ => ("", Ok(())),
    };
    let mut action = if step == Step::Wait { Action::requeue(LOOK_AGAIN) } else { Action::await_change() };
    match written {
        Ok(()) => {}
        // Its VM goes as well, soon.
        Err(kube::Error::Api(status)) if is_of_a_going_namespace(&status) => {
            action = Action::requeue(LOOK_AGAIN);
        }
        // Not what it wants, and asking again does not help: its user has to know.
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 422) => {
            let message = format!("{what}: {}", status.message);
            notices.push(Notice { reason: "ClaimRefused", message, action: "WriteClaim" });
            action = Action::requeue(LOOK_AGAIN);
        }
        Err(error) => return Err(VmReconcileError::Api { vm: key, step: what, error }),
    }
    let exists = |key: &str| {
        let (namespace, name) = key.split_once('/').unwrap_or_default();
        context.virtual_machines.get(&ObjectRef::new(name).within(namespace)).is_some()
    };
    for notice in context.told.news(&key, notices, exists) {
        context.events.warn(vm, &notice).await;
    }
    Ok(action)
}

/// Whether nothing is created any more in a namespace that is being deleted.
fn is_of_a_going_namespace(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// A VM that failed is tried again; a conflict soon, since only a stale copy stands in the way.
#[expect(clippy::needless_pass_by_value, reason = "the signature that Controller::run asks for")]
pub(super) fn error_policy(
    _: Arc<GuardedVirtualMachine>,
    error: &VmReconcileError,
    context: Arc<Context>,
) -> Action {
    context.metrics.reconcile_failed("vm", error.reason());
    match error {
        VmReconcileError::Api { error, .. } if is_conflict(error) => {
            Action::requeue(Duration::from_millis(50))
        }
        VmReconcileError::Unreadable { .. } => {
            tracing::warn!(%error, "waiting for the object to be mended");
            Action::await_change()
        }
        error => {
            tracing::warn!(%error, "a VM could not be reconciled");
            Action::requeue(Duration::from_secs(2))
        }
    }
}
