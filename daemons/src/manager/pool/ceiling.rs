//! What still fits into a pool's object. Pure.
//!
//! etcd takes no request above 1.5 MiB, so a pool has a ceiling. At it nobody gets a further address, and the rest goes
//! on: an address that leaves its MAC retires without times of its own, which takes no more room than it had while it
//! was held, and gets them once there is room. Some room is kept for that alone: else nothing could ever leave.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use vmdhcp_core::api::{IPPool, IPPoolStatus};
use vmdhcp_core::ipam::{Allocations, Change, TIMES};
use vmdhcp_core::mac::MacAddr;
use vmdhcp_core::pool::Pool;

/// The part of the ceiling that is kept for retiring: one in so many bytes.
pub(super) const KEPT_FOR_RETIRING: usize = 64;
/// How many addresses can get their times at once at least, however low the ceiling.
const FEWEST_RETIRING: usize = 4;
/// Bytes that conditions have in any case: what they have to tell of a pool at its ceiling must not push it over that.
const CONDITIONS: usize = 4096;
/// Names of the fields, and times.
const FIELDS: usize = 192;

/// Bytes that are left below the ceiling of a pool, while changes are decided on.
pub(super) struct Room {
    left: isize,
    kept_for_retiring: isize,
    /// What the cards that shall have a (or another) address need; decided upon when the first of its changes comes.
    needed: BTreeMap<MacAddr, isize>,
    fitting: BTreeSet<MacAddr>,
    /// Cards for which there is no room.
    pub(super) left_out: BTreeSet<MacAddr>,
}

impl Room {
    /// The room in `object`, whose status but for the allocations is `status`, before `changes` are made.
    pub(super) fn before(
        changes: &[Change],
        ceiling: usize,
        (object, pool): (&IPPool, &Pool),
        status: &IPPoolStatus,
        allocations: &Allocations,
    ) -> Self {
        let mut needed: BTreeMap<_, isize> = BTreeMap::new();
        let mut freed = 0;
        for change in changes {
            match change {
                Change::Allocate { address, mac } => {
                    let reserve = Change::Reserve { address: *address, held: true };
                    let mark =
                        if pool.reservations.contains_key(mac) { allocations.growth(&reserve) } else { 0 };
                    *needed.entry(*mac).or_default() += allocations.growth(change) + mark;
                }
                Change::Quarantine { moved: Some(mac), .. } => {
                    *needed.entry(*mac).or_default() += allocations.growth(change);
                }
                Change::Forget { .. } | Change::EndQuarantine { .. } => freed -= allocations.growth(change),
                _ => {}
            }
        }
        // Serialising takes time; where nobody wants room, none is looked for.
        let left = if changes.is_empty() {
            0
        } else {
            ceiling.cast_signed()
                - size_beside(object, status).cast_signed()
                - allocations.stored_size(pool).cast_signed()
        };
        Self {
            left: left + freed,
            kept_for_retiring: (ceiling / KEPT_FOR_RETIRING).max(FEWEST_RETIRING * TIMES).cast_signed(),
            needed,
            fitting: BTreeSet::new(),
            left_out: BTreeSet::new(),
        }
    }

    /// Whether there is room for what that card shall get. All of a card's changes are made, or none: it must not lose
    /// the address that it has for one that does not fit.
    pub(super) fn has_room_for(&mut self, mac: MacAddr) -> bool {
        if self.left_out.contains(&mac) {
            return false;
        }
        let Some(&needed) = self.needed.get(&mac).filter(|_| !self.fitting.contains(&mac)) else {
            return true;
        };
        // What shrinks, and what takes as much as it gives, always fits.
        if needed > 0 && self.left - self.kept_for_retiring < needed {
            self.left_out.insert(mac);
            return false;
        }
        self.left -= needed;
        self.fitting.insert(mac);
        true
    }

    /// Takes the room that a change needs, if there is as much; for one that is made in any case, what it needs without
    /// times of its own is taken all the same.
    pub(super) fn take(&mut self, change: &Change, allocations: &Allocations) -> bool {
        let needed = allocations.growth(change);
        let fits = needed <= 0 || self.left >= needed;
        self.left -= match change {
            _ if fits => needed,
            Change::Retire { .. } => needed - TIMES.cast_signed(),
            _ => 0,
        };
        fits
    }
}

/// Bytes of all but the allocations.
pub(super) fn size_beside(object: &IPPool, status: &IPPoolStatus) -> usize {
    let IPPoolStatus {
        conditions,
        agents,
        agent_pod_ref,
        route_helpers,
        foreign_servers,
        first_acknowledged: _,
        ipv4: _,
        last_update: _,
        observed_generation: _,
    } = status;
    let conditions = size(conditions).max(CONDITIONS);
    size(&object.metadata)
        + size(&object.spec)
        + conditions
        + size(agents)
        + size(agent_pod_ref)
        + size(route_helpers)
        + size(foreign_servers)
        + FIELDS
}

/// Bytes of a value as it is sent.
pub(super) fn size(value: &(impl Serialize + ?Sized)) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}
