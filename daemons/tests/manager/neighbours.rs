//! Objects of others: virtual machines of KubeVirt, networks of Multus.

use kube::api::ObjectMeta;
use vmdhcp_core::api::{
    Devices, Domain, Interface, InterfaceStatus, MultusNetwork, Network, NetworkAttachmentDefinition,
    NetworkAttachmentDefinitionSpec, VirtualMachine, VirtualMachineInstance, VirtualMachineInstanceSpec,
    VirtualMachineInstanceStatus, VirtualMachineInstanceTemplate, VirtualMachineSpec,
};
use vmdhcp_daemons::cluster::local::{Kind, Kinds};

/// What a cluster with KubeVirt and Multus serves beside our own kinds.
pub(crate) fn kinds() -> Kinds {
    Kinds::standard()
        .with(Kind::typed::<VirtualMachine>())
        .with(Kind::typed::<VirtualMachineInstance>().without_status())
        .with(Kind::typed::<NetworkAttachmentDefinition>().without_status())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

/// A VM without network cards.
pub(crate) fn vm(name: &str) -> VirtualMachine {
    VirtualMachine { metadata: named(name), spec: VirtualMachineSpec::default() }
}

/// The VM with one more card of that name, network and MAC. An empty network is the pods' own, an empty MAC is left to
/// others.
pub(crate) fn with_card(mut vm: VirtualMachine, card: &str, network: &str, mac: &str) -> VirtualMachine {
    let VirtualMachineSpec { template: VirtualMachineInstanceTemplate { spec } } = &mut vm.spec;
    spec.domain.devices.interfaces.push(Interface {
        name: card.to_owned(),
        mac_address: mac.to_owned(),
        state: String::new(),
    });
    let multus = (!network.is_empty()).then(|| MultusNetwork { network_name: network.to_owned() });
    spec.networks.push(Network { name: card.to_owned(), multus });
    vm
}

/// The object with an annotation.
pub(crate) fn annotated<K: kube::ResourceExt>(mut object: K, key: &str, value: &str) -> K {
    object.annotations_mut().insert(key.to_owned(), value.to_owned());
    object
}

/// An instance of a VM, of which KubeVirt tells that MAC of that card.
pub(crate) fn instance(name: &str, card: &str, mac: &str) -> VirtualMachineInstance {
    let told = Interface { name: card.to_owned(), mac_address: mac.to_owned(), state: String::new() };
    let interfaces = vec![InterfaceStatus { name: card.to_owned(), mac: mac.to_owned() }];
    VirtualMachineInstance {
        metadata: named(name),
        spec: VirtualMachineInstanceSpec {
            domain: Domain { devices: Devices { interfaces: vec![told] } },
            ..VirtualMachineInstanceSpec::default()
        },
        status: Some(VirtualMachineInstanceStatus { interfaces }),
    }
}

/// A VM network of that type (`L2VlanNetwork`, `OverlayNetwork`, …).
pub(crate) fn network(name: &str, type_: &str) -> NetworkAttachmentDefinition {
    let mut metadata = named(name);
    metadata.labels = Some([("network.harvesterhci.io/type".to_owned(), type_.to_owned())].into());
    let config = format!(r#"{{"cniVersion":"0.3.1","type":"bridge","name":"{name}"}}"#);
    NetworkAttachmentDefinition { metadata, spec: NetworkAttachmentDefinitionSpec { config } }
}
