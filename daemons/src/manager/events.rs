//! Events on the objects that users look at, for what is not normal. A plain allocation makes none: it would be one
//! more write a VM.

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
            note: Some(message.clone()),
            action: (*action).to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%reason, %message, error = %error, "an Event could not be stored");
        }
    }
}
