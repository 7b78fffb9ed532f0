//! What an agent shows over HTTP: probes, its leases in upstream's format, its clients and itself. Read only.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::format_time;
use vmdhcp_core::dhcp::{Authority, LeaseId};
use vmdhcp_core::pool::NtpServer;

use super::decision_log::DecisionText;
use super::decision_stream;
use super::foreign::{self, PROBE_CARD};
use super::option_text::OptionText;
use super::reason::Verdict;
use super::records::{ClientHistory, timestamp};
use super::sightings::{Sighting, card_of, key_of};
use super::state::{Serving, State, lock};

/// Decisions that are shown of a card that has no lease.
const DECISIONS_SHOWN: usize = 8;

/// `/leases` in upstream's format.
pub(crate) fn leases_router(state: Arc<State>) -> Router {
    let show = |Shared(state): Shared<Arc<State>>| async move { Json(leases(&state)) };
    Router::new().route("/leases", get(show)).with_state(state)
}

/// The other routes of one agent.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/clients", get(|Shared(state): Shared<Arc<State>>| async move { Json(clients(&state)) }))
        .route("/clients/{mac}", get(client))
        .route("/decisions", get(decision_stream::decisions))
        .route("/status", get(|Shared(state): Shared<Arc<State>>| async move { Json(status(&state)) }))
        .with_state(state)
}

async fn healthz(Shared(state): Shared<Arc<State>>) -> Response {
    probe(if state.is_socket_open() { Ok(()) } else { Err("the packet socket is not open".to_owned()) })
}

async fn readyz(Shared(state): Shared<Arc<State>>) -> Response {
    probe(state.readiness())
}

fn probe(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => Json(json!({"ok": true})).into_response(),
        Err(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"ok": false, "reason": reason}))).into_response()
        }
    }
}

/// A lease as upstream's agent shows it (COMPAT 7), field for field.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpstreamLease {
    #[serde(rename = "ServerIP")]
    server_ip: String,
    #[serde(rename = "ClientIP")]
    client_ip: String,
    /// Base64 of four bytes.
    subnet_mask: String,
    router: String,
    #[serde(rename = "DNS")]
    dns: Option<Vec<Ipv4Addr>>,
    domain_name: String,
    domain_search: Option<Vec<String>>,
    #[serde(rename = "NTP")]
    ntp: Option<Vec<Ipv4Addr>>,
    lease_time: i64,
}

impl UpstreamLease {
    fn new(serving: &Serving, address: Ipv4Addr) -> Self {
        let options = &serving.pool.options;
        let ntp = options.ntp.iter().flat_map(|server| match server {
            NtpServer::Address(address) => vec![*address],
            NtpServer::Name(name) => serving.resolved_ntp.get(name).cloned().unwrap_or_default(),
        });
        Self {
            server_ip: serving.table.server().to_string(),
            client_ip: address.to_string(),
            subnet_mask: base64_of_mask(serving.table.subnet().netmask()),
            router: serving.pool.router.map(|router| router.to_string()).unwrap_or_default(),
            dns: unless_empty(options.dns.clone()),
            domain_name: options.domain_name.clone().unwrap_or_default(),
            domain_search: unless_empty(options.domain_search.clone()),
            ntp: unless_empty(ntp.collect()),
            lease_time: serving.declared_lease_time.max(0),
        }
    }
}

fn unless_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

/// Go writes a mask as the base64 of its four bytes, for instance `////AA==` for /24.
fn base64_of_mask(mask: Ipv4Addr) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Four bytes are five sixths of six digits and then two of padding: 32 bits, and four zero bits behind them.
    let bits = u64::from(u32::from(mask)) << 4;
    let digits = (0..6).rev().filter_map(|digit| {
        let index = usize::try_from(bits >> (digit * 6) & 0x3f).ok()?;
        ALPHABET.get(index).map(|byte| char::from(*byte))
    });
    digits.chain("==".chars()).collect()
}

/// `{"<mac>": "<JSON text>"}`, as upstream has it.
pub(crate) fn leases(state: &State) -> Value {
    let Some(serving) = state.serving().clone() else { return json!({}) };
    let text = |address| serde_json::to_string(&UpstreamLease::new(&serving, address)).ok();
    let all: BTreeMap<_, _> = serving
        .table
        .iter()
        .filter(|(id, mac, _)| serving.table.lookup(*mac) == Some(*id))
        .filter_map(|(_, mac, address)| Some((mac.to_string(), text(address)?)))
        .collect();
    json!(all)
}

