//! What the API really says, in the order of the commits, and what must hold of it at every one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::Value;
use tower::{Service, ServiceExt};
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{
    IPPool, NetworkConfigState, REUSE_ANNOTATION, VirtualMachine, VirtualMachineInstance,
    VirtualMachineNetworkConfig,
};
use vmdhcp_core::ipam::Allocations;

use super::journal::Journal;
use crate::cluster::local::LocalApi;

/// How long a claim may go on saying what its pool has said: a call that is on its way takes so long.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(60);

/// Address and card.
pub(super) type Pair = (Ipv4Addr, MacAddr);

/// Everything that the API has said of pools and claims.
pub(super) struct Truth {
    said: Mutex<Said>,
    journal: Journal,
    /// A card whose allocation the API refuses to store.
    poison: Mutex<Option<MacAddr>>,
    /// Several managers work at once.
    pub(super) rivals: AtomicBool,
}

#[derive(Default)]
struct Said {
    pools: BTreeMap<String, IPPool>,
    claims: BTreeMap<String, VirtualMachineNetworkConfig>,
    machines: BTreeMap<String, VirtualMachine>,
    instances: BTreeMap<String, VirtualMachineInstance>,
    /// Since when, and until when a pool, by its UID, has said that a pair is allocated.
    pairs: BTreeMap<(String, Pair), (Timestamp, Option<Timestamp>)>,
    /// Pools into which somebody has put an older status: they may hold addresses of nobody, and of somebody else.
    restored: BTreeSet<String>,
    /// Card and address of everything that a claim has ever declared: a manager may see that late.
    wanted: BTreeSet<(String, String)>,
    /// When a card last had to give up its address because somebody else used it, and which.
    moved: BTreeMap<MacAddr, (Timestamp, Ipv4Addr)>,
    /// Claims that have been paused: a manager may see that late too, and then only of the pause, not of its end.
    paused: BTreeSet<String>,
}

/// The allocations of a pool as it is stored.
pub(super) fn allocations(pool: &IPPool) -> Allocations {
    let ipv4 = pool.status.as_ref().and_then(|status| status.ipv4.as_ref());
    ipv4.map(Allocations::read).unwrap_or_default()
}

fn uid(pool: &IPPool) -> String {
    pool.metadata.uid.clone().unwrap_or_default()
}

