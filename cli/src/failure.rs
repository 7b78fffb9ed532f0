//! What can go wrong for the user of the command line: one variant a kind of trouble, each a sentence to act on.
//!
//! [`crate::exit`] says which exit code each has.

use std::fmt;
use std::io;
use std::path::PathBuf;

use kube::core::Status;
use vmdhcp_core::admission::{Refusal, RefusalKind};
use vmdhcp_daemons::cluster::ConnectError;

use crate::demo::DemoError;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The flags do not go together; what clap cannot know.
    #[error("{0}")]
    Usage(String),
    /// A file, or standard input, cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something that was named does not exist.
    #[error("{what}{}", Hint(hint))]
    NotFound {
        /// A sentence that names it.
        what: String,
        /// What to do about it; may be empty.
        hint: String,
    },
    /// It exists with another content.
    #[error("{what}{}", Hint(hint))]
    Conflict {
        /// A sentence that names it.
        what: String,
        /// What to do about it; may be empty.
        hint: String,
    },
    /// The content is wrong. Nothing has been stored.
    #[error("{}", Listed(subject, causes))]
    Refused {
        /// What is refused.
        subject: String,
        /// Everything that is wrong with it, a sentence each.
        causes: Vec<String>,
    },
    /// The API answered with an error.
    #[error("cannot {doing}: {}", Sentence(status))]
    Api {
        /// What was asked for.
        doing: String,
        /// The API's answer.
        status: Box<Status>,
    },
    /// The API did not answer.
    #[error("cannot {doing}: the API does not answer: {reason}")]
    Unreachable {
        /// What was asked for.
        doing: String,
        /// Why there was no answer.
        reason: String,
    },
    /// The servers of this machine did not start, or had to stop.
    #[error(transparent)]
    Standalone(#[from] vmdhcp_daemons::standalone::StandaloneError),
    /// The manager did not start, or had to stop.
    #[error(transparent)]
    Manager(#[from] vmdhcp_daemons::manager::daemon::ManagerDaemonError),
    /// The agent of a Pod did not start, or had to stop.
    #[error(transparent)]
    Agent(#[from] vmdhcp_daemons::agent::daemon::AgentDaemonError),
    /// The interface of an agent could not be put in order.
    #[error(transparent)]
    AgentInit(#[from] vmdhcp_daemons::agent::init::InitError),
    /// There is no API to ask.
    #[error("{}", Chain(.0))]
    Connect(#[from] ConnectError),
    /// A stored object is not what its kind says.
    #[error("cannot {doing}: what is stored there cannot be understood: {reason}; look at it with -o yaml")]
    Unreadable {
        /// What was asked for.
        doing: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What `--wait` waits for did not happen.
    #[error("timed out after {seconds} s waiting for {what}{}", Hint(hint))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: u64,
        /// What was last seen; may be empty.
        hint: String,
    },
    /// The demo did not end well.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The operator answered no.
    #[error("nothing was changed")]
    Declined,
    /// Whoever reads our output has gone away, like `head` does.
    #[error("nobody reads the output any more")]
    ReaderGone,
    /// Anything else of the operating system.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Failure {
    /// Says what was asked of the API when it failed: `.map_err(Failure::asking("read IPPool default/a"))`.
    pub(crate) fn asking(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |error| match error {
            kube::Error::Api(status) => Self::Api { doing, status },
            kube::Error::SerdeError(source) => Self::Unreadable { doing, reason: source.to_string() },
            other => Self::Unreachable { doing, reason: innermost(&other) },
        }
    }

    /// Whether the API refused because somebody else changed the object meanwhile.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Api { status, .. } if status.is_conflict())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        if refusal.kind == RefusalKind::Conflict {
            return Self::Conflict { what: refusal.to_string(), hint: String::new() };
        }
        let causes = refusal.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
        Self::Refused { subject: refusal.object.clone(), causes: causes.collect() }
    }
}

/// The cause at the bottom of an error: the layers above it (service, client, connector) say nothing to a user.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

/// An error and why it happened; where neither API is configured the reason is only what was tried in vain.
struct Chain<'a>(&'a ConnectError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        match error {
            ConnectError::NothingConfigured { .. } => write!(f, "{error}"),
            _ if std::error::Error::source(error).is_some() => write!(f, "{error}: {}", innermost(*error)),
            _ => write!(f, "{error}"),
        }
    }
}

/// `; hint`, or nothing.
struct Hint<'a>(&'a str);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; {}", self.0) }
    }
}

/// One cause behind its subject, or several below it.
struct Listed<'a>(&'a str, &'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(subject, causes) = self;
        write!(f, "{subject} is refused")?;
        if let [cause] = causes {
            return write!(f, ": {cause}");
        }
        causes.iter().try_for_each(|cause| write!(f, "\n  {cause}"))
    }
}

/// The message of a Status, never its fields, and what to do where the API cannot know it.
struct Sentence<'a>(&'a Status);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { code, message, reason, .. } = self.0;
        match (message.trim(), reason.trim()) {
            ("", "") => write!(f, "the API answered with HTTP status {code}")?,
            ("", reason) => f.write_str(reason)?,
            (message, _) => f.write_str(message)?,
        }
        match code {
            401 => f.write_str("; check the credentials of this kubeconfig context"),
            // A whole kind is missing, not one object: the API server has no sentence of its own for that.
            404 if message.contains("could not find the requested resource")
                || message.contains("page not found") =>
            {
                f.write_str("; are the kinds installed? (vmdhcp crd | kubectl apply -f -)")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, message: &str) -> String {
        let mut status = Status::failure(message, "SomeReason");
        status.code = code;
        Failure::asking("list IPPools")(kube::Error::Api(status.boxed())).to_string()
    }

    #[test]
    fn an_answer_of_the_api_is_shown_as_its_sentence() {
        assert_eq!(
            api(409, "the object has been modified"),
            "cannot list IPPools: the object has been modified"
        );
        assert_eq!(api(500, ""), "cannot list IPPools: SomeReason");
    }

    #[test]
    fn where_the_api_cannot_know_what_to_do_we_say_it() {
        let missing = api(404, "the server could not find the requested resource");
        assert!(missing.ends_with("(vmdhcp crd | kubectl apply -f -)"), "{missing}");
        assert!(api(401, "Unauthorized").contains("check the credentials"));
    }

    #[test]
    fn one_cause_stands_behind_its_subject_and_several_below_it() {
        let refused = |causes: &[&str]| {
            let causes = causes.iter().map(|&cause| cause.to_owned()).collect();
            Failure::Refused { subject: "the input".into(), causes }.to_string()
        };
        assert_eq!(refused(&["a: b"]), "the input is refused: a: b");
        assert_eq!(refused(&["a: b", "c: d"]), "the input is refused\n  a: b\n  c: d");
    }
}
