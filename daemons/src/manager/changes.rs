//! Objects that have to be looked at although nothing happened to themselves.

use futures::Stream;
use kube::runtime::reflector::{Lookup, ObjectRef};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use vmdhcp_core::api::IPPool;

use super::{GuardedNetwork, PackedClaim, PackedVirtualMachine};

/// Where it is said which objects have to be looked at, by kind.
pub(super) struct Changed {
    pub(super) pools: Sender<IPPool>,
    pub(super) claims: Sender<PackedClaim>,
    pub(super) virtual_machines: Sender<PackedVirtualMachine>,
    pub(super) networks: Sender<GuardedNetwork>,
}

/// What was said, for the reconciler of each kind.
pub(super) struct Changes {
    pub(super) pools: mpsc::UnboundedReceiver<ObjectRef<IPPool>>,
    pub(super) claims: mpsc::UnboundedReceiver<ObjectRef<PackedClaim>>,
    pub(super) virtual_machines: mpsc::UnboundedReceiver<ObjectRef<PackedVirtualMachine>>,
    pub(super) networks: mpsc::UnboundedReceiver<ObjectRef<GuardedNetwork>>,
}

/// Tells the reconciler of one kind which objects to look at.
pub(super) struct Sender<K: Lookup<DynamicType = ()> + 'static>(mpsc::UnboundedSender<ObjectRef<K>>);

impl<K: Lookup<DynamicType = ()> + 'static> Sender<K> {
    /// Has an object looked at, soon.
    pub(super) fn send(&self, object: ObjectRef<K>) {
        // The receiver lives as long as the manager, unless the kind is not served.
        let _ = self.0.send(object);
    }
}

/// Both ends.
pub(super) fn channel() -> (Changed, Changes) {
    let (to_pools, pools) = mpsc::unbounded_channel();
    let (to_claims, claims) = mpsc::unbounded_channel();
    let (to_virtual_machines, virtual_machines) = mpsc::unbounded_channel();
    let (to_networks, networks) = mpsc::unbounded_channel();
    let changed = Changed {
        pools: Sender(to_pools),
        claims: Sender(to_claims),
        virtual_machines: Sender(to_virtual_machines),
        networks: Sender(to_networks),
    };
    (changed, Changes { pools, claims, virtual_machines, networks })
}

/// As kube's `Controller::reconcile_on` takes it.
pub(super) fn stream<K>(
    changes: mpsc::UnboundedReceiver<ObjectRef<K>>,
) -> impl Stream<Item = ObjectRef<K>> + Send + 'static
where
    K: Lookup<DynamicType = ()> + 'static,
    ObjectRef<K>: Send,
{
    UnboundedReceiverStream::new(changes)
}