impl Truth {
    pub(super) fn new(journal: Journal) -> Self {
        Self { said: Mutex::default(), journal, poison: Mutex::default(), rivals: AtomicBool::new(false) }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_poison(&self, card: Option<MacAddr>) {
        *self.poison.lock().unwrap_or_else(PoisonError::into_inner) = card;
    }

    pub(super) fn poison(&self) -> Option<MacAddr> {
        *self.poison.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody puts an older status into that pool.
    pub(super) fn set_restored(&self, pool: String) {
        self.said().restored.insert(pool);
    }

    pub(super) fn is_restored(&self, pool: &str) -> bool {
        self.said().restored.contains(pool)
    }

    pub(super) fn pools(&self) -> BTreeMap<String, IPPool> {
        self.said().pools.clone()
    }

    pub(super) fn claims(&self) -> BTreeMap<String, VirtualMachineNetworkConfig> {
        self.said().claims.clone()
    }

    pub(super) fn machines(&self) -> BTreeMap<String, VirtualMachine> {
        self.said().machines.clone()
    }

    pub(super) fn instances(&self) -> BTreeMap<String, VirtualMachineInstance> {
        self.said().instances.clone()
    }

    pub(super) fn pool_on(&self, network: &str) -> Option<IPPool> {
        self.said()
            .pools
            .values()
            .find(|pool| pool.spec.network_name.rsplit('/').next() == Some(network))
            .cloned()
    }

    /// Whether any version of the pool of that UID has said so.
    pub(super) fn was_said(&self, uid: &str, pair: Pair) -> bool {
        self.said().pairs.contains_key(&(uid.to_owned(), pair))
    }

    /// Since when the pool has the pair, if it has it.
    pub(super) fn held_since(&self, uid: &str, pair: Pair) -> Option<Timestamp> {
        let (since, until) = self.said().pairs.get(&(uid.to_owned(), pair)).copied()?;
        until.is_none().then_some(since)
    }

    fn pool_committed(&self, name: &str, next: Option<&IPPool>, by_user: bool) {
        let now = self.journal.now();
        let mut said = self.said();
        let before = match next {
            Some(pool) => said.pools.insert(name.to_owned(), pool.clone()),
            None => said.pools.remove(name),
        };
        let goes =
            |pool: Option<&IPPool>| pool.is_some_and(|pool| pool.metadata.deletion_timestamp.is_some());
        if !by_user && name != super::world::MADE && goes(next) && !goes(before.as_ref()) {
            self.journal.violate(format_args!("{name} is a user's, and a manager deletes it"));
        }
        let held = |pool: Option<&IPPool>| -> BTreeSet<_> {
            pool.into_iter()
                .flat_map(|pool| {
                    let uid = uid(pool);
                    allocations(pool).held.into_iter().map(move |pair| (uid.clone(), pair))
                })
                .collect()
        };
        let (former, present) = (held(before.as_ref()), held(next));
        for pair in former.iter().filter(|pair| !present.contains(pair)) {
            self.journal.say(format_args!("{name}: {} leaves {}", pair.1.0, pair.1.1));
            if let Some((_, until)) = said.pairs.get_mut(pair) {
                *until = Some(now);
            }
        }
        for pair in present.into_iter().filter(|pair| !former.contains(pair)) {
            self.journal.say(format_args!("{name}: {} goes to {}", pair.1.0, pair.1.1));
            said.pairs.insert(pair, (now, None));
        }
        if let (Some(before), Some(next)) = (&before, next)
            && uid(before) == uid(next)
        {
            // By the operator's word, or because a claim's status and an agent know better than an older pool.
            let released = before.annotations().get(REUSE_ANNOTATION).cloned().unwrap_or_default();
            let excused = |address: &Ipv4Addr, by: Option<&MacAddr>| {
                released.split(',').any(|released| released == address.to_string())
                    || statuses_of(said.claims.values()).any(|card| {
                        card.address == address.to_string() && by.is_some_and(|by| by.to_string() == card.mac)
                    })
            };
            let (before, next) = (allocations(before), allocations(next));
            if !by_user {
                self.retirement_is_kept(name, &before, &next, excused);
                self.few_are_quarantined(name, &before, &next, &mut said);
            }
            for (address, entry) in &next.retiring {
                let known = before.retiring.get(address).and_then(|entry| entry.withdrawn);
                if entry.withdrawn.is_some() && known.is_none() {
                    self.journal.say(format_args!("{name}: {address} of {} is withdrawn", entry.mac));
                }
            }
        }
    }

    /// Whatever agents say, few addresses go out of use, and a card is moved away from one only once an hour.
    fn few_are_quarantined(&self, name: &str, before: &Allocations, next: &Allocations, said: &mut Said) {
        let now = self.journal.now();
        let added = next.quarantined.keys().filter(|address| !before.quarantined.contains_key(*address));
        for address in added {
            self.journal.say(format_args!("{name}: {address} goes out of use"));
            // The ranges have 5 and 21 addresses.
            if next.quarantined.len() > 2 {
                self.journal.violate(format_args!("{name}: {} are out of use", next.quarantined.len()));
            }
            let Some(&mac) = before.held.get(address) else { continue };
            if !next.held.values().any(|holder| *holder == mac) {
                continue;
            }
            if let Some((last, _)) = said.moved.insert(mac, (now, *address))
                && now.duration_since(last) < SignedDuration::from_hours(1)
            {
                self.journal.violate(format_args!("{name}: {mac} is moved twice within an hour"));
            }
        }
    }

    /// What leaves a card retires in the same write, and what retires stays until its leases have run out.
    fn retirement_is_kept(
        &self,
        name: &str,
        before: &Allocations,
        next: &Allocations,
        excused: impl Fn(&Ipv4Addr, Option<&MacAddr>) -> bool,
    ) {
        let now = self.journal.now();
        for (address, mac) in &before.held {
            let retires = next.retiring.get(address).is_some_and(|entry| entry.mac == *mac);
            let by = next.held.get(address);
            if by != Some(mac) && !retires && !excused(address, by) {
                self.journal.violate(format_args!("{name}: {address} leaves {mac} without retiring"));
            }
        }
        for (address, entry) in &before.retiring {
            let mac = entry.mac;
            let stays = next.retiring.get(address).is_some_and(|next| next.mac == mac);
            let longest = before
                .longest_lease
                .map_or(SignedDuration::MAX, |seconds| SignedDuration::from_secs(seconds.into()));
            let over = entry.withdrawn.is_some_and(|withdrawn| now.duration_since(withdrawn) >= longest);
            let over = over && before.earlier_leases_end.is_none_or(|end| end <= now);
            let by = next.held.get(address);
            // Whose guest is gone need not be waited for; the wire tells if that is wrong.
            let over = over || (entry.of_vm && entry.withdrawn.is_some());
            if !stays && !over && by != Some(&mac) && !excused(address, by) {
                self.journal.violate(format_args!("{name}: {address} of {mac} retires no more, too early"));
            }
        }
    }

    fn claim_committed(&self, name: &str, next: Option<VirtualMachineNetworkConfig>, by_user: bool) {
        let Some(next) = next else {
            self.journal.say(format_args!("claim {name} is gone"));
            self.said().claims.remove(name);
            return;
        };
        let before = self.said().claims.insert(name.to_owned(), next.clone());
        for card in next.spec.cards() {
            let wanted = card.ip_address.clone().map(|address| (card.mac_address.clone(), address));
            self.said().wanted.extend(wanted);
        }
        if next.spec.is_paused() {
            self.said().paused.insert(name.to_owned());
        }
        if by_user {
            return;
        }
        if self.rivals.load(Ordering::Relaxed) {
            // One of them may be behind, and tell its claims so.
            return;
        }
        let known: Vec<_> = statuses(before.as_ref()).collect();
        for card in statuses(Some(&next)).filter(|card| !known.contains(card)) {
            let Card { network, mac, address, state, reason } = &card;
            self.journal.say(format_args!("claim {name}: {mac} on {network} {state:?} {address} {reason}"));
            if *state == NetworkConfigState::Allocated {
                if !self.is_or_was_just_said(network, address, mac) {
                    self.journal.violate(format_args!(
                        "claim {name} says that {mac} has {address} on {network}, and the pool does not"
                    ));
                }
                self.address_stays(name, &known, &card);
            }
            // It may be told for some time after the API has stopped refusing it.
            if reason == "WriteRefused" && mac != super::script::POISON {
                self.journal.violate(format_args!("claim {name}: {mac} pays for another claim's refusal"));
            }
        }
    }

    /// A card keeps its address, unless its claim wants another or did so.
    fn address_stays(&self, name: &str, known: &[Card], card: &Card) {
        let pool = super::world::pool_of(card.network.rsplit('/').next().unwrap_or_default());
        let wanted = self.said().wanted.contains(&(card.mac.clone(), card.address.clone()));
        let moved = |had: &Card| {
            let mac: Option<MacAddr> = had.mac.parse().ok();
            let moved = mac.and_then(|mac| self.said().moved.get(&mac).copied());
            moved.is_some_and(|(_, address)| address.to_string() == had.address)
        };
        let had = known.iter().find(|had| (&had.network, &had.mac) == (&card.network, &card.mac));
        if let Some(had) = had
            && had.state == NetworkConfigState::Allocated
            && had.address != card.address
            && !wanted
            && !moved(had)
            && !self.is_promised_after_a_pause(name, had)
            && !self.is_restored(&pool)
        {
            self.journal.violate(format_args!(
                "claim {name}: {} moves from {} to {}, and nobody wants that",
                card.mac, had.address, card.address
            ));
        }
    }

    /// Whether what a card had may be somebody else's: its claim was paused, and another one demands the address.
    fn is_promised_after_a_pause(&self, name: &str, had: &Card) -> bool {
        let said = self.said();
        let demanded = said.wanted.iter().any(|(mac, address)| *address == had.address && *mac != had.mac);
        demanded && said.paused.contains(name)
    }

    fn is_or_was_just_said(&self, network: &str, address: &str, mac: &str) -> bool {
        let (Ok(address), Ok(mac)) = (address.parse(), mac.parse()) else { return false };
        let name = network.rsplit('/').next().unwrap_or_default();
        let now = self.journal.now();
        let Some(pool) = self.pool_on(name) else { return true };
        let (_, until) = match self.said().pairs.get(&(uid(&pool), (address, mac))) {
            Some(said) => *said,
            None => return false,
        };
        until.is_none_or(|until| now.duration_since(until) < ON_ITS_WAY)
    }

    fn committed(&self, path: &str, method: &Method, answer: &Value, by_user: bool) {
        let Some((plural, name)) = object_of(path) else { return };
        let metadata = &answer["metadata"];
        let Some(name) = name.or_else(|| metadata["name"].as_str()) else { return };
        let is_gone = answer["kind"] == "Status"
            || (metadata["deletionTimestamp"].is_string()
                && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
                && (*method != Method::GET));
        match plural {
            "ippools" => self.pool_committed(name, (!is_gone).then(|| read(answer)).as_ref(), by_user),
            CLAIMS => self.claim_committed(name, (!is_gone).then(|| read(answer)), by_user),
            MACHINES => {
                if is_gone {
                    // The garbage collector has seen to it in the same transaction.
                    self.said().instances.remove(name);
                }
                keep(&mut self.said().machines, name, (!is_gone).then(|| read(answer)));
            }
            "virtualmachineinstances" => {
                keep(&mut self.said().instances, name, (!is_gone).then(|| read(answer)));
            }
            _ => {}
        }
    }
}

const CLAIMS: &str = "virtualmachinenetworkconfigs";
const MACHINES: &str = "virtualmachines";

/// Which object a path is about: plural, and name unless it is only now to be.
fn object_of(path: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = path.split_once("/namespaces/default/")?;
    let mut segments = rest.split('/');
    Some((segments.next()?, segments.next()))
}

fn keep<K>(objects: &mut BTreeMap<String, K>, name: &str, next: Option<K>) {
    match next {
        Some(next) => objects.insert(name.to_owned(), next),
        None => objects.remove(name),
    };
}

fn read<K: serde::de::DeserializeOwned>(answer: &Value) -> K {
    serde_json::from_value(answer.clone()).unwrap()
}

/// The path of the claim that the garbage collector may have seen to in the same transaction, of which the answer does not
/// tell: that of a VM which has gone, or one that was made for a VM which is gone.
fn claim_of_garbage(path: &str, method: &Method, answer: &Value) -> Option<String> {
    let name = match object_of(path)? {
        (MACHINES, name) if *method == Method::DELETE => name?,
        (CLAIMS, name) if answer["metadata"]["ownerReferences"].is_array() => {
            name.or_else(|| answer["metadata"]["name"].as_str())?
        }
        _ => return None,
    };
    Some(format!("/apis/network.harvesterhci.io/v1alpha1/namespaces/default/{CLAIMS}/{name}"))
}

/// What a claim's status says of one card.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    network: String,
    mac: String,
    address: String,
    state: NetworkConfigState,
    reason: String,
}

fn statuses_of<'a>(
    claims: impl Iterator<Item = &'a VirtualMachineNetworkConfig>,
) -> impl Iterator<Item = Card> {
    claims.flat_map(|claim| statuses(Some(claim)))
}

