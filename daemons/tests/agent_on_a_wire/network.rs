//! A network of the test's own: the test runs again in new namespaces, with a cable between two cards.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::net::if_::InterfaceFlags;
use rtnetlink::{LinkUnspec, LinkVeth};

/// The end of the cable that the agent serves.
pub(crate) const AGENT_END: &str = "agent0";
/// The end of the cable that clients are on.
pub(crate) const CLIENT_END: &str = "client0";

/// Set in the process that has a network of its own.
const INSIDE: &str = "VMDHCP_TEST_IN_NETWORK";
const UNSHARE: [&str; 3] = ["--map-root-user", "--net", "--mount"];

/// Runs the test of this name in a network of its own, or says why that is not possible here.
pub(crate) fn alone(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            lay_cable().await;
            test.await;
        });
        return;
    }
    match Command::new("unshare").args(UNSHARE).arg("true").output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            eprintln!("SKIPPED {name}: no namespaces can be made here: {why}");
            return;
        }
        Err(why) => {
            eprintln!("SKIPPED {name}: the program unshare (util-linux) cannot be run: {why}");
            return;
        }
    }
    let output = Command::new("unshare")
        .args(UNSHARE)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let has_run = stdout.contains("1 passed");
    assert!(output.status.success() && has_run, "{stdout}{}", String::from_utf8_lossy(&output.stderr));
}

async fn lay_cable() {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    handle.link().add(LinkVeth::new(AGENT_END, CLIENT_END).build()).execute().await.unwrap();
    for end in [AGENT_END, CLIENT_END] {
        let index = nix::net::if_::if_nametoindex(end).unwrap();
        handle.link().set(LinkUnspec::new_with_index(index).up().build()).execute().await.unwrap();
    }
    forward(false);
}

/// Whether the host forwards what comes in by the agent's end.
pub(crate) fn forward(on: bool) {
    fs::write(format!("/proc/sys/net/ipv4/conf/{AGENT_END}/forwarding"), if on { "1" } else { "0" }).unwrap();
}

/// What /proc says of an IPv4 setting at the agent's end.
pub(crate) fn setting(name: &str) -> String {
    let value = fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{AGENT_END}/{name}")).unwrap();
    value.trim().to_owned()
}

/// Makes /proc/sys what it is in a container: something to read.
pub(crate) fn protect_settings() {
    for line in ["mount --bind /proc/sys /proc/sys", "mount -o remount,bind,ro /proc/sys"] {
        let mut words = line.split(' ');
        assert!(Command::new(words.next().unwrap()).args(words).status().unwrap().success(), "{line}");
    }
    assert!(fs::write(format!("/proc/sys/net/ipv4/conf/{AGENT_END}/forwarding"), "1").is_err());
}

/// Gives an interface an address.
pub(crate) async fn add_address(interface: &str, address: std::net::IpAddr, prefix_length: u8) {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    let index = nix::net::if_::if_nametoindex(interface).unwrap();
    handle.address().add(index, address, prefix_length).execute().await.unwrap();
}

/// Switches an interface on or off.
pub(crate) async fn switch(interface: &str, on: bool) {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    let link = LinkUnspec::new_with_index(nix::net::if_::if_nametoindex(interface).unwrap());
    handle.link().set(if on { link.up() } else { link.down() }.build()).execute().await.unwrap();
}

/// Gives the card at the agent's end another address.
pub(crate) async fn set_card(mac: [u8; 6]) {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    let index = nix::net::if_::if_nametoindex(AGENT_END).unwrap();
    let change = LinkUnspec::new_with_index(index).address(mac.to_vec()).build();
    handle.link().set(change).execute().await.unwrap();
}

/// Pulls the cable out: both ends are gone.
pub(crate) async fn remove_cable() {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    let index = nix::net::if_::if_nametoindex(AGENT_END).unwrap();
    handle.link().del(index).execute().await.unwrap();
}

/// Whether an interface is up, and the cable too.
pub(crate) fn is_running(interface: &str) -> bool {
    let running = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let mut entries = nix::ifaddrs::getifaddrs().unwrap();
    entries.any(|entry| entry.interface_name == interface && entry.flags.contains(running))
}

/// IPv4 addresses that the kernel has on the agent's end.
pub(crate) fn kernel_addresses() -> Vec<std::net::Ipv4Addr> {
    let addresses = nix::ifaddrs::getifaddrs().unwrap().filter(|entry| entry.interface_name == AGENT_END);
    addresses.filter_map(|entry| Some(entry.address?.as_sockaddr_in()?.ip())).collect()
}

/// IPv6 addresses that the kernel has on the agent's end.
pub(crate) fn kernel_addresses_v6() -> Vec<std::net::Ipv6Addr> {
    let addresses = nix::ifaddrs::getifaddrs().unwrap().filter(|entry| entry.interface_name == AGENT_END);
    addresses.filter_map(|entry| Some(entry.address?.as_sockaddr_in6()?.ip())).collect()
}

/// Waits until it holds, for ten seconds at most.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
