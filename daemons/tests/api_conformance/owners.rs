//! Owner references. A cluster's garbage collector acts in its own time, so every check waits for what must come.

use kube::{Client, api::DeleteParams};

use crate::fixtures::{
    claim, claims, create, eventually, finalized, is_gone, name, owned_by, release, stored, unique,
};

pub(crate) async fn dependents_go_after_their_owner(client: &Client) {
    let owner = stored(client, "owner").await;
    let dependent = create(client, &owned_by(claim(&unique("dependent")), &[&owner])).await;
    claims(client).delete(name(&owner), &DeleteParams::background()).await.unwrap();
    eventually("the dependent is gone", || is_gone(client, name(&dependent))).await;
    assert!(is_gone(client, name(&owner)).await);
}

pub(crate) async fn orphans_stay_and_forget_their_owner(client: &Client) {
    let owner = stored(client, "owner").await;
    let dependent = create(client, &owned_by(claim(&unique("orphan")), &[&owner])).await;
    claims(client).delete(name(&owner), &DeleteParams::orphan()).await.unwrap();
    eventually("the owner is gone", || is_gone(client, name(&owner))).await;
    let orphan = claims(client).get(name(&dependent)).await.unwrap();
    assert_eq!(orphan.metadata.owner_references.unwrap_or_default(), []);
}

pub(crate) async fn a_dependent_with_another_owner_stays(client: &Client) {
    let (one, other) = (stored(client, "owner").await, stored(client, "owner").await);
    let dependent = create(client, &owned_by(claim(&unique("shared")), &[&one, &other])).await;
    claims(client).delete(name(&one), &DeleteParams::background()).await.unwrap();
    eventually("one owner is forgotten", || async {
        let shared = claims(client).get(name(&dependent)).await.unwrap();
        shared.metadata.owner_references.is_some_and(|owners| owners.len() == 1)
    })
    .await;
    claims(client).delete(name(&other), &DeleteParams::background()).await.unwrap();
    eventually("the dependent is gone", || is_gone(client, name(&dependent))).await;
}

pub(crate) async fn a_dependent_of_nobody_goes(client: &Client) {
    let owner = stored(client, "owner").await;
    claims(client).delete(name(&owner), &DeleteParams::default()).await.unwrap();
    let late = create(client, &owned_by(claim(&unique("late")), &[&owner])).await;
    eventually("the dependent is gone", || is_gone(client, name(&late))).await;
}

pub(crate) async fn an_owner_deleted_in_the_foreground_waits_for_those_that_block_it(client: &Client) {
    let owner = stored(client, "owner").await;
    let held = create(client, &owned_by(finalized(claim(&unique("held"))), &[&owner])).await;
    let free = create(client, &owned_by(claim(&unique("free")), &[&owner])).await;
    claims(client).delete(name(&owner), &DeleteParams::foreground()).await.unwrap();
    let waiting = claims(client).get(name(&owner)).await.unwrap();
    assert!(waiting.metadata.deletion_timestamp.is_some());
    assert_eq!(waiting.metadata.finalizers.unwrap(), ["foregroundDeletion"]);
    eventually("the free dependent is gone", || is_gone(client, name(&free))).await;
    eventually("the held dependent is terminating", || async {
        claims(client).get(name(&held)).await.unwrap().metadata.deletion_timestamp.is_some()
    })
    .await;
    assert!(!is_gone(client, name(&owner)).await);
    release(client, name(&held)).await;
    eventually("the owner is gone", || is_gone(client, name(&owner))).await;
}

pub(crate) async fn dependents_of_dependents_go_too(client: &Client) {
    for how in [DeleteParams::background(), DeleteParams::foreground()] {
        let top = stored(client, "top").await;
        let middle = create(client, &owned_by(claim(&unique("middle")), &[&top])).await;
        let bottom = create(client, &owned_by(claim(&unique("bottom")), &[&middle])).await;
        claims(client).delete(name(&top), &how).await.unwrap();
        for gone in [&top, &middle, &bottom] {
            eventually("all are gone", || is_gone(client, name(gone))).await;
        }
    }
}
