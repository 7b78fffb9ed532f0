//! What every long-running command needs around its work: the time, logs, an admin HTTP server, the lead among
//! replicas, and an orderly end.

pub mod admin;
pub mod leader_election;
pub mod logs;
pub mod shutdown;

pub use shutdown::Shutdown;

/// What tells the time; tests on virtual time pass their own.
pub type Clock = std::sync::Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;
