//! Writes a pool's status: one compare-and-swap under the version that was planned on.

use kube::ResourceExt;
use kube::api::{Api, PostParams};
use vmdhcp_core::api::{IPPool, IPPoolStatus};
use vmdhcp_core::pool::PoolRef;

use super::super::Context;
use super::super::defects::Defect;

/// What became of a write that did not succeed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Somebody else has written, or nobody knows whether our write has arrived: read again, and plan again. A write
    /// of ours that did arrive is then simply found.
    Unknown(kube::Error),
    /// The API does not take this content, and never will.
    Refused(String),
    /// The pool is gone.
    Gone,
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.is_not_found() => Self::Gone,
            // 413: larger than etcd takes; 400 and 422: not valid. Conflicts, throttling and 5xx may pass.
            kube::Error::Api(status) if matches!(status.code, 400 | 413 | 422) => {
                Self::Refused(status.message.clone())
            }
            error => Self::Unknown(error),
        }
    }
}

/// Size of a status on the wire, in bytes.
pub(super) fn size(status: &IPPoolStatus) -> usize {
    serde_json::to_vec(status).map_or(0, |bytes| bytes.len())
}

/// Replaces the status of `object`, under its version.
pub(super) async fn write(
    context: &Context,
    object: &IPPool,
    status: IPPoolStatus,
) -> Result<IPPool, WriteError> {
    let api: Api<IPPool> = Api::namespaced(context.client.clone(), &PoolRef::of(object).namespace);
    let mut next = object.clone();
    next.status = Some(status);
    if context.has(Defect::StatusWithoutVersion) {
        next.metadata.resource_version = api.get(&object.name_any()).await?.metadata.resource_version;
    }
    let written = api.replace_status(&object.name_any(), &PostParams::default(), &next).await;
    match &written {
        Ok(_) => context.metrics.pool_writes.inc(),
        Err(kube::Error::Api(status)) if status.is_conflict() => context.metrics.pool_write_conflicts.inc(),
        Err(_) => context.metrics.pool_write_refusals.inc(),
    };
    Ok(written?)
}

/// The pool as it is stored now.
pub(super) async fn read(context: &Context, key: &PoolRef) -> Result<Option<IPPool>, kube::Error> {
    Api::namespaced(context.client.clone(), &key.namespace).get_opt(&key.name).await
}
