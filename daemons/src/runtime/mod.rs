//! What every long-running command needs around its work: logs, an admin HTTP server, and an orderly end.

pub mod admin;
pub mod logs;
pub mod shutdown;

pub use shutdown::Shutdown;
