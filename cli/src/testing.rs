//! Commands in, text out: the whole command line against an API in memory, at a time that stands still.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi, Options};

use crate::args::{self, Cli};
use crate::commands::Command;
use crate::context::Session;
use crate::exit;
use crate::failure::Failure;
use crate::objects::Kind;
use crate::output::Output;
use crate::prompt::script::Script;

/// When everything in the API was created.
const CREATED: &str = "2026-08-01T10:00:00Z";
/// When the commands run.
const NOW: &str = "2026-08-01T11:30:00Z";

/// A pool of eight addresses that the manager has seen.
pub(crate) const POOL: &str = "
apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata:
  name: net-48
spec:
  networkName: net-48
  ipv4Config:
    cidr: 192.168.48.0/24
    serverIP: 192.168.48.77
    router: 192.168.48.1
    dns: [1.1.1.1]
    leaseTime: 300
    pool:
      start: 192.168.48.81
      end: 192.168.48.90
      exclude: [192.168.48.81, 192.168.48.90]
";

/// A VM with one card on that network.
pub(crate) const CLAIM: &str = "
apiVersion: network.harvesterhci.io/v1alpha1
kind: VirtualMachineNetworkConfig
metadata:
  name: web
spec:
  vmName: web
  networkConfigs:
  - networkName: net-48
    macAddress: fa:cf:8e:50:82:fc
";

/// An API and a command line.
pub(crate) struct Lab {
    pub(crate) session: Session,
}

/// What one stream of a command took.
#[derive(Clone, Default)]
pub(crate) struct Stream(Rc<RefCell<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// What a command printed and how it ended.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) result: Result<(), Failure>,
}

impl Lab {
    /// An empty API, and nobody at the terminal.
    pub(crate) fn new() -> Self {
        let options = Options { clock: Arc::new(|| CREATED.parse().unwrap()), ..Options::default() };
        let api = LocalApi::in_memory_with(Kinds::standard(), options).unwrap();
        let session = Session {
            client: api.client("default"),
            namespace: "default".into(),
            local: true,
            clock: || NOW.parse::<Timestamp>().unwrap(),
            ask: None,
        };
        Self { session }
    }

    /// The same with somebody at the terminal.
    pub(crate) fn answering(answers: &[&str]) -> (Self, Script) {
        let script = Script::answering(answers);
        let mut lab = Self::new();
        lab.session.ask = Some(Box::new(script.clone()));
        (lab, script)
    }

    /// Runs one command line.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        let (stdout, stderr) = (Stream::default(), Stream::default());
        let mut output = Output::to_memory(stdout.clone(), stderr.clone());
        let result = self.run_into(line, &mut output).await;
        if let Err(failure) = &result {
            output.error(failure);
        }
        Ran { stdout: stdout.text(), stderr: stderr.text(), result }
    }

    async fn run_into(&self, line: &str, output: &mut Output) -> Result<(), Failure> {
        let words = std::iter::once("vmdhcp").chain(line.split_whitespace()).map(Into::into);
        let Cli { connection, command } = args::parse(words).unwrap();
        match command {
            Command::Apply(command) => command.run(&self.session, &connection, output).await,
            Command::Delete(command) => command.run(&self.session, &connection, output).await,
            Command::Pool(command) => command.run(&self.session, output).await,
            Command::Lease(command) => command.run(&self.session, output).await,
            other => other.run(&connection, output),
        }
    }

    /// Runs a command that does not end by itself, beside `others`, until it has printed `lines` lines.
    pub(crate) async fn watch(&self, line: &str, lines: usize, others: &[&str]) -> String {
        let stdout = Stream::default();
        let mut output = Output::to_memory(stdout.clone(), Stream::default());
        let printed = async |count: usize| {
            while stdout.text().lines().count() < count {
                tokio::task::yield_now().await;
            }
        };
        let changes = async {
            // The titles and what is there already come first.
            printed(2).await;
            for other in others {
                let before = stdout.text().lines().count();
                let ran = Box::pin(self.run(other)).await;
                assert!(ran.result.is_ok(), "{other}: {}", ran.stderr);
                printed(before + 1).await;
            }
            printed(lines).await;
        };
        let ended = async {
            tokio::select! {
                result = Box::pin(self.run_into(line, &mut output)) => panic!("the watch has ended: {result:?}"),
                () = changes => {}
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.unwrap();
        stdout.text()
    }

    /// Runs command lines and gives them with all that they print, as one would see it.
    pub(crate) async fn transcript(&self, lines: &[&str]) -> String {
        let mut transcript = Vec::new();
        for line in lines {
            let Ran { stdout, stderr, result } = self.run(line).await;
            let ending = match exit::number(&result) {
                exit::OK => String::new(),
                code => format!("[exit code {code}]\n"),
            };
            transcript.push(format!("$ vmdhcp {line}\n{stdout}{stderr}{ending}"));
        }
        transcript.join("\n")
    }

    /// Declares a manifest.
    pub(crate) async fn apply(&self, manifest: &str) -> Ran {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), manifest).unwrap();
        self.run(&format!("apply -f {}", file.path().display())).await
    }

    /// Writes a status, as the manager does.
    pub(crate) async fn set_status<K: Kind + serde::Serialize + std::fmt::Debug>(
        &self,
        name: &str,
        status: Value,
    ) {
        let api: Api<K> = Api::namespaced(self.session.client.clone(), "default");
        let patch = Patch::Merge(json!({ "status": status }));
        api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The pool and the claim of this module, served: .82 belongs to `web`, .83 retires.
    pub(crate) async fn served() -> Self {
        let lab = Self::new();
        lab.serve().await;
        lab
    }

    /// Makes it so.
    pub(crate) async fn serve(&self) {
        let ran = self.apply(&format!("{POOL}---{CLAIM}")).await;
        assert!(ran.result.is_ok(), "{}", ran.stderr);
        let yes = |type_: &str| json!({"type": type_, "status": "True", "reason": "Serving", "lastTransitionTime": CREATED});
        let no = |type_: &str| json!({"type": type_, "status": "False", "reason": "Serving", "lastTransitionTime": CREATED});
        let status = json!({
            "conditions": [yes("Registered"), yes("CacheReady"), yes("AgentReady"), no("Stopped")],
            "ipv4": {
                "allocated": {"192.168.48.81": "EXCLUDED", "192.168.48.90": "EXCLUDED",
                              "192.168.48.82": "fa:cf:8e:50:82:fc"},
                "retiring": {"192.168.48.83": {"macAddress": "02:00:00:00:00:83", "since": CREATED}},
                "used": 1, "available": 7,
            },
        });
        self.set_status::<IPPool>("net-48", status).await;
        let card = json!({"allocatedIPAddress": "192.168.48.82", "macAddress": "fa:cf:8e:50:82:fc",
            "networkName": "default/net-48", "state": "Allocated"});
        let status = json!({"networkConfigs": [card], "conditions": [yes("Allocated")]});
        self.set_status::<VirtualMachineNetworkConfig>("web", status).await;
    }
}
