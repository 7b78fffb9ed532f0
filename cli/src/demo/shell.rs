//! Runs this program's own commands as a user would type them, on the tour's own file.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::sandbox::THIS_PROGRAM;

/// The API of the tour, in its folder.
pub(super) const API_FILE: &str = "demo.db";
/// How long a command may take; those that wait say themselves when they give up, which is earlier.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a command did not do what it was run for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShellError {
    /// It could not be run.
    #[error("cannot run `{line}`: {source}")]
    Run {
        /// The command line.
        line: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("`{line}` ended with {ending}: {printed}")]
    Failed {
        /// The command line.
        line: String,
        /// Exit code or signal.
        ending: String,
        /// What it printed.
        printed: String,
    },
    /// It did not end.
    #[error("`{line}` did not end within {} s", PATIENCE.as_secs())]
    TimedOut {
        /// The command line.
        line: String,
    },
}

/// A folder in which commands are run.
pub(super) struct Shell {
    /// The folder.
    pub folder: PathBuf,
}

impl Shell {
    /// Runs a command line, and gives what it printed: data first, then talk.
    pub(super) async fn run(&self, line: &str) -> Result<String, ShellError> {
        let (printed, status) = self.try_run(line).await?;
        if status.success() {
            return Ok(printed);
        }
        let ending = super::sandbox::ending(status);
        Err(ShellError::Failed { line: line.to_owned(), ending, printed: printed.trim().to_owned() })
    }

    /// Runs a command line that may as well end with an error.
    pub(super) async fn try_run(&self, line: &str) -> Result<(String, std::process::ExitStatus), ShellError> {
        let running = self.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .map_err(|_| ShellError::TimedOut { line: line.to_owned() })?
            .map_err(|source| ShellError::Run { line: line.to_owned(), source })?;
        let printed = [output.stdout, output.stderr].concat();
        Ok((String::from_utf8_lossy(&printed).into_owned(), output.status))
    }

    /// Starts a command line that goes on by itself, and writes what it says to `log`.
    pub(super) fn start(&self, line: &str, log: std::fs::File) -> Result<Child, ShellError> {
        let failed = |source| ShellError::Run { line: line.to_owned(), source };
        let talk = log.try_clone().map_err(failed)?;
        self.command(line).stdout(log).stderr(talk).spawn().map_err(failed)
    }

    fn command(&self, line: &str) -> Command {
        let mut words = line.split_whitespace();
        let mut command = Command::new(THIS_PROGRAM);
        if let Some(program) = words.next() {
            command.arg0(program);
        }
        command
            .args(words)
            .current_dir(&self.folder)
            .env("VMDHCP_LOCAL", API_FILE)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}
