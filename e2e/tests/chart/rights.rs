//! What the components, and the users of a namespace, may do. That it is enough is shown where they work
//! (`daemons/tests/manager/service_accounts.rs`).

use serde_json::{Value, json};
use vmdhcp_testcluster::{self as testcluster, ServiceAccount};

use crate::{Rendered, run, succeeds, text};

#[test]
fn no_right_is_given_by_a_wildcard() {
    let Some(rendered) = Rendered::new(&[]) else { return };
    let roles = rendered.0.iter().filter(|object| text(&object["kind"]).ends_with("Role"));
    for rule in roles.flat_map(|role| role["rules"].as_array().unwrap()) {
        for list in ["apiGroups", "resources", "verbs"] {
            let words: Vec<_> = rule[list].as_array().unwrap().iter().map(text).collect();
            assert!(!words.is_empty() && !words.iter().any(|word| word.contains('*')), "{rule}");
        }
    }
}

#[test]
fn agents_have_these_rights_and_no_others() {
    let Some(rendered) = Rendered::new(&[]) else { return };
    let everywhere = json!([
        {
            "apiGroups": ["network.harvesterhci.io"],
            "resources": ["ippools"],
            "verbs": ["get", "list", "watch"],
        },
        { "apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"] },
    ]);
    let beside_them = json!([
        { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "update", "patch"] },
    ]);
    let agent = ServiceAccount::Agent.name();
    let of_agents = |object: &&Value| {
        text(&object["kind"]).ends_with("Binding") && object["subjects"][0]["name"] == agent.as_str()
    };
    let mut rules: Vec<_> = rendered
        .0
        .iter()
        .filter(of_agents)
        .map(|binding| {
            let role = &binding["roleRef"];
            let role = rendered.get(text(&role["kind"]), text(&role["name"]));
            (text(&role["kind"]), &role["metadata"]["namespace"], &role["rules"])
        })
        .collect();
    rules.sort_by_key(|(kind, ..)| *kind);
    let expected =
        [("ClusterRole", &Value::Null, &everywhere), ("Role", &json!("harvester-system"), &beside_them)];
    assert_eq!(rules, expected);
}

#[test]
fn who_may_edit_a_namespace_may_edit_its_pools_and_who_may_view_it_sees_them() {
    if testcluster::kubeconfig_as(ServiceAccount::Manager).is_none() {
        return;
    }
    let kubectl = |arguments: &[&str]| {
        let mut kubectl = testcluster::kubectl().unwrap();
        kubectl.args(arguments);
        kubectl
    };
    for (role, user) in [("view", "vera"), ("edit", "edward"), ("admin", "adam")] {
        let (role_flag, user_flag) = (format!("--clusterrole={role}"), format!("--user={user}"));
        succeeds(&mut kubectl(&["create", "rolebinding", user, &role_flag, &user_flag]), "");
    }
    let may = |user: &str, verb: &str, resource: &str| {
        let resource = format!("{resource}.network.harvesterhci.io");
        run(&mut kubectl(&["auth", "can-i", verb, &resource, "--as", user]), "").0
    };
    // Kubernetes puts its roles together anew in its own time.
    vmdhcp_e2e::until("pools in the role edit", std::time::Duration::from_secs(30), || {
        (may("edward", "create", "ippools") && may("vera", "list", "ippools")).then_some(())
    });
    for resource in ["ippools", "virtualmachinenetworkconfigs"] {
        for (user, reads, writes) in [("vera", true, false), ("edward", true, true), ("adam", true, true)] {
            assert_eq!(may(user, "watch", resource), reads, "{user} {resource}");
            assert_eq!(may(user, "patch", resource), writes, "{user} {resource}");
            assert_eq!(may(user, "delete", resource), writes, "{user} {resource}");
        }
    }
    assert!(!may("vlad", "get", "ippools"), "a stranger");
    // The group is shared: nothing is said about its other kinds.
    assert!(!may("adam", "create", "vlanconfigs"));
}
