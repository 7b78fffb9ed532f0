//! `vmdhcp delete`: the counterpart of `apply`.

use std::path::PathBuf;

use clap::Args;
use kube::ResourceExt;
use kube::api::DynamicObject;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::args::{Changing, Connection};
use crate::context::Session;
use crate::failure::Failure;
use crate::manifest::{self, Namespace, Object};
use crate::objects::{self, Kind, kubectl_name};
use crate::output::Output;
use crate::wait;

/// Delete what files declare
///
/// Only the names in the files count. Claims go first, then the pools that served them. A VM whose claim is deleted
/// loses its address; it gets the same one again if it is declared anew before another VM needs it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp delete -f claims.yaml
  vmdhcp delete -f pool.yaml -f claims.yaml --wait")]
pub(crate) struct Delete {
    /// YAML or JSON, several documents or a List; - is standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Do not mind an object that does not exist
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Delete {
    /// Does it.
    pub(crate) async fn run(
        self,
        session: &Session,
        connection: &Connection,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let Self { files, ignore_not_found, changing } = self;
        let texts = files.iter().map(|file| manifest::read_file(file)).collect::<Result<Vec<_>, _>>()?;
        let namespace = Namespace { name: &session.namespace, required: connection.namespace.is_some() };
        let (mut pools, mut claims) = (Vec::new(), Vec::new());
        for declared in manifest::parse(&texts, namespace)? {
            match declared.object {
                Object::Pool(pool) => pools.extend(stored(session, &*pool, ignore_not_found).await?),
                Object::Claim(claim) => claims.extend(stored(session, &*claim, ignore_not_found).await?),
            }
        }
        delete::<VirtualMachineNetworkConfig>(session, &claims, changing, output).await?;
        if changing.dry_run && !claims.is_empty() {
            // The API would refuse: for it the claims, which would be gone by then, are still there.
            for pool in &pools {
                let name = kubectl_name::<IPPool>(&pool.name_any());
                output.line(format_args!("{name} deleted (dry run)"))?;
            }
            return Ok(());
        }
        delete::<IPPool>(session, &pools, changing, output).await
    }
}

/// The stored object of that name.
async fn stored<K: Kind>(
    session: &Session,
    declared: &K,
    ignore_not_found: bool,
) -> Result<Option<DynamicObject>, Failure> {
    let (namespace, name) = (declared.namespace().unwrap_or_default(), declared.name_any());
    match objects::find::<K>(session, &namespace, &name).await? {
        None if !ignore_not_found => Err(objects::absent::<K>(&namespace, &name)),
        found => Ok(found),
    }
}

async fn delete<K: Kind>(
    session: &Session,
    stored: &[DynamicObject],
    changing: Changing,
    output: &mut Output,
) -> Result<(), Failure> {
    for object in stored {
        objects::delete::<K>(session, object, changing.dry_run).await?;
        let suffix = if changing.dry_run { " (server dry run)" } else { "" };
        output.line(format_args!("{} deleted{suffix}", kubectl_name::<K>(&object.name_any())))?;
    }
    if changing.wait {
        output.flush()?;
        for object in stored {
            let api = objects::api_in::<K>(session, &object.namespace().unwrap_or_default());
            wait::gone::<K>(api, &object.name_any(), object.uid(), changing.timeout).await?;
        }
    }
    Ok(())
}
