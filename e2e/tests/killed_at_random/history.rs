//! Every version of the pool and of the claims, as a watch tells of them, and what must be true of each.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vmdhcp_core::api::{
    EXCLUDED, IPPool, NetworkConfigState, RESERVED, VirtualMachineNetworkConfig,
    VirtualMachineNetworkConfigStatus, parse_time,
};

use crate::churn::Allocated;

type Claim = VirtualMachineNetworkConfig;
type Holders = BTreeMap<Ipv4Addr, String>;

/// One version of an object.
#[derive(Debug)]
enum Version {
    Pool { held: Holders, retiring: BTreeMap<Ipv4Addr, Retiring> },
    Claim { name: String, claimed: Claimed },
    ClaimGone { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Retiring {
    mac: String,
    withdrawn: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Claimed {
    uid: String,
    mac: String,
    /// Where its status says `Allocated`.
    address: Option<Ipv4Addr>,
    is_deleting: bool,
}

impl Claimed {
    fn of(claim: &Claim) -> Self {
        let granted = claim.status.iter().flat_map(VirtualMachineNetworkConfigStatus::cards);
        let mut granted = granted.filter(|card| card.state == NetworkConfigState::Allocated);
        Self {
            uid: claim.uid().unwrap(),
            mac: claim.spec.cards()[0].mac_address.clone(),
            address: granted.next().map(|card| card.allocated_ip_address.parse().unwrap()),
            is_deleting: claim.metadata.deletion_timestamp.is_some(),
        }
    }
}

fn holders(pool: &IPPool) -> Holders {
    let allocated =
        pool.status.iter().filter_map(|status| status.ipv4.as_ref()).flat_map(|ipv4| &ipv4.allocated);
    let cards = allocated.filter(|(_, holder)| *holder != EXCLUDED && *holder != RESERVED);
    cards.map(|(address, mac)| (address.parse().unwrap(), mac.to_string())).collect()
}

fn retiring(pool: &IPPool) -> BTreeMap<Ipv4Addr, Retiring> {
    let entries =
        pool.status.iter().filter_map(|status| status.ipv4.as_ref()).flat_map(|ipv4| &ipv4.retiring);
    let read = entries.map(|(address, entry)| {
        let withdrawn = entry.withdrawn.as_deref().map(|time| parse_time(time).unwrap());
        (address.parse().unwrap(), Retiring { mac: entry.mac_address.clone(), withdrawn })
    });
    read.collect()
}

/// What was seen, and when, by version: one counter goes through all objects of a file.
type Versions = BTreeMap<u64, (Timestamp, Version)>;

/// Follows pool and claims from where they are now.
pub(crate) struct Recorder {
    versions: Arc<Mutex<Versions>>,
    latest: watch::Receiver<Arc<Allocated>>,
    tasks: [JoinHandle<()>; 2],
}

impl Recorder {
    pub(crate) async fn start(client: Client) -> Self {
        let versions = Arc::new(Mutex::new(Versions::new()));
        let note = {
            let versions = Arc::clone(&versions);
            move |version: u64, seen: Version| {
                let earlier = versions.lock().unwrap().insert(version, (Timestamp::now(), seen));
                assert!(earlier.is_none(), "two changes have the version {version}");
            }
        };
        let pools = Api::<IPPool>::default_namespaced(client.clone());
        let claims = Api::<Claim>::default_namespaced(client.clone());
        let pool = crate::pool(&client).await;
        let from = version_of(&pool);
        note(from, Version::Pool { held: holders(&pool), retiring: retiring(&pool) });
        assert_eq!(claims.list(&ListParams::default()).await.unwrap().items, []);

        let note_pool = note.clone();
        let pools = tokio::spawn(async move {
            let mut events = pools.watch(&WatchParams::default(), &from.to_string()).await.unwrap().boxed();
            while let Some(event) = events.next().await {
                match event.unwrap() {
                    WatchEvent::Modified(pool) => {
                        let seen = Version::Pool { held: holders(&pool), retiring: retiring(&pool) };
                        note_pool(version_of(&pool), seen);
                    }
                    WatchEvent::Bookmark(_) => {}
                    event => panic!("the pool: {event:?}"),
                }
            }
            panic!("the watch of the pool has ended");
        });
        let (allocated, latest) = watch::channel(Arc::default());
        let claims = tokio::spawn(async move {
            let mut events = claims.watch(&WatchParams::default(), &from.to_string()).await.unwrap().boxed();
            while let Some(event) = events.next().await {
                match event.unwrap() {
                    WatchEvent::Added(claim) | WatchEvent::Modified(claim) => {
                        let (name, claimed) = (claim.name_any(), Claimed::of(&claim));
                        if let Some(address) = claimed.address {
                            allocated.send_if_modified(|allocated: &mut Arc<Allocated>| {
                                Arc::make_mut(allocated).insert(name.clone(), address).is_none()
                            });
                        }
                        note(version_of(&claim), Version::Claim { name, claimed });
                    }
                    WatchEvent::Deleted(claim) => {
                        note(version_of(&claim), Version::ClaimGone { name: claim.name_any() });
                    }
                    WatchEvent::Bookmark(_) => {}
                    WatchEvent::Error(error) => panic!("the claims: {error:?}"),
                }
            }
            panic!("the watch of the claims has ended");
        });
        Self { versions, latest, tasks: [pools, claims] }
    }

    /// Which claims have been seen with an address.
    pub(crate) fn latest(&self) -> watch::Receiver<Arc<Allocated>> {
        self.latest.clone()
    }

    /// What has been seen so far.
    pub(crate) fn so_far(&self) -> History {
        History { versions: std::mem::take(&mut *self.versions.lock().unwrap()) }
    }

    /// Ends once everything up to this version of a pool has been seen, and gives it.
    pub(crate) async fn finish(self, last: u64) -> History {
        let seen = || self.versions.lock().unwrap().contains_key(&last);
        while !seen() {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a watch has ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        self.so_far()
    }
}

fn version_of<K: ResourceExt>(object: &K) -> u64 {
    object.resource_version().unwrap().parse().unwrap()
}

/// Everything that was.
pub(crate) struct History {
    versions: Versions,
}

/// What was in it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pools: usize,
    claims: usize,
    /// Times that an address was given to a card that had none.
    given: usize,
    /// Those where another card had had it before.
    pub(crate) given_to_others: usize,
    /// Those where the same card had had it before.
    given_back: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pools, claims, given, given_to_others, given_back } = self;
        write!(
            f,
            "{pools} versions of the pool and {claims} of claims; {given} addresses given, {given_to_others} of them \
             after another card had had them, {given_back} to a card that came back"
        )
    }
}

/// What is known at one version.
#[derive(Default)]
struct Now {
    held: Holders,
    retiring: BTreeMap<Ipv4Addr, Retiring>,
    claims: BTreeMap<String, Claimed>,
    /// Who had an address last, until when, and since when no agent grants it any more.
    former: BTreeMap<Ipv4Addr, Former>,
}

struct Former {
    mac: String,
    left: Timestamp,
    withdrawn: Option<Timestamp>,
}

impl History {
    /// Goes through all versions in their order; panics at the first that must not be.
    pub(crate) fn check(self, lease: Duration) -> Seen {
        let (mut now, mut seen) = (Now::default(), Seen::default());
        for (number, (at, version)) in self.versions {
            match version {
                Version::Pool { held, retiring } => {
                    seen.pools += 1;
                    now.take_pool(number, at, held, retiring, lease, &mut seen);
                }
                Version::Claim { name, claimed } => {
                    seen.claims += 1;
                    now.take_claim(number, name, claimed);
                }
                Version::ClaimGone { name } => {
                    seen.claims += 1;
                    now.lose_claim(number, &name);
                }
            }
        }
        seen
    }
}

impl Now {
    fn take_pool(
        &mut self,
        number: u64,
        at: Timestamp,
        held: Holders,
        retiring: BTreeMap<Ipv4Addr, Retiring>,
        lease: Duration,
        seen: &mut Seen,
    ) {
        let mut by_mac = BTreeMap::new();
        for (address, mac) in &held {
            assert!(crate::is_of_pool(*address), "version {number}: {address}");
            if let Some(other) = by_mac.insert(mac, address) {
                panic!("version {number}: {mac} has {address} and {other}");
            }
            assert!(!retiring.contains_key(address), "version {number}: {address} is held and retires");
            if self.held.get(address) == Some(mac) {
                continue;
            }
            seen.given += 1;
            assert_eq!(self.held.get(address), None, "version {number}: {address} goes to {mac} at once");
            match self.former.get(address) {
                Some(former) if former.mac == *mac => seen.given_back += 1,
                Some(former) => {
                    seen.given_to_others += 1;
                    let Some(withdrawn) = former.withdrawn else {
                        panic!(
                            "version {number}: {address} of {} goes to {mac}, and was never withdrawn",
                            former.mac
                        );
                    };
                    // Stored times are rounded up, and what is seen is seen a moment later.
                    let run_out = withdrawn.checked_add(lease).unwrap();
                    assert!(
                        run_out <= at,
                        "version {number}: {address} goes to {mac} at {at}, before {run_out}"
                    );
                    let waited = at.duration_since(former.left).as_secs_f64();
                    assert!(
                        waited >= lease.as_secs_f64() - 2.0,
                        "version {number}: {address} goes from {} to {mac} after {waited} s",
                        former.mac
                    );
                }
                None => {}
            }
        }
        for (address, mac) in &self.held {
            if held.get(address) != Some(mac) {
                let left = Former { mac: mac.clone(), left: at, withdrawn: None };
                self.former.insert(*address, left);
                assert_eq!(
                    retiring.get(address).map(|entry| &entry.mac),
                    Some(mac),
                    "version {number}: {address} left {mac} without retiring"
                );
            }
        }
        for (address, entry) in &retiring {
            let former = self.former.get_mut(address);
            let former =
                former.unwrap_or_else(|| panic!("version {number}: nobody had {address}, which retires"));
            assert_eq!(former.mac, entry.mac, "version {number}: {address}");
            former.withdrawn = entry.withdrawn.or(former.withdrawn);
        }
        (self.held, self.retiring) = (held, retiring);
        for (name, claimed) in &self.claims {
            self.check_claim(number, name, claimed);
        }
    }

