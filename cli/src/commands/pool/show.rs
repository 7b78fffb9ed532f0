//! `vmdhcp pool show`: all that is known of a pool, for people.

use std::collections::BTreeMap;

use clap::Args;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use vmdhcp_core::Pool;
use vmdhcp_core::api::{Boot, BootRule, Class, Condition, IPPool, OptionValue, parse_time};
use vmdhcp_core::ipam::{AddressSet, Allocations};
use vmdhcp_core::pool::{ForeignServerPolicy, NtpServer, PoolErrors, PoolRef, option_name};

use crate::agents::{self, Agent};
use crate::args::Printing;
use crate::context::Session;
use crate::duration::{age, in_units};
use crate::failure::Failure;
use crate::leases::{Lease, State, leases};
use crate::objects;
use crate::output::Output;
use crate::page::Page;
use crate::snapshot::Snapshot;
use crate::table::{Table, printable};

/// How many events are shown, the latest ones.
const MOST_EVENTS: usize = 10;

/// Show all that is known of a pool
///
/// Its fields in words, its conditions, who has its addresses and who waits, its agents, what is wrong with it, and
/// what happened lately.
#[derive(Debug, Args)]
#[command(visible_alias = "describe")]
pub(crate) struct Show {
    /// Name of the pool
    name: String,
    #[command(flatten)]
    printing: Printing,
}

impl Show {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { name, printing } = self;
        let stored = objects::get::<IPPool>(session, &session.namespace, &name).await?;
        if printing.output.is_some() {
            return objects::report::<IPPool>(output, printing.output, &stored, "", false);
        }
        let pool: IPPool = objects::read(&stored)?;
        let snapshot = Snapshot::read(session).await?;
        let agents = agents::of_pool(session, &PoolRef::of(&pool)).await?;
        let events = events(session, &stored).await?;
        let leases: Vec<Lease> = leases(std::slice::from_ref(&pool), &snapshot.claims)
            .into_iter()
            .filter(|lease| {
                lease.pool.as_ref().is_some_and(|of| of.name == name && of.namespace == session.namespace)
            })
            .collect();
        let mut page = Page::default();
        identity(&mut page, session, &pool);
        let problems = fields(&mut page, &pool);
        counts(&mut page, &pool, &leases);
        page.table("Conditions", conditions(session, &pool));
        page.table("Agents", agent_table(session, &pool, &agents));
        reservations(&mut page, &pool);
        page.table("Waiting", waiting(session, &leases));
        page.table("Retiring", retiring(session, &pool));
        page.sentences("Problems", problems);
        page.table("Events", event_table(session, &events));
        page.print(output)
    }
}

fn identity(page: &mut Page, session: &Session, pool: &IPPool) {
    page.field("Name", pool.name_any());
    page.field("Namespace", pool.namespace().unwrap_or_default());
    let pairs = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| format!("{key}={}", printable(value))).collect::<Vec<_>>().join(", ")
    };
    page.field("Labels", pairs(pool.labels()));
    page.field_if_any("Annotations", pairs(pool.annotations()));
    let created =
        pool.creation_timestamp().map(|time| format!("{} ({} ago)", time.0, age(time.0, session.now())));
    page.field("Created", created.unwrap_or_default());
    if pool.metadata.deletion_timestamp.is_some() {
        page.field("Deletion", "under way");
    }
}

/// The spec in words, as the checked pool has it; and what is wrong with it.
fn fields(page: &mut Page, stored: &IPPool) -> Vec<String> {
    let (pool, problems) = match Pool::from_stored(stored) {
        Ok((pool, problems)) => (pool, problems),
        Err(PoolErrors(problems)) => {
            page.field("Network", printable(&stored.spec.network_name));
            if let Some(config) = &stored.spec.ipv4_config {
                page.field("Subnet", printable(&config.cidr));
            }
            return problems.iter().map(ToString::to_string).collect();
        }
    };
    let list = |items: Vec<String>| items.join(", ");
    page.field("Network", pool.network.to_string());
    page.field("Paused", if pool.paused { "yes" } else { "no" });
    page.field("Subnet", pool.cidr.to_string());
    page.field("Server", pool.server.to_string());
    page.field("Router", pool.router.map(|router| router.to_string()).unwrap_or_default());
    page.field("Ranges", set(&pool.ranges));
    page.field("Excluded", set(&pool.excluded));
    let options = &pool.options;
    page.field("Lease time", lease_time(options.lease_time, options.lease_bounds));
    page.field("DNS", list(options.dns.iter().map(ToString::to_string).collect()));
    page.field_if_any("Domain", options.domain_name.clone().unwrap_or_default());
    page.field_if_any("Search", list(options.domain_search.clone()));
    let ntp = |server: &NtpServer| match server {
        NtpServer::Address(address) => address.to_string(),
        NtpServer::Name(name) => name.clone(),
    };
    page.field_if_any("NTP", list(options.ntp.iter().map(ntp).collect()));
    page.field_if_any("MTU", options.mtu.map(|mtu| mtu.to_string()).unwrap_or_default());
    let route = |(destination, gateway): &(ipnet::Ipv4Net, std::net::Ipv4Addr)| {
        format!("{destination} via {gateway}")
    };
    page.field_if_any("Routes", list(options.routes.iter().map(route).collect()));
    if pool.foreign_server_policy == ForeignServerPolicy::StandDown {
        page.field("Other servers", stand_down(stored));
    }
    if let Some(config) = &stored.spec.ipv4_config {
        page.field_if_any("Boot", config.boot.as_ref().map(boot).unwrap_or_default());
        page.field_if_any("Options", list(config.options.iter().map(option).collect()));
        for declared in &config.classes {
            page.field("Class", class(declared));
        }
        page.field_if_any("Relays", list(options.relays.iter().copied().map(relay).collect()));
    }
    problems.iter().map(ToString::to_string).collect()
}

