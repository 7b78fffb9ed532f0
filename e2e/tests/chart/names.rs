//! What an upgrade of Harvester's chart finds again: names, selectors, arguments (COMPAT 8).

use serde_json::json;

use crate::{Rendered, values_file};

#[test]
fn objects_have_the_names_of_the_released_chart() {
    let Some(rendered) = Rendered::new(&[]) else { return };
    let names = rendered.names();
    let names: Vec<_> = names.iter().map(|name| name.replace("harvester-vm-dhcp-controller", "F")).collect();
    assert_eq!(
        names,
        [
            "ClusterRole F",
            "ClusterRole F-agent",
            "ClusterRole F-edit",
            "ClusterRole F-view",
            "ClusterRoleBinding F",
            "ClusterRoleBinding F-agent",
            "Deployment F",
            "Role F-agent",
            "Role F-lease-manager",
            "Role F-pod-manager",
            "RoleBinding F-agent",
            "RoleBinding F-manage-leases",
            "RoleBinding F-manage-pods",
            "Service F",
            "ServiceAccount F",
            "ServiceAccount F-agent",
        ]
    );
}

#[test]
fn a_release_of_another_name_is_named_after_itself_and_the_chart() {
    let Some(rendered) = Rendered::named("lab", &[]) else { return };
    let full_name = "lab-harvester-vm-dhcp-controller";
    for kind in ["Deployment", "Service", "ServiceAccount"] {
        rendered.get(kind, full_name);
    }
    rendered.get("ServiceAccount", &format!("{full_name}-agent"));
    // Roles are named after the chart alone.
    rendered.get("ClusterRole", "harvester-vm-dhcp-controller");
}

#[test]
fn selectors_are_those_that_a_deployment_keeps_for_ever() {
    let Some(rendered) = Rendered::named("lab", &[]) else { return };
    let selector = json!({
        "app.kubernetes.io/name": "harvester-vm-dhcp-controller",
        "app.kubernetes.io/instance": "lab",
    });
    let name = "lab-harvester-vm-dhcp-controller";
    assert_eq!(rendered.get("Deployment", name)["spec"]["selector"], json!({ "matchLabels": selector }));
    assert_eq!(rendered.get("Service", name)["spec"]["selector"], selector);
    let labels = &rendered.manager()["metadata"]["labels"];
    for (key, value) in selector.as_object().unwrap() {
        assert_eq!(&labels[key], value);
    }
    assert_eq!(labels["app.kubernetes.io/component"], "controller");
}

#[test]
fn the_manager_is_told_what_the_released_chart_tells_it_and_how_agents_are_deployed() {
    let Some(rendered) = Rendered::named("lab", &[]) else { return };
    let image = format!("vmdhcp:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        rendered.arguments(),
        [
            "manager",
            "--name",
            "lab-harvester-vm-dhcp-controller",
            "--namespace",
            "harvester-system",
            "--image",
            image.as_str(),
            "--service-account-name",
            "lab-harvester-vm-dhcp-controller-agent",
            "--agent-image-pull-policy=IfNotPresent",
            "--agent-replicas=1",
            r#"--agent-resources={"limits":{"memory":"128Mi"},"requests":{"cpu":"10m","memory":"32Mi"}}"#,
            "--auto-pool=annotated",
            "--listen=0.0.0.0:8080",
        ]
    );
    let container = rendered.container();
    assert_eq!(container["name"], "harvester-vm-dhcp-controller");
    assert_eq!(container["image"], image);
    assert!(container.get("command").is_none(), "the image knows its program");
}

#[test]
fn the_program_understands_what_it_is_told() {
    const NOT_REACHED: Option<i32> = Some(6);
    let digest =
        format!("--set=image.repository=registry.lab:5000/team/vmdhcp,image.digest=sha256:{:064}", 0);
    let more = "--set=extraArgs={--no-crds,-v},imagePullSecrets[0].name=key,autoPool=off,agent.replicas=2";
    for flags in [&[][..], &[values_file("released-values.yaml").as_str()], &[digest.as_str()], &[more]] {
        let Some(rendered) = Rendered::new(flags) else { return };
        let mut manager = std::process::Command::new(vmdhcp_e2e::vmdhcp::binary());
        // It gets as far as looking for a cluster.
        manager.args(rendered.arguments()).env_clear().env("HOME", "/nonexistent");
        let output = manager.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), NOT_REACHED, "{flags:?}: {said}");
    }
}

#[test]
fn metrics_and_probes_are_on_one_port_of_that_name() {
    let Some(rendered) = Rendered::new(&[]) else { return };
    let container = rendered.container();
    assert_eq!(container["ports"], json!([{ "name": "metrics", "containerPort": 8080, "protocol": "TCP" }]));
    assert_eq!(container["livenessProbe"]["httpGet"], json!({ "path": "/healthz", "port": "metrics" }));
    assert_eq!(container["readinessProbe"]["httpGet"], json!({ "path": "/readyz", "port": "metrics" }));
    let service = &rendered.get("Service", "harvester-vm-dhcp-controller")["spec"];
    let port = json!([{ "name": "metrics", "port": 8080, "targetPort": "metrics", "protocol": "TCP" }]);
    assert_eq!(service["ports"], port);
    assert_eq!(service["type"], "ClusterIP");
}

#[test]
fn the_manager_has_no_more_of_its_node_than_it_needs() {
    let Some(rendered) = Rendered::new(&[]) else { return };
    let pod = &rendered.manager()["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_ne!(pod["securityContext"]["runAsUser"], 0);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = rendered.container();
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        })
    );
    assert!(container["resources"]["requests"]["memory"].is_string());
    assert!(pod.get("hostNetwork").is_none());
}
