//! A pool that is made with its VM network: it comes, follows and goes with the network, and VMs and users lose nothing.

use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use vmdhcp_core::api::{
    DECLARED_FIELDS_ANNOTATION, DHCP_ANNOTATION, DHCP_POOL_ANNOTATION, IPPool, IPv4Config, MADE_FROM_LABEL,
    NETWORK_TYPE_LABEL, NetworkAttachmentDefinition, OVERLAY_NETWORK, ROUTE_ANNOTATION,
    VirtualMachineNetworkConfig,
};
use vmdhcp_daemons::cluster::local::LocalApi;
use vmdhcp_daemons::manager::{AutoPool, Limits};

use crate::fixtures::{Manager, NAMESPACE, claim, claim_of, pool, pool_condition};
use crate::neighbours::kinds;

const NETWORK: &str = "NetworkAttachmentDefinition";
const POOL: &str = "IPPool";
const ROUTE: &str = r#"{"mode":"manual","serverIPAddr":"","cidr":"192.168.48.0/24","gateway":"192.168.48.1","connectivity":"true"}"#;

fn start(auto_pool: AutoPool) -> Manager {
    let api = LocalApi::in_memory(kinds()).unwrap();
    Manager::start_in(NAMESPACE, api.client(NAMESPACE), Limits::default(), auto_pool)
}

fn annotated() -> Manager {
    start(AutoPool::Annotated)
}

/// A VM network with annotations.
fn network(name: &str, annotations: &[(&str, &str)]) -> NetworkAttachmentDefinition {
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    serde_json::from_value(json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": { "name": name, "annotations": annotations },
        "spec": { "config": format!(r#"{{"cniVersion":"0.3.1","type":"bridge","name":"{name}"}}"#) },
    }))
    .unwrap()
}

/// One that asks for a pool, with a route.
fn asking(name: &str) -> NetworkAttachmentDefinition {
    network(name, &[(DHCP_ANNOTATION, "true"), (ROUTE_ANNOTATION, ROUTE)])
}

/// One that has a specification of its pool.
fn specified(name: &str, yaml: &str) -> NetworkAttachmentDefinition {
    network(name, &[(DHCP_POOL_ANNOTATION, yaml)])
}

fn config(pool: &IPPool) -> IPv4Config {
    pool.spec.ipv4_config.clone().unwrap()
}

fn is_there(_: &IPPool) -> bool {
    true
}

fn is_in_step(pool: &IPPool) -> bool {
    pool_condition(pool, "OutOfStep").status != "True"
}

fn is_out_of_step(pool: &IPPool) -> bool {
    pool_condition(pool, "OutOfStep").status == "True"
}

async fn annotate(manager: &Manager, name: &str, annotations: Value) {
    let patch = json!({ "metadata": { "annotations": annotations } });
    manager.patch::<NetworkAttachmentDefinition>(name, patch).await;
}

/// Has the manager look at everything that was sent to it so far: it makes the pool of a network that comes later.
async fn settle(manager: &Manager) {
    manager.create(&specified("later", "ipv4Config: {cidr: 10.99.0.0/24}")).await;
    manager.until("later", is_there).await;
    manager.delete::<NetworkAttachmentDefinition>("later").await;
    manager.until_gone::<IPPool>("later").await;
}

