//! A network with a pool, managers, VMs, and somebody who watches what their claims say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use vmdhcp_core::api::{
    IPPool, NetworkConfigState, VirtualMachine, VirtualMachineNetworkConfig as Claim,
    VirtualMachineNetworkConfigStatus, condition,
};
use vmdhcp_e2e::{Process, requirements, until, vmdhcp};
use vmdhcp_testcluster::{RELEASE_NAMESPACE, ServiceAccount};

/// How many VMs are being created at a time.
const AT_ONCE: usize = 32;
/// How long managers and API server may take for one step.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// The pool, and the network.
const POOL: &str = "net-48";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) seen: Arc<Mutex<Seen>>,
    client: Client,
    namespace: &'static str,
    folder: TempDir,
    watching: JoinHandle<()>,
    _alone: MutexGuard<'static, ()>,
}

/// What has been seen of the claims.
#[derive(Default)]
pub(crate) struct Seen {
    /// When the request to create the VM was sent.
    pub(crate) created: BTreeMap<String, Instant>,
    /// When its claim said `Allocated` for the first time.
    pub(crate) allocated: BTreeMap<String, Instant>,
    /// Claims that exist.
    pub(crate) claims: BTreeMap<String, Claim>,
    /// Whose an address was first. Nothing that retires comes back within a test.
    owners: BTreeMap<String, String>,
    /// Addresses that two have had.
    pub(crate) shared: Vec<String>,
}

impl Seen {
    fn note(&mut self, claim: Claim) {
        let name = claim.name_any();
        for card in claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards) {
            if card.state != NetworkConfigState::Allocated {
                continue;
            }
            let owner = self.owners.entry(card.allocated_ip_address.clone());
            let owner = owner.or_insert_with(|| card.mac_address.clone());
            if *owner != card.mac_address {
                self.shared.push(format!("{}: {owner} and {}", card.allocated_ip_address, card.mac_address));
            }
            self.allocated.entry(name.clone()).or_insert_with(Instant::now);
        }
        self.claims.insert(name, claim);
    }
}

