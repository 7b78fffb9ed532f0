//! `vmdhcp standalone`: manager and agents of one machine, in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use vmdhcp_core::NetworkName;
use vmdhcp_daemons::cluster::{self, Target};
use vmdhcp_daemons::standalone::{self, StandaloneOptions};

use crate::args::Connection;
use crate::context;
use crate::daemon::{self, Logging};
use crate::failure::Failure;

/// Serve the pools of one file on this machine's interfaces
///
/// Everything in one process: it allocates addresses and answers DHCP, for each pool whose network is given an
/// interface with --nic. Other commands may change the same file meanwhile; changes are served at once.
///
/// It needs the right to open packet sockets (root, or CAP_NET_RAW; CAP_NET_ADMIN too where the machine forwards).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp --local=lab.db standalone --nic net-48=br48
  vmdhcp --local standalone --nic lab/net-48=br48 --nic lab/net-49=br49 --listen 127.0.0.1:8080")]
pub(crate) struct Standalone {
    /// Serve this VM network on this interface; the network as NAME or NAMESPACE/NAME
    #[arg(long = "nic", value_name = "NETWORK=INTERFACE", required = true)]
    nics: Vec<String>,
    /// Where probes, metrics and leases are shown (plain HTTP)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How it logs.
    #[command(flatten)]
    logging: Logging,
}

impl Standalone {
    /// Serves until a signal asks it to end.
    pub(crate) fn run(self, connection: &Connection) -> Result<(), Failure> {
        let Self { nics, listen, logging } = self;
        let Target::Local(file) = context::target(connection, std::env::var_os("VMDHCP_LOCAL"))? else {
            return Err(Failure::Usage(
                "standalone serves the pools of a file: name it with --local=FILE (on a cluster the manager starts the agents)".into(),
            ));
        };
        logging.start(connection.verbose)?;
        daemon::run(async |shutdown| {
            let opened = cluster::connect(&Target::Local(file.clone())).await?;
            let namespace = connection.namespace.clone().unwrap_or(opened.default_namespace);
            let Some(api) = opened.local else {
                return Err(Failure::Usage("standalone needs the API out of a file: --local=FILE".into()));
            };
            let interfaces = interfaces(&nics, &namespace)?;
            let mut snapshots = file.into_os_string();
            snapshots.push(".agents");
            let snapshots = PathBuf::from(snapshots);
            let options = StandaloneOptions { api, client: opened.client, interfaces, listen, snapshots };
            Ok(Box::pin(standalone::run(options, shutdown)).await?)
        })
    }
}

/// Reads `NETWORK=INTERFACE` pairs.
fn interfaces(nics: &[String], namespace: &str) -> Result<BTreeMap<NetworkName, String>, Failure> {
    let mut interfaces = BTreeMap::new();
    for pair in nics {
        let wrong = |why: &str| Failure::Usage(format!("--nic {pair}: {why}"));
        let Some((network, interface)) = pair.split_once('=').filter(|(_, interface)| !interface.is_empty())
        else {
            return Err(wrong("write NETWORK=INTERFACE, for instance net-48=br48"));
        };
        let network = NetworkName::parse(network, namespace).map_err(|error| wrong(&error.to_string()))?;
        if interfaces.insert(network, interface.to_owned()).is_some() {
            return Err(wrong("this network has an interface already; name each network once"));
        }
    }
    Ok(interfaces)
}
