//! `vmdhcp agent-init`: what is done before an agent starts, with a right that the agent need not have.

use clap::Args;
use vmdhcp_daemons::agent::init::prepare_interface;

use crate::args::Connection;
use crate::daemon::{self, Logging};
use crate::failure::Failure;

/// Put the interface of an agent in order, before the agent starts
///
/// The interface comes up, loses its addresses, and the kernel neither forwards what comes in by it nor answers ARP
/// there: nothing of the Pod but the agent is reached from the VM network. The manager runs it as the init container of
/// an agent.
///
/// It needs the right to set interfaces up (CAP_NET_ADMIN), and nothing else.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp agent-init --nic eth1")]
pub(crate) struct AgentInit {
    /// The interface
    #[arg(long, value_name = "INTERFACE", default_value = "eth1")]
    nic: String,
    /// How it logs.
    #[command(flatten)]
    logging: Logging,
}

impl AgentInit {
    /// Does it.
    pub(crate) fn run(self, connection: &Connection) -> Result<(), Failure> {
        let Self { nic, logging } = self;
        logging.start(connection.verbose)?;
        daemon::run(async |_| Ok(prepare_interface(&nic).await?))
    }
}
