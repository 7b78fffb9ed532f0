//! What the manager asks of the API, counted where its requests leave: by what is done to what, and what came of it.

use std::sync::atomic::AtomicU64;

use futures::FutureExt;
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Labels of requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// As in the rules of a Role.
    verb: &'static str,
    /// Plural of the kind, and the subresource, as in the rules of a Role; empty for what is about no kind.
    resource: String,
    /// The HTTP status, or `none` where no answer came.
    code: String,
}

/// Requests by verb, resource and the code of the answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(Family<RequestLabels, Counter<u64, AtomicU64>>);

impl Requests {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("vmdhcp_api_requests", "Requests to the Kubernetes API", self.0.clone());
    }

    /// A client that does what `client` does, and counts.
    pub(super) fn counted(&self, client: Client) -> Client {
        let (requests, namespace) = (self.clone(), client.default_namespace().to_owned());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (requests, client) = (requests.0.clone(), client.clone());
            let (verb, resource) = meaning(&request);
            async move {
                let answer = client.send(request).await;
                let code =
                    answer.as_ref().map_or("none".to_owned(), |answer| answer.status().as_u16().to_string());
                requests.get_or_create(&RequestLabels { verb, resource, code }).inc();
                answer
            }
            .boxed()
        });
        Client::new(service, namespace)
    }
}

/// What a request does to what.
fn meaning(request: &Request<Body>) -> (&'static str, String) {
    let mut path = request.uri().path().split('/').filter(|part| !part.is_empty()).peekable();
    // api/VERSION or apis/GROUP/VERSION
    let prefix = if path.next() == Some("apis") { 2 } else { 1 };
    path.by_ref().take(prefix).for_each(drop);
    if path.peek() == Some(&"namespaces") {
        path.by_ref().take(2).for_each(drop);
    }
    let (kind, name, subresource) = (path.next().unwrap_or_default(), path.next(), path.next());
    let resource = subresource.map_or(kind.to_owned(), |subresource| format!("{kind}/{subresource}"));
    let watches =
        request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
    let verb = match *request.method() {
        Method::GET | Method::HEAD if watches => "watch",
        Method::GET | Method::HEAD if name.is_some() || kind.is_empty() => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    };
    (verb, resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning_of(method: Method, uri: &str) -> (&'static str, String) {
        meaning(&Request::builder().method(method).uri(uri).body(Body::empty()).unwrap())
    }

    #[test]
    fn a_request_is_counted_under_the_words_of_a_role() {
        const KINDS: &str = "/apis/network.harvesterhci.io/v1alpha1";
        for (method, uri, verb, resource) in [
            (Method::GET, format!("{KINDS}/ippools?watch=true&resourceVersion=7"), "watch", "ippools"),
            (Method::GET, format!("{KINDS}/ippools?limit=1"), "list", "ippools"),
            (Method::GET, format!("{KINDS}/namespaces/lab/ippools/net-48"), "get", "ippools"),
            (
                Method::PUT,
                format!("{KINDS}/namespaces/lab/ippools/net-48/status?"),
                "update",
                "ippools/status",
            ),
            (Method::POST, "/api/v1/namespaces/lab/pods?".to_owned(), "create", "pods"),
            (Method::PATCH, "/api/v1/namespaces/lab/pods/one".to_owned(), "patch", "pods"),
            (Method::GET, "/apis/kubevirt.io/v1".to_owned(), "get", ""),
        ] {
            assert_eq!(meaning_of(method, &uri), (verb, resource.to_owned()), "{uri}");
        }
    }
}
