//! `sev1`: the cockpit on a cluster.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Exit, home::Home, output, setup};
use crate::{
    actions::kinds,
    cli::{Cli, Cluster, Servers},
    config::{Config, Loaded, Problem},
    connect::{Reader, Target, Writer, kubeconfig},
    domain::{object::Scope, text::Text},
    runtime::{
        app::{self, CockpitError, Inbox, Left},
        effects::Wiring,
    },
    sources::{self, SourcesOptions},
    state::{State, msg::Msg, session::Session, switch::Destination},
};

/// Observations that may wait for the loop. More make the sources wait, and a watch that waits too long is closed by the
/// API server and listed again: bounded memory, nothing lost.
const OBSERVATIONS: usize = 32;

/// Events of mitigations that may wait; the engine gives up on a screen that takes none for seconds.
const ACTIONS: usize = 64;

/// Messages of viewers and effects.
const MESSAGES: usize = 32;

/// One place that the cockpit is opened on.
pub struct Place {
    pub config: Config,
    pub target: Target,
    pub scope: Scope,
    pub home: Home,
}

/// Opens the cockpit on the cluster that was asked for.
pub fn run(cli: &Cli, mut loaded: Loaded) -> Exit {
    let (target, scope, home) = match setup::target(cli) {
        Ok(found) => found,
        Err(error) => return setup::refuse_connection(&error),
    };
    home.settle(&mut loaded);
    let first = Place { config: loaded.config, target, scope, home };
    setup::block_on(stay(cli.clone(), first, place)).unwrap_or_else(|exit| exit)
}

/// What the flags lead to.
fn place(cli: &Cli) -> Result<Place, Text> {
    let first_of = |problems: &[Problem]| problems.first().map(|problem| Text::line(&problem.to_string())).unwrap_or_default();
    let mut loaded = setup::load(cli).map_err(|problems| first_of(&problems))?;
    let (target, scope, home) = setup::target(cli).map_err(|error| Text::line(&error.to_string()))?;
    home.settle(&mut loaded);
    Ok(Place { config: loaded.config, target, scope, home })
}

/// The cockpit on one place after another, until it is left. Where another cannot be opened it stays where it was.
pub async fn stay(mut cli: Cli, mut here: Place, find: impl Fn(&Cli) -> Result<Place, Text>) -> Exit {
    let mut said = None;
    // The theme that was chosen on the way: it goes before every configuration.
    let mut chosen: Option<String> = None;
    loop {
        let Place { config, target, scope, home } = &here;
        let contexts = kubeconfig::contexts(&setup::kube_options(&cli.cluster));
        let left = Box::pin(open(config.clone(), target, scope.clone(), home.clone(), contexts, said.take())).await;
        let to = match left {
            Ok(Left::Ended(code)) => return Exit(u8::try_from(code).unwrap_or(1)),
            Ok(Left::For { to, theme }) => {
                if theme != here.config.looks.theme {
                    chosen = Some(theme);
                }
                to
            }
            Err(error) => {
                output::complain(&Text::line(&error.to_string()));
                return if matches!(error, CockpitError::Theme(_)) { Exit::USAGE } else { Exit::FAILED };
            }
        };
        let opened = match &to {
            // The same connection: what became of the kubeconfig meanwhile changes nothing.
            Destination::Namespace(scope) => {
                here.scope = scope.clone();
                Ok(())
            }
            Destination::Context(name) => {
                let flags = flags_for(&cli, name);
                find(&flags).map(|place| (cli, here) = (flags, place))
            }
        };
        if let Some(theme) = &chosen {
            here.config.looks.theme.clone_from(theme);
        }
        said = Some(match opened {
            Ok(()) => (Text::line(&format!("this is {} of {}", place_words(&here.scope), here.target.context)), false),
            Err(why) => (Text::line(&format!("{} cannot be opened: {why}", to.words())), true),
        });
    }
}

