//! What a VM network's metadata says of its pool. Pure: texts in, a specification or what is wrong with it out.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use kube::ResourceExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use vmdhcp_core::NetworkName;
use vmdhcp_core::api::{
    DHCP_ANNOTATION, DHCP_POOL_ANNOTATION, IPPoolSpec, IPv4Config, NETWORK_TYPE_LABEL,
    NetworkAttachmentDefinition, OVERLAY_NETWORK, ROUTE_ANNOTATION, read_strictly,
};
use vmdhcp_core::pool::{PoolErrors, PoolRef};

/// Why a network gets no pool, or why its pool does not follow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("annotation {DHCP_ANNOTATION}: {value:?} is neither true nor false")]
    Wish { value: String },
    #[error("annotation {DHCP_POOL_ANNOTATION}: is not YAML: {error}")]
    Yaml { error: String },
    #[error("annotation {DHCP_POOL_ANNOTATION}: {0}")]
    Fields(String),
    #[error("its IPPool would be wrong: {0}")]
    Pool(PoolErrors),
    #[error(
        "annotation {DHCP_POOL_ANNOTATION}: networkName: {value:?} is another network; leave it out, the pool serves \
         this one"
    )]
    OtherNetwork { value: String },
    #[error(
        "its IPv4 subnet is not known; set ipv4Config.cidr in the annotation {DHCP_POOL_ANNOTATION}, or give the \
         network a route by hand (mode manual)"
    )]
    SubnetUnknown,
    #[error(
        "its subnet {cidr} was learnt from a DHCP server on the network (route mode auto), and two servers on one \
         network contradict each other; switch that one off, and set ipv4Config.cidr in the annotation \
         {DHCP_POOL_ANNOTATION}"
    )]
    ForeignServer { cidr: Ipv4Net },
    #[error(
        "it is an {OVERLAY_NETWORK}: Kube-OVN gives the addresses there; set the DHCP options of its Subnet instead"
    )]
    Overlay,
    #[error("it has the IPPool {pool} already, which was not made with it and is left alone")]
    NetworkTaken { pool: PoolRef },
    #[error(
        "the IPPool {pool} of its name was not made with it and is left alone; rename that one, or let it serve this \
         network"
    )]
    NameTaken { pool: PoolRef },
    #[error("the API does not take its IPPool: {message}")]
    Refused { message: String },
}

impl Fault {
    /// As one word.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Wish { .. }
            | Self::Yaml { .. }
            | Self::Fields(_)
            | Self::Pool(_)
            | Self::OtherNetwork { .. } => "InvalidAnnotation",
            Self::SubnetUnknown => "SubnetUnknown",
            Self::ForeignServer { .. } => "ForeignDHCPServer",
            Self::Overlay => "OverlayNetwork",
            Self::NetworkTaken { .. } | Self::NameTaken { .. } => "PoolOfAUser",
            Self::Refused { .. } => "PoolRefused",
        }
    }
}

/// What a network says of DHCP in its annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Pool,
    NoPool,
    /// It says nothing.
    Silent,
}

fn annotation<'a>(network: &'a NetworkAttachmentDefinition, name: &str) -> Option<&'a str> {
    network.annotations().get(name).map(|text| text.trim())
}

/// Whether a network asks for a pool. A specification of one asks for it too.
pub(super) fn wish(network: &NetworkAttachmentDefinition) -> Result<Wish, Fault> {
    match annotation(network, DHCP_ANNOTATION) {
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Wish::Pool),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Wish::NoPool),
        Some(text) => Err(Fault::Wish { value: text.to_owned() }),
        None if annotation(network, DHCP_POOL_ANNOTATION).is_some() => Ok(Wish::Pool),
        None => Ok(Wish::Silent),
    }
}

/// Name of a network, as its pool names it.
pub(in crate::manager) fn name_of(network: &impl ResourceExt) -> NetworkName {
    NetworkName { namespace: network.namespace().unwrap_or_default(), name: network.name_any() }
}

