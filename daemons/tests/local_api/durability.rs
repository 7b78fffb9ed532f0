//! Two processes write one file as fast as they can and are killed, again and again: whatever was answered is there,
//! whole, and in the change log as in the objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams},
};
use vmdhcp_core::api::{NetworkConfigStatus, VirtualMachineNetworkConfigStatus};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};

use crate::{Claim, claim, claims};

/// How often both are killed.
const ROUNDS: u32 = 20;
/// What the moments are drawn by.
const SEED: u64 = 4;
/// Set in the writers: their name, the file, and the first number that they may write.
const WRITER: &str = "VMDHCP_TEST_WRITER";
/// Objects that each writer works on at the same time, so that its writes share transactions.
const OBJECTS: u64 = 4;
/// Writes after which an object is deleted and made anew.
const LIFE: u64 = 12;
/// What both writers count up.
const COUNTER: &str = "counter";
const COUNT: &str = "test/count";
const NUMBER: &str = "test/number";

#[tokio::test]
async fn a_file_is_whole_or_not_there_whenever_its_makers_are_killed() {
    let mut dice = Dice(SEED);
    let mut unmade = 0;
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.db");
        let mut writers = ["a", "b"].map(|name| Writer::start(&path, name, round));
        // Until something of it is there, and then a moment: that is when it is made.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !path.exists() {
            assert!(Instant::now() < deadline, "the writers should begin");
            thread::yield_now();
        }
        thread::sleep(Duration::from_micros(dice.next() % 8_000));
        for writer in &mut writers {
            writer.kill();
        }
        let mut ledger = Ledger::default();
        for writer in writers {
            ledger.enter(&writer.lines());
        }
        unmade += u32::from(ledger.answered == 0);
        verify(&path, &mut ledger, Past::default(), round).await;
    }
    assert!(unmade > 0, "some should be killed before the first write");
}

#[tokio::test]
async fn two_writers_that_are_killed_lose_nothing_that_was_answered() {
    if let Some(writer) = std::env::var_os(WRITER) {
        return write_until_killed(writer.to_str().unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let mut dice = Dice(SEED);
    let mut ledger = Ledger::default();
    let mut past = Past::default();
    for round in 0..ROUNDS {
        let mut writers = ["a", "b"].map(|name| Writer::start(&path, name, round));
        thread::sleep(dice.millis(20, 400));
        let first = usize::from(dice.millis(0, 1).is_zero());
        writers[first].kill();
        // Half of the time the other one goes on alone, beside what the dead one has left.
        thread::sleep(dice.millis(0, 1) * u32::try_from(dice.millis(0, 150).as_millis()).unwrap());
        writers[1 - first].kill();
        for writer in writers {
            ledger.enter(&writer.lines());
        }
        past = verify(&path, &mut ledger, past, round).await;
    }
    println!(
        "{ROUNDS} rounds: {} writes answered, {} of {} in flight stored, the counter at {}",
        ledger.answered, ledger.stored_unanswered, ledger.unanswered, ledger.counted
    );
    assert!(ledger.answered > u64::from(ROUNDS) * 20, "the writers should get something done");
    assert!(ledger.unanswered > 0, "some write should be in flight when its process is killed");
}

/// SplitMix64: the same moments in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.next() % (most - least + 1))
    }
}

/// A process that writes; its lines are read as they come, so that it never waits.
struct Writer {
    child: Child,
    reader: JoinHandle<Vec<String>>,
}

impl Writer {
    fn start(path: &Path, name: &str, round: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("durability::two_writers_that_are_killed_lose_nothing_that_was_answered")
            .env(WRITER, format!("{name} {} {}", u64::from(round + 1) * 1_000_000, path.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        // The last line may be torn.
        let reader = thread::spawn(move || output.lines().map_while(Result::ok).collect());
        Self { child, reader }
    }

    fn kill(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "a writer has ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn lines(self) -> Vec<String> {
        self.reader.join().unwrap()
    }
}

/// What is written to an object next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Spec,
    Status,
    Delete,
}

impl Step {
    const ALL: [(&'static str, Self); 4] =
        [("create", Self::Create), ("spec", Self::Spec), ("status", Self::Status), ("delete", Self::Delete)];

    fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, step)| *step == self).unwrap().0
    }

    fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|(of, _)| *of == word).unwrap().1
    }
}

/// Each write carries a number, twice in its part of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    spec: u64,
    status: Option<u64>,
}

impl Written {
    fn after(before: Option<Self>, step: Step, number: u64) -> Option<Self> {
        match (before, step) {
            (_, Step::Create) => Some(Self { spec: number, status: None }),
            (Some(before), Step::Spec) => Some(Self { spec: number, ..before }),
            (Some(before), Step::Status) => Some(Self { status: Some(number), ..before }),
            (_, _) => None,
        }
    }

