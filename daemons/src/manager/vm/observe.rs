//! What a VM, its instance and its networks say of its cards, in the terms of a claim.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use kube::{Resource, ResourceExt};
use serde_json::Value;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::limits::MOST_CARDS;
use vmdhcp_core::api::{
    DHCP_OPTIONS_PREFIX, Interface, MAC_ADDRESS_ANNOTATION, OptionValue, STATIC_IP_PREFIX, VirtualMachine,
    VirtualMachineInstance, VirtualMachineInstanceSpec, VirtualMachineNetworkConfig, read_strictly,
};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::card_options;

use super::super::events::Notice;
use super::super::vmnetwork::is_overlay;
use super::super::{Context, pool_of_network};

/// Most characters of what is said of a VM.
const LONGEST_COMPLAINT: usize = 500;
/// Most characters of the value of an option; the claim's schema takes no more.
const LONGEST_VALUE: usize = 1024;

/// A network card of a VM that this system may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nic {
    pub(super) network: NetworkName,
    /// Whether the network has a pool.
    pub(super) has_pool: bool,
    /// Absent as long as nobody has told it.
    pub(super) mac: Option<MacAddr>,
    /// The address that an annotation of the VM demands for it.
    pub(super) address: Option<Ipv4Addr>,
    /// The DHCP options that an annotation of the VM has for it.
    pub(super) options: Vec<OptionValue>,
}

/// What is known of a VM at one moment.
#[derive(Debug)]
pub(super) struct Observation<'a> {
    pub(super) vm: &'a VirtualMachine,
    /// The claim of its name.
    pub(super) claim: Option<&'a VirtualMachineNetworkConfig>,
    /// Its cards on networks that are not others' to serve, in its order.
    pub(super) nics: Vec<Nic>,
    /// What is wrong with what it says.
    pub(super) complaints: Vec<Notice>,
}

impl<'a> Observation<'a> {
    pub(super) fn gather(
        vm: &'a VirtualMachine,
        instance: Option<&VirtualMachineInstance>,
        claim: Option<&'a VirtualMachineNetworkConfig>,
        context: &Context,
    ) -> Self {
        let service = |network: &NetworkName| match () {
            () if context.network(network).is_some_and(|stored| is_overlay(&*stored)) => Service::Others,
            () if pool_of_network(network, &context.pools).is_some() => Service::Pool,
            () => Service::None,
        };
        Self::read(vm, instance, claim, service)
    }

    /// Pure: `service` says who serves a network.
    pub(super) fn read(
        vm: &'a VirtualMachine,
        instance: Option<&VirtualMachineInstance>,
        claim: Option<&'a VirtualMachineNetworkConfig>,
        service: impl Fn(&NetworkName) -> Service,
    ) -> Self {
        let mut complaints = Vec::new();
        let nics = nics(vm, instance, service, &mut complaints);
        Self { vm, claim, nics, complaints }
    }
}

/// Who gives the addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// This system, out of a pool.
    Pool,
    /// Nobody, as far as is known.
    None,
    /// Another system.
    Others,
}

/// The networks that a VM's cards are on.
pub(super) fn networks(vm: &VirtualMachine) -> BTreeSet<NetworkName> {
    let namespace = vm.namespace().unwrap_or_default();
    let written = vm.spec.template.spec.networks.iter().filter_map(|network| network.multus.as_ref());
    written.filter_map(|network| NetworkName::parse(&network.network_name, &namespace).ok()).collect()
}

