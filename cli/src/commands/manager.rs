//! `vmdhcp manager`: the controller of a cluster.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, RangedI64ValueParser};
use clap::{ArgAction, Args, ValueEnum};
use k8s_openapi::api::core::v1::ResourceRequirements;
use vmdhcp_core::network::is_dns_subdomain;
use vmdhcp_daemons::manager::daemon::{self as manager, Election, ManagerDaemonOptions};
use vmdhcp_daemons::manager::{self as managing, AgentDeployments, Placement};
use vmdhcp_daemons::runtime::leader_election::{self, Durations};

use crate::args::Connection;
use crate::daemon::{self, Logging};
use crate::duration;
use crate::failure::Failure;

/// The image of this version, as `make` names it.
const IMAGE: &str = concat!("vmdhcp:", env!("CARGO_PKG_VERSION"));

/// Allocate the addresses of a cluster, and run an agent for each of its pools
///
/// Of several replicas one leads and works; the others stand by, and take over when it ends. The leader first applies
/// the definitions of both kinds, so that a newer version brings its own.
///
/// It does what its kubeconfig, or the service account of its Pod, may do; docs/cluster.md lists what that has to be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp manager --no-agent
  vmdhcp manager -n harvester-system --image registry.lab:5000/vmdhcp:v1 --service-account-name vm-dhcp-agent")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(crate) struct Manager {
    /// Its name in its log, and that of the release that it belongs to
    #[arg(
        long,
        value_name = "NAME",
        default_value = "vmdhcp-manager",
        env = "VM_DHCP_CONTROLLER_NAME",
        hide_env_values = true
    )]
    name: String,
    /// Where probes and metrics are shown (plain HTTP)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Which VM networks are given a pool of their own
    #[arg(long, value_enum, value_name = "WHICH", default_value = "annotated")]
    auto_pool: AutoPool,
    /// Leave the definitions of the kinds as they are, because they come by other means
    #[arg(long)]
    no_crds: bool,
    /// Show pools and leases under /ipams and /caches too
    #[arg(long)]
    enable_cache_dump_api: bool,
    /// Log more, as -v does
    #[arg(long, action = ArgAction::SetTrue, value_parser = daemon::switch, env = "VM_DHCP_CONTROLLER_DEBUG", hide_env_values = true)]
    debug: bool,
    /// Log everything, as -vv does
    #[arg(long, action = ArgAction::SetTrue, value_parser = daemon::switch, env = "VM_DHCP_CONTROLLER_TRACE", hide_env_values = true)]
    trace: bool,
    /// How it logs.
    #[command(flatten)]
    logging: Logging,
    /// How agents are deployed.
    #[command(flatten)]
    agents: Agents,
    /// Who leads.
    #[command(flatten)]
    leading: Leading,
}

/// Which VM networks are given a pool of their own.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AutoPool {
    /// Those that ask for it by an annotation
    Annotated,
    /// All of which a subnet is known
    All,
    /// None
    Off,
}

/// How agents are deployed: in the namespace of -n, $AGENT_NAMESPACE, or that of the connection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Agents")]
struct Agents {
    /// Run no agents: somebody else sees to them
    #[arg(long)]
    no_agent: bool,
    /// Let agents do everything but answer
    #[arg(long)]
    no_dhcp: bool,
    /// Image of the agents
    #[arg(long, value_name = "IMAGE", default_value = IMAGE, env = "AGENT_IMAGE", hide_env_values = true, value_parser = managing::image_reference)]
    image: String,
    /// Service account of the agents
    #[arg(long, value_name = "NAME", default_value = "default", env = "AGENT_SERVICE_ACCOUNT_NAME", hide_env_values = true, value_parser = object_name)]
    service_account_name: String,
    /// Agents of a pool that does not say how many it wants
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = RangedI64ValueParser::<i32>::new().range(1..=16))]
    agent_replicas: i32,
    /// When nodes pull the image [default: as the cluster has it]
    #[arg(long, value_name = "POLICY", value_parser = PossibleValuesParser::new(["Always", "IfNotPresent", "Never"]))]
    agent_image_pull_policy: Option<String>,
    /// Secret in the agents' namespace that the image is pulled with (may be repeated)
    #[arg(long = "agent-image-pull-secret", value_name = "NAME", value_parser = object_name)]
    agent_image_pull_secrets: Vec<String>,
    /// What an agent asks of its node, as JSON or YAML of a container's `resources`
    #[arg(long, value_name = "RESOURCES", default_value = "requests: {cpu: 10m, memory: 32Mi}", value_parser = resources)]
    agent_resources: ResourceRequirements,
}

