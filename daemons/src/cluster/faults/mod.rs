//! What can go wrong between a client and the API, as a layer around any service that answers REST calls.
//!
//! Faults are drawn from a seed, so that a run replays. Every one of them is something that a client of a real
//! apiserver has to live with, and nothing else is done: a list without a version is a quorum read and never stale, and
//! a conflict is only told of where there was something to conflict with.
//!
//! A request that has been sent arrives although its sender has died meanwhile. Left out: answers that are damaged.

mod random;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service, ServiceExt};

pub(crate) use random::Random;

/// One way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The request never arrives; the caller learns that the connection is gone.
    RequestLost,
    /// The request is carried out, and the caller learns that the connection is gone.
    AnswerLost,
    /// The call takes seconds.
    Delay,
    /// A write is refused with 409, as if somebody else had just written.
    Conflict,
    /// 429: the API is overloaded.
    TooManyRequests,
    /// 500: the API has a bad moment.
    InternalError,
    /// A watch ends in the middle.
    WatchCut,
    /// A watch stays open and tells nothing any more.
    WatchSilent,
    /// A list for which any version will do is answered from the past, by a replica that stays behind for a while.
    StaleList,
    /// A watch from a version is told that the version is too old (410).
    Expired,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::Delay,
        Self::Conflict,
        Self::TooManyRequests,
        Self::InternalError,
        Self::WatchCut,
        Self::WatchSilent,
        Self::StaleList,
        Self::Expired,
    ];

    /// Whether that can happen to that call.
    fn concerns(self, call: &Call) -> bool {
        match self {
            Self::RequestLost | Self::TooManyRequests | Self::InternalError => true,
            Self::AnswerLost | Self::Delay => !call.is_watch,
            Self::Conflict => call.writes_an_object,
            Self::WatchCut | Self::WatchSilent => call.is_watch,
            Self::Expired => call.is_watch && call.version.is_some(),
            Self::StaleList => call.is_list && call.version.as_deref() == Some("0"),
        }
    }
}

/// How many times in a thousand each fault strikes.
pub(crate) type Rates = BTreeMap<Fault, u64>;

/// What a request asks for, as far as faults go by it.
struct Call {
    is_watch: bool,
    is_list: bool,
    writes_an_object: bool,
    version: Option<String>,
}

impl Call {
    fn of<B>(request: &Request<B>) -> Self {
        let query: BTreeMap<_, _> =
            form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let is_watch = query.get("watch").is_some_and(|value| value == "true" || value == "1");
        // /apis/GROUP/VERSION[/namespaces/NAMESPACE]/PLURAL: an object has one segment more.
        let segments: Vec<_> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let scope = if segments.get(3) == Some(&"namespaces") { 6 } else { 4 };
        Self {
            is_watch,
            is_list: request.method() == Method::GET && !is_watch && segments.len() == scope,
            writes_an_object: [Method::PUT, Method::PATCH].contains(request.method()),
            version: query.get("resourceVersion").filter(|version| !version.is_empty()).cloned(),
        }
    }
}

/// The faults of one or more clients; shared by the clones.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    random: Random,
    shared: Arc<Mutex<Shared>>,
    /// Until when its clients do not reach the API at all.
    cut_off: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug, Default)]
struct Shared {
    rates: Rates,
    /// What lists were answered before, by path and query.
    lists: BTreeMap<String, Vec<Bytes>>,
    /// Until when watches of what a stale list was told of tell nothing, by path.
    behind: BTreeMap<String, Instant>,
    struck: BTreeMap<Fault, u64>,
}

/// Most answers of one list that are kept to be told again.
const MOST_LISTS: usize = 8;
/// How long a replica that has told a stale list stays behind, in milliseconds.
const BEHIND: Range<u64> = 0..20_000;
/// How long each way of a call takes, in milliseconds, when nothing is wrong.
const USUAL_WAY: Range<u64> = 1..15;
/// How long it takes when a call is delayed, and until a lost connection is noticed.
const LONG_WAY: Range<u64> = 500..8_000;

impl Faults {
    /// No faults yet; they will be drawn from `random`.
    pub(crate) fn new(random: Random) -> Self {
        Self { random, shared: Arc::default(), cut_off: Arc::default() }
    }

    /// The same faults, for a client that can be cut off alone.
    pub(crate) fn of_one_client(&self) -> Self {
        Self { cut_off: Arc::default(), ..self.clone() }
    }

