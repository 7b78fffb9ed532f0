//! A decision's reason as one number, so that the packet path can note it in an atomic.

use std::net::Ipv4Addr;

use vmdhcp_core::dhcp::{MessageType, Why};

/// The type of a message and why it was answered as it was, in 48 bits; zero means none.
pub(crate) fn pack(kind: MessageType, why: Why) -> u64 {
    let (number, address) = number(why);
    u64::from(kind as u8) << 40 | u64::from(number) << 32 | u64::from(u32::from(address))
}

/// What [`pack`] was given; none for zero.
pub(crate) fn unpack(packed: u64) -> Option<(MessageType, Why)> {
    let [_, _, kind, number, a, b, c, d] = packed.to_be_bytes();
    Some((MessageType::from_number(kind)?, why(number, Ipv4Addr::new(a, b, c, d))?))
}

const fn number(why: Why) -> (u8, Ipv4Addr) {
    const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    match why {
        Why::Offered => (1, NONE),
        Why::RouteHelper => (2, NONE),
        Why::Bound => (3, NONE),
        Why::Confirmed => (4, NONE),
        Why::Extended => (5, NONE),
        Why::Informed => (6, NONE),
        Why::NotItsAddress { asked } => (7, asked),
        Why::WrongNetwork { asked } => (8, asked),
        Why::Lost { asked } => (9, asked),
        Why::UnknownMac => (10, NONE),
        Why::OtherServer { server } => (11, server),
        Why::OtherLink { link } => (12, link),
        Why::NotOnLink { address } => (13, address),
        Why::NotCurrent { asked } => (14, asked),
        Why::NoRouter => (15, NONE),
        Why::TooLarge => (16, NONE),
        Why::Declined { address } => (17, address),
        Why::Released { address } => (18, address),
        Why::NotItsLease { address } => (19, address),
        Why::RelayRefused { relay } => (20, relay),
    }
}

const fn why(number: u8, address: Ipv4Addr) -> Option<Why> {
    Some(match number {
        1 => Why::Offered,
        2 => Why::RouteHelper,
        3 => Why::Bound,
        4 => Why::Confirmed,
        5 => Why::Extended,
        6 => Why::Informed,
        7 => Why::NotItsAddress { asked: address },
        8 => Why::WrongNetwork { asked: address },
        9 => Why::Lost { asked: address },
        10 => Why::UnknownMac,
        11 => Why::OtherServer { server: address },
        12 => Why::OtherLink { link: address },
        13 => Why::NotOnLink { address },
        14 => Why::NotCurrent { asked: address },
        15 => Why::NoRouter,
        16 => Why::TooLarge,
        17 => Why::Declined { address },
        18 => Why::Released { address },
        19 => Why::NotItsLease { address },
        20 => Why::RelayRefused { relay: address },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_as_it_was() {
        let address = Ipv4Addr::new(192, 168, 48, 82);
        let reasons: Vec<_> = (1..=19).map(|number| why(number, address).unwrap()).collect();
        assert_eq!(why(20, address), None);
        for reason in reasons {
            assert_eq!(
                unpack(pack(MessageType::Request, reason)),
                Some((MessageType::Request, reason)),
                "{reason:?}"
            );
        }
        assert_eq!(unpack(0), None);
    }
}
