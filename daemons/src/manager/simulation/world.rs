//! One run: an API with faults, managers, agents and guests, and users who do what comes into their heads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant};
use tower::Layer;
use vmdhcp_core::api::{
    AGENT_COMPONENT, COMPONENT_LABEL, DHCP_POOL_ANNOTATION, IPPool, NetworkAttachmentDefinition,
    NetworkConfigState, POOL_ANNOTATION, VirtualMachine, VirtualMachineInstance, VirtualMachineNetworkConfig,
    condition,
};
use vmdhcp_core::{MacAddr, NetworkName, Pool};

use super::super::defects::Defect;
use super::agent::{Agent, Served};
use super::controller::{Manager, Start};
use super::guest::{self, Place, Wire};
use super::journal::Journal;
use super::machines;
use super::truth::{Observed, Truth, allocations};
use crate::cluster::faults::{Fault, Faults, Random, Rates};
use crate::cluster::local::{Kind, Kinds, LocalApi, Options};

/// The networks; the pool of each is named after it, and one is made with it.
pub(super) const NETWORKS: [&str; 3] = ["net-a", "net-b", MADE];
/// The one whose pool is made with it.
pub(super) const MADE: &str = "net-c";
/// How long everything may take to come right once nothing goes wrong any more.
const RECOVERY: Duration = Duration::from_secs(45 * 60);

/// Name of the pool of a network.
pub(super) fn pool_of(network: &str) -> String {
    if network == MADE {
        return MADE.to_owned();
    }
    network.replace("net", "pool")
}

/// Everything there is in a run.
pub(super) struct World {
    pub(super) random: Random,
    pub(super) journal: Journal,
    pub(super) truth: Arc<Truth>,
    pub(super) faults: Faults,
    pub(super) wire: Arc<Wire>,
    pub(super) agents: Vec<Arc<Agent>>,
    /// Managers by number; a dead one is none.
    pub(super) managers: Vec<Option<Manager>>,
    pub(super) pools: Api<IPPool>,
    pub(super) claims: Api<VirtualMachineNetworkConfig>,
    pub(super) networks: Api<NetworkAttachmentDefinition>,
    pub(super) machines: Api<VirtualMachine>,
    pub(super) instances: Api<VirtualMachineInstance>,
    api: LocalApi,
    defect: Option<Defect>,
    guests: BTreeMap<Place, AbortHandle>,
    incarnations: u32,
    /// Whether managers have to be elected.
    elections: bool,
}

/// The pool of a network, as its owner writes it.
pub(super) fn pool(network: &str) -> IPPool {
    let (third, last) = if network == "net-a" { (1, 14) } else { (2, 30) };
    serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "IPPool",
        "metadata": { "name": pool_of(network) },
        "spec": {
            "networkName": network,
            "ipv4Config": {
                "cidr": format!("10.0.{third}.0/24"),
                "serverIP": format!("10.0.{third}.2"),
                "leaseTime": 120,
                "pool": { "start": format!("10.0.{third}.10"), "end": format!("10.0.{third}.{last}") },
            },
        },
    }))
    .unwrap()
}

/// The network that has its pool made, with these further fields of it.
pub(super) fn network_with_pool(fields: &str) -> NetworkAttachmentDefinition {
    let range = "pool: {start: 10.0.3.10, end: 10.0.3.14}";
    let yaml = format!("ipv4Config: {{cidr: 10.0.3.0/24, serverIP: 10.0.3.2, {range}, {fields}}}");
    serde_json::from_value(json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": { "name": MADE, "annotations": { DHCP_POOL_ANNOTATION: yaml } },
        "spec": { "config": "{}" },
    }))
    .unwrap()
}

/// The network of that name, as it is written in any object.
pub(super) fn network(written: &str) -> Option<&'static str> {
    let name = written.rsplit('/').next()?;
    NETWORKS.into_iter().find(|network| *network == name)
}

