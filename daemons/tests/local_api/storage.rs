//! A file that cannot be written, read or understood: what goes on, and what the sentence says where nothing does.

use std::{
    env, fs,
    io::{Seek, SeekFrom, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams},
    core::Status,
};
use tempfile::TempDir;
use vmdhcp_daemons::cluster::local::{Kind, Kinds, LocalApi, OpenError, READ_ONLY_FILE};

use crate::{Claim, claim, claims, create, first_event, pools, refusal};

/// Set in a process that runs a test's other half: where.
const OTHER_HALF: &str = "VMDHCP_TEST_OTHER_HALF";
/// A user who has no rights anywhere.
const NOBODY: u32 = 65534;

fn open(path: &Path) -> LocalApi {
    LocalApi::open(path, Kinds::standard()).unwrap()
}

fn refused(path: &Path) -> OpenError {
    LocalApi::open(path, Kinds::standard()).unwrap_err()
}

async fn names(client: &Client) -> Vec<String> {
    let list = claims(client).list(&ListParams::default()).await.unwrap();
    list.items.iter().map(ResourceExt::name_any).collect()
}

/// What an event of a watch is about.
fn told(event: WatchEvent<Claim>) -> String {
    match event {
        WatchEvent::Added(claim) => format!("added {}", claim.name_any()),
        WatchEvent::Modified(claim) => format!("modified {}", claim.name_any()),
        WatchEvent::Deleted(claim) => format!("deleted {}", claim.name_any()),
        other => format!("{other:?}"),
    }
}

