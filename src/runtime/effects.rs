//! What `update` asks for, done outside the loop: each request is a task of its own, so that no server can hold a key up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};

use crate::{
    actions::{Engine, Pace, Setup},
    config::shape::{Environment, Mitigations, Servers},
    connect::{Reader, Writer},
    domain::{
        mitigation::{ActionEvent, CardId, ClusterIdentity},
        object::Scope,
        observation::{Observation, What},
        recorded::Recorded,
        text::Text,
        time::Clock,
    },
    journal::{Journal, Recall, Root},
    sources,
    state::{
        msg::{Effect, Msg},
        overlay::{ViewerId, ViewerKind},
    },
};

use super::{records::Records, viewer};

/// How long the program waits, when leaving, for a write that was sent to be answered and journalled.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What effects are done with.
pub struct Wiring {
    pub reader: Reader,
    pub writer: Writer,
    pub sources: sources::Handle,
    pub servers: Servers,
    pub scope: Scope,
    pub environment: Environment,
    pub mitigations: Mitigations,
    /// Of one write.
    pub write_timeout: Duration,
    pub read_only: bool,
    /// Where journals are.
    pub state: Root,
    pub actions: mpsc::Sender<ActionEvent>,
    pub messages: mpsc::Sender<Msg>,
}

/// Running requests of the cockpit.
pub struct Effects {
    wiring: Wiring,
    clock: Arc<dyn Clock>,
    engine: Option<Engine>,
    cards: HashMap<CardId, AbortHandle>,
    viewers: HashMap<ViewerId, AbortHandle>,
    records: Records,
    /// Looks for what a crash left open; waited for when leaving.
    recovery: Option<JoinHandle<()>>,
}

impl Effects {
    pub fn new(wiring: Wiring, clock: Arc<dyn Clock>) -> Self {
        Self { wiring, clock, engine: None, cards: HashMap::new(), viewers: HashMap::new(), records: Records::default(), recovery: None }
    }

    /// Opens the journal and arms the engine when the cluster first says which one it is. Later answers change nothing
    /// here: every write is checked against the first.
    pub fn observed(&mut self, observation: &Observation) {
        let What::Identity(identity) = &observation.what else { return };
        if self.engine.is_some() {
            return;
        }
        let cluster = identity.cluster.clone();
        let directory = match self.wiring.state.directory(&cluster.uid) {
            Ok(directory) => directory,
            Err(error) => {
                self.say(Msg::Recalled(Vec::new()));
                return self.say(Msg::Action(ActionEvent::Journal { broken: Some(Text::line(&error.to_string())) }));
            }
        };
        // A journal that cannot be written yet is tried again with each record; the engine says so through its events.
        let journal = Arc::new(Journal::new(directory, cluster.uid.clone(), cluster.user.clone(), Arc::clone(&self.clock)));
        let engine = self.build_engine(Arc::clone(&journal), cluster.clone());
        self.engine = Some(engine.clone());
        drop(tokio::spawn(follow_others(journal, engine.clone(), self.wiring.messages.clone())));
        let session = serde_json::json!({ "context": cluster.context, "version": env!("CARGO_PKG_VERSION") });
        self.records.begin(engine.clone(), ("session", session));
        self.recovery = Some(tokio::spawn(async move {
            let late = engine.recover().await;
            // Nothing waits for this one: what it has not found out stays open for the next run.
            drop(tokio::spawn(async move { engine.recover_late(late).await }));
        }));
    }

    /// After a stop: what was asked for before it will not be answered any more.
    pub fn continued(&self) {
        self.wiring.sources.reconnect();
    }

