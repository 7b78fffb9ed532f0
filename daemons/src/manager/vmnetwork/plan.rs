//! What becomes of a network's pool. Pure: a network, and the pool that it has, in; a step and what to tell out.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use kube::{Resource, ResourceExt};
use serde_json::{Map, Value, json};
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::{Change, Refusal, Stored, admit_pool};
use vmdhcp_core::api::{
    DECLARED_FIELDS_ANNOTATION, DHCP_ANNOTATION, IPPool, IPPoolSpec, MADE_FROM_LABEL,
    NetworkAttachmentDefinition, VirtualMachineNetworkConfig,
};
use vmdhcp_core::ipam::Allocations;
use vmdhcp_core::pool::{Pool, PoolRef, defaults};

use super::super::AutoPool;
use super::super::events::Notice;
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
    defaults::apply(&mut pool);
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

/// Nothing but the pool itself is looked at: what it is changed to needs no other object.
struct Nothing;

impl Stored for Nothing {
    fn pools(&self) -> Vec<IPPool> {
        Vec::new()
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        Vec::new()
    }
}

/// A field and the value that it shall have, or none.
type FieldChange = (Field, Option<Value>);

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

/// The fields that the annotation declared when the pool was last changed for it.
fn recorded(pool: &IPPool) -> BTreeSet<Field> {
    let list = pool.annotations().get(DECLARED_FIELDS_ANNOTATION).map(String::as_str).unwrap_or_default();
    list.split(',').map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

/// The fields that have another value than the network says, and those that it no longer declares. All others are
/// whoever's.
fn changes(pool: &IPPool, of_network: &Specification) -> Vec<FieldChange> {
    let (stored, wanted) = (spec_of(pool), json!(of_network.spec));
    let owned = of_network.declared.union(&of_network.told);
    let kept = |field: &Field| pointed(&stored, field) == pointed(&wanted, field);
    let set =
        owned.filter(|field| !kept(field)).map(|field| (field.clone(), pointed(&wanted, field).cloned()));
    let recorded = recorded(pool);
    let dropped = recorded.iter().filter(|field| {
        !of_network.declared.contains(*field)
            && !of_network.told.contains(*field)
            && pointed(&stored, field).is_some()
    });
    // Without a subnet there is no pool; the other texts of one subnet are the same.
    set.chain(dropped.map(|field| (field.clone(), None)))
        .filter(|(field, _)| field != "ipv4Config.cidr")
        .collect()
}

fn spec_of(pool: &IPPool) -> Value {
    json!(pool.spec)
}

fn pointed<'a>(spec: &'a Value, field: &str) -> Option<&'a Value> {
    spec.pointer(&format!("/{}", field.replace('.', "/")))
}

/// The pool with all of the changes that cut nobody off, those that had to be left out, and why.
fn as_far_as_safe(pool: &IPPool, changes: Vec<FieldChange>) -> (IPPool, Vec<FieldChange>, Option<Refusal>) {
    let attempt = |from: &IPPool, changes: &[FieldChange]| -> Result<IPPool, Refusal> {
        let next = with(from, changes);
        admit_pool(&Change::Update { old: pool, new: &next }, &Nothing).map(|()| next)
    };
    let refusal = match attempt(pool, &changes) {
        Ok(next) => return (next, Vec::new(), None),
        Err(refusal) => refusal,
    };
    // One by one, and again as long as one more becomes possible: a range moves by its far end first.
    let (mut next, mut left) = (pool.clone(), changes);
    let mut refusal = refusal;
    loop {
        let before = left.len();
        left.retain(|change| match attempt(&next, std::slice::from_ref(change)) {
            Ok(changed) => {
                next = changed;
                false
            }
            Err(_) => true,
        });
        if left.len() == before || left.is_empty() {
            break;
        }
    }
    if let Err(of_the_rest) = attempt(&next, &left) {
        refusal = of_the_rest;
    }
    (next, left, Some(refusal))
}

/// The pool with changed fields and, where one has become empty, its default.
fn with(pool: &IPPool, changes: &[FieldChange]) -> IPPool {
    let mut spec = spec_of(pool);
    for (field, value) in changes {
        let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
        let parent = if parent.is_empty() {
            Some(&mut spec)
        } else {
            spec.pointer_mut(&format!("/{}", parent.replace('.', "/")))
        };
        let Some(Value::Object(fields)) = parent else { continue };
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
            None => drop(fields.remove(name)),
        }
    }
    let mut next = pool.clone();
    // What was read from a spec and changed by fields of another reads as one.
    if let Ok(spec) = serde_json::from_value(spec) {
        next.spec = spec;
    }
    defaults::apply(&mut next);
    next
}

/// A merge patch from one pool to the other, of spec, labels and annotations; none if they are alike.
fn difference(before: &IPPool, after: &IPPool) -> Option<Value> {
    let mut patch = Map::new();
    let mut metadata = Map::new();
    for (name, before, after) in [
        ("labels", json!(before.labels()), json!(after.labels())),
        ("annotations", json!(before.annotations()), json!(after.annotations())),
    ] {
        metadata.extend(merge_patch(&before, &after).map(|patch| (name.to_owned(), patch)));
    }
    if !metadata.is_empty() {
        patch.insert("metadata".to_owned(), Value::Object(metadata));
    }
    patch.extend(merge_patch(&spec_of(before), &spec_of(after)).map(|spec| ("spec".to_owned(), spec)));
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// RFC 7386, the other way round.
fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (before, after) if before == after => None,
        (Value::Object(before), Value::Object(after)) => {
            let mut patch = Map::new();
            for (name, value) in after {
                let change = match before.get(name) {
                    None => Some(value.clone()),
                    Some(before) => merge_patch(before, value),
                };
                patch.extend(change.map(|change| (name.clone(), change)));
            }
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            patch.extend(gone.map(|name| (name.clone(), Value::Null)));
            Some(Value::Object(patch))
        }
        (_, after) => Some(after.clone()),
    }
}
