//! Sockets, and batches of packets for one system call.

use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    LinkAddr, MsgFlags, MultiHeaders, SockaddrIn, SockaddrLike, bind, recvmmsg, sendmmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// Most packets of one system call.
pub(crate) const BATCH: usize = 64;
/// Room for one packet.
const ROOM: usize = 2048;
/// Bytes that a socket of the load or of a responder queues.
const QUEUE: usize = 8 << 20;

/// A packet socket on the interface of that name, for UDP datagrams to this port.
pub(crate) fn packet_socket(interface: &str, port: u16) -> io::Result<Socket> {
    let protocol = Protocol::from(i32::from(u16::try_from(libc::ETH_P_IP).unwrap_or_default().to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
    socket.attach_filter(&datagrams_to(port))?;
    bind(socket.as_raw_fd(), &link_of(interface)?)?;
    queue_much(&socket)?;
    Ok(socket)
}

/// A UDP socket at this address and port.
pub(crate) fn udp_socket(address: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_broadcast(true)?;
    socket.bind(&SocketAddrV4::new(address, port).into())?;
    queue_much(&socket)?;
    Ok(socket)
}

/// Keeps the kernel from answering what comes to this port, and gets none of it.
pub(crate) fn hold_port(port: u16) -> io::Result<Socket> {
    let socket = udp_socket(Ipv4Addr::UNSPECIFIED, port)?;
    socket.attach_filter(&[SockFilter::new(6, 0, 0, 0)])?;
    Ok(socket)
}

fn queue_much(socket: &Socket) -> io::Result<()> {
    setsockopt(socket, sockopt::RcvBufForce, &QUEUE)?;
    setsockopt(socket, sockopt::SndBufForce, &QUEUE)?;
    Ok(())
}

/// The interface of that name.
fn link_of(interface: &str) -> io::Result<LinkAddr> {
    nix::ifaddrs::getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address.as_ref().and_then(|address| address.as_link_addr()).copied())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no interface {interface}")))
}

/// The card of an interface.
pub(crate) fn card_of(interface: &str) -> io::Result<[u8; 6]> {
    let card = link_of(interface)?.addr();
    card.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{interface} is no Ethernet")))
}

/// IPv4, UDP, no later fragment, destination port.
fn datagrams_to(port: u16) -> [SockFilter; 11] {
    let instruction = SockFilter::new;
    [
        instruction(0x28, 0, 0, 12),
        instruction(0x15, 0, 8, 0x0800),
        instruction(0x30, 0, 0, 23),
        instruction(0x15, 0, 6, 17),
        instruction(0x28, 0, 0, 20),
        instruction(0x45, 4, 0, 0x1fff),
        instruction(0xb1, 0, 0, 14),
        instruction(0x48, 0, 0, 16),
        instruction(0x15, 0, 1, port.into()),
        instruction(6, 0, 0, 0x4_0000),
        instruction(6, 0, 0, 0),
    ]
}

/// Room for the packets of one system call, each with the address of its other end where the socket has some.
pub(crate) struct Batch<A> {
    headers: MultiHeaders<A>,
    packets: Box<[[u8; ROOM]]>,
    lengths: [usize; BATCH],
    addresses: Vec<Option<A>>,
    count: usize,
}

/// Of a packet socket, or of one that is connected.
pub(crate) type Plain = Batch<LinkAddr>;
/// Of a UDP socket.
pub(crate) type Addressed = Batch<SockaddrIn>;

impl<A: SockaddrLike + Copy> Batch<A> {
    pub(crate) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            packets: vec![[0; ROOM]; BATCH].into_boxed_slice(),
            lengths: [0; BATCH],
            addresses: vec![None; BATCH],
            count: 0,
        }
    }

    /// Receives what is there: up to a batch, and with `wait` at least one.
    pub(crate) fn receive(&mut self, socket: &Socket, wait: bool) -> io::Result<()> {
        self.count = 0;
        let flags = if wait { MsgFlags::MSG_WAITFORONE } else { MsgFlags::MSG_DONTWAIT };
        let mut rooms = self.packets.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().map_or(&mut [], |room| &mut room[..]))]);
        let received = match recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for message in received {
            self.lengths[self.count] = message.bytes;
            self.addresses[self.count] = message.address;
            self.count += 1;
        }
        Ok(())
    }

    /// Whether there is no packet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there is no room for another.
    pub(crate) const fn is_full(&self) -> bool {
        self.count == BATCH
    }

    /// The packets, with the addresses that they came from.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<A>)> {
        let filled = self.packets.iter().zip(&self.lengths).zip(&self.addresses).take(self.count);
        filled.map(|((room, length), address)| (&room[..*length], *address))
    }

    /// Adds the packet that `write` writes, if it writes one.
    pub(crate) fn add(&mut self, to: Option<A>, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        if let Some(length) = write(&mut self.packets[self.count]) {
            self.lengths[self.count] = length;
            self.addresses[self.count] = to;
            self.count += 1;
        }
    }

    /// Sends all packets and empties the batch; returns how many the kernel did not take.
    pub(crate) fn send(&mut self, socket: &Socket) -> u64 {
        let mut slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|_| [IoSlice::new(&[])]);
        for (slice, (packet, length)) in slices.iter_mut().zip(self.packets.iter().zip(&self.lengths)) {
            *slice = [IoSlice::new(&packet[..*length])];
        }
        let (mut begin, mut refused) = (0, 0);
        while begin < self.count {
            let addresses = &self.addresses[begin..self.count];
            let rest = &slices[begin..self.count];
            let flags = MsgFlags::MSG_DONTWAIT;
            let sent = sendmmsg(socket.as_raw_fd(), &mut self.headers, rest, addresses, [], flags);
            begin += match sent.map(Iterator::count) {
                Ok(taken) if taken > 0 => taken,
                Err(Errno::EINTR) => 0,
                _ => {
                    refused += 1;
                    1
                }
            };
        }
        self.count = 0;
        refused
    }
}
