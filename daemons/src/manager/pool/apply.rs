//! Writes a pool's status: one compare-and-swap under the version that was planned on.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{Api, PostParams, Request};
use kube::core::Status;
use serde::Serialize;
use tokio::time::Instant;
use vmdhcp_core::api::{IPPool, IPPoolSpec, IPPoolStatus};
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
            // 413: larger than the API server takes; 400 and 422: not valid. Conflicts, throttling and 5xx may pass.
            kube::Error::Api(status) if matches!(status.code, 400 | 413 | 422) || is_too_large(&status) => {
                Self::Refused(status.message.clone())
            }
            error => Self::Unknown(error),
        }
    }
}

/// Whether etcd does not take the object for its size: that comes as an internal error, in etcd's words or gRPC's.
fn is_too_large(status: &Status) -> bool {
    let words = ["etcdserver: request is too large", "trying to send message larger than max"];
    words.iter().any(|words| status.message.contains(words))
}

/// A pool as it is to be: an [`IPPool`] made of what is there already, since a copy of a pool takes megabytes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Next<'a> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    metadata: &'a ObjectMeta,
    spec: &'a IPPoolSpec,
    status: &'a IPPoolStatus,
}

/// Replaces the status of `object`, under its version, as soon as the budget allows; says what is stored now, and how many
/// bytes were sent.
pub(super) async fn write(
    context: &Context,
    object: &IPPool,
    status: &IPPoolStatus,
) -> Result<(IPPool, usize), WriteError> {
    let key = PoolRef::of(object);
    let mut metadata = Cow::Borrowed(&object.metadata);
    if context.has(Defect::StatusWithoutVersion) {
        let current = read(context, &key).await?.ok_or(WriteError::Gone)?;
        metadata.to_mut().resource_version = current.metadata.resource_version;
    }
    let next = Next {
        api_version: IPPool::api_version(&()),
        kind: IPPool::kind(&()),
        metadata: &metadata,
        spec: &object.spec,
        status,
    };
    let body = serde_json::to_vec(&next).map_err(kube::Error::SerdeError)?;
    let bytes = body.len();
    tokio::time::sleep(context.pacer.take(bytes, Instant::now())).await;
    // As `Api::replace_status` does, which would not tell how large the request is.
    let url = IPPool::url_path(&(), Some(&key.namespace));
    let request = Request::new(url).replace_subresource("status", &key.name, &PostParams::default(), body);
    let written = context.client.request(request.map_err(kube::Error::BuildRequest)?).await;
    match &written {
        Ok(_) => context.metrics.pool_writes.inc(),
        Err(kube::Error::Api(status)) if status.is_conflict() => context.metrics.pool_write_conflicts.inc(),
        Err(_) => context.metrics.pool_write_refusals.inc(),
    };
    Ok((written?, bytes))
}

/// The pool as it is stored now.
pub(super) async fn read(context: &Context, key: &PoolRef) -> Result<Option<IPPool>, kube::Error> {
    Api::namespaced(context.client.clone(), &key.namespace).get_opt(&key.name).await
}
