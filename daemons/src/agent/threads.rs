//! The two threads that own the sockets: one for DHCP, one for ARP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::AgentError;
use super::arp::{self, Answers};
use super::filter;
use super::interface::Interface;
use super::packet_loop;
use super::packet_socket::{EtherType, PacketSocket, SocketError};
use super::state::State;

/// What the threads share with tasks.
#[derive(Clone)]
pub(crate) struct Wire {
    /// Carries IPv4.
    pub(crate) dhcp: Arc<PacketSocket>,
    /// Carries ARP.
    pub(crate) arp: Arc<PacketSocket>,
    /// Who answered ARP probes.
    pub(crate) answers: Arc<Answers>,
}

/// Running threads. Dropping it asks them to end.
pub(crate) struct Threads {
    wire: Wire,
    stop: Arc<AtomicBool>,
    dhcp_thread: Running,
    arp_thread: Running,
}

struct Running {
    name: &'static str,
    end: oneshot::Receiver<Result<(), SocketError>>,
    handle: Option<JoinHandle<()>>,
}

impl Threads {
    /// Opens the sockets and starts to serve them.
    pub(crate) fn start(interface: &Arc<Interface>, state: Arc<State>) -> Result<Self, AgentError> {
        // Side by side: each waits some ten milliseconds, until the kernel has let go of all other interfaces.
        let open_arp = || PacketSocket::open(interface, EtherType::Arp, &filter::not_for_other_hosts());
        let (dhcp, arp) = thread::scope(|scope| {
            let arp = scope.spawn(open_arp);
            let dhcp = PacketSocket::open(interface, EtherType::Ipv4, &filter::dhcp_and_echo());
            (dhcp, arp.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (dhcp, arp) = (Arc::new(dhcp?), Arc::new(arp?));
        let (answers, stop) = (Arc::new(Answers::default()), Arc::new(AtomicBool::new(false)));
        let dhcp_thread = {
            let (socket, state, stop) = (Arc::clone(&dhcp), Arc::clone(&state), Arc::clone(&stop));
            Running::start("dhcp", move || packet_loop::serve(&socket, &state, &stop))?
        };
        let arp_thread = {
            let (socket, answers, flag) = (Arc::clone(&arp), Arc::clone(&answers), Arc::clone(&stop));
            Running::start("arp", move || arp::serve(&socket, &state, &answers, &flag)).inspect_err(|_| {
                stop.store(true, Ordering::Relaxed);
            })?
        };
        Ok(Self { wire: Wire { dhcp, arp, answers }, stop, dhcp_thread, arp_thread })
    }

    /// What they share with tasks.
    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// Returns when one of them has died.
    pub(crate) async fn death(&mut self) -> AgentError {
        tokio::select! {
            error = self.dhcp_thread.death() => error,
            error = self.arp_thread.death() => error,
        }
    }

    /// Ends both, and returns once they have ended.
    pub(crate) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let handles = [self.dhcp_thread.handle.take(), self.arp_thread.handle.take()];
        let joined =
            tokio::task::spawn_blocking(|| handles.into_iter().flatten().try_for_each(JoinHandle::join));
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("a packet thread has panicked");
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Running {
    fn start(
        name: &'static str,
        work: impl FnOnce() -> Result<(), SocketError> + Send + 'static,
    ) -> Result<Self, AgentError> {
        let (sender, end) = oneshot::channel();
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nobody listens when the agent has been dropped.
                let _ = sender.send(work());
            })
            .map_err(|source| AgentError::Thread { name, source })?;
        Ok(Self { name, end, handle: Some(handle) })
    }

    async fn death(&mut self) -> AgentError {
        match (&mut self.end).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => AgentError::ThreadEnded { name: self.name },
        }
    }
}
