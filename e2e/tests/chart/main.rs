//! The Helm chart, by helm and kubectl: what it renders, and whether a real API server takes it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that does not hold panics")]

mod cluster;
mod images;
mod names;
mod rights;
mod values;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use vmdhcp_testcluster::{self as testcluster, CHART, RELEASE, RELEASE_NAMESPACE};

/// A file of values beside these tests.
fn values_file(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/chart", name].iter().collect();
    format!("--values={}", path.display())
}

/// What helm renders with those flags: by this name, in this namespace.
struct Rendered(Vec<Value>);

impl Rendered {
    /// The release as the README names it.
    fn new(flags: &[&str]) -> Option<Self> {
        Self::named(RELEASE, flags)
    }

    fn named(release: &str, flags: &[&str]) -> Option<Self> {
        Some(Self(objects(&render(release, flags)?)))
    }

    /// The one object of that kind and name.
    #[track_caller]
    fn get(&self, kind: &str, name: &str) -> &Value {
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        self.0.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name} in {:?}", self.names()))
    }

    /// Kind and name of each object, in alphabetical order.
    fn names(&self) -> Vec<String> {
        let name =
            |object: &Value| format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
        let mut names: Vec<_> = self.0.iter().map(name).collect();
        names.sort();
        names
    }

    /// The manager's Pod.
    #[track_caller]
    fn manager(&self) -> &Value {
        let mut deployments = self.0.iter().filter(|object| object["kind"] == "Deployment");
        let pod = &deployments.next().unwrap()["spec"]["template"];
        assert!(deployments.next().is_none(), "one Deployment");
        pod
    }

    /// The manager's only container.
    #[track_caller]
    fn container(&self) -> &Value {
        let containers = self.manager()["spec"]["containers"].as_array().unwrap();
        let [container] = containers.as_slice() else { panic!("{containers:?}") };
        container
    }

    /// The manager's arguments, in order.
    #[track_caller]
    fn arguments(&self) -> Vec<&str> {
        self.container()["args"].as_array().unwrap().iter().map(text).collect()
    }
}

/// The manifests as helm writes them, or `None` where there is no helm.
fn render(release: &str, flags: &[&str]) -> Option<String> {
    let mut template = testcluster::helm()?;
    template.args(["template", release, CHART, "--namespace", RELEASE_NAMESPACE]).args(flags);
    Some(succeeds(&mut template, ""))
}

/// The objects of a stream of YAML documents.
fn objects(manifests: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(manifests);
    let objects = documents.map(|document| serde::Deserialize::deserialize(document).unwrap());
    objects.filter(|object: &Value| !object.is_null()).collect()
}

/// Runs a command that has to succeed, with that on its standard input, and returns what it prints.
#[track_caller]
fn succeeds(command: &mut Command, input: &str) -> String {
    let (succeeded, said) = run(command, input);
    assert!(succeeded, "{command:?}: {said}");
    said
}

/// Runs a command; both of its outputs.
fn run(command: &mut Command, input: &str) -> (bool, String) {
    // A file, since who writes into a pipe that nobody reads yet would wait.
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, input.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let answer = command.stdin(Stdio::from(file)).output().unwrap();
    let said = [answer.stdout, answer.stderr].concat();
    (answer.status.success(), String::from_utf8(said).unwrap())
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn helm_finds_no_fault_with_it() {
    let Some(mut helm) = testcluster::helm() else { return };
    let said = succeeds(helm.args(["lint", "--strict", CHART]), "");
    assert!(said.contains("0 chart(s) failed"), "{said}");
}

#[test]
fn chart_and_program_have_one_version() {
    let chart = std::fs::read_to_string(Path::new(CHART).join("Chart.yaml")).unwrap();
    let chart: Value = serde_yaml::from_str(&chart).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
