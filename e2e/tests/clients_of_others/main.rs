//! `vmdhcp standalone` on a bridge, and the DHCP clients that VMs really run, through the whole life of a lease.

mod as_the_readme_says;
mod declines;
mod managed;
mod refusals;
mod releases;
mod renewals;
mod stage;
