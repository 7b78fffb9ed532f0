//! `vmdhcp lease add`: a static lease is a reservation in the pool's spec.

use std::net::Ipv4Addr;

use clap::Args;
use vmdhcp_core::MacAddr;
use vmdhcp_core::admission::{Change, admit_pool};
use vmdhcp_core::api::{IPPool, Reservation};
use vmdhcp_core::ipam::Allocations;

use crate::args::{Changing, Printing};
use crate::context::Session;
use crate::failure::Failure;
use crate::objects::{self, Outcome};
use crate::output::Output;
use crate::snapshot::Snapshot;
use crate::wait;

/// Reserve an address for a MAC: a static lease
///
/// The card is served whether or not a VM claims it, and nobody else gets the address. It may lie outside the ranges
/// of the pool. Without --ip the manager chooses one, and keeps it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp lease add net-48 fa:cf:8e:50:82:fc --ip 192.168.48.20 --hostname printer")]
pub(crate) struct Add {
    /// Name of the pool
    pool: String,
    /// MAC of the card
    #[arg(value_name = "MAC")]
    mac: MacAddr,
    /// The address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<Ipv4Addr>,
    /// Host name that the card is sent (option 12)
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
}

impl Add {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { pool: name, mac, ip, hostname, changing, printing } = self;
        let edit = |pool: &mut IPPool| {
            let old = pool.clone();
            let wanted = Reservation {
                mac_address: mac.to_string(),
                ip_address: ip.map(|address| address.to_string()),
                hostname: hostname.clone(),
                options: Vec::new(),
            };
            let reservations = &mut pool.spec.ipv4_config.get_or_insert_default().reservations;
            match reservations.iter().find(|r| r.mac_address.parse() == Ok(mac)) {
                Some(present) if is_same(present, &wanted) => return Ok(()),
                Some(present) => return Err(exists(&name, mac, present)),
                None => reservations.push(wanted),
            }
            admit_pool(&Change::Update { old: &old, new: pool }, &Snapshot::default()).map_err(Failure::from)
        };
        let (pool, outcome) =
            objects::edit(session, &session.namespace, &name, changing.dry_run, edit).await?;
        if let (Some(address), Some(holder)) = (ip, ip.and_then(|address| held_by_other(&pool, address, mac)))
        {
            output.say(format_args!(
                "note: {address} still belongs to {holder}; {mac} gets it once {holder} has given it up"
            ));
        }
        let done = match outcome {
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Created | Outcome::Configured => format!("reserves {} for {mac}", address_text(ip)),
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

fn address_text(address: Option<Ipv4Addr>) -> String {
    address.map_or_else(|| "an address".to_owned(), |address| address.to_string())
}

/// What was not asked for may be anything, so that `lease add` of what is there says so.
fn is_same(present: &Reservation, wanted: &Reservation) -> bool {
    let address =
        |r: &Reservation| r.ip_address.as_deref().and_then(|text| text.trim().parse::<Ipv4Addr>().ok());
    let same_or_any = |wanted: bool, same: bool| !wanted || same;
    same_or_any(wanted.ip_address.is_some(), address(present) == address(wanted))
        && same_or_any(wanted.hostname.is_some(), present.hostname == wanted.hostname)
}

fn exists(pool: &str, mac: MacAddr, present: &Reservation) -> Failure {
    let address = present.ip_address.as_deref().unwrap_or("any address");
    let hostname =
        present.hostname.as_deref().map(|name| format!(" and host name {name}")).unwrap_or_default();
    Failure::Conflict {
        what: format!("{mac} has a reservation already, with {address}{hostname}"),
        hint: format!("remove it first: vmdhcp lease remove {pool} {mac}"),
    }
}

/// Another card that the pool has given this address.
fn held_by_other(pool: &kube::api::DynamicObject, address: Ipv4Addr, mac: MacAddr) -> Option<MacAddr> {
    let pool: IPPool = objects::read(pool).ok()?;
    let held = Allocations::read(&pool.status?.ipv4?).held;
    held.get(&address).copied().filter(|holder| *holder != mac)
}
