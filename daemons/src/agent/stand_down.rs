//! Whether a pool's clients are answered at all, where it is to stand down for other DHCP servers.
//!
//! That ends for good with the first lease that is acknowledged: else any guest could switch DHCP off. Until then nobody
//! is answered before the agent has looked for other servers, nor while there is one. It is decided here, outside of the
//! packet path, and read there as one number of [`Serving`].
//!
//! Left out: how servers are found ([`super::foreign`]), and who makes it known to all agents that a lease was
//! acknowledged (the manager, `status.firstAcknowledged`).

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use vmdhcp_core::dhcp::{Decision, MessageType, Why};

use super::foreign;
use super::state::{CONFIRMATION_LASTS, Now, Serving, State, lock};

/// How many DHCPDISCOVERs a search begins with: one that is lost shall not make a network look empty.
const FIRST_ASKED: u32 = 3;
/// Between those, in milliseconds.
const BETWEEN_FIRST: u64 = 2_000;
/// How long a search takes, from its first DHCPDISCOVER on: some servers ping an address for three seconds before they
/// offer it.
const SEARCH_TAKES: u64 = 8_000;
/// Between two DHCPDISCOVERs after a search.
const BETWEEN_LATER: u64 = 30_000;
/// For how many seconds a server counts as there after it was last heard: it has left four DHCPDISCOVERs unanswered.
pub(super) const COUNTS_FOR: u64 = 120;
/// Between two DHCPDISCOVERs where nobody stands down.
const BETWEEN_OTHERWISE: u64 = 3_600_000;

/// Whether clients are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They are.
    Serves,
    /// Not before it is known whether there are other servers.
    Looks,
    /// Not while this server is there.
    StandsDown(Ipv4Addr),
}

impl Standing {
    const LOOKS: u64 = 1 << 32;
    const STANDS_DOWN: u64 = 2 << 32;

    /// As one number.
    pub(crate) fn pack(self) -> u64 {
        match self {
            Self::Serves => 0,
            Self::Looks => Self::LOOKS,
            Self::StandsDown(server) => Self::STANDS_DOWN | u64::from(u32::from(server)),
        }
    }

    /// What was packed.
    pub(crate) fn unpack(packed: u64) -> Self {
        match packed {
            0 => Self::Serves,
            Self::LOOKS => Self::Looks,
            _ => Self::StandsDown(u32::try_from(packed & u64::from(u32::MAX)).unwrap_or_default().into()),
        }
    }

    /// Why clients are not answered.
    pub(crate) const fn silence(self) -> Option<Why> {
        match self {
            Self::Serves => None,
            Self::Looks => Some(Why::LookingForServers),
            Self::StandsDown(server) => Some(Why::StandsDown { server }),
        }
    }
}

/// A search for other servers, and what comes after it. Times are milliseconds of [`Now::monotonic`].
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// UID of the pool that stands down unless the search finds nobody.
    of: Option<String>,
    /// When a DHCPDISCOVER was sent first.
    began: Option<u64>,
    /// When one was to be sent last.
    last: Option<u64>,
    /// How many were sent.
    sent: u32,
}

impl Search {
    /// Begins anew when it is another pool that is to stand down, or one again.
    fn follow(&mut self, of: Option<&str>) {
        if self.of.as_deref() != of {
            let last = self.last.filter(|_| of.is_none());
            *self = Self { of: of.map(str::to_owned), last, ..Self::default() };
        }
    }

    /// Whether a DHCPDISCOVER is due.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let pause = match self.of {
            None => BETWEEN_OTHERWISE,
            Some(_) if self.sent < FIRST_ASKED => BETWEEN_FIRST,
            Some(_) => BETWEEN_LATER,
        };
        self.last.is_none_or(|last| now.saturating_sub(last) >= pause)
    }

    /// Notes that a DHCPDISCOVER was to be sent, and whether it was.
    pub(crate) fn note(&mut self, now: u64, sent: bool) {
        self.last = Some(now);
        if sent {
            self.began.get_or_insert(now);
            self.sent = self.sent.saturating_add(1);
        }
    }

    /// Whether other servers have had their time to answer.
    fn is_over(&self, now: u64) -> bool {
        self.began.is_some_and(|began| now.saturating_sub(began) >= SEARCH_TAKES)
    }
}

