//! Pods that fail because somebody asks for it: the annotation `sev1.dev/fail` on a pod (by its deployment's template). So a
//! failure can be caused in the simulated cluster as in a real one over simulated nodes, through the API alone.

use serde_json::Value;

use super::pod;

const ANNOTATION: &str = "sev1.dev/fail";

/// How a pod fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Its container ends again and again.
    CrashLoop,
    /// The same, killed for its memory.
    OutOfMemory,
    /// Its image is not there.
    ImagePull,
    /// It runs and is never ready.
    NotReady,
    /// Its first init container ends again and again.
    InitCrashLoop,
}

impl Failure {
    /// What the pod's annotation asks for; an unknown word asks for nothing.
    pub fn of(pod: &Value) -> Option<Self> {
        match pod.pointer("/metadata/annotations")?.get(ANNOTATION)?.as_str()? {
            "crash-loop" => Some(Self::CrashLoop),
            "oom" => Some(Self::OutOfMemory),
            "image-pull" => Some(Self::ImagePull),
            "not-ready" => Some(Self::NotReady),
            "init-crash-loop" if pod::init_container(pod).is_some() => Some(Self::InitCrashLoop),
            _ => None,
        }
    }

    /// Its container does not live long.
    pub fn crashes(self) -> bool {
        matches!(self, Self::CrashLoop | Self::OutOfMemory | Self::InitCrashLoop)
    }

    /// Exit code and reason of the container that ended.
    pub fn end(self) -> (i64, &'static str) {
        if self == Self::OutOfMemory { (137, "OOMKilled") } else { (1, "Error") }
    }
}

/// The container that does what the pod does: the first, or the init container that the others wait for.
pub fn acting(pod: &Value) -> &str {
    match Failure::of(pod) {
        Some(Failure::InitCrashLoop) => pod::init_container(pod).unwrap_or_default(),
        _ => pod::container(pod),
    }
}

/// What a kubelet says of a pod whose image cannot be pulled.
pub fn without_image(pod: &Value) -> pod::ContainerState {
    let image = pod.pointer("/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default();
    pod::ContainerState::Waiting { reason: "ImagePullBackOff".into(), message: format!("Back-off pulling image \"{image}\": not found") }
}
