//! `vmdhcp demo`: it holds, for root and for a user who is nobody, and leaves nothing behind however it ends.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vmdhcp_e2e::{requirements, until, vmdhcp};

/// How long the whole demo may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How long the kernel may take to clear up behind it.
const CLEARING_UP: Duration = Duration::from_secs(5);
/// The user and group `nobody`.
const NOBODY: &str = "65534";

/// A copy of the binary that anybody may run, under a name by which its processes are known, and a folder for
/// temporary files.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = TempDir::with_prefix("vmdhcp-e2e-").unwrap();
        let stage = Self { folder };
        fs::set_permissions(stage.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(stage.temporary()).unwrap();
        fs::set_permissions(stage.temporary(), fs::Permissions::from_mode(0o777)).unwrap();
        // A hard link is as good as a copy where the file system allows it.
        if fs::hard_link(vmdhcp::binary(), stage.binary()).is_err() {
            fs::copy(vmdhcp::binary(), stage.binary()).unwrap();
        }
        stage
    }

    fn binary(&self) -> PathBuf {
        self.folder.path().join("vmdhcp")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    /// The demo as this user, in no process' environment but its own.
    fn demo(&self, user: &[&str]) -> Command {
        let (program, arguments) = user.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(arguments).arg(self.binary()).arg("demo").env("TMPDIR", self.temporary());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The processes that run this copy of the binary.
    fn processes(&self) -> BTreeSet<PathBuf> {
        let is_ours = |process: &PathBuf| {
            fs::read_link(process.join("exe")).is_ok_and(|binary| binary.starts_with(self.folder.path()))
        };
        fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_ours).collect()
    }

    /// Panics unless everything that the demo made is gone.
    fn is_clean(&self, before: &Outside) {
        let left = || self.processes();
        until("end of all its processes", CLEARING_UP, || left().is_empty().then_some(()));
        assert_eq!(fs::read_dir(self.temporary()).unwrap().count(), 0);
        assert_eq!(&Outside::now(), before);
    }
}

/// What the demo must not touch: the links and the mounts of the machine.
#[derive(Debug, PartialEq, Eq)]
struct Outside {
    links: BTreeSet<PathBuf>,
    mounts: String,
}

impl Outside {
    fn now() -> Self {
        let links = fs::read_dir("/sys/class/net").unwrap().map(|entry| entry.unwrap().path()).collect();
        Self { links, mounts: fs::read_to_string("/proc/self/mounts").unwrap() }
    }
}

fn holds(output: &Output) {
    let shown = String::from_utf8_lossy(&output.stdout);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{shown}\n{talk}", output.status);
    assert_eq!(talk, "", "nothing to talk about");
    assert!(!shown.contains('✗'), "{shown}");
    for seen in ["refused (DHCPNAK)", "silence", "kill -9", "aibao.moe", "Summary"] {
        assert!(shown.contains(seen), "no {seen} in:\n{shown}");
    }
}

#[test]
fn the_demo_holds_for_root_and_leaves_nothing_behind() {
    if !requirements::met("the_demo_holds_for_root_and_leaves_nothing_behind", &["setpriv"]) {
        return;
    }
    let (stage, before, began) = (Stage::new(), Outside::now(), Instant::now());
    holds(&stage.demo(&["setpriv", "--"]).output().unwrap());
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    stage.is_clean(&before);
}

#[test]
fn the_demo_holds_for_a_user_who_is_nobody_and_leaves_nothing_behind() {
    if !requirements::met("the_demo_holds_for_a_user_who_is_nobody", &["setpriv"]) {
        return;
    }
    let (stage, before, began) = (Stage::new(), Outside::now(), Instant::now());
    let nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"];
    let output = stage.demo(&nobody).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    if talk.contains("does not let you make namespaces") {
        // Then it says what to do.
        assert!(talk.contains("sudo vmdhcp demo"), "{talk}");
    } else {
        holds(&output);
    }
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    stage.is_clean(&before);
}

#[test]
fn a_demo_that_is_killed_leaves_nothing_behind_either() {
    if !requirements::met("a_demo_that_is_killed_leaves_nothing_behind_either", &["setpriv"]) {
        return;
    }
    let (stage, before) = (Stage::new(), Outside::now());
    let mut demo: Child = stage.demo(&["setpriv", "--"]).spawn().unwrap();
    // Itself, its sandbox, the tour, and the server.
    until("server of the demo", LIMIT, || (stage.processes().len() >= 4).then_some(()));
    demo.kill().unwrap();
    demo.wait().unwrap();
    stage.is_clean(&before);
}

#[test]
fn without_namespaces_the_demo_says_what_to_do() {
    if !requirements::met("without_namespaces_the_demo_says_what_to_do", &["unshare", "setpriv"]) {
        return;
    }
    let stage = Stage::new();
    // In a user namespace of its own whose limit is none, a user has no more than where namespaces are forbidden.
    let forbidden = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all {} demo",
        stage.binary().display()
    );
    let shell = Path::new("/bin/sh");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--"])
        .arg(shell)
        .args(["-c", &forbidden])
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("max_user_namespaces"), "{talk}");
    assert!(talk.contains("sudo vmdhcp demo"), "{talk}");
}
