//! An agent on a real cable: a veth pair in a network namespace, the API in memory, a client by hand.
//!
//! Each test runs itself again under `unshare`; where that is not possible it says so and does nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

mod client;
mod init;
mod network;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::body::Body;
use client::{Wire, frame_of, message};
use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use network::{AGENT_END, alone, eventually};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::ServiceExt;
use vmdhcp_core::api::{AGENT_REPORT_ANNOTATION, AgentReport, IPPool, REUSE_ANNOTATION};
use vmdhcp_core::pool::PoolRef;
use vmdhcp_daemons::agent::{Agent, AgentConfig, AgentError, AgentMetrics};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};
use vmdhcp_daemons::runtime::Shutdown;

const CARD: [u8; 6] = [2, 0, 0, 0, 0, 0x0a];
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 0x0b];
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 77);
const LEASED: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 82);

/// An API with one pool in it.
struct Bench {
    client: Client,
    pools: Api<IPPool>,
    directory: tempfile::TempDir,
}

/// An agent that runs.
struct Running {
    agent: Agent,
    stop: Shutdown,
    life: JoinHandle<Result<(), AgentError>>,
}

impl Bench {
    async fn new() -> Self {
        let api = LocalApi::in_memory(Kinds::standard()).unwrap();
        let client = api.client("default");
        let pools: Api<IPPool> = Api::default_namespaced(client.clone());
        let pool = serde_json::from_value(json!({
            "apiVersion": "network.harvesterhci.io/v1alpha1", "kind": "IPPool",
            "metadata": {"name": "net-48"},
            "spec": {
                "networkName": "net-48",
                "ipv4Config": {
                    "cidr": "192.168.48.0/24", "serverIP": "192.168.48.77", "router": "192.168.48.1",
                    "dns": ["1.1.1.1"], "leaseTime": 300,
                    "pool": {"start": "192.168.48.81", "end": "192.168.48.90"}
                }
            }
        }))
        .unwrap();
        pools.create(&PostParams::default(), &pool).await.unwrap();
        let bench = Self { client, pools, directory: tempfile::tempdir().unwrap() };
        bench.allocate(json!({"192.168.48.82": "02:00:00:00:00:0a"})).await;
        bench
    }

    async fn allocate(&self, allocated: Value) {
        let ipv4 = json!({"allocated": allocated, "used": 0, "available": 0});
        let patch = Patch::Merge(json!({"status": {"ipv4": ipv4}}));
        self.pools.patch_status("net-48", &PatchParams::default(), &patch).await.unwrap();
    }

    fn start(&self) -> Running {
        self.start_with(self.client.clone())
    }

    fn start_with(&self, client: Client) -> Running {
        Running::start(self.config(), client)
    }

    fn config(&self) -> AgentConfig {
        AgentConfig {
            name: "agent-1".into(),
            pool: PoolRef { namespace: "default".into(), name: "net-48".into() },
            interface: AGENT_END.into(),
            snapshot: Some(self.snapshot()),
            lease: Some(("default".into(), "agent-1".into())),
            url: "http://127.0.0.1:8080".into(),
            dry_run: false,
        }
    }

    fn snapshot(&self) -> PathBuf {
        self.directory.path().join("leases.json")
    }
}

impl Running {
    fn start(config: AgentConfig, client: Client) -> Self {
        let agent = Agent::new(config, client, AgentMetrics::default()).unwrap();
        let stop = Shutdown::new();
        let life = tokio::spawn(agent.clone().run(stop.clone()));
        Self { agent, stop, life }
    }

    async fn ready(self) -> Self {
        eventually("the agent is ready", async || self.agent.is_ready()).await;
        self
    }

