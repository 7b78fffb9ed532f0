//! Which of the addresses that have left the card of a VM nobody uses any more.
//!
//! The manager waits for the longest lease before it gives such an address to another card, unless the VM is gone and
//! every agent says that nobody answers for the address. One packet that is lost must not look like a guest that is
//! gone, so an address counts as silent only when nobody has answered in several rounds, some time apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use vmdhcp_core::api::AgentReport;

use crate::agent::unleased::{Unleased, Vacating};

/// Rounds without an answer that make an address silent. In each it is asked for twice.
const ROUNDS: u32 = 3;
/// Seconds between two rounds.
const APART: u64 = 20;
/// Seconds for which an address is left alone that somebody has answered for.
const REST: u64 = 600;

/// How many are looked at together: as many as a report can tell of.
const TOGETHER: usize = AgentReport::MOST_CARRIED;
/// For how many seconds, where there are more. By the clock, so that all agents look at the same ones.
const TURN: u64 = 600;

/// Those that are looked at now.
fn of_this_turn(unleased: &Unleased, now: u64) -> &[Vacating] {
    let vacating = &unleased.vacating;
    let turns = u64::try_from(vacating.len().div_ceil(TOGETHER)).unwrap_or(1).max(1);
    let turn = usize::try_from(now / TURN % turns).unwrap_or_default();
    vacating.chunks(TOGETHER).nth(turn).unwrap_or_default()
}

/// What is known of each address, for as long as it is vacating.
#[derive(Debug, Default)]
pub(crate) struct Vacancies {
    known: BTreeMap<(Ipv4Addr, Timestamp), Vacancy>,
}

/// What is known of one address.
#[derive(Debug, Clone, Copy, Default)]
struct Vacancy {
    /// Rounds in a row in which nobody answered.
    silent: u32,
    /// When it is asked for again.
    next: u64,
}

impl Vacancies {
    /// The addresses to ask for at `now`.
    pub(crate) fn due(&mut self, unleased: &Unleased, now: u64) -> Vec<Ipv4Addr> {
        let vacating = of_this_turn(unleased, now);
        let known = std::mem::take(&mut self.known);
        self.known = vacating
            .iter()
            .map(|&Vacating { address, since }| {
                ((address, since), known.get(&(address, since)).copied().unwrap_or_default())
            })
            .collect();
        let due = self.known.iter().filter(|(_, vacancy)| vacancy.silent < ROUNDS && vacancy.next <= now);
        due.map(|(&(address, _), _)| address).collect()
    }

    /// Notes how many cards have answered for each of the addresses asked for.
    pub(crate) fn note(
        &mut self,
        unleased: &Unleased,
        answers: impl Iterator<Item = (Ipv4Addr, usize)>,
        now: u64,
    ) {
        let answers: BTreeMap<_, _> = answers.collect();
        // What is vacating since the question was asked has not been asked for.
        for Vacating { address, since } in &unleased.vacating {
            let vacancy = self.known.get_mut(&(*address, *since));
            let Some((vacancy, &cards)) = vacancy.zip(answers.get(address)) else { continue };
            *vacancy = match cards {
                0 => Vacancy { silent: vacancy.silent + 1, next: now + APART },
                _ => Vacancy { silent: 0, next: now + REST },
            };
        }
    }

    /// The addresses for which nobody answers, and since when they retire.
    pub(crate) fn silent(&self, unleased: &Unleased) -> BTreeMap<Ipv4Addr, Timestamp> {
        let is_silent = |Vacating { address, since }: &&Vacating| {
            self.known.get(&(*address, *since)).is_some_and(|vacancy| vacancy.silent >= ROUNDS)
        };
        let silent = unleased.vacating.iter().filter(is_silent);
        silent.map(|Vacating { address, since }| (*address, *since)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 82);

    fn vacating(since: i64) -> Unleased {
        let since = Timestamp::from_second(since).unwrap();
        Unleased { vacating: vec![Vacating { address: ADDRESS, since }], ..Unleased::default() }
    }

    #[test]
    fn an_address_is_silent_when_nobody_has_answered_three_times_some_time_apart() {
        let (unleased, mut vacancies) = (vacating(7), Vacancies::default());
        for (now, is_due) in [(100, true), (119, false), (120, true), (140, true), (160, false)] {
            let due = vacancies.due(&unleased, now);
            assert_eq!(due, if is_due { vec![ADDRESS] } else { vec![] }, "{now}");
            assert_eq!(vacancies.silent(&unleased).is_empty(), now < 160);
            vacancies.note(&unleased, due.into_iter().map(|address| (address, 0)), now);
        }
        assert_eq!(vacancies.silent(&unleased), [(ADDRESS, Timestamp::from_second(7).unwrap())].into());
    }

    #[test]
    fn more_than_a_report_tells_of_take_turns() {
        let mut unleased = vacating(7);
        let address = |index: u32| Ipv4Addr::from(u32::from(ADDRESS) + index);
        let since = Timestamp::from_second(7).unwrap();
        unleased.vacating = (0..300).map(|index| Vacating { address: address(index), since }).collect();
        let mut vacancies = Vacancies::default();
        let turns: Vec<_> = [0, 600, 1200, 1800].map(|now| vacancies.due(&unleased, now)).into();
        assert_eq!([turns[0].len(), turns[1].len(), turns[2].len()], [128, 128, 44]);
        assert_eq!(turns[0], turns[3]);
        assert!(turns[1].contains(&address(128)) && turns[2].contains(&address(299)));
    }

    #[test]
    fn one_answer_and_everything_begins_anew_after_a_while() {
        let (unleased, mut vacancies) = (vacating(7), Vacancies::default());
        for (now, cards) in [(100, 0), (120, 0), (140, 1), (740, 0), (760, 0)] {
            assert_eq!(vacancies.due(&unleased, now), [ADDRESS]);
            vacancies.note(&unleased, [(ADDRESS, cards)].into_iter(), now);
            assert!(vacancies.silent(&unleased).is_empty());
            assert!(vacancies.due(&unleased, now + 19).is_empty());
        }
    }

    #[test]
    fn an_address_that_was_leased_meanwhile_is_asked_for_anew() {
        let mut vacancies = Vacancies::default();
        for now in [100, 120, 140] {
            let due = vacancies.due(&vacating(7), now);
            vacancies.note(&vacating(7), due.into_iter().map(|address| (address, 0)), now);
        }
        assert_eq!(vacancies.due(&vacating(8), 160), [ADDRESS]);
        assert!(vacancies.silent(&vacating(8)).is_empty());
        assert!(vacancies.silent(&Unleased::default()).is_empty());
    }
}
