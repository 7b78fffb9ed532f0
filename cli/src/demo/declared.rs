//! What the manifests of the tour declare, and so what its guests have to get.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use super::guest::Lease;

/// The manifests, each with the name of its file: those of the README, and one more VM.
pub(super) const MANIFESTS: [(&str, &str); 3] = [
    ("ippool.yaml", include_str!("../../../examples/ippool.yaml")),
    ("virtualmachinenetworkconfig.yaml", include_str!("../../../examples/virtualmachinenetworkconfig.yaml")),
    ("second-vm.yaml", include_str!("second-vm.yaml")),
];

/// Name of the pool.
pub(super) const POOL: &str = "ippool-1";
/// The addresses that it gives out.
pub(super) const ADDRESSES: RangeInclusive<Ipv4Addr> =
    Ipv4Addr::new(192, 168, 48, 82)..=Ipv4Addr::new(192, 168, 48, 89);
/// The address of its server.
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 77);

const SUBNET_MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 1);
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(1, 1, 1, 1);
const DOMAIN: &str = "aibao.moe";
const LEASE_TIME: u32 = 300;

/// Whether a lease came with every option of the pool.
pub(super) fn has_all_options(lease: &Lease) -> bool {
    let Lease { address: _, subnet_mask, routers, name_servers, domain, search, seconds, server } = lease;
    *subnet_mask == SUBNET_MASK
        && routers == &[ROUTER]
        && name_servers == &[NAME_SERVER]
        && domain.as_deref() == Some(DOMAIN)
        && search == &[DOMAIN]
        && *seconds == LEASE_TIME
        && *server == SERVER
}

#[cfg(test)]
mod tests {
    use vmdhcp_core::Pool;
    use vmdhcp_core::api::IPPool;
    use vmdhcp_core::pool::PoolOptions;

    use super::*;

    #[test]
    fn the_pool_is_what_its_manifest_says() {
        let pool: IPPool = serde_yaml::from_str(MANIFESTS[0].1).unwrap();
        assert_eq!(pool.metadata.name.as_deref(), Some(POOL));
        let pool = Pool::try_from(&pool).unwrap();
        let PoolOptions { dns, domain_name, domain_search, lease_time, .. } = pool.options;
        let lease = Lease {
            address: *ADDRESSES.start(),
            subnet_mask: pool.cidr.netmask(),
            routers: pool.router.into_iter().collect(),
            name_servers: dns,
            domain: domain_name,
            search: domain_search,
            seconds: lease_time,
            server: pool.server,
        };
        assert!(has_all_options(&lease));
        assert!(!has_all_options(&Lease { name_servers: Vec::new(), ..lease }));
    }
}
