//! `vmdhcp lease inspect`: everything that is known of a card, an address or a VM; above all why it has no address.

use std::net::Ipv4Addr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Value, json};
use vmdhcp_core::api::{Condition, IPPool, parse_time};
use vmdhcp_core::dhcp::{Extras, LeaseTable};
use vmdhcp_core::ipam::Allocations;
use vmdhcp_core::{MacAddr, Pool};
use vmdhcp_daemons::agent::{DecisionText, OptionText};

use super::subject::{Place, Subject};
use crate::agents::{self, Agent};
use crate::context::Session;
use crate::duration::age;
use crate::failure::Failure;
use crate::leases::{Lease, ObjectName, State, leases};
use crate::output::{Format, Output};
use crate::page::Page;
use crate::snapshot::Snapshot;
use crate::table::{Table, printable};

/// Show all that is known of a card, an address or a VM, and why it has no address
///
/// Looks at all pools and claims, and asks the agents what they have seen of the card.
#[derive(Debug, Args)]
#[command(
    visible_alias = "show",
    after_help = "Examples:
  vmdhcp lease inspect fa:cf:8e:50:82:fc
  vmdhcp lease inspect 192.168.48.85
  vmdhcp lease inspect web-1 -n tenant"
)]
pub(crate) struct Inspect {
    /// MAC, address, or VM as NAME or NAMESPACE/NAME
    #[arg(value_name = "MAC|ADDRESS|VM")]
    subject: Subject,
    /// Look for the VM in all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Print what is known as {"leases": [...], "notes": [...]}
    #[arg(short, long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["json", "yaml"])
        .map(|word| if word == "json" { Format::Json } else { Format::Yaml }))]
    output: Option<Format>,
}

/// A lease with everything around it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspected {
    lease: Lease,
    /// Conditions of the pool that are not as they should be, and other obstacles: a sentence each.
    obstacles: Vec<String>,
    /// Which agent told the options; none if they are computed here, from the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    options_from: Option<String>,
    /// What the card would be sent.
    options: Vec<OptionText>,
    /// What each agent tells.
    agents: Vec<Told>,
}

/// What one agent tells of a card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    agent: String,
    /// What it has seen of the card, in its own words; none if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<serde_json::Map<String, Value>>,
    /// Why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable: Option<String>,
}

impl Told {
    /// Moves the options that it would send out of what it tells.
    fn take_options(&mut self) -> Option<(String, Vec<OptionText>)> {
        let options = self.client.as_mut()?.remove("options")?;
        Some((self.agent.clone(), serde_json::from_value(options).ok()?))
    }

    /// What became of the last packets, the latest first.
    fn decisions(&self) -> Vec<DecisionText> {
        let told = self.client.as_ref().and_then(|client| client.get("decisions"));
        told.and_then(|told| serde_json::from_value(told.clone()).ok()).unwrap_or_default()
    }
}

impl Inspect {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { subject, all_namespaces, output: format } = self;
        let snapshot = Snapshot::read(session).await?;
        let mut agents = agents::by_pool(session).await?;
        let in_use = (!all_namespaces).then_some(session.namespace.as_str());
        let mut inspected = Vec::new();
        for lease in leases(&snapshot.pools, &snapshot.claims) {
            if !subject.is_of(&lease, in_use) {
                continue;
            }
            let pool = lease.pool.as_ref().and_then(|of| find(&snapshot.pools, of));
            let agents = lease
                .pool
                .as_ref()
                .map_or_else(Vec::new, |pool| agents.get(&pool.seen_from(None)).cloned().unwrap_or_default());
            let mut told = ask(session, &agents, lease.mac()).await;
            let (options_from, options) = told.iter_mut().find_map(Told::take_options).map_or_else(
                || (None, pool.map(|pool| sent(pool, &lease)).unwrap_or_default()),
                |(agent, options)| (Some(agent), options),
            );
            inspected.push(Inspected {
                obstacles: obstacles(pool, &agents),
                options_from,
                options,
                agents: told,
                lease,
            });
        }
        let mut notes = Vec::new();
        if inspected.is_empty() {
            notes = unknown(session, &subject, &snapshot.pools, &mut agents).await;
        }
        if let Some(structured) = format.and_then(Format::structured) {
            return output.object(structured, &json!({ "leases": inspected, "notes": notes }));
        }
        if inspected.is_empty() {
            return Err(Failure::NotFound { what: notes.join("; "), hint: String::new() });
        }
        for (at, inspected) in inspected.iter().enumerate() {
            if at > 0 {
                output.line("")?;
            }
            page(session, inspected).print(output)?;
        }
        Ok(())
    }
}

