//! The Deployment of a pool's agents, and what belongs to it. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
    HTTPGetAction, LocalObjectReference, NodeAffinity, NodeSelector, NodeSelectorRequirement,
    NodeSelectorTerm, ObjectFieldSelector, Pod, PodAffinityTerm, PodAntiAffinity, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecurityContext, Toleration, Volume, VolumeMount,
    WeightedPodAffinityTerm,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde_json::json;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{
    AGENT_COMPONENT, AGENT_DEPLOYMENT_LABEL, COMPONENT_LABEL, GROUP, POOL_ANNOTATION, POOL_NAME_LABEL,
    POOL_NAMESPACE_LABEL,
};
use vmdhcp_core::pool::PoolRef;

use super::super::super::AgentDeployments;

/// Multus's annotation on a Pod: which networks it is on.
const NETWORKS_ANNOTATION: &str = "k8s.v1.cni.cncf.io/networks";
/// The interface of an agent on the VM network.
pub(super) const INTERFACE: &str = "eth1";
/// The container that serves.
pub(super) const CONTAINER: &str = "agent";
/// Label of nodes that only vote in etcd, and reach no VM network.
const WITNESS_LABEL: &str = "node-role.harvesterhci.io/witness";
/// Where the agent keeps what it served.
const SNAPSHOTS: &str = "/var/lib/vmdhcp";
/// Port of probes and metrics, by name.
const HTTP: &str = "http";
/// After this long on a node that is not heard of an agent is started on another one.
const NODE_LOST_SECONDS: i64 = 30;
/// An agent ends within some three seconds.
const GRACE_SECONDS: i64 = 30;

/// Name of the Deployment of a pool's agents: that of upstream's Pod (COMPAT 4.5).
pub(in crate::manager) fn agent_name(pool: &PoolRef) -> String {
    let whole = format!("{}-{}", pool.namespace, pool.name);
    if whole.len() < 58 {
        return format!("{whole}-agent");
    }
    let hash = ring::digest::digest(&ring::digest::SHA256, whole.as_bytes());
    let hash = hash.as_ref();
    let hash = format!("{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2]);
    // Names of Kubernetes are ASCII.
    let is_plain = whole.as_bytes()[50].is_ascii_lowercase() || whole.as_bytes()[50].is_ascii_digit();
    let (kept, digits) = if is_plain { (51, 5) } else { (50, 6) };
    format!("{}-{}-agent", &whole[..kept], &hash[..digits])
}

/// The agents that a pool shall have.
pub(super) struct Agents<'a> {
    pub(super) pool: &'a PoolRef,
    pub(super) network: &'a NetworkName,
    /// Where the network is on some nodes only: by which label they are known.
    pub(super) cluster_network: Option<&'a str>,
    pub(super) image: &'a str,
    pub(super) replicas: i32,
    pub(super) like_all: &'a AgentDeployments,
}

