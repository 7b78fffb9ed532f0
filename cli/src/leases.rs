//! Who has which address, and who waits for one: pools and claims joined by network and MAC.
//!
//! The pool's status is the truth about addresses; a claim adds the VM and, where there is no address, the reason.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use vmdhcp_core::admission::{Card, declared_cards};
use vmdhcp_core::api::{
    IPPool, NetworkConfigState, NetworkConfigStatus, VirtualMachineNetworkConfig,
    VirtualMachineNetworkConfigStatus, format_time, parse_time,
};
use vmdhcp_core::ipam::Allocations;
use vmdhcp_core::{MacAddr, NetworkName};

/// An object by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct ObjectName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// Where this object is stored.
    pub(crate) fn of(object: &impl ResourceExt) -> Self {
        Self { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }

    /// The name alone where the namespace goes without saying, else both.
    pub(crate) fn seen_from(&self, namespace: Option<&str>) -> String {
        if namespace == Some(self.namespace.as_str()) {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

/// One network card and its address, or an address and its former card. What `-o json` prints of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lease {
    /// The address; of a card that waits, the one it asks for, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The card, in canonical form where it is a MAC.
    pub mac_address: String,
    /// The network, in canonical form.
    pub network_name: String,
    /// The pool that serves the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<ObjectName>,
    /// The VM, by the name that its claim gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vm: Option<ObjectName>,
    /// The claim: a VirtualMachineNetworkConfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ObjectName>,
    /// The host name that a reservation gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// What it has.
    pub state: State,
    /// Why it has no address, as one CamelCase word; or what is odd about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when: of a claim its creation, of a retiring address the time when it left its card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl Lease {
    /// The card, where it is one.
    pub(crate) fn mac(&self) -> Option<MacAddr> {
        self.mac_address.parse().ok()
    }

    /// When [`Self::since`] was.
    pub(crate) fn since_time(&self) -> Option<Timestamp> {
        self.since.as_deref().and_then(parse_time)
    }
}

/// What a card has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum State {
    /// The pool says that it has the address.
    Allocated,
    /// A reservation holds the address, and no claim uses it.
    Reserved,
    /// The address has left this card, and nobody else gets it yet.
    Retiring,
    /// It waits for an address.
    Pending,
}

/// A card that a claim declares.
struct Claimed<'a> {
    claim: &'a VirtualMachineNetworkConfig,
    card: Card,
    status: Option<&'a NetworkConfigStatus>,
}

impl Claimed<'_> {
    fn is_granted(&self, address: Ipv4Addr) -> bool {
        self.status.is_some_and(|status| {
            status.state == NetworkConfigState::Allocated
                && status.allocated_ip_address.parse() == Ok(address)
        })
    }
}

/// All leases of these pools and claims, by address; cards that wait for one come last.
pub(crate) fn leases(pools: &[IPPool], claims: &[VirtualMachineNetworkConfig]) -> Vec<Lease> {
    let (mut claimed, mut leases) = read_claims(claims);
    for pool in pools {
        let namespace = pool.namespace().unwrap_or_default();
        let network = NetworkName::parse(&pool.spec.network_name, &namespace).ok();
        let (ours, others) = claimed.into_iter().partition(|c| Some(&c.card.network) == network.as_ref());
        claimed = others;
        let shown = network.map_or_else(|| pool.spec.network_name.clone(), |network| network.to_string());
        leases.extend(of_pool(pool, &shown, ours));
    }
    leases.extend(claimed.iter().map(|claimed| {
        let mut lease = waiting(claimed, None);
        if lease.reason.is_empty() || lease.reason == "NotSeen" {
            lease.reason = "NoPool".into();
            lease.message = format!("no pool serves the network {}", claimed.card.network);
        }
        lease
    }));
    leases.sort_by_key(|lease| {
        let place = (lease.network_name.clone(), lease.mac_address.clone());
        (lease.state == State::Pending, lease.address.is_none(), lease.address, place)
    });
    leases
}

