//! ARP packets in Ethernet frames.

use std::net::Ipv4Addr;

use vmdhcp_core::MacAddr;

use crate::agent::frame::{ETHERNET_HEADER, LINK_BROADCAST};

/// Length of what is built: the shortest Ethernet frame without its checksum.
pub(crate) const FRAME_LENGTH: usize = 60;

const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
/// Ethernet and IPv4, with addresses of six and four bytes.
const ETHERNET_AND_IPV4: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Request,
    Reply,
}

/// An ARP packet about IPv4 on Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) operation: Operation,
    pub(crate) sender_mac: MacAddr,
    /// 0.0.0.0 in a client's probe.
    pub(crate) sender: Ipv4Addr,
    pub(crate) target: Ipv4Addr,
}

impl Packet {
    /// Reads a frame; none if it is anything else. A packet that names another sender than its frame does is none:
    /// it would tell of a third card.
    pub(crate) fn parse(frame: &[u8]) -> Option<Self> {
        let (ethernet, packet) = frame.split_at_checked(ETHERNET_HEADER)?;
        let packet = packet.first_chunk::<28>()?;
        if ethernet[12..] != ETHERTYPE_ARP || packet[..6] != ETHERNET_AND_IPV4 {
            return None;
        }
        let operation = match packet[6..8] {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return None,
        };
        if ethernet[6..12] != packet[8..14] {
            return None;
        }
        Some(Self {
            operation,
            sender_mac: MacAddr::new(packet[8..14].try_into().ok()?).ok()?,
            sender: <[u8; 4]>::try_from(&packet[14..18]).ok()?.into(),
            target: <[u8; 4]>::try_from(&packet[24..28]).ok()?.into(),
        })
    }

    /// The question who has `target`, asked by the server.
    ///
    /// It is no probe of RFC 5227, without an address: a client that probes its new address just then takes another's
    /// probe for a conflict (section 2.1.1), and declines.
    pub(crate) const fn question(own: MacAddr, server: Ipv4Addr, target: Ipv4Addr) -> Self {
        Self { operation: Operation::Request, sender_mac: own, sender: server, target }
    }

    /// The statement that `address` is ours (RFC 5227 section 2.3).
    pub(crate) const fn announcement(own: MacAddr, address: Ipv4Addr) -> Self {
        Self { operation: Operation::Request, sender_mac: own, sender: address, target: address }
    }

    /// Our answer to this request.
    pub(crate) fn answer(&self, own: MacAddr) -> [u8; FRAME_LENGTH] {
        let answer =
            Self { operation: Operation::Reply, sender_mac: own, sender: self.target, target: self.sender };
        answer.frame(self.sender_mac.octets(), self.sender_mac.octets())
    }

    /// The frame of a question or an announcement, to everybody.
    pub(crate) fn broadcast(&self) -> [u8; FRAME_LENGTH] {
        self.frame(LINK_BROADCAST, [0; 6])
    }

    fn frame(&self, link_destination: [u8; 6], target_mac: [u8; 6]) -> [u8; FRAME_LENGTH] {
        let mut frame = [0; FRAME_LENGTH];
        let operation = match self.operation {
            Operation::Request => [0, 1],
            Operation::Reply => [0, 2],
        };
        let fields: [&[u8]; 9] = [
            &link_destination,
            &self.sender_mac.octets(),
            &ETHERTYPE_ARP,
            &ETHERNET_AND_IPV4,
            &operation,
            &self.sender_mac.octets(),
            &self.sender.octets(),
            &target_mac,
            &self.target.octets(),
        ];
        // Together they are 42 bytes long.
        for (place, byte) in frame.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    #[test]
    fn an_answer_names_the_asked_address_and_goes_to_who_asked() {
        let question =
            Packet { operation: Operation::Request, sender_mac: mac(9), sender: CLIENT, target: SERVER };
        assert_eq!(Packet::parse(&question.broadcast()), Some(question));
        let answer = question.answer(mac(1));
        assert_eq!(answer[..6], mac(9).octets());
        assert_eq!(answer[32..38], mac(9).octets(), "target hardware address");
        let read = Packet::parse(&answer).unwrap();
        assert_eq!((read.operation, read.sender_mac), (Operation::Reply, mac(1)));
        assert_eq!((read.sender, read.target), (SERVER, CLIENT));
    }

    #[test]
    fn a_question_is_not_what_a_client_takes_for_a_conflict() {
        let read = Packet::parse(&Packet::question(mac(1), SERVER, CLIENT).broadcast()).unwrap();
        assert_eq!((read.operation, read.target), (Operation::Request, CLIENT));
        assert!(!read.sender.is_unspecified() && read.sender != CLIENT);
    }

    #[test]
    fn a_packet_that_speaks_for_another_card_is_not_believed() {
        let mut frame = Packet::announcement(mac(1), SERVER).broadcast();
        frame[11] ^= 1;
        assert_eq!(Packet::parse(&frame), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..42, value: u8, length in 0_usize..=FRAME_LENGTH) {
            let mut frame = Packet::question(mac(1), SERVER, CLIENT).broadcast();
            frame[at] = value;
            let _ = Packet::parse(&frame[..length]);
        }
    }
}