fn nics(
    vm: &VirtualMachine,
    instance: Option<&VirtualMachineInstance>,
    service: impl Fn(&NetworkName) -> Service,
    complaints: &mut Vec<Notice>,
) -> Vec<Nic> {
    let namespace = vm.namespace().unwrap_or_default();
    let VirtualMachineInstanceSpec { domain, networks } = &vm.spec.template.spec;
    let interfaces = &domain.devices.interfaces;
    let macs = Macs::gather(vm, instance, complaints);
    let mut addresses = of_cards(vm, STATIC_IP_PREFIX, interfaces, "StaticIPIgnored", complaints);
    let mut options = of_cards(vm, DHCP_OPTIONS_PREFIX, interfaces, "DHCPOptionsIgnored", complaints);
    let mut nics: Vec<Nic> = Vec::new();
    let mut seen = BTreeSet::new();
    for interface in interfaces.iter().filter(|interface| interface.state != "absent") {
        let name = &interface.name;
        let network = networks.iter().find(|network| network.name == *name);
        let Some(multus) = network.and_then(|network| network.multus.as_ref()) else { continue };
        let network = match NetworkName::parse(&multus.network_name, &namespace) {
            Ok(network) => network,
            Err(error) => {
                complaints.push(complaint("InvalidNetwork", format!("network card {name}: {error}")));
                continue;
            }
        };
        let service = service(&network);
        if service == Service::Others {
            continue;
        }
        let mac = match macs.of(interface).map(str::parse::<MacAddr>).transpose() {
            Ok(mac) => mac,
            Err(error) => {
                complaints.push(complaint("InvalidMAC", format!("network card {name}: {error}")));
                continue;
            }
        };
        if let Some(mac) = mac
            && !seen.insert((network.clone(), mac))
        {
            let message = format!("network card {name}: another card of this VM has {mac} on {network} too");
            complaints.push(complaint("DuplicateMAC", message));
            continue;
        }
        if nics.len() == MOST_CARDS {
            let message =
                format!("network card {name} and all after it get no address: {MOST_CARDS} a VM do");
            complaints.push(complaint("TooManyNICs", message));
            break;
        }
        let demanded = addresses.remove(name.as_str()).filter(|_| service == Service::Pool);
        let address = demanded.and_then(|text| {
            let read = read_address(text);
            let twice =
                read.is_some() && nics.iter().any(|nic| nic.network == network && nic.address == read);
            let wrong = match read {
                None => "is not an IPv4 address",
                Some(_) if twice => "is demanded for another card of this VM too",
                Some(_) => return read,
            };
            let message = format!(
                "{STATIC_IP_PREFIX}{name}: {text} {wrong}; the card gets the address that it would without"
            );
            complaints.push(complaint("StaticIPIgnored", message));
            None
        });
        let options = options.remove(name.as_str()).filter(|_| service == Service::Pool);
        let options = options.and_then(|text| {
            let error = match read_options(text) {
                Ok(options) => return Some(options),
                Err(error) => error,
            };
            let message = format!("{DHCP_OPTIONS_PREFIX}{name}: {error}; the card gets none of them");
            complaints.push(complaint("DHCPOptionsIgnored", message));
            None
        });
        let options = options.unwrap_or_default();
        nics.push(Nic { network, has_pool: service == Service::Pool, mac, address, options });
    }
    nics
}

/// The annotations of that prefix, by the name of the card.
fn of_cards<'a>(
    vm: &'a VirtualMachine,
    prefix: &str,
    interfaces: &[Interface],
    ignored: &'static str,
    complaints: &mut Vec<Notice>,
) -> BTreeMap<&'a str, &'a str> {
    let mut found = BTreeMap::new();
    for (key, text) in vm.annotations() {
        let Some(name) = key.strip_prefix(prefix) else { continue };
        if !interfaces.iter().any(|interface| interface.name == name) {
            complaints.push(complaint(ignored, format!("{key}: the VM has no network card {name}")));
        } else if !text.trim().is_empty() {
            found.insert(name, text.trim());
        }
    }
    found
}

/// A list of options in YAML or JSON, each of which is good; else what is wrong.
fn read_options(text: &str) -> Result<Vec<OptionValue>, String> {
    let mut list: Value = serde_yaml::from_str(text).map_err(|error| format!("is not YAML: {error}"))?;
    for option in list.as_array_mut().into_iter().flatten() {
        // People write numbers as numbers.
        if let Some(value) = option.get_mut("value").filter(|value| value.is_number() || value.is_boolean()) {
            *value = Value::String(value.to_string());
        }
    }
    let options: Vec<OptionValue> = read_strictly(list).map_err(|wrong| wrong.join("; "))?;
    if let Some(at) = options.iter().position(|option| option.value.chars().count() > LONGEST_VALUE) {
        return Err(format!("[{at}].value: is longer than {LONGEST_VALUE} characters"));
    }
    card_options("", &options).map_err(|error| error.to_string())?;
    Ok(options)
}

