//! The claim reconciler: each card of a VirtualMachineNetworkConfig gets its address, or a reason why not.

mod declaration;
mod index;
mod observe;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use vmdhcp_core::api::{CARDS_ANNOTATION, VMNETCFG_FINALIZER, VirtualMachineNetworkConfig};
use vmdhcp_core::ipam::Outcome;

pub(super) use index::{CardRef, ClaimIndex, ClaimKey, ClaimOnNetwork};
use observe::networks;
pub(super) use observe::{Place, as_list, listed, longer_record};

use super::defects::Defect;
use super::packed::Kept;
use super::pool::allocator::Allocator;
use super::pool::{Told, pool_of_network};
use super::watches::{Watched, kept};
use super::{Context, ManagerError, ManagerMetrics, PackedClaim, Settlement};
use crate::cluster::version;
use plan::{ClaimPlan, Settlements, Surroundings};

/// Why a claim could not be reconciled; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClaimReconcileError {
    #[error("VirtualMachineNetworkConfig {claim}: {step}: {error}")]
    Api { claim: String, step: &'static str, error: kube::Error },
    #[error(transparent)]
    Watch(#[from] ManagerError),
    #[error("VirtualMachineNetworkConfig {claim} cannot be read: {error}")]
    Unreadable { claim: String, error: String },
}

impl ClaimReconcileError {
    /// In one word, for the metric.
    fn reason(&self) -> &'static str {
        match self {
            Self::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => "Conflict",
            Self::Api { .. } => "Api",
            Self::Watch(_) => "Watch",
            Self::Unreadable { .. } => "Unreadable",
        }
    }
}

/// Brings one claim to the state that its pools allow.
pub(super) async fn reconcile(
    stored: Arc<PackedClaim>,
    context: Arc<Context>,
) -> Result<Action, ClaimReconcileError> {
    context.lists_complete().await?;
    let name = format!("{}/{}", stored.namespace().unwrap_or_default(), stored.name_any());
    let stored = match stored.open() {
        Ok(stored) => stored,
        Err(error) => return Err(ClaimReconcileError::Unreadable { claim: name, error }),
    };
    let stored = &stored;
    let api: Api<VirtualMachineNetworkConfig> =
        Api::namespaced(context.client.clone(), &stored.namespace().unwrap_or_default());
    let failed = |step| {
        let claim = name.clone();
        move |error| ClaimReconcileError::Api { claim, step, error }
    };
    let deleting = stored.meta().deletion_timestamp.is_some();
    let has_finalizer = stored.finalizers().iter().any(|finalizer| finalizer == VMNETCFG_FINALIZER);
    if deleting && !has_finalizer {
        return Ok(Action::await_change());
    }
    let record = observe::longer_record(stored).filter(|_| !deleting);
    if !has_finalizer || record.is_some() {
        // Nothing is allocated before finalizer and record are stored: without them a deletion, or a change of the
        // card before the status names it, would leak the address.
        let mut finalizers = stored.finalizers().to_vec();
        finalizers.extend((!has_finalizer).then(|| VMNETCFG_FINALIZER.to_owned()));
        let mut metadata = json!({ "finalizers": finalizers });
        if let Some(record) = record {
            metadata["annotations"] = json!({ CARDS_ANNOTATION: record });
        }
        patch_metadata(&api, stored, metadata).await.map_err(failed("adding finalizer and record"))?;
        return Ok(Action::await_change());
    }
    let settled = if deleting && context.has(Defect::FinalizerBeforeRelease) {
        Some(Settled { settlements: Settlements::new(), allocators: Vec::new() })
    } else {
        settle(stored, &context)
    };
    let Some(Settled { settlements, allocators }) = settled else { return Ok(Action::await_change()) };
    let ClaimPlan { status, released, notices } = {
        let surroundings = Surroundings { now: context.now(), vm_missing: is_vm_missing(stored, &context) };
        plan::plan(stored, &settlements, surroundings)
    };
    let next_look = declaration::next_look(&status);
    if deleting {
        if released {
            let kept: Vec<_> = stored
                .finalizers()
                .iter()
                .filter(|finalizer| *finalizer != VMNETCFG_FINALIZER)
                .cloned()
                .collect();
            let metadata = json!({ "finalizers": kept });
            patch_metadata(&api, stored, metadata).await.map_err(failed("removing the finalizer"))?;
        }
        return Ok(Action::await_change());
    }
    if stored.status.as_ref() != Some(&status) {
        let next = VirtualMachineNetworkConfig { status: Some(status), ..stored.clone() };
        let written = api
            .replace_status(&stored.name_any(), &PostParams::default(), &next)
            .await
            .map_err(failed("writing the status"))?;
        if let (Some(on), Some(version)) = (version(stored), version(&written)) {
            let key = ClaimKey::of(stored);
            for allocator in allocators {
                allocator.wrote(&key, on, version);
            }
        }
        for notice in notices {
            context.events.warn(stored, &notice).await;
        }
    } else if let Some(record) = observe::shorter_record(stored, |network, mac| {
        let settled = settlements.get(network).and_then(|cards| cards.as_ref()?.get(mac));
        matches!(settled, Some(Settlement::Planned(Outcome::Released)))
    }) {
        let metadata = json!({ "annotations": { CARDS_ANNOTATION: record } });
        patch_metadata(&api, stored, metadata).await.map_err(failed("shortening the record"))?;
    }
    Ok(next_look)
}

