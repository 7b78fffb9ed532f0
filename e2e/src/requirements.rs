//! What a machine must have for a test to run on it. Without it a test is left out, and says so on standard error;
//! where `VMDHCP_E2E=required` is set (`make test` as root) it fails.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Whether this test can make namespaces and run these programs.
///
/// Panics instead of saying no where `VMDHCP_E2E=required`.
pub fn met(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| find(program).is_none()).copied().collect();
    let reason = if !nix::unistd::geteuid().is_root() {
        "it needs root, to make network namespaces".to_owned()
    } else if missing.is_empty() {
        return true;
    } else {
        format!("not installed: {}", missing.join(", "))
    };
    assert!(env::var_os("VMDHCP_E2E").is_none_or(|value| value != "required"), "{test} cannot run: {reason}");
    leave_out(test, &reason);
    false
}

/// Says that a test is left out. Not by the print macros, whose output the test runner swallows.
fn leave_out(test: &str, reason: &str) {
    // In one piece, as other tests write too.
    drop(std::io::stderr().write_all(format!("\nleft out: {test}: {reason}\n").as_bytes()));
}

/// Where a program is, also where only root looks.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| is_file(file))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}
