//! What becomes of a network's pool. Pure: a network, and the pool that it has, in; a step and what to tell out.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use kube::{Resource, ResourceExt};
use serde_json::Value;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::Refusal;
use vmdhcp_core::api::{
    DECLARED_FIELDS_ANNOTATION, DHCP_ANNOTATION, IPPool, IPPoolSpec, MADE_FROM_LABEL,
    NetworkAttachmentDefinition,
};
use vmdhcp_core::ipam::Allocations;
use vmdhcp_core::pool::{Pool, PoolRef, defaults};

use super::super::AutoPool;
use super::super::events::Notice;
use super::change::{as_far_as_safe, changes, difference, recorded};
use super::observe::{Fault, Field, Specification, Wish, name_of, specification, wish};

/// How many claims a sentence names before it counts the rest.
const MOST_NAMED: usize = 5;

/// How a pool that was made with its network stands to it. The allocator, which alone writes the status, makes
/// conditions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager) enum Standing {
    /// It is what its network says; or it is a user's own.
    InStep,
    /// Its network wants it no more, and VMs use it.
    Kept {
        /// As one word.
        reason: &'static str,
        /// Why it is not wanted, as a sentence without its end.
        why: String,
    },
    /// It is not what its network says.
    OutOfStep {
        /// As one word.
        reason: &'static str,
        /// As a sentence that says what to do.
        message: String,
        /// It is made anew once no VM uses it.
        waits_for_vms: bool,
    },
}

impl Standing {
    /// Whether something is to happen once no VM uses the pool any more.
    pub(in crate::manager) const fn waits_for_vms(&self) -> bool {
        matches!(self, Self::Kept { .. } | Self::OutOfStep { waits_for_vms: true, .. })
    }
}

