//! A cockpit without a terminal on a platform without ports: the real sources, state and engine, on a clock that jumps.
//!
//! Tokio's paused clock moves on when nobody has anything left to do, so that an hour of an incident takes as long as its
//! work. The world moves each whole second, the sources begin a fifth of a second later, as any cockpit does at its own time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sev1::{
    actions::{Engine, Pace, Setup, kinds},
    config::{Config, example_commands},
    connect::{Reader, Target, Writer},
    domain::{
        mitigation::{ActionEvent, CardId},
        object::Scope,
        observation::{Observation, What},
        time::{Clock, Mono, Now, Speed},
    },
    journal::Journal,
    runtime::viewer,
    sim::{
        unserved::Unserved,
        world::{World, platform::PRODUCTION},
    },
    sources::{self, SourcesOptions},
    state::{
        State,
        card::{Mitigation, Stage},
        msg::{Effect, Key, KeyCode, Msg},
        overlay::{Overlay, ViewerId},
        session::Session,
        update::update,
    },
    ui,
};
use tokio::{sync::mpsc, task::AbortHandle, time::Instant};

/// Name of the context.
pub const CONTEXT: &str = "prod-uk-1";
/// When the cockpit is opened, after the launch of the platform.
const OPENED: Duration = Duration::from_millis(200);
/// Whole seconds of the world.
const STEP: Duration = Duration::from_secs(1);

/// How far a mitigation has got: never backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    Executing(u32),
    /// Until the first word of it nothing is counted.
    Converging(u32),
    Watching,
    Ended,
}

pub fn progress(mitigation: &Mitigation) -> Progress {
    match &mitigation.stage {
        Stage::Executing { done, .. } => Progress::Executing(*done),
        Stage::Converging { ready, of, .. } => Progress::Converging(if *of == 0 { 0 } else { *ready }),
        Stage::Watching { .. } => Progress::Watching,
        Stage::Ended(_) => Progress::Ended,
    }
}

/// Tokio's clock, with the time of day that the platform has.
struct Told {
    began: Instant,
    begin: DateTime<Utc>,
}

impl Clock for Told {
    fn now(&self) -> Now {
        let since = self.began.elapsed();
        Now { mono: Mono(since), utc: self.begin + TimeDelta::from_std(since).unwrap_or_default() }
    }
}

pub struct Cockpit {
    pub platform: Unserved,
    pub state: State,
    clock: Arc<Told>,
    /// Time from the launch to the world's next second.
    next_step: Duration,
    observations: mpsc::Receiver<Observation>,
    actions: mpsc::Receiver<ActionEvent>,
    /// What an engine is built from, once the cluster has said which one it is.
    setup: Option<Setup>,
    engine: Option<Engine>,
    cards: HashMap<CardId, AbortHandle>,
    reader: Reader,
    /// What fills the open viewers, and what they say.
    viewers: HashMap<ViewerId, AbortHandle>,
    say: mpsc::Sender<Msg>,
    said: mpsc::Receiver<Msg>,
    /// Progress that counted backwards from one word of the engine to the next, in words.
    pub setbacks: Vec<String>,
    _sources: sources::Handle,
    /// Of the journal.
    pub folder: tempfile::TempDir,
}

impl Cockpit {
    /// Opens a cockpit on a world that was played up to its launch. Needs a runtime with a paused clock.
    pub async fn open(world: World, seed: u64) -> Self {
        Self::behind(world, seed, |platform| Target::in_process(CONTEXT, PRODUCTION, platform.api())).await
    }

    /// The same with something between the cockpit and the platform.
    pub async fn behind(world: World, seed: u64, between: impl FnOnce(&Unserved) -> Target) -> Self {
        // What waits a random while, as a watch before it is opened again, waits the same in each play of a seed.
        fastrand::seed(seed);
        let begin = world.clock().now();
        let platform = Unserved::of(world, seed).expect("the rules can be read");
        let clock = Arc::new(Told { began: Instant::now(), begin });
        tokio::time::sleep(OPENED).await;
        let target = between(&platform);
        let config = configured();
        let scope = Scope::One(target.namespace.clone());
        let session = Session {
            context: target.context.clone(),
            kubectl: target.kubectl.clone(),
            cluster: target.cluster.clone(),
            scope: scope.clone(),
            environment: config.environment(&target.context),
            identity: None,
            read_only: false,
            insecure: false,
            is_demo: true,
            journal_broken: None,
            unclear: None,
            speed: Speed::OF_LIFE,
            clock_offset: TimeDelta::zero(),
        };
        let reader = Reader::new(&target);
        let (observe, observations) = mpsc::channel(256);
        let (act, actions) = mpsc::channel(256);
        let (say, said) = mpsc::channel(256);
        let told: Arc<dyn Clock> = clock.clone();
        let sources = sources::spawn(
            SourcesOptions {
                reader: reader.clone(),
                scope: scope.clone(),
                servers: config.servers.clone(),
                kpis: config.kpis.clone(),
                alerts: config.alerts.clone(),
                errors: config.errors.clone(),
                refresh: config.refresh.clone(),
                rights: sev1::actions::kinds::writes(),
                clock: Arc::clone(&told),
            },
            observe,
        );
        let folder = tempfile::tempdir().expect("a folder for the journal");
        let setup = Setup {
            reader: reader.clone(),
            writer: Writer::new(&target),
            journal: Arc::new(Journal::new(folder.path().join("journal"), "".into(), "".into(), Arc::clone(&told))),
            servers: config.servers.clone(),
            scope,
            cluster: nobody(),
            environment: session.environment.clone(),
            mitigations: config.mitigations.clone(),
            read_only: false,
            clock: Arc::clone(&told),
            events: act,
            pace: Pace::of(&config.mitigations),
        };
        let state = State::new(config, session, told.now(), (120, 40)).with_kinds(kinds::catalogue());
        let mut cockpit = Self {
            platform,
            state,
            clock,
            next_step: STEP,
            observations,
            actions,
            setup: Some(setup),
            engine: None,
            cards: HashMap::new(),
            reader,
            viewers: HashMap::new(),
            say,
            said,
            setbacks: Vec::new(),
            _sources: sources,
            folder,
        };
        cockpit.apply(Msg::Resize { columns: 120, rows: 40 });
        // Nothing was done before.
        cockpit.apply(Msg::Recalled(Vec::new()));
        cockpit
    }

