//! `vmdhcp pool`: one file a command.

mod create;
mod delete;
mod fields;
mod list;
mod pause;
mod set;
mod show;

use clap::Subcommand;

use crate::context::Session;
use crate::failure::Failure;
use crate::output::Output;

/// Commands for pools.
#[derive(Debug, Subcommand)]
pub(crate) enum Pool {
    /// Create a pool; on a terminal, asks for what is missing
    Create(create::Create),
    /// List pools
    List(list::List),
    /// Show all that is known of a pool
    Show(show::Show),
    /// Change fields of a pool
    Set(set::Set),
    /// Take pools out of service; their addresses stay
    Pause(pause::Pause),
    /// Put paused pools back into service
    Resume(pause::Resume),
    /// Delete pools that no VM uses
    Delete(delete::Delete),
}

impl Pool {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run(session, output).await,
            Self::List(command) => command.run(session, output).await,
            Self::Show(command) => command.run(session, output).await,
            Self::Set(command) => command.run(session, output).await,
            Self::Pause(command) => command.run(session, output).await,
            Self::Resume(command) => command.run(session, output).await,
            Self::Delete(command) => command.run(session, output).await,
        }
    }
}
