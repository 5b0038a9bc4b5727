//! The engine: plans, checks and executes, and reports each step as an `ActionEvent`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::shape::{Environment, Mitigations, Servers},
    connect::{Reader, Writer, discovery::Finder},
    domain::{
        ask::{Request, RequestKind, Undoable},
        asks::Run,
        catalogue::Level,
        mitigation::{
            ActionEvent, Basis, CardId, Check, CheckKind, CheckResult, ClusterIdentity, CommandOutput, ConfirmedPlan, DiffLine, Friction,
            MitigationId, Plan, Write,
        },
        object::Scope,
        phase::Phase,
        shell::KubectlFlags,
        text::Text,
        time::Clock,
    },
    journal::{Journal, JournalError, Seq},
};

use super::{
    api::Api,
    checks, commands,
    draft::Undo,
    execute, full_diff, kinds, record,
    recover::{self, Late},
    undo,
};

/// How long an event waits for a screen that does not take it. The journal has it all; a screen that hangs gets no more.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an engine is built from.
pub struct Setup {
    pub reader: Reader,
    pub writer: Writer,
    pub journal: Arc<Journal>,
    /// Where the servers beside the API server are, as far as configured.
    pub servers: Servers,
    /// Whose servers are looked for first.
    pub scope: Scope,
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
    /// From when on an object that is still as before counts as not written: `mitigations.arrival_timeout`.
    pub not_done_after: Duration,
    /// How long an unknown outcome is looked into while the server cannot be read.
    pub resolve_for: Duration,
    /// Between two tries of a journal that could not be written.
    pub journal_every: Duration,
    /// Until the server is asked again whether a disruption budget allows an eviction; doubled each time, up to [`LONGEST_PAUSE`].
    pub ask_again_after: Duration,
}

/// Between two questions about the same disruption budget.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Pace {
    /// As configured.
    pub fn of(mitigations: &Mitigations) -> Self {
        Self { not_done_after: mitigations.arrival_timeout, ..Self::default() }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            write_timeout: Duration::from_secs(30),
            look_every: Duration::from_secs(2),
            converge_for: Duration::from_mins(10),
            batch_for: Duration::from_secs(90),
            not_done_after: Mitigations::default().arrival_timeout,
            resolve_for: Duration::from_mins(10),
            journal_every: Duration::from_secs(10),
            ask_again_after: Duration::from_secs(5),
        }
    }
}

type OwnCheck = (CheckKind, BoxFuture<'static, CheckResult>);

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(super) core: Arc<Core>,
}

/// What planning, executing and watching share.
pub struct Core {
    pub api: Api,
    pub journal: Arc<Journal>,
    pub cluster: ClusterIdentity,
    /// What leads kubectl there.
    pub kubectl: KubectlFlags,
    pub environment: Environment,
    pub mitigations: Mitigations,
    pub read_only: bool,
    pub clock: Arc<dyn Clock>,
    events: mpsc::Sender<ActionEvent>,
    /// Numbers of the intents of this run in the journal.
    intents: Mutex<BTreeMap<MitigationId, u64>>,
    journal_is_broken: Mutex<bool>,
    in_flight: watch::Sender<u32>,
    /// Mitigations whose next write is not to be sent any more.
    stopped: watch::Sender<BTreeSet<MitigationId>>,
}

impl Core {
    /// By the server's clock, as far as it told.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.api.server_now(self.clock.now().utc)
    }
}

impl Engine {
    pub fn new(setup: Setup) -> Self {
        let finder = Arc::new(Finder::new(setup.reader.clone(), setup.scope, setup.servers, setup.clock.clone()));
        let kubectl = setup.reader.target().kubectl.clone();
        let api = Api { reader: setup.reader, writer: setup.writer, finder, pace: setup.pace, told: Arc::default() };
        Self {
            core: Arc::new(Core {
                api,
                journal: setup.journal,
                cluster: setup.cluster,
                kubectl,
                environment: setup.environment,
                mitigations: setup.mitigations,
                read_only: setup.read_only,
                clock: setup.clock,
                events: setup.events,
                intents: Mutex::default(),
                journal_is_broken: Mutex::default(),
                in_flight: watch::Sender::new(0),
                stopped: watch::Sender::default(),
            }),
        }
    }

