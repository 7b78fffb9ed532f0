//! The rules of our own kinds, as admission: those that a cluster's webhook applies.
//!
//! An object that does not read as its kind is let through to the check of its structure, which names the field.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use vmdhcp_core::{
    admission::{self, Change, Refusal, admit_claim, admit_pool},
    api::{IPPool, VirtualMachineNetworkConfig},
    pool::defaults,
};

use super::admission::{AdmissionFn, Operation, Review, Stored};

pub(super) fn of_pools() -> AdmissionFn {
    Arc::new(|mut review| {
        if let Some(new) = review.new.as_deref_mut()
            && let Some(mut pool) = read::<IPPool>(new)
            && defaults::apply(&mut pool.spec)
            && let Ok(defaulted) = serde_json::to_value(&pool)
        {
            // Merged, not replaced: fields of a newer version stay.
            json_patch::merge(new, &defaulted);
        }
        judge(&review, admit_pool)
    })
}

pub(super) fn of_claims() -> AdmissionFn {
    Arc::new(|review| judge::<VirtualMachineNetworkConfig>(&review, admit_claim))
}

fn judge<K: DeserializeOwned>(
    review: &Review<'_>,
    rules: impl Fn(&Change<'_, K>, &dyn admission::Stored) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let old = review.old.and_then(read::<K>);
    let new = review.new.as_deref().and_then(read::<K>);
    let change = match (review.operation, &old, &new) {
        (Operation::Create, _, Some(new)) => Change::Create(new),
        (Operation::Update, Some(old), Some(new)) => Change::Update { old, new },
        (Operation::Delete, Some(old), _) => Change::Delete(old),
        _ => return Ok(()),
    };
    rules(&change, &Others(review.stored))
}

fn read<K: DeserializeOwned>(object: &Value) -> Option<K> {
    K::deserialize(object).ok()
}

struct Others<'a>(&'a dyn Stored);

impl admission::Stored for Others<'_> {
    fn pools(&self) -> Vec<IPPool> {
        self.0.list("ippools").iter().filter_map(read).collect()
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        self.0.list("virtualmachinenetworkconfigs").iter().filter_map(read).collect()
    }
}
