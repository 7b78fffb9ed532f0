//! The body of a watch's answer, late, cut off or fallen silent.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt, stream};
use tower::BoxError;

use super::{ConnectionLost, Fault, Random};

/// How long an event takes from the API to who watches, in milliseconds.
const LAG: std::ops::Range<u64> = 1..40;
/// A watch that goes wrong does so after at most so many milliseconds.
const GOES_WELL: std::ops::Range<u64> = 1..20_000;
/// A connection over which nothing comes is closed by somebody after so many milliseconds.
const SILENCE: std::ops::Range<u64> = 30_000..290_000;

/// That body with that fault.
pub(super) fn with_faults(body: Body, fault: Option<Fault>, random: &Random) -> Body {
    let breaks = |fault| match fault {
        Some(Fault::WatchCut) => Some(Breaks { after: random.millis(GOES_WELL), silence: None }),
        Some(Fault::WatchSilent) => {
            Some(Breaks { after: random.millis(GOES_WELL), silence: Some(random.millis(SILENCE)) })
        }
        _ => None,
    };
    Body::from_stream(events(body, breaks(fault), random.clone()))
}

/// When and how a watch breaks.
struct Breaks {
    after: Duration,
    silence: Option<Duration>,
}

fn events(
    body: Body,
    breaks: Option<Breaks>,
    random: Random,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let end = breaks.map(|breaks| (tokio::time::Instant::now() + breaks.after, breaks.silence));
    stream::unfold(Some((body.into_data_stream(), end, random)), |state| async move {
        let (mut data, end, random) = state?;
        let next = async {
            let event = data.next().await?;
            tokio::time::sleep(random.millis(LAG)).await;
            Some(event.map_err(Into::into))
        };
        let Some((at, silence)) = end else {
            return Some((next.await?, Some((data, end, random))));
        };
        if let Ok(event) = tokio::time::timeout_at(at, next).await {
            return Some((event?, Some((data, end, random))));
        }
        tokio::time::sleep(silence.unwrap_or_default()).await;
        Some((Err(ConnectionLost.into()), None))
    })
}
