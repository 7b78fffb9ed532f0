//! A guest's DHCP client: it holds an address from the acknowledgement to the end of the lease, and no longer.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant};
use vmdhcp_core::MacAddr;

use super::agent::Agent;
use super::journal::Journal;
use super::truth::Truth;
use crate::cluster::faults::Random;

/// Longest time for which a table that was confirmed may be behind, and a little, in seconds.
const BEHIND: i64 = 40;

/// A card on a network.
pub(super) type Place = (&'static str, MacAddr);

/// Who uses an address, and until when.
type Holders = BTreeMap<MacAddr, Instant>;

/// The wire of all networks: agents, and who uses which address.
pub(super) struct Wire {
    agents: Mutex<Vec<Arc<Agent>>>,
    leases: Mutex<BTreeMap<(&'static str, Ipv4Addr), Holders>>,
    /// Packets that are lost, of a thousand.
    pub(super) loss: Mutex<u64>,
    pub(super) random: Random,
    pub(super) journal: Journal,
    pub(super) truth: Arc<Truth>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub(super) fn new(random: Random, journal: Journal, truth: Arc<Truth>) -> Self {
        let (agents, leases, loss) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { agents, leases, loss, random, journal, truth }
    }

    pub(super) fn join(&self, agent: Arc<Agent>) {
        lock(&self.agents).push(agent);
    }

    /// Leases that run now: network, address and card.
    pub(super) fn running(&self) -> Vec<(&'static str, Ipv4Addr, MacAddr)> {
        let now = Instant::now();
        let leases = lock(&self.leases);
        let running = leases.iter().flat_map(|(&(network, address), holders)| {
            let holders = holders.iter().filter(move |(_, until)| **until > now);
            holders.map(move |(&mac, _)| (network, address, mac))
        });
        running.collect()
    }

    /// The card is off: whatever it has, it does not use.
    pub(super) fn unplug(&self, (network, mac): Place) {
        for (_, holders) in lock(&self.leases).iter_mut().filter(|((on, _), _)| *on == network) {
            holders.remove(&mac);
        }
    }

    /// Whether somebody answers a question for that address, and both packets arrive.
    pub(super) fn answers(&self, network: &str, address: Ipv4Addr) -> bool {
        let is_used = self.running().iter().any(|lease| (lease.0, lease.1) == (network, address));
        let loss = *lock(&self.loss);
        is_used && !self.random.per_mille(loss) && !self.random.per_mille(loss)
    }

    fn take(&self, (network, mac): Place, address: Ipv4Addr, until: Instant) {
        let now = Instant::now();
        let mut leases = lock(&self.leases);
        for ((on, other), holders) in leases.iter_mut() {
            if *on == network && *other != address {
                holders.remove(&mac);
            }
        }
        let holders = leases.entry((network, address)).or_default();
        holders.retain(|_, until| *until > now);
        if let Some(other) = holders.keys().find(|other| **other != mac) {
            self.journal.violate(format_args!("{mac} and {other} both use {address} on {network}"));
        }
        holders.insert(mac, until);
    }

    /// Sends a message, and returns the first answer. A broadcast goes to every agent of the network.
    async fn ask(&self, network: &str, message: &[u8], broadcast: bool) -> Option<(Answer, Arc<Agent>)> {
        tokio::time::sleep(self.random.millis(1..20)).await;
        let mut agents: Vec<_> =
            lock(&self.agents).iter().filter(|agent| agent.network == network).cloned().collect();
        if self.random.per_mille(500) {
            agents.reverse();
        }
        if !broadcast {
            agents.truncate(1);
        }
        let loss = *lock(&self.loss);
        let mut answers = Vec::new();
        for agent in agents {
            if self.random.per_mille(loss) {
                continue;
            }
            if let Some(answer) = agent.answer(message).as_deref().and_then(Answer::read)
                && !self.random.per_mille(loss)
            {
                answers.push((answer, agent));
            }
        }
        tokio::time::sleep(self.random.millis(1..20)).await;
        answers.into_iter().next()
    }
}

/// What a server says, as far as the client goes by it.
#[derive(Debug, Clone, Copy)]
struct Answer {
    kind: u8,
    address: Ipv4Addr,
    server: Ipv4Addr,
    lease: Duration,
    renewal: Duration,
}

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let address = <[u8; 4]>::try_from(bytes.get(16..20)?).ok()?.into();
        let mut options: BTreeMap<u8, &[u8]> = BTreeMap::new();
        let mut rest = bytes.get(240..)?;
        while let [code, length, tail @ ..] = rest
            && *code != 255
        {
            let (value, tail) = tail.split_at_checked(usize::from(*length))?;
            options.insert(*code, value);
            rest = tail;
        }
        let seconds = |code| {
            let value = options.get(&code).and_then(|value| <[u8; 4]>::try_from(*value).ok());
            Duration::from_secs(value.map_or(0, u32::from_be_bytes).into())
        };
        let server = options.get(&54).and_then(|value| <[u8; 4]>::try_from(*value).ok())?.into();
        Some(Self {
            kind: *options.get(&53)?.first()?,
            address,
            server,
            lease: seconds(51),
            renewal: seconds(58),
        })
    }
}

