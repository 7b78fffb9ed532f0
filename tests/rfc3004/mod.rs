//! RFC 3004: user classes. What a class gets is in the tests of classes and of network boot.

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};

use crate::fixtures::*;

#[test]
fn s4_a_class_of_which_nothing_is_known_is_ignored_whatever_its_form() {
    let plain = Message::discover(known()).asking(&[1, 3]);
    for class in [&b"\x06tenant\x03lab"[..], b"iPXE", b"\xff", b"\0", b"\x02a"] {
        let class = UnknownOption::new(OptionCode::from(77), class.to_vec());
        let message = plain.clone().with(DhcpOption::Unknown(class));
        assert_eq!(answer(&table(), &message).bytes, answer(&table(), &plain).bytes);
    }
}
