//! What the agents of a pool say: their Leases, and what their HTTP servers tell of clients.
//!
//! A guest may have broken into an agent, so nothing of it is trusted: on a cluster only the API server's proxy is
//! asked, never an address out of a report; answers are short, quick or not waited for.

mod decisions;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams};
use kube::client::Body;
use kube::{Resource, ResourceExt};
use serde_json::{Map, Value};
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{
    AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, AgentReport, COMPONENT_LABEL, POOL_ANNOTATION,
};
use vmdhcp_core::network::is_dns_subdomain;
use vmdhcp_core::pool::PoolRef;

use crate::context::Session;
use crate::failure::Failure;

pub(crate) use decisions::decisions;

/// How long an agent has to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest answer of an agent in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// An agent, as its Lease has it.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
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
pub(crate) async fn by_pool(session: &Session) -> Result<BTreeMap<String, Vec<Agent>>, Failure> {
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
        let report: AgentReport = report.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let name = if report.agent.is_empty() { lease.name_any() } else { report.agent.clone() };
        let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0);
        let namespace = lease.meta().namespace.clone().unwrap_or_default();
        agents.entry(pool.clone()).or_default().push(Agent { namespace, name, report, renewed });
    }
    Ok(agents)
}

/// The agents of one pool.
pub(crate) async fn of_pool(session: &Session, pool: &PoolRef) -> Result<Vec<Agent>, Failure> {
    Ok(by_pool(session).await?.remove(&pool.to_string()).unwrap_or_default())
}

/// What an agent has seen of this card, if it has seen it; or why it could not be asked.
pub(crate) async fn client(
    session: &Session,
    agent: &Agent,
    mac: MacAddr,
) -> Result<Option<Map<String, Value>>, String> {
    let asking = async {
        let uri = address(agent, &format!("clients/{mac}"))?;
        let answer = if session.local {
            ask_directly(uri).await?
        } else {
            ask_through_api(session, agent, &uri).await?
        };
        answer
            .map(|text| serde_json::from_str(&text).map_err(|e| format!("its answer is no client: {e}")))
            .transpose()
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// Where an agent shows this.
fn address(agent: &Agent, what: &str) -> Result<Uri, String> {
    let url = &agent.report.url;
    let uri = format!("{}/{what}", url.trim_end_matches('/')).parse::<Uri>().ok();
    uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
        .ok_or_else(|| format!("it gives no address that could be asked, but {url:?}"))
}

/// Asks an agent of this machine at the address that it gives.
async fn ask_directly(uri: Uri) -> Result<Option<String>, String> {
    let (status, body) = request(uri).await?;
    match status {
        StatusCode::NOT_FOUND => return Ok(None),
        status if !status.is_success() => return Err(format!("it answered with HTTP status {status}")),
        _ => {}
    }
    let body = Limited::new(body, LONGEST_ANSWER).collect().await;
    let bytes = body.map_err(|e| format!("its answer broke off: {e}"))?.to_bytes();
    String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| "its answer is not text".to_owned())
}

/// An answer's status and body.
async fn request(
    uri: Uri,
) -> Result<(StatusCode, impl BodyExt<Data: AsRef<[u8]> + Send, Error: Error + Send + Sync> + Send), String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let request = Request::get(uri).body(Body::empty()).map_err(|e| e.to_string())?;
    let response =
        client.request(request).await.map_err(|e| format!("it cannot be reached: {}", cause(&e)))?;
    Ok((response.status(), response.into_body()))
}

fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

/// Asks an agent's Pod through the API server; of the address it gives, only port and path count.
async fn ask_through_api(session: &Session, agent: &Agent, uri: &Uri) -> Result<Option<String>, String> {
    let request = proxied(agent, uri)?;
    match session.client.request_text(request).await {
        Ok(text) => Ok(Some(text)),
        // The agent's own 404 is plain text; the API server's is a Status, with details of the Pod it misses.
        Err(kube::Error::Api(status)) if status.code == 404 && status.details.is_none() => Ok(None),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(other) => Err(other.to_string()),
    }
}

fn proxied(agent: &Agent, uri: &Uri) -> Result<Request<Vec<u8>>, String> {
    let Agent { namespace, name, .. } = agent;
    if !is_dns_subdomain(name, 253) {
        return Err(format!("{name:?} is not the name of a Pod"));
    }
    let port = uri.port_u16().unwrap_or(80);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{path}");
    Request::get(path).body(Vec::new()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::Lab;

    /// An agent that gives one answer to one question, and what it is asked.
    async fn agent(answer: &'static str) -> (Agent, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/agents/default/net-48", listener.local_addr().unwrap());
        let report = AgentReport { url, ..AgentReport::default() };
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; 1_024];
            let length = stream.read(&mut question).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&question[..length]).lines().next().unwrap_or_default().to_owned()
        });
        (Agent { namespace: "default".into(), name: "a".into(), report, renewed: None }, asked)
    }

    fn card() -> MacAddr {
        "fa:cf:8e:50:82:fc".parse().unwrap()
    }

    #[tokio::test]
    async fn an_agent_is_asked_for_one_card_where_it_says_it_is() {
        let (agent, asked) =
            agent("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"bound\":\"today\"}").await;
        let client = client(&Lab::new().session, &agent, card()).await.unwrap().unwrap();
        assert_eq!(client["bound"], "today");
        assert_eq!(asked.await.unwrap(), "GET /agents/default/net-48/clients/fa:cf:8e:50:82:fc HTTP/1.1");
    }

    #[tokio::test]
    async fn a_card_that_it_does_not_know_is_no_error_and_nonsense_is_one() {
        let session = Lab::new().session;
        let (unknowing, _) = agent("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(client(&session, &unknowing, card()).await, Ok(None));
        let (broken, _) = agent("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
        assert!(client(&session, &broken, card()).await.unwrap_err().contains("no client"));
    }

    #[tokio::test]
    async fn an_address_that_is_none_of_an_agent_is_not_asked() {
        let (mut agent, _) = agent("").await;
        for url in ["", "file:///etc/passwd", "https://example.org", "127.0.0.1"] {
            url.clone_into(&mut agent.report.url);
            let error = client(&Lab::new().session, &agent, card()).await.unwrap_err();
            assert!(error.starts_with("it gives no address"), "{url}: {error}");
        }
    }
}
