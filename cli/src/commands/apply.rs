//! `vmdhcp apply`: everything is checked before the first object is stored.

use std::path::PathBuf;

use clap::Args;
use kube::ResourceExt;
use kube::api::DynamicObject;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::{Cause, Change, admit_claim, admit_pool, declared_cards};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_core::pool::defaults;

use crate::args::{Changing, Connection, Printing};
use crate::context::Session;
use crate::failure::Failure;
use crate::manifest::{self, Declared, Namespace, Object, Origin};
use crate::objects::{self, Kind, Outcome};
use crate::output::{Format, Output};
use crate::snapshot::Snapshot;
use crate::wait::{self, Settles};

/// Declare pools and claims from files
///
/// Creates the objects that are not there and changes those that are. All objects of all files are checked first, by
/// vmdhcp and by the API: if one is refused, none is stored.
///
/// A file is the whole truth of a spec: a field that is not in it is removed. Two things stay: fields that this version
/// does not know, and the defaults that were chosen for an omitted serverIP, start and end. Labels and annotations are
/// added and changed, never removed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp apply -f pool.yaml -f claims.yaml
  vmdhcp pool show net-48 -o yaml | sed 's/leaseTime: .*/leaseTime: 3600/' | vmdhcp apply -f -")]
pub(crate) struct Apply {
    /// YAML or JSON, several documents or a List; - is standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
}

impl Apply {
    /// Does it.
    pub(crate) async fn run(
        self,
        session: &Session,
        connection: &Connection,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let Self { files, changing, printing } = self;
        let texts = files.iter().map(|file| manifest::read_file(file)).collect::<Result<Vec<_>, _>>()?;
        let namespace = Namespace { name: &session.namespace, required: connection.namespace.is_some() };
        let declared = manifest::parse(&texts, namespace)?;
        let steps = plan(session, declared).await?;
        rehearse(session, &steps).await?;
        let mut done = Vec::new();
        for step in &steps {
            let (object, outcome) = step.store(session, changing.dry_run).await?;
            match printing.output {
                Some(format) if format.structured().is_some() => done.push(object),
                format => step.report(output, format, &object, outcome, changing.dry_run)?,
            }
        }
        if let Some(format) = printing.output {
            objects::print(output, format, &done)?;
        }
        if changing.wait {
            output.flush()?;
            for step in &steps {
                step.settle(session, changing.timeout).await?;
            }
        }
        Ok(())
    }
}

/// Finds out what has to be done, and refuses the whole if a part breaks a rule. Each object is judged as if all the
/// others were stored already.
async fn plan(session: &Session, declared: Vec<Declared>) -> Result<Vec<Step>, Failure> {
    let mut snapshot = Snapshot::read(session).await?;
    let mut steps = Vec::new();
    for Declared { origin, object } in declared {
        steps.push(match object {
            Object::Pool(pool) => {
                let planned = Planned::new(session, origin, *pool, complete_pool).await?;
                snapshot.put_pool(planned.new.clone());
                Step::Pool(Box::new(planned))
            }
            Object::Claim(claim) => {
                let planned = Planned::new(session, origin, *claim, |_, _| ()).await?;
                snapshot.put_claim(planned.new.clone());
                Step::Claim(Box::new(planned))
            }
        });
    }
    let mut causes = Vec::new();
    for step in &steps {
        let (origin, verdict) = match step {
            Step::Pool(planned) => (&planned.origin, admit_pool(&planned.change(), &snapshot)),
            Step::Claim(planned) => (&planned.origin, admit_claim(&planned.change(), &snapshot)),
        };
        let Err(refusal) = verdict else { continue };
        let sentence =
            |cause: &Cause| format!("{origin}: {}: {}: {}", refusal.object, cause.field, cause.message);
        causes.extend(refusal.causes.iter().map(sentence));
    }
    if causes.is_empty() { Ok(steps) } else { Err(Failure::Refused { subject: "the input".into(), causes }) }
}

/// Lets the API check every change before the first is stored: it may know rules that we do not.
///
/// Only a claim whose pool changes in the same input is left out: the API would judge it by the pool as it was.
async fn rehearse(session: &Session, steps: &[Step]) -> Result<(), Failure> {
    let changing: Vec<&Step> = steps.iter().filter(|step| step.is_change()).collect();
    if changing.len() < 2 {
        return Ok(());
    }
    let pools: Vec<NetworkName> = changing.iter().filter_map(|step| step.serves()).collect();
    for step in changing {
        if !step.networks().iter().any(|network| pools.contains(network)) {
            step.store(session, true).await?;
        }
    }
    Ok(())
}

/// A pool takes over what was chosen for it when it was created, and gets what is still to choose.
fn complete_pool(new: &mut IPPool, old: Option<&IPPool>) {
    let before = old.and_then(|old| old.spec.ipv4_config.as_ref());
    if let (Some(config), Some(before)) = (&mut new.spec.ipv4_config, before) {
        if config.server_ip.is_none() {
            config.server_ip.clone_from(&before.server_ip);
        }
        let range = &mut config.pool;
        if range.start.is_none() && range.end.is_none() && range.ranges.is_empty() {
            range.start.clone_from(&before.pool.start);
            range.end.clone_from(&before.pool.end);
        }
    }
    defaults::apply(&mut new.spec);
}

