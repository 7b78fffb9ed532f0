//! What a command asks of an agent on a cluster goes through the API server's proxy of Pods, also what does not end.
//!
//! The agent is a stand-in at an address of this machine: a Pod whose kubelet says that it runs there. Nothing leaves the
//! machine.
#![expect(clippy::unwrap_used, reason = "a test: it fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use vmdhcp_core::api::{
    AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, AgentReport, COMPONENT_LABEL, POOL_ANNOTATION,
};
use vmdhcp_e2e::vmdhcp::{self, MAC, MANIFESTS, POOL};
use vmdhcp_e2e::{requirements, until};

const TEST: &str = "decisions_are_watched_through_the_api_server_while_they_are_made";
const AGENT: &str = "vm-dhcp-agent-1";
const PATIENCE: Duration = Duration::from_secs(20);

/// An address by which other programs of this machine, the API server among them, reach it; the proxy takes no loopback.
fn own_address() -> Option<IpAddr> {
    let all = nix::ifaddrs::getifaddrs().unwrap();
    all.filter_map(|entry| entry.address?.as_sockaddr_in().map(|address| IpAddr::V4(address.ip())))
        .find(|address| !address.is_loopback() && matches!(address, IpAddr::V4(v4) if !v4.is_link_local()))
}

fn line(reason: &str) -> String {
    let decision =
        json!({"time": "2026-08-01T11:30:00Z", "macAddress": MAC, "reason": reason, "text": reason});
    format!("{}\n", json!({ "decision": decision }))
}

/// Answers as an agent does, for as long as the test runs: a line of decisions at once, and one for each word.
fn stand_in(listener: TcpListener, asked: mpsc::Sender<String>, words: mpsc::Receiver<String>) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let mut question = [0; 4096];
            let length = stream.read(&mut question).unwrap();
            let question = String::from_utf8_lossy(&question[..length]);
            let first = question.lines().next().unwrap_or_default().to_owned();
            let follows = first.contains("/decisions");
            asked.send(first).unwrap();
            if !follows {
                let body = json!({"lastSeen": "2026-08-01T11:30:00Z", "messages": 7}).to_string();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
                continue;
            }
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            let mut chunk = |text: &str| {
                write!(stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
                stream.flush().unwrap();
            };
            chunk(&line("offered"));
            for word in &words {
                chunk(&line(&word));
            }
        }
    });
}

fn command(words: &[&str]) -> Child {
    Command::new(vmdhcp::binary())
        .env("KUBECONFIG", vmdhcp_testcluster::kubeconfig().unwrap())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn decisions_are_watched_through_the_api_server_while_they_are_made() {
    let Some(address) = own_address() else {
        assert!(requirements::testcluster(TEST).is_none(), "{TEST} cannot run: this machine has no address");
        return;
    };
    if requirements::testcluster(TEST).is_none() {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let client = runtime.block_on(vmdhcp_testcluster::client()).unwrap();
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let ((asked, questions), (speak, words)) = (mpsc::channel(), mpsc::channel());
    stand_in(listener, asked, words);

    // A kind that has just been defined may not be served yet.
    until("pool on the cluster", PATIENCE, || {
        let mut apply = command(&["apply", "-f", "-"]);
        apply.stdin.take().unwrap().write_all(MANIFESTS.join("---\n").as_bytes()).unwrap();
        apply.wait().unwrap().success().then_some(())
    });
    let report = AgentReport {
        agent: AGENT.into(),
        // Of this only the port counts: whoever has broken into an agent shall not choose who is asked.
        url: format!("http://192.0.2.99:{port}"),
        ..AgentReport::default()
    };
    let lease = json!({
        "metadata": {
            "name": AGENT, "labels": {COMPONENT_LABEL: AGENT_COMPONENT},
            "annotations": {
                POOL_ANNOTATION: format!("default/{POOL}"),
                AGENT_REPORT_ANNOTATION: serde_json::to_string(&report).unwrap()
            }
        },
        "spec": {}
    });
    let pod = json!({
        "metadata": {"name": AGENT},
        "spec": {"containers": [{"name": "agent", "image": "vmdhcp"}]}
    });
    runtime.block_on(async {
        let leases: Api<Lease> = Api::namespaced(client.clone(), "default");
        leases.create(&PostParams::default(), &serde_json::from_value(lease).unwrap()).await.unwrap();
        let pods: Api<Pod> = Api::namespaced(client, "default");
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        let runs = json!({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}});
        pods.patch_status(AGENT, &PatchParams::default(), &Patch::Merge(runs)).await.unwrap();
    });

    let mut watch = command(&["lease", "watch", POOL, "--mac", MAC, "-o", "json"]);
    let output = BufReader::new(watch.stdout.take().unwrap());
    let (found, lines) = mpsc::channel::<Value>();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            drop(found.send(serde_json::from_str(&line).unwrap()));
        }
    });
    let next = || lines.recv_timeout(PATIENCE).unwrap();
    let first = next();
    assert_eq!((&first["reason"], &first["agent"]), (&json!("offered"), &json!(AGENT)));
    // Each comes when it is made, not when the answer ends.
    speak.send("bound".to_owned()).unwrap();
    assert_eq!(next()["reason"], "bound");
    speak.send("extended".to_owned()).unwrap();
    assert_eq!(next()["reason"], "extended");
    let question = questions.recv_timeout(PATIENCE).unwrap();
    assert_eq!(question, format!("GET /decisions?recent=false&mac={MAC} HTTP/1.1"));
    watch.kill().unwrap();
    watch.wait().unwrap();
    drop(speak);

    let inspect = command(&["lease", "inspect", MAC]).wait_with_output().unwrap();
    let page = String::from_utf8(inspect.stdout).unwrap();
    assert!(page.contains("messages: 7"), "{page}");
    assert_eq!(questions.recv_timeout(PATIENCE).unwrap(), format!("GET /clients/{MAC} HTTP/1.1"));
}
