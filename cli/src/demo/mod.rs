//! `vmdhcp demo`: the tour, shown on real packets between real processes.
//!
//! Three processes of this program, one in the other:
//!
//! 1. the one at the terminal ([`show`]) prints, and reads events from
//! 2. the one that makes the [`sandbox`] ([`Role::Sandbox`]) and lends its standard output to
//! 3. the first process in it ([`Role::Tour`]), which gives the [`tour`]: it builds the [`network`], runs the
//!    [`server`] and other commands by a [`shell`], and tells its [`guest`]s what to do.
//!
//! If one of them dies, the kernel ends those below it, and with the last one everything that they made.

mod declared;
mod event;
mod guest;
mod network;
mod sandbox;
mod screen;
mod server;
mod shell;
mod tour;

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use event::{Event, Narrator};
use screen::Screen;

use crate::failure::Failure;
use crate::output::Output;

/// Why the demo did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// A process of it could not be started or read.
    #[error("cannot {doing} the demo: {source}")]
    Process {
        /// The step.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It could not be shown to its end.
    #[error("the demo stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// Something did not hold.
    #[error("{broken} of {checks} checks of the demo did not hold; they are marked ✗ above")]
    Broken {
        /// How many did not.
        broken: usize,
        /// Of how many.
        checks: usize,
    },
}

/// What the processes behind the one at the terminal do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Make the namespaces.
    Sandbox,
    /// Give the tour in them.
    Tour,
}

impl Role {
    /// The command line of this program that takes the role.
    fn arguments(self) -> [&'static str; 3] {
        [
            "demo",
            "--role",
            match self {
                Self::Sandbox => "sandbox",
                Self::Tour => "tour",
            },
        ]
    }

    /// Does it. What goes wrong is told as an event.
    pub(crate) fn play(self) -> Result<(), Failure> {
        let mut narrator = Narrator::new(io::stdout());
        let told = match self {
            Self::Sandbox => match lend_sandbox() {
                Ok(()) => Ok(()),
                Err(reason) => narrator.tell(&Event::Stopped { reason, log: Vec::new() }),
            },
            Self::Tour => give_tour(narrator),
        };
        told.map_err(|_| Failure::ReaderGone)
    }
}

/// Shows the demo.
pub(crate) fn show(output: &mut Output) -> Result<(), Failure> {
    let process = |doing| move |source| DemoError::Process { doing, source };
    let mut sandbox = Command::new(sandbox::THIS_PROGRAM)
        .arg0("vmdhcp")
        .args(Role::Sandbox.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(process("start"))?;
    let mut screen = Screen::new(output)?;
    if let Some(told) = sandbox.stdout.take() {
        for line in BufReader::new(told).lines() {
            let line = line.map_err(process("follow"))?;
            let event = serde_json::from_str(&line).map_err(|e| process("follow")(e.into()))?;
            screen.show(event)?;
        }
    }
    sandbox.wait().map_err(process("end"))?;
    screen.conclude()
}

fn lend_sandbox() -> Result<(), String> {
    sandbox::enter().map_err(|error| error.to_string())?;
    let status = sandbox::run_first_process(&Role::Tour.arguments()).map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {}", sandbox::ending(status))) }
}

fn give_tour(mut narrator: Narrator<io::Stdout>) -> io::Result<()> {
    if let Err(error) = sandbox::die_with_parent() {
        return narrator.tell(&Event::Stopped { reason: error.to_string(), log: Vec::new() });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tour::give(narrator))
}
