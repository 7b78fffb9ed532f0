//! The fields of a pool as flags: read into typed values, and written into a spec.
//!
//! Whether the values go together is for [`vmdhcp_core::Pool`] to say.

use std::net::Ipv4Addr;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use ipnet::Ipv4Net;
use vmdhcp_core::api::{IPv4Config, OptionValue, PoolRange, Range, Route};
use vmdhcp_core::pool::ForeignServerPolicy;

use crate::duration::parse_seconds;

/// Flags for everything about a pool that may change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Fields")]
pub(crate) struct PoolFields {
    /// Address of the DHCP server [default: the first free one of the subnet]
    #[arg(long, value_name = "ADDRESS")]
    pub server_ip: Option<Ipv4Addr>,
    /// Addresses to give out; may be repeated [default: the whole subnet]
    #[arg(long = "range", value_name = "START-END", value_delimiter = ',')]
    pub ranges: Vec<AddressRange>,
    /// Never give these out: an address, FIRST-LAST or a subnet; may be repeated
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Default gateway of the VMs (option 3)
    #[arg(long, value_name = "ADDRESS")]
    pub router: Option<Ipv4Addr>,
    /// Name server (option 6); may be repeated
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub dns: Vec<Ipv4Addr>,
    /// Domain of the VMs (option 15)
    #[arg(long, value_name = "DOMAIN")]
    pub domain_name: Option<String>,
    /// Domain to search (option 119); may be repeated
    #[arg(long, value_name = "DOMAIN", value_delimiter = ',')]
    pub domain_search: Vec<String>,
    /// Time server, by address or name (option 42); may be repeated
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub ntp: Vec<String>,
    /// Lease time in seconds, or like 5m, 1h, 1d (option 51)
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub lease_time: Option<i64>,
    /// Shortest lease that a VM may ask for
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub min_lease_time: Option<i64>,
    /// Longest lease that a VM may ask for
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub max_lease_time: Option<i64>,
    /// Interface MTU in bytes (option 26)
    #[arg(long, value_name = "BYTES")]
    pub mtu: Option<i64>,
    /// Static route (options 121 and 249); may be repeated
    #[arg(long = "route", value_name = "DESTINATION=GATEWAY", value_delimiter = ',')]
    pub routes: Vec<StaticRoute>,
    /// Address of the server that VMs boot from over the network (header field siaddr, options 66 and 150)
    #[arg(long, value_name = "ADDRESS")]
    pub next_server: Option<Ipv4Addr>,
    /// File or URL that they boot (header field file, option 67); rules by architecture are for `vmdhcp apply`
    #[arg(long, value_name = "FILE")]
    pub boot_file: Option<String>,
    /// Answer these relay agents only, by address or subnet; may be repeated [default: any that names the subnet]
    #[arg(long = "relay", value_name = "ADDRESSES", value_delimiter = ',')]
    pub relays: Vec<String>,
    /// What becomes of another DHCP server on the network [default: warn]
    #[arg(long, value_name = "POLICY")]
    pub foreign_server_policy: Option<PolicyWord>,
    /// Any other option, by number or name; TYPE is ip, ips, text, u8, u16, u32, bool, domains, routes or hex; may be
    /// repeated
    #[arg(long = "option", value_name = "OPTION[:TYPE]=VALUE")]
    pub options: Vec<AnyOption>,
}

impl PoolFields {
    /// Writes what was given into a pool; what was not stays.
    pub(crate) fn write(&self, config: &mut IPv4Config) {
        let Self {
            server_ip,
            ranges,
            exclude,
            router,
            dns,
            domain_name,
            domain_search,
            ntp,
            lease_time,
            min_lease_time,
            max_lease_time,
            mtu,
            routes,
            next_server,
            boot_file,
            relays,
            foreign_server_policy,
            options,
        } = self;
        replace(&mut config.server_ip, server_ip.map(|address| address.to_string()));
        replace(&mut config.router, router.map(|address| address.to_string()));
        replace(&mut config.domain_name, domain_name.clone());
        replace(&mut config.lease_time, *lease_time);
        replace(&mut config.min_lease_time, *min_lease_time);
        replace(&mut config.max_lease_time, *max_lease_time);
        replace(&mut config.mtu, *mtu);
        let policy = foreign_server_policy.map(|word| ForeignServerPolicy::from(word).as_str().to_owned());
        replace(&mut config.foreign_server_policy, policy);
        replace_list(&mut config.pool.exclude, exclude.clone());
        replace_list(&mut config.dns, dns.iter().map(Ipv4Addr::to_string).collect());
        replace_list(&mut config.domain_search, domain_search.clone());
        replace_list(&mut config.ntp, ntp.clone());
        replace_list(&mut config.routes, routes.iter().map(Route::from).collect());
        replace_list(&mut config.options, options.iter().map(|option| option.0.clone()).collect());
        replace_list(&mut config.relays, relays.clone());
        if next_server.is_some() || boot_file.is_some() {
            let boot = config.boot.get_or_insert_default();
            replace(&mut boot.next_server, next_server.map(|address| address.to_string()));
            replace(&mut boot.file, boot_file.clone());
        }
        if !ranges.is_empty() {
            write_ranges(&mut config.pool, ranges);
        }
    }
}

/// What becomes of another DHCP server, as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyWord {
    /// Tell of it, and answer all the same
    Warn,
    /// Answer nobody while there is one, before the first lease of the pool
    StandDown,
}

