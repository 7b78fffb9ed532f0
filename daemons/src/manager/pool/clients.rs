//! What cards are told beside their address: the name of their VM and the options of its annotations. Pure.
//!
//! It goes into the pool's status in the same write as the allocations, as an agent watches nothing else. Its room is
//! what the allocations leave, and no more than a part of the whole: where the pool grows near its ceiling this is left
//! out, names first, before any address has to wait.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use smol_str::ToSmolStr;
use vmdhcp_core::api::{IPPoolStatus, IPv4Status, OptionValue};
use vmdhcp_core::ipam::{Allocations, Outcome};
use vmdhcp_core::pool::{Pool, is_host_name};

use super::super::Settlement;
use super::ceiling::{KEPT_FOR_RETIRING, size, size_beside};
use super::conditions::tell_of;
use super::observe::Observation;
use super::plan::PoolPlan;

/// The part of the ceiling that this may take: one in so many bytes.
const PART: usize = 8;
/// The condition that tells of what there was no room for.
const LEFT_OUT: &str = "HostNamesLeftOut";

/// Writes what the holders of addresses are told into `status`, as far as there is room.
pub(super) fn tell(
    observation: &Observation,
    pool: &Pool,
    allocations: &Allocations,
    status: &mut IPPoolStatus,
    planned: &PoolPlan,
) {
    let wanted = Wanted::of(observation, pool, planned);
    let stored = observation.object.status.as_ref().and_then(|status| status.ipv4.as_ref());
    // Serialising takes time; where everything is told already, no room is looked for.
    let (told, left_out) = match stored {
        Some(stored) if planned.changed.is_empty() && wanted.is_told(stored) => {
            let (hostnames, client_options) = (stored.hostnames.clone(), stored.client_options.clone());
            (IPv4Status { hostnames, client_options, ..IPv4Status::default() }, 0)
        }
        _ => wanted.fitting(room(observation, pool, allocations, status)),
    };
    let message = (left_out > 0).then(|| {
        format!(
            "{left_out} network cards are not told the name of their VM, or the options that its annotations have: there \
             is no room for it in the pool's object; set spec.ipv4Config.vmHostnames to false if nobody needs the names, \
             or put further VMs on another network"
        )
    });
    // Nobody is without an address for it, so it is a condition and no Event: `planned` hears nothing of it.
    tell_of(observation, status, LEFT_OUT, ("NoRoom", "AllTold"), message.as_deref());
    if let Some(ipv4) = &mut status.ipv4 {
        ipv4.hostnames = told.hostnames;
        ipv4.client_options = told.client_options;
        ipv4.network_mtu = observation.network.mtu;
    }
}

/// Quotes, colon and comma around a key and its value.
const MARKS: usize = 6;

/// Names and options of those who have an address, by address.
#[derive(Default)]
struct Wanted<'a> {
    names: BTreeMap<Ipv4Addr, &'a str>,
    options: BTreeMap<Ipv4Addr, &'a [OptionValue]>,
}

impl<'a> Wanted<'a> {
    fn of(observation: &'a Observation, pool: &Pool, planned: &PoolPlan) -> Self {
        let mut wanted = Self::default();
        for (card, settlement) in observation.cards.iter().zip(&planned.settlements) {
            let Settlement::Planned(Outcome::Holds(address)) = settlement else { continue };
            let reservation = pool.reservations.get(&card.claim.mac);
            let has_name = reservation.is_some_and(|reservation| reservation.hostname.is_some());
            let name = card.telling.vm_name(&card.claim);
            if pool.options.vm_hostnames && !has_name && is_host_name(name) {
                wanted.names.insert(*address, name);
            }
            if !card.telling.options.is_empty() {
                wanted.options.insert(*address, &card.telling.options);
            }
        }
        wanted
    }

    /// Whether a status tells all of this and nothing else.
    fn is_told(&self, status: &IPv4Status) -> bool {
        let Self { names, options } = self;
        let IPv4Status { hostnames, client_options, .. } = status;
        hostnames.len() == names.len()
            && client_options.len() == options.len()
            && names
                .iter()
                .all(|(address, name)| hostnames.get(&*address.to_smolstr()).is_some_and(|told| told == name))
            && options.iter().all(|(address, options)| {
                client_options.get(&address.to_string()).is_some_and(|told| told == options)
            })
    }

    /// What fits into so many bytes, and how many entries do not.
    fn fitting(self, mut room: usize) -> (IPv4Status, usize) {
        let (mut told, mut left_out) = (IPv4Status::default(), 0);
        let mut fits = |bytes: usize| {
            let rest = room.checked_sub(bytes);
            room = rest.unwrap_or(room);
            left_out += usize::from(rest.is_none());
            rest.is_some()
        };
        for (address, options) in self.options {
            let address = address.to_string();
            if fits(address.len() + size(options) + MARKS) {
                told.client_options.insert(address, options.to_vec());
            }
        }
        for (address, name) in self.names {
            let address = address.to_smolstr();
            if fits(address.len() + name.len() + MARKS) {
                told.hostnames.insert(address, name.into());
            }
        }
        (told, left_out)
    }
}

/// Bytes that the allocations leave.
fn room(observation: &Observation, pool: &Pool, allocations: &Allocations, status: &IPPoolStatus) -> usize {
    let ceiling = observation.ceiling;
    let beside = size_beside(&observation.object, status);
    let taken = allocations.stored_size(pool) + beside + 2 * ceiling / KEPT_FOR_RETIRING;
    ceiling.saturating_sub(taken).min(ceiling / PART)
}
