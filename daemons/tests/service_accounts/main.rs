//! The manager and the agents at work on a real API server, each as the service account that the chart makes for it,
//! with exactly the rights that the chart gives it: a right that is missing fails a test.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod agent;
mod boundaries;
mod manager;
mod networks;
mod refusals;

use std::time::Duration;

use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};

use refusals::Refusals;
use vmdhcp_testcluster::{self as testcluster, Object};

/// How long a condition is waited for before the test fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a user does, as the administrator, in one namespace, and sees happen.
struct User {
    client: Client,
    namespace: &'static str,
    /// Of the account that is under test: with one of them there is nothing more to wait for.
    refusals: Refusals,
}

impl User {
    fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    async fn create<K: Object>(&self, object: Value) -> K {
        self.api().create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
    }

    /// Waits until the object is as it should be; shows it as it is if that does not come.
    async fn until<K: Object>(&self, name: &str, what: &str, is_so: impl Fn(&K) -> bool) -> K {
        let api = self.api();
        // Boxed, as it holds whole objects.
        let found = Box::pin(testcluster::until(&api, name, what, DEADLINE, is_so));
        self.refusals.none_during(found).await
    }

    /// Waits until the object is gone.
    async fn until_gone<K: Object>(&self, name: &str) {
        let api = self.api::<K>();
        // Boxed, as it holds whole objects.
        self.refusals.none_during(Box::pin(testcluster::until_gone(&api, name, DEADLINE))).await;
    }
}

/// A pool on the network of that name.
fn pool(name: &str, network: &str) -> Value {
    json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "name": name },
        "spec": {
            "networkName": network,
            "ipv4Config": { "cidr": "192.168.48.0/24", "leaseTime": 300 },
        },
    })
}