/// Closes a file, and waits until it is: its log is gone then.
async fn close(api: LocalApi, path: &Path) {
    drop(api);
    let deadline = Instant::now() + Duration::from_secs(10);
    while beside(path, "-wal").exists() {
        assert!(Instant::now() < deadline, "the file should be closed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Runs a test's other half in a process of its own.
fn run_other_half(mut command: Command, test: &str, place: &Path) {
    let test = format!("storage::{test}");
    let output = command.args(["--exact", &test]).env(OTHER_HALF, place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{complaint}");
}

/// A process on a small disk of its own, which is mounted at `place` for it alone. None where this user cannot have one.
fn on_a_small_disk(place: &Path) -> Option<Command> {
    let is_root = nix::unistd::geteuid().is_root();
    let unshare = |command: &mut Command| {
        command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
    };
    let mut trial = Command::new("unshare");
    unshare(&mut trial);
    let can = trial.args(["mount", "-t", "tmpfs", "none"]).arg(place).status();
    if !can.is_ok_and(|status| status.success()) {
        assert_ne!(env::var("VMDHCP_E2E").as_deref(), Ok("required"), "no small disk can be had");
        return None;
    }
    let mut command = Command::new("unshare");
    unshare(&mut command);
    let script = r#"mount -t tmpfs -o size=8m none "$1" && test=$2 && shift 2 && exec "$test" "$@""#;
    command.args(["sh", "-c", script, "sh"]).arg(place).arg(env::current_exe().unwrap());
    Some(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_writes_are_refused_reads_go_on_and_nothing_is_lost() {
    let Some(disk) = env::var_os(OTHER_HALF).map(PathBuf::from) else {
        let folder = tempfile::tempdir().unwrap();
        if let Some(command) = on_a_small_disk(folder.path()) {
            let test = "on_a_full_disk_writes_are_refused_reads_go_on_and_nothing_is_lost";
            run_other_half(command, test, folder.path());
        }
        return;
    };
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 11 << 19]).unwrap();
    let path = disk.join("api.db");
    // Texts may be as long as it takes.
    let unbounded = Kinds::standard().with(Kind::typed::<Claim>());
    let api = LocalApi::open(&path, unbounded).unwrap();
    let client = api.client("default");

    let attempt = |name: String, padding: usize| {
        let api = claims(&client);
        async move {
            let mut claim = claim(&name);
            claim.spec.vm_name = "x".repeat(padding);
            (name, api.create(&PostParams::default(), &claim).await)
        }
    };
    // Writes that do not fit, among small ones: while one fails, the next gathers others behind it in a transaction that
    // fails before they have run.
    let mut outcomes = Vec::new();
    for round in 0..3 {
        let padding = |at: usize| if at % 8 < 4 { 1_500_000 } else { 10 };
        let among = (0..24).map(|at| attempt(format!("a-{round}-{at}"), padding(at)));
        outcomes.extend(join_all(among).await);
    }
    // And then as many as there is room for.
    let small = stream::iter(0..200).map(|at| attempt(format!("b-{at}"), 60_000));
    outcomes.extend(small.buffered(8).collect::<Vec<_>>().await);
    let mut stored = Vec::new();
    let mut full: Vec<Status> = Vec::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(_) => stored.push(name),
            Err(_) => full.push(refusal(outcome)),
        }
    }
    stored.sort();
    assert!(stored.len() > 10 && full.len() > 10, "{} and {}", stored.len(), full.len());
    for status in &full {
        assert_eq!((status.code, status.reason.as_str()), (507, "InsufficientStorage"));
        assert_eq!(
            status.message,
            format!(
                "nothing was stored: no space is left on the disk of {}; free some, and try again",
                path.display()
            )
        );
    }
    assert_eq!(names(&client).await, stored);
    // Whoever comes now can read as well, and cannot make a file of its own.
    assert_eq!(names(&open(&path).client("default")).await, stored);
    fs::write(disk.join("rest"), vec![0; 8 << 20]).unwrap_err();
    let second = refused(&disk.join("second.db"));
    assert!(matches!(second, OpenError::Full { .. }), "{second:?}");
    assert!(second.to_string().ends_with("second.db: no space is left on its disk; free some and try again"));
    fs::remove_file(disk.join("rest")).unwrap();

    fs::remove_file(&ballast).unwrap();
    create(&client, "later").await;
    claims(&client).delete(&stored[0], &DeleteParams::default()).await.unwrap();
    stored.remove(0);
    stored.push("later".to_owned());
    assert_eq!(names(&client).await, stored);
    api.ensure_sound().await.unwrap();
    drop(client);
    close(api, &path).await;

    // Nobody has it open, and there is not even room for the index of the log.
    fs::write(disk.join("rest"), vec![0; 8 << 20]).unwrap_err();
    let api = open(&path);
    assert_eq!(names(&api.client("default")).await, stored);
    let status = refusal(claims(&api.client("default")).create(&PostParams::default(), &claim("more")).await);
    assert_eq!(status.code, 507, "{status}");
    assert!(matches!(api.ensure_sound().await, Err(OpenError::Full { .. })));
    fs::remove_file(disk.join("rest")).unwrap();
    assert_eq!(names(&open(&path).client("default")).await, stored);
}

/// A folder that everybody may look into.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    folder
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A process of somebody who owns nothing here; this one, where it is no root's anyway, only lacks the right to write.
fn as_nobody() -> Command {
    let mut command = Command::new("/proc/self/exe");
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[tokio::test]
async fn who_may_not_write_can_read_and_is_told_why_nothing_is_stored() {
    if let Some(path) = env::var_os(OTHER_HALF) {
        let path = Path::new(&path);
        let api = open(path);
        let client = api.client("default");
        assert_eq!(names(&client).await, ["first", "second"]);
        assert_eq!(told(first_event(&client, &WatchParams::default(), "2").await), "added second");
        let status = refusal(claims(&client).create(&PostParams::default(), &claim("third")).await);
        assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
        assert_eq!(status.details.unwrap().causes[0].reason, READ_ONLY_FILE);
        let sentence = format!("nothing was stored: this user may only read {}; run as one", path.display());
        assert!(status.message.starts_with(&sentence), "{}", status.message);
        let unfit = api.ensure_sound().await.unwrap_err();
        assert!(matches!(unfit, OpenError::ReadOnly { .. }), "{unfit:?}");
        assert_eq!(names(&client).await, ["first", "second"]);
        return;
    }
    let test = "who_may_not_write_can_read_and_is_told_why_nothing_is_stored";
    let folder = open_folder();
    let path = folder.path().join("an api?.db");
    let api = open(&path);
    let client = api.client("default");
    create(&client, "first").await;
    create(&client, "second").await;

    // While somebody serves it, and what is stored is in the log.
    assert!(beside(&path, "-wal").metadata().unwrap().len() > 0);
    let killed = folder.path().join("killed.db");
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(beside(&path, suffix), beside(&killed, suffix)).unwrap();
    }
    for mode in [0o755, 0o777] {
        for suffix in ["", "-wal", "-shm"] {
            set_mode(&beside(&path, suffix), 0o444);
        }
        set_mode(folder.path(), mode);
        run_other_half(as_nobody(), test, &path);
        // After its writer was killed.
        run_other_half(as_nobody(), test, &killed);
    }

    // When nobody does. The reader must not leave a log behind, which would be its own.
    set_mode(&path, 0o644);
    drop(client);
    close(api, &path).await;
    for (file, of_folder) in [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)] {
        set_mode(&path, file);
        set_mode(folder.path(), of_folder);
        run_other_half(as_nobody(), test, &path);
        assert!(!beside(&path, "-wal").exists() && !beside(&path, "-shm").exists());
    }
    set_mode(folder.path(), 0o755);
    set_mode(&path, 0o644);
    create(&open(&path).client("default"), "third").await;
}

#[tokio::test]
async fn a_file_that_cannot_be_made_or_read_is_named_with_what_to_do() {
    if let Some(folder) = env::var_os(OTHER_HALF) {
        let folder = Path::new(&folder);
        let said = |name: &str| refused(&folder.join(name)).to_string().replace(folder.to_str().unwrap(), "");
        for name in ["new.db", "empty.db"] {
            assert_eq!(
                said(name),
                format!(
                    "cannot create /{name}: this user may not write there; run as one who may, or name a file in a \
                     folder of your own"
                )
            );
        }
        assert_eq!(said("secret.db"), "cannot open /secret.db: this user may not read it; run as its owner");
        assert!(said("killed.db").contains("whoever wrote it last was killed"), "{}", said("killed.db"));
        return;
    }
    let folder = open_folder();
    let at = |name: &str| folder.path().join(name);
    for name in ["empty.db", "secret.db"] {
        fs::write(at(name), "").unwrap();
    }
    set_mode(&at("empty.db"), 0o444);
    let path = at("api.db");
    let api = open(&path);
    fs::copy(&path, at("killed.db")).unwrap();
    fs::copy(beside(&path, "-wal"), at("killed.db-wal")).unwrap();
    close(api, &path).await;
    set_mode(&at("killed.db"), 0o444);
    set_mode(&at("secret.db"), 0o000);
    set_mode(folder.path(), 0o555);
    run_other_half(as_nobody(), "a_file_that_cannot_be_made_or_read_is_named_with_what_to_do", folder.path());
    set_mode(folder.path(), 0o755);
}

/// A file with a few hundred objects, closed.
async fn filled() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let api = open(&path);
    let client = api.client("default");
    let create = |number: usize| {
        let client = client.clone();
        async move { drop(create(&client, &format!("claim-{number:03}")).await) }
    };
    stream::iter(0..300).map(create).buffered(64).collect::<Vec<_>>().await;
    drop(client);
    close(api, &path).await;
    (folder, path)
}

