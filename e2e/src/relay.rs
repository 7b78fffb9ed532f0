//! A server of the test's own network, on a machine: connections to its address there are carried to it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use socket2::SockRef;

use crate::Machine;

/// A relay that runs. Dropping it cuts the server off: connections break, and new ones are refused.
pub struct Relay {
    listener: Arc<TcpListener>,
    ends: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Shows the server that listens at `address`, on the test's own loopback, at the same address of the machine.
    pub fn new(machine: &Machine, address: SocketAddr) -> Self {
        // A socket stays in the network that it was made in, whichever thread uses it.
        let listener = Arc::new(machine.within(move || TcpListener::bind(address).unwrap()));
        let ends = Arc::<Mutex<Vec<TcpStream>>>::default();
        let thread = {
            let (listener, ends) = (Arc::clone(&listener), Arc::clone(&ends));
            thread::spawn(move || {
                while let Ok((near, _)) = listener.accept() {
                    match TcpStream::connect(address) {
                        Ok(far) => ends.lock().unwrap().extend(join(near, far)),
                        Err(_) => drop(near),
                    }
                }
            })
        };
        Self { listener, ends, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Whoever waits for a connection waits no longer.
        drop(SockRef::from(&*self.listener).shutdown(Shutdown::Both));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        for end in self.ends.lock().unwrap().drain(..) {
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

/// Carries bytes both ways until one end closes, and gives handles on both ends.
fn join(near: TcpStream, far: TcpStream) -> [TcpStream; 2] {
    let handles = [near.try_clone().unwrap(), far.try_clone().unwrap()];
    let carry = |mut from: TcpStream, mut to: TcpStream| {
        move || {
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        }
    };
    thread::spawn(carry(near.try_clone().unwrap(), far.try_clone().unwrap()));
    thread::spawn(carry(far, near));
    handles
}
