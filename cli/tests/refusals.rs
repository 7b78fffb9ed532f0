//! Wrong input, and the message that each gets: one snapshot to read from top to bottom.
//!
//! Every refusal leaves what is stored as it was; the real binary runs against the API out of a file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::ApiResource;
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::{Target, connect};

const POOL: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata: {name: new}
spec:
  networkName: new
  ipv4Config:
    cidr: 10.0.0.0/24
    serverIP: 10.0.0.2
    router: 10.0.0.1
    pool: {start: 10.0.0.10, end: 10.0.0.99, exclude: [10.0.0.50]}
";

const CLAIM: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: VirtualMachineNetworkConfig
metadata: {name: new}
spec:
  vmName: new
  networkConfigs:
  - {networkName: net-48, macAddress: '02:00:00:00:00:01'}
";

const STORED: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata: {name: net-48}
spec:
  networkName: net-48
  ipv4Config:
    cidr: 192.168.48.0/24
    serverIP: 192.168.48.77
    router: 192.168.48.1
    pool: {start: 192.168.48.81, end: 192.168.48.90}
---
apiVersion: network.harvesterhci.io/v1alpha1
kind: VirtualMachineNetworkConfig
metadata: {name: web}
spec:
  vmName: web
  networkConfigs:
  - {networkName: net-48, macAddress: 'fa:cf:8e:50:82:fc'}
";

