//! Rules of IPPools.

use super::{Cause, Change, Refusal, RefusalKind, Stored};
use crate::api::IPPool;
use crate::ipam::Allocations;
use crate::network::NetworkName;
use crate::pool::{Pool, PoolError, PoolErrors, PoolRef};

/// How many objects a refusal names before it counts the rest.
const MOST_NAMED: usize = 5;

/// Whether a pool may be created, changed or deleted. A new one has to have its default values.
pub fn admit_pool(change: &Change<'_, IPPool>, stored: &dyn Stored) -> Result<(), Refusal> {
    match *change {
        Change::Create(new) => create(new, stored),
        Change::Update { old: _, new } if new.metadata.deletion_timestamp.is_some() => Ok(()),
        Change::Update { old, new } => update(old, new),
        Change::Delete(old) => delete(old, stored),
    }
}

fn refusal(pool: &IPPool, kind: RefusalKind, causes: Vec<Cause>) -> Result<(), Refusal> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Refusal { kind, object: format!("IPPool {}", PoolRef::of(pool)), causes })
}

/// Everything that is wrong with the pool itself.
fn problems(pool: &IPPool) -> Vec<PoolError> {
    match Pool::from_stored(pool) {
        Ok((_, problems)) | Err(PoolErrors(problems)) => problems,
    }
}

fn causes(problems: &[PoolError]) -> Vec<Cause> {
    let cause = |problem: &PoolError| {
        let (field, text) = (problem.field(), problem.to_string());
        let message = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text).to_owned();
        Cause { field, message }
    };
    problems.iter().map(cause).collect()
}

fn network(pool: &IPPool) -> Option<NetworkName> {
    NetworkName::parse(&pool.spec.network_name, pool.metadata.namespace.as_deref().unwrap_or_default()).ok()
}

fn create(new: &IPPool, stored: &dyn Stored) -> Result<(), Refusal> {
    refusal(new, RefusalKind::Invalid, causes(&problems(new)))?;
    let wanted = network(new);
    let rival = stored
        .pools()
        .into_iter()
        .find(|pool| network(pool) == wanted && PoolRef::of(pool) != PoolRef::of(new));
    let Some(rival) = rival else { return Ok(()) };
    let message = format!(
        "the network {} has the pool {} already, and one network has one pool; change that one instead",
        new.spec.network_name,
        PoolRef::of(&rival)
    );
    refusal(new, RefusalKind::Conflict, vec![Cause::new("spec.networkName", message)])
}

fn update(old: &IPPool, new: &IPPool) -> Result<(), Refusal> {
    if old.spec == new.spec {
        return Ok(());
    }
    let known = problems(old);
    let mut fresh = problems(new);
    fresh.retain(|problem| !known.contains(problem));
    let mut wrong = causes(&fresh);
    if network(old) != network(new) {
        wrong.push(Cause::new(
            "spec.networkName",
            "cannot change; delete the pool and create one on the other network",
        ));
    }
    let (Ok((before, _)), Ok((after, _))) = (Pool::from_stored(old), Pool::from_stored(new)) else {
        return refusal(new, RefusalKind::Invalid, wrong);
    };
    if before.cidr != after.cidr {
        let message = format!(
            "cannot change from {}; delete the pool and create one with the other subnet",
            before.cidr
        );
        wrong.push(Cause::new("spec.ipv4Config.cidr", message));
    }
    refusal(new, RefusalKind::Invalid, wrong)?;
    refusal(new, RefusalKind::Forbidden, cut_off(old, &before, &after))
}

/// The live allocations that a change would cut off: those that the pool admitted and would no longer.
fn cut_off(old: &IPPool, before: &Pool, after: &Pool) -> Vec<Cause> {
    let Some(status) = old.status.as_ref().and_then(|status| status.ipv4.as_ref()) else { return Vec::new() };
    let cut = |what: &str, why: String| Cause::new(what, why);
    let mut causes = Vec::new();
    for (&address, mac) in &Allocations::read(status).held {
        if !before.admits(address) || after.admits(address) {
            continue;
        }
        let field = match address {
            _ if address == after.server => "spec.ipv4Config.serverIP",
            _ if Some(address) == after.router => "spec.ipv4Config.router",
            _ if after.excluded.contains(address) => "spec.ipv4Config.pool.exclude",
            // A reservation may go while its address is held: the address then retires.
            _ if before.reservations.get(mac).is_some_and(|r| r.address == Some(address)) => continue,
            _ => "spec.ipv4Config.pool",
        };
        causes.push(cut(
            field,
            format!("{address} is in use by {mac}; release it first, or leave it in the pool"),
        ));
    }
    let more = causes.len().saturating_sub(MOST_NAMED);
    causes.truncate(MOST_NAMED);
    if more > 0 {
        causes.push(cut("spec.ipv4Config.pool", format!("and {more} more addresses are in use")));
    }
    causes
}

fn delete(old: &IPPool, stored: &dyn Stored) -> Result<(), Refusal> {
    let Some(network) = network(old) else { return Ok(()) };
    let is_user = |claim: &crate::api::VirtualMachineNetworkConfig| {
        let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
        claim.metadata.deletion_timestamp.is_none()
            && claim.spec.cards().iter().any(|card| {
                NetworkName::parse(&card.network_name, namespace).is_ok_and(|used| used == network)
            })
    };
    let mut users: Vec<String> = stored
        .claims()
        .iter()
        .filter(|claim| is_user(claim))
        .map(|claim| {
            let (namespace, name) = (&claim.metadata.namespace, &claim.metadata.name);
            format!("{}/{}", namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default())
        })
        .collect();
    users.sort();
    let more = users.len().saturating_sub(MOST_NAMED);
    users.truncate(MOST_NAMED);
    if users.is_empty() {
        return Ok(());
    }
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "in use by {}{rest}; delete these VirtualMachineNetworkConfigs (or their VMs) first",
        users.join(", ")
    );
    refusal(old, RefusalKind::Forbidden, vec![Cause::new("metadata.name", message)])
}
