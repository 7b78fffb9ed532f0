//! What the webhook of upstream leaves on a cluster: configurations that no release of Helm owns, so that they survive its
//! end, and then, as nobody answers for them, refuse every write of a pool. They go, and its certificates after them
//! (COMPAT 11.3).
//!
//! Not here: configurations of a chart, which have the same names and are Helm's.

use std::convert::Infallible;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Preconditions};
use kube::core::ClusterResourceScope;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether they are there again: a webhook that still ends makes them anew.
const PERIOD: Duration = Duration::from_secs(60);

/// Whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpstreamWebhook {
    /// Name of the configurations, and what those of the Secrets begin with.
    name: String,
    /// Where the Secrets are.
    namespace: String,
}

/// A configuration of webhooks, of either kind.
trait Configuration:
    Resource<DynamicType = (), Scope = ClusterResourceScope> + DeserializeOwned + Clone + Debug
{
    const KIND: &'static str;
    fn webhook_names(&self) -> Vec<&str>;
}

impl Configuration for ValidatingWebhookConfiguration {
    const KIND: &'static str = "ValidatingWebhookConfiguration";
    fn webhook_names(&self) -> Vec<&str> {
        self.webhooks.iter().flatten().map(|webhook: &ValidatingWebhook| webhook.name.as_str()).collect()
    }
}

impl Configuration for MutatingWebhookConfiguration {
    const KIND: &'static str = "MutatingWebhookConfiguration";
    fn webhook_names(&self) -> Vec<&str> {
        self.webhooks.iter().flatten().map(|webhook: &MutatingWebhook| webhook.name.as_str()).collect()
    }
}

impl UpstreamWebhook {
    /// Of the release of which the manager has this name, in this namespace.
    pub(super) fn beside(manager: &str, namespace: &str) -> Self {
        Self { name: format!("{manager}-webhook"), namespace: namespace.to_owned() }
    }

    /// Removes them, and goes on doing so. What cannot be removed is told once: pools may be writable all the same.
    pub(super) async fn keep_away(&self, client: &Client) -> Infallible {
        let mut told = String::new();
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let trouble = match self.remove(client).await {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            };
            if !trouble.is_empty() && trouble != told {
                tracing::warn!(
                    webhook = self.name,
                    error = trouble,
                    "what upstream's webhook left cannot be removed; if it refuses pools, delete its webhook configurations"
                );
            }
            told = trouble;
        }
    }

    /// Removes what is there of them now.
    pub(super) async fn remove(&self, client: &Client) -> kube::Result<()> {
        let validating = self.remove_configuration::<ValidatingWebhookConfiguration>(client).await?;
        let mutating = self.remove_configuration::<MutatingWebhookConfiguration>(client).await?;
        if validating || mutating {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), &self.namespace);
            for suffix in ["ca", "tls"] {
                let name = format!("{}-{suffix}", self.name);
                absent_is_fine(secrets.delete(&name, &DeleteParams::default()).await)?;
            }
        }
        Ok(())
    }

    /// Whether there was one.
    async fn remove_configuration<K: Configuration>(&self, client: &Client) -> kube::Result<bool> {
        let api: Api<K> = Api::all(client.clone());
        let Some(stored) = api.get_opt(&self.name).await? else { return Ok(false) };
        if !self.is_upstreams(&stored) {
            return Ok(false);
        }
        let preconditions = Preconditions { uid: stored.uid(), resource_version: stored.resource_version() };
        absent_is_fine(api.delete(&self.name, &DeleteParams::default().preconditions(preconditions)).await)?;
        tracing::info!(kind = K::KIND, name = self.name, "removed what upstream's webhook left");
        Ok(true)
    }

    /// Made by upstream's process, and by no chart.
    fn is_upstreams<K: Configuration>(&self, stored: &K) -> bool {
        let is_of_helm = stored.labels().get("app.kubernetes.io/managed-by").is_some_and(|by| by == "Helm")
            || stored.annotations().contains_key("meta.helm.sh/release-name");
        let suffix = format!(".{}", self.name);
        let names = stored.webhook_names();
        !is_of_helm && !names.is_empty() && names.iter().all(|name| name.ends_with(&suffix))
    }
}

fn absent_is_fine<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use kube::api::PostParams;
    use serde_json::json;

    use super::*;
    use crate::cluster::local::{Kind, Kinds, LocalApi};

    const WEBHOOK: &str = "harvester-vm-dhcp-controller-webhook";

    fn api() -> Client {
        let kinds = Kinds::standard()
            .with(
                Kind::typed::<ValidatingWebhookConfiguration>().built_in().cluster_scoped().without_status(),
            )
            .with(Kind::typed::<MutatingWebhookConfiguration>().built_in().cluster_scoped().without_status())
            .with(Kind::typed::<Secret>().built_in().without_status());
        LocalApi::in_memory(kinds).unwrap().client("harvester-system")
    }

    async fn put(client: &Client, managed_by: &str, webhook: &str) {
        let configuration = |prefix: &str| {
            json!({
                "metadata": { "name": WEBHOOK, "labels": { "app.kubernetes.io/managed-by": managed_by } },
                "webhooks": [{
                    "name": format!("{prefix}.{webhook}"),
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": { "service": { "namespace": "harvester-system", "name": WEBHOOK } },
                }],
            })
        };
        let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
        let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
        let object = serde_json::from_value(configuration("validator")).unwrap();
        validating.create(&PostParams::default(), &object).await.unwrap();
        let object = serde_json::from_value(configuration("mutator")).unwrap();
        mutating.create(&PostParams::default(), &object).await.unwrap();
        for name in [format!("{WEBHOOK}-ca"), format!("{WEBHOOK}-tls"), "another".into()] {
            let secret = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
            secrets(client).create(&PostParams::default(), &secret).await.unwrap();
        }
    }

    fn secrets(client: &Client) -> Api<Secret> {
        Api::default_namespaced(client.clone())
    }

    async fn left(client: &Client) -> (usize, usize, usize) {
        let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
        let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
        let all = kube::api::ListParams::default();
        (
            validating.list(&all).await.unwrap().items.len(),
            mutating.list(&all).await.unwrap().items.len(),
            secrets(client).list(&all).await.unwrap().items.len(),
        )
    }

    fn upstream() -> UpstreamWebhook {
        UpstreamWebhook::beside("harvester-vm-dhcp-controller", "harvester-system")
    }

    #[tokio::test]
    async fn what_upstreams_webhook_left_goes_with_its_certificates_and_nothing_else() {
        let client = api();
        put(&client, "", &format!("harvester-system.{WEBHOOK}")).await;
        upstream().remove(&client).await.unwrap();
        assert_eq!(left(&client).await, (0, 0, 1));
        upstream().remove(&client).await.unwrap();
        assert_eq!(left(&client).await, (0, 0, 1), "absent is fine");
    }

    #[tokio::test]
    async fn what_a_chart_owns_or_is_for_something_else_stays() {
        for (managed_by, webhook) in
            [("Helm", format!("harvester-system.{WEBHOOK}")), ("", "policy.example.org".to_owned())]
        {
            let client = api();
            put(&client, managed_by, &webhook).await;
            upstream().remove(&client).await.unwrap();
            assert_eq!(left(&client).await, (1, 1, 3), "{managed_by} {webhook}");
        }
    }
}
