//! Rules of IPPools, as CEL.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

use super::claim::macs;
use super::options::{allowed, named, numbered, options, typed};
use super::terms::{
    is_domain_name, is_ipv4, is_network_name, is_subnet, is_unicast, is_usable_subnet, mac_digits,
    names_a_network, number, parts, size, trimmed,
};
use super::{
    ADDRESS, Items, NUMBER, OTHER_ADDRESS, SUBNET, Sentence, VALUE, of_fields, of_value, quoted, sentence,
};
use crate::admission::PoolChangeError;
use crate::api::limits::MOST_CLASSES;
use crate::mac::MacAddr;
use crate::network::NetworkNameError;
use crate::pool::{DEFAULT_LEASE_TIME, ForeignServerPolicy, LONGEST_LEASE, MTU, PoolError};

/// The subnet, in rules on `ipv4Config`.
const CIDR: &str = "self.cidr.trim()";

/// Longest list of reservations whose items are compared with each other.
const MOST_COMPARED: usize = 512;
/// Most pairs of a reservation and an exclusion that are compared.
const MOST_PAIRS: usize = 50_000;

/// What a pool's error says, without the field.
pub(super) fn says(error: &PoolError, values: &[(&dyn std::fmt::Display, &str)]) -> Sentence {
    sentence(error.sentence(), values)
}

/// Of `spec`.
pub(crate) fn pool() -> Vec<ValidationRule> {
    // Removing it is a change; that it has always been missing is none.
    vec![of_fields(&["ipv4Config"], "has(self.ipv4Config)", says(&PoolError::NoIpv4Config, &[]))]
}

/// Of `spec.networkName`.
pub(crate) fn network_name() -> Vec<ValidationRule> {
    let error = |error: fn(String) -> NetworkNameError| {
        says(&PoolError::NetworkName(error(VALUE.to_owned())), &[(&VALUE, "self")])
    };
    vec![
        of_value(names_a_network("self"), error(NetworkNameError::Empty)),
        of_value(
            format!("!{} || {}", names_a_network("self"), is_network_name("self")),
            error(NetworkNameError::Malformed),
        ),
        of_value("self == oldSelf", sentence(PoolChangeError::NetworkNameChanged, &[])),
    ]
}

/// Of `cidr`.
pub(crate) fn cidr() -> Vec<ValidationRule> {
    let text = "self.trim()";
    let masked: &[(&dyn std::fmt::Display, &str)] = &[(&SUBNET, "string(cidr(self.trim()).masked())")];
    vec![
        of_value(is_subnet(text), says(&PoolError::Cidr { value: VALUE.to_owned() }, &[(&VALUE, "self")])),
        of_value(
            format!("!{} || cidr({text}).prefixLength() <= 30", is_subnet(text)),
            says(&PoolError::CidrTooSmall { cidr: SUBNET }, masked),
        ),
        of_value(
            format!("!{} || cidr({text}).prefixLength() > 0 && {}", is_subnet(text), is_unicast(text)),
            says(&PoolError::CidrNotUnicast { cidr: SUBNET }, masked),
        ),
        of_value(
            "self == oldSelf",
            sentence(PoolChangeError::CidrChanged { from: VALUE.to_owned() }, &[(&VALUE, "oldSelf")]),
        ),
    ]
}

/// Of an address that may be left empty.
pub(crate) fn address() -> Vec<ValidationRule> {
    vec![of_value(format!("self.trim() == '' || {}", is_ipv4("self.trim()")), not_an_address("self"))]
}

fn not_an_address(text: &str) -> Sentence {
    says(&PoolError::Address { field: String::new(), value: VALUE.to_owned() }, &[(&VALUE, text)])
}

fn not_a_domain_name(text: &str) -> Sentence {
    says(&PoolError::DomainName { field: String::new(), value: VALUE.to_owned() }, &[(&VALUE, text)])
}

pub(super) fn out_of_bounds(value: &str, (lowest, highest): (i64, i64), unit: &'static str) -> Sentence {
    let error = PoolError::OutOfBounds { field: String::new(), value: NUMBER, lowest, highest, unit };
    says(&error, &[(&NUMBER, value)])
}

/// Of a domain name that may be left empty.
pub(crate) fn domain_name() -> Vec<ValidationRule> {
    vec![of_value(
        format!("self.trim() == '' || {}", is_domain_name("self.trim()")),
        not_a_domain_name("self"),
    )]
}

