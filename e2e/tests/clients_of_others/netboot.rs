//! Firmware and boot loaders that nobody here wrote, in virtual machines: each is told what to boot by its architecture
//! and its user class, fetches just that, and boots it.
//!
//! `make e2e-clients` runs this; `docs/clients.md` has the outcome.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it fails by panicking")]
#![expect(clippy::print_stdout, reason = "the outcome is what it is run for")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use dhcproto::v4::MessageType;
use tempfile::TempDir;
use vmdhcp_e2e::{Capture, Heard, Machine, Process, requirements, within};

use crate::boot_server::BootServer;
use crate::stage::Stage;

const CARD: &str = "02:00:00:00:48:41";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 71);
const BOOT_SERVER: Ipv4Addr = Ipv4Addr::new(10, 48, 0, 5);
const BOOT_SERVER_CARD: &str = "02:00:00:00:48:05";
/// The bridge of the host, and the port of the virtual machine.
const BRIDGE: &str = "br48";
const TAP: &str = "tap0";
/// Emulated, on a machine that has other things to do: a firmware may take minutes.
const PATIENCE: Duration = Duration::from_secs(240);

/// The pool's rules: what chains to iPXE, and what iPXE boots.
const RULES: &str = "    boot:\n      \
    nextServer: 10.48.0.5\n      \
    file: undionly.kpxe\n      \
    rules:\n      \
    - {userClass: iPXE, file: 'http://10.48.0.5/boot.ipxe'}\n      \
    - {architectures: [16], file: 'http://10.48.0.5/ipxe.efi'}\n      \
    - {architectures: [7, 9], file: ipxe.efi}\n";
/// What iPXE is given: it tells what it knows, by asking for it, and ends the machine.
const SCRIPT: &str = "#!ipxe\n\
    imgfetch http://10.48.0.5/told/${net0/ip}/${net0/netmask}/${net0/dns}/${next-server}/${platform} ||\n\
    poweroff\n";

/// A virtual machine at a port of the LAN, and what passes it.
struct Booted {
    qemu: Process,
    capture: Capture,
    boot_server: BootServer,
    _machine: Machine,
    _folder: TempDir,
}

impl Booted {
    /// A machine with this firmware and this option ROM on its card, which boots from the network and nothing else.
    fn new(stage: &Stage, firmware: &[&str], rom: &str) -> Self {
        let root = requirements::unpacked();
        stage.api.edit("pool", crate::stage::POOL, |manifest| {
            manifest.replace("  ipv4Config:\n", &format!("  ipv4Config:\n{RULES}"))
        });
        stage.declare_card("booted", CARD, ADDRESS);
        let machine = stage.lan.plug_in(BOOT_SERVER_CARD);
        machine.run(&format!("ip address add {BOOT_SERVER}/24 dev eth0"));
        let files = [("undionly.kpxe", "usr/lib/ipxe/undionly.kpxe"), ("ipxe.efi", "boot/ipxe.efi")]
            .map(|(name, path)| (name, fs::read(root.join(path)).unwrap()));
        let boot_server =
            BootServer::on(&machine, files.into_iter().chain([("boot.ipxe", SCRIPT.into())]).collect());

        let host = &stage.lan.host;
        host.lay_over(&root);
        host.run(&format!("ip tuntap add {TAP} mode tap"));
        host.run(&format!("ip link set {TAP} master {BRIDGE} up"));
        let capture = Capture::of(CARD, host);
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        let net = format!("tap,id=lan,ifname={TAP},script=no,downscript=no");
        let card = format!("virtio-net-pci,netdev=lan,mac={CARD},bootindex=1{rom}");
        let mut arguments =
            vec!["-accel", "tcg", "-m", "128", "-display", "none", "-nodefaults", "-no-reboot"];
        arguments.extend(["-serial", "stdio", "-netdev", &net, "-device", &card]);
        arguments.extend(firmware);
        let qemu =
            host.start(Path::new("/usr/bin/qemu-system-x86_64"), &arguments, &folder.path().join("qemu.log"));
        Self { qemu, capture, boot_server, _machine: machine, _folder: folder }
    }

    /// Waits until it has told what iPXE knows, and prints the way there.
    fn tells(&mut self, test: &str, platform: &str) {
        let told = within(PATIENCE, || {
            let fetched = self.boot_server.fetched();
            fetched.iter().any(|file| file.contains("told/")).then_some(fetched)
        });
        // It passes more than one interface of the host.
        let mut heard: Vec<_> = self.capture.heard().iter().map(|heard| format!("{heard:?}")).collect();
        heard.dedup();
        let Some(fetched) = told else {
            panic!("{:?}\n{heard:#?}\n{}", self.boot_server.fetched(), self.qemu.log())
        };
        println!("{test}: fetched {fetched:#?}\n{heard:#?}");
        let mut offers: Vec<_> = self.capture.heard_of(MessageType::Offer).iter().map(named).collect();
        offers.dedup();
        println!("{test}: offered {offers:#?}");
        let told = format!("http told/{ADDRESS}/255.255.255.0/1.1.1.1/{BOOT_SERVER}/{platform}");
        assert_eq!(fetched.last(), Some(&told));
    }
}

/// The server and the file that an offer names in its header.
fn named(offer: &Heard) -> (Ipv4Addr, String) {
    let file = offer.message.fname().unwrap_or_default();
    (offer.message.siaddr(), String::from_utf8_lossy(file).trim_end_matches('\0').into())
}

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn ipxe_in_the_rom_of_a_bios_machine_boots_the_script_for_its_user_class() {
    let test = "iPXE, BIOS";
    let Some(stage) = Stage::set(test) else { return };
    let mut booted = Booted::new(&stage, &[], "");
    booted.tells(test, "pcbios");
    assert_eq!(booted.boot_server.fetched()[0], "http boot.ipxe", "it had no need of another boot loader");
}

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn a_uefi_firmware_is_chained_to_ipxe_by_its_architecture() {
    let test = "OVMF, then iPXE";
    let Some(stage) = Stage::set(test) else { return };
    // Without an option ROM: the firmware's own PXE client is what boots.
    let code = "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd";
    let mut booted = Booted::new(&stage, &["-drive", code], ",romfile=");
    booted.tells(test, "efi");
    let fetched = booted.boot_server.fetched();
    assert!(
        fetched.contains(&"tftp ipxe.efi".into()) && fetched.contains(&"http boot.ipxe".into()),
        "{fetched:?}"
    );
}

#[test]
#[ignore = "make e2e-clients: needs packages that make test does not"]
fn a_uefi_firmware_that_boots_by_http_is_given_a_url() {
    let test = "OVMF by HTTP, then iPXE";
    let Some(stage) = Stage::set(test) else { return };
    let code = "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd";
    // Otherwise it comes to that only after PXE has failed.
    let without_pxe = "name=opt/org.tianocore/IPv4PXESupport,string=no";
    let mut booted = Booted::new(&stage, &["-drive", code, "-fw_cfg", without_pxe], ",romfile=");
    booted.tells(test, "efi");
    let fetched = booted.boot_server.fetched();
    assert!(fetched[0] == "http ipxe.efi" && fetched.contains(&"http boot.ipxe".into()), "{fetched:?}");
}
