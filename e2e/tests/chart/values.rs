//! What can be set, and what becomes of it.

use serde_json::{Value, json};

use crate::{Rendered, render, text, values_file};

#[test]
fn each_value_of_the_released_chart_has_its_effect() {
    let Some(rendered) = Rendered::new(&[&values_file("released-values.yaml")]) else { return };
    let deployment = rendered.get("Deployment", "lab-dhcp");
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"], "dhcp");

    let template = rendered.manager();
    assert_eq!(template["metadata"]["annotations"], json!({ "pod": "annotated" }));
    assert_eq!(template["metadata"]["labels"]["pod"], "labelled");
    let pod = &template["spec"];
    assert_eq!(pod["serviceAccountName"], "accountant");
    assert_eq!(pod["imagePullSecrets"], json!([{ "name": "registry-key" }, { "name": "other-key" }]));
    assert_eq!(pod["securityContext"]["fsGroup"], 2000);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "what is not said stays");
    assert_eq!(pod["tolerations"], json!([{ "key": "dedicated", "operator": "Exists" }]));
    assert_eq!(pod["nodeSelector"], json!({ "role": "management" }));
    assert!(pod["affinity"]["nodeAffinity"].is_object());
    assert_eq!(pod["volumes"], json!([{ "name": "scratch", "emptyDir": {} }]));

    let container = rendered.container();
    assert_eq!(container["image"], "registry.lab:5000/team/vmdhcp:v7");
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["volumeMounts"], json!([{ "name": "scratch", "mountPath": "/scratch" }]));
    assert_eq!(container["securityContext"]["runAsUser"], 1234);
    assert_eq!(container["resources"]["requests"]["cpu"], "250m");
    assert_eq!(container["ports"][0]["containerPort"], 9090);

    let arguments = rendered.arguments();
    for argument in [
        "registry.lab:5000/team/vmdhcp-agent:v8",
        "accountant-agent",
        "--agent-image-pull-policy=Never",
        "--agent-image-pull-secret=registry-key",
        "--agent-image-pull-secret=other-key",
        "--listen=0.0.0.0:9090",
    ] {
        assert!(arguments.contains(&argument), "{argument} in {arguments:?}");
    }

    let service = &rendered.get("Service", "lab-dhcp")["spec"];
    assert_eq!(service["type"], "NodePort");
    assert_eq!(service["ports"][0]["port"], 9090);
    for account in ["accountant", "accountant-agent"] {
        let account = rendered.get("ServiceAccount", account);
        assert_eq!(account["automountServiceAccountToken"], false);
        assert_eq!(account["metadata"]["annotations"], json!({ "account": "annotated" }));
    }
    for (binding, account) in [("dhcp", "accountant"), ("dhcp-agent", "accountant-agent")] {
        assert_eq!(rendered.get("ClusterRoleBinding", binding)["subjects"][0]["name"], account);
    }
}

#[test]
fn values_of_the_webhook_to_come_are_accepted() {
    let released = [
        "--set=webhook.replicaCount=2,webhook.image.tag=v9,webhook.httpsPort=9443,webhook.service.port=444",
        "--set=serviceCIDR=10.54.0.0/16",
    ];
    assert_eq!(render("lab", &released), render("lab", &[]));
}

#[test]
fn values_that_were_never_released_change_nothing() {
    let unreleased = values_file("unreleased-values.yaml");
    assert_eq!(render("lab", &[&unreleased]), render("lab", &[]));
}

#[test]
fn accounts_that_others_make_are_bound_all_the_same() {
    let own = ["--set=serviceAccount.create=false,serviceAccount.name=theirs"];
    let Some(rendered) = Rendered::new(&own) else { return };
    assert!(!rendered.names().iter().any(|name| name.starts_with("ServiceAccount")));
    assert_eq!(rendered.manager()["spec"]["serviceAccountName"], "theirs");
    let bindings = rendered.0.iter().filter(|object| text(&object["kind"]).ends_with("Binding"));
    let subjects: Vec<_> = bindings.map(|binding| text(&binding["subjects"][0]["name"])).collect();
    assert_eq!(subjects.len(), 5);
    assert!(subjects.iter().all(|subject| ["theirs", "theirs-agent"].contains(subject)), "{subjects:?}");
    let Some(unnamed) = Rendered::new(&["--set=serviceAccount.create=false"]) else { return };
    assert_eq!(unnamed.manager()["spec"]["serviceAccountName"], "default");
}

#[test]
fn several_managers_are_spread_and_one_of_them_stays() {
    let Some(one) = Rendered::new(&[]) else { return };
    assert!(!one.names().iter().any(|name| name.starts_with("PodDisruptionBudget")));
    assert!(one.manager()["spec"].get("topologySpreadConstraints").is_none());
    let Some(several) = Rendered::new(&["--set=replicaCount=2"]) else { return };
    let selector = &several.get("Deployment", "harvester-vm-dhcp-controller")["spec"]["selector"];
    let spread = &several.manager()["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["topologyKey"], "kubernetes.io/hostname");
    assert_eq!(spread["whenUnsatisfiable"], "ScheduleAnyway", "a lone node runs both");
    assert_eq!(&spread["labelSelector"], selector);
    let budget = &several.get("PodDisruptionBudget", "harvester-vm-dhcp-controller")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(&budget["selector"], selector);
}

#[test]
fn more_of_the_manager_can_be_set() {
    let flags = [
        "--set=agent.replicas=2,autoPool=all,agent.resources=null",
        "--set=extraArgs={--no-crds,--log-format=json}",
    ];
    let Some(rendered) = Rendered::new(&flags) else { return };
    let arguments = rendered.arguments();
    assert!(arguments.contains(&"--agent-replicas=2"));
    assert!(arguments.contains(&"--auto-pool=all"));
    assert_eq!(arguments[arguments.len() - 2..], ["--no-crds", "--log-format=json"]);
    assert!(!arguments.iter().any(|argument| argument.starts_with("--agent-resources")), "{arguments:?}");
}

#[test]
fn a_value_that_is_null_leaves_the_default_or_nothing() {
    // As an add-on of Harvester does with values that it is given empty.
    let Some(rendered) = Rendered::new(&["--set=podAnnotations=null,tolerations=null,agent.image.tag=null"])
    else {
        return;
    };
    assert_eq!(rendered.manager()["spec"].get("tolerations"), None::<&Value>);
    let image = format!("vmdhcp:{}", env!("CARGO_PKG_VERSION"));
    assert!(rendered.arguments().contains(&image.as_str()));
}
