//! Consoles, television, cameras, controllers and other things.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Nintendo DS", "xnih/satori fingerprints/dhcp.xml: Nintendo DS", EMBEDDED)
        .asks(&[1, 3, 6])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 61, 12, 55, 50, 54]),
    client("Nintendo Switch", "xnih/satori fingerprints/dhcp.xml: Nintendo Switch", EMBEDDED)
        .asks(&[1, 3, 6, 28])
        .discover(&[53, 57, 55])
        .selecting(&[53, 50, 54, 57, 55]),
    client("Wii 4.3u", "xnih/satori fingerprints/dhcp.xml: Wii 4.3u", EMBEDDED)
        .asks(&[1, 3, 6, 15, 28, 33])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 54, 61, 50, 12, 55])
        .rebooting(&[53, 61, 50, 12, 55]),
    client("PlayStation 2", "xnih/satori fingerprints/dhcp.xml: PlayStation 2", EMBEDDED)
        .asks(&[1, 3, 15, 6])
        .discover(&[53, 61])
        .selecting(&[53, 50, 54, 55, 61]),
    client("PlayStation 3", "xnih/satori fingerprints/dhcp.xml: PlayStation 3", DHCLIENT)
        .class("PS3")
        .asks(&[1, 3, 15, 6])
        .discover(&[53, 61, 60])
        .selecting(&[53, 50, 54, 55, 61, 60]),
    client("PlayStation 4", "xnih/satori fingerprints/dhcp.xml: PlayStation 4", DHCLIENT)
        .class("PS4")
        .asks(&[1, 3, 15, 6])
        .discover(&[53, 50, 61, 60])
        .selecting(&[53, 50, 54, 55, 61, 60]),
    client("PlayStation 5", "xnih/satori fingerprints/dhcp.xml: PlayStation 5", DHCLIENT)
        .class("PS5")
        .asks(&[1, 3, 15, 6])
        .discover(&[53, 50, 61, 60])
        .selecting(&[53, 50, 54, 55, 61, 60]),
    client("Xbox 360", "xnih/satori fingerprints/dhcp.xml: Xbox 360", EMBEDDED)
        .class("Xbox 360")
        .asks(&[1, 3, 6])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 61, 12, 55, 50, 54])
        .rebooting(&[53, 12, 61, 60, 55, 50]),
    client("Chromecast", "xnih/satori fingerprints/dhcp.xml: Chromecast", DHCPCD_OLD)
        .class("dhcpcd-5.2.10:Linux-3.8.13:armv7l:MV88DE3108")
        .asks(&[1, 33, 3, 6, 15, 28, 51, 58, 59])
        .discover(&[53, 57, 60, 12, 55])
        .selecting(&[53, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 50, 57, 60, 12, 55]),
    client("Samsung SmartTV", "xnih/satori fingerprints/dhcp.xml: Samsung SmartTV", UDHCPC)
        .class("VD Linux VDLinux")
        .asks(&[1, 3, 6, 12, 15, 28, 42, 125])
        .discover(&[53, 61, 124, 57, 55, 60])
        .selecting(&[53, 61, 50, 54, 124, 57, 55, 60]),
    client("Vizio Smart TV 2.1.18.x", "xnih/satori fingerprints/dhcp.xml: Vizio Smart TV 2.1.18.x", UDHCPC)
        .class("udhcp 0.9.9-pre")
        .asks(&[1, 3, 6, 12, 15, 28, 40, 41, 42])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 60, 50, 54, 55]),
    client("TiVo", "xnih/satori fingerprints/dhcp.xml: TiVo; DISCOVER as in its REQUEST", DHCLIENT)
        .asks(&[1, 28, 2, 3, 15, 6, 12])
        .discover(&[53, 12, 55, 81]),
    client("Mag 522", "xnih/satori fingerprints/dhcp.xml: Mag 522; DISCOVER as in its REQUEST", UDHCPC)
        .class("InfomirMAG522v2")
        .asks(&[1, 3, 6, 12, 15, 28, 42, 43])
        .discover(&[53, 61, 57, 55, 60, 12]),
    client("Amino AmiNET110", "xnih/satori fingerprints/dhcp.xml: Amino AmiNET110", DHCPCD_OLD)
        .class("Aminoaminet110fisys")
        .asks(&[1, 2, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42, 43])
        .discover(&[53, 57, 51, 55, 43, 60, 61])
        .selecting(&[53, 57, 54, 50, 51, 55, 43, 60, 61])
        .rebooting(&[53, 57, 50, 51, 55, 43, 60, 61]),
    client("BrightSign HD223", "xnih/satori fingerprints/dhcp.xml: BrightSign HD223", DHCPCD)
        .class("BrightSign HD223")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 42, 43, 51, 58, 59, 119])
        .discover(&[53, 61, 116, 57, 60, 12, 145, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 145, 55]),
    client("BrightSign XD234", "xnih/satori fingerprints/dhcp.xml: BrightSign XD234", DHCPCD)
        .class("BrightSign XD234")
        .asks(&[1, 121, 3, 6, 12, 15, 26, 28, 33, 42, 43, 51, 58, 59, 119])
        .discover(&[53, 55, 57, 61, 60, 12, 116, 145])
        .selecting(&[50, 53, 54, 55, 57, 61, 60, 12, 145]),
    client("NodeMCU - ESP8266", "xnih/satori fingerprints/dhcp.xml: NodeMCU - ESP8266", LWIP)
        .asks(&[1, 3, 28, 6, 15, 44, 46, 47, 31, 33, 121, 43])
        .discover(&[53, 57, 12, 55])
        .selecting(&[53, 57, 50, 54, 55, 12]),
    client("APC UPS", "xnih/satori fingerprints/dhcp.xml: APC UPS", EMBEDDED)
        .class("APC")
        .asks(&[6, 3, 1, 15, 66, 67, 13, 43, 58, 59, 42, 2, 12])
        .discover(&[53, 61, 55, 60, 61, 77])
        .selecting(&[53, 50, 55, 54, 60, 61, 77])
        .user_class("APC"),
    client("AXIS P3224-LV", "xnih/satori fingerprints/dhcp.xml: AXIS P3224-LV; DISCOVER as in its REQUEST", DHCLIENT)
        .class("AXIS,Network Camera,P3224-LV")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 61, 57, 55, 60, 12]),
    client("Trendnet IP Camera", "xnih/satori fingerprints/dhcp.xml: Trendnet IP Camera; DISCOVER as in its REQUEST", EMBEDDED_FULL)
        .class("MSFT 98")
        .asks(&[1, 3, 6])
        .discover(&[53, 55, 12, 60]),
    client("WyzeCam v2", "xnih/satori fingerprints/dhcp.xml: WyzeCam v2", UDHCPC)
        .class("udhcp 1.22.1")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 61, 57, 55, 60])
        .selecting(&[53, 61, 50, 54, 57, 55, 60]),
    client("Crestron", "xnih/satori fingerprints/dhcp.xml: Crestron; DISCOVER as in its REQUEST", DHCPCD_OLD)
        .class("dhcpcd-5.5.6")
        .asks(&[1, 33, 3, 6, 15, 28, 51, 58, 59])
        .discover(&[53, 57, 60, 12, 55]),
    client("Biamp Tesira", "xnih/satori fingerprints/dhcp.xml: Biamp Tesira; DISCOVER as in its REQUEST", DHCPCD)
        .class("Biamp Systems Inc., TesiraForte")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 51, 54, 58, 59, 119])
        .discover(&[53, 57, 60, 12, 145, 55]),
    client("Fluke OptiView Series III", "xnih/satori fingerprints/dhcp.xml: Fluke OptiView Series III", EMBEDDED)
        .asks(&[1, 3, 6])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 50, 54, 61, 12, 55]),
    client("Eye-Fi Wireless Memory Card", "xnih/satori fingerprints/dhcp.xml: Eye-Fi Wireless Memory Card", LWIP)
        .asks(&[1, 3, 28, 6])
        .discover(&[53, 55, 57, 61, 12])
        .selecting(&[53, 55, 57, 61, 50, 54, 51, 12]),
    client("Extron MLC 226 IP", "xnih/satori fingerprints/dhcp.xml: Extron MLC 226 IP; DISCOVER as in its REQUEST", ENDLESS)
        .asks(&[1, 3, 58, 59])
        .discover(&[53, 55, 12])
        .rebooting(&[53, 50, 55, 12]),
    client("WD ShareSpace", "xnih/satori fingerprints/dhcp.xml: WD ShareSpace", UDHCPC)
        .class("udhcp 0.9.9-pre")
        .asks(&[1, 3, 6, 12, 15, 28, 40, 41, 42])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 61, 60, 50, 54, 55]),
    client("ESP32 (lwIP 2.1)", "lwip src/core/ipv4/dhcp.c: dhcp_discover_request_options", LWIP)
        .asks(&[1, 3, 28, 6])
        .discover(&[53, 57, 55])
        .selecting(&[53, 57, 50, 54, 55, 12])
        .rebooting(&[53, 57, 50, 55, 12]),
    client("Synology NAS", "karottc/fingerbank dhcp_fingerprints.conf: os 1003; order of dhcpcd 1.3", DHCPCD_OLD)
        .asks(&[1, 3, 6, 12, 15, 17, 23, 28, 29, 31, 33, 40, 41, 42, 44])
        .discover(&[53, 57, 51, 55, 12, 60, 61])
        .selecting(&[53, 57, 54, 50, 51, 55, 12, 60, 61]),
];
