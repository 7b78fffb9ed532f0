//! `vmdhcp lease list`.

use clap::Args;
use futures::{Stream, StreamExt, stream};
use kube::runtime::watcher::{self, watcher};
use serde_json::json;
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::args::Listing;
use crate::context::{Scope, Session};
use crate::duration::age;
use crate::failure::Failure;
use crate::leases::{Lease, ObjectName, State, leases};
use crate::objects::{self, Kind, list_visible, read_all};
use crate::output::{Format, Output};
use crate::table::Table;

/// List who has which address, and who waits for one
///
/// States: Allocated (the pool says so), Reserved (held by a reservation, used by no claim), Retiring (has left its
/// card, and goes to no other before nobody can be using it), Pending (waits, with the reason).
///
/// Claims of other namespaces are listed where their network is served by a listed pool. Labels select pools. With -o
/// json or yaml: {"leases": [{"address", "macAddress", "networkName", "pool", "vm", "claim", "hostname", "state",
/// "reason", "message", "since"}]}; -o name prints the addresses.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
pub(crate) struct List {
    /// Only leases of this pool
    #[arg(long, value_name = "NAME", conflicts_with_all = ["all_namespaces", "selector"])]
    pool: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

impl List {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { listing, .. } = &self;
        let mut table = Table::new(titles(listing));
        let mut shown = self.read(session).await?;
        if shown.is_empty() && !listing.watch && listing.output.structured().is_none() {
            output.say(match session.scope(listing.all_namespaces) {
                Scope::All => "No leases found.".to_owned(),
                Scope::Namespace(name) => format!("No leases found in namespace {name}."),
            });
            return Ok(());
        }
        self.print(session, output, &mut table, &shown)?;
        if !listing.watch {
            return Ok(());
        }
        output.flush()?;
        // A watch only says that something has changed; what it means is in both kinds together.
        let mut changes = stream::select(
            changes::<IPPool>(session, listing),
            changes::<VirtualMachineNetworkConfig>(session, listing),
        )
        .ready_chunks(1_024)
        .boxed_local();
        while let Some(events) = changes.next().await {
            events.into_iter().collect::<Result<Vec<()>, Failure>>()?;
            let now = self.read(session).await?;
            let mut changed: Vec<Lease> =
                now.iter().filter(|lease| !shown.contains(lease)).cloned().collect();
            let is_gone = |old: &&Lease| {
                !now.iter().any(|new| {
                    (&new.mac_address, &new.network_name, new.address)
                        == (&old.mac_address, &old.network_name, old.address)
                })
            };
            changed.extend(shown.iter().filter(is_gone).map(|old| Lease {
                reason: "Gone".into(),
                message: "no longer there".into(),
                ..old.clone()
            }));
            if !changed.is_empty() {
                self.print(session, output, &mut table, &changed)?;
                output.flush()?;
            }
            shown = now;
        }
        Ok(())
    }

    /// The leases that are to be listed.
    async fn read(&self, session: &Session) -> Result<Vec<Lease>, Failure> {
        let Self { pool, listing } = self;
        let scope = session.scope(listing.all_namespaces);
        let pools = match pool {
            Some(name) => vec![objects::get::<IPPool>(session, &session.namespace, name).await?],
            None => objects::list::<IPPool>(session, scope, listing.selector.as_deref()).await?,
        };
        let pools: Vec<IPPool> = read_all(&pools);
        let claims: Vec<VirtualMachineNetworkConfig> =
            read_all(&list_visible::<VirtualMachineNetworkConfig>(session).await?);
        let listed: Vec<ObjectName> = pools.iter().map(ObjectName::of).collect();
        let mut leases = leases(&pools, &claims);
        let only_pools = pool.is_some() || listing.selector.is_some();
        leases.retain(|lease| match &lease.pool {
            Some(pool) => listed.contains(pool),
            None => !only_pools && is_in(scope, lease),
        });
        Ok(leases)
    }

    fn print(
        &self,
        session: &Session,
        output: &mut Output,
        table: &mut Table,
        leases: &[Lease],
    ) -> Result<(), Failure> {
        let Self { listing, .. } = self;
        match listing.output {
            Format::Json | Format::Yaml => match listing.output.structured() {
                Some(structured) => output.object(structured, &json!({ "leases": leases })),
                None => Ok(()),
            },
            Format::Name => {
                leases.iter().filter_map(|lease| lease.address).try_for_each(|address| output.line(address))
            }
            Format::Table | Format::Wide => {
                for lease in leases {
                    table.row(row(session, listing, lease));
                }
                if table.is_empty() { Ok(()) } else { table.print(output) }
            }
        }
    }
}

fn is_in(scope: Scope<'_>, lease: &Lease) -> bool {
    match scope {
        Scope::All => true,
        Scope::Namespace(name) => lease.claim.as_ref().is_some_and(|claim| claim.namespace == name),
    }
}

fn changes<K: Kind>(
    session: &Session,
    listing: &Listing,
) -> impl Stream<Item = Result<(), Failure>> + use<K> {
    let api = objects::api::<K>(session, session.scope(listing.all_namespaces));
    watcher(api, watcher::Config::default()).map(|event| {
        event
            .map(drop)
            .map_err(|e| Failure::Unreachable { doing: "watch leases".into(), reason: e.to_string() })
    })
}

fn titles(listing: &Listing) -> Vec<&'static str> {
    let mut titles = vec!["ADDRESS", "MAC", "VM", "NETWORK", "POOL", "STATE", "AGE"];
    if listing.output == Format::Wide {
        titles.extend(["HOSTNAME", "CLAIM", "MESSAGE"]);
    }
    titles
}

fn row(session: &Session, listing: &Listing, lease: &Lease) -> Vec<String> {
    let none = || "<none>".to_owned();
    let here = (!listing.all_namespaces).then_some(session.namespace.as_str());
    let name = |name: &Option<ObjectName>| name.as_ref().map_or_else(none, |name| name.seen_from(here));
    let network = NetworkName::parse(&lease.network_name, &session.namespace).map_or_else(
        |_| lease.network_name.clone(),
        |NetworkName { namespace, name }| ObjectName { namespace, name }.seen_from(here),
    );
    let state = match (lease.state, lease.reason.as_str()) {
        (state, "") => format!("{state:?}"),
        (state, reason) => format!("{state:?} ({reason})"),
    };
    let mut cells = vec![
        // The address that a waiting card asks for is not its address.
        match (lease.state, lease.address) {
            (_, None) | (State::Pending, _) => none(),
            (_, Some(address)) => address.to_string(),
        },
        lease.mac_address.clone(),
        name(&lease.vm),
        network,
        name(&lease.pool),
        state,
        lease.since_time().map_or_else(none, |since| age(since, session.now())),
    ];
    if listing.output == Format::Wide {
        cells.extend([
            lease.hostname.clone().unwrap_or_else(none),
            name(&lease.claim),
            lease.message.clone(),
        ]);
    }
    cells
}
