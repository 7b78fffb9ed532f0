//! No two guests on one address: plans, agents that lag behind, guests that linger, backups that are restored, and
//! virtual time.
//!
//! The model knows nothing of how an address retires. It knows what agents do (grant what their last table says, for
//! as long as their last table says, and carry on what vanishes from it), what guests do (use a lease until it ends,
//! unless they are gone), and watches whether two of them ever use one address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::strategy::Union;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::LossCause;
use vmdhcp_core::ipam::{
    Allocations, Claim, Conflict, Conflicts, Evidence, Intent, Loss, Memory, Outcome, Plan, Succession,
    Versions, plan,
};

use crate::fixtures::*;

const AGENTS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    /// A VM is created; the address is what it declares.
    Create {
        card: u8,
        wanted: Option<u8>,
    },
    /// Its object is deleted; the guest may go on running (its node may be lost).
    Delete {
        card: u8,
    },
    /// The guest ends for certain.
    Kill {
        card: u8,
    },
    Pause {
        card: u8,
    },
    Resume {
        card: u8,
    },
    Declare {
        card: u8,
        wanted: Option<u8>,
    },
    /// The manager plans and writes; it may die before it tells the claims.
    Reconcile {
        dies: bool,
    },
    /// An agent sees the pool as it is now.
    Sync {
        agent: usize,
    },
    /// All of them do, and the manager knows it.
    SyncAll,
    /// An agent tells the manager where it stands.
    Report {
        agent: usize,
    },
    /// An agent loses all that it remembers.
    Forget {
        agent: usize,
    },
    LoseStatus,
    LoseClaimStatus {
        card: u8,
    },
    /// Everything that is stored is set aside.
    Backup,
    /// And comes back as it was.
    Restore,
    /// An agent answers a guest.
    Grant {
        agent: usize,
        card: u8,
    },
    /// An agent, which may lie, says that somebody else uses an address.
    Find {
        last: u8,
        unused: bool,
    },
    /// Nobody says so any more.
    FindNothing,
    LeaseTime {
        seconds: u32,
    },
    Wait {
        seconds: u32,
    },
}

/// Steps of which each run of the model leaves some kinds out: what cures everything would hide everything.
///
/// With conflicts that are `found` no status is lost: with it goes the memory of a longer lease time, which nobody covers.
fn any_steps(found: bool) -> impl Strategy<Value = Vec<Step>> {
    prop::array::uniform7(any::<bool>()).prop_flat_map(move |choices| {
        let [killed, paused, declared, together, lease_times, lost, restored] = choices;
        let lost = lost && !found;
        let card = || 1_u8..5;
        let wanted =
            move || prop::option::weighted(0.4, 1_u8..3).prop_map(move |wanted| wanted.filter(|_| declared));
        let kinds = vec![
            (3, (card(), wanted()).prop_map(|(card, wanted)| Step::Create { card, wanted }).boxed()),
            (2, card().prop_map(|card| Step::Delete { card }).boxed()),
            (u32::from(killed), card().prop_map(|card| Step::Kill { card }).boxed()),
            (u32::from(paused), card().prop_map(|card| Step::Pause { card }).boxed()),
            (u32::from(paused), card().prop_map(|card| Step::Resume { card }).boxed()),
            (
                u32::from(declared),
                (card(), wanted()).prop_map(|(card, wanted)| Step::Declare { card, wanted }).boxed(),
            ),
            (8, prop::bool::weighted(0.2).prop_map(|dies| Step::Reconcile { dies }).boxed()),
            (4, (0..AGENTS).prop_map(|agent| Step::Sync { agent }).boxed()),
            (u32::from(together) * 3, Just(Step::SyncAll).boxed()),
            (10, (0..AGENTS, card()).prop_map(|(agent, card)| Step::Grant { agent, card }).boxed()),
            (4, (0..AGENTS).prop_map(|agent| Step::Report { agent }).boxed()),
            // Of what happened after a backup only agents know.
            (u32::from(!restored), (0..AGENTS).prop_map(|agent| Step::Forget { agent }).boxed()),
            (u32::from(lost), Just(Step::LoseStatus).boxed()),
            (u32::from(lost), card().prop_map(|card| Step::LoseClaimStatus { card }).boxed()),
            (u32::from(restored), Just(Step::Backup).boxed()),
            (
                u32::from(found),
                (1_u8..3, any::<bool>()).prop_map(|(last, unused)| Step::Find { last, unused }).boxed(),
            ),
            (u32::from(found), Just(Step::FindNothing).boxed()),
            (u32::from(restored), Just(Step::Restore).boxed()),
            (
                u32::from(lease_times) * 2,
                prop_oneof![Just(100_u32), Just(10_000)]
                    .prop_map(|seconds| Step::LeaseTime { seconds })
                    .boxed(),
            ),
            (3, prop_oneof![1_u32..200, 200_u32..12_000].prop_map(|seconds| Step::Wait { seconds }).boxed()),
        ];
        let kinds = kinds.into_iter().filter(|(weight, _)| *weight > 0).collect();
        prop::collection::vec(Union::new_weighted(kinds), 0..200)
    })
}

