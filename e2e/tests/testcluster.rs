//! The control plane that tests run against goes with the test that started it.
#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use vmdhcp_e2e::{requirements, until};

/// Processes that the control plane of that folder consists of.
fn processes_of(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let command_lines =
        processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
    command_lines.filter(|line| line.contains(folder)).collect()
}

#[test]
fn a_test_that_is_killed_leaves_neither_process_nor_folder() {
    let Some(binary) = requirements::testcluster("a_test_that_is_killed_leaves_neither_process_nor_folder")
    else {
        return;
    };
    let mut cluster = Command::new(binary)
        .args(["--with=controller-manager", "--exit-on-stdin-eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(cluster.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let folder = ready.split_whitespace().find_map(|word| word.strip_prefix("data-dir="));
    let folder = folder.expect("the control plane should have come up; its own words are above");
    assert!(Path::new(folder).is_dir());
    assert_eq!(processes_of(folder).len(), 2, "the API server and the controller manager");
    // The kernel does this to whatever held the pipe, however that ended.
    drop(cluster.stdin.take());
    let status = until("end of the control plane", Duration::from_secs(20), || cluster.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(!Path::new(folder).exists());
    assert_eq!(processes_of(folder), Vec::<String>::new());
}
