//! Fills an open viewer: a document once, a log as it grows.

use tokio::sync::mpsc;

use crate::{
    actions::Engine,
    connect::Reader,
    domain::{
        asks::Run,
        mitigation::{CommandOutput, Write},
        object::ObjectRef,
        text::Text,
    },
    sources::{
        document,
        logs::{self, Following, Said},
    },
    state::{
        msg::{LogNews, Msg},
        overlay::{ViewerId, ViewerKind},
    },
};

/// Log lines asked for when a log is opened.
const TAIL: u32 = 500;

/// Batches of log lines that may wait for the loop; more slow the stream down.
const WAITING: usize = 8;

/// Reads what the viewer shows until it ends; dropping the future stops it.
pub async fn fill(reader: Reader, messages: mpsc::Sender<Msg>, viewer: ViewerId, about: ObjectRef, what: ViewerKind) {
    let form = match what {
        ViewerKind::Logs { container, previous } => {
            let following = Following { pod: about.key, container, previous, tail: TAIL };
            return follow(reader, messages, viewer, following).await;
        }
        ViewerKind::Describe => document::Form::Describe,
        ViewerKind::Yaml => document::Form::Yaml,
        // These need the engine: `command` and `diff` below, or nothing.
        ViewerKind::Command { .. } | ViewerKind::Diff { .. } | ViewerKind::Detail { .. } => return,
    };
    let message = match document::document(&reader, &about, form).await {
        Ok(lines) => Msg::Lines { viewer, lines, ended: Some("complete".into()) },
        Err(error) => Msg::Lines { viewer, lines: Vec::new(), ended: Some(error.text()) },
    };
    let _ = messages.send(message).await;
}

/// Runs a command that only reads, and shows what it wrote.
pub async fn command(engine: Engine, messages: mpsc::Sender<Msg>, viewer: ViewerId, run: Run) {
    let message = match engine.read_by_command(&run).await {
        Ok(CommandOutput { lines, summary, .. }) => Msg::Lines { viewer, lines, ended: Some(summary) },
        Err(why) => Msg::Lines { viewer, lines: Vec::new(), ended: Some(why) },
    };
    let _ = messages.send(message).await;
}

/// Has the writes of a card tried once more, and shows what the server would store.
pub async fn diff(engine: Engine, messages: mpsc::Sender<Msg>, viewer: ViewerId, writes: Vec<Write>) {
    let message = match engine.full_diff(&writes).await {
        Ok(lines) => {
            // They have their limit already.
            let whole = |line: String| Text::bounded(&line, line.len());
            let lines = lines.iter().map(|line| whole(line.to_string())).collect();
            Msg::Lines { viewer, lines, ended: Some("as the server would store it now".into()) }
        }
        Err(why) => Msg::Lines { viewer, lines: Vec::new(), ended: Some(why) },
    };
    let _ = messages.send(message).await;
}

async fn follow(reader: Reader, messages: mpsc::Sender<Msg>, viewer: ViewerId, following: Following) {
    let (out, mut said) = mpsc::channel(WAITING);
    let stream = logs::follow(reader, following, out);
    let pass_on = async {
        while let Some(said) = said.recv().await {
            let message = match said {
                Said::Containers { all, shown } => Msg::Log { viewer, news: LogNews::Containers { all, shown } },
                Said::Lines(lines) => Msg::Log { viewer, news: LogNews::Lines(lines) },
                Said::Waiting(why) => Msg::Log { viewer, news: LogNews::Waiting(why) },
                Said::Ended(why) => Msg::Lines { viewer, lines: Vec::new(), ended: Some(why) },
            };
            if messages.send(message).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(stream, pass_on);
}
