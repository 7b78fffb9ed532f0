//! Whether the table is the newest: asked of the API, because a watch that is open but silent proves nothing.
//!
//! A quorum read of the pool's metadata that finds the version which is served confirms it for thirty seconds, counted
//! from before the read on the monotonic clock. Only with such a confirmation does an agent refuse anybody.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kube::Api;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use vmdhcp_core::api::IPPool;

use super::state::{CONFIRMATION_LASTS, State};

/// How often the API is asked; at once, too, when there is a new table.
const PERIOD: Duration = Duration::from_secs(10);
/// However often tables come, the API is asked once in this time.
const PAUSE: Duration = Duration::from_millis(250);
/// How long one read may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so many reads in a row that found another version than the watch has brought, the watch is dead.
const MISSES: u32 = 2;

/// What a read showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// The served version is the newest.
    Newest,
    /// There is another version, or none.
    Other,
    /// No answer, or nothing served.
    Unknown,
}

/// Confirms what is served, for as long as it is polled; asks `restart_watch` for a new watch when this one is dead.
pub(crate) async fn confirm(api: &Api<IPPool>, state: &State, restart_watch: &Notify) {
    let mut changes = state.changes();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut misses = 0;
    loop {
        let by_time = tokio::select! {
            _ = ticks.tick() => true,
            changed = changes.changed() => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
        };
        changes.borrow_and_update();
        match read(api, state).await {
            Finding::Newest => misses = 0,
            Finding::Other if by_time => misses += 1,
            Finding::Other | Finding::Unknown => {}
        }
        if misses >= MISSES {
            tracing::warn!(pool = %state.pool, "the watch has missed changes of the pool; opening a new one");
            misses = 0;
            restart_watch.notify_one();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn read(api: &Api<IPPool>, state: &State) -> Finding {
    let Some(serving) = state.serving().clone() else { return Finding::Unknown };
    let before = state.now();
    let answer = tokio::time::timeout(PATIENCE, api.get_metadata_opt(&state.pool.name)).await;
    match answer {
        Ok(Ok(Some(newest)))
            if newest.metadata.resource_version.as_ref() == Some(&serving.resource_version)
                && newest.metadata.uid.as_ref() == Some(&serving.pool_uid) =>
        {
            let lasts = u64::try_from(CONFIRMATION_LASTS.as_millis()).unwrap_or(0);
            serving.confirmed_until.store(before.monotonic + lasts, Ordering::Relaxed);
            Finding::Newest
        }
        Ok(Ok(_)) => Finding::Other,
        Ok(Err(error)) => {
            tracing::debug!(pool = %state.pool, %error, "the pool's version could not be read");
            Finding::Unknown
        }
        Err(_) => Finding::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::{serving, state};
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::sync::atomic::AtomicU64;
    use vmdhcp_core::dhcp::Authority;

    /// An API that has the pool in this version.
    fn api_with_version(version: &'static str) -> Api<IPPool> {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            assert_eq!(request.uri().query(), None, "a quorum read names no version");
            let pool = json!({
                "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": {"namespace": "default", "name": "net-48", "uid": "u-1", "resourceVersion": version}
            });
            Ok::<_, Infallible>(Response::new(Body::from(pool.to_string().into_bytes())))
        });
        Api::namespaced(kube::Client::new(service, "default"), "default")
    }

    fn unconfirmed() -> State {
        let state = state();
        let mut serving = serving(&[]);
        serving.confirmed_until = AtomicU64::new(0);
        state.publish(Ok(serving));
        state
    }

    #[tokio::test]
    async fn the_version_that_the_api_has_is_confirmed() {
        let state = unconfirmed();
        assert_eq!(read(&api_with_version("7"), &state).await, Finding::Newest);
        let serving = state.serving().clone().unwrap();
        assert_eq!(serving.authority(state.now()), Authority::Current);
    }

    #[tokio::test(start_paused = true)]
    async fn another_version_is_not_confirmed_and_a_watch_that_stays_behind_is_opened_anew() {
        let state = unconfirmed();
        let restart = Notify::new();
        let api = api_with_version("8");
        tokio::select! {
            () = confirm(&api, &state, &restart) => panic!("it never ends"),
            () = restart.notified() => {}
        }
        let serving = state.serving().clone().unwrap();
        assert_eq!(serving.authority(state.now()), Authority::Stale);
    }
}
