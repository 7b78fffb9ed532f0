//! Conditions of a pool that was made with its network, and is not what that says.

use vmdhcp_core::api::{IPPoolStatus, MADE_FROM_LABEL};

use super::super::vmnetwork::{Standing, named};
use super::conditions::trouble;
use super::observe::Observation;
use super::plan::PoolPlan;

/// Sets `KeptForVMs` and `OutOfStep`; leaves them as they are as long as nobody has looked at the network.
pub(super) fn set_conditions(observation: &Observation, status: &mut IPPoolStatus, planned: &mut PoolPlan) {
    let Some(standing) = &observation.standing else { return };
    let by = || match named(&observation.users) {
        users if users.is_empty() => String::new(),
        users => format!(" (VirtualMachineNetworkConfigs {users})"),
    };
    let (kept, out_of_step) = match standing {
        Standing::InStep => (None, None),
        Standing::Kept { reason, why } => {
            let message = format!(
                "{why}, but VMs use this pool{}; it serves on, and goes with the last of them; to keep it for good, remove \
                 its label {MADE_FROM_LABEL}",
                by()
            );
            (Some((*reason, message)), None)
        }
        Standing::OutOfStep { reason, message, waits_for_vms: true } => {
            (None, Some((*reason, format!("{message}{}", by()))))
        }
        Standing::OutOfStep { reason, message, .. } => (None, Some((*reason, message.clone()))),
    };
    for (type_, over, found) in [("KeptForVMs", "Wanted", kept), ("OutOfStep", "InStep", out_of_step)] {
        let (reason, message) = found.unzip();
        trouble(observation, status, planned, type_, reason.unwrap_or(over), over, message);
    }
}
