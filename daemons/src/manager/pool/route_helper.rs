//! Harvester's route helper: the Pod of a Job that asks the DHCP server of a VM network for the network's router.
//!
//! It has no claim and sends no DHCPREQUEST: agents answer its DHCPDISCOVER with an offer that binds nothing. They know it
//! by its MAC, which Multus writes to its Pod before it starts, and which the status of the pool passes on to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::IPPool;
use vmdhcp_core::mac::MacAddr;

use super::super::Context;
use super::agents::pod;
use super::pool_of_network;

const SERVICE_ACCOUNT: &str = "harvester-network-helper";
const CONTAINER: &str = "network-helper";
/// More of one network than these would be no helpers.
const MOST: usize = 16;

/// The pools whose agents shall know the helper in a Pod.
pub(in crate::manager) fn pools_of(
    context: &Arc<Context>,
) -> impl Fn(Pod) -> Vec<ObjectRef<IPPool>> + Send + Sync + 'static {
    let context = Arc::clone(context);
    move |pod| {
        let networks: BTreeSet<_> = cards(&pod).into_iter().map(|(network, _)| network).collect();
        let pools = networks.iter().filter_map(|network| pool_of_network(network, &context.pools));
        pools.map(|pool| ObjectRef::from_obj(&*pool)).collect()
    }
}

/// The cards of all helpers on a network.
pub(super) fn on(network: &NetworkName, context: &Context) -> BTreeSet<MacAddr> {
    let helpers = context.route_helpers.state();
    let running = helpers.iter().filter(|helper| !pod::has_ended(helper));
    let cards = running.flat_map(|helper| cards(helper)).filter(|(on, _)| on == network);
    cards.map(|(_, mac)| mac).collect::<BTreeSet<_>>().into_iter().take(MOST).collect()
}

/// The cards of a helper, as Multus tells; none of any other Pod.
fn cards(pod: &Pod) -> Vec<(NetworkName, MacAddr)> {
    let is_helper = pod.spec.as_ref().is_some_and(|spec| {
        spec.service_account_name.as_deref() == Some(SERVICE_ACCOUNT)
            && spec.containers.iter().any(|container| container.name == CONTAINER)
    });
    let namespace = pod.namespace().unwrap_or_default();
    let told = if is_helper { pod::networks(pod) } else { Vec::new() };
    let card = |told: pod::NetworkStatus| {
        Some((NetworkName::parse(&told.name, &namespace).ok()?, told.mac.parse().ok()?))
    };
    told.into_iter().filter_map(card).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn helper(service_account: &str) -> Pod {
        let status = json!([
            { "name": "k8s-pod-network", "interface": "eth0", "mac": "" },
            { "name": "default/net-48", "interface": "net1", "mac": "0A:58:00:00:00:01" },
        ]);
        serde_json::from_value(json!({
            "metadata": {
                "name": "helper-1", "namespace": "harvester-system",
                "annotations": { "k8s.v1.cni.cncf.io/network-status": status.to_string() },
            },
            "spec": {
                "serviceAccountName": service_account,
                "containers": [{ "name": "network-helper", "image": "" }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_helper_is_known_by_its_service_account_and_container_and_has_the_cards_that_multus_tells() {
        let network = NetworkName { namespace: "default".into(), name: "net-48".into() };
        assert_eq!(cards(&helper(SERVICE_ACCOUNT)), [(network, "0a:58:00:00:00:01".parse().unwrap())]);
        assert_eq!(cards(&helper("default")), []);
    }
}
