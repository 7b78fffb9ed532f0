//! Options as the bytes that go out, encoded once when a table is built.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use dhcproto::{Encodable, Encoder, Name};

use super::received::Codes;
use super::table::Extras;
use super::{Client, code};
use crate::pool::{self, Class, NtpServer, Pool, Reservation};

/// Options by number, each with its bytes on the wire: number, length and value, in several parts where the value
/// is longer than 255 bytes (RFC 3396).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EncodedOptions {
    by_number: BTreeMap<u8, Box<[u8]>>,
    /// Most options that a client asks for are on few levels.
    present: Codes,
}

impl EncodedOptions {
    /// What every client of the pool is sent.
    pub(super) fn of_pool(pool: &Pool, extras: &Extras) -> Self {
        let options = &pool.options;
        let mut encoded = Self::default();
        encoded.insert(&DhcpOption::SubnetMask(pool.cidr.netmask()));
        if pool.cidr.prefix_len() <= 30 {
            encoded.insert(&DhcpOption::BroadcastAddr(pool.cidr.broadcast()));
        }
        if let Some(router) = pool.router {
            encoded.insert(&DhcpOption::Router(vec![router]));
        }
        if !options.dns.is_empty() {
            encoded.insert(&DhcpOption::DomainNameServer(options.dns.clone()));
        }
        if let Some(domain) = &options.domain_name {
            encoded.insert(&DhcpOption::DomainName(domain.clone()));
        }
        if let Some(mtu) = options.mtu.or(extras.network_mtu) {
            encoded.insert(&DhcpOption::InterfaceMtu(mtu));
        }
        let ntp = time_servers(&options.ntp, &extras.resolved_ntp);
        if !ntp.is_empty() {
            encoded.insert(&DhcpOption::NtpServers(ntp));
        }
        let search: Vec<Name> =
            options.domain_search.iter().filter_map(|domain| Name::from_ascii(domain).ok()).collect();
        if !search.is_empty() {
            encoded.insert(&DhcpOption::DomainSearch(search));
        }
        encoded.insert_routes(pool);
        encoded.insert_all(&options.extra);
        encoded
    }

    /// What one card is sent instead of, or beside, what the others are: by its VM's name, its reservation, and its VM's
    /// annotation, each over those before.
    pub(super) fn of_card(reservation: Option<&Reservation>, client: Option<&Client>) -> Self {
        let mut encoded = Self::default();
        let hostname = reservation.and_then(|reservation| reservation.hostname.as_ref());
        if let Some(hostname) = hostname.or(client.and_then(|client| client.hostname.as_ref())) {
            encoded.insert_value(code::HOSTNAME, hostname.clone().into_bytes());
        }
        encoded.insert_all(reservation.map_or(&[], |reservation| &reservation.options));
        encoded.insert_all(client.map_or(&[], |client| &client.options));
        encoded
    }

    /// What the clients of a class are sent.
    pub(super) fn of_class(class: &Class) -> Self {
        let mut encoded = Self::default();
        encoded.insert_all(&class.options);
        encoded
    }

    /// What network boot tells, beside the header: its server by name and by address (RFC 5859), and its file.
    pub(super) fn of_boot(next_server: Option<Ipv4Addr>, file: Option<&str>) -> Self {
        let mut encoded = Self::default();
        if let Some(address) = next_server {
            encoded.insert_value(code::TFTP_SERVER_NAME, address.to_string().into_bytes());
            encoded.insert_value(code::TFTP_SERVER_ADDRESS, address.octets().to_vec());
        }
        if let Some(file) = file {
            encoded.insert_value(code::BOOT_FILE, file.as_bytes().to_vec());
        }
        encoded
    }

    /// Options 121 and 249. Who reads them ignores option 3 (RFC 3442), so the default route is among them.
    fn insert_routes(&mut self, pool: &Pool) {
        let mut routes = pool.options.routes.clone();
        if routes.is_empty() {
            return;
        }
        if let Some(router) = pool.router
            && !routes.iter().any(|(to, _)| to.prefix_len() == 0)
        {
            routes.insert(0, (ipnet::Ipv4Net::default(), router));
        }
        self.insert(&DhcpOption::ClasslessStaticRoute(routes));
        if let Some(value) = self.get(code::CLASSLESS_ROUTES).and_then(value) {
            self.insert_value(code::CLASSLESS_ROUTES_MICROSOFT, value);
        }
    }

    fn insert_all(&mut self, options: &[pool::DhcpOption]) {
        for pool::DhcpOption { code, value } in options {
            self.insert_value(*code, value.clone());
        }
    }

    fn insert_value(&mut self, code: u8, value: Vec<u8>) {
        let code = OptionCode::from(code);
        self.insert(&DhcpOption::Unknown(UnknownOption::new(code, value)));
    }

    /// An option without a value is not sent: none of those here means anything when empty.
    fn insert(&mut self, option: &DhcpOption) {
        let mut bytes = Vec::new();
        if option.encode(&mut Encoder::new(&mut bytes)).is_ok()
            && let [code, _length, _value, ..] = *bytes
            && !is_the_servers_own(code)
        {
            self.present.insert(code);
            self.by_number.insert(code, bytes.into_boxed_slice());
        }
    }

    /// The option's bytes on the wire.
    pub(super) fn get(&self, code: u8) -> Option<&[u8]> {
        if self.present.contains(code) { self.by_number.get(&code).map(AsRef::as_ref) } else { None }
    }

    /// The numbers, in ascending order.
    pub(super) fn codes(&self) -> impl Iterator<Item = u8> {
        self.by_number.keys().copied()
    }

    /// The options, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.by_number.values().map(AsRef::as_ref)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }
}

/// An option's value in one piece, from its bytes on the wire.
pub(super) fn value(mut encoded: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(encoded.len());
    while let Some((&[_, length], behind)) = encoded.split_first_chunk() {
        let (part, behind) = behind.split_at_checked(length.into())?;
        value.extend_from_slice(part);
        encoded = behind;
    }
    Some(value)
}

/// Whether an option belongs to the exchange itself, so that no pool decides about it.
fn is_the_servers_own(code: u8) -> bool {
    matches!(
        code,
        code::PAD | code::REQUESTED_ADDRESS
            ..=code::MAXIMUM_SIZE
                | code::RENEWAL_TIME
                | code::REBINDING_TIME
                | code::CLIENT_IDENTIFIER
                | code::RAPID_COMMIT
                | code::CLIENT_FQDN
                | code::RELAY_INFORMATION
                | code::MACHINE_IDENTIFIER
                | code::SUBNET_SELECTION
                | code::END
    )
}

/// Time servers in the pool's order; of a name all addresses, and none as long as it is not resolved.
fn time_servers(declared: &[NtpServer], resolved: &BTreeMap<String, Vec<Ipv4Addr>>) -> Vec<Ipv4Addr> {
    let mut servers = Vec::new();
    for server in declared {
        let addresses = match server {
            NtpServer::Address(address) => std::slice::from_ref(address),
            NtpServer::Name(name) => resolved.get(name).map_or(&[][..], Vec::as_slice),
        };
        for address in addresses {
            if !servers.contains(address) {
                servers.push(*address);
            }
        }
    }
    servers
}
