//! RFC 8910: where the captive portal is.

use serde_json::json;

use crate::fixtures::*;

#[test]
fn s2_1_the_uri_goes_out_as_it_was_written_without_a_zero_behind_it() {
    for uri in ["https://portal.example.org/api", "urn:ietf:params:capport:unrestricted"] {
        let table = table_with(json!({ "options": [{ "code": 114, "type": "text", "value": uri }] }));
        for message in [Message::discover(known()), Message::inform(known(), ADDRESS)] {
            let answer = answer(&table, &message.asking(&[1, 114]));
            assert_eq!(answer.value(114).unwrap(), uri.as_bytes());
        }
    }
}

#[test]
fn s2_a_network_without_a_portal_sends_no_option() {
    assert_eq!(answer(&table(), &Message::discover(known()).asking(&[114])).value(114), None);
}
