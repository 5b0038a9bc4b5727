//! What KEDA does to a number of replicas: by the `ScaledObject` that has the workload as its target.
//!
//! The autoscaler that KEDA makes of one does not tell: its least is never below one, since it is KEDA itself that goes to zero and
//! comes back from there, and there is none while the `ScaledObject` is paused.
//!
//! Sources: keda.sh, "Scaling Deployments, `StatefulSets` & Custom Resources", "`ScaledObject` specification" and "Pause autoscaling";
//! for zero and idle `pkg/scaling/executor/scale_scaledobjects.go`, for pauses `apis/keda/v1alpha1/scaledobject_types.go` of KEDA 2.21.

use serde_json::Value;

use crate::{
    connect::ConnectError,
    domain::{
        catalogue::Right,
        object::{ObjectRef, segment},
        text::Text,
    },
};

use super::{api::Api, pods};

/// What it takes to read its objects. Without them the check says that it is not known whether KEDA scales.
pub const RIGHTS: &[Right] = &[Right::on("list", GROUP, "scaledobjects")];

const GROUP: &str = "keda.sh";
const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_AT: &str = "autoscaling.keda.sh/paused-replicas";
const PAUSED_IN: &str = "autoscaling.keda.sh/paused-scale-in";
const PAUSED_OUT: &str = "autoscaling.keda.sh/paused-scale-out";
/// Where a `ScaledObject` names no bounds.
const LEAST: u64 = 0;
const MOST: u64 = 100;

/// How KEDA scales one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaledObject {
    name: Text,
    min: u64,
    max: u64,
    /// How many there are while no trigger is active, where that is not the least.
    idle: Option<u64>,
    pause: Pause,
}

/// What KEDA is told not to do for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    Nothing,
    ScalingIn,
    ScalingOut,
    /// Anything, whatever the number is.
    Everything,
    /// Anything but setting this number.
    At(u64),
}

/// The `ScaledObject` of a workload; none without one, and where the cluster serves no KEDA.
///
/// # Errors
/// Why it is not known whether there is one.
pub async fn scaled_object(api: &Api, target: &ObjectRef) -> Result<Option<ScaledObject>, Text> {
    let path = format!("/apis/{GROUP}/v1alpha1/namespaces/{}/scaledobjects", segment(&target.key.namespace));
    match api.list(&path, "").await {
        Ok((objects, is_partial)) => match objects.iter().find(|object| scales(object, target)) {
            None if is_partial => Err("there are more ScaledObjects than are looked through".into()),
            found => Ok(found.map(ScaledObject::read)),
        },
        Err(ConnectError::NotFound { .. }) => Ok(None),
        // Who may not look is refused also where there is nothing to look at; everybody is told which groups there are.
        Err(refused @ ConnectError::Forbidden { .. }) => match api.get(&format!("/apis/{GROUP}")).await {
            Err(ConnectError::NotFound { .. }) => Ok(None),
            _ => Err(refused.text()),
        },
        Err(error) => Err(error.text()),
    }
}

fn scales(object: &Value, target: &ObjectRef) -> bool {
    let text = |name: &str| object.pointer("/spec/scaleTargetRef")?.get(name)?.as_str();
    target.kind.is_called(text("kind").unwrap_or("Deployment")) && text("name").is_some_and(|name| target.key.name == Text::line(name))
}

impl ScaledObject {
    fn read(object: &Value) -> Self {
        let number = |name: &str| object.get("spec")?.get(name)?.as_u64();
        Self {
            name: Text::line(pods::name(object)),
            min: number("minReplicaCount").unwrap_or(LEAST),
            max: number("maxReplicaCount").unwrap_or(MOST),
            idle: number("idleReplicaCount"),
            pause: Pause::read(object),
        }
    }

    /// What it does to a number of replicas that somebody else sets.
    pub fn fate(&self, replicas: u64) -> String {
        let Self { name, min, max, idle, pause } = self;
        let who = format!("KEDA ScaledObject {name}");
        let fate = match (pause, replicas) {
            (Pause::At(held), _) if *held != replicas => {
                return format!("{who} is paused at {held}: it may set that again at any moment, and decides once it is resumed");
            }
            (Pause::Everything | Pause::At(_), _) => return format!("{who} is paused: it decides once it is resumed"),
            (_, 0) if *min == 0 || idle.is_some() => format!("{who} brings it back from 0 as soon as one of its triggers is active"),
            (_, 0) => format!("{who} will bring it back to {min} within a minute: change its own bounds instead"),
            (_, replicas) if (*min..=*max).contains(&replicas) => match idle {
                Some(idle) => {
                    format!("{who} decides between {min} and {max} ({idle} while no trigger is active) and may set its own number within a minute")
                }
                None => format!("{who} decides between {min} and {max} and may set its own number within a minute"),
            },
            _ => format!("{who} will bring it back into {min}..{max} within a minute: change its own bounds instead"),
        };
        match pause {
            Pause::ScalingIn => format!("{fate}; it is told not to scale in"),
            Pause::ScalingOut => format!("{fate}; it is told not to scale out"),
            _ => fate,
        }
    }
}

impl Pause {
    fn read(object: &Value) -> Self {
        let note = |name: &str| object.pointer("/metadata/annotations")?.get(name)?.as_str();
        // What is neither true nor false counts as true.
        let is_on = |name: &str| note(name).is_some_and(|value| !["0", "f", "F", "false", "False", "FALSE"].contains(&value));
        match note(PAUSED_AT) {
            Some(count) => count.parse().map_or(Self::Everything, Self::At),
            None if is_on(PAUSED) || is_on(PAUSED_IN) && is_on(PAUSED_OUT) => Self::Everything,
            None if is_on(PAUSED_IN) => Self::ScalingIn,
            None if is_on(PAUSED_OUT) => Self::ScalingOut,
            None => Self::Nothing,
        }
    }
}