/// A card: what it has and what it did. Times are RFC 3339; what never happened is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renewed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declined: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<u64>,
    /// Of those, or beside them: messages that were dropped because there were too many.
    #[serde(skip_serializing_if = "is_zero")]
    dropped: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_decision: Option<String>,
    /// The last ones, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<DecisionText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<OptionText>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Client {
    fn with_lease(serving: &Serving, id: LeaseId, address: Ipv4Addr) -> Self {
        let record = usize::try_from(id.0).ok().and_then(|index| serving.records.get(index));
        let ClientHistory {
            last_seen,
            offered,
            bound,
            renewed,
            refused,
            declined,
            released,
            expires,
            messages,
            dropped,
            verdicts,
        } = record.map(|record| record.read()).unwrap_or_default();
        let text = |time: Option<Timestamp>| time.map(format_time);
        let last = verdicts.first().map(|(_, verdict)| *verdict);
        Self {
            address: Some(address),
            last_seen: text(last_seen),
            offered: text(offered),
            bound: text(bound),
            renewed: text(renewed),
            expires: text(expires),
            refused: text(refused),
            declined: text(declined),
            released: text(released),
            messages: Some(messages.into()).filter(|messages| *messages > 0),
            dropped,
            last_message: last.and_then(|verdict| verdict.kind).map(|kind| kind.to_string()),
            last_decision: last.map(|verdict| verdict.reason.to_string()),
            decisions: verdicts.into_iter().map(|(time, verdict)| verdict.text(format_time(time))).collect(),
            ..Self::default()
        }
    }

    fn without_lease(seen: Sighting) -> Self {
        let last = Verdict::unpack(seen.detail);
        Self {
            first_seen: timestamp(seen.first_seen).map(format_time),
            last_seen: timestamp(seen.last_seen).map(format_time),
            messages: Some(seen.count),
            last_message: last.and_then(|verdict| verdict.kind).map(|kind| kind.to_string()),
            last_decision: last.map(|verdict| verdict.reason.to_string()),
            ..Self::default()
        }
    }

    /// With what is remembered of the packets of a card that has no record.
    fn with_decisions(self, state: &State, mac: MacAddr) -> Self {
        let (now, clock) = (state.now(), Timestamp::now());
        let decisions = state.decisions.of_card(mac).into_iter().take(DECISIONS_SHOWN);
        Self { decisions: decisions.map(|decided| decided.text(now, clock)).collect(), ..self }
    }
}

/// `{"<mac>": {…}}`: every card with a lease, and the cards without one that asked lately.
fn clients(state: &State) -> BTreeMap<String, Client> {
    let mut all: BTreeMap<_, _> = state
        .unknown
        .read()
        .into_iter()
        .filter_map(|seen| Some((card_of(seen.key)?, seen)))
        .filter(|(mac, _)| mac.octets() != PROBE_CARD)
        .map(|(mac, seen)| (mac.to_string(), Client::without_lease(seen)))
        .collect();
    if let Some(serving) = state.serving().clone() {
        let leases = serving.table.iter().filter(|(id, mac, _)| serving.table.lookup(*mac) == Some(*id));
        all.extend(
            leases.map(|(id, mac, address)| (mac.to_string(), Client::with_lease(&serving, id, address))),
        );
    }
    all
}

