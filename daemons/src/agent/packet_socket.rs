//! Packet sockets (AF_PACKET) on one interface: whole frames in and out, in batches.
//!
//! A server must send to clients that have no address yet, and the kernel's UDP cannot. Each socket is bound to one
//! EtherType, so that it never sees frames that this host sends.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, bind, recvmmsg, sendmmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::filter;
use super::frame::LONGEST_FRAME;
use super::interface::Interface;

/// How many frames one system call moves at most.
pub(crate) const BATCH: usize = 32;
/// Room for one received frame. A longer one is cut and then found to be malformed.
const RECEIVE_ROOM: usize = 2048;
/// Bytes of kernel memory that received frames may take while they wait: about 5,000 messages of DHCP.
const QUEUE: usize = 4 << 20;
/// How long a receive waits before it looks whether it shall stop.
const WAIT: Duration = Duration::from_millis(200);

/// Why there is no socket, or no longer one.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The host has no interface of that name.
    #[error("there is no network interface {interface:?} here: see `ip link`")]
    NoInterface {
        /// Its name.
        interface: String,
    },
    /// It is a tunnel or the like.
    #[error("{interface} is no Ethernet interface, so no DHCP can be served on it")]
    NotEthernet {
        /// Its name.
        interface: String,
    },
    /// The kernel would not list the interfaces.
    #[error("network interfaces cannot be listed: {0}")]
    List(#[source] Errno),
    /// The process lacks a privilege.
    #[error("opening a packet socket on {interface} needs the capability CAP_NET_RAW: {source}")]
    NotPermitted {
        /// Its name.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a step of opening it.
    #[error("packet socket on {interface}: {step}: {source}")]
    Open {
        /// Its name.
        interface: String,
        /// Which step.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The socket died, for instance because the interface was removed.
    #[error("the packet socket on {interface} is dead: {source}")]
    Dead {
        /// Its name.
        interface: String,
        /// What the kernel said.
        source: Errno,
    },
}

/// Which frames a socket carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EtherType {
    Ipv4,
    Arp,
}

/// An open packet socket. Sending is safe from any thread.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    socket: Socket,
    interface: Arc<Interface>,
}

impl PacketSocket {
    /// Opens a socket on `interface` that receives what `filter` passes.
    pub(crate) fn open(
        interface: &Arc<Interface>,
        ether_type: EtherType,
        filter: &[SockFilter],
    ) -> Result<Self, SocketError> {
        let failed = |step| {
            let interface = interface.name.clone();
            move |source| SocketError::Open { interface, step, source }
        };
        let number = match ether_type {
            EtherType::Ipv4 => libc::ETH_P_IP,
            EtherType::Arp => libc::ETH_P_ARP,
        };
        // The kernel takes the EtherType in network byte order.
        let number = u16::try_from(number).unwrap_or_default().to_be();
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(number))))
            .map_err(|source| match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    SocketError::NotPermitted { interface: interface.name.clone(), source }
                }
                _ => failed("opening it")(source),
            })?;
        // From its creation on a socket receives from all interfaces: until it is bound to one, nothing may pass.
        socket.attach_filter(&filter::nothing()).map_err(failed("attaching a filter"))?;
        bind(socket.as_raw_fd(), interface.link())
            .map_err(|error| failed("binding it to the interface")(error.into()))?;
        discard_received(&socket).map_err(failed("emptying it"))?;
        socket.attach_filter(filter).map_err(failed("attaching the filter"))?;
        queue_much(&socket);
        socket.set_read_timeout(Some(WAIT)).map_err(failed("setting the receive time-out"))?;
        Ok(Self { socket, interface: Arc::clone(interface) })
    }

    pub(crate) fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Sends one frame, or gives it up if the interface's queue is full.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send_with_flags(frame, libc::MSG_DONTWAIT).map(|_| ())
    }

    /// Waits for frames, for a fifth of a second at most, and moves them into `batch`.
    pub(crate) fn receive(&self, batch: &mut ReceiveBatch) -> Result<(), SocketError> {
        match batch.fill(self.socket.as_fd().as_raw_fd()) {
            Ok(()) | Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
            // Set down, it can come up again and the socket with it; removed, it cannot.
            Err(Errno::ENETDOWN) if self.interface.exists() => {
                tracing::warn!(interface = %self.interface.name, "the interface is down");
                Ok(())
            }
            Err(source) => Err(SocketError::Dead { interface: self.interface.name.clone(), source }),
        }
    }

    /// Sends all frames of `batch` and empties it; returns how many the kernel did not take.
    pub(crate) fn send_batch(&self, batch: &mut SendBatch) -> u32 {
        batch.flush(self.socket.as_raw_fd())
    }
}