/// A pool of the user's own, beside all that happens.
async fn own_pool(manager: &Manager) -> IPPool {
    manager.create(&network("net-own", &[])).await;
    let mut own = pool("10.50.0.0/24", 60);
    own.spec.network_name = "net-own".into();
    own.metadata.name = Some("own".into());
    manager.create(&own).await;
    manager.until("own", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await
}

async fn is_untouched(manager: &Manager, before: &IPPool) {
    let now: IPPool = manager.api().get(&before.name_any()).await.unwrap();
    assert_eq!((&now.spec, now.uid(), now.labels()), (&before.spec, before.uid(), before.labels()));
    assert!(now.metadata.deletion_timestamp.is_none());
}

#[tokio::test]
async fn a_network_that_asks_has_a_pool_from_its_route_its_vm_an_address_and_the_pool_goes_after_the_last_vm()
{
    let manager = annotated();
    let own = own_pool(&manager).await;
    let net = manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    assert_eq!(made.labels().get(MADE_FROM_LABEL), net.uid().as_ref());
    assert_eq!(made.owner_references(), []);
    let spec = config(&made);
    assert_eq!((spec.cidr.as_str(), spec.router.as_deref()), ("192.168.48.0/24", Some("192.168.48.1")));
    assert_eq!(
        (spec.server_ip.as_deref(), spec.pool.start.as_deref(), spec.pool.end.as_deref()),
        (Some("192.168.48.2"), Some("192.168.48.1"), Some("192.168.48.254"))
    );

    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    let kept = |pool: &IPPool| pool_condition(pool, "KeptForVMs").status == "True";
    let pool: IPPool = manager.until("net-48", kept).await;
    let condition = pool_condition(&pool, "KeptForVMs");
    assert_eq!(condition.reason, "NetworkDeleted");
    assert!(condition.message.contains("/vm)"), "{condition:?}");
    assert!(pool.metadata.deletion_timestamp.is_none(), "it serves on");
    assert_eq!(manager.addresses("vm").await, address);
    manager.event_on(POOL, "net-48", "NetworkDeleted").await;

    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<IPPool>("net-48").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    is_untouched(&manager, &own).await;
}

#[tokio::test]
async fn a_pool_that_nobody_uses_goes_with_its_network_at_once() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    manager.until("net-48", is_there).await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    manager.until_gone::<IPPool>("net-48").await;
}

#[tokio::test]
async fn a_network_that_no_longer_asks_has_no_pool_once_no_vm_uses_it() {
    let manager = annotated();
    for no_more in [json!({ DHCP_ANNOTATION: null }), json!({ DHCP_ANNOTATION: "false" })] {
        manager.create(&asking("net-48")).await;
        manager.until("net-48", is_there).await;
        manager.create(&claim("vm", 1)).await;
        manager.addresses("vm").await;
        annotate(&manager, "net-48", no_more).await;
        let kept = |pool: &IPPool| pool_condition(pool, "KeptForVMs").reason == "NotAskedFor";
        manager.until("net-48", kept).await;
        manager.event_on(NETWORK, "net-48", "PoolKept").await;
        manager.delete::<VirtualMachineNetworkConfig>("vm").await;
        manager.until_gone::<IPPool>("net-48").await;
        manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    }
}

#[tokio::test]
async fn a_pool_that_was_to_go_stays_when_its_network_asks_again() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    annotate(&manager, "net-48", json!({ DHCP_ANNOTATION: "false" })).await;
    manager.until("net-48", |pool: &IPPool| pool_condition(pool, "KeptForVMs").status == "True").await;
    annotate(&manager, "net-48", json!({ DHCP_ANNOTATION: "true" })).await;
    let pool =
        manager.until("net-48", |pool: &IPPool| pool_condition(pool, "KeptForVMs").status == "False").await;
    assert_eq!(pool_condition(&pool, "KeptForVMs").reason, "Wanted");
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    settle(&manager).await;
    manager.create(&claim("vm", 1)).await;
    assert_eq!(manager.addresses("vm").await, address);
}

#[tokio::test]
async fn a_network_made_anew_finds_its_pool_with_all_addresses() {
    let manager = annotated();
    let first = manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    manager.until("net-48", |pool: &IPPool| pool_condition(pool, "KeptForVMs").status == "True").await;
    let second = manager.create(&asking("net-48")).await;
    assert_ne!(first.uid(), second.uid());
    let adopted = |pool: &IPPool| pool.labels().get(MADE_FROM_LABEL) == second.uid().as_ref();
    let pool: IPPool = manager.until("net-48", adopted).await;
    assert_eq!(pool.uid(), made.uid());
    manager.until("net-48", |pool: &IPPool| pool_condition(pool, "KeptForVMs").status == "False").await;
    assert_eq!(manager.addresses("vm").await, address);
}

#[tokio::test]
async fn a_deletion_that_nobody_saw_is_found_at_the_next_start() {
    let mut manager = annotated();
    manager.create(&asking("net-48")).await;
    manager.until("net-48", is_there).await;
    manager.create(&specified("net-49", "ipv4Config: {cidr: 10.1.0.0/24}")).await;
    manager.until("net-49", is_there).await;
    manager.stop().await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    manager.resume();
    manager.until_gone::<IPPool>("net-48").await;
    manager.until("net-49", is_there).await;
}