/// What has to be done for one declared object.
enum Step {
    Pool(Box<Planned<IPPool>>),
    Claim(Box<Planned<VirtualMachineNetworkConfig>>),
}

impl Step {
    fn is_change(&self) -> bool {
        match self {
            Self::Pool(planned) => planned.is_change(),
            Self::Claim(planned) => planned.is_change(),
        }
    }

    /// The network of a pool.
    fn serves(&self) -> Option<NetworkName> {
        let Self::Pool(planned) = self else { return None };
        let namespace = planned.new.namespace().unwrap_or_default();
        NetworkName::parse(&planned.new.spec.network_name, &namespace).ok()
    }

    /// The networks of a claim.
    fn networks(&self) -> Vec<NetworkName> {
        let Self::Claim(planned) = self else { return Vec::new() };
        declared_cards(&planned.new).into_iter().flatten().map(|card| card.network).collect()
    }

    async fn store(&self, session: &Session, dry_run: bool) -> Result<(DynamicObject, Outcome), Failure> {
        match self {
            Self::Pool(planned) => planned.store(session, dry_run).await,
            Self::Claim(planned) => planned.store(session, dry_run).await,
        }
    }

    fn report(
        &self,
        output: &mut Output,
        format: Option<Format>,
        object: &DynamicObject,
        outcome: Outcome,
        dry_run: bool,
    ) -> Result<(), Failure> {
        match self {
            Self::Pool(_) => objects::report::<IPPool>(output, format, object, outcome.word(), dry_run),
            Self::Claim(_) => objects::report::<VirtualMachineNetworkConfig>(
                output,
                format,
                object,
                outcome.word(),
                dry_run,
            ),
        }
    }

    async fn settle(&self, session: &Session, seconds: u64) -> Result<(), Failure> {
        match self {
            Self::Pool(planned) => planned.settle(session, seconds).await,
            Self::Claim(planned) => planned.settle(session, seconds).await,
        }
    }
}

/// A declared object beside the stored one.
struct Planned<K> {
    origin: Origin,
    /// As it is stored.
    old: Option<(DynamicObject, K)>,
    /// As it shall be.
    new: K,
}

impl<K: Settles> Planned<K> {
    async fn new(
        session: &Session,
        origin: Origin,
        declared: K,
        complete: fn(&mut K, Option<&K>),
    ) -> Result<Self, Failure> {
        let (namespace, name) = (declared.namespace().unwrap_or_default(), declared.name_any());
        let Some(stored) = objects::find::<K>(session, &namespace, &name).await? else {
            let mut new = declared;
            complete(&mut new, None);
            return Ok(Self { origin, old: None, new });
        };
        // A version in the manifest says: only if nobody has changed it since.
        let version = &declared.meta().resource_version;
        if version.is_some() && *version != stored.metadata.resource_version {
            return Err(Failure::Conflict {
                what: format!(
                    "{origin}: {} has changed since the manifest was read from it",
                    objects::title::<K>(&namespace, &name)
                ),
                hint: "read it again, or leave metadata.resourceVersion out".into(),
            });
        }
        let old: K = objects::read(&stored)?;
        let mut new = over(&old, &declared);
        complete(&mut new, Some(&old));
        Ok(Self { origin, old: Some((stored, old)), new })
    }

    fn change(&self) -> Change<'_, K> {
        match &self.old {
            None => Change::Create(&self.new),
            Some((_, old)) => Change::Update { old, new: &self.new },
        }
    }

    fn is_change(&self) -> bool {
        self.old
            .as_ref()
            .is_none_or(|(stored, _)| objects::patch_to(stored, &self.new).is_ok_and(|patch| patch.is_some()))
    }

    async fn store(&self, session: &Session, dry_run: bool) -> Result<(DynamicObject, Outcome), Failure> {
        let Some((stored, _)) = &self.old else {
            let created = objects::create(session, &self.new, dry_run).await?;
            return Ok((created, Outcome::Created));
        };
        let Some(patch) = objects::patch_to(stored, &self.new)? else {
            return Ok((stored.clone(), Outcome::Unchanged));
        };
        match objects::patch::<K>(session, stored, patch, dry_run).await {
            // Mostly its status was written meanwhile, which is no reason to bother anybody.
            Err(failure) if failure.is_stale() && self.new.meta().resource_version.is_none() => {
                let (namespace, name) = (self.new.namespace().unwrap_or_default(), self.new.name_any());
                let redo = |object: &mut K| {
                    *object = over(object, &self.new);
                    Ok(())
                };
                objects::edit(session, &namespace, &name, dry_run, redo).await
            }
            result => result.map(|object| (object, Outcome::Configured)),
        }
    }

    async fn settle(&self, session: &Session, seconds: u64) -> Result<(), Failure> {
        let namespace = self.new.namespace().unwrap_or_default();
        wait::settled::<K>(objects::api_in::<K>(session, &namespace), &self.new.name_any(), seconds).await
    }
}

/// The stored object with the declared spec, and the declared labels and annotations added to its own.
fn over<K: Kind>(old: &K, declared: &K) -> K {
    let mut new = old.clone();
    new.declare(declared.spec().clone());
    new.labels_mut().extend(declared.labels().clone());
    new.annotations_mut().extend(declared.annotations().clone());
    new
}
