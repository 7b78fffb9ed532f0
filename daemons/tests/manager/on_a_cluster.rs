//! Allocation on a real kube-apiserver, up to the size limit of a pool: how long it takes, and what it writes.

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, ResourceExt};
use tokio::sync::MutexGuard;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig as Claim};
use vmdhcp_daemons::manager::Limits;

use crate::fixtures::{ALONE, Manager, NAMESPACE, claim, ipv4, pool, pool_condition};
use crate::written::Written;
use vmdhcp_testcluster as testcluster;

/// How many claims are being created at a time.
const AT_ONCE: usize = 32;
/// How long the manager may take for one step.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What is run.
struct Run {
    cidr: &'static str,
    limits: Limits,
    /// Claims that fit in any case.
    served: u32,
    /// Further ones, of which some do not.
    more: u32,
    /// For how long nothing has to happen in the end.
    quiet: Duration,
}

struct Stage {
    run: Run,
    client: Client,
    manager: Manager,
    written: Written,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    async fn set(run: Run) -> Option<Self> {
        let alone = ALONE.lock().await;
        let client = testcluster::client().await?;
        let written = Written::default();
        let manager = Manager::start_within(written.through(client.clone()), run.limits);
        let stage = Self { run, client, manager, written, _alone: alone };
        stage.api().create(&PostParams::default(), &pool(stage.run.cidr, 3_600)).await.unwrap();
        Some(stage)
    }

    /// Objects as the test sees them, past what counts the manager's requests.
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates the claims of these VMs, one card each.
    async fn create(&self, numbers: std::ops::Range<u32>) {
        let api = self.api::<Claim>();
        let create = async |number| {
            api.create(&PostParams::default(), &claim(&format!("vm-{number}"), number)).await.unwrap();
        };
        stream::iter(numbers).map(create).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn pool(&self) -> IPPool {
        self.api().get("ippool-1").await.unwrap()
    }

    /// Waits until the manager has written nothing for three seconds and `is_so` of the pool.
    async fn rest(&self, what: &str, is_so: impl Fn(&IPPool) -> bool) {
        let began = Instant::now();
        let mut before = usize::MAX;
        loop {
            let now = self.written.count();
            if now == before && is_so(&self.pool().await) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never came true: {what}");
            before = now;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    /// How many claims have an address, and how many are told that the pool is too large.
    async fn told(&self) -> (usize, usize) {
        let (mut served, mut waiting) = (0, 0);
        let mut page = ListParams::default().limit(500);
        loop {
            let claims = self.api::<Claim>().list(&page).await.unwrap();
            for claim in &claims {
                let card = claim.status.as_ref().and_then(|status| status.network_configs.first());
                let card = card.unwrap_or_else(|| panic!("{} was not told anything", claim.name_any()));
                match card.reason.as_str() {
                    "" => served += 1,
                    "PoolTooLarge" => waiting += 1,
                    other => panic!("{}: {other}", claim.name_any()),
                }
            }
            match claims.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return (served, waiting),
            }
        }
    }

    /// All Events of our kinds, in words: the control plane has some of its own to tell.
    async fn events(&self) -> Vec<String> {
        let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
        let ours = |event: &&Event| {
            let version = event.regarding.as_ref().and_then(|object| object.api_version.as_deref());
            version.is_some_and(|version| version.starts_with("network.harvesterhci.io/"))
        };
        let words = |event: &Event| format!("{:?}: {:?}", event.reason, event.note);
        events.iter().filter(ours).map(words).collect()
    }

    fn say(&self, what: &str, began: Instant) {
        let pools = self.written.of("ippools/status");
        let bytes: usize = pools.iter().map(|write| write.bytes).sum();
        let largest = pools.iter().map(|write| write.bytes).max().unwrap_or_default();
        let line = format!(
            "{what}: {:.1} s, {} writes of the pool with {bytes} bytes (largest {largest}), {} + {} writes of claims, {} Events\n",
            began.elapsed().as_secs_f64(),
            pools.len(),
            self.written.of("virtualmachinenetworkconfigs").len(),
            self.written.of("virtualmachinenetworkconfigs/status").len(),
            self.written.of("events").len(),
        );
        // Not by the print macros, whose output the test runner swallows.
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

/// Fills a pool up to its size limit, with all that has to hold on the way.
async fn fill(run: Run) {
    let Some(stage) = Stage::set(run).await else { return };
    let Run { limits, served, more, quiet, .. } = stage.run;
    let began = Instant::now();
    stage.create(0..served).await;
    stage.say(&format!("{served} claims created"), began);
    stage.rest("all are served", |pool| ipv4(pool).used == i64::from(served)).await;
    stage.say("all of them served, and at rest", began);
    assert_eq!(stage.told().await, (served as usize, 0));
    assert_eq!(stage.events().await, Vec::<String>::new(), "nothing of it was out of the ordinary");

    let began = Instant::now();
    stage.create(served..served + more).await;
    stage.rest("the limit is reached", |pool| pool_condition(pool, "AtSizeLimit").status == "True").await;
    stage.say(&format!("{more} more, up to the size limit"), began);
    let (held, waiting) = stage.told().await;
    assert_eq!(held + waiting, (served + more) as usize);
    assert!(waiting > 0, "{held} have an address");
    let full = stage.pool().await;
    assert_eq!(usize::try_from(ipv4(&full).used).unwrap(), held);
    let condition = pool_condition(&full, "AtSizeLimit");
    assert!(condition.message.contains(&format!("{waiting} network cards wait")), "{condition:?}");

    let (began, writes) = (Instant::now(), stage.written.of("ippools/status").len());
    stage.create(served + more..served + more + 1).await;
    stage.manager.waits_for(&format!("vm-{}", served + more), "PoolTooLarge").await;
    stage.rest("one more is told", |_| true).await;
    stage.say(&format!("one more than the {held} that fit"), began);
    assert_eq!(stage.written.of("ippools/status").len(), writes + 1);

    let before = stage.written.count();
    tokio::time::sleep(quiet).await;
    assert_eq!(stage.written.count(), before, "nothing loops");
    let largest = stage.written.of("ippools/status").iter().map(|write| write.bytes).max();
    assert!(largest.unwrap() <= limits.largest_pool, "{largest:?}");
    stage.written.assert_within_budget(limits.burst_bytes, limits.sustained_bytes);
    assert_eq!(stage.manager.metric("vmdhcp_pool_write_refusals_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_hundred_claims_are_served_up_to_a_small_size_limit() {
    let limits = Limits { largest_pool: 20_000, sustained_bytes: 20_000, burst_bytes: 60_000 };
    let quiet = Duration::from_secs(5);
    fill(Run { cidr: "100.128.0.0/15", limits, served: 300, more: 100, quiet }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half an hour or less: make scale"]
async fn forty_thousand_claims_are_served_and_more_up_to_the_size_limit() {
    let limits = Limits::default();
    let count = std::env::var("SCALE_CLAIMS").map_or(40_000, |count| count.parse().unwrap());
    fill(Run { cidr: "100.128.0.0/15", limits, served: count, more: 1_500, quiet: Duration::from_secs(130) })
        .await;
}
