//! All that is needed to answer: leases, and options ready for the wire.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::encoded::{EncodedOptions, value};
use super::levels::{EncodedBoot, EncodedClass, Levels};
use super::own_options::OwnOptions;
use super::{Client, Request, Timers, code};
use crate::ipam::Allocations;
use crate::mac::MacAddr;
use crate::pool::Pool;

/// A lease, by its place in the table that it was asked of: 0 up to [`LeaseTable::len`], in the order of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u32);

/// What is known beside the pool's object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extras {
    /// MTU of the VM network in bytes, where the pool declares none.
    pub network_mtu: Option<u16>,
    /// Addresses of those time servers that the pool has by name.
    pub resolved_ntp: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Addresses that the server had before, under which clients may still ask for it.
    pub previous_servers: Vec<Ipv4Addr>,
    /// Addresses that go on being granted although the pool has lost them: a card that has another is not offered them.
    pub carried: BTreeSet<Ipv4Addr>,
    /// Cards of Harvester's route helper, which looks for a DHCP server to learn the network's router from it.
    pub route_helpers: BTreeSet<MacAddr>,
    /// What VMs say of their cards, by the address that a card has.
    pub clients: Arc<BTreeMap<Ipv4Addr, Client>>,
}

/// Leases and options of one pool at one moment. It is never changed: a change of the pool makes a new one.
#[derive(Debug, Clone)]
pub struct LeaseTable {
    pub(super) server: Ipv4Addr,
    previous_servers: Vec<Ipv4Addr>,
    subnet: Ipv4Net,
    has_router: bool,
    mtu: u16,
    lease_time: u32,
    lease_bounds: (u32, u32),
    /// In the order of addresses.
    leases: Vec<(Ipv4Addr, MacAddr)>,
    by_mac: HashMap<MacAddr, LeaseId>,
    /// Pairs that are no more, in the order of addresses.
    lost: Vec<(Ipv4Addr, MacAddr)>,
    route_helpers: BTreeSet<MacAddr>,
    options: EncodedOptions,
    /// What is booted: the first that matches the client counts.
    boot: Vec<EncodedBoot>,
    /// Options of clients of one sort, over those of the pool.
    classes: Vec<EncodedClass>,
    /// Options of single cards, over both.
    own: OwnOptions,
    /// Where relay agents that are answered are; empty means anywhere.
    relays: Vec<Ipv4Net>,
}

impl LeaseTable {
    /// The table of a pool and its allocations.
    ///
    /// A card that has several addresses goes on being granted all of them, and is offered the reserved one, else the
    /// lowest of those that the pool has for it, else the lowest.
    pub fn build(pool: &Pool, allocations: &Allocations, extras: &Extras) -> Self {
        let Extras { network_mtu, resolved_ntp: _, previous_servers, carried, route_helpers, clients } =
            extras;
        let leases: Vec<_> = allocations.held.iter().map(|(address, mac)| (*address, *mac)).collect();
        let mut by_mac = HashMap::with_capacity(leases.len());
        let mut own = OwnOptions::default();
        for (id, (address, mac)) in (0..).map(LeaseId).zip(&leases) {
            let reservation = pool.reservations.get(mac);
            if reservation.is_some_and(|reservation| reservation.address == Some(*address)) {
                by_mac.insert(*mac, id);
            } else if !carried.contains(address) {
                by_mac.entry(*mac).or_insert(id);
            }
            let client = clients.get(address).filter(|client| client.mac == *mac);
            if reservation.is_some() || client.is_some() {
                own.push(id, &EncodedOptions::of_card(reservation, client));
            }
        }
        own.shrink();
        for (id, (_, mac)) in
            (0..).map(LeaseId).zip(&leases).filter(|(_, (address, _))| carried.contains(address))
        {
            by_mac.entry(*mac).or_insert(id);
        }
        let lost = allocations.retiring.iter().map(|(address, retiring)| (*address, retiring.mac)).collect();
        Self {
            server: pool.server,
            previous_servers: previous_servers.clone(),
            subnet: pool.cidr,
            has_router: pool.router.is_some(),
            mtu: pool.options.mtu.or(*network_mtu).unwrap_or(u16::MAX),
            lease_time: pool.options.lease_time,
            lease_bounds: pool.options.lease_bounds,
            leases,
            by_mac,
            lost,
            route_helpers: route_helpers.clone(),
            options: EncodedOptions::of_pool(pool, extras),
            boot: pool.options.boot.as_ref().map(EncodedBoot::of_pool).unwrap_or_default(),
            classes: pool.options.classes.iter().map(EncodedClass::of).collect(),
            own,
            relays: pool.options.relays.clone(),
        }
    }

    /// Address of the server (option 54).
    pub const fn server(&self) -> Ipv4Addr {
        self.server
    }

    /// Subnet of the clients.
    pub const fn subnet(&self) -> Ipv4Net {
        self.subnet
    }

    /// How many leases there are.
    pub const fn len(&self) -> usize {
        self.leases.len()
    }

