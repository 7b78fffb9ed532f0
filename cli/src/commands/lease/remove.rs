//! `vmdhcp lease remove`: reservations go, and retiring addresses are given free.

use std::net::Ipv4Addr;

use clap::Args;
use kube::ResourceExt;
use vmdhcp_core::admission::{Change, admit_pool};
use vmdhcp_core::api::{IPPool, REUSE_ANNOTATION, VirtualMachineNetworkConfig};
use vmdhcp_core::ipam::Allocations;

use super::subject::{Place, Subject};
use crate::args::{Changing, Printing};
use crate::context::Session;
use crate::failure::Failure;
use crate::leases::leases;
use crate::objects::{self, Outcome, list_visible, read_all};
use crate::output::Output;
use crate::snapshot::Snapshot;
use crate::wait;

/// Remove a reservation, or give a retiring address free
///
/// Removes the reservation of a MAC or of an address. The lease of a VM is not removed here: it goes with the VM, or
/// with its VirtualMachineNetworkConfig.
///
/// An address that has left its card retires before another card gets it, because a guest may still be using it. With
/// --force you declare that none is: the address may then be given out at once. If you are wrong, two guests will have
/// one address.
#[derive(Debug, Args)]
#[command(
    visible_alias = "rm",
    after_help = "Examples:
  vmdhcp lease remove net-48 fa:cf:8e:50:82:fc
  vmdhcp lease remove net-48 192.168.48.85 --force"
)]
pub(crate) struct Remove {
    /// Name of the pool
    pool: String,
    /// MAC or address of the lease
    #[arg(value_name = "MAC|ADDRESS")]
    place: Place,
    /// Declare that no guest uses the retiring address any more
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
}

impl Remove {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { pool: name, place, force, changing, printing } = self;
        let edit = |pool: &mut IPPool| {
            let old = pool.clone();
            let reserved = remove_reservation(pool, place);
            let retiring = if force { retiring_address(pool, place) } else { None };
            if let Some(address) = retiring {
                declare_free(pool, address);
            }
            if !reserved && retiring.is_none() {
                return Err(nothing_there(&old, place, force));
            }
            admit_pool(&Change::Update { old: &old, new: pool }, &Snapshot::default()).map_err(Failure::from)
        };
        let edited = objects::edit(session, &session.namespace, &name, changing.dry_run, edit).await;
        let (pool, outcome) = match edited {
            Err(failure @ Failure::NotFound { .. }) => {
                return Err(explain(session, &name, place).await?.unwrap_or(failure));
            }
            result => result?,
        };
        let done = match (outcome, force) {
            (Outcome::Unchanged, _) => "unchanged".to_owned(),
            (_, true) => format!("gives {place} free"),
            (_, false) => format!("no longer reserves {place}"),
        };
        objects::report::<IPPool>(output, printing.output, &pool, &done, changing.dry_run)?;
        if changing.wait {
            output.flush()?;
            let api = objects::api_in::<IPPool>(session, &session.namespace);
            wait::settled::<IPPool>(api, &name, changing.timeout).await?;
        }
        Ok(())
    }
}

fn remove_reservation(pool: &mut IPPool, place: Place) -> bool {
    let Some(config) = &mut pool.spec.ipv4_config else { return false };
    let before = config.reservations.len();
    config.reservations.retain(|reservation| match place {
        Place::Mac(mac) => reservation.mac_address.parse() != Ok(mac),
        Place::Address(address) => {
            reservation.ip_address.as_deref().is_none_or(|text| text.trim().parse() != Ok(address))
        }
    });
    config.reservations.len() < before
}

fn retiring_address(pool: &IPPool, place: Place) -> Option<Ipv4Addr> {
    let status = pool.status.as_ref()?.ipv4.as_ref()?;
    let retiring = Allocations::read(status).retiring;
    match place {
        Place::Address(address) => retiring.contains_key(&address).then_some(address),
        Place::Mac(mac) => retiring.iter().find(|(_, r)| r.mac == mac).map(|(address, _)| *address),
    }
}

/// Adds the address to those that the manager is told to give free.
fn declare_free(pool: &mut IPPool, address: Ipv4Addr) {
    let list = pool.annotations_mut().entry(REUSE_ANNOTATION.to_owned()).or_default();
    let known = list.split(',').any(|item| item.trim().parse() == Ok(address));
    if !known {
        let separator = if list.trim().is_empty() { "" } else { "," };
        *list = format!("{}{separator}{address}", list.trim());
    }
}

fn nothing_there(pool: &IPPool, place: Place, force: bool) -> Failure {
    let retires = retiring_address(pool, place).is_some();
    Failure::NotFound {
        what: format!(
            "pool {} has no reservation for {place}{}",
            pool.name_any(),
            if force { ", and it does not retire" } else { "" }
        ),
        hint: if retires {
            "the address retires; if no guest uses it any more, add --force to give it free".into()
        } else {
            "see `vmdhcp lease list`".into()
        },
    }
}

/// Says whose lease it is, where it is a VM's and cannot be removed here.
async fn explain(session: &Session, pool: &str, place: Place) -> Result<Option<Failure>, Failure> {
    let Some(stored) = objects::find::<IPPool>(session, &session.namespace, pool).await? else {
        return Ok(None);
    };
    let pools: Vec<IPPool> = read_all(&[stored]);
    let claims: Vec<VirtualMachineNetworkConfig> =
        read_all(&list_visible::<VirtualMachineNetworkConfig>(session).await?);
    let is_it = |lease: &crate::leases::Lease| {
        lease.pool.is_some() && lease.claim.is_some() && Subject::Place(place).is_of(lease, None)
    };
    let lease = leases(&pools, &claims).into_iter().find(is_it);
    Ok(lease.and_then(|lease| Some((lease.vm?, lease.claim?))).map(|(vm, claim)| Failure::NotFound {
        what: format!("{place} is not reserved: it is the lease of VM {}/{}", vm.namespace, vm.name),
        hint: format!(
            "it ends with the VM, or with VirtualMachineNetworkConfig {}/{}",
            claim.namespace, claim.name
        ),
    }))
}
