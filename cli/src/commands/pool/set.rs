//! `vmdhcp pool set`: some fields of a pool, and nothing else of it.

use std::net::Ipv4Addr;

use clap::{Args, ValueEnum};
use ipnet::Ipv4Net;
use vmdhcp_core::admission::{Change, admit_pool};
use vmdhcp_core::api::{IPPool, IPv4Config, OptionValue, Route};
use vmdhcp_core::pool::{defaults, option_code};

use super::fields::{AddressRange, AnyOption, PoolFields, StaticRoute, read_ranges, write_ranges};
use crate::args::{Changing, Printing};
use crate::context::Session;
use crate::failure::Failure;
use crate::objects;
use crate::output::Output;
use crate::snapshot::Snapshot;
use crate::wait;

/// Change fields of a pool
///
/// A field that is given is replaced, lists as wholes; --add-… and --remove-… change lists by item. The network and the
/// subnet of a pool cannot change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp pool set net-48 --dns 1.1.1.1,9.9.9.9 --lease-time 1h
  vmdhcp pool set net-48 --add-range 192.168.48.200-192.168.48.249 --add-exclude 192.168.48.222
  vmdhcp pool set net-48 --unset mtu")]
pub(crate) struct Set {
    /// Name of the pool
    name: String,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
    // Last, because their headings go on to whatever follows.
    #[command(flatten)]
    fields: PoolFields,
    /// Remove a field; may be repeated
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    unset: Vec<Field>,
    #[command(flatten)]
    items: Items,
}

/// Flags for single items of lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Items of lists")]
struct Items {
    /// Give these addresses out as well
    #[arg(long, value_name = "START-END")]
    add_range: Vec<AddressRange>,
    /// No longer give these addresses out
    #[arg(long, value_name = "START-END")]
    remove_range: Vec<AddressRange>,
    /// Never give these out either
    #[arg(long, value_name = "ADDRESSES")]
    add_exclude: Vec<String>,
    /// No longer exclude these
    #[arg(long, value_name = "ADDRESSES")]
    remove_exclude: Vec<String>,
    /// Add a name server
    #[arg(long, value_name = "ADDRESS")]
    add_dns: Vec<Ipv4Addr>,
    /// Remove a name server
    #[arg(long, value_name = "ADDRESS")]
    remove_dns: Vec<Ipv4Addr>,
    /// Add a domain to search
    #[arg(long, value_name = "DOMAIN")]
    add_domain_search: Vec<String>,
    /// Remove a domain to search
    #[arg(long, value_name = "DOMAIN")]
    remove_domain_search: Vec<String>,
    /// Add a time server
    #[arg(long, value_name = "HOST")]
    add_ntp: Vec<String>,
    /// Remove a time server
    #[arg(long, value_name = "HOST")]
    remove_ntp: Vec<String>,
    /// Add a static route, or change its gateway
    #[arg(long, value_name = "DESTINATION=GATEWAY")]
    add_route: Vec<StaticRoute>,
    /// Remove the static route to there
    #[arg(long, value_name = "DESTINATION")]
    remove_route: Vec<Ipv4Net>,
    /// Answer this relay agent too, or those of this subnet
    #[arg(long, value_name = "ADDRESSES")]
    add_relay: Vec<String>,
    /// No longer answer this relay agent
    #[arg(long, value_name = "ADDRESSES")]
    remove_relay: Vec<String>,
    /// Add an option, or change its value
    #[arg(long, value_name = "OPTION[:TYPE]=VALUE")]
    add_option: Vec<AnyOption>,
    /// Remove an option, by number or name
    #[arg(long, value_name = "OPTION")]
    remove_option: Vec<String>,
}

/// Fields that a pool may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Field {
    /// Choose the server's address anew
    ServerIp,
    /// Give out the whole subnet
    Ranges,
    Exclude,
    Router,
    Dns,
    DomainName,
    DomainSearch,
    Ntp,
    LeaseTime,
    MinLeaseTime,
    MaxLeaseTime,
    Mtu,
    Routes,
    Boot,
    Options,
    Classes,
    Relays,
    /// Answer whether or not there is another DHCP server
    ForeignServerPolicy,
}