/// An IPv4 address, with or without the length of its prefix.
fn read_address(text: &str) -> Option<Ipv4Addr> {
    let (address, length) = text.split_once('/').unwrap_or((text, "32"));
    address.parse().ok().filter(|_| length.parse::<u8>().is_ok_and(|length| length <= 32))
}

/// Where the MACs of a VM's cards are told: first in its spec, then by Harvester, then by KubeVirt.
struct Macs<'a> {
    annotation: BTreeMap<String, String>,
    instance: Option<&'a VirtualMachineInstance>,
}

impl<'a> Macs<'a> {
    fn gather(
        vm: &VirtualMachine,
        instance: Option<&'a VirtualMachineInstance>,
        complaints: &mut Vec<Notice>,
    ) -> Self {
        let annotation = vm.annotations().get(MAC_ADDRESS_ANNOTATION).map(String::as_str);
        let annotation = annotation.filter(|text| !text.trim().is_empty()).map(serde_json::from_str);
        let annotation = annotation.transpose().unwrap_or_else(|error| {
            let message = format!(
                "{MAC_ADDRESS_ANNOTATION} is not a JSON object of MACs by card: {error}; MACs in the spec count all the same"
            );
            complaints.push(complaint("InvalidMACAnnotation", message));
            None
        });
        // One of a former VM of this name tells nothing of this one.
        let of_this_vm = |instance: &&VirtualMachineInstance| {
            let mut owners = instance.owner_references().iter();
            owners.all(|owner| owner.kind != "VirtualMachine" || Some(&owner.uid) == vm.meta().uid.as_ref())
        };
        Self { annotation: annotation.unwrap_or_default(), instance: instance.filter(of_this_vm) }
    }

    fn of(&'a self, card: &'a Interface) -> Option<&'a str> {
        let name = card.name.as_str();
        let status = self.instance.and_then(|instance| instance.status.as_ref());
        let in_status = status.and_then(|status| {
            status.interfaces.iter().find(|told| told.name == name && !told.mac.is_empty())
        });
        let in_spec = self.instance.and_then(|instance| {
            instance.spec.domain.devices.interfaces.iter().find(|told| told.name == name)
        });
        let told = [
            Some(&card.mac_address),
            self.annotation.get(name),
            in_status.map(|told| &told.mac),
            in_spec.map(|told| &told.mac_address),
        ];
        told.into_iter().flatten().map(|mac| mac.trim()).find(|mac| !mac.is_empty())
    }
}

/// Takes out those cards that a VM or an instance has, or may have: where one cannot be read, all of them.
pub(in crate::manager) fn retain_unknown(cards: &mut BTreeSet<MacAddr>, context: &Context) {
    for vm in context.virtual_machines.state() {
        let Ok(vm) = vm.open() else { return cards.clear() };
        let by_harvester = vm.annotations().get(MAC_ADDRESS_ANNOTATION);
        let by_harvester = by_harvester.map(|text| serde_json::from_str::<BTreeMap<String, String>>(text));
        let Ok(by_harvester) = by_harvester.transpose() else { return cards.clear() };
        let in_spec = vm.spec.template.spec.domain.devices.interfaces.iter().map(|card| &card.mac_address);
        take_out(cards, in_spec.chain(by_harvester.iter().flat_map(BTreeMap::values)));
    }
    for instance in context.instances.state() {
        let Ok(instance) = instance.open() else { return cards.clear() };
        let in_spec = instance.spec.domain.devices.interfaces.iter().map(|card| &card.mac_address);
        let in_status = instance.status.iter().flat_map(|status| &status.interfaces).map(|card| &card.mac);
        take_out(cards, in_spec.chain(in_status));
    }
}

fn take_out<'a>(cards: &mut BTreeSet<MacAddr>, present: impl Iterator<Item = &'a String>) {
    for mac in present.filter_map(|mac| mac.trim().parse().ok()) {
        cards.remove(&mac);
    }
}

/// Texts of users may be long.
fn complaint(reason: &'static str, mut message: String) -> Notice {
    message.truncate(message.char_indices().nth(LONGEST_COMPLAINT).map_or(message.len(), |(at, _)| at));
    Notice { reason, message, action: "ReadVirtualMachine" }
}
