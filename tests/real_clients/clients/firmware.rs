//! Boot ROMs and boot loaders, management boards and hypervisors.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Intel boot agent (BIOS)", "xnih/satori fingerprints/dhcp.xml: PXE Client", PXE)
        .class("PXEClient:Arch:00000:UNDI:002001")
        .asks(&[1, 2, 3, 5, 6, 11, 12, 13, 15, 16, 17, 18, 43, 54, 60, 67, 128, 129, 130, 131, 132, 133, 134, 135])
        .discover(&[53, 55, 57, 97, 93, 94, 60])
        .selecting(&[53, 50, 55, 57, 54, 97, 93, 94, 60]),
    client("UEFI x64, IPv4 PXE (EDK II)", "xnih/satori fingerprints/dhcp.xml: PXE Client (ZEN)", UEFI)
        .class("PXEClient:Arch:00000:UNDI:002001")
        .asks(&[1, 2, 3, 4, 5, 6, 11, 12, 13, 15, 16, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135])
        .discover(&[53, 55, 57, 97, 93, 94, 60])
        .selecting(&[53, 50, 55, 57, 54, 97, 93, 94, 60])
        .architecture(7),
    client("UEFI arm64, IPv4 PXE (EDK II)", "as UEFI x64, with architecture 11 of the registry of RFC 4578", UEFI)
        .class("PXEClient:Arch:00011:UNDI:003016")
        .architecture(11)
        .asks(&[1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135])
        .discover(&[53, 57, 55, 97, 94, 93, 60])
        .selecting(&[53, 54, 50, 57, 55, 97, 94, 93, 60]),
    client("UEFI HTTP boot (EDK II)", "edk2 NetworkPkg/HttpBootDxe/HttpBootDhcp4.c: HttpBootBuildDhcp4Options", UEFI)
        .class("HTTPClient:Arch:00016:UNDI:003016")
        .architecture(16)
        .asks(&[1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97])
        .discover(&[53, 57, 55, 97, 94, 93, 60])
        .selecting(&[53, 54, 50, 57, 55, 97, 94, 93, 60]),
    client("iPXE", "ipxe/ipxe src/net/udp/dhcp.c: dhcp_request_options_data; options that newer versions add from general knowledge", IPXE)
        .class("PXEClient:Arch:00007:UNDI:003010")
        .user_class("iPXE")
        .architecture(7)
        .asks(&[1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203])
        .discover(&[53, 57, 93, 94, 60, 77, 55, 175, 61, 97])
        .selecting(&[53, 57, 93, 94, 60, 77, 55, 54, 50, 175, 61, 97]),
    client("Etherboot/gPXE", "xnih/satori fingerprints/dhcp.xml: Etherboot/gPXE", IPXE)
        .class("Etherboot")
        .asks(&[1, 3, 6, 43])
        .discover(&[53, 61, 57, 60, 55])
        .selecting(&[53, 61, 50, 54, 55, 57, 12, 60]),
    client("U-Boot", "u-boot net/bootp.c: dhcp_extended; list from general knowledge", PXE)
        .class("U-Boot.armv8")
        .architecture(22)
        .size(576)
        .asks(&[1, 3, 6, 12, 17, 28, 66, 67])
        .discover(&[53, 57, 93, 94, 97, 60, 55])
        .selecting(&[53, 57, 54, 50, 93, 94, 97, 60, 55]),
    client("GRUB 2.12", "general knowledge of its grub-core/net/bootp.c (send_dhcp_packet)", IPXE)
        .asks(&[1, 3, 6, 12, 15, 17, 28])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55]),
    client("barebox", "barebox net/dhcp.c: dhcp_extended", PXE)
        .class("barebox")
        .size(576)
        .asks(&[1, 3, 6, 12, 15, 17, 51, 60, 66, 67, 61, 77, 97, 224])
        .discover(&[53, 57, 60, 55])
        .selecting(&[53, 57, 50, 54, 60, 55]),
    client("Dell iDRAC", "xnih/satori fingerprints/dhcp.xml: Dell iDrac; DISCOVER as in its REQUEST", UDHCPC)
        .class("iDRAC")
        .asks(&[1, 3, 6, 12, 15, 28, 42, 43, 121, 249])
        .discover(&[53, 61, 57, 55, 60, 12]),
    client("Dell iDRAC 9", "xnih/satori fingerprints/dhcp.xml: iDRAC; DISCOVER as in its REQUEST", DHCLIENT)
        .class("iDRAC")
        .asks(&[1, 3, 15, 6, 43])
        .discover(&[53, 12, 55, 60, 61])
        .informs(&[53, 61, 55, 12, 60], &[43]),
    client("Hewlett-Packard iLO Agent", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard iLO Agent", EMBEDDED)
        .class("CPQRIB3")
        .asks(&[1, 3, 6, 15, 28, 33, 43, 44, 58, 59])
        .discover(&[53, 55, 51, 12, 57, 60, 61])
        .informs(&[53, 55], &[202]),
    client("Nutanix", "xnih/satori fingerprints/dhcp.xml: Nutanix", DHCLIENT)
        .class("NutanixFC")
        .asks(&[43, 1, 3, 6, 15])
        .discover(&[53, 55, 60])
        .informs(&[53, 55, 60], &[43]),
    client("Supermicro BMC", "list and order of the udhcpc in its firmware; general knowledge", UDHCPC)
        .class("udhcp 1.23.1")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 61, 12, 57, 60, 55])
        .selecting(&[53, 61, 12, 50, 54, 57, 60, 55]),
    client("VMware ESXi", "general knowledge: its dhclient", DHCLIENT)
        .class("VMware ESXi")
        .asks(&[1, 3, 6, 12, 15, 26, 28, 33, 119, 121])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 50, 54, 61, 12, 60, 55]),
    client("VMware vCenter Server Appliance", "karottc/fingerbank dhcp_fingerprints.conf: os 2300; order of dhclient", DHCLIENT)
        .asks(&[58, 59, 1, 28, 121, 33, 3, 12, 119, 15, 6, 40, 41, 42, 26, 17, 120, 9, 7, 44, 45, 46, 47])
        .discover(&[53, 12, 55])
        .selecting(&[53, 54, 50, 12, 55]),
    client("Windows Deployment Services boot program", "general knowledge: PXE with its own options; list of the Intel boot agent", PXE)
        .class("PXEClient:Arch:00000:UNDI:002001")
        .asks(&[1, 3, 43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135])
        .discover(&[53, 55, 57, 97, 93, 94, 60])
        .selecting(&[53, 50, 54, 55, 57, 97, 93, 94, 60]),
];
