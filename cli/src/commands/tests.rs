//! Commands in, text out.

use insta::assert_snapshot;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};

use crate::exit;
use crate::testing::{CLAIM, Lab, POOL};

async fn spec(lab: &Lab, name: &str) -> Value {
    let ran = lab.run(&format!("pool show {name} -o json")).await;
    serde_json::from_str::<Value>(&ran.stdout).unwrap()["spec"].take()
}

#[tokio::test]
async fn a_pool_is_created_listed_shown_changed_and_deleted() {
    let lab = Lab::new();
    assert_snapshot!(
        lab.transcript(&[
            "pool list",
            "pool create lab --network vm-lan --cidr 10.1.0.0/24 --range 10.1.0.10-10.1.0.99 --exclude 10.1.0.50 --router 10.1.0.1 --dns 1.1.1.1,9.9.9.9 --domain-name lab.example --ntp pool.ntp.org --lease-time 1h30m --mtu 1400 --route 10.9.0.0/16=10.1.0.2 --option tftp-server-name=boot.lab",
            "pool create lab --network vm-lan --cidr 10.1.0.0/24",
            "pool create other --network vm-lan --cidr 10.2.0.0/24",
            "pool list",
            "pool list -A -o wide",
            "pool list -o name",
            "pool show lab",
            "pool set lab --add-range 10.1.0.120-10.1.0.129 --add-exclude 10.1.0.60-10.1.0.69 --unset mtu --lease-time 1d",
            "pool set lab --lease-time 86400",
            "pool set lab",
            "pool set lab --remove-exclude 10.1.0.61",
            "pool set lab --router 10.8.0.1",
            "pool pause lab",
            "pool pause lab",
            "pool resume lab",
            "pool show lab -o name",
            "pool delete lab --dry-run",
            "pool delete lab",
            "pool delete lab",
        ])
        .await
    );
}

#[tokio::test]
async fn what_becomes_of_other_dhcp_servers_is_chosen_shown_and_unset() {
    let lab = Lab::new();
    let create = "pool create lab --network vm-lan --cidr 10.1.0.0/24 --foreign-server-policy stand-down";
    assert!(lab.run(create).await.result.is_ok());
    assert_eq!(spec(&lab, "lab").await["ipv4Config"]["foreignServerPolicy"], "StandDown");
    let shown = async || lab.run("pool show lab").await.stdout;
    assert!(shown().await.contains("stands down for them, until its first lease\n"), "{}", shown().await);
    let told = json!({"type": "ForeignDHCPServer", "status": "True", "reason": "StandingDown", "message": "10.1.0.9 answers",
        "lastUpdateTime": "2026-11-26T00:00:00Z"});
    lab.set_status::<IPPool>("lab", json!({"conditions": [told]})).await;
    assert!(lab.run("lease add lab 02:00:00:00:00:01").await.result.is_ok());
    let inspected = lab.run("lease inspect 02:00:00:00:00:01").await.stdout;
    assert!(inspected.contains("the agents stand down: 10.1.0.9 answers"), "{inspected}");
    lab.set_status::<IPPool>("lab", json!({"firstAcknowledged": "2026-11-26T00:00:00Z"})).await;
    assert!(shown().await.contains("until its first lease (2026-11-26T00:00:00Z)"), "{}", shown().await);
    assert!(lab.run("pool set lab --unset foreign-server-policy").await.result.is_ok());
    assert_eq!(spec(&lab, "lab").await["ipv4Config"]["foreignServerPolicy"], Value::Null);
    assert!(!shown().await.contains("Other servers"));
}

#[tokio::test]
async fn a_served_pool_is_shown_with_its_leases() {
    let lab = Lab::served().await;
    assert_snapshot!(
        lab.transcript(&[
            "pool list",
            "pool show net-48",
            "lease list",
            "lease list -o wide",
            "lease list -A",
            "lease list -o name",
            "lease list -o yaml",
            "lease list --pool net-49",
            "lease inspect web",
            "lease inspect 192.168.48.83",
            "lease inspect 02-00-00-00-00-99",
            "lease inspect 192.168.48.84",
            "lease inspect 192.168.48.77",
            "lease inspect 10.0.0.1",
            "lease inspect db",
            "pool set net-48 --router 192.168.48.82",
            "pool delete net-48",
        ])
        .await
    );
}