impl From<PolicyWord> for ForeignServerPolicy {
    fn from(word: PolicyWord) -> Self {
        match word {
            PolicyWord::Warn => Self::Warn,
            PolicyWord::StandDown => Self::StandDown,
        }
    }
}

fn replace<T>(field: &mut Option<T>, given: Option<T>) {
    if given.is_some() {
        *field = given;
    }
}

fn replace_list<T>(field: &mut Vec<T>, given: Vec<T>) {
    if !given.is_empty() {
        *field = given;
    }
}

/// Writes ranges as upstream reads them: the first as `start` and `end`, all others behind.
pub(crate) fn write_ranges(pool: &mut PoolRange, ranges: &[AddressRange]) {
    let text = |range: &AddressRange| Range { start: range.start.to_string(), end: range.end.to_string() };
    let mut texts = ranges.iter().map(text);
    let first = texts.next();
    pool.start = first.as_ref().map(|range| range.start.clone());
    pool.end = first.map(|range| range.end);
    pool.ranges = texts.collect();
}

/// All ranges of a stored pool, in order; those that cannot be read are left out.
pub(crate) fn read_ranges(pool: &PoolRange) -> Vec<AddressRange> {
    let first = pool.start.as_deref().zip(pool.end.as_deref());
    let others = pool.ranges.iter().map(|range| (range.start.as_str(), range.end.as_str()));
    let parse = |text: &str| text.trim().parse().ok();
    first
        .into_iter()
        .chain(others)
        .filter_map(|(start, end)| Some(AddressRange { start: parse(start)?, end: parse(end)? }))
        .collect()
}

/// Addresses from `start` to `end`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressRange {
    /// First address.
    pub start: Ipv4Addr,
    /// Last address.
    pub end: Ipv4Addr,
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write START-END, for instance 192.168.48.10-192.168.48.99".to_owned();
        let (start, end) = text.split_once('-').ok_or_else(wrong)?;
        let address = |text: &str| text.trim().parse::<Ipv4Addr>().map_err(|_| wrong());
        Ok(Self { start: address(start)?, end: address(end)? })
    }
}

/// A route as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StaticRoute {
    destination: Ipv4Net,
    gateway: Ipv4Addr,
}

impl FromStr for StaticRoute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write DESTINATION=GATEWAY, for instance 10.0.0.0/8=192.168.48.2".to_owned();
        let (destination, gateway) = text.split_once('=').ok_or_else(wrong)?;
        Ok(Self {
            destination: destination.trim().parse().map_err(|_| wrong())?,
            gateway: gateway.trim().parse().map_err(|_| wrong())?,
        })
    }
}

impl From<&StaticRoute> for Route {
    fn from(route: &StaticRoute) -> Self {
        Self { destination: route.destination.to_string(), gateway: route.gateway.to_string() }
    }
}

/// An option as a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnyOption(pub OptionValue);

impl FromStr for AnyOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "write OPTION[:TYPE]=VALUE, for instance 66=tftp.lab or tftp-server-name:text=tftp.lab".to_owned()
        };
        let (option, value) = text.split_once('=').ok_or_else(wrong)?;
        let (option, type_) = match option.split_once(':') {
            Some((option, type_)) => (option.trim(), Some(type_.trim().to_owned())),
            None => (option.trim(), None),
        };
        if option.is_empty() || type_.as_deref() == Some("") {
            return Err(wrong());
        }
        let code = option.parse::<i64>().ok();
        let name = code.is_none().then(|| option.to_owned());
        Ok(Self(OptionValue { code, name, type_, value: value.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(text: &str) -> OptionValue {
        text.parse::<AnyOption>().unwrap().0
    }

    #[test]
    fn an_option_has_a_number_or_a_name_perhaps_a_type_and_a_value_with_anything_in_it() {
        let by_code = option("66:text=tftp");
        assert_eq!((by_code.code, by_code.name, by_code.type_.as_deref()), (Some(66), None, Some("text")));
        let by_name = option("wpad=http://proxy:80/x?a=b");
        assert_eq!((by_name.code, by_name.name.as_deref(), by_name.type_), (None, Some("wpad"), None));
        assert_eq!(by_name.value, "http://proxy:80/x?a=b");
        for wrong in ["66", "=x", ":text=x", "66:=x"] {
            assert!(wrong.parse::<AnyOption>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_range_is_where_upstream_looks_for_it() {
        let ranges: Vec<AddressRange> =
            ["10.0.0.1-10.0.0.9", "10.0.0.20-10.0.0.29"].iter().map(|text| text.parse().unwrap()).collect();
        let mut pool = PoolRange::default();
        write_ranges(&mut pool, &ranges);
        assert_eq!((pool.start.as_deref(), pool.end.as_deref()), (Some("10.0.0.1"), Some("10.0.0.9")));
        assert_eq!(pool.ranges.len(), 1);
        assert_eq!(read_ranges(&pool), ranges);
    }

    #[test]
    fn fields_that_are_not_given_stay() {
        let mut config = IPv4Config { mtu: Some(1400), dns: vec!["1.1.1.1".into()], ..IPv4Config::default() };
        PoolFields { router: Some(Ipv4Addr::new(10, 0, 0, 1)), ..PoolFields::default() }.write(&mut config);
        assert_eq!(
            (config.mtu, config.dns.len(), config.router.as_deref()),
            (Some(1400), 1, Some("10.0.0.1"))
        );
    }
}
