//! The admin HTTP server: probes, metrics and what else a daemon shows of itself. Plain HTTP, read only; who may
//! reach it is decided by the address that it listens on.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use nix::sys::socket::SockaddrStorage;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::Shutdown;

/// How long open connections are waited for once the process is to end.
const DRAIN: Duration = Duration::from_secs(3);

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Content type of the OpenMetrics text format, which Prometheus and its kin ask for.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A server that listens, and answers once it is told what.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    address: SocketAddr,
}

/// The server cannot listen, or can no more.
#[derive(Debug, thiserror::Error)]
#[error("the admin server cannot listen on {address}: {error}; choose another address with --listen")]
pub struct ListenError {
    /// Where.
    address: SocketAddr,
    /// Why.
    error: io::Error,
}

impl AdminServer {
    /// Listens on `address`; port 0 means any free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let listening = async {
            let listener = TcpListener::bind(address).await?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        listening.await.map_err(|error| ListenError { address, error })
    }

    /// The same, and hears only what comes in by the interface that has the address: the kernel would take a packet
    /// for it from any other too. Must be called within a tokio runtime.
    pub fn bind_on_its_interface(address: SocketAddr) -> Result<Self, ListenError> {
        let listening = || -> io::Result<Self> {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_nonblocking(true)?;
            socket.bind_device(Some(interface_with(address.ip())?.as_bytes()))?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let listener = TcpListener::from_std(socket.into())?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        listening().map_err(|error| ListenError { address, error })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers by `router` until `shutdown`; connections then still open have three seconds to end.
    ///
    /// The error says that the listener failed for good.
    pub async fn serve(self, router: Router, shutdown: Shutdown) -> Result<(), ListenError> {
        let Self { listener, address } = self;
        let drained = {
            let shutdown = shutdown.clone();
            async move {
                shutdown.wait().await;
                tokio::time::sleep(DRAIN).await;
            }
        };
        let server = axum::serve(listener, router)
            .with_graceful_shutdown(async move { shutdown.wait().await })
            .into_future();
        tokio::select! {
            result = server => result.map_err(|error| ListenError { address, error }),
            () = drained => Ok(()),
        }
    }
}

/// The interface that has this address.
fn interface_with(address: IpAddr) -> io::Result<String> {
    let has_it = |storage: &SockaddrStorage| {
        let v4 = storage.as_sockaddr_in().map(|found| IpAddr::V4(found.ip()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|found| IpAddr::V6(found.ip()))) == Some(address)
    };
    let found = nix::ifaddrs::getifaddrs()?.find(|entry| entry.address.as_ref().is_some_and(has_it));
    found.map(|entry| entry.interface_name).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Why `/metrics` could not be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// `/metrics` of everything in `registry`, and of itself by the name that Go's handler has.
pub fn metrics_route(mut registry: Registry) -> Router {
    let errors = Family::<Cause, Counter>::default();
    // Both of Go's are shown from the start on; nothing is gathered here that could fail.
    for cause in ["encoding", "gathering"] {
        drop(errors.get_or_create(&Cause { cause }));
    }
    registry.register(
        "promhttp_metric_handler_errors",
        "Times that these metrics could not be shown",
        errors.clone(),
    );
    let registry = Arc::new(registry);
    Router::new().route("/metrics", get(move || std::future::ready(metrics(&registry, &errors))))
}

fn metrics(registry: &Registry, errors: &Family<Cause, Counter>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "metrics could not be written as text");
            errors.get_or_create(&Cause { cause: "encoding" }).inc();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    #[tokio::test]
    async fn metrics_are_shown_in_the_openmetrics_format() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        registry.register("replies", "Replies sent", counter.clone());
        counter.inc_by(3);
        let response = metrics_route(registry)
            .oneshot(http::Request::get("/metrics").body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], OPENMETRICS);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("replies_total 3\n"), "{text}");
        assert!(text.contains("promhttp_metric_handler_errors_total{cause=\"encoding\"} 0\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let first = AdminServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let error = AdminServer::bind(first.address()).await.unwrap_err().to_string();
        assert!(error.contains(&first.address().to_string()) && error.contains("--listen"), "{error}");
    }

    #[tokio::test]
    async fn a_server_on_one_interface_answers_there_and_needs_an_address_of_this_machine() {
        let server = AdminServer::bind_on_its_interface(([127, 0, 0, 1], 0).into()).unwrap();
        let (address, shutdown) = (server.address(), Shutdown::new());
        assert_ne!(address.port(), 0);
        let serving = tokio::spawn(server.serve(Router::new(), shutdown.clone()));
        tokio::net::TcpStream::connect(address).await.unwrap();
        shutdown.trigger();
        serving.await.unwrap().unwrap();
        let foreign = AdminServer::bind_on_its_interface(([192, 0, 2, 1], 0).into());
        assert!(foreign.unwrap_err().to_string().contains("192.0.2.1"));
    }

    #[tokio::test]
    async fn the_server_ends_when_it_is_asked_to() {
        let server = AdminServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let shutdown = Shutdown::new();
        let server = tokio::spawn(server.serve(Router::new(), shutdown.clone()));
        shutdown.trigger();
        server.await.unwrap().unwrap();
    }
}
