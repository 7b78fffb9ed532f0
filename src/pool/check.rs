//! Every rule of a pool that needs no other object (COMPAT 5).
//!
//! Problems are gathered, not returned at the first: who fixes a manifest wants to see all of them. Those of subnet,
//! server, router and ranges make a pool unusable; those of single options only cost that option.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{
    Boot, BootRule, Class, Criteria, DEFAULT_LEASE_TIME, DhcpOption, ForeignServerPolicy, NtpServer, Pool,
    PoolError, PoolErrors, PoolOptions, PoolRef, Reservation, options,
};
use crate::api::limits::{
    MOST_ARCHITECTURES, MOST_BOOT_RULES, MOST_CLASS_OPTIONS, MOST_CLASSES, MOST_DNS, MOST_EXCLUDES, MOST_NTP,
    MOST_OPTIONS, MOST_RANGES, MOST_RELAYS, MOST_RESERVATIONS, MOST_RESERVED_OPTIONS, MOST_ROUTES,
    MOST_SEARCH_DOMAINS,
};
use crate::api::{self, IPPool, IPv4Config, OptionValue};
use crate::ipam::AddressSet;
use crate::mac::MacAddr;
use crate::network::NetworkName;

/// Longest lease in seconds: one below the value that means for ever (RFC 2131 section 3.3).
pub(crate) const LONGEST_LEASE: i64 = 0xffff_fffe;
/// Smallest and largest MTU in bytes (RFC 2132 section 5.1).
pub(crate) const MTU: (i64, i64) = (68, 65535);

/// The pool, and the problems that only cost single options; or the problems, if it cannot be served.
pub(super) fn check(stored: &IPPool) -> Result<(Pool, Vec<PoolError>), PoolErrors> {
    let key = PoolRef::of(stored);
    let mut fatal = Problems::default();
    let network = NetworkName::parse(&stored.spec.network_name, &key.namespace)
        .map_err(|error| fatal.add(PoolError::NetworkName(error)))
        .ok();
    let Some(config) = &stored.spec.ipv4_config else {
        fatal.add(PoolError::NoIpv4Config);
        return Err(fatal.into());
    };
    let mut items = Problems::default();
    let cidr = subnet(config, &mut fatal);
    let addresses = Addresses::check(config, cidr, &mut fatal);
    let reservations = reservations(config, &addresses, &mut items);
    let options = pool_options(config, cidr, &mut items);
    let foreign_server_policy = items.take(foreign_server_policy(config)).unwrap_or_default();
    let Addresses { cidr: Some(cidr), server: Some(server), router, ranges, excluded, exclude_marks } =
        addresses
    else {
        fatal.0.extend(items.0);
        return Err(fatal.into());
    };
    let (Some(network), true) = (network, fatal.0.is_empty()) else {
        fatal.0.extend(items.0);
        return Err(fatal.into());
    };
    let mut domain = ranges.clone();
    for (first, last) in excluded.intervals() {
        domain.remove(first, last);
    }
    for address in [Some(server), router].into_iter().flatten() {
        domain.remove(address, address);
    }
    let paused = stored.spec.paused == Some(true);
    let pool = Pool {
        key,
        network,
        paused,
        foreign_server_policy,
        cidr,
        server,
        router,
        ranges,
        domain,
        excluded,
        exclude_marks,
        reservations,
        options,
    };
    Ok((pool, items.0))
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<PoolError>);

impl Problems {
    fn add(&mut self, error: PoolError) {
        self.0.push(error);
    }

    /// The value, or a problem more.
    fn take<T>(&mut self, result: Result<T, PoolError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// No more than `most` items of a list, and a problem if it has more.
    fn bounded<'a, T>(&mut self, field: &str, items: &'a [T], most: usize) -> &'a [T] {
        if items.len() > most {
            self.add(PoolError::TooMany { field: field.to_owned(), count: items.len(), most });
        }
        &items[..items.len().min(most)]
    }

    /// The number inside its bounds, or a problem.
    fn number(&mut self, field: &str, value: i64, bounds: (i64, i64), unit: &'static str) -> Option<u32> {
        let (lowest, highest) = bounds;
        let inside = (lowest..=highest).contains(&value).then(|| u32::try_from(value).ok()).flatten();
        if inside.is_none() {
            self.add(PoolError::OutOfBounds { field: field.to_owned(), value, lowest, highest, unit });
        }
        inside
    }
}

