//! The DHCP messages of the load, and the checks of what comes back.
//!
//! Written without a look at the server's own code: what both got wrong alike would not be found.

use std::net::Ipv4Addr;

/// The server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// What clients are told to be their router.
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 254);
/// The load, where it is a relay agent.
pub(crate) const RELAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
/// Most clients that there are addresses for.
pub(crate) const MOST_CLIENTS: u32 = 65_000;
/// Bytes before the options.
pub(crate) const BEFORE_OPTIONS: usize = 240;

pub(crate) const DISCOVER: u8 = 1;
pub(crate) const OFFER: u8 = 2;
pub(crate) const REQUEST: u8 = 3;
pub(crate) const ACK: u8 = 5;
pub(crate) const NAK: u8 = 6;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// What is asked for (option 55).
const PARAMETER_LIST: [u8; 9] = [1, 3, 6, 15, 26, 28, 42, 51, 119];
/// Every message is at least as long as a BOOTP message.
const SHORTEST: usize = 300;

/// The card of client `number`.
pub(crate) fn card_of(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [2, 0, a, b, c, d]
}

/// The address of client `number`: 10.99.1.0 and up.
pub(crate) fn address_of(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 99, 1, 0)) + number)
}

/// A card as text.
pub(crate) fn text_of(card: [u8; 6]) -> String {
    card.map(|byte| format!("{byte:02x}")).join(":")
}

/// What a client says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) xid: u32,
    pub(crate) client: u32,
    /// 0.0.0.0 where there is no relay agent.
    pub(crate) giaddr: Ipv4Addr,
    /// Options 50 and 54 of a REQUEST.
    pub(crate) chosen: Option<(Ipv4Addr, Ipv4Addr)>,
}

impl Message {
    /// Writes it to the front of `place`, and returns its length.
    pub(crate) fn write(&self, place: &mut [u8]) -> usize {
        let card = card_of(self.client);
        place[..SHORTEST].fill(0);
        place[..4].copy_from_slice(&[1, 1, 6, u8::from(!self.giaddr.is_unspecified())]);
        place[4..8].copy_from_slice(&self.xid.to_be_bytes());
        place[24..28].copy_from_slice(&self.giaddr.octets());
        place[28..34].copy_from_slice(&card);
        place[236..BEFORE_OPTIONS].copy_from_slice(&COOKIE);
        let mut end = BEFORE_OPTIONS;
        let mut put = |bytes: &[u8]| {
            place[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        };
        put(&[53, 1, self.kind]);
        put(&[61, 7, 1]);
        put(&card);
        put(&[57, 2, 5, 0xdc]);
        if let Some((address, server)) = self.chosen {
            put(&[50, 4]);
            put(&address.octets());
            put(&[54, 4]);
            put(&server.octets());
        }
        put(&[55, 9]);
        put(&PARAMETER_LIST);
        put(&[255]);
        end.max(SHORTEST)
    }
}

/// The transaction of a reply; none if it is no reply.
pub(crate) fn transaction(reply: &[u8]) -> Option<u32> {
    let xid = reply.get(4..8)?.first_chunk()?;
    (reply.len() > BEFORE_OPTIONS && reply[0] == 2).then(|| u32::from_be_bytes(*xid))
}

/// The options of a reply that are checked.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) kind: u8,
    pub(crate) server: &'a [u8],
    lease_time: &'a [u8],
    mask: &'a [u8],
    router: &'a [u8],
    dns: &'a [u8],
    domain: &'a [u8],
    has_end: bool,
}

impl<'a> Options<'a> {
    /// Reads them up to the end, or up to what cannot be read.
    pub(crate) fn read(message: &'a [u8]) -> Self {
        let mut options = Self::default();
        let mut rest = message.get(BEFORE_OPTIONS..).unwrap_or_default();
        loop {
            rest = match rest {
                [255, ..] => {
                    options.has_end = true;
                    return options;
                }
                [0, behind @ ..] => behind,
                [code, length, behind @ ..] if behind.len() >= usize::from(*length) => {
                    let (value, behind) = behind.split_at(usize::from(*length));
                    match (code, value) {
                        (53, [kind]) => options.kind = *kind,
                        (54, _) => options.server = value,
                        (51, _) => options.lease_time = value,
                        (1, _) => options.mask = value,
                        (3, _) => options.router = value,
                        (6, _) => options.dns = value,
                        (15, _) => options.domain = value,
                        _ => {}
                    }
                    behind
                }
                _ => return options,
            };
        }
    }
}

