//! The chart on a real API server.

use vmdhcp_testcluster::{self as testcluster, CHART, RELEASE, RELEASE_NAMESPACE, ServiceAccount};

use crate::{render, succeeds, values_file};

#[test]
fn a_real_api_server_takes_all_that_is_rendered() {
    // The namespace, and the kinds, come with the release itself.
    if testcluster::kubeconfig_as(ServiceAccount::Manager).is_none() {
        return;
    }
    for flags in [
        &[][..],
        &[values_file("released-values.yaml").as_str()][..],
        &[values_file("unreleased-values.yaml").as_str()][..],
        &["--include-crds", "--set=replicaCount=2,agent.replicas=2"][..],
    ] {
        let manifests = render("lab", flags).unwrap();
        let objects = crate::objects(&manifests).len();
        let mut kubectl = testcluster::kubectl().unwrap();
        // Unknown and repeated fields are refused.
        let said =
            succeeds(kubectl.args(["apply", "--dry-run=server", "--validate=strict", "-f", "-"]), &manifests);
        assert_eq!(said.lines().filter(|line| line.ends_with("(server dry run)")).count(), objects, "{said}");
        assert!(!said.contains("Warning: would violate"), "{said}");
    }
}

#[test]
fn it_is_installed_upgraded_and_removed_with_the_readmes_command() {
    // The first time.
    if testcluster::kubeconfig_as(ServiceAccount::Manager).is_none() {
        return;
    }
    let helm = |arguments: &[&str]| {
        let mut helm = testcluster::helm().unwrap();
        helm.args(arguments).arg(format!("--namespace={RELEASE_NAMESPACE}"));
        succeeds(&mut helm, "")
    };
    let upgrade = ["upgrade", "--install", RELEASE, CHART, "--create-namespace"];
    let said = helm(&upgrade);
    assert!(said.contains("STATUS: deployed") && said.contains("REVISION: 2"), "{said}");
    let said = helm(&[&upgrade[..], &["--set=replicaCount=2,autoPool=off"]].concat());
    assert!(said.contains("STATUS: deployed") && said.contains("REVISION: 3"), "{said}");
    let mut kubectl = testcluster::kubectl().unwrap();
    kubectl.args(["get", "deployment", RELEASE, "-o", "jsonpath={.spec.replicas}"]);
    assert_eq!(succeeds(kubectl.args(["--namespace", RELEASE_NAMESPACE]), ""), "2");
}

#[test]
fn the_manifests_of_the_readme_apply_as_written() {
    if testcluster::kubeconfig_as(ServiceAccount::Manager).is_none() {
        return;
    }
    for manifest in vmdhcp_e2e::vmdhcp::MANIFESTS {
        let mut kubectl = testcluster::kubectl().unwrap();
        let said = succeeds(kubectl.args(["apply", "-f", "-"]), manifest);
        assert!(said.trim_end().ends_with("created"), "{said}");
    }
    let mut kubectl = testcluster::kubectl().unwrap();
    let table = succeeds(kubectl.args(["get", "ippl,vmnetcfgs"]), "");
    assert!(table.contains("ippool-1") && table.contains("test-vm"), "{table}");
}
