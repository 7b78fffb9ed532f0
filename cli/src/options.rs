//! DHCP options for people: what a client would be sent, as names and values.

use std::net::Ipv4Addr;

use dhcproto::v4::{self, Decodable, Decoder};
use vmdhcp_core::pool::option_name;

use crate::duration::in_units;

/// The name of an option, or its number where it has none.
pub fn name(code: u8) -> String {
    match code {
        51 => "lease-time".to_owned(),
        54 => "server-identifier".to_owned(),
        58 => "renewal-time".to_owned(),
        59 => "rebinding-time".to_owned(),
        _ => option_name(code).map_or_else(|| format!("option-{code}"), str::to_owned),
    }
}

/// The value of an option as text: by its number, else as text where it is some, else in hexadecimal.
pub fn value(code: u8, bytes: &[u8]) -> String {
    let as_number = || bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let known = match (code, bytes.len()) {
        (1 | 3..=11 | 16 | 28 | 32 | 41 | 42 | 44 | 45 | 48 | 49 | 54 | 65 | 68..=76 | 138 | 150, length)
            if length > 0 && length % 4 == 0 =>
        {
            let addresses = bytes.chunks_exact(4).map(|a| Ipv4Addr::new(a[0], a[1], a[2], a[3]).to_string());
            Some(addresses.collect::<Vec<_>>().join(", "))
        }
        (51 | 58 | 59, 4) => i64::try_from(as_number()).ok().map(in_units),
        (13 | 22 | 26 | 57, 2) | (23 | 37 | 46, 1) | (2 | 24 | 35 | 38 | 108, 4) => Some(as_number().to_string()),
        (19 | 20 | 27 | 29..=31 | 34 | 36 | 39, 1) => Some((bytes[0] == 1).to_string()),
        (119, _) => domains(bytes),
        // 249 is Microsoft's number for the same.
        (121 | 249, _) => routes(bytes),
        _ => None,
    };
    let text = || {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
        (!text.chars().any(char::is_control)).then(|| text.to_owned())
    };
    let hex = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    known.or_else(text).unwrap_or_else(hex)
}

fn domains(bytes: &[u8]) -> Option<String> {
    match decode(119, bytes)? {
        v4::DhcpOption::DomainSearch(names) => {
            let names = names.iter().map(|name| name.to_string().trim_end_matches('.').to_owned());
            Some(names.collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

fn routes(bytes: &[u8]) -> Option<String> {
    match decode(121, bytes)? {
        v4::DhcpOption::ClasslessStaticRoute(routes) => {
            let routes = routes.iter().map(|(destination, gateway)| format!("{destination} via {gateway}"));
            Some(routes.collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

/// The option as dhcproto reads it; only for codes whose every length it takes.
fn decode(code: u8, bytes: &[u8]) -> Option<v4::DhcpOption> {
    let mut wire = vec![code, u8::try_from(bytes.len()).ok()?];
    wire.extend_from_slice(bytes);
    v4::DhcpOption::decode(&mut Decoder::new(&wire)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_what_they_mean() {
        assert_eq!(value(3, &[192, 168, 48, 1]), "192.168.48.1");
        assert_eq!(value(6, &[1, 1, 1, 1, 9, 9, 9, 9]), "1.1.1.1, 9.9.9.9");
        assert_eq!(value(51, &[0, 0, 1, 44]), "5m");
        assert_eq!(value(26, &[5, 120]), "1400");
        assert_eq!(value(15, b"lab.example"), "lab.example");
        assert_eq!(value(121, &[8, 10, 192, 168, 48, 2]), "10.0.0.0/8 via 192.168.48.2");
        assert_eq!(value(119, b"\x03lab\x07example\x00"), "lab.example");
        assert_eq!(value(43, &[1, 255]), "01:ff");
        assert_eq!((name(6), name(51), name(200)), ("domain-server".into(), "lease-time".into(), "option-200".into()));
    }

    #[test]
    fn a_value_of_a_wrong_length_is_shown_as_bytes() {
        assert_eq!(value(3, &[192, 168, 48]), "c0:a8:30");
        assert_eq!(value(121, &[33, 10]), "21:0a");
        assert_eq!(value(51, &[]), "");
    }
}
