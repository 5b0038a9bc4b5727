//! Journal entries that are no writes (session, acks, escalation steps, notes, verdicts), in the order they happened.
//!
//! The journal belongs to a cluster, which is known only once the API server has answered. What happened before waits here:
//! an acknowledgement that the screen shows is an acknowledgement that the journal gets.

use std::time::Duration;

use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::actions::Engine;

/// Entries that may wait. A person does not make so many; a storm of alerts at a server that does not answer may.
const WAITING: usize = 4_096;

type Entry = (&'static str, Value);

pub struct Records {
    sender: mpsc::Sender<Entry>,
    stage: Stage,
}

enum Stage {
    /// No cluster yet.
    Waiting(mpsc::Receiver<Entry>),
    Writing(JoinHandle<()>),
}

impl Default for Records {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, stage: Stage::Waiting(receiver) }
    }
}

impl Records {
    /// False when too many wait: this one is not going to be in the journal.
    #[must_use]
    pub fn add(&self, kind: &'static str, fields: Value) -> bool {
        self.sender.try_send((kind, fields)).is_ok()
    }

    /// The cluster is known: `first` is written, then what waited, then what is still to come.
    pub fn begin(&mut self, engine: Engine, first: Entry) {
        let (_, nothing) = mpsc::channel(1);
        let Stage::Waiting(mut receiver) = std::mem::replace(&mut self.stage, Stage::Waiting(nothing)) else { return };
        self.stage = Stage::Writing(tokio::spawn(async move {
            let mut next = Some(first);
            while let Some((kind, fields)) = next {
                // A failure is reported by the engine's own event.
                let _ = engine.record(kind, fields).await;
                next = receiver.recv().await;
            }
        }));
    }

    /// Waits until everything is written, at most for `patience`. Says whether it is.
    pub async fn finish(self, patience: Duration) -> bool {
        drop(self.sender);
        match self.stage {
            Stage::Waiting(receiver) => {
                if !receiver.is_empty() {
                    tracing::warn!(entries = receiver.len(), "in no journal: the cluster never said which one it is");
                }
                // None of them was a write.
                true
            }
            Stage::Writing(task) => tokio::time::timeout(patience, task).await.is_ok(),
        }
    }
}
