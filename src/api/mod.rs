//! What is stored, byte for byte: the two kinds of `network.harvesterhci.io/v1alpha1` and the names around them.
//!
//! These types say what the wire carries and nothing more: texts stay texts, so that an object with a bad field can
//! still be read, listed, labelled and deleted. [`crate::Pool`] is where a spec becomes checked. The group is shared
//! with Harvester's network controller: nothing else in it is ours.
//!
//! Beside them what is read of KubeVirt's and Multus's kinds, and no more of these.

mod agent_report;
mod condition;
mod ippool;
pub mod limits;
mod network_attachment_definition;
mod schema;
mod strict;
mod virtual_machine;
mod virtual_machine_network_config;

pub use agent_report::{AddressConflict, AgentReport, ForeignServer};
pub use condition::{Condition, ConditionStatus, condition, set_condition};
pub use ippool::{
    AgentPodRef, AgentStatus, Boot, BootRule, Class, IPPool, IPPoolSpec, IPPoolStatus, IPv4Config,
    IPv4Status, LossCause, OptionValue, PoolRange, QuarantinedAddress, Range, RecoveryStatus, Reservation,
    RetiringAddress, Route,
};
pub use network_attachment_definition::{NetworkAttachmentDefinition, NetworkAttachmentDefinitionSpec};
pub use strict::read_strictly;
pub use virtual_machine::{
    Devices, Domain, Interface, InterfaceStatus, MultusNetwork, Network, VirtualMachine,
    VirtualMachineInstance, VirtualMachineInstanceSpec, VirtualMachineInstanceStatus,
    VirtualMachineInstanceTemplate, VirtualMachineSpec,
};
pub use virtual_machine_network_config::{
    NetworkConfig, NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfig,
    VirtualMachineNetworkConfigSpec, VirtualMachineNetworkConfigStatus,
};

use jiff::Timestamp;

/// API group of both kinds.
pub const GROUP: &str = "network.harvesterhci.io";
/// Version of both kinds.
pub const VERSION: &str = "v1alpha1";

/// Finalizer on IPPools; upstream's own key, so that nothing migrates and a rollback works (COMPAT 11.6).
pub const IPPOOL_FINALIZER: &str = "wrangler.cattle.io/vm-dhcp-ippool-controller";
/// Finalizer on VirtualMachineNetworkConfigs; upstream's own key.
pub const VMNETCFG_FINALIZER: &str = "wrangler.cattle.io/vm-dhcp-vmnetcfg-controller";

