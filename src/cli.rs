//! What can be typed on the command line, and nothing else.

use std::{path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};

const ENVIRONMENT: &str = "\
Environment:
  KUBECONFIG             kubeconfig files, as for kubectl
  PROMETHEUS_URL, ALERTMANAGER_URL, ELASTICSEARCH_URL
                         where the servers are; without them they are looked for in the cluster
  NO_COLOR               the theme mono
  SEV1_CONFIG            as --config
  SEV1_THEME, SEV1_ASCII, SEV1_MOUSE, SEV1_READ_ONLY
                         as the settings of the same names
  SEV1_LOG               level of $XDG_STATE_HOME/sev1/sev1.log: error, warn, info, debug, trace

Exit status:
  0 done   1 failed   2 wrong usage or configuration   3 outcome unknown   130 interrupted
  `status` has its own: 0 nothing fires, 1 something fires, 2 cannot tell";

/// A cockpit for the first hour of an incident on Kubernetes.
///
/// Without a command it opens the cockpit on the current context of your kubeconfig: what is broken, since when, what
/// changed, who is called next, and the mitigations, each behind a confirmation.
#[derive(Debug, Clone, Parser)]
#[command(name = "sev1", version, after_help = ENVIRONMENT, after_long_help = ENVIRONMENT, max_term_width = 110, propagate_version = false)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub cluster: Cluster,
    #[command(flatten)]
    pub servers: Servers,
    #[command(flatten)]
    pub looks: Looks,
}

/// kubectl's flags: which cluster, as whom, which namespaces.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster, as for kubectl")]
pub struct Cluster {
    /// Context of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster entry of the kubeconfig, in place of the context's.
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User entry of the kubeconfig, in place of the context's.
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Namespace to watch, in place of the context's.
    #[arg(short, long, global = true, value_name = "NAME", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// Watch all namespaces.
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// The kubeconfig file, in place of KUBECONFIG and ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Act as this user.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group; may be repeated.
    #[arg(long = "as-group", global = true, value_name = "GROUP", requires = "impersonate")]
    pub impersonate_groups: Vec<String>,
    /// Limit of one request: 10s, 1m; 0 for none.
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub request_timeout: Option<Duration>,
    /// Trust any certificate of the API server. The header shows it.
    #[arg(long, global = true)]
    pub insecure_skip_tls_verify: bool,
}

/// Where the other servers are. Without these they are looked for in the cluster.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Servers (http(s)://host:port or k8s://namespace/service:port)")]
pub struct Servers {
    /// Prometheus.
    #[arg(long, global = true, value_name = "URL")]
    pub prometheus: Option<String>,
    /// Elasticsearch.
    #[arg(long, global = true, value_name = "URL")]
    pub elasticsearch: Option<String>,
    /// Alertmanager.
    #[arg(long, global = true, value_name = "URL")]
    pub alertmanager: Option<String>,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cockpit")]
pub struct Looks {
    /// Only look: no mitigation can be run.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// night, day, high-contrast, colour-blind, mono or war-room.
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Draw with ASCII characters only.
    #[arg(long, global = true)]
    pub ascii: bool,
    #[arg(long, global = true, value_name = "FILE", help = "Configuration file, in place of $XDG_CONFIG_HOME/sev1/config.toml")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Live through an incident on a simulated platform; needs no cluster.
    #[cfg_attr(not(feature = "demo"), command(hide = true))]
    Demo(Demo),
    /// One look, as text or JSON: 0 nothing fires, 1 something fires, 2 cannot tell.
    Status(Status),
    /// Check each server: reach, login, version, permissions, clock, latency.
    Doctor(Doctor),
    /// Plan a mitigation, and carry it out where --yes-on names the context.
    #[command(disable_help_flag = true)]
    Do(Do),
    /// Take back the last mitigation that can be, of this run of the program or an earlier one.
    Undo(Undo),
    /// Print the least rights that sev1 needs, as YAML for kubectl apply.
    Rbac(Rbac),
    /// Show, check or write the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The journal of what sev1 did.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
    /// Print the manual page.
    Man,
}

#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Which incident: a name from the list below.
    #[arg(long, default_value = "bad-deploy", value_name = "NAME")]
    pub scenario: String,
    /// The same number gives the same incident.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = seed)]
    pub seed: u64,
    /// Seconds of the incident in a real second; every clock on the screen runs so fast.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = speed)]
    pub speed: f64,
    /// Pods beside the platform's own, to make the cluster bigger: up to 50000.
    #[arg(long, value_name = "N", value_parser = pods)]
    pub pods: Option<u32>,
    /// Only serve, without the cockpit: print a kubeconfig, the URLs and commands to try.
    #[arg(long)]
    pub serve: bool,
    /// How --serve prints them.
    #[arg(short, long, default_value = "text", value_name = "FORMAT", requires = "serve")]
    pub output: Output,
}

#[derive(Debug, Clone, Args)]
pub struct Status {
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub output: Output,
    /// How long to wait for the servers.
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = patience)]
    pub timeout: Duration,
}

#[derive(Debug, Clone, Args)]
pub struct Doctor {
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub output: Output,
    /// How long to wait for each server.
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = patience)]
    pub timeout: Duration,
}

/// How a mitigation is run without the screen.
#[derive(Debug, Clone, Args)]
pub struct Headless {
    /// Why, for the journal.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub reason: String,
    /// Carry it out, on this very context; any other is refused.
    #[arg(long, value_name = "CONTEXT", value_parser = NonEmptyStringValueParser::new())]
    pub yes_on: Option<String>,
    /// Plan, check and print only, whatever else is given.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the whole change too: each object as it is against what the server would store.
    #[arg(long)]
    pub full_diff: bool,
    /// How long a rollout is watched; 0s: not at all.
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub output: Output,
}