    fn build_engine(&self, journal: Arc<Journal>, cluster: ClusterIdentity) -> Engine {
        Engine::new(Setup {
            reader: self.wiring.reader.clone(),
            writer: self.wiring.writer.clone(),
            journal,
            servers: self.wiring.servers.clone(),
            scope: self.wiring.scope.clone(),
            cluster,
            environment: self.wiring.environment.clone(),
            mitigations: self.wiring.mitigations.clone(),
            read_only: self.wiring.read_only,
            clock: Arc::clone(&self.clock),
            events: self.wiring.actions.clone(),
            pace: Pace { write_timeout: self.wiring.write_timeout, ..Pace::of(&self.wiring.mitigations) },
        })
    }

    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Plan { card, id, request } => {
                let Some(engine) = self.engine.clone() else {
                    self.say(Msg::Action(ActionEvent::NotPlanned { card, why: "the cluster has not answered yet".into() }));
                    return;
                };
                let task = tokio::spawn(async move { engine.plan(card, id, request).await });
                self.cards.insert(card, task.abort_handle());
            }
            Effect::Abandon { card } => {
                if let Some(task) = self.cards.remove(&card) {
                    task.abort();
                }
            }
            Effect::Execute(confirmed) => {
                if let Some(engine) = &self.engine {
                    // Runs on without its handle; `finish` waits for it.
                    drop(engine.execute(*confirmed));
                }
            }
            Effect::Stop(id) => {
                if let Some(engine) = &self.engine {
                    engine.stop(id);
                }
            }
            Effect::Open { viewer, about, what } => {
                let messages = self.wiring.messages.clone();
                let task = match (what, self.engine.clone()) {
                    (ViewerKind::Command { run: Some(run), .. }, Some(engine)) => tokio::spawn(viewer::command(engine, messages, viewer, run)),
                    (ViewerKind::Diff { writes }, Some(engine)) => tokio::spawn(viewer::diff(engine, messages, viewer, writes)),
                    (ViewerKind::Command { run: Some(_), .. } | ViewerKind::Diff { .. }, None) => {
                        let ended = Some("the cluster has not answered yet".into());
                        return self.say(Msg::Lines { viewer, lines: Vec::new(), ended });
                    }
                    (what, _) => tokio::spawn(viewer::fill(self.wiring.reader.clone(), messages, viewer, about, what)),
                };
                self.viewers.insert(viewer, task.abort_handle());
            }
            Effect::Close { viewer } => {
                if let Some(task) = self.viewers.remove(&viewer) {
                    task.abort();
                }
            }
            Effect::Record { kind, fields } => self.record(kind, fields),
            Effect::Watch(kind) => self.wiring.sources.want(kind),
            Effect::Reconnect => self.wiring.sources.start_over(),
            Effect::ListNamespaces => {
                let (reader, messages) = (self.wiring.reader.clone(), self.wiring.messages.clone());
                drop(tokio::spawn(async move {
                    let names = sources::namespaces::names(&reader).await;
                    let _ = messages.send(Msg::Namespaces(names)).await;
                }));
            }
            // The loop does these itself.
            Effect::Copy(_) | Effect::CopySelected | Effect::Bell | Effect::Theme(_) | Effect::Suspend | Effect::Switch(_) | Effect::Quit { .. } => {}
        }
    }

    /// Waits a little for writes under way, so that their outcome gets into the journal. Says whether it did.
    pub async fn finish(self) -> bool {
        let settled = match &self.engine {
            Some(engine) => {
                engine.stop_all();
                engine.settled(LAST_WORDS).await
            }
            None => true,
        };
        let recovered = async {
            if let Some(recovery) = self.recovery {
                let _ = tokio::time::timeout(LAST_WORDS, recovery).await;
            }
        };
        let (recorded, ()) = tokio::join!(self.records.finish(LAST_WORDS), recovered);
        settled && recorded
    }

    fn record(&self, kind: &'static str, fields: serde_json::Value) {
        if !self.records.add(kind, fields) {
            let text = Text::line(&format!("too much waits for the journal: “{kind}” will not be in it"));
            self.say(Msg::Notice { text, is_error: true });
        }
    }

    /// From inside the loop: through the channel, so that it is applied in order. A full channel means that the loop has
    /// more urgent things to show.
    fn say(&self, message: Msg) {
        let _ = self.wiring.messages.try_send(message);
    }
}

/// How often the journal is looked at for what other runs write into it.
const LOOK_FOR_OTHERS_EVERY: Duration = Duration::from_secs(2);

/// Says what other runs wrote down about this cluster, and what they do to it from then on. Ends with the program. Where the journal cannot
/// be read at first, that is said, and nothing was written down.
async fn follow_others(journal: Arc<Journal>, engine: Engine, messages: mpsc::Sender<Msg>) {
    let mut length = journal.length();
    let first = read_back(&journal).await;
    if let Err(why) = &first {
        let text = Text::line(&format!("acknowledgements and calls of earlier runs are not known: {why}"));
        let _ = messages.send(Msg::Notice { text, is_error: true }).await;
    }
    let Recall { told, mut mitigations } = first.unwrap_or_default();
    let _ = messages.send(Msg::Recalled(told)).await;
    if !mitigations.is_empty() {
        let _ = messages.send(Msg::Recorded(mitigations.clone())).await;
    }
    while !messages.is_closed() {
        tokio::time::sleep(LOOK_FOR_OTHERS_EVERY).await;
        let now_long = journal.length();
        if std::mem::replace(&mut length, now_long) == now_long {
            continue;
        }
        // One that cannot be read any more is said by whoever writes to it.
        if let Ok(Recall { mitigations: now, .. }) = read_back(&journal).await
            && now != mitigations
        {
            mitigations.clone_from(&now);
            let _ = messages.send(Msg::Recorded(now.into_iter().map(|one| of_this_run(one, &engine)).collect())).await;
            engine.say_undoable().await;
        }
    }
}

/// Says which mitigation of this run it takes back, if it does.
fn of_this_run(recorded: Recorded, engine: &Engine) -> Recorded {
    Recorded { undoes_here: recorded.undoes.and_then(|intent| engine.session_id(intent)), ..recorded }
}

async fn read_back(journal: &Arc<Journal>) -> Result<Recall, String> {
    let journal = Arc::clone(journal);
    match tokio::task::spawn_blocking(move || journal.recall()).await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