/// The cards of all claims; those whose texts mean nothing are leases that will never be.
fn read_claims(claims: &[VirtualMachineNetworkConfig]) -> (Vec<Claimed<'_>>, Vec<Lease>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for claim in claims {
        let namespace = claim.namespace().unwrap_or_default();
        let entries = claim.status.as_ref().map(VirtualMachineNetworkConfigStatus::cards).unwrap_or_default();
        for (written, card) in claim.spec.cards().iter().zip(declared_cards(claim)) {
            match card {
                Ok(card) => {
                    let status = entries.iter().find(|entry| {
                        entry.mac_address.parse() == Ok(card.mac)
                            && NetworkName::parse(&entry.network_name, &namespace).as_ref()
                                == Ok(&card.network)
                    });
                    good.push(Claimed { claim, card, status });
                }
                Err(causes) => {
                    let causes: Vec<_> =
                        causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
                    bad.push(Lease {
                        mac_address: written.mac_address.clone(),
                        reason: "Invalid".into(),
                        message: causes.join("; "),
                        ..of_claim(claim, &written.network_name, State::Pending)
                    });
                }
            }
        }
    }
    (good, bad)
}

fn of_pool(pool: &IPPool, network: &str, mut claimed: Vec<Claimed<'_>>) -> Vec<Lease> {
    let key = ObjectName::of(pool);
    let status = pool.status.as_ref().and_then(|status| status.ipv4.as_ref());
    let allocations = status.map(Allocations::read).unwrap_or_default();
    let config = pool.spec.ipv4_config.as_ref();
    let reservations: Vec<_> = config
        .into_iter()
        .flat_map(|config| &config.reservations)
        .filter_map(|reservation| Some((reservation.mac_address.parse::<MacAddr>().ok()?, reservation)))
        .collect();
    let hostname = |mac: MacAddr| {
        reservations.iter().find(|(reserved, _)| *reserved == mac).and_then(|(_, r)| r.hostname.clone())
    };
    let bare = |mac: MacAddr, address: Option<Ipv4Addr>, state: State| Lease {
        address,
        mac_address: mac.to_string(),
        network_name: network.to_owned(),
        pool: Some(key.clone()),
        vm: None,
        claim: None,
        hostname: hostname(mac),
        state,
        reason: String::new(),
        message: String::new(),
        since: None,
    };
    let mut leases = Vec::new();
    for (&address, &mac) in &allocations.held {
        let granted = claimed.iter().position(|c| c.card.mac == mac && c.is_granted(address));
        // Between the pool's write and the claim's, only the pool knows.
        let owner = granted.or_else(|| claimed.iter().position(|c| c.card.mac == mac));
        leases.push(match owner.map(|at| claimed.remove(at)) {
            Some(owner) => Lease {
                address: Some(address),
                mac_address: mac.to_string(),
                pool: Some(key.clone()),
                hostname: hostname(mac),
                ..of_claim(owner.claim, network, State::Allocated)
            },
            None if allocations.reserved.contains(&address) => bare(mac, Some(address), State::Reserved),
            None => Lease {
                reason: "Unclaimed".into(),
                message: "neither a claim nor a reservation explains it; it is served all the same".into(),
                ..bare(mac, Some(address), State::Allocated)
            },
        });
    }
    for (&address, retiring) in &allocations.retiring {
        leases.push(Lease {
            since: Some(format_time(retiring.since)),
            reason: if retiring.withdrawn.is_some() { "Withdrawn".into() } else { String::new() },
            ..bare(retiring.mac, Some(address), State::Retiring)
        });
    }
    leases.extend(claimed.iter().map(|claimed| waiting(claimed, Some(&key))));
    for (mac, reservation) in &reservations {
        let is_shown =
            leases.iter().any(|lease| lease.mac() == Some(*mac) && !matches!(lease.state, State::Retiring));
        if !is_shown {
            let address = reservation.ip_address.as_deref().and_then(|text| text.trim().parse().ok());
            leases.push(Lease {
                reason: "NotHeld".into(),
                message: "the manager does not hold the reserved address yet".into(),
                ..bare(*mac, address, State::Pending)
            });
        }
    }
    leases
}

/// A claimed card without an address.
fn waiting(claimed: &Claimed<'_>, pool: Option<&ObjectName>) -> Lease {
    let Claimed { claim, card, status } = claimed;
    let (reason, message) = match status {
        _ if claim.spec.is_paused() => ("Paused".to_owned(), "the claim is paused".to_owned()),
        Some(status) if !status.reason.is_empty() => (status.reason.clone(), status.message.clone()),
        Some(_) => ("Pending".to_owned(), String::new()),
        None => ("NotSeen".to_owned(), "no manager has looked at this card yet; is one running?".to_owned()),
    };
    Lease {
        address: card.address,
        mac_address: card.mac.to_string(),
        pool: pool.cloned(),
        reason,
        message,
        ..of_claim(claim, &card.network.to_string(), State::Pending)
    }
}

