//! What users and bad luck do: one thing after the other, drawn from the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use vmdhcp_core::api::{
    DHCP_ANNOTATION, DHCP_POOL_ANNOTATION, IPPool, REUSE_ANNOTATION, VirtualMachineNetworkConfig,
};

use super::machines;
use super::truth::allocations;
use super::world::{MADE, NETWORKS, World, cards, network, network_with_pool, pool, pool_of};
use crate::cluster::faults::Faults;

/// Cards there may be at once on `net-a`: no more than its pool has addresses.
const MOST_CARDS: usize = 5;
/// The network whose agent may lie. It has room for all its cards even if two addresses are out of use.
const LIARS: &str = "net-b";
/// The card that the API does not like, in runs that have one.
pub(super) const POISON: &str = "52:54:00:00:00:66";

/// What the users have in mind.
#[derive(Default)]
pub(super) struct Users {
    /// Claims as they once were.
    backup: BTreeMap<String, VirtualMachineNetworkConfig>,
    /// Pools as they once were.
    pool_backup: BTreeMap<String, IPPool>,
    spares: u32,
}

/// The agent of `net-b` says that the address of a card is in use by a stranger, or says so no more.
fn agent_lies(world: &World) {
    let cards: Vec<_> = world.truth.claims().values().flat_map(cards).collect();
    let on_network: Vec<_> =
        cards.into_iter().map(|(place, _)| place).filter(|place| place.0 == LIARS).collect();
    let Some(agent) = world.agents.iter().find(|agent| agent.network == LIARS) else { return };
    let victim =
        world.random.one_of(&on_network).filter(|_| world.random.per_mille(700)).map(|place| place.1);
    world.journal.say(format_args!("{} says that the address of {victim:?} is in use", agent.name));
    *agent.victim.lock().unwrap() = victim;
}

impl Users {
    /// Lets things happen for a while.
    pub(super) async fn live(&mut self, world: &mut World) {
        world.set_faults(true);
        if world.random.per_mille(300) {
            world.truth.set_poison(POISON.parse().ok());
        }
        for _ in 0..world.random.within(15..45) {
            // Mostly one thing follows another soon; now and then leases run out meanwhile.
            let pause = if world.random.per_mille(100) { 20_000..150_000 } else { 10..8_000 };
            tokio::time::sleep(world.random.millis(pause)).await;
            world.match_guests();
            self.act(world).await;
            if world.random.per_mille(80) {
                // In the middle of what comes of it.
                tokio::time::sleep(world.random.millis(5..120)).await;
                manager_dies(world).await;
            }
            if world.journal.violation().is_some() {
                return;
            }
        }
    }

    async fn act(&mut self, world: &mut World) {
        match world.random.within(0..127) {
            0..14 => self.create(world).await,
            14..19 => {
                // Several at once, for one write.
                for _ in 0..3 {
                    self.create(world).await;
                }
            }
            19..28 => delete(world).await,
            28..33 => pause(world).await,
            33..38 => declare(world).await,
            38..43 => self.move_card(world).await,
            43..46 => pause_pool(world).await,
            46..49 => lease_time(world).await,
            49..52 => widen(world).await,
            52..55 => self.back_up(world),
            55..59 => lose_claim_status(world).await,
            59..65 => self.lose_pool_status(world).await,
            65..67 => renew_pool(world).await,
            67..70 => change_network(world).await,
            70..78 => manager_dies(world).await,
            78..81 => manager_is_cut_off(world),
            81..87 => agent_dies(world),
            87..94 => {
                agent_is_cut_off(world);
                declare(world).await;
                if world.random.per_mille(500) {
                    // Its table grows old while guests renew.
                    tokio::time::sleep(world.random.millis(60_000..180_000)).await;
                }
            }
            94..100 => world.reboot_a_guest(),
            125..127 => agent_lies(world),
            _ => machines::act(world).await,
        }
    }

