//! What clients do beside their options, by the program that they share.
//!
//! Where a source is named, it is from there; the rest is general knowledge of how these programs behave on the wire
//! (captures that anybody can take), and stands here so that the packets are as diverse as they are in the field.

use super::profile::{Habits, Id, Tail};

const PLAIN: Habits = Habits {
    broadcast: false,
    secs: [0, 0],
    least: 300,
    id: Id::Hardware,
    size: 1500,
    lease: 86_400,
    tail: Tail::End,
};

/// Windows from 7 on: zeroes up to 300 bytes. General knowledge.
pub(super) const WINDOWS: Habits = PLAIN;
/// Windows up to XP fills in `secs` with its bytes swapped. Kea's manual warns of it (high availability,
/// `max-ack-delay`), and the agents' twins must not be misled by it.
pub(super) const WINDOWS_XP: Habits = Habits { secs: [3, 0], ..PLAIN };
/// Windows Vista and Server 2008 want broadcast answers (Microsoft's knowledge base, article 928233).
pub(super) const WINDOWS_VISTA: Habits = Habits { broadcast: true, ..PLAIN };
/// macOS and iOS: ask for 90 days and count `secs`. bootpd's client, general knowledge.
pub(super) const APPLE: Habits = Habits { secs: [0, 1], lease: 7_776_000, ..PLAIN };
/// Android from 6 on: no filling up (`DhcpPacket.java` only makes the length even). General knowledge.
pub(super) const ANDROID: Habits = Habits { least: 0, secs: [0, 1], ..PLAIN };
/// ISC dhclient: 300 bytes, counts `secs`. General knowledge.
pub(super) const DHCLIENT: Habits = Habits { secs: [0, 4], ..PLAIN };
/// dhcpcd before DUIDs, as in old distributions and Android. General knowledge.
pub(super) const DHCPCD_OLD: Habits = PLAIN;
/// dhcpcd: identifier of RFC 4361, 1,472 bytes. General knowledge.
pub(super) const DHCPCD: Habits = Habits { id: Id::Duid, size: 1472, secs: [0, 2], ..PLAIN };
/// systemd-networkd: identifier of RFC 4361, no filling up. General knowledge.
pub(super) const NETWORKD: Habits = Habits { id: Id::Duid, size: 1472, least: 0, secs: [0, 1], ..PLAIN };
/// busybox udhcpc: sends its whole buffer, 548 bytes, and takes 576. General knowledge.
pub(super) const UDHCPC: Habits = Habits { least: 548, size: 576, ..PLAIN };
/// lwIP: at least 68 bytes of options (`DHCP_MIN_OPTIONS_LEN` in its `dhcp.h`).
pub(super) const LWIP: Habits = Habits { least: 308, ..PLAIN };
/// Small stacks of phones, printers and switches: broadcast answers, 300 bytes. General knowledge.
pub(super) const EMBEDDED: Habits = Habits { broadcast: true, size: 1024, ..PLAIN };
/// The same with the whole buffer sent, and the least size that option 57 may have.
pub(super) const EMBEDDED_FULL: Habits = Habits { broadcast: true, least: 548, size: 576, ..PLAIN };
/// Cisco IOS: an identifier of text, broadcast answers, its whole buffer sent, 1,152 bytes in option 57. General knowledge.
pub(super) const IOS: Habits =
    Habits { id: Id::Text, broadcast: true, least: 548, size: 1152, lease: 3600, ..PLAIN };
/// Boot ROMs: broadcast answers, 548 bytes, 1,260 of them taken. General knowledge.
pub(super) const PXE: Habits = Habits { broadcast: true, least: 548, size: 1260, secs: [0, 4], ..PLAIN };
/// UEFI (EDK II): broadcast answers, nothing behind END. General knowledge.
pub(super) const UEFI: Habits = Habits { broadcast: true, least: 0, size: 1472, ..PLAIN };
/// iPXE: nothing behind END, and as much as an Ethernet frame carries behind its headers (`dhcp.c`).
pub(super) const IPXE: Habits = Habits { least: 0, size: 1472, secs: [0, 4], ..PLAIN };
/// A buffer that was not cleared. General knowledge of old print servers.
pub(super) const UNTIDY: Habits = Habits { tail: Tail::Garbage, ..EMBEDDED };
/// A packet without END, which RFC 2131 section 4.1 demands. General knowledge of old terminals and meters.
pub(super) const ENDLESS: Habits = Habits { tail: Tail::Missing, ..EMBEDDED };
