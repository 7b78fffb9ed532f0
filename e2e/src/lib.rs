//! The stage for the end-to-end tests: machines that are network namespaces, the real binary, and DHCP clients that
//! nobody here wrote.
//!
//! - [`requirements`]: which tests can run here, and what becomes of those that cannot
//! - [`Machine`], [`Lan`]: namespaces, and a bridge between them; gone with the test however it ends
//! - [`Relay`]: a server of the test's own network, such as the API server, on a machine
//! - [`vmdhcp`]: the program under test, as its users run it
//! - [`clients`]: udhcpc, dhclient and dhcpcd
//! - [`flood`]: very many packets
//! - [`wire`]: single packets, for what a client would hide
//! - [`Capture`]: what passes a card
//!
//! What is checked is in `tests/`. A failure panics here, with what was waited for: there is nobody to recover.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a stage for tests: it fails by panicking"
)]

mod capture;
pub mod clients;
pub mod flood;
mod lan;
mod machine;
mod relay;
pub mod requirements;
pub mod vmdhcp;
mod wait;
pub mod wire;

pub use capture::{Capture, Heard};
pub use lan::Lan;
pub use machine::{Machine, Process};
pub use relay::Relay;
pub use wait::{until, within};
