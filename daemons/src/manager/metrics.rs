//! What the manager counts. The two gauges of a pool carry upstream's names and labels (COMPAT 7).

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use vmdhcp_core::Pool;
use vmdhcp_core::api::IPv4Status;

/// Labels of a pool's gauges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PoolLabels {
    ippool: String,
    cidr: String,
    network: String,
}

impl PoolLabels {
    fn of(pool: &Pool) -> Self {
        Self { ippool: pool.key.to_string(), cidr: pool.cidr.to_string(), network: pool.network.to_string() }
    }
}

/// Counters and gauges of the manager.
#[derive(Debug, Clone)]
pub struct ManagerMetrics {
    used: Family<PoolLabels, Gauge<i64, std::sync::atomic::AtomicI64>>,
    available: Family<PoolLabels, Gauge<i64, std::sync::atomic::AtomicI64>>,
    pub(super) pool_writes: Counter<u64, AtomicU64>,
    pub(super) pool_write_conflicts: Counter<u64, AtomicU64>,
    pub(super) pool_write_refusals: Counter<u64, AtomicU64>,
    pub(super) requests_per_pass: Histogram,
    pub(super) reconcile_errors: Counter<u64, AtomicU64>,
}

impl ManagerMetrics {
    /// Metrics that are served through `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            used: Family::default(),
            available: Family::default(),
            pool_writes: Counter::default(),
            pool_write_conflicts: Counter::default(),
            pool_write_refusals: Counter::default(),
            requests_per_pass: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            reconcile_errors: Counter::default(),
        };
        let Self {
            used,
            available,
            pool_writes,
            pool_write_conflicts,
            pool_write_refusals,
            requests_per_pass,
            reconcile_errors,
        } = &metrics;
        registry.register(
            "vmdhcpcontroller_ippool_used",
            "Addresses of the ranges that a MAC has",
            used.clone(),
        );
        registry.register(
            "vmdhcpcontroller_ippool_available",
            "Addresses of the ranges that can be given out",
            available.clone(),
        );
        registry.register("vmdhcp_pool_writes", "Writes of a pool's status", pool_writes.clone());
        registry.register(
            "vmdhcp_pool_write_conflicts",
            "Writes of a pool's status that came too late",
            pool_write_conflicts.clone(),
        );
        registry.register(
            "vmdhcp_pool_write_refusals",
            "Writes of a pool's status that the API refused",
            pool_write_refusals.clone(),
        );
        registry.register(
            "vmdhcp_requests_per_pass",
            "Requests that one pass over a pool, and so one write, has settled",
            requests_per_pass.clone(),
        );
        registry.register(
            "vmdhcp_reconcile_errors",
            "Reconciliations that failed and are tried again",
            reconcile_errors.clone(),
        );
        metrics
    }

    /// Shows a pool's counts.
    pub(super) fn show(&self, pool: &Pool, status: &IPv4Status) {
        let labels = PoolLabels::of(pool);
        self.used.get_or_create(&labels).set(status.used);
        self.available.get_or_create(&labels).set(status.available);
    }

    /// Takes a deleted pool's series away.
    pub(super) fn forget(&self, pool: &Pool) {
        let labels = PoolLabels::of(pool);
        self.used.remove(&labels);
        self.available.remove(&labels);
    }
}
