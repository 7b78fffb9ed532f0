//! What a lease is looked up by.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use vmdhcp_core::MacAddr;
use vmdhcp_core::network::is_dns_subdomain;

use crate::leases::Lease;

/// A MAC or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A network card.
    Mac(MacAddr),
    /// An address.
    Address(Ipv4Addr),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        text.parse().map(Self::Mac).map_err(|_| {
            format!("{text:?} is neither an IPv4 address nor a unicast MAC address like fa:cf:8e:50:82:fc")
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => mac.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// A MAC, an address, or a VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A card or an address.
    Place(Place),
    /// A VM by name, or by namespace and name.
    Vm {
        /// Its namespace, if it was given.
        namespace: Option<String>,
        /// Its name.
        name: String,
    },
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(place) = text.parse() {
            return Ok(Self::Place(place));
        }
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if is_dns_subdomain(name, 253) && namespace.is_none_or(is_namespace) {
            return Ok(Self::Vm { namespace: namespace.map(str::to_owned), name: name.to_owned() });
        }
        Err(format!("{text:?} is neither an IPv4 address nor a unicast MAC address nor the name of a VM"))
    }
}

fn is_namespace(text: &str) -> bool {
    is_dns_subdomain(text, 63) && !text.contains('.')
}

impl Subject {
    /// Whether this lease is about it. A VM without a namespace is in `namespace`, if that is given.
    pub(crate) fn is_of(&self, lease: &Lease, in_use: Option<&str>) -> bool {
        match self {
            Self::Place(Place::Mac(mac)) => lease.mac() == Some(*mac),
            Self::Place(Place::Address(address)) => lease.address == Some(*address),
            Self::Vm { namespace, name } => lease.vm.as_ref().is_some_and(|vm| {
                let wanted = namespace.as_deref().or(in_use);
                vm.name == *name && wanted.is_none_or(|wanted| vm.namespace == wanted)
            }),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Vm { namespace: Some(namespace), name } => write!(f, "VM {namespace}/{name}"),
            Self::Vm { namespace: None, name } => write!(f, "VM {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_an_address_a_mac_in_any_spelling_or_a_vm() {
        assert_eq!("10.0.0.1".parse(), Ok(Subject::Place(Place::Address(Ipv4Addr::new(10, 0, 0, 1)))));
        let mac = "fa:cf:8e:50:82:fc".parse().unwrap();
        assert_eq!("FACF.8E50.82FC".parse(), Ok(Subject::Place(Place::Mac(mac))));
        let vm = Subject::Vm { namespace: Some("lab".into()), name: "web-1".into() };
        assert_eq!("lab/web-1".parse(), Ok(vm));
        for wrong in ["", "10.0.0.256/8", "Web", "a/b/c", "01:00:5e:00:00:01"] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
        }
    }
}
