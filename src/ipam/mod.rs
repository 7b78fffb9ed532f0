//! Which address a claim gets. Decides, never applies.
//!
//! [`plan`] looks at everything that is known of a pool and says what has to change; [`Allocations::apply`] makes the
//! change on a value, which the manager then writes in one compare-and-swap. No change counts before that write has
//! succeeded.

mod address_set;
mod allocations;
mod carry;
mod plan;
mod quarantine;
mod stored_size;
mod waiting;
mod withdrawal;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

pub use address_set::AddressSet;
pub use allocations::{Allocations, Recovery, Retiring};
pub use carry::{Carried, Memory, Succession};
pub use plan::plan;
pub use quarantine::{Conflict, Conflicts, Quarantine, most as most_quarantined};
pub use stored_size::TIMES;
pub use waiting::Waiting;
pub use withdrawal::{Versions, Withdrawn};

use crate::api::LossCause;
use crate::mac::MacAddr;

/// A VirtualMachineNetworkConfig, as the owner of claims. Ordered by age: the older one wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// When it was created.
    pub created: Timestamp,
    /// Its UID, which decides between two of one age.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What one card of one VM wants of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who claims.
    pub owner: Owner,
    /// For which card.
    pub mac: MacAddr,
    /// What is to become of it.
    pub intent: Intent,
    /// The address that it must have (`spec…ipAddress`): the only hard demand.
    pub wanted: Option<Ipv4Addr>,
    /// The address in its own status: had before, or still.
    pub remembered: Option<Ipv4Addr>,
    /// Whether its status says `Allocated` for `remembered`.
    pub granted: bool,
    /// Its object belongs to a VM of the cluster, of whose end the cluster tells.
    pub of_vm: bool,
    /// There has been no VM of its name for so long that the address that it declares, and does not have, is kept from
    /// nobody any more.
    pub lapsed: bool,
}

/// What is to become of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It shall have an address, and keep it.
    Hold,
    /// It gives its address up for the time being and wants it back later.
    Pause,
    /// It goes: its object is being deleted, or the card is no longer in its spec.
    Release,
}

/// What is known beside the objects.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The present time.
    pub now: Timestamp,
    /// What every agent has stopped granting ([`Versions::withdrawn`]).
    pub withdrawn: &'a Withdrawn,
    /// MACs of which it is proven, as of `now`, that no guest has them any more: no VM instance, no claim, and silent
    /// to ARP. What retires under them may go to other MACs as soon as it is withdrawn, whatever leases there were.
    pub absent: &'a BTreeSet<MacAddr>,
    /// Addresses for which agents say that somebody answers who does not have them. It can keep an address from others,
    /// and move a card to another one that nobody has used yet.
    pub conflicts: &'a Conflicts,
    /// Retiring addresses that the operator declares free of any guest, and quarantined ones that may be given again.
    pub reuse: &'a BTreeSet<Ipv4Addr>,
    /// What tells of allocations that the pool has lost.
    pub loss: Loss<'a>,
}

/// What tells of allocations that a pool has lost: it was restored from an older backup, or its status is gone.
#[derive(Debug, Clone, Copy)]
pub struct Loss<'a> {
    /// That it has happened, if the pool's object or an agent shows it.
    pub cause: Option<LossCause>,
    /// Pairs that agents say they served, and that have vanished from the pool without retiring. Such a report can hold
    /// an address; it frees, moves and grants none.
    pub served: &'a BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>,
    /// An agent serves more of them than it could name.
    pub unnamed: bool,
    /// Every agent remembers what it served before the loss that the pool recovers from.
    pub witnessed: bool,
    /// The operator says that no guest uses an address of which the pool says nothing.
    pub nothing_else_used: bool,
}

impl Loss<'static> {
    /// Nothing tells of any.
    pub const NONE: Self = {
        static NO_PAIRS: BTreeMap<Ipv4Addr, BTreeSet<MacAddr>> = BTreeMap::new();
        Self { cause: None, served: &NO_PAIRS, unnamed: false, witnessed: false, nothing_else_used: false }
    };
}

/// What has to change, and what becomes of each claim once it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The changes, in the order in which they have to be applied.
    pub changes: Vec<Change>,
    /// One for each claim, in the order of the claims.
    pub outcomes: Vec<Outcome>,
    /// Reserved cards that could not be given an address, and why.
    pub unserved_reservations: Vec<(MacAddr, Waiting)>,
    /// Held addresses that neither a claim nor a reservation explains: served and held all the same, and reported.
    pub orphans: Vec<(Ipv4Addr, MacAddr)>,
    /// Pairs that an agent serves although the pool has another MAC for the address: only the operator can tell.
    pub disputed: Vec<(Ipv4Addr, MacAddr)>,
    /// When to plan again although nothing has changed: a waiting claim may be served then.
    pub wake: Option<Timestamp>,
}

/// One change of a pool's allocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `mac` gets `address`, which leaves `retiring` if it was in there.
    Allocate {
        /// The address.
        address: Ipv4Addr,
        /// Who gets it.
        mac: MacAddr,
    },
    /// `address` leaves its MAC and retires.
    Retire {
        /// The address.
        address: Ipv4Addr,
        /// Who had it.
        mac: MacAddr,
        /// It was a VM of the cluster.
        of_vm: bool,
    },
    /// Somebody uses `address` who does not have it: it is given to nobody for some time.
    Quarantine {
        /// The address.
        address: Ipv4Addr,
        /// Who answers for it.
        by: MacAddr,
        /// The card that had it and gets another one.
        moved: Option<MacAddr>,
    },
    /// `address` may be given again.
    EndQuarantine {
        /// The address.
        address: Ipv4Addr,
    },
    /// An agent still serves this pair, of which the pool has no (or no valid) trace: it is held for its MAC.
    Keep {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        mac: MacAddr,
    },
    /// Allocations were lost: what the pool says nothing of may be in use from now on.
    Recover {
        /// What was lost.
        cause: LossCause,
    },
    /// Every agent serves what was rebuilt: unknown leases start to run out.
    WithdrawUnknown,
    /// Nothing that the pool does not know of can be in use any more.
    Recovered,
    /// Every agent has stopped serving this retiring pair: its leases start to run out.
    Withdraw {
        /// The address.
        address: Ipv4Addr,
    },
    /// Nobody can be using this retiring address any more: it is forgotten.
    Forget {
        /// The address.
        address: Ipv4Addr,
    },
    /// `address` starts or stops being held because of a reservation.
    Reserve {
        /// The address.
        address: Ipv4Addr,
        /// Starts or stops.
        held: bool,
    },
    /// Agents may grant leases of this many seconds from now on.
    LongestLease {
        /// Seconds.
        seconds: u32,
    },
}

/// What becomes of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has this address (once the changes are written).
    Holds(Ipv4Addr),
    /// It has none yet.
    Waits(Waiting),
    /// It has none and wants none, and nothing of it is left in the pool (once the changes are written).
    Released,
}
