//! ARP (RFC 826, RFC 5227): being found by the server address, and finding out who uses an address.

mod packet;
mod prober;
mod responder;
mod vacancy;

pub(crate) use packet::{Operation, Packet};
pub(crate) use prober::probe_leases;
pub(crate) use responder::{Answers, announce, serve};
pub(crate) use vacancy::Vacancies;
