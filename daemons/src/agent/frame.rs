//! Ethernet, IPv4, UDP and ICMP echo: checked slices in, finished frames out.
//!
//! Left out: verifying UDP and ICMP checksums of received frames, because frames from veth and virtio arrive with
//! the checksum not yet filled in; and reassembly, because no DHCP client fragments.

use std::net::Ipv4Addr;

use vmdhcp_core::MacAddr;

/// Longest frame that is read or built: an untagged Ethernet frame with 1,500 bytes of payload.
pub(crate) const LONGEST_FRAME: usize = 1514;
/// Where the payload of a UDP frame without IP options begins.
pub(crate) const UDP_PAYLOAD: usize = ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER;
/// The Ethernet broadcast address.
pub(crate) const LINK_BROADCAST: [u8; 6] = [0xff; 6];

pub(crate) const ETHERNET_HEADER: usize = 14;
const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_UDP: u8 = 17;
const ICMP_ECHO_REQUEST: u8 = 8;
const ICMP_ECHO_REPLY: u8 = 0;
const TIME_TO_LIVE: u8 = 64;
const DO_NOT_FRAGMENT: [u8; 2] = [0x40, 0x00];
const MORE_FRAGMENTS_AND_OFFSET: u16 = 0x3fff;

/// Why a frame is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("shorter than its headers")]
    Short,
    #[error("not IPv4")]
    NotIpv4,
    #[error("the IPv4 header is longer than the frame, or shorter than it can be")]
    HeaderLength,
    #[error("the IPv4 header checksum is wrong")]
    HeaderChecksum,
    #[error("longer by its IPv4 header than on the wire")]
    TotalLength,
    #[error("a fragment")]
    Fragment,
    #[error("the UDP length does not fit the packet")]
    UdpLength,
    #[error("neither UDP nor ICMP echo request")]
    OtherProtocol,
    #[error("sent from an address that no network card has")]
    LinkSource,
}

impl Malformed {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Short,
        Self::NotIpv4,
        Self::HeaderLength,
        Self::HeaderChecksum,
        Self::TotalLength,
        Self::Fragment,
        Self::UdpLength,
        Self::OtherProtocol,
        Self::LinkSource,
    ];

    /// The word for it in metrics.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::NotIpv4 => "not_ipv4",
            Self::HeaderLength => "header_length",
            Self::HeaderChecksum => "header_checksum",
            Self::TotalLength => "total_length",
            Self::Fragment => "fragment",
            Self::UdpLength => "udp_length",
            Self::OtherProtocol => "other_protocol",
            Self::LinkSource => "link_source",
        }
    }
}

/// An IPv4 frame with something for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Who sent it, on the link.
    pub(crate) link_source: MacAddr,
    /// Who sent it, by IP.
    pub(crate) source: Ipv4Addr,
    /// Whom it is for, by IP.
    pub(crate) destination: Ipv4Addr,
    /// What is in it.
    pub(crate) content: Content<'a>,
}

/// What is in a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// A UDP datagram.
    Udp {
        /// Port that it was sent from.
        source_port: u16,
        /// Port that it is for.
        destination_port: u16,
        /// Its payload.
        payload: &'a [u8],
    },
    /// An ICMP echo request, from its identifier on.
    EchoRequest(&'a [u8]),
}

