//! The decision.
use super::{Allocations, Claim, Evidence, Plan};
use crate::pool::Pool;

/// What has to change.
pub fn plan(_pool: &Pool, _allocations: &Allocations, _claims: &[Claim], _evidence: &Evidence<'_>) -> Plan {
    Plan { changes: vec![], outcomes: vec![], unserved_reservations: vec![], orphans: vec![], wake: None }
}
