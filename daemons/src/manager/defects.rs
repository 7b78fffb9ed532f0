//! Defects that the simulation plants, to show that it would find them. In the product there are none:
//! [`Context::has`](super::Context::has) is a constant `false` there.

/// A mistake that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests plant defects"))]
pub(crate) enum Defect {
    /// A deleted claim goes before its address is released.
    FinalizerBeforeRelease,
    /// A pool's status is written whatever version is stored.
    StatusWithoutVersion,
    /// Lists may be from the past, and are acted upon before all of them are complete.
    StaleListBelieved,
    /// An address that leaves a card is free at once.
    ReuseWithoutRetiring,
    /// An agent refuses clients out of a table that nobody has confirmed.
    RefusalFromAnOldTable,
    /// A pool that has lost its status is taken for one that never gave an address.
    EmptyStatusTakenForEmptyPool,
    /// When the API refuses a batch, everything in it counts as refused.
    BatchDropsWhatFollows,
    /// A pool forgets that it has moved a card away from an address that somebody else uses.
    MovesForgotten,
    /// A VM is looked at when it changes itself, and not when its claim, its instance or a pool does.
    VmsAlone,
}
