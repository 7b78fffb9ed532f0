//! What `vmdhcp` decides: which address a network card gets, and which bytes answer a DHCP packet.
//!
//! Data flows one way, and each arrow is a function of this crate:
//!
//! ```text
//! IPPool ──▶ Pool ──▶ ipam::plan ──▶ status ──▶ dhcp::LeaseTable ──▶ dhcp::respond(bytes) ──▶ bytes
//! ```
//!
//! Nothing here does I/O, reads a clock or awaits; the crate's manifest has nothing to do so with. Whoever calls
//! passes the time in, and carries the results to the API and to the wire (`vmdhcp-daemons`).

pub mod admission;
pub mod api;
pub mod dhcp;
pub mod ipam;
pub mod mac;
pub mod network;
pub mod pool;

pub use mac::MacAddr;
pub use network::NetworkName;
pub use pool::Pool;