impl Stage {
    /// A namespace with a network and a pool, and nobody who manages them.
    pub(crate) fn set(test: &str, namespace: &'static str) -> Option<Self> {
        requirements::testcluster(test)?;
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(vmdhcp_testcluster::client())?;
        let own: Namespace = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        let pool: IPPool = serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "IPPool",
            "metadata": { "name": POOL },
            "spec": { "networkName": POOL, "ipv4Config": { "cidr": "10.48.0.0/16", "leaseTime": 3600 } },
        }))
        .unwrap();
        let pools: Api<IPPool> = Api::namespaced(client.clone(), namespace);
        runtime.block_on(async {
            Api::all(client.clone()).create(&PostParams::default(), &own).await.unwrap();
            pools.create(&PostParams::default(), &pool).await.unwrap();
        });
        let seen = Arc::<Mutex<Seen>>::default();
        let watching = runtime.spawn(watch(Api::namespaced(client.clone(), namespace), Arc::clone(&seen)));
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        Some(Self { runtime, seen, client, namespace, folder, watching, _alone: alone })
    }

    /// Starts a manager, with the rights that the chart gives it.
    pub(crate) fn start(&self, name: &str, election: &[&str]) -> Manager {
        let rights = vmdhcp_testcluster::kubeconfig_as(ServiceAccount::Manager).unwrap();
        let kubeconfig = rights.to_str().unwrap();
        let place = ["manager", "--no-agent", "--no-crds", "--listen", "127.0.0.1:0"];
        let rights = ["--namespace", RELEASE_NAMESPACE, "--kubeconfig", kubeconfig];
        let arguments = [&place[..], &rights, election].concat();
        let log = self.folder.path().join(name);
        Manager { process: Process::start_here(&vmdhcp::binary(), &arguments, &log), address: None }
    }

    pub(crate) fn waits_for_the_pool(&self) {
        let pools: Api<IPPool> = Api::namespaced(self.client.clone(), self.namespace);
        until("served pool", PATIENCE, || {
            let pool = self.runtime.block_on(pools.get(POOL)).unwrap();
            let condition = condition(&pool.status.as_ref()?.conditions, "CacheReady")?;
            (condition.status == "True").then_some(())
        });
    }

    /// Who has which address, by the pool itself.
    pub(crate) fn allocations(&self) -> BTreeMap<String, String> {
        let pools: Api<IPPool> = Api::namespaced(self.client.clone(), self.namespace);
        let pool = self.runtime.block_on(pools.get(POOL)).unwrap();
        let allocated = pool.status.and_then(|status| status.ipv4).unwrap_or_default().allocated;
        let held = allocated.into_iter().filter(|(_, holder)| holder.contains(':'));
        held.map(|(address, holder)| (address.into(), holder.into())).collect()
    }

    /// Creates these VMs: so many a second, or as fast as the API takes them.
    pub(crate) fn create(&self, numbers: std::ops::Range<u32>, per_second: Option<u32>) {
        let vms: Api<VirtualMachine> = Api::namespaced(self.client.clone(), self.namespace);
        let began = Instant::now();
        let first = numbers.start;
        let create = async |number: u32| {
            if let Some(per_second) = per_second {
                let due = Duration::from_secs(1) * (number - first) / per_second;
                tokio::time::sleep_until((began + due).into()).await;
            }
            let vm = virtual_machine(number);
            self.lock().created.insert(vm.name_any(), Instant::now());
            vms.create(&PostParams::default(), &vm).await.unwrap();
        };
        let all = stream::iter(numbers).map(create).buffer_unordered(AT_ONCE).collect::<()>();
        self.runtime.block_on(all);
    }

    /// Deletes these VMs; their claims follow them.
    pub(crate) fn delete(&self, numbers: impl Iterator<Item = u32>) {
        let vms: Api<VirtualMachine> = Api::namespaced(self.client.clone(), self.namespace);
        for number in numbers {
            self.runtime.block_on(vms.delete(&name(number), &DeleteParams::default())).unwrap();
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Waits until so many VMs have had an address.
    pub(crate) fn waits_for(&self, count: usize) {
        until("address for every VM", PATIENCE, || (self.lock().allocated.len() >= count).then_some(()));
    }

    /// Writes that the API server has served since it started, by resource.
    pub(crate) fn writes(&self) -> BTreeMap<String, u64> {
        let request = http::Request::get("/metrics").body(Vec::new()).unwrap();
        let text = self.runtime.block_on(self.client.request_text(request)).unwrap();
        let mut writes = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let label = |name: &str| Some(line.split_once(&format!("{name}=\""))?.1.split_once('"')?.0);
            if !["POST", "PUT", "PATCH", "APPLY", "DELETE"].contains(&label("verb").unwrap()) {
                continue;
            }
            let mut resource = label("resource").unwrap().to_owned();
            let subresource = label(",subresource").unwrap_or_default();
            if !subresource.is_empty() {
                resource = format!("{resource}/{subresource}");
            }
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let count = count as u64;
            *writes.entry(resource).or_default() += count;
        }
        writes
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A manager. Dropping it kills it.
pub(crate) struct Manager {
    pub(crate) process: Process,
    address: Option<SocketAddr>,
}

impl Manager {
    /// Where it shows its metrics.
    fn address(&mut self) -> Option<SocketAddr> {
        if self.address.is_none() {
            let log = self.process.log();
            self.address = log.split("address=").nth(1)?.split_whitespace().next()?.parse().ok();
        }
        self.address
    }

    /// What its metrics say of whether it leads.
    pub(crate) fn leads(&mut self) -> bool {
        let metrics = self.address().and_then(|address| vmdhcp::get(address, "/metrics"));
        metrics.is_some_and(|(_, metrics)| metrics.contains("\nvmdhcp_leader 1\n"))
    }

    /// What it has used of the machine.
    pub(crate) fn usage(&self) -> Usage {
        let of = |file: &str| {
            std::fs::read_to_string(Path::new("/proc").join(self.process.id().to_string()).join(file))
                .unwrap()
        };
        let status = of("status");
        let megabytes = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kibibytes: u64 = line.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap();
            kibibytes * 1024 / 1_000_000
        };
        // Behind the name, which is in brackets: user and system time are the 12th and 13th field.
        let stat = of("stat");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Usage {
            resident: megabytes("VmRSS"),
            peak: megabytes("VmHWM"),
            own: megabytes("RssAnon"),
            processor: Duration::from_millis(ticks * 10),
        }
    }
}

/// What a process has used; memory in MB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// All that is resident.
    pub(crate) resident: u64,
    /// The most that ever was.
    pub(crate) peak: u64,
    /// What of it is not mapped from a file, as code is.
    pub(crate) own: u64,
    /// Processor time, to the 10 ms that the kernel counts in.
    pub(crate) processor: Duration,
}

async fn watch(claims: Api<Claim>, seen: Arc<Mutex<Seen>>) {
    let mut events = std::pin::pin!(watcher::watcher(claims, watcher::Config::default()));
    while let Some(event) = events.next().await {
        let mut seen = seen.lock().unwrap();
        match event {
            Ok(Event::Init) => seen.claims.clear(),
            Ok(Event::Apply(claim) | Event::InitApply(claim)) => seen.note(claim),
            Ok(Event::Delete(claim)) => drop(seen.claims.remove(&claim.name_any())),
            Ok(Event::InitDone) | Err(_) => {}
        }
    }
}

pub(crate) fn name(number: u32) -> String {
    format!("vm-{number:05}")
}

/// A VM with one network card on the network.
fn virtual_machine(number: u32) -> VirtualMachine {
    let [_, a, b, c] = number.to_be_bytes();
    serde_json::from_value(json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": { "name": name(number) },
        "spec": { "template": { "spec": {
            "domain": { "devices": { "interfaces": [
                { "name": "nic-1", "macAddress": format!("52:54:00:{a:02x}:{b:02x}:{c:02x}") },
            ] } },
            "networks": [{ "name": "nic-1", "multus": { "networkName": POOL } }],
        } } },
    }))
    .unwrap()
}
