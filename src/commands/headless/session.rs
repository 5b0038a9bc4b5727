//! An engine without a screen: what it says is gathered here.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{interrupt::Interrupt, plan_file};
use crate::{
    actions::{Engine, Pace, Setup},
    commands::{Exit, home::Home, output, setup},
    config::{Loaded, shape::Environment},
    connect::{Reader, Target, Writer, identity},
    domain::{
        ask::{Request, Undoable},
        asks::Run,
        mitigation::{
            ActionEvent, CardId, Check, CheckResult, ClusterIdentity, CommandOutput, ConfirmedPlan, DiffLine, MitigationId, Outcome, Plan, converging,
        },
        object::Scope,
        shell::KubectlFlags,
        text::Text,
    },
    journal::{self, Journal},
};

/// Events that may wait: more than a plan and its checks, or the watch of a rollout, say at once.
const EVENTS: usize = 1_024;
/// How long a write under way is waited for after an interruption.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub struct Session {
    engine: Engine,
    journal: Arc<Journal>,
    events: mpsc::Receiver<ActionEvent>,
    cluster: ClusterIdentity,
    place: KubectlFlags,
    environment: Environment,
    next: u32,
    /// Where this cluster's journal is.
    journals: PathBuf,
}

/// A plan with all its checks.
pub struct Planned {
    pub plan: Plan,
    pub checks: Vec<Check>,
    /// The whole change, where it was asked for; or why it is not known.
    pub full_diff: Option<Result<Vec<DiffLine>, Text>>,
}

/// What became of a confirmed plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// None: it was left before that was known.
    pub outcome: Option<Outcome>,
    /// Number of its intent in the journal.
    pub recorded: Option<u64>,
    pub undoable: bool,
    pub notes: Vec<Text>,
    /// After how long the rollout was complete.
    pub converged: Option<Duration>,
    /// Why the rollout is not complete.
    pub unfinished: Option<Text>,
    pub interrupted: bool,
    /// What a command wrote.
    pub output: Option<CommandOutput>,
}

impl Planned {
    /// Why it cannot be confirmed.
    pub fn blocked(&self) -> Option<Text> {
        self.checks.iter().find_map(|check| match &check.result {
            CheckResult::Block(why) => Some(why.clone()),
            _ => None,
        })
    }
}

impl Session {
    /// Asks the cluster who it is and arms the engine. `wait` is how long a rollout is watched. Says what is wrong.
    pub async fn open(target: &Target, home: &Home, loaded: &Loaded, wait: Duration) -> Result<Self, Exit> {
        let reader = Reader::new(target);
        setup::log_in(&reader).await;
        let cluster = match identity::read(&reader).await {
            Ok((identity, _)) => identity.cluster,
            Err(error) => return Err(setup::refuse_connection(&error)),
        };
        let directory = match home.journals.directory(&cluster.uid) {
            Ok(directory) => directory,
            Err(error) => {
                output::complain(&format!("no mitigation without a journal: {error}"));
                return Err(Exit::FAILED);
            }
        };
        let clock = Arc::clone(&home.clock);
        let (sender, events) = mpsc::channel(EVENTS);
        let environment = loaded.config.environment(&target.context);
        let journal = Arc::new(Journal::new(directory.clone(), cluster.uid.clone(), cluster.user.clone(), Arc::clone(&clock)));
        let engine = Engine::new(Setup {
            reader,
            writer: Writer::new(target),
            journal: Arc::clone(&journal),
            servers: loaded.config.servers.clone(),
            scope: Scope::One(target.namespace.clone()),
            cluster: cluster.clone(),
            environment: environment.clone(),
            mitigations: loaded.config.mitigations.clone(),
            read_only: loaded.config.read_only,
            clock,
            events: sender,
            pace: Pace { write_timeout: target.write_timeout, converge_for: wait, ..Pace::of(&loaded.config.mitigations) },
        });
        Ok(Self { engine, journal, events, cluster, place: target.kubectl.clone(), environment, journals: directory, next: 1 })
    }

    /// What leads kubectl and this program to the same cluster.
    pub fn place(&self) -> &KubectlFlags {
        &self.place
    }

