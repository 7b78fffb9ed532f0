//! RFC 5859: addresses of TFTP servers.

use serde_json::json;

use crate::fixtures::*;

#[test]
fn s3_addresses_go_out_four_bytes_each_in_the_order_of_preference() {
    let servers = json!({ "code": 150, "type": "ips", "value": "192.168.48.10, 192.168.48.9" });
    let table = table_with(json!({ "options": [servers] }));
    let offer = answer(&table, &Message::discover(known()).asking(&[1, 66, 150]));
    assert_eq!(offer.value(150).unwrap(), [192, 168, 48, 10, 192, 168, 48, 9]);
}

#[test]
fn s3_the_server_of_network_boot_is_the_one_address_and_not_siaddrs_alone() {
    let table = table_with(json!({ "boot": { "nextServer": "192.168.48.9", "file": "start.0" } }));
    let offer = answer(&table, &Message::discover(known()).asking(&[1, 150]));
    assert_eq!(offer.value(150).unwrap(), [192, 168, 48, 9]);
    assert_eq!(offer.message.siaddr(), std::net::Ipv4Addr::new(192, 168, 48, 9));
}
