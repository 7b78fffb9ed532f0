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

use kube::ResourceExt;
use kube::api::Api;
use kube::core::Status;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use vmdhcp_core::api::{
    DHCP_OPTIONS_PREFIX, MAC_ADDRESS_ANNOTATION, STATIC_IP_PREFIX, VirtualMachine, VirtualMachineInstance,
    VirtualMachineNetworkConfig,
};

pub(super) use observe::retain_unknown;
pub(super) use triggers::{claim_changes, instance_changes, network_changes, pool_changes};

use super::events::Notice;
use super::packed::Kept;
use super::{Context, ManagerError, PackedVirtualMachine};
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

impl Kept for VirtualMachine {
    const TYPICAL: &str = concat!(
        r#"{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","metadata":{"annotations":{"#,
        r#""harvesterhci.io/mac-address":"{\"nic-1\":\"52:54:00:00:00:01\"}"},"#,
        r#""creationTimestamp":"2026-01-01T00:00:00Z","generation":1,"name":"vm","#,
        r#""namespace":"default","resourceVersion":"1","#,
        r#""uid":"00000000-0000-4000-8000-000000000000"},"spec":{"template":{"spec":{"domain":{"#,
        r#""devices":{"interfaces":[{"name":"nic-1","macAddress":"52:54:00:00:00:01"}]}},"#,
        r#""networks":[{"name":"nic-1","multus":{"networkName":"default/vlan-1"}}]}}}}"#,
    );

    fn trim(&mut self) {
        let meta = &mut self.metadata;
        (meta.managed_fields, meta.labels) = (None, None);
        if let Some(annotations) = &mut meta.annotations {
            let prefixes = [STATIC_IP_PREFIX, DHCP_OPTIONS_PREFIX];
            let is_read = |key: &str| {
                key == MAC_ADDRESS_ANNOTATION || prefixes.iter().any(|prefix| key.starts_with(prefix))
            };
            annotations.retain(|key, _| is_read(key));
        }
    }
}

impl Kept for VirtualMachineInstance {
    const TYPICAL: &str = concat!(
        r#"{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"#,
        r#""creationTimestamp":"2026-01-01T00:00:00Z","#,
        r#""finalizers":["kubevirt.io/virtualMachineControllerFinalize","#,
        r#""foregroundDeleteVirtualMachine"],"generation":1,"name":"vm","namespace":"default","#,
        r#""ownerReferences":[{"apiVersion":"kubevirt.io/v1","blockOwnerDeletion":true,"#,
        r#""controller":true,"kind":"VirtualMachine","name":"vm","#,
        r#""uid":"00000000-0000-4000-8000-000000000000"}],"resourceVersion":"1","#,
        r#""uid":"00000000-0000-4000-8000-000000000000"},"spec":{"domain":{"devices":{"#,
        r#""interfaces":[{"name":"nic-1","macAddress":"52:54:00:00:00:01"}]}},"networks":[{"#,
        r#""name":"nic-1","multus":{"networkName":"default/vlan-1"}}]},"status":{"interfaces":[{"#,
        r#""name":"nic-1","mac":"52:54:00:00:00:01"}]}}"#,
    );

    fn trim(&mut self) {
        let meta = &mut self.metadata;
        (meta.managed_fields, meta.labels, meta.annotations) = (None, None, None);
    }
}

/// Brings the claim of one VM to what the VM says.
pub(super) async fn reconcile(
    stored: Arc<PackedVirtualMachine>,
    context: Arc<Context>,
) -> Result<Action, VmReconcileError> {
    context.lists_complete().await?;
    let (namespace, name) = (stored.namespace().unwrap_or_default(), stored.name_any());
    let key = format!("{namespace}/{name}");
    let vm = &match stored.open() {
        Ok(vm) => vm,
        Err(error) => return Err(VmReconcileError::Unreadable { vm: key, error }),
    };
    let instance = context.instances.get(&ObjectRef::new(&name).within(&namespace));
    let instance = instance.and_then(|instance| instance.open().ok());
    let claim = context.claims.get(&ObjectRef::new(&name).within(&namespace));
    let claim = match claim.map(|claim| claim.open()) {
        // Its own reconciler says so.
        Some(Err(_)) => return Ok(Action::await_change()),
        Some(Ok(claim)) => Some(claim),
        None => None,
    };
    let claim = claim.as_ref();
    let VmPlan { step, mut notices } =
        plan::plan(&Observation::gather(vm, instance.as_ref(), claim, &context));
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
    _: Arc<PackedVirtualMachine>,
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