impl Agents<'_> {
    /// Their Deployment.
    pub(super) fn deployment(&self) -> Deployment {
        let labels = labels(self.pool);
        let networks = json!([{
            "namespace": self.network.namespace, "name": self.network.name, "interface": INTERFACE,
        }]);
        let annotations = BTreeMap::from([
            (NETWORKS_ANNOTATION.to_owned(), networks.to_string()),
            (POOL_ANNOTATION.to_owned(), self.pool.to_string()),
        ]);
        let template = PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            }),
            spec: Some(self.pod()),
        };
        // The next one serves before the last one goes.
        let rolling = RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        };
        Deployment {
            metadata: self.metadata(),
            spec: Some(DeploymentSpec {
                replicas: Some(self.replicas),
                revision_history_limit: Some(2),
                selector: selector(self.pool),
                strategy: Some(DeploymentStrategy {
                    type_: Some("RollingUpdate".to_owned()),
                    rolling_update: Some(rolling),
                }),
                template,
                ..DeploymentSpec::default()
            }),
            status: None,
        }
    }

    /// Keeps a drained node from taking more than one agent at a time. There is none for a single agent: it could only
    /// block the drain.
    pub(super) fn budget(&self) -> Option<PodDisruptionBudget> {
        (self.replicas > 1).then(|| PodDisruptionBudget {
            metadata: self.metadata(),
            spec: Some(PodDisruptionBudgetSpec {
                max_unavailable: Some(IntOrString::Int(1)),
                selector: Some(selector(self.pool)),
                ..PodDisruptionBudgetSpec::default()
            }),
            status: None,
        })
    }

    fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(agent_name(self.pool)),
            namespace: Some(self.like_all.namespace.clone()),
            labels: Some(labels(self.pool)),
            annotations: Some([(POOL_ANNOTATION.to_owned(), self.pool.to_string())].into()),
            ..ObjectMeta::default()
        }
    }

    fn pod(&self) -> PodSpec {
        let AgentDeployments {
            namespace: _,
            image: _,
            image_pull_policy: _,
            image_pull_secrets,
            service_account_name,
            replicas: _,
            resources: _,
            dry_run: _,
        } = self.like_all;
        let secrets = image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
        let secrets: Vec<_> = secrets.collect();
        PodSpec {
            service_account_name: Some(service_account_name.clone()).filter(|name| !name.is_empty()),
            automount_service_account_token: Some(true),
            image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
            enable_service_links: Some(false),
            security_context: Some(PodSecurityContext {
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            affinity: Some(self.affinity()),
            tolerations: Some(tolerations()),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            init_containers: Some(vec![self.interface_step()]),
            containers: vec![self.server()],
            volumes: Some(vec![Volume {
                name: "leases".to_owned(),
                empty_dir: Some(EmptyDirVolumeSource {
                    size_limit: Some(Quantity("64Mi".to_owned())),
                    ..EmptyDirVolumeSource::default()
                }),
                ..Volume::default()
            }]),
            ..PodSpec::default()
        }
    }

    /// Brings the interface up, and turns off what the kernel would do on it.
    fn interface_step(&self) -> Container {
        Container {
            name: "nic".to_owned(),
            args: Some(["agent-init", "--nic", INTERFACE].map(str::to_owned).into()),
            security_context: Some(security("NET_ADMIN")),
            ..self.container()
        }
    }

    fn server(&self) -> Container {
        let snapshot = format!("{SNAPSHOTS}/leases.json");
        let pool = self.pool.to_string();
        let args = ["agent", "--ippool-ref", &pool, "--nic", INTERFACE, "--snapshot", &snapshot];
        let dry_run = self.like_all.dry_run.then_some("--dry-run");
        let probe = |path: &str, period: i32| Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.to_owned()),
                port: IntOrString::String(HTTP.to_owned()),
                ..HTTPGetAction::default()
            }),
            period_seconds: Some(period),
            ..Probe::default()
        };
        Container {
            name: CONTAINER.to_owned(),
            args: Some(args.into_iter().chain(dry_run).map(str::to_owned).collect()),
            env: Some(vec![
                field("VM_DHCP_AGENT_NAME", "metadata.name"),
                field("POD_NAMESPACE", "metadata.namespace"),
                field("POD_IP", "status.podIP"),
            ]),
            ports: Some(vec![ContainerPort {
                name: Some(HTTP.to_owned()),
                container_port: 8080,
                ..ContainerPort::default()
            }]),
            liveness_probe: Some(probe("/healthz", 10)),
            readiness_probe: Some(probe("/readyz", 3)),
            security_context: Some(security("NET_RAW")),
            volume_mounts: Some(vec![VolumeMount {
                name: "leases".to_owned(),
                mount_path: SNAPSHOTS.to_owned(),
                ..VolumeMount::default()
            }]),
            ..self.container()
        }
    }

    /// What both containers have in common.
    fn container(&self) -> Container {
        let policy = &self.like_all.image_pull_policy;
        Container {
            image: Some(self.image.to_owned()),
            image_pull_policy: Some(policy.clone()).filter(|policy| !policy.is_empty()),
            resources: Some(self.like_all.resources.clone()),
            ..Container::default()
        }
    }

    fn affinity(&self) -> Affinity {
        let requirement = |key: String, operator: &str| NodeSelectorRequirement {
            key,
            operator: operator.to_owned(),
            values: Some(vec!["true".to_owned()]),
        };
        let mut requirements = vec![requirement(WITNESS_LABEL.to_owned(), "NotIn")];
        requirements
            .extend(self.cluster_network.map(|network| requirement(format!("{GROUP}/{network}"), "In")));
        let apart = WeightedPodAffinityTerm {
            weight: 100,
            pod_affinity_term: PodAffinityTerm {
                label_selector: Some(selector(self.pool)),
                topology_key: "kubernetes.io/hostname".to_owned(),
                ..PodAffinityTerm::default()
            },
        };
        Affinity {
            node_affinity: Some(NodeAffinity {
                required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                    node_selector_terms: vec![NodeSelectorTerm {
                        match_expressions: Some(requirements),
                        ..NodeSelectorTerm::default()
                    }],
                }),
                ..NodeAffinity::default()
            }),
            // A wish: where it cannot be had, one more agent on the same node is better than none, and a rolling update
            // must not wait for it.
            pod_anti_affinity: Some(PodAntiAffinity {
                preferred_during_scheduling_ignored_during_execution: Some(vec![apart]),
                ..PodAntiAffinity::default()
            }),
            ..Affinity::default()
        }
    }
}

