//! `vmdhcp standalone` on a bridge, and the DHCP clients that VMs really run, through the whole life of a lease.

mod as_the_readme_says;
mod boot_server;
mod declines;
mod managed;
mod netboot;
mod nmap;
mod other_servers;
mod refusals;
mod relayed;
mod releases;
mod renewals;
mod stage;
