//! Files that cannot be used, or not written: what each command says, in one snapshot to read from top to bottom.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{Seek, SeekFrom, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

const POOL: &str = "apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata: {name: NAME}
spec: {networkName: NAME, ipv4Config: {cidr: 10.0.0.0/24}}
";
const CREATE: &str = "pool create new --network new --cidr 10.1.0.0/24";
const SERVE: &str = "standalone --nic lab=lo";
/// A user who has no rights anywhere.
const NOBODY: u32 = 65534;

/// A folder with files, and what was said about them.
struct Desk {
    folder: tempfile::TempDir,
    transcript: String,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self { folder, transcript: String::new() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn vmdhcp(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmdhcp"));
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command
    }

    /// A file with a pool of this name.
    fn filled(&self, name: &str) {
        let mut command = self.vmdhcp();
        command.args(["--local", name, "apply", "-f", "-"]);
        let (said, code) = run(command, &POOL.replace("NAME", "lab"));
        assert_eq!(code, 0, "{said}");
        // Whoever has ended has left everything in the file itself.
        assert!(!self.path(&format!("{name}-wal")).exists(), "the file should be closed");
    }

    /// Runs a command line on a file, and writes it down with all that it says.
    fn note(&mut self, mut command: Command, file: &str, line: &str, code: i32) {
        command.args(["--local", file]).args(line.split(' '));
        let (said, ended) = run(command, "");
        let said = said.replace(self.folder.path().to_str().unwrap(), "FOLDER");
        writeln!(self.transcript, "$ vmdhcp --local {file} {line}\n{said}[exit code {ended}]\n").unwrap();
        assert_eq!(ended, code, "{}", self.transcript);
    }

    fn title(&mut self, title: &str) {
        writeln!(self.transcript, "# {title}").unwrap();
    }
}

fn run(mut command: Command, input: &str) -> (String, i32) {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.code().unwrap())
}

fn overwrite(path: &Path, from: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_file_that_is_none_of_ours_or_no_longer_whole_is_refused_with_a_sentence_and_left_alone() {
    let mut desk = Desk::new();
    fs::write(desk.path("notes.txt"), "dear diary, this is no database at all").unwrap();
    let foreign = Connection::open(desk.path("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE letters (text TEXT)").unwrap();
    drop(foreign);
    for name in ["newer.db", "beginning.db", "middle.db", "half.db"] {
        desk.filled(name);
    }
    let newer = Connection::open(desk.path("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 7).unwrap();
    drop(newer);
    overwrite(&desk.path("beginning.db"), 0, &[0xa5; 100]);
    let length = fs::metadata(desk.path("middle.db")).unwrap().len();
    overwrite(&desk.path("middle.db"), 8192, &vec![0xa5; usize::try_from(length - 8192).unwrap()]);
    fs::OpenOptions::new().write(true).open(desk.path("half.db")).unwrap().set_len(length / 2).unwrap();

    let names = ["notes.txt", "foreign.db", "newer.db", "beginning.db", "middle.db", "half.db"];
    for name in names {
        let before = fs::read(desk.path(name)).unwrap();
        desk.title(name);
        // Damage in the middle shows only when what is damaged is read.
        let code = if name == "middle.db" { 1 } else { 6 };
        for line in ["pool list", SERVE] {
            desk.note(desk.vmdhcp(), name, line, code);
        }
        assert!(fs::read(desk.path(name)).unwrap() == before, "{name} has been changed");
    }
    desk.title("no file");
    desk.note(desk.vmdhcp(), ".", "pool list", 6);
    desk.note(desk.vmdhcp(), "absent/lab.db", "pool list", 6);
    desk.title("an empty file is a new one");
    fs::write(desk.path("empty.db"), "").unwrap();
    desk.note(desk.vmdhcp(), "empty.db", "pool list", 0);
    insta::assert_snapshot!(desk.transcript);
}

#[test]
fn who_may_not_write_a_file_reads_it_and_is_told_what_to_do_about_the_rest() {
    let mut desk = Desk::new();
    desk.filled("lab.db");
    fs::write(desk.path("secret.db"), "").unwrap();
    let modes = [("lab.db", 0o444), ("secret.db", 0o000), (".", 0o555)];
    for (name, mode) in modes {
        fs::set_permissions(desk.path(name), Permissions::from_mode(mode)).unwrap();
    }
    // By its open file: a folder on the way to it may be closed to others.
    let binary = File::open(env!("CARGO_BIN_EXE_vmdhcp")).unwrap();
    let is_root = nix::unistd::geteuid().is_root();
    let nobody = |desk: &Desk| {
        let mut command = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()));
        command.current_dir(desk.folder.path()).env_clear().arg0("vmdhcp");
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    for (file, line, code) in [
        ("lab.db", "pool list -o name", 0),
        ("lab.db", "pool show lab -o name", 0),
        ("lab.db", CREATE, 7),
        ("lab.db", "pool pause lab", 7),
        ("lab.db", "pool delete lab --yes", 7),
        ("lab.db", SERVE, 1),
        ("new.db", "pool list", 6),
        ("secret.db", "pool list", 6),
    ] {
        desk.note(nobody(&desk), file, line, code);
    }
    fs::set_permissions(desk.path("."), Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(desk.transcript);
}

/// A script on a small disk of its own that is mounted where it runs; none where this user cannot have one.
fn on_a_small_disk(desk: &Desk, script: &str) -> Option<(String, i32)> {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let place = desk.folder.path();
    let mount = format!("mount -t tmpfs -o size=1m none {0} || exit 99; cd {0}; ", place.display());
    command.args(["--mount", "sh", "-c", &(mount + script)]).env("VMDHCP", env!("CARGO_BIN_EXE_vmdhcp"));
    let (said, code) = run(command, "");
    if code == 99 || code == 127 {
        let required = std::env::var("VMDHCP_E2E").as_deref() == Ok("required");
        assert!(!required, "no small disk can be had: {said}");
        return None;
    }
    Some((said.replace(place.to_str().unwrap(), "FOLDER"), code))
}

#[test]
fn on_a_full_disk_the_message_says_so_and_what_was_stored_can_be_read() {
    let desk = Desk::new();
    let script = r#"
        vmdhcp() { echo "\$ vmdhcp --local $*"; "$VMDHCP" --local "$@" 2>&1; echo "[exit code $?]"; echo; }
        vmdhcp lab.db pool create lab --network lab --cidr 10.0.0.0/24
        echo '# the disk is full'
        head -c 2000000 /dev/zero 2>/dev/null >rest
        vmdhcp lab.db pool create new --network new --cidr 10.1.0.0/24
        vmdhcp lab.db pool list -o name
        vmdhcp lab.db standalone --nic lab=lo
        vmdhcp other.db pool list
        echo '# it is no longer'
        rm rest
        vmdhcp lab.db pool create new --network new --cidr 10.1.0.0/24
        vmdhcp lab.db pool list -o name"#;
    if let Some((said, _)) = on_a_small_disk(&desk, script) {
        insta::assert_snapshot!(said);
    }
}
