//! What the admin server of a single machine shows: probes of the whole, and each agent under
//! `/agents/NAMESPACE/POOL`.

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;
use tower::ServiceExt;
use vmdhcp_core::pool::PoolRef;

use super::supervisor::Agents;

pub(super) fn router(agents: Agents) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "ok": true })) }))
        .route("/readyz", get(readyz))
        .route("/leases", get(leases))
        .route("/agents/{namespace}/{pool}/{*path}", any(agent))
        .with_state(agents)
}

/// Ready when every agent serves; the answer names those that do not.
async fn readyz(State(agents): State<Agents>) -> Response {
    let waiting: Vec<_> = agents
        .all()
        .into_iter()
        .filter(|(_, agent)| !agent.is_ready())
        .map(|(pool, _)| pool.to_string())
        .collect();
    if waiting.is_empty() {
        return Json(json!({ "ok": true })).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ok": false, "notServing": waiting }))).into_response()
}

/// The leases of all agents, by pool.
async fn leases(State(agents): State<Agents>) -> Response {
    let mut all = serde_json::Map::new();
    for (pool, agent) in agents.all() {
        all.insert(pool.to_string(), agent.leases());
    }
    Json(all).into_response()
}

/// Passes a request on to the agent that it names.
async fn agent(
    State(agents): State<Agents>,
    Path((namespace, name, path)): Path<(String, String, String)>,
    mut request: Request,
) -> Response {
    let pool = PoolRef { namespace, name };
    let Some(agent) = agents.all().remove(&pool) else {
        return (StatusCode::NOT_FOUND, format!("no agent of the pool {pool} runs here\n")).into_response();
    };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(uri) = Uri::try_from(format!("/{path}{query}")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    // The parameters of this route would be taken for parameters of the agent's.
    request.extensions_mut().clear();
    match agent.router().merge(agent.leases_router()).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
