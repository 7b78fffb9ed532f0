//! The end of an answer: what goes back of the client's message, and END.

use super::client_fqdn;
use super::received::Codes;
use super::reply::Area;
use super::{Request, code};

/// Options that go back, in their order: the relay agent's is the last (RFC 3046 section 2.2).
const OF_ANSWERS: [u8; 5] = [
    // RFC 3011 section 2.
    code::SUBNET_SELECTION,
    // RFC 6842 section 3.
    code::CLIENT_IDENTIFIER,
    // RFC 4578 section 2.3.
    code::MACHINE_IDENTIFIER,
    code::CLIENT_FQDN,
    code::RELAY_INFORMATION,
];
/// The same in a refusal (RFC 2131 table 3).
const OF_REFUSALS: [u8; 2] = [code::CLIENT_IDENTIFIER, code::RELAY_INFORMATION];
/// Those without which an answer is better than none, the least important first.
const DISPENSABLE: [u8; 3] = [code::CLIENT_FQDN, code::MACHINE_IDENTIFIER, code::RELAY_INFORMATION];

/// What ends an answer.
pub(super) struct Echo<'e> {
    request: &'e Request<'e>,
    codes: &'static [u8],
    without: Codes,
}

impl<'e> Echo<'e> {
    /// The end of an answer with options.
    pub(super) fn of_answer(request: &'e Request<'e>, may_select_subnet: bool) -> Self {
        let mut without = Codes::default();
        if !may_select_subnet {
            without.insert(code::SUBNET_SELECTION);
        }
        Self { request, codes: &OF_ANSWERS, without }
    }

    /// The end of a refusal.
    pub(super) fn of_refusal(request: &'e Request<'e>) -> Self {
        Self { request, codes: &OF_REFUSALS, without: Codes::default() }
    }

    /// Leaves out what has no room; how many options that are. None if one of them may not be left out.
    pub(super) fn fit(&mut self, room: usize) -> Option<usize> {
        let mut left_out = 0;
        for code in DISPENSABLE {
            if self.length() <= room {
                break;
            }
            if self.length_of(code) > 0 {
                self.without.insert(code);
                left_out += 1;
            }
        }
        (self.length() <= room).then_some(left_out)
    }

    /// Bytes that it takes up.
    pub(super) fn length(&self) -> usize {
        self.codes.iter().map(|code| self.length_of(*code)).sum::<usize>() + 1
    }

    fn length_of(&self, code: u8) -> usize {
        match code {
            _ if self.without.contains(code) => 0,
            code::CLIENT_FQDN => {
                client_fqdn::answer(self.request).map_or(0, |(first, name)| 2 + first.len() + name.len())
            }
            _ => self.request.options().encoded_len(code),
        }
    }

    /// Writes it; none if there is no room.
    pub(super) fn write(&self, options: &mut Area<'_>) -> Option<()> {
        for &code in self.codes.iter().filter(|code| !self.without.contains(**code)) {
            if code == code::CLIENT_FQDN {
                if let Some((first, name)) = client_fqdn::answer(self.request) {
                    options.option(code, &[&first, name])?;
                }
            } else {
                for part in self.request.option(code) {
                    options.option(code, &[part])?;
                }
            }
        }
        options.put(&[&[code::END]])
    }
}