/// Lets more frames wait than the kernel does by itself: when hosts come back from a power failure all at once, or while
/// others have the processor. Memory is taken only by what waits.
fn queue_much(socket: &Socket) {
    if setsockopt(socket, sockopt::RcvBufForce, &QUEUE).is_err() {
        // Without CAP_NET_ADMIN up to net.core.rmem_max. Less than that is no reason not to serve.
        let _ = socket.set_recv_buffer_size(QUEUE);
    }
}

fn discard_received(socket: &Socket) -> io::Result<()> {
    let mut byte = [MaybeUninit::uninit(); 1];
    loop {
        match socket.recv_with_flags(&mut byte, libc::MSG_DONTWAIT) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Room for received frames, filled by one system call.
pub(crate) struct ReceiveBatch {
    headers: MultiHeaders<LinkAddr>,
    frames: Box<[[u8; RECEIVE_ROOM]]>,
    lengths: [usize; BATCH],
    count: usize,
}

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            frames: vec![[0; RECEIVE_ROOM]; BATCH].into_boxed_slice(),
            lengths: [0; BATCH],
            count: 0,
        }
    }

    /// Waits for frames on this socket.
    pub(super) fn fill(&mut self, socket: i32) -> Result<(), Errno> {
        self.count = 0;
        let mut rooms = self.frames.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().map_or(&mut [], |room| &mut room[..]))]);
        let received =
            recvmmsg(socket, &mut self.headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None)?;
        for (length, message) in self.lengths.iter_mut().zip(received) {
            *length = message.bytes;
            self.count += 1;
        }
        Ok(())
    }

    /// Whether the last receive waited in vain.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frames of the last receive.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let filled = self.frames.iter().zip(&self.lengths).take(self.count);
        filled.map(|(room, length)| room.get(..*length).unwrap_or(room))
    }
}

/// Frames to send, taken by one system call.
pub(crate) struct SendBatch {
    headers: MultiHeaders<LinkAddr>,
    frames: Box<[[u8; LONGEST_FRAME]]>,
    lengths: [usize; BATCH],
    count: usize,
}

impl SendBatch {
    pub(crate) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            frames: vec![[0; LONGEST_FRAME]; BATCH].into_boxed_slice(),
            lengths: [0; BATCH],
            count: 0,
        }
    }

    /// Lets `write` write one more frame and return its length, or none to leave it out. A batch of [`BATCH`]
    /// frames takes no more.
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut [u8; LONGEST_FRAME]) -> Option<usize>) {
        if let Some(frame) = self.frames.get_mut(self.count)
            && let Some(length) = write(frame)
            && let Some(place) = self.lengths.get_mut(self.count)
        {
            *place = length.min(LONGEST_FRAME);
            self.count += 1;
        }
    }

    /// How many frames wait to be sent.
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.count).unwrap_or(u64::MAX)
    }

    /// Sends all on this socket; returns how many it did not take.
    pub(super) fn flush(&mut self, socket: i32) -> u32 {
        let mut slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|_| [IoSlice::new(&[])]);
        for (slice, (frame, length)) in slices.iter_mut().zip(self.frames.iter().zip(&self.lengths)) {
            *slice = [IoSlice::new(frame.get(..*length).unwrap_or(frame))];
        }
        let mut rest = slices.get(..self.count).unwrap_or(&slices);
        let mut refused = 0;
        while !rest.is_empty() {
            let addresses = &[None; BATCH][..rest.len()];
            let sent = sendmmsg(socket, &mut self.headers, rest, addresses, [], MsgFlags::MSG_DONTWAIT)
                .map(Iterator::count);
            let taken = match sent {
                Ok(taken) if taken > 0 => taken,
                Err(Errno::EINTR) => 0,
                // The first of them was not taken: that client will ask again, and the others need not wait.
                _ => {
                    refused += 1;
                    1
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.count = 0;
        refused
    }
}
