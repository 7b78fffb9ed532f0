//! From what is stored of a pool to what is served: objects in, lease tables out.
//!
//! Pure but for one flag, which the packet path sets: time comes in, and values go out. Four things are remembered from
//! one object to the next, because no single object tells them: the last good state, leases that vanished without having
//! retired (an older backup was restored; their cards go on being renewed, and nobody else gets their addresses),
//! addresses that the server had before, and whether a lease of the pool has ever been acknowledged.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vmdhcp_core::api::{IPPool, REUSE_ALL, REUSE_ANNOTATION};
use vmdhcp_core::dhcp::{Extras, LeaseTable};
use vmdhcp_core::ipam::{Allocations, Memory, Succession};
use vmdhcp_core::pool::{NtpServer, Pool, PoolError, PoolErrors};
use vmdhcp_core::{MacAddr, api};

use super::unleased::Unleased;
use crate::cluster::version;

/// Longest T2 that a client can have been given (one hour), and a tenth for clocks that run slow.
const LONGEST_REBINDING: Duration = Duration::from_secs(66 * 60);
/// Former server addresses that are remembered; more than one in an hour is already odd.
const MOST_FORMER_SERVERS: usize = 8;

/// The state of one pool, from object to object.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    accepted: Option<Accepted>,
    former_servers: Vec<FormerServer>,
}

/// The last state of the pool that could be served.
#[derive(Debug)]
struct Accepted {
    stored: Arc<IPPool>,
    pool: Pool,
    /// What is stored, and what is carried over.
    allocations: Allocations,
    memory: Memory,
    complaints: Vec<PoolError>,
    /// What the status tells beside.
    extras: Extras,
    /// Whether a lease of the pool has been acknowledged. The packet thread sets it; the same for all states of one pool.
    acknowledged: Arc<AtomicBool>,
}

/// An address that the server had, and until when clients may still ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerServer {
    pub(crate) address: Ipv4Addr,
    pub(crate) until: Timestamp,
}

/// Why an object changes nothing: what was served before goes on being served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the pool has no status.ipv4, so its leases are unknown (which is not the same as none)")]
    NoLeases,
    #[error("the pool cannot be served: {0}")]
    Pool(#[from] PoolErrors),
}

impl Refusal {
    /// The word for it in metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::NoLeases => "no_leases",
            Self::Pool(_) => "invalid_pool",
        }
    }
}

/// All that has to be remembered over a restart.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) stored: Arc<IPPool>,
    pub(crate) memory: Memory,
    pub(crate) former_servers: Vec<FormerServer>,
    /// Whether a lease of the pool has been acknowledged.
    pub(crate) acknowledged: bool,
}

impl Tables {
    /// Goes on from what was remembered before a restart.
    pub(crate) fn restore(remembered: Remembered) -> Result<Self, Refusal> {
        let Remembered { stored, memory, former_servers, acknowledged } = remembered;
        let mut accepted = Accepted::read(stored)?;
        memory.carried.restore_into(&mut accepted.allocations, Timestamp::UNIX_EPOCH);
        accepted.memory = memory;
        accepted.acknowledged.fetch_or(acknowledged, Ordering::Relaxed);
        Ok(Self { accepted: Some(accepted), former_servers })
    }

    /// Takes a newer state of the pool, or says why it cannot be served. `now` is the present time.
    pub(crate) fn accept(&mut self, stored: Arc<IPPool>, now: Timestamp) -> Result<(), Refusal> {
        let mut next = Accepted::read(stored)?;
        match self.accepted.take() {
            Some(previous) if previous.stored.metadata.uid == next.stored.metadata.uid => {
                if previous.allocations.longest_lease.is_some() && next.allocations.longest_lease.is_none() {
                    self.accepted = Some(previous);
                    return Err(Refusal::NoLeases);
                }
                self.note_former_server(&previous.pool, &next.pool, now);
                // Once it is so it stays so, also if the pool has forgotten it.
                let acknowledged = next.acknowledged.load(Ordering::Relaxed);
                previous.acknowledged.fetch_or(acknowledged, Ordering::Relaxed);
                next.acknowledged = Arc::clone(&previous.acknowledged);
                let released = next.stored.metadata.annotations.as_ref();
                let released = released.and_then(|annotations| annotations.get(REUSE_ANNOTATION));
                let released: Vec<_> =
                    released.into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
                let succession = Succession {
                    went_back: version(&*next.stored) < version(&*previous.stored),
                    released: &released.iter().filter_map(|address| address.parse().ok()).collect(),
                    nothing_else_used: released.contains(&REUSE_ALL),
                    now,
                };
                next.memory =
                    previous.memory.follow(&previous.allocations, &mut next.allocations, succession);
            }
            Some(_) | None => self.former_servers.clear(),
        }
        self.accepted = Some(next);
        Ok(())
    }

