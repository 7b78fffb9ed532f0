//! What there is, and how it is read.

use http::Method;
use k8s_openapi::api::events::v1::Event as StoredEvent;
use kube::{
    Api, Client, Resource,
    api::{GetParams, GroupVersionKind, ListParams},
    core::gvk::GroupVersion,
    discovery,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::fixtures::{CLAIMS, NAMESPACE, claims, details, name, raw, refusal, stored, unique, version};

const GROUP: &str = "network.harvesterhci.io";

pub(crate) async fn our_kinds_are_found_with_their_status(client: &Client) {
    for (kind, plural) in
        [("IPPool", "ippools"), ("VirtualMachineNetworkConfig", "virtualmachinenetworkconfigs")]
    {
        let kind = GroupVersionKind::gvk(GROUP, "v1alpha1", kind);
        let (resource, capabilities) = discovery::pinned_kind(client, &kind).await.unwrap();
        assert_eq!(resource.plural, plural);
        assert_eq!(capabilities.scope, discovery::Scope::Namespaced);
        assert!(capabilities.supports_operation("watch"));
        let status = capabilities.subresources.iter().any(|(sub, _)| sub.plural == "status");
        assert!(status, "{:?}", capabilities.subresources);
    }
}

pub(crate) async fn a_kind_that_is_not_served_is_missing(client: &Client) {
    let unserved = GroupVersionKind::gvk(GROUP, "v1alpha1", "Nothing");
    assert!(matches!(discovery::pinned_kind(client, &unserved).await, Err(kube::Error::Discovery(_))));
    let unserved = GroupVersionKind::gvk("nothing.example.org", "v1", "Nothing");
    let Err(kube::Error::Api(status)) = discovery::pinned_kind(client, &unserved).await else {
        panic!("a group that is not served should be refused");
    };
    // No part of a server feels responsible, so there is no reason that a client could read.
    assert_eq!(status.code, 404, "{status}");
}

pub(crate) async fn a_group_lists_its_versions(client: &Client) {
    let group = discovery::group(client, GROUP).await.unwrap();
    assert!(group.versions().any(|version| version == "v1alpha1"));
    let pinned = discovery::pinned_group(client, &GroupVersion::gv("coordination.k8s.io", "v1")).await;
    assert!(pinned.unwrap().recommended_kind("Lease").is_some());
}

pub(crate) async fn the_server_has_a_version(client: &Client) {
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.major, "1");
    assert!(version.git_version.starts_with("v1."), "{}", version.git_version);
}

pub(crate) async fn an_unknown_resource_is_not_found(client: &Client) {
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
    for (path, body) in [
        (format!("/apis/{GROUP}/v1alpha1/namespaces/{NAMESPACE}/nothings"), None),
        (format!("/apis/{GROUP}/v1/namespaces/{NAMESPACE}/ippools"), None),
        (format!("/apis/{GROUP}/v1"), None),
        ("/apis/nothing.example.org/v1/nothings".to_owned(), None),
        ("/nothing".to_owned(), None),
        (
            format!("{CLAIMS}/any/nothing"),
            Some("virtualmachinenetworkconfigs.network.harvesterhci.io \"any\" not found"),
        ),
        (format!("{leases}/any/nothing"), Some("the server could not find the requested resource")),
        (leases.replace("leases", "nothings"), Some("the server could not find the requested resource")),
    ] {
        let (code, status) = raw(client, Method::GET, &path, "application/json", "").await;
        // What nobody feels responsible for has no `Status`.
        assert_eq!((code, status["message"].as_str()), (404, body), "{path}");
    }
}

pub(crate) async fn an_unknown_verb_is_not_allowed(client: &Client) {
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
    for (method, path) in [(Method::PUT, leases.clone()), (Method::POST, format!("{leases}/any"))] {
        let (code, _) = raw(client, method.clone(), &path, "application/json", "{}").await;
        assert_eq!(code, 405, "{method} {path}");
    }
}

pub(crate) async fn an_object_is_read_and_missed_by_name(client: &Client) {
    let claim = stored(client, "read").await;
    let api = claims(client);
    assert_eq!(api.get(name(&claim)).await.unwrap(), claim);
    let not_older = GetParams::at(version(&claim));
    assert_eq!(api.get_with(name(&claim), &not_older).await.unwrap(), claim);
    let absent = unique("absent");
    assert_eq!(api.get_opt(&absent).await.unwrap(), None);
    let status = refusal(api.get(&absent).await);
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
    assert_eq!(
        status.message,
        format!("virtualmachinenetworkconfigs.network.harvesterhci.io \"{absent}\" not found")
    );
    assert_eq!(details(&status).name, absent);
    assert_eq!(details(&status).kind, "virtualmachinenetworkconfigs");
}

pub(crate) async fn metadata_alone_can_be_read(client: &Client) {
    let claim = stored(client, "metadata").await;
    let partial = claims(client).get_metadata(name(&claim)).await.unwrap();
    assert_eq!(partial.types.unwrap().api_version, "meta.k8s.io/v1");
    assert_eq!(partial.metadata, claim.metadata);
}

pub(crate) async fn events_can_be_published(client: &Client) {
    let claim = stored(client, "event").await;
    let reporter = Reporter { controller: "conformance".to_owned(), instance: None };
    let event = |note: &str| Event {
        type_: EventType::Normal,
        reason: "Checked".to_owned(),
        note: Some(note.to_owned()),
        action: "Check".to_owned(),
        secondary: None,
    };
    let recorder = Recorder::new(client.clone(), reporter);
    // The second is an update of the first: the recorder counts what is equal.
    recorder.publish(&event("once"), &claim.object_ref(&())).await.unwrap();
    recorder.publish(&event("once"), &claim.object_ref(&())).await.unwrap();
    let events: Api<StoredEvent> = Api::namespaced(client.clone(), NAMESPACE);
    let all = events.list(&ListParams::default()).await.unwrap();
    let uid = claim.metadata.uid;
    let mine: Vec<_> =
        all.iter().filter(|event| event.regarding.as_ref().is_some_and(|r| r.uid == uid)).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].series.as_ref().map(|series| series.count), Some(2));
}
