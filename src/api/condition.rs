//! Conditions as wrangler writes them (COMPAT 2), plus the transition time that it never writes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format_time;

/// One condition of an object; empty texts are absent on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which condition: `Registered`, `Allocated`, …
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When the condition was last written with another content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_update_time: String,
    /// When `status` last changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_transition_time: String,
    /// Why, as one CamelCase word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The three values of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionStatus {
    /// The condition holds.
    True,
    /// It does not.
    False,
    /// Nobody can tell at present.
    Unknown,
}

impl ConditionStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// The condition of that type, if it has been set.
pub fn condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Sets a condition in place, and says whether anything changed: an equal one keeps its times, so that a status
/// computed again is equal to the one stored and costs no write.
pub fn set_condition(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: ConditionStatus,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> bool {
    let at = conditions.iter().position(|c| c.type_ == type_).unwrap_or_else(|| {
        conditions.push(Condition { type_: type_.to_owned(), ..Condition::default() });
        conditions.len() - 1
    });
    let condition = &mut conditions[at];
    let status = status.as_str();
    if condition.status == status && condition.reason == reason && condition.message == message {
        return false;
    }
    let now = format_time(now);
    if condition.status != status {
        condition.last_transition_time.clone_from(&now);
    }
    condition.last_update_time = now;
    status.clone_into(&mut condition.status);
    reason.clone_into(&mut condition.reason);
    message.clone_into(&mut condition.message);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_set_again_keeps_its_times_and_one_that_turns_gets_a_new_transition_time() {
        let mut conditions = Vec::new();
        let (t1, t2) = (Timestamp::from_second(10).unwrap(), Timestamp::from_second(20).unwrap());
        assert!(set_condition(&mut conditions, "Ready", true.into(), "Serving", "", t1));
        assert!(!set_condition(&mut conditions, "Ready", true.into(), "Serving", "", t2));
        assert_eq!(conditions[0].last_update_time, "1970-01-01T00:00:10Z");
        assert!(set_condition(&mut conditions, "Ready", true.into(), "Serving", "two of two", t2));
        assert_eq!(conditions[0].last_transition_time, "1970-01-01T00:00:10Z");
        assert!(set_condition(&mut conditions, "Ready", false.into(), "Gone", "", t2));
        assert_eq!(conditions[0].last_transition_time, "1970-01-01T00:00:20Z");
        assert_eq!(conditions.len(), 1);
    }
}