impl From<Problems> for PoolErrors {
    fn from(problems: Problems) -> Self {
        Self(problems.0)
    }
}

/// A subnet, in the one spelling that every parser reads alike: without leading zeros.
pub(super) fn parse_subnet(text: &str) -> Option<Ipv4Net> {
    let (address, length) = text.trim().split_once('/')?;
    let number = length.parse::<u8>().ok().filter(|number| number.to_string() == length)?;
    Ipv4Net::new(address.parse().ok()?, number).ok()
}

/// The subnet, without host bits; none if a pool cannot have it, so that nothing is said of what is in it.
fn subnet(config: &IPv4Config, problems: &mut Problems) -> Option<Ipv4Net> {
    let Some(written) = parse_subnet(&config.cidr) else {
        problems.add(PoolError::Cidr { value: config.cidr.clone() });
        return None;
    };
    let cidr = written.trunc();
    let network = cidr.network();
    if cidr.prefix_len() > 30 {
        problems.add(PoolError::CidrTooSmall { cidr });
        return None;
    }
    if cidr.prefix_len() == 0
        || network.is_multicast()
        || network.is_loopback()
        || network.octets()[0] >= 224
        || network.octets()[0] == 0
    {
        problems.add(PoolError::CidrNotUnicast { cidr });
        return None;
    }
    Some(cidr)
}

/// What of a pool says who has which address.
struct Addresses {
    cidr: Option<Ipv4Net>,
    server: Option<Ipv4Addr>,
    router: Option<Ipv4Addr>,
    ranges: AddressSet,
    excluded: AddressSet,
    exclude_marks: BTreeSet<Ipv4Addr>,
}

impl Addresses {
    fn check(config: &IPv4Config, cidr: Option<Ipv4Net>, problems: &mut Problems) -> Self {
        let server = written(config.server_ip.as_ref())
            .ok_or_else(|| PoolError::NotDefaulted { field: "spec.ipv4Config.serverIP".to_owned() })
            .and_then(|text| host("spec.ipv4Config.serverIP", text, cidr));
        let server = problems.take(server);
        let router = written(config.router.as_ref())
            .and_then(|text| problems.take(host("spec.ipv4Config.router", text, cidr)));
        let ranges = ranges(config, cidr, problems);
        let (excluded, exclude_marks) = exclusions(config, problems);
        // Also of an address that is bad in another way, as a stored one may be.
        let plain = |text: Option<&String>| written(text).and_then(|text| text.parse::<Ipv4Addr>().ok());
        if let Some(address) = plain(config.server_ip.as_ref()) {
            if plain(config.router.as_ref()) == Some(address) {
                problems.add(PoolError::ServerIsRouter { address });
            }
            if excluded.contains(address) {
                problems.add(PoolError::ServerExcluded { address });
            }
        }
        Self { cidr, server, router, ranges, excluded, exclude_marks }
    }
}

