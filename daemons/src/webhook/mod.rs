//! Admission of our two kinds: default values first, then [`vmdhcp_core::admission`]'s rules.
//!
//! The local API calls [`review_pool`] and [`review_claim`] inside the transaction of the write.
//!
//! Not here: the HTTPS server that a cluster's API server calls.

use serde::de::DeserializeOwned;
use serde_json::Value;
use vmdhcp_core::admission::{self, Change, Refusal, RefusalKind};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_core::pool::defaults;

use crate::cluster::local::{Denial, FieldError, Operation, Review, Stored};

/// The stored objects of a transaction, as the rules ask for them. One that cannot be read is left out: its own write
/// was judged when it was made.
struct Transaction<'a>(&'a dyn Stored);

impl Transaction<'_> {
    fn list<K: DeserializeOwned>(&self, plural: &str) -> Vec<K> {
        let readable =
            self.0.list(plural).into_iter().filter_map(|object| serde_json::from_value(object).ok());
        readable.collect()
    }
}

impl admission::Stored for Transaction<'_> {
    fn pools(&self) -> Vec<IPPool> {
        self.list("ippools")
    }

    fn claims(&self) -> Vec<VirtualMachineNetworkConfig> {
        self.list("virtualmachinenetworkconfigs")
    }
}

/// Judges a write of an IPPool, and fills in the default values of a new one.
pub fn review_pool(mut review: Review<'_>) -> Result<(), Denial> {
    if review.operation == Operation::Create
        && let Some(new) = review.new.as_deref_mut()
    {
        fill_in_defaults(new)?;
    }
    judge(&review, admission::admit_pool)
}

/// Judges a write of a VirtualMachineNetworkConfig.
pub fn review_claim(review: Review<'_>) -> Result<(), Denial> {
    judge(&review, admission::admit_claim)
}

type Rules<K> = fn(&Change<'_, K>, &dyn admission::Stored) -> Result<(), Refusal>;

fn judge<K: DeserializeOwned>(review: &Review<'_>, rules: Rules<K>) -> Result<(), Denial> {
    let stored = Transaction(review.stored);
    let old = review.old.map(read::<K>).transpose();
    let new = review.new.as_deref().map(read::<K>).transpose()?;
    match (review.operation, old, new) {
        (Operation::Create, _, Some(new)) => rules(&Change::Create(&new), &stored),
        (Operation::Update, Ok(Some(old)), Some(new)) => {
            rules(&Change::Update { old: &old, new: &new }, &stored)
        }
        (Operation::Delete, Ok(Some(old)), _) => rules(&Change::Delete(&old), &stored),
        // A stored object that cannot be read may be replaced by any valid one, and deleted.
        (Operation::Update, _, Some(new)) => rules(&Change::Create(&new), &stored),
        _ => Ok(()),
    }
    .map_err(denial)
}

fn read<K: DeserializeOwned>(object: &Value) -> Result<K, Denial> {
    K::deserialize(object).map_err(|error| {
        Denial::Invalid(vec![FieldError { field: "spec".to_owned(), message: error.to_string() }])
    })
}

fn denial(refusal: Refusal) -> Denial {
    match refusal.kind {
        RefusalKind::Invalid => Denial::Invalid(
            refusal
                .causes
                .into_iter()
                .map(|cause| FieldError { field: cause.field, message: cause.message })
                .collect(),
        ),
        RefusalKind::Conflict => Denial::Conflict(refusal.to_string()),
        RefusalKind::Forbidden => Denial::Forbidden(refusal.to_string()),
    }
}

/// Sets the defaulted fields and no others: what we do not know of the object stays in it.
fn fill_in_defaults(object: &mut Value) -> Result<(), Denial> {
    let mut pool: IPPool = read(object)?;
    if !defaults::apply(&mut pool) {
        return Ok(());
    }
    let Some(config) = pool.spec.ipv4_config else { return Ok(()) };
    let filled = serde_json::json!({
        "spec": { "ipv4Config": {
            "serverIP": config.server_ip,
            "pool": { "start": config.pool.start, "end": config.pool.end },
        } },
    });
    // With ranges there, start and end stay absent: a null in a merge patch is just that.
    json_patch::merge(object, &filled);
    Ok(())
}
