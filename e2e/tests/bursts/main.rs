//! Thousands of VMs at once: `vmdhcp manager` as processes of their own, with the rights that the chart gives, against a
//! real API server on the same machine.
//!
//! - `speed.rs`: how fast addresses come, what that costs the API and the manager (docs/speed.md)
//! - `kills.rs`: the leader is killed again and again meanwhile
//!
//! One test runs at a time: there is one cluster, and a manager manages all of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that does not hold panics")]

mod kills;
mod speed;
mod stage;
