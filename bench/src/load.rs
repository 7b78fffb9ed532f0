//! The load: clients that ask, in a closed loop (so many exchanges outstanding) or an open one (so many begun a second,
//! whatever becomes of them). Every reply is checked, and only right ones count.
//!
//! It polls, on a core of its own: a load that sleeps measures its own waking up.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::frame::{self, BROADCAST, Ends, PAYLOAD};
use crate::message::{
    self, ACK, DISCOVER, MOST_CLIENTS, Message, NAK, OFFER, Options, RELAY, REQUEST, SERVER, address_of,
    card_of,
};
use crate::wire::{Plain, packet_socket, udp_socket};

/// The interface of the load.
pub(crate) const INTERFACE: &str = "load";
/// What is not answered in this time is dropped.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often unanswered messages are looked for.
const SWEEP: Duration = Duration::from_millis(10);
/// Most exchanges outstanding: their number is in the low bits of a transaction.
pub(crate) const MOST_OUTSTANDING: usize = 4096;
/// Spreads transactions over all of 32 bits, and its inverse.
const SPREAD: (u32, u32) = (0x9e37_79b1, 0x0e8b_2f51);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// Clients, by broadcast frames from their own cards.
    Client,
    /// A relay agent, by UDP from port 67.
    Relay,
}

impl Style {
    pub(crate) const ALL: [Self; 2] = [Self::Client, Self::Relay];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Relay => "relay",
        }
    }
}

/// Of what an exchange consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// DISCOVER, OFFER, REQUEST, ACK.
    Full,
    /// DISCOVER, OFFER.
    Discover,
    /// REQUEST, ACK: of a client that has chosen the server.
    Request,
}

/// How exchanges follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Always so many are outstanding.
    Window(usize),
    /// So many are begun each second.
    Rate(f64),
}

/// Which addresses are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// That of the client's number.
    Declared,
    /// Any of the range that no other client has, and always the same.
    Any,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) style: Style,
    pub(crate) exchange: Exchange,
    pub(crate) pace: Pace,
    pub(crate) clients: u32,
    pub(crate) expected: Expected,
    pub(crate) length: Duration,
    /// At most so many exchanges.
    pub(crate) count: Option<u64>,
    pub(crate) seed: u64,
}

/// What has become of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    pub(crate) started: u64,
    pub(crate) done: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
    pub(crate) wrong: BTreeMap<&'static str, u64>,
    /// Of an exchange that is over.
    pub(crate) stray: u64,
    /// Not taken by the kernel.
    pub(crate) unsent: u64,
    /// Share of the time in which there was something to send or to receive.
    pub(crate) busy: f64,
    /// Of each exchange that was done, in ascending order, in tenths of microseconds.
    latencies: Vec<u32>,
}

impl Outcome {
    /// Exchanges a second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.seconds
    }

    /// The latency that this share of the exchanges did not pass, in microseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies.get(at).map_or(f64::NAN, |tenths| f64::from(*tenths) / 10.0)
    }

    /// Whether every reply was right.
    pub(crate) fn is_right(&self) -> bool {
        self.wrong.is_empty() && self.refused == 0
    }
}

/// An exchange that is under way.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    phase: Phase,
    xid: u32,
    client: u32,
    started: u64,
    sent: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Free,
    /// Waits for an OFFER.
    Discovered,
    /// Its REQUEST is to be sent.
    Offered,
    /// Waits for an ACK.
    Requested,
}

/// Puts the load on the server, from this thread and its network.
pub(crate) fn run(load: &Load) -> io::Result<Outcome> {
    Generator::new(load)?.run()
}

/// Asks for one client each millisecond until it gets a right OFFER; none when `patience` is over.
pub(crate) fn first_answer(style: Style, client: u32, patience: Duration) -> io::Result<Option<Instant>> {
    let (mut port, mut received) = (Port::open(style)?, Plain::new());
    let begun = Instant::now();
    let mut xid = 0x5000_0000;
    while begun.elapsed() < patience {
        xid += 1;
        port.add(&Message { kind: DISCOVER, xid, client, giaddr: port.giaddr, chosen: None });
        port.send.send(&port.socket);
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_millis(1) {
            received.receive(&port.socket, false)?;
            for (packet, _) in received.iter() {
                let Some(reply) = port.message(packet) else { continue };
                let options = Options::read(reply);
                if message::transaction(reply).is_some_and(|xid| xid >> 28 == 5)
                    && options.kind == OFFER
                    && message::fault(reply, &options, client, port.giaddr).is_none()
                {
                    return Ok(Some(Instant::now()));
                }
            }
        }
    }
    Ok(None)
}

/// The socket, and what goes through it.
struct Port {
    socket: Socket,
    style: Style,
    giaddr: Ipv4Addr,
    send: Plain,
}

