//! `vmdhcp pool list`: the columns of `kubectl get ippools`.

use clap::Args;
use futures::TryStreamExt;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::Value;
use vmdhcp_core::api::IPPool;

use super::fields::read_ranges;
use crate::args::Listing;
use crate::context::Session;
use crate::duration;
use crate::failure::Failure;
use crate::objects::{self, kubectl_name};
use crate::output::{Format, Output};
use crate::table::Table;

/// List pools
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
pub(crate) struct List {
    #[command(flatten)]
    listing: Listing,
}

impl List {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { listing } = self;
        let scope = session.scope(listing.all_namespaces);
        let format = listing.output;
        let mut table = Table::new(titles(&listing));
        let pools = objects::list::<IPPool>(session, scope, listing.selector.as_deref()).await?;
        if let Some(structured) = format.structured() {
            if !listing.watch {
                return output.object(structured, &objects::list_of(&without_managed_fields(&pools)));
            }
        } else if pools.is_empty() && !listing.watch {
            output.say(match scope {
                crate::context::Scope::All => "No pools found.".to_owned(),
                crate::context::Scope::Namespace(name) => format!("No pools found in namespace {name}."),
            });
            return Ok(());
        }
        print(session, output, &listing, &mut table, &pools)?;
        if !listing.watch {
            return Ok(());
        }
        output.flush()?;
        let config =
            watcher::Config { label_selector: listing.selector.clone(), ..watcher::Config::default() };
        let mut events = std::pin::pin!(watcher(objects::api::<IPPool>(session, scope), config));
        let mut shown: Vec<DynamicObject> = pools;
        loop {
            let event = events.try_next().await;
            let event = event
                .map_err(|e| Failure::Unreachable { doing: "watch pools".into(), reason: e.to_string() });
            let Some(Event::Apply(pool) | Event::InitApply(pool) | Event::Delete(pool)) = event? else {
                continue;
            };
            // The first list of the watch repeats what has just been printed.
            let version = |pool: &DynamicObject| (pool.uid(), pool.resource_version());
            if shown.iter().any(|old| version(old) == version(&pool)) {
                continue;
            }
            shown.retain(|old| old.uid() != pool.uid());
            print(session, output, &listing, &mut table, std::slice::from_ref(&pool))?;
            output.flush()?;
            shown.push(pool);
        }
    }
}

fn without_managed_fields(pools: &[DynamicObject]) -> Vec<DynamicObject> {
    let mut pools = pools.to_vec();
    for pool in &mut pools {
        pool.metadata.managed_fields = None;
    }
    pools
}

fn print(
    session: &Session,
    output: &mut Output,
    listing: &Listing,
    table: &mut Table,
    pools: &[DynamicObject],
) -> Result<(), Failure> {
    match listing.output {
        Format::Json | Format::Yaml => objects::print(output, listing.output, pools),
        Format::Name => {
            pools.iter().try_for_each(|pool| output.line(kubectl_name::<IPPool>(&pool.name_any())))
        }
        Format::Table | Format::Wide => {
            for pool in pools {
                table.row(row(session, listing, pool));
            }
            if table.is_empty() { Ok(()) } else { table.print(output) }
        }
    }
}

fn titles(listing: &Listing) -> Vec<&'static str> {
    let mut titles = Vec::new();
    if listing.all_namespaces {
        titles.push("NAMESPACE");
    }
    titles.extend([
        "NAME",
        "NETWORK",
        "CIDR",
        "AVAILABLE",
        "USED",
        "REGISTERED",
        "CACHEREADY",
        "AGENTREADY",
        "AGE",
    ]);
    if listing.output == Format::Wide {
        titles.extend(["SERVER", "ROUTER", "RANGES", "RETIRING"]);
    }
    titles
}

/// The cells are read from the raw object, so that one with a bad field is listed as well.
fn row(session: &Session, listing: &Listing, pool: &DynamicObject) -> Vec<String> {
    let at = |path: &str| match pool.data.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let condition = |type_: &str| {
        let conditions = pool.data.pointer("/status/conditions").and_then(Value::as_array);
        let found =
            conditions.into_iter().flatten().find(|c| c.get("type").and_then(Value::as_str) == Some(type_));
        found.and_then(|c| c.get("status")).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut cells = Vec::new();
    if listing.all_namespaces {
        cells.push(pool.namespace().unwrap_or_default());
    }
    let created = pool.creation_timestamp();
    cells.extend([
        pool.name_any(),
        at("/spec/networkName"),
        at("/spec/ipv4Config/cidr"),
        at("/status/ipv4/available"),
        at("/status/ipv4/used"),
        condition("Registered"),
        condition("CacheReady"),
        condition("AgentReady"),
        created.map_or("<unknown>".into(), |time| duration::age(time.0, session.now())),
    ]);
    if listing.output == Format::Wide {
        let ranges = pool.data.pointer("/spec/ipv4Config/pool").cloned().unwrap_or_default();
        let ranges = serde_json::from_value(ranges).map(|pool| read_ranges(&pool)).unwrap_or_default();
        let ranges: Vec<_> = ranges.iter().map(|range| format!("{}-{}", range.start, range.end)).collect();
        let count =
            |pointer| pool.data.pointer(pointer).and_then(Value::as_object).map_or(0, serde_json::Map::len);
        let retiring = count("/status/ipv4/retiring") + count("/status/ipv4/released");
        cells.extend([
            at("/spec/ipv4Config/serverIP"),
            at("/spec/ipv4Config/router"),
            ranges.join(","),
            retiring.to_string(),
        ]);
    }
    cells
}
