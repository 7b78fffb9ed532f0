//! `vmdhcp manager` and `vmdhcp agent` as processes on a real API server, each with the rights that the chart gives it
//! and the capabilities that its container has, and a DHCP client of others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that does not hold panics")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use kube::config::Kubeconfig;
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vmdhcp_core::api::{
    AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, AgentReport, COMPONENT_LABEL, POOL_ANNOTATION,
    VirtualMachineNetworkConfig,
};
use vmdhcp_e2e::clients::{Client, Guest};
use vmdhcp_e2e::vmdhcp::{self, MAC, MANIFESTS, POOL};
use vmdhcp_e2e::{Lan, Machine, Process, Relay, requirements, until, within};
use vmdhcp_testcluster::{RELEASE_NAMESPACE, ServiceAccount};

/// The agent, its Pod and its Lease.
const AGENT: &str = "vm-dhcp-agent-1";
/// The card of its Pod on the VM network.
const CARD: &str = "02:00:00:00:48:77";
/// Where it shows itself to the cluster.
const ADMIN: &str = "127.0.0.1:8080";
/// How long processes and the API server may take for one step.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    runtime: Runtime,
    client: kube::Client,
    /// Where the API server listens.
    api_server: SocketAddr,
    folder: TempDir,
    lan: Lan,
    /// The Pod of the agent: its own network, on the LAN with one card.
    pod: Machine,
    /// Its way to the API server, while there is one.
    way: Option<Relay>,
    manager: Process,
    _way_of_manager: Relay,
}

impl Stage {
    /// A cluster with the manifests of the README applied, and a manager; no agent yet.
    fn set(test: &str) -> Option<Self> {
        if !requirements::met(test, &["ip", "setpriv", "udhcpc"]) {
            return None;
        }
        requirements::testcluster(test)?;
        let admin = vmdhcp_testcluster::kubeconfig()?;
        let kubeconfig = Kubeconfig::read_from(&admin).unwrap();
        let server = kubeconfig.clusters[0].cluster.as_ref().unwrap().server.clone().unwrap();
        let api_server: SocketAddr =
            server.trim_start_matches("https://").trim_end_matches('/').parse().unwrap();
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(vmdhcp_testcluster::client())?;
        let (folder, lan) = (TempDir::with_prefix("vmdhcp-e2e-").unwrap(), Lan::new());
        let way_of_manager = Relay::new(&lan.host, api_server);
        let rights = vmdhcp_testcluster::kubeconfig_as(ServiceAccount::Manager)?;
        let manager = lan.host.start(
            &vmdhcp::binary(),
            &["manager", "--no-agent", "--namespace", RELEASE_NAMESPACE, "--kubeconfig", text(&rights)],
            &folder.path().join("manager.log"),
        );
        let pod = lan.plug_in(CARD);
        let way = Some(Relay::new(&pod, api_server));
        let stage = Self {
            runtime,
            client,
            api_server,
            folder,
            lan,
            pod,
            way,
            manager,
            _way_of_manager: way_of_manager,
        };
        Self::vmdhcp("apply -f -", &MANIFESTS.join("---\n"));
        Some(stage)
    }