    async fn create(&mut self, world: &mut World) {
        let favourite = world.truth.poison().filter(|_| world.random.per_mille(300)).map(|_| 7);
        let vm = format!("vm-{}", favourite.unwrap_or_else(|| world.random.within(0..8)));
        if !has_room(world) || world.truth.claims().contains_key(&vm) {
            return;
        }
        let number: u32 = vm.trim_start_matches("vm-").parse().unwrap();
        let mac = match number {
            7 => POISON.to_owned(),
            number => format!("52:54:00:00:00:{number:02x}"),
        };
        let mut configs = vec![json!({ "networkName": "net-a", "macAddress": mac })];
        if world.random.per_mille(150) {
            configs[0]["ipAddress"] = json!(format!("10.0.1.{}", world.random.within(10..15)));
        }
        if world.random.per_mille(400) {
            configs.push(json!({
                "networkName": "net-b", "macAddress": format!("52:54:00:00:01:{number:02x}"),
            }));
        }
        if world.random.per_mille(400) {
            configs
                .push(json!({ "networkName": MADE, "macAddress": format!("52:54:00:00:03:{number:02x}") }));
        }
        let mut claim: VirtualMachineNetworkConfig = serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1",
            "kind": "VirtualMachineNetworkConfig",
            "metadata": { "name": vm },
            "spec": { "vmName": vm, "networkConfigs": configs },
        }))
        .unwrap();
        if let Some(older) = self.backup.get(&vm).filter(|_| world.random.per_mille(500)) {
            claim.spec = older.spec.clone();
        }
        let created = world.claims.create(&PostParams::default(), &claim).await;
        say(world, format_args!("create {vm} {:?}", cards(&claim)), &created);
    }

    /// A card goes to another VM, and its own VM gets a new one.
    async fn move_card(&mut self, world: &mut World) {
        let claims: Vec<_> = world.truth.claims().into_values().collect();
        let (Some(from), Some(to)) = (world.random.one_of(&claims), world.random.one_of(&claims)) else {
            return;
        };
        if from.name_any() == to.name_any() {
            return;
        }
        self.spares += 1;
        let fresh = format!("52:54:00:00:02:{:02x}", self.spares);
        let Some(moved) = from.spec.cards().first().map(|card| card.mac_address.clone()) else { return };
        if moved == POISON || to.spec.cards().is_empty() {
            return;
        }
        let mut changes = [(from, fresh), (to, moved.clone())];
        if world.random.per_mille(300) {
            changes.reverse();
        }
        for (claim, mac) in changes {
            let name = claim.name_any();
            if world.truth.machines().contains_key(&name) {
                machines::give_card(world, &name, &mac).await;
            } else {
                let mut configs = claim.spec.network_configs.clone();
                configs[0].mac_address.clone_from(&mac);
                let patch = json!({ "spec": { "networkConfigs": configs } });
                patch_claim(world, &name, patch, format_args!("move {moved}")).await;
            }
            tokio::time::sleep(world.random.millis(0..2_000)).await;
        }
    }

    fn back_up(&mut self, world: &World) {
        world.journal.say("user: back up everything");
        self.backup = world.truth.claims();
        self.pool_backup = world.truth.pools();
    }

    /// A pool's status is lost, or replaced by an older one, while the managers are down.
    ///
    /// Nobody can know of leases that neither a claim's nor the pool's older status tells of: only what is told of by
    /// somebody is lost.
    async fn lose_pool_status(&mut self, world: &mut World) {
        let network = *world.random.one_of(&NETWORKS).unwrap();
        let name = pool_of(network);
        let Some(stored) = world.truth.pools().remove(&name) else { return };
        let older = self.pool_backup.get(&name).filter(|older| older.uid() == stored.uid());
        let older = older.filter(|_| world.random.per_mille(500)).cloned();
        for manager in &mut world.managers {
            manager.take().into_iter().for_each(super::controller::Manager::crash);
        }
        // What the managers have sent arrives first.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let told = granted(world, network);
        let known = older.as_ref().map(allocations).unwrap_or_default();
        let explained = |(_, address, mac): &(&str, Ipv4Addr, _)| {
            told.get(address) == Some(mac) || known.held.get(address) == Some(mac)
        };
        let mut running = world.wire.running().into_iter().filter(|lease| lease.0 == network);
        if running.all(|lease| explained(&lease)) && world.truth.pools().contains_key(&name) {
            let status = older.as_ref().map_or(json!(null), |older| json!(older.status));
            if older.is_some() {
                world.truth.set_restored(name.clone());
            }
            let what = if status.is_null() { "is lost" } else { "is replaced by an older one" };
            // A merge patch would keep what has been added since.
            let patch: Patch<Value> = Patch::Merge(json!({ "status": null }));
            let lost = world.pools.patch_status(&name, &PatchParams::default(), &patch).await;
            say(world, format_args!("the status of {name} {what}"), &lost);
            if !status.is_null() {
                let patch = Patch::Merge(json!({ "status": status }));
                let put = world.pools.patch_status(&name, &PatchParams::default(), &patch).await;
                say(world, format_args!("the older status of {name}"), &put);
            }
        }
        for number in 0..world.managers.len() {
            let manager = world.manager(number);
            world.managers[number] = Some(manager);
        }
    }
}

