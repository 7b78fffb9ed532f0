//! DHCP options by number or by IANA name, their types, and their bytes.
//!
//! Not here: options that have a field of their own, and how they are laid out in a packet ([`crate::dhcp`]).

use std::net::Ipv4Addr;

use super::{PoolError, check};
use crate::api::OptionValue;

/// A DHCP option, ready for the wire but for splitting (RFC 3396).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpOption {
    /// Its number.
    pub code: u8,
    /// Its value; never empty.
    pub value: Vec<u8>,
}

/// How an option's value is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Ip,
    Ips,
    Text,
    U8,
    U16,
    U32,
    Bool,
    Domains,
    Routes,
    Hex,
}

impl Type {
    const ALL: [Self; 10] = [
        Self::Ip,
        Self::Ips,
        Self::Text,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::Bool,
        Self::Domains,
        Self::Routes,
        Self::Hex,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ips => "ips",
            Self::Text => "text",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::Bool => "bool",
            Self::Domains => "domains",
            Self::Routes => "routes",
            Self::Hex => "hex",
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Ip => "write one IPv4 address",
            Self::Ips => "write IPv4 addresses divided by commas",
            Self::Text => "write a text that is not empty",
            Self::U8 => "write a number from 0 to 255",
            Self::U16 => "write a number from 0 to 65535",
            Self::U32 => "write a number from 0 to 4294967295",
            Self::Bool => "write true or false",
            Self::Domains => "write domain names divided by commas",
            Self::Routes => {
                "write DESTINATION=GATEWAY divided by commas, for instance 10.0.0.0/8=192.168.48.1"
            }
            Self::Hex => "write pairs of hexadecimal digits, for instance 0a:ff",
        }
    }

    /// The bytes of a value.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        let trimmed = text.trim();
        let bytes = match self {
            Self::Ip => trimmed.parse::<Ipv4Addr>().ok()?.octets().to_vec(),
            Self::Ips => {
                let mut bytes = Vec::new();
                for part in trimmed.split(',') {
                    bytes.extend(part.trim().parse::<Ipv4Addr>().ok()?.octets());
                }
                bytes
            }
            Self::Text => text.as_bytes().to_vec(),
            Self::U8 => vec![trimmed.parse().ok()?],
            Self::U16 => trimmed.parse::<u16>().ok()?.to_be_bytes().to_vec(),
            Self::U32 => trimmed.parse::<u32>().ok()?.to_be_bytes().to_vec(),
            Self::Bool => vec![u8::from(trimmed.parse::<bool>().ok()?)],
            Self::Domains => encode_domains(trimmed)?,
            Self::Routes => encode_routes(trimmed)?,
            Self::Hex => {
                let digits: Vec<u8> = trimmed.bytes().filter(|b| !matches!(b, b':' | b' ' | b'-')).collect();
                if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                let digits = std::str::from_utf8(&digits).ok()?;
                (0..digits.len())
                    .step_by(2)
                    .filter_map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
                    .collect()
            }
        };
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// Names in the form of RFC 1035 (RFC 3397).
fn encode_domains(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for name in text.split(',') {
        for label in check::domain_name("", name.trim()).ok()?.split('.') {
            bytes.push(u8::try_from(label.len()).ok()?);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
    }
    Some(bytes)
}

/// Routes in the form of RFC 3442.
fn encode_routes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for route in text.split(',') {
        let (destination, gateway) = route.split_once('=')?;
        let destination = check::parse_subnet(destination)?.trunc();
        let significant = usize::from(destination.prefix_len()).div_ceil(8);
        bytes.push(destination.prefix_len());
        bytes.extend(destination.network().octets().iter().take(significant));
        bytes.extend(gateway.trim().parse::<Ipv4Addr>().ok()?.octets());
    }
    Some(bytes)
}

/// Options that the server answers for itself, and what to use instead.
pub(crate) const FORBIDDEN: &[(u8, &str)] = &[
    (50, "it is the client's to send"),
    (51, "use leaseTime"),
    (52, "the server overloads a packet when it has to"),
    (53, "it is the type of the message"),
    (54, "use serverIP"),
    (55, "it is the client's to send"),
    (56, "it goes with a refusal"),
    (57, "it is the client's to send"),
    (58, "it follows from leaseTime"),
    (59, "it follows from leaseTime"),
    (61, "the client's own is echoed"),
    (80, "it says that a lease was granted at once"),
    (81, "the client's own is answered"),
    (82, "the relay's own is echoed"),
    (93, "it is the client's to send"),
    (94, "it is the client's to send"),
    (97, "the client's own is echoed"),
    (118, "the client's own is echoed"),
];

