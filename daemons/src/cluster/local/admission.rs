//! The hook through which rules decide on a write before it is stored: what a webhook is to a real cluster.
//!
//! Unlike a webhook it runs inside the write's transaction, so what it reads cannot change before the write is there.

use std::sync::Arc;

use serde_json::Value;
use vmdhcp_core::admission::Refusal;

/// What is about to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// Another state of an object; its status subresource is not put before the rules.
    Update,
    /// A deletion, asked for or by the garbage collector.
    Delete,
}

/// What is stored besides the object in question, as of the same transaction.
pub trait Stored {
    /// All objects of the registered kind with that plural, in all namespaces; none of a kind that is not registered.
    fn list(&self, plural: &str) -> Vec<Value>;
}

/// A write, put before the rules.
pub struct Review<'a> {
    /// What is about to happen.
    pub operation: Operation,
    /// The stored object; none on create.
    pub old: Option<&'a Value>,
    /// The object as it would be stored; none on delete. Rules may fill in defaults.
    pub new: Option<&'a mut Value>,
    /// Everything else.
    pub stored: &'a dyn Stored,
}

/// Rules of one kind.
pub type AdmissionFn = Arc<dyn Fn(Review<'_>) -> Result<(), Refusal> + Send + Sync>;