/// Whether addresses on a network are given by Kube-OVN.
pub(in crate::manager) fn is_overlay(network: &impl ResourceExt) -> bool {
    network.labels().get(NETWORK_TYPE_LABEL).is_some_and(|type_| type_ == OVERLAY_NETWORK)
}

/// What a network's CNI configuration says, of its only plugin or the first that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::manager) struct CniConfiguration {
    /// MTU in bytes. Harvester's network controller keeps it equal to that of the uplink.
    pub(in crate::manager) mtu: Option<i64>,
    /// Whether guests are kept from sending under a MAC that is not theirs; none where that is not to be seen from here.
    pub(in crate::manager) checks_macs: Option<bool>,
}

impl CniConfiguration {
    /// One that cannot be read says nothing.
    pub(in crate::manager) fn of(network: &NetworkAttachmentDefinition) -> Self {
        let Ok(config) = serde_json::from_str::<Value>(&network.spec.config) else { return Self::default() };
        let plugins = config.get("plugins").and_then(Value::as_array).into_iter().flatten();
        let plugins = || [&config].into_iter().chain(plugins.clone());
        let mtu = plugins().find_map(|plugin| plugin.get("mtu")?.as_i64());
        Self {
            mtu: mtu.filter(|mtu| (68..=65535).contains(mtu)),
            checks_macs: plugins().find_map(checks_macs),
        }
    }
}

/// The bridge plugin (`cnv-bridge` is OpenShift's name of it) checks where it is told to. A virtual function checks where its
/// driver is told to, and mostly where it is told nothing.
fn checks_macs(plugin: &Value) -> Option<bool> {
    match plugin.get("type")?.as_str()? {
        "bridge" | "cnv-bridge" => Some(plugin.get("macspoofchk").and_then(Value::as_bool) == Some(true)),
        "sriov" => Some(plugin.get("spoofchk")?.as_str()? == "on"),
        _ => None,
    }
}

/// The route annotation, as the network controller and Harvester's dashboard write it. It writes `<nil>` for what it
/// does not know.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteAnnotation {
    mode: String,
    cidr: String,
    gateway: String,
}

/// Where a network's subnet and gateway are known from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Route {
    cidr: Option<Ipv4Net>,
    gateway: Option<Ipv4Addr>,
    /// It was not written by hand but learnt by DHCP: of another's server, or of ours.
    learnt: bool,
}

/// An annotation that cannot be read tells nothing.
fn route(network: &NetworkAttachmentDefinition) -> Route {
    let text = annotation(network, ROUTE_ANNOTATION).unwrap_or_default();
    let RouteAnnotation { mode, cidr, gateway } = serde_json::from_str(text).unwrap_or_default();
    Route {
        cidr: cidr.trim().parse::<Ipv4Net>().ok().map(|cidr| cidr.trunc()),
        gateway: gateway.trim().parse().ok(),
        learnt: mode.trim().eq_ignore_ascii_case("auto"),
    }
}

/// The specification that a network has for its pool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Specification {
    pub(super) spec: IPPoolSpec,
    /// Fields that the annotation declares.
    pub(super) declared: BTreeSet<Field>,
    /// Fields that the route tells.
    pub(super) told: BTreeSet<Field>,
}

/// A field of a pool's spec that is declared as a whole, for instance `ipv4Config.dns`.
pub(super) type Field = String;

