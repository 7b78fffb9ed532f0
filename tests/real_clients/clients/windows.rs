//! Windows.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Windows 95", "xnih/satori fingerprints/dhcp.xml: Windows 95", WINDOWS_XP)
        .asks(&[1, 3, 15, 6, 44, 46, 47])
        .discover(&[53, 61, 12])
        .selecting(&[53, 61, 50, 54, 12, 55, 43])
        .rebooting(&[53, 61, 50, 12, 55, 43]),
    client("Windows 98 SE", "xnih/satori fingerprints/dhcp.xml: Windows 98 SE", WINDOWS_XP)
        .class("MSFT 98")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 43, 77])
        .discover(&[53, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55]),
    client("Windows ME", "xnih/satori fingerprints/dhcp.xml: Windows ME", WINDOWS_XP)
        .class("MSFT 98")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 43, 77])
        .discover(&[53, 251, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 60, 55])
        .rebooting(&[53, 61, 50, 12, 60, 55]),
    client("Windows NT 4", "xnih/satori fingerprints/dhcp.xml: Windows NT 4", WINDOWS_XP)
        .asks(&[1, 15, 3, 44, 46, 47, 6])
        .discover(&[53, 61, 50, 12, 55])
        .selecting(&[53, 61, 50, 54, 12, 55])
        .rebooting(&[53, 61, 50, 12, 55]),
    client("Windows 2000", "xnih/satori fingerprints/dhcp.xml: Windows 2000", WINDOWS_XP)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 43])
        .discover(&[53, 77, 251, 61, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 43, 252])
        .user_class("RRAS.Microsoft"),
    client("Windows XP", "xnih/satori fingerprints/dhcp.xml: Windows XP", WINDOWS_XP)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43])
        .discover(&[53, 12, 55])
        .selecting(&[53, 54, 50, 12, 55])
        .rebooting(&[53, 61, 50, 12, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252]),
    client("Windows XP SP3", "xnih/satori fingerprints/dhcp.xml: Windows XP SP3", WINDOWS_XP)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43])
        .discover(&[53, 116, 61, 50, 12, 60, 55, 43])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55, 43])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55, 43])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252])
        .vendor(&[0xdc, 0]),
    client("Windows CE", "xnih/satori fingerprints/dhcp.xml: Windows CE", WINDOWS_XP)
        .class("Microsoft Windows CE")
        .asks(&[1, 3, 6, 15, 44, 46, 47])
        .discover(&[53, 61, 55, 60])
        .selecting(&[53, 54, 50, 61, 12, 55, 60])
        .rebooting(&[53, 50, 61, 55, 60]),
    client("Windows Phone 7.5", "xnih/satori fingerprints/dhcp.xml: Windows Phone 7.5", WINDOWS)
        .asks(&[1, 3, 6, 15, 44, 46, 47])
        .discover(&[53, 61, 55])
        .selecting(&[53, 54, 50, 61, 55]),
    client("Windows Vista", "xnih/satori fingerprints/dhcp.xml: Windows Vista", WINDOWS_VISTA)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43])
        .discover(&[53, 116, 61, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55, 43], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]),
    client("Windows 7", "xnih/satori fingerprints/dhcp.xml: Windows 7", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]),
    client("Windows 7 SP1", "xnih/satori fingerprints/dhcp.xml: Windows 7 SP1; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]),
    client("Windows 8.1", "xnih/satori fingerprints/dhcp.xml: Windows 8.1", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 252, 43])
        .discover(&[53, 61, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55]),
    client("Windows 10", "xnih/satori fingerprints/dhcp.xml: Windows 10; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]),
    client("Windows 10 - 1607", "xnih/satori fingerprints/dhcp.xml: Windows 10 - 1607", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])
        .discover(&[53, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55]),
    client("Windows 10 - 1703", "xnih/satori fingerprints/dhcp.xml: Windows 10 - 1703; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252]),
    client("Windows 10 - 1909", "xnih/satori fingerprints/dhcp.xml: Windows 10 - 1909; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252])
        .discover(&[53, 61, 12, 81, 60, 55]),
    client("Windows 11 - 22000", "xnih/satori fingerprints/dhcp.xml: Windows 11 - 22000; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]),
    client("Windows Server 2003", "xnih/satori fingerprints/dhcp.xml: Windows Server 2003", WINDOWS_XP)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43])
        .discover(&[53, 116, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43]),
    client("Windows Server 2008", "xnih/satori fingerprints/dhcp.xml: Windows Server 2008", WINDOWS_VISTA)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43])
        .discover(&[53, 116, 61, 50, 12, 60, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 55])
        .rebooting(&[53, 61, 50, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]),
    client("Windows Server 2012", "xnih/satori fingerprints/dhcp.xml: Windows Server 2012", WINDOWS)
        .asks(&[54])
        .discover(&[53, 61, 55])
        .informs(&[53, 61, 55], &[83]),
    client("Windows Server 2012 R2", "xnih/satori fingerprints/dhcp.xml: Windows Server 2012 R2; DISCOVER as in its REQUEST", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 252, 43])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 12, 60, 55], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 252, 43]),
    client("Windows Server 2016", "xnih/satori fingerprints/dhcp.xml: Windows Server 2016", WINDOWS)
        .class("MSFT 5.0")
        .asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])
        .discover(&[53, 61, 12, 81, 60, 55])
        .informs(&[53, 61, 43, 55], &[3])
        .vendor(&[0x5e, 0]),
];
