//! Who gets which address.

use kube::api::{Api, PostParams};
use serde_json::json;
use vmdhcp_core::api::{IPPool, VirtualMachineNetworkConfig};
use vmdhcp_daemons::cluster::local::{Kind, Kinds, LocalApi};

use crate::fixtures::{
    Manager, claim, claim_of, condition, has_finalizer, ipv4, mac, pool_condition, seed_pool,
};

#[tokio::test]
async fn the_manifests_of_the_older_readme_work_as_written() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    let pool: IPPool =
        manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "CacheReady").status == "True").await;
    let empty = ipv4(&pool);
    assert_eq!((empty.used, empty.available), (0, 8));
    let marks = empty.allocated.iter().map(|(address, mark)| (address.as_str(), mark.as_str()));
    assert_eq!(marks.collect::<Vec<_>>(), [("192.168.48.81", "EXCLUDED"), ("192.168.48.90", "EXCLUDED")]);
    assert!(has_finalizer(&pool));

    let claim: VirtualMachineNetworkConfig = serde_json::from_value(json!({
        "apiVersion": "network.harvesterhci.io/v1alpha1",
        "kind": "VirtualMachineNetworkConfig",
        "metadata": { "name": "test-vm", "namespace": "default", "labels": { "harvesterhci.io/vmName": "test-vm" } },
        "spec": {
            "vmName": "test-vm",
            "networkConfig": [{ "macAddress": "fa:cf:8e:50:82:fc", "networkName": "net-48" }],
        },
    }))
    .unwrap();
    manager.create(&claim).await;
    let addresses = manager.addresses("test-vm").await;
    let last: u8 = addresses[0].strip_prefix("192.168.48.").unwrap().parse().unwrap();
    assert!((82..=89).contains(&last), "{addresses:?}");

    let claim: VirtualMachineNetworkConfig = manager.api().get("test-vm").await.unwrap();
    let status = claim.status.unwrap();
    let of = |type_| condition(&status.conditions, type_);
    assert_eq!(
        (of("Allocated").status.as_str(), of("Disabled").status.as_str(), of("InSynced").status.as_str()),
        ("True", "False", "True")
    );
    assert!(status.conditions.iter().all(|c| !c.reason.is_empty() && !c.last_transition_time.is_empty()));
    assert_eq!(status.network_configs[0].network_name, "default/net-48");
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!((ipv4(&pool).used, ipv4(&pool).available), (1, 7));
    assert_eq!(ipv4(&pool).allocated[addresses[0].as_str()], "fa:cf:8e:50:82:fc");
    assert!(manager.events_of("test-vm").await.is_empty(), "a plain allocation makes no Event");
}

#[tokio::test]
async fn a_claim_that_comes_before_its_pool_waits_with_a_reason_and_is_then_served() {
    let manager = Manager::start();
    manager.create(&claim("early", 1)).await;
    let why = manager.waits_for("early", "NoPool").await;
    assert!(why.contains("default/net-48 has no IPPool"), "{why}");
    manager.create(&seed_pool()).await;
    assert_eq!(manager.addresses("early").await.len(), 1);
}

#[tokio::test]
async fn one_bad_card_does_not_cost_the_others_their_address() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    let mut vm = claim("mixed", 1);
    let mut elsewhere = vm.spec.network_configs[0].clone();
    elsewhere.network_name = "unmanaged".to_owned();
    vm.spec.network_configs.insert(0, elsewhere);
    manager.create(&vm).await;
    manager.waits_for("mixed", "NoPool").await;
    let served = |claim: &VirtualMachineNetworkConfig| {
        claim.status.as_ref().is_some_and(|status| {
            status.network_configs.iter().any(|card| !card.allocated_ip_address.is_empty())
        })
    };
    let vm = manager.until("mixed", served).await;
    assert_eq!(condition(&vm.status.unwrap().conditions, "Allocated").status, "False");
}

#[tokio::test]
async fn the_second_claim_on_a_mac_waits_and_takes_over_when_the_first_is_gone() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("first", 1)).await;
    let address = manager.addresses("first").await;
    manager.create(&claim("second", 1)).await;
    let why = manager.waits_for("second", "DuplicateMAC").await;
    assert!(why.contains("default/first"), "{why}");
    assert_eq!(manager.first_event_of("second").await, "DuplicateMAC");
    manager.delete::<VirtualMachineNetworkConfig>("first").await;
    assert_eq!(manager.addresses("second").await, address, "a MAC takes its address along");
    manager.until_gone::<VirtualMachineNetworkConfig>("first").await;
}

#[tokio::test]
async fn a_declared_address_is_granted_kept_from_others_and_can_be_moved() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("declared", 1, "192.168.48.85")).await;
    assert_eq!(manager.addresses("declared").await, ["192.168.48.85"]);
    let refused = Api::<VirtualMachineNetworkConfig>::namespaced(manager.client.clone(), "default")
        .create(&PostParams::default(), &claim_of("thief", 2, "192.168.48.85"))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("192.168.48.85 is in use by 52:54:00:00:00:01"), "{refused}");
    let mut moved = claim_of("declared", 1, "192.168.48.86");
    moved.metadata = kube::api::ObjectMeta::default();
    manager.patch::<VirtualMachineNetworkConfig>("declared", json!({ "spec": moved.spec })).await;
    manager
        .until("declared", |claim: &VirtualMachineNetworkConfig| {
            claim
                .status
                .as_ref()
                .is_some_and(|status| status.network_configs[0].allocated_ip_address == "192.168.48.86")
        })
        .await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!(ipv4(&pool).retiring["192.168.48.85"].mac_address, mac(&claim("declared", 1)));
}