    async fn stop(self) {
        self.stop.trigger();
        self.life.await.unwrap().unwrap();
        assert!(!self.agent.is_ready());
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.agent.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// A DHCPREQUEST in answer to an offer of this address.
fn selecting(card: [u8; 6], server: Ipv4Addr, address: Ipv4Addr) -> Message {
    let mut request = message(MessageType::Request, card);
    request.opts_mut().insert(DhcpOption::ServerIdentifier(server));
    request.opts_mut().insert(DhcpOption::RequestedIpAddress(address));
    request
}

#[test]
fn a_client_gets_its_lease_and_a_stranger_gets_nothing() {
    alone("a_client_gets_its_lease_and_a_stranger_gets_nothing", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let wire = Wire::open();

        let offer = wire.ask(CARD, &message(MessageType::Discover, CARD));
        assert_eq!((offer.kind(), offer.message.yiaddr()), (MessageType::Offer, LEASED));
        assert_eq!((offer.link_destination, offer.destination), (CARD, LEASED));
        let ack = wire.ask(CARD, &selecting(CARD, SERVER, LEASED));
        assert_eq!((ack.kind(), ack.message.yiaddr()), (MessageType::Ack, LEASED));
        assert_eq!(ack.option(OptionCode::ServerIdentifier), Some(&DhcpOption::ServerIdentifier(SERVER)));
        assert_eq!(ack.option(OptionCode::AddressLeaseTime), Some(&DhcpOption::AddressLeaseTime(300)));
        let router = Ipv4Addr::new(192, 168, 48, 1);
        assert_eq!(ack.option(OptionCode::Router), Some(&DhcpOption::Router(vec![router])));

        assert!(wire.is_silent(STRANGER, &message(MessageType::Discover, STRANGER)));
        let (_, clients) = running.get("/clients").await;
        assert!(clients["02:00:00:00:00:0a"]["bound"].is_string(), "{clients}");
        assert_eq!(clients["02:00:00:00:00:0b"]["lastDecision"], "the card has no lease in this pool");
        assert_eq!(running.get("/readyz").await, (StatusCode::OK, json!({"ok": true})));
        running.stop().await;
        assert!(wire.is_silent(CARD, &message(MessageType::Discover, CARD)));
    });
}

#[test]
fn on_a_dry_run_an_agent_knows_its_leases_and_answers_nobody() {
    alone("on_a_dry_run_an_agent_knows_its_leases_and_answers_nobody", async {
        let bench = Bench::new().await;
        let config = AgentConfig { dry_run: true, ..bench.config() };
        let running = Running::start(config, bench.client.clone()).ready().await;
        assert_eq!(running.get("/status").await.1["table"]["leases"], 1);
        let wire = Wire::open();
        assert!(wire.is_silent(CARD, &message(MessageType::Discover, CARD)));
        running.stop().await;
    });
}

#[test]
fn a_wrong_address_is_refused_once_the_table_is_known_to_be_the_newest() {
    alone("a_wrong_address_is_refused_once_the_table_is_known_to_be_the_newest", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let nak = Wire::open().ask(CARD, &selecting(CARD, SERVER, Ipv4Addr::new(192, 168, 48, 90)));
        assert_eq!((nak.kind(), nak.link_destination), (MessageType::Nak, [0xff; 6]));
        assert_eq!(running.get("/status").await.1["table"]["current"], true);
        running.stop().await;
    });
}

#[test]
fn an_option_that_changes_is_in_the_next_renewal() {
    alone("an_option_that_changes_is_in_the_next_renewal", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let wire = Wire::open();
        let mut renewal = message(MessageType::Request, CARD);
        renewal.set_ciaddr(LEASED);
        let frame = frame_of(CARD, (LEASED, SERVER), &renewal);
        let dns = || match wire.ask_with(CARD, &frame).option(OptionCode::DomainNameServer) {
            Some(DhcpOption::DomainNameServer(servers)) => servers.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(dns(), [Ipv4Addr::new(1, 1, 1, 1)]);
        let patch = Patch::Merge(json!({"spec": {"ipv4Config": {"dns": ["9.9.9.9"]}}}));
        bench.pools.patch("net-48", &PatchParams::default(), &patch).await.unwrap();
        eventually("the new name server is sent", async || dns() == [Ipv4Addr::new(9, 9, 9, 9)]).await;
        running.stop().await;
    });
}

