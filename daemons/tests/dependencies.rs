//! What the crates may depend on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::process::Command;

/// Names of all crates that a package of the workspace is built with.
fn crates_of(package: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines = String::from_utf8(tree.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn there_is_one_tls_provider() {
    // With two of them in the graph rustls picks none, and panics at the first connection.
    let crates = crates_of("vmdhcp-cli");
    assert!(crates.contains("ring"));
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "native-tls"] {
        assert!(!crates.contains(other), "{other} has come in; cargo tree -i {other} tells how");
    }
}

#[test]
fn the_core_has_nothing_to_do_io_with() {
    let crates = crates_of("vmdhcp-core");
    for io in ["tokio", "hyper", "rustls", "ring", "rusqlite", "socket2", "nix", "mio"] {
        assert!(!crates.contains(io), "{io} has come in; cargo tree -p vmdhcp-core -i {io} tells how");
    }
}