#[tokio::test]
async fn a_static_lease_comes_and_goes() {
    let lab = Lab::served().await;
    assert_snapshot!(
        lab.transcript(&[
            "lease add net-48 02:00:00:00:00:20 --ip 192.168.48.20 --hostname printer",
            "lease add net-48 02-00-00-00-00-20 --ip 192.168.48.20",
            "lease add net-48 02:00:00:00:00:20 --ip 192.168.48.21",
            "lease add net-48 02:00:00:00:00:21 --ip 192.168.48.20",
            "lease add net-48 02:00:00:00:00:21 --ip 192.168.49.20",
            "lease add net-48 02:00:00:00:00:22 --ip 192.168.48.82",
            "lease add net-49 02:00:00:00:00:21",
            "lease list",
            "lease remove net-48 192.168.48.20",
            "lease remove net-48 192.168.48.20",
            "lease remove net-48 fa:cf:8e:50:82:fc",
            "lease remove net-48 192.168.48.83",
            "lease remove net-48 192.168.48.83 --force",
            "lease remove net-48 192.168.48.83 --force",
        ])
        .await
    );
    let ran = lab.run("pool show net-48 -o json").await;
    let pool: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(pool["metadata"]["annotations"]["network.harvesterhci.io/reuse-addresses"], "192.168.48.83");
}

#[tokio::test]
async fn a_card_without_an_address_is_explained() {
    let lab = Lab::served().await;
    let claims =
        CLAIM.replace("name: web", "name: db").replace("vmName: web", "vmName: db").replace("82:fc", "82:fd")
            + "  - {networkName: elsewhere, macAddress: '02:00:00:00:00:02'}\n";
    assert!(lab.apply(&claims).await.result.is_ok());
    let card = json!({"macAddress": "fa:cf:8e:50:82:fd", "networkName": "default/net-48", "state": "Pending",
        "reason": "PoolExhausted", "message": "no address is left"});
    lab.set_status::<VirtualMachineNetworkConfig>("db", json!({"networkConfigs": [card]})).await;
    assert!(lab.run("pool pause net-48").await.result.is_ok());
    assert_snapshot!(lab.transcript(&["lease list", "lease inspect db", "pool show net-48"]).await);
}

