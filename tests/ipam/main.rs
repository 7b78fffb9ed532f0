//! Allocation, seen from outside: what a pool and its claims lead to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod address_set;
mod allocations;
mod claims;
mod conflicts;
mod declared;
mod fixtures;
mod on_the_wire;
mod properties;
mod recovery;
mod reservations;
mod retiring;
mod scale;
mod stored_size;
mod withdrawal;