    /// Forgets everything: the pool is no more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    fn note_former_server(&mut self, previous: &Pool, next: &Pool, now: Timestamp) {
        if previous.server != next.server {
            let rebinding = Duration::from_secs(previous.longest_lease().into()).min(LONGEST_REBINDING);
            if let Ok(until) = now.checked_add(rebinding) {
                self.former_servers.insert(0, FormerServer { address: previous.server, until });
            }
        }
        self.former_servers.retain(|former| former.until > now && former.address != next.server);
        self.former_servers.truncate(MOST_FORMER_SERVERS);
    }

    /// When the table has to be built anew although nothing has changed: a former server address runs out.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.former_servers.iter().map(|former| former.until).min()
    }

    /// Drops former server addresses that have run out by `now`.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.former_servers.retain(|former| former.until > now);
    }

    /// The table, as far as there is one. `extras` need not name former server addresses, nor what the status tells.
    pub(crate) fn build(&self, extras: &Extras) -> Option<LeaseTable> {
        let Accepted { pool, allocations, extras: of_status, .. } = self.accepted.as_ref()?;
        let is_taken = |address: Ipv4Addr| {
            // Whoever has the address now must not share it with us.
            allocations.held.contains_key(&address) || pool.router == Some(address)
        };
        let former = self.former_servers.iter().map(|former| former.address);
        let previous_servers = former.filter(|address| !is_taken(*address)).collect();
        let carried = self.memory().carried.held.into_keys().collect();
        let extras = Extras {
            previous_servers,
            carried,
            clients: Arc::clone(&of_status.clients),
            network_mtu: of_status.network_mtu.or(extras.network_mtu),
            ..extras.clone()
        };
        Some(LeaseTable::build(pool, allocations, &extras))
    }

    /// The checked pool.
    pub(crate) fn pool(&self) -> Option<&Pool> {
        self.accepted.as_ref().map(|accepted| &accepted.pool)
    }

    /// The object that it was read from.
    pub(crate) fn stored(&self) -> Option<&Arc<IPPool>> {
        self.accepted.as_ref().map(|accepted| &accepted.stored)
    }

    /// What is remembered of the pool beside what it says: leases that vanished, above all.
    pub(crate) fn memory(&self) -> Memory {
        self.accepted.as_ref().map(|accepted| accepted.memory.clone()).unwrap_or_default()
    }

    /// Pairs that vanished from the pool, those first of which it says nothing at all.
    pub(crate) fn carried(&self) -> Vec<(Ipv4Addr, MacAddr)> {
        let Some(accepted) = &self.accepted else { return Vec::new() };
        let status = accepted.stored.status.as_ref().and_then(|status| status.ipv4.as_ref());
        let is_kept = |address: Ipv4Addr| {
            status
                .is_some_and(|ipv4| ipv4.retiring.get(&address.to_string()).is_some_and(|entry| entry.served))
        };
        let mut carried: Vec<_> = accepted.memory.carried.iter().collect();
        carried.sort_by_cached_key(|&(address, mac)| (is_kept(address), address, mac));
        carried
    }

    /// Whether a lease of the pool has been acknowledged, which whoever does so sets.
    pub(crate) fn acknowledged(&self) -> Arc<AtomicBool> {
        self.accepted.as_ref().map(|accepted| Arc::clone(&accepted.acknowledged)).unwrap_or_default()
    }

    /// The addresses that nobody has.
    pub(crate) fn unleased(&self) -> Unleased {
        self.accepted.as_ref().map(|accepted| Unleased::of(&accepted.allocations)).unwrap_or_default()
    }

    /// Options that are left out because they are wrong.
    pub(crate) fn complaints(&self) -> &[PoolError] {
        self.accepted.as_ref().map_or(&[], |accepted| &accepted.complaints)
    }

    /// Names of time servers that have to be resolved.
    pub(crate) fn ntp_names(&self) -> Vec<String> {
        let servers = self.pool().map_or(&[][..], |pool| &pool.options.ntp);
        let name = |server: &NtpServer| match server {
            NtpServer::Name(name) => Some(name.clone()),
            NtpServer::Address(_) => None,
        };
        servers.iter().filter_map(name).collect()
    }

    /// What to remember over a restart.
    pub(crate) fn remember(&self) -> Option<Remembered> {
        let Accepted { stored, memory, acknowledged, .. } = self.accepted.as_ref()?;
        Some(Remembered {
            stored: Arc::clone(stored),
            memory: memory.clone(),
            former_servers: self.former_servers.clone(),
            acknowledged: acknowledged.load(Ordering::Relaxed),
        })
    }
}

