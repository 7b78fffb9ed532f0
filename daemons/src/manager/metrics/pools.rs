//! What is shown of each pool.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use vmdhcp_core::Pool;
use vmdhcp_core::api::IPv4Status;
use vmdhcp_core::pool::PoolRef;

/// What is shown of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager) struct PoolCounts {
    ippool: String,
    cidr: String,
    network: String,
    used: i64,
    available: i64,
    retiring: usize,
    quarantined: usize,
    conflicts: usize,
    foreign_servers: usize,
    /// Network cards that have no address, by the reason.
    waiting: BTreeMap<&'static str, usize>,
}

impl PoolCounts {
    pub(in crate::manager) fn new(
        pool: &Pool,
        status: &IPv4Status,
        waiting: BTreeMap<&'static str, usize>,
    ) -> Self {
        Self {
            ippool: pool.key.to_string(),
            cidr: pool.cidr.to_string(),
            network: pool.network.to_string(),
            used: status.used,
            available: status.available,
            retiring: status.retiring.len() + status.released.len(),
            quarantined: status.quarantined.len(),
            conflicts: 0,
            foreign_servers: 0,
            waiting,
        }
    }

    /// With how many addresses agents find in use by others, and how many servers.
    pub(in crate::manager) fn with_seen(self, conflicts: usize, foreign_servers: usize) -> Self {
        Self { conflicts, foreign_servers, ..self }
    }

    fn labels(&self) -> [(&'static str, &str); 3] {
        [("ippool", &self.ippool), ("cidr", &self.cidr), ("network", &self.network)]
    }
}

/// What is shown of all pools.
#[derive(Debug, Clone, Default)]
pub(in crate::manager) struct Pools(Arc<Mutex<BTreeMap<PoolRef, PoolCounts>>>);

impl Pools {
    /// Shows a pool as it is now.
    pub(in crate::manager) fn show(&self, pool: PoolRef, counts: PoolCounts) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool, counts);
    }

    /// Takes all series of a pool away.
    pub(in crate::manager) fn forget(&self, pool: &PoolRef) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(pool);
    }

    /// Takes everything away.
    pub(in crate::manager) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Collector for Pools {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gauge = |name: &str, help: &str, value: fn(&PoolCounts) -> i64| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            pools
                .values()
                .try_for_each(|pool| family.encode_family(&pool.labels())?.encode_gauge(&value(pool)))
        };
        gauge("vmdhcpcontroller_ippool_used", "Addresses of the ranges that a MAC has", |pool| pool.used)?;
        gauge(
            "vmdhcpcontroller_ippool_available",
            "Addresses of the ranges that can be given out",
            |pool| pool.available,
        )?;
        gauge(
            "vmdhcp_pool_retiring",
            "Addresses that have left their MAC and may still be in use",
            |pool| i64::try_from(pool.retiring).unwrap_or(i64::MAX),
        )?;
        gauge(
            "vmdhcp_pool_conflicts",
            "Addresses that agents find in use by somebody who does not have them",
            |pool| i64::try_from(pool.conflicts).unwrap_or(i64::MAX),
        )?;
        gauge(
            "vmdhcp_pool_quarantined",
            "Addresses that are given to nobody because somebody used them who did not have them",
            |pool| i64::try_from(pool.quarantined).unwrap_or(i64::MAX),
        )?;
        gauge("vmdhcp_pool_foreign_servers", "DHCP servers on the network that are not ours", |pool| {
            i64::try_from(pool.foreign_servers).unwrap_or(i64::MAX)
        })?;
        let mut family = encoder.encode_descriptor(
            "vmdhcp_pool_waiting_cards",
            "Network cards that wait for an address, by the reason",
            None,
            MetricType::Gauge,
        )?;
        pools.values().try_for_each(|pool| {
            pool.waiting.iter().try_for_each(|(reason, count)| {
                let labels = [("ippool", pool.ippool.as_str()), ("reason", reason)];
                family.encode_family(&labels)?.encode_gauge(&i64::try_from(*count).unwrap_or(i64::MAX))
            })
        })
    }
}
