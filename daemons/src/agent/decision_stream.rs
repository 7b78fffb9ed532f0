//! `/decisions`: what becomes of every packet, as it happens; one JSON object a line.
//!
//! The packet thread cannot wake anybody, so whoever watches is served by looking into its ring, twenty times a second
//! for as long as somebody does. A reader that is too slow is told how many decisions it missed. Empty lines come when
//! there is nothing to tell, so that no proxy takes the connection for a dead one.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vmdhcp_core::MacAddr;
use vmdhcp_core::dhcp::Why;
use vmdhcp_core::mac::MacError;

use super::decision_log::{DecisionText, Position};
use super::state::State;

/// How often it is looked whether there is something new.
const LOOK: Duration = Duration::from_millis(50);
/// How long nothing is sent at most.
const ALIVE: Duration = Duration::from_secs(5);
/// How often it is told at most how many messages were dropped.
const DROPS: Duration = Duration::from_secs(1);
/// How many may watch at once.
const WATCHERS: usize = 16;

/// A line of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StreamLine {
    /// What became of a packet.
    Decision(DecisionText),
    /// So many decisions were overwritten before they could be sent.
    Missed(u64),
    /// So many messages were dropped because there were too many, since this was told last. Only a few of them are
    /// among the decisions.
    Dropped(u64),
}

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Only what is about this card or comes from it.
    only: Option<MacAddr>,
    /// Whether to begin with what is remembered.
    recent: bool,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, String> {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("mac", card) => wanted.only = Some(card.parse().map_err(|e: MacError| e.to_string())?),
                ("recent", "true" | "false") => wanted.recent = value == "true",
                _ => return Err(format!("{name}={value} is neither mac=MAC nor recent=true")),
            }
        }
        Ok(wanted)
    }
}

