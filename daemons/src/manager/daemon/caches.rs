//! `/ipams/NAMESPACE/NAME` and `/caches/NAMESPACE/NAME`, by network, in upstream's format (COMPAT 7).
//!
//! Upstream shows the memory of its leader. There is no such memory here: the pool is read from the API when it is
//! asked for, so that every replica gives the same answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use vmdhcp_core::api::IPPool;
use vmdhcp_core::{MacAddr, NetworkName, Pool};

/// Addresses that are written at once: a pool may have millions.
const CHUNK: usize = 4_096;

pub(super) fn router(client: Client) -> Router {
    Router::new()
        .route("/ipams/{namespace}/{name}", get(ipam))
        .route("/caches/{namespace}/{name}", get(cache))
        .with_state(client)
}

/// Why a network is not shown. Upstream answers 500 whatever it is.
#[derive(Debug, thiserror::Error)]
enum Unshown {
    #[error("network {0} has no pool")]
    Unknown(NetworkName),
    #[error("pool {0} cannot be served: {1}")]
    Wrong(String, vmdhcp_core::pool::PoolErrors),
    #[error("the pools cannot be read: {0}")]
    Api(#[from] kube::Error),
}

impl IntoResponse for Unshown {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{self}\n")).into_response()
    }
}

/// What a network has: its pool, and who has which of its addresses.
struct Shown {
    pool: Pool,
    allocated: BTreeMap<Ipv4Addr, MacAddr>,
}

async fn find(client: Client, namespace: String, name: String) -> Result<Shown, Unshown> {
    let network = NetworkName { namespace, name };
    let pools = Api::<IPPool>::all(client).list(&ListParams::default()).await?;
    let on_network = pools.into_iter().filter(|pool| {
        let of = NetworkName::parse(&pool.spec.network_name, &pool.namespace().unwrap_or_default());
        of.as_ref() == Ok(&network)
    });
    let oldest = on_network.min_by_key(|pool| (pool.creation_timestamp().map(|time| time.0), pool.uid()));
    let stored = oldest.ok_or(Unshown::Unknown(network))?;
    let (pool, _) = Pool::from_stored(&stored).map_err(|errors| Unshown::Wrong(stored.name_any(), errors))?;
    let status = stored.status.and_then(|status| status.ipv4).unwrap_or_default();
    let pairs = status.allocated.iter();
    let pairs = pairs.filter_map(|(address, holder)| Some((address.parse().ok()?, holder.parse().ok()?)));
    Ok(Shown { pool, allocated: pairs.collect() })
}

/// `{"<address>": "true"}` for what is allocated, `"false"` for what is free.
async fn ipam(
    State(client): State<Client>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Unshown> {
    let Shown { pool, allocated } = find(client, namespace, name).await?;
    let mut next = pool.domain.nth(0);
    let mut ended = false;
    let chunks = std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let mut text = String::new();
        for _ in 0..CHUNK {
            let Some(address) = next else { break };
            let before = if pool.domain.nth(0) == Some(address) { '{' } else { ',' };
            // Writing to a String does not fail.
            let _ = write!(text, "{before}\"{address}\":\"{}\"", allocated.contains_key(&address));
            next = address.to_bits().checked_add(1).and_then(|bits| pool.domain.next_from(bits.into()));
            next = next.filter(|next| *next > address);
        }
        if next.is_none() {
            ended = true;
            text.push_str(if pool.domain.is_empty() { "{}" } else { "}" });
        }
        Some(Ok::<_, std::convert::Infallible>(Bytes::from(text)))
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, Body::from_stream(stream::iter(chunks))).into_response())
}

/// `{"<mac>": "<address>"}`.
async fn cache(
    State(client): State<Client>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Unshown> {
    let Shown { allocated, .. } = find(client, namespace, name).await?;
    let by_mac: BTreeMap<_, _> =
        allocated.into_iter().map(|(address, mac)| (mac.to_string(), address.to_string())).collect();
    Ok(axum::Json(by_mac).into_response())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use kube::api::{Patch, PatchParams, PostParams};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::cluster::local::{Kinds, LocalApi};

    async fn api(range: (&str, &str), allocated: Value) -> Client {
        let client = LocalApi::in_memory(Kinds::standard()).unwrap().client("default");
        let pool = serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1", "kind": "IPPool", "metadata": {"name": "p"},
            "spec": {"networkName": "net-48", "ipv4Config": {
                "cidr": "10.48.0.0/16", "serverIP": "10.48.0.2", "router": "10.48.0.1",
                "pool": {"start": range.0, "end": range.1, "exclude": ["10.48.0.4"]}
            }}
        }))
        .unwrap();
        let pools: Api<IPPool> = Api::default_namespaced(client.clone());
        pools.create(&PostParams::default(), &pool).await.unwrap();
        let status =
            Patch::Merge(json!({"status": {"ipv4": {"allocated": allocated, "used": 0, "available": 0}}}));
        pools.patch_status("p", &PatchParams::default(), &status).await.unwrap();
        client
    }

    async fn ask(client: &Client, path: &str) -> (StatusCode, String, String) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = router(client.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn caches_have_the_format_of_upstream() {
        let allocated =
            json!({"10.48.0.3": "02:00:00:00:00:0a", "10.48.0.4": "EXCLUDED", "10.48.0.2": "RESERVED"});
        let client = api(("10.48.0.1", "10.48.0.6"), allocated).await;
        let json = "application/json".to_owned();
        let ipam = r#"{"10.48.0.3":"true","10.48.0.5":"false","10.48.0.6":"false"}"#.to_owned();
        assert_eq!(ask(&client, "/ipams/default/net-48").await, (StatusCode::OK, json.clone(), ipam));
        let cache = r#"{"02:00:00:00:00:0a":"10.48.0.3"}"#.to_owned();
        assert_eq!(ask(&client, "/caches/default/net-48").await, (StatusCode::OK, json, cache));
        for kind in ["ipams", "caches"] {
            let (status, kind, text) = ask(&client, &format!("/{kind}/default/net-49")).await;
            assert_eq!((status.as_u16(), kind.split(';').next()), (500, Some("text/plain")));
            assert_eq!(text, "network default/net-49 has no pool\n");
        }
    }

    #[tokio::test]
    async fn a_large_pool_is_shown_whole() {
        let client = api(("10.48.0.3", "10.48.255.254"), json!({})).await;
        let (_, _, text) = ask(&client, "/ipams/default/net-48").await;
        let shown: BTreeMap<Ipv4Addr, String> = serde_json::from_str(&text).unwrap();
        assert_eq!(shown.len(), 65_531);
    }
}