fn place_words(scope: &Scope) -> String {
    Destination::Namespace(scope.clone()).words()
}

/// The flags that lead to another context. What was said of the first alone, its servers, its cluster and user entries and its
/// certificate, is not said of another; whom to act as is.
fn flags_for(cli: &Cli, context: &Text) -> Cli {
    let Cluster { kubeconfig, impersonate, impersonate_groups, request_timeout, .. } = cli.cluster.clone();
    let cluster = Cluster { context: Some(context.to_string()), kubeconfig, impersonate, impersonate_groups, request_timeout, ..Cluster::default() };
    Cli { cluster, servers: Servers::default(), ..cli.clone() }
}

/// The cockpit on one place until it is left. `said`: a sentence to begin with, and whether it tells of a failure.
async fn open(
    config: Config,
    target: &Target,
    scope: Scope,
    home: Home,
    contexts: Vec<Text>,
    said: Option<(Text, bool)>,
) -> Result<Left, CockpitError> {
    let Home { journals, clock, is_demo } = home;
    let reader = Reader::new(target);
    // Before the screen is drawn; one that can do without the terminal is waited for there.
    if reader.needs_terminal() {
        setup::log_in(&reader).await;
    }
    let session = Session {
        context: target.context.clone(),
        kubectl: target.kubectl.clone(),
        unclear: target.unclear.clone(),
        cluster: target.cluster.clone(),
        scope: scope.clone(),
        environment: config.environment(&target.context),
        identity: None,
        read_only: config.read_only,
        insecure: target.insecure,
        is_demo,
        speed: clock.speed(),
        journal_broken: None,
        clock_offset: chrono::Duration::zero(),
    };
    let (observe, observations) = mpsc::channel(OBSERVATIONS);
    let (act, actions) = mpsc::channel(ACTIONS);
    let (tell, messages) = mpsc::channel(MESSAGES);
    let notices = tell.clone();
    let options = SourcesOptions {
        reader: reader.clone(),
        scope,
        servers: config.servers.clone(),
        kpis: config.kpis.clone(),
        alerts: config.alerts.clone(),
        errors: config.errors.clone(),
        refresh: config.refresh.clone(),
        rights: if config.read_only { Vec::new() } else { kinds::writes() },
        clock: Arc::clone(&clock),
    };
    let sources = sources::spawn(options, observe);
    if let Some((text, is_error)) = said {
        // Nothing waits in the channel yet.
        let _ = tell.try_send(Msg::Notice { text, is_error });
    }
    let wiring = Wiring {
        reader,
        writer: Writer::new(target),
        sources,
        servers: config.servers.clone(),
        scope: session.scope.clone(),
        environment: session.environment.clone(),
        mitigations: config.mitigations.clone(),
        write_timeout: target.write_timeout,
        read_only: config.read_only,
        state: journals,
        actions: act,
        messages: tell,
    };
    let state = State::new(config, session, clock.now(), (80, 24)).with_kinds(kinds::catalogue()).with_contexts(contexts);
    if target.withholds {
        // Its channel is empty yet.
        let _ = notices.try_send(Msg::Notice { text: Text::line(&setup::withheld(target)), is_error: true });
    }
    Box::pin(app::run(state, wiring, Inbox { observations, actions, messages }, clock)).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_was_said_of_one_context_is_not_said_of_another() {
        let line = "sev1 --context first -n shop --user me --as bob --prometheus http://p:9090 --insecure-skip-tls-verify --read-only";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let there = flags_for(&cli, &"second".into());
        assert_eq!((there.cluster.context.as_deref(), there.cluster.namespace, there.cluster.user), (Some("second"), None, None));
        assert_eq!((there.servers.prometheus, there.cluster.insecure_skip_tls_verify), (None, false));
        assert_eq!((there.cluster.impersonate.as_deref(), there.looks.read_only), (Some("bob"), true));
    }
}
