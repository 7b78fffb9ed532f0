//! Who has the server address: the host's kernel, or the agent on its packet socket.
//!
//! In a pod the kernel has it not, and the agent answers ARP for it. On a single host the kernel may have it, because
//! the interface is the network's gateway; then it is used as it is. Where the host forwards for that network but
//! lacks the address, it is added for as long as the agent runs.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::TryStreamExt;
use nix::sys::socket::SockaddrIn;
use rtnetlink::Handle;
use socket2::{Domain, Protocol, Socket, Type};

use super::arp;
use super::filter;
use super::interface::Interface;
use super::packet_socket::PacketSocket;
use super::state::State;
use crate::runtime::Shutdown;

/// How often it is looked whether somebody gave the kernel the address, or took it away.
const PERIOD: Duration = Duration::from_secs(10);
const SERVER_PORT: u16 = 67;

/// Who is to have the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// The kernel has it: nothing is done.
    Kernel,
    /// The kernel gets it.
    KernelToBe,
    /// The agent answers for it.
    Agent,
}

const fn decide(kernel_has_it: bool, host_forwards: bool) -> Ownership {
    match (kernel_has_it, host_forwards) {
        (true, _) => Ownership::Kernel,
        (false, true) => Ownership::KernelToBe,
        (false, false) => Ownership::Agent,
    }
}

/// What is in place for one address.
struct Held {
    address: Ipv4Addr,
    prefix_length: u8,
    ownership: Ownership,
    /// Keeps the kernel from answering DHCP packets with "port unreachable".
    _port: Option<Socket>,
}

/// Sees to it that the server address is answered for, until `shutdown`; then undoes what it did to the host.
pub(crate) async fn keep(socket: &PacketSocket, state: &State, shutdown: &Shutdown) {
    let interface = socket.interface();
    let mut changes = state.changes();
    let mut ticks = tokio::time::interval(PERIOD);
    let mut held: Option<Held> = None;
    let mut announced_by = None;
    loop {
        tokio::select! {
            () = shutdown.wait() => break,
            changed = changes.changed() => if changed.is_err() { break },
            _ = ticks.tick() => {}
        }
        let wanted = state
            .serving()
            .as_ref()
            .map(|serving| (serving.table.server(), serving.table.subnet().prefix_len()));
        let is_right = match (&held, wanted) {
            (None, None) => true,
            (Some(held), Some((address, _))) if held.address == address => {
                // What we added ourselves counts as added.
                (held.ownership != Ownership::Agent) == kernel_has(interface, address)
            }
            _ => false,
        };
        if !is_right {
            if let Some(held) = held.take() {
                give_up(interface, state, held).await;
            }
            if let Some((address, prefix_length)) = wanted {
                held = Some(take(interface, state, address, prefix_length).await);
            }
        } else if announced_by == Some(interface.mac()) {
            continue;
        }
        announced_by = Some(interface.mac());
        if let Some(Held { address, .. }) = held {
            tokio::select! {
                () = arp::announce(socket, address) => {}
                () = shutdown.wait() => break,
            }
        }
    }
    if let Some(held) = held {
        give_up(interface, state, held).await;
    }
}

async fn take(interface: &Interface, state: &State, address: Ipv4Addr, prefix_length: u8) -> Held {
    let mut ownership = decide(kernel_has(interface, address), forwards(interface));
    if ownership == Ownership::KernelToBe
        && let Err(error) = add(interface, address, prefix_length).await
    {
        tracing::warn!(
            interface = %interface.name, %address, %error,
            "the host forwards for this network, but the server address could not be added to it; \
             the agent answers ARP for it instead"
        );
        ownership = Ownership::Agent;
    }
    let answers = ownership == Ownership::Agent;
    state.owns_server_address.store(answers, Ordering::Relaxed);
    let port = if answers { None } else { occupy_port(interface) };
    tracing::info!(interface = %interface.name, %address, ?ownership, "the server address is answered for");
    Held { address, prefix_length, ownership, _port: port }
}

async fn give_up(interface: &Interface, state: &State, held: Held) {
    state.owns_server_address.store(false, Ordering::Relaxed);
    if held.ownership == Ownership::KernelToBe
        && let Err(error) = remove(interface, held.address, held.prefix_length).await
    {
        tracing::warn!(
            interface = %interface.name, address = %held.address, %error,
            "the server address could not be taken off the interface again"
        );
    }
}

/// Whether the kernel has this address on this interface.
fn kernel_has(interface: &Interface, address: Ipv4Addr) -> bool {
    let Ok(all) = nix::ifaddrs::getifaddrs() else { return false };
    all.filter(|entry| entry.interface_name == interface.name)
        .filter_map(|entry| entry.address.and_then(|address| address.as_sockaddr_in().map(SockaddrIn::ip)))
        .any(|found| found == address)
}

/// Whether the host forwards what comes in by this interface.
fn forwards(interface: &Interface) -> bool {
    fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{}/forwarding", interface.name))
        .is_ok_and(|value| value.trim() == "1")
}

/// Binds port 67 on this interface alone, without ever reading from it: the packet socket does.
fn occupy_port(interface: &Interface) -> Option<Socket> {
    let bind = || -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.attach_filter(&filter::nothing())?;
        socket.bind_device(Some(interface.name.as_bytes()))?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT).into())?;
        Ok(socket)
    };
    match bind() {
        Ok(socket) => Some(socket),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(
                interface = %interface.name,
                "another process of this host has the DHCP port on this interface: two servers may answer"
            );
            None
        }
        Err(error) => {
            tracing::warn!(
                interface = %interface.name, %error,
                "UDP port 67 cannot be bound; clients may be told that it is unreachable, and still be answered"
            );
            None
        }
    }
}

/// Why the kernel's addresses could not be changed.
#[derive(Debug, thiserror::Error)]
enum NetlinkError {
    #[error("a netlink socket cannot be opened: {0}")]
    Open(#[from] io::Error),
    #[error("netlink: {0}")]
    Request(#[from] rtnetlink::Error),
}

async fn add(interface: &Interface, address: Ipv4Addr, prefix_length: u8) -> Result<(), NetlinkError> {
    with_netlink(async |handle| {
        handle.address().add(interface.index(), IpAddr::V4(address), prefix_length).execute().await
    })
    .await
}

async fn remove(interface: &Interface, address: Ipv4Addr, prefix_length: u8) -> Result<(), NetlinkError> {
    with_netlink(async |handle| {
        let mut matching = handle
            .address()
            .get()
            .set_link_index_filter(interface.index())
            .set_prefix_length_filter(prefix_length)
            .set_address_filter(IpAddr::V4(address))
            .execute();
        while let Some(message) = matching.try_next().await? {
            handle.address().del(message).execute().await?;
        }
        Ok(())
    })
    .await
}

async fn with_netlink(
    work: impl AsyncFnOnce(Handle) -> Result<(), rtnetlink::Error>,
) -> Result<(), NetlinkError> {
    let (connection, handle, _messages) = rtnetlink::new_connection()?;
    // The connection ends when the handle is dropped.
    tokio::spawn(connection);
    Ok(work(handle).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_has_is_left_to_it_and_a_router_is_given_the_address() {
        assert_eq!(decide(true, false), Ownership::Kernel);
        assert_eq!(decide(true, true), Ownership::Kernel);
        assert_eq!(decide(false, true), Ownership::KernelToBe);
        assert_eq!(decide(false, false), Ownership::Agent);
    }
}
