//! Clients of one sort, and relay agents.

use serde_json::{Value, json};
use vmdhcp_core::pool::PoolError;

use super::{Row, at, items};

pub(super) fn rows() -> Vec<Row> {
    let class = |fields: Value| {
        let mut class = json!({ "name": "c", "userClass": "iPXE" });
        for (field, value) in fields.as_object().unwrap() {
            class[field] = value.clone();
        }
        class
    };
    let one = |fields: Value| json!([class(fields)]);
    let named = |first: &str, second: &str| {
        json!([class(json!({ "name": first })), class(json!({ "name": second }))])
    };
    let told_by = |fields: Value| {
        let mut class = json!({ "name": "c" });
        for (field, value) in fields.as_object().unwrap() {
            class[field] = value.clone();
        }
        json!([class])
    };
    let out_of_bounds = |field: &str, value, (lowest, highest), unit| PoolError::OutOfBounds {
        field: at(&format!("classes[0].{field}")),
        value,
        lowest,
        highest,
        unit,
    };
    let prefix = |prefix: &str| one(json!({ "macPrefix": prefix }));
    vec![
        items(
            "a class has a name",
            "classes",
            [one(json!({ "name": " lab " })), one(json!({ "name": "" })), one(json!({ "name": "  " }))],
            &PoolError::ClassName { field: at("classes[0].name"), name: String::new() },
        ),
        items(
            "a class has its name for itself",
            "classes",
            [named("a", "b"), named("a", " a "), named("b", "b")],
            &PoolError::ClassName { field: at("classes[1].name"), name: "a".to_owned() },
        ),
        items(
            "a class names its clients",
            "classes",
            [
                told_by(json!({ "architectures": [7] })),
                told_by(json!({ "vendorClass": " ", "architectures": [] })),
                told_by(json!({})),
            ],
            &PoolError::ClassOfAll { field: at("classes[0]") },
        ),
        items(
            "an architecture of a class is a number of 16 bits",
            "classes",
            [
                one(json!({ "architectures": [0, 65535] })),
                one(json!({ "architectures": [7, 65536] })),
                one(json!({ "architectures": [-1] })),
            ],
            &out_of_bounds("architectures[1]", 65536, (0, 65535), ""),
        ),
        items(
            "a class's MAC prefix is one",
            "classes",
            [prefix(" 52-54:aF "), prefix("5254"), prefix("52:54:00:00:00:00:00")],
            &PoolError::MacPrefix { field: at("classes[0].macPrefix"), value: "5254".to_owned() },
        ),
        items(
            "a class's lease has a length",
            "classes",
            [
                one(json!({ "leaseTime": 4_294_967_294_i64 })),
                one(json!({ "leaseTime": 0 })),
                one(json!({ "leaseTime": 4_294_967_295_i64 })),
            ],
            &out_of_bounds("leaseTime", 0, (1, 4_294_967_294), " seconds"),
        ),
        items(
            "a relay agent has an address, or is in a subnet",
            "relays",
            [json!([" 10.0.0.1 ", "10.1.0.0/16"]), json!(["10.0.0.1-10.0.0.9"]), json!(["10.0.0.0/33"])],
            &PoolError::Relay { field: at("relays[0]"), value: "10.0.0.1-10.0.0.9".to_owned() },
        ),
    ]
}
