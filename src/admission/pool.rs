//! Rules of IPPools.

use serde_json::Value;

use super::{Cause, Change, PoolChangeError, Refusal, RefusalKind, Stored};
use crate::api::{IPPool, VirtualMachineNetworkConfig};
use crate::ipam::Allocations;
use crate::network::NetworkName;
use crate::pool::{Pool, PoolError, PoolErrors, PoolRef, excluded};

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
    let cause = |problem: &PoolError| Cause::new(problem.field(), problem.sentence());
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
    let taken =
        PoolChangeError::NetworkTaken { network: new.spec.network_name.clone(), pool: PoolRef::of(&rival) };
    refusal(new, RefusalKind::Conflict, vec![Cause::new("spec.networkName", taken)])
}

fn update(old: &IPPool, new: &IPPool) -> Result<(), Refusal> {
    if old.spec == new.spec {
        return Ok(());
    }
    // What was wrong before and was not touched is left in peace. An item that only moved in its list was not.
    let known: Vec<_> = problems(old).iter().map(PoolError::without_positions).collect();
    let mut fresh = problems(new);
    let specs = (serde_json::json!({ "spec": old.spec }), serde_json::json!({ "spec": new.spec }));
    fresh.retain(|problem| {
        !known.contains(&problem.without_positions())
            || is_touched(&specs.0, &specs.1, &problem.field())
            || is_excluded_anew(old, new, problem)
    });
    let mut wrong = causes(&fresh);
    // As written, like upstream: where nobody knows the namespace (the rules in the CRD) spellings cannot be compared.
    if old.spec.network_name != new.spec.network_name {
        wrong.push(Cause::new("spec.networkName", PoolChangeError::NetworkNameChanged));
    }
    if let (Some(before), Some(after)) = (&old.spec.ipv4_config, &new.spec.ipv4_config)
        && before.cidr != after.cidr
    {
        let changed = PoolChangeError::CidrChanged { from: before.cidr.clone() };
        wrong.push(Cause::new("spec.ipv4Config.cidr", changed));
    }
    refusal(new, RefusalKind::Invalid, wrong)?;
    let (Ok((before, _)), Ok((after, _))) = (Pool::from_stored(old), Pool::from_stored(new)) else {
        return Ok(());
    };
    refusal(new, RefusalKind::Forbidden, cut_off(old, &before, &after))
}

/// Whether a field has another value now. Of a list, an item is one thing: who changes it has to mend it.
fn is_touched(old: &Value, new: &Value, field: &str) -> bool {
    let (path, position) = field.split_once('[').unwrap_or((field, ""));
    let pointer = format!("/{}", path.replace('.', "/"));
    let (before, after) = (old.pointer(&pointer), new.pointer(&pointer));
    match position.split_once(']').and_then(|(position, _)| position.parse::<usize>().ok()) {
        Some(position) => {
            let before = before.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            after.and_then(|items| items.get(position)).is_some_and(|item| !before.contains(item))
        }
        // A complaint about several fields names what they are in; it is known by what it says.
        None if after.is_some_and(Value::is_object) => false,
        None => before != after,
    }
}

/// Whether the server's address is under an exclusion that was not there before.
fn is_excluded_anew(old: &IPPool, new: &IPPool, problem: &PoolError) -> bool {
    let PoolError::ServerExcluded { address } = problem else { return false };
    let (Some(old), Some(new)) = (&old.spec.ipv4_config, &new.spec.ipv4_config) else { return false };
    let mut anew = new.clone();
    anew.pool.exclude.retain(|exclusion| !old.pool.exclude.contains(exclusion));
    excluded(&anew).contains(*address)
}

/// The live allocations that a change would cut off: those that the pool admitted and would no longer.
fn cut_off(old: &IPPool, before: &Pool, after: &Pool) -> Vec<Cause> {
    let Some(status) = old.status.as_ref().and_then(|status| status.ipv4.as_ref()) else { return Vec::new() };
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
        causes.push(Cause::new(field, PoolChangeError::CutsOff { address, holder: *mac }));
    }
    let more = causes.len().saturating_sub(MOST_NAMED);
    causes.truncate(MOST_NAMED);
    if more > 0 {
        causes.push(Cause::new("spec.ipv4Config.pool", PoolChangeError::CutsOffMore { count: more }));
    }
    causes
}

/// Whether a claim declares a card on the network: it keeps the network's pool from being deleted, unless it is being
/// deleted itself.
pub fn uses(claim: &VirtualMachineNetworkConfig, network: &NetworkName) -> bool {
    let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
    claim.metadata.deletion_timestamp.is_none()
        && claim
            .spec
            .cards()
            .iter()
            .any(|card| NetworkName::parse(&card.network_name, namespace).is_ok_and(|used| used == *network))
}

fn delete(old: &IPPool, stored: &dyn Stored) -> Result<(), Refusal> {
    let Some(network) = network(old) else { return Ok(()) };
    let mut users: Vec<String> = stored
        .claims()
        .iter()
        .filter(|claim| uses(claim, &network))
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
    let in_use = PoolChangeError::InUse { users: format!("{}{rest}", users.join(", ")) };
    refusal(old, RefusalKind::Forbidden, vec![Cause::new("metadata.name", in_use)])
}
