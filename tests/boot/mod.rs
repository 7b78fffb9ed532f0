//! Network boot: what firmware, iPXE and PXELINUX are told, in header and options (RFC 2131 section 2, RFC 2132 section 9,
//! RFC 3004, RFC 4578, RFC 5071, RFC 5859, UEFI HTTP boot).

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};
use serde_json::{Value, json};
use vmdhcp_core::dhcp::{Authority, LeaseTable};

use crate::fixtures::*;

const BOOT_SERVER: [u8; 4] = [192, 168, 48, 5];

/// What UEFI firmware of today asks for.
const OF_UEFI: [u8; 26] =
    [1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 67, 97];

/// BIOS, then UEFI, each to iPXE; iPXE to its script; HTTP boot to a URL.
fn chain() -> Value {
    json!({
        "boot": {
            "nextServer": "192.168.48.5",
            "file": "undionly.kpxe",
            "rules": [
                { "userClass": "iPXE", "file": "http://192.168.48.5/boot.ipxe" },
                { "architectures": [16, 15], "file": "http://192.168.48.5/shim.efi" },
                { "architectures": [7, 9], "nextServer": "192.168.48.6", "file": "ipxe.efi" },
            ],
        },
    })
}

fn option(code: u8, value: &[u8]) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(code), value.to_vec()))
}

fn firmware(vendor_class: &str, architecture: u16) -> Message {
    Message::discover(known())
        .with(option(60, vendor_class.as_bytes()))
        .with(option(93, &architecture.to_be_bytes()))
        .with(option(94, &[1, 3, 16]))
}

fn bios() -> Message {
    firmware("PXEClient:Arch:00000:UNDI:002001", 0).asking(&[1, 2, 3, 5, 6, 11, 12, 13, 15, 43, 54, 60, 67])
}

fn uefi() -> Message {
    firmware("PXEClient:Arch:00007:UNDI:003016", 7).asking(&OF_UEFI)
}

fn http() -> Message {
    firmware("HTTPClient:Arch:00016:UNDI:003016", 16).asking(&OF_UEFI)
}

fn ipxe(user_class: &[u8]) -> Message {
    bios().with(option(77, user_class)).asking(&[1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 175])
}

/// `siaddr`, `file` up to its end, and option 67.
type Booted = ([u8; 4], String, Option<String>);

fn booted(table: &LeaseTable, message: &Message) -> Booted {
    let answer = answer(table, message);
    let file = &answer.bytes[108..236];
    let end = file.iter().position(|byte| *byte == 0).unwrap();
    assert!(file[end..].iter().all(|byte| *byte == 0), "nothing behind the name");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (answer.bytes[20..24].try_into().unwrap(), text(file[..end].to_vec()), answer.value(67).map(text))
}

fn boots(file: &str) -> Booted {
    (BOOT_SERVER, file.to_owned(), Some(file.to_owned()))
}

#[test]
fn without_boot_no_server_and_no_file_is_named() {
    assert_eq!(booted(&table(), &bios()), ([0; 4], String::new(), None));
    assert_eq!(answer(&table(), &bios()).value(60), None);
}

#[test]
fn server_and_file_are_in_the_header_and_option_67_is_for_who_asks() {
    let table = table_with(json!({ "boot": { "nextServer": "192.168.48.5", "file": "pxelinux.0" } }));
    assert_eq!(booted(&table, &bios()), boots("pxelinux.0"));
    let silent = Message::discover(known()).asking(&[1, 3]);
    assert_eq!(booted(&table, &silent), (BOOT_SERVER, "pxelinux.0".into(), None));
    assert_eq!(booted(&table, &Message::discover(known())), boots("pxelinux.0"));
}

#[test]
fn offer_and_acknowledgement_say_the_same_and_a_refusal_says_nothing() {
    let table = table_with(chain());
    let with_class = |message: Message| message.with(option(93, &[0, 7])).asking(&OF_UEFI);
    for message in [
        Message::discover(known()),
        Message::selecting(known(), SERVER, ADDRESS),
        Message::extending(known(), ADDRESS),
        Message::inform(known(), ADDRESS),
    ] {
        let expected = ([192, 168, 48, 6], "ipxe.efi".to_owned(), Some("ipxe.efi".to_owned()));
        assert_eq!(booted(&table, &with_class(message)), expected);
    }
    let refused = with_class(Message::init_reboot(known(), NEIGHBOUR));
    assert_eq!(booted(&table, &refused), ([0; 4], String::new(), None));
}

