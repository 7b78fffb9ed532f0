//! What the commands that run for long share: logs, the runtime, and flags in the manner of Harvester's
//! vm-dhcp-controller, whose command lines and environment go on working.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use kube::Client;
use vmdhcp_daemons::cluster::{self, Target};
use vmdhcp_daemons::runtime::logs::{self, LogFormat};
use vmdhcp_daemons::runtime::{self, Shutdown};

use crate::args::Connection;
use crate::context;
use crate::failure::Failure;

/// How much less of a busy processor the threads behind the packets get: a tenth of what those have.
const GIVES_WAY: i32 = 10;

/// How a daemon logs.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Logs")]
pub(crate) struct Logging {
    /// Form of the log lines on standard error
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    log_format: LogForm,
}

/// Forms of a log line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogForm {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl Logging {
    /// Starts logging: what is worth a line is a server's start and end, and trouble; more with each step of
    /// `verbose`.
    pub(crate) fn start(self, verbose: u8) -> Result<(), Failure> {
        let format = match self.log_format {
            LogForm::Text => LogFormat::Text,
            LogForm::Json => LogFormat::Json,
        };
        let level = match verbose {
            0 => tracing::Level::INFO,
            1 => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        };
        logs::init(format, level).map_err(|error| Failure::Usage(error.to_string()))
    }
}

/// How many `-v` upstream's two switches amount to.
pub(crate) fn verbosity(connection: &Connection, debug: bool, trace: bool) -> u8 {
    connection.verbose.max(if trace { 2 } else { u8::from(debug) })
}

/// Runs a daemon until it ends. What it leaves behind is not waited for: a manager that has lost the lead must be gone.
pub(crate) fn run(daemon: impl AsyncFnOnce(Shutdown) -> Result<(), Failure>) -> Result<(), Failure> {
    run_in(tokio::runtime::Builder::new_multi_thread().worker_threads(2), daemon)
}

/// The same for one that answers packets in threads of its own: those that do all the rest give way to them, so that a
/// large pool that changes holds up no answer.
pub(crate) fn run_behind_packets(
    daemon: impl AsyncFnOnce(Shutdown) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Where it is not allowed, all are alike.
    let give_way = || {
        let _ = rustix::process::nice(GIVES_WAY);
    };
    run_in(tokio::runtime::Builder::new_multi_thread().worker_threads(2).on_thread_start(give_way), daemon)
}

fn run_in(
    runtime: &mut tokio::runtime::Builder,
    daemon: impl AsyncFnOnce(Shutdown) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let tasks = runtime.enable_all().build();
    let tasks = tasks.map_err(|source| Failure::Io { doing: "start", source })?;
    let result = tasks.block_on(async {
        let shutdown =
            Shutdown::on_signals().map_err(|source| Failure::Io { doing: "watch for signals", source })?;
        daemon(shutdown).await
    });
    tasks.shutdown_background();
    result
}

/// A cluster's client, and the namespace that it is for.
pub(crate) struct Cluster {
    /// The client.
    pub client: Client,
    /// Namespace of the context, or of the Pod.
    pub namespace: String,
}

/// Connects to the cluster that the flags or the environment name, or in which this is a Pod. `what` is who asks.
pub(crate) async fn connect(connection: &Connection, what: &str) -> Result<Cluster, Failure> {
    let flags = Connection {
        context: connection.context.clone().or_else(|| text(std::env::var_os("KUBECONTEXT"))),
        ..connection.clone()
    };
    let target = match context::target(&flags, std::env::var_os("VMDHCP_LOCAL"))? {
        Target::Local(_) => {
            return Err(Failure::Usage(format!(
                "the {what} runs on a cluster; out of a file `vmdhcp standalone` does its work"
            )));
        }
        Target::Kubernetes { kubeconfig, context } => {
            let named = kubeconfig.clone().or_else(|| std::env::var_os("KUBECONFIG").map(PathBuf::from));
            let in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
            match named.filter(|file| in_pod && is_missing(file)) {
                // Upstream's images name a file that only developers have.
                Some(file) => {
                    tracing::info!(file = %file.display(), "there is no such kubeconfig; using the Pod's service account");
                    Target::Kubernetes { kubeconfig: None, context: None }
                }
                None => Target::Kubernetes { kubeconfig, context },
            }
        }
    };
    let connected = cluster::connect(&target).await?;
    Ok(Cluster { client: connected.client, namespace: connected.default_namespace })
}

fn is_missing(file: &Path) -> bool {
    !file.as_os_str().is_empty() && !file.exists()
}

fn text(variable: Option<OsString>) -> Option<String> {
    variable.and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// The value of a variable of the environment, if it is there and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    text(std::env::var_os(name))
}

/// The name of this machine, or Pod.
pub(crate) fn host_name() -> Result<String, Failure> {
    runtime::host_name().map_err(|source| Failure::Io { doing: "read the host's name", source })
}

/// Reads a switch as Go's `strconv.ParseBool` does. An empty variable is one that is not set.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_read_as_go_reads_it() {
        for (text, on) in
            [("1", true), ("T", true), ("True", true), ("f", false), ("FALSE", false), ("", false)]
        {
            assert_eq!(switch(text), Ok(on), "{text}");
        }
        for text in ["yes", "on", "tRUE", " true"] {
            assert!(switch(text).is_err(), "{text}");
        }
    }

    #[test]
    fn upstreams_switches_are_steps_of_verbosity() {
        let with = |verbose| Connection { verbose, ..Connection::default() };
        assert_eq!(verbosity(&with(0), false, false), 0);
        assert_eq!(verbosity(&with(0), true, false), 1);
        assert_eq!(verbosity(&with(0), true, true), 2);
        assert_eq!(verbosity(&with(3), true, false), 3);
    }
}
