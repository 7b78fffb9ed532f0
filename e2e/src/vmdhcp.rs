//! The program under test, run as its users run it: commands on a file, and `standalone` as a process.

use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::lan::BRIDGE;
use crate::{Machine, Process, within};

/// The two manifests of the README.
pub const MANIFESTS: [&str; 2] = [
    include_str!("../../examples/ippool.yaml"),
    include_str!("../../examples/virtualmachinenetworkconfig.yaml"),
];
/// The MAC that they declare.
pub const MAC: &str = "fa:cf:8e:50:82:fc";
/// The pool that they declare.
pub const POOL: &str = "ippool-1";
/// Where a standalone tells of itself: each has a network namespace of its own.
pub const ADMIN: &str = "127.0.0.1:8067";
/// How long a standalone has to become ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary: that of `VMDHCP_BIN`, or the one built beside this test.
pub fn binary() -> PathBuf {
    if let Some(binary) = env::var_os("VMDHCP_BIN") {
        return binary.into();
    }
    // target/debug/deps/TEST -> target/debug/vmdhcp
    let test = env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("vmdhcp");
    assert!(binary.is_file(), "{} is not there: build it with `cargo build -p vmdhcp-cli`", binary.display());
    binary
}

/// Whether the binary is not that of this build, but one that was asked to be tested: a release build, as a rule.
pub fn is_given_binary() -> bool {
    env::var_os("VMDHCP_BIN").is_some()
}

/// An API in a file of its own, and the commands that work on it.
pub struct Api {
    folder: TempDir,
}

impl Api {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: TempDir::with_prefix("vmdhcp-e2e-").unwrap() }
    }

    /// With the manifests of the README applied, from standard input.
    pub fn with_manifests() -> Self {
        let api = Self::new();
        api.apply(&MANIFESTS.join("---\n"));
        api
    }

    /// `vmdhcp --local FILE apply -f -`. Panics if it fails.
    pub fn apply(&self, manifest: &str) {
        succeeded("apply -f -", &self.output("apply -f -", manifest));
    }

    /// Runs a command line on it, and gives its data. Panics if it fails.
    pub fn run(&self, line: &str) -> String {
        succeeded(line, &self.output(line, ""))
    }

    /// Runs a command line that prints JSON.
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line)).unwrap()
    }

    /// The same, and waits until it has come into effect.
    pub fn apply_and_wait(&self, manifest: &str) {
        succeeded("apply -f - --wait", &self.output("apply -f - --wait", manifest));
    }

    /// Applies an object of this kind again, as it is stored but for what `change` makes of its manifest.
    pub fn edit(&self, kind: &str, name: &str, change: impl FnOnce(String) -> String) {
        let stored = self.run(&format!("{kind} show {name} -o yaml"));
        // Its status goes on changing meanwhile, and with it the version.
        let lines = stored.lines().filter(|line| !line.trim_start().starts_with("resourceVersion:"));
        let manifest: String = lines.flat_map(|line| [line, "\n"]).collect();
        self.apply(&change(manifest));
    }

    /// Waits until everything in the manifests of the README has come into effect: they are applied once more.
    pub fn settle(&self) {
        self.apply_and_wait(&MANIFESTS.join("---\n"));
    }

    /// Starts `vmdhcp standalone` on the host's bridge, and waits until the agent of this pool serves.
    pub fn serve(&self, host: &Machine, network: &str, pool: &str) -> Standalone {
        let mut standalone = Standalone { process: self.start(host, network, ADMIN) };
        let serves = within(PATIENCE, || {
            let serves = is_served(host, pool);
            (serves || !standalone.process.is_running()).then_some(serves)
        });
        assert_eq!(
            serves,
            Some(true),
            "no agent serves {pool}; standalone says:\n{}",
            standalone.process.log()
        );
        standalone
    }

    /// Starts `vmdhcp standalone` on the host's bridge, and waits for nothing.
    pub fn start(&self, host: &Machine, network: &str, listen: &str) -> Process {
        let nic = format!("{network}={BRIDGE}");
        let file = self.file().display().to_string();
        let arguments = ["--local", &file, "standalone", "--nic", &nic, "--listen", listen];
        host.start(&binary(), &arguments, &self.folder.path().join(format!("standalone-{listen}.log")))
    }

    /// Where it is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("api.db")
    }

    fn output(&self, line: &str, input: &str) -> Output {
        let mut child = Command::new("timeout")
            .arg("30")
            .arg(binary())
            .arg("--local")
            .arg(self.file())
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Default for Api {
    fn default() -> Self {
        Self::new()
    }
}

fn succeeded(line: &str, output: &Output) -> String {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`vmdhcp {line}` ended with {}: {talk}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A running `vmdhcp standalone`. Dropping it kills it.
pub struct Standalone {
    /// Its process.
    pub process: Process,
}

impl Standalone {
    /// What it takes of the machine's memory.
    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kibibytes: u64 = line.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap();
            kibibytes * 1024
        };
        Memory { resident: bytes("VmRSS"), own: bytes("RssAnon") }
    }
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All that is resident.
    pub resident: u64,
    /// What of it is not mapped from a file, as code is.
    pub own: u64,
}

/// Whether the agent of this pool serves now, on this host.
pub fn is_served(host: &Machine, pool: &str) -> bool {
    let path = format!("/agents/default/{pool}/readyz");
    host.within(move || is_ready(&path))
}

/// Asks a probe; no answer is no.
fn is_ready(path: &str) -> bool {
    get(ADMIN.parse().unwrap(), path).is_some_and(|(status, _)| status == 200)
}

/// What is shown there, with its HTTP status, in the network of the calling thread; nothing where nobody answers.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Whether an address is one that the manifests give out.
pub fn is_of_pool(address: Ipv4Addr) -> bool {
    let first = Ipv4Addr::new(192, 168, 48, 82);
    let last = Ipv4Addr::new(192, 168, 48, 89);
    (first..=last).contains(&address)
}
