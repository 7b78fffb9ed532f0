//! The bytes of an answer, written into a fixed buffer.
//!
//! The message type comes first and the relay agent's information last (RFC 3046 section 2.1). What has to be there
//! is put in at any rate; the rest follows in the order of its importance as far as the client takes it, whole
//! options only, at last in `file` and `sname` (option 52). A boot file is in `file`, so that this field then takes no
//! options: firmware reads it before it asks whether option 52 says what is in it.

use std::net::Ipv4Addr;

use super::echo::Echo;
use super::levels::Levels;
use super::received::Codes;
use super::{
    BOOTREPLY, ClientMessage, ETHERNET, LeaseTable, MAGIC_COOKIE, MessageType, Request, Timers, code,
};

/// Longest answer in bytes: what an Ethernet frame of 1,500 bytes has room for behind IP and UDP.
pub const REPLY_MAX: usize = 1500 - IP_AND_UDP;

/// Where an answer is written to; what was in it does not matter.
pub type ReplyBuffer = [u8; REPLY_MAX];

/// Headers of a datagram, which the sizes of option 57 and of an MTU include.
const IP_AND_UDP: usize = 28;
/// Longest datagram that a client takes if it does not say so (RFC 2132 section 9.10), and shortest limit it may set.
const SMALLEST_MAXIMUM: u16 = 576;
/// Shortest answer: some relays and clients drop what is shorter than BOOTP had it (RFC 1542 section 2.1).
const SHORTEST: usize = 300;

/// What is answered, apart from the options of the pool.
pub(super) struct Answer<'t> {
    pub(super) kind: MessageType,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) yiaddr: Ipv4Addr,
    pub(super) flags: u16,
    /// Lease in seconds.
    pub(super) lease_time: Option<u32>,
    /// Whose options are sent besides.
    pub(super) options: OptionsOf<'t>,
}