/// The Lease by which a Pod reports: agents may update theirs, and create none.
pub(super) fn lease(pod: &Pod, pool: &PoolRef) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(pod.name_any()),
            namespace: pod.namespace(),
            labels: Some(labels(pool)),
            annotations: Some([(POOL_ANNOTATION.to_owned(), pool.to_string())].into()),
            owner_references: Some(pod.owner_ref(&()).into_iter().collect()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec::default()),
    }
}

/// Upstream's labels, and ours. A pool's name that is too long for a label stands in the annotation alone.
fn labels(pool: &PoolRef) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        (COMPONENT_LABEL.to_owned(), AGENT_COMPONENT.to_owned()),
        (AGENT_DEPLOYMENT_LABEL.to_owned(), agent_name(pool)),
        (POOL_NAMESPACE_LABEL.to_owned(), pool.namespace.clone()),
    ]);
    if pool.name.len() <= 63 {
        labels.insert(POOL_NAME_LABEL.to_owned(), pool.name.clone());
    }
    labels
}

/// By what agents of a pool are known. Upstream's Pod is not among them, or its next owner would be our ReplicaSet.
fn selector(pool: &PoolRef) -> LabelSelector {
    LabelSelector {
        match_labels: Some([(AGENT_DEPLOYMENT_LABEL.to_owned(), agent_name(pool))].into()),
        ..LabelSelector::default()
    }
}

fn field(name: &str, path: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: path.to_owned(),
                ..ObjectFieldSelector::default()
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

/// Root, as capabilities go to no other user, with that one and no other.
fn security(capability: &str) -> SecurityContext {
    SecurityContext {
        run_as_user: Some(0),
        run_as_group: Some(0),
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: Some(vec![capability.to_owned()]),
        }),
        ..SecurityContext::default()
    }
}

/// A node that is lost is left after half a minute, and not after five.
fn tolerations() -> Vec<Toleration> {
    let tolerated = |key: &str| Toleration {
        key: Some(key.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some("NoExecute".to_owned()),
        toleration_seconds: Some(NODE_LOST_SECONDS),
        ..Toleration::default()
    };
    vec![tolerated("node.kubernetes.io/not-ready"), tolerated("node.kubernetes.io/unreachable")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(namespace: &str, name: &str) -> String {
        agent_name(&PoolRef { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    #[test]
    fn names_are_those_of_upstreams_pods() {
        assert_eq!(name("default", "ippool-1"), "default-ippool-1-agent");
        let longest = "p".repeat(57 - 8);
        assert_eq!(name("default", &longest), format!("default-{longest}-agent"));
        assert_eq!(name("default", &longest).len(), 63);
        // The digits are those of sha256sum.
        let long = "p".repeat(58 - 8);
        assert_eq!(name("default", &long), format!("default-{}-0a7cc-agent", "p".repeat(43)));
        let long = format!("{}.{}", "p".repeat(42), "q".repeat(20));
        assert_eq!(name("default", &long), format!("default-{}-c686da-agent", "p".repeat(42)));
    }

    #[test]
    fn a_name_too_long_for_a_label_is_in_the_annotation_alone() {
        let pool = PoolRef { namespace: "default".to_owned(), name: "p".repeat(64) };
        assert!(!labels(&pool).contains_key(POOL_NAME_LABEL));
        assert_eq!(labels(&pool)[AGENT_DEPLOYMENT_LABEL].len(), 63);
    }
}