fn overwrite(path: &Path, from: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged_and_is_not_written() {
    let (_folder, path) = filled().await;
    let sound = fs::read(&path).unwrap();
    let half = sound.len() / 2;
    assert!(half > 64 << 10, "{half}");

    overwrite(&path, 0, b"overwritten");
    let error = refused(&path);
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("restore a backup: its beginning has been overwritten"), "{error}");
    assert!(fs::read(&path).unwrap().starts_with(b"overwritten"));

    let overwritten = || overwrite(&path, (half as u64) & !0xfff, &vec![0xa5; half & !0xfff]);
    let cut = || fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(half as u64).unwrap();
    for damage in [&overwritten as &dyn Fn(), &cut] {
        fs::write(&path, &sound).unwrap();
        damage();
        let before = fs::read(&path).unwrap();
        let what = match LocalApi::open(&path, Kinds::standard()) {
            Err(error) => error.to_string(),
            Ok(api) => {
                let status = refusal(claims(&api.client("default")).list(&ListParams::default()).await);
                assert_eq!((status.code, status.reason.as_str()), (500, "InternalError"));
                assert!(status.message.contains("stop what uses it"), "{}", status.message);
                let error = api.ensure_sound().await.unwrap_err();
                assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
                status.message + &error.to_string()
            }
        };
        assert!(what.contains(&format!("{} is damaged (", path.display())), "{what}");
        assert!(what.contains("restore a backup"), "{what}");
        assert!(fs::read(&path).unwrap() == before, "a damaged file is left alone");
    }

    // Without its beginning, but with a log: what the log has must not be thrown away.
    fs::write(&path, "").unwrap();
    fs::write(beside(&path, "-wal"), "the last writes").unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), b"the last writes");
}

