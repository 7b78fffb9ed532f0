//! Option 81 (RFC 4702), as a server answers it that does no DNS updates: DNS is not this system's affair, and a client
//! that wants its name there may see to that itself.

use super::{Request, code};

/// The server does no updates.
const N: u8 = 1 << 3;
/// The name is in the form of DNS messages; else it is text.
const E: u8 = 1 << 2;
/// The server does not do what the client wanted it to.
const O: u8 = 1 << 1;
/// The server is to update the address record (client), or does so (server).
const S: u8 = 1;
/// The fields of return codes are given up (section 2.2).
const NO_CODE: u8 = 255;

/// What goes back to a client that sends the option: three bytes, and its name as it came.
pub(super) fn answer<'a>(request: &Request<'a>) -> Option<([u8; 3], &'a [u8])> {
    let mut parts = request.option(code::CLIENT_FQDN);
    let (&[flags, _, _], name) = parts.next()?.split_first_chunk()?;
    if parts.next().is_some() {
        // No name is that long.
        return None;
    }
    let overridden = if flags & S == 0 { 0 } else { O };
    Some(([N | flags & E | overridden, NO_CODE, NO_CODE], name))
}
