//! Requests that no client of ours would send: each is answered, and none is the server's fault.

use axum::body::Body;
use futures::FutureExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::Value;
use tower::Service;
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

const CLAIMS: &str = "/apis/network.harvesterhci.io/v1alpha1/namespaces/default/virtualmachinenetworkconfigs";

/// Sends a request straight to the service, which in memory answers without waiting for anything.
fn send(api: &LocalApi, request: Request<Body>) -> (StatusCode, Value) {
    let mut api = api.clone();
    let answer = async {
        let response = api.call(request).await.unwrap();
        let code = response.status();
        // A watch that goes on is not waited for.
        let body = response.into_body().collect().now_or_never().map(|body| body.unwrap().to_bytes());
        (code, serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(answer)
}

fn request(method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Option<Request<Body>> {
    Request::builder().method(method).uri(path).header("content-type", content_type).body(body.into()).ok()
}

#[test]
fn numbers_and_flags_beyond_all_bounds_are_answered() {
    let api = LocalApi::in_memory(Kinds::standard()).unwrap();
    let most = u64::MAX;
    for (query, code) in [
        (format!("limit={most}"), 200),
        ("limit=-1".to_owned(), 400),
        ("limit=many".to_owned(), 400),
        (format!("resourceVersion={most}"), 504),
        ("resourceVersion=-1".to_owned(), 400),
        ("resourceVersion=1&resourceVersionMatch=Exactly".to_owned(), 422),
        ("resourceVersionMatch=Exact".to_owned(), 422),
        ("continue=9223372036854775807/a/b".to_owned(), 410),
        ("continue=-9223372036854775808/a/b".to_owned(), 410),
        ("watch=maybe".to_owned(), 400),
        (format!("watch=true&timeoutSeconds={most}"), 400),
        ("watch=true&timeoutSeconds=4294967295".to_owned(), 200),
        (format!("watch=true&resourceVersion={most}"), 200),
        ("watch=true&sendInitialEvents=true".to_owned(), 422),
        ("labelSelector=%ff%fe".to_owned(), 400),
        ("fieldSelector=metadata.name%3D%00".to_owned(), 200),
    ] {
        let request = request("GET", &format!("{CLAIMS}?{query}"), "", Vec::new()).unwrap();
        assert_eq!(send(&api, request).0, code, "{query}");
    }
}

fn segment() -> impl Strategy<Value = String> {
    let known = [
        "api",
        "apis",
        "v1",
        "v1alpha1",
        "network.harvesterhci.io",
        "coordination.k8s.io",
        "namespaces",
        "default",
        "ippools",
        "leases",
        "virtualmachinenetworkconfigs",
        "events",
        "status",
        "a",
        "",
    ];
    prop_oneof![8 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[ -~]{0,12}"]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let object = r#"{"apiVersion":"network.harvesterhci.io/v1alpha1","kind":"VirtualMachineNetworkConfig",
        "metadata":{"name":"a","finalizers":["a/b"]},"spec":{"vmName":"vm"}}"#;
    let known = [
        object,
        r#"{"metadata":{"name":null,"labels":{"a":7}}}"#,
        r#"{"metadata":null,"spec":null,"kind":null}"#,
        r#"{"metadata":[],"spec":[]}"#,
        r#"{"metadata":{"ownerReferences":[{}],"finalizers":[null]}}"#,
        r#"{"metadata":{"finalizers":null},"spec":{"paused":true}}"#,
        r#"[{"op":"remove","path":"/metadata"}]"#,
        r#"[{"op":"replace","path":"","value":7}]"#,
        r#"[{"op":"move","from":"","path":"/spec"}]"#,
        r#"{"propagationPolicy":"Foreground","preconditions":{"uid":"x"}}"#,
        r#"{"propagationPolicy":"Orphan"}"#,
    ];
    prop_oneof![
        6 => proptest::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_sequence_of_requests_is_answered(
        requests in proptest::collection::vec(
            (
                proptest::sample::select(&["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"][..]),
                prop_oneof![
                    proptest::collection::vec(segment(), 0..8).prop_map(|segments| format!("/{}", segments.join("/"))),
                    Just(CLAIMS.to_owned()),
                    Just(format!("{CLAIMS}/a")),
                    Just(format!("{CLAIMS}/a/status")),
                ],
                prop_oneof![
                    Just(""), Just("?dryRun=All"), Just("?fieldManager=a"), Just("?watch=true"), Just("?limit=1"),
                    Just("?labelSelector=a+in+(b)"), Just("?propagationPolicy=Foreground"),
                ],
                proptest::sample::select(
                    &["application/json", "application/merge-patch+json", "application/json-patch+json",
                      "application/apply-patch+yaml", ""][..]
                ),
                body(),
            ),
            1..16,
        )
    ) {
        let api = LocalApi::in_memory(Kinds::standard()).unwrap();
        for (method, path, query, content_type, body) in requests {
            let Some(request) = request(method, &format!("{path}{query}"), content_type, body) else { continue };
            let (code, answer) = send(&api, request);
            prop_assert!(!code.is_server_error(), "{method} {path}{query}: {code} {answer}");
            // A path that no part of a server feels responsible for is told in plain text.
            let is_told = code == 404 || answer["kind"] == "Status";
            prop_assert!(!code.is_client_error() || is_told, "{method} {path}: {answer}");
        }
    }
}
