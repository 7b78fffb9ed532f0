//! Upstream's series of each network card of each claim.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kube::ResourceExt;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use vmdhcp_core::api::{NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfigStatus};

use super::super::PackedClaim;

/// What is shown of all claims: what the statuses say that are stored at the time.
#[derive(Clone, Default)]
pub(in crate::manager) struct Claims(Arc<Mutex<Option<Store<PackedClaim>>>>);

impl Claims {
    /// Shows these from now on.
    pub(in crate::manager) fn show(&self, claims: Store<PackedClaim>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(claims);
    }

    /// Shows none any more.
    pub(in crate::manager) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

impl Collector for Claims {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "vmdhcpcontroller_vmnetcfg_status",
            "A network card of a VirtualMachineNetworkConfig, as its status has it",
            None,
            MetricType::Gauge,
        )?;
        let claims = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let claims = claims.map(|claims| claims.state()).unwrap_or_default();
        for claim in claims.iter().filter_map(|claim| claim.open().ok()) {
            let name = format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any());
            for card in claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards) {
                let NetworkConfigStatus {
                    allocated_ip_address,
                    mac_address,
                    network_name,
                    state,
                    reason: _,
                    message: _,
                } = card;
                let state = match state {
                    NetworkConfigState::Allocated => "Allocated",
                    NetworkConfigState::Stale => "Stale",
                    NetworkConfigState::Pending => "Pending",
                };
                let labels = [
                    ("vmnetcfg", name.as_str()),
                    ("network", network_name),
                    ("mac", mac_address),
                    ("ip", allocated_ip_address),
                    ("state", state),
                ];
                family.encode_family(&labels)?.encode_gauge(&1_i64)?;
            }
        }
        Ok(())
    }
}
