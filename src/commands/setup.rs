//! From what was typed to a checked configuration and the cluster that is meant.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use etcetera::BaseStrategy as _;

use super::{Exit, home::Home, output};
use crate::{
    actions::kinds,
    cli::{Cli, Cluster},
    config::{self, Inputs, Loaded, Place, Problem, shape::Server},
    connect::{ConnectError, Endpoint, KubeOptions, Reader, Target, kubeconfig},
    domain::{object::Scope, text::Text, time::Clock},
    runtime::clock::SystemClock,
    state::keymap::{Keymap, KeymapError},
};

/// Reads and checks the configuration; prints its warnings.
pub fn load(cli: &Cli) -> Result<Loaded, Vec<Problem>> {
    let loaded = config::load(&inputs(cli))?;
    let mut mistakes = key_mistakes(&loaded);
    mistakes.extend(kind_mistakes(&loaded));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    for warning in &loaded.warnings {
        output::complain(&format!("warning: {warning}"));
    }
    let servers = &loaded.config.servers;
    for (name, server) in [("prometheus", &servers.prometheus), ("alertmanager", &servers.alertmanager), ("elasticsearch", &servers.elasticsearch)] {
        let Some(server) = server.as_ref().filter(|server| is_readable(server)) else { continue };
        let what = if server.login_over_http { "is sent all the same" } else { "is not sent" };
        output::complain(&format!("warning: servers.{name}: its address is plain http, where its login could be read on the way: it {what}"));
    }
    Ok(loaded)
}

/// Whether there is a login, and an address on the way to which it could be read.
fn is_readable(server: &Server) -> bool {
    let has_login = server.auth.is_some() || config::settings::servers::has_login(&server.url);
    has_login && server.url.parse::<Endpoint>().is_ok_and(|endpoint| endpoint.is_readable())
}

/// Says what is wrong with the configuration.
pub fn refuse(problems: &[Problem]) -> Exit {
    for problem in problems {
        output::complain(&problem.to_string());
    }
    Exit::USAGE
}

/// The kubeconfig's cluster, the namespaces to watch, and what goes with that cluster here; says what is wrong with it.
pub fn target(cli: &Cli) -> Result<(Target, Scope, Home), ConnectError> {
    let target = kubeconfig::load(&kube_options(&cli.cluster), &clock())?;
    let scope = scope(&cli.cluster, &target);
    if let Some(namespace) = scope.namespace().filter(|name| !is_namespace(name)) {
        let by = if cli.cluster.namespace.is_some() { "-n" } else { "the context's namespace in the kubeconfig" };
        let says = format!("{by} is {namespace:?}, which cannot be the name of a namespace: it has small letters, digits and - alone, at most 63");
        return Err(ConnectError::Config(Text::line(&says)));
    }
    let home = Home::of(&target);
    if target.withholds {
        output::complain(&format!("warning: {}", withheld(&target)));
    }
    Ok((target, scope, home))
}

/// Why nobody knows there who we are.
pub fn withheld(target: &Target) -> String {
    format!("the API server's address {} is plain http: the credentials of {} are not sent; give its https address", target.server, target.user)
}

/// The machine's clock: what credentials run out by, also where a demo's clock is another.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Everything that decides the configuration, from the real surroundings.
pub fn inputs(cli: &Cli) -> Inputs {
    let variables = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    Inputs {
        explicit_file: cli.looks.config.clone().or_else(|| env::var_os("SEV1_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)),
        user_file: user_file(),
        working_directory: env::current_dir().unwrap_or_default(),
        variables: variables.collect(),
        flags: flags(cli),
    }
}

/// `$XDG_CONFIG_HOME/sev1/config.toml`; none without a home.
pub fn user_file() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("sev1").join("config.toml"))
}

fn flags(cli: &Cli) -> Vec<(&'static str, &'static str, String)> {
    let typed = [
        ("--prometheus", "servers.prometheus.url", cli.servers.prometheus.clone()),
        ("--alertmanager", "servers.alertmanager.url", cli.servers.alertmanager.clone()),
        ("--elasticsearch", "servers.elasticsearch.url", cli.servers.elasticsearch.clone()),
        ("--theme", "looks.theme", cli.looks.theme.clone()),
        ("--ascii", "looks.ascii", cli.looks.ascii.then(|| "true".to_owned())),
        ("--read-only", "read_only", cli.looks.read_only.then(|| "true".to_owned())),
    ];
    typed.into_iter().filter_map(|(flag, setting, value)| Some((flag, setting, value?))).collect()
}

