//! Waiting for a condition, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// Looks until there is what is waited for; panics after `patience`, naming it.
pub fn until<T>(what: &str, patience: Duration, look: impl FnMut() -> Option<T>) -> T {
    within(patience, look).unwrap_or_else(|| panic!("after {} ms still no {what}", patience.as_millis()))
}

/// Looks until there is what is waited for, or `patience` is over.
pub fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
