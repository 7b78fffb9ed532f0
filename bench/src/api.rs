//! An API server with one pool in it: enough for an agent to list and watch, and to change the pool as fast as one likes.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use std::{fs, mem};

use serde_json::{Value, json};

use crate::message::{ROUTER, SERVER, address_of, card_of, text_of};
use crate::stage::Stage;

/// The pool.
pub(crate) const POOL: &str = "bench";
const NAMESPACE: &str = "default";
const GROUP_VERSION: &str = "network.harvesterhci.io/v1alpha1";
/// How long a watch waits before it looks whether it shall end.
const WAIT: Duration = Duration::from_millis(100);

/// The pool in this version, with these leases: client after client.
pub(crate) fn pool(version: u64, leases: u32) -> Value {
    let allocated: serde_json::Map<_, _> =
        (0..leases).map(|n| (address_of(n).to_string(), text_of(card_of(n)).into())).collect();
    json!({
        "apiVersion": GROUP_VERSION, "kind": "IPPool",
        "metadata": {
            "namespace": NAMESPACE, "name": POOL, "uid": "9c8cbd4e-0000-4000-8000-000000000001",
            "resourceVersion": version.to_string(), "creationTimestamp": "2026-01-01T00:00:00Z"
        },
        "spec": {
            "networkName": "default/bench",
            "ipv4Config": {
                "cidr": "10.99.0.0/16", "serverIP": SERVER, "router": ROUTER, "dns": ["1.1.1.1"],
                "domainName": "example.org", "leaseTime": 86400,
                "pool": {"start": address_of(0), "end": "10.99.254.255"}
            }
        },
        "status": {"ipv4": {"allocated": allocated, "used": leases, "available": 65_000 - leases}}
    })
}

/// Writes what an agent remembers of such a pool.
pub(crate) fn write_snapshot(path: &Path, leases: u32) -> io::Result<()> {
    let snapshot = json!({"format": 1, "carried": {}, "formerServers": [], "pool": pool(1, leases)});
    fs::write(path, snapshot.to_string())
}

/// Writes how to reach an API there.
pub(crate) fn write_kubeconfig(path: &Path, port: u16) -> io::Result<()> {
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        // As in a Pod, which has the one certificate of its cluster, the system's hundreds are not read.
        "clusters": [{"name": "bench", "cluster": {
            "server": format!("http://127.0.0.1:{port}"), "insecure-skip-tls-verify": true
        }}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]
    });
    fs::write(path, kubeconfig.to_string())
}

/// A running API server. Dropping it ends it.
pub(crate) struct Api {
    shared: Arc<Shared>,
    port: u16,
}

struct Shared {
    pool: Mutex<Stored>,
    changed: Condvar,
    closed: AtomicBool,
}

struct Stored {
    leases: u32,
    version: u64,
    /// Built once a version: it is large.
    text: Arc<str>,
}

impl Stored {
    fn new(version: u64, leases: u32) -> Self {
        Self { leases, version, text: pool(version, leases).to_string().into() }
    }
}

impl Api {
    /// Serves a pool with so many leases on the server's machine.
    pub(crate) fn start(stage: &Stage, leases: u32) -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = stage.server.within(move || TcpListener::bind(any))?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            pool: Mutex::new(Stored::new(1, leases)),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || of_thread.accept(&listener));
        Ok(Self { shared, port })
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Gives one more client its lease; returns the version that this makes.
    pub(crate) fn add_lease(&self) -> u64 {
        let mut stored = self.shared.pool.lock().unwrap();
        let (version, lease) = (stored.version + 1, stored.leases);
        // Parsed and printed anew it would take time that is not the agent's.
        let mut text = String::with_capacity(stored.text.len() + 64);
        let (before, behind) = stored.text.split_once("\"allocated\":{").unwrap();
        let pair = format!("\"{}\":\"{}\"", address_of(lease), text_of(card_of(lease)));
        write!(text, "{before}\"allocated\":{{{pair},{behind}").unwrap();
        let old = format!("\"resourceVersion\":\"{}\"", stored.version);
        let text = text.replace(&old, &format!("\"resourceVersion\":\"{version}\""));
        *stored = Stored { leases: lease + 1, version, text: text.into() };
        drop(stored);
        self.shared.changed.notify_all();
        version
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn current(&self) -> (u64, Arc<str>) {
        let stored = self.pool.lock().unwrap();
        (stored.version, Arc::clone(&stored.text))
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while !self.is_closed() {
            match listener.accept() {
                Ok((stream, _)) => {
                    let shared = Arc::clone(self);
                    // A connection that breaks off is the client's affair.
                    thread::spawn(move || drop(shared.serve(&stream)));
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        let (mut reader, mut writer) = (BufReader::new(stream), stream);
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 {
            let target = mem::take(&mut line);
            let (mut only_metadata, mut length) = (false, 0);
            while reader.read_line(&mut line)? > 2 {
                let header = mem::take(&mut line).to_ascii_lowercase();
                only_metadata |= header.starts_with("accept:") && header.contains("partialobjectmetadata");
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            line.clear();
            io::copy(&mut io::Read::take(&mut reader, length), &mut io::sink())?;
            let path = target.split(' ').nth(1).unwrap_or_default();
            let of_pools = path.contains("/ippools");
            if of_pools && path.contains("watch=") {
                return self.watch(writer, path);
            }
            let (version, text) = self.current();
            let (status, body) = if of_pools && only_metadata {
                ("200 OK", metadata(version))
            } else if path.contains(&format!("/ippools/{POOL}")) {
                ("200 OK", text.to_string())
            } else if of_pools {
                ("200 OK", list(version, &text))
            } else {
                ("404 Not Found", not_found())
            };
            write!(
                writer,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )?;
            writer.write_all(body.as_bytes())?;
        }
        Ok(())
    }

    fn watch(&self, mut writer: &TcpStream, path: &str) -> io::Result<()> {
        let mut parameters = path.split(['?', '&']);
        let from = parameters.find_map(|pair| pair.strip_prefix("resourceVersion="));
        let mut seen = from.and_then(|version| version.parse().ok()).unwrap_or(0);
        writer.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        while !self.is_closed() {
            let (version, text) = self.current();
            if version == seen {
                let stored = self.pool.lock().unwrap();
                drop(self.changed.wait_timeout_while(stored, WAIT, |stored| stored.version == seen).unwrap());
                continue;
            }
            seen = version;
            let (before, behind) = ("{\"type\":\"MODIFIED\",\"object\":", "}\n");
            write!(writer, "{:x}\r\n{before}", before.len() + text.len() + behind.len())?;
            writer.write_all(text.as_bytes())?;
            write!(writer, "{behind}\r\n")?;
        }
        Ok(())
    }
}

fn list(version: u64, pool: &str) -> String {
    format!(
        "{{\"apiVersion\":\"{GROUP_VERSION}\",\"kind\":\"IPPoolList\",\
         \"metadata\":{{\"resourceVersion\":\"{version}\"}},\"items\":[{pool}]}}"
    )
}

fn metadata(version: u64) -> String {
    let pool = pool(version, 0);
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": pool["metadata"]
    })
    .to_string()
}

fn not_found() -> String {
    json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": "not found",
        "reason": "NotFound", "code": 404
    })
    .to_string()
}
