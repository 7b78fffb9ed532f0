//! Rules of VirtualMachineNetworkConfigs.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{Cause, Change, ClaimError, Refusal, RefusalKind, Stored};
use crate::api::limits::MOST_CARDS;
use crate::api::{NetworkConfig, VirtualMachineNetworkConfig};
use crate::ipam::Allocations;
use crate::mac::MacAddr;
use crate::network::NetworkName;
use crate::pool::{Pool, PoolErrors, card_options};

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
    let mut wrong = |name: &str, error: ClaimError| causes.push(Cause::new(format!("{field}.{name}"), error));
    let network = NetworkName::parse(&card.network_name, namespace)
        .map_err(|error| wrong("networkName", error.into()))
        .ok();
    let mac = card.mac_address.parse::<MacAddr>().map_err(|error| wrong("macAddress", error.into())).ok();
    let written = card.ip_address.as_deref().filter(|text| !text.trim().is_empty());
    let address = written.map(|text| text.trim().parse::<Ipv4Addr>()).transpose();
    let address = address.map_err(|_| {
        wrong("ipAddress", ClaimError::Address { value: written.unwrap_or_default().to_owned() });
    });
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
        causes.push(Cause::new("spec.vmName", ClaimError::VmNameChanged));
    }
    if old.is_none() && new.spec.vm_name.is_empty() {
        causes.push(Cause::new("spec.vmName", ClaimError::VmNameEmpty));
    }
    let lists = |claim: &VirtualMachineNetworkConfig| {
        (claim.spec.network_configs.clone(), claim.spec.network_config.clone())
    };
    let (configs, config) = lists(new);
    if !configs.is_empty()
        && !config.is_empty()
        && configs != config
        && old.is_none_or(|old| lists(old) != (configs, config))
    {
        causes.push(Cause::new("spec.networkConfig", ClaimError::SpellingsDiffer));
    }
    let count = new.spec.cards().len();
    if count > MOST_CARDS && old.is_none_or(|old| old.spec.cards().len() < count) {
        causes.push(Cause::new(list(new), ClaimError::TooManyCards { count, most: MOST_CARDS }));
    }
    causes.extend(card_causes(old, new, stored));
    causes.extend(option_causes(old, new));
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

/// What is wrong with the options of cards that have not had them before.
fn option_causes(old: Option<&VirtualMachineNetworkConfig>, new: &VirtualMachineNetworkConfig) -> Vec<Cause> {
    let had_before = |card: &&NetworkConfig| {
        old.is_some_and(|old| old.spec.cards().iter().any(|before| before.options == card.options))
    };
    let cards = new.spec.cards().iter().enumerate().filter(|(_, card)| !card.options.is_empty());
    let wrong = cards.filter(|(_, card)| !had_before(card)).filter_map(|(at, card)| {
        let PoolErrors(errors) =
            card_options(&format!("{}[{at}].options", list(new)), &card.options).err()?;
        Some(errors)
    });
    wrong.flatten().map(|error| Cause::new(error.field(), ClaimError::Option(error.sentence()))).collect()
}

/// Where something of a network stands, by position.
type Positions<T> = BTreeMap<(NetworkName, T), Vec<usize>>;

/// Which cards have a MAC, and which an address, on a network; also those that are bad in another way, as old ones may be.
fn positions(
    claim: &VirtualMachineNetworkConfig,
    namespace: &str,
) -> (Positions<MacAddr>, Positions<Ipv4Addr>) {
    let (mut macs, mut addresses) = (Positions::new(), Positions::new());
    for (at, card) in claim.spec.cards().iter().enumerate() {
        let Ok(network) = NetworkName::parse(&card.network_name, namespace) else { continue };
        if let Ok(mac) = card.mac_address.parse() {
            macs.entry((network.clone(), mac)).or_default().push(at);
        }
        if let Some(address) = card.ip_address.as_deref().and_then(|text| text.trim().parse().ok()) {
            addresses.entry((network, address)).or_default().push(at);
        }
    }
    (macs, addresses)
}

/// What is wrong with the cards that a change adds or alters.
fn card_causes(
    old: Option<&VirtualMachineNetworkConfig>,
    new: &VirtualMachineNetworkConfig,
    stored: &dyn Stored,
) -> Vec<Cause> {
    let before = old.map(|old| old.spec.cards()).unwrap_or_default();
    let namespace = new.metadata.namespace.as_deref().unwrap_or_default();
    let mut causes = Vec::new();
    let altered: Vec<_> = new.spec.cards().iter().map(|card| !before.contains(card)).collect();
    let (macs, addresses) = positions(new, namespace);
    // Of two new cards the second is one too many; of a new one and an old one it is the new one, wherever it stands.
    let other = |at: usize, positions: &[usize]| {
        positions.iter().copied().find(|&other| other < at || other > at && !altered[other])
    };
    let mut pools = None;
    for (at, card) in declared_cards(new).into_iter().enumerate() {
        if !altered[at] {
            continue;
        }
        let field = format!("{}[{at}]", list(new));
        let card = match card {
            Ok(card) => card,
            Err(wrong) => {
                causes.extend(wrong);
                continue;
            }
        };
        if let Some(first) = macs.get(&(card.network.clone(), card.mac)).and_then(|cards| other(at, cards)) {
            let error = ClaimError::MacTwice { mac: card.mac, network: card.network.clone(), first };
            causes.push(Cause::new(format!("{field}.macAddress"), error));
        }
        let Some(address) = card.address else { continue };
        if let Some(first) =
            addresses.get(&(card.network.clone(), address)).and_then(|cards| other(at, cards))
        {
            let error = ClaimError::AddressTwice { address, first };
            causes.push(Cause::new(format!("{field}.ipAddress"), error));
        }
        // A claim that follows a VM demands what the VM demands, and says in its status what becomes of that. Refused
        // here, its other cards would pay for it, and nobody who looks at the VM would hear of it.
        if new.owner_vm().is_some() {
            continue;
        }
        let pools = pools.get_or_insert_with(|| stored.pools());
        // Without a pool the card waits: the pool may come later.
        let served = pools.iter().filter_map(|stored| Some((stored, Pool::from_stored(stored).ok()?.0)));
        for (stored, pool) in served.filter(|(_, pool)| pool.network == card.network) {
            let allocations =
                stored.status.as_ref().and_then(|status| status.ipv4.as_ref()).map(Allocations::read);
            if let Some(error) = address_problem(&pool, &allocations.unwrap_or_default(), card.mac, address) {
                causes.push(Cause::new(format!("{field}.ipAddress"), error));
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
) -> Option<ClaimError> {
    if let Some(&holder) = allocations.held.get(&address) {
        return (holder != mac).then_some(ClaimError::AddressInUse { address, holder });
    }
    let reserved_for =
        pool.reservations.iter().find(|(_, r)| r.address == Some(address)).map(|(mac, _)| *mac);
    if let Some(owner) = reserved_for {
        return (owner != mac).then_some(ClaimError::AddressReserved { address, owner });
    }
    let Pool { cidr, key, .. } = pool;
    Some(match address {
        _ if !cidr.contains(&address) => {
            ClaimError::OutsideSubnet { address, cidr: *cidr, pool: key.clone() }
        }
        _ if address == pool.server => ClaimError::ServersAddress { address },
        _ if Some(address) == pool.router => ClaimError::RoutersAddress { address },
        _ if pool.excluded.contains(address) => ClaimError::Excluded { address, pool: key.clone() },
        _ if !pool.ranges.contains(address) => ClaimError::OutsideRanges { address, pool: key.clone() },
        _ => return None,
    })
}
