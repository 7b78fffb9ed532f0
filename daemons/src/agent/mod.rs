//! The DHCP agent.
