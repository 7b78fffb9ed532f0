//! `vmdhcp standalone` is killed at twenty random moments, while a thousand claims come and go through its file and the
//! DHCP clients of others renew: nobody is given what another one has, and nobody loses what it was given.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it fails by panicking")]

mod churn;
mod dice;
mod history;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kube::{Api, Client};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::{Target, connect};
use vmdhcp_e2e::clients::{Client as Program, Guest, Happening, Lease, Reason};
use vmdhcp_e2e::vmdhcp::{ADMIN, Api as File, Standalone, is_served};
use vmdhcp_e2e::{Lan, requirements, until};

use churn::{Churn, claim};
use dice::Dice;
use history::Recorder;

/// What the moments, and the lives of claims, are drawn by, where `VMDHCP_E2E_SEED` does not say otherwise.
const SEED: u64 = 20;
const KILLS: usize = 20;
const GUESTS: usize = 20;
/// Seconds of a lease: short, so that clients renew and addresses come back while the test runs.
const LEASE: u64 = 20;
const POOL: &str = "lab";
/// So few addresses that they have to be given again to others.
const MANIFEST: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata: {name: lab}
spec:
  networkName: lab
  ipv4Config:
    cidr: 10.77.0.0/16
    serverIP: 10.77.0.1
    leaseTime: 20
    pool: {start: 10.77.0.10, end: 10.77.2.97}
";

#[test]
fn killed_at_twenty_random_moments_it_gives_nothing_twice_and_takes_nothing_away() {
    let programs = ["ip", "udhcpc", "dhclient", "dhcpcd"];
    if !requirements::met("killed_at_twenty_random_moments_it_gives_nothing_twice", &programs) {
        return;
    }
    let seed = std::env::var("VMDHCP_E2E_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    let began = Instant::now();
    let lan = Lan::new();
    let file = File::new();
    file.apply(MANIFEST);
    let mut server = file.serve(&lan.host, POOL, POOL);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = runtime.block_on(async { connect(&Target::Local(file.file())).await.unwrap().client });
    let recorder = runtime.block_on(Recorder::start(client.clone()));
    let mut guests = boot(&runtime, &client, &lan);
    let addresses: Vec<_> = guests.iter().map(|(_, lease)| lease.address).collect();
    assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), GUESTS, "{addresses:?}");
    println!("{:.1?}: {GUESTS} clients are served", began.elapsed());

    let churn = runtime.spawn(Churn::new(client.clone(), recorder.latest(), seed).run());
    let watched = AtomicBool::new(true);
    let longest_outage = thread::scope(|scope| {
        let watching = scope.spawn(|| watch_cards(&guests, &watched));
        let longest_outage = kill_again_and_again(&file, &lan, &mut server, seed);
        println!("{:.1?}: it has been killed {KILLS} times", began.elapsed());
        wait_for_renewals(&guests);
        watched.store(false, Ordering::Relaxed);
        watching.join().unwrap();
        longest_outage
    });
    println!("{:.1?}: every client has renewed since", began.elapsed());

    let lives = runtime.block_on(churn).unwrap_or_else(|error| {
        // What is wrong may be in what has been seen so far: that says more.
        recorder.so_far().check(Duration::from_secs(LEASE));
        panic!("{error}");
    });
    println!("{:.1?}: {} claims were created, {} deleted", began.elapsed(), lives.created, lives.deleted);
    let converged = runtime.block_on(converge(&client, GUESTS + lives.created - lives.deleted));
    assert!(server.process.is_running(), "{}", server.process.log());
    let history = runtime.block_on(recorder.finish(converged));
    let seen = history.check(Duration::from_secs(LEASE));
    let mut renewals = 0;
    for (guest, first) in &mut guests {
        renewals += renewed(guest, first);
    }
    println!(
        "{:.1?}: seed {seed}, {KILLS} kills, at most {longest_outage:.1?} without a server; {} claims created and {} deleted; \
         {seen}; {renewals} renewals of {GUESTS} clients",
        began.elapsed(),
        lives.created,
        lives.deleted,
    );
    assert!(seen.given_to_others > 20, "addresses should come back and go to others: {seen}");
}

