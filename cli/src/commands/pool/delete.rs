//! `vmdhcp pool delete`.

use clap::Args;
use vmdhcp_core::admission::{Change, admit_pool};
use vmdhcp_core::api::{IPPool, IPv4Status};
use vmdhcp_core::ipam::Allocations;

use crate::args::Changing;
use crate::context::Session;
use crate::failure::Failure;
use crate::objects::{self, kubectl_name};
use crate::output::Output;
use crate::snapshot::Snapshot;
use crate::wait;

/// Delete pools that no VM uses
///
/// A pool that VMs use is not deleted; the message names them. Where addresses are still held without a VM (by
/// reservations, or because former users may still be on them), it asks first, if there is a terminal to ask on.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Names of the pools
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Delete {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { names, yes, changing } = self;
        let snapshot = Snapshot::read(session).await?;
        let mut pools = Vec::new();
        for name in &names {
            let stored = objects::get::<IPPool>(session, &session.namespace, name).await?;
            // One that cannot be understood has no users that could be found, and must be deletable all the same.
            if let Ok(pool) = objects::read::<IPPool>(&stored) {
                admit_pool(&Change::Delete(&pool), &snapshot)?;
                let held = pool.status.and_then(|status| status.ipv4).as_ref().and_then(still_held);
                if let (Some(held), Some(ask), false) = (held, &session.ask, yes || changing.dry_run)
                    && !ask.confirm(&format!("{name} still has {held}. Delete it?"))?
                {
                    return Err(Failure::Declined);
                }
            }
            pools.push(stored);
        }
        for (name, stored) in names.iter().zip(&pools) {
            objects::delete::<IPPool>(session, stored, changing.dry_run).await?;
            let suffix = if changing.dry_run { " (server dry run)" } else { "" };
            output.line(format_args!("{} deleted{suffix}", kubectl_name::<IPPool>(name)))?;
        }
        if changing.wait {
            output.flush()?;
            let api = objects::api_in::<IPPool>(session, &session.namespace);
            for (name, stored) in names.iter().zip(&pools) {
                let uid = stored.metadata.uid.clone();
                wait::gone::<IPPool>(api.clone(), name, uid, changing.timeout).await?;
            }
        }
        Ok(())
    }
}

/// What of a pool somebody may still be using although no claim says so.
fn still_held(status: &IPv4Status) -> Option<String> {
    let Allocations { held, retiring, .. } = Allocations::read(status);
    let count = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what} address")),
        _ => Some(format!("{count} {what} addresses")),
    };
    let parts: Vec<_> =
        [count(held.len(), "held"), count(retiring.len(), "retiring")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}