    fn take_claim(&mut self, number: u64, name: String, claimed: Claimed) {
        if let Some(before) = self.claims.get(&name).filter(|before| before.uid == claimed.uid)
            && before.address.is_some()
        {
            assert_eq!(before.address, claimed.address, "version {number}: {name} had another address");
        }
        self.check_claim(number, &name, &claimed);
        self.claims.insert(name, claimed);
    }

    /// A claim that says that it has an address has it in the pool, until it is to be deleted.
    fn check_claim(&self, number: u64, name: &str, claimed: &Claimed) {
        if let (Some(address), false) = (claimed.address, claimed.is_deleting) {
            assert_eq!(
                self.held.get(&address),
                Some(&claimed.mac),
                "version {number}: {name} says that it has {address}"
            );
        }
    }

    /// A claim is gone only after its address has left the pool, unless its card has another claim.
    fn lose_claim(&mut self, number: u64, name: &str) {
        let Some(gone) = self.claims.remove(name) else { panic!("version {number}: {name} was never there") };
        if !self.claims.values().any(|claimed| claimed.mac == gone.mac) {
            let left = self.held.iter().find(|(_, mac)| **mac == gone.mac);
            assert_eq!(left, None, "version {number}: {name} is gone, and its address is still held");
        }
    }
}

/// Whether so many claims are left, all of them with an address, and the pool holds those and no others: the version of
/// the pool, or what is not so yet.
pub(crate) async fn is_at_rest(client: &Client, expected: usize) -> Result<u64, String> {
    let claims = Api::<Claim>::default_namespaced(client.clone());
    let claims = claims.list(&ListParams::default()).await.unwrap().items;
    let pool = crate::pool(client).await;
    if claims.len() != expected {
        let deleting = claims.iter().filter(|claim| claim.metadata.deletion_timestamp.is_some()).count();
        return Err(format!(
            "{} claims are left instead of {expected}, {deleting} of them terminating",
            claims.len()
        ));
    }
    let mut of_claims = Holders::new();
    for claim in &claims {
        let claimed = Claimed::of(claim);
        let Some(address) = claimed.address else {
            return Err(format!("{} has no address: {:?}", claim.name_any(), claim.status));
        };
        of_claims.insert(address, claimed.mac);
    }
    if holders(&pool) != of_claims {
        return Err(format!("the pool holds {:?}, the claims {of_claims:?}", holders(&pool)));
    }
    Ok(version_of(&pool))
}