/// Whether there may be one more card on `net-a`.
pub(super) fn has_room(world: &World) -> bool {
    let claims = world.truth.claims();
    let mut on_net_a: BTreeSet<_> = claims.values().flat_map(cards).map(|(place, _)| place).collect();
    let machines = world.truth.machines();
    let of_machines = machines.values().flat_map(|machine| machines::cards(machine, None));
    on_net_a.extend(of_machines.map(|(place, _)| place));
    // KubeVirt may choose one at any time.
    on_net_a.extend(machines.keys().map(|name| ("net-a", machines::first_mac(name))));
    on_net_a.iter().filter(|(network, _)| *network == "net-a").count() < MOST_CARDS
}

/// What the claims' statuses say of a network.
fn granted(world: &World, network: &str) -> BTreeMap<Ipv4Addr, vmdhcp_core::MacAddr> {
    let claims = world.truth.claims();
    let cards = claims.values().filter_map(|claim| claim.status.as_ref()).flat_map(|status| {
        status.network_configs.iter().filter(|card| {
            card.network_name.ends_with(network)
                && card.state == vmdhcp_core::api::NetworkConfigState::Allocated
        })
    });
    cards
        .filter_map(|card| Some((card.allocated_ip_address.parse().ok()?, card.mac_address.parse().ok()?)))
        .collect()
}

pub(super) fn say<T, E: std::fmt::Display>(
    world: &World,
    what: std::fmt::Arguments<'_>,
    result: &Result<T, E>,
) {
    match result {
        Ok(_) => world.journal.say(format_args!("user: {what}")),
        Err(error) => {
            let error = error.to_string();
            let error = error.split('(').next().unwrap_or_default();
            world.journal.say(format_args!("user: {what}: refused: {error}"));
        }
    }
}

fn any_claim(world: &World) -> Option<VirtualMachineNetworkConfig> {
    let claims: Vec<_> = world.truth.claims().into_values().collect();
    world.random.one_of(&claims).cloned()
}

async fn patch_claim(world: &World, name: &str, patch: Value, what: std::fmt::Arguments<'_>) {
    let patched = world.claims.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    say(world, format_args!("{name}: {what}"), &patched);
}

async fn patch_pool(world: &World, name: &str, patch: Value, what: std::fmt::Arguments<'_>) {
    let patched = world.pools.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    say(world, format_args!("{name}: {what}"), &patched);
}

async fn delete(world: &World) {
    let Some(claim) = any_claim(world) else { return };
    let deleted = world.claims.delete(&claim.name_any(), &DeleteParams::default()).await;
    say(world, format_args!("delete {}", claim.name_any()), &deleted);
}

async fn pause(world: &World) {
    let Some(claim) = any_claim(world) else { return };
    let paused = !claim.spec.is_paused();
    let patch = json!({ "spec": { "paused": paused } });
    patch_claim(world, &claim.name_any(), patch, format_args!("paused: {paused}")).await;
}

async fn pause_pool(world: &World) {
    let name = pool_of(world.random.one_of(&NETWORKS).unwrap());
    let paused = world.random.per_mille(400);
    patch_pool(world, &name, json!({ "spec": { "paused": paused } }), format_args!("paused: {paused}")).await;
}

