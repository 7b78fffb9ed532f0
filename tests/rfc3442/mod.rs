//! RFC 3442: classless static routes.

use dhcproto::v4::{DhcpOption, OptionCode};
use serde_json::json;

use crate::fixtures::*;

fn routed() -> serde_json::Value {
    json!({ "routes": [
        { "destination": "10.17.0.0/16", "gateway": "192.168.48.5" },
        { "destination": "10.27.129.0/25", "gateway": "192.168.48.6" },
    ] })
}

#[test]
fn the_default_route_is_among_them_as_clients_then_ignore_the_router() {
    let offer = answer(&table_with(routed()), &Message::discover(known()).asking(&[121]));
    let routes =
        [("0.0.0.0/0", "192.168.48.1"), ("10.17.0.0/16", "192.168.48.5"), ("10.27.129.0/25", "192.168.48.6")]
            .map(|(to, by)| (to.parse().unwrap(), by.parse().unwrap()))
            .to_vec();
    assert_eq!(
        offer.option(OptionCode::ClasslessStaticRoute),
        Some(&DhcpOption::ClasslessStaticRoute(routes))
    );
}

#[test]
fn only_the_significant_bytes_of_a_destination_are_sent() {
    let offer = answer(&table_with(routed()), &Message::discover(known()).asking(&[121]));
    let expected =
        [&[0, 192, 168, 48, 1][..], &[16, 10, 17, 192, 168, 48, 5], &[25, 10, 27, 129, 0, 192, 168, 48, 6]]
            .concat();
    assert_eq!(offer.value(121).unwrap(), expected);
}

#[test]
fn windows_finds_the_same_under_its_own_number() {
    let offer = answer(&table_with(routed()), &Message::discover(known()).asking(&[121, 249]));
    assert_eq!(offer.value(249), offer.value(121));
    assert!(offer.value(249).is_some());
}

#[test]
fn a_pool_without_a_router_has_no_default_route() {
    let mut fields = routed();
    fields["router"] = serde_json::Value::Null;
    let offer = answer(&table_with(fields), &Message::discover(known()).asking(&[121]));
    assert_eq!(offer.value(121).unwrap()[0], 16);
}

#[test]
fn a_declared_default_route_is_the_only_one() {
    let fields = json!({ "routes": [{ "destination": "0.0.0.0/0", "gateway": "192.168.48.5" }] });
    let offer = answer(&table_with(fields), &Message::discover(known()).asking(&[121]));
    assert_eq!(offer.value(121).unwrap(), [0, 192, 168, 48, 5]);
}

#[test]
fn the_router_is_still_sent_to_who_asks_for_both() {
    let offer = answer(&table_with(routed()), &Message::discover(known()).asking(&[121, 3]));
    assert_eq!(offer.value(3).unwrap(), ROUTER.octets());
}

#[test]
fn a_pool_without_routes_sends_none() {
    let offer = answer(&table(), &Message::discover(known()).asking(&[121, 249, 3]));
    assert_eq!((offer.value(121), offer.value(249)), (None, None));
}

#[test]
fn more_routes_than_an_option_holds_are_split_and_read_as_one() {
    let routes: Vec<_> = (0..40)
        .map(|number| json!({ "destination": format!("10.{number}.0.0/16"), "gateway": "192.168.48.5" }))
        .collect();
    let message = Message::discover(known()).asking(&[121]).with(DhcpOption::MaxMessageSize(1500));
    let offer = answer(&table_with(json!({ "routes": routes })), &message);
    let value = offer.value(121).unwrap();
    assert_eq!(value.len(), 5 + 40 * 7);
    assert_eq!(value[..12], [0, 192, 168, 48, 1, 16, 10, 0, 192, 168, 48, 5]);
}
