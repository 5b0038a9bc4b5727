//! `sev1`: the cockpit on a cluster.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Exit, home::Home, output, setup};
use crate::{
    actions::kinds,
    cli::Cli,
    config::{Config, Loaded},
    connect::{Reader, Target, Writer},
    domain::{object::Scope, text::Text},
    runtime::{
        app::{self, CockpitError, Inbox},
        effects::Wiring,
    },
    sources::{self, SourcesOptions},
    state::{State, msg::Msg, session::Session},
};

/// Observations that may wait for the loop. More make the sources wait, and a watch that waits too long is closed by the
/// API server and listed again: bounded memory, nothing lost.
const OBSERVATIONS: usize = 256;

/// Events of mitigations that may wait; the engine gives up on a screen that takes none for seconds.
const ACTIONS: usize = 64;

/// Messages of viewers and effects.
const MESSAGES: usize = 32;

/// Opens the cockpit on the cluster that was asked for.
pub fn run(cli: &Cli, mut loaded: Loaded) -> Exit {
    let (target, scope, home) = match setup::target(cli) {
        Ok(found) => found,
        Err(error) => return setup::refuse_connection(&error),
    };
    home.settle(&mut loaded);
    setup::block_on(open(loaded.config, &target, scope, home)).unwrap_or_else(|exit| exit)
}

/// The cockpit until it is left.
pub async fn open(config: Config, target: &Target, scope: Scope, home: Home) -> Exit {
    let Home { journals, clock, is_demo } = home;
    let reader = Reader::new(target);
    // Before the screen is drawn; one that can do without the terminal is waited for there.
    if reader.needs_terminal() {
        setup::log_in(&reader).await;
    }
    let session = Session {
        context: target.context.clone(),
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
    let state = State::new(config, session, clock.now(), (80, 24)).with_kinds(kinds::catalogue());
    if target.withholds {
        // Its channel is empty yet.
        let _ = notices.try_send(Msg::Notice { text: Text::line(&setup::withheld(target)), is_error: true });
    }
    let inbox = Inbox { observations, actions, messages };
    match app::run(state, wiring, inbox, clock).await {
        Ok(code) => Exit(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            output::complain(&Text::line(&error.to_string()));
            if matches!(error, CockpitError::Theme(_)) { Exit::USAGE } else { Exit::FAILED }
        }
    }
}
