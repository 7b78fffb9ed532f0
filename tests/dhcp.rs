//! The DHCP server against the RFCs, filed by the section that a test proves.
//!
//! dhcproto builds the clients' messages and reads the answers: it shares no code with the packet path.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod any_bytes;
mod boot;
mod classes;
mod fixtures;
mod lease_table;
mod real_clients;
mod relays;
mod rfc2131;
mod rfc2132;
mod rfc3004;
mod rfc3011;
mod rfc3046;
mod rfc3396;
mod rfc3397;
mod rfc3442;
mod rfc3527;
mod rfc3925;
mod rfc4039;
mod rfc4361;
mod rfc4578;
mod rfc4702;
mod rfc5859;
mod rfc6842;
mod rfc8910;
mod rfc8925;