/// What is wrong with a reply to this client, apart from its address: nothing, as a rule.
pub(crate) fn fault(
    reply: &[u8],
    options: &Options<'_>,
    client: u32,
    giaddr: Ipv4Addr,
) -> Option<&'static str> {
    let faults = [
        (reply[..3] != [2, 1, 6] || reply[236..BEFORE_OPTIONS] != COOKIE, "header"),
        (reply[28..34] != card_of(client) || reply[34..44] != [0; 10], "chaddr"),
        (reply[24..28] != giaddr.octets(), "giaddr"),
        (!options.has_end, "options"),
        (options.server != SERVER.octets(), "server identifier"),
    ];
    let of_grants = [
        (options.lease_time.len() != 4 || options.lease_time == [0; 4], "lease time"),
        (options.mask != [255, 255, 0, 0], "subnet mask"),
        (options.router != ROUTER.octets(), "router"),
        (options.dns != [1, 1, 1, 1], "DNS servers"),
        (!options.domain.starts_with(b"example.org"), "domain name"),
    ];
    let of_grants = of_grants.iter().filter(|_| options.kind != NAK);
    faults.iter().chain(of_grants).find_map(|(is_so, name)| is_so.then_some(*name))
}

/// The address that a reply grants.
pub(crate) fn granted(reply: &[u8]) -> Ipv4Addr {
    reply[16..20].first_chunk::<4>().copied().unwrap_or_default().into()
}

/// Writes what a server without any state answers, with the options that all others send: the limit. Its length, or
/// none if it is no request.
pub(crate) fn answer(request: &[u8], place: &mut [u8]) -> Option<usize> {
    if request.len() < 244 || request[0] != 1 || request[236..BEFORE_OPTIONS] != COOKIE {
        return None;
    }
    let kind = match Options::read(request).kind {
        DISCOVER => OFFER,
        REQUEST => ACK,
        _ => return None,
    };
    let number = u32::from_be_bytes(*request[30..34].first_chunk()?);
    place[..SHORTEST].fill(0);
    place[..4].copy_from_slice(&[2, 1, 6, 0]);
    place[4..8].copy_from_slice(&request[4..8]);
    place[10..12].copy_from_slice(&request[10..12]);
    place[16..20].copy_from_slice(&address_of(number % MOST_CLIENTS).octets());
    place[24..28].copy_from_slice(&request[24..28]);
    place[28..44].copy_from_slice(&request[28..44]);
    place[236..BEFORE_OPTIONS].copy_from_slice(&COOKIE);
    place[240..243].copy_from_slice(&[53, 1, kind]);
    let options = b"\x36\x04\x0a\x63\x00\x01\x33\x04\x00\x01\x51\x80\x01\x04\xff\xff\x00\x00\
        \x03\x04\x0a\x63\x00\xfe\x06\x04\x01\x01\x01\x01\x0f\x0bexample.org\xff";
    place[243..243 + options.len()].copy_from_slice(options);
    Some(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(message: &Message) -> Vec<u8> {
        let (mut request, mut reply) = ([0; 1500], [0; 1500]);
        let length = message.write(&mut request);
        let length = answer(&request[..length], &mut reply).unwrap();
        reply[..length].to_vec()
    }

    fn discover() -> Message {
        Message { kind: DISCOVER, xid: 7, client: 300, giaddr: RELAY, chosen: None }
    }

    fn found(reply: &[u8]) -> Option<&'static str> {
        fault(reply, &Options::read(reply), 300, RELAY)
    }

    #[test]
    fn the_right_answer_is_right_and_for_its_client() {
        let reply = exchange(&discover());
        assert_eq!((transaction(&reply), Options::read(&reply).kind), (Some(7), OFFER));
        assert_eq!(found(&reply), None);
        assert_eq!(granted(&reply), Ipv4Addr::new(10, 99, 2, 44));
        let request = Message { kind: REQUEST, chosen: Some((granted(&reply), SERVER)), ..discover() };
        assert_eq!(Options::read(&exchange(&request)).kind, ACK);
    }

    #[test]
    fn each_wrong_byte_of_an_answer_is_named() {
        for (at, name) in [
            (1, "header"),
            (24, "giaddr"),
            (33, "chaddr"),
            (40, "chaddr"),
            (236, "header"),
            (245, "server identifier"),
            (258, "subnet mask"),
            (264, "router"),
            (270, "DNS servers"),
            (276, "domain name"),
        ] {
            let mut reply = exchange(&discover());
            reply[at] ^= 0x40;
            assert_eq!(found(&reply), Some(name), "{at}");
        }
        let mut reply = exchange(&discover());
        reply[251..255].fill(0);
        assert_eq!(found(&reply), Some("lease time"));
        assert_eq!(found(&exchange(&discover())[..270]), Some("options"));
    }
}
