//! What the checks share: the APIs, the objects, and ways to look at answers.

use std::{collections::BTreeMap, pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use http::{Method, Request, header};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    client::Body,
    core::{Status, response::StatusDetails},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vmdhcp_core::api::{NetworkConfig, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigSpec};
use vmdhcp_daemons::cluster::local::{ChangeLog, Kinds, LocalApi, Options};

pub(crate) use vmdhcp_core::api::VirtualMachineNetworkConfig as Claim;

/// The namespace of all checks.
pub(crate) const NAMESPACE: &str = "conformance";
/// A second one.
pub(crate) const OTHER_NAMESPACE: &str = "conformance-other";
/// Path of the claims in [`NAMESPACE`].
pub(crate) const CLAIMS: &str =
    "/apis/network.harvesterhci.io/v1alpha1/namespaces/conformance/virtualmachinenetworkconfigs";
/// A finalizer that nobody but a check removes.
pub(crate) const FINALIZER: &str = "vmdhcp.test/held";

/// How long something may take that a cluster does in its own time; its garbage collector looks for new kinds every
/// 30 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// How many changes the local APIs of the checks remember.
pub(crate) const KEPT_CHANGES: usize = 100;

fn options() -> Options {
    let change_log = ChangeLog { rows: KEPT_CHANGES, ..Options::default().change_log };
    Options { change_log, ..Options::default() }
}

pub(crate) fn in_memory() -> Client {
    LocalApi::in_memory_with(Kinds::standard(), options()).unwrap().client(NAMESPACE)
}

pub(crate) fn in_a_file() -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let api = LocalApi::open_with(&folder.path().join("api.db"), Kinds::standard(), options()).unwrap();
    (api.client(NAMESPACE), folder)
}

/// Makes the namespaces of the checks, which the local API does not ask for.
pub(crate) async fn namespaces(client: &Client) {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    for name in [NAMESPACE, OTHER_NAMESPACE] {
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        match namespaces.create(&PostParams::default(), &namespace).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => panic!("cannot create namespace {name}: {error}"),
        }
    }
}

pub(crate) fn claims(client: &Client) -> Api<Claim> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// A name that no other check, and no earlier run, uses.
pub(crate) fn unique(what: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{what}-{}", &random[..8])
}

/// A valid claim, not stored yet.
pub(crate) fn claim(name: &str) -> Claim {
    let card = NetworkConfig {
        network_name: "conformance/lab".to_owned(),
        mac_address: "52:54:00:00:00:01".to_owned(),
        ..NetworkConfig::default()
    };
    let spec = VirtualMachineNetworkConfigSpec {
        vm_name: "vm".to_owned(),
        network_configs: vec![card],
        ..VirtualMachineNetworkConfigSpec::default()
    };
    VirtualMachineNetworkConfig::new(name, spec)
}

pub(crate) fn labelled(mut claim: Claim, labels: &[(&str, &str)]) -> Claim {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    claim.metadata.labels = Some(labels.collect::<BTreeMap<_, _>>());
    claim
}

pub(crate) fn finalized(mut claim: Claim) -> Claim {
    claim.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    claim
}

/// Makes `claim` a dependent of stored objects, which may not go before it.
pub(crate) fn owned_by(mut claim: Claim, owners: &[&Claim]) -> Claim {
    let reference = |owner: &&Claim| {
        let mut reference = kube::Resource::owner_ref(*owner, &()).unwrap();
        reference.block_owner_deletion = Some(true);
        reference
    };
    claim.metadata.owner_references = Some(owners.iter().map(reference).collect());
    claim
}

pub(crate) async fn create(client: &Client, claim: &Claim) -> Claim {
    claims(client).create(&PostParams::default(), claim).await.unwrap()
}

/// A stored claim of a name of its own.
pub(crate) async fn stored(client: &Client, what: &str) -> Claim {
    create(client, &claim(&unique(what))).await
}

pub(crate) fn name(claim: &Claim) -> &str {
    claim.metadata.name.as_deref().unwrap()
}

pub(crate) fn version(claim: &Claim) -> &str {
    claim.metadata.resource_version.as_deref().unwrap()
}

pub(crate) async fn merge(client: &Client, name: &str, patch: &Value) -> kube::Result<Claim> {
    claims(client).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
}

/// Removes all finalizers.
pub(crate) async fn release(client: &Client, name: &str) {
    merge(client, name, &json!({ "metadata": { "finalizers": null } })).await.unwrap();
}

/// The refusal that a request came to.
pub(crate) fn refusal<T>(result: kube::Result<T>) -> Status {
    match result {
        Ok(_) => panic!("the request should have been refused"),
        Err(kube::Error::Api(status)) => *status,
        Err(error) => panic!("the request failed in another way: {error:?}"),
    }
}

pub(crate) fn details(status: &Status) -> &StatusDetails {
    status.details.as_ref().unwrap()
}

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<&str> {
    details(status).causes.iter().map(|cause| cause.field.as_str()).collect()
}

/// A request as no typed client would send it.
pub(crate) async fn raw(
    client: &Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type);
    let response = client.send(request.body(Body::from(body.into())).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    let body = response.into_body().collect_bytes().await.unwrap();
    (code, serde_json::from_slice(&body).unwrap_or_default())
}

pub(crate) async fn post(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    raw(client, Method::POST, path, "application/json", body.to_string()).await
}

/// Waits until `holds`, and panics if it never does.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "never came true: {what}");
}

/// Waits until `look` finds something, and panics if it never does.
pub(crate) async fn eventually_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never came true: {what}"))
}

pub(crate) async fn is_gone(client: &Client, name: &str) -> bool {
    claims(client).get_opt(name).await.unwrap().is_none()
}

/// Events of a watch.
pub(crate) struct Events<K>(Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<K>>> + Send>>);

impl<K: Clone + std::fmt::Debug + DeserializeOwned + Send + 'static> Events<K> {
    pub(crate) async fn of(api: &Api<K>, options: &WatchParams, version: &str) -> Self {
        Self(api.watch(options, version).await.unwrap().boxed())
    }

    /// The next event, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<WatchEvent<K>> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.expect("an event should have come").map(Result::unwrap)
    }

    /// The next event that is no bookmark, as its type and object.
    pub(crate) async fn change(&mut self) -> (&'static str, K) {
        loop {
            match self.next().await.expect("the watch should go on") {
                WatchEvent::Added(object) => return ("ADDED", object),
                WatchEvent::Modified(object) => return ("MODIFIED", object),
                WatchEvent::Deleted(object) => return ("DELETED", object),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => panic!("the watch failed: {status}"),
            }
        }
    }
}