impl Field {
    fn clear(self, config: &mut IPv4Config) {
        match self {
            Self::ServerIp => config.server_ip = None,
            Self::Ranges => write_ranges(&mut config.pool, &[]),
            Self::Exclude => config.pool.exclude.clear(),
            Self::Router => config.router = None,
            Self::Dns => config.dns.clear(),
            Self::DomainName => config.domain_name = None,
            Self::DomainSearch => config.domain_search.clear(),
            Self::Ntp => config.ntp.clear(),
            Self::LeaseTime => config.lease_time = None,
            Self::MinLeaseTime => config.min_lease_time = None,
            Self::MaxLeaseTime => config.max_lease_time = None,
            Self::Mtu => config.mtu = None,
            Self::Routes => config.routes.clear(),
            Self::Boot => config.boot = None,
            Self::Options => config.options.clear(),
            Self::Classes => config.classes.clear(),
            Self::Relays => config.relays.clear(),
            Self::ForeignServerPolicy => config.foreign_server_policy = None,
        }
    }
}

impl Set {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { name, fields, items, unset, changing, printing } = self;
        if fields == PoolFields::default() && items == Items::default() && unset.is_empty() {
            return Err(Failure::Usage(
                "name at least one field to change; see `vmdhcp pool set --help`".into(),
            ));
        }
        let edit = |pool: &mut IPPool| {
            let old = pool.clone();
            let config = pool.spec.ipv4_config.get_or_insert_default();
            for field in &unset {
                field.clear(config);
            }
            fields.write(config);
            items.write(config)?;
            defaults::apply(&mut pool.spec);
            // An update is judged by the object itself: no other one is asked for.
            let change = Change::Update { old: &old, new: pool };
            admit_pool(&change, &Snapshot::default()).map_err(Failure::from)
        };
        let (pool, outcome) =
            objects::edit(session, &session.namespace, &name, changing.dry_run, edit).await?;
        objects::report::<IPPool>(output, printing.output, &pool, outcome.word(), changing.dry_run)?;
        if changing.wait {
            output.flush()?;
            let api = objects::api_in::<IPPool>(session, &session.namespace);
            wait::settled::<IPPool>(api, &name, changing.timeout).await?;
        }
        Ok(())
    }
}

impl Items {
    fn write(&self, config: &mut IPv4Config) -> Result<(), Failure> {
        let Self {
            add_range,
            remove_range,
            add_exclude,
            remove_exclude,
            add_dns,
            remove_dns,
            add_domain_search,
            remove_domain_search,
            add_ntp,
            remove_ntp,
            add_route,
            remove_route,
            add_relay,
            remove_relay,
            add_option,
            remove_option,
        } = self;
        if !add_range.is_empty() || !remove_range.is_empty() {
            let mut ranges = read_ranges(&config.pool);
            let text = |range: &AddressRange| format!("{}-{}", range.start, range.end);
            change(&mut ranges, add_range, remove_range, AddressRange::eq, "range", text)?;
            write_ranges(&mut config.pool, &ranges);
        }
        let equal = |a: &String, b: &String| a.trim() == b.trim();
        let same = String::clone;
        change(&mut config.pool.exclude, add_exclude, remove_exclude, equal, "exclude", same)?;
        let (add, remove) = (texts(add_dns), texts(remove_dns));
        change(&mut config.dns, &add, &remove, equal, "dns", same)?;
        let (add, remove) = (add_domain_search, remove_domain_search);
        change(&mut config.domain_search, add, remove, equal, "domain-search", same)?;
        change(&mut config.ntp, add_ntp, remove_ntp, equal, "ntp", same)?;
        change(&mut config.relays, add_relay, remove_relay, equal, "relay", same)?;
        let add: Vec<Route> = add_route.iter().map(Route::from).collect();
        let to = |destination: &Ipv4Net| Route { destination: destination.to_string(), ..Route::default() };
        let remove: Vec<Route> = remove_route.iter().map(to).collect();
        let same_way = |a: &Route, b: &Route| destination(a) == destination(b);
        change(&mut config.routes, &add, &remove, same_way, "route", |route| route.destination.clone())?;
        let add: Vec<OptionValue> = add_option.iter().map(|option| option.0.clone()).collect();
        let remove: Vec<OptionValue> = remove_option.iter().map(|text| named(text)).collect();
        let same_code = |a: &OptionValue, b: &OptionValue| code(a) == code(b);
        let name = |option: &OptionValue| {
            option.name.clone().or_else(|| option.code.map(|code| code.to_string())).unwrap_or_default()
        };
        change(&mut config.options, &add, &remove, same_code, "option", name)
    }
}

