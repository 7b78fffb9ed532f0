//! The DHCP agent.
mod filter;
mod frame;
mod packet_socket;