/// Which options an answer has beside those of the exchange itself.
#[derive(Clone, Copy)]
pub(super) enum OptionsOf<'t> {
    /// None: this refusal only says why.
    Refusal(&'static str),
    /// Those of this client.
    Client(Levels<'t>),
}

/// How much was written.
pub(super) struct Written {
    pub(super) length: usize,
    pub(super) left_out: usize,
}

/// Writes an answer; none if what must be in it does not fit.
pub(super) fn write(
    table: &LeaseTable,
    request: &Request<'_>,
    answer: &Answer<'_>,
    buffer: &mut ReplyBuffer,
) -> Option<Written> {
    // What is behind that is written before it is sent.
    let (shortest, _) = buffer.split_at_mut(SHORTEST);
    shortest.fill(0);
    let (header, fields) = buffer.split_at_mut(44);
    let (sname, fields) = fields.split_at_mut(64);
    let (file, options) = fields.split_at_mut(128);
    let before_options = header.len() + sname.len() + file.len();

    write_header(request, answer, &mut Area::new(header))?;
    let mut options = Area::new(options);
    options.put_array(MAGIC_COOKIE)?;
    options.option_array(code::MESSAGE_TYPE, [answer.kind as u8])?;
    options.option_array(code::SERVER_IDENTIFIER, table.server().octets())?;
    if let Some(lease_time) = answer.lease_time {
        options.option_array(code::LEASE_TIME, lease_time.to_be_bytes())?;
        if let Some(Timers { renewal, rebinding }) = Timers::of(request.mac(), lease_time) {
            options.option_array(code::RENEWAL_TIME, renewal.to_be_bytes())?;
            options.option_array(code::REBINDING_TIME, rebinding.to_be_bytes())?;
        }
    }
    if let (MessageType::Ack, ClientMessage::Discover { .. }) = (answer.kind, request.message()) {
        // In no other message (RFC 4039 section 4).
        options.option(code::RAPID_COMMIT, &[])?;
    }
    let limit = longest(table, request).saturating_sub(before_options);
    let levels = match answer.options {
        OptionsOf::Refusal(text) => {
            options.option(code::MESSAGE, &[text.as_bytes()])?;
            let mut echo = Echo::of_refusal(request);
            let left_out = echo.fit(limit.saturating_sub(options.used))?;
            echo.write(&mut options)?;
            return Some(Written { length: (before_options + options.used).max(SHORTEST), left_out });
        }
        OptionsOf::Client(levels) => levels,
    };
    let mut file = Area::new(file);
    let boot_file = levels.file();
    if let Some(boot_file) = boot_file {
        file.put(&[boot_file])?;
    }

    let mut echo = Echo::of_answer(request, table.lets_select_subnet(request));
    let mut left_out = echo.fit(limit.saturating_sub(options.used))?;
    let room = limit.saturating_sub(echo.length());
    let begin = options.used;
    let fits = select(&levels, request, |option| {
        options.used + option.len() <= room && options.put(&[option]).is_some()
    });
    if !fits {
        options.take_back(begin);
        let file = boot_file.is_none().then_some(file);
        left_out += spread(&Selection::of(&levels, request), room, &mut options, file, Area::new(sname))?;
    }
    echo.write(&mut options)?;
    Some(Written { length: (before_options + options.used).max(SHORTEST), left_out })
}

/// Writes what has not all room in `options` to `file` and `sname` as well; `file` is missing where it has the boot file.
/// Returns how many options found no room.
#[cold]
fn spread(
    selection: &Selection<'_>,
    room: usize,
    options: &mut Area<'_>,
    file: Option<Area<'_>>,
    sname: Area<'_>,
) -> Option<usize> {
    let has_boot_file = file.is_none();
    // Where there is no room to name them, the fields cannot hold options.
    let can_be_named = options.used + OVERLOAD_LENGTH <= room;
    let mut overflow = Overflow { file: file.filter(|_| can_be_named), sname: can_be_named.then_some(sname) };
    let mut left_out = 0;
    // What `file` says already can wait.
    let in_file = |option: &&[u8]| has_boot_file && option.first() == Some(&code::BOOT_FILE);
    for option in selection.iter().filter(|option| !in_file(option)) {
        if options.used + option.len() + OVERLOAD_LENGTH <= room {
            options.put(&[option])?;
        } else if !overflow.take(option) {
            left_out += 1;
        }
    }
    for option in selection.iter().filter(in_file) {
        if options.used + option.len() + OVERLOAD_LENGTH <= room {
            options.put(&[option])?;
        }
    }
    overflow.finish(options)?;
    Some(left_out)
}

/// Bytes of option 52.
const OVERLOAD_LENGTH: usize = 3;

/// RFC 2131 table 3. `siaddr` is the server of network boot, and 0.0.0.0 where there is none: this server is no such.
fn write_header(request: &Request<'_>, answer: &Answer<'_>, header: &mut Area<'_>) -> Option<()> {
    let siaddr = match answer.options {
        OptionsOf::Refusal(_) => Ipv4Addr::UNSPECIFIED,
        OptionsOf::Client(levels) => levels.next_server(),
    };
    let ([htype, hlen], [hops, secs_high, secs_low]) = (ETHERNET, [0; 3]);
    let [flags_high, flags_low] = answer.flags.to_be_bytes();
    header.put_array([BOOTREPLY, htype, hlen, hops])?;
    header.put_array(request.xid().to_be_bytes())?;
    header.put_array([secs_high, secs_low, flags_high, flags_low])?;
    header.put_array(answer.ciaddr.octets())?;
    header.put_array(answer.yiaddr.octets())?;
    header.put_array(siaddr.octets())?;
    header.put_array(request.giaddr().octets())?;
    header.put_array(*request.chaddr())
}

/// Longest answer in bytes that the client takes and the link carries.
fn longest(table: &LeaseTable, request: &Request<'_>) -> usize {
    let asked = request.max_size().unwrap_or(SMALLEST_MAXIMUM);
    let datagram = asked.min(table.mtu()).max(SMALLEST_MAXIMUM);
    (usize::from(datagram) - IP_AND_UDP).min(REPLY_MAX)
}

/// Hands over the options that an answer is to have, each whole, in the order of their importance, until `take` refuses
/// one; whether it took all.
///
/// That is what the client asks for, in its order (RFC 2132 section 9.8), or everything if it does not say. The subnet
/// mask is always there, and before the router (RFC 2132 section 3.3); so is what the client could not boot without.
fn select<'t>(levels: &Levels<'t>, request: &Request<'_>, mut take: impl FnMut(&'t [u8]) -> bool) -> bool {
    let mut seen = Codes::default();
    let mut add = |code| !seen.insert(code) || levels.get(code).is_none_or(&mut take);
    if !(add(code::SUBNET_MASK) && levels.needed().all(&mut add)) {
        return false;
    }
    let mut asked = request.parameter_list().peekable();
    if asked.peek().is_some() {
        asked.all(add)
    } else {
        // Nobody who did not ask may be told to do without IPv4 (RFC 8925 section 3.3).
        levels.codes().filter(|code| *code != code::IPV6_ONLY_PREFERRED).all(add)
    }
}

