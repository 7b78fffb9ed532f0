//! What a machine must have for a test to run on it. Without it a test is left out, and says so on standard error;
//! where `VMDHCP_E2E=required` is set (`make test` as root) it fails; for the control plane of tests that variable is
//! `VMDHCP_TESTCLUSTER` (`make test` where it has been built).

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Where the packages of `e2e/clients.sh unpack` are.
///
/// Only `make e2e-clients` runs what needs them, so it is there, or wrong.
pub fn unpacked() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients.sh");
    let unpacked = Command::new(script).arg("unpack").output().unwrap();
    let talk = String::from_utf8_lossy(&unpacked.stderr);
    assert!(unpacked.status.success(), "the clients' packages cannot be unpacked: {talk}");
    PathBuf::from(String::from_utf8_lossy(&unpacked.stdout).trim_end())
}

/// The control plane for tests, where it has been built.
///
/// Panics instead of saying no where `VMDHCP_TESTCLUSTER=required`.
pub fn testcluster(test: &str) -> Option<PathBuf> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("testcluster/build.sh");
    let found = Command::new(build).arg("path").output().ok().filter(|found| found.status.success());
    if let Some(found) = found {
        return Some(PathBuf::from(String::from_utf8_lossy(&found.stdout).trim_end()));
    }
    let reason = "the control plane for tests is not built (make testcluster)";
    assert!(
        env::var_os("VMDHCP_TESTCLUSTER").is_none_or(|value| value != "required"),
        "{test} cannot run: {reason}"
    );
    leave_out(test, reason);
    None
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
