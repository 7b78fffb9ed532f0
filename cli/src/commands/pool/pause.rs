//! `vmdhcp pool pause` and `vmdhcp pool resume`.

use clap::Args;
use vmdhcp_core::api::IPPool;

use crate::args::{Changing, Printing};
use crate::context::Session;
use crate::failure::Failure;
use crate::objects::{self, Outcome};
use crate::output::Output;
use crate::wait;

/// Take pools out of service; their addresses stay
///
/// The agents of a paused pool stop answering. VMs keep what they have until their leases run out.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    pools: Pools,
}

/// Put paused pools back into service
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    pools: Pools,
}

#[derive(Debug, Args)]
struct Pools {
    /// Names of the pools
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
}

impl Pause {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        self.pools.set_paused(true, session, output).await
    }
}

impl Resume {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        self.pools.set_paused(false, session, output).await
    }
}

impl Pools {
    async fn set_paused(self, paused: bool, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { names, changing, printing } = self;
        for name in &names {
            let edit = |pool: &mut IPPool| {
                // Absent means the same as false: no need to write it.
                if pool.spec.paused.unwrap_or_default() != paused {
                    pool.spec.paused = paused.then_some(true);
                }
                Ok(())
            };
            let edited = objects::edit(session, &session.namespace, name, changing.dry_run, edit).await?;
            let done = match edited.1 {
                Outcome::Unchanged => "unchanged",
                _ if paused => "paused",
                _ => "resumed",
            };
            objects::report::<IPPool>(output, printing.output, &edited.0, done, changing.dry_run)?;
        }
        if changing.wait {
            output.flush()?;
            for name in &names {
                let api = objects::api_in::<IPPool>(session, &session.namespace);
                wait::settled::<IPPool>(api, name, changing.timeout).await?;
            }
        }
        Ok(())
    }
}
