//! The manager against the local API: objects in, objects out.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod agent_removal;
mod agent_upgrades;
mod agents;
mod allocation;
mod ceiling;
mod clients;
mod cluster;
mod deletion;
mod fixtures;
mod lifecycle_on_a_cluster;
mod metrics;
mod neighbours;
mod networks;
mod on_a_cluster;
mod pausing;
mod recovery;
mod refusals;
mod registration;
mod scale;
mod seen;
mod vms;
mod vms_on_a_cluster;
mod written;
