//! A real Kubernetes control plane for tests, with our kinds installed, and KubeVirt's and Multus's as far as a test needs
//! them (`neighbours.yaml`): one a test process, started by the first test that asks for it. It ends with the process,
//! which holds its standard input.
//!
//! - [`client`], [`kubeconfig`]: its administrator
//! - [`client_as`], [`kubeconfig_as`]: a service account with exactly the rights that the chart gives it
//! - [`helm`], [`kubectl`]: those of others
//! - [`until`], [`until_gone`]: waiting for objects, on this API or any other
//!
//! Where its binaries are not built (`make testcluster`), all of them say `None`, and what wants them is left out;
//! `VMDHCP_TESTCLUSTER=required` makes that a failure.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a stage for tests: it fails by panicking"
)]

mod accounts;
mod objects;
mod release;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Config, CustomResourceExt, ResourceExt};
use serde::Deserialize;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

pub use accounts::{ServiceAccount, client_as, kubeconfig_as};
pub use objects::{Object, until, until_gone};
pub use release::{CHART, RELEASE, RELEASE_NAMESPACE, helm, kubectl};

/// The kinds of others, in several documents.
const NEIGHBOURS: &str = include_str!("../neighbours.yaml");
/// How long a definition may take until its kind is served.
const PATIENCE: Duration = Duration::from_secs(30);

static CLUSTER: LazyLock<Option<TestCluster>> = LazyLock::new(TestCluster::start);

struct TestCluster {
    /// Where its files are. It goes with the cluster.
    folder: PathBuf,
    /// Holds the pipe whose end stops it.
    process: Child,
}

/// A client of the control plane as its administrator, or `None` where there is none.
pub async fn client() -> Option<Client> {
    Some(connect_to(&kubeconfig()?).await)
}

/// The kubeconfig file of its administrator, or `None` where there is no control plane.
pub fn kubeconfig() -> Option<PathBuf> {
    Some(cluster()?.folder.join("admin.kubeconfig"))
}

fn cluster() -> Option<&'static TestCluster> {
    if CLUSTER.is_none() {
        required_are("the control plane for tests is not built (make testcluster)");
    }
    CLUSTER.as_ref()
}

/// Fails where `VMDHCP_TESTCLUSTER=required`.
fn required_are(missing: &str) {
    assert!(std::env::var_os("VMDHCP_TESTCLUSTER").is_none_or(|value| value != "required"), "{missing}");
}

/// Where one of the binaries is, if they are built.
fn built(name: Option<&str>) -> Option<PathBuf> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.sh");
    let found = Command::new(build).arg("path").args(name).output().unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    found.status.success().then(|| PathBuf::from(path.trim_end()))
}

impl TestCluster {
    fn start() -> Option<Self> {
        let mut process = Command::new(built(None)?)
            .args(["--with=controller-manager", "--exit-on-stdin-eof"])
            // A past that is soon gone, so that tests can meet with it; and owners are guarded as OpenShift does it.
            .arg(concat!(
                "--apiserver-flags=--etcd-compaction-interval=10s",
                " --enable-admission-plugins=OwnerReferencesPermissionEnforcement"
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let folder = ready.split_whitespace().find_map(|word| word.strip_prefix("data-dir="));
        let Some(folder) = folder.map(PathBuf::from) else {
            let end = process.wait();
            panic!(
                "the control plane has not come up ({end:?}), and said {ready:?}; its own words are above"
            );
        };
        let cluster = Self { folder, process };
        apart(install_kinds(&cluster.folder.join("admin.kubeconfig")));
        // Its garbage collector would look for the new kinds only after half a minute.
        let pid = cluster.process.id().to_string();
        assert!(Command::new("kill").args(["-USR1", &pid]).status().unwrap().success());
        Some(cluster)
    }
}

/// Runs what a static is made of: the runtime of the first test is busy waiting for it.
fn apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        scope.spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(work)).join().unwrap()
    })
}

async fn connect_to(kubeconfig: &Path) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    // As the program's own clients: nothing is repeated behind the back of who asks.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

async fn install_kinds(kubeconfig: &Path) {
    let api: Api<CustomResourceDefinition> = Api::all(connect_to(kubeconfig).await);
    let mut definitions = vec![IPPool::crd(), VirtualMachineNetworkConfig::crd()];
    for document in serde_yaml::Deserializer::from_str(NEIGHBOURS) {
        definitions.push(CustomResourceDefinition::deserialize(document).unwrap());
    }
    for definition in &definitions {
        let apply = PatchParams::apply("vmdhcp-tests").force();
        api.patch(&definition.name_any(), &apply, &Patch::Apply(definition)).await.unwrap();
    }
    for definition in definitions {
        let name = definition.name_any();
        let established = await_condition(api.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(PATIENCE, established).await.expect("the kind should be served").unwrap();
    }
}
