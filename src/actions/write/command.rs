//! Commands in a container: run once, and what they did cannot be read.

use serde_json::{Value, json};

use super::Permission;
use crate::{
    actions::{
        api::{Api, Sent},
        commands, pods,
    },
    connect::{End, ExecError},
    domain::{mitigation::CommandRun, text::Text},
};

/// Why a lost outcome stays unknown.
pub const UNREADABLE: &str = "what a command did cannot be read";

pub async fn send(api: &Api, run: &CommandRun) -> Sent {
    match commands::exec(api, run).await {
        Ok(ran) => match &ran.end {
            End::Code(0) => Sent::Ran(ran),
            End::Code(code) => {
                let complains = String::from_utf8_lossy(&ran.stderr);
                let complains = complains.lines().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
                Sent::Failed(Text::bounded(&format!("it ended with exit code {code}; what it did before is done: {complains}"), 400))
            }
            End::Broken(says) if was_never_begun(says) => Sent::Failed(Text::line(&format!("nothing was run: {says}"))),
            End::Broken(says) => Sent::Unknown(Text::line(&format!("the server lost it: {says}"))),
        },
        Err(ExecError::Refused { says, status }) if status < 500 => Sent::Refused { status, says },
        Err(error @ (ExecError::NotSent(_) | ExecError::Refused { .. })) => Sent::Failed(commands::words(run, &error)),
        Err(error @ ExecError::NoEnd { .. }) => Sent::Unknown(commands::words(run, &error)),
    }
}

/// By the words of container runtimes and of the API server.
fn was_never_begun(says: &str) -> bool {
    ["executable file not found", "container not found", "error dialing backend", "no such file or directory: unknown", "is not valid for pod"]
        .iter()
        .any(|words| says.contains(words))
}

/// The API server asks for both: a WebSocket is opened by GET, and a command is something that is created.
pub fn permissions(run: &CommandRun) -> Vec<Permission> {
    let of = |verb: &str| {
        Permission::Review(json!({
            "namespace": run.pod.key.namespace, "verb": verb, "group": "", "resource": "pods", "subresource": "exec", "name": run.pod.key.name,
        }))
    };
    vec![of("create"), of("get")]
}

pub async fn moved(api: &Api, run: &CommandRun) -> Result<Option<Text>, Text> {
    let pod = api.find(&run.pod).await.map_err(|error| error.text())?;
    Ok(match pod {
        None => Some(Text::line(&format!("{} is gone", run.pod))),
        Some(pod) if pods::uid(&pod) != run.pod.uid.as_str() => {
            Some(Text::line(&format!("changed since planned: another pod has the name of {}", run.pod)))
        }
        Some(pod) if !commands::is_running(&pod, Some(&run.container)) => {
            Some(Text::line(&format!("changed since planned: {} of {} does not run any more", run.container, run.pod)))
        }
        Some(_) => None,
    })
}

pub fn record(run: &CommandRun) -> Value {
    json!({ "command": run.entry, "argv": run.shown_argv(), "object": run.pod.path(), "target": run.pod, "container": run.container })
}
