//! Logs: to stderr, as lines for people or as JSON for machines.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

/// Environment variable with filter directives, for instance `info,vmdhcp_daemons::agent=debug`. It overrides the
/// level that the command line names.
pub const LOG_VARIABLE: &str = "VMDHCP_LOG";

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The variable has a directive that means nothing.
    #[error("{LOG_VARIABLE} is no log filter (try info, or info,vmdhcp_daemons::agent=debug): {0}")]
    Filter(#[from] ParseError),
    /// The variable is not text.
    #[error("{LOG_VARIABLE} is not valid Unicode")]
    NotUnicode,
    /// Somebody else in this process has set logging up.
    #[error("logging was already set up: {0}")]
    AlreadySet(#[from] TryInitError),
}

/// Starts logging to stderr from `level` on, or as [`LOG_VARIABLE`] has it.
pub fn init(format: LogFormat, level: Level) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let builder = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter(level)?);
    match format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

fn filter(level: Level) -> Result<EnvFilter, LogError> {
    match std::env::var(LOG_VARIABLE) {
        Ok(directives) if !directives.trim().is_empty() => Ok(EnvFilter::builder().parse(directives)?),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(EnvFilter::new(level.to_string())),
        Err(std::env::VarError::NotUnicode(_)) => Err(LogError::NotUnicode),
    }
}
