//! What an agent says of itself, in an annotation of its Lease.
//!
//! The agents may update their Leases and nothing else, and a guest that broke into one could write anything here: who
//! reads a report believes nothing that frees, moves or grants an address; where all agents together have to agree to
//! something, their reports can only withhold it. Lists are bounded by the agent at [`AgentReport::MOST_ITEMS`] and
//! [`AgentReport::MOST_CARRIED`] and cut by the reader.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::format_time;
use crate::mac::MacAddr;

/// The report of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentReport {
    /// Name of the agent.
    pub agent: String,
    /// UID of the pool that it serves.
    pub pool_uid: String,
    /// MAC by which it is on the VM network.
    pub mac_address: String,
    /// Whether its socket is open and a table is loaded.
    pub ready: bool,
    /// Whether the table comes from its snapshot, because the API has not answered yet.
    pub from_snapshot: bool,
    /// `metadata.resourceVersion` of the pool before which it serves nothing any more: it serves this version or a later
    /// one, and so it would after a restart without the API.
    pub resource_version: String,
    /// Addresses to MACs that it served and that have vanished from the pool without retiring: an older backup was
    /// restored. Those of which the pool says nothing come first.
    pub carried: BTreeMap<String, String>,
    /// How many of them there are, which may be more than fit.
    pub carried_count: usize,
    /// `status.ipv4.recovery.since` of the pool, if the agent remembers what it served before that loss.
    pub witnessed: String,
    /// Where its HTTP server answers, for instance `http://127.0.0.1:8080/agents/default/ippool-1`.
    pub url: String,
    /// Addresses of the pool for which another MAC answered than the one that has them.
    pub conflicts: Vec<AddressConflict>,
    /// Retiring addresses for which nobody answers since no agent grants them any more, with the times since when they
    /// retire (`status.ipv4.retiring[].since`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub silent: BTreeMap<String, String>,
    /// Other DHCP servers seen on the network.
    pub foreign_servers: Vec<ForeignServer>,
    /// A lease of the pool has been acknowledged: by this agent, or as far as it knows by another one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub acknowledged: bool,
}

impl AgentReport {
    /// How many items of each list are written and read.
    pub const MOST_ITEMS: usize = 32;
    /// How many entries of `carried` and of `silent` are written and read.
    pub const MOST_CARRIED: usize = 128;

    /// Tells which pairs the agent carries, the most important ones first, and which loss its memory spans.
    pub fn tell_of_loss(&mut self, carried: &[(Ipv4Addr, MacAddr)], witnessed: Option<Timestamp>) {
        let as_texts = |(address, mac): &(Ipv4Addr, MacAddr)| (address.to_string(), mac.to_string());
        self.carried = carried.iter().take(Self::MOST_CARRIED).map(as_texts).collect();
        self.carried_count = carried.len();
        self.witnessed = witnessed.map(format_time).unwrap_or_default();
    }
}

/// An address in use by a MAC that does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AddressConflict {
    /// The address.
    pub address: String,
    /// Who answered for it.
    pub mac_address: String,
    /// When that was first seen.
    pub since: String,
    /// No guest has used the lease of the address: it came since this agent started, and whatever acknowledgement there
    /// was its client has declined at once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unused: bool,
}

/// A DHCP server that is not ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForeignServer {
    /// Its server identifier.
    pub address: String,
    /// Source MAC of its frames, where one was seen.
    pub mac_address: String,
    /// When it was first seen.
    pub since: String,
}
