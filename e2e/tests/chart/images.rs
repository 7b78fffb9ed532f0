//! Which images are run.

use crate::{Rendered, succeeds, values_file};
use vmdhcp_testcluster::{self as testcluster, CHART};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The manager's and the agents' image.
fn images(flags: &[&str]) -> Option<(String, String)> {
    let rendered = Rendered::new(flags)?;
    let arguments = rendered.arguments();
    let at = arguments.iter().position(|argument| *argument == "--image").unwrap();
    Some((crate::text(&rendered.container()["image"]).to_owned(), arguments[at + 1].to_owned()))
}

#[test]
fn one_image_is_enough() {
    let set =
        format!("--set=image.repository=registry.lab:5000/team/vmdhcp,image.tag=v7,image.digest={DIGEST}");
    for (flags, image) in [
        (&[][..], format!("vmdhcp:{}", env!("CARGO_PKG_VERSION"))),
        (
            &["--set=image.repository=registry.lab:5000/team/vmdhcp"][..],
            format!("registry.lab:5000/team/vmdhcp:{}", env!("CARGO_PKG_VERSION")),
        ),
        (&[set.as_str()][..], format!("registry.lab:5000/team/vmdhcp:v7@{DIGEST}")),
    ] {
        let Some((manager, agent)) = images(flags) else { return };
        assert_eq!(manager, image);
        assert_eq!(agent, image);
    }
}

#[test]
fn an_image_by_digest_needs_no_tag() {
    for set in [
        format!("--set=image.repository=registry.lab:5000/vmdhcp,image.digest={DIGEST}"),
        format!("--set=image.repository=registry.lab:5000/vmdhcp,image.digest=@{DIGEST}"),
        format!("--set=image.repository=registry.lab:5000/vmdhcp@{DIGEST}"),
    ] {
        let Some((manager, agent)) = images(&[&set]) else { return };
        assert_eq!(manager, format!("registry.lab:5000/vmdhcp@{DIGEST}"));
        assert_eq!(agent, manager);
    }
}

#[test]
fn agents_can_have_another_image_or_only_another_tag() {
    let own = ["--set=image.tag=v7,agent.image.repository=registry.lab:5000/agent"];
    let Some((manager, agent)) = images(&own) else { return };
    assert_eq!(manager, "vmdhcp:v7");
    assert_eq!(agent, format!("registry.lab:5000/agent:{}", env!("CARGO_PKG_VERSION")));
    let Some((_, agent)) = images(&["--set=image.tag=v7,agent.image.tag=v8"]) else { return };
    assert_eq!(agent, "vmdhcp:v8");
    let set = format!("--set=image.tag=v7,agent.image.digest={DIGEST}");
    let Some((_, agent)) = images(&[&set]) else { return };
    assert_eq!(agent, format!("vmdhcp@{DIGEST}"));
    // Not a number, whatever it looks like.
    let Some((manager, _)) = images(&["--set-string=image.tag=20261126"]) else { return };
    assert_eq!(manager, "vmdhcp:20261126");
}

#[test]
fn images_that_are_not_the_charts_own_are_warned_of() {
    let notes = |flags: &[&str]| {
        let mut helm = testcluster::helm()?;
        // Under a name that no release has whose roles would be in the way.
        helm.args(["install", "lab", CHART, "--dry-run=client", "--set=nameOverride=notes"]).args(flags);
        Some(succeeds(&mut helm, ""))
    };
    let Some(default) = notes(&[]) else { return };
    assert!(!default.contains("WARNING"), "{default}");
    for (flag, named) in [
        (values_file("released-values.yaml").as_str(), "image (registry.lab:5000/team/vmdhcp:v7)"),
        ("--set=agent.image.tag=v1.6.0", "agent.image (vmdhcp:v1.6.0)"),
        (
            "--set=image.repository=mirror/harvester-vm-dhcp-controller",
            "image (mirror/harvester-vm-dhcp-controller)",
        ),
    ] {
        let said = notes(&[flag]).unwrap();
        assert!(said.contains(&format!("the value {named}")), "{flag}: {said}");
    }
}
