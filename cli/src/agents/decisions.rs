//! What an agent decides about packets, as it happens.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use futures::{TryStreamExt, stream};
use http_body_util::BodyExt;
use vmdhcp_core::MacAddr;
use vmdhcp_daemons::agent::StreamLine;

use super::{Agent, PATIENCE, address, proxied, request};
use crate::context::Session;

/// An agent that says nothing for so long is lost: it sends an empty line every five seconds.
const SILENCE: Duration = Duration::from_secs(20);
/// Longest line of an agent in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// An open stream of decisions.
pub(crate) struct Decisions {
    reader: Pin<Box<dyn AsyncBufRead + Send>>,
}

/// Begins to watch an agent; or why that is not possible.
pub(crate) async fn decisions(
    session: &Session,
    agent: &Agent,
    only: Option<MacAddr>,
    recent: bool,
) -> Result<Decisions, String> {
    let only = only.map(|mac| format!("&mac={mac}")).unwrap_or_default();
    let uri = address(agent, &format!("decisions?recent={recent}{only}"))?;
    let beginning = async {
        if session.local {
            let (status, body) = request(uri).await?;
            if !status.is_success() {
                return Err(format!("it answered with HTTP status {status}"));
            }
            let body = body.into_data_stream().map_err(io::Error::other);
            return Ok(Decisions { reader: Box::pin(body.into_async_read()) });
        }
        let stream = session.client.request_stream(proxied(agent, &uri)?).await;
        let stream = stream.map_err(|error| match error {
            kube::Error::Api(status) => status.message,
            other => other.to_string(),
        })?;
        Ok(Decisions { reader: Box::pin(stream) })
    };
    match tokio::time::timeout(PATIENCE, beginning).await {
        Ok(begun) => begun,
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

impl Decisions {
    /// All lines to come, and at last why there are no more.
    pub(crate) fn lines(self) -> impl stream::Stream<Item = Result<StreamLine, String>> {
        stream::unfold(Some(self), |decisions| async {
            let mut decisions = decisions?;
            match decisions.next().await {
                Ok(line) => Some((Ok(line), Some(decisions))),
                Err(why) => Some((Err(why), None)),
            }
        })
    }

    /// The next line that says something.
    async fn next(&mut self) -> Result<StreamLine, String> {
        loop {
            let mut line = Vec::new();
            let mut limited = self.reader.as_mut().take(LONGEST_LINE);
            let read = tokio::time::timeout(SILENCE, limited.read_until(b'\n', &mut line)).await;
            match read {
                Err(_) => return Err(format!("it said nothing for {} s", SILENCE.as_secs())),
                Ok(Err(error)) => return Err(format!("the connection broke off: {error}")),
                Ok(Ok(0)) => return Err("it has ended".to_owned()),
                Ok(Ok(_)) => {}
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            return serde_json::from_slice(&line).map_err(|e| format!("its line is no decision: {e}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use futures::io::BufReader;

    async fn lines(text: &'static [u8]) -> Vec<Result<StreamLine, String>> {
        Decisions { reader: Box::pin(BufReader::new(text)) }.lines().collect().await
    }

    #[tokio::test]
    async fn lines_are_read_until_the_agent_ends_and_empty_ones_say_nothing() {
        let lines = lines(b"\n{\"missed\":3}\n\n{\"decision\":{\"reason\":\"bound\",\"new\":1}}\n\n").await;
        assert_eq!(lines[0], Ok(StreamLine::Missed(3)));
        let Ok(StreamLine::Decision(decision)) = &lines[1] else { panic!("{lines:?}") };
        assert_eq!(decision.reason, "bound");
        assert_eq!(lines[2..], [Err("it has ended".to_owned())]);
    }

    #[tokio::test]
    async fn an_agent_that_sends_something_else_or_a_line_without_end_is_not_believed() {
        let broken = lines(b"{\"missed\":-3}\n{\"missed\":3}\n").await;
        assert_eq!(broken.len(), 1);
        assert!(broken[0].as_ref().unwrap_err().contains("no decision"));
        let endless: &'static [u8] = vec![b' '; 1 << 17].leak();
        assert_eq!(lines(endless).await.len(), 1);
    }
}
