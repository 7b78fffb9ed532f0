//! IPPool: the addresses of one VM network, and the options that its VMs are sent.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::limits::{
    MOST_ARCHITECTURES, MOST_BOOT_RULES, MOST_CLASS_OPTIONS, MOST_CLASSES, MOST_DNS, MOST_EXCLUDES, MOST_NTP,
    MOST_OPTIONS, MOST_RANGES, MOST_RELAYS, MOST_RESERVATIONS, MOST_RESERVED_OPTIONS, MOST_ROUTES,
    MOST_SEARCH_DOMAINS,
};
use super::{Condition, schema};
use crate::admission::cel;

/// What an operator declares of a pool (COMPAT 1.1; DESIGN 4 for what is new and optional).
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "network.harvesterhci.io",
    version = "v1alpha1",
    kind = "IPPool",
    plural = "ippools",
    singular = "ippool",
    shortname = "ippl",
    shortname = "ippls",
    namespaced,
    status = "IPPoolStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "The addresses of one VM network, and the DHCP options that its VMs are sent.",
    printcolumn = r#"{"name":"NETWORK","type":"string","jsonPath":".spec.networkName"}"#,
    printcolumn = r#"{"name":"AVAILABLE","type":"integer","jsonPath":".status.ipv4.available"}"#,
    printcolumn = r#"{"name":"USED","type":"integer","jsonPath":".status.ipv4.used"}"#,
    printcolumn = r#"{"name":"REGISTERED","type":"string","jsonPath":".status.conditions[?(@.type=='Registered')].status"}"#,
    printcolumn = r#"{"name":"CACHEREADY","type":"string","jsonPath":".status.conditions[?(@.type=='CacheReady')].status"}"#,
    printcolumn = r#"{"name":"AGENTREADY","type":"string","jsonPath":".status.conditions[?(@.type=='AgentReady')].status"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_nulls, extend("x-kubernetes-validations" = cel::pool()))]
pub struct IPPoolSpec {
    /// VM network that the pool serves, as NAME (in the pool's namespace) or NAMESPACE/NAME. Cannot change.
    #[schemars(length(max = 317), extend("x-kubernetes-validations" = cel::network_name()))]
    pub network_name: String,
    /// Take the pool out of service: its agent stops, its addresses stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Everything of IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_config: Option<IPv4Config>,
}

/// A pool's IPv4: subnet, ranges, and options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel::ipv4_config()))]
pub struct IPv4Config {
    /// Subnet as ADDRESS/LENGTH; host bits are ignored. Cannot change.
    #[schemars(length(max = 18), extend("x-kubernetes-validations" = cel::cidr()))]
    pub cidr: String,
    /// Address of the DHCP server (option 54), on the subnet. Absent: the first address that is free for it.
    #[serde(rename = "serverIP", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15), extend("x-kubernetes-validations" = cel::address()))]
    pub server_ip: Option<String>,
    /// Default gateway (option 3). Absent: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15), extend("x-kubernetes-validations" = cel::address()))]
    pub router: Option<String>,
    /// Name servers (option 6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_DNS), inner(length(max = 64)))]
    pub dns: Vec<String>,
    /// Domain of the clients (option 15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = cel::domain_name()))]
    pub domain_name: Option<String>,
    /// Domains to search, in order (option 119).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_SEARCH_DOMAINS), inner(length(max = 253)))]
    pub domain_search: Vec<String>,
    /// Time servers (option 42), as addresses or host names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_NTP), inner(length(max = 253)))]
    pub ntp: Vec<String>,
    /// Lease time in seconds (option 51). Absent, zero or negative: one year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel::lease_time()))]
    pub lease_time: Option<i64>,
    /// Shortest lease in seconds that a client may ask for. Absent: clients always get `leaseTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel::lease_time()))]
    pub min_lease_time: Option<i64>,
    /// Longest lease in seconds that a client may ask for. Absent: clients always get `leaseTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel::lease_time()))]
    pub max_lease_time: Option<i64>,
    /// Addresses that are given out.
    #[serde(default)]
    pub pool: PoolRange,
    /// Addresses, host names and options that belong to one MAC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RESERVATIONS))]
    pub reservations: Vec<Reservation>,
    /// Whether clients without a host name of their own are told the name of their VM (option 12). Absent: yes.
    #[serde(rename = "vmHostnames", default, skip_serializing_if = "Option::is_none")]
    pub vm_hostnames: Option<bool>,
    /// Interface MTU in bytes (option 26). Absent: that of the VM network, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel::mtu()))]
    pub mtu: Option<i64>,
    /// Static routes (options 121 and 249); the default route by `router` is added to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_ROUTES))]
    pub routes: Vec<Route>,
    /// Network boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
    /// Further options, merged by code over those of the fields above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_OPTIONS))]
    pub options: Vec<OptionValue>,
    /// What clients of one sort are sent besides, merged by code over the pool's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_CLASSES))]
    pub classes: Vec<Class>,
    /// Relay agents (`giaddr`) that are answered: ADDRESS or a CIDR each. Absent: any that names this subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RELAYS), inner(length(max = 18)))]
    pub relays: Vec<String>,
    /// What becomes of a DHCP server on the network that is not ours: `Warn`, or `StandDown`, by which nobody is answered
    /// while there is one, before the first lease of this pool has been acknowledged. Absent: `Warn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), extend("x-kubernetes-validations" = cel::foreign_server_policy()))]
    pub foreign_server_policy: Option<String>,
}

