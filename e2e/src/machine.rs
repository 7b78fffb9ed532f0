//! A machine: a network, a mount table and a process tree of its own, which belong to a thread.
//!
//! Whatever is done "within" is done on that thread, and the programs started there inherit its namespaces. Nothing has
//! a name that could be left behind: the first process of the tree is killed with the machine, and by the kernel when
//! the thread ends because the test process was killed; it takes along all others, and they the namespaces.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gettid};

use crate::until;

/// How long a command may take that is run to its end.
const PATIENCE: &str = "30";

type Job = Box<dyn FnOnce() + Send>;

/// A running machine. Dropping it switches it off.
pub struct Machine {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    thread_id: Pid,
}

impl Machine {
    /// Switches a machine on. Its /run is empty, so that programs on two machines do not meet there.
    pub fn new() -> Self {
        let (jobs, received) = mpsc::channel::<Job>();
        let (started, start) = mpsc::channel();
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID).unwrap();
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
            mount(Some("e2e"), "/run", Some("tmpfs"), MsFlags::empty(), none).unwrap();
            #[expect(
                clippy::zombie_processes,
                reason = "it ends only after the others here have been waited for"
            )]
            let mut first = first_process();
            started.send(gettid()).unwrap();
            for job in received {
                job();
            }
            first.kill().unwrap();
        });
        let thread_id = start.recv().unwrap();
        let machine = Self { jobs: Some(jobs), thread: Some(thread), thread_id };
        machine.run("ip link set lo up");
        machine
    }

    /// Its network namespace as a file, which `ip` takes for a name.
    pub fn netns(&self) -> String {
        format!("/proc/{}/task/{}/ns/net", std::process::id(), self.thread_id)
    }

    /// Does something in its namespaces.
    pub fn within<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        let job = Box::new(move || drop(done.send(job())));
        self.jobs.as_ref().unwrap().send(job).unwrap();
        result.recv().unwrap()
    }

    /// Runs a command line to its end, and gives what it printed. Panics if it fails, or takes too long.
    pub fn run(&self, line: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let output = self.within(move || Command::new("timeout").arg(PATIENCE).args(words).output().unwrap());
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{line}` ended with {}: {talk}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts a program that goes on by itself, and writes what it says to `log`.
    pub fn start<S: AsRef<OsStr>>(&self, program: &Path, arguments: &[S], log: &Path) -> Process {
        let mut command = Command::new(program);
        Process::prepare(command.args(arguments), log);
        let child = self.within(move || command.spawn().unwrap());
        Process { child, log: log.to_owned() }
    }

    /// Shows a folder of the test at another place, on this machine alone.
    pub fn bind(&self, folder: &Path, at: &'static str) {
        let folder = folder.to_owned();
        self.within(move || mount(Some(&folder), at, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap());
    }
}

/// Folders of the system that `lay_over` covers, and whether they can be written to.
const COVERED: [(&str, bool); 3] = [("/usr", false), ("/etc", true), ("/var", true)];

impl Machine {
    /// Gives it the programs of packages that were unpacked in `root`, and a system of its own: what they write
    /// below /etc and /var is gone with the machine, and /proc and /sys show the machine alone. Network interfaces
    /// are taken for ready, as in a container: there is no udev.
    pub fn lay_over(&self, root: &Path) {
        let root = root.to_owned();
        self.within(move || {
            for (folder, is_writable) in COVERED {
                let lower = format!("lowerdir={}{folder}:{folder}", root.display());
                let mut options = vec![lower];
                if is_writable {
                    // Its /run is its own.
                    let place = Path::new("/run/written").join(folder.trim_start_matches('/'));
                    let (upper, work) = (place.join("upper"), place.join("work"));
                    fs::create_dir_all(&upper).unwrap();
                    fs::create_dir_all(&work).unwrap();
                    options.push(format!("upperdir={},workdir={}", upper.display(), work.display()));
                }
                let (overlay, options) = (Some("overlay"), options.join(","));
                mount(overlay, folder, overlay, MsFlags::empty(), Some(options.as_str())).unwrap();
            }
        });
        // By processes of the machine: whose /proc it is, is not the thread's.
        self.run("mount -t proc proc /proc");
        self.run("mount -t sysfs -o ro sysfs /sys");
    }
}

/// Starts the first process of a tree: it does nothing, and ends with the thread that starts it.
fn first_process() -> Child {
    let arguments = ["--pdeathsig", "KILL", "--", "sleep", "infinity"];
    Command::new("setpriv").args(arguments).stdin(Stdio::null()).spawn().unwrap()
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A program that goes on by itself. Dropping it kills it.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program in the namespaces of the test itself. It ends with the test, however that ends.
    pub fn start_here<S: AsRef<OsStr>>(program: &Path, arguments: &[S], log: &Path) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).args(arguments);
        Self::prepare(&mut command, log);
        Self { child: command.spawn().unwrap(), log: log.to_owned() }
    }

    /// What it says goes to its log.
    fn prepare(command: &mut Command, log: &Path) {
        let output = File::options().create(true).append(true).open(log).unwrap();
        let talk = output.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(output).stderr(talk);
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// For how long its threads have computed so far, in the kernel and outside, to the hundredth of a second.
    pub fn computed(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name of the program, which may have blanks: utime and stime (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// How it ended. Panics if it goes on for longer than `patience`.
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        until("end of a process", patience, || self.child.try_wait().unwrap())
    }

    /// Kills it without a chance to clean anything up.
    pub fn kill(mut self) {
        self.end();
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        self.ended(Duration::from_secs(10));
    }

    /// The same, where it is not given away.
    pub fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