#[tokio::test]
async fn whatever_is_damaged_every_request_is_answered() {
    let (_folder, path) = filled().await;
    let sound = fs::read(&path).unwrap();
    let pages = sound.len() as u64 / 4096;
    let (mut refused_to_open, mut failed, mut unharmed) = (0, 0, 0);
    for round in 0..40_u64 {
        let mut damaged = sound.clone();
        // A run of nonsense somewhere in a page; each page has its turn, from the third on.
        let at = (2 + round * 7 % (pages - 2)) * 4096 + round * 97 % 3800;
        let at = usize::try_from(at).unwrap();
        damaged[at..at + 200].fill(u8::try_from(round * 5 % 256).unwrap());
        fs::write(&path, &damaged).unwrap();
        let Ok(api) = LocalApi::open(&path, Kinds::standard()) else {
            refused_to_open += 1;
            continue;
        };
        let client = api.client("default");
        let listed = claims(&client).list(&ListParams::default()).await;
        let created = claims(&client).create(&PostParams::default(), &claim("new")).await;
        let got = claims(&client).get_opt("claim-150").await;
        drop(client);
        let is_sound = api.ensure_sound().await.is_ok();
        if is_sound && listed.is_ok() && created.is_ok() && got.is_ok() {
            unharmed += 1;
        } else {
            failed += 1;
        }
        close(api, &path).await;
    }
    println!("{refused_to_open} files not opened, {failed} failed, {unharmed} unharmed");
    assert!(failed > 10, "{failed}");
}

#[tokio::test]
async fn a_torn_end_of_the_log_costs_only_the_write_that_was_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let api = open(&path);
    let client = api.client("default");
    create(&client, "first").await;
    let answered = beside(&path, "-wal").metadata().unwrap().len();
    create(&client, "second").await;
    let torn = folder.path().join("torn.db");
    fs::copy(&path, &torn).unwrap();
    let log = fs::read(beside(&path, "-wal")).unwrap();
    for cut in [answered + 1, answered + 100, log.len() as u64 - 4096, log.len() as u64 - 1] {
        fs::write(beside(&torn, "-wal"), &log[..usize::try_from(cut).unwrap()]).unwrap();
        let reopened = open(&torn);
        assert_eq!(names(&reopened.client("default")).await, ["first"], "cut at {cut}");
        reopened.ensure_sound().await.unwrap();
        // Without closing it: that would take the log in.
        fs::copy(&path, &torn).unwrap();
        std::mem::forget(reopened);
        fs::remove_file(&torn).unwrap();
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(beside(&torn, suffix)).unwrap();
        }
        fs::copy(&path, &torn).unwrap();
    }
}

#[tokio::test]
async fn a_file_of_the_first_format_is_read_written_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch(include_str!("fixtures/format-1.sql")).unwrap();
    drop(database);
    let api = open(&path);
    let client = api.client("default");
    api.ensure_sound().await.unwrap();

    assert_eq!(names(&client).await, ["db", "web"]);
    let pool = pools(&client).get("net-48").await.unwrap();
    assert_eq!(pool.resource_version().as_deref(), Some("9"));
    let allocated = pool.status.unwrap().ipv4.unwrap().allocated;
    assert_eq!(allocated["192.168.48.82"], "fa:cf:8e:50:82:fc");

    // The change log goes on where it was: a watch from before the program was changed misses nothing.
    let api = claims(&client);
    let mut events = api.watch(&WatchParams::default(), "5").await.unwrap().boxed();
    let mut next = async || {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        told(event.unwrap().unwrap().unwrap())
    };
    assert_eq!(next().await, "added db");
    let stored = create(&client, "new").await;
    assert_eq!(stored.resource_version().as_deref(), Some("11"));
    assert_eq!([next().await, next().await, next().await], ["modified web", "deleted gone", "added new"]);

    // What is owned goes with its owner.
    let leases: Api<Lease> = Api::default_namespaced(client.clone());
    assert_eq!(leases.get("of-web").await.unwrap().resource_version().as_deref(), Some("10"));
    claims(&client).delete("web", &DeleteParams::default()).await.unwrap();
    assert_eq!(leases.get_opt("of-web").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_is_taken_away_under_a_program_is_not_written_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let api = open(&path);
    let client = api.client("default");
    create(&client, "first").await;
    fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
    for _ in 0..2 {
        let status = refusal(claims(&client).create(&PostParams::default(), &claim("second")).await);
        assert_eq!(status.code, 500);
        assert!(status.message.contains("api.db was replaced, renamed or removed"), "{}", status.message);
        assert_eq!(names(&client).await, ["first"]);
        // Another file of that name is another file.
        fs::write(&path, "").unwrap();
    }
}

#[tokio::test]
async fn a_file_that_a_newer_program_has_changed_is_not_written_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.db");
    let api = open(&path);
    let client = api.client("default");
    create(&client, "first").await;
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 9).unwrap();
    let status = refusal(claims(&client).create(&PostParams::default(), &claim("second")).await);
    assert_eq!(status.code, 500);
    assert!(status.message.contains("a newer vmdhcp has brought"), "{}", status.message);
    assert_eq!(names(&client).await, ["first"]);
}
