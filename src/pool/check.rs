//! The rules.
use super::{Pool, PoolError, PoolErrors};
use crate::api::IPPool;

pub(super) fn check(_stored: &IPPool) -> Result<(Pool, Vec<PoolError>), PoolErrors> {
    Err(PoolErrors(Vec::new()))
}
