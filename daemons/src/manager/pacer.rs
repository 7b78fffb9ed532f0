//! How fast pools may be written, all together.
//!
//! etcd keeps every revision of an object until it compacts, and a full quota stops the whole cluster. A pool of 40,000
//! allocations is 1.5 MB a write: so it is bytes that are paced ([`Limits`]), by a token bucket, and the pause between two
//! writes of one pool grows with their size and with how long a burst lasts.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

/// A token bucket over bytes, shared by all pools.
pub(super) struct Pacer {
    sustained: f64,
    burst: f64,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    bytes: f64,
    filled: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(limits: Limits) -> Self {
        let (sustained, burst) = (limits.sustained_bytes.into(), limits.burst_bytes.into());
        Self { sustained, burst, bucket: Mutex::new(Bucket { bytes: burst, filled: None }) }
    }

    /// Takes `bytes` out of the budget, and says how long to wait before writing them.
    pub(super) fn take(&self, bytes: usize, now: Instant) -> Duration {
        let mut bucket = self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(filled) = bucket.filled {
            bucket.bytes =
                (bucket.bytes + now.duration_since(filled).as_secs_f64() * self.sustained).min(self.burst);
        }
        bucket.filled = Some(now);
        // A budget below zero is a debt that the next writers wait for.
        #[expect(clippy::cast_precision_loss, reason = "an object has far fewer than 2^52 bytes")]
        let bytes = bytes as f64;
        bucket.bytes -= bytes;
        Duration::from_secs_f64((-bucket.bytes / self.sustained).max(0.0))
    }
}

/// The pause between two writes of one pool while requests keep coming: group commit.
///
/// The first write after a quiet second is immediate. From then on the pause doubles up to [`Cadence::LONGEST`], so that
/// a burst of any length costs few writes, and nobody waits long.
#[derive(Default)]
pub(super) struct Cadence {
    last_write: Option<Instant>,
    pause: Duration,
}

impl Cadence {
    /// First pause of a burst.
    const SHORTEST: Duration = Duration::from_millis(20);
    /// Longest pause of a burst.
    const LONGEST: Duration = Duration::from_millis(250);
    /// After this long without a write a burst is over.
    const QUIET: Duration = Duration::from_secs(1);

    /// From when on the next write may start.
    pub(super) fn next_write(&self, now: Instant) -> Instant {
        match self.last_write {
            Some(last) if now.duration_since(last) < Self::QUIET => last + self.pause,
            _ => now,
        }
    }

    /// Notes a write of that many bytes.
    pub(super) fn wrote(&mut self, bytes: usize, now: Instant) {
        let quiet = self.last_write.is_none_or(|last| now.duration_since(last) >= Self::QUIET);
        self.pause = if quiet { Self::SHORTEST } else { (self.pause * 2).min(Self::LONGEST) };
        // A megabyte takes the API server and etcd about a tenth of a second: leave them as much again.
        self.pause = self.pause.max(Duration::from_millis(u64::try_from(bytes / 5_000).unwrap_or(u64::MAX)));
        self.last_write = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_through_and_what_follows_is_half_a_megabyte_a_second() {
        let pacer = Pacer::new(Limits::default());
        let now = Instant::now();
        assert_eq!(pacer.take(100_000_000, now), Duration::ZERO);
        assert_eq!(pacer.take(500_000, now), Duration::from_secs(1));
        assert_eq!(pacer.take(500_000, now + Duration::from_secs(2)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_write_is_immediate_and_a_long_burst_costs_four_writes_a_second() {
        let mut cadence = Cadence::default();
        let start = Instant::now();
        let (mut now, mut writes) = (start, 0);
        assert_eq!(cadence.next_write(now), now);
        while now < start + Duration::from_secs(10) {
            now = cadence.next_write(now).max(now);
            cadence.wrote(1_000, now);
            writes += 1;
        }
        assert!((40..=46).contains(&writes), "{writes}");
        let later = now + Duration::from_secs(1);
        assert_eq!(cadence.next_write(later), later);
    }
}
