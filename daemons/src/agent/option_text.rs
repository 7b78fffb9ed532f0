//! DHCP options as people read them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use vmdhcp_core::pool::option_name;

/// An option as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionText {
    /// Its number.
    pub code: u8,
    /// Its IANA name, or `option-` and the number.
    pub name: String,
    /// Its value, by its type.
    pub value: String,
}

impl OptionText {
    /// The option of this number and value.
    pub fn new(code: u8, value: &[u8]) -> Self {
        let name = name(code).map_or_else(|| format!("option-{code}"), str::to_owned);
        let text = known(code, value).unwrap_or_else(|| guess(value));
        Self { code, name, value: text }
    }
}

/// IANA name, also of the options that no pool may declare.
fn name(code: u8) -> Option<&'static str> {
    match code {
        51 => Some("address-time"),
        54 => Some("dhcp-server-id"),
        58 => Some("renewal-time"),
        59 => Some("rebinding-time"),
        _ => option_name(code),
    }
}

/// The value by the option's type; none if it has another form.
fn known(code: u8, value: &[u8]) -> Option<String> {
    match code {
        1 | 3..=11 | 16 | 28 | 32 | 33 | 41 | 42 | 44 | 45 | 48 | 49 | 54 | 65 | 68..=76 | 138 | 150 => {
            addresses(value)
        }
        12 | 14 | 15 | 17 | 18 | 40 | 47 | 66 | 67 | 114 | 209 | 210 | 252 => text(value),
        26 => Some(u16::from_be_bytes(value.try_into().ok()?).to_string()),
        51 | 58 | 59 => Some(format!("{} s", u32::from_be_bytes(value.try_into().ok()?))),
        119 => domains(value),
        121 | 249 => routes(value),
        _ => None,
    }
}

/// Text, if it reads as such; else the bytes.
fn guess(value: &[u8]) -> String {
    text(value)
        .unwrap_or_else(|| value.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn addresses(value: &[u8]) -> Option<String> {
    let (addresses, rest) = value.as_chunks::<4>();
    let texts: Vec<_> = addresses.iter().map(|bytes| Ipv4Addr::from(*bytes).to_string()).collect();
    (rest.is_empty() && !texts.is_empty()).then(|| texts.join(", "))
}

/// RFC 3397: names in the form of RFC 1035, of which a later one may end in an earlier one.
fn domains(value: &[u8]) -> Option<String> {
    let mut domains = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let (domain, next) = domain(value, at)?;
        domains.push(domain);
        at = next;
    }
    Some(domains.join(", "))
}

/// The name at `start`, and where the next one begins.
fn domain(value: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut labels, mut at, mut next) = (Vec::new(), start, None);
    loop {
        match *value.get(at)? {
            0 => return Some((labels.join("."), next.unwrap_or(at + 1))),
            high if high & 0xc0 == 0xc0 => {
                let pointer = usize::from(high & 0x3f) << 8 | usize::from(*value.get(at + 1)?);
                next = next.or(Some(at + 2));
                // Only ever backwards, so it ends.
                if pointer >= at {
                    return None;
                }
                at = pointer;
            }
            length => {
                let end = at + 1 + usize::from(length);
                labels.push(text(value.get(at + 1..end)?)?);
                at = end;
                // A pointer into the middle of a name could otherwise go round for ever.
                if labels.len() > 127 {
                    return None;
                }
            }
        }
    }
}

/// RFC 3442.
fn routes(mut value: &[u8]) -> Option<String> {
    let mut routes = Vec::new();
    while let Some((&length, rest)) = value.split_first() {
        if length > 32 {
            return None;
        }
        let (significant, rest) = rest.split_at_checked(usize::from(length).div_ceil(8))?;
        let (gateway, rest) = rest.split_first_chunk::<4>()?;
        let mut destination = [0; 4];
        destination.get_mut(..significant.len())?.copy_from_slice(significant);
        routes.push(format!("{}/{length} via {}", Ipv4Addr::from(destination), Ipv4Addr::from(*gateway)));
        value = rest;
    }
    (!routes.is_empty()).then(|| routes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(code: u8, value: &[u8]) -> String {
        let OptionText { name, value, .. } = OptionText::new(code, value);
        format!("{name}: {value}")
    }

    #[test]
    fn options_are_shown_by_their_type() {
        assert_eq!(shown(3, &[10, 0, 0, 1]), "router: 10.0.0.1");
        assert_eq!(shown(6, &[1, 1, 1, 1, 8, 8, 8, 8]), "domain-server: 1.1.1.1, 8.8.8.8");
        assert_eq!(shown(15, b"example.org"), "domain-name: example.org");
        assert_eq!(shown(26, &[0x23, 0x28]), "mtu-interface: 9000");
        assert_eq!(shown(51, &[0, 0, 1, 0x2c]), "address-time: 300 s");
        assert_eq!(
            shown(121, &[24, 10, 0, 1, 10, 0, 0, 1, 0, 10, 0, 0, 254]),
            "classless-static-route: 10.0.1.0/24 via 10.0.0.1, 0.0.0.0/0 via 10.0.0.254"
        );
        assert_eq!(shown(119, b"\x01a\x03lab\0\x01b\xc0\x02"), "domain-search: a.lab, b.lab");
        assert_eq!(shown(224, &[0, 255]), "option-224: 00:ff");
    }

    #[test]
    fn a_value_of_another_form_than_its_type_is_shown_as_it_is() {
        assert_eq!(shown(3, &[10, 0, 0]), "router: 0a:00:00");
        assert_eq!(shown(119, b"\xc0\x00"), "domain-search: c0:00");
        assert_eq!(shown(121, &[40]), "classless-static-route: (");
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(code: u8, value in proptest::collection::vec(any::<u8>(), 0..64)) {
            OptionText::new(code, &value);
        }
    }
}
