//! Linux and its DHCP clients.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Red Hat Linux 7.0 (pump)", "xnih/satori fingerprints/dhcp.xml: Red Hat Linux 7.0", DHCLIENT)
        .asks(&[1, 3, 6, 15, 28, 12, 7, 9, 42, 48, 49])
        .discover(&[53]),
    client("dhcpcd 1.3 (Linux 2.4)", "xnih/satori fingerprints/dhcp.xml: Linux 2.4.x", DHCPCD_OLD)
        .class("Linux 2.4")
        .asks(&[1, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42])
        .discover(&[53, 57, 50, 51, 55, 12, 60, 61])
        .selecting(&[53, 57, 54, 50, 51, 55, 12, 60, 61])
        .rebooting(&[53, 57, 50, 51, 55, 60, 61]),
    client("SUSE Linux Enterprise 9.3", "xnih/satori fingerprints/dhcp.xml: SUSE Linux Enterprise 9.3", DHCPCD_OLD)
        .class("Linux 2.6.11.4-20a-default i686")
        .asks(&[1, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42, 9, 7, 44, 45, 46, 47])
        .discover(&[53, 57, 51, 55, 12, 60, 61])
        .selecting(&[53, 57, 54, 50, 51, 55, 12, 60, 61]),
    client("dhclient 2 (Debian 3.1)", "xnih/satori fingerprints/dhcp.xml: Debian 3.1", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 12])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55]),
    client("dhclient 4 (Debian 6)", "xnih/satori fingerprints/dhcp.xml: Debian 6", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55]),
    client("Debian 7", "xnih/satori fingerprints/dhcp.xml: Debian 7", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42])
        .discover(&[53, 50, 12, 55])
        .selecting(&[53, 54, 50, 12, 55]),
    client("Ubuntu 12 based distro", "xnih/satori fingerprints/dhcp.xml: Ubuntu 12 based distro", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42, 121, 249, 252, 42])
        .discover(&[53, 50, 12, 55])
        .selecting(&[53, 54, 50, 12, 55]),
    client("Ubuntu 18.x", "xnih/satori fingerprints/dhcp.xml: Ubuntu 18.x; DISCOVER as in its REQUEST", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42, 249, 33, 252])
        .discover(&[53, 12, 55]),
    client("Fedora 15-16 based distro", "xnih/satori fingerprints/dhcp.xml: Fedora 15-16 based distro", DHCLIENT)
        .asks(&[1, 28, 2, 121, 15, 6, 12, 40, 41, 42, 26, 119, 3, 121, 249, 252, 42])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55])
        .rebooting(&[53, 50, 55]),
    client("openSUSE 12.1", "xnih/satori fingerprints/dhcp.xml: openSUSE 12.1", DHCLIENT)
        .asks(&[1, 28, 3, 121, 26, 12, 15, 119, 6, 40, 41, 87, 85, 86, 44, 45, 46, 47, 42, 121, 249, 252, 42])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55]),
    client("Debian GNU/Linux 8 (jessie)", "xnih/satori fingerprints/dhcp.xml: Debian GNU/Linux 8 (jessie)", DHCLIENT)
        .asks(&[3, 1, 252, 42, 15, 6, 12])
        .discover(&[53, 57, 55, 61, 12])
        .selecting(&[53, 50, 54, 57, 55, 61, 12])
        .rebooting(&[53, 50, 57, 55, 61, 12]),
    client("dhcpcd 6.7 (Raspbian 8)", "xnih/satori fingerprints/dhcp.xml: Raspbian GNU/Linux 8 (jessie); DISCOVER as in its REQUEST", DHCPCD)
        .class("dhcpcd-6.7.1:Linux-4.4.38+:armv6l:BCM2708")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 28, 42, 51, 54, 58, 59, 119])
        .discover(&[53, 61, 57, 60, 12, 145, 55])
        .rebooting(&[53, 61, 50, 57, 60, 12, 145, 55]),
    client("dhcpcd 6.11 (Raspbian 9)", "xnih/satori fingerprints/dhcp.xml: Raspbian GNU/Linux 9 (stretch)", DHCPCD)
        .class("dhcpcd-6.11.5:Linux-4.14.79+:armv6l:BCM2835")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119])
        .discover(&[53, 61, 80, 116, 57, 60, 12, 145, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 145, 55])
        .rebooting(&[53, 61, 50, 57, 60, 12, 145, 55]),
    client("NetworkManager, internal client (Ubuntu 19)", "xnih/satori fingerprints/dhcp.xml: Ubuntu 19.x", NETWORKD)
        .asks(&[1, 3, 12, 15, 6, 2, 26, 28, 121, 33, 40, 41, 42, 54, 119, 249, 252, 17])
        .discover(&[53, 61, 55, 57, 12])
        .selecting(&[53, 61, 55, 57, 54, 50, 12]),
    client("NetworkManager, internal client (Debian 12)", "xnih/satori fingerprints/dhcp.xml: Debian 12.5; DISCOVER as in its REQUEST", NETWORKD)
        .asks(&[1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17])
        .discover(&[53, 61, 55, 57, 12]),
    client("NetworkManager, internal client (Ubuntu 22)", "xnih/satori fingerprints/dhcp.xml: Ubuntu 22.x; DISCOVER as in its REQUEST", NETWORKD)
        .asks(&[1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17])
        .discover(&[53, 61, 55, 57, 12]),
    client("systemd-networkd (cloud images of Ubuntu 18 to 24, Debian 12, Fedora)", "systemd src/libsystemd-network/sd-dhcp-client.c: default_req_opts; what networkd adds to it and the order from general knowledge", NETWORKD)
        .asks(&[1, 3, 6, 12, 15, 33, 42, 119, 120, 121])
        .discover(&[53, 61, 55, 57, 12])
        .selecting(&[53, 61, 55, 54, 50, 12])
        .rebooting(&[53, 61, 55, 57, 50, 12]),
    client("systemd-networkd with rapid commit (256)", "general knowledge: as before, with options 80 and 108", NETWORKD)
        .asks(&[1, 3, 6, 12, 15, 33, 42, 108, 119, 120, 121])
        .discover(&[53, 61, 80, 55, 57, 12])
        .selecting(&[53, 61, 55, 54, 50, 12]),
    client("systemd-networkd, anonymous (RFC 7844)", "systemd src/libsystemd-network/sd-dhcp-client.c: default_req_opts_anonymize", WINDOWS)
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])
        .discover(&[53, 61, 55])
        .selecting(&[53, 61, 55, 54, 50]),
    client("ConnMan", "general knowledge of its gdhcp", UDHCPC)
        .asks(&[1, 3, 6, 12, 15, 42, 121, 252])
        .discover(&[53, 61, 57, 55, 12])
        .selecting(&[53, 61, 50, 54, 57, 55, 12]),
    client("busybox udhcpc of Alpine (cloud-init tiny images)", "xnih/satori fingerprints/dhcp.xml: WyzeCam v2, which runs it too", UDHCPC)
        .class("udhcp 1.36.1")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 61, 57, 55, 60, 12])
        .selecting(&[53, 61, 50, 54, 57, 55, 60, 12]),
    client("dhcpcd 10 (Alpine, Void)", "general knowledge; order and list after dhcpcd 6.11 of Raspbian 9", DHCPCD)
        .class("dhcpcd-10.0.6:Linux-6.6.31:x86_64:GenuineIntel")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119])
        .discover(&[53, 61, 80, 57, 60, 12, 145, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 145, 55]),
    client("cloud-init on dhclient (RHEL 8 and 9, Amazon Linux 2)", "general knowledge: dhclient.conf of Red Hat", DHCLIENT)
        .asks(&[1, 28, 2, 121, 15, 6, 12, 40, 41, 42, 26, 119, 3])
        .discover(&[53, 50, 12, 55])
        .selecting(&[53, 54, 50, 12, 55]),
    client("wicked (SLES 15)", "general knowledge: list of its leaseinfo documentation, identifier of RFC 4361", NETWORKD)
        .asks(&[1, 121, 249, 33, 3, 6, 15, 119, 12, 40, 41, 42, 44, 45, 46, 47, 26, 28, 78, 79])
        .discover(&[53, 57, 61, 12, 55])
        .selecting(&[53, 54, 50, 57, 61, 12, 55]),
];
