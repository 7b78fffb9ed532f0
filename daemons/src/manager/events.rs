//! Events on the objects that users look at, for what is not normal. A plain allocation makes none: it would be one
//! more write a VM.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};

/// Who reports, in `kubectl describe`.
const CONTROLLER: &str = "vmdhcp-manager";

/// Longest sentence of an Event that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Publishes Events.
pub(super) struct Events {
    client: Client,
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
        Self { client }
    }

    /// Publishes a warning. An Event that cannot be stored is only logged: the condition beside it says the same.
    pub(super) async fn warn<K>(&self, object: &K, notice: &Notice)
    where
        K: Resource<DynamicType = ()>,
    {
        self.publish(object, notice, EventType::Warning).await;
    }

    /// The same, of what is as it should be and still worth knowing.
    pub(super) async fn tell<K>(&self, object: &K, notice: &Notice)
    where
        K: Resource<DynamicType = ()>,
    {
        self.publish(object, notice, EventType::Normal).await;
    }

    async fn publish<K>(&self, object: &K, notice: &Notice, type_: EventType)
    where
        K: Resource<DynamicType = ()>,
    {
        let Notice { reason, message, action } = notice;
        let event = Event {
            type_,
            reason: (*reason).to_owned(),
            note: Some(shortened(message)),
            action: (*action).to_owned(),
            secondary: None,
        };
        // Each tells of something new. One recorder for all would count what has the same reason into a series, which
        // keeps the sentence of the first.
        let recorder = Recorder::new(self.client.clone(), Reporter::from(CONTROLLER));
        if let Err(error) = recorder.publish(&event, &object.object_ref(&())).await {
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

/// As much of a sentence as the API takes.
fn shortened(message: &str) -> String {
    let mut note = String::with_capacity(message.len().min(LONGEST_NOTE));
    note.extend(message.chars().scan(0, |bytes, character| {
        *bytes += character.len_utf8();
        (*bytes <= LONGEST_NOTE).then_some(character)
    }));
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_where_the_api_takes_no_more_and_never_within_a_character() {
        assert_eq!(shortened("all of it"), "all of it");
        assert_eq!(shortened(&"é".repeat(600)).len(), LONGEST_NOTE);
        assert_eq!(shortened(&format!("a{}", "é".repeat(600))).len(), LONGEST_NOTE - 1);
    }
}
