//! What a pool's agents have seen on its network: addresses that somebody uses who does not have them, DHCP servers that
//! are not ours, and retiring addresses for which nobody answers any more.
//!
//! A report is hostile until proven harmless. A conflict can keep few addresses out of use (`ipam::most_quarantined`),
//! and moves a card only if all agents agree that no guest has used its address. Silence frees nothing by itself: that a
//! guest is gone is the cluster's word, which has neither a VM nor an instance nor a claim with its MAC any more, and
//! each agent can withhold its consent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use vmdhcp_core::Pool;
use vmdhcp_core::api::{AgentReport, IPPool, IPPoolStatus, condition, format_time};
use vmdhcp_core::ipam::{Allocations, Conflict, Conflicts};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::ForeignServerPolicy;

use super::super::events::Notice;
use super::super::{Context, vm};
use super::conditions::tell_of;
use super::observe::{Agent, Observation};
use super::plan::PoolPlan;

/// How many other servers agents are told of.
const MOST_SERVERS: usize = 16;
/// How many of a sort a condition names.
const MOST_NAMED: usize = 8;

/// A DHCP server: its identifier, and the card that it was heard from, if it was.
type Server = (Ipv4Addr, Option<MacAddr>);

/// What the agents of a pool have seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) conflicts: Conflicts,
    pub(super) foreign_servers: BTreeSet<Server>,
    /// Cards whose guests are gone.
    pub(super) absent: BTreeSet<MacAddr>,
    /// An agent says that a lease of the pool has been acknowledged.
    pub(super) acknowledged: bool,
}

impl Seen {
    /// `complete` says that no agent can be serving that is not among `agents`.
    pub(super) fn gather(
        (object, pool): (&IPPool, Option<&Pool>),
        allocations: &Allocations,
        (agents, complete): (&[Agent], bool),
        now: Timestamp,
        context: &Context,
    ) -> Self {
        let uid = object.metadata.uid.as_deref();
        // What one has seen that does not report any more is of the past.
        let heard: Vec<_> =
            agents.iter().filter(|agent| agent.serves(uid, now)).map(|agent| &agent.report).collect();
        // What has happened stays true, also of an agent that is gone.
        let of_this_pool = |agent: &&Agent| uid == Some(agent.report.pool_uid.as_str());
        let all_heard = complete && heard.len() == agents.len();
        Self {
            conflicts: pool.map(|pool| conflicts(&heard, pool, all_heard)).unwrap_or_default(),
            foreign_servers: heard.iter().flat_map(|report| servers(report)).collect(),
            absent: absent(uid, allocations, (agents, complete), context),
            acknowledged: agents.iter().filter(of_this_pool).any(|agent| agent.report.acknowledged),
        }
    }
}

/// Of several agents that find several cards at one address, one stands for all.
fn conflicts(heard: &[&AgentReport], pool: &Pool, all_heard: bool) -> Conflicts {
    let mut by_address: BTreeMap<Ipv4Addr, Vec<Conflict>> = BTreeMap::new();
    for report in heard {
        let mut of_agent = BTreeMap::new();
        for found in report.conflicts.iter().take(AgentReport::MOST_ITEMS) {
            if let (Ok(address), Ok(by)) = (found.address.parse(), found.mac_address.parse())
                && pool.cidr.contains(&address)
            {
                of_agent.insert(address, Conflict { by, unused: found.unused });
            }
        }
        for (address, found) in of_agent {
            by_address.entry(address).or_default().push(found);
        }
    }
    let merged = by_address.into_iter().filter_map(|(address, found)| {
        let unused = all_heard && found.len() == heard.len() && found.iter().all(|found| found.unused);
        Some((address, Conflict { by: found.iter().map(|found| found.by).min()?, unused }))
    });
    merged.collect()
}

fn servers(report: &AgentReport) -> impl Iterator<Item = Server> {
    let told = report.foreign_servers.iter().take(AgentReport::MOST_ITEMS);
    told.filter_map(|server| Some((server.address.parse().ok()?, server.mac_address.parse().ok())))
}

