//! The socket filters: what the kernel passes on to the agent, as classic BPF programs.
//!
//! On a busy bridge the agent is woken for DHCP, pings and ARP, and for nothing else. The filters only save work: each
//! frame that they pass is checked again.

use nix::libc;
use socket2::SockFilter;

/// Offset of the ancillary data "packet type" (linux/filter.h: `SKF_AD_OFF + SKF_AD_PKTTYPE`).
const PACKET_TYPE: u32 = (-0x1000_i32).cast_unsigned() + 4;
/// Sent to another host's card; frames with a VLAN tag that no device here takes are marked so, too.
const PACKET_OTHERHOST: u32 = 3;

const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_ABS;
/// Relative to X.
const LOAD_BYTE_INDEXED: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_IND;
const LOAD_HALF_INDEXED: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_IND;
/// X = length of the IPv4 header that starts there.
const LOAD_HEADER_LENGTH: u32 = libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JUMP_IF_SET: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// Whole frames.
const PASS: u32 = 0x4_0000;
const DROP: u32 = 0;

/// Length of the Ethernet header, which the kernel leaves in front of what a raw packet socket reads.
const LINK: u32 = 14;

fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> SockFilter {
    // All BPF opcodes are below 0x100.
    SockFilter::new(u16::try_from(code).unwrap_or(0), if_true, if_false, operand)
}

/// Of IPv4 frames for us or for everybody: UDP to port 67 or from port 67, and ICMP echo requests.
pub(crate) fn dhcp_and_echo() -> [SockFilter; 16] {
    [
        instruction(LOAD_WORD, 0, 0, PACKET_TYPE),
        instruction(JUMP_IF_EQUAL, 12, 0, PACKET_OTHERHOST),
        instruction(LOAD_HALF, 0, 0, LINK + 6),
        instruction(JUMP_IF_SET, 10, 0, 0x1fff), // a later fragment
        instruction(LOAD_HEADER_LENGTH, 0, 0, LINK),
        instruction(LOAD_BYTE, 0, 0, LINK + 9),
        instruction(JUMP_IF_EQUAL, 0, 4, 17), // UDP
        instruction(LOAD_HALF_INDEXED, 0, 0, LINK + 2),
        instruction(JUMP_IF_EQUAL, 6, 0, 67), // destination port
        instruction(LOAD_HALF_INDEXED, 0, 0, LINK),
        instruction(JUMP_IF_EQUAL, 4, 3, 67), // source port
        instruction(JUMP_IF_EQUAL, 0, 2, 1),  // ICMP
        instruction(LOAD_BYTE_INDEXED, 0, 0, LINK),
        instruction(JUMP_IF_EQUAL, 1, 0, 8), // echo request
        instruction(RETURN, 0, 0, DROP),
        instruction(RETURN, 0, 0, PASS),
    ]
}

/// ARP that is for us or for everybody.
pub(crate) fn not_for_other_hosts() -> [SockFilter; 4] {
    [
        instruction(LOAD_WORD, 0, 0, PACKET_TYPE),
        instruction(JUMP_IF_EQUAL, 1, 0, PACKET_OTHERHOST),
        instruction(RETURN, 0, 0, PASS),
        instruction(RETURN, 0, 0, DROP),
    ]
}

/// Nothing at all: for a socket that only has to exist.
pub(crate) fn nothing() -> [SockFilter; 1] {
    [instruction(RETURN, 0, 0, DROP)]
}