async fn lease_time(world: &World) {
    let name = pool_of(world.random.one_of(&NETWORKS).unwrap());
    let seconds = *world.random.one_of(&[60, 120, 240]).unwrap();
    let patch = json!({ "spec": { "ipv4Config": { "leaseTime": seconds } } });
    patch_pool(world, &name, patch, format_args!("leases of {seconds} s")).await;
}

async fn widen(world: &World) {
    let last = world.random.within(14..17);
    let patch = json!({ "spec": { "ipv4Config": { "pool": { "end": format!("10.0.1.{last}") } } } });
    patch_pool(world, "pool-a", patch, format_args!("up to .{last}")).await;
}

/// A claim's status is lost, while its pool tells of the leases that its cards have: one of the two has to.
async fn lose_claim_status(world: &World) {
    let Some(claim) = any_claim(world) else { return };
    let told = |(network, address, mac): (&str, Ipv4Addr, vmdhcp_core::MacAddr)| {
        let pool = world.truth.pool_on(network);
        pool.is_some_and(|pool| allocations(&pool).held.get(&address) == Some(&mac))
    };
    let places: Vec<_> = cards(&claim).into_iter().map(|(place, _)| place).collect();
    let running = world.wire.running().into_iter();
    if !running.filter(|lease| places.contains(&(lease.0, lease.2))).all(told) {
        return;
    }
    let patch: Patch<Value> = Patch::Merge(json!({ "status": null }));
    let lost = world.claims.patch_status(&claim.name_any(), &PatchParams::default(), &patch).await;
    say(world, format_args!("the status of {} is lost", claim.name_any()), &lost);
}

/// The pool of a network that nobody uses any more goes, and comes again later.
async fn renew_pool(world: &World) {
    let name = pool_of("net-b");
    if !world.truth.pools().contains_key(&name) {
        let created = world.pools.create(&PostParams::default(), &pool("net-b")).await;
        say(world, format_args!("create {name}"), &created);
        return;
    }
    // What retires is forgotten with the pool, so its owner waits for the last lease.
    if world.wire.running().iter().any(|lease| lease.0 == "net-b") {
        return;
    }
    let deleted = world.pools.delete(&name, &DeleteParams::default()).await;
    say(world, format_args!("delete {name}"), &deleted);
}

/// The network that has its pool made comes, goes, asks for one or does not, or declares other fields of it.
async fn change_network(world: &World) {
    let annotate = async |annotations: Value, what: std::fmt::Arguments<'_>| {
        let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
        let patched = world.networks.patch(MADE, &PatchParams::default(), &patch).await;
        say(world, format_args!("{MADE}: {what}"), &patched);
    };
    match world.random.within(0..10) {
        0..2 => {
            let deleted = world.networks.delete(MADE, &DeleteParams::default()).await;
            say(world, format_args!("delete {MADE}"), &deleted);
        }
        2..4 => {
            let created =
                world.networks.create(&PostParams::default(), &network_with_pool("leaseTime: 60")).await;
            say(world, format_args!("create {MADE}"), &created);
        }
        4..6 => annotate(json!({ DHCP_ANNOTATION: "false" }), format_args!("wants no pool")).await,
        6..7 => annotate(json!({ DHCP_ANNOTATION: null }), format_args!("wants its pool")).await,
        _ => {
            let end = world.random.within(11..17);
            let fields = *world
                .random
                .one_of(&[
                    "leaseTime: 120",
                    "leaseTime: 240",
                    "leaseTime: 60, dns: [10.0.3.1]",
                    "leaseTim: 60",
                ])
                .unwrap();
            let network = network_with_pool(&format!("{fields}, domainName: v{end}"));
            let yaml =
                network.annotations()[DHCP_POOL_ANNOTATION].replace("10.0.3.14", &format!("10.0.3.{end}"));
            annotate(json!({ DHCP_POOL_ANNOTATION: yaml }), format_args!("{fields}, up to .{end}")).await;
        }
    }
}