/// The pool as it is stored: one object, one version for spec and status.
#[derive(Debug, Clone)]
struct Stored {
    version: u64,
    lease: u32,
    /// None if they are lost.
    allocations: Option<Allocations>,
}

/// What an agent serves.
#[derive(Debug, Clone, Default)]
struct Agent {
    version: u64,
    lease: u32,
    served: Option<Allocations>,
    memory: Memory,
}

impl Agent {
    fn sync(&mut self, stored: &Stored, now: i64) {
        let Some(mut next) = stored.allocations.clone() else { return };
        if let Some(previous) = &self.served {
            let succession = Succession {
                went_back: stored.version < self.version,
                released: &BTreeSet::new(),
                nothing_else_used: false,
                now: at(now),
            };
            self.memory = self.memory.follow(previous, &mut next, succession);
        }
        (self.version, self.lease, self.served) = (stored.version, stored.lease, Some(next));
    }
}

/// What the manager knows of an agent.
#[derive(Debug, Clone, Default)]
struct Report {
    version: u64,
    memory: Memory,
}

/// All that a backup has.
#[derive(Debug, Clone)]
struct Database {
    /// The last version that was given.
    version: u64,
    stored: Stored,
    claims: BTreeMap<u8, Claim>,
    reports: Vec<Report>,
}

struct Model {
    now: i64,
    database: Database,
    backup: Option<Database>,
    agents: Vec<Agent>,
    /// What the manager remembers.
    versions: Versions,
    conflicts: Conflicts,
    running: BTreeSet<MacAddr>,
    /// Who uses which address until when.
    leases: BTreeMap<(Ipv4Addr, MacAddr), i64>,
    /// How often an address has gone from one guest to another.
    changes_of_hands: u32,
    last_user: BTreeMap<Ipv4Addr, MacAddr>,
}

impl Model {
    fn new() -> Self {
        let stored = Stored { version: 1, lease: 1000, allocations: Some(Allocations::default()) };
        let reports = vec![Report::default(); AGENTS];
        Self {
            now: 1_000_000,
            database: Database { version: 1, stored, claims: BTreeMap::new(), reports },
            backup: None,
            agents: vec![Agent::default(); AGENTS],
            versions: Versions::default(),
            conflicts: Conflicts::new(),
            running: BTreeSet::new(),
            leases: BTreeMap::new(),
            changes_of_hands: 0,
            last_user: BTreeMap::new(),
        }
    }

