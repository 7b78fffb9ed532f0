//! Any bytes to port 67.

#![no_main]

mod check;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vmdhcp_core::dhcp::LeaseTable;

static TABLE: LazyLock<LeaseTable> = LazyLock::new(check::table);

fuzz_target!(|packet: &[u8]| check::check(&TABLE, packet));
