//! How many items lists may have.
//!
//! Every list and text under a rule has a maximum, as an API server estimates what a rule can cost before it takes it.

/// Most name servers; upstream's limit.
pub const MOST_DNS: usize = 3;
/// Most time servers; upstream's limit.
pub const MOST_NTP: usize = 4;
/// Most ranges, beside `start` to `end`.
pub const MOST_RANGES: usize = 64;
/// Most exclusions.
pub const MOST_EXCLUDES: usize = 1024;
/// Most reservations.
pub const MOST_RESERVATIONS: usize = 4096;
/// Most search domains.
pub const MOST_SEARCH_DOMAINS: usize = 64;
/// Most static routes.
pub const MOST_ROUTES: usize = 64;
/// Most options of a pool.
pub const MOST_OPTIONS: usize = 64;
/// Most options of one reservation, and of one card of a VM.
pub const MOST_RESERVED_OPTIONS: usize = 16;
/// Most classes of clients.
pub const MOST_CLASSES: usize = 32;
/// Most options of one class.
pub const MOST_CLASS_OPTIONS: usize = 16;
/// Most relay agents, or subnets of such.
pub const MOST_RELAYS: usize = 64;
/// Most boot rules.
pub const MOST_BOOT_RULES: usize = 32;
/// Most architectures of one boot rule or class.
pub const MOST_ARCHITECTURES: usize = 32;
/// Most cards of one VM.
pub const MOST_CARDS: usize = 256;
