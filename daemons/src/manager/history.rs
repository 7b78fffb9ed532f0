//! Whether the API goes back in time.
//!
//! Versions of a restored etcd begin again where the backup ended. A watch from a version that does not exist yet is
//! silent until it does, and nobody hears of what happens meanwhile; so the newest version is asked for.

use std::time::Duration;

use kube::api::{Api, ListParams};
use tokio::time::MissedTickBehavior;
use vmdhcp_core::api::IPPool;

use super::Context;
use crate::cluster::version;

/// How often the API is asked.
const PERIOD: Duration = Duration::from_secs(10);

/// Ends when the newest version is smaller than it was before, or than that of an object which a watch has brought.
pub(super) async fn goes_back(context: &Context) {
    let pools: Api<IPPool> = Api::all(context.client.clone());
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut newest = 0;
    loop {
        ticks.tick().await;
        newest = newest.max(newest_seen(context));
        // Without a version, so it is read from the quorum; of the items as few as possible.
        let answer = pools.list_metadata(&ListParams::default().limit(1)).await;
        let version = answer.ok().and_then(|list| list.metadata.resource_version?.parse::<u64>().ok());
        match version {
            Some(version) if version < newest => return,
            Some(version) => newest = version,
            None => {}
        }
    }
}

fn newest_seen(context: &Context) -> u64 {
    let pools = context.pools.state().into_iter().filter_map(|pool| version(&*pool));
    let claims = context.claims.state().into_iter().filter_map(|claim| version(&*claim));
    pools.chain(claims).max().unwrap_or(0)
}