#[derive(Debug, Clone, Args)]
pub struct Do {
    #[arg(index = 1, value_name = "KIND", required_unless_present_any = ["plan", "help"], help = "Kind of mitigation, listed below.")]
    pub kind: Option<String>,
    /// What it is done to (deployment/NAME, or a name alone), then its own arguments.
    #[arg(index = 2, value_name = "TARGET")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub how: Headless,
    /// Save the plan, for --plan; writes nothing to the cluster.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes_on", "plan"])]
    pub plan_out: Option<PathBuf>,
    /// Carry out a saved plan; refused when anything it rests on changed.
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    pub plan: Option<PathBuf>,
    /// Print help, also for one kind: sev1 do KIND --help.
    #[arg(short, long)]
    pub help: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Undo {
    /// Number of the mitigation, as `sev1 do` printed it; without it the last one.
    #[arg(value_name = "ID", value_parser = mitigation)]
    pub id: Option<u64>,
    /// List what can be taken back.
    #[arg(long, conflicts_with_all = ["id", "yes_on"])]
    pub list: bool,
    #[command(flatten)]
    pub how: Headless,
}

#[derive(Debug, Clone, Args)]
pub struct Rbac {
    /// view: look. respond: look and mitigate. watch: alerts only, for counting an escalation down.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Profile,
    /// Bind it to this group; may be repeated. Without anybody only roles are printed.
    #[arg(long = "group", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub groups: Vec<String>,
    /// Bind it to this user; may be repeated.
    #[arg(long = "for-user", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub users: Vec<String>,
    /// Name of the roles and bindings.
    #[arg(long, default_value = "sev1", value_name = "NAME")]
    pub name: String,
    /// With --namespace: where Prometheus, Alertmanager and Elasticsearch are; may be repeated.
    #[arg(long, default_value = "monitoring", value_name = "NAMESPACE")]
    pub servers_in: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    View,
    Respond,
    Watch,
}

#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Every setting, its value and where that came from.
    Show {
        #[arg(short, long, default_value = "text", value_name = "FORMAT")]
        output: Output,
    },
    /// Say everything that is wrong, with line, column and remedy.
    Check,
    /// Write a commented file with every default. Overwrites nothing.
    Init,
}

#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// Follow the journal's chain of hashes; names the first broken line.
    Verify {
        /// A journal; without it every cluster's on this machine.
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

impl Cli {
    /// The command as it was called: installed as `kubectl-sev1` it is a plugin and says so.
    pub fn command_for(program: &str) -> clap::Command {
        let command = Self::command();
        if is_plugin(program) { command.name("kubectl-sev1").bin_name("kubectl sev1") } else { command }
    }
}

/// Whether the program was called by kubectl's plugin name.
pub fn is_plugin(program: &str) -> bool {
    std::path::Path::new(program).file_stem().is_some_and(|name| name == "kubectl-sev1" || name == "kubectl_sev1")
}

/// A whole number, in words of our own where it is none.
fn whole<T: std::str::FromStr>(typed: &str, instead: &str) -> Result<T, String> {
    typed.parse().map_err(|_| instead.to_owned())
}

fn seed(typed: &str) -> Result<u64, String> {
    whole(typed, "write a whole number, 0 or more")
}

fn pods(typed: &str) -> Result<u32, String> {
    let wrong = "write a whole number from 1 to 50000";
    whole(typed, wrong).and_then(|pods| if (1..=50_000).contains(&pods) { Ok(pods) } else { Err(wrong.to_owned()) })
}

fn mitigation(typed: &str) -> Result<u64, String> {
    whole(typed, "write the number of a mitigation: sev1 undo --list shows those that can be taken back")
}

/// A limit within which nothing could answer is none.
fn patience(typed: &str) -> Result<Duration, String> {
    let limit = duration(typed)?;
    if limit < Duration::from_millis(1) { Err("must be more than 0, like 10s".to_owned()) } else { Ok(limit) }
}

/// kubectl's durations: `10s`, `1m30s`, or bare seconds.
fn duration(typed: &str) -> Result<Duration, String> {
    if let Ok(seconds) = typed.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(typed).map_err(|_| "write it like 10s or 1m30s".to_owned())
}

fn speed(typed: &str) -> Result<f64, String> {
    let factor: f64 = typed.parse().map_err(|_| "write a number like 10".to_owned())?;
    if (0.1..=1000.0).contains(&factor) { Ok(factor) } else { Err("must be from 0.1 to 1000".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_flags_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_and_after_the_command() {
        for line in [["sev1", "--context", "prod", "status"], ["sev1", "status", "--context", "prod"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.cluster.context.as_deref(), Some("prod"));
            assert!(matches!(cli.command, Some(Command::Status(_))));
        }
    }

    #[test]
    fn kubectl_s_plugin_name_is_known() {
        assert!(is_plugin("/usr/local/bin/kubectl-sev1"));
        assert!(!is_plugin("sev1"));
        assert!(Cli::command_for("kubectl-sev1").render_usage().to_string().contains("kubectl sev1"));
    }

    #[test]
    fn durations_as_kubectl_takes_them() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert!(duration("soon").is_err());
        assert!(speed("0").is_err() && speed("NaN").is_err() && speed("10").is_ok());
    }
}