/// Who leads: the holder of the Lease vm-dhcp-controllers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Leader election")]
struct Leading {
    /// Work at once: this is the only replica, and no other manager runs
    #[arg(long)]
    no_leader_election: bool,
    /// Namespace of the Lease
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system", value_parser = object_name)]
    leader_election_namespace: String,
    /// How long a lead is waited for that is not renewed
    #[arg(long, value_name = "TIME", default_value = "45s", value_parser = length_of_time)]
    lease_duration: Duration,
    /// After which time without a renewal a leader ceases
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = length_of_time)]
    renew_deadline: Duration,
    /// How often a lead is renewed, or asked for
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = length_of_time)]
    retry_period: Duration,
}

impl Manager {
    /// Works until a signal asks it to end, or the lead is lost.
    pub(crate) fn run(self, connection: &Connection) -> Result<(), Failure> {
        let Self {
            name,
            listen,
            auto_pool,
            no_crds,
            enable_cache_dump_api: show_caches,
            debug,
            trace,
            logging,
            agents,
            leading,
        } = self;
        logging.start(daemon::verbosity(connection, debug, trace))?;
        let election = leading.election()?;
        daemon::run(async |shutdown| {
            let cluster = daemon::connect(connection, "manager").await?;
            let namespace = connection.namespace.clone().or_else(|| daemon::variable("AGENT_NAMESPACE"));
            let namespace = namespace.unwrap_or(cluster.namespace);
            tracing::info!(name, "manager starts");
            let options = ManagerDaemonOptions {
                name,
                placement: agents.placement(namespace.clone()),
                namespace,
                auto_pool: auto_pool.into(),
                election,
                apply_kinds: !no_crds,
                listen,
                show_caches,
            };
            Ok(Box::pin(manager::run(cluster.client, options, shutdown)).await?)
        })
    }
}

impl Agents {
    fn placement(self, namespace: String) -> Placement {
        let Self {
            no_agent,
            no_dhcp: dry_run,
            image,
            service_account_name,
            agent_replicas: replicas,
            agent_image_pull_policy,
            agent_image_pull_secrets: image_pull_secrets,
            agent_resources: resources,
        } = self;
        if no_agent {
            return Placement::Elsewhere;
        }
        Placement::Deployments(AgentDeployments {
            namespace,
            image,
            image_pull_policy: agent_image_pull_policy.unwrap_or_default(),
            image_pull_secrets,
            service_account_name,
            replicas,
            resources,
            dry_run,
        })
    }
}

impl Leading {
    fn election(self) -> Result<Option<Election>, Failure> {
        let Self {
            no_leader_election,
            leader_election_namespace: namespace,
            lease_duration,
            renew_deadline,
            retry_period,
        } = self;
        if no_leader_election {
            return Ok(None);
        }
        let durations = Durations::new(lease_duration, renew_deadline, retry_period)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let identity = leader_election::identity()
            .map_err(|source| Failure::Io { doing: "read the host's name", source })?;
        Ok(Some(Election { namespace, identity, durations }))
    }
}

impl From<AutoPool> for managing::AutoPool {
    fn from(which: AutoPool) -> Self {
        match which {
            AutoPool::Annotated => Self::Annotated,
            AutoPool::All => Self::All,
            AutoPool::Off => Self::Off,
        }
    }
}

fn object_name(text: &str) -> Result<String, String> {
    if is_dns_subdomain(text, 253) {
        return Ok(text.to_owned());
    }
    Err("a name has lower-case letters, digits, '-' and '.', 253 at most".to_owned())
}

fn length_of_time(text: &str) -> Result<Duration, String> {
    let seconds = duration::parse_seconds(text)?;
    u64::try_from(seconds).map(Duration::from_secs).map_err(|_| "cannot be negative".to_owned())
}

/// YAML is a superset of JSON. A misspelt field would be a request that nobody heeds.
fn resources(text: &str) -> Result<ResourceRequirements, String> {
    let mut unknown = Vec::new();
    let document = serde_yaml::Deserializer::from_str(text);
    let resources = serde_ignored::deserialize(document, |path| unknown.push(path.to_string()));
    let resources = resources.map_err(|error: serde_yaml::Error| error.to_string())?;
    match unknown.first() {
        None => Ok(resources),
        Some(field) => {
            Err(format!("{field} is no field of a container's resources; they are requests and limits"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_ask_of_a_node_is_read_as_kubernetes_writes_it() {
        let read = resources("requests: {cpu: 50m, memory: 64Mi}\nlimits: {memory: 1Gi}").unwrap();
        assert_eq!(read.requests.unwrap()["cpu"].0, "50m");
        assert_eq!(read.limits.unwrap()["memory"].0, "1Gi");
        let misspelt = resources(r#"{"request": {"cpu": "50m"}}"#).unwrap_err();
        assert!(misspelt.contains("request is no field"), "{misspelt}");
        assert!(resources("- cpu").is_err());
    }
}
