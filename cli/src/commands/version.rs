//! `vmdhcp version`.

use clap::Args;
use serde_json::json;
use vmdhcp_core::api::{GROUP, VERSION};

use crate::args::Printing;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Print the version
#[derive(Debug, Args)]
pub(crate) struct Version {
    #[command(flatten)]
    printing: Printing,
}

impl Version {
    /// Does it.
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        match self.printing.output.and_then(Format::structured) {
            None => output.line(format_args!("vmdhcp {version}")),
            Some(format) => output.object(
                format,
                &json!({
                    "version": version,
                    "apiVersions": [format!("{GROUP}/{VERSION}")],
                    "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
                }),
            ),
        }
    }
}
