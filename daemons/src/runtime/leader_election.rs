//! One leader among the replicas of a manager, by a Lease, in the manner of client-go's `leaderelection`.
//!
//! A Lease is taken and renewed by compare-and-swap alone. Whether that of another has run out is judged by one's own
//! monotonic clock, from when its last change was seen: clocks that differ between nodes, or jump, take nobody's
//! lead away and give none. A leader that cannot renew ceases `renew_deadline` after the last renewal was *sent*, and
//! a candidate waits for `lease_duration` after that renewal was *seen*, so never do two lead at once as long as their
//! clocks run at about one speed. (Whoever deletes or edits the Lease can make two of them, for a `retry_period`.) What a former leader had on its way may still arrive: so every write of a decision
//! has to name the version that it was made on.
//!
//! Left out: ending the process of a leader that has ceased. Whoever calls this does it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Clock;

/// How long a lead lasts, and how often it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    lease_duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

/// Durations that could lead to two leaders, or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationsError {
    /// A candidate would take over while the leader still believes in its lead.
    #[error("the lease duration ({0:?}) must be longer than the renew deadline ({1:?})")]
    LeaseDuration(Duration, Duration),
    /// A leader would cease before it has tried twice.
    #[error("the renew deadline ({0:?}) must be longer than the retry period ({1:?})")]
    RenewDeadline(Duration, Duration),
    /// The API would be asked without a pause.
    #[error("the retry period must not be zero")]
    RetryPeriod,
    /// A Lease stores whole seconds.
    #[error("the lease duration ({0:?}) must be a whole number of seconds, at most 2147483647")]
    NotInSeconds(Duration),
}

impl Durations {
    /// Checks that `lease_duration` > `renew_deadline` > `retry_period` > 0.
    ///
    /// # Errors
    ///
    /// Which of them does not fit.
    pub fn new(
        lease_duration: Duration,
        renew_deadline: Duration,
        retry_period: Duration,
    ) -> Result<Self, DurationsError> {
        if retry_period.is_zero() {
            return Err(DurationsError::RetryPeriod);
        }
        if renew_deadline <= retry_period {
            return Err(DurationsError::RenewDeadline(renew_deadline, retry_period));
        }
        if lease_duration <= renew_deadline {
            return Err(DurationsError::LeaseDuration(lease_duration, renew_deadline));
        }
        if lease_duration.subsec_nanos() > 0 || i32::try_from(lease_duration.as_secs()).is_err() {
            return Err(DurationsError::NotInSeconds(lease_duration));
        }
        Ok(Self { lease_duration, renew_deadline, retry_period })
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.lease_duration.as_secs()).unwrap_or(i32::MAX)
    }
}

/// 45, 30 and 2 seconds: those of Harvester's vm-dhcp-controller, which waits for the same Lease.
impl Default for Durations {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(45),
            renew_deadline: Duration::from_secs(30),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// Somebody who would lead.
#[derive(Clone)]
pub struct Candidate {
    /// Leases of the namespace of the Lease.
    pub leases: Api<Lease>,
    /// Name of the Lease.
    pub name: String,
    /// Who this is: no other life of any replica may ever have the same.
    pub identity: String,
    /// How long a lead lasts.
    pub durations: Durations,
    /// The time to be shown in the Lease; nothing is decided by it.
    pub clock: Clock,
}

/// An identity that no other life of any replica has: the name of the host, as client-go has it, and a random suffix.
pub fn identity() -> std::io::Result<String> {
    Ok(format!("{}_{}", super::host_name()?, uuid::Uuid::new_v4()))
}

/// The lead, until it is lost.
pub struct Leadership {
    candidate: Candidate,
    lease: Lease,
    /// When the last renewal that succeeded was sent.
    renewed: Instant,
}

/// Why a leader leads no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Another has the Lease.
    #[error("{0} leads now")]
    Taken(String),
    /// The Lease could not be renewed in time.
    #[error("the Lease could not be renewed for {0:?}")]
    NotRenewed(Duration),
}

/// The Lease of another, and since when it has been as it is.
type Observed = Option<(LeaseSpec, Instant)>;