/// A text that was really written: absent and empty mean the same (upstream's mutator needs the empty one).
pub(super) fn written(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Any IPv4 address.
fn address(field: &str, text: &str) -> Result<Ipv4Addr, PoolError> {
    text.trim().parse().map_err(|_| PoolError::Address { field: field.to_owned(), value: text.to_owned() })
}

/// The address of a host on the subnet, as far as there is one.
fn host(field: &str, text: &str, cidr: Option<Ipv4Net>) -> Result<Ipv4Addr, PoolError> {
    let address = address(field, text)?;
    let Some(cidr) = cidr else { return Ok(address) };
    let field = field.to_owned();
    if !cidr.contains(&address) {
        return Err(PoolError::OutsideSubnet { field, address, cidr });
    }
    let which = match address {
        _ if address == cidr.network() => "network",
        _ if address == cidr.broadcast() => "broadcast",
        _ => return Ok(address),
    };
    Err(PoolError::NotAHost { field, address, which, cidr })
}

fn ranges(config: &IPv4Config, cidr: Option<Ipv4Net>, problems: &mut Problems) -> AddressSet {
    const FIELD: &str = "spec.ipv4Config.pool";
    let mut set = AddressSet::new();
    let mut add = |field: &str, start: (&str, &str), end: (&str, &str), problems: &mut Problems| {
        let first = problems.take(host(start.0, start.1, cidr));
        let last = problems.take(host(end.0, end.1, cidr));
        match (first, last) {
            (Some(start), Some(end)) if start > end => {
                problems.add(PoolError::RangeReversed { field: field.to_owned(), start, end });
            }
            (Some(start), Some(end)) => set.insert(start, end),
            _ => {}
        }
    };
    let (start, end) = (written(config.pool.start.as_ref()), written(config.pool.end.as_ref()));
    match (start, end) {
        (Some(start), Some(end)) => {
            add(FIELD, (&format!("{FIELD}.start"), start), (&format!("{FIELD}.end"), end), problems);
        }
        (None, None) if !config.pool.ranges.is_empty() => {}
        (None, None) => problems.add(PoolError::NotDefaulted { field: format!("{FIELD}.start") }),
        _ => problems.add(PoolError::HalfARange),
    }
    let field = format!("{FIELD}.ranges");
    for (at, range) in problems.bounded(&field, &config.pool.ranges, MOST_RANGES).iter().enumerate() {
        let field = format!("{field}[{at}]");
        let (start, end) = (format!("{field}.start"), format!("{field}.end"));
        add(&field, (&start, &range.start), (&end, &range.end), problems);
    }
    set
}

fn exclusions(config: &IPv4Config, problems: &mut Problems) -> (AddressSet, BTreeSet<Ipv4Addr>) {
    const FIELD: &str = "spec.ipv4Config.pool.exclude";
    let (mut set, mut marks) = (AddressSet::new(), BTreeSet::new());
    for (at, text) in problems.bounded(FIELD, &config.pool.exclude, MOST_EXCLUDES).iter().enumerate() {
        let field = format!("{FIELD}[{at}]");
        let entry = text.trim();
        if let Ok(address) = entry.parse::<Ipv4Addr>() {
            set.insert(address, address);
            marks.insert(address);
        } else if let Some(cidr) = parse_subnet(entry) {
            set.insert(cidr.network(), cidr.broadcast());
        } else if let Some((Ok(start), Ok(end))) =
            entry.split_once('-').map(|(a, b)| (a.trim().parse::<Ipv4Addr>(), b.trim().parse::<Ipv4Addr>()))
        {
            if start > end {
                problems.add(PoolError::RangeReversed { field, start, end });
            } else {
                set.insert(start, end);
            }
        } else {
            problems.add(PoolError::Exclude { field, value: text.clone() });
        }
    }
    (set, marks)
}

/// Everything that is excluded, as far as it can be read.
pub(crate) fn excluded(config: &IPv4Config) -> AddressSet {
    exclusions(config, &mut Problems::default()).0
}

fn reservations(
    config: &IPv4Config,
    pool: &Addresses,
    problems: &mut Problems,
) -> BTreeMap<MacAddr, Reservation> {
    const FIELD: &str = "spec.ipv4Config.reservations";
    let mut by_mac = BTreeMap::new();
    let mut by_address = BTreeMap::new();
    for (at, declared) in problems.bounded(FIELD, &config.reservations, MOST_RESERVATIONS).iter().enumerate()
    {
        let api::Reservation { mac_address, ip_address, hostname, options } = declared;
        let field = format!("{FIELD}[{at}]");
        let mac_field = format!("{field}.macAddress");
        let mac = mac_address
            .parse::<MacAddr>()
            .map_err(|error| PoolError::Mac { field: mac_field.clone(), error });
        let Some(mac) = problems.take(mac) else { continue };
        if by_mac.contains_key(&mac) {
            problems.add(PoolError::DuplicateMac { field: mac_field, mac });
            continue;
        }
        let ip_field = format!("{field}.ipAddress");
        let address = match written(ip_address.as_ref()) {
            None => None,
            // A reservation whose address cannot be had is left out whole: its card must not get another one.
            Some(text) => match problems.take(reserved_address(&ip_field, text, pool)) {
                None => continue,
                Some(address) => {
                    if let Some(&by) = by_address.get(&address) {
                        problems.add(PoolError::DuplicateAddress { field: ip_field, address, by });
                        continue;
                    }
                    by_address.insert(address, mac);
                    Some(address)
                }
            },
        };
        let hostname = written(hostname.as_ref())
            .and_then(|text| problems.take(domain_name(&format!("{field}.hostname"), text)));
        let options = option_list(&format!("{field}.options"), options, MOST_RESERVED_OPTIONS, problems);
        by_mac.insert(mac, Reservation { address, hostname, options });
    }
    by_mac
}

fn reserved_address(field: &str, text: &str, pool: &Addresses) -> Result<Ipv4Addr, PoolError> {
    let address = host(field, text, pool.cidr)?;
    let why = match address {
        _ if Some(address) == pool.server => "it is the DHCP server's address",
        _ if Some(address) == pool.router => "it is the router's address",
        _ if pool.excluded.contains(address) => "it is excluded by spec.ipv4Config.pool.exclude",
        _ => return Ok(address),
    };
    Err(PoolError::ReservedElsewhere { field: field.to_owned(), address, why })
}

fn pool_options(config: &IPv4Config, cidr: Option<Ipv4Net>, problems: &mut Problems) -> PoolOptions {
    let field = |name: &str| format!("spec.ipv4Config.{name}");
    let dns = problems.bounded(&field("dns"), &config.dns, MOST_DNS).iter().enumerate();
    let dns: Vec<_> = dns.map(|(at, text)| address(&field(&format!("dns[{at}]")), text)).collect();
    let dns = dns.into_iter().filter_map(|result| problems.take(result)).collect();
    let domain_name_ = written(config.domain_name.as_ref())
        .and_then(|text| problems.take(domain_name(&field("domainName"), text)));
    let mut domain_search = Vec::new();
    for (at, text) in problems
        .bounded(&field("domainSearch"), &config.domain_search, MOST_SEARCH_DOMAINS)
        .iter()
        .enumerate()
    {
        domain_search.extend(problems.take(domain_name(&field(&format!("domainSearch[{at}]")), text)));
    }
    let mut ntp = Vec::new();
    for (at, text) in problems.bounded(&field("ntp"), &config.ntp, MOST_NTP).iter().enumerate() {
        ntp.extend(problems.take(ntp_server(&field(&format!("ntp[{at}]")), text)));
    }
    let (lease_time, lease_bounds) = lease_times(config, problems);
    let mtu = config.mtu.and_then(|mtu| problems.number(&field("mtu"), mtu, MTU, " bytes"));
    let routes = routes(config, cidr, problems);
    let boot = config.boot.as_ref().map(|boot| network_boot(boot, problems));
    let extra = option_list(&field("options"), &config.options, MOST_OPTIONS, problems);
    let classes = classes(config, problems);
    let relays = relays(config, problems);
    PoolOptions {
        dns,
        domain_name: domain_name_,
        domain_search,
        ntp,
        lease_time,
        lease_bounds,
        vm_hostnames: config.vm_hostnames != Some(false),
        mtu: mtu.and_then(|mtu| u16::try_from(mtu).ok()),
        routes,
        boot,
        extra,
        classes,
        relays,
    }
}

/// A domain name as RFC 1035 and the resolvers of guests take it, without a final dot.
pub(super) fn domain_name(field: &str, text: &str) -> Result<String, PoolError> {
    let name = text.trim().strip_suffix('.').unwrap_or_else(|| text.trim());
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(name.to_owned())
    } else {
        Err(PoolError::DomainName { field: field.to_owned(), value: text.to_owned() })
    }
}

