//! Which sort of client sends a message: by its vendor class (option 60), user class (option 77), architecture
//! (option 93) and MAC.
//!
//! Options are read as the packet has them, in their parts (RFC 3396), without copying.

use super::{Request, code};
use crate::pool::Criteria;

impl Criteria {
    /// Whether the client that sent this is one of those meant.
    pub(super) fn hold_for(&self, request: &Request<'_>) -> bool {
        let Self { user_class, architectures, vendor_class, mac_prefix } = self;
        request.mac().octets().starts_with(mac_prefix)
            && vendor_class.as_ref().is_none_or(|name| has_vendor_class(request, name.as_bytes()))
            && user_class.as_ref().is_none_or(|name| has_user_class(request, name.as_bytes()))
            && (architectures.is_empty() || has_architecture(request, architectures))
    }
}

/// All bytes of an option.
fn bytes<'a>(request: &Request<'a>, code: u8) -> impl Iterator<Item = u8> + use<'a> {
    request.option(code).flatten().copied()
}

/// Whether the client's vendor class begins like this.
fn has_vendor_class(request: &Request<'_>, beginning: &[u8]) -> bool {
    let mut bytes = bytes(request, code::VENDOR_CLASS);
    beginning.iter().all(|expected| bytes.next() == Some(*expected))
}

/// Whether one of the client's architectures (RFC 4578 section 2.1: a list of them) is among these.
fn has_architecture(request: &Request<'_>, architectures: &[u16]) -> bool {
    let mut bytes = bytes(request, code::CLIENT_ARCHITECTURE);
    std::iter::from_fn(|| Some(u16::from_be_bytes([bytes.next()?, bytes.next()?])))
        .any(|number| architectures.contains(&number))
}

/// Whether the client is of this user class: the bare text that iPXE and most firmware send, or one of the texts
/// behind a length each that RFC 3004 wants.
fn has_user_class(request: &Request<'_>, name: &[u8]) -> bool {
    bytes(request, code::USER_CLASS).eq(name.iter().copied()) || has_counted_user_class(request, name)
}

fn has_counted_user_class(request: &Request<'_>, name: &[u8]) -> bool {
    let mut bytes = bytes(request, code::USER_CLASS);
    let mut found = false;
    while let Some(length) = bytes.next() {
        let length = usize::from(length);
        let (mut read, mut equal) = (0, true);
        for byte in bytes.by_ref().take(length) {
            equal &= name.get(read) == Some(&byte);
            read += 1;
        }
        if read < length {
            // The lengths do not add up, so they are none.
            return false;
        }
        found |= equal && read == name.len();
    }
    found
}