/// The flags that say which cluster, as the clients take them. An empty one is not given, as for kubectl.
pub fn kube_options(cluster: &Cluster) -> KubeOptions {
    let given = |flag: &Option<String>| flag.clone().filter(|typed| !typed.is_empty());
    KubeOptions {
        kubeconfig: cluster.kubeconfig.clone(),
        context: given(&cluster.context),
        cluster: given(&cluster.cluster),
        user: given(&cluster.user),
        namespace: given(&cluster.namespace),
        impersonate: given(&cluster.impersonate),
        impersonate_groups: cluster.impersonate_groups.clone(),
        request_timeout: cluster.request_timeout,
        insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
        server: None,
    }
}

/// As the API server takes them: a DNS label.
fn is_namespace(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_part) && !name.starts_with('-') && !name.ends_with('-')
}

fn scope(cluster: &Cluster, target: &Target) -> Scope {
    if cluster.all_namespaces { Scope::All } else { Scope::One(target.namespace.clone()) }
}

/// Names of actions and keys are known to the state, not to the configuration: checked here, placed by the configuration.
pub fn key_mistakes(loaded: &Loaded) -> Vec<Problem> {
    let (_, mistakes) = Keymap::new(&loaded.config.keys);
    mistakes.iter().map(|mistake| Problem::new(place_of(loaded, mistake), mistake.to_string())).collect()
}

/// Kinds of mitigation are known to the engine, not to the configuration.
pub fn kind_mistakes(loaded: &Loaded) -> Vec<Problem> {
    let unknown = loaded.config.mitigations.disabled.iter().filter(|name| kinds::find(name).is_none());
    let known: Vec<_> = kinds::catalogue().iter().map(|entry| entry.spec.name).collect();
    unknown
        .map(|name| {
            let what = format!("mitigations.disabled: there is no mitigation {name:?}; there are {}", known.join(", "));
            Problem::new(loaded.origin("mitigations.disabled"), what)
        })
        .collect()
}

fn place_of(loaded: &Loaded, mistake: &KeymapError) -> Place {
    let (KeymapError::UnknownAction { action }
    | KeymapError::NotAKey { action, .. }
    | KeymapError::Conflict { action, .. }
    | KeymapError::WouldConfirm { action, .. }
    | KeymapError::Fixed { action, .. }
    | KeymapError::NoKey { action }) = mistake;
    loaded.origin(&format!("keys.{}", config::settings::bare_or_quoted(action)))
}

/// Threads that talk to servers, beside the one of the loop. They wait more than they work, and what each holds of a sick server's answers at
/// one moment adds up.
const WORKERS: usize = 2;

/// Runs the asynchronous part of a command.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => {
            let answer = runtime.block_on(work);
            // A request that hangs must not keep a finished command.
            runtime.shutdown_background();
            Ok(answer)
        }
        Err(error) => {
            output::complain(&format!("no threads can be started: {error}"));
            Err(Exit::FAILED)
        }
    }
}

/// Has the credentials before anything is asked for, so that a login is no server's silence. Says on standard error what it waits
/// for. Why there are none is met again, at once, by what is asked.
pub async fn log_in(reader: &Reader) {
    let saying = async {
        let mut said = None;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let words = reader.waits_for();
            // Once, and when the plugin has something else to say; not for each second that passes.
            let news = words.as_ref().map(|words| words.replace(|character: char| character.is_ascii_digit(), ""));
            if let Some(words) = words.filter(|_| news != said) {
                output::complain(&words);
            }
            said = news.or(said);
        }
    };
    reader.lend_terminal(true);
    tokio::select! {
        _ = reader.log_in() => {}
        () = saying => {}
    }
    reader.lend_terminal(false);
}

/// One sentence of a failed connection, on standard error; a wrong kubeconfig is wrong usage.
pub fn refuse_connection(error: &ConnectError) -> Exit {
    output::complain(&Text::line(&error.to_string()));
    if matches!(error, ConnectError::Config(_)) { Exit::USAGE } else { Exit::FAILED }
}