impl Candidate {
    /// Returns when this one leads.
    pub async fn elected(self) -> Leadership {
        let mut observed = None;
        let mut failing = false;
        loop {
            let answer = timeout(self.durations.renew_deadline, self.attempt(&mut observed)).await;
            match answer {
                Ok(Ok(Some((lease, renewed)))) => {
                    tracing::info!(identity = %self.identity, lease = %self.name, "leading");
                    return Leadership { candidate: self, lease, renewed };
                }
                Ok(Ok(None)) => failing = false,
                Ok(Err(_)) | Err(_) if failing => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = %self.name, %error, "the Lease of the leader cannot be had");
                    failing = true;
                }
                Err(_elapsed) => {
                    tracing::warn!(lease = %self.name, "the API does not answer; waiting to lead");
                    failing = true;
                }
            }
            sleep(self.durations.retry_period).await;
        }
    }

    /// Takes the Lease if it is free.
    async fn attempt(&self, observed: &mut Observed) -> kube::Result<Option<(Lease, Instant)>> {
        let found = self.leases.get_opt(&self.name).await?;
        let sent = Instant::now();
        let taken = match found {
            None => self.leases.create(&PostParams::default(), &self.new_lease()).await,
            Some(lease) => {
                let spec = lease.spec.clone().unwrap_or_default();
                if !self.is_free(&spec, observed, sent) {
                    return Ok(None);
                }
                self.replace(&lease).await
            }
        };
        match taken {
            Ok(lease) => Ok(Some((lease, sent))),
            // Somebody else was faster.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(None),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_free(&self, spec: &LeaseSpec, observed: &mut Observed, now: Instant) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let since = match observed {
            Some((known, since)) if known == spec => *since,
            _ => observed.insert((spec.clone(), now)).1,
        };
        let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let lasts = seconds.map_or(self.durations.lease_duration, Duration::from_secs);
        now.duration_since(since) > lasts
    }

    fn now(&self) -> MicroTime {
        MicroTime((self.clock)())
    }

    fn new_lease(&self) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(self.durations.seconds()),
            acquire_time: Some(self.now()),
            renew_time: Some(self.now()),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        };
        Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            spec: Some(spec),
        }
    }

    /// Renews or takes over a Lease, under its version.
    async fn replace(&self, lease: &Lease) -> kube::Result<Lease> {
        let former = lease.spec.clone().unwrap_or_default();
        let renews = former.holder_identity.as_deref() == Some(&self.identity);
        let transitions = former.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(self.durations.seconds()),
            acquire_time: if renews { former.acquire_time } else { Some(self.now()) },
            renew_time: Some(self.now()),
            lease_transitions: Some(if renews { transitions } else { transitions.saturating_add(1) }),
            ..former
        };
        let next = Lease { spec: Some(spec), ..lease.clone() };
        self.leases.replace(&self.name, &PostParams::default(), &next).await
    }
}

impl Leadership {
    /// Renews the Lease, and returns when the lead is lost: the work has to cease at once.
    pub async fn keep(&mut self) -> Lost {
        loop {
            let Durations { renew_deadline, retry_period, .. } = self.candidate.durations;
            let deadline = self.renewed + renew_deadline;
            tokio::time::sleep_until(deadline.min(Instant::now() + retry_period)).await;
            match timeout_at(deadline, self.renew()).await {
                Ok(Ok(())) => {}
                Ok(Err(Some(lost))) => return lost,
                // Not this time; there may be time for another try.
                Ok(Err(None)) if Instant::now() < deadline => {}
                Ok(Err(None)) | Err(_) => return Lost::NotRenewed(renew_deadline),
            }
        }
    }

    /// One renewal; the error says whether the lead is lost for certain.
    async fn renew(&mut self) -> Result<(), Option<Lost>> {
        let candidate = &self.candidate;
        let mut sent = Instant::now();
        let mut renewed = candidate.replace(&self.lease).await;
        if let Err(kube::Error::Api(status)) = &renewed
            && (status.is_conflict() || status.is_not_found())
        {
            // Somebody has written it: another leader, or this one, whose answer was lost, or who labels things.
            let found = candidate.leases.get_opt(&candidate.name).await.map_err(|_| None)?;
            sent = Instant::now();
            renewed = match found {
                None => candidate.leases.create(&PostParams::default(), &candidate.new_lease()).await,
                Some(lease) => {
                    let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
                    let holder = holder.unwrap_or_default();
                    if holder != candidate.identity {
                        return Err(Some(Lost::Taken(holder)));
                    }
                    candidate.replace(&lease).await
                }
            };
        }
        (self.lease, self.renewed) = (renewed.map_err(|_| None)?, sent);
        Ok(())
    }