/// What the pool that was made with its network has of former annotations.
fn does_not_follow(pool: &IPPool) -> Option<String> {
    let conditions = pool.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_true = |type_| condition(conditions, type_).is_some_and(|condition| condition.status == "True");
    let config = pool.spec.ipv4_config.clone().unwrap_or_default();
    let options = (config.lease_time, config.dns.len(), config.domain_name);
    let range_follows = config.pool.end.as_deref() == Some("10.0.3.14") || is_true("OutOfStep");
    if options == (Some(120), 0, None) && range_follows && !is_true("KeptForVMs") {
        return None;
    }
    Some(format!(
        "the pool of {MADE} does not follow it: {options:?}, up to {:?}, {conditions:?}",
        config.pool.end
    ))
}

/// Cards of a claim that mean something: network, MAC, and the address that it declares.
pub(super) fn cards(claim: &VirtualMachineNetworkConfig) -> Vec<(Place, Option<Ipv4Addr>)> {
    let cards = claim.spec.cards().iter().filter_map(|card| {
        let network = network(&card.network_name)?;
        let wanted = card.ip_address.as_deref().and_then(|address| address.parse().ok());
        Some(((network, card.mac_address.parse().ok()?), wanted))
    });
    cards.collect()
}

impl World {
    pub(super) async fn new(seed: u64, defect: Option<Defect>) -> Self {
        let random = Random::new(seed);
        let journal = Journal::new();
        let (clock, uids) = (journal.clone(), random.clone());
        let options = Options {
            clock: Arc::new(move || clock.now()),
            uids: Arc::new(move || uuid::Uuid::from_u64_pair(uids.next(), uids.next())),
            ..Options::default()
        };
        let kinds = Kinds::standard()
            .with(Kind::typed::<VirtualMachine>())
            .with(Kind::typed::<VirtualMachineInstance>().without_status())
            .with(Kind::typed::<NetworkAttachmentDefinition>().without_status());
        let api = LocalApi::in_memory_with(kinds, options).unwrap();
        let truth = Arc::new(Truth::new(journal.clone()));
        let user = Observed { api: api.clone(), truth: Arc::clone(&truth), by_user: true };
        let user = Client::new(user, "default");
        let wire = Wire::new(random.clone(), journal.clone(), Arc::clone(&truth));
        let mut world = Self {
            faults: Faults::new(random.clone()),
            wire: Arc::new(wire),
            agents: Vec::new(),
            managers: Vec::new(),
            pools: Api::default_namespaced(user.clone()),
            claims: Api::default_namespaced(user.clone()),
            networks: Api::default_namespaced(user.clone()),
            machines: Api::default_namespaced(user.clone()),
            instances: Api::default_namespaced(user.clone()),
            guests: BTreeMap::new(),
            incarnations: 0,
            elections: false,
            random,
            journal,
            truth,
            api,
            defect,
        };
        for network in ["net-a", "net-b"] {
            world.pools.create(&PostParams::default(), &pool(network)).await.unwrap();
        }
        world.networks.create(&PostParams::default(), &network_with_pool("leaseTime: 120")).await.unwrap();
        let leases: Api<Lease> = Api::default_namespaced(user);
        for (network, lease) in
            [("net-a", "pool-a"), ("net-a", "pool-a.twin"), ("net-b", "pool-b"), (MADE, MADE)]
        {
            // The manager makes only one Lease a pool, so that of the twin has to be there from the beginning.
            if network == "net-a" {
                leases.create(&PostParams::default(), &agent_lease(lease, &pool_of(network))).await.unwrap();
            }
            let agent = world.agent(network, lease);
            world.wire.join(Arc::clone(&agent));
            agent.start();
            world.agents.push(agent);
        }
        let managers = if world.random.per_mille(400) { 2 } else { 1 };
        world.elections = world.random.per_mille(if managers > 1 { 500 } else { 300 });
        if managers > 1 && !world.elections {
            world.truth.rivals.store(true, Ordering::Relaxed);
        }
        for number in 0..managers {
            let manager = world.manager(number);
            world.managers.push(Some(manager));
        }
        world
    }