#[test]
fn an_agent_that_starts_while_the_api_is_away_serves_its_snapshot() {
    alone("an_agent_that_starts_while_the_api_is_away_serves_its_snapshot", async {
        let bench = Bench::new().await;
        bench.start().ready().await.stop().await;
        let away = tower::service_fn(|_: Request<kube::client::Body>| async {
            Err::<http::Response<kube::client::Body>, _>(std::io::Error::from(
                std::io::ErrorKind::ConnectionRefused,
            ))
        });
        let running = bench.start_with(Client::new(away, "default")).ready().await;
        let wire = Wire::open();
        let ack = wire.ask(CARD, &selecting(CARD, SERVER, LEASED));
        assert_eq!((ack.kind(), ack.message.yiaddr()), (MessageType::Ack, LEASED));
        assert_eq!(running.get("/status").await.1["table"]["fromSnapshot"], true);
        let wrong = selecting(CARD, SERVER, Ipv4Addr::new(192, 168, 48, 90));
        assert!(wire.is_silent(CARD, &wrong), "only the newest table refuses");
        running.stop().await;
    });
}

#[test]
fn a_pool_without_leases_yet_is_not_served_and_one_that_is_deleted_no_longer() {
    alone("a_pool_without_leases_yet_is_not_served_and_one_that_is_deleted_no_longer", async {
        let bench = Bench::new().await;
        let status = Patch::Merge(json!({"status": {"ipv4": null}}));
        bench.pools.patch_status("net-48", &PatchParams::default(), &status).await.unwrap();
        let running = bench.start();
        eventually("it says what is missing", async || {
            running.get("/readyz").await.1["reason"].as_str().is_some_and(|why| why.contains("status.ipv4"))
        })
        .await;
        bench.allocate(json!({"192.168.48.82": "02:00:00:00:00:0a"})).await;
        let running = running.ready().await;
        bench.pools.delete("net-48", &kube::api::DeleteParams::default()).await.unwrap();
        eventually("it stops to serve", async || !running.agent.is_ready()).await;
        assert!(Wire::open().is_silent(CARD, &message(MessageType::Discover, CARD)));
        eventually("the snapshot is removed", async || !bench.snapshot().exists()).await;
        running.stop().await;
    });
}

#[test]
fn the_agent_answers_arp_for_the_server_address_where_the_kernel_does_not_have_it() {
    alone("the_agent_answers_arp_for_the_server_address_where_the_kernel_does_not_have_it", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let wire = Wire::open();
        let offer = wire.ask(CARD, &message(MessageType::Discover, CARD));
        assert_eq!(wire.resolve(CARD, SERVER), Some(offer.link_source));
        assert!(network::kernel_addresses().is_empty());
        assert_eq!(wire.resolve(CARD, LEASED), None);
        running.stop().await;
        assert_eq!(wire.resolve(CARD, SERVER), None);
    });
}

#[test]
fn a_card_that_gets_another_address_is_found_by_it() {
    alone("a_card_that_gets_another_address_is_found_by_it", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let wire = Wire::open();
        wire.ask(CARD, &message(MessageType::Discover, CARD));
        let other = [2, 0, 0, 0, 0x77, 0x77];
        network::set_card(other).await;
        eventually("ARP names the new card", async || wire.resolve(CARD, SERVER) == Some(other)).await;
        assert_eq!(wire.ask(CARD, &message(MessageType::Discover, CARD)).link_source, other);
        running.stop().await;
    });
}