fn ntp_server(field: &str, text: &str) -> Result<NtpServer, PoolError> {
    let error = || PoolError::NtpServer { field: field.to_owned(), value: text.to_owned() };
    if let Ok(address) = text.trim().parse() {
        return Ok(NtpServer::Address(address));
    }
    // "300.1.2.3" is a mistyped address rather than a host of that name.
    if text.trim().bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(error());
    }
    domain_name(field, text).map(NtpServer::Name).map_err(|_| error())
}

fn lease_times(config: &IPv4Config, problems: &mut Problems) -> (u32, (u32, u32)) {
    let mut seconds = |name: &str, value: Option<i64>| {
        let value = value.filter(|&seconds| seconds > 0)?;
        problems.number(&format!("spec.ipv4Config.{name}"), value, (1, LONGEST_LEASE), " seconds")
    };
    let lease = seconds("leaseTime", config.lease_time).unwrap_or(DEFAULT_LEASE_TIME);
    let shortest = seconds("minLeaseTime", config.min_lease_time).unwrap_or(lease);
    let longest = seconds("maxLeaseTime", config.max_lease_time).unwrap_or(lease);
    if shortest > lease || lease > longest {
        problems.add(PoolError::LeaseTimes { lease, shortest, longest });
        return (lease, (lease, lease));
    }
    (lease, (shortest, longest))
}

