//! Ethernet, IPv4 and UDP around a DHCP message, with both checksums.

use std::net::Ipv4Addr;

/// Where the message begins.
pub(crate) const PAYLOAD: usize = 42;
/// Everybody on the link.
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// From whom, and to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) cards: ([u8; 6], [u8; 6]),
    pub(crate) addresses: (Ipv4Addr, Ipv4Addr),
    pub(crate) ports: (u16, u16),
}

/// Writes the headers before the `payload` bytes at [`PAYLOAD`], and returns the whole length.
pub(crate) fn finish(frame: &mut [u8], ends: &Ends, payload: usize) -> usize {
    let length = PAYLOAD + payload;
    let ip_length = u16::try_from(payload + 28).unwrap_or(u16::MAX).to_be_bytes();
    let udp_length = u16::try_from(payload + 8).unwrap_or(u16::MAX).to_be_bytes();
    frame[0..6].copy_from_slice(&ends.cards.1);
    frame[6..12].copy_from_slice(&ends.cards.0);
    frame[12..26].copy_from_slice(&[8, 0, 0x45, 0x10, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame[16..18].copy_from_slice(&ip_length);
    frame[26..30].copy_from_slice(&ends.addresses.0.octets());
    frame[30..34].copy_from_slice(&ends.addresses.1.octets());
    let header = !fold(sum(0, &frame[14..34]));
    frame[24..26].copy_from_slice(&header.to_ne_bytes());
    frame[34..36].copy_from_slice(&ends.ports.0.to_be_bytes());
    frame[36..38].copy_from_slice(&ends.ports.1.to_be_bytes());
    frame[38..40].copy_from_slice(&udp_length);
    frame[40..42].fill(0);
    let datagram = !fold(sum(pseudo_header(frame), &frame[34..length]));
    frame[40..42].copy_from_slice(&if datagram == 0 { u16::MAX } else { datagram }.to_ne_bytes());
    length
}

/// The UDP payload of a frame; none if a length or a checksum is wrong, or it is anything else.
///
/// A datagram of a socket of this machine may have only the sum of its pseudo header where its checksum belongs: the
/// card is to fill it in, and a veth has none.
pub(crate) fn payload(frame: &[u8]) -> Option<&[u8]> {
    if frame.len() < PAYLOAD || frame[14] != 0x45 || frame[23] != 17 {
        return None;
    }
    let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let udp_length = usize::from(u16::from_be_bytes([frame[38], frame[39]]));
    if end > frame.len()
        || udp_length < 8
        || udp_length + 34 != end
        || fold(sum(0, &frame[14..34])) != u16::MAX
    {
        return None;
    }
    let pseudo_header = pseudo_header(frame);
    let checksum = u16::from_ne_bytes([frame[40], frame[41]]);
    let is_right = checksum == 0
        || fold(sum(pseudo_header, &frame[34..end])) == u16::MAX
        || checksum == fold(pseudo_header);
    is_right.then(|| &frame[PAYLOAD..end])
}

fn pseudo_header(frame: &[u8]) -> u64 {
    sum(sum(0, &frame[26..34]), &[0, 17, frame[38], frame[39]])
}

/// The sum of the Internet checksum, before it is folded. Its byte order is that of the machine (RFC 1071).
fn sum(begun: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(begun, |sum, word| sum + u64::from(u32::from_ne_bytes(*word)))
}

fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        let ends = Ends {
            cards: ([2, 0, 0, 0, 0, 1], BROADCAST),
            addresses: ([10, 99, 0, 1].into(), Ipv4Addr::BROADCAST),
            ports: (67, 68),
        };
        let mut frame = vec![0xaa; 1500];
        frame[PAYLOAD..PAYLOAD + payload.len()].copy_from_slice(payload);
        let length = finish(&mut frame, &ends, payload.len());
        frame.truncate(length);
        frame
    }

    #[test]
    fn what_is_written_is_read_and_padding_is_left_off() {
        for message in [&b"hello"[..], b"hallo!"] {
            let mut frame = framed(message);
            frame.extend([0; 9]);
            assert_eq!(payload(&frame), Some(message));
        }
    }

    #[test]
    fn a_wrong_bit_of_a_header_or_of_the_message_is_seen() {
        let good = framed(b"hello");
        for at in 14..good.len() {
            let mut frame = good.clone();
            frame[at] ^= 4;
            assert_eq!(payload(&frame), None, "{at}");
        }
    }

    #[test]
    fn a_checksum_that_the_card_is_to_fill_in_is_good() {
        let mut frame = framed(b"hello");
        let partial = fold(pseudo_header(&frame));
        frame[40..42].copy_from_slice(&partial.to_ne_bytes());
        assert_eq!(payload(&frame), Some(&b"hello"[..]));
    }
}