fn find<'a>(pools: &'a [IPPool], name: &ObjectName) -> Option<&'a IPPool> {
    pools.iter().find(|pool| ObjectName::of(*pool) == *name)
}

/// What keeps a pool from serving anybody.
fn obstacles(pool: Option<&IPPool>, agents: &[Agent]) -> Vec<String> {
    let Some(pool) = pool else { return Vec::new() };
    let mut obstacles = Vec::new();
    if pool.spec.paused == Some(true) {
        obstacles.push(format!("the pool is paused; `vmdhcp pool resume {}` ends that", pool.name_any()));
    }
    match Pool::from_stored(pool) {
        Ok((_, problems)) => obstacles.extend(problems.iter().map(|problem| format!("the pool: {problem}"))),
        Err(problems) => obstacles.push(format!("the pool cannot be served: {problems}")),
    }
    for condition in pool.status.iter().flat_map(|status| &status.conditions) {
        let Condition { type_, status, reason, message, .. } = condition;
        if type_ == "ForeignDHCPServer" && status == "True" && reason == "StandingDown" {
            obstacles.push(format!("the agents stand down: {message}"));
        }
        let ours = matches!(type_.as_str(), "Registered" | "CacheReady" | "AgentReady");
        if ours && status != "True" && pool.spec.paused != Some(true) {
            obstacles.push(
                format!("the pool's condition {type_} is {status}: {reason} {message}").trim_end().to_owned(),
            );
        }
    }
    let told = |server: &vmdhcp_core::api::ForeignServer| {
        format!("another DHCP server answers on the network: {} ({})", server.address, server.mac_address)
    };
    obstacles.extend(agents.iter().flat_map(|agent| &agent.report.foreign_servers).map(told));
    obstacles.sort();
    obstacles.dedup();
    obstacles
}

/// The options that the holder of a lease is sent, from the table that an agent of this pool serves.
fn sent(pool: &IPPool, lease: &Lease) -> Vec<OptionText> {
    if lease.state == State::Pending || lease.state == State::Retiring {
        return Vec::new();
    }
    let status = pool.status.as_ref().and_then(|status| status.ipv4.as_ref());
    let (Ok((checked, _)), Some(status), Some(mac)) = (Pool::from_stored(pool), status, lease.mac()) else {
        return Vec::new();
    };
    let table = LeaseTable::build(&checked, &Allocations::read(status), &Extras::of_status(status));
    let Some(id) = table.lookup(mac) else { return Vec::new() };
    table.options_for(id).iter().map(|(code, value)| OptionText::new(*code, value)).collect()
}

/// Asks the agents about a card, all at once.
async fn ask(session: &Session, agents: &[Agent], mac: Option<MacAddr>) -> Vec<Told> {
    let Some(mac) = mac else { return Vec::new() };
    let questions = agents.iter().map(async |agent| {
        let (client, unreachable) = match agents::client(session, agent, mac).await {
            Ok(client) => (client, None),
            Err(why) => (None, Some(why)),
        };
        Told { agent: agent.name.clone(), client, unreachable }
    });
    futures::future::join_all(questions).await
}

/// What can be said of something that nobody has, claims or reserves.
async fn unknown(
    session: &Session,
    subject: &Subject,
    pools: &[IPPool],
    agents: &mut std::collections::BTreeMap<String, Vec<Agent>>,
) -> Vec<String> {
    match subject {
        Subject::Vm { .. } => vec![format!(
            "no VirtualMachineNetworkConfig declares a network card of {subject}: it has none on a network with a pool, or is in another namespace"
        )],
        Subject::Place(Place::Address(address)) => vec![free(*address, pools)],
        Subject::Place(Place::Mac(mac)) => {
            let mut notes = vec![format!("no claim and no reservation names {mac}, so no agent answers it")];
            for (pool, agents) in std::mem::take(agents) {
                for told in ask(session, &agents, Some(*mac)).await {
                    if told.client.is_some() {
                        let last = told.decisions().into_iter().next();
                        let last = last.map(|last| format!("; {}", decided(session, &last)));
                        let last = printable(&last.unwrap_or_default());
                        notes.push(format!(
                            "agent {} has seen it on the network of pool {pool}{last}",
                            printable(&told.agent)
                        ));
                    }
                }
            }
            notes
        }
    }
}

