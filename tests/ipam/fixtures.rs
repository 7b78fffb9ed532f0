//! Pools, claims and evidence, made by adjectives.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use proptest::test_runner::{Config, RngSeed};
use vmdhcp_core::api::{IPPool, IPPoolSpec, IPv4Config, LossCause, PoolRange, Reservation};
use vmdhcp_core::ipam::{
    Allocations, Change, Claim, Conflict, Conflicts, Evidence, Intent, Loss, Outcome, Owner, Plan, Waiting,
    Withdrawn, plan,
};
use vmdhcp_core::{MacAddr, Pool};

/// Lease time of the pools here, in seconds.
pub(crate) const LEASE: u32 = 3600;

/// 10.0.0.`last`: the subnet of the pools here is 10.0.0.0/16.
pub(crate) fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

pub(crate) fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// So many random cases, the same ones on each run.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(0x10_0000), failure_persistence: None, ..Config::default() }
}

/// A pool in the making; server 10.0.255.254, no router.
#[derive(Debug, Clone)]
pub(crate) struct PoolSpec(IPPool);

/// A pool from `first` to `last`, leases of [`LEASE`].
pub(crate) fn pool(first: Ipv4Addr, last: Ipv4Addr) -> PoolSpec {
    let config = IPv4Config {
        cidr: "10.0.0.0/16".into(),
        server_ip: Some("10.0.255.254".into()),
        lease_time: Some(LEASE.into()),
        pool: PoolRange {
            start: Some(first.to_string()),
            end: Some(last.to_string()),
            ..PoolRange::default()
        },
        ..IPv4Config::default()
    };
    let mut pool = IPPool::new(
        "pool",
        IPPoolSpec { network_name: "net".into(), ipv4_config: Some(config), ..IPPoolSpec::default() },
    );
    pool.metadata.namespace = Some("default".into());
    PoolSpec(pool)
}

impl PoolSpec {
    fn with(mut self, edit: impl FnOnce(&mut IPv4Config)) -> Self {
        edit(self.0.spec.ipv4_config.as_mut().unwrap());
        self
    }

    pub(crate) fn on_subnet(self, cidr: &str) -> Self {
        self.with(|config| config.cidr = cidr.into())
    }

    pub(crate) fn with_server(self, address: Ipv4Addr) -> Self {
        self.with(|config| config.server_ip = Some(address.to_string()))
    }

    pub(crate) fn with_router(self, address: Ipv4Addr) -> Self {
        self.with(|config| config.router = Some(address.to_string()))
    }

    pub(crate) fn excluding(self, entry: &str) -> Self {
        self.with(|config| config.pool.exclude.push(entry.to_string()))
    }

    pub(crate) fn reserving(self, mac: MacAddr, address: Option<Ipv4Addr>) -> Self {
        self.with(|config| {
            config.reservations.push(Reservation {
                mac_address: mac.to_string(),
                ip_address: address.map(|address| address.to_string()),
                ..Reservation::default()
            });
        })
    }

    pub(crate) fn leasing(self, seconds: u32) -> Self {
        self.with(|config| config.lease_time = Some(seconds.into()))
    }

    pub(crate) fn paused(mut self) -> Self {
        self.0.spec.paused = Some(true);
        self
    }

    pub(crate) fn checked(&self) -> Pool {
        Pool::try_from(&self.0).unwrap()
    }
}

/// A claim on the card `mac(number)` by an owner that is as old as `number` is low.
pub(crate) fn claim(number: u8) -> Claim {
    Claim {
        owner: Owner {
            created: at(number.into()),
            uid: format!("uid-{number}"),
            namespace: "default".into(),
            name: format!("vm-{number}"),
        },
        mac: mac(number),
        intent: Intent::Hold,
        wanted: None,
        remembered: None,
        granted: false,
        of_vm: false,
        lapsed: false,
    }
}

/// What a claim may be.
pub(crate) trait Adjectives {
    fn on_card(self, number: u8) -> Self;
    fn wanting(self, address: Ipv4Addr) -> Self;
    fn remembering(self, address: Ipv4Addr) -> Self;
    fn granted(self, address: Ipv4Addr) -> Self;
    fn paused(self) -> Self;
    fn leaving(self) -> Self;
}

impl Adjectives for Claim {
    fn on_card(self, number: u8) -> Self {
        Self { mac: mac(number), ..self }
    }

    fn wanting(self, address: Ipv4Addr) -> Self {
        Self { wanted: Some(address), ..self }
    }

    fn remembering(self, address: Ipv4Addr) -> Self {
        Self { remembered: Some(address), granted: false, ..self }
    }

    fn granted(self, address: Ipv4Addr) -> Self {
        Self { remembered: Some(address), granted: true, ..self }
    }

    fn paused(self) -> Self {
        Self { intent: Intent::Pause, ..self }
    }

    fn leaving(self) -> Self {
        Self { intent: Intent::Release, ..self }
    }
}

