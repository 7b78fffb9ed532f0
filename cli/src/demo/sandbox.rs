//! Namespaces that nobody else sees, and that go away with the last process in them.
//!
//! A user namespace makes an ordinary user root of the others: a network to build bridges in, a process tree whose first
//! process takes all others along when it ends, and a mount table with an empty folder for files in memory. So
//! nothing is left behind, however the demo ends. Only this process and its children are moved; it has to be
//! single-threaded (unshare(2), CLONE_NEWUSER), so this comes before any runtime.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getegid, geteuid};

/// The running program, under whatever name and however its file has been hidden by mounts.
pub(super) const THIS_PROGRAM: &str = "/proc/self/exe";

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// The kernel does not let this user have namespaces.
    #[error("this machine does not let you make namespaces ({source}): {advice}")]
    NotAllowed {
        /// The kernel's answer.
        source: Errno,
        /// What to do about it.
        advice: &'static str,
    },
    /// A namespace could not be made ready.
    #[error("cannot {doing}: {source}")]
    Prepare {
        /// The step.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Moves this process into namespaces of its own; its next child is the first process there.
pub(super) fn enter() -> Result<(), SandboxError> {
    // For the caller's eyes: both are other numbers once the user namespace is there.
    let (user, group) = (geteuid(), getegid());
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
    if !user.is_root() || unshare(own).is_err() {
        unshare(own | CloneFlags::CLONE_NEWUSER)
            .map_err(|source| SandboxError::NotAllowed { source, advice: advice(&Settings::read()) })?;
        // A group map by an ordinary user has to give setgroups up first (user_namespaces(7)).
        write_map("setgroups", "deny")?;
        write_map("uid_map", &format!("0 {user} 1"))?;
        write_map("gid_map", &format!("0 {group} 1"))?;
    }
    let folder = folder();
    keep_mounts_here().and_then(|()| mount_memory(&folder)).map_err(|source| match source {
        // AppArmor lets everybody have namespaces, and nobody do anything in them.
        Errno::EPERM | Errno::EACCES => {
            SandboxError::NotAllowed { source, advice: advice(&Settings::read()) }
        }
        other => SandboxError::Prepare {
            doing: format!("put files in memory at {}", folder.display()),
            source: other.into(),
        },
    })?;
    // After the change of credentials, which would clear it.
    die_with_parent()
}

/// The folder in memory that the processes in the sandbox see.
pub(super) fn folder() -> PathBuf {
    std::env::temp_dir()
}

/// Ends this process when the one that started it ends.
pub(super) fn die_with_parent() -> Result<(), SandboxError> {
    set_pdeathsig(Signal::SIGKILL).map_err(|source| SandboxError::Prepare {
        doing: "tie the demo to its terminal".into(),
        source: source.into(),
    })
}

/// Runs this program again as the first process of the sandbox, on our standard output, until it ends.
pub(super) fn run_first_process(arguments: &[&str]) -> Result<ExitStatus, SandboxError> {
    Command::new(THIS_PROGRAM).arg0("vmdhcp").args(arguments).stdin(Stdio::null()).status().map_err(
        |source| SandboxError::Prepare { doing: "start the first process of the sandbox".into(), source },
    )
}

/// How a process ended, in words.
pub(super) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

fn write_map(file: &str, content: &str) -> Result<(), SandboxError> {
    let path = Path::new("/proc/self").join(file);
    fs::write(&path, content)
        .map_err(|source| SandboxError::Prepare { doing: format!("write {}", path.display()), source })
}

/// Keeps what is mounted here from showing up anywhere else.
fn keep_mounts_here() -> Result<(), Errno> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
}

fn mount_memory(folder: &Path) -> Result<(), Errno> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("vmdhcp-demo"), folder, Some("tmpfs"), flags, Some("mode=0700"))
}

/// The kernel settings that forbid namespaces.
#[derive(Debug, Default)]
struct Settings {
    /// Debian: kernel.unprivileged_userns_clone is 0.
    debian_forbids: bool,
    /// user.max_user_namespaces is 0.
    limit_is_zero: bool,
    /// Ubuntu: kernel.apparmor_restrict_unprivileged_userns is 1.
    apparmor_forbids: bool,
}

impl Settings {
    fn read() -> Self {
        let is = |setting: &str, value: &str| {
            fs::read_to_string(Path::new("/proc/sys").join(setting)).is_ok_and(|text| text.trim() == value)
        };
        Self {
            debian_forbids: is("kernel/unprivileged_userns_clone", "0"),
            limit_is_zero: is("user/max_user_namespaces", "0"),
            apparmor_forbids: is("kernel/apparmor_restrict_unprivileged_userns", "1"),
        }
    }
}

/// What to do where namespaces are not allowed.
fn advice(settings: &Settings) -> &'static str {
    match settings {
        Settings { limit_is_zero: true, .. } => {
            "run `sudo sysctl user.max_user_namespaces=1000` first, or the demo as root: `sudo vmdhcp demo`"
        }
        Settings { debian_forbids: true, .. } => {
            "run `sudo sysctl kernel.unprivileged_userns_clone=1` first, or the demo as root: `sudo vmdhcp demo`"
        }
        Settings { apparmor_forbids: true, .. } => {
            "run `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` first, or the demo as root: `sudo vmdhcp demo`"
        }
        _ => "run the demo as root (`sudo vmdhcp demo`); in a container, start that with --privileged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_the_setting_that_forbids_it_and_always_a_way() {
        let names = |settings| advice(&settings);
        assert!(
            names(Settings { limit_is_zero: true, ..Settings::default() }).contains("max_user_namespaces")
        );
        assert!(
            names(Settings { debian_forbids: true, ..Settings::default() })
                .contains("unprivileged_userns_clone")
        );
        assert!(names(Settings { apparmor_forbids: true, ..Settings::default() }).contains("apparmor"));
        assert!(names(Settings::default()).contains("sudo vmdhcp demo"));
    }
}
