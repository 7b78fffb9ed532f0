//! The body of a watch's answer, late, cut off or fallen silent.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tower::BoxError;

use super::{ConnectionLost, Fault, Faults};

/// How long an event takes from the API to who watches, in milliseconds.
const LAG: std::ops::Range<u64> = 1..40;
/// A watch that goes wrong does so after at most so many milliseconds.
const GOES_WELL: std::ops::Range<u64> = 1..20_000;
/// A connection over which nothing comes is closed by somebody after so many milliseconds.
const SILENCE: std::ops::Range<u64> = 30_000..290_000;

/// That body with that fault; one that is `behind` tells nothing before that time.
pub(super) fn with_faults(
    body: Body,
    fault: Option<Fault>,
    behind: Option<Instant>,
    faults: &Faults,
) -> Body {
    let random = &faults.random;
    let breaks = |fault| match fault {
        Some(Fault::WatchCut) => Some(Breaks { after: random.millis(GOES_WELL), silence: None }),
        Some(Fault::WatchSilent) => {
            Some(Breaks { after: random.millis(GOES_WELL), silence: Some(random.millis(SILENCE)) })
        }
        _ => None,
    };
    let events = events(body, breaks(fault), faults.clone());
    let in_time = async move {
        if let Some(behind) = behind {
            tokio::time::sleep_until(behind).await;
        }
        events
    };
    Body::from_stream(stream::once(in_time).flatten())
}

/// When and how a watch breaks.
struct Breaks {
    after: Duration,
    silence: Option<Duration>,
}

fn events(
    body: Body,
    breaks: Option<Breaks>,
    faults: Faults,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let end = breaks.map(|breaks| (Instant::now() + breaks.after, breaks.silence));
    stream::unfold(Some((body.into_data_stream(), end, faults)), |state| async move {
        let (mut data, end, faults) = state?;
        let next = async {
            let event = data.next().await?;
            tokio::time::sleep(faults.random.millis(LAG)).await;
            Some(if faults.is_cut_off() { Err(ConnectionLost.into()) } else { event.map_err(Into::into) })
        };
        let Some((at, silence)) = end else {
            return Some((next.await?, Some((data, end, faults))));
        };
        if let Ok(event) = tokio::time::timeout_at(at, next).await {
            return Some((event?, Some((data, end, faults))));
        }
        tokio::time::sleep(silence.unwrap_or_default()).await;
        Some((Err(ConnectionLost.into()), None))
    })
}
