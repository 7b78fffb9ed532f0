//! Another DHCP server on the network, which nobody here wrote: a pool that is to stand down for it does so until its
//! first lease, and never again.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vmdhcp_e2e::vmdhcp::{ADMIN, Api, get};
use vmdhcp_e2e::{Capture, Lan, Machine, Process, requirements, until, wire};

const TEST: &str =
    "a_pool_stands_down_for_another_server_until_that_is_gone_and_for_none_once_it_has_given_a_lease";
const POOL: &str = "cautious";
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 2);
const OTHERS_CARD: &str = "02:00:00:00:48:02";
const CARD: &str = "02:00:00:00:48:0a";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 10);
const PATIENCE: Duration = Duration::from_secs(20);
/// A server counts for two minutes after it was last heard.
const FORGETTING: Duration = Duration::from_secs(150);

/// Starts a dnsmasq on a machine that has its address.
fn dnsmasq(machine: &Machine, folder: &TempDir) -> Process {
    let leases = format!("--dhcp-leasefile={}", folder.path().join("leases").display());
    let arguments = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--user=root",
        "--pid-file",
        "--port=0",
        "--interface=eth0",
        "--bind-interfaces",
        "--dhcp-range=10.48.0.200,10.48.0.220,1h",
        &leases,
    ];
    machine.start(Path::new("/usr/sbin/dnsmasq"), &arguments, &folder.path().join("dnsmasq.log"))
}

/// Asks for an offer, until one has come from this server; of which servers offers have come.
fn offers_until(server: Ipv4Addr, patience: Duration, vm: &Machine, capture: &Capture) -> Vec<Ipv4Addr> {
    capture.forget();
    until(&format!("offer of {server}"), patience, || {
        wire::exchange(vm, wire::discover(CARD), Duration::from_secs(1));
        let offers = capture.heard_of(dhcproto::v4::MessageType::Offer);
        let servers: Vec<_> = offers.iter().filter_map(vmdhcp_e2e::Heard::server).collect();
        servers.contains(&server).then_some(servers)
    })
}

fn status(api: &Api) -> Value {
    api.json(&format!("pool show {POOL} -o json"))["status"].clone()
}

/// The reason of `ForeignDHCPServer`, while it holds.
fn other_server(api: &Api) -> Option<String> {
    let status = status(api);
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let mut found = conditions.filter(|c| c["type"] == "ForeignDHCPServer" && c["status"] == "True");
    found.find_map(|condition| Some(condition["reason"].as_str()?.to_owned()))
}

#[test]
fn a_pool_stands_down_for_another_server_until_that_is_gone_and_for_none_once_it_has_given_a_lease() {
    if !requirements::met(TEST, &["ip", "dnsmasq"]) {
        return;
    }
    let (lan, api, folder) = (Lan::new(), Api::new(), TempDir::with_prefix("vmdhcp-e2e-").unwrap());
    let host_of_other = lan.plug_in(OTHERS_CARD);
    host_of_other.run(&format!("ip address add {OTHER}/24 dev eth0"));
    let other = dnsmasq(&host_of_other, &folder);
    api.run(&format!(
        "pool create {POOL} --network lan --cidr 10.48.0.0/24 --server-ip {SERVER} \
         --range 10.48.0.10-10.48.0.99 --lease-time 1h --foreign-server-policy stand-down"
    ));
    let server = api.serve(&lan.host, "lan", POOL);
    api.run(&format!("lease add {POOL} {CARD} --ip {ADDRESS} --wait"));
    let vm = lan.plug_in(CARD);
    let capture = Capture::of(CARD, &vm);

    // Only the other one answers, and everybody is told why.
    until("pool that stands down", PATIENCE, || {
        (other_server(&api).as_deref() == Some("StandingDown")).then_some(())
    });
    let offers = offers_until(OTHER, PATIENCE, &vm, &capture);
    assert!(!offers.contains(&SERVER), "{offers:?}");
    assert_eq!(status(&api)["foreignServers"][0], OTHER.to_string());
    let path = format!("/agents/default/{POOL}/clients/{CARD}");
    let (_, told) = lan.host.within(move || get(ADMIN.parse().unwrap(), &path)).unwrap();
    assert!(told.contains("stands_down"), "{told}");
    let explained = api.run(&format!("lease inspect {CARD}"));
    assert!(explained.contains("set spec.ipv4Config.foreignServerPolicy to Warn"), "{explained}");

    // It is gone for good.
    other.stop();
    offers_until(SERVER, FORGETTING, &vm, &capture);
    assert_eq!(other_server(&api), None);
    let ack = wire::exchange(&vm, wire::reboot(CARD, ADDRESS), wire::PATIENCE).unwrap();
    assert_eq!(wire::kind(&ack), Some(dhcproto::v4::MessageType::Ack));
    until("mark of the first lease", PATIENCE, || {
        status(&api)["firstAcknowledged"].is_string().then_some(())
    });

    // It comes back, is told of, and changes nothing; not even for an agent that starts beside it.
    let _other = dnsmasq(&host_of_other, &folder);
    offers_until(OTHER, PATIENCE, &vm, &capture);
    until("pool that serves beside another server", PATIENCE, || {
        (other_server(&api).as_deref() == Some("ForeignServer")).then_some(())
    });
    offers_until(SERVER, PATIENCE, &vm, &capture);
    server.process.stop();
    let _server = api.serve(&lan.host, "lan", POOL);
    offers_until(SERVER, Duration::from_secs(4), &vm, &capture);
}
