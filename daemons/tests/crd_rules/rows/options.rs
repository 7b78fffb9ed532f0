//! DHCP options, of a pool and of a reservation.

use serde_json::{Value, json};
use vmdhcp_core::pool::PoolError;

use super::{Row, at, items};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let reserved = |options: Value| json!([{ "macAddress": "02:00:00:00:00:01", "options": options }]);
    let of_class = |options: Value| json!([{ "name": "c", "userClass": "iPXE", "options": options }]);
    for (names, list, path) in [
        (
            [
                "an option has a number or a name",
                "an option's number is one of DHCP",
                "an option is not the server's own",
                "an option's type is a known one",
            ],
            "options",
            at("options[0]"),
        ),
        (
            [
                "a reserved option has a number or a name",
                "a reserved option's number is one of DHCP",
                "a reserved option is not the server's own",
                "a reserved option's type is a known one",
            ],
            "reservations",
            at("reservations[0].options[0]"),
        ),
        (
            [
                "a class's option has a number or a name",
                "a class's option's number is one of DHCP",
                "a class's option is not the server's own",
                "a class's option's type is a known one",
            ],
            "classes",
            at("classes[0].options[0]"),
        ),
    ] {
        let of = |option: Value| match list {
            "options" => json!([option]),
            "classes" => of_class(json!([option])),
            _ => reserved(json!([option])),
        };
        let [named, numbered, allowed, typed] = names;
        let code = |code: i64| of(json!({ "code": code, "value": "0a" }));
        let type_ = |type_: &str| of(json!({ "code": 150, "type": type_, "value": "10.0.0.1" }));
        rows.extend([
            items(
                named,
                list,
                [
                    of(json!({ "name": " TFTP_server-name ", "value": "x" })),
                    of(json!({ "value": "0a" })),
                    of(json!({ "code": 66, "name": "tftp-server-name", "value": "x" })),
                ],
                &PoolError::OptionUnnamed { field: path.clone() },
            ),
            items(
                numbered,
                list,
                [code(254), code(255), code(0)],
                &PoolError::OutOfBounds {
                    field: format!("{path}.code"),
                    value: 255,
                    lowest: 1,
                    highest: 254,
                    unit: "",
                },
            ),
            items(
                allowed,
                list,
                [code(60), code(51), code(82)],
                &PoolError::OptionForbidden { field: path.clone(), code: 51, instead: "use leaseTime" },
            ),
            items(
                typed,
                list,
                [type_("ips"), type_("IP"), type_("")],
                &PoolError::OptionType { field: path.clone(), value: "IP".to_owned() },
            ),
        ]);
    }
    let named = |name: &str| json!([{ "name": name, "value": "x" }]);
    rows.push(items(
        "an option's name is a known one",
        "options",
        [named(" Root_Path "), named("no-such"), named("nor-that")],
        &PoolError::OptionName { field: at("options[0]"), name: "no-such".to_owned() },
    ));
    let two = |first: Value, second: Value| json!([first, second]);
    let (by_code, by_name) =
        (json!({ "code": 66, "value": "x" }), json!({ "name": "tftp-server-name", "value": "y" }));
    rows.push(items(
        "an option is set once",
        "options",
        [
            two(by_code.clone(), json!({ "code": 67, "value": "x" })),
            two(by_code.clone(), by_name),
            two(by_code.clone(), json!({ "code": 66, "value": "z" })),
        ],
        &PoolError::OptionTwice { field: at("options[1]"), code: 66 },
    ));
    let value = |rule, type_: &'static str, [accepted, refused, worse]: [&str; 3], expected| {
        let of = |value: &str| json!([{ "code": 224, "type": type_, "value": value }]);
        let error =
            PoolError::OptionValue { field: at("options[0]"), value: refused.to_owned(), type_, expected };
        items(rule, "options", [of(accepted), of(refused), of(worse)], &error)
    };
    rows.extend([
        value(
            "an option of type ip has one address",
            "ip",
            [" 10.0.0.1 ", "10.0.0.1,10.0.0.2", "fe80::1"],
            "write one IPv4 address",
        ),
        value(
            "an option of type ips has addresses",
            "ips",
            [" 10.0.0.1 , 10.0.0.2", "10.0.0.1;10.0.0.2", "10.0.0.1,"],
            "write IPv4 addresses divided by commas",
        ),
        value(
            "an option of type u8 has a byte",
            "u8",
            [" +0255 ", "256", "-1"],
            "write a number from 0 to 255",
        ),
        value(
            "an option of type u16 has two",
            "u16",
            ["65535", "65536", "1e3"],
            "write a number from 0 to 65535",
        ),
        value(
            "an option of type u32 has four",
            "u32",
            ["4294967295", "4294967296", "99999999999999999999"],
            "write a number from 0 to 4294967295",
        ),
        value(
            "an option of type bool is true or false",
            "bool",
            [" true ", "yes", "True"],
            "write true or false",
        ),
        value(
            "an option of type domains has names",
            "domains",
            ["lab.example , example.org.", "lab.example,,example.org", "-lab"],
            "write domain names divided by commas",
        ),
        value(
            "an option of type routes has destinations, each with its gateway",
            "routes",
            [" 10.0.0.0/8 = 10.0.0.1,0.0.0.0/0=10.0.0.1 ", "10.0.0.0/8", "10.0.0.0/8=10.0.0.0/8"],
            "write DESTINATION=GATEWAY divided by commas, for instance 10.0.0.0/8=192.168.48.1",
        ),
        value(
            "an option of type hex has whole bytes",
            "hex",
            ["0a:FF-0 b", "0a:f", "0g"],
            "write pairs of hexadecimal digits, for instance 0a:ff",
        ),
    ]);
    let text = |value: &str| json!([{ "code": 66, "value": value }]);
    rows.push(items(
        "an option of type text is not empty, and its type is known by its number",
        "options",
        [text("x"), text(""), json!([{ "code": 26, "value": "x" }])],
        &PoolError::OptionValue {
            field: at("options[0]"),
            value: String::new(),
            type_: "text",
            expected: "write a text that is not empty",
        },
    ));
    let by_name = |value: &str| json!([{ "name": "arp-timeout", "value": value }]);
    rows.push(items(
        "an option's type is known by its name",
        "options",
        [by_name("60"), by_name("soon"), by_name("later")],
        &PoolError::OptionValue {
            field: at("options[0]"),
            value: "soon".to_owned(),
            type_: "u32",
            expected: "write a number from 0 to 4294967295",
        },
    ));
    let unknown = |value: &str| json!([{ "code": 224, "value": value }]);
    rows.push(items(
        "an option that nobody knows is hexadecimal",
        "options",
        [unknown("0a"), unknown("text"), unknown("")],
        &PoolError::OptionValue {
            field: at("options[0]"),
            value: "text".to_owned(),
            type_: "hex",
            expected: "write pairs of hexadecimal digits, for instance 0a:ff",
        },
    ));
    rows
}