#[test]
fn the_first_rule_that_matches_replaces_what_it_names() {
    let table = table_with(chain());
    assert_eq!(booted(&table, &bios()), boots("undionly.kpxe"));
    assert_eq!(booted(&table, &uefi()).1, "ipxe.efi");
    assert_eq!(booted(&table, &http()), boots("http://192.168.48.5/shim.efi"));
    // Its own file, and the server of the pool.
    assert_eq!(booted(&table, &ipxe(b"iPXE")), boots("http://192.168.48.5/boot.ipxe"));
}

#[test]
fn rfc4578_s2_1_a_client_may_name_several_architectures() {
    let table = table_with(chain());
    let message = |architectures: &[u8]| bios().with(option(93, architectures));
    assert_eq!(booted(&table, &message(&[0, 6, 0, 7])).1, "ipxe.efi");
    // Half a number is none, and the numbers do not begin in between.
    assert_eq!(booted(&table, &message(&[0, 6, 0])).1, "undionly.kpxe");
    assert_eq!(booted(&table, &message(&[9, 0, 7, 0])).1, "undionly.kpxe");
}

#[test]
fn rfc3004_the_user_class_is_taken_as_ipxe_sends_it_and_as_the_rfc_has_it() {
    let table = table_with(chain());
    let is_ipxe = |class: &[u8]| booted(&table, &ipxe(class)).1 == "http://192.168.48.5/boot.ipxe";
    assert!(is_ipxe(b"iPXE"));
    assert!(is_ipxe(b"\x04iPXE"));
    assert!(is_ipxe(b"\x03lab\x04iPXE\x01x"));
    for other in [&b"gPXE"[..], b"iPXE2", b"iPX", b"\x05iPXE2", b"\x04iPXE\x09x", b"\x03iPXE", b"\xffiPXE"] {
        assert!(!is_ipxe(other), "{other:?}");
    }
}

#[test]
fn uefi_http_boot_gets_its_vendor_class_back_beside_the_url() {
    let table = table_with(chain());
    assert_eq!(answer(&table, &http()).value(60).unwrap(), b"HTTPClient");
    let not_asking = firmware("HTTPClient:Arch:00016:UNDI:003016", 16).asking(&[1, 3]);
    assert_eq!(answer(&table, &not_asking).value(60).unwrap(), b"HTTPClient");
    // A URL for iPXE makes no HTTP boot of it, and PXE firmware that reads PXEClient looks for a boot service on port 4011.
    assert_eq!(answer(&table, &ipxe(b"iPXE")).value(60), None);
    assert_eq!(answer(&table, &uefi()).value(60), None);
    // Nor is firmware told to take what is no URL.
    let table = table_with(json!({ "boot": { "file": "ipxe.efi" } }));
    assert_eq!(answer(&table, &http()).value(60), None);
}

#[test]
fn a_vendor_class_that_is_declared_stands() {
    let mut fields = chain();
    fields["options"] = json!([{ "code": 60, "type": "text", "value": "PXEClient" }]);
    let table = table_with(fields);
    assert_eq!(answer(&table, &http()).value(60).unwrap(), b"PXEClient");
    assert_eq!(answer(&table, &uefi()).value(60).unwrap(), b"PXEClient");
}

#[test]
fn the_server_is_in_option_66_as_text_and_in_option_150_as_an_address_for_who_asks() {
    let offer = answer(&table_with(chain()), &bios().asking(&[66, 150]));
    assert_eq!(offer.value(66).unwrap(), b"192.168.48.5");
    assert_eq!(offer.value(150).unwrap(), BOOT_SERVER);
}

