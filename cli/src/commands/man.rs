//! `vmdhcp man`: manual pages, one a command.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// Print the manual page, or write all pages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp man | man -l -
  vmdhcp man --out /usr/share/man/man1")]
pub(crate) struct Man {
    /// Write one page a command into this folder instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Does it.
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Some(folder) = self.out else {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|source| Failure::Io { doing: "render the page", source })?;
            return output.data(&String::from_utf8_lossy(&page));
        };
        clap_mangen::generate_to(Cli::command(), &folder).map_err(|source| Failure::File {
            doing: "write pages into",
            path: folder,
            source,
        })
    }
}