/// Names some claims, and counts the rest.
pub(in crate::manager) fn named(users: &BTreeSet<String>) -> String {
    let names = users.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match users.len().saturating_sub(MOST_NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Whether the pool was made with the network of its own name: it is marked, and serves that network. A copy under
/// another name or in another namespace is a user's own.
pub(super) fn is_made(pool: &IPPool) -> bool {
    let (namespace, name) = (pool.namespace().unwrap_or_default(), pool.name_any());
    pool.labels().contains_key(MADE_FROM_LABEL)
        && NetworkName::parse(&pool.spec.network_name, &namespace) == Ok(NetworkName { namespace, name })
}

/// What to do for a network.
#[derive(Debug, PartialEq)]
pub(super) enum Making {
    Nothing,
    /// It has its pool, which follows it.
    HasOne,
    Create(Box<IPPool>),
    /// It asks for one, and cannot have it.
    Refuse(Fault),
}

/// Plans for a network. `namesake` is the IPPool of its name, `server` the one that serves it.
pub(super) fn make(
    network: &NetworkAttachmentDefinition,
    auto_pool: AutoPool,
    namesake: Option<&IPPool>,
    server: Option<&IPPool>,
) -> Making {
    if namesake.is_some_and(is_made) {
        return Making::HasOne;
    }
    let asked = match (wish(network), auto_pool) {
        _ if network.meta().deletion_timestamp.is_some() => return Making::Nothing,
        (_, AutoPool::Off) | (Ok(Wish::NoPool), _) | (Ok(Wish::Silent), AutoPool::Annotated) => {
            return Making::Nothing;
        }
        (Err(fault), _) => return Making::Refuse(fault),
        (Ok(wish), _) => wish == Wish::Pool,
    };
    let made = match (server, namesake) {
        (Some(pool), _) => Err(Fault::NetworkTaken { pool: PoolRef::of(pool) }),
        (None, Some(pool)) => Err(Fault::NameTaken { pool: PoolRef::of(pool) }),
        (None, None) => specification(network, None).and_then(|of_network| new_pool(network, &of_network)),
    };
    match made {
        Ok(pool) => Making::Create(Box::new(pool)),
        Err(fault) if asked => Making::Refuse(fault),
        // Nobody has asked for one.
        Err(_) => Making::Nothing,
    }
}

/// The pool of a network, as it is created: whole, with default values.
fn new_pool(network: &NetworkAttachmentDefinition, specification: &Specification) -> Result<IPPool, Fault> {
    let Specification { spec, declared, told: _ } = specification;
    let NetworkName { namespace, name } = name_of(network);
    let mut pool = IPPool::new(&name, spec.clone());
    pool.metadata.namespace = Some(namespace);
    pool.metadata.labels = Some([(MADE_FROM_LABEL.to_owned(), network.uid().unwrap_or_default())].into());
    if !declared.is_empty() {
        pool.metadata.annotations = Some([(DECLARED_FIELDS_ANNOTATION.to_owned(), as_list(declared))].into());
    }
    defaults::apply(&mut pool.spec);
    Pool::try_from(&pool).map_err(Fault::Pool)?;
    Ok(pool)
}

fn as_list(fields: &BTreeSet<Field>) -> String {
    fields.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// What to do with a pool that was made with its network.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Keep,
    /// A merge patch of the object.
    Patch(Value),
    Delete,
}

/// What to do, how the pool stands then, and what the network's owner is told.
#[derive(Debug, PartialEq)]
pub(super) struct Following {
    pub(super) step: Step,
    pub(super) standing: Standing,
    pub(super) notice: Option<Notice>,
}

impl Following {
    const fn keep(standing: Standing, notice: Option<Notice>) -> Self {
        Self { step: Step::Keep, standing, notice }
    }

    fn out_of_step(step: Step, reason: &'static str, message: String, waits_for_vms: bool) -> Self {
        let notice = Notice { reason, message: message.clone(), action: "FollowNetwork" };
        Self { step, standing: Standing::OutOfStep { reason, message, waits_for_vms }, notice: Some(notice) }
    }
}

/// Plans for a pool that was made with its network, which may be gone. `users` are asked for only where they matter.
pub(super) fn follow(
    pool: &IPPool,
    network: Option<&NetworkAttachmentDefinition>,
    auto_pool: AutoPool,
    users: impl Fn() -> BTreeSet<String>,
) -> Following {
    let key = PoolRef::of(pool);
    let network = network.filter(|network| network.meta().deletion_timestamp.is_none());
    let Some(network) = network else {
        let why = format!("its VM network {key} is gone");
        return unwanted(None, "NetworkDeleted", why, &users());
    };
    match wish(network) {
        Err(fault) => return fault_on(pool, &fault),
        Ok(Wish::NoPool) => {
            let why = format!("its VM network {key} wants none any more ({DHCP_ANNOTATION}: \"false\")");
            return unwanted(Some(network), "NotAskedFor", why, &users());
        }
        // A subnet that is not known at the moment takes nobody's pool away.
        Ok(Wish::Silent) if auto_pool == AutoPool::Annotated => {
            let why = format!("its VM network {key} does not ask for one any more");
            return unwanted(Some(network), "NotAskedFor", why, &users());
        }
        Ok(Wish::Pool | Wish::Silent) => {}
    }
    let config = pool.spec.ipv4_config.as_ref();
    match specification(network, config) {
        Ok(of_network) => update(pool, network, &of_network, users),
        Err(fault) => fault_on(pool, &fault),
    }
}

/// The annotations are wrong: the pool stays as it is.
fn fault_on(pool: &IPPool, fault: &Fault) -> Following {
    let message = format!("{fault}; the IPPool {} stays as it is until that is mended", PoolRef::of(pool));
    Following::out_of_step(Step::Keep, fault.reason(), message, false)
}

/// Its network does not want the pool any more.
fn unwanted(
    network: Option<&NetworkAttachmentDefinition>,
    reason: &'static str,
    why: String,
    users: &BTreeSet<String>,
) -> Following {
    if users.is_empty() {
        return Following { step: Step::Delete, standing: Standing::InStep, notice: None };
    }
    let notice = network.map(|_| Notice {
        reason: "PoolKept",
        message:
            "the IPPool of this network is not wanted any more, but VMs use it; it goes with the last of them"
                .to_owned(),
        action: "FollowNetwork",
    });
    Following::keep(Standing::Kept { reason, why }, notice)
}

/// Brings a pool to what its network says, as far as that cuts nobody off.
fn update(
    pool: &IPPool,
    network: &NetworkAttachmentDefinition,
    of_network: &Specification,
    users: impl Fn() -> BTreeSet<String>,
) -> Following {
    let subnet = |spec: &IPPoolSpec| {
        spec.ipv4_config.as_ref()?.cidr.trim().parse::<Ipv4Net>().ok().map(|cidr| cidr.trunc())
    };
    let (before, after) = (subnet(&pool.spec), subnet(&of_network.spec));
    let other_subnet = before.is_none() || before != after;
    if let Err(fault) = new_pool(network, of_network) {
        return fault_on(pool, &fault);
    }
    let users = if other_subnet { users() } else { BTreeSet::new() };
    let leases_run = other_subnet && after.is_some_and(|cidr| still_retiring(pool, cidr));
    if other_subnet && users.is_empty() && !leases_run {
        let notice = Notice {
            reason: "PoolReplaced",
            message: format!(
                "the subnet of this network has changed and no VM uses its IPPool, which is made anew with {}",
                after.map(|cidr| cidr.to_string()).unwrap_or_default()
            ),
            action: "FollowNetwork",
        };
        return Following { step: Step::Delete, standing: Standing::InStep, notice: Some(notice) };
    }

    let (mut next, held_back, refusal) = as_far_as_safe(pool, changes(pool, of_network));
    // What could not be removed yet is removed later.
    let recorded = recorded(pool);
    let held_back = held_back.into_iter().map(|(field, _)| field).filter(|field| recorded.contains(field));
    let declared: BTreeSet<_> = of_network.declared.iter().cloned().chain(held_back).collect();
    let metadata = next.meta_mut();
    let uid = network.uid().unwrap_or_default();
    metadata.labels.get_or_insert_default().insert(MADE_FROM_LABEL.to_owned(), uid);
    let annotations = metadata.annotations.get_or_insert_default();
    if declared.is_empty() {
        annotations.remove(DECLARED_FIELDS_ANNOTATION);
    } else {
        annotations.insert(DECLARED_FIELDS_ANNOTATION.to_owned(), as_list(&declared));
    }
    let step = match difference(pool, &next) {
        None => Step::Keep,
        Some(patch) => Step::Patch(patch),
    };
    let (from, to) = (shown(before), shown(after));
    match refusal {
        _ if other_subnet && !users.is_empty() => {
            let message = format!(
                "the subnet of the network is {to} now, and VMs have addresses of {from}; the pool is made anew when the last \
                 of them is gone"
            );
            Following::out_of_step(step, "SubnetChanged", message, true)
        }
        _ if other_subnet => {
            let message = format!(
                "the subnet of the network is {to} now; the pool is made anew when all leases of {from} on addresses of the \
                 new one have run out, or when you delete it"
            );
            Following::out_of_step(step, "SubnetChanged", message, false)
        }
        Some(Refusal { causes, .. }) => {
            let causes = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
            let causes = causes.collect::<Vec<_>>().join("; ");
            let message = format!("not all that the network says can be done to its pool: {causes}");
            Following::out_of_step(step, "ChangeHeldBack", message, false)
        }
        None => Following { step, standing: Standing::InStep, notice: None },
    }
}

fn shown(cidr: Option<Ipv4Net>) -> String {
    cidr.map_or_else(|| "none".to_owned(), |cidr| cidr.to_string())
}

/// Whether a former card may still be using an address of that subnet: a new pool would know nothing of it.
fn still_retiring(pool: &IPPool, cidr: Ipv4Net) -> bool {
    let ipv4 = pool.status.as_ref().and_then(|status| status.ipv4.as_ref());
    ipv4.is_some_and(|ipv4| Allocations::read(ipv4).retiring.keys().any(|address| cidr.contains(address)))
}
