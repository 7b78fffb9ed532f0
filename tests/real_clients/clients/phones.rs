//! Telephones, their adapters and video conferences.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Cisco 7841 IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 7841 IP Phone", EMBEDDED)
        .class("Cisco Systems, Inc. IP Phone CP-7841")
        .asks(&[1, 3, 6, 15, 35, 66, 150, 2, 7, 42, 43, 58, 59, 159, 160])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 54, 61, 12, 60, 50, 55])
        .rebooting(&[53, 61, 12, 60, 50, 55]),
    client("Cisco 7912 IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 7912 IP Phone", EMBEDDED)
        .class("Cisco Systems, Inc. IP Phone 7912")
        .asks(&[1, 3, 6, 15, 42, 66, 150])
        .discover(&[53, 61, 60, 43, 12, 50, 54, 55])
        .selecting(&[53, 61, 60, 43, 12, 50, 54, 55])
        .rebooting(&[53, 61, 60, 43, 12, 50, 55]),
    client("Cisco 7937G IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 7937G IP Phone; DISCOVER as in its REQUEST", EMBEDDED)
        .class("Cisco Systems, Inc. IP Phone CP-7937G")
        .asks(&[1, 3, 6, 15, 35, 66, 150])
        .discover(&[53, 1, 3, 6, 51, 55, 12, 60, 61]),
    client("Cisco 7940/7960x IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 7940/7960x IP Phone", EMBEDDED)
        .class("Cisco Systems, Inc. IP Phone CP-7960")
        .asks(&[1, 66, 6, 3, 15, 150, 35])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 54, 61, 12, 60, 50, 55])
        .rebooting(&[53, 61, 12, 60, 50, 55]),
    client("Cisco 8851 IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 8851 IP Phone; DISCOVER as in its REQUEST", EMBEDDED)
        .class("CP-8851")
        .asks(&[1, 3, 6, 15, 35, 66, 150, 2, 7, 42, 43, 58, 59, 159, 160])
        .discover(&[53, 61, 12, 60, 125, 55])
        .selecting(&[53, 54, 61, 12, 60, 50, 125, 55]),
    client("Cisco 8945 IP Phone", "xnih/satori fingerprints/dhcp.xml: Cisco 8945 IP Phone", EMBEDDED)
        .class("Cisco System, Inc. IP Phone CP-8945")
        .asks(&[1, 3, 15, 6, 12, 35, 66, 150])
        .discover(&[53, 51, 12, 55, 60, 61]),
    client("Cisco ATA 186", "xnih/satori fingerprints/dhcp.xml: Cisco ATA 186", EMBEDDED)
        .class("ATA186")
        .asks(&[1, 3, 6, 15, 42, 66, 150])
        .discover(&[53, 61, 60, 43, 12, 50, 55])
        .selecting(&[53, 61, 60, 43, 12, 50, 54, 55]),
    client("SPA 942", "xnih/satori fingerprints/dhcp.xml: SPA 942", EMBEDDED)
        .class("LINKSYS SPA-942")
        .asks(&[1, 3, 42, 6, 7, 15, 58, 59, 44, 66, 150, 151])
        .discover(&[53, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 60, 55]),
    client("3Com IP Phone", "xnih/satori fingerprints/dhcp.xml: 3Com IP Phone", EMBEDDED)
        .class("3Com-Phone-3101b")
        .asks(&[1, 3, 6, 15, 35, 66, 58, 59, 120, 184, 26])
        .discover(&[53, 57, 55, 60, 61]),
    client("Alcatel IP Touch 8 Series Phones", "xnih/satori fingerprints/dhcp.xml: Alcatel IP Touch 8 Series Phones", EMBEDDED)
        .class("alcatel.noe.0")
        .asks(&[1, 3, 28, 43, 58, 59])
        .discover(&[53, 43, 55, 12, 60, 61])
        .selecting(&[53, 50, 54, 43, 55, 12, 60, 61]),
    client("Avaya IP Phone", "xnih/satori fingerprints/dhcp.xml: Avaya IP Phone", EMBEDDED)
        .class("ccp.avaya.com")
        .asks(&[1, 28, 3, 6, 15, 42, 242])
        .discover(&[53, 60, 57, 52, 55])
        .selecting(&[53, 50, 54, 57, 55, 12, 60]),
    client("Mitel IP Phone", "xnih/satori fingerprints/dhcp.xml: Mitel IP Phone", EMBEDDED)
        .class("ipphone.mitel.com")
        .asks(&[1, 3, 6, 12, 42, 44, 51, 54, 58, 59, 128, 66, 120, 129, 130, 131, 132, 133, 134, 135, 224, 138, 125, 43])
        .discover(&[53, 61, 55, 60, 57, 124])
        .selecting(&[53, 61, 54, 50, 55, 60, 57, 124]),
    client("Grandstream GXP1405", "xnih/satori fingerprints/dhcp.xml: Grandstream GXP1405", UDHCPC)
        .class("Grandstream GXP1405 dslforum.org")
        .asks(&[1, 3, 6, 12, 15, 28, 43, 125])
        .discover(&[53, 61, 60, 125, 50, 57, 55])
        .selecting(&[53, 61, 60, 125, 50, 54, 55]),
    client("Polycom Studio X70", "xnih/satori fingerprints/dhcp.xml: Polycom Studio X70; DISCOVER as in its REQUEST", DHCPCD_OLD)
        .class("Poly-StudioX70")
        .asks(&[1, 33, 3, 6, 15, 28, 42, 51, 58, 59, 66, 160])
        .discover(&[53, 57, 60, 12, 145, 55]),
    client("Polycom Video Phone (VSX 3000A)", "xnih/satori fingerprints/dhcp.xml: Polycom Video Phone (VSX 3000A); DISCOVER as in its REQUEST", EMBEDDED)
        .asks(&[1, 3, 6, 15, 12, 44])
        .discover(&[53, 1, 3, 6, 51, 55, 61]),
    client("LifeSize Room", "xnih/satori fingerprints/dhcp.xml: LifeSize Room; DISCOVER as in its REQUEST", DHCLIENT)
        .class("LifeSize Room LS_RM1")
        .asks(&[1, 28, 2, 3, 15, 6, 12, 42])
        .discover(&[53, 55, 60, 61, 57, 51])
        .selecting(&[53, 55, 60, 54, 50, 61, 57, 51]),
    client("Siemens OpenStage 20/40/60/80", "xnih/satori fingerprints/dhcp.xml: Siemens OpenStage 20/40/60/80", UDHCPC)
        .class("OptiIpPhone")
        .asks(&[1, 2, 3, 6, 12, 15, 28, 33, 42, 43, 120])
        .discover(&[53, 61, 12, 60, 50, 55])
        .selecting(&[53, 61, 12, 60, 50, 54, 55]),
    client("Belkin Skype Phone", "xnih/satori fingerprints/dhcp.xml: Belkin Skype Phone", UDHCPC)
        .class("udhcp 1.2.1")
        .asks(&[1, 3, 6, 12, 15, 28, 40, 41, 42])
        .discover(&[53, 61, 12, 60, 55]),
    client("Polycom SoundPoint IP 450", "karottc/fingerbank dhcp_fingerprints.conf: os 328; class and order from general knowledge", EMBEDDED)
        .class("Polycom-SoundPointIP-SPIP_450")
        .asks(&[1, 28, 160, 66, 3, 4, 42, 2, 6, 15])
        .discover(&[53, 60, 61, 12, 55])
        .selecting(&[53, 50, 54, 60, 61, 12, 55]),
    client("Snom", "karottc/fingerbank dhcp_fingerprints.conf: os 325; class and order from general knowledge", UDHCPC)
        .class("snom320")
        .asks(&[1, 3, 6, 12, 15, 42, 66, 67, 120])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 50, 54, 60, 55]),
    client("Yealink", "karottc/fingerbank dhcp_fingerprints.conf: os 336; class and order from general knowledge", UDHCPC)
        .class("yealink")
        .asks(&[1, 2, 3, 4, 6, 7, 12, 15, 28, 42, 66, 67, 43, 120])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 61, 12, 60, 50, 54, 55]),
    client("Nortel telephone", "karottc/fingerbank dhcp_fingerprints.conf: os 310; order from general knowledge", EMBEDDED)
        .class("Nortel-i2004-A")
        .asks(&[1, 28, 1, 3, 43, 128, 131, 144, 157, 188, 191, 205, 219, 223, 232, 247, 251, 58, 59])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 50, 54, 60, 55]),
];
