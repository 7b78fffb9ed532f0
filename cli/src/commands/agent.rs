//! `vmdhcp agent`: the DHCP server of one pool, as it runs in a Pod.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{ArgAction, Args};
use vmdhcp_core::network::is_dns_subdomain;
use vmdhcp_core::pool::PoolRef;
use vmdhcp_daemons::agent::AgentConfig;
use vmdhcp_daemons::agent::daemon::{self as agent, AgentDaemonOptions, Listen};

use crate::args::Connection;
use crate::daemon::{self, Logging};
use crate::failure::Failure;

/// Port of probes, metrics and clients.
const PORT: u16 = 8080;

/// Answer DHCP for one pool of a cluster on one interface
///
/// The manager starts one for each pool, in a Pod whose second interface is on the pool's network. It gives addresses
/// to the cards that the pool names, and goes on while the API cannot be reached; with --snapshot also when it is
/// started meanwhile.
///
/// It needs the right to open packet sockets (CAP_NET_RAW). The interface is put in order before, by `vmdhcp
/// agent-init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp agent --ippool-ref default/net-48
  vmdhcp agent --ippool-ref default/net-48 --nic br48 --listen 127.0.0.1:8080 --kubeconfig lab.yaml")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(crate) struct Agent {
    /// Its name, and that of the Lease in which it reports [default: the host's name]
    ///
    /// The Lease is made by the manager; its namespace is -n, $POD_NAMESPACE, or that of the Pod.
    #[arg(long, value_name = "NAME", env = "VM_DHCP_AGENT_NAME", hide_env_values = true)]
    name: Option<String>,
    /// The pool that it serves
    #[arg(long, value_name = "NAMESPACE/NAME", env = "IPPOOL_REF", hide_env_values = true, value_parser = pool_ref)]
    ippool_ref: PoolRef,
    /// The interface that it serves the pool on
    #[arg(long, value_name = "INTERFACE", default_value = "eth1")]
    nic: String,
    /// Keep the leases in this file, to serve them when it starts while the API cannot be reached
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Where probes, metrics and clients are shown (plain HTTP) [default: port 8080 of $POD_IP, or of every address]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Do everything but answer: the network is left alone
    #[arg(long)]
    dry_run: bool,
    /// Show the leases under /leases too
    #[arg(long)]
    enable_cache_dump_api: bool,
    /// Log more, as -v does
    #[arg(long, action = ArgAction::SetTrue, value_parser = daemon::switch, env = "VM_DHCP_AGENT_DEBUG", hide_env_values = true)]
    debug: bool,
    /// Log everything, as -vv does
    #[arg(long, action = ArgAction::SetTrue, value_parser = daemon::switch, env = "VM_DHCP_AGENT_TRACE", hide_env_values = true)]
    trace: bool,
    /// How it logs.
    #[command(flatten)]
    logging: Logging,
}

impl Agent {
    /// Serves until a signal asks it to end.
    pub(crate) fn run(self, connection: &Connection) -> Result<(), Failure> {
        let Self {
            name,
            ippool_ref: pool,
            nic: interface,
            snapshot,
            listen,
            dry_run,
            enable_cache_dump_api: show_leases,
            debug,
            trace,
            logging,
        } = self;
        logging.start(daemon::verbosity(connection, debug, trace))?;
        let listen = match listen {
            Some(listen) => Listen::Anywhere(listen),
            None => default_listen(daemon::variable("POD_IP"))?,
        };
        let name = match name.filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => daemon::host_name()?,
        };
        daemon::run_behind_packets(async |shutdown| {
            let cluster = daemon::connect(connection, "agent").await?;
            let namespace = connection.namespace.clone().or_else(|| daemon::variable("POD_NAMESPACE"));
            let lease = Some((namespace.unwrap_or(cluster.namespace), name.clone()));
            let agent = AgentConfig { name, pool, interface, snapshot, lease, url: String::new(), dry_run };
            let options = AgentDaemonOptions { agent, listen, show_leases };
            Ok(Box::pin(agent::run(cluster.client, options, shutdown)).await?)
        })
    }
}

/// On the cluster's network alone, where the Pod's address there is known.
fn default_listen(pod_ip: Option<String>) -> Result<Listen, Failure> {
    let Some(text) = pod_ip else { return Ok(Listen::Anywhere((Ipv4Addr::UNSPECIFIED, PORT).into())) };
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(Listen::PodNetwork((address, PORT).into())),
        Err(_) => Err(Failure::Usage(format!("POD_IP is {text:?}, which is no address"))),
    }
}

fn pool_ref(text: &str) -> Result<PoolRef, String> {
    match text.split_once('/') {
        Some((namespace, name)) if is_dns_subdomain(namespace, 63) && is_dns_subdomain(name, 253) => {
            Ok(PoolRef { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        _ => Err("write NAMESPACE/NAME, for instance default/net-48".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_shown_on_the_pods_network_where_it_is_known() {
        let listen =
            |pod_ip: Option<&str>| default_listen(pod_ip.map(str::to_owned)).map_err(|e| e.to_string());
        assert_eq!(listen(None), Ok(Listen::Anywhere("0.0.0.0:8080".parse().unwrap())));
        assert_eq!(listen(Some("10.1.2.3")), Ok(Listen::PodNetwork("10.1.2.3:8080".parse().unwrap())));
        assert_eq!(listen(Some("fd00::3")), Ok(Listen::PodNetwork("[fd00::3]:8080".parse().unwrap())));
        assert_eq!(listen(Some("pod")).unwrap_err(), "POD_IP is \"pod\", which is no address");
    }
}
