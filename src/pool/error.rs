//! What can be wrong with a pool.

/// All that is wrong with a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}")]
pub struct PoolErrors(pub Vec<PoolError>);

/// One thing that is wrong with a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("x")]
pub enum PoolError {}
