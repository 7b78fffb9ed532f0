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
    Create(Box<create::Create>),
    List(list::List),
    Show(show::Show),
    Set(Box<set::Set>),
    Pause(pause::Pause),
    Resume(pause::Resume),
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
