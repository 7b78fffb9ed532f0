//! Objects as tests wait for them, on any API.

use std::fmt::Debug;
use std::time::Duration;

use kube::core::NamespaceResourceScope;
use kube::runtime::wait::await_condition;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::error::Elapsed;

/// Objects that tests make use of.
pub trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + 'static
{
}

impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug
        + Send
        + 'static
{
}

/// Waits until the object is as it should be, and returns it so.
///
/// # Panics
///
/// With the object as it is, if that does not come within `patience`.
pub async fn until<K: Object>(
    api: &Api<K>,
    name: &str,
    what: &str,
    patience: Duration,
    is_so: impl Fn(&K) -> bool,
) -> K {
    let condition = await_condition(api.clone(), name, |object: Option<&K>| object.is_some_and(&is_so));
    match tokio::time::timeout(patience, condition).await {
        Ok(found) => found.unwrap().unwrap(),
        Err(Elapsed { .. }) => panic!("{name}: never {what}: {:#?}", api.get_opt(name).await),
    }
}

/// Waits until the object is gone.
///
/// # Panics
///
/// With the object as it is, if it stays for longer than `patience`.
pub async fn until_gone<K: Object>(api: &Api<K>, name: &str, patience: Duration) {
    let condition = await_condition(api.clone(), name, |object: Option<&K>| object.is_none());
    match tokio::time::timeout(patience, condition).await {
        Ok(gone) => drop(gone.unwrap()),
        Err(Elapsed { .. }) => panic!("{name} is still there: {:#?}", api.get_opt(name).await),
    }
}