#[tokio::test]
async fn an_annotation_with_an_unknown_field_or_a_bad_value_makes_nothing_and_is_told_once() {
    let manager = annotated();
    for (number, (yaml, named)) in [
        ("ipv4Config: {cidr: 10.2.0.0/24, dnss: [1.1.1.1]}", "ipv4Config.dnss"),
        ("ipv4Config: {cidr: 10.2.0.0/24, dns: [one]}", "spec.ipv4Config.dns[0]"),
        ("ipv4Config: {cidr: 10.2.0.0/31}", "spec.ipv4Config.cidr"),
        ("ipv4Config: {cidr: 10.2.0.0/24, leaseTime: long}", "ipv4Config.leaseTime"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("bad-{number}");
        manager.create(&specified(&name, yaml)).await;
        let told = manager.event_on(NETWORK, &name, "InvalidAnnotation").await;
        assert!(told.contains(named), "{told}");
        // It is looked at again, and nothing has changed.
        manager
            .patch::<NetworkAttachmentDefinition>(&name, json!({ "metadata": { "labels": { "a": "b" } } }))
            .await;
        settle(&manager).await;
        assert_eq!(manager.events_on(NETWORK, &name).await.len(), 1);
        assert!(manager.api::<IPPool>().get_opt(&name).await.unwrap().is_none());
        annotate(&manager, &name, json!({ DHCP_POOL_ANNOTATION: "ipv4Config: {cidr: 10.2.0.0/24}" })).await;
        manager.until(&name, is_there).await;
        manager.delete::<NetworkAttachmentDefinition>(&name).await;
        manager.until_gone::<IPPool>(&name).await;
    }
}

#[tokio::test]
async fn an_annotation_that_becomes_wrong_leaves_the_pool_as_it_is() {
    let manager = annotated();
    manager.create(&specified("net-48", "ipv4Config: {cidr: 10.0.0.0/24, dns: [1.1.1.1]}")).await;
    let before: IPPool = manager.until("net-48", is_there).await;
    for wrong in
        ["ipv4Config: {cidr: 10.0.0.0/24, dnss: [9.9.9.9]}", "ipv4Config: {cidr: 10.0.0.0/24, dns: [nine]}"]
    {
        annotate(&manager, "net-48", json!({ DHCP_POOL_ANNOTATION: wrong })).await;
        let pool = manager.until("net-48", is_out_of_step).await;
        assert_eq!(
            (pool_condition(&pool, "OutOfStep").reason.as_str(), &pool.spec),
            ("InvalidAnnotation", &before.spec)
        );
        manager.event_on(NETWORK, "net-48", "InvalidAnnotation").await;
        manager.event_on(POOL, "net-48", "InvalidAnnotation").await;
        let mended = "ipv4Config: {cidr: 10.0.0.0/24, dns: [1.1.1.1]}";
        annotate(&manager, "net-48", json!({ DHCP_POOL_ANNOTATION: mended })).await;
        manager.until("net-48", is_in_step).await;
    }
}

#[tokio::test]
async fn a_pool_follows_what_its_network_declares_and_keeps_what_a_user_has_added() {
    let manager = annotated();
    let declare =
        async |yaml: &str| annotate(&manager, "net-60", json!({ DHCP_POOL_ANNOTATION: yaml })).await;
    manager
        .create(&specified("net-60", "ipv4Config: {cidr: 10.60.0.0/24, dns: [1.1.1.1], leaseTime: 60}"))
        .await;
    let made: IPPool = manager.until("net-60", is_there).await;
    assert_eq!(
        made.annotations()[DECLARED_FIELDS_ANNOTATION],
        "ipv4Config.cidr,ipv4Config.dns,ipv4Config.leaseTime"
    );
    // A user adds a field of his own, and changes one of the network's.
    let edit = json!({ "spec": { "ipv4Config": { "domainName": "lab.example", "leaseTime": 90 } } });
    manager.patch::<IPPool>("net-60", edit).await;
    let pool = manager.until("net-60", |pool: &IPPool| config(pool).lease_time == Some(60)).await;
    assert_eq!(config(&pool).domain_name.as_deref(), Some("lab.example"));
    declare("ipv4Config: {cidr: 10.60.0.0/24, dns: [9.9.9.9], pool: {exclude: [10.60.0.9]}}").await;
    let pool = manager.until("net-60", |pool: &IPPool| config(pool).dns == ["9.9.9.9"]).await;
    assert_eq!(config(&pool).pool.exclude, ["10.60.0.9"]);
    assert_eq!(config(&pool).lease_time, None, "what is no longer declared is gone");
    assert_eq!(config(&pool).domain_name.as_deref(), Some("lab.example"));
    declare("ipv4Config: {cidr: 10.60.0.0/24}").await;
    let pool = manager.until("net-60", |pool: &IPPool| config(pool).dns.is_empty()).await;
    assert_eq!(config(&pool).pool.exclude, [""; 0]);
    assert_eq!(pool.uid(), made.uid());
    manager.delete::<NetworkAttachmentDefinition>("net-60").await;
    manager.until_gone::<IPPool>("net-60").await;
}

#[tokio::test]
async fn a_change_that_would_cut_an_address_off_is_held_back_and_the_rest_is_done() {
    let manager = annotated();
    let declare =
        async |yaml: &str| annotate(&manager, "net-48", json!({ DHCP_POOL_ANNOTATION: yaml })).await;
    manager
        .create(&specified(
            "net-48",
            "ipv4Config: {cidr: 10.0.0.0/24, pool: {start: 10.0.0.10, end: 10.0.0.20}}",
        ))
        .await;
    manager.until("net-48", is_there).await;
    manager.create(&claim_of("vm", 1, "10.0.0.15")).await;
    manager.addresses("vm").await;
    let moved = "ipv4Config: {cidr: 10.0.0.0/24, dns: [9.9.9.9], pool: {start: 10.0.0.30, end: 10.0.0.40}}";
    declare(moved).await;
    let pool = manager.until("net-48", is_out_of_step).await;
    let condition = pool_condition(&pool, "OutOfStep");
    assert_eq!(condition.reason, "ChangeHeldBack");
    assert!(condition.message.contains("10.0.0.15 is in use by 52:54:00:00:00:01"), "{condition:?}");
    let spec = config(&pool);
    assert_eq!(spec.dns, ["9.9.9.9"]);
    assert_eq!(
        (spec.pool.start.as_deref(), spec.pool.end.as_deref()),
        (Some("10.0.0.10"), Some("10.0.0.40"))
    );
    for kind in [NETWORK, POOL] {
        let told = manager.event_on(kind, "net-48", "ChangeHeldBack").await;
        assert!(told.contains("release it first"), "{told}");
    }
    assert_eq!(manager.addresses("vm").await, ["10.0.0.15"]);
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    let pool = manager
        .until("net-48", |pool: &IPPool| config(pool).pool.start.as_deref() == Some("10.0.0.30"))
        .await;
    assert_eq!(config(&pool).pool.end.as_deref(), Some("10.0.0.40"));
    manager.until("net-48", is_in_step).await;
}

#[tokio::test]
async fn a_pool_gets_the_other_subnet_of_its_network_when_no_vm_uses_it() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    let move_to = async |cidr: &str, gateway: &str| {
        let route = ROUTE.replace("192.168.48.0/24", cidr).replace("192.168.48.1", gateway);
        annotate(&manager, "net-48", json!({ ROUTE_ANNOTATION: route })).await;
    };
    let is_on = |cidr: &'static str| move |pool: &IPPool| config(pool).cidr == cidr;
    move_to("192.168.50.0/24", "192.168.50.1").await;
    let anew: IPPool = manager.until("net-48", is_on("192.168.50.0/24")).await;
    assert_ne!(anew.uid(), made.uid());
    assert_eq!(config(&anew).router.as_deref(), Some("192.168.50.1"));
    manager.event_on(NETWORK, "net-48", "PoolReplaced").await;

    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    move_to("192.168.60.0/24", "192.168.60.1").await;
    let pool: IPPool = manager.until("net-48", is_out_of_step).await;
    assert_eq!(
        (pool.uid(), pool_condition(&pool, "OutOfStep").reason.as_str()),
        (anew.uid(), "SubnetChanged")
    );
    assert!(pool_condition(&pool, "OutOfStep").message.contains("default/vm"));
    assert_eq!(config(&pool).router.as_deref(), Some("192.168.50.1"), "the new gateway is of no use yet");
    assert_eq!(manager.addresses("vm").await, address);
    manager.event_on(NETWORK, "net-48", "SubnetChanged").await;
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until("net-48", is_on("192.168.60.0/24")).await;
}

