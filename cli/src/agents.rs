//! What the agents of a pool say: their Leases, and what their HTTP servers tell of clients.
//!
//! A guest may have broken into an agent, so nothing of it is trusted: on a cluster only the API server's proxy is
//! asked, never an address out of a report; answers are short, quick or not waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams};
use kube::client::Body;
use kube::{Resource, ResourceExt};
use serde_json::Value;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{
    AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, AgentReport, COMPONENT_LABEL, POOL_ANNOTATION,
};
use vmdhcp_core::network::is_dns_subdomain;
use vmdhcp_core::pool::PoolRef;

use crate::context::Session;
use crate::failure::Failure;

/// How long an agent has to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest answer of an agent in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// An agent, as its Lease has it.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Namespace of its Lease, and on a cluster of its Pod.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it last reported.
    pub report: AgentReport,
    /// When it last renewed its Lease.
    pub renewed: Option<Timestamp>,
}

/// The agents of every pool; empty where this user may not see them.
pub async fn by_pool(session: &Session) -> Result<BTreeMap<String, Vec<Agent>>, Failure> {
    let selector = ListParams::default().labels(&format!("{COMPONENT_LABEL}={AGENT_COMPONENT}"));
    let everywhere = Api::<Lease>::all(session.client.clone()).list(&selector).await;
    let leases = match everywhere.map_err(Failure::asking("list the agents' Leases")) {
        Ok(leases) => leases.items,
        Err(Failure::Api { status, .. }) if status.is_forbidden() || status.is_not_found() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let mut agents: BTreeMap<String, Vec<Agent>> = BTreeMap::new();
    for lease in leases {
        let Some(pool) = lease.annotations().get(POOL_ANNOTATION) else { continue };
        let report = lease.annotations().get(AGENT_REPORT_ANNOTATION);
        let report: AgentReport =
            report.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let name = if report.agent.is_empty() { lease.name_any() } else { report.agent.clone() };
        let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0);
        let namespace = lease.meta().namespace.clone().unwrap_or_default();
        agents.entry(pool.clone()).or_default().push(Agent { namespace, name, report, renewed });
    }
    Ok(agents)
}

/// The agents of one pool.
pub async fn of_pool(session: &Session, pool: &PoolRef) -> Result<Vec<Agent>, Failure> {
    Ok(by_pool(session).await?.remove(&pool.to_string()).unwrap_or_default())
}

/// What an agent has seen of its clients, or why it could not be asked.
pub async fn clients(session: &Session, agent: &Agent) -> Result<Value, String> {
    let asking = async {
        let text = if session.local { ask_directly(agent).await? } else { ask_through_api(session, agent).await? };
        serde_json::from_str(&text).map_err(|e| format!("its answer is not JSON: {e}"))
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// What an agent told of this card.
pub fn client_of(clients: &Value, mac: MacAddr) -> Option<&serde_json::Map<String, Value>> {
    let is_it = |text: &str| text.parse() == Ok(mac);
    match clients {
        Value::Object(by_mac) => {
            by_mac.iter().find(|(key, _)| is_it(key)).and_then(|(_, client)| client.as_object())
        }
        Value::Array(list) => list.iter().filter_map(Value::as_object).find(|client| {
            client.get("macAddress").and_then(Value::as_str).is_some_and(is_it)
        }),
        _ => None,
    }
}

fn address(agent: &Agent) -> Result<Uri, String> {
    let url = format!("{}/clients", agent.report.url.trim_end_matches('/'));
    let uri: Uri = url.parse().map_err(|_| format!("it gives no address, but {:?}", agent.report.url))?;
    if uri.scheme_str() == Some("http") && uri.host().is_some() {
        return Ok(uri);
    }
    Err(format!("it gives no address that could be asked, but {:?}", agent.report.url))
}

/// Asks an agent of this machine at the address that it gives.
async fn ask_directly(agent: &Agent) -> Result<String, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let request = Request::get(address(agent)?).body(Body::empty()).map_err(|e| e.to_string())?;
    let response = client.request(request).await.map_err(|e| format!("it cannot be reached: {e}"))?;
    if !response.status().is_success() {
        return Err(format!("it answered with HTTP status {}", response.status()));
    }
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let bytes = body.map_err(|e| format!("its answer broke off: {e}"))?.to_bytes();
    String::from_utf8(bytes.to_vec()).map_err(|_| "its answer is not text".to_owned())
}

/// Asks an agent's Pod through the API server; of the address it gives, only port and path count.
async fn ask_through_api(session: &Session, agent: &Agent) -> Result<String, String> {
    let uri = address(agent)?;
    let (namespace, name) = (&agent.namespace, &agent.name);
    if !is_dns_subdomain(name, 253) {
        return Err(format!("{name:?} is not the name of a Pod"));
    }
    let port = uri.port_u16().unwrap_or(80);
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{}", uri.path());
    let request = Request::get(path).body(Vec::new()).map_err(|e| e.to_string())?;
    session.client.request_text(request).await.map_err(|e| match e {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    })
}