/// What an address is that nobody has.
fn free(address: Ipv4Addr, pools: &[IPPool]) -> String {
    let pools = pools.iter().filter_map(|pool| Pool::from_stored(pool).ok()).map(|(pool, _)| pool);
    let Some(pool) = pools.into_iter().find(|pool| pool.cidr.contains(&address)) else {
        return format!("{address} is in no pool's subnet");
    };
    let what = if address == pool.server {
        "the address of the DHCP server of"
    } else if Some(address) == pool.router {
        "the router's address in"
    } else if pool.excluded.contains(address) {
        "excluded by"
    } else if pool.domain.contains(address) {
        "free in"
    } else {
        "outside the ranges of"
    };
    format!("{address} is {what} pool {}; nobody has it", pool.key)
}

fn page(session: &Session, inspected: &Inspected) -> Page {
    let Inspected { lease, obstacles, options_from, options, agents } = inspected;
    let name = |name: &Option<ObjectName>| name.as_ref().map(|name| name.seen_from(None)).unwrap_or_default();
    let mut page = Page::default();
    let address = lease.address.map(|address| match lease.state {
        State::Pending => format!("<none> (wants {address})"),
        State::Allocated | State::Reserved | State::Retiring => address.to_string(),
    });
    page.field("Address", address.unwrap_or_default());
    page.field("MAC", printable(&lease.mac_address));
    page.field("State", format!("{:?}", lease.state));
    page.field_if_any("Reason", printable(&lease.reason));
    page.field_if_any("Message", printable(&lease.message));
    page.field("VM", name(&lease.vm));
    page.field("Claim", name(&lease.claim));
    page.field_if_any("Host name", lease.hostname.clone().unwrap_or_default());
    page.field("Network", printable(&lease.network_name));
    page.field("Pool", name(&lease.pool));
    let since = lease.since_time().map(|since| format!("{since} ({} ago)", age(since, session.now())));
    page.field_if_any("Since", since.unwrap_or_default());
    page.sentences("Obstacles", obstacles.clone());
    if !options.is_empty() {
        let mut table = Table::new(["OPTION", "NAME", "VALUE"]);
        for option in options {
            table.row(vec![option.code.to_string(), option.name.clone(), option.value.clone()]);
        }
        let source = options_from.as_ref().map_or_else(
            || "computed from the pool".to_owned(),
            |agent| format!("says agent {}", printable(agent)),
        );
        page.table(&format!("Sent if asked for ({source})"), table);
    }
    if agents.is_empty() && lease.pool.is_some() {
        page.field("Agents", "none is known for this pool");
    }
    for told in agents {
        page.sentences(&format!("Agent {}", printable(&told.agent)), told_of(session, told));
    }
    page
}

fn told_of(session: &Session, told: &Told) -> Vec<String> {
    if let Some(why) = &told.unreachable {
        return vec![format!("could not be asked: {why}")];
    }
    let decisions = told.decisions();
    let is_told = |key: &str| match key {
        // On the page already.
        "address" | "decisions" => false,
        "lastMessage" | "lastDecision" => decisions.is_empty(),
        _ => true,
    };
    let events = told.client.iter().flatten().filter(|(key, value)| !value.is_null() && is_told(key));
    let mut events: Vec<_> =
        events.map(|(key, value)| format!("{}: {}", in_words(key), shown(session, value))).collect();
    events.extend(decisions.iter().map(|decision| decided(session, decision)));
    if events.is_empty() { vec!["has not heard from this card since it started".into()] } else { events }
}

/// What became of one packet, as a sentence.
fn decided(session: &Session, decision: &DecisionText) -> String {
    let DecisionText { time, message, answer, text, source_mac_address, .. } = decision;
    let packet = message.as_deref().unwrap_or("a packet");
    let sender = source_mac_address.as_ref().map(|mac| format!(" sent by {mac}")).unwrap_or_default();
    let answer = answer.as_ref().map_or_else(|| "no answer".to_owned(), |kind| format!("answered by {kind}"));
    format!("{}: {packet}{sender}, {answer}: {text}", since(session, time))
}

/// `lastSeen` as `last seen`.
fn in_words(key: &str) -> String {
    let mut words = String::new();
    for c in key.chars() {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// A value of an agent's answer; times with how long ago they were.
fn shown(session: &Session, value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    since(session, text)
}

/// A text; if it is a time, with how long ago that was.
fn since(session: &Session, text: &str) -> String {
    match parse_time(text) {
        Some(time) if time <= session.now() => format!("{text} ({} ago)", age(time, session.now())),
        _ => text.to_owned(),
    }
}
