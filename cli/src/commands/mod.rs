//! One file a command; here is only the list of them.

mod agent;
mod agent_init;
mod apply;
mod completions;
mod crd;
mod delete;
mod demo;
mod lease;
mod man;
mod manager;
mod pool;
mod standalone;
mod version;

use clap::Subcommand;

use crate::args::Connection;
use crate::context::Session;
use crate::failure::Failure;
use crate::output::Output;

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Apply(apply::Apply),
    /// Delete what files declare
    Delete(delete::Delete),
    /// Pools: the addresses of VM networks
    #[command(subcommand)]
    Pool(Box<pool::Pool>),
    /// Leases: who has which address, and why not
    #[command(subcommand)]
    Lease(lease::Lease),
    Manager(Box<manager::Manager>),
    Agent(agent::Agent),
    AgentInit(agent_init::AgentInit),
    Standalone(standalone::Standalone),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(man::Man),
    Crd(crd::Crd),
    Version(version::Version),
}

impl Command {
    /// Does it. Those that need the API connect first.
    pub(crate) fn run(self, connection: &Connection, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Apply(command) => {
                on_api(connection, async |session| command.run(session, connection, output).await)
            }
            Self::Delete(command) => {
                on_api(connection, async |session| command.run(session, connection, output).await)
            }
            Self::Pool(command) => on_api(connection, async |session| command.run(session, output).await),
            Self::Lease(command) => on_api(connection, async |session| command.run(session, output).await),
            Self::Manager(command) => command.run(connection),
            Self::Agent(command) => command.run(connection),
            Self::AgentInit(command) => command.run(connection),
            Self::Standalone(command) => command.run(connection),
            Self::Demo(command) => command.run(output),
            Self::Completions(command) => command.run(output),
            Self::Man(command) => command.run(output),
            Self::Crd(command) => command.run(output),
            Self::Version(command) => command.run(output),
        }
    }
}

/// Runs a command that asks the API, on one thread: it waits far more than it works.
fn on_api(
    connection: &Connection,
    command: impl AsyncFnOnce(&Session) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let level = match connection.verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    if connection.verbose > 0 {
        vmdhcp_daemons::runtime::logs::init(vmdhcp_daemons::runtime::logs::LogFormat::Text, level)
            .map_err(|e| Failure::Usage(e.to_string()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::Io { doing: "start", source })?;
    runtime.block_on(async { command(&Session::open(connection).await?).await })
}

#[cfg(test)]
mod tests;
