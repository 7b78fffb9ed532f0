//! The command line as a tree of types; their doc comments are the help.
//!
//! Flags for the connection are accepted everywhere. Those for what is printed and how are accepted only by the
//! commands that heed them, so that a flag is never ignored.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::output::Format;
use crate::{duration, exit};

const EXAMPLES: &str = "\
Examples:
  vmdhcp pool create net-48 --network default/net-48 --cidr 192.168.48.0/24 --router 192.168.48.1
  vmdhcp apply -f pools.yaml
  vmdhcp lease list -A
  vmdhcp lease inspect fa:cf:8e:50:82:fc
  vmdhcp --local pool list";

/// Managed DHCP for virtual machines: every VM keeps one address for as long as it exists
///
/// A pool (IPPool) declares the addresses of a VM network and the options its VMs are sent. A claim
/// (VirtualMachineNetworkConfig) declares the network cards of a VM. What they have become is in their status.
///
/// vmdhcp speaks to a Kubernetes cluster, or to one file on this machine (--local). As kubectl-vmdhcp on the PATH it
/// also runs as `kubectl vmdhcp`.
#[derive(Debug, Parser)]
#[command(
    name = "vmdhcp",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP)
)]
pub(crate) struct Cli {
    /// How to reach the API.
    #[command(flatten)]
    pub connection: Connection,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to reach the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Namespace of the objects [default: that of the kubeconfig context]
    #[arg(short, long, global = true, value_parser = namespace)]
    pub namespace: Option<String>,

    /// Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]
    ///
    /// Without FILE: /var/lib/vmdhcp/vmdhcp.db for root, else vmdhcp/vmdhcp.db under $XDG_STATE_HOME
    /// (~/.local/state). Where a word follows that is not meant as FILE, write `--local=`.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["kubeconfig", "context"])]
    #[expect(
        clippy::option_option,
        reason = "absent, present without a value, present with one: clap's idiom"
    )]
    pub local: Option<Option<PathBuf>>,

    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, global = true, value_name = "NAME", alias = "kubecontext")]
    pub context: Option<String>,

    /// Say on standard error what is going on; more with each repetition
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How what was done to an object is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Printing {
    /// Print the object in this format instead of a message
    #[arg(short, long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["json", "yaml", "name"]).map(|word| match word.as_str() {
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        _ => Format::Name,
    }))]
    pub output: Option<Format>,
}

/// Whether and how a change is made.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Changing {
    /// Let the API check everything, and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not return before the change has come into effect
    #[arg(long, conflicts_with = "dry_run")]
    pub wait: bool,
    /// How long --wait waits
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = timeout)]
    pub timeout: u64,
}

/// Which objects of how many namespaces are listed, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Listing {
    /// List the objects of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Only objects with these labels, for instance tier=lab,owner!=me
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// Then go on, and print every change until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// Format of the list
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
}

/// Reads the command line of this process.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = Cli::command();
    if is_kubectl_plugin(words.first()) {
        command = command.bin_name("kubectl vmdhcp");
    }
    let words = end_bare_local(name_command(words, &command), &command);
    Cli::from_arg_matches(&command.try_get_matches_from_mut(words)?).map_err(|e| e.format(&mut command))
}

fn is_kubectl_plugin(program: Option<&OsString>) -> bool {
    program.and_then(|path| Path::new(path).file_stem()).is_some_and(|stem| stem == "kubectl-vmdhcp")
}

/// Under the names of Harvester's programs it acts as the command that does their work.
fn name_command(mut words: Vec<OsString>, command: &clap::Command) -> Vec<OsString> {
    let program = words.first().and_then(|path| Path::new(path).file_stem());
    let implied = match program.and_then(OsStr::to_str) {
        Some("vm-dhcp-controller") => "manager",
        Some("vm-dhcp-agent") => "agent",
        _ => return words,
    };
    let first = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    if command.find_subcommand(first).is_none() && !["--version", "-V"].contains(&first) {
        words.insert(1, implied.into());
    }
    words
}

/// Keeps `vmdhcp --local pool list` from reading `pool` as the file: a bare `--local` before a command has no value.
fn end_bare_local(words: Vec<OsString>, command: &clap::Command) -> Vec<OsString> {
    let is_command = |word: &OsStr| word.to_str().is_some_and(|name| command.find_subcommand(name).is_some());
    let Some(at) = words.iter().position(|word| word == "--local") else { return words };
    // Only the first command word counts: behind it FILE is as good as any other word.
    let before_any_command = !words.iter().take(at).skip(1).any(|word| is_command(word));
    if !before_any_command || !words.get(at + 1).is_some_and(|word| is_command(word)) {
        return words;
    }
    // Moved behind everything else, nothing follows that could be taken for its value.
    let (mut flags, rest): (Vec<_>, Vec<_>) =
        words.into_iter().enumerate().partition(|(index, _)| *index == at);
    let mut words: Vec<OsString> = rest.into_iter().map(|(_, word)| word).collect();
    words.extend(flags.drain(..).map(|(_, word)| word));
    words
}

