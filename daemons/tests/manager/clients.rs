//! What clients are told beside their address: the names of VMs, and the options of their annotations.

use serde_json::json;
use vmdhcp_core::api::{
    DHCP_OPTIONS_PREFIX, IPPool, NetworkAttachmentDefinition, VirtualMachine,
    VirtualMachineNetworkConfig as Claim, condition,
};
use vmdhcp_daemons::cluster::local::{Kinds, LocalApi};
use vmdhcp_daemons::manager::Limits;

use crate::fixtures::{Manager, NAMESPACE, claim, ipv4, pool, pool_condition, seed_pool};
use crate::neighbours::{annotated, network, vm, with_card};
use crate::vms::{MAC, settled, told, web};

const BOOT: &str = r#"[{"name": "bootfile-name", "value": "installer.efi"}, {"code": 26, "value": 1400}]"#;

fn options_of(card: &str) -> String {
    format!("{DHCP_OPTIONS_PREFIX}{card}")
}

async fn with_pool() -> Manager {
    let manager = Manager::start_beside_kubevirt();
    manager.create(&seed_pool()).await;
    manager
}

#[tokio::test]
async fn the_name_of_a_vm_stands_in_the_pool_beside_its_address_and_goes_with_it() {
    let manager = with_pool().await;
    manager.create(&web()).await;
    let address = told(&settled(&manager, "web", &[MAC]).await)[MAC].clone();
    let stored: IPPool = manager.api().get("ippool-1").await.unwrap();
    // In the same write as the address.
    assert_eq!(ipv4(&stored).hostnames, [(address.into(), "web".into())].into());
    manager.delete::<Claim>("web").await;
    manager.delete::<VirtualMachine>("web").await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).hostnames.is_empty()).await;
}

#[tokio::test]
async fn a_reservation_with_a_host_name_needs_no_other_and_a_pool_can_do_without_names() {
    let manager = with_pool().await;
    let reservation = json!([{ "macAddress": MAC, "hostname": "reserved" }]);
    let spec = json!({ "spec": { "ipv4Config": { "reservations": reservation } } });
    manager.patch::<IPPool>("ippool-1", spec).await;
    manager.create(&web()).await;
    manager.create(&with_card(vm("db"), "nic-1", "net-48", "52:54:00:00:00:02")).await;
    settled(&manager, "web", &[MAC]).await;
    settled(&manager, "db", &["52:54:00:00:00:02"]).await;
    let names = |pool: &IPPool| ipv4(pool).hostnames.into_values().collect::<Vec<_>>();
    manager.until("ippool-1", |pool: &IPPool| names(pool) == ["db"]).await;
    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "ipv4Config": { "vmHostnames": false } } })).await;
    manager.until("ippool-1", |pool: &IPPool| names(pool).is_empty()).await;
}

#[tokio::test]
async fn the_options_of_an_annotation_reach_the_pool_change_and_go() {
    let manager = with_pool().await;
    manager.create(&annotated(web(), &options_of("nic-1"), BOOT)).await;
    let address = told(&settled(&manager, "web", &[MAC]).await)[MAC].clone();
    let values = |pool: &IPPool| -> Vec<String> {
        let options = ipv4(pool).client_options.remove(&address).unwrap_or_default();
        options.into_iter().map(|option| option.value).collect()
    };
    manager.until("ippool-1", |pool: &IPPool| values(pool) == ["installer.efi", "1400"]).await;
    let annotation =
        |text: Option<&str>| json!({ "metadata": { "annotations": { options_of("nic-1"): text } } });
    // Block YAML does as well.
    manager.patch::<VirtualMachine>("web", annotation(Some("- code: 67\n  value: rescue.efi\n"))).await;
    manager.until("ippool-1", |pool: &IPPool| values(pool) == ["rescue.efi"]).await;
    manager.patch::<VirtualMachine>("web", annotation(None)).await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).client_options.is_empty()).await;
    assert!(manager.vm_events("web").await.is_empty());
    let claim: Claim = manager.api().get("web").await.unwrap();
    assert_eq!(told(&claim)[MAC], address);
}

#[tokio::test]
async fn a_bad_annotation_is_told_and_costs_neither_the_address_nor_the_options_of_other_cards() {
    for (text, said) in [
        ("[{code: 54, value: 10.0.0.1}]", "option 54 is set by the server itself"),
        ("[{code: 66}]", "missing field `value`"),
        ("[{code: 66, value: a, typ: text}]", "there is no such field"),
        ("{code: 66, value: a}", "expected a sequence"),
        ("[", "is not YAML"),
        ("[{code: 26, value: many}]", "write a number from 0 to 65535"),
    ] {
        let manager = with_pool().await;
        let other = "52:54:00:00:00:02";
        let machine = annotated(with_card(web(), "nic-2", "net-48", other), &options_of("nic-1"), text);
        manager.create(&annotated(machine, &options_of("nic-2"), BOOT)).await;
        let claim = settled(&manager, "web", &[MAC, other]).await;
        let event = manager.vm_event("web", "DHCPOptionsIgnored").await;
        assert!(event.contains(said) && event.contains("nic-1"), "{text}: {event}");
        let address = told(&claim)[other].clone();
        let stored = manager.until("ippool-1", |pool: &IPPool| !ipv4(pool).client_options.is_empty()).await;
        assert_eq!(ipv4(&stored).client_options.into_keys().collect::<Vec<_>>(), [address]);
    }
}

