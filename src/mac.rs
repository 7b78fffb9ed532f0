//! Ethernet addresses: any spelling in, one spelling out.

use std::fmt;
use std::str::FromStr;

/// A unicast Ethernet address (48 bits).
///
/// It parses from `fa:cf:8e:50:82:fc`, `FA-CF-8E-50-82-FC` and `facf.8e50.82fc` in any case, and always prints as
/// lower case with colons: the canonical form of COMPAT, used in status, in the lease table and in metrics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

/// Why a text or six bytes are not the address of a network card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// Not twelve hexadecimal digits in one of the known groupings.
    #[error("{0:?} is not a MAC address: write six pairs of hexadecimal digits, like fa:cf:8e:50:82:fc")]
    Malformed(String),
    /// The group bit is set: such an address belongs to no card.
    #[error("{0} is a multicast address: a network card has a unicast one (an even first byte)")]
    Multicast(String),
    /// All bits are zero.
    #[error("00:00:00:00:00:00 is not the address of a network card")]
    Zero,
}

impl MacAddr {
    /// The one that messages show as an example.
    pub(crate) const EXAMPLE: Self = Self([0xfa, 0xcf, 0x8e, 0x50, 0x82, 0xfc]);

    /// The address made of these six bytes, in the order of the wire.
    pub fn new(bytes: [u8; 6]) -> Result<Self, MacError> {
        if bytes == [0; 6] {
            return Err(MacError::Zero);
        }
        if bytes[0] & 1 == 1 {
            return Err(MacError::Multicast(Self(bytes).to_string()));
        }
        Ok(Self(bytes))
    }

    /// The six bytes, in the order of the wire.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddr {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let malformed = || MacError::Malformed(text.to_owned());
        let trimmed = text.trim();
        // Groups of the three usual spellings: 6 pairs by ':' or '-', 3 fours by '.'.
        let (separator, width) = if trimmed.contains('.') {
            ('.', 4)
        } else if trimmed.contains('-') {
            ('-', 2)
        } else {
            (':', 2)
        };
        let mut bytes = [0_u8; 6];
        let mut filled = 0;
        for group in trimmed.split(separator) {
            if group.len() != width || !group.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(malformed());
            }
            for at in (0..width).step_by(2) {
                let byte = u8::from_str_radix(&group[at..at + 2], 16).map_err(|_| malformed())?;
                *bytes.get_mut(filled).ok_or_else(malformed)? = byte;
                filled += 1;
            }
        }
        if filled != 6 {
            return Err(malformed());
        }
        Self::new(bytes)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_means_the_same_card() {
        for text in ["fa:cf:8e:50:82:fc", "FA-CF-8E-50-82-FC", "facf.8e50.82fc", " Fa:cF:8e:50:82:FC "] {
            assert_eq!(text.parse::<MacAddr>().unwrap().to_string(), "fa:cf:8e:50:82:fc", "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_text_in_the_message() {
        for text in [
            "",
            "fa:cf:8e:50:82",
            "fa:cf:8e:50:82:fc:00",
            "fa:cf-8e:50:82:fc",
            "gg:cf:8e:50:82:fc",
            "faé:cf",
            "f:acf:8e:50:82:fc",
            "+a:cf:8e:50:82:fc",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(MacError::Malformed(text.to_owned())));
        }
    }

    #[test]
    fn group_addresses_and_zero_belong_to_no_card() {
        assert!(matches!("01:00:5e:00:00:01".parse::<MacAddr>(), Err(MacError::Multicast(_))));
        assert!(matches!("ff:ff:ff:ff:ff:ff".parse::<MacAddr>(), Err(MacError::Multicast(_))));
        assert_eq!("00:00:00:00:00:00".parse::<MacAddr>(), Err(MacError::Zero));
    }
}
