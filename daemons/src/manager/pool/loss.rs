//! What tells of allocations that a pool has lost: its own object, its claims, and what its agents report.
//!
//! A report is hostile until proven harmless: it can hold an address, and frees, moves and grants none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use kube::ResourceExt;
use vmdhcp_core::api::{ALLOCATING_ANNOTATION, AgentReport, IPPool, LossCause, REUSE_ALL, format_time};
use vmdhcp_core::ipam::{self, Allocations};
use vmdhcp_core::mac::MacAddr;

use super::super::claim::CardRef;
use super::observe::Agent;
use crate::cluster::version;

/// What tells of allocations that the pool has lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Loss {
    pub(super) cause: Option<LossCause>,
    pub(super) served: BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>,
    pub(super) unnamed: bool,
    pub(super) witnessed: bool,
    pub(super) nothing_else_used: bool,
}

impl Loss {
    pub(super) fn gather(
        object: &IPPool,
        allocations: &Allocations,
        agents: &[Agent],
        cards: &[CardRef],
        reuse: &str,
    ) -> Self {
        let of_this_pool = |agent: &&Agent| object.metadata.uid.as_ref() == Some(&agent.report.pool_uid);
        let reports = || agents.iter().filter(of_this_pool).map(|agent| &agent.report);
        let mut served: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for report in reports() {
            for (address, mac) in report.carried.iter().take(AgentReport::MOST_CARRIED) {
                if let (Ok(address), Ok(mac)) = (address.parse(), mac.parse()) {
                    served.entry(address).or_default().insert(mac);
                }
            }
        }
        let since = allocations.recovery.map(|recovery| format_time(recovery.since));
        let witnessed = since.is_some_and(|since| {
            !agents.is_empty()
                && agents.iter().all(|agent| of_this_pool(&agent) && agent.report.witnessed == since)
        });
        Self {
            cause: has_lost_its_status(object, cards)
                .then_some(LossCause::StatusLost)
                .or_else(|| is_behind(object, agents).then_some(LossCause::OlderBackup)),
            served,
            unnamed: reports().any(|report| report.carried_count > report.carried.len()),
            witnessed,
            nothing_else_used: reuse.split(',').any(|address| address.trim() == REUSE_ALL),
        }
    }

    /// The same, as evidence.
    pub(super) const fn evidence(&self) -> ipam::Loss<'_> {
        let Self { cause, served, unnamed, witnessed, nothing_else_used } = self;
        ipam::Loss {
            cause: *cause,
            served,
            unnamed: *unnamed,
            witnessed: *witnessed,
            nothing_else_used: *nothing_else_used,
        }
    }
}

/// Whether a pool that has given addresses has none in its status. All that we ever write has the longest lease in it;
/// a pool is marked after its first such status, and not before.
fn has_lost_its_status(object: &IPPool, cards: &[CardRef]) -> bool {
    let ipv4 = object.status.as_ref().and_then(|status| status.ipv4.as_ref());
    if ipv4.is_some_and(|ipv4| ipv4.longest_lease.is_some()) {
        return false;
    }
    is_marked(object) || (ipv4.is_none() && cards.iter().any(|card| card.claim.granted))
}

/// Whether the pool is marked as one whose status has been written.
pub(super) fn is_marked(object: &IPPool) -> bool {
    object
        .annotations()
        .get(ALLOCATING_ANNOTATION)
        .is_some_and(|uid| object.metadata.uid.as_ref() == Some(uid))
}

/// Whether an agent serves a later version than this one: this is not the newest, or, if it is, an older backup was
/// restored.
pub(super) fn is_behind(object: &IPPool, agents: &[Agent]) -> bool {
    agents.iter().any(|agent| {
        object.metadata.uid.as_ref() == Some(&agent.report.pool_uid)
            && agent.report.resource_version.parse::<u64>().ok() > version(object)
    })
}
