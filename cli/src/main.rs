//! vmdhcp.
fn main() {}