/// Whether there is no VM of the name that a claim is for, where it would be known if there were.
fn is_vm_missing(stored: &VirtualMachineNetworkConfig, context: &Context) -> bool {
    let vm = ObjectRef::new(&stored.spec.vm_name).within(&stored.namespace().unwrap_or_default());
    context.kubevirt && context.virtual_machines.get(&vm).is_none()
}

/// Watches all claims, and indexes them by network.
pub(super) fn watch(client: &Client, metrics: &ManagerMetrics) -> (Watched<PackedClaim>, Arc<ClaimIndex>) {
    let index = Arc::new(ClaimIndex::new(metrics.allocation_seconds.clone()));
    let events = watcher(Api::all(client.clone()), watcher::Config::default());
    let note = {
        let index = Arc::clone(&index);
        move |event: &_| index.note(event)
    };
    (kept(events.default_backoff(), "VirtualMachineNetworkConfigs", note), index)
}

impl Kept for VirtualMachineNetworkConfig {
    const TYPICAL: &str = concat!(
        r#"{"apiVersion":"network.harvesterhci.io/v1alpha1","kind":"VirtualMachineNetworkConfig","#,
        r#""metadata":{"annotations":{"#,
        r#""network.harvesterhci.io/vmnetcfg-cards":"default/vlan-1=52:54:00:00:00:01"},"#,
        r#""creationTimestamp":"2026-01-01T00:00:00Z","#,
        r#""finalizers":["wrangler.cattle.io/vm-dhcp-vmnetcfg-controller"],"generation":1,"#,
        r#""labels":{"harvesterhci.io/vmName":"vm"},"name":"vm","namespace":"default","#,
        r#""ownerReferences":[{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","name":"vm","#,
        r#""uid":"00000000-0000-4000-8000-000000000000"}],"resourceVersion":"1","#,
        r#""uid":"00000000-0000-4000-8000-000000000000"},"spec":{"vmName":"vm","networkConfigs":[{"#,
        r#""networkName":"default/vlan-1","macAddress":"52:54:00:00:00:01"}]},"status":{"#,
        r#""networkConfigs":[{"allocatedIPAddress":"192.168.0.1","macAddress":"52:54:00:00:00:01","#,
        r#""networkName":"default/vlan-1","state":"Allocated"}],"conditions":[{"type":"Allocated","#,
        r#""status":"True","lastUpdateTime":"2026-01-01T00:00:00Z","#,
        r#""lastTransitionTime":"2026-01-01T00:00:00Z","reason":"AddressesAllocated"},{"#,
        r#""type":"Disabled","status":"False","lastUpdateTime":"2026-01-01T00:00:00Z","#,
        r#""lastTransitionTime":"2026-01-01T00:00:00Z","reason":"InService"},{"type":"InSynced","#,
        r#""status":"True","lastUpdateTime":"2026-01-01T00:00:00Z","#,
        r#""lastTransitionTime":"2026-01-01T00:00:00Z","reason":"StaleClaimsReleased"}]}}"#,
    );

    fn trim(&mut self) {
        // An API server takes an object without managed fields for one whose managed fields stay as they are.
        self.metadata.managed_fields = None;
    }
}

/// What the pool of each network has told a claim.
struct Settled {
    settlements: Settlements,
    /// Who has told.
    allocators: Vec<Allocator>,
}

/// What the pools have told this version of the claim; none before all of them have, of which it is then told.
fn settle(stored: &VirtualMachineNetworkConfig, context: &Arc<Context>) -> Option<Settled> {
    let (key, version) = (ClaimKey::of(stored), version(stored)?);
    let mut settled = Settled { settlements: Settlements::new(), allocators: Vec::new() };
    let mut is_complete = true;
    for network in networks(stored) {
        let Some(pool) = pool_of_network(&network, &context.pools) else {
            settled.settlements.insert(network, None);
            continue;
        };
        let allocator = context.allocators.of(&pool, context);
        match allocator.settled(&key, version, pool.metadata.uid.as_deref()) {
            Told::Settled(cards) => {
                settled.settlements.insert(network, Some(cards));
                settled.allocators.push(allocator);
            }
            Told::PoolGone => drop(settled.settlements.insert(network, None)),
            Told::Older | Told::Nothing => is_complete = false,
        }
    }
    is_complete.then_some(settled)
}

/// Patches metadata under the version that the decision was made on.
async fn patch_metadata(
    api: &Api<VirtualMachineNetworkConfig>,
    stored: &VirtualMachineNetworkConfig,
    mut metadata: serde_json::Value,
) -> kube::Result<()> {
    metadata["resourceVersion"] = json!(stored.resource_version());
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    match api.patch_metadata(&stored.name_any(), &PatchParams::default(), &patch).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        result => result.map(drop),
    }
}

/// A claim that failed is tried again; a conflict soon, since only a stale copy stands in the way.
#[expect(clippy::needless_pass_by_value, reason = "the signature that Controller::run asks for")]
pub(super) fn error_policy(
    _: Arc<PackedClaim>,
    error: &ClaimReconcileError,
    context: Arc<Context>,
) -> Action {
    context.metrics.reconcile_failed("claim", error.reason());
    match error {
        ClaimReconcileError::Api { error: kube::Error::Api(status), .. } if status.is_conflict() => {
            Action::requeue(Duration::from_millis(50))
        }
        ClaimReconcileError::Unreadable { .. } => {
            tracing::warn!(%error, "waiting for the object to be mended");
            Action::await_change()
        }
        error => {
            tracing::warn!(%error, "a claim could not be reconciled");
            Action::requeue(Duration::from_secs(2))
        }
    }
}