#[tokio::test]
async fn a_pool_waits_with_an_overlapping_subnet_until_the_last_lease_is_over() {
    let manager = annotated();
    let declare = async |cidr: &str| {
        let yaml = format!("ipv4Config: {{cidr: {cidr}, leaseTime: 60}}");
        annotate(&manager, "net-48", json!({ DHCP_POOL_ANNOTATION: yaml })).await;
    };
    manager.create(&specified("net-48", "ipv4Config: {cidr: 10.0.0.0/24, leaseTime: 60}")).await;
    manager.until("net-48", is_there).await;
    manager.create(&claim("vm", 1)).await;
    manager.addresses("vm").await;
    manager.delete::<VirtualMachineNetworkConfig>("vm").await;
    manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
    declare("10.0.0.0/16").await;
    let pool = manager.until("net-48", is_out_of_step).await;
    assert_eq!(
        (config(&pool).cidr.as_str(), pool_condition(&pool, "OutOfStep").reason.as_str()),
        ("10.0.0.0/24", "SubnetChanged")
    );
    // Whoever knows that nothing of it is in use deletes the pool, and has the new one at once.
    manager.api::<IPPool>().delete("net-48", &DeleteParams::default()).await.unwrap();
    manager.until("net-48", |pool: &IPPool| config(pool).cidr == "10.0.0.0/16").await;
}