    /// Reads what is needed, freezes a plan and checks it. Sends `Planned` or `NotPlanned`, then every check as pending,
    /// then each as it finishes. Writes nothing but the journal; dropping the future ends it.
    pub async fn plan(&self, card: CardId, id: MitigationId, request: Request) {
        let core = &self.core;
        let frozen = match core.never_writes() {
            Some(why) => Err(why),
            None => freeze(core, id, &request).await,
        };
        let (plan, own_checks) = match frozen {
            Ok(frozen) => frozen,
            Err(why) => return core.say(ActionEvent::NotPlanned { card, why }).await,
        };
        let mut all = checks::of_every_plan(core, &plan);
        all.extend(own_checks);
        core.say(ActionEvent::Planned { card, plan: Box::new(plan) }).await;
        let kinds: Vec<_> = all.iter().map(|(what, _)| *what).collect();
        for what in kinds {
            core.say(ActionEvent::Checked { card, check: Check { what, result: CheckResult::Pending } }).await;
        }
        let mut running: FuturesUnordered<_> = all.into_iter().map(|(what, check)| async move { Check { what, result: check.await } }).collect();
        while let Some(check) = running.next().await {
            core.say(ActionEvent::Checked { card, check }).await;
        }
    }

    /// The whole change of a plan as the server would store it, tried once more now; empty where nothing but the card tells it.
    pub async fn full_diff(&self, writes: &[Write]) -> Result<Vec<DiffLine>, Text> {
        full_diff::of(&self.core.api, writes).await
    }

    /// Executes in a task of its own: dropping the handle, or the receiver of the events, stops nothing and loses no
    /// record. Ends when the rollout converged or is watched no longer.
    pub fn execute(&self, confirmed: ConfirmedPlan) -> JoinHandle<()> {
        let core = self.core.clone();
        let in_flight = InFlight::begin(&core);
        tokio::spawn(async move { execute::run(&core, &confirmed, in_flight).await })
    }

    /// No further write of this mitigation is sent, where it has several. What was sent before is waited for, and what was
    /// done stays done.
    pub fn stop(&self, id: MitigationId) {
        self.core.stopped.send_modify(|stopped| {
            stopped.insert(id);
        });
    }