    /// A command of the administrator. Panics if it fails.
    fn vmdhcp(line: &str, input: &str) {
        use std::io::Write as _;
        let mut child = Command::new(vmdhcp::binary())
            .env("KUBECONFIG", vmdhcp_testcluster::kubeconfig().unwrap())
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "vmdhcp {line}");
    }

    /// The address that the manager has given the VM.
    fn allocated(&self) -> String {
        let claims: Api<VirtualMachineNetworkConfig> = Api::namespaced(self.client.clone(), "default");
        let allocated = within(PATIENCE, || {
            let claim = self.runtime.block_on(claims.get("test-vm")).unwrap();
            let address = claim.status?.network_configs.first()?.allocated_ip_address.clone();
            (!address.is_empty()).then_some(address)
        });
        allocated.unwrap_or_else(|| panic!("no address; the manager says:\n{}", self.manager.log()))
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), RELEASE_NAMESPACE)
    }

    /// Makes the agent's Lease, as the manager does for each of its Pods.
    fn make_lease(&self) {
        let lease = serde_json::from_value(json!({
            "metadata": {
                "name": AGENT,
                "labels": {COMPONENT_LABEL: AGENT_COMPONENT},
                "annotations": {POOL_ANNOTATION: format!("default/{POOL}")}
            },
            "spec": {}
        }))
        .unwrap();
        self.runtime.block_on(self.leases().create(&PostParams::default(), &lease)).unwrap();
    }

    /// What the agent last wrote into its Lease: its report, and when.
    fn report(&self) -> Option<(AgentReport, Timestamp)> {
        let lease = self.runtime.block_on(self.leases().get(AGENT)).unwrap();
        let report = lease.metadata.annotations?.remove(AGENT_REPORT_ANNOTATION)?;
        let spec = lease.spec.unwrap();
        assert_eq!(spec.holder_identity.as_deref(), Some(AGENT));
        Some((serde_json::from_str(&report).unwrap(), spec.renew_time.unwrap().0))
    }

    /// Starts the agent, with the environment and the capabilities that its container has.
    fn start_agent(&self) -> Process {
        let rights = vmdhcp_testcluster::kubeconfig_as(ServiceAccount::Agent).unwrap();
        let snapshot = self.folder.path().join("leases.json");
        let (binary, pool) = (vmdhcp::binary(), format!("default/{POOL}"));
        let environment = [
            &format!("VM_DHCP_AGENT_NAME={AGENT}"),
            &format!("POD_NAMESPACE={RELEASE_NAMESPACE}"),
            &format!("POD_IP={}", ADMIN.split(':').next().unwrap()),
            &format!("KUBECONFIG={}", text(&rights)),
        ];
        let limits = ["setpriv", "--no-new-privs", "--bounding-set=-all,+net_raw", "--"];
        let command =
            [text(&binary), "agent", "--ippool-ref", &pool, "--nic", "eth0", "--snapshot", text(&snapshot)];
        let words: Vec<&str> =
            environment.into_iter().map(String::as_str).chain(limits).chain(command).collect();
        self.pod.start(&requirements::find("env").unwrap(), &words, &self.folder.path().join("agent.log"))
    }

    /// Puts the interface of the Pod in order, as its init container does.
    fn init_agent(&self) {
        let limits = "setpriv --no-new-privs --bounding-set=-all,+net_admin --";
        self.pod.run(&format!("{limits} {} agent-init --nic eth0", vmdhcp::binary().display()));
    }

    /// What the agent shows, with its HTTP status.
    fn ask(&self, path: &'static str) -> Option<(u16, String)> {
        self.pod.within(move || vmdhcp::get(ADMIN.parse().unwrap(), path))
    }

    fn waits_for_readiness(&self, agent: &Process) {
        let ready = within(PATIENCE, || self.ask("/readyz").filter(|(status, _)| *status == 200));
        assert!(ready.is_some(), "{:?}; the agent says:\n{}", self.ask("/readyz"), agent.log());
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_client_of_others_has_its_address_from_an_agent_whatever_becomes_of_the_agent_and_the_api() {
    let name = "a_client_of_others_has_its_address_from_an_agent_whatever_becomes_of_the_agent_and_the_api";
    let Some(mut stage) = Stage::set(name) else { return };
    let address = stage.allocated();
    stage.make_lease();
    stage.init_agent();
    let mut agent = stage.start_agent();
    stage.waits_for_readiness(&agent);

    let mut vm = Guest::new(Client::Udhcpc, stage.lan.plug_in(MAC));
    let (_, lease) = vm.switch_on();
    assert_eq!((lease.address.to_string(), lease.name_servers.as_str()), (address.clone(), "1.1.1.1"));

    // A change of the pool is in the next answer, of the same process.
    Stage::vmdhcp(&format!("pool set {POOL} --dns 9.9.9.9"), "");
    until("answer with the new name server", PATIENCE, || {
        (vm.renew().name_servers == "9.9.9.9").then_some(())
    });
    assert!(agent.is_running());

    // The Lease says what it serves, and goes on being renewed.
    let told = |report: &AgentReport| report.ready && !report.resource_version.is_empty();
    let (report, first) = until("report", PATIENCE, || stage.report().filter(|(report, _)| told(report)));
    assert_eq!((report.agent.as_str(), report.mac_address.as_str()), (AGENT, CARD));
    assert_eq!(report.url, format!("http://{ADMIN}"));
    until("heartbeat", PATIENCE, || stage.report().filter(|(_, renewed)| *renewed > first));
    assert_eq!(stage.ask("/leases").unwrap().0, 404, "shown only when asked for");
    assert!(stage.ask("/metrics").unwrap().1.contains("vmdhcp_"));

    agent.signal(Signal::SIGTERM);
    let status = agent.ended(PATIENCE);
    assert!(status.success(), "{status}: {}", agent.log());
    assert!(!stage.report().unwrap().0.ready, "its last words");

    // It is killed, and when it is there again the API is not.
    let agent = stage.start_agent();
    stage.waits_for_readiness(&agent);
    agent.kill();
    stage.way = None;
    let mut agent = stage.start_agent();
    stage.waits_for_readiness(&agent);
    let shown: serde_json::Value = serde_json::from_str(&stage.ask("/status").unwrap().1).unwrap();
    assert_eq!(shown["table"]["fromSnapshot"], true, "{shown}");
    let renewed = vm.renew();
    assert_eq!((renewed.address.to_string(), renewed.name_servers.as_str()), (address.clone(), "9.9.9.9"));

    // Once the API is back, so is what has changed meanwhile.
    Stage::vmdhcp(&format!("pool set {POOL} --dns 8.8.8.8"), "");
    stage.way = Some(Relay::new(&stage.pod, stage.api_server));
    until("answer with the newest name server", PATIENCE, || {
        let renewed = vm.renew();
        assert_eq!(renewed.address.to_string(), address);
        (renewed.name_servers == "8.8.8.8").then_some(())
    });

    // Without its interface there is nothing left to do, and it says so.
    stage.pod.run("ip link delete eth0");
    let status = agent.ended(PATIENCE);
    assert_eq!(status.code(), Some(1), "{}", agent.log());
    let log = agent.log();
    let last = log.lines().last().unwrap();
    assert!(last.starts_with(&format!("error: the agent of pool default/{POOL}: ")), "{last}");
}
