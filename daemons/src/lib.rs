//! What of `vmdhcp` runs for long or touches the world: the local API, the manager, the agents.

pub mod agent;
pub mod cluster;
pub mod manager;
pub mod runtime;
pub mod standalone;
