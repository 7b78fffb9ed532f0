//! Android, ChromeOS and other telephones.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Android 0.9", "xnih/satori fingerprints/dhcp.xml: Android 0.9", UDHCPC)
        .asks(&[1, 3, 6, 28])
        .discover(&[53, 55])
        .selecting(&[53, 55, 50, 54]),
    client("Android 1.5-2.1", "xnih/satori fingerprints/dhcp.xml: Android 1.5-2.1", DHCPCD_OLD)
        .class("dhcpcd 4.0.1")
        .asks(&[1, 3, 6, 28, 33, 51, 58, 59, 121])
        .discover(&[53, 61, 60, 55])
        .selecting(&[53, 57, 61, 60, 50, 54, 55]),
    client("Android 2.2.x", "xnih/satori fingerprints/dhcp.xml: Android 2.2.x", DHCPCD_OLD)
        .class("dhcpcd 4.0.15")
        .asks(&[1, 121, 33, 3, 6, 28, 51, 58, 59])
        .discover(&[53, 57, 60, 12, 55])
        .selecting(&[53, 50, 54, 57, 60, 12, 55]),
    client("Android 2.3.x", "xnih/satori fingerprints/dhcp.xml: Android 2.3.x", DHCPCD_OLD)
        .class("dhcpcd 4.0.15")
        .asks(&[1, 121, 33, 3, 6, 15, 28, 51, 58, 59, 119])
        .discover(&[53, 57, 60, 12, 55])
        .selecting(&[53, 50, 54, 57, 60, 12, 55]),
    client("Android 3.0.x", "xnih/satori fingerprints/dhcp.xml: Android 3.0.x", DHCPCD_OLD)
        .class("dhcpcd-5.2.10")
        .asks(&[1, 33, 3, 6, 28, 51, 58, 59])
        .discover(&[53, 57, 60, 12, 55])
        .selecting(&[53, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 50, 57, 60, 12, 55]),
    client("Android 6.0.x", "xnih/satori fingerprints/dhcp.xml: Android 6.0.x", ANDROID)
        .class("android-dhcp-6.0")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59])
        .discover(&[53, 61, 57, 60, 12, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55]),
    client("Android 7.0.x", "xnih/satori fingerprints/dhcp.xml: Android 7.0.x", ANDROID)
        .class("android-dhcp-7.0")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 12, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55]),
    client("Android 7.1.x", "xnih/satori fingerprints/dhcp.xml: Android 7.1.x", ANDROID)
        .class("android-dhcp-7.1")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 12, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55]),
    client("Android 8.0.x", "xnih/satori fingerprints/dhcp.xml: Android 8.0.x", ANDROID)
        .class("android-dhcp-8.0")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 12, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55]),
    client("Android 8.1.x", "xnih/satori fingerprints/dhcp.xml: Android 8.1.x", ANDROID)
        .class("android-dhcp-8.1")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 12, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55]),
    client("Android 9.x", "xnih/satori fingerprints/dhcp.xml: Android 9.x", ANDROID)
        .class("android-dhcp-9")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 55]),
    client("Android 10.x", "xnih/satori fingerprints/dhcp.xml: Android 10.x", ANDROID)
        .class("android-dhcp-10")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43])
        .discover(&[53, 61, 57, 60, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 55]),
    client("Android 11.x", "xnih/satori fingerprints/dhcp.xml: Android 11.x", ANDROID)
        .class("android-dhcp-11")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114])
        .discover(&[53, 61, 57, 60, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 55])
        .rebooting(&[53, 61, 50, 57, 60, 55]),
    client("Android 12.x", "xnih/satori fingerprints/dhcp.xml: Android 12.x", ANDROID)
        .class("android-dhcp-12")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108])
        .discover(&[53, 61, 57, 60, 12, 55, 80])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 61, 50, 57, 60, 12, 55]),
    client("Android 13.x", "xnih/satori fingerprints/dhcp.xml: Android 13.x", ANDROID)
        .class("android-dhcp-13")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108])
        .discover(&[53, 61, 57, 60, 12, 55, 80])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 61, 50, 57, 60, 12, 55]),
    client("Android 14.x", "xnih/satori fingerprints/dhcp.xml: Android 14.x", ANDROID)
        .class("android-dhcp-14")
        .asks(&[1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108])
        .discover(&[53, 61, 57, 60, 12, 55, 80])
        .selecting(&[53, 61, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 61, 50, 57, 60, 12, 55]),
    client("Amazon Fire OS 5.6.x", "xnih/satori fingerprints/dhcp.xml: Amazon Fire OS 5.6.x", DHCPCD_OLD)
        .class("dhcpcd-5.5.6")
        .asks(&[1, 33, 3, 6, 15, 28, 51, 58, 59])
        .discover(&[53, 57, 60, 12, 55])
        .selecting(&[53, 50, 54, 57, 60, 12, 55])
        .rebooting(&[53, 50, 57, 60, 12, 55]),
    client("Chromebook", "xnih/satori fingerprints/dhcp.xml: Chromebook", DHCPCD)
        .class("dhcpcd 5.1.4")
        .asks(&[1, 121, 33, 3, 6, 12, 15, 26, 28, 51, 54, 58, 59, 119])
        .discover(&[53, 61, 57, 60, 55])
        .selecting(&[53, 61, 50, 54, 57, 60, 55])
        .rebooting(&[53, 61, 50, 57, 60, 55]),
    client("BlackBerry", "xnih/satori fingerprints/dhcp.xml: BlackBerry", EMBEDDED)
        .class("BlackBerry")
        .asks(&[1, 3, 6, 15])
        .discover(&[53, 12, 60, 61, 55])
        .selecting(&[53, 54, 50, 12, 60, 61, 55]),
    client("BlackBerry Tablet", "xnih/satori fingerprints/dhcp.xml: BlackBerry Tablet", DHCLIENT)
        .class("BlackBerry Tablet OS")
        .asks(&[1, 28, 2, 3, 15, 6, 12])
        .discover(&[53, 12, 55, 60])
        .selecting(&[53, 54, 50, 12, 55, 60]),
    client("Nokia E-Series", "xnih/satori fingerprints/dhcp.xml: Nokia E-Series", EMBEDDED)
        .asks(&[12, 6, 15, 1, 3, 28, 120])
        .discover(&[53, 50, 61, 55, 57])
        .selecting(&[53, 50, 54, 61, 55, 57]),
    client("Nokia 6086 UMA", "xnih/satori fingerprints/dhcp.xml: Nokia 6086 UMA", EMBEDDED)
        .class("FSVDSL.UMA.Nokia.6086")
        .asks(&[1, 3, 6, 28])
        .discover(&[53, 55, 43, 60, 125])
        .selecting(&[53, 50, 54, 55, 43, 60, 125]),
    client("Tizen Linux", "xnih/satori fingerprints/dhcp.xml: Tizen Linux", UDHCPC)
        .class("VD Linux VDLinux")
        .asks(&[1, 3, 6, 12, 15, 28, 42, 125])
        .discover(&[53, 61, 124, 57, 55, 60])
        .selecting(&[53, 61, 50, 54, 124, 57, 55, 60]),
    client("Kindle Firmware 5.12.x", "xnih/satori fingerprints/dhcp.xml: Kindle Firmware 5.12.x", UDHCPC)
        .class("udhcp 1.28.3")
        .asks(&[1, 3, 6, 12, 15, 28, 42])
        .discover(&[53, 61, 57, 55, 60])
        .selecting(&[53, 61, 50, 54, 57, 55, 60]),
];