/// Reads a frame as it came from the socket. Ethernet padding is cut off.
pub(crate) fn parse(frame: &[u8]) -> Result<Frame<'_>, Malformed> {
    let (ethernet, packet) = frame.split_at_checked(ETHERNET_HEADER).ok_or(Malformed::Short)?;
    if ethernet[12..14] != ETHERTYPE_IPV4 {
        return Err(Malformed::NotIpv4);
    }
    let link_source = MacAddr::new(array(&ethernet[6..12])?).map_err(|_| Malformed::LinkSource)?;
    let fixed = packet.first_chunk::<IPV4_HEADER>().ok_or(Malformed::Short)?;
    if fixed[0] >> 4 != 4 {
        return Err(Malformed::NotIpv4);
    }
    let header_length = usize::from(fixed[0] & 0x0f) * 4;
    if header_length < IPV4_HEADER {
        return Err(Malformed::HeaderLength);
    }
    let header = packet.get(..header_length).ok_or(Malformed::HeaderLength)?;
    if checksum(&[header]) != 0 {
        return Err(Malformed::HeaderChecksum);
    }
    let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let body = packet.get(header_length..total_length).ok_or(Malformed::TotalLength)?;
    if u16::from_be_bytes([fixed[6], fixed[7]]) & MORE_FRAGMENTS_AND_OFFSET != 0 {
        return Err(Malformed::Fragment);
    }
    Ok(Frame {
        link_source,
        source: Ipv4Addr::from(array::<4>(&fixed[12..16])?),
        destination: Ipv4Addr::from(array::<4>(&fixed[16..20])?),
        content: content(fixed[9], body)?,
    })
}

fn content(protocol: u8, body: &[u8]) -> Result<Content<'_>, Malformed> {
    match protocol {
        PROTOCOL_UDP => {
            let header = body.first_chunk::<UDP_HEADER>().ok_or(Malformed::Short)?;
            let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
            Ok(Content::Udp {
                source_port: u16::from_be_bytes([header[0], header[1]]),
                destination_port: u16::from_be_bytes([header[2], header[3]]),
                payload: body.get(UDP_HEADER..length).ok_or(Malformed::UdpLength)?,
            })
        }
        PROTOCOL_ICMP => match body.first_chunk::<ICMP_HEADER>().ok_or(Malformed::Short)? {
            [ICMP_ECHO_REQUEST, 0, ..] => Ok(Content::EchoRequest(&body[4..])),
            _ => Err(Malformed::OtherProtocol),
        },
        _ => Err(Malformed::OtherProtocol),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed::Short)
}

/// From whom and to whom a frame goes, on the link and by IP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addressing {
    /// Our card.
    pub(crate) link_source: MacAddr,
    /// The card, or everybody, that it is for.
    pub(crate) link_destination: [u8; 6],
    /// Our address.
    pub(crate) source: Ipv4Addr,
    /// Whom it is for.
    pub(crate) destination: Ipv4Addr,
}

/// Finishes a UDP frame around the `payload` bytes that stand at [`UDP_PAYLOAD`], and returns its length; none if
/// that is more than the frame has room for.
pub(crate) fn finish_udp(
    frame: &mut [u8],
    addressing: &Addressing,
    source_port: u16,
    destination_port: u16,
    payload: usize,
) -> Option<usize> {
    let udp_length = u16::try_from(UDP_HEADER + payload).ok()?;
    let length = finish_ipv4(frame, addressing, PROTOCOL_UDP, usize::from(udp_length))?;
    let (headers, datagram) = frame[..length].split_at_mut(ETHERNET_HEADER + IPV4_HEADER);
    datagram[0..2].copy_from_slice(&source_port.to_be_bytes());
    datagram[2..4].copy_from_slice(&destination_port.to_be_bytes());
    datagram[4..6].copy_from_slice(&udp_length.to_be_bytes());
    datagram[6..8].fill(0);
    let pseudo_header = [0, PROTOCOL_UDP, datagram[4], datagram[5]];
    let sum = checksum(&[&headers[ETHERNET_HEADER + 12..], &pseudo_header, datagram]);
    // RFC 768: a sum of zero is sent as all ones, because zero means that there is none.
    datagram[6..8].copy_from_slice(&if sum == 0 { u16::MAX } else { sum }.to_be_bytes());
    Some(length)
}

