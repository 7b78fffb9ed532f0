//! Why a packet was answered, refused or left alone, as one number, so that the packet path can note it in an atomic.

use std::fmt;
use std::net::Ipv4Addr;

use vmdhcp_core::dhcp::{Malformed, MessageType, Why};

use super::frame;

/// Reasons of decisions, of messages that break a rule, and of frames: from here on each.
const MALFORMED: u8 = 48;
const FRAME: u8 = 96;
/// Numbers of decisions are smaller.
pub(crate) const DECISIONS: usize = MALFORMED as usize;
/// Bits of a [`Verdict::pack`].
pub(crate) const PACKED_BITS: u32 = 43;

const KIND_AT: u32 = 39;
const NUMBER_AT: u32 = 32;

/// Why something became of a packet: every reason that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is a client's message, and this was decided.
    Decided(Why),
    /// It is no client's message.
    Malformed(Malformed),
    /// It is not even a datagram.
    Frame(frame::Malformed),
}

impl Reason {
    /// The reason as a label of metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Decided(why) => why.as_str(),
            Self::Malformed(malformed) => malformed.as_str(),
            Self::Frame(malformed) => malformed.reason(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(why) => why.fmt(f),
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Frame(malformed) => malformed.fmt(f),
        }
    }
}

/// The type of a message, as far as it is known, and why it came to what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: Option<MessageType>,
    pub(crate) reason: Reason,
}

impl Verdict {
    /// What was decided about a client's message.
    pub(crate) const fn decided(kind: MessageType, why: Why) -> Self {
        Self { kind: Some(kind), reason: Reason::Decided(why) }
    }

    /// What is wrong with what claims to be a client's message.
    pub(crate) const fn malformed(malformed: Malformed) -> Self {
        let kind = match malformed {
            Malformed::ServerMessage(kind)
            | Malformed::NoAddress(kind)
            | Malformed::NoServer(kind)
            | Malformed::Contradiction(kind, _) => Some(kind),
            _ => None,
        };
        Self { kind, reason: Reason::Malformed(malformed) }
    }

    /// In [`PACKED_BITS`] bits; zero is none.
    pub(crate) fn pack(self) -> u64 {
        let kind = self.kind.map_or(0, |kind| kind as u8);
        let (number, value) = match self.reason {
            Reason::Decided(why) => of_why(why),
            Reason::Malformed(malformed) => of_malformed(malformed),
            Reason::Frame(malformed) => (FRAME + malformed as u8, 0),
        };
        u64::from(kind) << KIND_AT | u64::from(number) << NUMBER_AT | u64::from(value)
    }

    /// What was packed; none for zero.
    pub(crate) fn unpack(packed: u64) -> Option<Self> {
        let bits = |at: u32, count: u32| u8::try_from(packed >> at & ((1 << count) - 1)).ok();
        let kind = MessageType::from_number(bits(KIND_AT, PACKED_BITS - KIND_AT)?);
        let number = bits(NUMBER_AT, KIND_AT - NUMBER_AT)?;
        let value = u32::try_from(packed & u64::from(u32::MAX)).ok()?;
        Some(Self { kind, reason: reason(number, value, kind)? })
    }
}

fn reason(number: u8, value: u32, kind: Option<MessageType>) -> Option<Reason> {
    Some(match number {
        FRAME.. => Reason::Frame(frame::Malformed::ALL.get(usize::from(number - FRAME)).copied()?),
        MALFORMED.. => Reason::Malformed(malformed(number, value, kind)?),
        _ => Reason::Decided(why(number, value)?),
    })
}

/// The number of a decision, without its details.
pub(crate) fn number_of(why: Why) -> usize {
    of_why(why).0.into()
}

/// The decision of that number, with details that say nothing.
pub(crate) fn of_number(number: usize) -> Option<Why> {
    why(u8::try_from(number).ok()?, 0)
}

fn of_why(why: Why) -> (u8, u32) {
    let of = |address: Ipv4Addr| u32::from(address);
    match why {
        Why::Offered => (1, 0),
        Why::RouteHelper => (2, 0),
        Why::Bound => (3, 0),
        Why::Confirmed => (4, 0),
        Why::Extended => (5, 0),
        Why::Informed => (6, 0),
        Why::NotItsAddress { asked } => (7, of(asked)),
        Why::WrongNetwork { asked } => (8, of(asked)),
        Why::Lost { asked } => (9, of(asked)),
        Why::UnknownMac => (10, 0),
        Why::OtherServer { server } => (11, of(server)),
        Why::OtherLink { link } => (12, of(link)),
        Why::NotOnLink { address } => (13, of(address)),
        Why::NotCurrent { asked } => (14, of(asked)),
        Why::NoRouter => (15, 0),
        Why::TooLarge => (16, 0),
        Why::Declined { address } => (17, of(address)),
        Why::Released { address } => (18, of(address)),
        Why::NotItsLease { address } => (19, of(address)),
        Why::RateLimited => (20, 0),
        Why::UnknownRateLimited => (21, 0),
        Why::RelayRefused { relay } => (22, of(relay)),
        Why::LookingForServers => (23, 0),
        Why::StandsDown { server } => (24, of(server)),
    }
}

