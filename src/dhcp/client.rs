//! What single clients are told by the word of their VMs, as the pool's status has it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Extras;
use crate::api::IPv4Status;
use crate::mac::MacAddr;
use crate::pool::{DhcpOption, card_options, is_host_name};

/// What one card is told of its VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The card; whoever else has its address is not told.
    pub mac: MacAddr,
    /// Name of the VM (option 12), where its reservation has none.
    pub hostname: Option<String>,
    /// Its options, over all others.
    pub options: Vec<DhcpOption>,
}

impl Extras {
    /// What a pool's status tells beside its allocations. What cannot be read is left out.
    pub fn of_status(status: &IPv4Status) -> Self {
        let card = |address: &str| {
            let mac = status.allocated.get(address)?.parse().ok()?;
            Some((address.parse::<Ipv4Addr>().ok()?, Client { mac, hostname: None, options: Vec::new() }))
        };
        let mut clients = BTreeMap::new();
        for (address, name) in status.hostnames.iter().filter(|(_, name)| is_host_name(name)) {
            let Some((address, client)) = card(address) else { continue };
            clients.insert(address, Client { hostname: Some(name.to_string()), ..client });
        }
        for (address, declared) in &status.client_options {
            let (Some((address, client)), Ok(options)) = (card(address), card_options("", declared)) else {
                continue;
            };
            clients.entry(address).or_insert(client).options = options;
        }
        let network_mtu = status.network_mtu.and_then(|mtu| u16::try_from(mtu).ok());
        Self { clients: Arc::new(clients), network_mtu, ..Self::default() }
    }
}
