//! What a pod says of its containers: which there are, which one is meant, and how that one is.

use serde_json::Value;

use crate::domain::{
    log::{ContainerRole, LogContainer},
    text::Text,
};

/// Names the container that kubectl takes where none is asked for.
const DEFAULT: &str = "/metadata/annotations/kubectl.kubernetes.io~1default-container";

/// A pod, as far as one of its logs is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub pod: String,
    pub uid: String,
    pub node: Option<String>,
    /// In the order in which they start: init containers and sidecars, main ones, those for debugging.
    pub containers: Vec<LogContainer>,
    /// The one that is meant: its place in `containers`.
    pub meant: usize,
    /// What the annotation names, where the pod has no such container.
    pub mistaken: Option<Text>,
    /// Which run of it is the last.
    pub run: Option<String>,
    pub is_running: bool,
    /// It will not be started again.
    pub is_over: bool,
    pub end: Option<Text>,
}

impl Look {
    pub fn meant(&self) -> &LogContainer {
        &self.containers[self.meant]
    }

    /// An init container that the meant one waits for.
    pub fn waits_for(&self) -> Option<&LogContainer> {
        let is_done = |container: &LogContainer| match container.role {
            ContainerRole::Init => container.state.starts_with("Completed"),
            ContainerRole::Sidecar => &*container.state == "Running",
            ContainerRole::Main | ContainerRole::Ephemeral => true,
        };
        self.containers[..self.meant].iter().find(|container| !is_done(container))
    }
}

/// `wanted`, or the container that `kubectl logs` takes: the annotated one, else the first. The error is a sentence for the viewer.
pub(super) fn look(pod: &Value, wanted: Option<&str>) -> Result<Look, Text> {
    let own = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let name = own("/metadata/name").unwrap_or_default();
    let mut found: Vec<(&Value, Option<&Value>, ContainerRole)> = Vec::new();
    for (part, statuses, role) in [
        ("initContainers", "initContainerStatuses", ContainerRole::Init),
        ("containers", "containerStatuses", ContainerRole::Main),
        ("ephemeralContainers", "ephemeralContainerStatuses", ContainerRole::Ephemeral),
    ] {
        let specs = pod.pointer(&format!("/spec/{part}")).and_then(Value::as_array);
        let statuses = pod.pointer(&format!("/status/{statuses}")).and_then(Value::as_array);
        for spec in specs.into_iter().flatten() {
            let status = statuses.and_then(|all| all.iter().find(|status| status.get("name") == spec.get("name")));
            let is_sidecar = role == ContainerRole::Init && text(spec, "restartPolicy") == Some("Always");
            found.push((spec, status, if is_sidecar { ContainerRole::Sidecar } else { role }));
        }
    }
    let place = |wanted: &str| found.iter().position(|(spec, ..)| text(spec, "name") == Some(wanted));
    let annotated = own(DEFAULT).filter(|name| wanted.is_none() && !name.is_empty());
    let meant = match wanted {
        Some(wanted) => place(wanted).ok_or_else(|| {
            let names: Vec<&str> = found.iter().filter_map(|(spec, ..)| text(spec, "name")).collect();
            Text::line(&format!("there is no container {wanted} in pod {name}: it has {}", names.join(", ")))
        })?,
        None => annotated
            .and_then(place)
            .or_else(|| found.iter().position(|(.., role)| *role == ContainerRole::Main))
            .ok_or_else(|| Text::line(&format!("pod {name} has no container")))?,
    };
    let mistaken = annotated.filter(|name| place(name).is_none()).map(Text::line);
    let (spec, status, role) = found[meant];
    let code = status.and_then(|status| status.pointer("/state/terminated/exitCode")?.as_i64());
    let of_pod = own("/spec/restartPolicy").unwrap_or("Always");
    let starts_again = match (text(spec, "restartPolicy"), role) {
        (_, ContainerRole::Ephemeral) => "Never",
        (Some(policy), _) => policy,
        // An init container runs until it has succeeded once.
        (None, ContainerRole::Init) if of_pod == "Always" => "OnFailure",
        (None, _) => of_pod,
    };
    let phase_over = matches!(own("/status/phase"), Some("Succeeded" | "Failed"));
    let is_over = phase_over || code.is_some_and(|code| starts_again == "Never" || starts_again == "OnFailure" && code == 0);
    let containers: Vec<LogContainer> = found.iter().map(|(spec, status, role)| container(spec, *status, *role)).collect();
    Ok(Look {
        pod: name.to_owned(),
        uid: own("/metadata/uid").unwrap_or_default().to_owned(),
        node: own("/spec/nodeName").filter(|node| !node.is_empty()).map(str::to_owned),
        meant,
        mistaken,
        run: status.and_then(|status| text(status, "containerID")).filter(|run| !run.is_empty()).map(str::to_owned),
        is_running: status.is_some_and(|status| status.pointer("/state/running").is_some()),
        is_over,
        end: code.map(|_| Text::line(&format!("the container has ended: {}", containers[meant].state))),
        containers,
    })
}

fn container(spec: &Value, status: Option<&Value>, role: ContainerRole) -> LogContainer {
    let said = |pointer: &str| status.and_then(|status| status.pointer(pointer)?.as_str()).filter(|word| !word.is_empty());
    let has = |pointer: &str| status.is_some_and(|status| status.pointer(pointer).is_some());
    let state = if has("/state/terminated") {
        let code = status.and_then(|status| status.pointer("/state/terminated/exitCode")?.as_i64()).unwrap_or(0);
        let reason = said("/state/terminated/reason").unwrap_or("ended");
        format!("{reason} (exit code {code})")
    } else if has("/state/running") {
        "Running".to_owned()
    } else {
        said("/state/waiting/reason").unwrap_or("not started").to_owned()
    };
    let restarts = status.and_then(|status| status.get("restartCount")?.as_u64()).unwrap_or(0);
    LogContainer {
        name: text(spec, "name").unwrap_or_default().into(),
        role,
        state: Text::line(&state),
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
