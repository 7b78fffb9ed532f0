//! The table of upstream's defects (docs/upstream-defects.md) has every row, and names tests that are there and run.

#![expect(clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;

/// How many defects were found.
const ROWS: u32 = 42;
/// Those of the webhook and its chart, which are to come.
const LATER: [u32; 7] = [34, 35, 36, 37, 40, 41, 42];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Number and last column of each row.
fn rows() -> Vec<(u32, String)> {
    let page = read("docs/upstream-defects.md");
    let cells =
        page.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').collect::<Vec<_>>());
    let rows =
        cells.filter_map(|cells| Some((cells.get(1)?.trim().parse().ok()?, cells.get(4)?.trim().to_owned())));
    rows.collect()
}

/// Whether the source has a test of that name that is run.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let attributes =
            lines[..at].iter().rev().take_while(|line| line.starts_with('#') || line.starts_with("//"));
        let attributes: Vec<_> = attributes.collect();
        is_it(line)
            && attributes.iter().any(|line| line.contains("test") && line.starts_with("#["))
            && !attributes.iter().any(|line| line.starts_with("#[ignore"))
    })
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
    let mut missing = BTreeSet::new();
    for (number, tests) in rows().into_iter().filter(|(_, tests)| tests != "later") {
        for test in tests.split_whitespace() {
            let named = test.strip_prefix('`').and_then(|test| test.strip_suffix('`')?.split_once("::"));
            let (file, name) = named.unwrap_or_else(|| panic!("row {number}: {test} is not `FILE::TEST`"));
            if !has_test(&read(file), name) {
                missing.insert(format!("row {number}: {file} has no test {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_function_that_is_no_test_or_is_left_out_counts_for_nothing() {
    assert!(has_test("#[tokio::test(start_paused = true)]\nasync fn holds() {", "holds"));
    assert!(has_test("    /// Why.\n    #[test]\n    fn holds(case in any()) {", "holds"));
    assert!(!has_test("fn holds() {", "holds"));
    assert!(!has_test("#[test]\n#[ignore = \"slow\"]\nfn holds() {", "holds"));
    assert!(!has_test("#[test]\nfn holds_not() {", "holds"));
}