/// What is known when it is decided.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The pool is to stand down, and no lease of it has been acknowledged.
    wanted: bool,
    /// The search for other servers is over.
    searched: bool,
    /// A server that this agent has heard.
    heard: Option<Ipv4Addr>,
    /// A server that another agent has heard.
    told: Option<Ipv4Addr>,
}

const fn decide(known: Known) -> Standing {
    match known {
        Known { wanted: false, .. } => Standing::Serves,
        Known { heard: Some(server), .. } | Known { told: Some(server), .. } => Standing::StandsDown(server),
        Known { searched: false, .. } => Standing::Looks,
        Known { searched: true, .. } => Standing::Serves,
    }
}

/// Decides anew for what is, or is about to be, served.
pub(crate) fn reconsider(state: &State, serving: &Serving, now: Now) -> Standing {
    let mut search = lock(&state.search);
    let wanted = serving.may_stand_down();
    search.follow(wanted.then_some(serving.pool_uid.as_str()));
    let searched = search.is_over(now.monotonic);
    if wanted && searched {
        foreign::forget_before(state, (now.monotonic / 1_000).saturating_sub(COUNTS_FOR));
    }
    let decided = || {
        // Looked for every second, by every agent: not where nobody stands down.
        let heard =
            if wanted { foreign::read(state, now).first().map(|server| server.address) } else { None };
        decide(Known { wanted, searched, heard, told: serving.told_server(now) })
    };
    let mut standing = decided();
    serving.standing.store(standing.pack(), Ordering::Relaxed);
    if wanted && standing == Standing::Serves {
        // The packet thread may have heard a server meanwhile, and have been overwritten.
        standing = decided();
        serving.standing.store(standing.pack(), Ordering::Relaxed);
    }
    standing
}

/// Nothing is served: whoever is served next has its own search.
pub(crate) fn abandon(state: &State) {
    lock(&state.search).follow(None);
}

/// What becomes of a decision by whether clients are answered at all; that a lease is acknowledged is noted.
pub(crate) fn carry_out(serving: &Serving, decision: Decision) -> Decision {
    let Decision::Reply(reply) = decision else { return decision };
    if let Some(why) = Standing::unpack(serving.standing.load(Ordering::Relaxed)).silence() {
        return Decision::Silent(why);
    }
    let grants = reply.kind == MessageType::Ack && reply.lease_time.is_some();
    if grants && !serving.acknowledged.load(Ordering::Relaxed) {
        serving.acknowledged.store(true, Ordering::Relaxed);
    }
    decision
}

impl Serving {
    /// Whether it stands down for other servers.
    fn may_stand_down(&self) -> bool {
        self.stands_down && !self.acknowledged.load(Ordering::Relaxed)
    }

    /// The server that another agent has heard. It counts as long as the API can take it back.
    fn told_server(&self, now: Now) -> Option<Ipv4Addr> {
        let built_lasts =
            self.built_at.saturating_add(u64::try_from(CONFIRMATION_LASTS.as_millis()).unwrap_or_default());
        let counts_until = self.confirmed_until.load(Ordering::Relaxed).max(built_lasts);
        self.foreign_servers.first().copied().filter(|_| !self.from_snapshot && now.monotonic < counts_until)
    }

