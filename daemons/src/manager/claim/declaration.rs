//! How long an address that a claim declares and does not have is kept for it: for a day without a VM of its name. Pure.
//!
//! When that began is the transition of the condition `VMMissing`, so that it outlives the manager. Where there is no
//! KubeVirt, nobody can say that a VM is missing, and nothing lapses.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;
use vmdhcp_core::api::{
    Condition, ConditionStatus, VirtualMachineNetworkConfig, VirtualMachineNetworkConfigStatus, condition,
    format_time, parse_time, set_condition,
};

use super::super::events::Notice;

/// How long a VM may be missing before what its claim declares is kept from nobody any more.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How often it is looked whether the day is over, or the VM has come, which may have another name than the claim.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
const CONDITION: &str = "VMMissing";
const LAPSED: &str = "DeclarationLapsed";

/// Whether what the claim declares, and does not have, is kept from nobody any more.
pub(super) fn has_lapsed(stored: &VirtualMachineNetworkConfig) -> bool {
    let conditions = stored.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    missing(conditions).is_some_and(|condition| condition.reason == LAPSED)
}

/// The condition, while it holds.
fn missing(conditions: &[Condition]) -> Option<&Condition> {
    condition(conditions, CONDITION).filter(|condition| condition.status == "True")
}

/// Sets the condition, and says what is worth an Event. `waits` says whether the claim declares an address that it does
/// not have, `vm_missing` that there is no VM of its name.
pub(super) fn follow(
    stored: &VirtualMachineNetworkConfig,
    status: &mut VirtualMachineNetworkConfigStatus,
    (waits, vm_missing): (bool, bool),
    now: Timestamp,
) -> Option<Notice> {
    if !(waits && vm_missing) {
        if condition(&status.conditions, CONDITION).is_some() {
            let reason = if vm_missing { "NothingDeclared" } else { "VMFound" };
            set_condition(&mut status.conditions, CONDITION, ConditionStatus::False, reason, "", now);
        }
        return None;
    }
    let since = missing(&status.conditions).and_then(|condition| parse_time(&condition.last_transition_time));
    let until = since.unwrap_or(now).saturating_add(KEPT_FOR).unwrap_or(Timestamp::MAX);
    let (vm, lapsed) = (&stored.spec.vm_name, until <= now);
    let (reason, message) = if lapsed {
        let message = format!(
            "there has been no VM {vm} for 24 hours: the address that this claim declares is kept from nobody any more"
        );
        (LAPSED, message)
    } else {
        let until = format_time(until);
        (
            "NoVM",
            format!("there is no VM {vm}: the address that this claim declares is kept for it until {until}"),
        )
    };
    set_condition(&mut status.conditions, CONDITION, ConditionStatus::True, reason, &message, now);
    (lapsed && !has_lapsed(stored)).then_some(Notice { reason: LAPSED, message, action: "Allocate" })
}

/// When to look at the claim again although nothing has happened to it: to its VM, or to the clock, something may have.
pub(super) fn next_look(status: &VirtualMachineNetworkConfigStatus) -> Action {
    missing(&status.conditions).map_or_else(Action::await_change, |_| Action::requeue(BETWEEN_LOOKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmdhcp_core::api::VirtualMachineNetworkConfigSpec;

    const WAITS_WITHOUT_VM: (bool, bool) = (true, true);

    fn claim() -> VirtualMachineNetworkConfig {
        let spec = VirtualMachineNetworkConfigSpec { vm_name: "web".into(), ..Default::default() };
        VirtualMachineNetworkConfig::new("web", spec)
    }

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + hour * 3600).unwrap()
    }

    /// Looks at the claim once in each of these hours, and says when there was an Event.
    fn looked_at(
        claim: &mut VirtualMachineNetworkConfig,
        hours: impl IntoIterator<Item = i64>,
        how: (bool, bool),
    ) -> Vec<i64> {
        let mut told = Vec::new();
        for at in hours {
            let mut status = claim.status.clone().unwrap_or_default();
            told.extend(follow(claim, &mut status, how, hour(at)).map(|_| at));
            claim.status = Some(status);
        }
        told
    }

    #[test]
    fn a_declaration_lapses_after_a_day_without_a_vm_and_says_so_once() {
        let mut claim = claim();
        assert!(looked_at(&mut claim, 0..24, WAITS_WITHOUT_VM).is_empty());
        assert!(!has_lapsed(&claim));
        let condition = &claim.status.as_ref().unwrap().conditions[0];
        assert!(
            condition.message.contains("VM web") && condition.message.contains("1970-01-13T13:46:40Z"),
            "{condition:?}"
        );
        assert_eq!(next_look(claim.status.as_ref().unwrap()), Action::requeue(BETWEEN_LOOKS));
        assert_eq!(looked_at(&mut claim, 24..30, WAITS_WITHOUT_VM), [24]);
        assert!(has_lapsed(&claim));
    }

    #[test]
    fn the_day_begins_anew_when_there_was_a_vm() {
        let mut claim = claim();
        looked_at(&mut claim, [0, 20], WAITS_WITHOUT_VM);
        looked_at(&mut claim, [23], (true, false));
        assert_eq!(looked_at(&mut claim, [24, 47, 48], WAITS_WITHOUT_VM), [48]);
        looked_at(&mut claim, [49], (true, false));
        assert!(!has_lapsed(&claim));
    }

    #[test]
    fn who_has_what_it_declares_is_not_told_of_anything() {
        let mut claim = claim();
        assert!(looked_at(&mut claim, [0, 100], (false, true)).is_empty());
        assert!(claim.status.unwrap().conditions.is_empty());
    }
}