/// Of a lease time.
pub(crate) fn lease_time() -> Vec<ValidationRule> {
    vec![of_value(format!("self <= {LONGEST_LEASE}"), out_of_bounds("self", (1, LONGEST_LEASE), " seconds"))]
}

/// Of `mtu`.
pub(crate) fn mtu() -> Vec<ValidationRule> {
    let (lowest, highest) = MTU;
    vec![of_value(format!("self >= {lowest} && self <= {highest}"), out_of_bounds("self", MTU, " bytes"))]
}

/// Of `foreignServerPolicy`.
pub(crate) fn foreign_server_policy() -> Vec<ValidationRule> {
    let policies: Vec<_> = ForeignServerPolicy::ALL.iter().map(|policy| quoted(policy.as_str())).collect();
    let error = PoolError::ForeignServerPolicy { value: VALUE.to_owned() };
    vec![of_value(
        format!("self.trim() in ['', {}]", policies.join(", ")),
        says(&error, &[(&VALUE, "self.trim()")]),
    )]
}

/// Of a boot file.
pub(crate) fn boot_file() -> Vec<ValidationRule> {
    vec![of_value(file_fits("self"), file_too_long("self"))]
}

fn file_fits(file: &str) -> String {
    format!("bytes({file}.trim()).size() <= 255")
}

fn file_too_long(file: &str) -> Sentence {
    let error = PoolError::BootFile { field: String::new(), length: super::POSITION };
    says(&error, &[(&super::POSITION, &format!("bytes({file}.trim()).size()"))])
}

/// Of `pool`.
pub(crate) fn range() -> Vec<ValidationRule> {
    let written = |field: &str| format!("(has(self.{field}) && self.{field}.trim() != '')");
    let both = format!("{} == {}", written("start"), written("end"));
    vec![of_fields(&["start", "end"], &both, says(&PoolError::HalfARange, &[]))]
}

/// Of `boot`.
pub(crate) fn boot() -> Vec<ValidationRule> {
    let rules = Items::of("rules");
    vec![
        architectures(rules),
        rules.rule(
            &format!(
                "!has(item.nextServer) || item.nextServer.trim() == '' || {}",
                is_ipv4("item.nextServer.trim()")
            ),
            not_an_address("item.nextServer"),
        ),
        rules.rule(&format!("!has(item.file) || {}", file_fits("item.file")), file_too_long("item.file")),
    ]
}

/// Of `ipv4Config`.
pub(crate) fn ipv4_config() -> Vec<ValidationRule> {
    let mut rules = Vec::new();
    for field in ["serverIP", "router", "pool.start", "pool.end"] {
        rules.extend(
            on_subnet(&format!("self.{field}"))
                .map(|(holds, says)| of_fields(&[field], &format!("!has(self.{field}) || {holds}"), says)),
        );
    }
    rules.extend(server());
    rules.push(lease_times());
    rules.extend(ranges());
    rules.extend(excludes());
    rules.extend(names_and_servers());
    rules.extend(reservations());
    rules.extend(routes());
    rules.extend(options());
    rules.extend(classes());
    rules.push(relays());
    rules
}

/// An address is on the subnet, and one that a host can have. What is no address, and a subnet that no pool can have, are
/// other rules'.
fn on_subnet(text: &str) -> [(String, Sentence); 2] {
    let address = trimmed(text);
    let comparable = format!("!{} || !{}", is_ipv4(&address), is_usable_subnet(CIDR));
    let inside = format!("cidr({CIDR}).containsIP({address})");
    // The first address of a subnet is a multiple of its size; so the one after the last is, too.
    let host = format!(
        "[{}].all(many, [{}].all(number, number % many != 0 && (number + 1) % many != 0))",
        size(CIDR),
        number(&address)
    );
    let values: &[(&dyn std::fmt::Display, &str)] =
        &[(&SUBNET, "string(cidr(self.cidr.trim()).masked())"), (&ADDRESS, &address)];
    let outside = PoolError::OutsideSubnet { field: String::new(), address: ADDRESS, cidr: SUBNET };
    let no_host = PoolError::NotAHost { field: String::new(), address: ADDRESS, which: VALUE, cidr: SUBNET };
    let which = format!("({} % {} == 0 ? 'network' : 'broadcast')", number(&address), size(CIDR));
    [
        (format!("{comparable} || {inside}"), says(&outside, values)),
        (
            format!("{comparable} || !{inside} || {host}"),
            says(&no_host, &[values, &[(&VALUE, which.as_str())]].concat()),
        ),
    ]
}