/// What a pool does about other DHCP servers that stands down for them.
fn stand_down(stored: &IPPool) -> String {
    let since = stored.status.as_ref().and_then(|status| status.first_acknowledged.as_deref());
    since.map_or_else(
        || "stands down for them, until its first lease".to_owned(),
        |since| format!("stood down for them, until its first lease ({})", printable(since)),
    )
}

/// `10.0.0.1-10.0.0.9, 10.0.0.20 (10 addresses)`.
fn set(addresses: &AddressSet) -> String {
    let intervals = addresses
        .intervals()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    let intervals: Vec<_> = intervals.collect();
    match addresses.len() {
        0 => String::new(),
        1 => format!("{} (1 address)", intervals.join(", ")),
        count => format!("{} ({count} addresses)", intervals.join(", ")),
    }
}

fn lease_time(default: u32, (shortest, longest): (u32, u32)) -> String {
    let default_text = in_units(i64::from(default));
    if shortest == longest {
        return default_text;
    }
    let bounds = (in_units(i64::from(shortest)), in_units(i64::from(longest)));
    format!("{default_text} (a VM may ask for {} to {})", bounds.0, bounds.1)
}

fn boot(boot: &Boot) -> String {
    let Boot { next_server, file, rules } = boot;
    let mut parts = vec![booted(file.as_ref(), next_server.as_ref())];
    parts.extend(rules.iter().map(|rule| {
        let BootRule { architectures, user_class, next_server, file } = rule;
        let clients = clients([("user class", user_class.as_ref())], architectures);
        format!("{clients}: {}", booted(file.as_ref(), next_server.as_ref()))
    }));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn booted(file: Option<&String>, next_server: Option<&String>) -> String {
    let file = file.map(|file| printable(file));
    let server = next_server.map(|server| format!("from {}", printable(server)));
    [file, server].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `phones (vendor class Cisco): lease 1 h, tftp-server-name=boot`.
fn class(class: &Class) -> String {
    let Class { name, vendor_class, user_class, architectures, mac_prefix, options, lease_time } = class;
    let criteria = [
        ("vendor class", vendor_class.as_ref()),
        ("user class", user_class.as_ref()),
        ("MAC", mac_prefix.as_ref()),
    ];
    let mut told: Vec<_> = lease_time.iter().map(|seconds| format!("lease {}", in_units(*seconds))).collect();
    told.extend(options.iter().map(option));
    format!("{} ({}): {}", printable(name), clients(criteria, architectures), told.join(", "))
}

/// Which clients are meant.
fn clients<const N: usize>(criteria: [(&str, Option<&String>); N], architectures: &[i64]) -> String {
    let texts = criteria.into_iter().filter_map(|(what, text)| Some(format!("{what} {}", printable(text?))));
    let numbers: Vec<_> = architectures.iter().map(ToString::to_string).collect();
    let numbers = (!numbers.is_empty()).then(|| format!("architecture {}", numbers.join(" or ")));
    let all: Vec<_> = texts.chain(numbers).collect();
    if all.is_empty() { "any client".to_owned() } else { all.join(", ") }
}

/// A single address without the length of its prefix.
fn relay(relay: ipnet::Ipv4Net) -> String {
    if relay.prefix_len() == 32 { relay.addr().to_string() } else { relay.to_string() }
}

fn option(option: &OptionValue) -> String {
    let OptionValue { code, name, type_: _, value } = option;
    let by_code = code.and_then(|code| u8::try_from(code).ok()).and_then(option_name).map(str::to_owned);
    let label = name.clone().or(by_code).or_else(|| code.map(|code| code.to_string())).unwrap_or_default();
    format!("{}={}", printable(&label), printable(value))
}

fn counts(page: &mut Page, pool: &IPPool, leases: &[Lease]) {
    let Some(status) = pool.status.as_ref().and_then(|status| status.ipv4.as_ref()) else {
        page.field("Addresses", "not known yet; is a manager running?");
        return;
    };
    let waiting = leases.iter().filter(|lease| lease.state == State::Pending).count();
    page.field(
        "Addresses",
        format!(
            "{} available, {} used, {} retiring; {waiting} waiting",
            status.available,
            status.used,
            status.retiring.len() + status.released.len()
        ),
    );
}

fn conditions(session: &Session, pool: &IPPool) -> Table {
    let mut table = Table::new(["TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"]);
    for condition in pool.status.iter().flat_map(|status| &status.conditions) {
        let Condition { type_, status, last_update_time, last_transition_time, reason, message } = condition;
        let since = if last_transition_time.is_empty() { last_update_time } else { last_transition_time };
        let since = parse_time(since).map_or(String::new(), |time| age(time, session.now()));
        table.row(vec![type_.clone(), status.clone(), since, reason.clone(), message.clone()]);
    }
    table
}

fn agent_table(session: &Session, pool: &IPPool, agents: &[Agent]) -> Table {
    let mut table = Table::new(["NAME", "MAC", "READY", "TABLE", "HEARTBEAT", "NOTES"]);
    let version = pool.resource_version();
    for agent in agents {
        let report = &agent.report;
        let heartbeat =
            agent.renewed.map_or("<never>".into(), |time| format!("{} ago", age(time, session.now())));
        let freshness = match (&version, report.from_snapshot) {
            (_, true) => "snapshot",
            (Some(version), false) if *version == report.resource_version => "current",
            (_, false) => "behind",
        };
        let mut notes: Vec<String> = Vec::new();
        notes.extend(report.conflicts.iter().map(|c| format!("{} answers for {}", c.mac_address, c.address)));
        notes.extend(
            report
                .foreign_servers
                .iter()
                .map(|s| format!("foreign server {} ({})", s.address, s.mac_address)),
        );
        table.row(vec![
            agent.name.clone(),
            report.mac_address.clone(),
            if report.ready { "yes" } else { "no" }.into(),
            freshness.into(),
            heartbeat,
            notes.join("; "),
        ]);
    }
    table
}

fn reservations(page: &mut Page, pool: &IPPool) {
    let mut table = Table::new(["MAC", "ADDRESS", "HOSTNAME", "OPTIONS"]);
    for reservation in pool.spec.ipv4_config.iter().flat_map(|config| &config.reservations) {
        table.row(vec![
            reservation.mac_address.clone(),
            reservation.ip_address.clone().unwrap_or_else(|| "<any>".into()),
            reservation.hostname.clone().unwrap_or_default(),
            reservation.options.iter().map(option).collect::<Vec<_>>().join(", "),
        ]);
    }
    page.table("Reservations", table);
}

fn waiting(session: &Session, leases: &[Lease]) -> Table {
    let mut table = Table::new(["VM", "MAC", "REASON", "MESSAGE"]);
    for lease in leases.iter().filter(|lease| lease.state == State::Pending) {
        let vm = lease.vm.as_ref().map_or("<none>".into(), |vm| vm.seen_from(Some(&session.namespace)));
        table.row(vec![vm, lease.mac_address.clone(), lease.reason.clone(), lease.message.clone()]);
    }
    table
}

fn retiring(session: &Session, pool: &IPPool) -> Table {
    let mut table = Table::new(["ADDRESS", "FORMER MAC", "SINCE", "WITHDRAWN"]);
    let status = pool.status.as_ref().and_then(|status| status.ipv4.as_ref());
    let allocations = status.map(Allocations::read).unwrap_or_default();
    let ago = |time| format!("{} ago", age(time, session.now()));
    for (address, retiring) in &allocations.retiring {
        table.row(vec![
            address.to_string(),
            retiring.mac.to_string(),
            ago(retiring.since),
            retiring.withdrawn.map_or("not yet".into(), ago),
        ]);
    }
    table
}

/// The latest events about this object, the latest first; none where this user may not see them.
async fn events(session: &Session, pool: &DynamicObject) -> Result<Vec<Event>, Failure> {
    let api = Api::<Event>::namespaced(session.client.clone(), &session.namespace);
    let listed = api.list(&ListParams::default()).await.map_err(Failure::asking("list events"));
    let mut events = match listed {
        Ok(events) => events.items,
        Err(Failure::Api { status, .. }) if status.is_forbidden() || status.is_not_found() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    events.retain(|event| event.regarding.as_ref().is_some_and(|object| object.uid == pool.metadata.uid));
    events.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
    events.truncate(MOST_EVENTS);
    Ok(events)
}

/// When an event last happened.
fn event_time(event: &Event) -> Option<jiff::Timestamp> {
    let last = event.series.as_ref().map(|series| series.last_observed_time.0);
    last.or_else(|| event.event_time.as_ref().map(|time| time.0))
        .or_else(|| event.deprecated_last_timestamp.as_ref().map(|time| time.0))
}

fn event_table(session: &Session, events: &[Event]) -> Table {
    let mut table = Table::new(["LAST SEEN", "TYPE", "REASON", "FROM", "MESSAGE"]);
    for event in events {
        table.row(vec![
            event_time(event).map_or("<unknown>".into(), |time| age(time, session.now())),
            event.type_.clone().unwrap_or_default(),
            event.reason.clone().unwrap_or_default(),
            event.reporting_controller.clone().unwrap_or_default(),
            event.note.clone().unwrap_or_default(),
        ]);
    }
    table
}