fn namespace(text: &str) -> Result<String, String> {
    if vmdhcp_core::network::is_dns_subdomain(text, 63) && !text.contains('.') {
        return Ok(text.to_owned());
    }
    Err("a namespace has lower-case letters, digits and '-', 63 at most".to_owned())
}

fn timeout(text: &str) -> Result<u64, String> {
    let seconds = duration::parse_seconds(text)?;
    u64::try_from(seconds).map_err(|_| "cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn the_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn these_command_lines_parse() {
        for line in [
            "vmdhcp apply -f a.yaml -f - -n tenant --dry-run -o name",
            "vmdhcp apply -f a.yaml --wait --timeout 2m",
            "vmdhcp pool create p --network n --cidr 10.0.0.0/24",
            "vmdhcp pool create p --network n --cidr 10.0.0.0/24 --range 10.0.0.10-10.0.0.20 --range 10.0.0.30-10.0.0.40",
            "vmdhcp pool create p --dns 1.1.1.1,8.8.8.8 --lease-time 1h30m --option 66:text=tftp --option wpad=http://x/?a=b",
            "vmdhcp pool create p --route 10.0.0.0/8=192.168.48.2 --mtu 1400 --exclude 10.0.0.0/28",
            "vmdhcp pool list -A -l tier=lab -w -o wide",
            "vmdhcp pool show p -o yaml",
            "vmdhcp pool set p --add-exclude 10.0.0.7 --remove-exclude 10.0.0.8 --unset router --unset mtu",
            "vmdhcp pool set p --add-range 10.0.0.10-10.0.0.20",
            "vmdhcp pool pause p --wait",
            "vmdhcp pool resume p q",
            "vmdhcp pool delete p --yes",
            "vmdhcp lease list --pool p -o json",
            "vmdhcp lease inspect fa:cf:8e:50:82:fc -A",
            "vmdhcp lease watch",
            "vmdhcp lease watch p --mac fa:cf:8e:50:82:fc --recent -o json",
            "vmdhcp lease add p fa:cf:8e:50:82:fc --ip 10.0.0.9 --hostname web",
            "vmdhcp lease remove p 10.0.0.9 --force",
            "vmdhcp completions zsh",
            "vmdhcp man --out target/man",
            "vmdhcp crd",
            "vmdhcp version -o json",
            "vmdhcp --context c --kubeconfig k pool list",
            "vmdhcp pool list --context c",
            "vmdhcp agent --ippool-ref default/net-48 --name a --nic eth1 --kubecontext c --dry-run --debug --trace",
            "vmdhcp manager",
            "vmdhcp manager --name n --namespace a --image r.lab:5000/v:1 --service-account-name s --no-dhcp --debug --trace",
            "vmdhcp manager --no-leader-election --no-agent --enable-cache-dump-api --no-crds --listen 127.0.0.1:0",
            "vmdhcp manager --lease-duration 15s --renew-deadline 10 --retry-period 2s --leader-election-namespace n",
            "vmdhcp manager --auto-pool off --agent-replicas 2 --agent-image-pull-policy Always",
            "vmdhcp manager --agent-image-pull-secret a --agent-image-pull-secret b --agent-resources {}",
            "vmdhcp agent-init --nic eth1 --log-format json",
            "vmdhcp agent --ippool-ref default/net-48 --snapshot f --listen [::1]:8080 --enable-cache-dump-api",
        ] {
            if let Err(error) = parse(words(line)) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn these_command_lines_do_not() {
        use ErrorKind::{
            ArgumentConflict, InvalidSubcommand, InvalidValue, MissingRequiredArgument, UnknownArgument,
            ValueValidation,
        };
        for (line, kind) in [
            ("vmdhcp pol list", InvalidSubcommand),
            ("vmdhcp pool lst", InvalidSubcommand),
            ("vmdhcp apply", MissingRequiredArgument),
            ("vmdhcp apply -f a -k b", UnknownArgument),
            ("vmdhcp apply -f a -o wide", InvalidValue),
            ("vmdhcp apply -f a --wait --dry-run", ArgumentConflict),
            ("vmdhcp apply -f a --timeout soon", ValueValidation),
            ("vmdhcp pool create", MissingRequiredArgument),
            ("vmdhcp pool create p --router 10.0.0.256", ValueValidation),
            ("vmdhcp pool create p --range 10.0.0.1", ValueValidation),
            ("vmdhcp pool create p --lease-time soon", ValueValidation),
            ("vmdhcp pool create p --route 10.0.0.0/8", ValueValidation),
            ("vmdhcp pool create p --option 66", ValueValidation),
            ("vmdhcp pool create p --mtu big", ValueValidation),
            ("vmdhcp pool set p --unset network", InvalidValue),
            ("vmdhcp pool set p --cidr 10.0.0.0/8", UnknownArgument),
            ("vmdhcp pool list -o xml", InvalidValue),
            ("vmdhcp pool list -n Default", ValueValidation),
            ("vmdhcp pool list -n a -A", ArgumentConflict),
            ("vmdhcp pool list --local f --context c", ArgumentConflict),
            ("vmdhcp lease add p", MissingRequiredArgument),
            ("vmdhcp lease add p 01:00:5e:00:00:01", ValueValidation),
            ("vmdhcp lease add p fa:cf:8e:50:82:fc --ip ten", ValueValidation),
            ("vmdhcp lease remove p net-48", ValueValidation),
            ("vmdhcp lease watch p -A", ArgumentConflict),
            ("vmdhcp lease watch p -o yaml", InvalidValue),
            ("vmdhcp completions tcsh", InvalidValue),
            ("vmdhcp manager --image repo:", ValueValidation),
            ("vmdhcp manager --agent-replicas 0", ValueValidation),
            ("vmdhcp manager --agent-image-pull-policy Often", InvalidValue),
            ("vmdhcp manager --agent-resources cpu", ValueValidation),
            ("vmdhcp manager --auto-pool some", InvalidValue),
            ("vmdhcp manager --retry-period -1", UnknownArgument),
            ("vmdhcp agent", MissingRequiredArgument),
            ("vmdhcp agent --ippool-ref net-48", ValueValidation),
            ("vmdhcp agent --ippool-ref default/net-48 --listen 8080", ValueValidation),
        ] {
            let error = parse(words(line)).map(|_| ()).expect_err(line);
            assert_eq!(error.kind(), kind, "{line}: {error}");
        }
    }

    #[test]
    fn local_has_a_file_only_where_one_is_meant() {
        let local = |line: &str| parse(words(line)).unwrap().connection.local;
        assert_eq!(local("vmdhcp pool list"), None);
        assert_eq!(local("vmdhcp --local pool list"), Some(None));
        assert_eq!(local("vmdhcp --local --namespace a pool list"), Some(None));
        assert_eq!(local("vmdhcp pool list --local"), Some(None));
        assert_eq!(local("vmdhcp --local lab.db pool list"), Some(Some("lab.db".into())));
        assert_eq!(local("vmdhcp --local=pool pool list"), Some(Some("pool".into())));
        assert_eq!(local("vmdhcp pool list --local pool"), Some(Some("pool".into())));
    }

    #[test]
    fn under_the_names_of_upstreams_programs_it_takes_their_command_lines() {
        let controller = "/usr/bin/vm-dhcp-controller --name n --namespace harvester-system --image r/a:1 --service-account-name s";
        assert!(matches!(parse(words(controller)).unwrap().command, Command::Manager(_)));
        assert!(matches!(parse(words("vm-dhcp-controller")).unwrap().command, Command::Manager(_)));
        let agent = "vm-dhcp-agent --ippool-ref default/net-48 --kubecontext c --dry-run";
        assert!(matches!(parse(words(agent)).unwrap().command, Command::Agent(_)));
        for (line, kind) in [
            ("vm-dhcp-agent --version", ErrorKind::DisplayVersion),
            ("vm-dhcp-controller --help", ErrorKind::DisplayHelp),
            ("vm-dhcp-agent", ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parse(words(line)).map(|_| ()).unwrap_err().kind(), kind, "{line}");
        }
        // As the entry point of an image it has to take every command.
        assert!(matches!(parse(words("vm-dhcp-agent agent-init")).unwrap().command, Command::AgentInit(_)));
    }

    #[test]
    fn as_a_plugin_the_usage_says_how_it_was_called() {
        let error = parse(words("/usr/bin/kubectl-vmdhcp pool lst")).unwrap_err().to_string();
        assert!(error.contains("Usage: kubectl vmdhcp pool"), "{error}");
        assert!(error.contains("'list'"), "{error}");
    }
}
