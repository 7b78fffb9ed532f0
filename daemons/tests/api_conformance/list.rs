//! Lists.

use std::collections::BTreeSet;

use http::Method;
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};
use serde_json::json;

use crate::fixtures::{
    CLAIMS, Claim, OTHER_NAMESPACE, claim, claims, create, eventually_some, labelled, merge, name, raw,
    refusal, stored, unique,
};

/// Stores claims with the labels, and says the label that they all have.
async fn stored_with(client: &Client, labels: &[&[(&str, &str)]]) -> String {
    let run = unique("run");
    for (at, labels) in labels.iter().enumerate() {
        let all: Vec<_> = labels.iter().copied().chain([("run", run.as_str())]).collect();
        create(client, &labelled(claim(&format!("{run}-{at}")), &all)).await;
    }
    run
}

pub(crate) async fn labels_select(client: &Client) {
    let run = stored_with(client, &[&[("env", "prod"), ("a.io/b", "")], &[("env", "dev")], &[]]).await;
    for (selector, expected) in [
        ("", vec![0, 1, 2]),
        ("env=prod", vec![0]),
        ("env==dev", vec![1]),
        ("env!=prod", vec![1, 2]),
        ("env", vec![0, 1]),
        ("!env", vec![2]),
        ("env in (prod, dev)", vec![0, 1]),
        ("env notin (dev)", vec![0, 2]),
        ("a.io/b", vec![0]),
        ("a.io/b=", vec![0]),
        ("env,env!=dev", vec![0]),
        ("env=prod,env=dev", vec![]),
    ] {
        let all = if selector.is_empty() { String::new() } else { format!(",{selector}") };
        let options = ListParams::default().labels(&format!("run={run}{all}"));
        let found: Vec<_> = claims(client).list(&options).await.unwrap().items;
        let found: Vec<_> = found.iter().map(name).collect();
        let expected: Vec<_> = expected.iter().map(|at| format!("{run}-{at}")).collect();
        assert_eq!(found, expected, "{selector}");
    }
}

pub(crate) async fn a_bad_selector_is_refused(client: &Client) {
    for selector in ["env in prod", "env in (prod", "=", "a b"] {
        let status = refusal(claims(client).list(&ListParams::default().labels(selector)).await);
        assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"), "{selector}: {status}");
    }
}

pub(crate) async fn a_name_selects(client: &Client) {
    let claim = stored(client, "named").await;
    let api = claims(client);
    let one = api.list(&ListParams::default().fields(&format!("metadata.name={}", name(&claim)))).await;
    assert_eq!(one.unwrap().items, std::slice::from_ref(&claim));
    let others = api.list(&ListParams::default().fields(&format!("metadata.name!={}", name(&claim)))).await;
    assert!(!others.unwrap().items.contains(&claim));
    let nowhere = ListParams::default()
        .fields(&format!("metadata.name={},metadata.namespace={OTHER_NAMESPACE}", name(&claim)));
    assert_eq!(api.list(&nowhere).await.unwrap().items, []);
}

pub(crate) async fn other_fields_are_refused(client: &Client) {
    let status = refusal(claims(client).list(&ListParams::default().fields("spec.vmName=vm")).await);
    assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"), "{status}");
    assert!(status.message.contains("field label not supported"), "{status}");
}

pub(crate) async fn pages_hold_every_object_once(client: &Client) {
    let run = stored_with(client, &[[].as_slice(); 7]).await;
    let mut options = ListParams::default().labels(&format!("run={run}")).limit(3);
    let (mut seen, mut sizes, mut versions) = (Vec::new(), Vec::new(), BTreeSet::new());
    loop {
        let page = claims(client).list(&options).await.unwrap();
        sizes.push(page.items.len());
        versions.insert(page.metadata.resource_version.clone().unwrap());
        seen.extend(page.items.iter().map(|claim| name(claim).to_owned()));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => options = options.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(versions.len(), 1, "all pages are of one version");
    assert_eq!(seen, (0..7).map(|at| format!("{run}-{at}")).collect::<Vec<_>>());
}

pub(crate) async fn a_nonsense_page_is_refused(client: &Client) {
    let options = ListParams::default().limit(1).continue_token("nonsense");
    let status = refusal(claims(client).list(&options).await);
    assert_eq!(status.code, 400, "{status}");
}

pub(crate) async fn a_page_of_a_past_that_is_gone_is_expired(client: &Client) {
    let run = stored_with(client, &[[].as_slice(); 2]).await;
    let first = ListParams::default().labels(&format!("run={run}")).limit(1);
    let page = claims(client).list(&first).await.unwrap();
    let next = first.continue_token(&page.metadata.continue_.unwrap());
    let mut number = 0;
    // Each API keeps some of the past: by time, or by the number of changes.
    let status = eventually_some("the page is refused", async || {
        number += 1;
        merge(client, &format!("{run}-0"), &json!({ "metadata": { "labels": { "n": number.to_string() } } }))
            .await
            .unwrap();
        claims(client).list(&next).await.err()
    })
    .await;
    let status = refusal::<()>(Err(status));
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"), "{status}");
}

pub(crate) async fn all_namespaces_are_searched(client: &Client) {
    let run = stored_with(client, &[&[]]).await;
    let elsewhere: Api<Claim> = Api::namespaced(client.clone(), OTHER_NAMESPACE);
    let other = labelled(claim(&run), &[("run", &run)]);
    elsewhere.create(&PostParams::default(), &other).await.unwrap();
    let options = ListParams::default().labels(&format!("run={run}"));
    let everywhere: Api<Claim> = Api::all(client.clone());
    assert_eq!(everywhere.list(&options).await.unwrap().items.len(), 2);
    assert_eq!(elsewhere.list(&options).await.unwrap().items.len(), 1);
    assert_eq!(claims(client).list(&options).await.unwrap().items.len(), 1);
}

pub(crate) async fn a_version_that_has_not_happened_times_out(client: &Client) {
    let options = ListParams::default().at("9000000000000000");
    let status = refusal(claims(client).list(&options).await);
    assert_eq!((status.code, status.reason.as_str()), (504, "Timeout"), "{status}");
    assert!(status.message.contains("Too large resource version"), "{status}");
}

pub(crate) async fn metadata_alone_can_be_listed(client: &Client) {
    let run = stored_with(client, &[&[], &[]]).await;
    let options = ListParams::default().labels(&format!("run={run}"));
    let list = claims(client).list_metadata(&options).await.unwrap();
    assert_eq!(list.types.kind, "PartialObjectMetadataList");
    assert_eq!(list.items.len(), 2);
    assert_eq!(list.items[0].metadata.name.as_deref(), Some(format!("{run}-0").as_str()));
}

pub(crate) async fn a_list_says_what_it_is(client: &Client) {
    let (code, list) = raw(client, Method::GET, CLAIMS, "application/json", "").await;
    assert_eq!(code, 200);
    assert_eq!(list["kind"], "VirtualMachineNetworkConfigList");
    assert_eq!(list["apiVersion"], "network.harvesterhci.io/v1alpha1");
    assert!(list["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(list["items"].is_array());
}
