//! Claims that come and go: each is created, as a rule waited for, lives for a while, and is deleted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use tokio::sync::{Semaphore, watch};
use vmdhcp_core::api::{NetworkConfig, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigSpec};

use crate::dice::Dice;

type Claim = VirtualMachineNetworkConfig;

/// Claims in all.
const CLAIMS: u64 = 1000;
/// Claims at a time.
const AT_A_TIME: usize = 120;
/// Claims that stay.
const STAYING: u64 = 25;
/// How long a claim may wait for an address: longer than addresses retire.
const PATIENCE: Duration = Duration::from_secs(45);

/// Which claims say that they have an address.
pub(crate) type Allocated = BTreeMap<String, Ipv4Addr>;

/// What has become of them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Lives {
    pub(crate) created: usize,
    pub(crate) deleted: usize,
}

pub(crate) struct Churn {
    claims: Api<Claim>,
    allocated: watch::Receiver<Arc<Allocated>>,
    dice: Dice,
}

/// A claim of one card.
pub(crate) fn claim(name: &str, mac: &str) -> Claim {
    let card = NetworkConfig {
        network_name: crate::POOL.to_owned(),
        mac_address: mac.to_owned(),
        ..NetworkConfig::default()
    };
    let spec = VirtualMachineNetworkConfigSpec {
        vm_name: name.to_owned(),
        network_configs: vec![card],
        ..VirtualMachineNetworkConfigSpec::default()
    };
    Claim::new(name, spec)
}

impl Churn {
    pub(crate) fn new(client: Client, allocated: watch::Receiver<Arc<Allocated>>, seed: u64) -> Self {
        Self { claims: Api::default_namespaced(client), allocated, dice: Dice::new(seed ^ 0xc1a1) }
    }

    pub(crate) async fn run(mut self) -> Lives {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let mut running = Vec::new();
        for number in 0..CLAIMS {
            let place = Arc::clone(&places).acquire_owned().await.unwrap();
            // One in ten is a VM that was there before, under another name.
            let card = if number > 200 && number % 10 == 0 { number - 200 } else { number };
            let life = Life {
                name: format!("vm-{number:04}"),
                mac: format!("02:00:00:78:{:02x}:{:02x}", card / 256, card % 256),
                is_waited_for: self.dice.below(5) > 0,
                lasts: self.dice.millis(0, 6000),
                stays: number >= CLAIMS - STAYING,
            };
            let (claims, allocated) = (self.claims.clone(), self.allocated.clone());
            running.push(tokio::spawn(async move {
                life.live(&claims, allocated).await;
                drop(place);
            }));
        }
        for life in running {
            life.await.unwrap();
        }
        let count = |number: u64| usize::try_from(number).unwrap();
        Lives { created: count(CLAIMS), deleted: count(CLAIMS - STAYING) }
    }
}

struct Life {
    name: String,
    mac: String,
    is_waited_for: bool,
    lasts: Duration,
    stays: bool,
}

impl Life {
    async fn live(self, claims: &Api<Claim>, mut allocated: watch::Receiver<Arc<Allocated>>) {
        let Self { name, mac, is_waited_for, lasts, stays } = self;
        claims.create(&PostParams::default(), &claim(&name, &mac)).await.unwrap();
        if is_waited_for {
            let has_address = allocated.wait_for(|allocated| allocated.contains_key(&name));
            let waited = tokio::time::timeout(PATIENCE, has_address).await;
            assert!(waited.is_ok(), "{name} got no address in {PATIENCE:?}");
        }
        if stays {
            return;
        }
        tokio::time::sleep(lasts).await;
        claims.delete(&name, &DeleteParams::default()).await.unwrap();
    }
}