/// Removes items, each of which has to be there, and adds others: in the place of the same item, or at the end.
fn change<T: Clone>(
    list: &mut Vec<T>,
    add: &[T],
    remove: &[T],
    same: impl Fn(&T, &T) -> bool,
    flag: &str,
    text: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    for item in remove {
        let before = list.len();
        list.retain(|old| !same(old, item));
        if list.len() == before {
            return Err(Failure::NotFound {
                what: format!("--remove-{flag} {}: the pool does not have it", text(item)),
                hint: "see `vmdhcp pool show`".into(),
            });
        }
    }
    for item in add {
        match list.iter_mut().find(|old| same(old, item)) {
            Some(old) => *old = item.clone(),
            None => list.push(item.clone()),
        }
    }
    Ok(())
}

fn texts(addresses: &[Ipv4Addr]) -> Vec<String> {
    addresses.iter().map(Ipv4Addr::to_string).collect()
}

fn destination(route: &Route) -> Option<Ipv4Net> {
    route.destination.trim().parse::<Ipv4Net>().ok().map(|net| net.trunc())
}

fn named(text: &str) -> OptionValue {
    let code = text.parse().ok();
    OptionValue { code, name: code.is_none().then(|| text.to_owned()), ..OptionValue::default() }
}

/// The number of an option, however it is named; one of an unknown name is only itself.
fn code(option: &OptionValue) -> Result<i64, Option<&str>> {
    option
        .code
        .or_else(|| option.name.as_deref().and_then(option_code).map(i64::from))
        .ok_or(option.name.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> IPv4Config {
        let mut config = IPv4Config { cidr: "10.0.0.0/24".into(), ..IPv4Config::default() };
        write_ranges(&mut config.pool, &["10.0.0.10-10.0.0.19".parse().unwrap()]);
        config.options = vec![named("66")];
        config.routes = vec![Route { destination: "10.9.0.0/16".into(), gateway: "10.0.0.2".into() }];
        config
    }

    #[test]
    fn an_option_is_the_same_by_number_and_by_name() {
        let mut config = config();
        let add_option = vec!["tftp-server-name=boot".parse().unwrap()];
        Items { add_option, ..Items::default() }.write(&mut config).unwrap();
        assert_eq!(config.options.len(), 1);
        assert_eq!(config.options[0].value, "boot");
        Items { remove_option: vec!["66".into()], ..Items::default() }.write(&mut config).unwrap();
        assert!(config.options.is_empty());
    }

    #[test]
    fn when_the_first_range_goes_the_next_one_takes_its_place() {
        let mut config = config();
        let items = Items {
            add_range: vec!["10.0.0.50-10.0.0.59".parse().unwrap()],
            remove_range: vec!["10.0.0.10-10.0.0.19".parse().unwrap()],
            ..Items::default()
        };
        items.write(&mut config).unwrap();
        assert_eq!(config.pool.start.as_deref(), Some("10.0.0.50"));
        assert!(config.pool.ranges.is_empty());
    }

    #[test]
    fn what_is_not_there_cannot_be_removed() {
        let items = Items { remove_route: vec!["10.8.0.0/16".parse().unwrap()], ..Items::default() };
        let error = items.write(&mut config()).unwrap_err();
        assert!(error.to_string().starts_with("--remove-route 10.8.0.0/16"), "{error}");
    }
}
