//! The allocator of a pool: one task, the only writer of that pool's status.
//!
//! Group commit: all that waits goes into one write, and what arrives during a write goes into the next. A batch that
//! the API refuses is divided until the bad claim stands alone, so that it costs only itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use vmdhcp_core::api::IPPool;
use vmdhcp_core::ipam::{Outcome, Versions};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::PoolRef;

use super::super::claim::ClaimKey;
use super::super::defects::Defect;
use super::super::metrics::PoolCounts;
use super::super::pacer::Cadence;
use super::super::vmnetwork::Standing;
use super::super::{Context, Settlement};
use super::apply::{self, WriteError};
use super::loss::is_behind;
use super::observe::{Observation, agents_of, allocations};
use super::plan::{self, PoolPlan, Refusals};
use super::told::{Askers, Tellings, Told};
use crate::cluster::version;

/// How often a write may come too late before whoever waits is told to come again.
const MOST_ATTEMPTS: usize = 16;
/// After this long the API is offered again what it refused.
const REFUSAL_LASTS: Duration = Duration::from_secs(300);
/// How long the watch may take to bring what we have written or read.
const WATCH_DELAY: Duration = Duration::from_secs(15);
/// How often agents are checked for silence.
const AGENT_CHECK: Duration = Duration::from_secs(20);
/// After this long a claim that has been told, and whose status does not say so, is told again.
const TELL_AGAIN: Duration = Duration::from_secs(20);
/// Pause after a pass that failed.
const RETRY: Duration = Duration::from_secs(2);

/// Why a request could not be settled now.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::manager) enum AllocatorError {
    #[error("the pool is gone")]
    PoolGone,
    #[error("the manager is stopping")]
    Stopping,
    #[error("the API does not take the pool's status: {0}")]
    StatusRefused(String),
    #[error("the pool's status could not be written: {0}")]
    Write(String),
    #[error("the pool could not be read: {0}")]
    Read(String),
}

impl AllocatorError {
    /// In one word, for the metric.
    pub(in crate::manager) const fn reason(&self) -> &'static str {
        match self {
            Self::PoolGone => "PoolGone",
            Self::Stopping => "Stopping",
            Self::StatusRefused(_) => "StatusRefused",
            Self::Write(_) => "Write",
            Self::Read(_) => "Read",
        }
    }
}

/// What a pass over a pool has left behind.
#[derive(Debug, Clone)]
pub(in crate::manager) struct Pass {
    /// The pool as it is stored now.
    pub(in crate::manager) object: Arc<IPPool>,
    /// No claim has an address of it.
    pub(in crate::manager) drained: bool,
    /// The operator's list of addresses to re-use has been acted on.
    pub(in crate::manager) reuse_acted_on: bool,
}

/// Somebody who wants a pass.
enum Request {
    /// A version of a claim that has been told nothing yet.
    Claim(ClaimKey, u64),
    /// Somebody who waits for what a pass leaves behind.
    Refresh(Reply),
}

type Reply = oneshot::Sender<Result<Pass, AllocatorError>>;

/// Asks an allocator for a pass over its pool.
#[derive(Clone)]
pub(in crate::manager) struct Allocator {
    requests: mpsc::UnboundedSender<Request>,
    tellings: Arc<Mutex<Tellings>>,
}

impl Allocator {
    /// A pass that starts after this call, and what it leaves.
    pub(in crate::manager) async fn refresh(&self) -> Result<Pass, AllocatorError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Refresh(reply)).map_err(|_| AllocatorError::Stopping)?;
        answer.await.unwrap_or(Err(AllocatorError::Stopping))
    }

    /// What that version of a claim has been told by the pool of that UID. If it is nothing, the claim is looked at again
    /// after the next pass.
    pub(in crate::manager) fn settled(&self, claim: &ClaimKey, version: u64, pool: Option<&str>) -> Told {
        let tellings = lock(&self.tellings);
        if tellings.is_gone(pool) {
            return Told::PoolGone;
        }
        let told = tellings.of(claim, version);
        if matches!(told, Told::Nothing) {
            // While the lock is held: an allocator that ends looks here for the last time after it has said so.
            // Without a receiver the manager is ending.
            let _ = self.requests.send(Request::Claim(claim.clone(), version));
        }
        told
    }

    /// Notes that a claim's status says what it has been told, in the version that came of that.
    pub(in crate::manager) fn wrote(&self, claim: &ClaimKey, on: u64, version: u64) {
        lock(&self.tellings).wrote(claim, on, version);
    }
}

fn lock(tellings: &Mutex<Tellings>) -> MutexGuard<'_, Tellings> {
    tellings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The allocators of all pools.
