//! Which kinds of others the API serves. The reconcilers of what is not there are not started, so that a cluster
//! without KubeVirt, or a single machine, sees no failing watch; when that changes everything starts anew.

use std::time::Duration;

use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::watches::{Watched, trimmed, unserved, watched};
use super::{GuardedNetwork, PackedInstance, PackedVirtualMachine};

/// How often the API is asked again.
const PERIOD: Duration = Duration::from_secs(15);
/// Pause after an API that did not answer.
const RETRY: Duration = Duration::from_secs(2);

/// The kinds of others that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neighbours {
    /// KubeVirt's VirtualMachine and VirtualMachineInstance.
    pub(super) virtual_machines: bool,
    /// Multus's NetworkAttachmentDefinition.
    pub(super) networks: bool,
}

/// Their objects, as far as they are there.
pub(super) struct NeighbourWatches {
    pub(super) virtual_machines: Watched<PackedVirtualMachine>,
    pub(super) instances: Watched<PackedInstance>,
    pub(super) networks: Watched<GuardedNetwork>,
}

impl Neighbours {
    /// Asks until the API answers.
    pub(super) async fn discover(client: &Client) -> Self {
        loop {
            match Self::ask(client).await {
                Ok(found) => return found,
                Err(error) => {
                    tracing::warn!(%error, "the API does not tell which kinds it serves");
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn ask(client: &Client) -> kube::Result<Self> {
        let (virtual_machines, networks) = tokio::try_join!(
            serves(client, "kubevirt.io/v1", &["virtualmachines", "virtualmachineinstances"]),
            serves(client, "k8s.cni.cncf.io/v1", &["network-attachment-definitions"]),
        )?;
        Ok(Self { virtual_machines, networks })
    }

    /// Watches their kinds, where they are served.
    pub(super) fn watch(self, client: &Client) -> NeighbourWatches {
        let everything = watcher::Config::default;
        let (virtual_machines, instances) = if self.virtual_machines {
            (
                watched(Api::all(client.clone()), everything(), "VirtualMachines"),
                watched(Api::all(client.clone()), everything(), "VirtualMachineInstances"),
            )
        } else {
            (unserved("VirtualMachines"), unserved("VirtualMachineInstances"))
        };
        let networks = if self.networks {
            let trim = |network: &mut GuardedNetwork| network.managed_fields_mut().clear();
            trimmed(Api::all(client.clone()), everything(), "NetworkAttachmentDefinitions", trim)
        } else {
            unserved("NetworkAttachmentDefinitions")
        };
        NeighbourWatches { virtual_machines, instances, networks }
    }

    /// Ends when the API serves other kinds than these.
    pub(super) async fn change(self, client: &Client) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // An API that does not answer says nothing about its kinds.
            if Self::ask(client).await.is_ok_and(|found| found != self) {
                return;
            }
        }
    }
}

/// Whether the API serves all `resources` of a group's version.
async fn serves(client: &Client, version: &str, resources: &[&str]) -> kube::Result<bool> {
    match client.list_api_group_resources(version).await {
        Ok(served) => {
            let is_served = |resource: &&str| served.resources.iter().any(|served| served.name == *resource);
            Ok(resources.iter().all(is_served))
        }
        // Not always a Status: an aggregator says it in plain text.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