#[tokio::test]
async fn a_pool_that_a_user_made_is_never_touched_and_the_network_says_so() {
    let manager = annotated();
    let mut theirs = pool("10.70.0.0/24", 60);
    theirs.metadata.name = Some("net-70".into());
    theirs.spec.network_name = "net-71".into();
    let theirs: IPPool = manager.create(&theirs).await;
    // Of its name, but on another network; and of another name, on it.
    for name in ["net-70", "net-71"] {
        manager.create(&specified(name, "ipv4Config: {cidr: 10.71.0.0/24, dns: [9.9.9.9]}")).await;
        let told = manager.event_on(NETWORK, name, "PoolOfAUser").await;
        assert!(told.contains("/net-70") && told.contains("left alone"), "{told}");
        annotate(&manager, name, json!({ DHCP_ANNOTATION: "false" })).await;
        manager.delete::<NetworkAttachmentDefinition>(name).await;
    }
    settle(&manager).await;
    is_untouched(&manager, &theirs).await;
    assert!(manager.api::<IPPool>().get_opt("net-71").await.unwrap().is_none());
    // When the user has no use for his own any more, the network gets one.
    manager.create(&specified("net-71", "ipv4Config: {cidr: 10.71.0.0/24}")).await;
    manager.event_on(NETWORK, "net-71", "PoolOfAUser").await;
    manager.delete::<IPPool>("net-70").await;
    manager.until("net-71", is_there).await;
    manager.delete::<NetworkAttachmentDefinition>("net-71").await;
    manager.until_gone::<IPPool>("net-71").await;
}

#[tokio::test]
async fn a_pool_whose_mark_is_removed_is_the_users_own() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    manager.until("net-48", is_there).await;
    manager.patch::<IPPool>("net-48", json!({ "metadata": { "labels": { MADE_FROM_LABEL: null } } })).await;
    settle(&manager).await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    settle(&manager).await;
    let kept: IPPool = manager.api().get("net-48").await.unwrap();
    assert!(kept.metadata.deletion_timestamp.is_none());
}

#[tokio::test]
async fn a_copy_of_a_made_pool_under_another_name_is_the_users_own() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    let mut copy = IPPool::new("copy", made.spec.clone());
    copy.spec.network_name = "net-52".into();
    copy.metadata.labels = made.metadata.labels.clone();
    let copy: IPPool = manager.create(&copy).await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    manager.until_gone::<IPPool>("net-48").await;
    settle(&manager).await;
    is_untouched(&manager, &copy).await;
}

#[tokio::test]
async fn a_made_pool_that_somebody_deletes_is_made_anew() {
    let manager = annotated();
    manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    manager.delete::<IPPool>("net-48").await;
    manager.until("net-48", |pool: &IPPool| pool.uid() != made.uid()).await;
}

