//! DHCP servers that are not ours: seen by their answers, by clients that choose them, and by looking for them.
//!
//! An agent asks with a DHCPDISCOVER of its own, from a card address that is reserved for this, so that no agent
//! answers it and no foreign server's pool is touched by more than one offer.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;
use vmdhcp_core::MacAddr;

use super::frame::{self, Addressing, LINK_BROADCAST, LONGEST_FRAME, UDP_PAYLOAD};
use super::packet_socket::PacketSocket;
use super::records::timestamp;
use super::sightings::{card_of, key_of};
use super::stand_down::{self, Standing};
use super::state::{Now, Serving, State, lock};

/// `chaddr` of the agents' own DHCPDISCOVER: locally administered, "vmdhc" in ASCII.
pub(crate) const PROBE_CARD: [u8; 6] = [0x02, b'v', b'm', b'd', b'h', b'c'];
/// How often it is looked whether a DHCPDISCOVER is due.
const PERIOD: Duration = Duration::from_secs(1);
/// For how many seconds a server is reported after it was last seen: agents look for servers every hour, unless they
/// stand down.
const REMEMBERED: u64 = 2 * 3600;
/// A sighting without a card: a client named the server.
const BY_ADDRESS: u64 = 1 << 63;

const OPTION_PAD: u8 = 0;
const OPTION_SERVER_IDENTIFIER: u8 = 54;
const OPTION_END: u8 = 255;
/// Fixed fields and magic cookie.
const OPTIONS_AT: usize = 240;
const BOOTREPLY: u8 = 2;
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];

/// A DHCP server that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForeignServer {
    pub(crate) address: Ipv4Addr,
    /// Source of its frames; none if clients only named it.
    pub(crate) mac: Option<MacAddr>,
    pub(crate) first_seen: Option<Timestamp>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) count: u64,
}

/// Notes a server's message, unless it is of one of ours or passed on for one.
pub(crate) fn note_answer(state: &State, serving: &Serving, source: MacAddr, payload: &[u8], now: Now) {
    if let Some(server) = answering_server(payload)
        && !serving.table.is_server(server)
        && !serving.roster.contains(&source)
    {
        state.foreign.note(key_of(source), detail(server, now), now.seconds);
        serving.hear(server);
    }
}

/// Notes that a client chose another server.
pub(crate) fn note_choice(state: &State, serving: &Serving, server: Ipv4Addr, now: Now) {
    state.foreign.note(BY_ADDRESS | u64::from(u32::from(server)), detail(server, now), now.seconds);
    serving.hear(server);
}

/// A server's identifier, and above it when it was seen, in seconds of [`Now::monotonic`]: the host's clock may be set
/// meanwhile.
fn detail(server: Ipv4Addr, now: Now) -> u64 {
    (now.monotonic / 1_000) << 32 | u64::from(u32::from(server))
}

/// Lets what was seen before this, in seconds of [`Now::monotonic`], count no more.
pub(crate) fn forget_before(state: &State, seconds: u64) {
    state.foreign_forgotten.fetch_max(seconds, Ordering::Relaxed);
}

/// The servers seen in the last two hours, unless they have been forgotten.
pub(crate) fn read(state: &State, now: Now) -> Vec<ForeignServer> {
    let forgotten = state.foreign_forgotten.load(Ordering::Relaxed);
    let since = (now.monotonic / 1_000).saturating_sub(REMEMBERED).max(forgotten);
    let all = state.foreign.read();
    let recent = all.into_iter().filter(|seen| seen.detail >> 32 >= since);
    let mut servers: Vec<_> = recent
        .map(|seen| ForeignServer {
            address: Ipv4Addr::from(u32::try_from(seen.detail & u64::from(u32::MAX)).unwrap_or_default()),
            mac: if seen.key & BY_ADDRESS == 0 { card_of(seen.key) } else { None },
            first_seen: timestamp(seen.first_seen),
            last_seen: timestamp(seen.last_seen),
            count: seen.count,
        })
        .collect();
    // Named by a client as well as heard: once is enough.
    let heard: Vec<_> = servers.iter().filter(|server| server.mac.is_some()).map(|s| s.address).collect();
    servers.retain(|server| server.mac.is_some() || !heard.contains(&server.address));
    servers
}

/// The server identifier of a server's message; `siaddr` does not count, it names the boot server.
fn answering_server(payload: &[u8]) -> Option<Ipv4Addr> {
    let (fixed, mut options) = payload.split_at_checked(OPTIONS_AT)?;
    if fixed[0] != BOOTREPLY || fixed[236..] != MAGIC_COOKIE {
        return None;
    }
    loop {
        let (&code, behind) = options.split_first()?;
        if code == OPTION_END {
            return None;
        }
        if code == OPTION_PAD {
            options = behind;
            continue;
        }
        let (&length, behind) = behind.split_first()?;
        let (value, behind) = behind.split_at_checked(length.into())?;
        if code == OPTION_SERVER_IDENTIFIER {
            return Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?));
        }
        options = behind;
    }
}