/// Which addresses are given out: `start` to `end`, and `ranges`, minus `exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel::range()))]
pub struct PoolRange {
    /// First address. Absent with `end` and `ranges`: the whole subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15), extend("x-kubernetes-validations" = cel::address()))]
    pub start: Option<String>,
    /// Last address, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15), extend("x-kubernetes-validations" = cel::address()))]
    pub end: Option<String>,
    /// Further ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RANGES))]
    pub ranges: Vec<Range>,
    /// Never given out: ADDRESS, FIRST-LAST or a CIDR each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_EXCLUDES), inner(length(max = 40)))]
    pub exclude: Vec<String>,
}

/// Addresses from `start` to `end`, both included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// First address.
    #[schemars(length(max = 15))]
    pub start: String,
    /// Last address.
    #[schemars(length(max = 15))]
    pub end: String,
}

/// What one MAC is promised, whether or not a VM declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// The network card.
    #[schemars(length(max = 17))]
    pub mac_address: String,
    /// Its address, inside or outside the ranges. Absent: any, and then always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15))]
    pub ip_address: Option<String>,
    /// Its host name (option 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub hostname: Option<String>,
    /// Options of this card, merged by code over the pool's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RESERVED_OPTIONS))]
    pub options: Vec<OptionValue>,
}

/// A static route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Where to, as ADDRESS/LENGTH.
    #[schemars(length(max = 18))]
    pub destination: String,
    /// By which router; 0.0.0.0 means on the link itself (RFC 3442).
    #[schemars(length(max = 15))]
    pub gateway: String,
}

/// Network boot: where a client finds its loader, by architecture and user class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel::boot()))]
pub struct Boot {
    /// Address of the boot server (`siaddr`, options 66 and 150).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = cel::address()))]
    pub next_server: Option<String>,
    /// Boot file, or a URL for HTTP boot (header field `file` and option 67).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), extend("x-kubernetes-validations" = cel::boot_file()))]
    pub file: Option<String>,
    /// The first rule that matches a client replaces what is above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_BOOT_RULES))]
    pub rules: Vec<BootRule>,
}

/// What clients of one sort boot instead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BootRule {
    /// Client architectures (option 93, numbers of the IANA registry); empty matches any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_ARCHITECTURES))]
    pub architectures: Vec<i64>,
    /// User class (option 77), for instance `iPXE`. Absent: matches any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub user_class: Option<String>,
    /// Boot server for these clients. Absent: the one above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub next_server: Option<String>,
    /// Boot file for these clients. Absent: the one above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub file: Option<String>,
}

/// Clients of one sort, and what they are sent. All that is given of them has to hold; a client may be of several classes,
/// and of two that set one option the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// What people call it.
    #[schemars(length(max = 63))]
    pub name: String,
    /// How the vendor class (option 60) begins, for instance `PXEClient` or `MSFT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub vendor_class: Option<String>,
    /// User class (option 77), whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub user_class: Option<String>,
    /// Client architectures (option 93, numbers of the IANA registry), any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_ARCHITECTURES))]
    pub architectures: Vec<i64>,
    /// How the MAC begins, for instance `52:54:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 17))]
    pub mac_prefix: Option<String>,
    /// Options of these clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_CLASS_OPTIONS))]
    pub options: Vec<OptionValue>,
    /// Lease time in seconds of these clients, whatever they ask for. Absent: that of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_time: Option<i64>,
}

/// A DHCP option by number or name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionValue {
    /// Number of the option, 1 to 254. Either this or `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Name of the option, for instance `tftp-server-name`. Either this or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub name: Option<String>,
    /// How `value` is read: `ip`, `ips`, `text`, `u8`, `u16`, `u32`, `bool`, `domains`, `routes` or `hex`. Absent: known by
    /// the option.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub type_: Option<String>,
    /// The value, as text.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// What the manager knows of a pool. Written by the manager alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_nulls)]
