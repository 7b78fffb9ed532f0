//! The options of single cards, all in one piece of memory: every lease of a large pool can have some.

use super::LeaseId;
use super::encoded::EncodedOptions;

/// Options by lease, as they go out.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnOptions {
    bytes: Vec<u8>,
    /// Where the options of each lease end and those of the next one begin; short of leases that have none to the end.
    ends: Vec<usize>,
}

impl OwnOptions {
    /// Adds those of one lease; leases come in their order.
    pub(super) fn push(&mut self, lease: LeaseId, options: &EncodedOptions) {
        if options.is_empty() {
            return;
        }
        let Ok(index) = usize::try_from(lease.0) else { return };
        self.ends.resize(index, self.bytes.len());
        for option in options.iter() {
            self.bytes.extend_from_slice(option);
        }
        self.ends.push(self.bytes.len());
    }

    /// Gives back the memory that was only there to grow into.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Those of one lease.
    pub(super) fn of(&self, lease: LeaseId) -> CardOptions<'_> {
        let slice = || {
            let index = usize::try_from(lease.0).ok()?;
            let end = *self.ends.get(index)?;
            let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
            self.bytes.get(start..end)
        };
        CardOptions(slice().unwrap_or_default())
    }
}

/// The options of one card, one behind the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CardOptions<'t>(&'t [u8]);

impl<'t> CardOptions<'t> {
    /// An option with all its parts (RFC 3396), which lie together.
    pub(super) fn get(self, code: u8) -> Option<&'t [u8]> {
        let mut parts = self.parts().skip_while(|(found, ..)| *found != code);
        let (_, start, end) = parts.next()?;
        let end = parts.take_while(|(found, ..)| *found == code).last().map_or(end, |(.., end)| end);
        self.0.get(start..end)
    }

    /// The numbers; those of an option in several parts come as often.
    pub(super) fn codes(self) -> impl Iterator<Item = u8> + use<'t> {
        self.parts().map(|(code, ..)| code)
    }

    /// Number, begin and end of each part.
    fn parts(self) -> impl Iterator<Item = (u8, usize, usize)> + use<'t> {
        let Self(bytes) = self;
        let mut at = 0;
        std::iter::from_fn(move || {
            let (&[code, length], _) = bytes.get(at..)?.split_first_chunk()?;
            let start = at;
            at += 2 + usize::from(length);
            Some((code, start, at))
        })
    }
}