/// Looks for other servers, at once and then every hour, or as often as a pool needs it that stands down for them; and
/// decides whether that one is served. For as long as it is polled.
pub(crate) async fn look_for_servers(socket: &PacketSocket, state: &State) {
    let mut changes = state.changes();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = (Standing::Serves, false);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
        let now = state.now();
        if lock(&state.search).is_due(now.monotonic) {
            let sent = send_discover(socket);
            lock(&state.search).note(now.monotonic, sent);
        }
        let serving = state.serving().clone();
        let Some(serving) = serving.as_deref() else { continue };
        let standing = stand_down::reconsider(state, serving, now);
        let acknowledged = serving.acknowledged.load(Ordering::Relaxed);
        if acknowledged && !known.1 {
            state.first_acknowledged.notify_one();
        }
        if standing != known.0 {
            tell(standing, state);
        }
        known = (standing, acknowledged);
    }
}

fn tell(standing: Standing, state: &State) {
    let pool = &state.pool;
    match standing {
        Standing::Serves => tracing::info!(%pool, "no other DHCP server is in the way: clients are answered"),
        Standing::Looks => tracing::info!(%pool, "looking for other DHCP servers before anybody is answered"),
        Standing::StandsDown(server) => {
            tracing::warn!(%pool, %server, "another DHCP server is on the network: standing down, nobody is answered");
        }
    }
}

/// Asks whoever is there for an offer; whether that was sent.
fn send_discover(socket: &PacketSocket) -> bool {
    let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
    let mut frame = [0; LONGEST_FRAME];
    let length = write_discover(&mut frame, socket.interface().mac(), [a, b, c, d]);
    let Some(frame) = length.and_then(|length| frame.get(..length)) else { return false };
    socket
        .send(frame)
        .inspect_err(
            |error| tracing::debug!(%error, "the DHCPDISCOVER that looks for other servers was not sent"),
        )
        .is_ok()
}

/// A DHCPDISCOVER that asks for an answer by broadcast, as the card that sends it is not the one that asks.
fn write_discover(frame: &mut [u8; LONGEST_FRAME], own: MacAddr, xid: [u8; 4]) -> Option<usize> {
    const PAYLOAD: usize = 300;
    let payload = frame.get_mut(UDP_PAYLOAD..UDP_PAYLOAD + PAYLOAD)?;
    payload.fill(0);
    payload[..4].copy_from_slice(&[1, 1, 6, 0]);
    payload[4..8].copy_from_slice(&xid);
    payload[10] = 0x80; // the broadcast flag
    payload[28..34].copy_from_slice(&PROBE_CARD);
    payload[236..240].copy_from_slice(&MAGIC_COOKIE);
    payload[240..244].copy_from_slice(&[53, 1, 1, OPTION_END]);
    let addressing = Addressing {
        link_source: own,
        link_destination: LINK_BROADCAST,
        source: Ipv4Addr::UNSPECIFIED,
        destination: Ipv4Addr::BROADCAST,
    };
    frame::finish_udp(frame, &addressing, 68, 67, PAYLOAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vmdhcp_core::dhcp::{MessageType, Request};

    fn offer(options: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; OPTIONS_AT];
        payload[0] = BOOTREPLY;
        payload[236..].copy_from_slice(&MAGIC_COOKIE);
        payload.extend_from_slice(options);
        payload
    }

    #[test]
    fn a_server_is_known_by_its_identifier() {
        let answer = offer(&[0, 53, 1, 2, 54, 4, 10, 0, 0, 9, 255]);
        assert_eq!(answering_server(&answer), Some(Ipv4Addr::new(10, 0, 0, 9)));
        for broken in [&[53, 1, 2, 255, 54, 4, 1, 2, 3, 4][..], &[54, 3, 1, 2, 3], &[54, 4, 1], &[]] {
            assert_eq!(answering_server(&offer(broken)), None, "{broken:?}");
        }
        let mut request = answer;
        request[0] = 1;
        assert_eq!(answering_server(&request), None);
    }

    #[test]
    fn the_discover_of_an_agent_is_one_that_any_server_understands() {
        let mut frame = [0; LONGEST_FRAME];
        let own = "02:00:00:00:00:01".parse().unwrap();
        let length = write_discover(&mut frame, own, [1, 2, 3, 4]).unwrap();
        let read = frame::parse(&frame[..length]).unwrap();
        let frame::Content::Udp { destination_port: 67, source_port: 68, payload } = read.content else {
            panic!("{read:?}")
        };
        let request = Request::parse(payload).unwrap();
        assert_eq!((request.kind(), request.mac().octets()), (MessageType::Discover, PROBE_CARD));
        assert!(request.broadcast());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(options in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = answering_server(&offer(&options));
        }
    }
}