fn why(number: u8, value: u32) -> Option<Why> {
    let address = Ipv4Addr::from(value);
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
        20 => Why::RateLimited,
        21 => Why::UnknownRateLimited,
        22 => Why::RelayRefused { relay: address },
        23 => Why::LookingForServers,
        24 => Why::StandsDown { server: address },
        _ => return None,
    })
}

/// Which rule is broken, and by what. The type of the message is kept beside it.
fn of_malformed(malformed: Malformed) -> (u8, u32) {
    let (number, value) = match malformed {
        Malformed::TooShort => (0, 0),
        Malformed::NotRequest(op) => (1, op.into()),
        Malformed::HardwareType(hardware) => (2, hardware.into()),
        Malformed::HardwareLength(length) => (3, length.into()),
        Malformed::HardwareAddress => (4, 0),
        Malformed::NoMagicCookie => (5, 0),
        Malformed::TruncatedOption { code } => (6, code.into()),
        Malformed::OptionLength { code, length, expected } => {
            let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
            let expected = u8::try_from(expected).unwrap_or(u8::MAX);
            (7, u32::from_be_bytes([code, high, low, expected]))
        }
        Malformed::Overload(value) => (8, value.into()),
        Malformed::NoMessageType => (9, 0),
        Malformed::UnknownMessageType(number) => (10, number.into()),
        Malformed::ServerMessage(_) => (11, 0),
        Malformed::RelayAddress(address) => (12, address.into()),
        Malformed::NoAddress(_) => (13, 0),
        Malformed::NoServer(_) => (14, 0),
        Malformed::Contradiction(_, address) => (15, address.into()),
    };
    (MALFORMED + number, value)
}

fn malformed(number: u8, value: u32, kind: Option<MessageType>) -> Option<Malformed> {
    let [code, high, low, last] = value.to_be_bytes();
    Some(match number.checked_sub(MALFORMED)? {
        0 => Malformed::TooShort,
        1 => Malformed::NotRequest(last),
        2 => Malformed::HardwareType(last),
        3 => Malformed::HardwareLength(last),
        4 => Malformed::HardwareAddress,
        5 => Malformed::NoMagicCookie,
        6 => Malformed::TruncatedOption { code: last },
        7 => Malformed::OptionLength {
            code,
            length: u16::from_be_bytes([high, low]).into(),
            expected: last.into(),
        },
        8 => Malformed::Overload(last),
        9 => Malformed::NoMessageType,
        10 => Malformed::UnknownMessageType(last),
        11 => Malformed::ServerMessage(kind?),
        12 => Malformed::RelayAddress(value.into()),
        13 => Malformed::NoAddress(kind?),
        14 => Malformed::NoServer(kind?),
        15 => Malformed::Contradiction(kind?, value.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_as_it_was() {
        let value = 0xc0a8_3004;
        let mut reasons = Vec::new();
        for number in 0..=u8::MAX {
            for kind in [None, Some(MessageType::Request)] {
                let Some(reason) = reason(number, value, kind) else { continue };
                let verdict = match reason {
                    Reason::Malformed(malformed) => Verdict::malformed(malformed),
                    reason => Verdict { kind, reason },
                };
                assert!(verdict.pack() < 1 << PACKED_BITS && verdict.pack() > 0, "{verdict:?}");
                assert_eq!(Verdict::unpack(verdict.pack()), Some(verdict));
                reasons.push(reason);
            }
        }
        // Those that need no type of message come twice.
        let count = |is: fn(&Reason) -> bool| reasons.iter().filter(|reason| is(reason)).count();
        assert_eq!(count(|reason| matches!(reason, Reason::Decided(_))), 24 * 2);
        assert_eq!(count(|reason| matches!(reason, Reason::Malformed(_))), 12 * 2 + 4);
        assert_eq!(count(|reason| matches!(reason, Reason::Frame(_))), 9 * 2);
        assert_eq!(Verdict::unpack(0), None);
    }

    #[test]
    fn a_decision_is_counted_under_a_number_of_its_own() {
        for number in 1..DECISIONS {
            let Some(why) = of_number(number) else { continue };
            assert_eq!(number_of(why), number);
        }
        assert_eq!(of_number(0), None);
    }

    #[test]
    fn every_decision_is_explained_to_who_asks_why_there_is_no_address() {
        let page = include_str!("../../../docs/why-no-address.md");
        for why in (0..DECISIONS).filter_map(of_number) {
            assert!(page.contains(&format!("`{}`", why.as_str())), "{why:?}");
        }
    }
}