/// What is wrong with a manifest, and the manifest.
type Manifest = (&'static str, String);

/// A manifest with something else in it.
fn with(manifest: &str, from: &str, to: &str) -> String {
    assert!(manifest.contains(from), "{from}");
    manifest.replace(from, to)
}

fn pool(from: &str, to: &str) -> String {
    with(POOL, from, to)
}

/// The pool with one more field.
fn config(field: &str) -> String {
    pool("    cidr: 10.0.0.0/24\n", &format!("    cidr: 10.0.0.0/24\n    {field}\n"))
}

fn claim(from: &str, to: &str) -> String {
    with(CLAIM, from, to)
}

/// Input that is no object of ours.
fn wrong_documents() -> Vec<Manifest> {
    vec![
        ("nothing", String::new()),
        ("only a comment", "# nothing\n---\n".into()),
        ("no YAML", "a: [1, 2\n".into()),
        ("no JSON", "{\"apiVersion\": }".into()),
        ("a list of texts", "- a\n- b\n".into()),
        ("no kind", "apiVersion: v1\nmetadata: {name: a}\n".into()),
        ("a kind of somebody else", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n".into()),
        ("a version that is not served", pool("v1alpha1", "v1beta1")),
        ("a List without items", "apiVersion: v1\nkind: List\n".into()),
        ("no name", pool("{name: new}", "{}")),
        ("a bad name", pool("{name: new}", "{name: New_Pool}")),
        ("a bad namespace", pool("{name: new}", "{name: new, namespace: A}")),
    ]
}

/// Pools that are wrong by themselves.
fn wrong_pools() -> Vec<Manifest> {
    vec![
        ("no networkName", pool("  networkName: new\n", "")),
        ("a misspelt field", pool("networkName: new", "networkName: new\n  pausd: true")),
        ("a misspelt field deep inside", pool("exclude: [10.0.0.50]", "excludes: [10.0.0.50]")),
        ("the same field twice", pool("networkName: new", "networkName: new\n  networkName: newer")),
        ("a text for a number", config("leaseTime: 5m")),
        ("a number for a text", pool("router: 10.0.0.1", "router: 10")),
        ("no cidr", pool("    cidr: 10.0.0.0/24\n", "")),
        ("no ipv4Config", POOL.split("  ipv4Config").next().unwrap().to_owned()),
        ("a cidr without a length", pool("10.0.0.0/24", "10.0.0.0")),
        ("an IPv6 cidr", pool("10.0.0.0/24", "fd00::/64")),
        ("a cidr too small", pool("10.0.0.0/24", "10.0.0.0/31")),
        ("a multicast cidr", pool("10.0.0.0/24", "224.0.0.0/24")),
        ("a server outside", pool("serverIP: 10.0.0.2", "serverIP: 10.1.0.2")),
        ("a server that is the router", pool("serverIP: 10.0.0.2", "serverIP: 10.0.0.1")),
        ("a server that is excluded", pool("serverIP: 10.0.0.2", "serverIP: 10.0.0.50")),
        ("a router that is the broadcast address", pool("router: 10.0.0.1", "router: 10.0.0.255")),
        ("a range that ends before it starts", pool("start: 10.0.0.10", "start: 10.0.0.100")),
        ("half a range", pool("start: 10.0.0.10, ", "")),
        ("a range outside", pool("end: 10.0.0.99", "end: 10.0.1.99")),
        ("an exclusion that is none", pool("[10.0.0.50]", "[fifty]")),
        ("a DNS server by name", config("dns: [dns.example]")),
        ("four DNS servers", config("dns: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]")),
        ("a domain that is none", config("domainName: 'a..b'")),
        ("an MTU too small", config("mtu: 60")),
        ("an option that the server sets itself", config("options: [{code: 54, value: 10.0.0.2}]")),
        ("an option of an unknown name", config("options: [{name: tftp, value: a}]")),
        ("an option of a wrong value", config("options: [{name: time-offset, value: late}]")),
        ("a route to nowhere", config("routes: [{destination: there, gateway: 10.0.0.1}]")),
        ("a reservation for a multicast MAC", config("reservations: [{macAddress: '01:00:5e:00:00:01'}]")),
        (
            "two reservations of one address",
            config(
                "reservations: [{macAddress: '02:00:00:00:00:01', ipAddress: 10.0.0.9}, {macAddress: '02:00:00:00:00:02', ipAddress: 10.0.0.9}]",
            ),
        ),
        (
            "three things wrong at once",
            pool("start: 10.0.0.10", "start: ten").replace("10.0.0.50", "x").replace("10.0.0.1\n", "y\n"),
        ),
    ]
}

/// Objects that do not go with what else is declared or stored.
fn wrong_beside_others() -> Vec<Manifest> {
    let (stored_pool, stored_claim) = STORED.split_once("---\n").unwrap();
    vec![
        ("a second pool on a network", pool("networkName: new", "networkName: net-48")),
        (
            "two pools on one network in one input",
            format!("{POOL}---\n{}", pool("{name: new}", "{name: newer}")),
        ),
        ("one object twice", format!("{POOL}---\n{POOL}")),
        ("a good object before a bad one", format!("{POOL}---\n{}", claim("02:00:00:00:00:01", "no MAC"))),
        (
            "another network for a stored pool",
            stored_pool.replace("networkName: net-48", "networkName: net-49"),
        ),
        ("another subnet for a stored pool", stored_pool.replace("192.168.48", "192.168.49")),
        (
            "a range that cuts a lease off",
            stored_pool.replace("start: 192.168.48.81", "start: 192.168.48.85"),
        ),
        (
            "an old version of a stored pool",
            stored_pool
                .replace("{name: net-48}", "{name: net-48, resourceVersion: '1'}")
                .replace("192.168.48.1\n", "192.168.48.2\n"),
        ),
        ("another VM for a stored claim", with(stored_claim, "vmName: web", "vmName: db")),
    ]
}

/// Claims that are wrong by themselves, or ask for what they cannot have.
fn wrong_claims() -> Vec<Manifest> {
    vec![
        ("a claim without a VM", claim("  vmName: new\n", "")),
        ("a claim on a network that is none", claim("networkName: net-48", "networkName: Net")),
        ("a claim for a MAC that is none", claim("02:00:00:00:00:01", "02:00:00:00:00")),
        (
            "a claim in two spellings",
            format!("{CLAIM}  networkConfig:\n  - {{networkName: a, macAddress: '02:00:00:00:00:02'}}\n"),
        ),
        (
            "one MAC on two cards",
            format!("{CLAIM}  - {{networkName: net-48, macAddress: '02-00-00-00-00-01'}}\n"),
        ),
        (
            "an address of somebody else",
            claim("'02:00:00:00:00:01'}", "'02:00:00:00:00:01', ipAddress: 192.168.48.82}"),
        ),
        (
            "an address outside the pool",
            claim("'02:00:00:00:00:01'}", "'02:00:00:00:00:01', ipAddress: 192.168.48.100}"),
        ),
        ("an address that is none", claim("'02:00:00:00:00:01'}", "'02:00:00:00:00:01', ipAddress: here}")),
    ]
}

/// Command lines that are wrong by themselves or by what is stored.
const COMMAND_LINES: &[&str] = &[
    "",
    "pol list",
    "pool lst",
    "apply -f missing.yaml",
    "apply -f .",
    "apply -f a.yaml --force",
    "pool list -o xml",
    "pool list -n Default",
    "pool list -A -n default",
    "pool list --context lab",
    "pool show nothing",
    "pool create new",
    "pool create new --network n",
    "pool create New --network n --cidr 10.0.0.0/24",
    "pool create new --network n --cidr 10.0.0.0",
    "pool create new --network n --cidr 10.0.0.0/24 --range 10.0.0.9",
    "pool create new --network n --cidr 10.0.0.0/24 --range 10.0.0.9-10.0.0.1",
    "pool create new --network n --cidr 10.0.0.0/24 --router 10.0.0.300",
    "pool create new --network n --cidr 10.0.0.0/24 --lease-time soon",
    "pool create new --network n --cidr 10.0.0.0/24 --lease-time 9999999999",
    "pool create new --network n --cidr 10.0.0.0/24 --option 66",
    "pool create new --network n --cidr 10.0.0.0/24 --option no-such=1",
    "pool create new --network n --cidr 10.0.0.0/24 --route 10.0.0.0/8",
    "pool create new --network net-48 --cidr 10.0.0.0/24",
    "pool create net-48 --network n --cidr 10.0.0.0/24",
    "pool set net-48",
    "pool set net-48 --cidr 10.0.0.0/24",
    "pool set net-48 --unset network",
    "pool set net-48 --remove-exclude 192.168.48.81",
    "pool set net-48 --add-exclude 192.168.48.82",
    "pool set net-48 --server-ip 192.168.48.82",
    "pool set net-48 --dns 1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4",
    "pool set nothing --mtu 1400",
    "pool pause nothing",
    "pool delete net-48",
    "pool delete net-48 nothing",
    "lease list -w -o wide --pool",
    "lease inspect 10.0.0.256/8",
    "lease inspect 02:00:00:00:00:09",
    "lease inspect no-such-vm",
    "lease add net-48 02:00:00:00:00",
    "lease add net-48 ff:ff:ff:ff:ff:ff",
    "lease add net-48 02:00:00:00:00:01 --ip 10.0.0.1",
    "lease add net-48 02:00:00:00:00:01 --ip 192.168.48.77",
    "lease add net-48 02:00:00:00:00:01 --hostname a..b",
    "lease add nothing 02:00:00:00:00:01",
    "lease remove net-48 here",
    "lease remove net-48 192.168.48.82",
    "lease remove net-48 192.168.48.84 --force",
    "completions tcsh",
    "completions --out missing/folder",
];

/// The binary, with nothing of this machine's configuration in reach.
fn vmdhcp(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmdhcp"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// Runs it, and gives what it says with its exit code.
fn run(mut command: Command, input: &str) -> (String, i32) {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // One that does not read its input ends before it is written.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

/// Everything that is stored.
async fn stored(file: &Path) -> Vec<DynamicObject> {
    let client = connect(&Target::Local(file.into())).await.unwrap().client;
    let mut objects = Vec::new();
    for kind in [ApiResource::erase::<IPPool>(&()), ApiResource::erase::<VirtualMachineNetworkConfig>(&())] {
        let api = Api::<DynamicObject>::all_with(client.clone(), &kind);
        objects.extend(api.list(&ListParams::default()).await.unwrap().items);
    }
    objects
}

/// A pool of which .82 is in use by the card of `web`.
async fn served(folder: &Path, file: &Path) {
    let mut command = vmdhcp(folder);
    command.arg("--local").arg(file).args(["apply", "-f", "-"]);
    let (said, code) = run(command, STORED);
    assert_eq!(code, 0, "{said}");
    let client = connect(&Target::Local(file.into())).await.unwrap().client;
    let status = json!({"status": {"ipv4": {
        "allocated": {"192.168.48.82": "fa:cf:8e:50:82:fc"}, "used": 1, "available": 9,
    }}});
    let pools = Api::<IPPool>::namespaced(client, "default");
    pools.patch_status("net-48", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

#[tokio::test]
async fn wrong_input_is_refused_with_a_sentence_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    served(folder.path(), &file).await;
    let before = stored(&file).await;
    let mut transcript = String::new();
    let manifests = [wrong_documents(), wrong_pools(), wrong_beside_others(), wrong_claims()];
    for (name, manifest) in manifests.into_iter().flatten() {
        let mut command = vmdhcp(folder.path());
        command.arg("--local").arg(&file).args(["apply", "-f", "-"]);
        let (said, code) = run(command, &manifest);
        writeln!(transcript, "# {name}\n{said}[exit code {code}]\n").unwrap();
        assert_ne!(code, 0, "{name}: {said}");
        assert_eq!(stored(&file).await, before, "{name}");
    }
    for line in COMMAND_LINES {
        let mut command = vmdhcp(folder.path());
        command.arg("--local").arg(&file).args(line.split_whitespace());
        let (said, code) = run(command, "");
        writeln!(transcript, "$ vmdhcp {line}\n{said}[exit code {code}]\n").unwrap();
        assert_ne!(code, 0, "{line}: {said}");
        assert_eq!(stored(&file).await, before, "{line}");
    }
    insta::assert_snapshot!(transcript);
}

#[test]
fn without_an_api_the_message_names_both_ways_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = vmdhcp(folder.path());
    command.args(["pool", "list"]);
    let (said, code) = run(command, "");
    assert_eq!(code, 6);
    assert!(said.contains("--kubeconfig") && said.contains("--local"), "{said}");
}

#[test]
fn a_kubeconfig_that_is_missing_or_broken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken"), "clusters: 7").unwrap();
    for file in ["missing", "broken"] {
        let mut command = vmdhcp(folder.path());
        command.args(["--kubeconfig", file, "pool", "list"]);
        let (said, code) = run(command, "");
        assert_eq!(code, 6, "{said}");
        assert!(said.contains(file), "{said}");
    }
}

#[test]
fn a_cluster_that_does_not_answer_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]});
    std::fs::write(folder.path().join("config"), Value::to_string(&cluster)).unwrap();
    let mut command = vmdhcp(folder.path());
    command.args(["--kubeconfig", "config", "pool", "list"]);
    let (said, code) = run(command, "");
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("the API does not answer"), "{said}");
}
