//! `vmdhcp lease`: one file a command.

mod add;
mod inspect;
mod list;
mod remove;
mod subject;
mod watch;

use clap::Subcommand;

use crate::context::Session;
use crate::failure::Failure;
use crate::output::Output;

/// Commands for leases.
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    List(list::List),
    Inspect(inspect::Inspect),
    Watch(watch::Watch),
    Add(add::Add),
    Remove(remove::Remove),
}

impl Lease {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session, output).await,
            Self::Inspect(command) => command.run(session, output).await,
            Self::Watch(command) => command.run(session, output).await,
            Self::Add(command) => command.run(session, output).await,
            Self::Remove(command) => command.run(session, output).await,
        }
    }
}