    /// Whether there is no lease.
    pub const fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// The lease of this card.
    pub fn lookup(&self, mac: MacAddr) -> Option<LeaseId> {
        self.by_mac.get(&mac).copied()
    }

    /// Card and address of a lease; none if the number is of another table.
    pub fn lease(&self, id: LeaseId) -> Option<(MacAddr, Ipv4Addr)> {
        let index = usize::try_from(id.0).ok()?;
        self.leases.get(index).map(|(address, mac)| (*mac, *address))
    }

    /// All leases, in the order of addresses.
    pub fn iter(&self) -> impl Iterator<Item = (LeaseId, MacAddr, Ipv4Addr)> {
        (0..).map(LeaseId).zip(&self.leases).map(|(id, (address, mac))| (id, *mac, *address))
    }

    /// The lease of this address.
    pub fn holder(&self, address: Ipv4Addr) -> Option<LeaseId> {
        let index = self.leases.binary_search_by_key(&address, |(address, _)| *address).ok()?;
        u32::try_from(index).ok().map(LeaseId)
    }

    /// The lease by which the card has this very address.
    pub(super) fn holds(&self, mac: MacAddr, address: Ipv4Addr) -> Option<LeaseId> {
        let is_it = |id: &LeaseId| self.lease(*id) == Some((mac, address));
        self.lookup(mac).filter(is_it).or_else(|| self.holder(address).filter(is_it))
    }

    /// Whether the card had this address and has lost it.
    pub(super) fn has_lost(&self, mac: MacAddr, address: Ipv4Addr) -> bool {
        self.lost.binary_search(&(address, mac)).is_ok()
    }

    /// Whether this is, or was, the address of the server.
    pub fn is_server(&self, address: Ipv4Addr) -> bool {
        address == self.server || self.previous_servers.contains(&address)
    }

    /// Whether the card is one of a route helper.
    pub fn is_route_helper(&self, mac: MacAddr) -> bool {
        self.route_helpers.contains(&mac)
    }

    /// Whether clients are told a default gateway.
    pub(super) const fn has_router(&self) -> bool {
        self.has_router
    }

    /// Whether a host on the link, other than the server, can have this address.
    pub(super) fn is_host(&self, address: Ipv4Addr) -> bool {
        let ends = [self.subnet.network(), self.subnet.broadcast()];
        self.subnet.contains(&address)
            && address != self.server
            && (self.subnet.prefix_len() > 30 || !ends.contains(&address))
    }

    /// MTU of the clients' link, as far as it is known.
    pub(super) const fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Lease in seconds for a client that asks for so many, or for none.
    pub fn lease_time(&self, asked: Option<u32>) -> u32 {
        let (shortest, longest) = self.lease_bounds;
        asked.map_or(self.lease_time, |asked| asked.min(longest).max(shortest))
    }

    /// The options of the client that sent this, which has this lease, or none.
    pub(super) fn levels(&self, request: &Request<'_>, lease: Option<LeaseId>) -> Levels<'_> {
        self.levels_of(lease).for_client(request)
    }

    /// The options of whoever has this lease and says nothing of itself.
    fn levels_of(&self, lease: Option<LeaseId>) -> Levels<'_> {
        let own = lease.map(|id| self.own.of(id)).unwrap_or_default();
        Levels::new(own, &self.classes, &self.options, &self.boot)
    }

    /// Whether this client may select its subnet (RFC 3011 section 6: not unless the administrator says so): it comes by
    /// a relay agent that the pool names.
    pub(super) fn lets_select_subnet(&self, request: &Request<'_>) -> bool {
        request.is_relayed() && !self.relays.is_empty() && self.is_relay(request.giaddr())
    }

    /// Whether this relay agent is one that is answered.
    pub(super) fn is_relay(&self, relay: Ipv4Addr) -> bool {
        self.relays.is_empty() || self.relays.iter().any(|relays| relays.contains(&relay))
    }

    /// Number and value of every option that the client of this lease is sent if it asks for all and is of no class, in
    /// ascending order; none if the number is of another table.
    pub fn options_for(&self, id: LeaseId) -> Vec<(u8, Vec<u8>)> {
        let Some((mac, _)) = self.lease(id) else { return Vec::new() };
        let lease_time = self.lease_time(None);
        let levels = self.levels_of(Some(id));
        let mut options: BTreeMap<u8, Vec<u8>> =
            levels.codes().filter_map(|code| Some((code, value(levels.get(code)?)?))).collect();
        options.insert(code::LEASE_TIME, lease_time.to_be_bytes().to_vec());
        options.insert(code::SERVER_IDENTIFIER, self.server.octets().to_vec());
        if let Some(Timers { renewal, rebinding }) = Timers::of(mac, lease_time) {
            options.insert(code::RENEWAL_TIME, renewal.to_be_bytes().to_vec());
            options.insert(code::REBINDING_TIME, rebinding.to_be_bytes().to_vec());
        }
        options.into_iter().collect()
    }
}
