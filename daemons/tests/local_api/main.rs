//! What the local API does beyond the Kubernetes API: its file, its change log, its rules, and how fast it is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod change_log;
mod durability;
mod file;
mod load;
mod requests;
mod rules;
mod storage;

use std::time::Duration;

use futures::StreamExt;
use kube::{
    Api, Client,
    api::{PostParams, WatchEvent, WatchParams},
    core::Status,
};
use vmdhcp_core::api::{IPPool, IPPoolSpec, IPv4Config};
use vmdhcp_core::api::{NetworkConfig, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigSpec};

type Claim = VirtualMachineNetworkConfig;

fn claims(client: &Client) -> Api<Claim> {
    Api::default_namespaced(client.clone())
}

fn pools(client: &Client) -> Api<IPPool> {
    Api::default_namespaced(client.clone())
}

fn claim(name: &str) -> Claim {
    let card = NetworkConfig {
        network_name: "lab".to_owned(),
        mac_address: "52:54:00:00:00:01".to_owned(),
        ..NetworkConfig::default()
    };
    let spec = VirtualMachineNetworkConfigSpec {
        vm_name: "vm".to_owned(),
        network_configs: vec![card],
        ..VirtualMachineNetworkConfigSpec::default()
    };
    Claim::new(name, spec)
}

fn pool(name: &str, network: &str) -> IPPool {
    let config = IPv4Config { cidr: "10.0.0.0/24".to_owned(), ..IPv4Config::default() };
    let spec =
        IPPoolSpec { network_name: network.to_owned(), ipv4_config: Some(config), ..IPPoolSpec::default() };
    IPPool::new(name, spec)
}

async fn create(client: &Client, name: &str) -> Claim {
    claims(client).create(&PostParams::default(), &claim(name)).await.unwrap()
}

fn refusal<T>(result: kube::Result<T>) -> Status {
    match result {
        Ok(_) => panic!("the request should have been refused"),
        Err(kube::Error::Api(status)) => *status,
        Err(error) => panic!("the request failed in another way: {error:?}"),
    }
}

/// The first event of a watch of claims.
async fn first_event(client: &Client, options: &WatchParams, version: &str) -> WatchEvent<Claim> {
    let api = claims(client);
    let mut events = api.watch(options, version).await.unwrap().boxed();
    tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap().unwrap()
}
