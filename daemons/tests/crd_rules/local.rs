//! The local API, with the old objects in its file.

use std::{fs, sync::LazyLock, thread};

use kube::{Api, Client, api::PostParams};
use tempfile::TempDir;
use vmdhcp_core::api::GROUP;
use vmdhcp_daemons::cluster::local::{Kind, Kinds, LocalApi};

use crate::objects::{NAMESPACE, OLD_NAMESPACE, dynamic, resource};
use crate::{agreement, ratchet};

const FILE: &str = "api.db";

/// A folder with the file that every test gets a copy of.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let fill = || tokio::runtime::Runtime::new().unwrap().block_on(fill());
    thread::scope(|scope| scope.spawn(fill).join()).unwrap()
});

async fn fill() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let without_rules = Kinds::none()
        .with(Kind::new(GROUP, "v1alpha1", "IPPool", "ippools"))
        .with(Kind::new(GROUP, "v1alpha1", "VirtualMachineNetworkConfig", "virtualmachinenetworkconfigs"));
    let lax = LocalApi::open(&folder.path().join(FILE), without_rules).unwrap().client(NAMESPACE);
    for object in ratchet::old_objects().into_iter().chain(agreement::old_objects()) {
        let api: Api<_> = Api::namespaced_with(lax.clone(), OLD_NAMESPACE, &resource(&object));
        api.create(&PostParams::default(), &dynamic(&object)).await.unwrap();
    }
    folder
}

/// A client of an API of its own.
pub(crate) fn client() -> (Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for file in FOLDER.path().read_dir().unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let api = LocalApi::open(&folder.path().join(FILE), Kinds::standard()).unwrap();
    (api.client(NAMESPACE), folder)
}
