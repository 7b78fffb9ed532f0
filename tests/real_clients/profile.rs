//! What a client is known by, and its messages rebuilt from that as bytes.
//!
//! Nothing here comes from the code that is tested, nor from dhcproto, which could not write most of these packets:
//! options in any order, repeated, in a packet without an end or with garbage behind it.

use std::net::Ipv4Addr;

use vmdhcp_core::MacAddr;

/// A client: the options that it sends, and who says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// Where its options, their order and its list are from.
    pub(crate) source: &'static str,
    pub(crate) habits: Habits,
    /// Vendor class (option 60).
    class: &'static [u8],
    /// What it asks for (option 55).
    pub(crate) list: &'static [u8],
    inform_list: &'static [u8],
    /// Options of its messages, in their order.
    discover: &'static [u8],
    selecting: &'static [u8],
    rebooting: &'static [u8],
    inform: &'static [u8],
    /// User class (option 77).
    pub(crate) user_class: &'static [u8],
    /// Vendor's own (option 43).
    vendor: &'static [u8],
    /// Processor architecture (option 93).
    pub(crate) architecture: u16,
    /// Longest datagram (option 57), where it is not that of its habits.
    size: Option<u16>,
}

/// What a client does beside its options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Wants to be answered by broadcast.
    pub(crate) broadcast: bool,
    /// `secs` as it lies in the packet.
    pub(crate) secs: [u8; 2],
    /// Filled up with zeroes to this length.
    pub(crate) least: usize,
    /// Form of option 61, where it is sent.
    pub(crate) id: Id,
    /// Option 57, where it is sent.
    pub(crate) size: u16,
    /// Option 51, where it is sent.
    pub(crate) lease: u32,
    pub(crate) tail: Tail,
}

/// Form of the client identifier.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Id {
    /// Type 1 and the hardware address (RFC 2132 section 9.14).
    Hardware,
    /// Type 255, interface and DUID (RFC 4361).
    Duid,
    /// Type 0 and a text with the hardware address in it, as of Cisco's IOS.
    Text,
}

/// What is behind the last option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// END.
    End,
    /// END, and what was in the buffer before.
    Garbage,
    /// No END: zeroes until the packet is over.
    Missing,
}

/// Which message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Discover,
    Selecting { server: Ipv4Addr, address: Ipv4Addr },
    Rebooting { address: Ipv4Addr },
    Extending { address: Ipv4Addr },
    Inform { address: Ipv4Addr },
    Decline { server: Ipv4Addr, address: Ipv4Addr },
    Release { server: Ipv4Addr, address: Ipv4Addr },
}

impl State {
    const fn kind(self) -> u8 {
        match self {
            Self::Discover => 1,
            Self::Selecting { .. } | Self::Rebooting { .. } | Self::Extending { .. } => 3,
            Self::Decline { .. } => 4,
            Self::Release { .. } => 7,
            Self::Inform { .. } => 8,
        }
    }
}

pub(crate) const fn client(name: &'static str, source: &'static str, habits: Habits) -> Profile {
    Profile {
        name,
        source,
        habits,
        class: &[],
        list: &[],
        inform_list: &[],
        discover: &[],
        selecting: &[],
        rebooting: &[],
        inform: &[],
        user_class: &[],
        vendor: &[1, 1, 1],
        architecture: 0,
        size: None,
    }
}

impl Profile {
    pub(crate) const fn class(mut self, class: &'static str) -> Self {
        self.class = class.as_bytes();
        self
    }

    pub(crate) const fn asks(mut self, list: &'static [u8]) -> Self {
        self.list = list;
        self
    }

    pub(crate) const fn discover(mut self, order: &'static [u8]) -> Self {
        self.discover = order;
        self
    }

    pub(crate) const fn selecting(mut self, order: &'static [u8]) -> Self {
        self.selecting = order;
        self
    }

    pub(crate) const fn rebooting(mut self, order: &'static [u8]) -> Self {
        self.rebooting = order;
        self
    }

    /// Sends DHCPINFORM with these options, and asks for these.
    pub(crate) const fn informs(mut self, order: &'static [u8], list: &'static [u8]) -> Self {
        self.inform = order;
        self.inform_list = list;
        self
    }

    pub(crate) const fn user_class(mut self, class: &'static str) -> Self {
        self.user_class = class.as_bytes();
        self
    }

    pub(crate) const fn vendor(mut self, value: &'static [u8]) -> Self {
        self.vendor = value;
        self
    }

    pub(crate) const fn architecture(mut self, architecture: u16) -> Self {
        self.architecture = architecture;
        self
    }

    pub(crate) const fn size(mut self, size: u16) -> Self {
        self.size = Some(size);
        self
    }

    pub(crate) const fn sends_inform(&self) -> bool {
        !self.inform.is_empty()
    }

