//! What every long-running command needs around its work: the time, logs, an admin HTTP server, the lead among
//! replicas, and an orderly end.

pub mod admin;
pub mod leader_election;
pub mod logs;
pub mod shutdown;

pub use shutdown::Shutdown;

/// What tells the time; tests on virtual time pass their own.
pub type Clock = std::sync::Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// The name of this machine: on a cluster, of the Pod.
pub fn host_name() -> std::io::Result<String> {
    let name = nix::unistd::gethostname()?;
    name.into_string().map_err(|name| {
        std::io::Error::other(format!("the name of this machine, {}, is not text", name.display()))
    })
}