/// The server's address is its own.
fn server() -> [ValidationRule; 2] {
    let server = "self.serverIP.trim()";
    let unwritten = format!("!has(self.serverIP) || !{}", is_ipv4(server));
    let values: &[(&dyn std::fmt::Display, &str)] = &[(&ADDRESS, server)];
    let is_router = of_fields(
        &["serverIP", "router"],
        &format!("{unwritten} || !has(self.router) || self.router.trim() != {server}"),
        says(&PoolError::ServerIsRouter { address: ADDRESS }, values),
    );
    let excluded = Items::of("pool.exclude").beside(&["serverIP"]).rule(
        &format!("{unwritten} || !{}", covers("item.trim()", server)),
        says(&PoolError::ServerExcluded { address: ADDRESS }, values),
    );
    [is_router, ValidationRule { field_path: Some(".serverIP".to_owned()), ..excluded }]
}

/// `minLeaseTime <= leaseTime <= maxLeaseTime`, where they are set.
fn lease_times() -> ValidationRule {
    let seconds = |field: &str, absent: &str| {
        format!(
            "(has(self.{field}) && self.{field} > 0 && self.{field} <= {LONGEST_LEASE} ? self.{field} : {absent})"
        )
    };
    let lease = seconds("leaseTime", &DEFAULT_LEASE_TIME.to_string());
    let (shortest, longest) = (seconds("minLeaseTime", &lease), seconds("maxLeaseTime", &lease));
    let error = PoolError::LeaseTimes { lease: 424_241, shortest: 424_242, longest: 424_243 };
    of_fields(
        &["leaseTime", "minLeaseTime", "maxLeaseTime"],
        &format!("{shortest} <= {lease} && {lease} <= {longest}"),
        says(&error, &[(&424_241, &lease), (&424_242, &shortest), (&424_243, &longest)]),
    )
}

fn reversed(start: &str, end: &str) -> Sentence {
    let error = PoolError::RangeReversed { field: String::new(), start: ADDRESS, end: OTHER_ADDRESS };
    says(&error, &[(&ADDRESS, start), (&OTHER_ADDRESS, end)])
}

fn in_order(start: &str, end: &str) -> String {
    format!("!{} || !{} || {} <= {}", is_ipv4(start), is_ipv4(end), number(start), number(end))
}

fn ranges() -> Vec<ValidationRule> {
    let (start, end) = ("self.pool.start.trim()", "self.pool.end.trim()");
    let mut rules = vec![ValidationRule {
        field_path: Some(".pool".to_owned()),
        ..of_fields(
            &["pool.start", "pool.end"],
            &format!("!has(self.pool.start) || !has(self.pool.end) || {}", in_order(start, end)),
            reversed(start, end),
        )
    }];
    let list = Items::of("pool.ranges");
    for field in ["item.start", "item.end"] {
        rules.push(list.rule(&is_ipv4(&trimmed(field)), not_an_address(field)));
        rules.extend(on_subnet(field).map(|(holds, says)| list.rule(&holds, says)));
    }
    let (start, end) = ("item.start.trim()", "item.end.trim()");
    rules.push(list.rule(&in_order(start, end), reversed(start, end)));
    rules
}

/// Whether an exclusion is `FIRST-LAST`.
fn is_interval(exclude: &str) -> String {
    let (first, last) = parts(exclude, '-');
    format!("({exclude}.contains('-') && {} && {})", is_ipv4(&first), is_ipv4(&last))
}

/// First and last address of an exclusion, as numbers; of what is none, an interval with nothing in it.
fn interval(exclude: &str) -> String {
    let (first, last) = parts(exclude, '-');
    let (base, _) = parts(exclude, '/');
    let subnet = format!(
        "[[{}, {}]].map(subnet, [subnet[0] - subnet[0] % subnet[1], subnet[0] - subnet[0] % subnet[1] + subnet[1] - 1])[0]",
        number(&base),
        size(exclude)
    );
    format!(
        "({} ? [{number}, {number}] : {} ? {subnet} : {} ? [{}, {}] : [1, 0])",
        is_ipv4(exclude),
        is_subnet(exclude),
        is_interval(exclude),
        number(&first),
        number(&last),
        number = number(exclude),
    )
}