    /// What it asks for in this message.
    pub(crate) fn list_in(&self, state: State) -> &'static [u8] {
        match state {
            _ if !self.order(state).contains(&55) => &[],
            State::Inform { .. } => self.inform_list,
            _ => self.list,
        }
    }

    /// The longest datagram that it says it takes in this message.
    pub(crate) fn size_in(&self, state: State) -> Option<u16> {
        self.order(state).contains(&57).then(|| self.size.unwrap_or(self.habits.size))
    }

    /// Options of the message, in their order. What is not known of a message follows from those that are.
    pub(crate) fn order(&self, state: State) -> Vec<u8> {
        let without = |order: &[u8], codes: &[u8]| -> Vec<u8> {
            order.iter().copied().filter(|code| !codes.contains(code)).collect()
        };
        let selecting = || {
            if self.selecting.is_empty() {
                let mut order = without(self.discover, &[50, 54, 80]);
                let behind = order.iter().position(|code| *code == 53).map_or(0, |at| at + 1);
                order.splice(behind..behind, [50, 54]);
                order
            } else {
                self.selecting.to_vec()
            }
        };
        match state {
            State::Discover => self.discover.to_vec(),
            State::Selecting { .. } => selecting(),
            State::Rebooting { .. } if self.rebooting.is_empty() => without(&selecting(), &[54]),
            State::Rebooting { .. } => self.rebooting.to_vec(),
            State::Extending { .. } => without(&selecting(), &[50, 54]),
            State::Inform { .. } => self.inform.to_vec(),
            State::Decline { .. } => self.with_identifier(&[53, 54, 50]),
            State::Release { .. } => self.with_identifier(&[53, 54]),
        }
    }

    fn with_identifier(&self, order: &[u8]) -> Vec<u8> {
        let identifier = self.discover.contains(&61).then_some(61);
        order.iter().copied().chain(identifier).collect()
    }

    /// The message as it comes in.
    pub(crate) fn message(&self, mac: MacAddr, state: State) -> Vec<u8> {
        let Habits { broadcast, secs, least, tail, .. } = self.habits;
        let ciaddr = match state {
            State::Extending { address } | State::Inform { address } | State::Release { address, .. } => {
                address
            }
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let mut packet = vec![1, 1, 6, 0, 0x3d, 0x1d, mac.octets()[5], state.kind()];
        packet.extend(secs);
        packet.extend([if broadcast { 0x80 } else { 0 }, 0]);
        packet.extend(ciaddr.octets());
        packet.extend([0; 12]);
        packet.extend(mac.octets());
        packet.resize(236, 0);
        packet.extend([99, 130, 83, 99]);
        let order = self.order(state);
        if order.contains(&52) {
            // Both fields are said to hold options, and hold none.
            packet[44] = 255;
            packet[108] = 255;
        }
        for code in order {
            let value = self.value(code, mac, state);
            packet.push(code);
            packet.push(u8::try_from(value.len()).unwrap());
            packet.extend(value);
        }
        match tail {
            Tail::End => packet.push(255),
            Tail::Garbage => packet.extend(b"\xff\xde\xad\xbe\xef12345678"),
            Tail::Missing => {}
        }
        if packet.len() < least {
            packet.resize(least, 0);
        }
        packet
    }

    /// The value of an option that it sends.
    fn value(&self, code: u8, mac: MacAddr, state: State) -> Vec<u8> {
        let zero = Ipv4Addr::UNSPECIFIED;
        let (address, server) = match state {
            State::Selecting { address, server }
            | State::Decline { address, server }
            | State::Release { address, server } => (address, server),
            State::Rebooting { address } | State::Extending { address } | State::Inform { address } => {
                (address, zero)
            }
            // Some ask for the address that they had before, and name a server against the rules.
            State::Discover => (crate::fixtures::ADDRESS, zero),
        };
        let hardware = mac.octets();
        match code {
            1 | 3 | 6 => zero.octets().to_vec(),
            12 => b"host-1".to_vec(),
            22 => 576_u16.to_be_bytes().to_vec(),
            43 => self.vendor.to_vec(),
            50 => address.octets().to_vec(),
            51 | 58 | 59 => self.habits.lease.to_be_bytes().to_vec(),
            52 => vec![3],
            53 => vec![state.kind()],
            54 => server.octets().to_vec(),
            55 => self.list_in(state).to_vec(),
            57 => self.size.unwrap_or(self.habits.size).to_be_bytes().to_vec(),
            60 => self.class.to_vec(),
            61 => match self.habits.id {
                Id::Hardware => [&[1][..], &hardware].concat(),
                Id::Duid => {
                    [&[255][..], &hardware[2..], &[0, 1, 0, 1, 0x2c, 0x5e, 0x1f, 7], &hardware].concat()
                }
                Id::Text => [&b"\0cisco-"[..], format!("{mac}-Vl1").as_bytes()].concat(),
            },
            77 => self.user_class.to_vec(),
            80 => vec![],
            81 => b"\0\0\0host-1".to_vec(),
            93 => self.architecture.to_be_bytes().to_vec(),
            94 => vec![1, 3, 16],
            97 => [&[0][..], &[0x5a; 10], &hardware].concat(),
            116 | 145 | 251 => vec![1],
            124 => b"\0\0\x0d\xe9\x04dslf".to_vec(),
            125 => b"\0\0\x0d\xe9\x0a\x01\x06001122\x02\0".to_vec(),
            175 => b"\xb1\x05\x01\x80\x86\x10\x0e\xeb\x03\x01\x15\x01".to_vec(),
            220 | 221 => vec![0, 1],
            other => panic!("{}: what is in option {other} is not known", self.name),
        }
    }
}
