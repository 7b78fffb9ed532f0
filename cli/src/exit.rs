//! Exit codes: a documented part of the command line, for scripts to branch on.
//!
//! The one place that says which failure ends with which code is [`code`].

use std::process::ExitCode;

use kube::core::Status;
use vmdhcp_daemons::cluster::local::READ_ONLY_FILE;

use crate::failure::Failure;

/// Done.
pub(crate) const OK: u8 = 0;
/// Failed for a reason that has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// The command line itself is wrong.
pub(crate) const USAGE: u8 = 2;
/// A named object, file or lease does not exist.
pub(crate) const NOT_FOUND: u8 = 3;
/// It exists already, or somebody else changed it meanwhile.
pub(crate) const CONFLICT: u8 = 4;
/// The content is wrong, or a rule forbids it: nothing has been stored.
pub(crate) const REFUSED: u8 = 5;
/// The API cannot be reached.
pub(crate) const UNREACHABLE: u8 = 6;
/// The API does not let this user do it.
pub(crate) const NOT_ALLOWED: u8 = 7;
/// What `--wait` waits for has not happened in time.
pub(crate) const TIMED_OUT: u8 = 8;

/// The codes as the long help and the man page list them.
pub(crate) const HELP: &str = "\
Exit status:
  0  done
  1  failed for another reason
  2  the command line itself is wrong
  3  a named object, file or lease does not exist
  4  it exists already, or somebody else changed it meanwhile
  5  the content is wrong, or a rule forbids it: nothing has been stored
  6  the API cannot be reached
  7  the API does not let this user do it
  8  what --wait waits for has not happened in time";

/// The code of a command's result.
pub(crate) fn code(result: &Result<(), Failure>) -> ExitCode {
    ExitCode::from(number(result))
}

/// The same as a number.
pub(crate) fn number(result: &Result<(), Failure>) -> u8 {
    let Err(failure) = result else { return OK };
    match failure {
        // Whoever read our output has seen enough.
        Failure::ReaderGone => OK,
        Failure::Usage(_) => USAGE,
        Failure::NotFound { .. } => NOT_FOUND,
        Failure::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => NOT_FOUND,
        Failure::Conflict { .. } => CONFLICT,
        Failure::Refused { .. } => REFUSED,
        Failure::Connect(_) | Failure::Unreachable { .. } => UNREACHABLE,
        Failure::TimedOut { .. } => TIMED_OUT,
        Failure::Api { status, .. } => match status.code {
            403 if is_about_a_read_only_file(status) => NOT_ALLOWED,
            // An admission webhook refuses with this code too; the object is at fault then, not the user.
            403 if status.message.contains("denied the request") || !is_rbac(&status.message) => REFUSED,
            401 | 403 => NOT_ALLOWED,
            404 => NOT_FOUND,
            409 => CONFLICT,
            400 | 413 | 422 => REFUSED,
            _ => FAILED,
        },
        Failure::Standalone(_)
        | Failure::Manager(_)
        | Failure::Agent(_)
        | Failure::AgentInit(_)
        | Failure::Demo(_)
        | Failure::File { .. }
        | Failure::Unreadable { .. }
        | Failure::Declined
        | Failure::Io { .. } => FAILED,
    }
}

/// Whether the user, and not the object, is at fault: the API is a file that only others may write.
fn is_about_a_read_only_file(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == READ_ONLY_FILE)
}

/// Whether a message is that of the authorizer, which begins its reason like this for every verb.
fn is_rbac(message: &str) -> bool {
    message.contains("cannot ") && message.contains(" resource ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, message: &str) -> Result<(), Failure> {
        let mut status = Status::failure(message, "");
        status.code = code;
        Err(Failure::Api { doing: "read".into(), status: status.boxed() })
    }

    #[test]
    fn a_403_of_the_authorizer_is_the_users_and_one_of_a_rule_is_the_objects() {
        let rbac = r#"ippools.network.harvesterhci.io is forbidden: User "u" cannot list resource "ippools""#;
        assert_eq!(number(&api(403, rbac)), NOT_ALLOWED);
        assert_eq!(number(&api(403, r#"admission webhook "w" denied the request: no"#)), REFUSED);
        assert_eq!(number(&api(403, "IPPool default/a must stay as it is: in use by default/vm")), REFUSED);
        assert_eq!(number(&api(401, "Unauthorized")), NOT_ALLOWED);
    }

    #[test]
    fn every_code_is_in_the_help() {
        let codes = [OK, FAILED, USAGE, NOT_FOUND, CONFLICT, REFUSED, UNREACHABLE, NOT_ALLOWED, TIMED_OUT];
        for code in codes {
            assert!(HELP.contains(&format!("\n  {code}  ")), "{code}");
        }
    }
}