    /// A client with faults, and its way to the API.
    fn client(&self) -> (Client, Faults) {
        let observed = Observed { api: self.api.clone(), truth: Arc::clone(&self.truth), by_user: false };
        let faults = self.faults.of_one_client();
        (Client::new(faults.layer(observed), "default"), faults)
    }

    fn agent(&self, network: &'static str, lease: &str) -> Arc<Agent> {
        let (client, faults) = self.client();
        Arc::new(Agent {
            name: format!("agent of {lease}"),
            network,
            pool: pool_of(network),
            lease: lease.to_owned(),
            pools: Api::default_namespaced(client.clone()),
            leases: Api::default_namespaced(client),
            faults,
            random: self.random.clone(),
            journal: self.journal.clone(),
            truth: Arc::clone(&self.truth),
            defect: self.defect,
            served: std::sync::Mutex::new(Served::default()),
            wire: Arc::downgrade(&self.wire),
            victim: std::sync::Mutex::default(),
            restart: Notify::new(),
            changed: Notify::new(),
        })
    }

    pub(super) fn manager(&mut self, number: usize) -> Manager {
        self.incarnations += 1;
        let networks =
            NETWORKS.map(|name| NetworkName { namespace: "default".into(), name: name.into() }).to_vec();
        let (client, faults) = self.client();
        let start = Start {
            client,
            faults,
            networks,
            random: self.random.clone(),
            journal: self.journal.clone(),
            defect: self.defect,
            elected: self.elections,
        };
        Manager::start(format!("manager {number}, life {}", self.incarnations), start)
    }

    pub(super) fn set_faults(&self, on: bool) {
        let rates = [
            (Fault::RequestLost, 15),
            (Fault::AnswerLost, 30),
            (Fault::Delay, 90),
            (Fault::Conflict, 20),
            (Fault::TooManyRequests, 15),
            (Fault::InternalError, 15),
            (Fault::WatchCut, 200),
            (Fault::WatchSilent, 150),
            (Fault::StaleList, 700),
            (Fault::Expired, 150),
        ];
        self.faults.set(if on { Rates::from(rates) } else { Rates::new() });
        *self.wire.loss.lock().unwrap() = if on { 60 } else { 0 };
    }

    /// A machine runs for every card that is declared; one whose card is no longer declared may linger.
    pub(super) fn match_guests(&mut self) {
        let claims = self.truth.claims();
        let declared: BTreeSet<Place> = claims
            .values()
            .filter(|claim| claim.metadata.deletion_timestamp.is_none())
            .flat_map(|claim| cards(claim).into_iter().map(|(place, _)| place))
            .collect();
        let gone: Vec<_> = self.guests.keys().filter(|place| !declared.contains(place)).copied().collect();
        for place in gone {
            // A pool goes with the last VM: what runs on then is its owner's business.
            let lingers = self.random.per_mille(400) && place.0 != MADE;
            self.switch_off(place, lingers);
        }
        for place in declared {
            if !self.guests.contains_key(&place) {
                self.switch_on(place);
            }
        }
    }

    fn leased(&self, (network, mac): Place) -> Option<Ipv4Addr> {
        let running = self.wire.running().into_iter();
        running.filter(|lease| (lease.0, lease.2) == (network, mac)).map(|lease| lease.1).next()
    }

    fn switch_off(&mut self, place: Place, lingers: bool) {
        let Some(guest) = self.guests.remove(&place) else { return };
        guest.abort();
        if let Some(address) = self.leased(place).filter(|_| lingers) {
            self.journal.say(format_args!("the guest {} runs on with {address}", place.1));
            // It ends by itself, with its lease at the latest.
            drop(tokio::spawn(guest::linger(Arc::clone(&self.wire), place, address)));
        } else {
            self.journal.say(format_args!("the guest {} on {} is switched off", place.1, place.0));
            self.wire.unplug(place);
        }
    }