    /// From now until then the API is out of reach: calls are lost, and watches that are open tell nothing more.
    pub(crate) fn cut_off(&self, until: Instant) {
        *self.cut_off.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    fn is_cut_off(&self) -> bool {
        let until = *self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// From now on each fault strikes so many times in a thousand.
    pub(crate) fn set(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    /// How often each fault has struck.
    pub(crate) fn struck(&self) -> BTreeMap<Fault, u64> {
        self.lock().struck.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that strikes this call, if any.
    fn draw(&self, call: &Call) -> Option<Fault> {
        let mut shared = self.lock();
        let strikes = |fault: &Fault| {
            let rate = shared.rates.get(fault).copied().unwrap_or_default();
            rate > 0 && fault.concerns(call) && self.random.per_mille(rate)
        };
        let fault = Fault::ALL.into_iter().find(strikes)?;
        *shared.struck.entry(fault).or_default() += 1;
        Some(fault)
    }

    async fn wait(&self, millis: Range<u64>) {
        tokio::time::sleep(self.random.millis(millis)).await;
    }
}

impl<S> Layer<S> for Faults {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Faulty<S> {
        Faulty { inner, faults: self.clone() }
    }
}

/// An API with faults.
#[derive(Debug, Clone)]
pub(crate) struct Faulty<S> {
    inner: S,
    faults: Faults,
}

/// The caller will never know what became of its request.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
struct ConnectionLost;

impl<S, B> Service<Request<B>> for Faulty<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError> + Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        Box::pin(async move {
            let call = Call::of(&request);
            let fault = if faults.is_cut_off() { Some(Fault::RequestLost) } else { faults.draw(&call) };
            let slow = if fault == Some(Fault::Delay) { LONG_WAY } else { USUAL_WAY };
            match fault {
                Some(Fault::RequestLost) => {
                    faults.wait(LONG_WAY).await;
                    return Err(ConnectionLost.into());
                }
                Some(Fault::Conflict) => return Ok(refusal(StatusCode::CONFLICT, "Conflict")),
                Some(Fault::TooManyRequests) => {
                    return Ok(refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"));
                }
                Some(Fault::InternalError) => {
                    return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
                }
                Some(Fault::Expired) => {
                    let event = json!({ "type": "ERROR", "object": status(StatusCode::GONE, "Expired") });
                    return Ok(Response::new(Body::from(format!("{event}\n"))));
                }
                _ => {}
            }
            let list = call.is_list.then(|| request.uri().to_string());
            let behind = faults.lock().behind.get(request.uri().path()).copied();
            // On its way: whatever becomes of the caller, it arrives.
            let (there, back) = (faults.random.millis(slow.clone()), faults.random.millis(slow));
            let sent = tokio::spawn(async move {
                tokio::time::sleep(there).await;
                inner.oneshot(request).await.map_err(Into::into)
            });
            let answer: Result<Response<Body>, BoxError> = sent.await?;
            tokio::time::sleep(back).await;
            match (fault, list) {
                (Some(Fault::AnswerLost), _) => {
                    faults.wait(LONG_WAY).await;
                    Err(ConnectionLost.into())
                }
                (_, Some(list)) => faults.remember(list, answer?, fault == Some(Fault::StaleList)).await,
                _ if call.is_watch => {
                    Ok(answer?.map(|body| watch::with_faults(body, fault, behind, &faults)))
                }
                _ => answer,
            }
        })
    }
}

impl Faults {
    /// Keeps the answer of a list; tells an earlier one instead if it is to be stale.
    async fn remember(
        &self,
        list: String,
        answer: Response<Body>,
        stale: bool,
    ) -> Result<Response<Body>, BoxError> {
        let (parts, body) = answer.into_parts();
        let fresh = body.collect().await?.to_bytes();
        if !parts.status.is_success() {
            return Ok(Response::from_parts(parts, fresh.into()));
        }
        let mut shared = self.lock();
        // What is told does not depend on which version was asked for.
        let key = list.split('?').next().unwrap_or_default().to_owned();
        let told = shared.lists.entry(key.clone()).or_default();
        let earlier = if stale { self.random.one_of(told).cloned() } else { None };
        told.push(fresh.clone());
        if told.len() > MOST_LISTS {
            told.remove(0);
        }
        if earlier.is_some() {
            shared.behind.insert(key, Instant::now() + self.random.millis(BEHIND));
        }
        Ok(Response::from_parts(parts, earlier.unwrap_or(fresh).into()))
    }
}

/// The apiserver's own words for a refusal.
fn status(code: StatusCode, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("injected: {reason}"), "reason": reason, "code": code.as_u16(),
    })
}

fn refusal(code: StatusCode, reason: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(status(code, reason).to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