#[derive(Default)]
pub(in crate::manager) struct Allocators {
    running: Mutex<BTreeMap<PoolRef, (Allocator, JoinHandle<()>)>>,
    /// Tells that the API has an older state of a pool than we have seen.
    pub(in crate::manager) older_state: Notify,
}

impl Allocators {
    /// The allocator of that pool, started if need be; of one that is gone, the one that knows that.
    pub(in crate::manager) fn of(&self, pool: &IPPool, context: &Arc<Context>) -> Allocator {
        let key = PoolRef::of(pool);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((allocator, task)) = running.get(&key) {
            let tellings = lock(&allocator.tellings);
            if tellings.is_gone(pool.metadata.uid.as_deref()) || !(tellings.has_ended() || task.is_finished())
            {
                return allocator.clone();
            }
        }
        let (requests, received) = mpsc::unbounded_channel();
        let tellings = Arc::default();
        let task = Task::new(key.clone(), Arc::downgrade(context), Arc::clone(&tellings));
        let task = tokio::spawn(task.run(received));
        let allocator = Allocator { requests, tellings };
        running.insert(key, (allocator.clone(), task));
        allocator
    }

    /// Stops the allocator of a pool that is gone.
    pub(in crate::manager) async fn forget(&self, key: &PoolRef) {
        let gone = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        finish(gone).await;
    }

    /// Ends all of them as a crash does: in the middle of whatever they do.
    #[cfg(test)]
    pub(in crate::manager) fn abort(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, (_, task)) in std::mem::take(&mut *running) {
            task.abort();
        }
    }

    /// Stops all of them; a write that has begun is finished.
    pub(in crate::manager) async fn stop(&self) {
        let all = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, stopped) in all {
            finish(Some(stopped)).await;
        }
    }
}

async fn finish(allocator: Option<(Allocator, JoinHandle<()>)>) {
    if let Some((allocator, task)) = allocator {
        // The task ends when the last one who could ask is gone.
        drop(allocator);
        if let Err(error) = task.await {
            tracing::error!(%error, "an allocator has panicked");
        }
    }
}

struct Task {
    key: PoolRef,
    context: Weak<Context>,
    /// The pool as our last write or read left it: the watch may be behind.
    base: Option<Arc<IPPool>>,
    /// When that was.
    base_read: Instant,
    /// What is known of its versions.
    versions: Versions,
    /// UID of the pool that this is about.
    uid: Option<String>,
    refusals: Refusals,
    refused_at: Option<Instant>,
    cadence: Cadence,
    /// What each claim has been told.
    tellings: Arc<Mutex<Tellings>>,
    /// Since when nobody was told again.
    told_again: Instant,
    /// Whether a VM used the pool at the last pass.
    was_used: bool,
}