/// Cards of which the cluster knows nothing any more and for whose former addresses, all of them, nobody answers.
///
/// What an agent has found stays true: as long as the address retires nobody grants it.
fn absent(
    uid: Option<&str>,
    allocations: &Allocations,
    (agents, complete): (&[Agent], bool),
    context: &Context,
) -> BTreeSet<MacAddr> {
    if !context.kubevirt || !complete || agents.is_empty() {
        return BTreeSet::new();
    }
    let is_silent = |address: &Ipv4Addr, since: Timestamp| {
        let (address, since) = (address.to_string(), format_time(since));
        agents.iter().all(|agent| {
            uid == Some(agent.report.pool_uid.as_str()) && agent.report.silent.get(&address) == Some(&since)
        })
    };
    let (mut silent, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (address, entry) in &allocations.retiring {
        if entry.is_vacating() && is_silent(address, entry.since) {
            silent.insert(entry.mac)
        } else {
            others.insert(entry.mac)
        };
    }
    silent.retain(|mac| !others.contains(mac));
    if !silent.is_empty() {
        silent.retain(|mac| !allocations.held.values().any(|holder| holder == mac));
        vm::retain_unknown(&mut silent, context);
    }
    silent
}

/// Sets what agents stand down by: whether a lease has ever been acknowledged, which ends it for good, and until then the
/// other servers that any of them sees.
///
/// A pool whose status was lost, or came from a backup, may have been served in the time that it does not know of.
pub(super) fn set_stand_down(observation: &Observation, status: &mut IPPoolStatus) {
    let is_known = observation.seen.acknowledged || observation.loss.cause.is_some();
    if is_known && status.first_acknowledged.is_none() {
        status.first_acknowledged = Some(format_time(observation.now));
    }
    let servers: BTreeSet<_> = match &observation.pool {
        Ok((pool, _)) if stands_down(pool, status) => {
            observation.seen.foreign_servers.iter().map(|(server, _)| server).collect()
        }
        _ => BTreeSet::new(),
    };
    status.foreign_servers = servers.into_iter().take(MOST_SERVERS).map(ToString::to_string).collect();
}

/// Whether agents stand down for other servers.
fn stands_down(pool: &Pool, status: &IPPoolStatus) -> bool {
    pool.foreign_server_policy == ForeignServerPolicy::StandDown && status.first_acknowledged.is_none()
}

/// What a condition tells of, and what to do about it.
struct Trouble<'a> {
    type_: &'static str,
    reason: &'static str,
    over: &'static str,
    found: Vec<String>,
    advice: &'a str,
}

/// Sets `AddressConflict` and `ForeignDHCPServer`.
pub(super) fn set_conditions(observation: &Observation, status: &mut IPPoolStatus, planned: &mut PoolPlan) {
    let Ok((pool, _)) = &observation.pool else { return };
    let Seen { conflicts, foreign_servers, absent: _, acknowledged: _ } = &observation.seen;
    let of = |mac| owned(mac, observation);
    let held = &observation.allocations.held;
    let found = conflicts.iter().map(|(address, Conflict { by, .. })| match held.get(address) {
        _ if *address == pool.server => format!("{address}, the server's own, is claimed by {}", of(*by)),
        Some(mac) => format!("{address} of {} is in use by {}", of(*mac), of(*by)),
        None => format!("{address}, which nobody has, is in use by {}", of(*by)),
    });
    let conflicts = Trouble {
        type_: "AddressConflict",
        reason: "AddressInUse",
        over: "NoConflict",
        found: found.collect(),
        advice: "take the address away from that device, or exclude it in the pool and give the VM another one",
    };
    let found = foreign_servers.iter().map(|(server, mac)| match mac {
        Some(mac) => format!("{server} answers from {}", of(*mac)),
        None => format!("{server} was chosen by a client"),
    });
    let (reason, advice) = if stands_down(pool, status) {
        (
            "StandingDown",
            "nobody gets an address of this pool meanwhile, as foreignServerPolicy is StandDown and no lease has been \
             acknowledged yet: switch it off, or set spec.ipv4Config.foreignServerPolicy to Warn",
        )
    } else {
        (
            "ForeignServer",
            "switch it off, or keep its answers from this network: clients may take what it offers",
        )
    };
    let servers = Trouble {
        type_: "ForeignDHCPServer",
        reason,
        over: "NoForeignServer",
        found: found.collect(),
        advice,
    };
    for trouble in [conflicts, servers] {
        tell(trouble, observation, status, planned);
    }
}

/// Sets a condition that names what was found; what it has not named before is an Event.
fn tell(trouble: Trouble<'_>, observation: &Observation, status: &mut IPPoolStatus, planned: &mut PoolPlan) {
    let Trouble { type_, reason, over, found, advice } = trouble;
    let present = condition(&status.conditions, type_);
    if found.is_empty() {
        tell_of(observation, status, type_, (reason, over), None);
        return;
    }
    let named = &found[..found.len().min(MOST_NAMED)];
    let known = present.filter(|present| present.status == "True").map(|present| present.message.clone());
    let is_new = |found: &&String| !known.as_ref().is_some_and(|known| known.contains(found.as_str()));
    let new: Vec<_> = named.iter().filter(is_new).map(String::as_str).collect();
    if !new.is_empty() {
        planned.notices.push(Notice {
            reason,
            message: format!("{}; {advice}", new.join("; ")),
            action: "Watch",
        });
    }
    let more = match found.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let message = format!("{}{more}; {advice}", named.join("; "));
    tell_of(observation, status, type_, (reason, over), Some(&message));
}

/// A card, and whose it is where that is known.
pub(super) fn owned(mac: MacAddr, observation: &Observation) -> String {
    let owner = observation.cards.iter().map(|card| &card.claim).find(|claim| claim.mac == mac);
    match owner.map(|claim| &claim.owner) {
        Some(owner) => format!("{mac} (VirtualMachineNetworkConfig {}/{})", owner.namespace, owner.name),
        None => mac.to_string(),
    }
}
