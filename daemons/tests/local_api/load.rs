//! Much at once, and large objects; the bounds are many times what it takes, so that only a change of order fails.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::try_join_all, stream};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::{Controller, controller::Action, watcher},
};
use serde_json::json;
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

use crate::{Claim, claim, claims, create, pool, pools};

fn on_file() -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let api = LocalApi::open(&folder.path().join("api.db"), Kinds::standard()).unwrap();
    (api.client("default"), folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_objects_are_created_at_once() {
    let (client, _folder) = on_file();
    let started = Instant::now();
    let names: Vec<_> = (0..1_000).map(|number| format!("claim-{number}")).collect();
    let created = try_join_all(names.iter().map(|name| {
        let (api, claim) = (claims(&client), claim(name));
        async move { api.create(&PostParams::default(), &claim).await }
    }));
    let created = created.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    let versions: BTreeSet<_> = created.iter().map(|claim| claim.metadata.resource_version.clone()).collect();
    assert_eq!(versions.len(), 1_000);
    assert_eq!(claims(&client).list(&ListParams::default()).await.unwrap().items.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_costs_the_others_of_its_batch_nothing() {
    let (client, _folder) = on_file();
    create(&client, "taken").await;
    let names = (0..200).map(|n| if n % 2 == 0 { "taken".to_owned() } else { format!("claim-{n}") });
    let outcomes: Vec<_> = stream::iter(names)
        .map(|name| {
            let api = claims(&client);
            async move { api.create(&PostParams::default(), &claim(&name)).await }
        })
        .buffered(200)
        .collect()
        .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 100);
    assert_eq!(claims(&client).list(&ListParams::default()).await.unwrap().items.len(), 101);
}

#[tokio::test]
async fn ten_thousand_objects_are_listed() {
    let client = LocalApi::in_memory(Kinds::standard()).unwrap().client("default");
    for number in 0..10_000 {
        create(&client, &format!("claim-{number}")).await;
    }
    let started = Instant::now();
    let list = claims(&client).list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items.len(), 10_000);
    let page = claims(&client).list(&ListParams::default().limit(500)).await.unwrap();
    assert_eq!(page.metadata.remaining_item_count, Some(9_500));
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_status_as_large_as_etcd_takes_is_replaced() {
    let (client, _folder) = on_file();
    let mut stored = pools(&client).create(&PostParams::default(), &pool("pool", "lab")).await.unwrap();
    let addresses = (0..40_000).map(|n| (format!("10.0.{}.{}", n / 256, n % 256), "52:54:00:12:34:56"));
    let allocated: serde_json::Map<_, _> = addresses.map(|(ip, mac)| (ip, json!(mac))).collect();
    let status = json!({ "ipv4": { "allocated": allocated, "used": 40_000, "available": 0 } });
    assert!(status.to_string().len() > 1_200_000);
    stored.status = Some(serde_json::from_value(status).unwrap());
    let started = Instant::now();
    for observed in 0..5 {
        stored.status.as_mut().unwrap().observed_generation = Some(observed);
        stored = pools(&client).replace_status("pool", &PostParams::default(), &stored).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    assert_eq!(pools(&client).get("pool").await.unwrap(), stored);
}

#[tokio::test]
async fn a_controller_brings_every_object_to_where_it_should_be() {
    let (client, _folder) = on_file();
    let reconciled = Arc::new(client.clone());
    create(&client, "before").await;
    let controller = Controller::new(claims(&client), watcher::Config::default()).run(
        |claim: Arc<Claim>, client: Arc<Client>| async move {
            if claim.spec.paused.is_none() {
                let api: Api<Claim> = claims(&client);
                let pause = Patch::Merge(json!({ "spec": { "paused": true } }));
                api.patch(claim.metadata.name.as_deref().unwrap(), &PatchParams::default(), &pause).await?;
            }
            Ok::<_, kube::Error>(Action::await_change())
        },
        |_, _, _| Action::requeue(Duration::from_secs(1)),
        reconciled,
    );
    let running = tokio::spawn(controller.for_each(|_| async {}));
    create(&client, "after").await;
    let all_paused = async {
        loop {
            let list = claims(&client).list(&ListParams::default()).await.unwrap();
            if list.items.iter().all(|claim| claim.spec.paused == Some(true)) {
                return list.items.len();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), all_paused).await.unwrap(), 2);
    running.abort();
}