/// One card, with the options that it would be sent if it asked for all.
async fn client(Shared(state): Shared<Arc<State>>, Path(mac): Path<String>) -> Response {
    let mac: MacAddr = match mac.parse() {
        Ok(mac) => mac,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let serving = state.serving().clone();
    let leased = serving.as_ref().and_then(|serving| {
        let id = serving.table.lookup(mac)?;
        let (_, address) = serving.table.lease(id)?;
        let options = serving.table.options_for(id);
        let options = options.iter().map(|(code, value)| OptionText::new(*code, value)).collect();
        Some(Client { options, ..Client::with_lease(serving, id, address) })
    });
    let seen = || {
        let seen = state.unknown.read().into_iter().find(|seen| seen.key == key_of(mac));
        let client = seen.map(Client::without_lease).unwrap_or_default().with_decisions(&state, mac);
        (seen.is_some() || !client.decisions.is_empty()).then_some(client)
    };
    match leased.or_else(seen) {
        Some(client) => Json(client).into_response(),
        None => (StatusCode::NOT_FOUND, format!("{mac} has no lease here and has not asked for one\n"))
            .into_response(),
    }
}

/// The agent itself: what it serves, and what it sees of others on the network.
fn status(state: &State) -> Value {
    let now = state.now();
    let table = state.serving().as_ref().map(|serving| {
        let carried: BTreeMap<_, _> =
            serving.carried.iter().map(|(address, mac)| (address.to_string(), mac.to_string())).collect();
        json!({
            "poolUid": serving.pool_uid,
            "resourceVersion": serving.resource_version,
            "leases": serving.table.len(),
            "server": serving.table.server(),
            "fromSnapshot": serving.from_snapshot,
            "current": serving.authority(now) == Authority::Current,
            "carriedLeases": carried,
            "agents": serving.roster.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "leftOut": serving.complaints,
        })
    });
    let conflicts: Vec<_> = lock(&state.conflicts)
        .iter()
        .map(|(address, conflict)| {
            let since = format_time(conflict.since);
            json!({"address": address, "macAddress": conflict.mac.to_string(), "since": since})
        })
        .collect();
    let foreign_servers: Vec<_> = foreign::read(state, now)
        .into_iter()
        .map(|server| {
            json!({
                "address": server.address,
                "macAddress": server.mac.map(|mac| mac.to_string()),
                "firstSeen": server.first_seen.map(format_time),
                "lastSeen": server.last_seen.map(format_time),
                "messages": server.count,
            })
        })
        .collect();
    let readiness = state.readiness();
    let silence = state.standing().silence();
    json!({
        "pool": state.pool.to_string(),
        "ready": readiness.is_ok(),
        "reason": readiness.err(),
        "table": table,
        "conflicts": conflicts,
        "proxies": lock(&state.proxies).iter().map(ToString::to_string).collect::<Vec<_>>(),
        "foreignServers": foreign_servers,
        "standsDown": silence.map(|why| why.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::{serving, state};
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use vmdhcp_core::dhcp::{MessageType, Why};

    const A: &str = "02:00:00:00:00:0a";

    fn serving_state() -> Arc<State> {
        let state = state();
        state.set_socket_open(true);
        state.publish(Ok(serving(&[("192.168.48.82", A)])));
        Arc::new(state)
    }

    async fn get(state: &Arc<State>, path: &str) -> (StatusCode, Value) {
        ask(router(Arc::clone(state)), path).await
    }

    async fn ask(router: Router, path: &str) -> (StatusCode, Value) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn probes_fail_without_a_socket_and_readiness_until_leases_are_served() {
        let state = Arc::new(state());
        assert_eq!(get(&state, "/healthz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        state.set_socket_open(true);
        assert_eq!(get(&state, "/healthz").await, (StatusCode::OK, json!({"ok": true})));
        let (status, body) = get(&state, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body["reason"].as_str().unwrap().contains("not known yet"), "{body}");
        assert_eq!(get(&serving_state(), "/readyz").await, (StatusCode::OK, json!({"ok": true})));
    }

    #[tokio::test]
    async fn leases_have_the_format_of_upstream_and_are_not_shown_unasked() {
        let state = serving_state();
        assert_eq!(get(&state, "/leases").await.0, StatusCode::NOT_FOUND);
        let (_, leases) = ask(leases_router(state), "/leases").await;
        assert_eq!(
            leases[A],
            r#"{"ServerIP":"192.168.48.77","ClientIP":"192.168.48.82","SubnetMask":"////AA==","Router":"192.168.48.1","DNS":["1.1.1.1"],"DomainName":"","DomainSearch":null,"NTP":null,"LeaseTime":300}"#
        );
    }

    #[test]
    fn masks_are_written_as_base64() {
        for (mask, text) in
            [([255, 255, 255, 0], "////AA=="), ([255, 255, 240, 0], "///wAA=="), ([0; 4], "AAAAAA==")]
        {
            assert_eq!(base64_of_mask(mask.into()), text);
        }
    }

    #[tokio::test]
    async fn clients_are_shown_with_what_they_did_and_strangers_with_why_they_got_nothing() {
        let state = serving_state();
        let bound = Verdict::decided(MessageType::Request, Why::Bound);
        state.serving().as_ref().unwrap().records[0].note(bound, Some(300), 1_000);
        let stranger: MacAddr = "02:00:00:00:00:0b".parse().unwrap();
        let unknown = Verdict::decided(MessageType::Discover, Why::UnknownMac);
        state.unknown.note(key_of(stranger), unknown.pack(), 2_000);
        let (_, clients) = get(&state, "/clients").await;
        assert_eq!(
            clients,
            json!({
                A: {
                    "address": "192.168.48.82", "lastSeen": "1970-01-01T00:16:40Z",
                    "bound": "1970-01-01T00:16:40Z", "expires": "1970-01-01T00:21:40Z",
                    "messages": 1,
                    "lastMessage": "DHCPREQUEST", "lastDecision": "the client took its lease",
                    "decisions": [{
                        "time": "1970-01-01T00:16:40Z", "message": "DHCPREQUEST", "answer": "DHCPACK",
                        "reason": "bound", "text": "the client took its lease"
                    }]
                },
                "02:00:00:00:00:0b": {
                    "firstSeen": "1970-01-01T00:33:20Z", "lastSeen": "1970-01-01T00:33:20Z", "messages": 1,
                    "lastMessage": "DHCPDISCOVER", "lastDecision": "the card has no lease in this pool"
                }
            })
        );
    }

    #[tokio::test]
    async fn one_client_is_shown_with_its_options_in_any_spelling_of_its_card() {
        let state = serving_state();
        let (_, client) = get(&state, "/clients/02-00-00-00-00-0A").await;
        let options = client["options"].as_array().unwrap();
        assert!(options.contains(&json!({"code": 3, "name": "router", "value": "192.168.48.1"})), "{client}");
        assert_eq!(get(&state, "/clients/02:00:00:00:00:0c").await.0, StatusCode::NOT_FOUND);
        assert_eq!(get(&state, "/clients/x").await.0, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn the_status_names_the_table_and_what_else_is_on_the_network() {
        let state = serving_state();
        let now = state.now();
        let serving = state.serving().clone().unwrap();
        foreign::note_choice(&state, &serving, Ipv4Addr::new(192, 168, 48, 2), now);
        let (_, status) = get(&state, "/status").await;
        assert_eq!(status["table"]["resourceVersion"], "7");
        assert_eq!(status["table"]["current"], true);
        assert_eq!(status["foreignServers"][0]["address"], "192.168.48.2");
    }
}
