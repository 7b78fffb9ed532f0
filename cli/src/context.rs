//! From the connection flags to an API that answers, and what else a command needs to know of its surroundings.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use jiff::Timestamp;
use kube::Client;
use vmdhcp_daemons::cluster::{self, Target};

use crate::args::Connection;
use crate::failure::Failure;
use crate::prompt::{Ask, OnTerminal};

/// Name under which changes are recorded in `managedFields`.
pub(crate) const FIELD_MANAGER: &str = "vmdhcp";

/// What a command works with.
pub(crate) struct Session {
    /// The API.
    pub client: Client,
    /// Namespace where none is given.
    pub namespace: String,
    /// Whether the API is a file of this machine, so that agents are reachable as they say.
    pub local: bool,
    /// The present time.
    pub clock: fn() -> Timestamp,
    /// Somebody to ask, if there is a terminal.
    pub ask: Option<Box<dyn Ask>>,
}

/// The namespaces a command looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    /// One.
    Namespace(&'a str),
    /// All.
    All,
}

impl Session {
    /// Connects as the flags say.
    pub(crate) async fn open(flags: &Connection) -> Result<Self, Failure> {
        let target = target(flags, std::env::var_os("VMDHCP_LOCAL"))?;
        let connection = cluster::connect(&target).await?;
        // Prompts go to standard error, so standard output may be a file or a pipe.
        let interactive = io::stdin().is_terminal() && io::stderr().is_terminal();
        Ok(Self {
            client: connection.client,
            namespace: flags.namespace.clone().unwrap_or(connection.default_namespace),
            local: connection.local.is_some(),
            clock: Timestamp::now,
            ask: interactive.then(|| Box::new(OnTerminal) as Box<dyn Ask>),
        })
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// All namespaces, or the one in use.
    pub(crate) fn scope(&self, all_namespaces: bool) -> Scope<'_> {
        if all_namespaces { Scope::All } else { Scope::Namespace(&self.namespace) }
    }
}

/// Which API is meant. A flag goes over the environment.
pub(crate) fn target(flags: &Connection, environment: Option<OsString>) -> Result<Target, Failure> {
    let Connection { namespace: _, local, kubeconfig, context, verbose: _ } = flags;
    // clap compares only the flags of one level: before the command, or behind it.
    if local.is_some() && (kubeconfig.is_some() || context.is_some()) {
        return Err(Failure::Usage(
            "--local is one API, and --kubeconfig or --context another; name one".into(),
        ));
    }
    let environment = environment.filter(|value| !value.is_empty()).map(PathBuf::from);
    match (local, environment) {
        (Some(Some(file)), _) => Ok(Target::Local(file.clone())),
        (Some(None), Some(file)) => Ok(Target::Local(file)),
        (Some(None), None) => default_file().map(Target::Local),
        (None, Some(file)) if kubeconfig.is_none() && context.is_none() => Ok(Target::Local(file)),
        (None, _) => Ok(Target::Kubernetes { kubeconfig: kubeconfig.clone(), context: context.clone() }),
    }
}

/// The file of a machine's API where none is named; its folder is made.
fn default_file() -> Result<PathBuf, Failure> {
    let folder = if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/lib/vmdhcp")
    } else {
        let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = || std::env::home_dir().map(|home| home.join(".local/state"));
        let Some(state) = state.or_else(home) else {
            return Err(Failure::Usage(
                "--local: neither XDG_STATE_HOME nor HOME says where your files are; write --local=FILE"
                    .into(),
            ));
        };
        state.join("vmdhcp")
    };
    std::fs::create_dir_all(&folder).map_err(|source| Failure::File {
        doing: "create",
        path: folder.clone(),
        source,
    })?;
    Ok(folder.join("vmdhcp.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubernetes(context: Option<&str>) -> Target {
        Target::Kubernetes { kubeconfig: None, context: context.map(Into::into) }
    }

    #[test]
    fn a_flag_goes_over_the_environment_and_an_empty_variable_is_none() {
        let none = Connection::default();
        let context = Connection { context: Some("c".into()), ..Connection::default() };
        let file = Connection { local: Some(Some("f".into())), ..Connection::default() };
        let bare = Connection { local: Some(None), ..Connection::default() };
        let env = || Some(OsString::from("e"));
        let both = Connection { context: Some("c".into()), ..file.clone() };
        assert!(target(&both, None).is_err());
        assert_eq!(target(&none, None).unwrap(), kubernetes(None));
        assert_eq!(target(&none, Some(OsString::new())).unwrap(), kubernetes(None));
        assert_eq!(target(&none, env()).unwrap(), Target::Local("e".into()));
        assert_eq!(target(&context, env()).unwrap(), kubernetes(Some("c")));
        assert_eq!(target(&file, env()).unwrap(), Target::Local("f".into()));
        assert_eq!(target(&bare, env()).unwrap(), Target::Local("e".into()));
    }
}
