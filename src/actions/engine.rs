//! The engine: plans, checks and executes, and reports each step as an `ActionEvent`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::shape::{Environment, Mitigations},
    connect::{Reader, Writer},
    domain::{
        mitigation::{ActionEvent, CardId, Check, CheckResult, ClusterIdentity, ConfirmedPlan, MitigationId, Plan, Request, RequestKind},
        text::Text,
        time::Clock,
    },
    journal::{Journal, JournalError, Seq},
};

use super::{api::Api, checks, draft::Draft, execute, expect::Expect, kinds, record, recover, undo};

/// How long an event waits for a screen that does not take it. The journal has it all; a screen that hangs gets no more.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an engine is built from.
pub struct Setup {
    pub reader: Reader,
    pub writer: Writer,
    pub journal: Arc<Journal>,
    /// Pinned at start; compared again before each write.
    pub cluster: ClusterIdentity,
    pub environment: Environment,
    pub mitigations: Mitigations,
    pub read_only: bool,
    pub clock: Arc<dyn Clock>,
    pub events: mpsc::Sender<ActionEvent>,
    pub pace: Pace,
}

/// How patient the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// For one write's answer.
    pub write_timeout: Duration,
    /// Between two looks at an object.
    pub look_every: Duration,
    /// How long a rollout is watched.
    pub converge_for: Duration,
    /// How long replacements of a batch of pods are waited for before the rest is left alone.
    pub batch_for: Duration,
    /// From when on an object that is still as before counts as not written: longer than the API server works on a
    /// request (`--request-timeout`, 60 s).
    pub not_done_after: Duration,
    /// How long an unknown outcome is looked into while the server cannot be read.
    pub resolve_for: Duration,
    /// Between two tries of a journal that could not be written.
    pub journal_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            write_timeout: Duration::from_secs(30),
            look_every: Duration::from_secs(2),
            converge_for: Duration::from_mins(10),
            batch_for: Duration::from_secs(90),
            not_done_after: Duration::from_secs(65),
            resolve_for: Duration::from_mins(10),
            journal_every: Duration::from_secs(10),
        }
    }
}

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
}

/// What planning, executing and watching share.
pub struct Core {
    pub api: Api,
    pub journal: Arc<Journal>,
    pub cluster: ClusterIdentity,
    pub environment: Environment,
    pub mitigations: Mitigations,
    pub read_only: bool,
    pub clock: Arc<dyn Clock>,
    events: mpsc::Sender<ActionEvent>,
    /// By mitigation: how many pods may be gone at once, as planned.
    at_once: Mutex<BTreeMap<MitigationId, u8>>,
    finished: Mutex<BTreeMap<MitigationId, Finished>>,
    journal_is_broken: Mutex<bool>,
    in_flight: watch::Sender<u32>,
}

/// A mitigation that was done.
#[derive(Clone)]
pub struct Finished {
    pub plan: Plan,
    /// What the written object looks like, as the server answered.
    pub wrote: Option<Expect>,
}

impl Engine {
    pub fn new(setup: Setup) -> Self {
        let api = Api { reader: setup.reader, writer: setup.writer, pace: setup.pace };
        Self {
            core: Arc::new(Core {
                api,
                journal: setup.journal,
                cluster: setup.cluster,
                environment: setup.environment,
                mitigations: setup.mitigations,
                read_only: setup.read_only,
                clock: setup.clock,
                events: setup.events,
                at_once: Mutex::default(),
                finished: Mutex::default(),
                journal_is_broken: Mutex::default(),
                in_flight: watch::Sender::new(0),
            }),
        }
    }

    /// Reads what is needed, freezes a plan and checks it. Sends `Planned` or `NotPlanned`, then every check as pending,
    /// then each as it finishes. Writes nothing but the journal; dropping the future ends it.
    pub async fn plan(&self, card: CardId, id: MitigationId, request: Request) {
        let core = &self.core;
        let draft = if core.read_only { Err("this session is read-only".into()) } else { draft(core, id, &request).await };
        let draft = match draft {
            Ok(draft) => draft,
            Err(why) => return core.say(ActionEvent::NotPlanned { card, why }).await,
        };
        lock(&core.at_once).insert(id, draft.at_once);
        let mut all = checks::of_every_plan(core, &draft.plan);
        all.extend(draft.checks);
        core.say(ActionEvent::Planned { card, plan: Box::new(draft.plan) }).await;
        let kinds: Vec<_> = all.iter().map(|(what, _)| *what).collect();
        for what in kinds {
            core.say(ActionEvent::Checked { card, check: Check { what, result: CheckResult::Pending } }).await;
        }
        let mut running: FuturesUnordered<_> = all.into_iter().map(|(what, check)| async move { Check { what, result: check.await } }).collect();
        while let Some(check) = running.next().await {
            core.say(ActionEvent::Checked { card, check }).await;
        }
    }

