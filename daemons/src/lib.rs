//! daemons.