/// Watches, and counts as one who does.
struct Watcher {
    state: Arc<State>,
    position: Position,
    only: Option<MacAddr>,
    dropped: u64,
    told_drops: Instant,
    told: Instant,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.state.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stream.
pub(super) async fn decisions(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    let Wanted { only, recent } = match Wanted::read(&query.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    if !begins(&state.watchers) {
        let answer = format!("{WATCHERS} watch already; end one of them\n");
        return (StatusCode::SERVICE_UNAVAILABLE, answer).into_response();
    }
    let position = if recent { state.decisions.remembered() } else { state.decisions.follow() };
    let (dropped, now) = (dropped(&state), Instant::now());
    let watcher = Watcher { state, position, only, dropped, told_drops: now, told: now };
    // At once, so that whoever asked knows that it is being watched from now on.
    let begin = stream::once(std::future::ready(Ok::<_, Infallible>("\n".to_owned())));
    let lines = stream::unfold(watcher, |mut watcher| async {
        let text = watcher.next().await?;
        Some((Ok(text), watcher))
    });
    let body = Body::from_stream(futures::StreamExt::chain(begin, lines));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// Whether there is room for one more, which then counts.
fn begins(watchers: &AtomicUsize) -> bool {
    let more = |count: usize| (count < WATCHERS).then_some(count + 1);
    watchers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

fn dropped(state: &State) -> u64 {
    state.metrics.messages.with(Why::RateLimited) + state.metrics.messages.with(Why::UnknownRateLimited)
}

impl Watcher {
    /// The next lines; none once the agent has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            let lines = self.lines();
            let mut text = String::new();
            for line in &lines {
                // Numbers and texts are always JSON.
                text.push_str(&serde_json::to_string(line).unwrap_or_default());
                text.push('\n');
            }
            if text.is_empty() && self.told.elapsed() >= ALIVE {
                text.push('\n');
            }
            if !text.is_empty() {
                self.told = Instant::now();
                return Some(text);
            }
            if !self.state.is_socket_open() {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn lines(&mut self) -> Vec<StreamLine> {
        let (now, clock) = (self.state.now(), Timestamp::now());
        let (decided, missed) = self.state.decisions.read(&mut self.position);
        let wanted = decided.into_iter().filter(|one| self.only.is_none_or(|card| one.concerns(card)));
        let missed = (missed > 0).then_some(StreamLine::Missed(missed));
        let mut lines: Vec<_> =
            missed.into_iter().chain(wanted.map(|one| StreamLine::Decision(one.text(now, clock)))).collect();
        let dropped = dropped(&self.state);
        if dropped > self.dropped && self.told_drops.elapsed() >= DROPS {
            lines.push(StreamLine::Dropped(dropped - self.dropped));
            (self.dropped, self.told_drops) = (dropped, Instant::now());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decision_log::Decided;
    use crate::agent::http;
    use crate::agent::reason::Verdict;
    use crate::agent::state::tests::state;
    use http_body_util::BodyExt;
    use std::net::Ipv4Addr;
    use tower::ServiceExt;
    use vmdhcp_core::dhcp::MessageType;

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    fn unknown(card: MacAddr) -> Decided {
        Decided {
            at: 0,
            card: Some(card),
            source: Some(card),
            verdict: Verdict::decided(MessageType::Discover, Why::UnknownMac),
            address: None,
            relay: Some(Ipv4Addr::new(192, 168, 48, 250)),
        }
    }

    fn open() -> Arc<State> {
        let state = state();
        state.set_socket_open(true);
        Arc::new(state)
    }

    async fn ask(state: &Arc<State>, path: &str) -> Response {
        let request = ::http::Request::get(path).body(Body::empty()).unwrap();
        http::router(Arc::clone(state)).oneshot(request).await.unwrap()
    }

    /// The next lines that say something.
    async fn lines(body: &mut Body) -> Vec<StreamLine> {
        loop {
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            let text = String::from_utf8(frame.to_vec()).unwrap();
            let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
            if !lines.is_empty() {
                return lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            }
        }
    }

    fn cards(lines: &[StreamLine]) -> Vec<&str> {
        lines
            .iter()
            .map(|line| match line {
                StreamLine::Decision(text) => text.mac_address.as_deref().unwrap(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_watches_gets_what_happens_from_then_on_and_what_was_before_if_asked() {
        let state = open();
        state.decisions.write(unknown(mac(10)));
        let mut new = ask(&state, "/decisions").await.into_body();
        let mut all = ask(&state, "/decisions?recent=true").await.into_body();
        let mut one = ask(&state, "/decisions?recent=true&mac=02-00-00-00-00-0B").await.into_body();
        assert_eq!(cards(&lines(&mut all).await), ["02:00:00:00:00:0a"]);
        state.decisions.write(unknown(mac(10)));
        state.decisions.write(unknown(mac(11)));
        assert_eq!(cards(&lines(&mut new).await), ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]);
        assert_eq!(cards(&lines(&mut one).await), ["02:00:00:00:00:0b"]);
        state.set_socket_open(false);
        assert!(new.frame().await.is_none_or(|frame| frame.unwrap().into_data().is_ok()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_is_too_slow_is_told_what_it_missed() {
        let state = open();
        let mut body = ask(&state, "/decisions").await.into_body();
        (0..10_000).for_each(|_| state.decisions.write(unknown(mac(10))));
        let lines = lines(&mut body).await;
        let StreamLine::Missed(missed) = lines[0] else { panic!("{:?}", lines[0]) };
        assert_eq!(missed + lines.len() as u64 - 1, 10_000);
    }

    #[tokio::test]
    async fn only_so_many_may_watch_and_a_wrong_card_is_refused() {
        let state = open();
        let mut watching = Vec::new();
        for _ in 0..WATCHERS {
            watching.push(ask(&state, "/decisions").await);
        }
        assert_eq!(ask(&state, "/decisions").await.status(), StatusCode::SERVICE_UNAVAILABLE);
        watching.pop();
        assert_eq!(ask(&state, "/decisions").await.status(), StatusCode::OK);
        for wrong in ["mac=x", "recent=yes", "since=1"] {
            let answer = ask(&state, &format!("/decisions?{wrong}")).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
    }
}
