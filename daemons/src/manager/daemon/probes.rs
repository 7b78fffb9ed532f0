//! What the probes of a manager's process say.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// How far a replica has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not reached the API, for this reason.
    Unreached(String),
    /// It would take over.
    StandingBy,
    /// It leads, and the kinds are not there yet.
    Preparing,
    /// It leads and works.
    Leading,
}

/// The same, shared.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    stage: Arc<Mutex<Stage>>,
}

impl Default for Progress {
    fn default() -> Self {
        let stage = Stage::Unreached("the API has not answered yet".to_owned());
        Self { stage: Arc::new(Mutex::new(stage)) }
    }
}

impl Progress {
    pub(super) fn set(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn get(&self) -> Stage {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `/healthz` and `/readyz`. A replica that stands by is ready: it can take over.
pub(super) fn router(progress: Progress) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"ok": true})) }))
        .route("/readyz", get(readyz))
        .with_state(progress)
}

async fn readyz(State(progress): State<Progress>) -> Response {
    let reason = match progress.get() {
        Stage::StandingBy | Stage::Leading => return Json(json!({"ok": true})).into_response(),
        Stage::Preparing => "the definitions of the kinds are being applied".to_owned(),
        Stage::Unreached(reason) => reason,
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"ok": false, "reason": reason}))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn ready(progress: &Progress) -> (u16, Value) {
        let request = http::Request::get("/readyz").body(Body::empty()).unwrap();
        let response = router(progress.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_replica_is_ready_when_it_leads_or_could() {
        let progress = Progress::default();
        assert_eq!(ready(&progress).await.0, 503);
        progress.set(Stage::Unreached("the door is closed".to_owned()));
        assert_eq!(ready(&progress).await, (503, json!({"ok": false, "reason": "the door is closed"})));
        for (stage, status) in [(Stage::StandingBy, 200), (Stage::Preparing, 503), (Stage::Leading, 200)] {
            progress.set(stage);
            assert_eq!(ready(&progress).await.0, status);
        }
    }
}
