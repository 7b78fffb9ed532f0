//! A real Kubernetes control plane (`e2e/testcluster`) with our kinds installed: one a test process, started by the
//! first test that asks for it. It ends with the process, which holds its standard input.
//!
//! Where its binary is not built, what wants it is left out; `VMDHCP_TESTCLUSTER=required` makes that a failure.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, CustomResourceExt, ResourceExt,
    api::{Patch, PatchParams},
    runtime::wait::{await_condition, conditions},
};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::{Target, connect};

/// How long a definition may take until its kind is served.
const PATIENCE: Duration = Duration::from_secs(30);

static CLUSTER: LazyLock<Option<TestCluster>> = LazyLock::new(TestCluster::start);

struct TestCluster {
    kubeconfig: PathBuf,
    /// Holds the pipe whose end stops it.
    process: Child,
}

/// A client of the control plane as its administrator, or `None` where there is none.
pub(crate) async fn client() -> Option<Client> {
    if let Some(cluster) = &*CLUSTER {
        return Some(connect_to(&cluster.kubeconfig).await);
    }
    assert!(
        std::env::var_os("VMDHCP_TESTCLUSTER").is_none_or(|value| value != "required"),
        "the control plane for tests is not built (make testcluster)"
    );
    None
}

impl TestCluster {
    fn start() -> Option<Self> {
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/testcluster/build.sh");
        let found = Command::new(build).arg("path").output().unwrap();
        if !found.status.success() {
            return None;
        }
        let binary = String::from_utf8(found.stdout).unwrap();
        let mut process = Command::new(binary.trim_end())
            .args(["--with=controller-manager", "--exit-on-stdin-eof"])
            // A past that is soon gone, so that tests can meet with it.
            .arg("--apiserver-flags=--etcd-compaction-interval=10s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let folder = ready.split_whitespace().find_map(|word| word.strip_prefix("data-dir="));
        let folder = folder.expect("the control plane should have come up; its own words are above");
        let cluster = Self { kubeconfig: Path::new(folder).join("admin.kubeconfig"), process };
        // The first test's own runtime is busy waiting for this.
        let install = || tokio::runtime::Runtime::new().unwrap().block_on(install_kinds(&cluster.kubeconfig));
        std::thread::scope(|scope| scope.spawn(install).join()).unwrap();
        // Its garbage collector would look for the new kinds only after half a minute.
        let pid = cluster.process.id().to_string();
        assert!(Command::new("kill").args(["-USR1", &pid]).status().unwrap().success());
        Some(cluster)
    }
}

async fn connect_to(kubeconfig: &Path) -> Client {
    let target = Target::Kubernetes { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    connect(&target).await.unwrap().client
}

async fn install_kinds(kubeconfig: &Path) {
    let definitions: Api<CustomResourceDefinition> = Api::all(connect_to(kubeconfig).await);
    for definition in [IPPool::crd(), VirtualMachineNetworkConfig::crd()] {
        let name = definition.name_any();
        let apply = PatchParams::apply("vmdhcp-tests").force();
        definitions.patch(&name, &apply, &Patch::Apply(&definition)).await.unwrap();
        let established = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(PATIENCE, established).await.expect("the kind should be served").unwrap();
    }
}
