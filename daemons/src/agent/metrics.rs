//! What agents count, as Prometheus reads it. A pool's series come and go with its agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use vmdhcp_core::pool::PoolRef;

use super::counts::{Counts, Durations, Messages};

/// The metrics of all agents of a process, by pool. Clones are handles on the same thing.
#[derive(Debug, Clone, Default)]
pub struct AgentMetrics {
    pools: Arc<Mutex<BTreeMap<String, Arc<PoolMetrics>>>>,
}

impl AgentMetrics {
    /// Shows these metrics in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The metrics of a new agent, which replace those of an earlier agent of its pool.
    pub(crate) fn add(self, pool: &PoolRef) -> Registration {
        let metrics = Arc::new(PoolMetrics::default());
        self.lock().insert(pool.to_string(), Arc::clone(&metrics));
        Registration { all: self, pool: pool.to_string(), metrics }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<PoolMetrics>>> {
        // A map that a panicking thread left behind is still a map of counters.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows an agent's metrics until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    all: AgentMetrics,
    pool: String,
    metrics: Arc<PoolMetrics>,
}

impl Registration {
    pub(crate) const fn metrics(&self) -> &Arc<PoolMetrics> {
        &self.metrics
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut pools = self.all.lock();
        // By now they may be another agent's.
        if pools.get(&self.pool).is_some_and(|current| Arc::ptr_eq(current, &self.metrics)) {
            pools.remove(&self.pool);
        }
    }
}

/// What one agent counts.
#[derive(Debug, Default)]
pub(crate) struct PoolMetrics {
    /// Messages of clients, by type, answer and reason.
    pub(crate) messages: Messages,
    /// Packets that are no message of a client, by reason.
    pub(crate) malformed: Counts<1, 40>,
    /// Broadcast messages whose frame came from another card than they are about, and not by a relay agent.
    pub(crate) other_sources: AtomicU64,
    /// From receiving a message to having sent the answer.
    pub(crate) answer_time: Durations,
    /// Answers that the kernel did not take.
    pub(crate) unsent: AtomicU64,
    /// Options that clients did not get because they take only short packets.
    pub(crate) options_left_out: AtomicU64,
    /// Leases in the table.
    pub(crate) leases: AtomicU64,
    /// Leases that vanished without retiring and go on being served.
    pub(crate) carried_leases: AtomicU64,
    /// Versions of the pool that were taken.
    pub(crate) tables: AtomicU64,
    /// Versions of the pool that could not be served, by reason.
    pub(crate) refused_tables: Counts<1, 8>,
    /// Failures of the watch on the pool.
    pub(crate) watch_errors: AtomicU64,
    /// Whether the agent is ready.
    pub(crate) ready: AtomicBool,
    /// Whether its table is known to be the newest.
    pub(crate) current: AtomicBool,
    /// Whether nobody is answered because of other DHCP servers, or before it is known that there are none.
    pub(crate) stands_down: AtomicBool,
    /// Whether its table comes from a snapshot.
    pub(crate) from_snapshot: AtomicBool,
    /// Addresses for which another card answers.
    pub(crate) conflicts: AtomicU64,
    /// Other DHCP servers on the network.
    pub(crate) foreign_servers: AtomicU64,
    /// ARP probes of new leases, by result.
    pub(crate) probes: Counts<1, 8>,
}

/// Adds one to a count that nothing else depends on.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Collector for AgentMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let pools = self.lock().clone();
        let mut families = Families { encoder, pools: &pools };
        families.counts(
            "vmdhcp_agent_messages",
            "Messages of DHCP clients, by type, answer and reason",
            ["type", "result", "reason"],
            |pool| pool.messages.iter().collect(),
        )?;
        families.counts(
            "vmdhcp_agent_malformed_packets",
            "Packets to the DHCP port that are no message of a client, by reason",
            ["reason"],
            |pool| pool.malformed.iter().collect(),
        )?;
        families.counts(
            "vmdhcp_agent_refused_tables",
            "Versions of the pool that could not be served, by reason; the one before goes on being served",
            ["reason"],
            |pool| pool.refused_tables.iter().collect(),
        )?;
        families.counts(
            "vmdhcp_agent_probes",
            "ARP probes of new leases, by result",
            ["result"],
            |pool| pool.probes.iter().collect(),
        )?;
        families.answer_time()?;
        let number = |value: &AtomicU64| value.load(Ordering::Relaxed);
        families.counter(
            "vmdhcp_agent_unsent_answers",
            "Answers that the interface did not take",
            |pool| number(&pool.unsent),
        )?;
        families.counter(
            "vmdhcp_agent_options_left_out",
            "Options that did not fit into what the client takes",
            |pool| number(&pool.options_left_out),
        )?;
        families.counter(
            "vmdhcp_agent_messages_of_other_cards",
            "Broadcast messages that another card sent than the one that they are about: nested VMs, or forgery",
            |pool| number(&pool.other_sources),
        )?;
        families.counter("vmdhcp_agent_tables", "Versions of the pool that were served", |pool| {
            number(&pool.tables)
        })?;
        families.counter("vmdhcp_agent_watch_errors", "Failures of the watch on the pool", |pool| {
            number(&pool.watch_errors)
        })?;
        families.gauge("vmdhcp_agent_leases", "Leases that are served", |pool| number(&pool.leases))?;
        families.gauge(
            "vmdhcp_agent_carried_leases",
            "Leases that vanished from the pool without retiring and go on being served",
            |pool| number(&pool.carried_leases),
        )?;
        families.gauge("vmdhcp_agent_conflicts", "Addresses for which another card answers", |pool| {
            number(&pool.conflicts)
        })?;
        families.gauge("vmdhcp_agent_foreign_servers", "Other DHCP servers on the network", |pool| {
            number(&pool.foreign_servers)
        })?;
        let flag = |value: &AtomicBool| u64::from(value.load(Ordering::Relaxed));
        families.gauge("vmdhcp_agent_ready", "1 while clients are answered", |pool| flag(&pool.ready))?;
        families.gauge(
            "vmdhcp_agent_current",
            "1 while the leases are known to be the newest, so that wrong clients are refused",
            |pool| flag(&pool.current),
        )?;
        families.gauge(
            "vmdhcp_agent_standing_down",
            "1 while nobody is answered because there are other DHCP servers, or it is being looked for them",
            |pool| flag(&pool.stands_down),
        )?;
        families.gauge(
            "vmdhcp_agent_from_snapshot",
            "1 while leases from a snapshot are served because the API has not answered yet",
            |pool| flag(&pool.from_snapshot),
        )
    }
}