fn routes(config: &IPv4Config, cidr: Option<Ipv4Net>, problems: &mut Problems) -> Vec<(Ipv4Net, Ipv4Addr)> {
    const FIELD: &str = "spec.ipv4Config.routes";
    let mut routes = Vec::new();
    for (at, api::Route { destination, gateway }) in
        problems.bounded(FIELD, &config.routes, MOST_ROUTES).iter().enumerate()
    {
        let parsed = parse_subnet(destination).ok_or_else(|| PoolError::RouteDestination {
            field: format!("{FIELD}[{at}].destination"),
            value: destination.clone(),
        });
        let field = format!("{FIELD}[{at}].gateway");
        let by = match gateway.trim() {
            "0.0.0.0" => Ok(Ipv4Addr::UNSPECIFIED),
            text => host(&field, text, cidr),
        };
        if let (Some(to), Some(by)) = (problems.take(parsed), problems.take(by)) {
            routes.push((to.trunc(), by));
        }
    }
    routes
}

fn network_boot(declared: &api::Boot, problems: &mut Problems) -> Boot {
    const FIELD: &str = "spec.ipv4Config.boot";
    let server = |field: &str, text: Option<&String>, problems: &mut Problems| {
        written(text).and_then(|text| problems.take(address(&format!("{field}.nextServer"), text)))
    };
    let file = |field: &str, text: Option<&String>, problems: &mut Problems| {
        let text = written(text)?;
        if text.len() > 255 {
            problems.add(PoolError::BootFile { field: format!("{field}.file"), length: text.len() });
            return None;
        }
        Some(text.to_owned())
    };
    let mut boot = Boot {
        next_server: server(FIELD, declared.next_server.as_ref(), problems),
        file: file(FIELD, declared.file.as_ref(), problems),
        rules: Vec::new(),
    };
    for (at, rule) in
        problems.bounded(&format!("{FIELD}.rules"), &declared.rules, MOST_BOOT_RULES).iter().enumerate()
    {
        let api::BootRule { architectures, user_class, next_server, file: file_ } = rule;
        let field = format!("{FIELD}.rules[{at}]");
        let Some(architectures) = architecture_list(&field, architectures, problems) else { continue };
        let user_class = written(user_class.as_ref()).map(str::to_owned);
        boot.rules.push(BootRule {
            clients: Criteria { user_class, architectures, ..Criteria::default() },
            next_server: server(&field, next_server.as_ref(), problems),
            file: file(&field, file_.as_ref(), problems),
        });
    }
    boot
}

/// Architectures; none if all of those that were written are wrong, as what is left would match every client.
fn architecture_list(field: &str, declared: &[i64], problems: &mut Problems) -> Option<Vec<u16>> {
    let field = format!("{field}.architectures");
    let mut numbers = Vec::new();
    for (at, &number) in problems.bounded(&field, declared, MOST_ARCHITECTURES).iter().enumerate() {
        let number = problems.number(&format!("{field}[{at}]"), number, (0, 65535), "");
        numbers.extend(number.and_then(|number| u16::try_from(number).ok()));
    }
    (!numbers.is_empty() || declared.is_empty()).then_some(numbers)
}