fn statuses(claim: Option<&VirtualMachineNetworkConfig>) -> impl Iterator<Item = Card> {
    let status = claim.and_then(|claim| claim.status.as_ref());
    status.into_iter().flat_map(|status| status.network_configs.iter()).map(|card| Card {
        network: card.network_name.clone(),
        mac: card.mac_address.clone(),
        address: card.allocated_ip_address.clone(),
        state: card.state,
        reason: card.reason.clone(),
    })
}

/// The API, seen by the truth: every commit is told to it before anybody else hears of it.
#[derive(Clone)]
pub(super) struct Observed {
    pub(super) api: LocalApi,
    pub(super) truth: Arc<Truth>,
    /// Users may write what they like.
    pub(super) by_user: bool,
}

impl Service<Request<kube::client::Body>> for Observed {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let Self { api, truth, by_user } = self.clone();
        Box::pin(async move {
            if request.method() == Method::GET {
                return api.oneshot(request).await;
            }
            let (path, method) = (request.uri().path().to_owned(), request.method().clone());
            let (mut parts, body) = request.into_parts();
            // The truth wants whole objects.
            parts.headers.remove(http::header::ACCEPT);
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let poison = truth.poison().map(|card| card.to_string());
            if path.ends_with("/status")
                && path.contains("/ippools/")
                && poison.is_some_and(|card| {
                    let status: Value = serde_json::from_slice(&body).unwrap_or_default();
                    status["status"]["ipv4"]["allocated"].to_string().contains(&card)
                })
            {
                let refusal = serde_json::json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "the card is not welcome", "reason": "Invalid", "code": 422,
                });
                let mut response = Response::new(Body::from(refusal.to_string()));
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                return Ok(response);
            }
            let answer = api.clone().oneshot(Request::from_parts(parts, Body::from(body))).await?;
            let (parts, body) = answer.into_parts();
            let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            if parts.status.is_success()
                && let Ok(answer) = serde_json::from_slice(&bytes)
            {
                truth.committed(&path, &method, &answer, by_user);
                if let Some(claim) = claim_of_garbage(&path, &method, &answer) {
                    let request = Request::get(&claim).body(kube::client::Body::empty()).unwrap();
                    let found = api.oneshot(request).await?.into_body().collect().await;
                    let found = found.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                    let found = serde_json::from_slice(&found).unwrap();
                    truth.committed(&claim, &Method::GET, &found, by_user);
                }
            }
            Ok(Response::from_parts(parts, Body::from(bytes)))
        })
    }
}