#[test]
fn a_host_that_forwards_gets_the_server_address_for_as_long_as_the_agent_runs() {
    alone("a_host_that_forwards_gets_the_server_address_for_as_long_as_the_agent_runs", async {
        network::forward(true);
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        eventually("the kernel has the address", async || network::kernel_addresses() == [SERVER]).await;
        let wire = Wire::open();
        let offer = wire.ask(CARD, &message(MessageType::Discover, CARD));
        assert_eq!(wire.resolve(CARD, SERVER), Some(offer.link_source));
        running.stop().await;
        assert!(network::kernel_addresses().is_empty());
    });
}

#[test]
fn the_agent_reports_in_its_lease_what_it_serves() {
    alone("the_agent_reports_in_its_lease_what_it_serves", async {
        let bench = Bench::new().await;
        let leases: Api<Lease> = Api::default_namespaced(bench.client.clone());
        let lease = serde_json::from_value(json!({"metadata": {"name": "agent-1"}, "spec": {}})).unwrap();
        leases.create(&PostParams::default(), &lease).await.unwrap();
        let report = async || {
            let lease = leases.get("agent-1").await.unwrap();
            let text = lease.metadata.annotations.unwrap_or_default().remove(AGENT_REPORT_ANNOTATION)?;
            assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some("agent-1"));
            serde_json::from_str::<AgentReport>(&text).ok()
        };
        let version = async || bench.pools.get("net-48").await.unwrap().metadata.resource_version.unwrap();
        let running = bench.start().ready().await;
        for _ in 0..2 {
            let version = version().await;
            eventually("the version is reported", async || {
                report().await.is_some_and(|report| report.ready && report.resource_version == version)
            })
            .await;
            bench.allocate(json!({"192.168.48.83": "02:00:00:00:00:0a"})).await;
        }
        running.stop().await;
        assert!(!report().await.unwrap().ready, "the last report");
    });
}

#[test]
fn a_pool_out_of_an_older_backup_costs_no_client_its_address_and_gives_it_to_nobody_else() {
    alone("a_pool_out_of_an_older_backup_costs_no_client_its_address_and_gives_it_to_nobody_else", async {
        let bench = Bench::new().await;
        let leases: Api<Lease> = Api::default_namespaced(bench.client.clone());
        let lease = serde_json::from_value(json!({"metadata": {"name": "agent-1"}, "spec": {}})).unwrap();
        leases.create(&PostParams::default(), &lease).await.unwrap();
        let carried = async || {
            let lease = leases.get("agent-1").await.unwrap();
            let text = lease.metadata.annotations.unwrap_or_default().remove(AGENT_REPORT_ANNOTATION);
            text.map(|text| serde_json::from_str::<AgentReport>(&text).unwrap().carried).unwrap_or_default()
        };
        let running = bench.start().ready().await;
        let wire = Wire::open();
        assert_eq!(wire.ask(CARD, &selecting(CARD, SERVER, LEASED)).kind(), MessageType::Ack);

        // When the backup was made, the stranger had the address, and nobody knew the card.
        bench.allocate(json!({"192.168.48.82": "02:00:00:00:00:0b"})).await;
        let pair = [("192.168.48.82".to_owned(), "02:00:00:00:00:0a".to_owned())];
        eventually("the lost lease is reported", async || carried().await == pair.clone().into()).await;
        let current = async || running.get("/status").await.1["table"]["current"] == true;
        eventually("the older pool is known to be the newest", current).await;
        assert_eq!(wire.ask(CARD, &selecting(CARD, SERVER, LEASED)).kind(), MessageType::Ack);
        assert!(wire.is_silent(STRANGER, &message(MessageType::Discover, STRANGER)));

        // That the status is lost too makes nothing worse, nor does a restart.
        let lost = Patch::Merge(json!({"status": null}));
        bench.pools.patch_status("net-48", &PatchParams::default(), &lost).await.unwrap();
        running.stop().await;
        let running = bench.start().ready().await;
        assert_eq!(wire.ask(CARD, &selecting(CARD, SERVER, LEASED)).kind(), MessageType::Ack);

        // Until the operator says whose it is.
        bench.allocate(json!({"192.168.48.82": "02:00:00:00:00:0b"})).await;
        let word = json!({"metadata": {"annotations": {REUSE_ANNOTATION: "192.168.48.82"}}});
        bench.pools.patch("net-48", &PatchParams::default(), &Patch::Merge(word)).await.unwrap();
        eventually("nothing is carried any more", async || carried().await.is_empty()).await;
        let offer = wire.ask(STRANGER, &message(MessageType::Discover, STRANGER));
        assert_eq!((offer.kind(), offer.message.yiaddr()), (MessageType::Offer, LEASED));
        assert!(wire.is_silent(CARD, &selecting(CARD, SERVER, LEASED)));
        running.stop().await;
    });
}