/// A card is to have a certain address from now on, or may have any.
async fn declare(world: &World) {
    let Some(claim) = any_claim(world) else { return };
    let mut configs = claim.spec.network_configs.clone();
    let Some(card) = configs.iter_mut().find(|card| network(&card.network_name) == Some("net-a")) else {
        return;
    };
    let last = world.random.within(10..17);
    card.ip_address = (last < 15).then(|| format!("10.0.1.{last}"));
    let what = format!("{} wants {:?}", card.mac_address, card.ip_address);
    let patch = json!({ "spec": { "networkConfigs": configs } });
    patch_claim(world, &claim.name_any(), patch, format_args!("{what}")).await;
}

/// A manager dies, and mostly comes back at once, while what it had sent may still be on its way; or it comes back now.
async fn manager_dies(world: &mut World) {
    let number = usize::try_from(world.random.next()).unwrap_or(0) % world.managers.len();
    if let Some(manager) = world.managers[number].take() {
        manager.crash();
        if world.random.per_mille(400) {
            return;
        }
        tokio::time::sleep(world.random.millis(0..3_000)).await;
    }
    let manager = world.manager(number);
    world.managers[number] = Some(manager);
}

fn manager_is_cut_off(world: &World) {
    let managers: Vec<_> = world.managers.iter().flatten().collect();
    let Some(manager) = world.random.one_of(&managers) else { return };
    cut_off(world, &manager.name, &manager.faults);
}

fn agent_is_cut_off(world: &World) {
    let Some(agent) = world.random.one_of(&world.agents) else { return };
    cut_off(world, &agent.name, &agent.faults);
}

fn cut_off(world: &World, name: &str, faults: &Faults) {
    let time = world.random.millis(20_000..300_000);
    world.journal.say(format_args!("{name} does not reach the API for {time:?}"));
    faults.cut_off(Instant::now() + time);
}

fn agent_dies(world: &World) {
    let Some(agent) = world.random.one_of(&world.agents) else { return };
    if world.random.per_mille(500) {
        agent.crash(world.random.per_mille(200));
    }
    Arc::clone(agent).start();
}

impl World {
    /// Undoes what users have switched off.
    pub(super) async fn resume_everything(&self) {
        if !self.truth.pools().contains_key("pool-b") {
            let created = self.pools.create(&PostParams::default(), &pool("net-b")).await;
            say(self, format_args!("create pool-b"), &created);
        }
        let asking = network_with_pool("leaseTime: 120");
        if self.networks.get_opt(MADE).await.unwrap().is_none() {
            let created = self.networks.create(&PostParams::default(), &asking).await;
            say(self, format_args!("create {MADE}"), &created);
        }
        let mut annotations = json!(asking.annotations());
        annotations[DHCP_ANNOTATION] = Value::Null;
        let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
        let patched = self.networks.patch(MADE, &PatchParams::default(), &patch).await;
        patched.unwrap();
        for (name, pool) in self.truth.pools() {
            if pool.spec.paused == Some(true) {
                patch_pool(self, &name, json!({ "spec": { "paused": false } }), format_args!("resumed"))
                    .await;
            }
        }
        for (name, claim) in self.truth.claims() {
            if claim.spec.is_paused() {
                patch_claim(self, &name, json!({ "spec": { "paused": false } }), format_args!("resumed"))
                    .await;
            }
        }
        self.release_lost_addresses().await;
    }

    /// Looks which addresses agents go on serving that their pool has lost, and releases those that no guest uses: only
    /// an operator can.
    async fn release_lost_addresses(&self) {
        let running = self.wire.running();
        for network in NETWORKS {
            let Some(pool) = self.truth.pool_on(network) else { continue };
            let lost = allocations(&pool).retiring.into_iter().filter(|(_, entry)| entry.served);
            let unused = lost.filter(|(address, _)| {
                !running.iter().any(|lease| (lease.0, lease.1) == (network, *address))
            });
            let list = unused.map(|(address, _)| address.to_string()).collect::<Vec<_>>().join(",");
            if !list.is_empty() {
                let word = json!({ "metadata": { "annotations": { REUSE_ANNOTATION: list } } });
                patch_pool(self, &pool.name_any(), word, format_args!("no guest uses {list}")).await;
            }
        }
    }
}
