//! `vmdhcp completions`: scripts for shells.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(vmdhcp completions bash)
  vmdhcp completions zsh > \"${fpath[1]}/_vmdhcp\"
  vmdhcp completions --out /usr/share/vmdhcp/completions")]
pub(crate) struct Completions {
    /// Which shell
    #[arg(required_unless_present = "out")]
    shell: Option<Shell>,
    /// Write the scripts of all shells into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    out: Option<PathBuf>,
}

impl Completions {
    /// Does it.
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Self { shell, out } = self;
        let mut command = Cli::command();
        if let Some(folder) = out {
            for &shell in <Shell as clap::ValueEnum>::value_variants() {
                clap_complete::generate_to(shell, &mut command, "vmdhcp", &folder).map_err(|source| {
                    Failure::File { doing: "write completions into", path: folder.clone(), source }
                })?;
            }
        }
        let Some(shell) = shell else { return Ok(()) };
        let mut script = Vec::new();
        generate(shell, &mut command, "vmdhcp", &mut script);
        output.data(&String::from_utf8_lossy(&script))
    }
}