#[test]
fn a_version_is_reported_only_once_a_restart_would_find_it() {
    alone("a_version_is_reported_only_once_a_restart_would_find_it", async {
        let bench = Bench::new().await;
        let leases: Api<Lease> = Api::default_namespaced(bench.client.clone());
        let lease = serde_json::from_value(json!({"metadata": {"name": "agent-1"}, "spec": {}})).unwrap();
        leases.create(&PostParams::default(), &lease).await.unwrap();
        let report = async || {
            let lease = leases.get("agent-1").await.unwrap();
            let text = lease.metadata.annotations.unwrap_or_default().remove(AGENT_REPORT_ANNOTATION)?;
            Some(serde_json::from_str::<AgentReport>(&text).unwrap())
        };
        let version = async || bench.pools.get("net-48").await.unwrap().metadata.resource_version.unwrap();
        let reported = async |version: &str| {
            let what = format!("the report of version {version}");
            eventually(&what, async || report().await.is_some_and(|r| r.resource_version == version)).await;
        };
        let running = bench.start().ready().await;
        let before = version().await;
        reported(&before).await;

        // From now on no snapshot can be written: its successor would have to replace a folder.
        let successor = bench.directory.path().join("leases.json.new");
        std::fs::create_dir(&successor).unwrap();
        bench.allocate(json!({"192.168.48.82": null, "192.168.48.83": "02:00:00:00:00:0a"})).await;
        let after = version().await;
        let served = async || {
            let (_, status) = running.get("/status").await;
            status["table"]["resourceVersion"] == json!(after)
        };
        eventually("the newer version is served", served).await;
        running.stop().await;
        let last = report().await.unwrap();
        assert_eq!((last.ready, last.resource_version), (false, before));

        std::fs::remove_dir(&successor).unwrap();
        let running = bench.start().ready().await;
        reported(&after).await;
        running.stop().await;
    });
}

#[test]
fn a_new_lease_for_which_another_card_answers_is_a_conflict() {
    alone("a_new_lease_for_which_another_card_answers_is_a_conflict", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        let conflicting = Ipv4Addr::new(192, 168, 48, 83);
        let squatter = std::thread::spawn(move || {
            Wire::open().answer_arp(STRANGER, conflicting, Instant::now() + Duration::from_secs(4));
        });
        bench
            .allocate(json!({"192.168.48.82": "02:00:00:00:00:0a", "192.168.48.83": "02:00:00:00:00:0c"}))
            .await;
        eventually("the conflict is noted", async || {
            let (_, status) = running.get("/status").await;
            status["conflicts"][0]["address"] == "192.168.48.83"
                && status["conflicts"][0]["macAddress"] == "02:00:00:00:00:0b"
        })
        .await;
        squatter.join().unwrap();
        running.stop().await;
    });
}

#[test]
fn an_interface_that_disappears_ends_the_agent_with_an_error() {
    alone("an_interface_that_disappears_ends_the_agent_with_an_error", async {
        let bench = Bench::new().await;
        let running = bench.start().ready().await;
        network::remove_cable().await;
        let error = running.life.await.unwrap().unwrap_err();
        assert!(matches!(error, AgentError::Socket(_)), "{error}");
        assert!(!running.agent.is_ready());
    });
}
