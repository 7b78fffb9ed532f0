//! A manager at work on an API in memory, and objects as adjectives.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource, ResourceExt};
use prometheus_client::registry::Registry;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{Condition, IPPool, IPv4Status, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};
use vmdhcp_daemons::manager::{self, AutoPool, Limits, ManagerMetrics, ManagerOptions, Placement};
use vmdhcp_daemons::runtime::Shutdown;
use vmdhcp_testcluster::{self as testcluster, Object};

use crate::neighbours;

pub(crate) const NAMESPACE: &str = "default";
/// Managers look at a whole cluster, so there is one at a time on the one that tests share.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// How long a condition is waited for before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running manager. It ends with the test's runtime.
pub(crate) struct Manager {
    pub(crate) client: Client,
    /// Where the objects of the test are.
    namespace: String,
    auto_pool: AutoPool,
    shutdown: Shutdown,
    task: Option<tokio::task::JoinHandle<()>>,
    registry: Registry,
    placement: Placement,
    limits: Limits,
    /// How many seconds the manager's clock is ahead of the real one.
    ahead: Arc<AtomicI64>,
}

impl Manager {
    pub(crate) fn start() -> Self {
        let api = LocalApi::in_memory(Kinds::standard()).unwrap();
        Self::start_on(api.client(NAMESPACE))
    }

    /// One beside KubeVirt and Multus.
    pub(crate) fn start_beside_kubevirt() -> Self {
        let api = LocalApi::in_memory(neighbours::kinds()).unwrap();
        Self::start_on(api.client(NAMESPACE))
    }

    pub(crate) fn start_on(client: Client) -> Self {
        Self::start_within(client, Limits::default())
    }

    pub(crate) fn start_within(client: Client, limits: Limits) -> Self {
        Self::start_in(NAMESPACE, client, limits, AutoPool::default())
    }

    pub(crate) fn start_in(namespace: &str, client: Client, limits: Limits, auto_pool: AutoPool) -> Self {
        let network = NetworkName { namespace: namespace.to_owned(), name: "net-48".into() };
        let placement = Placement::Interfaces(BTreeMap::from([(network, "br48".to_owned())]));
        Self::start_as(namespace, client, placement, limits, auto_pool)
    }

    pub(crate) fn start_placing(client: Client, placement: Placement, limits: Limits) -> Self {
        Self::start_as(NAMESPACE, client, placement, limits, AutoPool::default())
    }

    fn start_as(
        namespace: &str,
        client: Client,
        placement: Placement,
        limits: Limits,
        auto_pool: AutoPool,
    ) -> Self {
        let mut manager = Self {
            client,
            namespace: namespace.to_owned(),
            auto_pool,
            shutdown: Shutdown::new(),
            task: None,
            registry: Registry::default(),
            placement,
            limits,
            ahead: Arc::default(),
        };
        manager.resume();
        manager
    }