    /// Executes in a task of its own: dropping the handle, or the receiver of the events, stops nothing and loses no
    /// record. Ends when the rollout converged or is watched no longer.
    pub fn execute(&self, confirmed: ConfirmedPlan) -> JoinHandle<()> {
        let core = self.core.clone();
        let in_flight = InFlight::begin(&core);
        tokio::spawn(async move { execute::run(&core, &confirmed, in_flight).await })
    }

    /// Writes whose outcome is not in the journal yet.
    pub fn in_flight(&self) -> u32 {
        *self.core.in_flight.borrow()
    }

    /// Waits until every write's outcome is in the journal, at most for `patience`. Says whether it is.
    pub async fn settled(&self, patience: Duration) -> bool {
        let mut count = self.core.in_flight.subscribe();
        tokio::time::timeout(patience, count.wait_for(|count| *count == 0)).await.is_ok_and(|result| result.is_ok())
    }

    /// Looks for intents that a crash left without an outcome, reads what became of them, journals it and says so.
    pub async fn recover(&self) {
        recover::run(&self.core).await;
    }

    /// Journals something that is no write: session start, acks, notes, verdicts. A failure is reported as an event too.
    pub async fn record(&self, kind: &'static str, fields: Value) -> Result<Seq, Text> {
        self.core.journal(kind, fields).await
    }
}

async fn draft(core: &Arc<Core>, id: MitigationId, request: &Request) -> Result<Draft, Text> {
    let mut draft = match &request.kind {
        RequestKind::Scale { deployment, replicas } => kinds::scale::draft(core, id, deployment, *replicas).await,
        RequestKind::RestartUnhealthy { app, pods, at_once } => kinds::restart_unhealthy::draft(core, id, app, pods, *at_once).await,
        RequestKind::SetConfigKey { config_map, name, value } => kinds::config_key::draft(core, id, config_map, name, value).await,
        RequestKind::UndoRollout { deployment, to_revision } => kinds::undo_rollout::draft(core, id, deployment, *to_revision).await,
        RequestKind::Undo { of } => undo::draft(core, id, *of).await,
    }?;
    draft.plan.reason = request.reason.clone();
    Ok(draft)
}

impl Core {
    /// A screen that is gone or hangs loses events, nothing else.
    pub async fn say(&self, event: ActionEvent) {
        let _ = self.events.send_timeout(event, PATIENCE).await;
    }

    /// Appends a record and returns once it is on the disk. A failure turns mitigations off until it can be written again.
    pub async fn journal(self: &Arc<Self>, kind: &'static str, fields: Value) -> Result<Seq, Text> {
        let journal = self.journal.clone();
        let appended = tokio::task::spawn_blocking(move || journal.append(kind, &fields)).await;
        let why = match appended {
            Ok(Ok(seq)) => {
                self.journal_works(true).await;
                return Ok(seq);
            }
            Ok(Err(error @ JournalError::TooLong { .. })) => return Err(Text::line(&error.to_string())),
            Ok(Err(error)) => Text::line(&error.to_string()),
            Err(error) => Text::line(&format!("journalling was cut off: {error}")),
        };
        if !self.journal_works(false).await {
            self.say(ActionEvent::Journal { broken: Some(why.clone()) }).await;
            self.keep_trying_the_journal();
        }
        Err(why)
    }

    pub fn at_once(&self, id: MitigationId) -> u8 {
        lock(&self.at_once).get(&id).copied().unwrap_or(1).max(1)
    }

    pub fn finished(&self, id: MitigationId) -> Option<Finished> {
        lock(&self.finished).get(&id).cloned()
    }

    pub fn remember(&self, plan: &Plan, wrote: Option<Expect>) {
        lock(&self.finished).insert(plan.id, Finished { plan: plan.clone(), wrote });
    }

    /// Notes whether it works; returns whether it was known to be broken.
    async fn journal_works(&self, works: bool) -> bool {
        let was_broken = std::mem::replace(&mut *lock(&self.journal_is_broken), !works);
        if was_broken && works {
            self.say(ActionEvent::Journal { broken: None }).await;
        }
        was_broken
    }

    fn keep_trying_the_journal(self: &Arc<Self>) {
        let core = Arc::downgrade(self);
        let every = self.api.pace.journal_every;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(core) = core.upgrade() else { return };
                let journal = core.journal.clone();
                let appended = tokio::task::spawn_blocking(move || journal.append(record::JOURNAL_WORKS, &Value::Null)).await;
                if matches!(appended, Ok(Ok(_))) {
                    core.journal_works(true).await;
                    return;
                }
            }
        });
    }
}

/// Counts a write from its confirmation until its outcome is in the journal.
pub struct InFlight(Arc<Core>);

impl InFlight {
    fn begin(core: &Arc<Core>) -> Self {
        core.in_flight.send_modify(|count| *count += 1);
        Self(core.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count = count.saturating_sub(1));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
