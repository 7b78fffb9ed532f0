//! Which Kubernetes API everything speaks to: a cluster's, or the one out of a file.
//!
//! Nothing behind [`connect`] knows which it is.

#[cfg(test)]
pub(crate) mod faults;
pub mod local;

use std::path::PathBuf;

use kube::{
    Client, Config,
    config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use local::{Kinds, LocalApi, OpenError};

/// Namespace of commands that name none, on a local API.
const LOCAL_NAMESPACE: &str = "default";

/// Which API to speak to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The one in this file, which is created if there is none.
    Local(PathBuf),
    /// A cluster's.
    Kubernetes {
        /// A kubeconfig file. Absent: what `KUBECONFIG` and `~/.kube/config` say, else the Pod's service account.
        kubeconfig: Option<PathBuf>,
        /// A context of the kubeconfig. Absent: its current one.
        context: Option<String>,
    },
}

/// A client, and what it is connected to.
#[derive(Clone)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Namespace of commands that name none.
    pub default_namespace: String,
    /// The API itself, where it is a local one.
    pub local: Option<LocalApi>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file cannot be opened.
    #[error(transparent)]
    Local(#[from] OpenError),
    /// The named kubeconfig or context cannot be used.
    #[error("cannot use {}", describe(kubeconfig.as_ref(), context.as_deref()))]
    Kubeconfig {
        /// The file, if one was named.
        kubeconfig: Option<PathBuf>,
        /// The context, if one was named.
        context: Option<String>,
        /// What is wrong with it.
        #[source]
        source: KubeconfigError,
    },
    /// Neither a kubeconfig nor a service account is there.
    #[error(
        "no cluster is configured here, and no file is named; pass --kubeconfig FILE (or set KUBECONFIG) for a cluster, \
         or --local FILE (or set VMDHCP_LOCAL) to work without one"
    )]
    NothingConfigured {
        /// What was tried.
        #[source]
        source: Box<InferConfigError>,
    },
    /// The configuration has been read, but no client comes of it.
    #[error("the cluster's client cannot be set up")]
    Client {
        /// What is wrong, for instance with a certificate.
        #[source]
        source: kube::Error,
    },
}

/// Makes a client for `target`. A cluster is not spoken to yet; a file is opened.
pub async fn connect(target: &Target) -> Result<Connection, ConnectError> {
    match target {
        Target::Local(path) => {
            let local = LocalApi::open(path, Kinds::standard())?;
            let client = local.client(LOCAL_NAMESPACE);
            Ok(Connection { client, default_namespace: LOCAL_NAMESPACE.to_owned(), local: Some(local) })
        }
        Target::Kubernetes { kubeconfig, context } => {
            let mut config = configure(kubeconfig.as_ref(), context.as_deref()).await?;
            // The client's own would repeat a request for minutes, behind the back of reconcilers that have something
            // newer to say by then.
            config.default_retry = false;
            let default_namespace = config.default_namespace.clone();
            let client = Client::try_from(config).map_err(|source| ConnectError::Client { source })?;
            Ok(Connection { client, default_namespace, local: None })
        }
    }
}

async fn configure(kubeconfig: Option<&PathBuf>, context: Option<&str>) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let config = match (kubeconfig, context) {
        (Some(path), _) => match Kubeconfig::read_from(path) {
            Ok(file) => Config::from_custom_kubeconfig(file, &options).await,
            Err(error) => Err(error),
        },
        (None, Some(_)) => Config::from_kubeconfig(&options).await,
        (None, None) => {
            let inferred = Config::infer().await;
            return inferred.map_err(|source| ConnectError::NothingConfigured { source: Box::new(source) });
        }
    };
    config.map_err(|source| ConnectError::Kubeconfig {
        kubeconfig: kubeconfig.cloned(),
        context: context.map(str::to_owned),
        source,
    })
}

fn describe(kubeconfig: Option<&PathBuf>, context: Option<&str>) -> String {
    let file = kubeconfig.map_or_else(|| "the kubeconfig".to_owned(), |path| path.display().to_string());
    context.map_or_else(|| file.clone(), |context| format!("context {context:?} of {file}"))
}

/// The version of an object as a number, to tell which of two states of it is newer.
pub(crate) fn version(object: &impl kube::ResourceExt) -> Option<u64> {
    object.meta().resource_version.as_deref()?.parse().ok()
}
