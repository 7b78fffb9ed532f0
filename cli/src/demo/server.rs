//! The server of the tour: `vmdhcp standalone` as a process of its own, that can be killed.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kube::client::Body;
use tokio::process::Child;
use tokio::time::Instant;

use super::network::BRIDGE;
use super::shell::{Shell, ShellError};

/// Where it tells whether it is ready, if nobody tells it otherwise.
const ADMIN: &str = "127.0.0.1:8080";
/// How long it has to become ready.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(20);
/// How many lines of its log are worth showing when something went wrong.
const LAST_LINES: usize = 20;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] ShellError),
    /// Its log, or its process, could not be got at.
    #[error("cannot {doing} the server: {source}")]
    Process {
        /// The step.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the server ended by itself, with {ending}")]
    Ended {
        /// Exit code or signal.
        ending: String,
    },
    /// It does not become ready.
    #[error("the server was not ready within {} s", PATIENCE.as_secs())]
    NotReady,
}

/// A running server.
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// The command line that starts it.
    pub(super) fn command_line() -> String {
        format!("vmdhcp standalone --nic net-48={BRIDGE}")
    }

    /// Starts it.
    pub(super) fn start(shell: &Shell) -> Result<Self, ServerError> {
        let log = File::options().create(true).append(true).open(log_file(shell));
        let log = log.map_err(|source| ServerError::Process { doing: "write the log of", source })?;
        Ok(Self { child: shell.start(&Self::command_line(), log)? })
    }

    /// Waits until its agent of this pool answers on the network.
    pub(super) async fn ready(&mut self, pool: &str) -> Result<(), ServerError> {
        let deadline = Instant::now() + PATIENCE;
        let path = format!("http://{ADMIN}/agents/default/{pool}/readyz");
        let uri: Uri =
            path.parse().map_err(|e| ServerError::Process { doing: "ask", source: io::Error::other(e) })?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        while Instant::now() < deadline {
            // Before it listens, a refused connection; before its agent serves, a status that says so.
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = uri.clone();
            if client.request(request).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                error = self.ended() => return Err(error),
            }
        }
        Err(ServerError::NotReady)
    }

    /// Waits until it ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> ServerError {
        match self.child.wait().await {
            Ok(status) => ServerError::Ended { ending: super::sandbox::ending(status) },
            Err(source) => ServerError::Process { doing: "watch", source },
        }
    }

    /// Kills it without a chance to clean anything up, and gives the command line that does so.
    pub(super) async fn kill(mut self) -> Result<String, ServerError> {
        let id = self.child.id().map(|id| id.to_string()).unwrap_or_default();
        self.child.kill().await.map_err(|source| ServerError::Process { doing: "kill", source })?;
        Ok(format!("kill -9 {id}"))
    }
}

/// The last lines of its log.
pub(super) fn last_words(shell: &Shell) -> Vec<String> {
    let log = std::fs::read_to_string(log_file(shell)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(LAST_LINES)).map(|line| (*line).to_owned()).collect()
}

fn log_file(shell: &Shell) -> PathBuf {
    shell.folder.join("standalone.log")
}