/// Options by IANA name (BOOTP Vendor Extensions and DHCP Options), with the type of their value.
const NAMES: &[(&str, u8, Type)] = &[
    ("subnet-mask", 1, Type::Ip),
    ("time-offset", 2, Type::U32),
    ("router", 3, Type::Ips),
    ("time-server", 4, Type::Ips),
    ("name-server", 5, Type::Ips),
    ("domain-server", 6, Type::Ips),
    ("log-server", 7, Type::Ips),
    ("lpr-server", 9, Type::Ips),
    ("hostname", 12, Type::Text),
    ("boot-file-size", 13, Type::U16),
    ("merit-dump-file", 14, Type::Text),
    ("domain-name", 15, Type::Text),
    ("swap-server", 16, Type::Ip),
    ("root-path", 17, Type::Text),
    ("extension-file", 18, Type::Text),
    ("ip-forwarding", 19, Type::Bool),
    ("default-ip-ttl", 23, Type::U8),
    ("mtu-interface", 26, Type::U16),
    ("broadcast-address", 28, Type::Ip),
    ("router-discovery", 31, Type::Bool),
    ("arp-timeout", 35, Type::U32),
    ("default-tcp-ttl", 37, Type::U8),
    ("nis-domain", 40, Type::Text),
    ("nis-servers", 41, Type::Ips),
    ("ntp-servers", 42, Type::Ips),
    ("vendor-specific", 43, Type::Hex),
    ("netbios-name-server", 44, Type::Ips),
    ("netbios-dist-server", 45, Type::Ips),
    ("netbios-node-type", 46, Type::U8),
    ("netbios-scope", 47, Type::Text),
    ("class-id", 60, Type::Text),
    ("tftp-server-name", 66, Type::Text),
    ("bootfile-name", 67, Type::Text),
    ("smtp-server", 69, Type::Ips),
    ("pop3-server", 70, Type::Ips),
    ("user-class", 77, Type::Hex),
    ("pcode", 100, Type::Text),
    ("tcode", 101, Type::Text),
    ("ipv6-only-preferred", 108, Type::U32),
    ("captive-portal", 114, Type::Text),
    ("domain-search", 119, Type::Domains),
    ("sip-servers", 120, Type::Hex),
    ("classless-static-route", 121, Type::Routes),
    ("vi-vendor-class", 124, Type::Hex),
    ("vi-vendor-specific", 125, Type::Hex),
    ("capwap-ac", 138, Type::Ips),
    ("tftp-server-address", 150, Type::Ips),
    ("pxelinux-configfile", 209, Type::Text),
    ("pxelinux-pathprefix", 210, Type::Text),
    ("ms-classless-static-route", 249, Type::Routes),
    ("wpad", 252, Type::Text),
];

/// Number of the option of that IANA name; `_` reads as `-`.
pub fn option_code(name: &str) -> Option<u8> {
    by_name(name).map(|(code, _)| code)
}

/// IANA name of the option of that number.
pub fn option_name(code: u8) -> Option<&'static str> {
    NAMES.iter().find(|(_, c, _)| *c == code).map(|(name, ..)| *name)
}

/// Name, number and type of every option that is known by name.
pub(crate) fn known_options() -> impl Iterator<Item = (&'static str, u8, &'static str)> {
    NAMES.iter().map(|&(name, code, type_)| (name, code, type_.as_str()))
}

/// The types of option values, and what a value of each looks like.
pub(crate) fn option_types() -> impl Iterator<Item = (&'static str, &'static str)> {
    Type::ALL.into_iter().map(|type_| (type_.as_str(), type_.expected()))
}

fn by_name(name: &str) -> Option<(u8, Type)> {
    let name = name.trim().to_ascii_lowercase().replace('_', "-");
    NAMES.iter().find(|(n, ..)| *n == name).map(|&(_, code, type_)| (code, type_))
}

/// The option that a declaration means.
pub(super) fn parse(field: &str, declared: &OptionValue) -> Result<DhcpOption, PoolError> {
    let field = || field.to_owned();
    let (code, known_type) = match (declared.code, &declared.name) {
        (Some(code), None) => {
            let number = u8::try_from(code).ok().filter(|code| (1..=254).contains(code));
            let number = number.ok_or_else(|| PoolError::OutOfBounds {
                field: format!("{}.code", field()),
                value: code,
                lowest: 1,
                highest: 254,
                unit: "",
            })?;
            (number, NAMES.iter().find(|(_, c, _)| *c == number).map_or(Type::Hex, |&(.., type_)| type_))
        }
        (None, Some(name)) => {
            by_name(name).ok_or_else(|| PoolError::OptionName { field: field(), name: name.clone() })?
        }
        _ => return Err(PoolError::OptionUnnamed { field: field() }),
    };
    if let Some(&(_, instead)) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == code) {
        return Err(PoolError::OptionForbidden { field: field(), code, instead });
    }
    let type_ = match &declared.type_ {
        None => known_type,
        Some(word) => Type::ALL
            .into_iter()
            .find(|type_| type_.as_str() == word)
            .ok_or_else(|| PoolError::OptionType { field: field(), value: word.clone() })?,
    };
    let value = type_.encode(&declared.value).ok_or_else(|| PoolError::OptionValue {
        field: field(),
        value: declared.value.clone(),
        type_: type_.as_str(),
        expected: type_.expected(),
    })?;
    Ok(DhcpOption { code, value })
}
