//! `--wait`: until what was declared is so.

use std::net::Ipv4Addr;
use std::time::Duration;

use kube::api::{Api, DynamicObject};
use kube::runtime::wait::await_condition;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{
    Condition, IPPool, NetworkConfig, NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfig,
    condition,
};

use crate::failure::Failure;
use crate::objects::{self, Kind};

/// A kind that has come into effect at some point.
pub(crate) trait Settles: Kind {
    /// Why this object has not come into effect yet; none once it has.
    fn unsettled(&self) -> Option<String>;
}

/// The first of these conditions that is not as it should be, as a sentence.
fn unmet(conditions: &[Condition], wanted: &[(&str, &str)]) -> Option<String> {
    wanted.iter().find_map(|&(type_, status)| match condition(conditions, type_) {
        Some(c) if c.status == status => None,
        Some(c) => {
            let why = if c.message.is_empty() { &c.reason } else { &c.message };
            Some(format!("{type_} is {}: {why}", c.status))
        }
        None => Some(format!("{type_} is not set yet; is a manager running?")),
    })
}

impl Settles for IPPool {
    fn unsettled(&self) -> Option<String> {
        let wanted: &[_] = if self.spec.paused == Some(true) {
            &[("Stopped", "True")]
        } else {
            &[("Stopped", "False"), ("Registered", "True"), ("CacheReady", "True"), ("AgentReady", "True")]
        };
        let status = self.status.clone().unwrap_or_default();
        unmet(&status.conditions, wanted).or_else(|| {
            let behind = status.observed_generation.is_some_and(|seen| Some(seen) < self.metadata.generation);
            behind.then(|| "the manager has not seen this change yet".to_owned())
        })
    }
}

impl Settles for VirtualMachineNetworkConfig {
    fn unsettled(&self) -> Option<String> {
        let wanted: &[_] =
            if self.spec.is_paused() { &[("Disabled", "True")] } else { &[("Allocated", "True")] };
        let status = self.status.clone().unwrap_or_default();
        let unmet = unmet(&status.conditions, wanted);
        if unmet.is_some() || self.spec.is_paused() {
            return unmet;
        }
        // The condition may be about what was declared before.
        let lacks =
            |card: &&NetworkConfig| !status.cards().iter().any(|status| has_what_it_asks(card, status));
        let card = self.spec.cards().iter().find(lacks)?;
        Some(format!("the manager has not seen this change of {} yet", card.mac_address))
    }
}

/// Whether this is the status of that card, and gives it an address, or the one that it must have.
fn has_what_it_asks(card: &NetworkConfig, status: &NetworkConfigStatus) -> bool {
    let mac = |text: &str| text.parse::<MacAddr>().ok();
    let address = |text: &str| text.parse::<Ipv4Addr>().ok();
    let asked = card.ip_address.as_deref().filter(|asked| !asked.is_empty());
    mac(&card.mac_address) == mac(&status.mac_address)
        && status.state == NetworkConfigState::Allocated
        && asked.is_none_or(|asked| address(asked) == address(&status.allocated_ip_address))
}

/// Waits until the object has come into effect.
pub(crate) async fn settled<K: Settles>(
    api: Api<DynamicObject>,
    name: &str,
    seconds: u64,
) -> Result<(), Failure> {
    let effective = |object: Option<&DynamicObject>| {
        object
            .and_then(|object| objects::read::<K>(object).ok())
            .is_some_and(|object| object.unsettled().is_none())
    };
    let waiting = await_condition(api.clone(), name, effective);
    if let Ok(result) = tokio::time::timeout(Duration::from_secs(seconds), waiting).await {
        return result.map(drop).map_err(|e| watch_failed::<K>(name, &e));
    }
    let now = api.get_opt(name).await.ok().flatten();
    let last = now.and_then(|object| objects::read::<K>(&object).ok()).and_then(|object| object.unsettled());
    let what = format!("{} to come into effect", objects::kubectl_name::<K>(name));
    Err(Failure::TimedOut { what, seconds, hint: last.unwrap_or_default() })
}

/// Waits until the object with this UID is gone.
pub(crate) async fn gone<K: Kind>(
    api: Api<DynamicObject>,
    name: &str,
    uid: Option<String>,
    seconds: u64,
) -> Result<(), Failure> {
    let is_gone = |object: Option<&DynamicObject>| object.is_none_or(|object| object.metadata.uid != uid);
    let waiting = await_condition(api, name, is_gone);
    match tokio::time::timeout(Duration::from_secs(seconds), waiting).await {
        Ok(result) => result.map(drop).map_err(|e| watch_failed::<K>(name, &e)),
        Err(_) => Err(Failure::TimedOut {
            what: format!("{} to be gone", objects::kubectl_name::<K>(name)),
            seconds,
            hint: "its finalizer is the manager's to remove; is a manager running?".into(),
        }),
    }
}

fn watch_failed<K: Kind>(name: &str, error: &kube::runtime::wait::Error) -> Failure {
    Failure::Unreachable {
        doing: format!("watch {}", objects::kubectl_name::<K>(name)),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claim(asked: Option<&str>, status: &serde_json::Value) -> VirtualMachineNetworkConfig {
        let card = json!({"networkName": "net-48", "macAddress": "02-00-00-00-48-05", "ipAddress": asked});
        serde_json::from_value(json!({
            "metadata": {"name": "db", "namespace": "default"},
            "spec": {"vmName": "db", "networkConfigs": [card]},
            "status": status
        }))
        .unwrap()
    }

    fn allocated(address: &str, state: &str) -> serde_json::Value {
        json!({
            "networkConfigs": [{
                "networkName": "default/net-48", "macAddress": "02:00:00:00:48:05",
                "allocatedIPAddress": address, "state": state
            }],
            "conditions": [{"type": "Allocated", "status": "True"}]
        })
    }

    #[test]
    fn a_claim_has_come_into_effect_once_each_card_has_what_it_asks_for() {
        let has = allocated("10.0.0.5", "Allocated");
        assert_eq!(claim(None, &has).unsettled(), None);
        assert_eq!(claim(Some("10.0.0.5"), &has).unsettled(), None);
        assert!(claim(None, &allocated("10.0.0.5", "Pending")).unsettled().is_some());
        assert!(claim(None, &json!({})).unsettled().is_some());
    }

    #[test]
    fn that_a_claim_has_what_it_asked_for_before_a_change_is_not_enough() {
        let unsettled = claim(Some("10.0.0.6"), &allocated("10.0.0.5", "Allocated")).unsettled().unwrap();
        assert_eq!(unsettled, "the manager has not seen this change of 02-00-00-00-48-05 yet");
    }
}
