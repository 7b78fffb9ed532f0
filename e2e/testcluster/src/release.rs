//! The chart of this tree, installed once by helm as its users install it.

use std::process::Command;
use std::sync::LazyLock;

/// The release's name, as in the README: so nothing is named after anything else.
pub const RELEASE: &str = "harvester-vm-dhcp-controller";
/// The namespace that it is installed in, and that agents run in.
pub const RELEASE_NAMESPACE: &str = "harvester-system";
/// The folder of the chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../chart");

static INSTALLED: LazyLock<Option<()>> = LazyLock::new(|| {
    let mut install = helm()?;
    install.args(["upgrade", "--install", RELEASE, CHART, "--create-namespace"]);
    let answer = install.args(["--namespace", RELEASE_NAMESPACE]).output().unwrap();
    assert!(answer.status.success(), "helm: {}", String::from_utf8_lossy(&answer.stderr));
    Some(())
});

/// helm, with the control plane as its cluster, or `None` where there is none.
pub fn helm() -> Option<Command> {
    tool("helm")
}

/// kubectl, with the control plane as its cluster, or `None` where there is none.
pub fn kubectl() -> Option<Command> {
    tool("kubectl")
}

fn tool(name: &str) -> Option<Command> {
    let kubeconfig = crate::kubeconfig()?;
    let mut command = Command::new(crate::built(Some(name))?);
    // Whatever it would keep in the home folder goes with the control plane.
    let folder = kubeconfig.with_file_name(name);
    for home in ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(home, &folder);
    }
    command.env("KUBECONFIG", kubeconfig);
    Some(command)
}

/// Installs the chart, unless it is. Its Pods stay Pending: there are no nodes.
pub(crate) fn installed() -> Option<()> {
    *INSTALLED
}