    /// The same for all that were begun: the program is about to end.
    pub fn stop_all(&self) {
        let begun: Vec<_> = lock(&self.core.intents).keys().copied().collect();
        self.core.stopped.send_modify(|stopped| stopped.extend(begun));
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
    /// Returns those whose requests may still arrive, for [`Self::recover_late`]; without that they stay open for the next run.
    pub async fn recover(&self) -> Vec<Late> {
        let late = recover::look(&self.core).await;
        self.core.say_undoable().await;
        for text in self.altered().await {
            self.core.say(ActionEvent::Notice { text, is_error: true }).await;
        }
        late
    }

    /// Looks on until no request can arrive any more.
    pub async fn recover_late(&self, late: Vec<Late>) {
        if late.is_empty() {
            return;
        }
        recover::follow(&self.core, late).await;
        self.core.say_undoable().await;
    }

    /// Tells what can be taken back, of this run and all others.
    pub async fn say_undoable(&self) {
        self.core.say_undoable().await;
    }

    /// Mitigations of this cluster that can be taken back, of this run and earlier ones, latest first.
    pub async fn undoable(&self) -> Vec<Undoable> {
        let journal = self.core.journal.clone();
        tokio::task::spawn_blocking(move || undo::list(&journal)).await.unwrap_or_default()
    }

    /// What lies where mitigations are taken back from and is not what the journal says was kept, in sentences.
    pub async fn altered(&self) -> Vec<Text> {
        let journal = self.core.journal.clone();
        tokio::task::spawn_blocking(move || journal.altered()).await.unwrap_or_default()
    }

    /// Runs a command of the list that only reads, and journals that it was run.
    pub async fn read_by_command(&self, run: &Run) -> Result<CommandOutput, Text> {
        commands::read(&self.core, run).await
    }

    /// The mitigation of this run that has this intent.
    pub fn session_id(&self, intent: u64) -> Option<MitigationId> {
        self.core.session_id(intent)
    }

    /// Number of a mitigation of this run in the journal, once it was begun.
    pub fn recorded_as(&self, id: MitigationId) -> Option<u64> {
        self.core.intent_of(id)
    }

    /// Journals something that is no write: session start, acks, notes, verdicts. A failure is reported as an event too.
    pub async fn record(&self, kind: &'static str, fields: Value) -> Result<Seq, Text> {
        self.core.journal(kind, fields).await
    }
}

/// The plan and the checks of its kind.
async fn freeze(core: &Arc<Core>, id: MitigationId, request: &Request) -> Result<(Plan, Vec<OwnCheck>), Text> {
    let (draft, undoes) = match &request.kind {
        RequestKind::Do(wish) => (kinds::draft(core, id, wish).await?, None),
        RequestKind::Undo { of } => {
            let (draft, undoes) = undo::draft(core, id, *of).await?;
            (draft, Some(undoes))
        }
    };
    if core.mitigations.disabled.iter().any(|name| name == draft.wish.kind()) {
        return Err(Text::line(&format!("{} is switched off by mitigations.disabled", draft.wish.kind())));
    }
    let mut own_checks = draft.checks;
    if let Some(why) = core.second_person(draft.level) {
        own_checks.push((CheckKind::SecondPerson, Box::pin(async { CheckResult::Block(why) })));
    }
    let (inverse, undo) = match draft.undo {
        Undo::By(wish, words) if undoes.is_some() => (Some(wish), undo::of_taking_back(&draft.title, &words)),
        Undo::By(wish, words) => (Some(wish), words),
        Undo::Nothing(why) => (None, why),
    };
    let plan = Plan {
        id,
        kind: draft.wish.kind(),
        title: draft.title,
        cluster: core.cluster.clone(),
        friction: core.friction(draft.level, &draft.targets),
        level: draft.level,
        targets: draft.targets,
        what: draft.what,
        diff: draft.diff,
        kubectl: draft.kubectl,
        undo,
        reason: request.reason.clone(),
        wish: draft.wish,
        inverse,
        undoes,
        alternative: draft.alternative,
        phases: if draft.phases.is_empty() { vec![Phase::in_order(draft.writes.len())] } else { draft.phases },
        writes: draft.writes,
        planned_at: core.clock.now().mono,
        converge: draft.converge,
    };
    Ok((plan, own_checks))
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
                for text in self.journal.take_closed() {
                    self.say(ActionEvent::Notice { text, is_error: false }).await;
                }
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

    /// Why this session writes nothing, whatever is asked of it.
    pub fn never_writes(&self) -> Option<Text> {
        if self.read_only {
            return Some("this session is read-only".into());
        }
        self.api.reader.target().unclear.clone()
    }

    /// Whose writes are not to be sent any more.
    pub fn stopped(&self) -> watch::Receiver<BTreeSet<MitigationId>> {
        self.stopped.subscribe()
    }

    /// What a card of this level asks for.
    fn friction(&self, level: Level, targets: &[Basis]) -> Friction {
        let production = self.environment.is_production;
        match level {
            Level::Disruptive if production => Friction::Word(self.environment.word.clone()),
            Level::Narrow | Level::Disruptive => Friction::Key,
            Level::Destructive => {
                let name = named(targets);
                Friction::Word(Text::line(&if production { format!("{name} {}", self.cluster.context) } else { name }))
            }
        }
    }

    /// Why a plan of this level cannot be confirmed by one person alone.
    pub fn second_person(&self, level: Level) -> Option<Text> {
        let from = self.mitigations.two_person.get(self.cluster.context.as_str())?;
        (level >= *from).then(|| {
            Text::line(&format!(
                "on {} a {} mitigation takes a second person (mitigations.two_person), who would agree through the shared incident record; that does not exist yet",
                self.cluster.context,
                level.word()
            ))
        })
    }

    /// The intent of a mitigation of this run.
    pub fn intent_of(&self, id: MitigationId) -> Option<u64> {
        lock(&self.intents).get(&id).copied()
    }

    /// The mitigation of this run that has this intent.
    pub fn session_id(&self, intent: u64) -> Option<MitigationId> {
        lock(&self.intents).iter().find(|(_, seq)| **seq == intent).map(|(id, _)| *id)
    }

    pub fn note_intent(&self, id: MitigationId, intent: Seq) {
        lock(&self.intents).insert(id, intent.0);
    }

    /// What is kept to take an intent back.
    pub async fn kept(&self, intent: Seq) -> Result<Option<Value>, Text> {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || journal.kept_for(intent)).await.unwrap_or(Ok(None))
    }

    /// Tells what can be taken back.
    pub async fn say_undoable(&self) {
        let journal = self.journal.clone();
        if let Ok(all) = tokio::task::spawn_blocking(move || undo::list(&journal)).await {
            self.say(ActionEvent::Undoable { all }).await;
        }
    }

    /// Waits before another look at something that changes by the clock. Returns how much of its time that took.
    pub async fn pause(&self, every: Duration) -> Duration {
        let speed = self.clock.speed();
        let pause = speed.pause(every);
        tokio::time::sleep(pause).await;
        speed.counted(pause)
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

/// What is typed for a destructive one: the name of its object, and of several of one kind how many there are. `9 pods`.
fn named(targets: &[Basis]) -> String {
    match targets {
        [] => String::new(),
        [first, _, ..] if targets.iter().all(|target| target.object.kind == first.object.kind) => {
            format!("{} {}", targets.len(), first.object.kind.resource())
        }
        [first, ..] => first.object.key.name.to_string(),
    }
}
