//! The options of a received packet, as checked slices into it.
//!
//! Options may also lie in `file` and `sname` (option 52), and one option may come in several parts that read as one
//! (RFC 3396). Both are honoured without copying: an option is the sequence of its parts. Decoding by dhcproto would
//! allocate, and would drop everything behind the first option that it cannot read, without a word.

use super::{Malformed, code};

/// A set of option numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Codes([u64; 4]);

impl Codes {
    /// Adds a number; whether it was new.
    pub(super) fn insert(&mut self, code: u8) -> bool {
        let bit = 1 << (code % 64);
        self.0.get_mut(usize::from(code / 64)).is_some_and(|word| {
            let new = *word & bit == 0;
            *word |= bit;
            new
        })
    }

    pub(super) fn contains(self, code: u8) -> bool {
        self.0.get(usize::from(code / 64)).is_some_and(|word| word & (1 << (code % 64)) != 0)
    }
}

/// Options that are known to be well-formed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceivedOptions<'a> {
    /// In the order in which RFC 3396 section 5 reads them: `options`, `file`, `sname`.
    fields: [&'a [u8]; 3],
    present: Codes,
    /// Those that come in several parts.
    divided: Codes,
    /// The first part of each of [`AT_HAND`], found once: to walk over a packet costs more than all that is decided of it.
    at_hand: [&'a [u8]; AT_HAND.len()],
}

/// Options of nearly every message that are read again and again.
const AT_HAND: [u8; 6] = [
    code::MESSAGE_TYPE,
    code::CLIENT_IDENTIFIER,
    code::PARAMETER_LIST,
    code::MAXIMUM_SIZE,
    code::REQUESTED_ADDRESS,
    code::SERVER_IDENTIFIER,
];

fn place_at_hand(code: u8) -> Option<usize> {
    AT_HAND.iter().position(|at_hand| *at_hand == code)
}

impl<'a> ReceivedOptions<'a> {
    /// Checks the options of a packet; `file` and `sname` count only as far as option 52 says so.
    pub(super) fn parse(options: &'a [u8], file: &'a [u8], sname: &'a [u8]) -> Result<Self, Malformed> {
        let none = Codes::default();
        let mut received =
            Self { fields: [options, &[], &[]], present: none, divided: none, at_hand: Default::default() };
        received.note(options)?;
        if let Some([overload]) = received.exact(code::OVERLOAD)? {
            let (file, sname): (&[u8], &[u8]) = match overload {
                1 => (file, &[]),
                2 => (&[], sname),
                3 => (file, sname),
                other => return Err(Malformed::Overload(other)),
            };
            received.fields = [options, file, sname];
            received.note(file)?;
            received.note(sname)?;
        }
        Ok(received)
    }

    fn note(&mut self, field: &'a [u8]) -> Result<(), Malformed> {
        for option in (Options { rest: field }) {
            let (code, value) = option?;
            if !self.present.insert(code) {
                self.divided.insert(code);
            } else if let Some(place) = place_at_hand(code).and_then(|place| self.at_hand.get_mut(place)) {
                *place = value;
            }
        }
        Ok(())
    }

    /// Whether the option is there, be it empty.
    pub(super) fn has(&self, code: u8) -> bool {
        self.present.contains(code)
    }

    /// The parts of an option, in order; none if it is not there.
    pub(super) fn parts(&self, code: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let whole = self.whole_at_hand(code);
        let fields = if self.has(code) && whole.is_none() { self.fields } else { [&[][..]; 3] };
        let walked = fields
            .into_iter()
            .flat_map(|rest| Options { rest })
            .filter_map(move |option| option.ok().filter(|(found, _)| *found == code))
            .map(|(_, value)| value);
        whole.into_iter().chain(walked)
    }

    /// The value of an option that is at hand and comes in one part.
    fn whole_at_hand(&self, code: u8) -> Option<&'a [u8]> {
        let place = place_at_hand(code).filter(|_| self.has(code) && !self.divided.contains(code))?;
        self.at_hand.get(place).copied()
    }

    /// Bytes that the parts of an option take up when they are sent as they came.
    pub(super) fn encoded_len(&self, code: u8) -> usize {
        if !self.has(code) {
            return 0;
        }
        self.parts(code).map(|part| part.len() + 2).sum()
    }

    /// The value of an option whose length is fixed.
    pub(super) fn exact<const N: usize>(&self, code: u8) -> Result<Option<[u8; N]>, Malformed> {
        if !self.has(code) {
            return Ok(None);
        }
        let wrong = |length| Malformed::OptionLength { code, length, expected: N };
        if let Some(value) = self.whole_at_hand(code) {
            return value.try_into().map(Some).map_err(|_| wrong(value.len()));
        }
        let mut value = [0; N];
        let mut length = 0;
        for byte in self.parts(code).flatten() {
            if let Some(place) = value.get_mut(length) {
                *place = *byte;
            }
            length += 1;
        }
        if length == N { Ok(Some(value)) } else { Err(wrong(length)) }
    }
}

/// Walks over one field, up to END or to the end of the field.
struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&code, behind) = self.rest.split_first()?;
            match code {
                code::PAD => self.rest = behind,
                code::END => {
                    self.rest = &[];
                    return None;
                }
                code => {
                    let split = behind
                        .split_first()
                        .and_then(|(&length, value)| value.split_at_checked(length.into()));
                    self.rest = split.map_or(&[], |(_, behind)| behind);
                    return Some(
                        split.map(|(value, _)| (code, value)).ok_or(Malformed::TruncatedOption { code }),
                    );
                }
            }
        }
    }
}