    /// Reads an object, and makes sure that it is whole.
    fn of(claim: &Claim) -> Self {
        let spec = claim.annotations()[NUMBER].parse().unwrap();
        assert_eq!(claim.spec.network_configs[0].mac_address, mac(spec), "half a write: {claim:?}");
        let status = claim.status.as_ref().map(|status| {
            let card = &status.network_configs[0];
            let number = card.network_name.parse().unwrap();
            assert_eq!(card.mac_address, mac(number), "half a write: {claim:?}");
            number
        });
        Self { spec, status }
    }
}

fn mac(number: u64) -> String {
    let [.., b, c, d, e] = number.to_be_bytes();
    format!("52:54:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

async fn write_until_killed(writer: &str) {
    let mut words = writer.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (name, first, path) = (word().to_owned(), word().parse::<u64>().unwrap(), PathBuf::from(word()));
    let client = LocalApi::open(&path, Kinds::standard()).unwrap().client("default");
    let objects = (0..OBJECTS).map(|at| write_object(&client, format!("{name}-{at}"), first));
    let (never, _) = futures::join!(count_up(&client), futures::future::join_all(objects));
    match never {}
}

/// A line in one piece, whoever else writes.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

async fn write_object(client: &Client, name: String, first: u64) {
    let api = claims(client);
    let mut stored = api.get_opt(&name).await.unwrap();
    for number in first.. {
        let step = match &stored {
            None => Step::Create,
            Some(_) if number % LIFE == 0 => Step::Delete,
            Some(_) if number % 2 == 0 => Step::Spec,
            Some(_) => Step::Status,
        };
        say(&format!("? {name} {} {number}", step.word()));
        let mut next = stored.take().unwrap_or_else(|| claim(&name));
        if matches!(step, Step::Create | Step::Spec) {
            next.annotations_mut().insert(NUMBER.to_owned(), number.to_string());
            next.spec.network_configs[0].mac_address = mac(number);
        }
        let options = PostParams::default();
        stored = match step {
            Step::Create => Some(api.create(&options, &next).await.unwrap()),
            Step::Spec => Some(api.replace(&name, &options, &next).await.unwrap()),
            Step::Status => {
                let card = NetworkConfigStatus {
                    mac_address: mac(number),
                    network_name: number.to_string(),
                    ..NetworkConfigStatus::default()
                };
                next.status = Some(VirtualMachineNetworkConfigStatus {
                    network_configs: vec![card],
                    ..VirtualMachineNetworkConfigStatus::default()
                });
                Some(api.replace_status(&name, &options, &next).await.unwrap())
            }
            Step::Delete => {
                api.delete(&name, &DeleteParams::default()).await.unwrap();
                None
            }
        };
        let version = stored.as_ref().and_then(ResourceExt::resource_version).unwrap_or_default();
        say(&format!("! {name} {version}"));
    }
}

/// Both writers count one number up, each on the version that it has read.
async fn count_up(client: &Client) -> std::convert::Infallible {
    let api: Api<Lease> = Api::default_namespaced(client.clone());
    let options = PostParams::default();
    loop {
        let Some(mut lease) = api.get_opt(COUNTER).await.unwrap() else {
            let mut lease = Lease::default();
            lease.metadata.name = Some(COUNTER.to_owned());
            lease.annotations_mut().insert(COUNT.to_owned(), "0".to_owned());
            drop(api.create(&options, &lease).await);
            continue;
        };
        let next = count(&lease) + 1;
        lease.annotations_mut().insert(COUNT.to_owned(), next.to_string());
        match api.replace(COUNTER, &options, &lease).await {
            Ok(_) => say(&format!("+ {next}")),
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn count(lease: &Lease) -> u64 {
    lease.annotations()[COUNT].parse().unwrap()
}

/// What the writers have said.
#[derive(Default)]
struct Ledger {
    objects: BTreeMap<String, Entry>,
    counts: BTreeSet<u64>,
    counted: u64,
    answered: u64,
    unanswered: u64,
    stored_unanswered: u64,
}

#[derive(Default, Clone)]
struct Entry {
    answered: Option<Written>,
    /// Version of the last answer; none where that said that the object is gone, or where no answer was heard.
    version: Option<String>,
    in_flight: Option<(Step, u64)>,
}

impl Ledger {
    fn enter(&mut self, lines: &[String]) {
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["?", name, step, number] => {
                    let Ok(number) = number.parse() else { continue };
                    self.objects.entry((*name).to_owned()).or_default().in_flight =
                        Some((Step::read(step), number));
                }
                ["!", name, version] => {
                    let entry = self.objects.get_mut(*name).unwrap();
                    let (step, number) = entry.in_flight.take().unwrap();
                    entry.answered = Written::after(entry.answered, step, number);
                    entry.version = Some((*version).to_owned()).filter(|version| !version.is_empty());
                    self.answered += 1;
                }
                ["+", count] => {
                    assert!(self.counts.insert(count.parse().unwrap()), "{count} was counted twice");
                    self.answered += 1;
                }
                _ => {}
            }
        }
    }

    /// Compares what was answered with what is there, which the next round starts from.
    fn compare(&mut self, stored: &BTreeMap<String, Claim>, round: u32) {
        for (name, entry) in &mut self.objects {
            let claim = stored.get(name);
            let found = claim.map(Written::of);
            let version = claim.and_then(ResourceExt::resource_version);
            let in_flight = entry.in_flight.take();
            self.unanswered += u64::from(in_flight.is_some());
            let after = in_flight.map(|(step, number)| Written::after(entry.answered, step, number));
            if found == entry.answered {
                assert!(
                    entry.version.is_none() || entry.version == version,
                    "round {round}: {name} was written again"
                );
            } else {
                assert_eq!(
                    Some(found),
                    after,
                    "round {round}: {name} should be {:?}, or as the write in flight {in_flight:?} leaves it",
                    entry.answered
                );
                self.stored_unanswered += 1;
            }
            *entry = Entry { answered: found, version, in_flight: None };
        }
    }
}

/// The claims at the end of a round, and their version.
#[derive(Default)]
struct Past {
    claims: BTreeMap<String, Claim>,
    version: u64,
}

/// Looks at everything in the file, and compares it with what was answered.
async fn verify(path: &Path, ledger: &mut Ledger, past: Past, round: u32) -> Past {
    let api = LocalApi::open(path, Kinds::standard()).unwrap();
    let client = api.client("default");
    let list = claims(&client).list(&ListParams::default()).await.unwrap();
    let version: u64 = list.metadata.resource_version.unwrap().parse().unwrap();
    assert!(version >= past.version, "round {round}: the version went back");
    let stored: BTreeMap<_, _> = list.items.into_iter().map(|claim| (claim.name_any(), claim)).collect();
    ledger.compare(&stored, round);

    let counter: Api<Lease> = Api::default_namespaced(client.clone());
    let counted = counter.get_opt(COUNTER).await.unwrap().as_ref().map_or(0, count);
    assert!(counted >= ledger.counts.last().copied().unwrap_or_default(), "round {round}: a count is lost");
    // Each process has one count in flight when it is killed.
    let answered = u64::try_from(ledger.counts.len()).unwrap();
    assert!(counted <= answered + u64::from(round + 1) * 2, "round {round}: {counted} of {answered}");
    ledger.counted = counted;

    let followed = follow(&client, past, round).await;
    assert_eq!(followed, stored, "round {round}: the change log leads elsewhere");
    api.ensure_sound().await.unwrap();
    let database = rusqlite::Connection::open(path).unwrap();
    let broken: i64 =
        database.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken, 0, "round {round}");
    Past { claims: stored, version }
}

/// Where the change log leads from the end of the last round.
async fn follow(client: &Client, past: Past, round: u32) -> BTreeMap<String, Claim> {
    let end = format!("end-{round}");
    let api = claims(client);
    api.create(&PostParams::default(), &claim(&end)).await.unwrap();
    // A round from nothing cannot ask for version 0, which means the present.
    let from = past.version.max(1).to_string();
    let mut events = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    let (mut claims, mut last) = (past.claims, past.version);
    loop {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        let event = event.unwrap().unwrap().unwrap();
        let (WatchEvent::Added(claim) | WatchEvent::Modified(claim) | WatchEvent::Deleted(claim)) = &event
        else {
            panic!("round {round}: {event:?}");
        };
        let version: u64 = claim.resource_version().unwrap().parse().unwrap();
        assert!(version > last, "round {round}: {version} after {last}");
        last = version;
        let name = claim.name_any();
        if name == end {
            break;
        }
        match event {
            WatchEvent::Deleted(_) => assert!(claims.remove(&name).is_some(), "{name} was not there"),
            WatchEvent::Added(claim) => assert_eq!(claims.insert(name, claim), None),
            WatchEvent::Modified(claim) => {
                assert!(claims.insert(name, claim).is_some(), "it was not there");
            }
            _ => {}
        }
    }
    api.delete(&end, &DeleteParams::default()).await.unwrap();
    claims
}