/// The bytes of a client's message.
fn message(
    kind: u8,
    mac: MacAddr,
    ciaddr: Ipv4Addr,
    server: Option<Ipv4Addr>,
    asked: Option<Ipv4Addr>,
) -> Vec<u8> {
    let mut bytes = vec![0; 240];
    bytes[..4].copy_from_slice(&[1, 1, 6, 0]);
    bytes[12..16].copy_from_slice(&ciaddr.octets());
    bytes[28..34].copy_from_slice(&mac.octets());
    bytes[236..].copy_from_slice(&[99, 130, 83, 99]);
    bytes.extend([53, 1, kind]);
    for (code, address) in [(54, server), (50, asked)] {
        if let Some(address) = address {
            bytes.extend([code, 4]);
            bytes.extend(address.octets());
        }
    }
    bytes.push(255);
    bytes
}

/// A lease as its client has it.
struct Bound {
    address: Ipv4Addr,
    since: Instant,
    lease: Duration,
    renewal: Duration,
}

/// Runs a client until it is aborted; a `lingering` one ends when it has lost its address. It begins with the address
/// that it had before, if it remembers one.
pub(super) async fn run(wire: Arc<Wire>, place: Place, remembered: Option<Ipv4Addr>, lingering: bool) {
    let mut remembered = remembered;
    loop {
        let bound = match remembered.take() {
            Some(address) => request(&wire, place, None, address).await.ok().flatten(),
            None => None,
        };
        let bound = match bound {
            Some(bound) => Some(bound),
            None if lingering => None,
            None => begin(&wire, place).await,
        };
        match bound {
            Some(bound) => keep(&wire, place, bound).await,
            None if lingering => return,
            None => tokio::time::sleep(wire.random.millis(3_000..10_000)).await,
        }
        if lingering {
            return;
        }
    }
}

/// Goes on with a lease that another run of the client has.
pub(super) async fn linger(wire: Arc<Wire>, place: Place, address: Ipv4Addr) {
    let bound = Bound { address, since: Instant::now(), lease: Duration::ZERO, renewal: Duration::ZERO };
    let until =
        lock(&wire.leases).get(&(place.0, address)).and_then(|holders| holders.get(&place.1)).copied();
    let Some(until) = until else { return };
    keep(&wire, place, Bound { lease: until.duration_since(bound.since), ..bound }).await;
}

async fn begin(wire: &Wire, place: Place) -> Option<Bound> {
    let (network, mac) = place;
    let discover = message(DISCOVER, mac, Ipv4Addr::UNSPECIFIED, None, None);
    let (offer, _) = wire.ask(network, &discover, true).await.filter(|(answer, _)| answer.kind == OFFER)?;
    request(wire, place, Some(offer.server), offer.address).await.ok().flatten()
}

/// Asks for an address: a lease, silence, or (as an error) a refusal.
async fn request(
    wire: &Wire,
    place: Place,
    server: Option<Ipv4Addr>,
    address: Ipv4Addr,
) -> Result<Option<Bound>, ()> {
    let sent = Instant::now();
    let bytes = message(REQUEST, place.1, Ipv4Addr::UNSPECIFIED, server, Some(address));
    let answer = wire.ask(place.0, &bytes, true).await;
    judge(wire, place, address, sent, answer)
}

fn judge(
    wire: &Wire,
    place: Place,
    address: Ipv4Addr,
    sent: Instant,
    answer: Option<(Answer, Arc<Agent>)>,
) -> Result<Option<Bound>, ()> {
    let (network, mac) = place;
    let Some((answer, agent)) = answer else { return Ok(None) };
    match answer.kind {
        ACK => {
            let Answer { address, lease, renewal, .. } = answer;
            // A renewal is no news.
            if !wire.running().contains(&(network, address, mac)) {
                wire.journal.say(format_args!("{} leases {address} to {mac} for {lease:?}", agent.name));
            }
            wire.take(place, address, sent + lease);
            Ok(Some(Bound { address, since: sent, lease, renewal }))
        }
        NAK => {
            wire.journal.say(format_args!("{} refuses {address} to {mac}", agent.name));
            let pool = wire.truth.pool_on(network);
            let uid = pool.and_then(|pool| pool.metadata.uid).unwrap_or_default();
            if let Some(since) = wire.truth.held_since(&uid, (address, mac))
                && wire.journal.now().duration_since(since).as_secs() > BEHIND
            {
                wire.journal.violate(format_args!(
                    "{} refuses {address} to {mac}, which has had it since {since}",
                    agent.name
                ));
            }
            wire.unplug(place);
            Err(())
        }
        _ => Ok(None),
    }
}

/// Uses a lease to its end, renewing it as long as somebody answers.
async fn keep(wire: &Wire, place: Place, mut bound: Bound) {
    loop {
        let end = bound.since + bound.lease;
        tokio::time::sleep_until((bound.since + bound.renewal).min(end)).await;
        loop {
            let sent = Instant::now();
            if sent >= end {
                wire.unplug(place);
                return;
            }
            let rebinding = sent >= bound.since + bound.lease * 7 / 8;
            let bytes = message(REQUEST, place.1, bound.address, None, None);
            let answer = wire.ask(place.0, &bytes, rebinding || wire.random.per_mille(200)).await;
            match judge(wire, place, bound.address, sent, answer) {
                Ok(Some(next)) => {
                    bound = next;
                    break;
                }
                Ok(None) => {
                    let pause = wire.random.millis(2_000..9_000);
                    tokio::time::sleep_until((Instant::now() + pause).min(end)).await;
                }
                Err(()) => return,
            }
        }
    }
}
