//! An API that does not take everything: one bad claim costs only itself, and no answer is taken for granted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use futures::future::join_all;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::json;
use tower::{ServiceExt, service_fn};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

use crate::fixtures::{Manager, NAMESPACE, claim, ipv4, mac, pool_condition, seed_pool};

/// What happens to a write of a pool's status with that body; nothing means that it is passed on.
type Meddling = Arc<dyn Fn(&str) -> Option<Meddled> + Send + Sync>;

enum Meddled {
    /// Answered by this code, and not stored.
    Refused(u16),
    /// Stored, and answered by this code all the same.
    StoredAndLost(u16),
}

fn failure(code: u16) -> Response<Body> {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused by the test", "reason": if code == 409 { "Conflict" } else { "Invalid" }, "code": code });
    let mut response = Response::new(Body::from(status.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
    response
}

/// A client of an API in memory, with somebody in between.
fn client_with(meddling: Meddling) -> Client {
    let api = LocalApi::in_memory(Kinds::standard()).unwrap();
    let service = service_fn(move |request: Request<kube::client::Body>| {
        let (api, meddling) = (api.clone(), Arc::clone(&meddling));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let of_pool_status =
                parts.method == Method::PUT && parts.uri.path().ends_with("/ippools/ippool-1/status");
            let text = String::from_utf8_lossy(&body).into_owned();
            let meddled = if of_pool_status { meddling(&text) } else { None };
            if let Some(Meddled::Refused(code)) = meddled {
                return Ok(failure(code));
            }
            let answer = api.oneshot(Request::from_parts(parts, Body::from(body))).await;
            match meddled {
                Some(Meddled::StoredAndLost(code)) => Ok(failure(code)),
                _ => answer,
            }
        }
    });
    Client::new(service, NAMESPACE)
}

#[tokio::test]
async fn a_claim_that_the_api_refuses_costs_only_itself() {
    let bad = mac(&claim("bad", 7));
    let refused = bad.clone();
    let client = client_with(Arc::new(move |body| {
        body.contains(&format!("\"{refused}\"")).then_some(Meddled::Refused(422))
    }));
    let manager = Manager::start_on(client);
    manager.create(&seed_pool()).await;
    join_all((4..11).map(async |number| {
        manager.create(&claim(&format!("vm-{number}"), number)).await;
    }))
    .await;
    for number in [4, 5, 6, 8, 9, 10] {
        manager.addresses(&format!("vm-{number}")).await;
    }
    let why = manager.waits_for("vm-7", "WriteRefused").await;
    assert!(why.contains("refused by the test"), "{why}");
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!(ipv4(&pool).used, 6);
    assert!(!ipv4(&pool).allocated.values().any(|mac| *mac == bad));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_and_not_made_twice() {
    let once = AtomicBool::new(true);
    let client = client_with(Arc::new(move |body| {
        let lost = body.contains("52:54:00:00:00:01") && once.swap(false, Ordering::SeqCst);
        lost.then_some(Meddled::StoredAndLost(504))
    }));
    let manager = Manager::start_on(client);
    manager.create(&seed_pool()).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!((ipv4(&pool).used, ipv4(&pool).retiring.len()), (1, 0));
    assert_eq!(ipv4(&pool).allocated[address[0].as_str()], "52:54:00:00:00:01");
}

#[tokio::test]
async fn neither_a_write_conflict_nor_an_error_makes_a_claim_allocated_before_its_pool_says_so() {
    nothing_is_true_before_the_pool_is_written(409, "vmdhcp_pool_write_conflicts_total").await;
    nothing_is_true_before_the_pool_is_written(500, "vmdhcp_pool_write_refusals_total").await;
}

async fn nothing_is_true_before_the_pool_is_written(answer: u16, counted: &str) {
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    let client = client_with(Arc::new(move |body| {
        (body.contains("52:54:00:00:00:01") && !gate.load(Ordering::SeqCst))
            .then_some(Meddled::Refused(answer))
    }));
    let manager = Manager::start_on(client);
    manager.create(&seed_pool()).await;
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await;
    manager.create(&claim("vm", 1)).await;
    let tried = async {
        while manager.metric(counted) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), tried).await.unwrap();
    let waiting: VirtualMachineNetworkConfig = manager.api().get("vm").await.unwrap();
    assert_eq!(waiting.status.unwrap_or_default().network_configs, []);
    open.store(true, Ordering::SeqCst);
    assert_eq!(manager.addresses("vm").await.len(), 1);
}
