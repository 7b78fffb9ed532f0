//! No rule is forgotten: each error of Rust has a row, or a reason why no CRD can hold it.

use std::collections::BTreeSet;

use crate::rows::{CLAIM_ERRORS, NOT_IN_CRDS, POOL_CHANGE_ERRORS, POOL_ERRORS, rows};

#[test]
fn each_error_is_in_the_table_or_has_a_reason_not_to_be() {
    let rows: BTreeSet<_> = rows().iter().map(|row| row.error).collect();
    let excused: BTreeSet<_> = NOT_IN_CRDS.iter().map(|(error, _)| *error).collect();
    let errors: BTreeSet<_> = [POOL_ERRORS, POOL_CHANGE_ERRORS, CLAIM_ERRORS].concat().into_iter().collect();
    let forgotten: Vec<_> =
        errors.iter().filter(|error| !rows.contains(*error) && !excused.contains(*error)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?} have neither a row nor a reason");
    let unknown: Vec<_> = excused.difference(&errors).collect();
    assert!(unknown.is_empty(), "{unknown:?} are excused, but are no errors");
}

#[test]
fn each_reason_is_in_the_documentation() {
    let page = include_str!("../../../docs/validation.md");
    let missing: Vec<_> =
        NOT_IN_CRDS.iter().filter(|(error, _)| !page.contains(&format!("`{error}`"))).collect();
    assert!(missing.is_empty(), "docs/validation.md does not name {missing:?}");
}

#[test]
fn no_two_rows_have_one_name() {
    let rows = rows();
    let names: BTreeSet<_> = rows.iter().map(|row| row.rule).collect();
    assert_eq!(names.len(), rows.len());
}