pub struct IPPoolStatus {
    /// When `ipv4` was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_update: Option<String>,
    /// The allocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<IPv4Status>,
    /// Pod that holds the server address now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_pod_ref: Option<AgentPodRef>,
    /// All agents of the pool, as they last reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub agents: Vec<AgentStatus>,
    /// MACs of Harvester's route helpers that are on the network: agents tell them the router, and give them no address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub route_helpers: Vec<String>,
    /// When the manager learnt that a lease of this pool had been acknowledged. Once it is there it stays, and no agent
    /// stands down any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub first_acknowledged: Option<String>,
    /// Addresses of DHCP servers that are not ours, as any agent sees them: all agents stand down for them. Only told with
    /// `foreignServerPolicy: StandDown`, and until a lease has been acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 15)))]
    pub foreign_servers: Vec<String>,
    /// `Registered`, `CacheReady`, `AgentReady`, `Stopped`, and what else there is to tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// `metadata.generation` of the spec that this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl IPPoolStatus {
    /// The same without `ipv4`, of which a copy takes time and room.
    #[must_use]
    pub fn without_allocations(&self) -> Self {
        let Self {
            last_update,
            ipv4: _,
            agent_pod_ref,
            agents,
            route_helpers,
            first_acknowledged,
            foreign_servers,
            conditions,
            observed_generation,
        } = self;
        Self {
            last_update: last_update.clone(),
            ipv4: None,
            agent_pod_ref: agent_pod_ref.clone(),
            agents: agents.clone(),
            route_helpers: route_helpers.clone(),
            first_acknowledged: first_acknowledged.clone(),
            foreign_servers: foreign_servers.clone(),
            conditions: conditions.clone(),
            observed_generation: *observed_generation,
        }
    }
}

/// Who has which address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IPv4Status {
    // A pool has thousands of entries, and a manager several copies of it: short texts that need no memory of their own.
    /// Address to MAC, `EXCLUDED` or `RESERVED`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub allocated: BTreeMap<SmolStr, SmolStr>,
    /// Addresses that have left a MAC, and may still be in use by it (DESIGN 5).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub retiring: BTreeMap<String, RetiringAddress>,
    /// Addresses that have left a MAC while the pool was too large to tell of each when (address to MAC). They retire like
    /// the others, and their leases are counted from a later time, once there is room for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub released: BTreeMap<String, String>,
    /// When the last of `released` left `allocated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_released: Option<String>,
    /// Addresses that somebody uses who does not have them: nobody gets one before its time is over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub quarantined: BTreeMap<String, QuarantinedAddress>,
    /// Those addresses of `allocated` that a reservation holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<String>,
    /// Address to host name (option 12), of those that have their VM's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub hostnames: BTreeMap<SmolStr, SmolStr>,
    /// Address to what its card is sent by the word of its VM.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub client_options: BTreeMap<String, Vec<OptionValue>>,
    /// MTU of the VM network in bytes, where its configuration names one.
    #[serde(rename = "networkMTU", default, skip_serializing_if = "Option::is_none")]
    pub network_mtu: Option<i64>,
    /// Addresses of the ranges that a MAC has.
    #[serde(default)]
    #[schemars(!default)]
    pub used: i64,
    /// Addresses of the ranges that no MAC has.
    #[serde(default)]
    #[schemars(!default)]
    pub available: i64,
    /// Longest lease in seconds that agents may be granting now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_lease: Option<i64>,
    /// When the last lease granted under an earlier, longer lease time runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_leases_end: Option<String>,
    /// Allocations were lost and have been rebuilt; what nobody remembers may still be in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryStatus>,
}

/// The time after a loss of allocations, in which only those addresses are given of which it is known who had them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStatus {
    /// When the allocations were rebuilt.
    pub since: String,
    /// What was lost.
    pub cause: LossCause,
    /// From when on every agent served what was rebuilt; unknown leases can run until then plus the lease time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

/// How allocations were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LossCause {
    /// The pool had no allocations in its status although it had given addresses.
    StatusLost,
    /// The pool's status was older than what claims or agents knew. Any word that we do not know reads as this.
    #[default]
    #[serde(other)]
    OlderBackup,
}

/// An address that has left its MAC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetiringAddress {
    /// MAC that had it, and gets it back at once if it comes again.
    #[schemars(length(max = 17))]
    pub mac_address: String,
    /// When it left `allocated`.
    pub since: String,
    /// From when on every agent served a table without the pair; leases can run until then plus the lease time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// It has not left `allocated` but was lost: an agent reports that it still serves the pair, and may go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub served: bool,
    /// A virtual machine of this cluster had it: when that is gone and agents find nobody there, its guest has ended.
    #[serde(rename = "ofVM", default, skip_serializing_if = "std::ops::Not::not")]
    pub of_vm: bool,
}

/// An address that somebody uses who does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedAddress {
    /// MAC that answers for it.
    #[schemars(length(max = 17))]
    pub mac_address: String,
    /// When it was taken out of use.
    pub since: String,
    /// When it may be given again; put off for as long as agents find it in use.
    pub until: String,
    /// MAC of the card that was given another address instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 17))]
    pub moved: String,
}

/// A Pod that serves the pool (upstream's field).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentPodRef {
    /// Namespace of the Pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// Its UID.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// An agent, as it last reported in its Lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// Name of the agent: its Pod's on a cluster.
    #[schemars(length(max = 253))]
    pub name: String,
    /// MAC by which it is on the VM network.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 17))]
    pub mac_address: String,
    /// Whether it serves this pool's leases.
    #[serde(default)]
    pub ready: bool,
}