fn classes(config: &IPv4Config, problems: &mut Problems) -> Vec<Class> {
    const FIELD: &str = "spec.ipv4Config.classes";
    let mut classes: Vec<Class> = Vec::new();
    for (at, declared) in problems.bounded(FIELD, &config.classes, MOST_CLASSES).iter().enumerate() {
        let api::Class { name, vendor_class, user_class, architectures, mac_prefix, options, lease_time } =
            declared;
        let field = format!("{FIELD}[{at}]");
        let name = name.trim();
        if name.is_empty() || classes.iter().any(|class| class.name == name) {
            problems.add(PoolError::ClassName { field: format!("{field}.name"), name: name.to_owned() });
        }
        let options = option_list(&format!("{field}.options"), options, MOST_CLASS_OPTIONS, problems);
        let lease_time = lease_time.and_then(|seconds| {
            problems.number(&format!("{field}.leaseTime"), seconds, (1, LONGEST_LEASE), " seconds")
        });
        let architectures = architecture_list(&field, architectures, problems);
        let mac_prefix = match written(mac_prefix.as_ref()) {
            None => Some(Vec::new()),
            Some(text) => problems.take(octets(text).ok_or_else(|| PoolError::MacPrefix {
                field: format!("{field}.macPrefix"),
                value: text.to_owned(),
            })),
        };
        // A class that lost what tells its clients would be everybody's.
        let (Some(architectures), Some(mac_prefix)) = (architectures, mac_prefix) else { continue };
        let clients = Criteria {
            user_class: written(user_class.as_ref()).map(str::to_owned),
            architectures,
            vendor_class: written(vendor_class.as_ref()).map(str::to_owned),
            mac_prefix,
        };
        if clients == Criteria::default() {
            problems.add(PoolError::ClassOfAll { field });
            continue;
        }
        classes.push(Class { name: name.to_owned(), clients, options, lease_time });
    }
    classes
}

/// One to six pairs of hexadecimal digits, divided by colons or hyphens.
fn octets(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &str| {
        let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let octets: Vec<u8> = text.split([':', '-']).map(pair).collect::<Option<_>>()?;
    (octets.len() <= 6).then_some(octets)
}

fn relays(config: &IPv4Config, problems: &mut Problems) -> Vec<Ipv4Net> {
    const FIELD: &str = "spec.ipv4Config.relays";
    let mut relays = Vec::new();
    for (at, text) in problems.bounded(FIELD, &config.relays, MOST_RELAYS).iter().enumerate() {
        let address = || text.trim().parse::<Ipv4Addr>().ok().map(Ipv4Net::from);
        let relay = parse_subnet(text).or_else(address);
        let relay =
            relay.ok_or_else(|| PoolError::Relay { field: format!("{FIELD}[{at}]"), value: text.clone() });
        relays.extend(problems.take(relay));
    }
    // If all are wrong, nobody may be meant: an empty list would mean everybody.
    if relays.is_empty() && !config.relays.is_empty() {
        relays.push(Ipv4Net::from(Ipv4Addr::BROADCAST));
    }
    relays
}

fn foreign_server_policy(config: &IPv4Config) -> Result<ForeignServerPolicy, PoolError> {
    let Some(text) = written(config.foreign_server_policy.as_ref()) else {
        return Ok(ForeignServerPolicy::default());
    };
    ForeignServerPolicy::ALL
        .into_iter()
        .find(|policy| policy.as_str() == text)
        .ok_or_else(|| PoolError::ForeignServerPolicy { value: text.to_owned() })
}

/// The options of one card; all of them, or none.
pub(super) fn card_options(field: &str, declared: &[OptionValue]) -> Result<Vec<DhcpOption>, PoolErrors> {
    let mut problems = Problems::default();
    let options = option_list(field, declared, MOST_RESERVED_OPTIONS, &mut problems);
    if problems.0.is_empty() { Ok(options) } else { Err(problems.into()) }
}

fn option_list(
    field: &str,
    declared: &[OptionValue],
    most: usize,
    problems: &mut Problems,
) -> Vec<DhcpOption> {
    let mut list: Vec<DhcpOption> = Vec::new();
    for (at, option) in problems.bounded(field, declared, most).iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(option) = problems.take(options::parse(&field, option)) else { continue };
        if list.iter().any(|earlier| earlier.code == option.code) {
            problems.add(PoolError::OptionTwice { field, code: option.code });
        } else {
            list.push(option);
        }
    }
    list
}