/// Reads what a network says of its pool. `known` is the configuration that its pool has: a subnet that is no longer
/// told stays as it is.
pub(super) fn specification(
    network: &NetworkAttachmentDefinition,
    known: Option<&IPv4Config>,
) -> Result<Specification, Fault> {
    if is_overlay(network) {
        return Err(Fault::Overlay);
    }
    let mut document = document(network)?;
    let name = name_of(network);
    match document.remove("networkName") {
        None => {}
        Some(Value::String(text)) if NetworkName::parse(&text, &name.namespace).as_ref() == Ok(&name) => {}
        Some(other) => {
            let value = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            return Err(Fault::OtherNetwork { value });
        }
    }
    document.entry("ipv4Config").or_insert_with(|| json!({}));
    let declared = fields(&document);
    let mut told = BTreeSet::new();
    let route = route(network);
    let mut config = match document.remove("ipv4Config") {
        Some(Value::Object(config)) => config,
        other => {
            let problem = format!("ipv4Config: {} is not a map of fields", other.unwrap_or_default());
            return Err(Fault::Fields(problem));
        }
    };
    let mut unknown = None;
    if !config.contains_key("cidr") {
        let cidr = match (route.cidr, known) {
            (Some(cidr), _) if !route.learnt => {
                told.insert("ipv4Config.cidr".to_owned());
                cidr.to_string()
            }
            (_, Some(known)) => known.cidr.clone(),
            (learnt, None) => {
                unknown = Some(learnt.map_or(Fault::SubnetUnknown, |cidr| Fault::ForeignServer { cidr }));
                String::new()
            }
        };
        config.insert("cidr".to_owned(), json!(cidr));
    }
    let subnet =
        config.get("cidr").and_then(Value::as_str).and_then(|cidr| cidr.trim().parse::<Ipv4Net>().ok());
    let gateway =
        route.gateway.filter(|gateway| !route.learnt && subnet.is_some_and(|on| on.contains(gateway)));
    if let Some(gateway) = gateway.filter(|_| !config.contains_key("router")) {
        told.insert("ipv4Config.router".to_owned());
        config.insert("router".to_owned(), json!(gateway.to_string()));
    }
    document.insert("ipv4Config".to_owned(), Value::Object(config));
    document.insert("networkName".to_owned(), json!(name.to_string()));
    // A field that does not exist may be the subnet, in the wrong place: that is said first.
    let spec = read_strictly(Value::Object(document)).map_err(|wrong| Fault::Fields(wrong.join("; ")))?;
    if let Some(unknown) = unknown {
        return Err(unknown);
    }
    Ok(Specification { spec, declared, told })
}

