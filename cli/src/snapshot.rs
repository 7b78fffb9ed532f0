//! What is stored, read once, for the rules that look at other objects.

use kube::ResourceExt;
use vmdhcp_core::admission::Stored;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::context::Session;
use crate::failure::Failure;
use crate::objects::{list_visible, read_all};

/// All pools and claims that the user may see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// The pools.
    pub pools: Vec<IPPool>,
    /// The claims.
    pub claims: Vec<VirtualMachineNetworkConfig>,
}

impl Snapshot {
    /// Reads both kinds.
    pub(crate) async fn read(session: &Session) -> Result<Self, Failure> {
        let (pools, claims) = futures::try_join!(
            list_visible::<IPPool>(session),
            list_visible::<VirtualMachineNetworkConfig>(session)
        )?;
        Ok(Self { pools: read_all(&pools), claims: read_all(&claims) })
    }

    /// As if this pool were stored already.
    pub(crate) fn put_pool(&mut self, pool: IPPool) {
        put(&mut self.pools, pool);
    }

    /// As if this claim were stored already.
    pub(crate) fn put_claim(&mut self, claim: VirtualMachineNetworkConfig) {
        put(&mut self.claims, claim);
    }
}

fn put<K: ResourceExt>(objects: &mut Vec<K>, object: K) {
    objects.retain(|old| old.namespace() != object.namespace() || old.name_any() != object.name_any());
    objects.push(object);
}

impl Stored for Snapshot {
    fn pools(&self) -> Vec<IPPool> {
        self.pools.clone()
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        self.claims.clone()
    }
}
