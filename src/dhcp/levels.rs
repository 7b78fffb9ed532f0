//! The options of one client, level over level: those of its card over those of its classes over those of the pool over
//! what network boot adds.
//!
//! Every level is encoded when the table is built. Here they are only looked through, so that levels merge by number
//! and nothing is allocated. Tables of all combinations of classes would be quicker to read, but there are as many as
//! subsets; a look at a level that lacks the option costs one bit.

use std::net::Ipv4Addr;

use super::encoded::EncodedOptions;
use super::own_options::CardOptions;
use super::{Request, code};
use crate::api::limits::MOST_CLASSES;
use crate::pool::{Boot, Class, Criteria};

/// Longest boot file that the header field `file` takes, with the zero behind it.
const LONGEST_FILE: usize = 127;
/// Option 60 for HTTP boot: firmware takes no offer without it for one of HTTP boot (UEFI 2.10 section 24.7.3).
const HTTP_CLIENT: &[u8] = b"\x3c\x0aHTTPClient";

/// What clients of one sort boot, ready for the wire.
#[derive(Debug, Clone)]
pub(super) struct EncodedBoot {
    clients: Criteria,
    next_server: Option<Ipv4Addr>,
    /// Options 66, 67 and 150.
    options: EncodedOptions,
}

impl EncodedBoot {
    /// A pool's network boot: the rules in their order, and last what is for any client.
    pub(super) fn of_pool(boot: &Boot) -> Vec<Self> {
        let any = (Criteria::default(), boot.next_server, boot.file.as_deref());
        let rules = boot.rules.iter().map(|rule| {
            let next_server = rule.next_server.or(boot.next_server);
            (rule.clients.clone(), next_server, rule.file.as_deref().or(boot.file.as_deref()))
        });
        let encoded = |(clients, next_server, file)| {
            let options = EncodedOptions::of_boot(next_server, file);
            Self { clients, next_server, options }
        };
        rules.chain([any]).map(encoded).collect()
    }
}

/// What clients of one sort are sent, ready for the wire.
#[derive(Debug, Clone)]
pub(super) struct EncodedClass {
    clients: Criteria,
    options: EncodedOptions,
    lease_time: Option<u32>,
}

impl EncodedClass {
    /// A class of a pool.
    pub(super) fn of(class: &Class) -> Self {
        let options = EncodedOptions::of_class(class);
        Self { clients: class.clients.clone(), options, lease_time: class.lease_time }
    }
}

/// The options that one client gets, by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels<'t> {
    /// Of its card.
    own: CardOptions<'t>,
    classes: &'t [EncodedClass],
    /// Those that the client is of, a bit each.
    is_of: u64,
    pool: &'t EncodedOptions,
    boot: &'t [EncodedBoot],
    /// Which of them the client boots.
    boots: Option<&'t EncodedBoot>,
    http_client: bool,
}

// A bit a class.
const _: () = assert!(MOST_CLASSES <= u64::BITS as usize);

impl<'t> Levels<'t> {
    /// Those of a client that says nothing of itself.
    pub(super) fn new(
        own: CardOptions<'t>,
        classes: &'t [EncodedClass],
        pool: &'t EncodedOptions,
        boot: &'t [EncodedBoot],
    ) -> Self {
        Self { own, classes, is_of: 0, pool, boot, boots: boot.last(), http_client: false }
    }

    /// Those of the client that sent this.
    pub(super) fn for_client(mut self, request: &Request<'_>) -> Self {
        for (at, class) in self.classes.iter().enumerate() {
            self.is_of |= u64::from(class.clients.hold_for(request)) << at;
        }
        self.boots = self.boot.iter().find(|boot| boot.clients.hold_for(request));
        self.http_client = self.get(code::VENDOR_CLASS).is_none()
            && self
                .value(code::BOOT_FILE)
                .is_some_and(|file| file.starts_with(b"http://") || file.starts_with(b"https://"))
            && request
                .option(code::VENDOR_CLASS)
                .next()
                .is_some_and(|vendor_class| vendor_class.starts_with(b"HTTPClient"));
        self
    }

    /// The classes that the client is of, in their order.
    fn matching(&self) -> impl Iterator<Item = &'t EncodedClass> + use<'t> {
        let (classes, mut rest) = (self.classes, self.is_of);
        std::iter::from_fn(move || {
            let at = rest.trailing_zeros();
            rest &= rest.checked_sub(1)?;
            classes.get(usize::try_from(at).ok()?)
        })
    }

    /// An option, as it goes out.
    pub(super) fn get(&self, code: u8) -> Option<&'t [u8]> {
        self.own
            .get(code)
            .or_else(|| self.matching().find_map(|class| class.options.get(code)))
            .or_else(|| self.pool.get(code))
            .or_else(|| self.boots.and_then(|boot| boot.options.get(code)))
            .or_else(|| (self.http_client && code == code::VENDOR_CLASS).then_some(HTTP_CLIENT))
    }

    /// Lease in seconds that a class of the client has, whatever it asks for.
    pub(super) fn lease_time(&self) -> Option<u32> {
        self.matching().find_map(|class| class.lease_time)
    }

    /// The value of an option that is not longer than 255 bytes.
    fn value(&self, code: u8) -> Option<&'t [u8]> {
        let (&[_, length], value) = self.get(code)?.split_first_chunk()?;
        (value.len() == usize::from(length)).then_some(value)
    }

    /// Numbers of all options, the most important ones first; some come twice.
    pub(super) fn codes(&self) -> impl Iterator<Item = u8> {
        const FIRST: [u8; 7] = [
            code::ROUTER,
            code::DOMAIN_NAME_SERVER,
            code::CLASSLESS_ROUTES,
            code::DOMAIN_NAME,
            code::HOSTNAME,
            code::INTERFACE_MTU,
            code::NTP_SERVERS,
        ];
        let classes = self.matching().map(|class| &class.options);
        let levels = classes.chain([self.pool]).chain(self.boots.map(|boot| &boot.options));
        FIRST.into_iter().chain(self.own.codes()).chain(levels.flat_map(EncodedOptions::codes))
    }

    /// Numbers of options that a client is sent whether it asks for them or not: it could not boot otherwise.
    pub(super) fn needed(&self) -> impl Iterator<Item = u8> {
        let file = self.value(code::BOOT_FILE).filter(|file| file.len() > LONGEST_FILE);
        let file = file.map(|_| code::BOOT_FILE);
        file.into_iter().chain(self.http_client.then_some(code::VENDOR_CLASS))
    }

    /// `file` of the header: always what option 67 says, as far as it fits.
    pub(super) fn file(&self) -> Option<&'t [u8]> {
        self.value(code::BOOT_FILE).filter(|file| file.len() <= LONGEST_FILE)
    }

    /// `siaddr` of the header: the boot server, also where a level above `boot` names another one by its address.
    pub(super) fn next_server(&self) -> Ipv4Addr {
        self.value(code::TFTP_SERVER_NAME)
            .and_then(|name| std::str::from_utf8(name).ok()?.parse().ok())
            .or(self.boots.and_then(|boot| boot.next_server))
            .unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}
