//! BSDs, Solaris and other systems.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("FreeBSD 6.0-6.2", "xnih/satori fingerprints/dhcp.xml: FreeBSD 6.0-6.2", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 12])
        .discover(&[53, 55])
        .selecting(&[53, 54, 50, 55])
        .rebooting(&[53, 50, 55]),
    client("FreeBSD 7.2", "xnih/satori fingerprints/dhcp.xml: FreeBSD 7.2", DHCLIENT)
        .asks(&[1, 28, 2, 121, 3, 15, 6, 12])
        .discover(&[53, 61, 55])
        .selecting(&[53, 54, 50, 61, 55])
        .rebooting(&[53, 50, 61, 55]),
    client("FreeNAS 0.7", "xnih/satori fingerprints/dhcp.xml: FreeNAS 0.7; DISCOVER as in its REQUEST", DHCLIENT)
        .asks(&[1, 28, 2, 121, 3, 15, 6, 12])
        .discover(&[53, 61, 12, 55]),
    client("OpenBSD 4.x", "xnih/satori fingerprints/dhcp.xml: OpenBSD 4.x", DHCLIENT)
        .asks(&[1, 28, 3, 15, 6, 12])
        .discover(&[12, 50, 53, 55])
        .selecting(&[12, 50, 53, 54, 55])
        .rebooting(&[12, 50, 53, 55]),
    client("OpenBSD 6.7", "xnih/satori fingerprints/dhcp.xml: OpenBSD 6.7", DHCLIENT)
        .asks(&[1, 28, 2, 121, 3, 15, 119, 6, 12, 67, 66])
        .discover(&[53, 55, 61])
        .selecting(&[53, 50, 54, 55, 61]),
    client("OpenSolaris 2008.11 - 2010.02", "xnih/satori fingerprints/dhcp.xml: OpenSolaris 2008.11 - 2010.02", DHCLIENT)
        .class("SUNW.i86pc")
        .asks(&[1, 3, 6, 12, 15, 28, 43])
        .discover(&[53, 51, 57, 50, 54, 60, 55])
        .selecting(&[53, 51, 57, 50, 54, 60, 55]),
    client("SunOS 5.6", "xnih/satori fingerprints/dhcp.xml: SunOS 5.6", PXE)
        .class("SUNW.sparc.Tadpole_S3GX.SunOS")
        .asks(&[1, 2, 3, 5, 6, 12, 15, 19, 28, 33, 40, 41, 64, 65])
        .discover(&[53, 55, 60, 61]),
    client("Sun OpenBoot (Sun Blade 100)", "xnih/satori fingerprints/dhcp.xml: Sun Blade 100 Workstation; DISCOVER as in its REQUEST", PXE)
        .class("SUNW.Sun-Blade-100")
        .asks(&[1, 3, 12, 43])
        .discover(&[53, 57, 51, 60, 55]),
    client("Haiku", "xnih/satori fingerprints/dhcp.xml: Haiku", DHCLIENT)
        .asks(&[1, 3, 6, 28, 15])
        .discover(&[53, 57, 55])
        .selecting(&[53, 57, 55, 54, 50]),
    client("BeOS 5.0", "xnih/satori fingerprints/dhcp.xml: BeOS 5.0", EMBEDDED)
        .asks(&[1, 3, 6, 15, 12, 19])
        .discover(&[53, 55, 61])
        .selecting(&[53, 54, 50, 55, 61]),
    client("Novell NetWare Client", "xnih/satori fingerprints/dhcp.xml: Novell NetWare Client; DISCOVER as in its INFORM", WINDOWS)
        .asks(&[78, 79, 85])
        .discover(&[53, 55, 61])
        .informs(&[53, 55, 61], &[78, 79, 85]),
    client("NetBSD (dhcpcd)", "general knowledge: dhcpcd of its base system", DHCPCD)
        .class("dhcpcd-8.1.6:NetBSD-9.3:amd64:x86_64")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119])
        .discover(&[53, 61, 57, 60, 12, 145, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 145, 55]),
];