/// What a claim alone says.
fn of_claim(claim: &VirtualMachineNetworkConfig, network: &str, state: State) -> Lease {
    let name = ObjectName::of(claim);
    Lease {
        address: None,
        mac_address: String::new(),
        network_name: network.to_owned(),
        pool: None,
        vm: Some(ObjectName { namespace: name.namespace.clone(), name: claim.spec.vm_name.clone() }),
        claim: Some(name),
        hostname: None,
        state,
        reason: String::new(),
        message: String::new(),
        since: claim.creation_timestamp().map(|time| format_time(time.0)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pool(spec: &serde_json::Value, ipv4: &serde_json::Value) -> IPPool {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "lab"},
            "spec": {"networkName": "net", "ipv4Config": spec},
            "status": {"ipv4": ipv4},
        }))
        .unwrap()
    }

    fn claim(name: &str, mac: &str, status: &serde_json::Value) -> VirtualMachineNetworkConfig {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "lab"},
            "spec": {"vmName": name, "networkConfigs": [{"macAddress": mac, "networkName": "lab/net"}]},
            "status": {"networkConfigs": [status]},
        }))
        .unwrap()
    }

    fn short(leases: &[Lease]) -> Vec<String> {
        let line = |l: &Lease| {
            let vm = l.vm.as_ref().map_or("-", |vm| vm.name.as_str());
            format!("{} {vm} {:?} {}", l.address.map_or("-".into(), |a| a.to_string()), l.state, l.reason)
        };
        leases.iter().map(line).collect()
    }

    #[test]
    fn the_pool_says_who_has_an_address_and_the_claim_why_one_has_none() {
        let spec = json!({"cidr": "10.0.0.0/24", "reservations": [
            {"macAddress": "02:00:00:00:00:03", "ipAddress": "10.0.0.3"},
            {"macAddress": "02:00:00:00:00:04", "ipAddress": "10.0.0.4"},
        ]});
        let ipv4 = json!({"used": 3, "available": 0, "reserved": ["10.0.0.3"],
            "allocated": {"10.0.0.10": "02:00:00:00:00:01", "10.0.0.3": "02:00:00:00:00:03",
                          "10.0.0.9": "02:00:00:00:00:09", "10.0.0.2": "EXCLUDED"},
            "retiring": {"10.0.0.5": {"macAddress": "02:00:00:00:00:05", "since": "2026-08-01T10:00:00Z"}}});
        let waiting = json!({"macAddress": "02:00:00:00:00:02", "networkName": "lab/net", "state": "Pending",
            "reason": "PoolExhausted", "message": "m"});
        let claims =
            [claim("one", "02-00-00-00-00-01", &json!({})), claim("two", "02:00:00:00:00:02", &waiting)];
        assert_eq!(
            short(&leases(&[pool(&spec, &ipv4)], &claims)),
            [
                "10.0.0.3 - Reserved ",
                "10.0.0.5 - Retiring ",
                "10.0.0.9 - Allocated Unclaimed",
                "10.0.0.10 one Allocated ",
                "10.0.0.4 - Pending NotHeld",
                "- two Pending PoolExhausted",
            ]
        );
    }

    #[test]
    fn of_two_claims_on_one_mac_the_granted_one_has_the_address() {
        let ipv4 = json!({"used": 1, "available": 0, "allocated": {"10.0.0.10": "02:00:00:00:00:01"}});
        let granted = json!({"macAddress": "02:00:00:00:00:01", "networkName": "lab/net", "state": "Allocated",
            "allocatedIPAddress": "10.0.0.10"});
        let second = json!({"macAddress": "02:00:00:00:00:01", "networkName": "lab/net", "state": "Pending",
            "reason": "DuplicateMAC"});
        let claims = [claim("a", "02:00:00:00:00:01", &second), claim("b", "02:00:00:00:00:01", &granted)];
        let pools = [pool(&json!({"cidr": "10.0.0.0/24"}), &ipv4)];
        assert_eq!(short(&leases(&pools, &claims)), ["10.0.0.10 b Allocated ", "- a Pending DuplicateMAC"]);
    }

    #[test]
    fn a_card_on_a_network_without_a_pool_and_one_that_is_no_card_are_shown_as_such() {
        let mut claims = [claim("a", "02:00:00:00:00:01", &json!({})), claim("b", "me", &json!({}))];
        claims[0].status = None;
        let shown = short(&leases(&[], &claims));
        assert_eq!(shown, ["- a Pending NoPool", "- b Pending Invalid"]);
    }
}
