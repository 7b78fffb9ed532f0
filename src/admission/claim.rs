//! Rules of VirtualMachineNetworkConfigs.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{Cause, Change, Refusal, RefusalKind, Stored};
use crate::api::{NetworkConfig, VirtualMachineNetworkConfig};
use crate::ipam::Allocations;
use crate::mac::MacAddr;
use crate::network::NetworkName;
use crate::pool::Pool;

/// Most cards of one VM.
const MOST_CARDS: usize = 256;

/// A card whose texts mean something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The network, in canonical form.
    pub network: NetworkName,
    /// Its MAC.
    pub mac: MacAddr,
    /// The address that it must have.
    pub address: Option<Ipv4Addr>,
}

/// Each card of a claim, checked, or what is wrong with it; in the order of the spec.
pub fn declared_cards(claim: &VirtualMachineNetworkConfig) -> Vec<Result<Card, Vec<Cause>>> {
    let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
    let cards = claim.spec.cards().iter().enumerate();
    cards.map(|(at, card)| check_card(&format!("{}[{at}]", list(claim)), card, namespace)).collect()
}

/// The spelling of the list that is in use.
fn list(claim: &VirtualMachineNetworkConfig) -> &'static str {
    if claim.spec.network_configs.is_empty() { "spec.networkConfig" } else { "spec.networkConfigs" }
}

fn check_card(field: &str, card: &NetworkConfig, namespace: &str) -> Result<Card, Vec<Cause>> {
    let mut causes = Vec::new();
    let mut wrong = |name: &str, message: String| causes.push(Cause::new(format!("{field}.{name}"), message));
    let network = NetworkName::parse(&card.network_name, namespace)
        .map_err(|e| wrong("networkName", e.to_string()))
        .ok();
    let mac = card.mac_address.parse::<MacAddr>().map_err(|e| wrong("macAddress", e.to_string())).ok();
    let written = card.ip_address.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let address = written.map(str::parse::<Ipv4Addr>).transpose();
    let address = address
        .map_err(|_| wrong("ipAddress", format!("{:?} is not an IPv4 address", written.unwrap_or_default())));
    match (network, mac, address) {
        (Some(network), Some(mac), Ok(address)) => Ok(Card { network, mac, address }),
        _ => Err(causes),
    }
}

/// Whether a claim may be created or changed; it may always be deleted.
pub fn admit_claim(
    change: &Change<'_, VirtualMachineNetworkConfig>,
    stored: &dyn Stored,
) -> Result<(), Refusal> {
    let (old, new) = match *change {
        Change::Create(new) => (None, new),
        Change::Update { old, new } => (Some(old), new),
        Change::Delete(_) => return Ok(()),
    };
    if new.metadata.deletion_timestamp.is_some() || old.is_some_and(|old| old.spec == new.spec) {
        return Ok(());
    }
    let mut causes = Vec::new();
    if old.is_some_and(|old| old.spec.vm_name != new.spec.vm_name) {
        causes.push(Cause::new(
            "spec.vmName",
            "cannot change; create a VirtualMachineNetworkConfig for the other VM",
        ));
    }
    if old.is_none() && new.spec.vm_name.is_empty() {
        causes.push(Cause::new("spec.vmName", "is empty; name the VM"));
    }
    if !new.spec.network_configs.is_empty()
        && !new.spec.network_config.is_empty()
        && new.spec.network_configs != new.spec.network_config
    {
        let message =
            "differs from spec.networkConfigs, of which it is an old spelling; keep only networkConfigs";
        causes.push(Cause::new("spec.networkConfig", message));
    }
    let count = new.spec.cards().len();
    if count > MOST_CARDS && old.is_none_or(|old| old.spec.cards().len() < count) {
        causes.push(Cause::new(list(new), format!("has {count} items; {MOST_CARDS} is the most")));
    }
    causes.extend(card_causes(old, new, stored));
    if causes.is_empty() {
        return Ok(());
    }
    let (namespace, name) = (&new.metadata.namespace, &new.metadata.name);
    let object = format!(
        "VirtualMachineNetworkConfig {}/{}",
        namespace.as_deref().unwrap_or_default(),
        name.as_deref().unwrap_or_default()
    );
    Err(Refusal { kind: RefusalKind::Invalid, object, causes })
}

/// What is wrong with the cards that a change adds or alters.
fn card_causes(
    old: Option<&VirtualMachineNetworkConfig>,
    new: &VirtualMachineNetworkConfig,
    stored: &dyn Stored,
) -> Vec<Cause> {
    let before = old.map(|old| old.spec.cards()).unwrap_or_default();
    let mut causes = Vec::new();
    let (mut macs, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    let mut pools = None;
    for (at, (written, card)) in new.spec.cards().iter().zip(declared_cards(new)).enumerate() {
        let altered = !before.contains(written);
        let field = format!("{}[{at}]", list(new));
        let card = match card {
            Ok(card) => card,
            Err(wrong) => {
                causes.extend(wrong.into_iter().filter(|_| altered));
                continue;
            }
        };
        if let Some(first) = macs.insert((card.network.clone(), card.mac), at)
            && altered
        {
            let message = format!(
                "{} is on {} already, as item {first}; give each card a MAC of its own",
                card.mac, card.network
            );
            causes.push(Cause::new(format!("{field}.macAddress"), message));
        }
        let Some(address) = card.address.filter(|_| altered) else { continue };
        if let Some(first) = addresses.insert((card.network.clone(), address), at) {
            let message = format!(
                "{address} is asked for by item {first} already; give each card an address of its own"
            );
            causes.push(Cause::new(format!("{field}.ipAddress"), message));
        }
        let pools = pools.get_or_insert_with(|| stored.pools());
        // Without a pool the card waits: the pool may come later.
        let served = pools.iter().filter_map(|stored| Some((stored, Pool::from_stored(stored).ok()?.0)));
        for (stored, pool) in served.filter(|(_, pool)| pool.network == card.network) {
            let allocations =
                stored.status.as_ref().and_then(|status| status.ipv4.as_ref()).map(Allocations::read);
            if let Some(message) = address_problem(&pool, &allocations.unwrap_or_default(), card.mac, address)
            {
                causes.push(Cause::new(format!("{field}.ipAddress"), message));
            }
        }
    }
    causes
}

/// Why this card cannot have this address of the pool.
fn address_problem(
    pool: &Pool,
    allocations: &Allocations,
    mac: MacAddr,
    address: Ipv4Addr,
) -> Option<String> {
    let cidr = pool.cidr;
    if let Some(holder) = allocations.held.get(&address) {
        return (*holder != mac).then(|| format!("{address} is in use by {holder}; choose another address"));
    }
    let reserved_for =
        pool.reservations.iter().find(|(_, r)| r.address == Some(address)).map(|(mac, _)| *mac);
    if let Some(owner) = reserved_for {
        return (owner != mac).then(|| format!("{address} is reserved for {owner}; choose another address"));
    }
    Some(match address {
        _ if !cidr.contains(&address) => format!(
            "{address} is outside {cidr}, the subnet of pool {}; choose an address inside it",
            pool.key
        ),
        _ if address == pool.server => format!("{address} is the DHCP server's address; choose another"),
        _ if Some(address) == pool.router => format!("{address} is the router's address; choose another"),
        _ if pool.excluded.contains(address) => {
            format!("{address} is excluded by pool {}; choose another address", pool.key)
        }
        _ if !pool.ranges.contains(address) => {
            format!(
                "{address} is outside the ranges of pool {}; choose an address inside them, or reserve it in the pool",
                pool.key
            )
        }
        _ => return None,
    })
}