impl Port {
    fn open(style: Style) -> io::Result<Self> {
        let (socket, giaddr) = match style {
            Style::Client => (packet_socket(INTERFACE, 68)?, Ipv4Addr::UNSPECIFIED),
            Style::Relay => {
                let socket = udp_socket(RELAY, 67)?;
                socket.connect(&SocketAddrV4::new(SERVER, 67).into())?;
                (socket, RELAY)
            }
        };
        Ok(Self { socket, style, giaddr, send: Plain::new() })
    }

    fn add(&mut self, message: &Message) {
        let style = self.style;
        self.send.add(None, |place| match style {
            Style::Client => {
                let length = message.write(&mut place[PAYLOAD..]);
                let ends = Ends {
                    cards: (card_of(message.client), BROADCAST),
                    addresses: (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
                    ports: (68, 67),
                };
                Some(frame::finish(place, &ends, length))
            }
            Style::Relay => Some(message.write(place)),
        });
    }

    /// The message in a packet, if the packet is sound.
    fn message<'p>(&self, packet: &'p [u8]) -> Option<&'p [u8]> {
        let message = match self.style {
            Style::Client => frame::payload(packet)?,
            Style::Relay => packet,
        };
        (message.len() > message::BEFORE_OPTIONS).then_some(message)
    }

    /// Whether the client could not take the frame.
    fn is_misaddressed(&self, packet: &[u8], client: u32, granted: Ipv4Addr) -> bool {
        let is_for = |address: &[u8]| address == [255; 4] || address == granted.octets();
        self.style == Style::Client
            && !((packet[..6] == card_of(client) || packet[..6] == BROADCAST)
                && packet[34..38] == [0, 67, 0, 68]
                && is_for(&packet[30..34]))
    }
}

struct Generator<'l> {
    load: &'l Load,
    port: Port,
    dice: Dice,
    /// Every client once a round.
    order: Vec<u32>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Exchanges whose REQUEST is to be sent, with what is asked for.
    offered: Vec<(usize, Ipv4Addr, Ipv4Addr)>,
    /// By the low half of an address: who has it.
    holders: Vec<Option<u32>>,
    held: Vec<Option<Ipv4Addr>>,
    begun: Instant,
    outcome: Outcome,
}

