//! What `update` asks for, done outside the loop: each request is a task of its own, so that no server can hold a key up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{
    actions::Engine,
    connect::{Reader, Writer},
    domain::{
        mitigation::{ActionEvent, CardId, ClusterIdentity},
        object::{Kind, ObjectRef},
        observation::{Observation, What},
        text::Text,
        time::Clock,
    },
    journal::{self, Journal},
    sources::{self, document},
    state::{
        msg::{Effect, Msg},
        overlay::{ViewerId, ViewerKind},
    },
};

/// How long the program waits, when leaving, for a write that was sent to be answered and journalled.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Log lines asked for when a log is opened.
const TAIL: u32 = 500;

/// What effects are done with.
pub struct Wiring {
    pub reader: Reader,
    pub writer: Writer,
    pub sources: sources::Handle,
    /// Makes the engine once it is known which cluster this is.
    pub engine: Box<dyn Fn(Arc<Journal>, ClusterIdentity) -> Engine + Send>,
    pub actions: mpsc::Sender<ActionEvent>,
    pub messages: mpsc::Sender<Msg>,
}

/// Running requests of the cockpit.
pub struct Effects {
    wiring: Wiring,
    clock: Arc<dyn Clock>,
    engine: Option<Arc<Engine>>,
    journal: Option<Arc<Journal>>,
    cards: HashMap<CardId, AbortHandle>,
    viewers: HashMap<ViewerId, AbortHandle>,
    /// Writes and journal entries, which are waited for when leaving.
    writes: JoinSet<()>,
}

impl Effects {
    pub fn new(wiring: Wiring, clock: Arc<dyn Clock>) -> Self {
        Self { wiring, clock, engine: None, journal: None, cards: HashMap::new(), viewers: HashMap::new(), writes: JoinSet::new() }
    }

    /// Opens the journal and arms the engine when the cluster first says which one it is. Later answers change nothing
    /// here: a plan is checked against the first.
    pub fn observed(&mut self, observation: &Observation) {
        let What::Identity(identity) = &observation.what else { return };
        if self.engine.is_some() {
            return;
        }
        let cluster = identity.cluster.clone();
        let journal = journal::directory(&cluster.uid)
            .and_then(|directory| Journal::open(directory, cluster.uid.clone(), cluster.user.clone(), Arc::clone(&self.clock)));
        match journal {
            Ok(journal) => {
                let journal = Arc::new(journal);
                let engine = Arc::new((self.wiring.engine)(Arc::clone(&journal), cluster.clone()));
                self.journal = Some(journal);
                self.engine = Some(Arc::clone(&engine));
                self.record("session", &serde_json::json!({ "context": cluster.context, "version": env!("CARGO_PKG_VERSION") }));
                self.writes.spawn(async move { engine.recover().await });
            }
            Err(error) => self.say(Msg::Action(ActionEvent::Journal { broken: Some(Text::line(&error.to_string())) })),
        }
    }

    pub fn perform(&mut self, effect: Effect) {
        while self.writes.try_join_next().is_some() {}
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
                if let Some(engine) = self.engine.clone() {
                    self.writes.spawn(async move { engine.execute(*confirmed).await });
                }
            }
            Effect::Open { viewer, about, what } => self.open(viewer, about, what),
            Effect::Close { viewer } => {
                if let Some(task) = self.viewers.remove(&viewer) {
                    task.abort();
                }
            }
            Effect::Record { kind, fields } => self.record(kind, &fields),
            Effect::Reconnect => self.wiring.sources.reconnect(),
            Effect::Copy(_) | Effect::Bell | Effect::Quit => {}
        }
    }

    /// Waits a little for writes under way, so that their outcome gets into the journal.
    pub async fn finish(mut self) {
        let _ = tokio::time::timeout(LAST_WORDS, async { while self.writes.join_next().await.is_some() {} }).await;
    }

    fn record(&mut self, kind: &'static str, fields: &serde_json::Value) {
        let Some(journal) = self.journal.clone() else { return };
        let fields = fields.clone();
        let actions = self.wiring.actions.clone();
        self.writes.spawn(async move {
            let written = tokio::task::spawn_blocking(move || journal.append(kind, &fields)).await;
            if let Ok(Err(error)) = written {
                let _ = actions.send(ActionEvent::Journal { broken: Some(Text::line(&error.to_string())) }).await;
            }
        });
    }

    fn open(&mut self, viewer: ViewerId, about: ObjectRef, what: ViewerKind) {
        let reader = self.wiring.reader.clone();
        let messages = self.wiring.messages.clone();
        let task = match what {
            ViewerKind::Logs { container, previous } => tokio::spawn(follow(reader, messages, viewer, about, container, previous)),
            ViewerKind::Describe => tokio::spawn(read(reader, messages, viewer, about, document::Form::Describe)),
            ViewerKind::Yaml => tokio::spawn(read(reader, messages, viewer, about, document::Form::Yaml)),
        };
        self.viewers.insert(viewer, task.abort_handle());
    }

    /// From inside the loop: through the channel, so that it is applied in order. A full channel means that the loop has
    /// more urgent things to show.
    fn say(&self, message: Msg) {
        let _ = self.wiring.messages.try_send(message);
    }
}
