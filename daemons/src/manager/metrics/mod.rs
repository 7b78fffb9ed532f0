//! What the manager counts and shows. Names that upstream has are kept, with their labels (COMPAT 7); docs/metrics.md
//! lists all of them.
//!
//! What is said of an object (a pool, a claim) is made from the objects when it is asked for: so no series outlives its
//! object, or the state that it tells of.

mod claims;
mod pools;
mod requests;

use std::sync::atomic::AtomicU64;

use kube::Client;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub(super) use claims::Claims;
pub(super) use pools::{PoolCounts, Pools};
use requests::Requests;

/// Labels of what failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    controller: &'static str,
    reason: &'static str,
}

/// Labels of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    controller: &'static str,
}

/// Counters and gauges of the manager.
#[derive(Debug, Clone)]
pub struct ManagerMetrics {
    pub(super) pools: Pools,
    pub(super) claims: Claims,
    pub(super) pool_writes: Counter<u64, AtomicU64>,
    pub(super) pool_write_conflicts: Counter<u64, AtomicU64>,
    pub(super) pool_write_refusals: Counter<u64, AtomicU64>,
    pub(super) claims_per_pass: Histogram,
    pub(super) allocation_seconds: Histogram,
    reconcile_errors: Family<FailureLabels, Counter<u64, AtomicU64>>,
    workqueue_depth: Family<QueueLabels, Gauge>,
    requests: Requests,
}

impl ManagerMetrics {
    /// Metrics that are served through `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            pools: Pools::default(),
            claims: Claims::default(),
            pool_writes: Counter::default(),
            pool_write_conflicts: Counter::default(),
            pool_write_refusals: Counter::default(),
            claims_per_pass: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            allocation_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 14)),
            reconcile_errors: Family::default(),
            workqueue_depth: Family::default(),
            requests: Requests::default(),
        };
        let Self {
            pools,
            claims,
            pool_writes,
            pool_write_conflicts,
            pool_write_refusals,
            claims_per_pass,
            allocation_seconds,
            reconcile_errors,
            workqueue_depth,
            requests,
        } = &metrics;
        registry.register_collector(Box::new(pools.clone()));
        registry.register_collector(Box::new(claims.clone()));
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
            "vmdhcp_claims_per_pass",
            "Claims that waited for one pass over a pool, and so for one write",
            claims_per_pass.clone(),
        );
        registry.register(
            "vmdhcp_allocation_seconds",
            "From the manager's first sight of a network card without an address to its claim saying that it has one",
            allocation_seconds.clone(),
        );
        registry.register(
            "vmdhcp_reconcile_errors",
            "Reconciliations that failed and are tried again",
            reconcile_errors.clone(),
        );
        registry.register(
            "vmdhcp_workqueue_depth",
            "Objects that wait for their turn to be looked at",
            workqueue_depth.clone(),
        );
        requests.register(registry);
        metrics
    }

    /// Counts a reconciliation that failed: of which controller, and the step or the cause in one word.
    pub(super) fn reconcile_failed(&self, controller: &'static str, reason: &'static str) {
        self.reconcile_errors.get_or_create(&FailureLabels { controller, reason }).inc();
    }

    /// The depth of a controller's queue.
    pub(super) fn depth_of(&self, controller: &'static str) -> Gauge {
        self.workqueue_depth.get_or_create_owned(&QueueLabels { controller })
    }

    /// Shows no queue any more.
    pub(super) fn clear_queues(&self) {
        self.workqueue_depth.clear();
    }

    /// A client that does what `client` does, and counts its requests.
    pub(super) fn counted(&self, client: Client) -> Client {
        self.requests.counted(client)
    }
}