/// Builds the answer to an ICMP echo request, of which `request` is what follows the checksum; returns its length,
/// or none if the frame has no room for it.
pub(crate) fn write_echo_reply(frame: &mut [u8], addressing: &Addressing, request: &[u8]) -> Option<usize> {
    let length = finish_ipv4(frame, addressing, PROTOCOL_ICMP, 4 + request.len())?;
    let message = &mut frame[ETHERNET_HEADER + IPV4_HEADER..length];
    message[..4].copy_from_slice(&[ICMP_ECHO_REPLY, 0, 0, 0]);
    message[4..].copy_from_slice(request);
    let sum = checksum(&[message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    Some(length)
}

/// Writes the Ethernet and IPv4 headers of a frame with `body` bytes behind them, and returns the whole length.
fn finish_ipv4(frame: &mut [u8], addressing: &Addressing, protocol: u8, body: usize) -> Option<usize> {
    let total_length = u16::try_from(IPV4_HEADER + body).ok()?;
    let length = ETHERNET_HEADER + usize::from(total_length);
    let (ethernet, packet) = frame.get_mut(..length)?.split_at_mut(ETHERNET_HEADER);
    ethernet[0..6].copy_from_slice(&addressing.link_destination);
    ethernet[6..12].copy_from_slice(&addressing.link_source.octets());
    ethernet[12..14].copy_from_slice(&ETHERTYPE_IPV4);
    let header = &mut packet[..IPV4_HEADER];
    header.fill(0);
    header[0] = 0x45;
    header[2..4].copy_from_slice(&total_length.to_be_bytes());
    // Never fragmented, so the identification may be zero (RFC 6864).
    header[6..8].copy_from_slice(&DO_NOT_FRAGMENT);
    header[8] = TIME_TO_LIVE;
    header[9] = protocol;
    header[12..16].copy_from_slice(&addressing.source.octets());
    header[16..20].copy_from_slice(&addressing.destination.octets());
    let sum = checksum(&[header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    Some(length)
}

/// The Internet checksum (RFC 1071) over `parts`, of which all but the last must be of even length.
///
/// Eight bytes at a time and in the byte order of the machine: the sum is the same but for the order of its two bytes.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    let mut add = |word: u64| {
        let (next, carried) = sum.overflowing_add(word);
        sum = next + u64::from(carried);
    };
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            add(u64::from_ne_bytes(*word));
        }
        let (halves, rest) = rest.as_chunks::<4>();
        for half in halves {
            add(u32::from_ne_bytes(*half).into());
        }
        let mut last = [0; 4];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        add(u32::from_ne_bytes(last).into());
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // The loop leaves sixteen bits.
    !u16::from_be(u16::try_from(sum).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addressing() -> Addressing {
        Addressing {
            link_source: "02:00:00:00:00:01".parse().unwrap(),
            link_destination: [2, 0, 0, 0, 0, 2],
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
        }
    }

    fn udp_frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xaa; LONGEST_FRAME];
        frame[UDP_PAYLOAD..UDP_PAYLOAD + payload.len()].copy_from_slice(payload);
        let length = finish_udp(&mut frame, &addressing(), 67, 68, payload.len()).unwrap();
        frame.truncate(length);
        frame
    }

    fn patched(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut frame = udp_frame(b"abc");
        change(&mut frame);
        frame[24..26].fill(0);
        let sum = checksum(&[&frame[14..34]]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    #[test]
    fn what_is_built_is_read_as_the_same_and_padding_is_cut_off() {
        let mut frame = udp_frame(b"hello");
        frame.resize(60, 0);
        let read = parse(&frame).unwrap();
        assert_eq!(read.link_source, "02:00:00:00:00:01".parse().unwrap());
        assert_eq!((read.source, read.destination), (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(read.content, Content::Udp { source_port: 67, destination_port: 68, payload: b"hello" });
    }

    #[test]
    fn the_udp_checksum_covers_the_pseudo_header_and_an_odd_payload() {
        let frame = udp_frame(b"hello");
        let datagram = &frame[34..];
        let pseudo_header = [0, 17, datagram[4], datagram[5]];
        assert_eq!(checksum(&[&frame[26..34], &pseudo_header, datagram]), 0);
        assert_ne!(&datagram[6..8], &[0, 0]);
    }

    #[test]
    fn ip_options_are_skipped() {
        let mut frame = udp_frame(b"abc");
        frame.splice(34..34, [1, 1, 1, 0]);
        frame[14] = 0x46;
        frame[17] += 4;
        frame[24..26].fill(0);
        let sum = checksum(&[&frame[14..38]]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        assert!(matches!(parse(&frame).unwrap().content, Content::Udp { payload: b"abc", .. }));
    }

    #[test]
    fn each_broken_header_is_told_apart() {
        assert_eq!(parse(&udp_frame(b"abc")[..13]), Err(Malformed::Short));
        assert_eq!(parse(&udp_frame(b"abc")[..33]), Err(Malformed::Short));
        assert_eq!(parse(&patched(|f| f[12] = 0x86)), Err(Malformed::NotIpv4));
        assert_eq!(parse(&patched(|f| f[14] = 0x65)), Err(Malformed::NotIpv4));
        assert_eq!(parse(&patched(|f| f[14] = 0x44)), Err(Malformed::HeaderLength));
        assert_eq!(parse(&patched(|f| f[14] = 0x4f)), Err(Malformed::HeaderLength));
        assert_eq!(parse(&patched(|f| f[17] += 1)), Err(Malformed::TotalLength));
        assert_eq!(parse(&patched(|f| f[17] = 10)), Err(Malformed::TotalLength));
        assert_eq!(parse(&patched(|f| f[20] = 0x20)), Err(Malformed::Fragment));
        assert_eq!(parse(&patched(|f| f[21] = 1)), Err(Malformed::Fragment));
        assert_eq!(parse(&patched(|f| f[39] += 1)), Err(Malformed::UdpLength));
        assert_eq!(parse(&patched(|f| f[39] = 7)), Err(Malformed::UdpLength));
        assert_eq!(parse(&patched(|f| f[23] = 6)), Err(Malformed::OtherProtocol));
        assert_eq!(parse(&patched(|f| f[6] = 1)), Err(Malformed::LinkSource));
        let mut frame = udp_frame(b"abc");
        frame[30] ^= 1;
        assert_eq!(parse(&frame), Err(Malformed::HeaderChecksum));
    }

    #[test]
    fn an_echo_is_answered_with_the_same_identifier_sequence_and_data() {
        let mut frame = [0; 200];
        let length = write_echo_reply(&mut frame, &addressing(), b"\x12\x34\x00\x01data").unwrap();
        assert_eq!(length, 14 + 20 + 4 + 8);
        assert_eq!(frame[34], 0);
        assert_eq!(&frame[38..length], b"\x12\x34\x00\x01data");
        assert_eq!(checksum(&[&frame[34..length]]), 0);
        // Turned into a request, it is read as one.
        frame[34] = 8;
        assert_eq!(parse(&frame[..length]).unwrap().content, Content::EchoRequest(b"\x12\x34\x00\x01data"));
    }

    #[test]
    fn what_does_not_fit_is_not_built() {
        let mut frame = [0; 100];
        assert_eq!(finish_udp(&mut frame, &addressing(), 67, 68, 59), None);
        assert_eq!(finish_udp(&mut frame, &addressing(), 67, 68, 58), Some(100));
        assert_eq!(finish_udp(&mut frame, &addressing(), 67, 68, usize::from(u16::MAX)), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_change_of_a_good_frame_makes_it_panic(at in 0_usize..45, value: u8, length in 0_usize..46) {
            let frame = patched(|f| { if let Some(byte) = f.get_mut(at) { *byte = value; } });
            let _ = parse(&frame[..length.min(frame.len())]);
        }
    }
}
