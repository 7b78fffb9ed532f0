//! Events on the objects that users look at, for what is not normal. A plain allocation makes none: it would be one
//! more write a VM.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};

/// Who reports, in `kubectl describe`.
const CONTROLLER: &str = "vmdhcp-manager";

/// Publishes Events.
pub(super) struct Events {
    recorder: Recorder,
}

/// Something worth telling about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// As one CamelCase word.
    pub(super) reason: &'static str,
    /// As a sentence.
    pub(super) message: String,
    /// What was done at the time, as one word.
    pub(super) action: &'static str,
}

impl Events {
    pub(super) fn new(client: Client) -> Self {
        Self { recorder: Recorder::new(client, Reporter::from(CONTROLLER)) }
    }

    /// Publishes a warning. An Event that cannot be stored is only logged: the condition beside it says the same.
    pub(super) async fn warn<K>(&self, object: &K, notice: &Notice)
    where
        K: Resource<DynamicType = ()>,
    {
        let Notice { reason, message, action } = notice;
        let event = Event {
            type_: EventType::Warning,
            reason: (*reason).to_owned(),
            note: Some(message.clone()),
            action: (*action).to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%reason, %message, error = %error, "an Event could not be stored");
        }
    }
}

/// What users have been told of their objects, by NAMESPACE/NAME, so that each thing is told once.
#[derive(Default)]
pub(super) struct Told(Mutex<BTreeMap<String, BTreeSet<(&'static str, String)>>>);

impl Told {
    /// Those notices that are new, of all that hold now. `exists` says whether there still is an
    /// object of that key.
    pub(super) fn news(&self, key: &str, notices: Vec<Notice>, exists: impl Fn(&str) -> bool) -> Vec<Notice> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holding = notices.iter().map(|notice| (notice.reason, notice.message.clone())).collect();
        let before = if notices.is_empty() {
            told.remove(key)
        } else {
            if !told.contains_key(key) {
                told.retain(|key, _| exists(key));
            }
            told.insert(key.to_owned(), holding)
        };
        let before = before.unwrap_or_default();
        let is_new = |notice: &Notice| !before.contains(&(notice.reason, notice.message.clone()));
        notices.into_iter().filter(is_new).collect()
    }
}