/// All of them together.
struct Selection<'t> {
    options: [&'t [u8]; 255],
    count: usize,
}

impl<'t> Selection<'t> {
    fn of(levels: &Levels<'t>, request: &Request<'_>) -> Self {
        let mut selection = Self { options: [&[]; 255], count: 0 };
        select(levels, request, |option| {
            if let Some(place) = selection.options.get_mut(selection.count) {
                *place = option;
                selection.count += 1;
            }
            true
        });
        selection
    }

    fn iter(&self) -> impl Iterator<Item = &'t [u8]> {
        self.options.iter().take(self.count).copied()
    }
}

/// The fields that take what the options field has no room for (RFC 2131 section 4.1).
struct Overflow<'b> {
    file: Option<Area<'b>>,
    sname: Option<Area<'b>>,
}

impl Overflow<'_> {
    /// Whether the option fits, with an end behind it.
    fn take(&mut self, option: &[u8]) -> bool {
        [&mut self.file, &mut self.sname]
            .into_iter()
            .flatten()
            .any(|area| area.left() > option.len() && area.put(&[option]).is_some())
    }

    fn finish(mut self, options: &mut Area<'_>) -> Option<()> {
        let mut value = 0;
        for (area, flag) in [(&mut self.file, 1), (&mut self.sname, 2)] {
            if let Some(area) = area.as_mut().filter(|area| area.used > 0) {
                area.put(&[&[code::END]])?;
                value |= flag;
            }
        }
        if value == 0 { Some(()) } else { options.option(code::OVERLOAD, &[&[value]]) }
    }
}

/// A field that is filled from its front.
pub(super) struct Area<'b> {
    bytes: &'b mut [u8],
    used: usize,
}

impl<'b> Area<'b> {
    const fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, used: 0 }
    }

    const fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.used)
    }

    /// Empties it but for its first bytes.
    fn take_back(&mut self, used: usize) {
        if let Some(rest) = self.bytes.get_mut(used..self.used) {
            rest.fill(0);
            self.used = used;
        }
    }

    /// Appends these, one behind the other; none if there is no room.
    pub(super) fn put(&mut self, parts: &[&[u8]]) -> Option<()> {
        for part in parts {
            let end = self.used + part.len();
            self.bytes.get_mut(self.used..end)?.copy_from_slice(part);
            self.used = end;
        }
        Some(())
    }

    /// The same of a length that is known when this is compiled: a few instructions instead of a call.
    fn put_array<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        *self.bytes.get_mut(self.used..)?.first_chunk_mut()? = bytes;
        self.used += N;
        Some(())
    }

    fn option_array<const N: usize>(&mut self, code: u8, value: [u8; N]) -> Option<()> {
        self.put_array([code, u8::try_from(N).ok()?])?;
        self.put_array(value)
    }

    /// Appends an option, the value of which is in these parts.
    pub(super) fn option(&mut self, code: u8, value: &[&[u8]]) -> Option<()> {
        let length = u8::try_from(value.iter().map(|part| part.len()).sum::<usize>()).ok()?;
        self.put(&[&[code, length]])?;
        self.put(value)
    }
}