impl Task {
    fn new(key: PoolRef, context: Weak<Context>, tellings: Arc<Mutex<Tellings>>) -> Self {
        let (base, refused_at) = (None, None);
        Self {
            key,
            context,
            base,
            base_read: Instant::now(),
            versions: Versions::default(),
            uid: None,
            refusals: Refusals::new(),
            refused_at,
            cadence: Cadence::default(),
            tellings,
            told_again: Instant::now(),
            was_used: true,
        }
    }

    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut wake = None;
        let (mut askers, mut replies) = (Askers::new(), Vec::new());
        loop {
            let pause = wake.unwrap_or(AGENT_CHECK).min(AGENT_CHECK);
            let mut add = |request, askers: &mut Askers| match request {
                Request::Claim(claim, version) => drop(askers.insert(claim, version)),
                Request::Refresh(reply) => replies.push(reply),
            };
            match tokio::time::timeout(pause, requests.recv()).await {
                Ok(Some(request)) => add(request, &mut askers),
                Ok(None) => return,
                Err(_elapsed) => {}
            }
            let Some(context) = self.context.upgrade() else { return };
            let open = self.cadence.next_write(Instant::now());
            while let Ok(Some(request)) = tokio::time::timeout_at(open, requests.recv()).await {
                add(request, &mut askers);
            }
            while let Ok(request) = requests.try_recv() {
                add(request, &mut askers);
            }
            let result = self.pass(&context, &askers).await;
            wake = match &result {
                Ok((_, next)) => *next,
                Err(_) => Some(RETRY),
            };
            let result = result.map(|(pass, _)| pass);
            for reply in replies.drain(..) {
                // Whoever asked may have gone away meanwhile.
                let _ = reply.send(result.clone());
            }
            match result {
                Ok(_) => askers.clear(),
                Err(AllocatorError::PoolGone) => return self.end(&context, askers, requests),
                // Whoever waits is told when it succeeds.
                Err(error) => {
                    context.metrics.reconcile_failed("allocator", error.reason());
                    tracing::warn!(pool = %self.key, %error, waiting = askers.len(), "trying again");
                }
            }
        }
    }

    /// The pool is gone. One of that name that comes later gets an allocator of its own.
    fn end(self, context: &Context, mut askers: Askers, mut requests: mpsc::UnboundedReceiver<Request>) {
        context.metrics.pools.forget(&self.key);
        let told = lock(&self.tellings).end(self.uid);
        // Nobody asks any more from now on.
        while let Ok(request) = requests.try_recv() {
            if let Request::Claim(claim, version) = request {
                askers.insert(claim, version);
            }
        }
        let concerned: BTreeSet<_> = told.into_iter().chain(askers.into_keys()).collect();
        for claim in concerned {
            context.changed.claims.send(claim.object());
        }
    }

    /// Plans and writes until the status is what the plan says.
    async fn pass(
        &mut self,
        context: &Context,
        askers: &Askers,
    ) -> Result<(Pass, Option<Duration>), AllocatorError> {
        if self.refused_at.is_some_and(|at| at.elapsed() > REFUSAL_LASTS) {
            self.refusals.clear();
            self.refused_at = None;
        }
        let mut parts: VecDeque<Option<BTreeSet<MacAddr>>> = VecDeque::from([None]);
        let mut attempts = 0;
        let (mut divided, mut reread) = (false, false);
        loop {
            let observation = self.observe(context, reread).await?;
            let only = parts.front().cloned().flatten();
            let mut planned = plan::plan(&observation, &self.refusals, only.as_ref());
            if context.has(Defect::ReuseWithoutRetiring) {
                planned.status.ipv4.iter_mut().for_each(|ipv4| ipv4.retiring.clear());
            }
            if context.has(Defect::MovesForgotten) {
                let quarantined =
                    planned.status.ipv4.iter_mut().flat_map(|ipv4| ipv4.quarantined.values_mut());
                quarantined.for_each(|entry| entry.moved.clear());
            }
            reread = false;
            if observation.object.status.as_ref() == Some(&planned.status) {
                parts.pop_front();
            } else {
                match self.write(context, &observation, &planned).await {
                    Ok(()) => drop(parts.pop_front()),
                    Err(WriteError::Gone) => return Err(AllocatorError::PoolGone),
                    Err(WriteError::Unknown(error)) => {
                        attempts += 1;
                        if attempts >= MOST_ATTEMPTS {
                            return Err(AllocatorError::Write(error.to_string()));
                        }
                        reread = true;
                        continue;
                    }
                    Err(WriteError::Refused(message)) => {
                        divided = true;
                        if context.has(Defect::BatchDropsWhatFollows) {
                            let refused = planned.changed.iter().map(|mac| (*mac, message.clone()));
                            self.refusals.extend(refused);
                        }
                        self.divide(&mut parts, &planned.changed, message)?;
                        continue;
                    }
                }
            }
            if parts.is_empty() && !divided {
                return Ok(self.finish(context, &observation, planned, askers));
            }
            // After a division the parts are written; one more plan over all tells each claim where it stands.
            if parts.is_empty() {
                divided = false;
                parts.push_back(None);
            }
        }
    }

    /// Gathers what is known, on the newest copy of the pool at hand.
    async fn observe(&mut self, context: &Context, reread: bool) -> Result<Observation, AllocatorError> {
        let stored = context.pools.get(&ObjectRef::new(&self.key.name).within(&self.key.namespace));
        let former = self.base.take();
        if let Some(known) = stored.as_ref().or(former.as_ref()) {
            self.uid = known.uid();
        }
        let is_ahead_of_watch = former
            .as_ref()
            .is_some_and(|base| stored.as_ref().is_none_or(|stored| version(&**base) > version(&**stored)));
        let newest = match (former.clone(), stored) {
            _ if reread => None,
            (Some(base), Some(stored))
                if version(&*base) > version(&*stored) && base.uid() == stored.uid() =>
            {
                Some(base)
            }
            (_, Some(stored)) => Some(stored),
            (base, None) => base,
        };
        // The watch brings what we have written within moments, and to an agent nothing that it does not bring us. If it
        // seems otherwise, it is dead, or an older backup was restored: only the API can tell.
        let trusted = newest.filter(|newest| {
            let overdue = is_ahead_of_watch && self.base_read.elapsed() > WATCH_DELAY;
            !overdue && !is_behind(newest, &agents_of(&self.key, context))
        });
        let object = if let Some(newest) = trusted {
            newest
        } else {
            let read = apply::read(context, &self.key).await;
            let read = read.map_err(|error| AllocatorError::Read(error.to_string()))?;
            let read = Arc::new(read.ok_or(AllocatorError::PoolGone)?);
            self.base_read = Instant::now();
            if former.is_some_and(|former| former.uid() == read.uid() && version(&*former) > version(&*read))
            {
                context.allocators.older_state.notify_one();
            }
            read
        };
        self.base = Some(Arc::clone(&object));
        Ok(Observation::gather(object, &mut self.versions, context))
    }

    async fn write(
        &mut self,
        context: &Context,
        observation: &Observation,
        planned: &PoolPlan,
    ) -> Result<(), WriteError> {
        let (written, bytes) = apply::write(context, &observation.object, &planned.status).await?;
        self.cadence.wrote(bytes, Instant::now());
        for notice in &planned.notices {
            context.events.warn(&written, notice).await;
        }
        for notice in &planned.news {
            context.events.tell(&written, notice).await;
        }
        self.versions.wrote(version(&written).unwrap_or_default(), &allocations(&written));
        self.base = Some(Arc::new(written));
        self.base_read = Instant::now();
        Ok(())
    }

    /// Divides a refused batch in two; a single MAC is refused for some time.
    fn divide(
        &mut self,
        parts: &mut VecDeque<Option<BTreeSet<MacAddr>>>,
        changed: &BTreeSet<MacAddr>,
        message: String,
    ) -> Result<(), AllocatorError> {
        parts.pop_front();
        let mut macs = changed.iter().copied();
        match changed.len() {
            0 => return Err(AllocatorError::StatusRefused(message)),
            1 => {
                self.refusals.extend(macs.next().map(|mac| (mac, message)));
                self.refused_at = Some(Instant::now());
                // The rest of the status may have to be written all the same.
                parts.push_front(Some(BTreeSet::new()));
            }
            count => {
                let first: BTreeSet<_> = macs.by_ref().take(count / 2).collect();
                parts.push_front(Some(macs.collect()));
                parts.push_front(Some(first));
            }
        }
        Ok(())
    }

    /// Tells the claims, and says what the pass leaves behind.
    fn finish(
        &mut self,
        context: &Context,
        observation: &Observation,
        planned: PoolPlan,
        askers: &Askers,
    ) -> (Pass, Option<Duration>) {
        let PoolPlan { status, settlements, wake, drained, changed: _, notices: _, news: _ } = planned;
        if let (Ok((pool, _)), Some(ipv4)) = (&observation.pool, &status.ipv4) {
            let counts = PoolCounts::new(pool, ipv4, waiting(&settlements));
            let counts =
                counts.with_seen(observation.seen.conflicts.len(), observation.seen.foreign_servers.len());
            context.metrics.pools.show(self.key.clone(), counts);
        }
        let again = self.told_again.elapsed() > TELL_AGAIN;
        if again {
            self.told_again = Instant::now();
        }
        let (look, news) = lock(&self.tellings).tell(observation, &settlements, askers, again);
        if news > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a pool has far fewer than 2^52 claims")]
            context.metrics.claims_per_pass.observe(news as f64);
        }
        for claim in look {
            context.changed.claims.send(claim.object());
        }
        let is_used = !observation.users.is_empty();
        let waits = observation.standing.as_ref().is_some_and(Standing::waits_for_vms);
        if waits && self.was_used && !is_used {
            // What was waiting for the last VM can be done now.
            context.changed.pools.send(ObjectRef::from_obj(&*observation.object));
        }
        self.was_used = is_used || !waits;
        let wake = wake.map(|at| {
            let left = at.duration_since(observation.now).max(jiff::SignedDuration::ZERO);
            Duration::try_from(left).unwrap_or(AGENT_CHECK)
        });
        let object = self.base.clone().unwrap_or_else(|| Arc::clone(&observation.object));
        (Pass { object, drained, reuse_acted_on: observation.is_reuse_acted_on() }, wake)
    }
}

/// How many cards wait, by the reason.
fn waiting(settlements: &[Settlement]) -> BTreeMap<&'static str, usize> {
    let mut waiting = BTreeMap::new();
    for settlement in settlements {
        let reason = match settlement {
            Settlement::Planned(Outcome::Waits(why)) => why.reason(),
            Settlement::Refused { reason, .. } => reason,
            Settlement::Planned(Outcome::Holds(_) | Outcome::Released) | Settlement::InUse { .. } => continue,
        };
        *waiting.entry(reason).or_default() += 1;
    }
    waiting
}