/// Declares the clients' cards and switches them on, each with its first lease.
fn boot(runtime: &tokio::runtime::Runtime, client: &Client, lan: &Lan) -> Vec<(Guest, Lease)> {
    let claims = Api::<VirtualMachineNetworkConfig>::default_namespaced(client.clone());
    let mac = |number: usize| format!("02:00:00:77:00:{number:02x}");
    for number in 0..GUESTS {
        let claim = claim(&format!("guest-{number}"), &mac(number));
        runtime.block_on(claims.create(&kube::api::PostParams::default(), &claim)).unwrap();
    }
    thread::scope(|scope| {
        let boot = |number: usize| {
            let program = match number {
                0..=2 => Program::Dhclient,
                3..=4 => Program::Dhcpcd,
                _ => Program::Udhcpc,
            };
            let mut guest = Guest::new(program, lan.plug_in(&mac(number)));
            let (_, lease) = guest.switch_on();
            (guest, lease)
        };
        let booting: Vec<_> = (0..GUESTS).map(|number| scope.spawn(move || boot(number))).collect();
        booting.into_iter().map(|guest| guest.join().unwrap()).collect()
    })
}

/// Kills the server at random moments, some of them while it starts, and starts it again at once. Gives the longest time
/// for which there was none.
fn kill_again_and_again(file: &File, lan: &Lan, server: &mut Standalone, seed: u64) -> Duration {
    let mut dice = Dice::new(seed);
    let mut down_since: Option<Instant> = None;
    let mut longest = Duration::ZERO;
    for kill in 0..KILLS {
        let until_kill = Instant::now() + dice.millis(200, 3000);
        while Instant::now() < until_kill {
            if let Some(since) = down_since
                && is_served(&lan.host, POOL)
            {
                longest = longest.max(since.elapsed());
                down_since = None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        assert!(server.process.is_running(), "before kill {kill} it has ended:\n{}", server.process.log());
        down_since.get_or_insert_with(Instant::now);
        server.process.end();
        server.process = file.start(&lan.host, POOL, ADMIN);
    }
    until("server after the last kill", Duration::from_secs(20), || is_served(&lan.host, POOL).then_some(()));
    longest.max(down_since.map_or(Duration::ZERO, |since| since.elapsed()))
}

/// Looks at the cards all the time: each has its address, and no other.
fn watch_cards(guests: &[(Guest, Lease)], watched: &AtomicBool) {
    while watched.load(Ordering::Relaxed) {
        for (guest, lease) in guests {
            assert_eq!(guest.addresses(), [lease.address], "{}", guest.log());
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// Waits until every client has renewed once more.
fn wait_for_renewals(guests: &[(Guest, Lease)]) {
    let before: Vec<_> = guests.iter().map(|(guest, _)| guest.history().len()).collect();
    for ((guest, _), before) in guests.iter().zip(before) {
        let what = "renewal after the last kill";
        let patience = Duration::from_secs(LEASE + 5);
        until(what, patience, || (guest.history().len() > before).then_some(()));
    }
}

/// How often a client has renewed; fails if it was ever without its first address.
fn renewed(guest: &Guest, first: &Lease) -> usize {
    let mut renewals = 0;
    for happening in guest.history() {
        match happening {
            Happening::Leased(reason, lease) => {
                assert_eq!(lease, *first, "{}", guest.log());
                renewals += usize::from(reason == Reason::Renewed);
            }
            Happening::Lost(word) => panic!("a client has lost {}: {word}\n{}", first.address, guest.log()),
        }
    }
    renewals
}

/// Waits until the claims that are left, and nobody else, have an address, and gives the version of that state.
async fn converge(client: &Client, claims: usize) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match history::is_at_rest(client, claims).await {
            Ok(version) => return version,
            Err(why) => assert!(Instant::now() < deadline, "after 30 s {why}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The pool as it is stored.
async fn pool(client: &Client) -> IPPool {
    Api::<IPPool>::default_namespaced(client.clone()).get(POOL).await.unwrap()
}

/// Whether the pool could give this address.
fn is_of_pool(address: Ipv4Addr) -> bool {
    (Ipv4Addr::new(10, 77, 0, 10)..=Ipv4Addr::new(10, 77, 2, 97)).contains(&address)
}
