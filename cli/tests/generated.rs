//! Completions, manual pages and CRDs are generated and committed: what is committed must be what the binary makes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The folders of the repository, and the command that fills each.
const GENERATED: [(&str, &str); 3] = [("completions", "completions"), ("man", "man"), ("chart/crds", "crd")];

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = folder.read_dir().into_iter().flatten().map(|entry| entry.unwrap());
    let file = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

#[test]
fn generated_files_are_what_the_binary_makes_of_its_own_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (folder, command) in GENERATED {
        let fresh = tempfile::tempdir().unwrap();
        let mut binary = Command::new(env!("CARGO_BIN_EXE_vmdhcp"));
        assert!(binary.args([command, "--out"]).arg(fresh.path()).status().unwrap().success());
        let (committed, made) = (files(&root.join(folder)), files(fresh.path()));
        let names: Vec<_> = committed.keys().chain(made.keys()).collect();
        let stale: Vec<_> =
            names.into_iter().filter(|name| committed.get(*name) != made.get(*name)).collect();
        assert!(stale.is_empty(), "{folder}: {stale:?} are stale; run `make generate` and commit the result");
        assert!(!made.is_empty());
    }
}
