//! An answer as a strict reader sees it: nothing twice, nothing behind the end, every field where it belongs.

use std::net::Ipv4Addr;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) yiaddr: Ipv4Addr,
    pub(crate) siaddr: Ipv4Addr,
    pub(crate) flags: u16,
    /// Whether `file` or `sname` hold options (option 52).
    pub(crate) overloaded: bool,
    /// What `file` names, where it does not hold options.
    pub(crate) file: Vec<u8>,
    /// Number and value of each option: those of `options`, then `file`, then `sname`.
    pub(crate) options: Vec<(u8, Vec<u8>)>,
}

impl Reading {
    /// Reads the bytes, which answer this request; says what is wrong with them.
    pub(crate) fn of(bytes: &[u8], request: &[u8]) -> Result<Self, String> {
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        if bytes.len() < 300 {
            return Err(format!("{} bytes are fewer than BOOTP has", bytes.len()));
        }
        if bytes[..4] != [2, 1, 6, 0] {
            return Err(format!("op, htype, hlen and hops are {:?}", &bytes[..4]));
        }
        if bytes[4..8] != request[4..8] || bytes[28..44] != request[28..44] {
            return Err("xid or chaddr is not the client's".to_owned());
        }
        if bytes[236..240] != [99, 130, 83, 99] {
            return Err("the magic cookie is missing".to_owned());
        }
        let mut options = read(&bytes[240..], "options")?;
        let mut file: Vec<_> = bytes[108..236].iter().copied().take_while(|byte| *byte != 0).collect();
        let overload = options.iter().position(|(code, _)| *code == 52);
        if let Some(at) = overload {
            let overload = options.remove(at).1;
            if overload[0] & 1 != 0 {
                file.clear();
                options.extend(read(&bytes[108..236], "file")?);
            }
            if overload[0] & 2 != 0 {
                options.extend(read(&bytes[44..108], "sname")?);
            }
        }
        Ok(Self {
            ciaddr: address(12),
            yiaddr: address(16),
            siaddr: address(20),
            flags: u16::from_be_bytes([bytes[10], bytes[11]]),
            file,
            overloaded: overload.is_some(),
            options,
        })
    }

    /// Numbers of the options in the field of that name.
    pub(crate) fn of_options(bytes: &[u8]) -> Result<Vec<u8>, String> {
        Ok(read(&bytes[240..], "options")?.into_iter().map(|(code, _)| code).collect())
    }

    pub(crate) fn codes(&self) -> Vec<u8> {
        self.options.iter().map(|(code, _)| *code).collect()
    }

    /// The values of an option, one for each time that it is there.
    pub(crate) fn values(&self, code: u8) -> Vec<&[u8]> {
        self.options.iter().filter(|(found, _)| *found == code).map(|(_, value)| value.as_slice()).collect()
    }

    pub(crate) fn value(&self, code: u8) -> Option<&[u8]> {
        self.values(code).first().copied()
    }

    pub(crate) fn seconds(&self, code: u8) -> Option<u32> {
        self.value(code).map(|value| u32::from_be_bytes(value.try_into().unwrap()))
    }
}

/// Options up to END, behind which there are only zeroes.
fn read(field: &[u8], name: &str) -> Result<Vec<(u8, Vec<u8>)>, String> {
    let mut options = Vec::new();
    let mut at = 0;
    loop {
        match field.get(at) {
            None => return Err(format!("{name} has no end")),
            Some(255) => break,
            Some(0) => return Err(format!("{name} has a hole before its end")),
            Some(&code) => {
                let length = usize::from(*field.get(at + 1).ok_or("an option without a length")?);
                let value = field.get(at + 2..at + 2 + length);
                let value = value.ok_or_else(|| format!("option {code} goes beyond {name}"))?;
                options.push((code, value.to_vec()));
                at += 2 + length;
            }
        }
    }
    if field[at + 1..].iter().any(|byte| *byte != 0) {
        return Err(format!("{name} has something behind its end"));
    }
    Ok(options)
}
