//! Switches, access points, routers and firewalls.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Cisco Catalyst 29xx", "xnih/satori fingerprints/dhcp.xml: Cisco Catalyst 29xx", IOS)
        .class("docsis1.0")
        .asks(&[1, 66, 6, 3, 67, 12, 150])
        .discover(&[53, 57, 61, 55, 60, 52]),
    client("Cisco Aironet 1140", "xnih/satori fingerprints/dhcp.xml: Cisco Aironet 1140", IOS)
        .class("Cisco AP c1140")
        .asks(&[1, 6, 15, 44, 3, 7, 33, 150, 43])
        .discover(&[53, 57, 61, 12, 55, 60])
        .selecting(&[53, 57, 61, 54, 50, 51, 12, 55, 60]),
    client("Cisco Aironet 1500", "xnih/satori fingerprints/dhcp.xml: Cisco Aironet 1500", EMBEDDED)
        .class("Cisco AP c1500")
        .asks(&[1, 28, 3, 43, 6, 15])
        .discover(&[53, 57, 55, 60]),
    client("Cisco Aironet 4800", "xnih/satori fingerprints/dhcp.xml: Cisco Aironet 4800", EMBEDDED)
        .class("AP4800E")
        .asks(&[1, 3, 6, 15])
        .discover(&[53, 12, 60, 55, 61])
        .selecting(&[53, 60, 61, 50, 54, 57, 12, 55]),
    client("Cisco Aironet 9120AX", "xnih/satori fingerprints/dhcp.xml: Cisco Aironet 9120AX", UDHCPC)
        .class("Cisco AP C9120AX")
        .asks(&[1, 15, 3, 28, 12, 6, 7, 26, 42, 43])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 54, 50, 61, 12, 60, 55]),
    client("Cisco Aironet 1815", "xnih/satori fingerprints/dhcp.xml: Cisco Aironet 1815", UDHCPC)
        .class("Cisco AP c1815")
        .asks(&[1, 15, 3, 28, 12, 6, 7, 26, 42, 43])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 54, 50, 61, 12, 60, 55]),
    client("Enterasys SecureStack B2/B3/C2/C3", "xnih/satori fingerprints/dhcp.xml: Enterasys SecureStack B2/B3/C2/C3", EMBEDDED)
        .asks(&[3, 1])
        .discover(&[53, 57])
        .selecting(&[53, 1, 58, 59, 51, 54, 57, 50, 55]),
    client("Hewlett-Packard ProCurve AP", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard ProCurve AP", DHCLIENT)
        .class("Colubris-AP")
        .asks(&[1, 28, 2, 3, 15, 6, 12, 43])
        .discover(&[53, 60, 12, 55])
        .selecting(&[53, 54, 50, 60, 12, 55]),
    client("Meraki Indoor", "xnih/satori fingerprints/dhcp.xml: Meraki Indoor", UDHCPC)
        .class("udhcp 0.9.9-pre")
        .asks(&[1, 3, 6, 12, 15, 28, 40, 41, 42])
        .discover(&[53, 61, 60, 55]),
    client("Ruckus H320/R510", "xnih/satori fingerprints/dhcp.xml: Ruckus H320/R510; DISCOVER as in its REQUEST", UDHCPC)
        .class("Ruckus CPE")
        .asks(&[1, 2, 3, 6, 15, 28, 42, 43, 44])
        .discover(&[53, 61, 60, 55]),
    client("Symbol Wireless Switch", "xnih/satori fingerprints/dhcp.xml: Symbol Wireless Switch", DHCLIENT)
        .class("SymbolWS")
        .asks(&[1, 28, 2, 3, 15, 6, 12])
        .discover(&[53, 50, 55, 60])
        .selecting(&[53, 54, 50, 55, 60]),
    client("Trapeze MP-422 Wireless Access Point", "xnih/satori fingerprints/dhcp.xml: Trapeze MP-422 Wireless Access Point", EMBEDDED)
        .class("WIRELESS-AP:MP_422")
        .asks(&[1, 15, 3, 6, 43])
        .discover(&[53, 61, 60, 55]),
    client("FortiGate 60F", "xnih/satori fingerprints/dhcp.xml: FortiGate 60F", EMBEDDED)
        .class("FortiGate-60F")
        .asks(&[1, 2, 3, 6, 12, 15, 28, 40, 42, 240, 241])
        .discover(&[53, 57, 61, 55, 12, 60]),
    client("Big-IP F5", "xnih/satori fingerprints/dhcp.xml: Big-IP F5; DISCOVER as in its REQUEST", DHCLIENT)
        .class("F5Networks")
        .asks(&[1, 28, 3, 15, 6, 12, 42, 26])
        .discover(&[53, 51, 55, 60]),
    client("NETGEAR FVS114", "xnih/satori fingerprints/dhcp.xml: NETGEAR FVS114", EMBEDDED)
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 43])
        .discover(&[53, 57, 61, 12, 55])
        .selecting(&[53, 54, 55, 61, 50, 12]),
    client("NETGEAR WNDR3000", "xnih/satori fingerprints/dhcp.xml: NETGEAR WNDR3000", UDHCPC)
        .class("udhcp 0.9.8")
        .asks(&[1, 3, 6, 12, 15, 28, 33, 44, 121])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 61, 12, 60, 50, 54, 55]),
    client("TP-LINK Wireless LAN Router", "xnih/satori fingerprints/dhcp.xml: TP-LINK Wireless LAN Router", EMBEDDED)
        .asks(&[1, 3, 43, 44, 46, 47, 6])
        .discover(&[53, 57, 55, 12, 60, 61])
        .selecting(&[53, 50, 54, 57, 55, 12, 60, 61]),
    client("OpenWRT Chaos Calmer 15.x", "xnih/satori fingerprints/dhcp.xml: OpenWRT Chaos Calmer 15.x", UDHCPC)
        .class("udhcp 1.23.2")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 57, 55, 60])
        .selecting(&[53, 50, 54, 57, 55, 60]),
    client("Aruba access point", "karottc/fingerbank dhcp_fingerprints.conf: os 424; class from Aruba's manuals, order from general knowledge", UDHCPC)
        .class("ArubaAP")
        .asks(&[1, 3, 4, 6, 12, 15, 28, 42, 43, 60])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 50, 54, 60, 55]),
    client("Ubiquiti UniFi", "class from Ubiquiti's manuals on option 43; list and order of udhcpc", UDHCPC)
        .class("ubnt")
        .asks(&[1, 3, 6, 12, 15, 28, 42, 43])
        .discover(&[53, 61, 12, 60, 57, 55])
        .selecting(&[53, 61, 12, 50, 54, 60, 57, 55]),
    client("MikroTik RouterOS", "karottc/fingerbank dhcp_fingerprints.conf: os 427; order from general knowledge", EMBEDDED)
        .asks(&[1, 121, 3, 33, 6, 42])
        .discover(&[53, 61, 55, 12])
        .selecting(&[53, 61, 50, 54, 55, 12]),
    client("Juniper EX (zero-touch provisioning)", "list from Juniper's manual on zero-touch provisioning (43, 66, 67, 150 and 7), class and order from general knowledge", DHCLIENT)
        .class("Juniper-ex3400-24t")
        .asks(&[1, 3, 15, 6, 66, 67, 43, 150, 12, 7, 42])
        .discover(&[53, 61, 60, 55, 12])
        .selecting(&[53, 50, 54, 61, 60, 55, 12]),
    client("HP ProCurve 3500yl", "karottc/fingerbank dhcp_fingerprints.conf: os 907; class and order from general knowledge", EMBEDDED)
        .class("Hewlett-Packard 3500yl-24G")
        .asks(&[1, 3, 4, 23, 67, 66, 43])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 50, 54, 60, 55]),
    client("3Com 4400 SE", "karottc/fingerbank dhcp_fingerprints.conf: os 908; order from general knowledge", ENDLESS)
        .asks(&[1, 6, 54, 69, 42, 50, 4, 3, 51, 12, 116])
        .discover(&[53, 55])
        .selecting(&[53, 50, 54, 55]),
];