#[tokio::test]
async fn options_that_somebody_writes_into_a_claim_are_checked_and_reach_the_pool() {
    let manager = Manager::start();
    manager.create(&seed_pool()).await;
    let with = |value: &str| {
        let mut claim = claim("web", 1);
        let options = json!([{ "code": 54, "type": "ip", "value": value }, { "code": 67, "value": "x" }]);
        claim.spec.network_configs[0].options = serde_json::from_value(options).unwrap();
        claim
    };
    let refused = manager.api::<Claim>().create(&kube::api::PostParams::default(), &with("10.0.0.1")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("spec.networkConfigs[0].options[0]: option 54 is set by the server"),
        "{refused}"
    );
    let mut good = with("10.0.0.1");
    good.spec.network_configs[0].options.remove(0);
    manager.create(&good).await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).client_options.len() == 1).await;
}

#[tokio::test]
async fn the_mtu_of_the_network_stands_in_the_pool() {
    let manager = Manager::start_beside_kubevirt();
    let mut net = network("net-48", "L2VlanNetwork");
    net.spec.config = r#"{"type":"bridge","bridge":"mgmt-br","vlan":48,"mtu":9000}"#.to_owned();
    manager.create::<NetworkAttachmentDefinition>(&net).await;
    manager.create(&seed_pool()).await;
    manager.until("ippool-1", |pool: &IPPool| ipv4(pool).network_mtu == Some(9000)).await;
}

#[tokio::test]
async fn a_pool_says_whether_guests_of_its_network_can_pretend_to_be_others() {
    let manager = Manager::start_beside_kubevirt();
    let mut net = network("net-48", "L2VlanNetwork");
    net.spec.config = r#"{"type":"bridge","bridge":"mgmt-br","vlan":48}"#.to_owned();
    manager.create::<NetworkAttachmentDefinition>(&net).await;
    manager.create(&seed_pool()).await;
    let spoofing =
        |status: &'static str| move |pool: &IPPool| pool_condition(pool, "MACSpoofing").status == status;
    let pool = manager.until("ippool-1", spoofing("True")).await;
    let told = pool_condition(&pool, "MACSpoofing");
    assert!(told.reason == "MACsNotChecked" && told.message.contains(r#""macspoofchk": true"#), "{told:?}");
    let checks =
        json!({ "spec": { "config": r#"{"type":"bridge","bridge":"mgmt-br","macspoofchk":true}"# } });
    manager.patch::<NetworkAttachmentDefinition>("net-48", checks).await;
    manager.until("ippool-1", spoofing("False")).await;
    let silent = json!({ "spec": { "config": r#"{"type":"kube-ovn"}"# } });
    manager.patch::<NetworkAttachmentDefinition>("net-48", silent).await;
    manager.until("ippool-1", spoofing("Unknown")).await;
    assert!(manager.events_of("ippool-1").await.is_empty(), "it is so on most networks");
}

/// Near the ceiling names give way, and no address has to wait for one.
#[tokio::test(start_paused = true)]
async fn names_are_left_out_before_any_address_has_to_wait() {
    const LARGEST: usize = 12_000;
    let limits = Limits { largest_pool: LARGEST, ..Limits::default() };
    let api = LocalApi::in_memory(Kinds::standard()).unwrap();
    let manager = Manager::start_within(api.client(NAMESPACE), limits);
    manager.create(&pool("10.48.0.0/20", 60)).await;
    let name = |number: u32| format!("a-machine-with-a-long-name-{number:03}");
    for number in 0..60 {
        manager.create(&claim(&name(number), number)).await;
    }
    let all_held = |pool: &IPPool| ipv4(pool).used == 60;
    let stored = manager.until("ippool-1", all_held).await;
    let told = ipv4(&stored).hostnames.len();
    assert!((20..60).contains(&told), "{told}");
    let said = pool_condition(&stored, "HostNamesLeftOut");
    assert!(
        said.status == "True" && said.message.contains(&format!("{} network cards", 60 - told)),
        "{said:?}"
    );
    assert!(condition(&stored.status.unwrap().conditions, "AtSizeLimit").is_none());

    for number in 60..100 {
        manager.create(&claim(&name(number), number)).await;
    }
    let stored = manager.until("ippool-1", |pool: &IPPool| ipv4(pool).used == 100).await;
    assert!(ipv4(&stored).hostnames.len() <= told);
    assert!(manager.events_of("ippool-1").await.is_empty(), "nobody is without an address for it");

    manager.patch::<IPPool>("ippool-1", json!({ "spec": { "ipv4Config": { "vmHostnames": false } } })).await;
    let is_over = |pool: &IPPool| pool_condition(pool, "HostNamesLeftOut").status == "False";
    let stored = manager.until("ippool-1", is_over).await;
    assert!(ipv4(&stored).hostnames.is_empty());
    assert_eq!(ipv4(&stored).used, 100);
}