    /// Ends the manager as a crash would: nothing of its memory survives.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.trigger();
        self.task.take().unwrap().await.unwrap();
    }

    pub(crate) fn resume(&mut self) {
        self.shutdown = Shutdown::new();
        self.registry = Registry::default();
        let ahead = Arc::clone(&self.ahead);
        let options = ManagerOptions {
            placement: self.placement.clone(),
            auto_pool: self.auto_pool,
            clock: Arc::new(move || {
                Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::Relaxed))
            }),
            metrics: ManagerMetrics::register(&mut self.registry),
            limits: self.limits,
        };
        let (client, shutdown) = (self.client.clone(), self.shutdown.clone());
        self.task = Some(tokio::spawn(async move { manager::run(client, options, shutdown).await.unwrap() }));
    }

    /// Has agents placed otherwise from the next start on.
    pub(crate) fn place(&mut self, placement: Placement) {
        self.placement = placement;
    }

    /// Puts the manager's clock ahead.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::Relaxed);
    }

    /// What the manager takes for the present time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed))
    }

    /// All metrics, as they are scraped.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    /// The series of a metric, as they are scraped.
    pub(crate) fn series(&self, name: &str) -> Vec<String> {
        let of_name = |line: &&str| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']);
        let mut series: Vec<_> = self.metrics().lines().filter(of_name).map(str::to_owned).collect();
        series.sort();
        series
    }

    /// The value of a metric without labels, as it is scraped.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.series(name).first().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap()
    }

    /// Waits until a metric has exactly these series, told by everything after its name.
    pub(crate) async fn until_series(&self, name: &str, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|series| format!("{name}{series}")).collect();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while self.series(name) != expected {
            assert!(tokio::time::Instant::now() < deadline, "{:#?}", self.series(name));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create<K>(&self, object: &K) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + serde::Serialize
            + DeserializeOwned
            + Clone
            + Debug,
    {
        self.api().create(&PostParams::default(), object).await.unwrap()
    }

    pub(crate) async fn patch<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Changes the status of an object as somebody does who restores, or loses, something.
    pub(crate) async fn patch_status<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.api().patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub(crate) async fn delete<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.api::<K>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until the object is as it should be; shows it as it is if that does not come.
    pub(crate) async fn until<K: Object>(&self, name: &str, is_so: impl Fn(&K) -> bool) -> K {
        self.patiently_until(name, DEADLINE, is_so).await
    }

    /// The same, for as long as `patience` lasts.
    pub(crate) async fn patiently_until<K: Object>(
        &self,
        name: &str,
        patience: Duration,
        is_so: impl Fn(&K) -> bool,
    ) -> K {
        testcluster::until(&self.api(), name, "as it should be", patience, is_so).await
    }

    /// Has a pool looked at, and returns it as that look has left it.
    ///
    /// A new generation tells that the look is over: every status names the one that it was computed from.
    pub(crate) async fn settled(&self, name: &str) -> IPPool {
        let looked_at = |pool: &IPPool| {
            let seen = pool.status.as_ref().and_then(|status| status.observed_generation);
            seen == pool.metadata.generation
        };
        for dns in [json!(["9.9.9.9"]), json!(["1.1.1.1"])] {
            self.patch::<IPPool>(name, json!({ "spec": { "ipv4Config": { "dns": dns } } })).await;
            self.until(name, looked_at).await;
        }
        self.api().get(name).await.unwrap()
    }

    /// Whether each card of the claim has an address now.
    pub(crate) async fn is_allocated(&self, name: &str) -> bool {
        status_of(&self.api().get(name).await.unwrap(), "Allocated") == "True"
    }

    /// Waits until the object is gone.
    pub(crate) async fn until_gone<K: Object>(&self, name: &str) {
        testcluster::until_gone(&self.api::<K>(), name, DEADLINE).await;
    }

    /// Waits until each card of the claim has an address, and says which.
    pub(crate) async fn addresses(&self, name: &str) -> Vec<String> {
        let claim = self
            .until(name, |claim: &VirtualMachineNetworkConfig| status_of(claim, "Allocated") == "True")
            .await;
        claim.status.unwrap().network_configs.into_iter().map(|card| card.allocated_ip_address).collect()
    }

    /// Waits until the first card of the claim waits for that reason, and says why in full.
    pub(crate) async fn waits_for(&self, name: &str, reason: &str) -> String {
        let waits = |claim: &VirtualMachineNetworkConfig| {
            claim
                .status
                .as_ref()
                .is_some_and(|status| status.network_configs.iter().any(|card| card.reason == reason))
        };
        let claim = self.until(name, waits).await;
        let cards = claim.status.unwrap().network_configs;
        cards.into_iter().find(|card| card.reason == reason).unwrap().message
    }

    /// The reasons of all Events so far on the object of that name.
    pub(crate) async fn events_of(&self, name: &str) -> Vec<String> {
        let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
        let of_object = events
            .into_iter()
            .filter(|event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name));
        of_object.filter_map(|event| event.reason).collect()
    }

    /// Waits for an Event of that reason on an object of that kind, and returns what it says.
    pub(crate) async fn event_on(&self, kind: &str, name: &str, reason: &str) -> String {
        let event = async {
            loop {
                if let Some(event) = self.events_on(kind, name).await.into_iter().find(|(is, _)| is == reason)
                {
                    return event.1;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(DEADLINE, event).await {
            Ok(event) => event,
            Err(tokio::time::error::Elapsed { .. }) => panic!("{:?}", self.events_on(kind, name).await),
        }
    }

    /// Reason and words of all Events so far on an object of that kind.
    pub(crate) async fn events_on(&self, kind: &str, name: &str) -> Vec<(String, String)> {
        let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
        let of_object = events.into_iter().filter(|event| {
            event.regarding.as_ref().is_some_and(|object| {
                (object.kind.as_deref(), object.name.as_deref()) == (Some(kind), Some(name))
            })
        });
        of_object.map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default())).collect()
    }

    /// Waits for an Event of that reason on the VM, and says what it tells.
    pub(crate) async fn vm_event(&self, vm: &str, reason: &str) -> String {
        self.event_on("VirtualMachine", vm, reason).await
    }

    /// Reasons and notes of all Events so far on the VM.
    pub(crate) async fn vm_events(&self, vm: &str) -> Vec<(String, String)> {
        self.events_on("VirtualMachine", vm).await
    }

    /// Waits for the first Event on the object of that name, and returns its reason.
    pub(crate) async fn first_event_of(&self, name: &str) -> String {
        let first = async {
            loop {
                if let Some(reason) = self.events_of(name).await.pop() {
                    return reason;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, first).await.expect("an Event comes")
    }

    pub(crate) async fn allocated(&self, pool: &str) -> BTreeMap<String, String> {
        let allocated = ipv4(&self.api::<IPPool>().get(pool).await.unwrap()).allocated;
        allocated.into_iter().map(|(address, holder)| (address.into(), holder.into())).collect()
    }
}

/// `True`, `False` or nothing: a claim's condition.
pub(crate) fn status_of(claim: &VirtualMachineNetworkConfig, type_: &str) -> String {
    condition(claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default(), type_)
        .status
}

pub(crate) fn condition(conditions: &[Condition], type_: &str) -> Condition {
    conditions.iter().find(|condition| condition.type_ == type_).cloned().unwrap_or_default()
}

pub(crate) fn pool_condition(pool: &IPPool, type_: &str) -> Condition {
    condition(pool.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default(), type_)
}

pub(crate) fn ipv4(pool: &IPPool) -> IPv4Status {
    pool.status.clone().unwrap_or_default().ipv4.unwrap_or_default()
}

/// The pool of the older README, to the letter.
pub(crate) fn seed_pool() -> IPPool {
    serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": {
            "name": "ippool-1",
            "namespace": "default",
            "labels": { "k8s.cni.cncf.io/net-attach-def": "net-48" },
        },
        "spec": {
            "ipv4Config": {
                "serverIP": "192.168.48.77",
                "cidr": "192.168.48.0/24",
                "pool": {
                    "start": "192.168.48.81",
                    "end": "192.168.48.90",
                    "exclude": ["192.168.48.81", "192.168.48.90"],
                },
                "router": "192.168.48.1",
                "dns": ["1.1.1.1"],
                "domainName": "aibao.moe",
                "domainSearch": ["aibao.moe"],
                "ntp": ["pool.ntp.org"],
                "leaseTime": 300,
            },
            "networkName": "net-48",
        },
    }))
    .unwrap()
}

