//! Printers.

use crate::real_clients::habits::*;
use crate::real_clients::profile::{Profile, client};

#[rustfmt::skip]
pub(crate) const CLIENTS: &[Profile] = &[
    client("Brother Printer", "xnih/satori fingerprints/dhcp.xml: Brother Printer", UNTIDY)
        .asks(&[1, 3, 6, 12, 15, 28, 42, 40, 44, 46])
        .discover(&[53, 57, 55, 12])
        .selecting(&[53, 50, 57, 54, 51, 55, 12]),
    client("Brother Printer 2", "xnih/satori fingerprints/dhcp.xml: Brother Printer 2; DISCOVER as in its REQUEST", EMBEDDED)
        .asks(&[6, 3, 1, 15, 66, 67, 13, 12, 44])
        .discover(&[53, 61, 12, 81, 55])
        .rebooting(&[53, 61, 50, 12, 81, 55]),
    client("Canon imageRUNNER 6755", "xnih/satori fingerprints/dhcp.xml: Cannon Image Runner 6755; DISCOVER as in its REQUEST", EMBEDDED)
        .class("Canon iR-ADV 6755")
        .asks(&[1, 3, 6, 15])
        .discover(&[53, 61, 12, 55, 57, 60]),
    client("Canon imageRUNNER C3826", "xnih/satori fingerprints/dhcp.xml: Cannon Image Runner C3826", EMBEDDED)
        .class("Canon iR-ADV C3826")
        .asks(&[1, 3, 6, 15, 44])
        .discover(&[53, 61, 12, 55, 57, 60])
        .selecting(&[53, 61, 12, 81, 50, 54, 55, 57, 60]),
    client("Canon imageRUNNER C5850", "xnih/satori fingerprints/dhcp.xml: Cannon Image Runner C5850", EMBEDDED)
        .class("Canon iR-ADV C5850")
        .asks(&[12, 15])
        .discover(&[53, 61, 55, 57, 60])
        .selecting(&[53, 61, 12, 50, 54, 55, 57, 60]),
    client("Dell C1760nw Color Printer", "xnih/satori fingerprints/dhcp.xml: Dell C1760nw Color Printer; DISCOVER as in its REQUEST", EMBEDDED)
        .class("Dell C1760nw Color Printer")
        .asks(&[1, 2, 3, 6, 12, 15, 26, 28, 88, 44, 45, 46, 47, 70, 69, 78, 79])
        .discover(&[53, 60, 12, 57, 55]),
    client("Epson Printer", "xnih/satori fingerprints/dhcp.xml: Epson Printer", UDHCPC)
        .asks(&[1, 3, 6, 12, 15, 28, 51, 54, 58, 59])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 61, 12, 50, 54, 57, 55]),
    client("Epson Workforce 845", "xnih/satori fingerprints/dhcp.xml: Epson Workforce 845; DISCOVER as in its REQUEST", UDHCPC)
        .class("udhcp")
        .asks(&[1, 3, 6, 12, 15, 17, 28, 40, 41, 42])
        .discover(&[53, 61, 12, 60, 55]),
    client("Hewlett-Packard JetDirect (J311xA/J32xxx)", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard JetDirect (J311xA/J32xxx)", UNTIDY)
        .class("Hewlett-Packard JetDirect")
        .asks(&[1, 3, 7, 44, 51, 54, 58, 59, 12, 15, 144, 18])
        .discover(&[53, 57, 50, 55, 12, 60])
        .selecting(&[53, 54, 50, 55, 12, 81, 60]),
    client("Hewlett-Packard JetDirect (J7973E)", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard JetDirect (J7973E)", EMBEDDED_FULL)
        .class("Hewlett-Packard JetDirect")
        .asks(&[1, 3, 44, 6, 7, 12, 15, 22, 54, 58, 59, 69, 18, 144])
        .discover(&[53, 57, 55, 12, 51, 60])
        .selecting(&[53, 50, 54, 57, 55, 12, 51, 60, 81]),
    client("Hewlett-Packard JetDirect (CF287A)", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard JetDirect (CF287A)", EMBEDDED)
        .class("HP LaserJet")
        .asks(&[6, 3, 1, 15, 12, 44, 81, 69, 42, 43, 18, 66, 67, 150, 7])
        .discover(&[53, 61, 50, 12, 22, 57, 60, 77, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 22, 57, 60, 77, 55])
        .user_class("HP LaserJet"),
    client("Hewlett-Packard LaserJet P2015 Printer Series", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard LaserJet P2015 Printer Series", EMBEDDED)
        .asks(&[6, 3, 1, 15, 66, 67, 13, 44])
        .discover(&[53, 50, 61, 12])
        .selecting(&[53, 50, 55, 54, 61, 12, 81]),
    client("Hewlett-Packard Printer MFP M425dn", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard Printer MFP M425dn", EMBEDDED)
        .class("Mod=HP LaserJet 400 MFP M425dn")
        .asks(&[6, 3, 1, 15, 12, 44, 81, 69, 43, 18, 66, 67, 150, 7])
        .discover(&[53, 61, 50, 12, 60, 57, 22, 55])
        .selecting(&[53, 61, 50, 54, 12, 81, 60, 57, 22, 55]),
    client("HP Jetdirect", "xnih/satori fingerprints/dhcp.xml: HP Jetdirect", EMBEDDED)
        .class("HP JetDirect")
        .asks(&[1, 3, 44, 6, 7, 12, 15, 54, 58, 59, 69, 119, 81])
        .discover(&[53, 51, 12, 81, 55, 60, 61, 77])
        .selecting(&[53, 54, 51, 50, 12, 81, 55, 60, 61, 77])
        .user_class("HP JetDirect"),
    client("Hewlett-Packard printer that informs itself", "xnih/satori fingerprints/dhcp.xml: Hewlett-Packard Printer; DISCOVER as in its INFORM", EMBEDDED)
        .asks(&[54, 44, 6, 7, 12, 15, 22, 69, 18, 119, 252])
        .discover(&[53, 55])
        .informs(&[53, 55], &[54, 44, 6, 7, 12, 15, 22, 69, 18, 119, 252]),
    client("Kyocera FS-1028MFP", "xnih/satori fingerprints/dhcp.xml: Kyocera FS-1028MFP", EMBEDDED)
        .asks(&[1, 3, 15, 6, 44])
        .discover(&[53, 12, 81, 55, 61])
        .selecting(&[53, 54, 50, 12, 81, 55, 61]),
    client("Kyocera KM-XXXX", "xnih/satori fingerprints/dhcp.xml: Kyocera KM-XXXX", EMBEDDED)
        .asks(&[1, 3, 12, 23, 6, 15, 44, 47])
        .discover(&[53, 61, 12, 50, 55])
        .selecting(&[53, 61, 12, 50, 55, 54])
        .rebooting(&[53, 61, 12, 50, 55, 51]),
    client("Lexmark MFP Printer", "xnih/satori fingerprints/dhcp.xml: Lexmark MFP Printer", EMBEDDED)
        .class("Typ=MFP;Mod=Lexmark")
        .asks(&[1, 3, 42, 4, 6, 7, 12, 15, 26, 44, 51, 54, 58, 59, 190])
        .discover(&[53, 61, 57, 51, 50, 12, 55, 60])
        .selecting(&[53, 61, 57, 51, 54, 50, 12, 81, 55, 60]),
    client("Xerox WorkCentre", "xnih/satori fingerprints/dhcp.xml: Xerox WorkCentre; DISCOVER as in its REQUEST", EMBEDDED)
        .class("Xerox WorkCentre")
        .asks(&[1, 28, 3, 15, 6, 12, 44, 78, 79, 2, 42])
        .discover(&[53, 51, 60, 12, 55, 81, 77])
        .informs(&[53, 60, 12, 81, 57, 55], &[252])
        .user_class("Xerox"),
    client("Xerox WorkCentre - 7545", "xnih/satori fingerprints/dhcp.xml: Xerox WorkCentre - 7545; DISCOVER as in its INFORM", EMBEDDED)
        .asks(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252, 12])
        .discover(&[53, 61, 60, 12, 55, 77])
        .informs(&[53, 61, 60, 12, 55, 77], &[1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, 252, 12])
        .user_class("Xerox"),
    client("Xerox - D95", "xnih/satori fingerprints/dhcp.xml: Xerox - D95; DISCOVER as in its INFORM", EMBEDDED)
        .asks(&[252])
        .discover(&[53, 60, 12, 81, 57, 55])
        .informs(&[53, 60, 12, 81, 57, 55], &[252]),
    client("Star TSP654", "xnih/satori fingerprints/dhcp.xml: Star TSP654; DISCOVER as in its REQUEST", ENDLESS)
        .asks(&[1, 3, 6, 12, 15, 28, 40, 41, 42])
        .discover(&[53, 12, 55])
        .selecting(&[53, 12, 54, 50, 55]),
    client("Ricoh MFP", "karottc/fingerbank dhcp_fingerprints.conf: os 812; order from general knowledge", EMBEDDED)
        .asks(&[1, 3, 6, 12, 15, 28, 44, 47, 204])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 61, 50, 54, 12, 55]),
    client("Konica Minolta MFP", "karottc/fingerbank dhcp_fingerprints.conf: os 813; order from general knowledge", EMBEDDED)
        .asks(&[1, 3, 6, 15, 44, 46])
        .discover(&[53, 61, 12, 55])
        .selecting(&[53, 61, 50, 54, 12, 55]),
];
