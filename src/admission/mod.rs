//! What may be stored: the rules of both kinds, the same for the webhook of a cluster and the API of a single machine.
//!
//! A change is judged by what it changes: an object that was stored with a bad item still takes labels, finalizers and
//! every edit that leaves the item alone. An object that is being deleted takes anything, so that it can go.
//!
//! Not here: default values ([`crate::pool::defaults`]), and what only the manager can decide, such as which of two
//! claims on one MAC gets it.

pub(crate) mod cel;
mod claim;
mod error;
mod pool;

use std::fmt;

pub use claim::{Card, admit_claim, declared_cards};
pub use error::{ClaimError, PoolChangeError};
pub use pool::{admit_pool, uses};

use crate::api::{IPPool, VirtualMachineNetworkConfig};

/// What is asked to be stored.
#[derive(Debug)]
pub enum Change<'a, K> {
    /// A new object.
    Create(&'a K),
    /// Another content of an object.
    Update {
        /// As it is stored.
        old: &'a K,
        /// As it shall be.
        new: &'a K,
    },
    /// The end of an object.
    Delete(&'a K),
}

/// Where the rules look at other objects; asked only where a rule needs it.
pub trait Stored {
    /// All pools.
    fn pools(&self) -> Vec<IPPool>;
    /// All claims.
    fn claims(&self) -> Vec<VirtualMachineNetworkConfig>;
}

/// Why something is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which sort of refusal, for the status code.
    pub kind: RefusalKind,
    /// The object, as `KIND NAMESPACE/NAME`.
    pub object: String,
    /// What is wrong, a field each.
    pub causes: Vec<Cause>,
}

/// Sorts of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The object itself is wrong: 422.
    Invalid,
    /// It does not go with another object: 409.
    Conflict,
    /// It must not be done now: 403.
    Forbidden,
}

impl RefusalKind {
    /// HTTP status code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Conflict => 409,
            Self::Forbidden => 403,
        }
    }

    /// `reason` of the Kubernetes Status.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::Forbidden => "Forbidden",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The field, as a path of the object.
    pub field: String,
    /// What is wrong with it, and what to do; without the field.
    pub message: String,
}

impl Cause {
    fn new(field: impl Into<String>, error: impl fmt::Display) -> Self {
        Self { field: field.into(), message: error.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            RefusalKind::Invalid => "is invalid",
            RefusalKind::Conflict => "conflicts",
            RefusalKind::Forbidden => "must stay as it is",
        };
        write!(f, "{} {what}: ", self.object)?;
        for (at, Cause { field, message }) in self.causes.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{field}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
