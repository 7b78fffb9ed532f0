//! One file, several processes, and files that are not ours.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures::StreamExt;
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use tempfile::TempDir;
use vmdhcp_daemons::cluster::{
    ConnectError, Target, connect,
    local::{Kinds, LocalApi, LockError, OpenError},
};

use crate::{claims, create, pool, pools};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> LocalApi {
    LocalApi::open(&folder.path().join("api.db"), Kinds::standard()).unwrap()
}

#[tokio::test]
async fn a_watch_sees_another_processs_writes_within_a_second() {
    let folder = folder();
    let (serving, writing) = (open(&folder), open(&folder));
    let (serving, writing) = (serving.client("default"), writing.client("default"));
    let api = claims(&serving);
    let mut events = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    for round in 0..3 {
        let name = format!("claim-{round}");
        let started = Instant::now();
        create(&writing, &name).await;
        let event = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
        let Some(Ok(WatchEvent::Added(seen))) = event.expect("the write should be seen in a second") else {
            panic!("the write should be told of as an addition");
        };
        assert_eq!(seen.metadata.name, Some(name), "after {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn two_processes_cannot_both_write_on_one_version() {
    let folder = folder();
    let (one, other) = (open(&folder).client("default"), open(&folder).client("default"));
    let seen = create(&one, "claim").await;
    let mut changed = seen.clone();
    changed.spec.paused = Some(true);
    let options = kube::api::PostParams::default();
    claims(&other).replace("claim", &options, &changed).await.unwrap();
    changed.spec.paused = Some(false);
    let status = crate::refusal(claims(&one).replace("claim", &options, &changed).await);
    assert!(status.is_conflict(), "{status}");
}

#[tokio::test]
async fn objects_and_versions_outlive_the_process() {
    let folder = folder();
    let first = create(&open(&folder).client("default"), "first").await;
    let reopened = open(&folder).client("default");
    assert_eq!(claims(&reopened).get("first").await.unwrap(), first);
    claims(&reopened).delete("first", &DeleteParams::default()).await.unwrap();
    let second = create(&open(&folder).client("default"), "second").await;
    let version = |claim: &crate::Claim| claim.metadata.resource_version.clone().unwrap();
    assert_eq!(version(&second).parse::<u64>().unwrap(), version(&first).parse::<u64>().unwrap() + 2);
}

/// Set in the child process of the test below: the file that it writes until it is killed.
const WRITE_UNTIL_KILLED: &str = "VMDHCP_TEST_WRITE_UNTIL_KILLED";

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    if let Some(path) = std::env::var_os(WRITE_UNTIL_KILLED) {
        let client = LocalApi::open(Path::new(&path), Kinds::standard()).unwrap().client("default");
        for number in 0.. {
            create(&client, &format!("claim-{number}")).await;
            println!("written {number}");
        }
    }
    let folder = folder();
    let path = folder.path().join("api.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "file::what_was_answered_is_there_after_a_kill"])
        .env(WRITE_UNTIL_KILLED, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, number)) = line.split_once("written ") {
            answered.push(number.to_owned());
        }
        if answered.len() == 25 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= 25, "the child should have written until it was killed");
    let reopened = LocalApi::open(&path, Kinds::standard()).unwrap().client("default");
    for number in answered {
        claims(&reopened).get(&format!("claim-{number}")).await.unwrap();
    }
    create(&reopened, "after").await;
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("file");
    let refused = |path: &Path| LocalApi::open(path, Kinds::standard()).unwrap_err();

    let text =
        "This is a letter, longer than the header of a database, and nobody wants it to be overwritten.\n";
    std::fs::write(&path, text.repeat(8)).unwrap();
    assert!(matches!(refused(&path), OpenError::NotADatabase { .. }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text.repeat(8));

    let foreign = folder.path().join("foreign.db");
    let database = rusqlite::Connection::open(&foreign).unwrap();
    database.execute_batch("CREATE TABLE letters (text TEXT)").unwrap();
    assert!(matches!(refused(&foreign), OpenError::Foreign { .. }));

    let newer = folder.path().join("newer.db");
    drop(LocalApi::open(&newer, Kinds::standard()).unwrap());
    let database = rusqlite::Connection::open(&newer).unwrap();
    database.pragma_update(None, "user_version", 7).unwrap();
    assert!(matches!(refused(&newer), OpenError::Newer { found: 7, .. }));

    let error = refused(&folder.path().join("absent/api.db"));
    assert!(matches!(error, OpenError::NoFolder { .. }));
    assert!(error.to_string().contains("absent does not exist"), "{error}");

    assert!(matches!(refused(folder.path()), OpenError::Folder { .. }));
}

#[test]
fn an_empty_file_becomes_an_api() {
    let file = tempfile::NamedTempFile::new().unwrap();
    LocalApi::open(file.path(), Kinds::standard()).unwrap();
}

#[test]
fn one_interface_is_served_once() {
    let folder = folder();
    for (one, other) in [(open(&folder), open(&folder)), {
        let api = LocalApi::in_memory(Kinds::standard()).unwrap();
        (api.clone(), api)
    }] {
        let held = one.lock_interface("br0").unwrap();
        let error = other.lock_interface("br0").unwrap_err();
        assert!(matches!(&error, LockError::Held { interface, .. } if interface == "br0"), "{error}");
        let elsewhere = other.lock_interface("br1").unwrap();
        drop((held, elsewhere));
        other.lock_interface("br0").unwrap();
    }
    let held = open(&folder).lock_interface("br0").unwrap();
    let error = open(&folder).lock_interface("br0").unwrap_err();
    assert!(error.to_string().contains(&format!("by process {}", std::process::id())), "{error}");
    drop(held);
    for nonsense in ["", "a/b", "..", "an interface", "much-too-long-for-linux"] {
        assert!(matches!(open(&folder).lock_interface(nonsense), Err(LockError::Name { .. })), "{nonsense}");
    }
}

#[tokio::test]
async fn a_connection_to_a_file_has_the_standard_kinds() {
    let folder = folder();
    let connection = connect(&Target::Local(folder.path().join("api.db"))).await.unwrap();
    assert_eq!(connection.default_namespace, "default");
    assert!(connection.local.is_some());
    let created = pools(&connection.client)
        .create(&kube::api::PostParams::default(), &pool("pool", "lab"))
        .await
        .unwrap();
    assert_eq!(created.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(pools(&connection.client).list(&ListParams::default()).await.unwrap().items, [created]);
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_is_named() {
    let folder = folder();
    let kubeconfig = folder.path().join("kubeconfig");
    let target = Target::Kubernetes { kubeconfig: Some(kubeconfig.clone()), context: Some("lab".to_owned()) };
    let error = connect(&target).await.err().unwrap();
    assert!(matches!(error, ConnectError::Kubeconfig { .. }));
    assert_eq!(error.to_string(), format!("cannot use context \"lab\" of {}", kubeconfig.display()));
}
