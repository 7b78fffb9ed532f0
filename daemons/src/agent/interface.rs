//! The network interface that an agent serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::LinkAddr;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage};
use tokio::time::MissedTickBehavior;
use vmdhcp_core::MacAddr;

use super::packet_socket::SocketError;
use super::sightings::{card_of, key_of};
use super::state::State;

/// ARPHRD_ETHER (linux/if_arp.h).
const ETHERNET: u16 = 1;
/// How often it is looked whether the card has another address.
const PERIOD: Duration = Duration::from_secs(1);

/// A network interface with Ethernet on it.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) name: String,
    link: LinkAddr,
    /// What it had when it was found.
    first_mac: MacAddr,
    /// What it has now, as [`key_of`] writes it.
    mac: AtomicU64,
}

impl Interface {
    /// Finds the interface of that name.
    pub(crate) fn find(name: &str) -> Result<Arc<Self>, SocketError> {
        let interface = || name.to_owned();
        let link = nix::ifaddrs::getifaddrs()
            .map_err(SocketError::List)?
            .filter(|entry| entry.interface_name == name)
            .find_map(|entry| entry.address.as_ref().and_then(|address| address.as_link_addr()).copied())
            .ok_or_else(|| SocketError::NoInterface { interface: interface() })?;
        let mac = link.addr().and_then(|bytes| MacAddr::new(bytes).ok());
        match mac {
            Some(mac) if link.hatype() == ETHERNET => Ok(Arc::new(Self {
                name: interface(),
                link,
                first_mac: mac,
                mac: AtomicU64::new(key_of(mac)),
            })),
            _ => Err(SocketError::NotEthernet { interface: interface() }),
        }
    }

    /// Its number in the kernel.
    pub(crate) fn index(&self) -> u32 {
        // The kernel's own type is a signed 32 bit number above zero.
        u32::try_from(self.link.ifindex()).unwrap_or_default()
    }

    /// What a packet socket is bound to.
    pub(crate) const fn link(&self) -> &LinkAddr {
        &self.link
    }

    /// The address of its card.
    pub(crate) fn mac(&self) -> MacAddr {
        card_of(self.mac.load(Ordering::Relaxed)).unwrap_or(self.first_mac)
    }

    /// Whether it is still there, and still the same one.
    pub(crate) fn exists(&self) -> bool {
        if_nametoindex(self.name.as_str()) == Ok(self.index())
    }

    /// Whether something is plugged in: who hears nothing must not take that for silence.
    pub(crate) fn has_carrier(&self) -> bool {
        let carrier = std::fs::read_to_string(format!("/sys/class/net/{}/carrier", self.name));
        carrier.is_ok_and(|carrier| carrier.trim() == "1")
    }

    /// Follows the card's address for as long as it is polled: a Linux bridge takes that of another port when ports
    /// come and go, unless it was given one.
    pub(crate) async fn follow_mac(&self, state: &State) {
        let (connection, handle, _messages) = match rtnetlink::new_connection() {
            Ok(parts) => parts,
            Err(error) => {
                tracing::warn!(interface = %self.name, %error, "a change of the card's address will not be seen");
                return;
            }
        };
        tokio::spawn(connection);
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let link = handle.link().get().match_index(self.index()).execute().try_next().await;
            if let Ok(Some(link)) = link
                && let Some(mac) = mac_of(&link)
                && mac != self.mac()
            {
                tracing::info!(interface = %self.name, from = %self.mac(), to = %mac, "the card has another address");
                self.mac.store(key_of(mac), Ordering::Relaxed);
                state.notify();
            }
        }
    }
}

fn mac_of(link: &LinkMessage) -> Option<MacAddr> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Address(bytes) => MacAddr::new(bytes.as_slice().try_into().ok()?).ok(),
        _ => None,
    })
}
