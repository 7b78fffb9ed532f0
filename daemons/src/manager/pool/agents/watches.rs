//! What agents are made of, as the API tells.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use vmdhcp_core::api::{AGENT_COMPONENT, COMPONENT_LABEL};

use super::super::super::watches::{Watched, trimmed, unserved, watched};
use super::super::super::{AgentDeployments, Placement};

/// The kinds that agents are made of, as far as they are of interest where they run.
pub(in crate::manager) struct AgentWatches {
    pub(in crate::manager) leases: Watched<Lease>,
    pub(in crate::manager) pods: Watched<Pod>,
    pub(in crate::manager) deployments: Watched<Deployment>,
    pub(in crate::manager) budgets: Watched<PodDisruptionBudget>,
    /// Pods of Jobs in the namespace of the agents: Harvester's route helpers are among them.
    pub(in crate::manager) jobs: Watched<Pod>,
}

impl AgentWatches {
    /// Watches them. On a cluster, nobody else's are any business of the manager's.
    pub(in crate::manager) fn start(client: &Client, placement: &Placement) -> Self {
        let of_agents = || watcher::Config::default().labels(&format!("{COMPONENT_LABEL}={AGENT_COMPONENT}"));
        let nothing = Self {
            leases: unserved("Leases"),
            pods: unserved("Pods"),
            deployments: unserved("Deployments"),
            budgets: unserved("PodDisruptionBudgets"),
            jobs: unserved("Pods of Jobs"),
        };
        match placement {
            Placement::Elsewhere => nothing,
            Placement::Interfaces(_) => {
                Self { leases: watched(Api::all(client.clone()), of_agents(), "Leases"), ..nothing }
            }
            Placement::Deployments(AgentDeployments { namespace, .. }) => Self {
                leases: watched(Api::namespaced(client.clone(), namespace), of_agents(), "Leases"),
                pods: trimmed(
                    Api::namespaced(client.clone(), namespace),
                    of_agents(),
                    "Pods",
                    |pod: &mut Pod| pod.managed_fields_mut().clear(),
                ),
                jobs: trimmed(
                    Api::namespaced(client.clone(), namespace),
                    watcher::Config::default().labels("job-name"),
                    "Pods of Jobs",
                    |pod: &mut Pod| pod.managed_fields_mut().clear(),
                ),
                deployments: trimmed(
                    Api::namespaced(client.clone(), namespace),
                    of_agents(),
                    "Deployments",
                    |deployment: &mut Deployment| deployment.managed_fields_mut().clear(),
                ),
                budgets: watched(
                    Api::namespaced(client.clone(), namespace),
                    of_agents(),
                    "PodDisruptionBudgets",
                ),
            },
        }
    }
}