/// Whether an exclusion covers an address.
fn covers(exclude: &str, address: &str) -> String {
    let (first, last) = parts(exclude, '-');
    format!(
        "({exclude} == {address} || {} && cidr({exclude}).containsIP({address}) || {} && {} <= {number} && {number} <= {})",
        is_subnet(exclude),
        is_interval(exclude),
        number(&first),
        number(&last),
        number = number(address),
    )
}

fn excludes() -> [ValidationRule; 2] {
    let list = Items::of("pool.exclude");
    let text = "item.trim()";
    let (first, last) = parts(text, '-');
    let error = PoolError::Exclude { field: String::new(), value: VALUE.to_owned() };
    [
        list.rule(
            &format!("{} || {} || {}", is_ipv4(text), is_subnet(text), is_interval(text)),
            says(&error, &[(&VALUE, "item")]),
        ),
        list.rule(
            &format!("!{} || {} <= {}", is_interval(text), number(&first), number(&last)),
            reversed(&first, &last),
        ),
    ]
}

fn names_and_servers() -> [ValidationRule; 3] {
    let text = "item.trim()";
    let ntp = PoolError::NtpServer { field: String::new(), value: VALUE.to_owned() };
    [
        Items::of("dns").rule(&is_ipv4(text), not_an_address("item")),
        Items::of("domainSearch").rule(&is_domain_name(text), not_a_domain_name("item")),
        Items::of("ntp").rule(
            &format!("{} || !{text}.matches('^[0-9.]*$') && {}", is_ipv4(text), is_domain_name(text)),
            says(&ntp, &[(&VALUE, "item")]),
        ),
    ]
}

fn reservations() -> Vec<ValidationRule> {
    let list = Items::of("reservations");
    let mut rules = macs(list).to_vec();
    let address = "item.ipAddress.trim()";
    let unwritten = format!("!has(item.ipAddress) || {address} == ''");
    rules.push(list.rule(&format!("{unwritten} || {}", is_ipv4(address)), not_an_address("item.ipAddress")));
    rules.extend(
        on_subnet("item.ipAddress")
            .map(|(holds, says)| list.rule(&format!("!has(item.ipAddress) || {holds}"), says)),
    );
    for (field, why) in
        [("serverIP", "it is the DHCP server's address"), ("router", "it is the router's address")]
    {
        let error = PoolError::ReservedElsewhere { field: String::new(), address: ADDRESS, why };
        rules.push(list.beside(&[field]).rule(
            &format!("{unwritten} || !has(self.{field}) || self.{field}.trim() != {address}"),
            says(&error, &[(&ADDRESS, address)]),
        ));
    }
    let why = "it is excluded by spec.ipv4Config.pool.exclude";
    let excluded = PoolError::ReservedElsewhere { field: String::new(), address: ADDRESS, why };
    let exclude = "self.pool.exclude";
    let intervals =
        format!("(has({exclude}) ? {exclude}.map(exclusion, {}) : [])", interval("exclusion.trim()"));
    let excluding = Items { given: Some(("intervals", &intervals)), ..list.beside(&["pool.exclude"]) };
    let covers = format!(
        "[{}].all(number, intervals.all(interval, number < interval[0] || number > interval[1]))",
        number(address)
    );
    rules.push(excluding.rule(
        &format!(
            "{unwritten} || !{} || self.reservations.size() * intervals.size() > {MOST_PAIRS} || {covers}",
            is_ipv4(address),
        ),
        says(&excluded, &[(&ADDRESS, address)]),
    ));
    rules.push(list.rule(
        &format!(
            "!has(item.hostname) || item.hostname.trim() == '' || {}",
            is_domain_name("item.hostname.trim()")
        ),
        not_a_domain_name("item.hostname"),
    ));
    let mac = |item: &str| mac_digits(&format!("{item}.macAddress"));
    let mac_twice = PoolError::DuplicateMac { field: String::new(), mac: MacAddr::EXAMPLE };
    rules.push(list.distinct(
        &[&mac],
        "''",
        MOST_COMPARED,
        says(&mac_twice, &[(&MacAddr::EXAMPLE, "item.macAddress")]),
    ));
    let reserved = |item: &str| format!("(has({item}.ipAddress) ? {item}.ipAddress.trim() : '')");
    let address_twice =
        PoolError::DuplicateAddress { field: String::new(), address: ADDRESS, by: MacAddr::EXAMPLE };
    rules.push(list.distinct(
        &[&reserved],
        "''",
        MOST_COMPARED,
        says(
            &address_twice,
            &[(&ADDRESS, address), (&MacAddr::EXAMPLE, "self.reservations[first].macAddress")],
        ),
    ));
    // Of their options only what costs little: there can be 65,536.
    rules.extend(options_of(list));
    rules
}