    /// Gives the lead up, so that another need not wait for its end. Must be called after the work has ceased.
    pub async fn release(self) {
        let Self { candidate, lease, renewed } = self;
        let spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(candidate.now()),
            ..lease.spec.clone().unwrap_or_default()
        };
        let next = Lease { spec: Some(spec), ..lease };
        let parameters = PostParams::default();
        let released = candidate.leases.replace(&candidate.name, &parameters, &next);
        match timeout_at(renewed + candidate.durations.renew_deadline, released).await {
            Ok(Ok(_)) => tracing::info!(identity = %candidate.identity, "the lead is given up"),
            // It ends by itself.
            Ok(Err(error)) => tracing::warn!(%error, "the Lease could not be given back"),
            Err(_elapsed) => tracing::warn!("the Lease could not be given back in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use kube::Client;
    use kube::api::{DeleteParams, Patch, PatchParams};
    use serde_json::json;
    use tower::Layer;

    use super::*;
    use crate::cluster::faults::{Fault, Faults, Random, Rates};
    use crate::cluster::local::{Kinds, LocalApi};

    /// An API, and ways to it that can fail.
    struct Cluster {
        api: LocalApi,
        faults: Faults,
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    impl Cluster {
        fn new() -> Self {
            Self { api: LocalApi::in_memory(Kinds::standard()).unwrap(), faults: Faults::new(Random::new(1)) }
        }

        /// A candidate whose wall clock is so many seconds off, and its way to the API.
        fn candidate(&self, identity: &str, skew: i64) -> (Candidate, Faults) {
            let (faults, start) = (self.faults.of_one_client(), Instant::now());
            let candidate = Candidate {
                leases: Api::default_namespaced(Client::new(faults.layer(self.api.clone()), "default")),
                name: "leader".into(),
                identity: identity.into(),
                durations: Durations::new(seconds(15), seconds(10), seconds(2)).unwrap(),
                clock: Arc::new(move || {
                    let passed = SignedDuration::try_from(start.elapsed()).unwrap();
                    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + skew) + passed
                }),
            };
            (candidate, faults)
        }

        fn leases(&self) -> Api<Lease> {
            Api::default_namespaced(Client::new(self.api.clone(), "default"))
        }

        async fn spec(&self) -> LeaseSpec {
            self.leases().get("leader").await.unwrap().spec.unwrap()
        }
    }

    /// Seconds until that candidate leads.
    async fn wait_for(candidate: Candidate) -> (Leadership, f64) {
        let start = Instant::now();
        let leadership = candidate.elected().await;
        (leadership, start.elapsed().as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_leads_at_once_and_shows_who_it_is() {
        let cluster = Cluster::new();
        let (_leadership, waited) = wait_for(cluster.candidate("one", 0).0).await;
        assert!(waited < 1.0, "{waited}");
        let spec = cluster.spec().await;
        assert_eq!(spec.holder_identity.as_deref(), Some("one"));
        assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(15), Some(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_that_start_together_one_leads() {
        let cluster = Cluster::new();
        let mut one = tokio::spawn(cluster.candidate("one", 0).0.elected());
        let mut two = tokio::spawn(cluster.candidate("two", 0).0.elected());
        let other = tokio::select! {
            won = &mut one => { let mut won = won.unwrap(); tokio::spawn(async move { won.keep().await }); two }
            won = &mut two => { let mut won = won.unwrap(); tokio::spawn(async move { won.keep().await }); one }
        };
        assert!(timeout(seconds(600), other).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_without_a_word_is_followed_when_its_lease_has_run_out() {
        let cluster = Cluster::new();
        let leadership = cluster.candidate("one", 0).0.elected().await;
        drop(leadership);
        let (_leadership, waited) = wait_for(cluster.candidate("two", 0).0).await;
        assert!((15.0..18.0).contains(&waited), "{waited}");
        assert_eq!(cluster.spec().await.lease_transitions, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_releases_the_lead_is_followed_at_once() {
        let cluster = Cluster::new();
        let leadership = cluster.candidate("one", 0).0.elected().await;
        let follower = tokio::spawn(wait_for(cluster.candidate("two", 0).0));
        sleep(seconds(5)).await;
        leadership.release().await;
        let (_leadership, waited) = follower.await.unwrap();
        assert!((5.0..8.0).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_that_differ_by_hours_take_nobodys_lead_away() {
        for skew in [-36_000, 36_000] {
            let cluster = Cluster::new();
            let mut leadership = cluster.candidate("one", 0).0.elected().await;
            let kept = tokio::spawn(async move { leadership.keep().await });
            let other = cluster.candidate("two", skew).0.elected();
            assert!(timeout(seconds(600), other).await.is_err(), "{skew}");
            assert!(!kept.is_finished());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_does_not_reach_the_api_ceases_before_another_leads() {
        let cluster = Cluster::new();
        let (one, way) = cluster.candidate("one", 0);
        let mut leadership = one.elected().await;
        let kept = tokio::spawn(async move { (leadership.keep().await, Instant::now()) });
        let two = cluster.candidate("two", 0).0;
        let followed = tokio::spawn(async {
            wait_for(two).await;
            Instant::now()
        });
        sleep(seconds(60)).await;
        assert!(!kept.is_finished());
        way.cut_off(Instant::now() + seconds(3_600));
        let (lost, ceased) = kept.await.unwrap();
        assert!(matches!(lost, Lost::NotRenewed(_)), "{lost}");
        let margin = followed.await.unwrap().duration_since(ceased);
        assert!(margin >= seconds(3), "{margin:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_fail_now_and_then_cost_no_lead() {
        let cluster = Cluster::new();
        cluster.faults.set(Rates::from([(Fault::Conflict, 100), (Fault::InternalError, 100)]));
        let mut leadership = cluster.candidate("one", 0).0.elected().await;
        let kept = timeout(seconds(600), leadership.keep()).await;
        assert!(kept.is_err(), "{:?}", kept.ok());
        assert!(cluster.faults.struck()[&Fault::Conflict] > 10);
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_who_labels_the_lease_or_deletes_it_takes_no_lead_away() {
        let cluster = Cluster::new();
        let mut leadership = cluster.candidate("one", 0).0.elected().await;
        let kept = tokio::spawn(async move { leadership.keep().await });
        let label = Patch::Merge(json!({ "metadata": { "labels": { "team": "network" } } }));
        cluster.leases().patch("leader", &PatchParams::default(), &label).await.unwrap();
        sleep(seconds(30)).await;
        assert_eq!(cluster.leases().get("leader").await.unwrap().metadata.labels.unwrap()["team"], "network");
        cluster.leases().delete("leader", &DeleteParams::default()).await.unwrap();
        sleep(seconds(30)).await;
        assert!(!kept.is_finished());
        assert_eq!(cluster.spec().await.holder_identity.as_deref(), Some("one"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_ceases_at_once_when_it_sees_that_another_leads() {
        let cluster = Cluster::new();
        let mut leadership = cluster.candidate("one", 0).0.elected().await;
        let stolen = Patch::Merge(json!({ "spec": { "holderIdentity": "two" } }));
        cluster.leases().patch("leader", &PatchParams::default(), &stolen).await.unwrap();
        let lost = timeout(seconds(3), leadership.keep()).await.unwrap();
        assert!(matches!(&lost, Lost::Taken(by) if by == "two"), "{lost}");
    }

    #[test]
    fn durations_that_could_make_two_leaders_or_none_are_refused() {
        for (lease, deadline, period, word) in
            [(10, 10, 2, "lease duration"), (15, 2, 2, "renew deadline"), (15, 10, 0, "retry period")]
        {
            let error = Durations::new(seconds(lease), seconds(deadline), seconds(period)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        let error = Durations::new(Duration::from_millis(15_500), seconds(10), seconds(2)).unwrap_err();
        assert!(error.to_string().contains("whole"), "{error}");
    }
}
