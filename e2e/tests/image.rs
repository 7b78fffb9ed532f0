//! The image: one program under its names, and nothing else. Of a stand-in for the binary, which is not built for this.
#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use vmdhcp_e2e::requirements;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../image/build.sh");
const IMAGE: &str = "registry.lab:5000/team/vmdhcp:9.9.9";

/// A store of images of the test's own, with buildah to work on it.
struct Images {
    folder: TempDir,
}

impl Images {
    /// `None` where there is no buildah: whoever makes an image has one of several programs for it.
    fn new(test: &str) -> Option<Self> {
        if requirements::find("buildah").is_none() || !nix::unistd::geteuid().is_root() {
            drop(writeln!(std::io::stderr(), "\nleft out: {test}: it needs root, and buildah"));
            return None;
        }
        let folder = TempDir::with_prefix("vmdhcp-image-").unwrap();
        let at = folder.path().display();
        let storage =
            format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{at}/graph\"\nrunroot = \"{at}/run\"\n");
        fs::write(folder.path().join("storage.conf"), storage).unwrap();
        fs::write(folder.path().join("binary"), "a stand-in").unwrap();
        Some(Self { folder })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("CONTAINERS_STORAGE_CONF", self.folder.path().join("storage.conf"));
        let output = command.env("IMAGE_BUILDER", "buildah").output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Builds it, and unpacks what a registry would be given: manifest, configuration, and the only layer's entries.
    fn build(&self, arch: &str) -> (Value, Value, String) {
        let binary = self.folder.path().join("binary");
        self.run(SCRIPT, &[binary.to_str().unwrap(), IMAGE, arch]);
        let registry = self.folder.path().join(arch);
        self.run("buildah", &["push", "--quiet", IMAGE, &format!("oci:{}:it", registry.display())]);
        let read = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        let blob = |descriptor: &Value| {
            registry.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
        };
        let manifest = read(&blob(&read(&registry.join("index.json"))["manifests"][0]));
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        let layer = Command::new("tar").arg("tvzf").arg(blob(&layers[0])).output().unwrap();
        let entries = String::from_utf8(layer.stdout).unwrap();
        let configuration = read(&blob(&manifest["config"]));
        (manifest, configuration, entries)
    }
}

#[test]
fn an_image_holds_the_program_under_its_three_names() {
    let Some(images) = Images::new("an_image_holds_the_program_under_its_three_names") else { return };
    let (_, configuration, entries) = images.build("amd64");
    let names: Vec<_> =
        entries.lines().map(|line| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        names,
        ["bin/", "bin/vm-dhcp-agent -> vmdhcp", "bin/vm-dhcp-controller -> vmdhcp", "bin/vmdhcp"]
    );
    assert!(entries.lines().last().unwrap().starts_with("-rwxr-xr-x 0/0"), "{entries}");
    let config = &configuration["config"];
    assert_eq!(config["Entrypoint"], json!(["/bin/vmdhcp"]));
    assert_eq!(config.get("Cmd"), None);
    assert_eq!(config.get("User"), None, "the manifests say who runs it");
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], "9.9.9");
}

#[test]
fn an_image_is_for_the_architecture_that_is_asked_for() {
    let Some(images) = Images::new("an_image_is_for_the_architecture_that_is_asked_for") else { return };
    for arch in ["amd64", "arm64"] {
        assert_eq!(images.build(arch).1["architecture"], arch);
    }
}

#[test]
fn one_binary_makes_one_image_whenever_it_is_built() {
    let test = "one_binary_makes_one_image_whenever_it_is_built";
    let (Some(one), Some(other)) = (Images::new(test), Images::new(test)) else { return };
    assert_eq!(one.build("amd64").0, other.build("amd64").0);
}

#[test]
fn without_a_builder_it_is_said_what_to_install_and_the_binary_is_left() {
    let nothing = TempDir::new().unwrap();
    let output = Command::new("/bin/bash")
        .args([SCRIPT, "target/vmdhcp", IMAGE, "amd64"])
        .env("PATH", nothing.path())
        .env_remove("IMAGE_BUILDER")
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("target/vmdhcp is built") && said.contains("install buildah"), "{said}");
}
