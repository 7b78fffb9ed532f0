//! Which VMs have to be looked at when something else changes. Only changes that may concern them count: a pool's status
//! is written often, and an instance's too.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{
    BY_HAND_ANNOTATION, IPPool, NETWORK_TYPE_LABEL, STATIC_ADDRESSES_ANNOTATION, VM_NAME_LABEL,
    VirtualMachineNetworkConfigStatus,
};

use super::super::defects::Defect;
use super::super::vmnetwork::name_of;
use super::super::{Context, GuardedNetwork, PackedClaim, PackedInstance, PackedVirtualMachine};
use super::observe::networks;

/// Has VMs looked at when a pool comes or goes: those on its network.
pub(in crate::manager) fn pool_changes(context: &Arc<Context>) -> impl FnMut(&Event<IPPool>) + Send + use<> {
    let aspect = |pool: &IPPool| hash(&pool.spec.network_name);
    changes(Arc::downgrade(context), aspect, |pool, context| {
        let namespace = pool.namespace().unwrap_or_default();
        if let Ok(network) = NetworkName::parse(&pool.spec.network_name, &namespace) {
            look_at_all_on(&network, context);
        }
    })
}

/// Has VMs looked at when a network comes, goes or becomes one of another type: those on it.
pub(in crate::manager) fn network_changes(
    context: &Arc<Context>,
) -> impl FnMut(&Event<GuardedNetwork>) + Send + use<> {
    let aspect = |network: &GuardedNetwork| hash(&network.labels().get(NETWORK_TYPE_LABEL));
    changes(Arc::downgrade(context), aspect, |network, context| {
        look_at_all_on(&name_of(network), context);
    })
}

/// Has a VM looked at when its instance has other MACs.
pub(in crate::manager) fn instance_changes(
    context: &Arc<Context>,
) -> impl FnMut(&Event<PackedInstance>) + Send + use<> {
    let aspect = |instance: &PackedInstance| {
        let Ok(instance) = &instance.open() else { return 0 };
        let declared = instance.spec.domain.devices.interfaces.iter();
        let told = instance.status.iter().flat_map(|status| &status.interfaces);
        let declared: Vec<_> = declared.map(|card| (&card.name, &card.mac_address)).collect();
        hash(&(declared, told.map(|card| (&card.name, &card.mac)).collect::<Vec<_>>()))
    };
    changes(Arc::downgrade(context), aspect, look_at)
}

/// Has a VM looked at when its claim is not what it made of it, or refuses something.
pub(in crate::manager) fn claim_changes(
    context: &Arc<Context>,
) -> impl FnMut(&Event<PackedClaim>) + Send + use<> {
    let aspect = |claim: &PackedClaim| {
        let Ok(stored) = &claim.open() else { return 0 };
        let cards = stored.spec.cards().iter();
        let cards: Vec<_> = cards
            .map(|card| (&card.network_name, &card.mac_address, &card.ip_address, &card.options))
            .collect();
        let reasons = stored.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards);
        let reasons: Vec<_> = reasons.map(|card| &card.reason).filter(|reason| !reason.is_empty()).collect();
        let owners: Vec<_> = stored.owner_references().iter().map(|owner| &owner.uid).collect();
        let annotations = [STATIC_ADDRESSES_ANNOTATION, BY_HAND_ANNOTATION];
        let annotations = annotations.map(|key| stored.annotations().get(key));
        let deleting = stored.metadata.deletion_timestamp.is_some();
        hash(&(cards, reasons, owners, annotations, stored.labels().get(VM_NAME_LABEL), deleting))
    };
    changes(Arc::downgrade(context), aspect, look_at)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What to do with each event of a watch, once it is in the store: `concerned` is called with objects that are new, gone,
/// or whose aspect is another. After a list, which does not tell what is gone, all VMs are looked at; but for the first
/// one, for which everybody has waited.
fn changes<K: kube::Resource>(
    context: Weak<Context>,
    aspect: impl Fn(&K) -> u64 + Send,
    concerned: impl Fn(&K, &Context) + Send,
) -> impl FnMut(&Event<K>) + Send {
    // By UID.
    let mut known: HashMap<String, u64> = HashMap::new();
    let mut is_first = true;
    move |event| {
        let Some(context) = context.upgrade().filter(|context| !context.has(Defect::VmsAlone)) else {
            return;
        };
        let uid = |object: &K| object.meta().uid.clone().unwrap_or_default();
        match event {
            Event::Init => known.clear(),
            Event::InitApply(object) => drop(known.insert(uid(object), aspect(object))),
            Event::InitDone => {
                if !std::mem::take(&mut is_first) {
                    look_at_those(&context, |_| true);
                }
            }
            Event::Apply(object) => {
                let aspect = aspect(object);
                if known.insert(uid(object), aspect) != Some(aspect) {
                    concerned(object, &context);
                }
            }
            Event::Delete(object) => {
                known.remove(&uid(object));
                concerned(object, &context);
            }
        }
    }
}

/// The VM of the object's name.
fn look_at(object: &impl ResourceExt, context: &Context) {
    let vm = ObjectRef::new(&object.name_any()).within(&object.namespace().unwrap_or_default());
    context.changed.virtual_machines.send(vm);
}

fn look_at_all_on(network: &NetworkName, context: &Context) {
    look_at_those(context, |vm| vm.open().is_ok_and(|vm| networks(&vm).contains(network)));
}

/// In the order of their names, as the store has none.
fn look_at_those(context: &Context, which: impl Fn(&PackedVirtualMachine) -> bool) {
    let vms = context.virtual_machines.state().into_iter().filter(|vm| which(vm));
    let mut vms: Vec<ObjectRef<PackedVirtualMachine>> = vms.map(|vm| ObjectRef::from_obj(&*vm)).collect();
    vms.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    for vm in vms {
        context.changed.virtual_machines.send(vm);
    }
}
