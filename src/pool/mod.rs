//! Placeholder.
/// A checked pool.
pub struct Pool;
