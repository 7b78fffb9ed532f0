//! `vmdhcp lease`: one file a command.

mod add;
mod inspect;
mod list;
mod remove;
mod subject;

use clap::Subcommand;

use crate::context::Session;
use crate::failure::Failure;
use crate::output::Output;

/// Commands for leases.
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    /// List who has which address, and who waits for one
    List(list::List),
    /// Show all that is known of a card, an address or a VM, and why it has no address
    Inspect(inspect::Inspect),
    /// Reserve an address for a MAC: a static lease
    Add(add::Add),
    /// Remove a reservation, or give a retiring address free
    Remove(remove::Remove),
}

impl Lease {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session, output).await,
            Self::Inspect(command) => command.run(session, output).await,
            Self::Add(command) => command.run(session, output).await,
            Self::Remove(command) => command.run(session, output).await,
        }
    }
}