#[test]
fn options_of_pool_and_card_stand_above_boot_in_the_header_too() {
    let mut fields = chain();
    fields["options"] = json!([{ "code": 150, "value": "192.168.48.5, 192.168.48.6" }]);
    fields["reservations"] = json!([{
        "macAddress": known().to_string(),
        "options": [{ "code": 66, "value": "192.168.48.8" }, { "code": 67, "value": "rescue.efi" }],
    }]);
    let table = table_with(fields);
    let expected = ([192, 168, 48, 8], "rescue.efi".to_owned(), Some("rescue.efi".to_owned()));
    assert_eq!(booted(&table, &uefi()), expected);
    let all = answer(&table, &uefi().asking(&[150]));
    assert_eq!(all.value(150).unwrap(), [192, 168, 48, 5, 192, 168, 48, 6]);
    let neighbour = Message::discover(neighbour()).asking(&[66]);
    assert_eq!(booted(&table, &neighbour).1, "undionly.kpxe");
}

#[test]
fn a_server_by_name_is_in_option_66_and_leaves_siaddr_to_boot() {
    let mut fields = chain();
    fields["options"] = json!([{ "code": 66, "value": "boot.example.org" }]);
    let table = table_with(fields);
    assert_eq!(booted(&table, &bios()).0, BOOT_SERVER);
    assert_eq!(answer(&table, &bios().asking(&[66])).value(66).unwrap(), b"boot.example.org");
}

#[test]
fn a_file_that_the_header_has_no_room_for_is_in_option_67_even_if_nobody_asked() {
    let url = |length: usize| format!("http://192.168.48.5/{}", "x".repeat(length - 20));
    let file = |file: &str| table_with(json!({ "boot": { "nextServer": "192.168.48.5", "file": file } }));
    let silent = Message::discover(known()).asking(&[1, 3]);
    assert_eq!(booted(&file(&url(127)), &silent), (BOOT_SERVER, url(127), None));
    assert_eq!(booted(&file(&url(128)), &silent), (BOOT_SERVER, String::new(), Some(url(128))));
    assert_eq!(booted(&file(&url(255)), &silent), (BOOT_SERVER, String::new(), Some(url(255))));
}

#[test]
fn rfc5071_pxelinux_gets_its_configuration_and_prefix_if_it_asks() {
    let table = table_with(json!({ "options": [
        { "name": "pxelinux-configfile", "value": "menu.cfg" },
        { "name": "pxelinux-pathprefix", "value": "http://192.168.48.5/" },
    ] }));
    let offer = answer(&table, &bios().asking(&[209, 210]));
    assert_eq!(offer.value(209).unwrap(), b"menu.cfg");
    assert_eq!(offer.value(210).unwrap(), b"http://192.168.48.5/");
}

#[test]
fn the_file_stays_in_its_field_however_little_room_there_is() {
    let long = |code: u8, length: usize| json!({ "code": code, "type": "text", "value": "x".repeat(length) });
    let fill = |length: usize| {
        let mut fields = chain();
        fields["options"] = json!([long(224, 200), long(225, length), long(226, 50), long(227, 20)]);
        table_with(fields)
    };
    let mut overloaded = 0;
    for length in 1..=255 {
        let offer = answer(&fill(length), &bios().asking(&[224, 225, 226, 227, 67]));
        assert_eq!(&offer.bytes[108..122], b"undionly.kpxe\0");
        assert_ne!(offer.value(52), Some(vec![1]));
        assert_ne!(offer.value(52), Some(vec![3]));
        overloaded += usize::from(offer.value(52) == Some(vec![2]));
        assert!(offer.bytes.len() <= 548);
    }
    assert!(overloaded > 0, "sname had to help");
}

#[test]
fn a_relayed_client_boots_like_one_on_the_link() {
    let message = uefi().relayed_by("192.168.48.254".parse().unwrap());
    let offer = decide(&table_with(chain()), Authority::Current, &message.bytes()).ok().unwrap();
    assert_eq!(&offer.bytes[20..24], [192, 168, 48, 6]);
}

#[test]
fn what_is_shown_of_a_lease_is_what_any_client_boots() {
    let table = table_with(chain());
    let options = table.options_for(table.lookup(known()).unwrap());
    let shown =
        |code: u8| options.iter().find(|(shown, _)| *shown == code).map(|(_, value)| value.as_slice());
    assert_eq!(shown(66), Some(&b"192.168.48.5"[..]));
    assert_eq!(shown(67), Some(&b"undionly.kpxe"[..]));
    assert_eq!(shown(150), Some(&BOOT_SERVER[..]));
}