    fn switch_on(&mut self, place: Place) {
        self.journal.say(format_args!("the guest {} on {} is switched on", place.1, place.0));
        let remembered = self.leased(place);
        let guest = tokio::spawn(guest::run(Arc::clone(&self.wire), place, remembered, false));
        self.guests.insert(place, guest.abort_handle());
    }

    /// Switches one guest off and on again.
    pub(super) fn reboot_a_guest(&mut self) {
        let places: Vec<_> = self.guests.keys().copied().collect();
        let Some(&place) = self.random.one_of(&places) else { return };
        self.guests.remove(&place).into_iter().for_each(|guest| guest.abort());
        let remembered = self.leased(place).filter(|_| self.random.per_mille(500));
        self.journal.say(format_args!("the guest {} on {} reboots", place.1, place.0));
        if remembered.is_none() {
            self.wire.unplug(place);
        }
        let guest = tokio::spawn(guest::run(Arc::clone(&self.wire), place, remembered, false));
        self.guests.insert(place, guest.abort_handle());
    }

    /// No more faults, and everybody is at work: nothing may be left undone.
    pub(super) async fn recover(&mut self) {
        self.journal.say("the faults stop");
        self.set_faults(false);
        self.truth.set_poison(None);
        for number in 0..self.managers.len() {
            if self.managers[number].is_none() {
                let manager = self.manager(number);
                self.managers[number] = Some(manager);
            }
        }
        for agent in &self.agents {
            *agent.victim.lock().unwrap() = None;
            agent.faults.cut_off(Instant::now());
            agent.start();
        }
        for manager in self.managers.iter().flatten() {
            manager.faults.cut_off(Instant::now());
        }
        if self.truth.rivals.load(Ordering::Relaxed) {
            // The one that is behind may serve a claim that is gone, and nobody takes the address back.
            tokio::time::sleep(Duration::from_secs(600)).await;
            return;
        }
        let deadline = Instant::now() + RECOVERY;
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.resume_everything().await;
            self.match_guests();
            if self.journal.violation().is_some() {
                return;
            }
            let Some(left) = self.unsettled() else { break };
            if Instant::now() > deadline {
                self.journal.violate(format_args!("it does not come right: {left}"));
                return;
            }
        }
        // What is right stays right.
        tokio::time::sleep(Duration::from_secs(150)).await;
        if let Some(left) = self.unsettled() {
            self.journal.violate(format_args!("it was right and is no more: {left}"));
        }
    }

    /// What is not yet as it should be.
    fn unsettled(&self) -> Option<String> {
        let (pools, claims) = (self.truth.pools(), self.truth.claims());
        for network in NETWORKS {
            let Some(pool) = pools.get(&pool_of(network)) else {
                return Some(format!("{network} has no pool"));
            };
            if pool.metadata.deletion_timestamp.is_some() {
                return Some(format!("the pool of {network} is left terminating"));
            }
            if network == MADE
                && let Some(left) = does_not_follow(pool)
            {
                return Some(left);
            }
            let claimed: BTreeSet<MacAddr> = claims
                .values()
                .flat_map(cards)
                .filter(|((on, _), _)| *on == network)
                .map(|((_, mac), _)| mac)
                .collect();
            let allocations = allocations(pool);
            let restored = self.truth.is_restored(&pool_of(network));
            if let Some((address, mac)) = allocations.held.iter().find(|(_, mac)| !claimed.contains(mac))
                && !restored
            {
                return Some(format!("{address} leaks: {mac} is of no claim"));
            }
            // What agents go on serving to a guest that no claim knows stays until it ends or the operator speaks.
            let in_use = |address: Ipv4Addr, mac: MacAddr| self.leased((network, mac)) == Some(address);
            if let Some((address, entry)) = allocations.retiring.iter().find(|(address, entry)| {
                entry.withdrawn.is_none() && !(entry.served && in_use(**address, entry.mac))
            }) {
                return Some(format!("{address} of {} retires and is never withdrawn", entry.mac));
            }
        }
        let machines = self.truth.machines();
        machines
            .values()
            .find_map(|machine| machines::unsettled(machine, &claims, &self.truth.instances()))
            .or_else(|| claims.values().find_map(|claim| machines::left_behind(claim, &machines)))
            .or_else(|| claims.values().find_map(|claim| self.unsettled_claim(claim, &pools)))
    }

    /// Whether more cards are declared on a network than its pool has addresses.
    fn is_crowded(&self, network: &str, claims: &BTreeMap<String, VirtualMachineNetworkConfig>) -> bool {
        let declared: BTreeSet<_> = claims
            .values()
            .flat_map(cards)
            .map(|(place, _)| place)
            .filter(|(on, _)| *on == network)
            .collect();
        let pool = self.truth.pool_on(network).and_then(|pool| Pool::try_from(&pool).ok());
        pool.is_some_and(|pool| pool.domain.nth(declared.len().saturating_sub(1) as u64).is_none())
    }

    fn unsettled_claim(
        &self,
        claim: &VirtualMachineNetworkConfig,
        pools: &BTreeMap<String, IPPool>,
    ) -> Option<String> {
        let name = claim.metadata.name.clone().unwrap_or_default();
        if claim.metadata.deletion_timestamp.is_some() {
            return Some(format!("claim {name} is left terminating"));
        }
        let told = claim.status.clone().unwrap_or_default().network_configs;
        for ((network, mac), wanted) in cards(claim) {
            let card = told.iter().find(|card| card.mac_address == mac.to_string());
            let Some(card) = card else { return Some(format!("claim {name} says nothing of {mac}")) };
            if wanted.is_some() && ["AddressTaken", "AddressDeclared"].contains(&card.reason.as_str()) {
                continue;
            }
            let claims_now = self.truth.claims();
            let sharing =
                claims_now.values().flat_map(cards).filter(|(place, _)| *place == (network, mac)).count();
            if card.reason == "DuplicateMAC" && sharing > 1 {
                continue;
            }
            // What an older status holds for nobody is missing, and so is what a guest uses that no claim knows.
            let nothing_comes_back =
                || allocations(&pools[&pool_of(network)]).retiring.values().all(|e| e.served);
            // Cards that a user has written by hand stay beside those of the VM that takes the claim over.
            if card.reason == "PoolExhausted" && self.is_crowded(network, &claims_now) {
                continue;
            }
            let is_missing = match card.reason.as_str() {
                "PoolExhausted" => true,
                "AddressRetiring" => nothing_comes_back(),
                _ => false,
            };
            if is_missing && self.truth.is_restored(&pool_of(network)) {
                continue;
            }
            if card.state != NetworkConfigState::Allocated {
                return Some(format!("claim {name}: {mac} on {network} waits: {}", card.message));
            }
            let address: Ipv4Addr = card.allocated_ip_address.parse().unwrap();
            if let Some(wanted) = wanted.filter(|wanted| *wanted != address) {
                return Some(format!(
                    "claim {name}: {mac} has {address}, wants {wanted}, and nobody has said why not"
                ));
            }
            let pool = &pools[&pool_of(network)];
            if allocations(pool).held.get(&address) != Some(&mac) {
                return Some(format!("claim {name} says that {mac} has {address}, and its pool does not"));
            }
            if self.leased((network, mac)) != Some(address) {
                return Some(format!("the guest {mac} does not have its address {address}"));
            }
        }
        None
    }

    /// Managers and agents of a run that is over.
    pub(super) fn end(mut self) {
        for manager in self.managers.drain(..).flatten() {
            manager.crash();
        }
    }
}

fn agent_lease(name: &str, pool: &str) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([(COMPONENT_LABEL.to_owned(), AGENT_COMPONENT.to_owned())].into()),
            annotations: Some([(POOL_ANNOTATION.to_owned(), format!("default/{pool}"))].into()),
            ..ObjectMeta::default()
        },
        spec: None,
    }
}