/// Label on VirtualMachineNetworkConfigs: the VM's name.
pub const VM_NAME_LABEL: &str = "harvesterhci.io/vmName";
/// Label on networks and agents: namespace of the pool.
pub const POOL_NAMESPACE_LABEL: &str = "network.harvesterhci.io/ippool-namespace";
/// Label on networks and agents: name of the pool.
pub const POOL_NAME_LABEL: &str = "network.harvesterhci.io/ippool-name";
/// Annotation on VM networks, by Harvester's network controller: subnet and gateway as JSON (COMPAT 9.1).
pub const ROUTE_ANNOTATION: &str = "network.harvesterhci.io/route";
/// Begin of annotations on VMs, before the name of a card: its DHCP options, as a list in YAML or JSON.
pub const DHCP_OPTIONS_PREFIX: &str = "dhcp-options.network.harvesterhci.io/";
/// Annotation on VM networks: `true` has an IPPool made with the network, `false` has none.
pub const DHCP_ANNOTATION: &str = "network.harvesterhci.io/dhcp";
/// Annotation on VM networks: the spec, as YAML, of the IPPool that is made with the network.
pub const DHCP_POOL_ANNOTATION: &str = "network.harvesterhci.io/dhcp-pool";
/// Label on an IPPool that was made with its VM network: the UID of that. Without it the pool is a user's own.
pub const MADE_FROM_LABEL: &str = "network.harvesterhci.io/made-from-network";
/// Annotation on such an IPPool: the fields of its spec that [`DHCP_POOL_ANNOTATION`] declares, separated by commas. One
/// that is no longer declared is removed.
pub const DECLARED_FIELDS_ANNOTATION: &str = "network.harvesterhci.io/dhcp-pool-fields";
/// Label on whatever belongs to a component of the system; value [`AGENT_COMPONENT`] on agents and their Leases.
pub const COMPONENT_LABEL: &str = "network.harvesterhci.io/vm-dhcp-controller";
/// Value of [`COMPONENT_LABEL`] on agents.
pub const AGENT_COMPONENT: &str = "agent";
/// Label on agents and their Deployments: name of the Deployment. Upstream's Pods have none, so it tells ours apart.
pub const AGENT_DEPLOYMENT_LABEL: &str = "network.harvesterhci.io/ippool-agent";
/// Annotation on an IPPool: how many agents it has, where not as many as all.
pub const AGENT_REPLICAS_ANNOTATION: &str = "network.harvesterhci.io/ippool-agent-replicas";
/// Label on networks: the cluster network, which reaches the nodes with the label [`GROUP`]`/NAME: "true"`.
pub const CLUSTER_NETWORK_LABEL: &str = "network.harvesterhci.io/clusternetwork";
/// Annotation on an IPPool that keeps its agent at the present image; its presence counts.
pub const HOLD_AGENT_UPGRADE_ANNOTATION: &str = "network.harvesterhci.io/hold-ippool-agent-upgrade";
/// Annotation on an IPPool: addresses, separated by commas, that the operator declares free of any guest but the one
/// that the pool has for them; [`REUSE_ALL`] for all of which the pool says nothing.
///
/// They may go to another MAC at once (DESIGN 5, case c). The manager removes the annotation when it has acted.
pub const REUSE_ANNOTATION: &str = "network.harvesterhci.io/reuse-addresses";
/// In [`REUSE_ANNOTATION`]: no guest uses any address that the pool does not say is allocated or retiring.
pub const REUSE_ALL: &str = "*";
/// Annotation on an IPPool: its UID, once its status has been written.
///
/// Such a pool without allocations in its status has lost them. Under another UID the object was made anew, out of a
/// backup or by copying.
pub const ALLOCATING_ANNOTATION: &str = "network.harvesterhci.io/ippool-allocating";
/// Annotation on a VirtualMachineNetworkConfig: its cards that may have an address, as NETWORK=MAC separated by commas.
///
/// Written by the manager before anything is allocated. So a card that has left the spec is released although the
/// status never came to name it.
pub const CARDS_ANNOTATION: &str = "network.harvesterhci.io/vmnetcfg-cards";
/// Annotation on a VirtualMachineNetworkConfig, listed likewise: the cards whose `ipAddress` stands there because of an
/// annotation of the VM, and goes with it. What somebody else wrote stays.
pub const STATIC_ADDRESSES_ANNOTATION: &str = "network.harvesterhci.io/vmnetcfg-static-ips";
/// Annotation on a VirtualMachineNetworkConfig, listed likewise: the cards that somebody wrote by hand before there was
/// the VM, and that the VM does not have yet.
pub const BY_HAND_ANNOTATION: &str = "network.harvesterhci.io/vmnetcfg-by-hand";
/// Annotation on an agent's Lease: the pool that it serves, as NAMESPACE/NAME (too long for a label).
pub const POOL_ANNOTATION: &str = "network.harvesterhci.io/ippool";
/// Annotation on an agent's Lease: its report as JSON, written by the agent alone and read as hostile.
pub const AGENT_REPORT_ANNOTATION: &str = "network.harvesterhci.io/agent-report";

/// Annotation on a VirtualMachine, written by Harvester: MACs by the names of network cards, as JSON.
pub const MAC_ADDRESS_ANNOTATION: &str = "harvesterhci.io/mac-address";
/// What the keys of annotations on a VirtualMachine begin with that demand an address for a network card, by whose name
/// they end.
pub const STATIC_IP_PREFIX: &str = "static-ip.harvesterhci.io/";
/// Label on a NetworkAttachmentDefinition, written by Harvester: what sort of network it is.
pub const NETWORK_TYPE_LABEL: &str = "network.harvesterhci.io/type";
/// Value of [`NETWORK_TYPE_LABEL`] on a network of Kube-OVN, which gives the addresses there itself.
pub const OVERLAY_NETWORK: &str = "OverlayNetwork";

/// Value in `status.ipv4.allocated` of an address that the spec excludes.
pub const EXCLUDED: &str = "EXCLUDED";
/// Value in `status.ipv4.allocated` of the server's and the router's address inside the range.
pub const RESERVED: &str = "RESERVED";

/// A time as both kinds store it: RFC 3339, UTC, to the second (`2026-08-01T10:00:00Z`).
pub fn format_time(time: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%SZ", time).unwrap_or_default()
}

/// Reads a stored time; anything that is not RFC 3339 is no time.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_stored_in_utc_to_the_second() {
        let time = parse_time("2026-08-01T12:00:00.75+02:00").unwrap();
        assert_eq!(format_time(time), "2026-08-01T10:00:00Z");
        assert_eq!(parse_time("yesterday"), None);
    }
}