    /// Takes note of a server that was heard this moment.
    pub(crate) fn hear(&self, server: Ipv4Addr) {
        if self.may_stand_down() {
            self.standing.store(Standing::StandsDown(server).pack(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::state::tests::{serving, state};
    use std::sync::atomic::AtomicU64;

    const OTHER: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 2);
    const THIRD: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 3);

    /// That many seconds after the agent was made.
    fn at(seconds: u64) -> Now {
        Now { monotonic: seconds * 1_000, seconds: 1_000 + seconds }
    }

    /// A pool that is to stand down.
    fn cautious() -> Serving {
        Serving { stands_down: true, ..serving(&[]) }
    }

    /// A state in which a search has found nobody by the tenth second.
    fn searched(serving: &Serving) -> State {
        let state = state();
        assert_eq!(reconsider(&state, serving, at(0)), Standing::Looks);
        lock(&state.search).note(0, true);
        assert_eq!(reconsider(&state, serving, at(7)), Standing::Looks);
        assert_eq!(reconsider(&state, serving, at(10)), Standing::Serves);
        state
    }

    #[test]
    fn a_standing_comes_back_as_it_was_packed() {
        let all = [Standing::Serves, Standing::Looks, Standing::StandsDown(OTHER)];
        for standing in all.into_iter().chain([Standing::StandsDown(Ipv4Addr::UNSPECIFIED)]) {
            assert_eq!(Standing::unpack(standing.pack()), standing);
        }
    }

    #[test]
    fn clients_are_answered_unless_the_pool_is_to_stand_down_and_there_is_or_may_be_another_server() {
        let known = |wanted, searched, heard, told| decide(Known { wanted, searched, heard, told });
        for searched in [false, true] {
            assert_eq!(known(false, searched, Some(OTHER), Some(OTHER)), Standing::Serves);
            assert_eq!(known(true, searched, Some(OTHER), Some(THIRD)), Standing::StandsDown(OTHER));
            assert_eq!(known(true, searched, None, Some(THIRD)), Standing::StandsDown(THIRD));
        }
        assert_eq!(known(true, false, None, None), Standing::Looks);
        assert_eq!(known(true, true, None, None), Standing::Serves);
    }

    /// When a search asks in its first minutes, in seconds.
    fn asks(search: &mut Search, until: u64) -> Vec<u64> {
        let due = |now: &u64| {
            let is_due = search.is_due(now * 1_000);
            if is_due {
                search.note(now * 1_000, true);
            }
            is_due
        };
        (0..until).filter(due).collect()
    }

    #[test]
    fn a_search_asks_three_times_and_then_twice_a_minute_and_every_hour_where_nobody_stands_down() {
        let mut search = Search::default();
        search.follow(Some("u-1"));
        assert_eq!(asks(&mut search, 100), [0, 2, 4, 34, 64, 94]);
        assert_eq!(asks(&mut Search::default(), 7_201), [0, 3_600, 7_200]);
    }

    #[test]
    fn a_search_begins_with_the_first_question_that_was_sent_and_anew_for_another_pool() {
        let mut search = Search::default();
        search.follow(Some("u-1"));
        search.note(0, false);
        assert!(!search.is_over(60_000) && !search.is_due(1_999) && search.is_due(2_000));
        search.note(60_000, true);
        assert!(!search.is_over(67_999) && search.is_over(68_000));
        search.follow(Some("u-1"));
        assert!(search.is_over(68_000));
        search.follow(Some("u-2"));
        assert!(!search.is_over(68_000) && search.is_due(68_000));
        // Where nobody stands down any more, an hour goes by.
        search.note(68_000, true);
        search.follow(None);
        assert!(!search.is_due(3_667_999) && search.is_due(3_668_000));
    }

    #[test]
    fn a_server_counts_for_two_minutes_after_it_was_last_heard_and_stays_forgotten() {
        let serving = cautious();
        let state = searched(&serving);
        foreign::note_choice(&state, &serving, OTHER, at(20));
        assert_eq!(Standing::unpack(serving.standing.load(Ordering::Relaxed)), Standing::StandsDown(OTHER));
        assert_eq!(reconsider(&state, &serving, at(21)), Standing::StandsDown(OTHER));
        foreign::note_choice(&state, &serving, OTHER, at(50));
        assert_eq!(reconsider(&state, &serving, at(170)), Standing::StandsDown(OTHER));
        assert_eq!(foreign::read(&state, at(170)).len(), 1);
        assert_eq!(reconsider(&state, &serving, at(171)), Standing::Serves);
        assert!(foreign::read(&state, at(171)).is_empty());
        // Once a lease is acknowledged, sightings count for hours again: those of before do not come back.
        serving.acknowledged.store(true, Ordering::Relaxed);
        assert_eq!(reconsider(&state, &serving, at(172)), Standing::Serves);
        assert!(foreign::read(&state, at(172)).is_empty());
        foreign::note_choice(&state, &serving, OTHER, at(173));
        assert_eq!(foreign::read(&state, at(7_000)).len(), 1);
    }

    #[test]
    fn a_host_clock_that_is_set_makes_nobody_forget_a_server() {
        let serving = cautious();
        let state = searched(&serving);
        foreign::note_choice(&state, &serving, OTHER, at(20));
        let later = Now { seconds: 1_900_000_000, ..at(30) };
        assert_eq!(reconsider(&state, &serving, later), Standing::StandsDown(OTHER));
    }

    #[test]
    fn a_server_that_was_known_before_counts_until_the_search_is_over() {
        let (state, serving) = (state(), cautious());
        foreign::note_choice(&state, &Serving { stands_down: false, ..cautious() }, OTHER, at(0));
        assert_eq!(reconsider(&state, &serving, at(3_000)), Standing::StandsDown(OTHER));
        lock(&state.search).note(3_000_000, true);
        assert_eq!(reconsider(&state, &serving, at(3_007)), Standing::StandsDown(OTHER));
        assert_eq!(reconsider(&state, &serving, at(3_008)), Standing::Serves);
    }

    #[test]
    fn whoever_has_acknowledged_a_lease_or_knows_of_one_serves_whatever_is_heard() {
        let serving = cautious();
        let state = state();
        serving.acknowledged.store(true, Ordering::Relaxed);
        assert_eq!(reconsider(&state, &serving, at(0)), Standing::Serves);
        foreign::note_choice(&state, &serving, OTHER, at(1));
        assert_eq!(serving.standing.load(Ordering::Relaxed), Standing::Serves.pack());
        assert_eq!(reconsider(&state, &serving, at(2)), Standing::Serves);
    }

    #[test]
    fn what_another_agent_hears_counts_as_long_as_the_api_can_take_it_back() {
        let told = || Serving { foreign_servers: vec![THIRD], built_at: 10_000, ..cautious() };
        let mut serving = told();
        serving.confirmed_until = AtomicU64::new(50_000);
        let state = searched(&cautious());
        for (seconds, standing) in [
            (10, Standing::StandsDown(THIRD)),
            (49, Standing::StandsDown(THIRD)),
            // For thirty seconds nobody has confirmed it.
            (50, Standing::Serves),
        ] {
            assert_eq!(reconsider(&state, &serving, at(seconds)), standing, "{seconds}");
        }
        serving.confirmed_until = AtomicU64::new(0);
        assert_eq!(reconsider(&state, &serving, at(39)), Standing::StandsDown(THIRD), "not confirmed yet");
        assert_eq!(reconsider(&state, &serving, at(40)), Standing::Serves);
        let remembered = Serving { from_snapshot: true, ..told() };
        assert_eq!(reconsider(&state, &remembered, at(11)), Standing::Serves);
    }

    #[test]
    fn a_pool_is_not_served_for_a_moment_before_it_is_decided() {
        let state = state();
        state.publish(Ok(cautious()));
        assert_eq!(state.standing(), Standing::Looks);
        lock(&state.search).note(0, true);
        // A search that is over holds for the next table of the pool, and for no other pool.
        let (later, standing) = (at(10), |serving: &Serving| reconsider(&state, serving, at(10)));
        assert_eq!(standing(&cautious()), Standing::Serves);
        assert_eq!(standing(&Serving { pool_uid: "u-2".into(), ..cautious() }), Standing::Looks);
        lock(&state.search).note(0, true);
        abandon(&state);
        assert_eq!(reconsider(&state, &cautious(), later), Standing::Looks, "it was paused meanwhile");
    }
}
