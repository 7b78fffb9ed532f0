//! Addresses of time servers that a pool has by name: looked up in the background, again and again.
//!
//! Never on the packet path, and no table waits for it: a name that is not resolved yet is left out of the option.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long an answer is used.
const FRESH: Duration = Duration::from_secs(300);
/// How soon a name that could not be resolved is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How long one look-up may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Addresses that are used of one name.
const MOST_ADDRESSES: usize = 4;

/// Names with their IPv4 addresses.
pub(crate) type Resolved = BTreeMap<String, Vec<Ipv4Addr>>;

/// Looks a name up as the host is configured to.
///
/// The static binary does it too, in an image with nothing in it, by /etc/resolv.conf (search list and `ndots` included)
/// and /etc/hosts: since 2.34 the modules `files` and `dns` are inside glibc (tried with 2.36, in a chroot). Where
/// /etc/nsswitch.conf names others a static binary may not find them, and goes on to the next.
pub(crate) async fn look_up(name: String) -> io::Result<Vec<Ipv4Addr>> {
    let found = tokio::net::lookup_host((name.as_str(), 123)).await?;
    let mut addresses: Vec<_> = found
        .filter_map(|address| match address.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .collect();
    // Round-robin DNS must not make a new table of every answer.
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MOST_ADDRESSES);
    Ok(addresses)
}

/// Keeps the addresses of `names` in `resolved`, for as long as it is polled and somebody sends names. A name that
/// cannot be resolved any more keeps its last addresses.
pub(crate) async fn resolve<F>(
    mut names: watch::Receiver<Vec<String>>,
    resolved: watch::Sender<Resolved>,
    look_up: impl Fn(String) -> F,
) where
    F: Future<Output = io::Result<Vec<Ipv4Addr>>>,
{
    let mut due: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let wanted = names.borrow_and_update().clone();
        due.retain(|name, _| wanted.contains(name));
        resolved.send_if_modified(|resolved| {
            let before = resolved.len();
            resolved.retain(|name, _| wanted.contains(name));
            resolved.len() != before
        });
        for name in wanted {
            if due.get(&name).is_some_and(|due| *due > Instant::now()) {
                continue;
            }
            let found = tokio::time::timeout(PATIENCE, look_up(name.clone())).await;
            let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let again = match found {
                Ok(addresses) if !addresses.is_empty() => {
                    note(&resolved, &name, addresses);
                    FRESH
                }
                Ok(_) => {
                    tracing::debug!(name, "the time server has no IPv4 address");
                    RETRY
                }
                Err(error) => {
                    tracing::debug!(name, %error, "the time server could not be resolved");
                    RETRY
                }
            };
            due.insert(name, Instant::now() + again);
        }
        let next = due.values().min().copied();
        let wait = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = names.changed() => if changed.is_err() { return },
            () = wait => {}
        }
    }
}

fn note(resolved: &watch::Sender<Resolved>, name: &str, addresses: Vec<Ipv4Addr>) {
    resolved.send_if_modified(|resolved| {
        if resolved.get(name) == Some(&addresses) {
            return false;
        }
        tracing::info!(name, ?addresses, "time server resolved");
        resolved.insert(name.to_owned(), addresses);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    #[tokio::test(start_paused = true)]
    async fn time_servers_by_name_are_looked_up_beside_all_else_again_and_again_and_kept_when_that_fails() {
        let (names, receiver) = watch::channel(vec!["ntp.lab".to_owned()]);
        let (sender, mut resolved) = watch::channel(Resolved::new());
        let calls = AtomicUsize::new(0);
        let started = Instant::now();
        let look_up = |_name| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            std::future::ready(if call == 1 { Ok(vec![A]) } else { Err(io::ErrorKind::NotFound.into()) })
        };
        let observe = async {
            resolved.changed().await.unwrap();
            assert_eq!(resolved.borrow().get("ntp.lab"), Some(&vec![A]));
            assert_eq!(started.elapsed().as_secs(), 30);
            tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
            assert_eq!(calls.load(Ordering::Relaxed), 3, "refreshed after five minutes");
            assert_eq!(resolved.borrow_and_update().get("ntp.lab"), Some(&vec![A]), "kept though it failed");
            names.send_replace(Vec::new());
            resolved.changed().await.unwrap();
            assert!(resolved.borrow().is_empty());
            drop(names);
        };
        tokio::join!(resolve(receiver, sender, look_up), observe);
    }
}