    /// Time since the launch.
    pub fn elapsed(&self) -> Duration {
        self.clock.began.elapsed()
    }

    /// Lives on until so long after the launch.
    pub async fn until(&mut self, at: Duration) {
        loop {
            let steps = self.next_step <= at;
            let due = tokio::time::sleep_until(self.clock.began + self.next_step.min(at));
            tokio::select! {
                biased;
                Some(event) = self.actions.recv() => self.hear(event),
                Some(observation) = self.observations.recv() => self.observe(observation),
                Some(message) = self.said.recv() => self.apply(message),
                () = due => {
                    if !steps {
                        return self.tick();
                    }
                    self.platform.step(self.clock.begin + TimeDelta::from_std(self.next_step).unwrap_or_default());
                    self.next_step += STEP;
                    self.tick();
                }
            }
        }
    }

    fn hear(&mut self, event: ActionEvent) {
        let before: Vec<Progress> = self.state.mitigations.all.iter().map(progress).collect();
        self.apply(Msg::Action(event));
        for (then, own) in before.into_iter().zip(&self.state.mitigations.all) {
            let now = progress(own);
            if now < then {
                self.setbacks.push(format!("{}: {then:?} became {now:?}", own.title));
            }
        }
    }

    fn observe(&mut self, observation: Observation) {
        if let What::Identity(identity) = &observation.what
            && let Some(setup) = self.setup.take()
        {
            let cluster = identity.cluster.clone();
            let journal = Journal::new(self.folder.path().join("journal"), cluster.uid.clone(), cluster.user.clone(), Arc::clone(&setup.clock));
            self.engine = Some(Engine::new(Setup { journal: Arc::new(journal), cluster, ..setup }));
        }
        self.apply(Msg::Observation(observation));
    }

    fn tick(&mut self) {
        let effects = update(&mut self.state, Msg::Tick(self.clock.now()));
        self.perform(effects);
    }

    /// As the loop does it: time first, then the message, then the layout, and a card counts as drawn.
    pub fn apply(&mut self, message: Msg) {
        self.tick();
        let effects = update(&mut self.state, message);
        self.perform(effects);
        let heights = ui::heights(&self.state);
        if heights != self.state.heights {
            let effects = update(&mut self.state, Msg::Layout(heights));
            self.perform(effects);
        }
        if let Some(Overlay::Card(card)) = self.state.overlays.last()
            && card.shown_at.is_none()
        {
            let shown = Msg::CardShown { card: card.id, at: self.clock.now() };
            let effects = update(&mut self.state, shown);
            self.perform(effects);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Some(engine) = self.engine.clone() else { continue };
            match effect {
                Effect::Plan { card, id, request } => {
                    let task = tokio::spawn(async move { engine.plan(card, id, request).await });
                    self.cards.insert(card, task.abort_handle());
                }
                Effect::Abandon { card } => {
                    if let Some(task) = self.cards.remove(&card) {
                        task.abort();
                    }
                }
                Effect::Execute(confirmed) => drop(engine.execute(*confirmed)),
                Effect::Stop(id) => engine.stop(id),
                Effect::Open { viewer, about, what } => {
                    let task = tokio::spawn(viewer::fill(self.reader.clone(), self.say.clone(), viewer, about, what));
                    self.viewers.insert(viewer, task.abort_handle());
                }
                Effect::Close { viewer } => {
                    if let Some(task) = self.viewers.remove(&viewer) {
                        task.abort();
                    }
                }
                _ => {}
            }
        }
    }

    pub fn press(&mut self, key: &str) {
        let key = Key::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
        self.apply(Msg::Key(key));
    }

    pub fn type_(&mut self, text: &str) {
        for character in text.chars() {
            self.apply(Msg::Key(Key::char(character)));
        }
    }

    pub fn enter(&mut self) {
        self.apply(Msg::Key(Key::plain(KeyCode::Enter)));
    }
}

fn configured() -> Config {
    let mut config = Config::default();
    config.mitigations.commands = example_commands();
    config.mitigations.breaker.guards = sev1::sim::incident::guarded();
    config
}

fn nobody() -> sev1::domain::mitigation::ClusterIdentity {
    sev1::domain::mitigation::ClusterIdentity { context: "".into(), cluster: "".into(), uid: "".into(), user: "".into() }
}
