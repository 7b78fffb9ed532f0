//! RFC 3397: the domain search list.

use dhcproto::Name;
use dhcproto::v4::{DhcpOption, OptionCode};
use serde_json::json;

use crate::fixtures::*;

#[test]
fn the_list_keeps_its_order() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[119]));
    let names = ["example.org.", "lab.example.org."].map(|name| Name::from_ascii(name).unwrap()).to_vec();
    assert_eq!(offer.option(OptionCode::DomainSearch), Some(&DhcpOption::DomainSearch(names)));
}

#[test]
fn s2_names_are_those_of_rfc_1035_with_what_is_common_written_once() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[119]));
    let expected = [&b"\x07example\x03org\x00"[..], b"\x03lab\xc0\x00"].concat();
    assert_eq!(offer.value(119).unwrap(), expected);
}

#[test]
fn no_list_is_no_option() {
    let offer =
        answer(&table_with(json!({ "domainSearch": [] })), &Message::discover(known()).asking(&[119]));
    assert_eq!(offer.option(OptionCode::DomainSearch), None);
}

#[test]
fn s2_a_list_longer_than_an_option_is_split_and_read_as_one() {
    let domains: Vec<_> = (0..12).map(|number| format!("{}{number}.example.org", "a".repeat(30))).collect();
    let table = table_with(json!({ "domainSearch": domains }));
    let message = Message::discover(known()).asking(&[119]).with(DhcpOption::MaxMessageSize(1500));
    let names = domains.iter().map(|name| Name::from_ascii(format!("{name}.")).unwrap()).collect();
    let offer = answer(&table, &message);
    assert!(offer.value(119).unwrap().len() > 255);
    assert_eq!(offer.option(OptionCode::DomainSearch), Some(&DhcpOption::DomainSearch(names)));
}