/// What is known beside the objects, owned.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) withdrawn: Withdrawn,
    pub(crate) absent: BTreeSet<MacAddr>,
    pub(crate) reuse: BTreeSet<Ipv4Addr>,
    pub(crate) cause: Option<LossCause>,
    pub(crate) served: BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>,
    pub(crate) unnamed: bool,
    pub(crate) witnessed: bool,
    pub(crate) nothing_else_used: bool,
    pub(crate) conflicts: Conflicts,
}

/// Second 1,000,000, when nothing else is known.
pub(crate) fn world() -> World {
    World {
        now: at(1_000_000),
        withdrawn: Withdrawn::default(),
        absent: BTreeSet::new(),
        reuse: BTreeSet::new(),
        cause: None,
        served: BTreeMap::new(),
        unnamed: false,
        witnessed: false,
        nothing_else_used: false,
        conflicts: Conflicts::new(),
    }
}

/// What agents have stopped granting that serve the very version which is planned on.
pub(crate) fn everything_withdrawn() -> Withdrawn {
    Withdrawn { addresses: (0..=255).map(ip).collect(), longer_leases: true, unknown: true }
}

impl World {
    pub(crate) fn later(self, seconds: i64) -> Self {
        Self { now: at(self.now.as_second() + seconds), ..self }
    }

    pub(crate) fn with_current_agents(self) -> Self {
        Self { withdrawn: everything_withdrawn(), ..self }
    }

    pub(crate) fn without_guest(mut self, mac: MacAddr) -> Self {
        self.absent.insert(mac);
        self
    }

    pub(crate) fn reusing(mut self, address: Ipv4Addr) -> Self {
        self.reuse.insert(address);
        self
    }

    /// Agents find that card at the address, which no guest has used yet.
    pub(crate) fn finding(mut self, address: Ipv4Addr, by: MacAddr) -> Self {
        self.conflicts.insert(address, Conflict { by, unused: true });
        self
    }

    /// The same, and some guest may have used it.
    pub(crate) fn finding_after_use(mut self, address: Ipv4Addr, by: MacAddr) -> Self {
        self.conflicts.insert(address, Conflict { by, unused: false });
        self
    }

    pub(crate) fn without_status(self) -> Self {
        Self { cause: Some(LossCause::StatusLost), ..self }
    }

    pub(crate) fn serving(mut self, address: Ipv4Addr, mac: MacAddr) -> Self {
        self.served.entry(address).or_default().insert(mac);
        self
    }

    pub(crate) fn serving_more_than_it_names(self) -> Self {
        Self { unnamed: true, ..self }
    }

    pub(crate) fn with_witnesses(self) -> Self {
        Self { witnessed: true, ..self.with_current_agents() }
    }

    pub(crate) fn without_unknown_guests(self) -> Self {
        Self { nothing_else_used: true, ..self }
    }

    pub(crate) fn evidence(&self) -> Evidence<'_> {
        let Self {
            now,
            withdrawn,
            absent,
            reuse,
            cause,
            served,
            unnamed,
            witnessed,
            nothing_else_used,
            conflicts,
        } = self;
        let loss = Loss {
            cause: *cause,
            served,
            unnamed: *unnamed,
            witnessed: *witnessed,
            nothing_else_used: *nothing_else_used,
        };
        Evidence { now: *now, withdrawn, absent, conflicts, reuse, loss }
    }
}

/// Allocations of a pool that has been planned before: its lease time is known.
pub(crate) fn nothing_held() -> Allocations {
    Allocations { longest_lease: Some(LEASE), ..Allocations::default() }
}

/// Allocations with these cards on these addresses.
pub(crate) fn held(pairs: impl IntoIterator<Item = (Ipv4Addr, MacAddr)>) -> Allocations {
    Allocations { held: pairs.into_iter().collect(), ..nothing_held() }
}

/// Plans, makes the changes, and says what the plan was.
pub(crate) fn settle(
    pool: &PoolSpec,
    allocations: &mut Allocations,
    claims: &[Claim],
    world: &World,
) -> Plan {
    let plan = plan(&pool.checked(), allocations, claims, &world.evidence());
    for change in &plan.changes {
        allocations.apply(change, world.now);
    }
    plan
}

/// What a manager writes into the claims' statuses after a plan.
pub(crate) fn report(claims: &mut [Claim], plan: &Plan) {
    for (claim, outcome) in claims.iter_mut().zip(&plan.outcomes) {
        claim.granted = match outcome {
            Outcome::Holds(address) => {
                claim.remembered = Some(*address);
                true
            }
            Outcome::Waits(_) | Outcome::Released => false,
        };
    }
}

pub(crate) fn address(outcome: &Outcome) -> Ipv4Addr {
    match outcome {
        Outcome::Holds(address) => *address,
        other => panic!("holds no address: {other:?}"),
    }
}

pub(crate) fn waiting(outcome: &Outcome) -> &Waiting {
    match outcome {
        Outcome::Waits(waiting) => waiting,
        other => panic!("does not wait: {other:?}"),
    }
}

pub(crate) fn allocate(address: Ipv4Addr, mac: MacAddr) -> Change {
    Change::Allocate { address, mac }
}

pub(crate) fn retire(address: Ipv4Addr, mac: MacAddr) -> Change {
    Change::Retire { address, mac, of_vm: false }
}