#[tokio::test]
async fn with_all_every_network_of_which_a_subnet_is_known_has_a_pool_but_those_that_say_false() {
    let manager = start(AutoPool::All);
    let overlay = |mut network: NetworkAttachmentDefinition| {
        network.metadata.labels = Some([(NETWORK_TYPE_LABEL.to_owned(), OVERLAY_NETWORK.to_owned())].into());
        network
    };
    let route = |cidr: &str| ROUTE.replace("192.168.48.0/24", cidr).replace("192.168.48.1", "<nil>");
    for network in [
        network("unknown", &[]),
        network("unreadable", &[(ROUTE_ANNOTATION, "{")]),
        network("nil", &[(ROUTE_ANNOTATION, &route("<nil>"))]),
        network("refused", &[(ROUTE_ANNOTATION, &route("10.4.0.0/24")), (DHCP_ANNOTATION, "false")]),
        network("learnt", &[(ROUTE_ANNOTATION, &route("10.5.0.0/24").replace("manual", "auto"))]),
        overlay(network("overlay", &[(ROUTE_ANNOTATION, &route("10.6.0.0/24"))])),
    ] {
        manager.create(&network).await;
    }
    manager.create(&network("known", &[(ROUTE_ANNOTATION, &route("10.7.0.0/24"))])).await;
    let made: IPPool = manager.until("known", is_there).await;
    assert_eq!((config(&made).cidr.as_str(), config(&made).router), ("10.7.0.0/24", None));
    settle(&manager).await;
    let pools = manager.api::<IPPool>().list(&ListParams::default()).await.unwrap();
    assert_eq!(pools.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["known"]);
    // A route that falls silent takes nothing away; a no does.
    annotate(&manager, "known", json!({ ROUTE_ANNOTATION: route("<nil>") })).await;
    settle(&manager).await;
    let still: IPPool = manager.api().get("known").await.unwrap();
    assert_eq!(still.uid(), made.uid());
    annotate(&manager, "known", json!({ DHCP_ANNOTATION: "false" })).await;
    manager.until_gone::<IPPool>("known").await;
    for silent in ["unknown", "nil", "learnt", "overlay"] {
        assert_eq!(manager.events_on(NETWORK, silent).await, [], "nobody has asked");
    }
}

#[tokio::test]
async fn with_off_no_pool_is_made_and_those_that_are_there_stay() {
    let api = LocalApi::in_memory(kinds()).unwrap();
    let mut manager =
        Manager::start_in(NAMESPACE, api.client(NAMESPACE), Limits::default(), AutoPool::Annotated);
    manager.create(&asking("net-48")).await;
    let made: IPPool = manager.until("net-48", is_there).await;
    manager.stop().await;
    let manager = Manager::start_in(NAMESPACE, api.client(NAMESPACE), Limits::default(), AutoPool::Off);
    manager.create(&specified("net-50", "ipv4Config: {cidr: 10.0.0.0/24}")).await;
    manager.delete::<NetworkAttachmentDefinition>("net-48").await;
    // The manager is at work: it serves a pool of the user's.
    own_pool(&manager).await;
    assert!(manager.api::<IPPool>().get_opt("net-50").await.unwrap().is_none());
    is_untouched(&manager, &made).await;
}

#[tokio::test]
async fn a_network_that_cannot_have_the_pool_it_asks_for_is_told_why() {
    let manager = annotated();
    let ask = |name, route: Option<&str>| {
        let mut annotations = vec![(DHCP_ANNOTATION, "true")];
        annotations.extend(route.map(|route| (ROUTE_ANNOTATION, route)));
        network(name, &annotations)
    };
    let mut overlay = asking("overlay");
    overlay.metadata.labels = Some([(NETWORK_TYPE_LABEL.to_owned(), OVERLAY_NETWORK.to_owned())].into());
    let learnt = ROUTE.replace("manual", "auto");
    for (network, reason, words) in [
        (overlay, "OverlayNetwork", "Kube-OVN"),
        (ask("unknown", None), "SubnetUnknown", "ipv4Config.cidr"),
        (ask("learnt", Some(&learnt)), "ForeignDHCPServer", "192.168.48.0/24"),
        (network("maybe", &[(DHCP_ANNOTATION, "maybe")]), "InvalidAnnotation", "\"maybe\""),
    ] {
        let name = network.name_any();
        manager.create(&network).await;
        let told = manager.event_on(NETWORK, &name, reason).await;
        assert!(told.contains(words), "{told}");
        assert!(manager.api::<IPPool>().get_opt(&name).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_network_and_its_vm_deleted_in_a_row_without_waiting_leave_nothing() {
    let manager = annotated();
    for _ in 0..5 {
        manager.create(&asking("net-48")).await;
        manager.create(&claim("vm", 1)).await;
        manager.addresses("vm").await;
        manager.delete::<VirtualMachineNetworkConfig>("vm").await;
        manager.delete::<NetworkAttachmentDefinition>("net-48").await;
        manager.until_gone::<VirtualMachineNetworkConfig>("vm").await;
        manager.until_gone::<IPPool>("net-48").await;
    }
}