/// Writes one family after the other, each with the series of all pools.
struct Families<'e, 'p> {
    encoder: DescriptorEncoder<'e>,
    pools: &'p BTreeMap<String, Arc<PoolMetrics>>,
}

impl Families<'_, '_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        mut each: impl FnMut(&str, &PoolMetrics, &mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, kind)?;
        self.pools.iter().try_for_each(|(pool, metrics)| each(pool, metrics, &mut family))
    }

    fn counts<const WORDS: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; WORDS],
        read: impl Fn(&PoolMetrics) -> Vec<([&'static str; WORDS], u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, |pool, metrics, family| {
            read(metrics).into_iter().try_for_each(|(words, count)| {
                let labels: Vec<_> =
                    [("ippool", pool)].into_iter().chain(labels.iter().copied().zip(words)).collect();
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&count, None)
            })
        })
    }

    fn counter(&mut self, name: &str, help: &str, read: impl Fn(&PoolMetrics) -> u64) -> fmt::Result {
        self.family(name, help, MetricType::Counter, |pool, metrics, family| {
            family
                .encode_family(&[("ippool", pool)])?
                .encode_counter::<NoLabelSet, _, f64>(&read(metrics), None)
        })
    }

    fn gauge(&mut self, name: &str, help: &str, read: impl Fn(&PoolMetrics) -> u64) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, |pool, metrics, family| {
            family.encode_family(&[("ippool", pool)])?.encode_gauge(&read(metrics))
        })
    }

    fn answer_time(&mut self) -> fmt::Result {
        let help = "From receiving a message to having sent the answer";
        self.family("vmdhcp_agent_answer_seconds", help, MetricType::Histogram, |pool, metrics, family| {
            let buckets = metrics.answer_time.buckets();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum = metrics.answer_time.sum().as_secs_f64();
            family
                .encode_family(&[("ippool", pool)])?
                .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use vmdhcp_core::dhcp::{MessageType, Why};

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn a_pool_has_its_series_as_long_as_its_agent() {
        let pool = PoolRef { namespace: "default".into(), name: "net-48".into() };
        let (metrics, mut registry) = (AgentMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        let agent = metrics.clone().add(&pool);
        agent.metrics().messages.add(Some(MessageType::Discover), Why::Offered);
        agent.metrics().answer_time.add(Duration::from_micros(30), 2);
        agent.metrics().leases.store(7, Ordering::Relaxed);
        let shown = text(&registry);
        for line in [
            "vmdhcp_agent_messages_total{ippool=\"default/net-48\",type=\"discover\",result=\"offer\",reason=\"offered\"} 1\n",
            "vmdhcp_agent_answer_seconds_bucket{le=\"0.00005\",ippool=\"default/net-48\"} 2\n",
            "vmdhcp_agent_answer_seconds_count{ippool=\"default/net-48\"} 2\n",
            "vmdhcp_agent_leases{ippool=\"default/net-48\"} 7\n",
        ] {
            assert!(shown.contains(line), "{line}{shown}");
        }
        let next = metrics.add(&pool);
        drop(agent);
        assert!(text(&registry).contains("vmdhcp_agent_leases{ippool=\"default/net-48\"} 0\n"));
        drop(next);
        assert!(!text(&registry).contains("net-48"));
    }
}
