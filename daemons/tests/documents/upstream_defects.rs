//! The table of upstream's defects (docs/upstream-defects.md) has every row, and names tests that are there and run.

use super::{missing_tests, read};

/// How many defects were found.
const ROWS: u32 = 42;
/// Those of the webhook and its chart, which are to come.
const LATER: [u32; 7] = [34, 35, 36, 37, 40, 41, 42];

/// Number and last column of each row.
fn rows() -> Vec<(u32, String)> {
    let page = read("docs/upstream-defects.md");
    let cells =
        page.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').collect::<Vec<_>>());
    let rows =
        cells.filter_map(|cells| Some((cells.get(1)?.trim().parse().ok()?, cells.get(4)?.trim().to_owned())));
    rows.collect()
}

#[test]
fn every_defect_has_one_row_and_every_row_but_the_webhooks_has_a_test() {
    let rows = rows();
    let numbers: Vec<_> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>());
    for (number, tests) in rows {
        assert_eq!(tests == "later", LATER.contains(&number), "row {number}: {tests}");
    }
}

#[test]
fn every_test_that_the_table_names_is_there_and_is_run() {
    let claimed = rows().into_iter().filter(|(_, tests)| tests != "later");
    let missing = missing_tests(claimed.map(|(number, tests)| (format!("row {number}"), tests)));
    assert!(missing.is_empty(), "{missing:#?}");
}
