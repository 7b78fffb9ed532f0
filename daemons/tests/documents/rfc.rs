//! The table of RFC sections (docs/rfc.md) names tests that are there and run, and claims nothing without one.

use std::collections::BTreeSet;

use super::{missing_tests, read};

/// Those that a server of ours must have been held to.
const RFCS: [u16; 20] = [
    2131, 2132, 3004, 3011, 3046, 3203, 3396, 3397, 3442, 3527, 3925, 4039, 4361, 4578, 4702, 5071, 5859,
    6842, 8910, 8925,
];
/// Stands where a row has no test.
const NONE: &str = "–";

/// A row: its RFC and section, what is done, and the tests.
struct Row {
    rfc: u16,
    section: String,
    here: String,
    tests: String,
}

fn rows() -> Vec<Row> {
    let mut rfc = None;
    let mut rows = Vec::new();
    for line in read("docs/rfc.md").lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let number = title.strip_prefix("RFC ").and_then(|title| title.split(':').next());
            rfc = number.map(|number| {
                number.parse().unwrap_or_else(|_| panic!("{title} is not `RFC NUMBER: TITLE`"))
            });
        }
        let (Some(rfc), true) = (rfc, line.starts_with('|')) else { continue };
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", section, _demanded, here, tests, ""] = cells[..] else {
            panic!("{line} is not of four cells")
        };
        if section != "section" && !section.starts_with("---") {
            let [section, here, tests] = [section, here, tests].map(str::to_owned);
            rows.push(Row { rfc, section, here, tests });
        }
    }
    rows
}

#[test]
fn every_rfc_has_rows() {
    let found: BTreeSet<_> = rows().iter().map(|row| row.rfc).collect();
    let missing: Vec<_> = RFCS.iter().filter(|rfc| !found.contains(rfc)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(rows().len() > 80, "{} rows", rows().len());
}

#[test]
fn a_row_without_a_test_says_what_is_not_done_and_why() {
    for Row { rfc, section, here, tests } in rows() {
        assert!(!tests.is_empty() && !here.is_empty(), "RFC {rfc} section {section} is not filled in");
        let explained = here.starts_with("Not so") && here.contains(':');
        assert!(tests != NONE || explained, "RFC {rfc} section {section} claims without a test: {here}");
    }
}

#[test]
fn every_test_that_the_table_names_is_there_and_is_run() {
    let claimed = rows().into_iter().filter(|row| row.tests != NONE);
    let missing =
        missing_tests(claimed.map(|row| (format!("RFC {} section {}", row.rfc, row.section), row.tests)));
    assert!(missing.is_empty(), "{missing:#?}");
}