    pub fn cluster(&self) -> &ClusterIdentity {
        &self.cluster
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Runs a command of the list that only reads.
    pub async fn read_by_command(&self, run: &Run) -> Result<CommandOutput, Text> {
        self.engine.read_by_command(run).await
    }

    pub async fn undoable(&self) -> Vec<Undoable> {
        self.engine.undoable().await
    }

    pub async fn altered(&self) -> Vec<Text> {
        self.engine.altered().await
    }

    /// Why nothing that stands in the journal counts, and nothing can be written.
    pub fn journal_trouble(&self) -> Option<String> {
        match journal::usable(&self.journals) {
            Ok(closed) => {
                for one in &closed {
                    output::complain(one);
                }
                None
            }
            Err(error) => Some(error.to_string()),
        }
    }

    /// Looks first for writes that an earlier run left without an outcome; then plans, and waits for every check.
    pub async fn plan(&mut self, request: Request) -> Result<Planned, Text> {
        let number = self.next;
        self.next += 1;
        let engine = self.engine.clone();
        let gathered = Mutex::new((None, Vec::<Check>::new(), None));
        let gather = |event| {
            let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                ActionEvent::Planned { plan, .. } => gathered.0 = Some(*plan),
                ActionEvent::NotPlanned { why, .. } => gathered.2 = Some(why),
                ActionEvent::Checked { check, .. } => {
                    gathered.1.retain(|known| known.what != check.what);
                    gathered.1.push(check);
                }
                ActionEvent::Notice { text, .. } => output::complain(&text),
                _ => {}
            }
        };
        let planning = async {
            // What may still arrive stays open: nobody waits a minute for a plan.
            drop(engine.recover().await);
            engine.plan(CardId(number), MitigationId(number), request).await;
        };
        tokio::pin!(planning);
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => gather(event),
                () = &mut planning => break,
            }
        }
        while let Ok(event) = self.events.try_recv() {
            gather(event);
        }
        let (plan, mut checks, why) = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        checks.sort_by_key(|check| check.what);
        match (plan, why) {
            (Some(plan), _) => Ok(Planned { plan, checks, full_diff: None }),
            (None, Some(why)) => Err(why),
            (None, None) => Err("no plan was made".into()),
        }
    }

    /// Saves the plan as a file that the journal vouches for. Says why it cannot.
    pub fn save(&self, path: &Path, plan: &Plan) -> Result<(), String> {
        // First: a crash in between leaves a record of no file, where the other order would leave a file that nobody vouches for.
        let hidden = Some(plan.wish.words()).filter(|words| *words != plan.wish.shown_words());
        let recorded = self.journal.plan_saved(&plan_file::hash_of(plan), &plan.title, &plan.reason, hidden.as_deref());
        recorded.map_err(|error| error.to_string())?;
        plan_file::save(path, plan)
    }

    /// Asks the server for the whole change.
    pub async fn add_full_diff(&self, planned: &mut Planned) {
        planned.full_diff = Some(self.engine.full_diff(&planned.plan.writes).await);
    }

    /// Carries it out once, and watches what follows. Progress goes to standard error.
    pub async fn execute(&mut self, confirmed: ConfirmedPlan, interrupt: &Interrupt) -> Ended {
        let id = confirmed.plan().id;
        let mut ended = Ended {
            outcome: None,
            recorded: None,
            undoable: false,
            notes: Vec::new(),
            converged: None,
            unfinished: None,
            interrupted: false,
            output: None,
        };
        let mut running = self.engine.execute(confirmed);
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => note(&mut ended, event),
                _ = &mut running => break,
                () = interrupt.came() => {
                    ended.interrupted = true;
                    self.engine.stop(id);
                    self.last_words(&mut ended).await;
                    break;
                }
            }
        }
        while let Ok(event) = self.events.try_recv() {
            note(&mut ended, event);
        }
        ended.recorded = self.engine.recorded_as(id);
        ended
    }

    /// Nothing more is sent; what was sent is waited for a little.
    async fn last_words(&mut self, ended: &mut Ended) {
        let told = async {
            while ended.outcome.is_none() {
                let Some(event) = self.events.recv().await else { return };
                note(ended, event);
            }
        };
        // Without an answer by then the outcome is not known, and the next start looks.
        let _ = tokio::time::timeout(LAST_WORDS, told).await;
    }
}

fn note(ended: &mut Ended, event: ActionEvent) {
    match event {
        ActionEvent::Ended { outcome, undoable, .. } => {
            if let Outcome::Unknown(why) = &outcome {
                output::complain(&format!("outcome unknown: {why}; reading what became of it"));
            }
            ended.undoable = undoable;
            ended.outcome = Some(outcome);
        }
        ActionEvent::Resolved { outcome, undoable, .. } => {
            ended.undoable = undoable;
            ended.outcome = Some(outcome);
        }
        ActionEvent::Progress { done, of, waits, .. } if of > 1 || waits.is_some() => {
            let waits = waits.map_or_else(String::new, |waits| format!("; {waits}"));
            output::complain(&format!("{done} of {of} written{waits}"));
        }
        ActionEvent::Converging { ready, of, old, stuck, .. } => {
            let why = stuck.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let progress = converging(ready, of, old);
            output::complain(&format!("{progress}{why}"));
            ended.unfinished = Some(stuck.unwrap_or_else(|| Text::line(&progress)));
        }
        ActionEvent::Converged { after, .. } => {
            ended.converged = Some(after);
            ended.unfinished = None;
        }
        ActionEvent::Output { output, .. } => ended.output = Some(output),
        ActionEvent::Notice { text, .. } => {
            output::complain(&text);
            ended.notes.push(text);
        }
        _ => {}
    }
}