#[tokio::test]
async fn a_reservation_is_served_without_a_claim_and_its_address_retires_with_it() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    let reservations =
        json!([{ "macAddress": "52:54:00:00:00:09", "ipAddress": "192.168.48.200", "hostname": "printer" }]);
    manager
        .patch::<IPPool>("ippool-1", json!({ "spec": { "ipv4Config": { "reservations": reservations } } }))
        .await;
    let has = |pool: &IPPool| {
        ipv4(pool).allocated.get("192.168.48.200").is_some_and(|mac| mac == "52:54:00:00:00:09")
    };
    manager.until("ippool-1", has).await;
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "ipv4Config": { "reservations": null } } })).await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).retiring.contains_key("192.168.48.200")).await;
}

#[tokio::test]
async fn a_card_that_leaves_the_spec_is_released_and_the_last_one_too() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("shrinking", 1)).await;
    let address = manager.addresses("shrinking").await.remove(0);
    manager
        .patch::<VirtualMachineNetworkConfig>("shrinking", json!({ "spec": { "networkConfigs": null } }))
        .await;
    let retired = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).retiring.contains_key(&address)).await;
    assert_eq!(ipv4(&retired).used, 0);
    manager
        .until("shrinking", |claim: &VirtualMachineNetworkConfig| {
            claim.status.as_ref().is_some_and(|status| status.network_configs.is_empty())
        })
        .await;
}

#[tokio::test]
async fn a_restarted_manager_finds_everything_and_flaps_nothing() {
    let mut manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim("vm", 1)).await;
    let address = manager.addresses("vm").await;
    let before: VirtualMachineNetworkConfig = manager.api().get("vm").await.unwrap();
    let pool_before: IPPool = manager.api().get("ippool-1").await.unwrap();
    manager.stop().await;
    manager.resume();
    manager.create(&claim("next", 2)).await;
    manager.addresses("next").await;
    let after: VirtualMachineNetworkConfig = manager.api().get("vm").await.unwrap();
    assert_eq!(after, before, "a claim that has its address is not written again");
    assert_eq!(manager.addresses("vm").await, address);
    let pool_after: IPPool = manager.api().get("ippool-1").await.unwrap();
    assert_eq!(pool_condition(&pool_after, "CacheReady"), pool_condition(&pool_before, "CacheReady"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_serves_what_was_there_before_it_however_its_first_lists_come_in() {
    for _ in 0..50 {
        let client = LocalApi::in_memory(Kinds::standard()).unwrap().client("default");
        let pools: Api<IPPool> = Api::namespaced(client.clone(), "default");
        pools.create(&PostParams::default(), &seed_pool()).await.unwrap();
        let claims: Api<VirtualMachineNetworkConfig> = Api::namespaced(client.clone(), "default");
        claims.create(&PostParams::default(), &claim("vm", 1)).await.unwrap();
        Manager::start_on(client).addresses("vm").await;
    }
}

#[tokio::test]
async fn an_option_that_cannot_be_served_is_named_in_a_condition_and_costs_only_itself() {
    // Stored before there were rules, as upstream's webhook let it through.
    let kinds = Kinds::standard().with(Kind::typed::<IPPool>());
    let manager = Manager::start_on(LocalApi::in_memory(kinds).unwrap().client("default"));
    let mut stored = seed_pool();
    stored.spec.ipv4_config.as_mut().unwrap().dns = vec!["nonsense".into(), "1.1.1.1".into()];
    manager.create(&stored).await;
    manager.create(&claim("vm", 1)).await;
    manager.addresses("vm").await;
    let pool: IPPool = manager.api().get("ippool-1").await.unwrap();
    let left_out = pool_condition(&pool, "OptionsLeftOut");
    assert_eq!(left_out.status, "True");
    assert!(left_out.message.contains("spec.ipv4Config.dns[0]: \"nonsense\""), "{}", left_out.message);
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "ipv4Config": { "dns": ["1.1.1.1"] } } })).await;
    manager.until("ippool-1", |pool: &IPPool| pool_condition(pool, "OptionsLeftOut").status == "False").await;
}

#[tokio::test]
async fn a_card_that_gets_another_address_is_told_of_in_an_event() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    manager.create(&claim_of("vm-1", 1, "192.168.48.85")).await;
    manager.addresses("vm-1").await;
    let other = json!({ "spec": { "networkConfigs": [{
        "macAddress": "52:54:00:00:00:01", "networkName": "net-48", "ipAddress": "192.168.48.86",
    }] } });
    manager.patch::<VirtualMachineNetworkConfig>("vm-1", other).await;
    assert_eq!(manager.first_event_of("vm-1").await, "AddressChanged");
    assert_eq!(manager.addresses("vm-1").await, ["192.168.48.86"]);
}
