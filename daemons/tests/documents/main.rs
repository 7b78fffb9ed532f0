//! What the documentation claims: the tests that its tables name are there and are run.

#![expect(clippy::panic, reason = "a test may panic")]

mod rfc;
mod upstream_defects;

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is wrong with the last columns of some rows, each a list of `FILE::TEST`.
fn missing_tests(rows: impl Iterator<Item = (String, String)>) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for (row, tests) in rows {
        for test in tests.split_whitespace() {
            let named = test.strip_prefix('`').and_then(|test| test.strip_suffix('`')?.split_once("::"));
            let (file, name) = named.unwrap_or_else(|| panic!("{row}: {test} is not `FILE::TEST`"));
            if !has_test(&read(file), name) {
                missing.insert(format!("{row}: {file} has no test {name}"));
            }
        }
    }
    missing
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
fn a_function_that_is_no_test_or_is_left_out_counts_for_nothing() {
    assert!(has_test("#[tokio::test(start_paused = true)]\nasync fn holds() {", "holds"));
    assert!(has_test("    /// Why.\n    #[test]\n    fn holds(case in any()) {", "holds"));
    assert!(!has_test("fn holds() {", "holds"));
    assert!(!has_test("#[test]\n#[ignore = \"slow\"]\nfn holds() {", "holds"));
    assert!(!has_test("#[test]\nfn holds_not() {", "holds"));
}
