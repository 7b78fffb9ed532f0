//! Values that a pool may leave out: computed once, when it is created, and stored; never on read.
//!
//! So a pool keeps its server's address when its exclusions change later.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::check::{parse_subnet, written};
use crate::api::{IPPoolSpec, IPv4Config};

/// Fills in `serverIP`, `start` and `end` where they are empty, and says whether anything was.
///
/// As upstream does (COMPAT 5): the server gets the first address that is neither the router's nor excluded; the range
/// is the whole subnet. With `ranges` there, `start` and `end` stay empty. What cannot be read is left alone: the
/// checks that follow will say what is wrong with it.
pub fn apply(spec: &mut IPPoolSpec) -> bool {
    let Some(config) = &mut spec.ipv4_config else { return false };
    let Some(cidr) = parse_subnet(&config.cidr) else { return false };
    let cidr = cidr.trunc();
    if cidr.prefix_len() > 30 {
        return false;
    }
    let mut changed = false;
    if written(config.server_ip.as_ref()).is_none()
        && let Some(server) = free_for_server(config, cidr)
    {
        config.server_ip = Some(server.to_string());
        changed = true;
    }
    let range = &mut config.pool;
    if written(range.start.as_ref()).is_none()
        && written(range.end.as_ref()).is_none()
        && range.ranges.is_empty()
    {
        range.start = Some(Ipv4Addr::from(u32::from(cidr.network()) + 1).to_string());
        range.end = Some(Ipv4Addr::from(u32::from(cidr.broadcast()) - 1).to_string());
        changed = true;
    }
    changed
}

fn free_for_server(config: &IPv4Config, cidr: Ipv4Net) -> Option<Ipv4Addr> {
    let mut free = crate::ipam::AddressSet::new();
    free.insert(
        Ipv4Addr::from(u32::from(cidr.network()) + 1),
        Ipv4Addr::from(u32::from(cidr.broadcast()) - 1),
    );
    for (first, last) in super::check::excluded(config).intervals() {
        free.remove(first, last);
    }
    let taken = config.reservations.iter().filter_map(|r| r.ip_address.as_ref()).chain(&config.router);
    for address in taken.filter_map(|text| text.trim().parse().ok()) {
        free.remove(address, address);
    }
    free.nth(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PoolRange;

    fn defaulted(cidr: &str, router: Option<&str>, exclude: &[&str]) -> IPv4Config {
        let config = IPv4Config {
            cidr: cidr.into(),
            router: router.map(Into::into),
            pool: PoolRange { exclude: exclude.iter().map(|&e| e.into()).collect(), ..PoolRange::default() },
            ..IPv4Config::default()
        };
        let mut spec =
            IPPoolSpec { network_name: "net".into(), ipv4_config: Some(config), ..IPPoolSpec::default() };
        assert!(apply(&mut spec));
        assert!(!apply(&mut spec), "defaults are filled in once");
        spec.ipv4_config.unwrap()
    }

    #[test]
    fn the_two_examples_of_upstream_get_its_defaults() {
        let c = defaulted("192.168.0.0/24", None, &[]);
        assert_eq!(
            (c.server_ip.as_deref(), c.pool.start.as_deref()),
            (Some("192.168.0.1"), Some("192.168.0.1"))
        );
        assert_eq!(c.pool.end.as_deref(), Some("192.168.0.254"));
        let c = defaulted("172.19.64.128/29", Some("172.19.64.129"), &[]);
        assert_eq!(
            (c.server_ip.as_deref(), c.pool.start.as_deref()),
            (Some("172.19.64.130"), Some("172.19.64.129"))
        );
        assert_eq!(c.pool.end.as_deref(), Some("172.19.64.134"));
    }

    #[test]
    fn the_server_gets_no_excluded_address() {
        assert_eq!(defaulted("10.0.0.0/8", None, &["10.0.0.0/16"]).server_ip.as_deref(), Some("10.1.0.0"));
    }
}
