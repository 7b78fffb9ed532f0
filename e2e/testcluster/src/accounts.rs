//! The service accounts of the chart, with the rights that the chart gives them and no others.

use std::path::PathBuf;
use std::sync::LazyLock;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use kube::{Api, Client};

use crate::release::{self, RELEASE, RELEASE_NAMESPACE};

/// Longer than any test.
const TOKEN_SECONDS: i64 = 24 * 3_600;

static KUBECONFIGS: LazyLock<Option<[PathBuf; 2]>> = LazyLock::new(|| {
    release::installed()?;
    Some(crate::apart(async { [write(ServiceAccount::Manager).await, write(ServiceAccount::Agent).await] }))
});

/// A service account of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceAccount {
    /// That of the manager.
    Manager,
    /// That of the agents.
    Agent,
}

impl ServiceAccount {
    /// Its name, in [`RELEASE_NAMESPACE`].
    pub fn name(self) -> String {
        match self {
            Self::Manager => RELEASE.to_owned(),
            Self::Agent => format!("{RELEASE}-agent"),
        }
    }
}

/// A client of the control plane as a service account of the chart, or `None` where there is no control plane.
///
/// The chart is installed for it, once.
pub async fn client_as(account: ServiceAccount) -> Option<Client> {
    Some(crate::connect_to(&kubeconfig_as(account)?).await)
}

/// The kubeconfig file of a service account of the chart, or `None` where there is no control plane.
///
/// The chart is installed for it, once.
pub fn kubeconfig_as(account: ServiceAccount) -> Option<PathBuf> {
    let [manager, agent] = KUBECONFIGS.as_ref()?;
    Some(match account {
        ServiceAccount::Manager => manager.clone(),
        ServiceAccount::Agent => agent.clone(),
    })
}

/// Gets a token for the account, as the kubelet does for a Pod, and puts it into a kubeconfig.
async fn write(account: ServiceAccount) -> PathBuf {
    let admin = crate::kubeconfig().unwrap();
    let accounts: Api<v1::ServiceAccount> =
        Api::namespaced(crate::connect_to(&admin).await, RELEASE_NAMESPACE);
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let granted = accounts.create_token_request(&account.name(), &PostParams::default(), &request).await;
    let mut kubeconfig = Kubeconfig::read_from(&admin).unwrap();
    let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
    user.token = Some(granted.unwrap().status.unwrap().token.into());
    let file = admin.with_file_name(format!("{}.kubeconfig", account.name()));
    // JSON is YAML.
    std::fs::write(&file, serde_json::to_vec(&kubeconfig).unwrap()).unwrap();
    file
}
