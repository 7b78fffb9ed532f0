//! `vmdhcp crd`: the CustomResourceDefinitions, made from the types themselves.

use std::path::PathBuf;

use clap::Args;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt, ResourceExt};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::failure::Failure;
use crate::output::{Output, Structured};

/// Print the CustomResourceDefinitions of both kinds
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp crd | kubectl apply --server-side -f -")]
pub(crate) struct Crd {
    /// Write one file a kind into this folder instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Crd {
    /// Does it.
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let kinds = [IPPool::crd(), VirtualMachineNetworkConfig::crd()];
        let Some(folder) = self.out else {
            for kind in kinds {
                output.line("---")?;
                output.object(Structured::Yaml, &kind)?;
            }
            return Ok(());
        };
        for kind in kinds {
            let path = folder.join(file_name(&kind));
            let text = serde_yaml::to_string(&kind)
                .map_err(|e| Failure::Io { doing: "write a definition", source: std::io::Error::other(e) })?;
            std::fs::write(&path, text).map_err(|source| Failure::File { doing: "write", path, source })?;
        }
        Ok(())
    }
}

/// `GROUP_PLURAL.yaml`, as controller-gen names such files.
fn file_name(kind: &CustomResourceDefinition) -> String {
    let name = kind.name_any();
    let (plural, group) = name.split_once('.').unwrap_or((name.as_str(), ""));
    format!("{group}_{plural}.yaml")
}
