//! `vmdhcp demo`: the whole system in two minutes, on this machine, without touching it.

use clap::Args;

use crate::demo::{self, Role};
use crate::failure::Failure;
use crate::output::Output;

/// Show the whole system at work, in namespaces that go away again
///
/// Builds a VM network in namespaces of its own, declares a pool and VMs, serves them, lets foreign DHCP clients boot,
/// kills the server, changes an option, deletes and restores a VM; and says of each step whether it came out as it
/// should. It needs no cluster, no root where the kernel lets users make namespaces, and leaves nothing behind.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// What a process behind the one at the terminal does.
    #[arg(long, hide = true)]
    role: Option<Role>,
}

impl Demo {
    /// Does it.
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Self { role } = self;
        match role {
            Some(role) => role.play(),
            None => demo::show(output),
        }
    }
}
