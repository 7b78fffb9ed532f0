//! The step before the agent: its interface is put in order, as in a container, where /proc/sys can only be read.

use std::net::{IpAddr, Ipv4Addr};

use vmdhcp_daemons::agent::init::{InitError, prepare_interface};

use crate::client::Wire;
use crate::network::{self, AGENT_END, CLIENT_END, alone, eventually};
use crate::{CARD, SERVER};

/// An address of the Pod on another network.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 7);

#[test]
fn an_interface_is_put_in_order_where_settings_can_only_be_read() {
    alone("init::an_interface_is_put_in_order_where_settings_can_only_be_read", async {
        network::forward(true);
        network::switch("lo", true).await;
        network::add_address("lo", ELSEWHERE.into(), 32).await;
        for (address, prefix_length) in [(SERVER, 24), (Ipv4Addr::new(192, 168, 48, 78), 24)] {
            network::add_address(AGENT_END, address.into(), prefix_length).await;
        }
        network::add_address(AGENT_END, "fd00:48::77".parse::<IpAddr>().unwrap(), 64).await;
        let wire = Wire::open();
        assert!(wire.resolve(CARD, ELSEWHERE).is_some(), "the kernel answers for any address that it has");
        network::protect_settings();

        for _ in 0..2 {
            prepare_interface(AGENT_END).await.unwrap();
            assert_eq!(
                (network::setting("forwarding"), network::setting("rp_filter")),
                ("0".into(), "1".into())
            );
            assert_eq!(network::kernel_addresses(), [] as [Ipv4Addr; 0]);
            assert!(network::kernel_addresses_v6().is_empty(), "{:?}", network::kernel_addresses_v6());
        }
        assert_eq!(wire.resolve(CARD, ELSEWHERE), None);
        assert_eq!(wire.resolve(CARD, SERVER), None);
    });
}

#[test]
fn an_interface_that_is_down_comes_up_without_an_address() {
    alone("init::an_interface_that_is_down_comes_up_without_an_address", async {
        for end in [AGENT_END, CLIENT_END] {
            network::switch(end, false).await;
        }
        network::protect_settings();
        prepare_interface(AGENT_END).await.unwrap();
        network::switch(CLIENT_END, true).await;
        eventually("it is up", async || network::is_running(AGENT_END)).await;
        // The other end makes itself an address at once; a second has passed when that one may be used.
        let other_end = || std::fs::read_to_string("/proc/net/if_inet6").unwrap();
        eventually("the other end has an address", async || {
            other_end().lines().any(|line| line.ends_with(CLIENT_END) && line.contains(" 80 "))
        })
        .await;
        assert!(network::kernel_addresses_v6().is_empty(), "{:?}", network::kernel_addresses_v6());
    });
}

#[test]
fn an_interface_that_is_missing_is_named() {
    alone("init::an_interface_that_is_missing_is_named", async {
        let error = prepare_interface("eth1").await.unwrap_err();
        assert!(matches!(&error, InitError::NoInterface { interface } if interface == "eth1"), "{error}");
    });
}
