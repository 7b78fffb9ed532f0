//! Rules of VirtualMachineNetworkConfigs, as CEL.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

use super::terms::{
    is_ipv4, is_mac, is_multicast, is_network_name, is_zero, mac_digits, names_a_network, trimmed,
};
use super::{ADDRESS, Items, POSITION, VALUE, of_fields, of_value, sentence};
use crate::admission::ClaimError;
use crate::api::limits::MOST_CARDS;
use crate::mac::{MacAddr, MacError};
use crate::network::{NetworkName, NetworkNameError};

/// The list's two spellings.
const LISTS: [(&str, &[&str]); 2] =
    [("networkConfigs", &["networkConfig"]), ("networkConfig", &["networkConfigs"])];

/// Of `spec.vmName`.
pub(crate) fn vm_name() -> Vec<ValidationRule> {
    vec![
        of_value("self != ''", sentence(ClaimError::VmNameEmpty, &[])),
        of_value("self == oldSelf", sentence(ClaimError::VmNameChanged, &[])),
    ]
}

/// Of `spec`.
pub(crate) fn claim() -> Vec<ValidationRule> {
    let [(new, _), (old, _)] = LISTS;
    // `dyn`, as the two lists have types of their own, however equal.
    let agree = format!(
        "!has(self.{new}) || !has(self.{old}) || self.{new}.size() == 0 || self.{old}.size() == 0 || dyn(self.{new}) == self.{old}"
    );
    let mut rules = vec![of_fields(&[old, new], &agree, sentence(ClaimError::SpellingsDiffer, &[]))];
    for (list, formerly) in LISTS {
        let cards = Items { formerly, ..Items::of(list) };
        rules.extend(networks(cards));
        rules.extend(macs(cards));
        rules.push(cards.rule(
            &format!(
                "!has(item.ipAddress) || item.ipAddress.trim() == '' || {}",
                is_ipv4(&trimmed("item.ipAddress"))
            ),
            sentence(ClaimError::Address { value: VALUE.to_owned() }, &[(&VALUE, "item.ipAddress")]),
        ));
        rules.extend(duplicates(cards));
    }
    rules
}

fn networks(cards: Items<'_>) -> [ValidationRule; 2] {
    let name = "item.networkName";
    let says = |error: fn(String) -> NetworkNameError| sentence(error(VALUE.to_owned()), &[(&VALUE, name)]);
    [
        cards.rule(&names_a_network(name), says(NetworkNameError::Empty)),
        cards.rule(
            &format!("!{} || {}", names_a_network(name), is_network_name(name)),
            says(NetworkNameError::Malformed),
        ),
    ]
}

/// Of items with a field `macAddress`.
pub(super) fn macs(cards: Items<'_>) -> [ValidationRule; 3] {
    let mac = "item.macAddress";
    let says = |error: fn(String) -> MacError| sentence(error(VALUE.to_owned()), &[(&VALUE, mac)]);
    let unless_malformed = |holds: String| format!("!{} || !{holds}", is_mac(mac));
    [
        cards.rule(&is_mac(mac), says(MacError::Malformed)),
        cards.rule(&unless_malformed(is_multicast(mac)), says(MacError::Multicast)),
        cards.rule(&unless_malformed(is_zero(mac)), sentence(MacError::Zero, &[])),
    ]
}

/// One MAC, or one address, twice on one network. The network is compared as it is written: whether `net` and `ns/net`
/// are the same depends on the namespace, which no rule in a CRD is told.
fn duplicates(cards: Items<'_>) -> [ValidationRule; 2] {
    // No name has a blank in it, so what is left without them is the name.
    let network = |card: &str| format!("{card}.networkName.replace(' ', '')");
    let mac = |card: &str| mac_digits(&format!("{card}.macAddress"));
    let address = |card: &str| {
        let text = trimmed(&format!("{card}.ipAddress"));
        format!("(has({card}.ipAddress) && {} ? {text} : '')", is_ipv4(&text))
    };
    let mac_on_network = |card: &str| format!("{} + ' ' + {}", mac(card), network(card));
    let address_on_network = |card: &str| format!("{} + ' ' + {}", address(card), network(card));
    let somewhere = NetworkName { namespace: VALUE.to_owned(), name: VALUE.to_owned() };
    let mac_twice =
        ClaimError::MacTwice { mac: MacAddr::EXAMPLE, network: somewhere.clone(), first: POSITION };
    let says_mac_twice = sentence(
        mac_twice,
        &[(&MacAddr::EXAMPLE, "item.macAddress"), (&somewhere, "item.networkName"), (&POSITION, "first")],
    );
    let address_twice = ClaimError::AddressTwice { address: ADDRESS, first: POSITION };
    let says_address_twice = sentence(address_twice, &[(&ADDRESS, "item.ipAddress"), (&POSITION, "first")]);
    [
        cards.distinct(&[&mac, &mac_on_network], "''", MOST_CARDS, says_mac_twice),
        cards.distinct(&[&address, &address_on_network], "''", MOST_CARDS, says_address_twice),
    ]
}