/// Of the options of items: only what costs little.
fn options_of(list: Items<'_>) -> impl Iterator<Item = ValidationRule> {
    let option = "option";
    [named(option), numbered(option), allowed(option), typed(option)].into_iter().map(move |(holds, says)| {
        let bad = says
            .format
            .map(|format| format!("[item.options].map(all, all.map(option, !({holds}), {format})[0])[0]"));
        list.rule(
            &format!("!has(item.options) || item.options.all(option, {holds})"),
            Sentence { format: bad, ..says },
        )
    })
}

fn classes() -> Vec<ValidationRule> {
    let list = Items::of("classes");
    let name = |item: &str| format!("{item}.name.trim()");
    let no_name = || {
        let error = PoolError::ClassName { field: String::new(), name: VALUE.to_owned() };
        says(&error, &[(&VALUE, "item.name.trim()")])
    };
    let written = |field: &str| format!("has(item.{field}) && item.{field}.trim() != ''");
    let of_all = PoolError::ClassOfAll { field: String::new() };
    let mac_prefix = PoolError::MacPrefix { field: String::new(), value: VALUE.to_owned() };
    let seconds = "item.leaseTime";
    let mut rules = vec![
        list.rule(&format!("{} != ''", name("item")), no_name()),
        list.distinct(&[&name], "''", MOST_CLASSES, no_name()),
        list.rule(
            &format!(
                "has(item.architectures) && item.architectures.size() > 0 || {} || {} || {}",
                written("vendorClass"),
                written("userClass"),
                written("macPrefix")
            ),
            says(&of_all, &[]),
        ),
        architectures(list),
        list.rule(
            "!has(item.macPrefix) || item.macPrefix.trim() == '' || item.macPrefix.trim().matches('^[0-9a-fA-F]{2}([-:][0-9a-fA-F]{2}){0,5}$')",
            says(&mac_prefix, &[(&VALUE, "item.macPrefix.trim()")]),
        ),
        list.rule(
            &format!("!has({seconds}) || {seconds} >= 1 && {seconds} <= {LONGEST_LEASE}"),
            out_of_bounds(seconds, (1, LONGEST_LEASE), " seconds"),
        ),
    ];
    rules.extend(options_of(list));
    rules
}

/// Of the architectures of items.
fn architectures(list: Items<'_>) -> ValidationRule {
    let numbers =
        "!has(item.architectures) || item.architectures.all(number, number >= 0 && number <= 65535)";
    let bad_number = "item.architectures.filter(number, number < 0 || number > 65535)[0]";
    list.rule(numbers, out_of_bounds(bad_number, (0, 65535), ""))
}

fn relays() -> ValidationRule {
    let text = "item.trim()";
    let error = PoolError::Relay { field: String::new(), value: VALUE.to_owned() };
    Items::of("relays")
        .rule(&format!("{} || {}", is_ipv4(text), is_subnet(text)), says(&error, &[(&VALUE, "item")]))
}

fn routes() -> Vec<ValidationRule> {
    let list = Items::of("routes");
    let destination = PoolError::RouteDestination { field: String::new(), value: VALUE.to_owned() };
    let gateway = "item.gateway.trim()";
    let mut rules = vec![
        list.rule(&is_subnet("item.destination.trim()"), says(&destination, &[(&VALUE, "item.destination")])),
        list.rule(&is_ipv4(gateway), not_an_address("item.gateway")),
    ];
    rules.extend(
        on_subnet("item.gateway")
            .map(|(holds, says)| list.rule(&format!("{gateway} == '0.0.0.0' || {holds}"), says)),
    );
    rules
}