/// A pool on `net-48` of that subnet, with leases of that many seconds, and defaults for the rest.
pub(crate) fn pool(cidr: &str, lease_time: i64) -> IPPool {
    serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "name": "ippool-1" },
        "spec": { "ipv4Config": { "cidr": cidr, "leaseTime": lease_time }, "networkName": "net-48" },
    }))
    .unwrap()
}

/// The claim of a VM with one card on `net-48`, whose MAC ends in that number.
pub(crate) fn claim(name: &str, mac: u32) -> VirtualMachineNetworkConfig {
    let [_, a, b, c] = mac.to_be_bytes();
    serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "metadata": { "name": name },
        "spec": {
            "vmName": name,
            "networkConfigs": [{ "macAddress": format!("52:54:00:{a:02x}:{b:02x}:{c:02x}"), "networkName": "net-48" }],
        },
    }))
    .unwrap()
}

/// The same, with an address that the card must have.
pub(crate) fn claim_of(name: &str, mac: u32, address: &str) -> VirtualMachineNetworkConfig {
    let mut claim = claim(name, mac);
    claim.spec.network_configs[0].ip_address = Some(address.to_owned());
    claim
}

/// The MAC that [`claim`] gives to a number.
pub(crate) fn mac(claim: &VirtualMachineNetworkConfig) -> String {
    claim.spec.network_configs[0].mac_address.clone()
}

/// Whether the object has no finalizer of ours left, so that it can go at once.
pub(crate) fn has_finalizer<K: Resource>(object: &K) -> bool {
    !object.finalizers().is_empty()
}
