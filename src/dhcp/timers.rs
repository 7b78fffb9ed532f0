//! When clients renew.

use crate::mac::MacAddr;

/// Longest T1 in seconds: a change of options is at every client after that, however long its lease.
const LONGEST_RENEWAL: u32 = 30 * 60;
/// Longest T2 in seconds.
const LONGEST_REBINDING: u32 = 60 * 60;

/// T1 and T2 of a lease, in seconds (RFC 2131 section 4.4.5, options 58 and 59).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// T1: the client renews with its server.
    pub renewal: u32,
    /// T2: the client asks any server.
    pub rebinding: u32,
}

impl Timers {
    /// The timers of this card's lease of so many seconds: T1 < T2 < lease.
    ///
    /// Both are up to a tenth shorter than their rule has it, always by the same share for one card: clients that
    /// were switched on together do not come together for ever. A lease of one or two seconds has no room for two
    /// whole numbers; its client is left to the fractions of RFC 2131.
    pub fn of(mac: MacAddr, lease_time: u32) -> Option<Self> {
        let share = u64::from(hash(mac) % 101);
        let earlier = |seconds: u32| {
            let cut = u64::from(seconds) * share / 1000;
            seconds - u32::try_from(cut).unwrap_or(0)
        };
        let renewal = earlier((lease_time / 2).min(LONGEST_RENEWAL));
        // lease - lease / 8 could be the lease itself, when that is short.
        let longest = lease_time.saturating_sub((lease_time / 8).max(1));
        let rebinding = earlier(longest.min(LONGEST_REBINDING)).max(renewal + 1);
        (renewal > 0 && rebinding < lease_time).then_some(Self { renewal, rebinding })
    }
}

/// FNV-1a: the same in every build of every agent, so that all of a pool's agents give one card the same timers.
fn hash(mac: MacAddr) -> u32 {
    mac.octets().iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    #[test]
    fn the_timers_keep_their_order_for_every_lease_and_card() {
        for lease in (3..10_000).chain([86_400, 31_536_000, u32::MAX - 1, u32::MAX]) {
            for last in [0, 1, 77, 255] {
                let Timers { renewal, rebinding } = Timers::of(mac(last), lease).unwrap();
                assert!(
                    0 < renewal && renewal < rebinding && rebinding < lease,
                    "{lease}: {renewal} {rebinding}"
                );
                assert!(renewal <= (lease / 2).min(1800) && rebinding <= 3600);
                assert!(renewal * 10 >= (lease / 2).min(1800) * 9, "at most a tenth earlier");
            }
        }
    }

    #[test]
    fn a_lease_without_room_for_timers_has_none() {
        for lease in 0..3 {
            assert_eq!(Timers::of(mac(1), lease), None);
        }
        assert_eq!(Timers::of(mac(1), 3), Some(Timers { renewal: 1, rebinding: 2 }));
    }

    #[test]
    fn cards_are_spread_over_a_tenth_and_stay_where_they_are() {
        let all: Vec<u32> =
            (0..=255).filter_map(|last| Timers::of(mac(last), 86_400)).map(|timers| timers.renewal).collect();
        assert!(all.iter().all(|renewal| (1620..=1800).contains(renewal)));
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(distinct.len() > 50, "{distinct:?}");
        assert_eq!(Timers::of(mac(9), 86_400), Timers::of(mac(9), 86_400));
    }
}