/// The annotation's document, without what is there and says nothing.
fn document(network: &NetworkAttachmentDefinition) -> Result<Map<String, Value>, Fault> {
    let text = annotation(network, DHCP_POOL_ANNOTATION).unwrap_or_default();
    // By way of YAML's own values, which refuse a key that is there twice.
    let mut document: serde_yaml::Value =
        serde_yaml::from_str(text).map_err(|error| Fault::Yaml { error: error.to_string() })?;
    document.apply_merge().map_err(|error| Fault::Yaml { error: error.to_string() })?;
    match serde_json::to_value(document).map_err(|error| Fault::Yaml { error: error.to_string() })? {
        Value::Null => Ok(Map::new()),
        mut document @ Value::Object(_) => {
            without_nulls(&mut document);
            Ok(document.as_object().cloned().unwrap_or_default())
        }
        other => Err(Fault::Fields(format!("{other} is not a map of fields; write the spec of an IPPool"))),
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The fields of a specification: what stands in its maps down to `pool`, whose own are declared one by one too.
fn fields(spec: &Map<String, Value>) -> BTreeSet<Field> {
    const MAPS: [&str; 2] = ["ipv4Config", "ipv4Config.pool"];
    fn collect(map: &Map<String, Value>, prefix: &str, fields: &mut BTreeSet<Field>) {
        for (name, value) in map {
            let field = format!("{prefix}{name}");
            match value {
                Value::Object(inner) if MAPS.contains(&field.as_str()) => {
                    collect(inner, &format!("{field}."), fields);
                }
                _ if field == "networkName" => {}
                _ => drop(fields.insert(field)),
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(spec, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(annotations: &[(&str, &str)]) -> NetworkAttachmentDefinition {
        let annotations: serde_json::Map<_, _> =
            annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        serde_json::from_value(json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": { "name": "net-48", "namespace": "lab", "uid": "u", "annotations": annotations },
            "spec": { "config": "{}" },
        }))
        .unwrap()
    }

    fn with_pool(yaml: &str) -> Result<Specification, String> {
        specification(&network(&[(DHCP_POOL_ANNOTATION, yaml)]), None).map_err(|fault| fault.to_string())
    }

    const MANUAL: &str =
        r#"{"mode":"manual","cidr":"192.168.48.0/24","gateway":"192.168.48.1","connectivity":"true"}"#;

    #[test]
    fn a_network_asks_by_either_annotation_and_a_false_counts_more() {
        let wish_of = |annotations: &[(&str, &str)]| wish(&network(annotations));
        assert_eq!(wish_of(&[]), Ok(Wish::Silent));
        assert_eq!(wish_of(&[(DHCP_ANNOTATION, "true")]), Ok(Wish::Pool));
        assert_eq!(wish_of(&[(DHCP_POOL_ANNOTATION, "")]), Ok(Wish::Pool));
        assert_eq!(wish_of(&[(DHCP_POOL_ANNOTATION, ""), (DHCP_ANNOTATION, "False")]), Ok(Wish::NoPool));
        let fault = wish_of(&[(DHCP_ANNOTATION, "yes")]).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "annotation network.harvesterhci.io/dhcp: \"yes\" is neither true nor false"
        );
    }

    #[test]
    fn subnet_and_gateway_come_from_the_route_where_the_annotation_is_silent() {
        let found = specification(&network(&[(ROUTE_ANNOTATION, MANUAL)]), None).unwrap();
        let config = found.spec.ipv4_config.unwrap();
        assert_eq!(
            (config.cidr.as_str(), config.router.as_deref()),
            ("192.168.48.0/24", Some("192.168.48.1"))
        );
        assert_eq!(found.spec.network_name, "lab/net-48");
        assert!(found.declared.is_empty());

        let own = "ipv4Config: {cidr: 10.0.0.0/24, dns: [1.1.1.1]}";
        let annotations = [(ROUTE_ANNOTATION, MANUAL), (DHCP_POOL_ANNOTATION, own)];
        let found = specification(&network(&annotations), None).unwrap();
        let config = found.spec.ipv4_config.unwrap();
        assert_eq!((config.cidr.as_str(), config.router), ("10.0.0.0/24", None), "the gateway is elsewhere");
        assert_eq!(found.declared, BTreeSet::from(["ipv4Config.cidr".into(), "ipv4Config.dns".into()]));

        let own = "ipv4Config: {router: ''}";
        let annotations = [(ROUTE_ANNOTATION, MANUAL), (DHCP_POOL_ANNOTATION, own)];
        let config = specification(&network(&annotations), None).unwrap().spec.ipv4_config.unwrap();
        assert_eq!(config.router.as_deref(), Some(""), "an empty router is declared, as none");
    }

    #[test]
    fn a_route_that_knows_nothing_leaves_the_subnet_unknown_or_as_it_was() {
        for route in [
            r#"{"mode":"auto","cidr":"<nil>","gateway":"<nil>","connectivity":"DHCP failed"}"#,
            r#"{"mode":"manual","cidr":"","gateway":""}"#,
            r#"{"mode":"manual","cidr":"fd00::/64","gateway":"fd00::1"}"#,
            r#"{"cidr":"#,
            "null",
        ] {
            let silent = network(&[(DHCP_ANNOTATION, "true"), (ROUTE_ANNOTATION, route)]);
            assert_eq!(specification(&silent, None), Err(Fault::SubnetUnknown), "{route}");
            let known = IPv4Config { cidr: "10.0.0.0/24".into(), ..IPv4Config::default() };
            let found = specification(&silent, Some(&known)).unwrap();
            assert_eq!(found.spec.ipv4_config.unwrap().cidr, "10.0.0.0/24");
            assert!(found.told.is_empty());
        }
    }

    #[test]
    fn a_subnet_learnt_by_dhcp_makes_no_pool_and_changes_none() {
        let route = MANUAL.replace("manual", "auto");
        let learnt = network(&[(DHCP_ANNOTATION, "true"), (ROUTE_ANNOTATION, &route)]);
        assert!(matches!(specification(&learnt, None), Err(Fault::ForeignServer { .. })));
        let known = IPv4Config { cidr: "10.0.0.0/24".into(), ..IPv4Config::default() };
        let config = specification(&learnt, Some(&known)).unwrap().spec.ipv4_config.unwrap();
        assert_eq!((config.cidr.as_str(), config.router), ("10.0.0.0/24", None));
    }

    #[test]
    fn what_is_wrong_with_the_annotation_is_named_by_its_field() {
        for (yaml, named) in [
            ("ipv4Config: {cidr: 10.0.0.0/24, dnss: [1.1.1.1]}", "ipv4Config.dnss: there is no such field"),
            ("ipv4Config: {cidr: 10.0.0.0/24, leaseTime: long}", "ipv4Config.leaseTime: invalid type"),
            ("cidr: 10.0.0.0/24", "cidr: there is no such field"),
            ("ipv4Config: 10.0.0.0/24", "ipv4Config: \"10.0.0.0/24\" is not a map of fields"),
            (
                "networkName: other\nipv4Config: {cidr: 10.0.0.0/24}",
                "networkName: \"other\" is another network",
            ),
            ("just text", "is not a map of fields"),
            ("a: b: c", "is not YAML"),
            ("ipv4Config: {cidr: 10.0.0.0/24, cidr: 10.0.1.0/24}", "is not YAML"),
        ] {
            let wrong = with_pool(yaml).unwrap_err();
            assert!(wrong.contains(named), "{yaml}: {wrong}");
        }
    }

    fn configuration(config: &str) -> CniConfiguration {
        let mut network = network(&[]);
        network.spec.config = config.to_owned();
        CniConfiguration::of(&network)
    }

    #[test]
    fn a_bridge_checks_macs_where_it_is_told_to_and_of_other_networks_it_is_not_known() {
        for (config, checks) in [
            (r#"{"type":"bridge","bridge":"mgmt-br","vlan":48}"#, Some(false)),
            (r#"{"type":"bridge","macspoofchk":"true"}"#, Some(false)),
            (r#"{"type":"cnv-bridge","macspoofchk":true}"#, Some(true)),
            (r#"{"plugins":[{"type":"bridge","macspoofchk":true},{"type":"tuning"}]}"#, Some(true)),
            (r#"{"plugins":[{"type":"tuning"},{"type":"bridge"}]}"#, Some(false)),
            (r#"{"type":"sriov","spoofchk":"off"}"#, Some(false)),
            (r#"{"type":"sriov"}"#, None),
            (r#"{"type":"kube-ovn"}"#, None),
            ("{", None),
        ] {
            assert_eq!(configuration(config).checks_macs, checks, "{config}");
        }
    }

    #[test]
    fn the_mtu_is_that_of_the_plugin_that_names_one() {
        let mtu_of = |config: &str| configuration(config).mtu;
        let harvester = r#"{"cniVersion":"0.3.1","name":"net-48","type":"bridge","bridge":"mgmt-br","vlan":48,"mtu":9000}"#;
        assert_eq!(mtu_of(harvester), Some(9000));
        assert_eq!(
            mtu_of(r#"{"plugins":[{"type":"bridge","mtu":1450},{"type":"tuning","mtu":1400}]}"#),
            Some(1450)
        );
        for silent in ["", "{}", "[]", r#"{"mtu":"9000"}"#, r#"{"mtu":0}"#, r#"{"mtu":65536}"#] {
            assert_eq!(mtu_of(silent), None, "{silent}");
        }
    }

    #[test]
    fn an_overlay_network_gets_none() {
        let mut overlay = network(&[(DHCP_ANNOTATION, "true"), (ROUTE_ANNOTATION, MANUAL)]);
        overlay.metadata.labels = Some([(NETWORK_TYPE_LABEL.to_owned(), OVERLAY_NETWORK.to_owned())].into());
        assert_eq!(specification(&overlay, None), Err(Fault::Overlay));
    }
}
