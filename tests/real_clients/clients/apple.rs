//! macOS, iOS and their firmware.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Mac OS 9.x", "xnih/satori fingerprints/dhcp.xml: Mac OS 9.x", APPLE)
        .asks(&[1, 3, 6, 15, 33, 42, 44, 45, 46, 47, 69, 70, 71, 74, 78, 79])
        .discover(&[53, 55, 57, 51, 61, 60])
        .selecting(&[53, 54, 50, 55, 57, 61, 60])
        .rebooting(&[53, 50, 55, 57, 61, 60]),
    client("Mac OS X", "xnih/satori fingerprints/dhcp.xml: Mac OS X", APPLE)
        .asks(&[1, 3, 6, 15, 112, 113, 78, 79, 95, 252])
        .discover(&[53, 55, 57, 61, 51, 12])
        .selecting(&[53, 55, 57, 61, 50, 54, 12])
        .rebooting(&[53, 55, 57, 61, 50, 51, 12])
        .informs(&[53, 55, 57, 61, 12], &[1, 3, 6, 15, 119, 95, 252, 44, 46, 47]),
    client("Mac OS X Lion", "karottc/fingerbank dhcp_fingerprints.conf: os 202; its order is that of Mac OS X", APPLE)
        .asks(&[1, 3, 6, 15, 119, 95, 252, 44, 46])
        .discover(&[53, 55, 57, 61, 51, 12])
        .selecting(&[53, 55, 57, 61, 50, 54, 12]),
    client("iPhone/iPod touch/iPad", "xnih/satori fingerprints/dhcp.xml: iPhone/iPod touch/iPad", APPLE)
        .asks(&[1, 3, 6, 15, 119, 252])
        .discover(&[53, 55, 57, 61, 51])
        .selecting(&[53, 55, 57, 61, 50, 54])
        .rebooting(&[53, 55, 57, 61, 50, 51]),
    client("iPad 12.1", "xnih/satori fingerprints/dhcp.xml: iPad 12.1; DISCOVER as in its REQUEST", APPLE)
        .asks(&[1, 121, 3, 6, 15, 119, 252])
        .discover(&[53, 55, 57, 61, 51, 12])
        .rebooting(&[53, 55, 57, 61, 50, 51, 12]),
    client("iPad 13.5", "xnih/satori fingerprints/dhcp.xml: iPad 13.5", APPLE)
        .asks(&[1, 121, 3, 6, 15, 119, 252])
        .discover(&[53, 55, 57, 61, 51, 12])
        .selecting(&[53, 55, 57, 61, 50, 54, 12]),
    client("macOS 13 and iOS 16", "general knowledge: with 108 (RFC 8925) and 114 (RFC 8910), which Apple has implemented; its order is that of iPad 13.5", APPLE)
        .asks(&[1, 121, 3, 6, 15, 108, 114, 119, 252])
        .discover(&[53, 55, 57, 61, 51, 12])
        .selecting(&[53, 55, 57, 61, 50, 54, 12])
        .rebooting(&[53, 55, 57, 61, 50, 51, 12]),
    client("Apple Airport Extreme", "xnih/satori fingerprints/dhcp.xml: Apple Airport Extreme; DISCOVER as in its REQUEST", APPLE)
        .asks(&[1, 2, 3, 15, 6, 12, 44])
        .discover(&[53, 51, 12, 55, 57, 61]),
    client("Apple Netboot", "xnih/satori fingerprints/dhcp.xml: Apple Netboot", PXE)
        .class("AAPLBSDPC")
        .asks(&[1, 3, 43, 60])
        .discover(&[53, 60, 43, 55])
        .selecting(&[53, 54, 50, 60, 55])
        .vendor(&[1, 1, 1, 2, 2, 1, 0, 5, 2, 3, 0xe8]),
];