impl Accepted {
    fn read(stored: Arc<IPPool>) -> Result<Self, Refusal> {
        let status = stored.status.as_ref().and_then(|status| status.ipv4.as_ref());
        let status = status.ok_or(Refusal::NoLeases)?;
        let (allocations, extras) = (Allocations::read(status), Extras::of_status(status));
        let (pool, complaints) = Pool::from_stored(&stored)?;
        let is_marked = stored.status.as_ref().is_some_and(|status| status.first_acknowledged.is_some());
        let acknowledged = Arc::new(AtomicBool::new(is_marked));
        Ok(Self { stored, pool, allocations, memory: Memory::default(), complaints, extras, acknowledged })
    }
}

/// An object without what an agent does not need: who wrote which field, and much of the status.
pub(crate) fn trimmed(mut stored: IPPool) -> IPPool {
    stored.metadata.managed_fields = None;
    if let Some(status) = &mut stored.status {
        let api::IPPoolStatus {
            last_update,
            ipv4: _,
            agent_pod_ref,
            agents: _,
            route_helpers: _,
            first_acknowledged: _,
            foreign_servers: _,
            conditions,
            observed_generation,
        } = status;
        (*last_update, *agent_pod_ref, *observed_generation) = (None, None, None);
        conditions.clear();
    }
    stored
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use vmdhcp_core::api::{LossCause, RecoveryStatus, RetiringAddress};

    /// A pool with these leases, as the API has it.
    pub(crate) fn stored(allocated: &[(&str, &str)]) -> IPPool {
        let allocated: BTreeMap<_, _> = allocated.iter().copied().collect();
        serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "IPPool",
            "metadata": {
                "namespace": "default", "name": "net-48", "uid": "u-1", "resourceVersion": "7"
            },
            "spec": {
                "networkName": "default/net-48",
                "ipv4Config": {
                    "cidr": "192.168.48.0/24", "serverIP": "192.168.48.77", "router": "192.168.48.1",
                    "dns": ["1.1.1.1"], "leaseTime": 300,
                    "pool": {"start": "192.168.48.81", "end": "192.168.48.90"}
                }
            },
            "status": {"ipv4": {"allocated": allocated, "used": 0, "available": 0}}
        }))
        .unwrap()
    }

    const A: &str = "02:00:00:00:00:0a";
    const B: &str = "02:00:00:00:00:0b";

    fn changed(pool: &IPPool, change: impl FnOnce(&mut IPPool)) -> Arc<IPPool> {
        let mut pool = pool.clone();
        change(&mut pool);
        Arc::new(pool)
    }

    fn address_of(tables: &Tables, mac: &str) -> Option<String> {
        let table = tables.build(&Extras::default()).unwrap();
        let id = table.lookup(mac.parse().unwrap())?;
        table.lease(id).map(|(_, address)| address.to_string())
    }

    fn accepted(pool: &IPPool) -> Tables {
        let mut tables = Tables::default();
        tables.accept(Arc::new(pool.clone()), Timestamp::UNIX_EPOCH).unwrap();
        tables
    }

    #[test]
    fn the_first_object_already_makes_a_table() {
        let tables = accepted(&stored(&[("192.168.48.82", A), ("192.168.48.81", "EXCLUDED")]));
        assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
        assert_eq!(tables.build(&Extras::default()).unwrap().len(), 1);
    }

    fn retiring(mac: &str) -> RetiringAddress {
        let since = "2026-08-01T10:00:00Z".to_owned();
        RetiringAddress { mac_address: mac.into(), since, ..RetiringAddress::default() }
    }

    /// The pool with that change of its allocations, in a later version.
    fn later(pool: &IPPool, change: impl FnOnce(&mut api::IPv4Status)) -> Arc<IPPool> {
        changed(pool, |pool| {
            change(pool.status.as_mut().unwrap().ipv4.as_mut().unwrap());
            pool.metadata.resource_version = Some("8".into());
        })
    }

    fn carried(tables: &Tables) -> Vec<(String, String)> {
        tables.carried().iter().map(|(address, mac)| (address.to_string(), mac.to_string())).collect()
    }

    #[test]
    fn that_a_lease_was_acknowledged_is_known_for_as_long_as_there_is_the_pool_whoever_has_told_of_it() {
        let pool = stored(&[]);
        let is_known = |tables: &Tables| tables.acknowledged().load(Ordering::Relaxed);
        let marked = changed(&pool, |pool| {
            pool.status.as_mut().unwrap().first_acknowledged = Some("2026-11-26T00:00:00Z".into());
        });
        let mut tables = accepted(&pool);
        assert!(!is_known(&tables));
        let served = tables.acknowledged();
        tables.accept(marked, Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_known(&tables) && served.load(Ordering::Relaxed));
        // The pool has forgotten it.
        tables.accept(Arc::new(pool.clone()), Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_known(&tables));
        let restored = Tables::restore(tables.remember().unwrap()).unwrap();
        assert!(is_known(&restored));
        let another = changed(&pool, |pool| pool.metadata.uid = Some("u-2".into()));
        tables.accept(another, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!is_known(&tables) && served.load(Ordering::Relaxed));
        // The packet thread notes it in what it serves.
        tables.acknowledged().store(true, Ordering::Relaxed);
        assert!(tables.remember().unwrap().acknowledged);
    }

    #[test]
    fn an_address_that_has_retired_is_served_to_its_next_card_at_once() {
        let pool = stored(&[("192.168.48.82", A)]);
        let mut tables = accepted(&pool);
        let retired =
            later(&stored(&[]), |ipv4| drop(ipv4.retiring.insert("192.168.48.82".into(), retiring(A))));
        tables.accept(retired, Timestamp::UNIX_EPOCH).unwrap();
        tables.accept(later(&stored(&[("192.168.48.82", B)]), |_| {}), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(address_of(&tables, A), None);
        assert_eq!(address_of(&tables, B).as_deref(), Some("192.168.48.82"));
    }

    #[test]
    fn an_address_that_changes_hands_without_having_retired_stays_where_it_is_until_the_operator_speaks() {
        // The backup is from before A had .82; then B had it, and A had .83.
        let before = stored(&[("192.168.48.82", A), ("192.168.48.84", B)]);
        let backup = stored(&[("192.168.48.82", B), ("192.168.48.83", A)]);
        let mut tables = accepted(&before);
        tables.accept(Arc::new(backup.clone()), Timestamp::UNIX_EPOCH).unwrap();
        let table = tables.build(&Extras::default()).unwrap();
        let pairs: Vec<_> =
            table.iter().map(|(_, mac, address)| (address.to_string(), mac.to_string())).collect();
        let expected = [("192.168.48.82", A), ("192.168.48.83", A), ("192.168.48.84", B)];
        assert_eq!(pairs, expected.map(|(address, mac)| (address.to_owned(), mac.to_owned())));
        // A goes on with .82; if it begins anew, it gets what the pool has for it.
        assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.83"));
        assert_eq!(address_of(&tables, B).as_deref(), Some("192.168.48.84"));
        let expected = [("192.168.48.82", A), ("192.168.48.84", B)];
        assert_eq!(carried(&tables), expected.map(|(address, mac)| (address.to_owned(), mac.to_owned())));
        for (word, of_b) in [("192.168.48.82,192.168.48.84", "192.168.48.82"), ("*", "192.168.48.82")] {
            let mut tables = Tables::restore(tables.remember().unwrap()).unwrap();
            let released = changed(&backup, |pool| {
                pool.metadata.annotations = Some([(REUSE_ANNOTATION.to_owned(), word.to_owned())].into());
            });
            tables.accept(released, Timestamp::UNIX_EPOCH).unwrap();
            assert!(tables.carried().is_empty());
            assert_eq!(address_of(&tables, B).as_deref(), Some(of_b));
        }
    }

    #[test]
    fn a_lease_that_retires_under_another_card_or_that_agents_are_to_go_on_with_is_not_lost() {
        let pool = stored(&[("192.168.48.82", A)]);
        for entry in [retiring(B), RetiringAddress { served: true, ..retiring(A) }] {
            let mut tables = accepted(&pool);
            let next = later(&stored(&[]), |ipv4| drop(ipv4.retiring.insert("192.168.48.82".into(), entry)));
            tables.accept(next, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
            assert_eq!(tables.carried().len(), 1);
        }
    }

    #[test]
    fn those_that_the_pool_does_not_know_at_all_are_told_first() {
        let mut tables = accepted(&stored(&[("192.168.48.82", A), ("192.168.48.83", B)]));
        let kept = RetiringAddress { served: true, ..retiring(A) };
        let next = later(&stored(&[]), |ipv4| drop(ipv4.retiring.insert("192.168.48.82".into(), kept)));
        tables.accept(next, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(carried(&tables)[0].0, "192.168.48.83");
    }

    #[test]
    fn a_pool_that_goes_back_takes_what_retired_along_and_its_leases_may_still_run() {
        let with_retiring = |version: &str| {
            changed(&stored(&[]), |pool| {
                let ipv4 = pool.status.as_mut().unwrap().ipv4.as_mut().unwrap();
                ipv4.retiring.insert("192.168.48.82".into(), retiring(A));
                pool.metadata.resource_version = Some(version.to_owned());
            })
        };
        // In the ordinary course of things it is forgotten when it is over.
        let mut tables = accepted(&with_retiring("6"));
        tables.accept(Arc::new(stored(&[])), Timestamp::UNIX_EPOCH).unwrap();
        assert!(tables.carried().is_empty());
        let mut tables = accepted(&with_retiring("9"));
        for _ in 0..2 {
            tables.accept(Arc::new(stored(&[])), Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(carried(&tables), [("192.168.48.82".to_owned(), A.to_owned())]);
            assert_eq!(address_of(&tables, A), None, "it was not granted any more");
        }
        // Nobody else is served with it either.
        tables.accept(Arc::new(stored(&[("192.168.48.82", B)])), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(address_of(&tables, B), None);
    }

    #[test]
    fn a_pool_of_ours_whose_allocations_are_gone_is_unknown_and_what_it_recovers_from_is_witnessed() {
        let pool = later(&stored(&[("192.168.48.82", A)]), |ipv4| ipv4.longest_lease = Some(300));
        let mut tables = accepted(&pool);
        assert_eq!(tables.accept(Arc::new(stored(&[])), Timestamp::UNIX_EPOCH), Err(Refusal::NoLeases));
        let recovery = |cause| {
            later(&pool, |ipv4| {
                ipv4.allocated.clear();
                let since = "2026-08-01T10:00:00Z".to_owned();
                ipv4.recovery = Some(RecoveryStatus { since, cause, withdrawn: None });
            })
        };
        let since = "2026-08-01T10:00:00Z".parse().ok();
        tables.accept(recovery(LossCause::StatusLost), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((tables.memory().witnessed, tables.carried().len()), (since, 1));
        assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
        // One that has begun only afterwards has not.
        assert_eq!(accepted(&recovery(LossCause::StatusLost)).memory().witnessed, None);
        let mut unaware = accepted(&pool);
        let unchanged = later(&pool, |ipv4| {
            let since = "2026-08-01T10:00:00Z".to_owned();
            ipv4.recovery = Some(RecoveryStatus { since, cause: LossCause::OlderBackup, withdrawn: None });
        });
        unaware.accept(unchanged, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(unaware.memory().witnessed, None, "it has seen nothing go back");
    }

    #[test]
    fn a_pool_without_leases_in_its_status_is_unknown_and_not_empty() {
        let pool = stored(&[("192.168.48.82", A)]);
        let mut tables = accepted(&pool);
        for status in [None, Some(api::IPPoolStatus::default())] {
            let next = changed(&pool, |pool| pool.status = status);
            assert_eq!(tables.accept(next, Timestamp::UNIX_EPOCH), Err(Refusal::NoLeases));
        }
        assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
    }

    #[test]
    fn a_pool_that_cannot_be_served_leaves_the_last_good_table() {
        let pool = stored(&[("192.168.48.82", A)]);
        let mut tables = accepted(&pool);
        let next = changed(&pool, |pool| pool.spec.ipv4_config.as_mut().unwrap().cidr = "nonsense".into());
        assert!(matches!(tables.accept(next, Timestamp::UNIX_EPOCH), Err(Refusal::Pool(_))));
        assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
    }

    #[test]
    fn a_lease_that_vanishes_without_retiring_goes_on_whatever_else_its_card_has() {
        let mut tables = accepted(&stored(&[("192.168.48.82", A)]));
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..2 {
            tables.accept(Arc::new(stored(&[])), now).unwrap();
            assert_eq!(address_of(&tables, A).as_deref(), Some("192.168.48.82"));
            assert_eq!(tables.carried().len(), 1);
        }
        let mut other_address = Tables::restore(tables.remember().unwrap()).unwrap();
        other_address.accept(Arc::new(stored(&[("192.168.48.83", A)])), now).unwrap();
        assert_eq!(address_of(&other_address, A).as_deref(), Some("192.168.48.83"));
        assert_eq!(other_address.carried().len(), 1);
        tables.accept(Arc::new(stored(&[("192.168.48.82", A)])), now).unwrap();
        assert!(tables.carried().is_empty());
    }

    #[test]
    fn a_lease_that_retires_is_gone() {
        let pool = stored(&[("192.168.48.82", A)]);
        let mut tables = accepted(&pool);
        let next = later(&pool, |ipv4| {
            ipv4.allocated.clear();
            ipv4.retiring.insert("192.168.48.82".into(), retiring(A));
        });
        tables.accept(next, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(address_of(&tables, A), None);
        assert!(tables.carried().is_empty());
    }

    #[test]
    fn a_pool_made_anew_under_the_same_name_inherits_nothing() {
        let pool = stored(&[("192.168.48.82", A)]);
        let mut tables = accepted(&pool);
        let next = changed(&stored(&[]), |pool| pool.metadata.uid = Some("u-2".into()));
        tables.accept(next, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(address_of(&tables, A), None);
    }

    #[test]
    fn a_former_server_address_is_answered_until_the_last_rebinding_unless_a_card_has_it() {
        let pool = stored(&[]);
        let mut tables = accepted(&pool);
        let server = |address: &str| {
            changed(&pool, |pool| {
                pool.spec.ipv4_config.as_mut().unwrap().server_ip = Some(address.to_owned());
            })
        };
        let former = Ipv4Addr::new(192, 168, 48, 77);
        let is_server = |tables: &Tables| tables.build(&Extras::default()).unwrap().is_server(former);
        tables.accept(server("192.168.48.78"), Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_server(&tables));
        let until = Timestamp::from_second(300).unwrap();
        assert_eq!(tables.next_expiry(), Some(until));
        let mut taken = Tables::restore(tables.remember().unwrap()).unwrap();
        let next = changed(&server("192.168.48.78"), |pool| {
            let ipv4 = pool.status.as_mut().unwrap().ipv4.as_mut().unwrap();
            ipv4.allocated.insert("192.168.48.77".into(), B.into());
        });
        taken.accept(next, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!is_server(&taken));
        tables.expire(until);
        assert!(!is_server(&tables));
        assert_eq!(tables.next_expiry(), None);
    }
}
