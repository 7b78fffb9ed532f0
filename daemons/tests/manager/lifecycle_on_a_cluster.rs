//! How things come and go on a real API server: the manifests of the older README, and deletions in every order, of which
//! nothing is ever left in Terminating.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::sync::MutexGuard;
use vmdhcp_core::api::{
    IPPool, NetworkAttachmentDefinition, VirtualMachine, VirtualMachineNetworkConfig as Claim,
};
use vmdhcp_daemons::manager::{AutoPool, Limits};
use vmdhcp_testcluster as testcluster;

use crate::fixtures::{ALONE, Manager, claim, ipv4, pool, pool_condition, status_of};
use crate::neighbours::{network, vm, with_card};

/// How long everything may take to go. The garbage collector and the end of a namespace have clocks of their own.
const PATIENCE: Duration = Duration::from_secs(90);

/// A manager alone on the cluster, and a namespace for what is tried.
struct Stage {
    manager: Manager,
    client: Client,
    namespace: &'static str,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    async fn set(namespace: &'static str) -> Option<Self> {
        let alone = ALONE.lock().await;
        let client = testcluster::client().await?;
        if namespace != "default" {
            let metadata = ObjectMeta { name: Some(namespace.into()), ..ObjectMeta::default() };
            let object = Namespace { metadata, ..Namespace::default() };
            Api::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        }
        let manager = Manager::start_in(namespace, client.clone(), Limits::default(), AutoPool::default());
        Some(Self { manager, client, namespace, _alone: alone })
    }

    /// Creates network, pool and VMs with one card each.
    async fn create(&self, vms: std::ops::Range<u8>) {
        self.manager.create(&network("net-48", "L2VlanNetwork")).await;
        self.manager.create(&pool("192.168.48.0/24", 300)).await;
        for number in vms {
            let (name, mac) = (format!("vm-{number}"), format!("52:54:00:00:02:{number:02x}"));
            self.manager.create(&with_card(vm(&name), "nic-1", "net-48", &mac)).await;
        }
    }

    /// Asks for the deletion of one object, and does not wait for it.
    async fn delete(&self, what: &What) {
        match what {
            What::Vm(name) => self.manager.delete::<VirtualMachine>(name).await,
            What::Claim(name) => self.manager.delete::<Claim>(name).await,
            What::Pool => self.manager.delete::<IPPool>("ippool-1").await,
            What::Network => self.manager.delete::<NetworkAttachmentDefinition>("net-48").await,
        }
    }

    /// What there is in the namespace, by kind and name.
    async fn left(&self) -> Vec<String> {
        let all = ListParams::default();
        let mut left = Vec::new();
        let mut add = |kind: &str, names: Vec<String>| {
            left.extend(names.into_iter().map(|name| format!("{kind} {name}")));
        };
        let (client, namespace) = (|| self.client.clone(), self.namespace);
        let claims = Api::<Claim>::namespaced(client(), namespace).list(&all).await.unwrap();
        add("claim", claims.iter().map(ResourceExt::name_any).collect());
        let pools = Api::<IPPool>::namespaced(client(), namespace).list(&all).await.unwrap();
        add("pool", pools.iter().map(ResourceExt::name_any).collect());
        let vms = Api::<VirtualMachine>::namespaced(client(), namespace).list(&all).await.unwrap();
        add("VM", vms.iter().map(ResourceExt::name_any).collect());
        let networks = Api::<NetworkAttachmentDefinition>::namespaced(client(), namespace);
        add("network", networks.list(&all).await.unwrap().iter().map(ResourceExt::name_any).collect());
        left
    }

    /// Waits until nothing is left in the namespace.
    async fn until_empty(&self, after: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.left().await;
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{after}: {left:?} are left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Deletes the namespace, with all that is in it, and waits until it is gone.
    async fn end(mut self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(self.namespace, &DeleteParams::default()).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        while let Some(namespace) = namespaces.get_opt(self.namespace).await.unwrap() {
            assert!(Instant::now() < deadline, "{:#?}; in it: {:?}", namespace.status, self.left().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.manager.stop().await;
    }
}

/// Something that is deleted.
#[derive(Debug, Clone)]
enum What {
    Vm(String),
    Claim(String),
    Pool,
    Network,
}

/// An order that follows from a number.
fn shuffled<T>(mut items: Vec<T>, mut seed: u64) -> Vec<T> {
    for last in (1..items.len()).rev() {
        // Knuth's MMIX.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, usize::try_from((seed >> 33) % (last as u64 + 1)).unwrap());
    }
    items
}

/// `kubectl` as a user calls it. Panics if it fails.
fn kubectl(arguments: &[&str]) {
    let output = testcluster::kubectl().unwrap().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manifests_of_the_older_readme_work_as_written_and_go_again() {
    let Some(mut stage) = Stage::set("default").await else { return };
    let manager = &stage.manager;
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let (pool, claim) =
        (format!("{examples}/ippool.yaml"), format!("{examples}/virtualmachinenetworkconfig.yaml"));
    kubectl(&["apply", "--validate=strict", "-f", &pool]);
    let stored =
        manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await;
    let excluded = ["192.168.48.81", "192.168.48.90"].map(|address| (address.into(), "EXCLUDED".into()));
    assert_eq!(ipv4(&stored).allocated, BTreeMap::from(excluded));
    assert_eq!((ipv4(&stored).used, ipv4(&stored).available), (0, 8));

    kubectl(&["apply", "--validate=strict", "-f", &claim]);
    let address = manager.addresses("test-vm").await.remove(0);
    let last: u8 = address.strip_prefix("192.168.48.").unwrap().parse().unwrap();
    assert!((82..=89).contains(&last), "{address}");
    let stored: Claim = manager.api().get("test-vm").await.unwrap();
    for (type_, status) in [("Allocated", "True"), ("Disabled", "False"), ("InSynced", "True")] {
        assert_eq!(status_of(&stored, type_), status, "{type_}");
    }
    let used = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 1).await;
    assert_eq!(ipv4(&used).available, 7);

    kubectl(&["delete", "--wait=false", "-f", &pool, "-f", &claim]);
    manager.until_gone::<Claim>("test-vm").await;
    manager.until_gone::<IPPool>("ippool-1").await;
    stage.manager.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_deleted_while_it_is_in_use_serves_until_the_last_claim_has_gone() {
    let Some(stage) = Stage::set("pool-in-use").await else { return };
    let manager = &stage.manager;
    stage.create(1..3).await;
    let address = manager.addresses("vm-1").await;
    manager.addresses("vm-2").await;
    stage.delete(&What::Pool).await;
    manager.until("ippool-1", |pool: &IPPool| pool.metadata.deletion_timestamp.is_some()).await;
    // It gives nothing more out, and takes nothing away.
    manager.create(&claim("late", 7)).await;
    manager.waits_for("late", "PoolPaused").await;
    stage.delete(&What::Vm("vm-2".into())).await;
    manager.until_gone::<Claim>("vm-2").await;
    assert_eq!(manager.addresses("vm-1").await, address);
    let holds = |pool: &IPPool| ipv4(pool).used == 1;
    manager.until("ippool-1", holds).await;
    stage.delete(&What::Vm("vm-1".into())).await;
    manager.until_gone::<IPPool>("ippool-1").await;
    manager.waits_for("late", "NoPool").await;
    // A new one serves who has waited.
    manager.create(&pool("192.168.48.0/24", 300)).await;
    manager.addresses("late").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vm_pool_and_network_deleted_in_a_row_without_waiting_all_go_in_whatever_order() {
    let Some(stage) = Stage::set("in-a-row").await else { return };
    let vm = || What::Vm("vm-1".into());
    for order in [
        [vm(), What::Pool, What::Network],
        [vm(), What::Network, What::Pool],
        [What::Pool, vm(), What::Network],
        [What::Pool, What::Network, vm()],
        [What::Network, vm(), What::Pool],
        [What::Network, What::Pool, vm()],
    ] {
        stage.create(1..2).await;
        stage.manager.addresses("vm-1").await;
        for what in &order {
            stage.delete(what).await;
        }
        stage.until_empty(&format!("{order:?}")).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_deleted_in_the_middle_of_its_creation_in_any_order_goes() {
    let Some(stage) = Stage::set("in-any-order").await else { return };
    for seed in 0..6 {
        let vms = 1..6;
        stage.create(vms.clone()).await;
        stage.manager.create(&claim("by-hand", 9)).await;
        // Of some seeds all has its address by then, of some nothing.
        if seed % 3 > 0 {
            let number = if seed % 3 == 1 { 1 } else { 5 };
            stage.manager.addresses(&format!("vm-{number}")).await;
        }
        let mut all: Vec<_> = vms.map(|number| What::Vm(format!("vm-{number}"))).collect();
        all.extend([What::Claim("by-hand".into()), What::Pool, What::Network]);
        let order = shuffled(all, seed);
        for what in &order {
            stage.delete(what).await;
        }
        stage.until_empty(&format!("seed {seed}: {order:?}")).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_goes_with_everything_in_it_settled_or_not() {
    for (namespace, settled) in [("settled-namespace", true), ("busy-namespace", false)] {
        let Some(stage) = Stage::set(namespace).await else { return };
        stage.create(1..30).await;
        stage.manager.create(&claim("by-hand", 9)).await;
        if settled {
            stage.manager.addresses("vm-29").await;
            stage.manager.addresses("by-hand").await;
        }
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_whose_status_is_lost_is_rebuilt_from_what_claims_say() {
    let Some(stage) = Stage::set("lost-status").await else { return };
    let manager = &stage.manager;
    stage.create(1..9).await;
    let mut before = BTreeMap::new();
    for number in 1..9 {
        let name = format!("vm-{number}");
        before.insert(manager.addresses(&name).await.remove(0), name);
    }
    let allocated = manager.allocated("ippool-1").await;
    assert!(before.keys().all(|address| allocated.contains_key(address)), "{before:?} {allocated:?}");
    // As a restore of the object without its status leaves it.
    let lost: IPPool = manager.patch_status("ippool-1", json!({ "status": null })).await;
    assert!(lost.status.is_none_or(|status| status.ipv4.is_none()));
    manager.until("ippool-1", |pool: &IPPool| pool.status.is_some() && ipv4(pool).used == 8).await;
    assert_eq!(manager.allocated("ippool-1").await, allocated);
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "Recovering").status == "True").await;
    for (address, name) in &before {
        assert_eq!(manager.addresses(name).await, [address.as_str()]);
    }
    stage.end().await;
}
