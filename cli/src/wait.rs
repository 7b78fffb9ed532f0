//! `--wait`: until what was declared is so.

use std::time::Duration;

use kube::api::{Api, DynamicObject};
use kube::runtime::wait::await_condition;
use vmdhcp_core::api::{Condition, IPPool, VirtualMachineNetworkConfig, condition};

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
        let conditions = self.status.as_ref().map(|status| status.conditions.as_slice());
        unmet(conditions.unwrap_or_default(), wanted)
    }
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