#[tokio::test]
async fn the_same_manifest_twice_changes_nothing_and_a_field_that_goes_is_removed() {
    let lab = Lab::new();
    let both = format!("{POOL}---{CLAIM}");
    assert_snapshot!(lab.apply(&both).await.stdout, @"
    ippool.network.harvesterhci.io/net-48 created
    virtualmachinenetworkconfig.network.harvesterhci.io/web created
    ");
    assert_snapshot!(lab.apply(&both).await.stdout, @"
    ippool.network.harvesterhci.io/net-48 unchanged
    virtualmachinenetworkconfig.network.harvesterhci.io/web unchanged
    ");
    let less = POOL.replace("    dns: [1.1.1.1]\n", "").replace("leaseTime: 300", "leaseTime: 600");
    assert_snapshot!(lab.apply(&less).await.stdout, @"ippool.network.harvesterhci.io/net-48 configured");
    let config = spec(&lab, "net-48").await["ipv4Config"].take();
    assert_eq!((&config["dns"], &config["leaseTime"]), (&Value::Null, &json!(600)));
}

#[tokio::test]
async fn what_a_file_declares_is_deleted_claims_before_their_pool() {
    let lab = Lab::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{POOL}---{CLAIM}")).unwrap();
    let line = |flags: &str| format!("delete -f {} {flags}", file.path().display());
    assert_eq!(exit::number(&lab.run(&line("")).await.result), exit::NOT_FOUND);
    assert!(lab.run(&line("--ignore-not-found")).await.result.is_ok());
    lab.serve().await;
    assert_snapshot!(lab.run(&line("--dry-run")).await.stdout, @"
    virtualmachinenetworkconfig.network.harvesterhci.io/web deleted (server dry run)
    ippool.network.harvesterhci.io/net-48 deleted (dry run)
    ");
    assert_snapshot!(lab.run(&line("--wait")).await.stdout, @"
    virtualmachinenetworkconfig.network.harvesterhci.io/web deleted
    ippool.network.harvesterhci.io/net-48 deleted
    ");
    assert_eq!(lab.run("pool list -o name").await.stdout, "");
}

#[tokio::test]
async fn what_was_chosen_for_an_omitted_field_stays_chosen() {
    let lab = Lab::new();
    let short = POOL.replace("    serverIP: 192.168.48.77\n", "");
    let before = lab.apply(&short).await;
    assert!(before.result.is_ok(), "{}", before.stderr);
    assert_eq!(spec(&lab, "net-48").await["ipv4Config"]["serverIP"], "192.168.48.2");
    // The address that would be chosen now is another one.
    let later =
        short.replace("leaseTime: 300", "leaseTime: 600, reservations: []").replace(", reservations: []", "");
    assert!(lab.apply(&later).await.result.is_ok());
    assert_eq!(spec(&lab, "net-48").await["ipv4Config"]["serverIP"], "192.168.48.2");
}

#[tokio::test]
async fn a_field_of_a_newer_version_survives_every_change() {
    let lab = Lab::served().await;
    let api: Api<kube::api::DynamicObject> = crate::objects::api_in::<IPPool>(&lab.session, "default");
    let future = json!({"spec": {"ipv4Config": {"fromTheFuture": {"a": 1},
        "reservations": [{"macAddress": "02:00:00:00:00:30", "fromTheFuture": true}]}}});
    api.patch("net-48", &PatchParams::default(), &Patch::Merge(future)).await.unwrap();
    for line in [
        "pool set net-48 --lease-time 1h --unset dns",
        "pool pause net-48",
        "lease add net-48 02:00:00:00:00:31 --ip 192.168.48.31",
        "lease remove net-48 02:00:00:00:00:31",
    ] {
        let ran = lab.run(line).await;
        assert!(ran.result.is_ok(), "{line}: {}", ran.stderr);
    }
    let config = spec(&lab, "net-48").await["ipv4Config"].take();
    assert_eq!(config["fromTheFuture"], json!({"a": 1}));
    assert_eq!(config["reservations"], json!([{"macAddress": "02:00:00:00:00:30", "fromTheFuture": true}]));
    let ran = lab.apply(&POOL.replace("leaseTime: 300", "leaseTime: 900")).await;
    assert!(ran.result.is_ok(), "{}", ran.stderr);
    assert_eq!(spec(&lab, "net-48").await["ipv4Config"]["fromTheFuture"], json!({"a": 1}));
}

#[tokio::test]
async fn a_manifest_with_a_version_is_refused_once_the_object_has_changed() {
    let lab = Lab::new();
    assert!(lab.apply(POOL).await.result.is_ok());
    let ran = lab.run("pool show net-48 -o yaml").await;
    assert!(lab.run("pool set net-48 --lease-time 1h").await.result.is_ok());
    let again = lab.apply(&ran.stdout.replace("leaseTime: 300", "leaseTime: 900")).await;
    assert!(again.stderr.contains("has changed since the manifest was read"), "{}", again.stderr);
    assert_eq!(spec(&lab, "net-48").await["ipv4Config"]["leaseTime"], 3_600);
}

#[tokio::test]
async fn on_a_terminal_only_what_is_missing_is_asked_for_each_with_a_default() {
    let (lab, script) = Lab::answering(&["", "10.0.0.0", "10.0.0.0/24", "", "", "", ""]);
    let ran = lab.run("pool create net-10 --dns 9.9.9.9").await;
    assert!(ran.result.is_ok(), "{}", ran.stderr);
    assert_snapshot!(script.asked().join("\n"));
    let config = spec(&lab, "net-10").await;
    assert_eq!(config["ipv4Config"]["leaseTime"], 86_400);
    assert_eq!(config["ipv4Config"]["dns"], json!(["9.9.9.9"]));

    let (lab, script) = Lab::answering(&[]);
    assert!(lab.run("pool create a --network n --cidr 10.0.0.0/24").await.result.is_ok());
    assert_eq!(script.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn on_a_terminal_a_pool_with_addresses_in_use_is_deleted_only_after_a_yes() {
    let (lab, script) = Lab::answering(&["n", "y"]);
    lab.serve().await;
    let claims: Api<VirtualMachineNetworkConfig> = Api::namespaced(lab.session.client.clone(), "default");
    claims.delete("web", &kube::api::DeleteParams::default()).await.unwrap();
    assert!(lab.run("pool delete net-48").await.stderr.contains("nothing was changed"));
    assert_eq!(script.asked(), ["net-48 still has 1 held address and 1 retiring address. Delete it?"]);
    assert!(lab.run("pool delete net-48").await.result.is_ok());
}

#[tokio::test]
async fn waiting_ends_when_the_conditions_hold_and_says_which_do_not_when_it_times_out() {
    let lab = Lab::served().await;
    assert!(lab.run("pool set net-48 --lease-time 1h --wait").await.result.is_ok());
    let ran = lab.run("pool pause net-48 --wait --timeout 0s").await;
    assert_snapshot!(ran.stderr, @"error: timed out after 0 s waiting for ippool.network.harvesterhci.io/net-48 to come into effect; Stopped is False: Serving");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_not_do_it() {
    let lab = Lab::served().await;
    assert_snapshot!(
        lab.transcript(&[
            "pool create b --network b --cidr 10.0.0.0/24 --dry-run",
            "pool set net-48 --lease-time 1h --dry-run",
            "lease add net-48 02:00:00:00:00:20 --dry-run",
            "pool list -o name",
        ])
        .await
    );
    assert_eq!(spec(&lab, "net-48").await["ipv4Config"]["leaseTime"], 300);
}

#[tokio::test]
async fn a_watch_prints_what_is_there_and_then_every_change_under_the_same_titles() {
    let lab = Lab::served().await;
    let pools =
        lab.watch("pool list -w", 3, &["pool create b --network b --cidr 10.0.0.0/24", "pool pause b"]).await;
    let leases = lab
        .watch(
            "lease list -w",
            5,
            &["lease add net-48 02:00:00:00:00:20 --ip 192.168.48.20", "lease remove net-48 192.168.48.20"],
        )
        .await;
    assert_snapshot!(format!("{pools}\n{leases}"));
}
