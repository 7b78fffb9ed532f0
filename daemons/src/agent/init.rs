//! Puts an agent's interface in order before the agent starts: the step of an init container, which has CAP_NET_ADMIN
//! so that the agent need not have it.
//!
//! The kernel of the Pod must be deaf on the VM network. It has no address there (the CNI may have given it one, and
//! the agent itself answers for the server's), forwards nothing that comes in by it, answers no ARP, and drops what
//! comes from there to any other address of the Pod. Packet sockets hear everything all the same.
//!
//! It is done by netlink, because /proc/sys may only be read in a container. By netlink alone the kernel cannot be kept
//! from taking an IPv6 address out of a router's advertisement: where /proc/sys may be written IPv6 is switched off on
//! the interface; elsewhere nothing of the agent listens at such an address.

use std::fs;
use std::io;

use futures::TryStreamExt;
use nix::net::if_::if_nametoindex;
use rtnetlink::packet_core::{DefaultNla, NLA_F_NESTED};
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute, LinkMessage,
};
use rtnetlink::{Handle, LinkUnspec};

/// `IFLA_INET_CONF` (linux/if_link.h), and three numbers of `IPV4_DEVCONF_…` (linux/ip.h).
const INET_CONF: u16 = 1;
const FORWARDING: u16 = 1;
const RP_FILTER: u16 = 8;
const ARP_IGNORE: u16 = 19;

/// What the kernel is told: forward nothing, take nothing from whom it would not send to by this interface (which is
/// nobody, as it has no route there), and answer no ARP at all.
const SETTINGS: [(u16, u32); 3] = [(FORWARDING, 0), (RP_FILTER, 1), (ARP_IGNORE, 8)];

/// Why an interface could not be put in order.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is none of that name.
    #[error("there is no interface {interface} here; Multus should have put it into the Pod")]
    NoInterface {
        /// As given.
        interface: String,
    },
    /// There is no netlink here.
    #[error("a netlink socket cannot be opened: {0}")]
    Netlink(#[from] io::Error),
    /// The kernel refused a step.
    #[error("{interface}: {step}: {source}; it takes the capability NET_ADMIN")]
    Step {
        /// Of which interface.
        interface: String,
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: Box<rtnetlink::Error>,
    },
    /// It is not as it was told to be.
    #[error("{path} is {found:?} and not 0: what comes in by this interface would be forwarded")]
    Forwards {
        /// Where the kernel says so.
        path: String,
        /// What it says.
        found: String,
    },
}

/// Puts it in order. Doing it again changes nothing.
pub async fn prepare_interface(interface: &str) -> Result<(), InitError> {
    let index =
        if_nametoindex(interface).map_err(|_| InitError::NoInterface { interface: interface.to_owned() })?;
    let failed = |step| {
        let interface = interface.to_owned();
        move |source| InitError::Step { interface, step, source: Box::new(source) }
    };
    let (connection, netlink, _messages) = rtnetlink::new_connection()?;
    // The connection ends when the handle is dropped.
    tokio::spawn(connection);

    let settings = AfSpecUnspec::Inet(vec![AfSpecInet::Other(devconf(&SETTINGS))]);
    set(&netlink, index, settings).await.map_err(failed("switching IPv4 forwarding off"))?;
    // Before the interface comes up, and makes itself an address. Where there is no IPv6 there is nothing to do.
    let no_address = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]);
    if let Err(error) = set(&netlink, index, no_address).await {
        tracing::debug!(interface, %error, "the interface may make itself an IPv6 address");
    }
    switch_ipv6_off(interface);
    flush(&netlink, index).await.map_err(failed("taking its addresses away"))?;
    let up = LinkUnspec::new_with_index(index).up().build();
    netlink.link().set(up).execute().await.map_err(failed("bringing it up"))?;
    check_forwarding(interface)?;
    tracing::info!(interface, "the interface is up, without addresses, and nothing is forwarded from it");
    Ok(())
}

/// `IFLA_INET_CONF` with one nested attribute a setting. The crate's own type leaves out what is zero.
fn devconf(settings: &[(u16, u32)]) -> DefaultNla {
    let attribute = |(number, value): &(u16, u32)| {
        let head = [8_u16.to_ne_bytes(), number.to_ne_bytes()].concat();
        [head, value.to_ne_bytes().to_vec()].concat()
    };
    DefaultNla::new(INET_CONF | NLA_F_NESTED, settings.iter().flat_map(attribute).collect())
}

async fn set(netlink: &Handle, index: u32, settings: AfSpecUnspec) -> Result<(), rtnetlink::Error> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes = vec![LinkAttribute::AfSpecUnspec(vec![settings])];
    netlink.link().set(message).execute().await
}

/// Takes all addresses away, of both families.
async fn flush(netlink: &Handle, index: u32) -> Result<(), rtnetlink::Error> {
    let addresses = netlink.address().get().set_link_index_filter(index).execute();
    let addresses: Vec<AddressMessage> = addresses.try_collect().await?;
    for address in addresses {
        match netlink.address().del(address).execute().await {
            // A secondary address has gone together with its primary one.
            Err(rtnetlink::Error::NetlinkError(message)) if is_absent(&message.to_io()) => {}
            other => other?,
        }
    }
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
}

/// Where /proc/sys may be written, and there is IPv6.
fn switch_ipv6_off(interface: &str) {
    for (setting, value) in [("disable_ipv6", "1"), ("forwarding", "0")] {
        let path = format!("/proc/sys/net/ipv6/conf/{interface}/{setting}");
        if let Err(error) = fs::write(&path, value) {
            tracing::debug!(path, %error, "it stays as it is");
        }
    }
}

/// What the kernel says of it, whatever it was told.
fn check_forwarding(interface: &str) -> Result<(), InitError> {
    for family in ["ipv4", "ipv6"] {
        let path = format!("/proc/sys/net/{family}/conf/{interface}/forwarding");
        match fs::read_to_string(&path) {
            Ok(found) if found.trim() != "0" => {
                return Err(InitError::Forwards { path, found: found.trim().to_owned() });
            }
            Ok(_) => {}
            // A kernel without that family forwards nothing of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(InitError::Forwards { path, found: error.to_string() }),
        }
    }
    Ok(())
}