impl<'l> Generator<'l> {
    fn new(load: &'l Load) -> io::Result<Self> {
        let outstanding = match load.pace {
            Pace::Window(window) => window,
            Pace::Rate(_) => MOST_OUTSTANDING,
        };
        assert!(load.clients <= MOST_CLIENTS && outstanding <= MOST_OUTSTANDING, "{load:?}");
        let mut dice = Dice(load.seed | 1);
        let mut order: Vec<u32> = (0..load.clients).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, dice.throw() as usize % (last + 1));
        }
        Ok(Self {
            load,
            port: Port::open(load.style)?,
            dice,
            order,
            slots: vec![Slot::default(); outstanding],
            free: (0..outstanding).rev().collect(),
            offered: Vec::with_capacity(outstanding),
            holders: vec![None; 1 << 16],
            held: vec![None; load.clients as usize],
            begun: Instant::now(),
            outcome: Outcome { latencies: Vec::with_capacity(1 << 20), ..Outcome::default() },
        })
    }

    fn now(&self) -> u64 {
        nanoseconds(self.begun.elapsed())
    }

    fn run(mut self) -> io::Result<Outcome> {
        let mut received = Plain::new();
        self.begun = Instant::now();
        let (end, count) = (nanoseconds(self.load.length), self.load.count.unwrap_or(u64::MAX));
        let (mut swept, mut idle, mut before, mut was_idle) = (0, 0, 0, false);
        loop {
            let now = self.now();
            if was_idle {
                idle += now - before;
            }
            before = now;
            let is_over = now >= end || self.outcome.started >= count;
            let is_settled = self.free.len() == self.slots.len();
            // What an open loop has begun is waited for: a packet that is lost at the end is lost as well.
            let waits = matches!(self.load.pace, Pace::Rate(_)) || now < end;
            if is_over && (is_settled || !waits) {
                break;
            }
            self.ask(now, is_over, count);
            let asked = !self.port.send.is_empty();
            let Port { send, socket, .. } = &mut self.port;
            self.outcome.unsent += send.send(socket);
            received.receive(socket, false)?;
            was_idle = !asked && received.is_empty();
            if !received.is_empty() {
                let at = self.now();
                for (packet, _) in received.iter() {
                    self.judge(packet, at);
                }
            }
            if now - swept > nanoseconds(SWEEP) {
                swept = now;
                self.give_up(now);
            }
        }
        self.outcome.seconds = before.min(end) as f64 / 1e9;
        self.outcome.busy = 1.0 - idle as f64 / before.max(1) as f64;
        self.outcome.latencies.sort_unstable();
        Ok(self.outcome)
    }

    /// Fills a batch: first with REQUESTs for what was offered, then with new exchanges.
    fn ask(&mut self, now: u64, is_over: bool, count: u64) {
        while !self.port.send.is_full() {
            if let Some((at, address, server)) = self.offered.pop() {
                let slot = &mut self.slots[at];
                (slot.phase, slot.sent) = (Phase::Requested, now);
                let Slot { xid, client, .. } = *slot;
                self.add(REQUEST, xid, client, Some((address, server)));
                continue;
            }
            let due = match self.load.pace {
                Pace::Window(_) => Some(now),
                // Latencies count from when it was due, not from when there was time for it.
                Pace::Rate(rate) => {
                    let due = (self.outcome.started as f64 / rate * 1e9) as u64;
                    (due <= now).then_some(due)
                }
            };
            let Some(started) = due.filter(|_| !is_over && self.outcome.started < count) else { break };
            let Some(at) = self.free.pop() else { break };
            let client = self.order[(self.outcome.started % u64::from(self.load.clients)) as usize];
            let xid = ((self.dice.throw() as u32) << 12 | at as u32).wrapping_mul(SPREAD.0);
            self.outcome.started += 1;
            let (phase, kind, chosen) = match self.load.exchange {
                Exchange::Full | Exchange::Discover => (Phase::Discovered, DISCOVER, None),
                Exchange::Request => (Phase::Requested, REQUEST, Some((address_of(client), SERVER))),
            };
            self.slots[at] = Slot { phase, xid, client, started, sent: now };
            self.add(kind, xid, client, chosen);
        }
    }

    fn add(&mut self, kind: u8, xid: u32, client: u32, chosen: Option<(Ipv4Addr, Ipv4Addr)>) {
        let giaddr = self.port.giaddr;
        self.port.add(&Message { kind, xid, client, giaddr, chosen });
    }

    fn judge(&mut self, packet: &[u8], now: u64) {
        let Some(reply) = self.port.message(packet) else {
            *self.outcome.wrong.entry("frame").or_default() += 1;
            return;
        };
        let Some(xid) = message::transaction(reply) else { return };
        let at = (xid.wrapping_mul(SPREAD.1) & 0xfff) as usize;
        let Some(slot) =
            self.slots.get(at).copied().filter(|slot| slot.phase != Phase::Free && slot.xid == xid)
        else {
            self.outcome.stray += 1;
            return;
        };
        let options = Options::read(reply);
        let granted = message::granted(reply);
        let fault = message::fault(reply, &options, slot.client, self.port.giaddr).or_else(|| {
            if options.kind == NAK {
                None
            } else if self.port.is_misaddressed(packet, slot.client, granted) {
                Some("addressing")
            } else {
                self.wrong_address(slot.client, granted, options.kind == ACK)
            }
        });
        let (phase, kind) = (slot.phase, options.kind);
        if let Some(fault) = fault {
            *self.outcome.wrong.entry(fault).or_default() += 1;
        } else if (phase, kind) == (Phase::Discovered, OFFER) && self.load.exchange == Exchange::Full {
            self.slots[at].phase = Phase::Offered;
            self.offered.push((at, granted, SERVER));
            return;
        } else if (phase, kind) == (Phase::Requested, NAK) {
            self.outcome.refused += 1;
        } else if matches!((phase, kind), (Phase::Discovered, OFFER) | (Phase::Requested, ACK)) {
            self.outcome.done += 1;
            self.outcome.latencies.push(u32::try_from((now - slot.started) / 100).unwrap_or(u32::MAX));
        } else {
            self.outcome.stray += 1;
            return;
        }
        self.free_slot(at);
    }

    /// What is wrong with the address that a client was granted; one that was acknowledged is noted.
    fn wrong_address(&mut self, client: u32, granted: Ipv4Addr, acknowledged: bool) -> Option<&'static str> {
        let is_declared = granted == address_of(client);
        if self.load.expected == Expected::Declared {
            return (!is_declared).then_some("address");
        }
        let number = u32::from(granted);
        if number < u32::from(address_of(0)) || granted.octets()[..2] != SERVER.octets()[..2] {
            return Some("address");
        }
        if !acknowledged {
            return None;
        }
        let holder = self.holders[(number & 0xffff) as usize].get_or_insert(client);
        let held = self.held[client as usize].get_or_insert(granted);
        if *holder == client {
            (*held != granted).then_some("address moved")
        } else {
            Some("address of another")
        }
    }

    fn give_up(&mut self, now: u64) {
        for at in 0..self.slots.len() {
            let slot = self.slots[at];
            let waits = matches!(slot.phase, Phase::Discovered | Phase::Requested);
            if waits && now.saturating_sub(slot.sent) > nanoseconds(PATIENCE) {
                self.outcome.dropped += 1;
                self.free_slot(at);
            }
        }
    }

    fn free_slot(&mut self, at: usize) {
        self.slots[at].phase = Phase::Free;
        self.free.push(at);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Xorshift: one seed is one order.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