    /// Makes a step; an error is two guests on one address.
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Create { card, wanted } => {
                let fresh = Claim { wanted: wanted.map(ip), ..claim(card) };
                self.database.claims.entry(card).or_insert(fresh);
                self.running.insert(mac(card));
            }
            Step::Delete { card } => self.edit(card, |claim| claim.intent = Intent::Release),
            Step::Kill { card } => {
                self.running.remove(&mac(card));
                self.leases.retain(|(_, owner), _| *owner != mac(card));
            }
            Step::Pause { card } => self.edit(card, |claim| claim.intent = Intent::Pause),
            Step::Resume { card } => self.edit(card, |claim| claim.intent = Intent::Hold),
            Step::Declare { card, wanted } => self.edit(card, |claim| claim.wanted = wanted.map(ip)),
            Step::Reconcile { dies } => self.reconcile(dies)?,
            Step::Sync { agent } => self.sync(agent),
            Step::SyncAll => {
                for agent in 0..AGENTS {
                    self.sync(agent);
                    self.report(agent);
                }
            }
            Step::Report { agent } => self.report(agent),
            Step::Forget { agent } => self.agents[agent] = Agent::default(),
            Step::LoseStatus => self.write(|stored| stored.allocations = None),
            Step::LoseClaimStatus { card } => {
                self.edit(card, |claim| (claim.remembered, claim.granted) = (None, false));
            }
            Step::Backup => {
                self.backup = Some(self.database.clone());
                // Others write too.
                self.database.version += 10_000;
            }
            Step::Restore => {
                if let Some(backup) = &self.backup {
                    self.database = backup.clone();
                    // Heartbeats come before the first new claim; one that never comes cannot be reckoned with.
                    (0..AGENTS).for_each(|agent| self.report(agent));
                }
            }
            Step::Grant { agent, card } => self.grant(agent, mac(card))?,
            Step::Find { last, unused } => {
                self.conflicts.insert(ip(last), Conflict { by: mac(99), unused });
            }
            Step::FindNothing => self.conflicts.clear(),
            Step::LeaseTime { seconds } => self.write(|stored| stored.lease = seconds),
            Step::Wait { seconds } => self.now += i64::from(seconds),
        }
        Ok(())
    }

    fn write(&mut self, change: impl FnOnce(&mut Stored)) {
        self.database.version += 1;
        change(&mut self.database.stored);
        self.database.stored.version = self.database.version;
    }

    fn sync(&mut self, agent: usize) {
        self.agents[agent].sync(&self.database.stored, self.now);
    }

    fn report(&mut self, agent: usize) {
        let Agent { version, memory, .. } = self.agents[agent].clone();
        self.database.reports[agent] = Report { version, memory };
    }

    fn edit(&mut self, card: u8, edit: impl FnOnce(&mut Claim)) {
        if let Some(claim) = self.database.claims.get_mut(&card)
            && claim.intent != Intent::Release
        {
            edit(claim);
        }
    }

    fn plan(&mut self, claims: &[Claim]) -> Plan {
        let Database { stored, reports, .. } = &self.database;
        let allocations = stored.allocations.clone().unwrap_or_default();
        self.versions.read(stored.version, &allocations);
        // The truth: a card that no claim has and whose guest has ended.
        let absent = (0..=u8::MAX).map(mac).filter(|mac| !self.running.contains(mac)).collect();
        // An agent that serves a version which the pool has not reached lives in another history.
        let went_back = reports.iter().any(|report| report.version > stored.version);
        let cause = match &stored.allocations {
            None => Some(LossCause::StatusLost),
            Some(_) => went_back.then_some(LossCause::OlderBackup),
        };
        let mut served: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (address, mac) in reports.iter().flat_map(|report| report.memory.carried.iter()) {
            served.entry(address).or_default().insert(mac);
        }
        let recovery = stored.allocations.as_ref().and_then(|allocations| allocations.recovery);
        let since = recovery.map(|recovery| recovery.since);
        let loss = Loss {
            cause,
            served: &served,
            witnessed: since.is_some() && reports.iter().all(|report| report.memory.witnessed == since),
            ..Loss::NONE
        };
        let evidence = Evidence {
            now: at(self.now),
            withdrawn: &self.versions.withdrawn(reports.iter().map(|report| report.version)),
            absent: &absent,
            conflicts: &self.conflicts,
            reuse: &BTreeSet::new(),
            loss,
        };
        let pool = pool(ip(1), ip(2)).leasing(stored.lease).checked();
        plan(&pool, &allocations, claims, &evidence)
    }

    fn reconcile(&mut self, dies: bool) -> Result<(), TestCaseError> {
        let (cards, mut claims): (Vec<_>, Vec<_>) =
            self.database.claims.iter().map(|(card, claim)| (*card, claim.clone())).unzip();
        let plan = self.plan(&claims);
        if !plan.changes.is_empty() {
            let now = at(self.now);
            self.write(|stored| {
                let allocations = stored.allocations.get_or_insert_default();
                plan.changes.iter().for_each(|change| allocations.apply(change, now));
            });
            let stored = &self.database.stored;
            self.versions.wrote(stored.version, stored.allocations.as_ref().unwrap());
        }
        if dies {
            self.versions = Versions::default();
        } else {
            report(&mut claims, &plan);
            for ((card, claim), outcome) in cards.into_iter().zip(claims).zip(&plan.outcomes) {
                if claim.intent == Intent::Release {
                    prop_assert_eq!(outcome, &Outcome::Released);
                    self.database.claims.remove(&card);
                } else {
                    self.database.claims.insert(card, claim);
                }
            }
        }
        Ok(())
    }

    fn grant(&mut self, agent: usize, mac: MacAddr) -> Result<(), TestCaseError> {
        let agent = &self.agents[agent];
        if !self.running.contains(&mac) {
            return Ok(());
        }
        let held = agent.served.iter().flat_map(|served| &served.held);
        for (&address, _) in held.filter(|(_, holder)| **holder == mac) {
            for (&(used, by), &end) in &self.leases {
                let clash = used == address && by != mac && end > self.now;
                prop_assert!(!clash, "{} and {} use {} at {}", mac, by, address, self.now);
            }
            self.leases.insert((address, mac), self.now + i64::from(agent.lease));
            if self.last_user.insert(address, mac).is_some_and(|former| former != mac) {
                self.changes_of_hands += 1;
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn two_guests_never_use_one_address(steps in any_steps(false)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step)?;
        }
    }

    #[test]
    fn two_guests_never_use_one_address_whatever_agents_find_there(steps in any_steps(true)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step)?;
        }
    }
}

#[test]
fn the_model_does_see_addresses_change_hands() {
    // Or it would prove nothing.
    let mut model = Model::new();
    let round = |card: u8| {
        let reconcile = Step::Reconcile { dies: false };
        [
            Step::Create { card, wanted: Some(1) },
            reconcile.clone(),
            Step::SyncAll,
            Step::Grant { agent: 0, card },
            Step::Delete { card },
            reconcile.clone(),
            Step::SyncAll,
            reconcile,
            Step::Wait { seconds: 1000 },
        ]
    };
    for step in (1..=5).flat_map(round) {
        model.step(&step).unwrap();
    }
    assert_eq!(model.changes_of_hands, 4);
}
